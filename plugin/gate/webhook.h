/* webhook.h - POST /webhook/<source>: what a platform calls. Its signature is checked over the raw body, 200 comes once
 * the tape has it, and it may be passed on to the real receiver, whose answer is then the platform's. docs/webhooks.md.
 */
#ifndef CT_WEBHOOK_H
#define CT_WEBHOOK_H

#include "plugin/gate/gate.h"

#define CT_WEBHOOK_MAP(X)                                                                                              \
    X(NONE, "none") X(WHATSAPP, "whatsapp") X(STANDARD, "standard") X(CHATWOOT, "chatwoot") X(SECRET, "secret")
enum ct_webhook_kind {
#define X(name, text) CT_WEBHOOK_##name,
    CT_WEBHOOK_MAP(X)
#undef X
};
CT_MUST_USE bool ct_webhook_kind_from(ct_span text, enum ct_webhook_kind *out);

struct ct_webhook_options { /* what it points at must outlive the receiver */
    const char *source;
    enum ct_webhook_kind kind;
    const char *const *secrets; /* NULL-terminated; several while they are rotated. None for CT_WEBHOOK_NONE alone */
    const char *header;         /* SECRET: where it stands; NULL = "X-Webhook-Secret" */
    const char *verify_token;   /* WHATSAPP: of the GET challenge; NULL = challenges are refused */
    ct_usec tolerance;          /* STANDARD, CHATWOOT: of their timestamps; 0 = 5 min */
    const char *path;           /* NULL = "/webhook/<source>" */
    const char *forward;        /* "https://bot.example/hook": the real receiver; NULL = none */
    const char *authority;      /* PEM file of who signs its certificate; NULL = the system's */
    ct_usec forward_usec;       /* for its answer; 0 = 10 s */
    size_t body_max;            /* 0 = 4 MiB */
};

struct ct_webhooks;
/* CT_BAD_CONFIG with the remedy: no secret, a bad URL, NONE where others can reach the gate (`loopback` false). */
struct ct_webhooks *ct_webhooks_new(const struct ct_webhook_options *options, size_t count,
                                    const struct ct_intake *intake, ct_usec (*now)(void), bool loopback,
                                    struct ct_error *err) CT_MUST_USE;
void ct_webhooks_free(struct ct_webhooks *webhooks); /* the gate has stopped */
/* One a source; valid until ct_webhooks_free. */
const struct ct_route *ct_webhooks_routes(const struct ct_webhooks *webhooks, size_t *count);

#endif
