/* courier.h - posts one signed message to a receiver and waits for its answer. Blocks: for a thread of its own, or a
 * run that ends. Over the client that passes webhooks on (forward.h); signed as Standard Webhooks. Redirects are not
 * followed; http and https alone; addresses of one's own premises are as good as any.
 */
#ifndef CT_COURIER_H
#define CT_COURIER_H

#include "engine/ct.h"

struct ct_courier_options {
    const char *url, *authorities;   /* authorities: PEM file, NULL = the system's */
    const char *const *secrets;      /* NULL-terminated; "whsec_" and base64 each. Outlive the courier */
    ct_usec patience;                /* for one answer; 0 = 10 s */
    ct_usec (*now)(void);            /* of the calendar: the signature's timestamp */
    bool (*stopping)(void *context); /* asked every 100 ms while it waits: true = give up. NULL = never */
    void *context;
};
struct ct_courier;
/* *out NULL where it fails: CT_BAD_CONFIG (the URL, a secret), CT_IO, CT_NO_MEMORY: *err says why. */
enum ct_status ct_courier_new(const struct ct_courier_options *options, struct ct_courier **out,
                              struct ct_error *err) CT_MUST_USE;
/* The same of the URL and of the secrets (NULL-terminated), without making one. CT_BAD_CONFIG: *err says why. */
enum ct_status ct_courier_check_url(const char *url, struct ct_error *err) CT_MUST_USE;
enum ct_status ct_courier_check_secrets(const char *const *secrets, struct ct_error *err) CT_MUST_USE;
/* Other options for the same courier, which stays what it was where it fails; what the authorities' file holds is read
 * anew. Between two messages. */
enum ct_status ct_courier_readdress(struct ct_courier *courier, const struct ct_courier_options *options,
                                    struct ct_error *err) CT_MUST_USE;
void ct_courier_free(struct ct_courier *courier); /* NULL allowed; by the thread that sends */
/* true = the receiver answered 2xx. Else *reason says what happened ("forward_timeout", "refused"; constant), and
 * *http_status what it answered, 0 = nothing. One thread at a time. */
CT_MUST_USE bool ct_courier_send(struct ct_courier *courier, const char *id, ct_span body, int *http_status,
                                 const char **reason);

#endif
