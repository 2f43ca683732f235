/* tls.h - what OpenSSL is told, once for each side of a relay. HTTP/1.1 is the only protocol that is ever agreed on. */
#ifndef CT_TLS_H
#define CT_TLS_H

#include "plugin/relay/relay.h"

#include <openssl/ssl.h>

/* For the side that clients connect to: its certificate; with `verify`, clients need one of `authorities`. */
enum ct_status ct_tls_listen(const struct ct_relay_tls *with, SSL_CTX **out, struct ct_error *err) CT_MUST_USE;
/* For the side towards the gateway. */
enum ct_status ct_tls_connect(const struct ct_relay_tls *with, SSL_CTX **out, struct ct_error *err) CT_MUST_USE;
/* A connection's own part; NULL: out of memory. `host` of a connection to the gateway: for SNI and, with `verify`, the
 * name or address that its certificate must have. */
SSL *ct_tls_accepted(SSL_CTX *context, int fd) CT_MUST_USE;
SSL *ct_tls_connected(SSL_CTX *context, int fd, const char *host, bool verify) CT_MUST_USE;

#endif
