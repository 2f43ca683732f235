/* access.h - who may do what: bearer tokens with scopes, origins. No I/O but reading the token file. Any thread. */
#ifndef CT_ACCESS_H
#define CT_ACCESS_H

#include "engine/ct.h"

#define CT_SCOPE_MAP(X) X(NONE, "") X(INGEST, "ingest") X(READ, "read") X(ADMIN, "admin")
enum ct_scope {
#define X(name, text) CT_SCOPE_##name,
    CT_SCOPE_MAP(X)
#undef X
};

struct ct_principal {
    char name[64];          /* for logs: never the token; "" = nobody: none was needed */
    unsigned scopes;        /* 1 << CT_SCOPE_...; admin includes the others */
    unsigned char mark[32]; /* SHA-256 of the token */
};

/* Tokens are kept as SHA-256 and compared in constant time, all of them each time. */
struct ct_access;
/* Lines "NAME SCOPE[,SCOPE] TOKEN" ('#' begins a comment); a token has at least 16 characters. The file must not be
 * readable by others. `path` NULL = none; `environment` (may be NULL): the same lines, separated by ';'. *err names
 * line and remedy, never a token. */
enum ct_status ct_access_open(const char *path, const char *environment, struct ct_access **out,
                              struct ct_error *err) CT_MUST_USE;
void ct_access_close(struct ct_access *access);   /* NULL allowed */
size_t ct_access_count(struct ct_access *access); /* NULL = 0 */
/* false = no such token; *out is then nobody. */
CT_MUST_USE bool ct_access_check(struct ct_access *access, ct_span token, struct ct_principal *out);
/* From here on the tokens of `by`, which is closed: all of them at once. */
void ct_access_replace(struct ct_access *access, struct ct_access *by);
/* Rises with each ct_access_replace. */
uint64_t ct_access_generation(struct ct_access *access); /* NULL = 0 */
/* Is there still this token, with all the scopes that it had when it was checked? */
CT_MUST_USE bool ct_access_knows(struct ct_access *access, const struct ct_principal *who);
/* Do both let the same in? `a` is the caller's alone meanwhile. */
CT_MUST_USE bool ct_access_same(struct ct_access *a, struct ct_access *b);
/* Equal, in a time that depends on the lengths alone. */
bool ct_equal_secret(ct_span a, ct_span b);

/* Does a request's Host name this machine: "localhost", "127.0.0.1:7801", "[::1]"? */
bool ct_host_is_loopback(ct_span host);
/* May a page of this origin talk to us? Where there is none (at NULL) it is no browser: yes. Else it is on the list
 * (NULL-terminated; NULL = empty), or our own: http or https, and the request's Host. */
bool ct_origin_is_allowed(ct_span origin, ct_span host, const char *const *list, bool tls);

#endif
