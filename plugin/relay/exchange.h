/* exchange.h - a request and its answer, and which of the two may be handed on already.
 *
 *   client is the customer (IN): the request is handed on when it is whole: it has been said.
 *   client is the bot (OUT):     when the platform has answered 2xx: before that nobody has been told anything.
 * The answer's body follows its request, where it is 2xx.
 */
#ifndef CT_EXCHANGE_H
#define CT_EXCHANGE_H

#include "plugin/relay/body.h"

#define CT_TARGET_MAX 255 /* as a name on the tape */

struct ct_exchange {
    struct ct_exchange *next; /* the one that was asked after it */
    char target[CT_TARGET_MAX + 1];
    size_t target_len;
    size_t waiting;  /* bytes of the request that are held */
    unsigned status; /* of the answer, once `answered` */
    bool read;       /* its path is one that is read */
    bool no_body;    /* HEAD */
    bool tunnel;     /* CONNECT */
    bool request_done, answered, response_done, request_given;
    struct ct_body request, response;
};

/* "METHOD /path" without query, which may hold secrets; whether `paths` (NULL = all) has it. */
void ct_exchange_target(struct ct_exchange *exchange, ct_span method, ct_span url, const char *const *paths);
static inline bool ct_exchange_ok(const struct ct_exchange *exchange)
{
    return exchange->answered && exchange->status >= 200 && exchange->status < 300;
}
void ct_exchange_free(struct ct_exchange *exchange);

#endif
