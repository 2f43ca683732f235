/* side.h - one end of a relayed connection: a non-blocking socket, TLS on it or not, and what waits to be written. */
#ifndef CT_SIDE_H
#define CT_SIDE_H

#include "plugin/relay/held.h"

#include <openssl/ssl.h>

enum { CT_SIDE_WAIT = -1, CT_SIDE_BROKEN = -2 }; /* beside a number of bytes */

struct ct_side {
    int fd;             /* -1 = none */
    SSL *ssl;           /* NULL = plain */
    struct ct_held out; /* what the socket has not taken yet, from `out_begin` on */
    size_t out_begin;
    bool gateway;   /* which end it is */
    bool connected; /* of the gateway's: TCP is through */
    bool secured;   /* TLS is through; true where there is none */
    bool readable;  /* there may be something to read */
    bool hung;      /* the end or an error is near: read until it is there */
    bool ended;     /* it sends no more */
    bool shut;      /* we have told it that no more comes */
    bool broken;    /* it takes no more */
};

static inline size_t ct_side_waiting(const struct ct_side *side)
{
    return side->out.len - side->out_begin;
}
static inline bool ct_side_ready(const struct ct_side *side)
{
    return side->connected && side->secured;
}
/* > 0 bytes; 0 the end; CT_SIDE_WAIT; CT_SIDE_BROKEN: reset, or TLS that is none. */
ssize_t ct_side_read(struct ct_side *side, char *to, size_t len);
/* >= 0 bytes taken, possibly fewer; CT_SIDE_BROKEN. */
ssize_t ct_side_write(struct ct_side *side, ct_span bytes);
/* Writes what waits. false: broken. */
bool ct_side_flush(struct ct_side *side);
/* Goes on with the TLS handshake: 1 through, 0 waits, -1 failed. */
int ct_side_secure(struct ct_side *side);
/* No more comes from us; the other direction goes on. */
void ct_side_shut(struct ct_side *side);
/* Everything that we wrote has been acknowledged by the other machine. */
bool ct_side_delivered(const struct ct_side *side);
/* Closes: with a reset, or after what the kernel still has to deliver. */
void ct_side_close(struct ct_side *side, bool reset);

#endif
