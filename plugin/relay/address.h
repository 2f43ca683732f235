/* address.h - "127.0.0.1:8080", "[::1]:8080", "gateway.local:3000", "unix:/path": to sockets and back. */
#ifndef CT_ADDRESS_H
#define CT_ADDRESS_H

#include "engine/ct.h"

#include <sys/socket.h>

struct ct_address {
    struct sockaddr_storage at;
    socklen_t len;
};
#define CT_ADDRESS_TEXT 160

/* The host of an address as a person wrote it, without port and brackets; false: it is none. `host` has 256 bytes. */
bool ct_address_host(const char *text, char *host) CT_MUST_USE;
/* A bound and listening non-blocking socket. A stale Unix socket is replaced, one that somebody serves is not. */
enum ct_status ct_address_listen(const char *text, int backlog, int *fd, struct ct_error *err) CT_MUST_USE;
/* What a socket is bound to, in the form above. */
void ct_address_format(int fd, char out[CT_ADDRESS_TEXT]);

/* Where connections go to. A name is looked up in a thread of its own, again after failures and every minute. */
struct ct_upstream;
enum ct_status ct_upstream_open(const char *text, struct ct_upstream **out, struct ct_error *err) CT_MUST_USE;
/* The name's address number `index`; false: it has no more. Never blocks. */
bool ct_upstream_address(struct ct_upstream *upstream, unsigned index, struct ct_address *out) CT_MUST_USE;
/* None of them could be reached: look it up again soon. */
void ct_upstream_failed(struct ct_upstream *upstream);
void ct_upstream_close(struct ct_upstream *upstream); /* may be NULL */

#endif
