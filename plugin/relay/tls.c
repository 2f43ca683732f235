/* tls.c - what OpenSSL is told (tls.h). Called by relay.c. */
#include "plugin/relay/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

static const unsigned char HTTP_1_1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

static enum ct_status refuse(struct ct_error *err, const char *what, const char *file)
{
    char why[160] = "no reason given";
    unsigned long code = ERR_peek_last_error();
    if (code != 0) {
        ERR_error_string_n(code, why, sizeof why);
    }
    ERR_clear_error();
    return ct_error_set(err, CT_BAD_CONFIG, "%s%s%s: %s", what, file ? " " : "", file ? file : "", why);
}

static int choose(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned len,
                  void *context)
{
    (void)ssl;
    (void)context;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, HTTP_1_1, sizeof HTTP_1_1, in, len) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK; /* no protocol agreed on: HTTP/2 needs one */
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static enum ct_status begin(const SSL_METHOD *method, const struct ct_relay_tls *with, SSL_CTX **out,
                            struct ct_error *err)
{
    SSL_CTX *context = SSL_CTX_new(method);
    *out = context;
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        return refuse(err, "TLS", NULL);
    }
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets resume without memory of ours */
    SSL_CTX_set_read_ahead(context, 1);                          /* one read for a record's head and body */
    if (with->certificate && SSL_CTX_use_certificate_chain_file(context, with->certificate) != 1) {
        return refuse(err, "certificate", with->certificate);
    }
    if (with->key && SSL_CTX_use_PrivateKey_file(context, with->key, SSL_FILETYPE_PEM) != 1) {
        return refuse(err, "key", with->key);
    }
    if (with->key && SSL_CTX_check_private_key(context) != 1) {
        return refuse(err, "key does not belong to the certificate:", with->key);
    }
    /* Loading the system's takes longer than everything else together: only where they are needed. */
    if (with->verify && (with->authorities ? SSL_CTX_load_verify_locations(context, with->authorities, NULL) != 1
                                           : SSL_CTX_set_default_verify_paths(context) != 1)) {
        return refuse(err, "authorities", with->authorities);
    }
    return CT_OK;
}

enum ct_status ct_tls_listen(const struct ct_relay_tls *with, SSL_CTX **out, struct ct_error *err)
{
    if (with->certificate == NULL || with->key == NULL) {
        return ct_error_set(err, CT_BAD_CONFIG, "TLS on the listening side needs a certificate and its key");
    }
    if (with->verify && with->authorities == NULL) {
        return ct_error_set(err, CT_BAD_CONFIG, "verifying clients needs the authorities that sign their certificates");
    }
    enum ct_status status = begin(TLS_server_method(), with, out, err);
    if (status == CT_OK) {
        SSL_CTX_set_alpn_select_cb(*out, choose, NULL);
        SSL_CTX_set_session_id_context(*out, (const unsigned char *)"convtap", 7);
        SSL_CTX_set_verify(*out, with->verify ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE,
                           NULL);
    } else {
        SSL_CTX_free(*out);
        *out = NULL;
    }
    return status;
}

enum ct_status ct_tls_connect(const struct ct_relay_tls *with, SSL_CTX **out, struct ct_error *err)
{
    enum ct_status status = begin(TLS_client_method(), with, out, err);
    if (status == CT_OK && SSL_CTX_set_alpn_protos(*out, HTTP_1_1, sizeof HTTP_1_1) != 0) {
        status = refuse(err, "ALPN", NULL);
    }
    if (status == CT_OK) {
        SSL_CTX_set_verify(*out, with->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    } else {
        SSL_CTX_free(*out);
        *out = NULL;
    }
    return status;
}

SSL *ct_tls_accepted(SSL_CTX *context, int fd)
{
    SSL *ssl = SSL_new(context);
    if (ssl && SSL_set_fd(ssl, fd) == 1) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_free(ssl);
    return NULL;
}

SSL *ct_tls_connected(SSL_CTX *context, int fd, const char *host, bool verify)
{
    SSL *ssl = SSL_new(context);
    unsigned char number[sizeof(struct in6_addr)];
    bool numeric = inet_pton(AF_INET, host, number) == 1 || inet_pton(AF_INET6, host, number) == 1;
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || (!numeric && SSL_set_tlsext_host_name(ssl, host) != 1) ||
        (verify &&
         (numeric ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) : SSL_set1_host(ssl, host)) != 1)) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_connect_state(ssl);
    return ssl;
}
