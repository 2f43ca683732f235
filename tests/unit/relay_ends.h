/* relay_ends.h - the two ends of a relayed connection in one test: a client's socket and a gateway's, plain or with
 * TLS, driven by one thread.
 */
#ifndef CT_RELAY_ENDS_H
#define CT_RELAY_ENDS_H

#include "plugin/relay/relay.h"
#include "relay_seen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ENDS_TIMEOUT_MS 20000

struct end {
    int fd;
    SSL *ssl;
    struct wire_bytes got;
    bool over, reset, shut;
};

static inline int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void nonblocking(int fd)
{
    int on = 1;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* A listening socket of the gateway's; `text` becomes its address as the relay takes it. */
static inline int gateway_listen(bool six, char *text, size_t room)
{
    struct sockaddr_in6 at6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in at4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *at = six ? (struct sockaddr *)&at6 : (struct sockaddr *)&at4;
    socklen_t len = six ? sizeof at6 : sizeof at4;
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, at, len) != 0 || listen(fd, 512) != 0 || getsockname(fd, at, &len) != 0) {
        close(fd);
        return -1;
    }
    snprintf(text, room, six ? "[::1]:%u" : "127.0.0.1:%u", ntohs(six ? at6.sin6_port : at4.sin_port));
    return fd;
}

static inline int connect_to(const char *address)
{
    int fd, said;
    if (strncmp(address, "unix:", 5) == 0) {
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        snprintf(un.sun_path, sizeof un.sun_path, "%.100s", address + 5);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        said = connect(fd, (struct sockaddr *)&un, sizeof un);
    } else if (address[0] == '[') {
        struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        at.sin6_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
        fd = socket(AF_INET6, SOCK_STREAM, 0);
        said = connect(fd, (struct sockaddr *)&at, sizeof at);
    } else {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        at.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
        fd = socket(AF_INET, SOCK_STREAM, 0);
        said = connect(fd, (struct sockaddr *)&at, sizeof at);
    }
    if (said != 0) {
        close(fd);
        return -1;
    }
    nonblocking(fd);
    return fd;
}

static inline int accept_soon(int listener)
{
    struct pollfd poll_one = {.fd = listener, .events = POLLIN};
    if (poll(&poll_one, 1, ENDS_TIMEOUT_MS) != 1)
        return -1;
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0)
        nonblocking(fd);
    return fd;
}

/* Takes what has come. */
static inline void end_take(struct end *end)
{
    static char chunk[65536];
    while (!end->over) {
        ssize_t got;
        if (end->ssl) {
            ERR_clear_error();
            int n = SSL_read(end->ssl, chunk, sizeof chunk);
            int why = n > 0 ? 0 : SSL_get_error(end->ssl, n);
            if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
                return;
            end->reset = why != 0 && why != SSL_ERROR_ZERO_RETURN;
            got = n > 0 ? n : 0;
        } else {
            got = recv(end->fd, chunk, sizeof chunk, 0);
            if (got < 0 && (errno == EAGAIN || errno == EINTR))
                return;
            end->reset = got < 0;
        }
        if (got <= 0)
            end->over = true;
        else
            wire_add(&end->got, chunk, (size_t)got);
    }
}

/* Gives some of `bytes`; how many. */
static inline size_t end_give(struct end *end, const char *bytes, size_t len)
{
    if (len == 0)
        return 0;
    if (end->ssl) {
        ERR_clear_error();
        int n = SSL_write(end->ssl, bytes, len > 1 << 20 ? 1 << 20 : (int)len);
        return n > 0 ? (size_t)n : 0;
    }
    ssize_t n = send(end->fd, bytes, len, MSG_NOSIGNAL);
    return n > 0 ? (size_t)n : 0;
}

static inline void end_wait(struct end *a, struct end *b, bool want_out)
{
    struct pollfd both[2] = {{.fd = a->over ? -1 : a->fd, .events = (short)(POLLIN | (want_out ? POLLOUT : 0))},
                             {.fd = b->over ? -1 : b->fd, .events = POLLIN}};
    (void)poll(both, 2, 100);
    end_take(a);
    end_take(b);
}

/* `bytes` from one end; until the other has them all. */
static inline bool end_pass(struct end *from, struct end *to, const char *bytes, size_t len)
{
    size_t done = 0, due = to->got.len + len;
    int64_t until = now_ms() + ENDS_TIMEOUT_MS;
    while ((done < len || to->got.len < due) && now_ms() < until && !to->over) {
        done += end_give(from, bytes + done, len - done);
        if (to->got.len < due)
            end_wait(from, to, done < len);
    }
    return done == len && to->got.len == due;
}

static inline bool end_until_over(struct end *end, struct end *other)
{
    int64_t until = now_ms() + ENDS_TIMEOUT_MS;
    while (!end->over && now_ms() < until)
        end_wait(end, other, false);
    return end->over;
}

static inline void end_shut(struct end *end)
{
    if (!end->shut) {
        end->shut = true;
        if (end->ssl) {
            ERR_clear_error();
            (void)SSL_shutdown(end->ssl);
        }
        shutdown(end->fd, SHUT_WR);
    }
}

static inline void end_close(struct end *end)
{
    SSL_free(end->ssl);
    if (end->fd >= 0)
        close(end->fd);
    free(end->got.at);
    *end = (struct end){.fd = -1};
}

static inline bool ends_handshake(struct end *a, struct end *b)
{
    int64_t until = now_ms() + ENDS_TIMEOUT_MS;
    bool done_a = a->ssl == NULL, done_b = b->ssl == NULL;
    while ((!done_a || !done_b) && now_ms() < until) {
        struct pollfd both[2] = {{.fd = a->fd, .events = POLLIN}, {.fd = b->fd, .events = POLLIN}};
        ERR_clear_error();
        done_a = done_a || SSL_do_handshake(a->ssl) == 1;
        ERR_clear_error();
        done_b = done_b || SSL_do_handshake(b->ssl) == 1;
        if (!done_a || !done_b)
            (void)poll(both, 2, 20);
    }
    return done_a && done_b;
}

/* ---- certificates ------------------------------------------------------------------------ */

struct papers {
    char folder[64], certificate[96], key[96];
};

/* A key and a certificate that it signed itself, for `names` ("DNS:gateway.test,IP:127.0.0.1"). */
static inline bool papers_make(struct papers *papers, const char *names)
{
    snprintf(papers->folder, sizeof papers->folder, "/tmp/convtap-relay-XXXXXX");
    if (mkdtemp(papers->folder) == NULL)
        return false;
    snprintf(papers->certificate, sizeof papers->certificate, "%s/cert.pem", papers->folder);
    snprintf(papers->key, sizeof papers->key, "%s/key.pem", papers->folder);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, names);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    bool good = X509_sign(certificate, key, EVP_sha256()) > 0;
    FILE *file = fopen(papers->certificate, "w");
    good = file && PEM_write_X509(file, certificate) == 1 && good;
    if (file)
        fclose(file);
    file = fopen(papers->key, "w");
    good = file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 && good;
    if (file)
        fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return good;
}

static inline void papers_remove(const struct papers *papers)
{
    unlink(papers->certificate);
    unlink(papers->key);
    rmdir(papers->folder);
}

#endif
