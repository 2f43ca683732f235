/* A relay with TLS on one side or the other: certificates that do not fit, protocols, peers that speak none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay_stand.h"

static void tls_that_does_not_fit(void **state)
{
    (void)state;
    struct bench bench;
    struct papers papers;
    open_bench(&bench);
    assert_true(papers_make(&papers, "DNS:gateway.test,IP:127.0.0.2"));
    SSL_CTX *as_gateway = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_chain_file(as_gateway, papers.certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(as_gateway, papers.key, SSL_FILETYPE_PEM), 1);
    static const struct {
        bool trusted, verify, plain_gateway;
        const char *name, *drop;
    } cases[] = {
        {true, true, false, "gateway.test", NULL},
        {true, true, false, "other.test", "relay_upstream_certificate"},
        {true, true, false, NULL,
         "relay_upstream_certificate"}, /* by its address, which the certificate does not have */
        {true, true, false, "127.0.0.2", NULL},
        {false, true, false, "gateway.test", "relay_upstream_certificate"},
        {false, false, false, "other.test", NULL},
        {true, true, true, "gateway.test", "relay_upstream_tls"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ct_relay_options options = plain(&bench);
        options.upstream_tls = true;
        options.upstream_with = (struct ct_relay_tls){.authorities = cases[i].trusted ? papers.certificate : NULL,
                                                      .server_name = cases[i].name,
                                                      .verify = cases[i].verify};
        seen_clear(bench.seen);
        start(&bench, &options);
        connect_ends(&bench);
        if (cases[i].plain_gateway) {
            assert_true(end_give(&bench.g, "220 hello, this is mail\r\n", 25) == 25);
        } else {
            bench.g.ssl = SSL_new(as_gateway);
            SSL_set_fd(bench.g.ssl, bench.g.fd);
            SSL_set_accept_state(bench.g.ssl);
        }
        if (cases[i].drop) {
            int64_t until = now_ms() + ENDS_TIMEOUT_MS;
            while (seen_drops(bench.seen, cases[i].drop) == 0 && now_ms() < until) {
                if (bench.g.ssl)
                    (void)SSL_do_handshake(bench.g.ssl);
                poll(NULL, 0, 2);
            }
            wait_for_drop(&bench, cases[i].drop, 1);
            assert_true(end_until_over(&bench.c, &bench.c));
            assert_int_equal(bench.c.got.len, 0);
        } else {
            assert_true(ends_handshake(&bench.g, &bench.c));
            pass(&bench.c, &bench.g, "hello");
            const unsigned char *protocol;
            unsigned len;
            SSL_get0_alpn_selected(bench.g.ssl, &protocol, &len);
            assert_int_equal(len, 0); /* this gateway chose none */
        }
        end_close(&bench.c);
        end_close(&bench.g);
        ct_relay_stop(bench.relay, CT_USEC_PER_SECOND);
    }
    SSL_CTX_free(as_gateway);
    papers_remove(&papers);
    close(bench.listener);
    seen_free(bench.seen);
}

static void http_1_1_is_all_that_is_agreed_on(void **state)
{
    (void)state;
    struct bench bench;
    struct papers papers;
    open_bench(&bench);
    assert_true(papers_make(&papers, "DNS:gateway.test"));
    struct ct_relay_options options = plain(&bench);
    options.listen_tls = true;
    options.listen_with = (struct ct_relay_tls){.certificate = papers.certificate, .key = papers.key};
    start(&bench, &options);
    static const struct {
        const char *offer;
        unsigned len;
        const char *chosen;
    } cases[] = {{"\x02h2\x08http/1.1", 12, "http/1.1"}, {"\x02h2", 3, ""}, {"\x08http/1.1\x02h2", 12, "http/1.1"}};
    SSL_CTX *as_client = SSL_CTX_new(TLS_client_method());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        connect_ends(&bench);
        bench.c.ssl = SSL_new(as_client);
        SSL_set_fd(bench.c.ssl, bench.c.fd);
        SSL_set_alpn_protos(bench.c.ssl, (const unsigned char *)cases[i].offer, cases[i].len);
        SSL_set_connect_state(bench.c.ssl);
        assert_true(ends_handshake(&bench.c, &bench.g));
        const unsigned char *protocol;
        unsigned len;
        SSL_get0_alpn_selected(bench.c.ssl, &protocol, &len);
        assert_int_equal(len, strlen(cases[i].chosen));
        assert_memory_equal(len ? (const char *)protocol : "", cases[i].chosen, len);
        pass(&bench.c, &bench.g, "hello");
        end_close(&bench.c);
        end_close(&bench.g);
    }
    /* And one who does not speak TLS at all. */
    connect_ends(&bench);
    assert_int_equal(end_give(&bench.c, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    assert_true(end_until_over(&bench.g, &bench.c));
    wait_for_drop(&bench, "relay_client_tls", 1);
    SSL_CTX_free(as_client);
    close_bench(&bench);
    papers_remove(&papers);
}

static void papers_that_are_none(void **state)
{
    (void)state;
    struct bench bench;
    struct papers papers, others;
    open_bench(&bench);
    assert_true(papers_make(&papers, "DNS:a"));
    assert_true(papers_make(&others, "DNS:b"));
    const struct ct_relay_tls cases[] = {
        {0},
        {.certificate = papers.certificate},
        {.certificate = "/nonexistent", .key = papers.key},
        {.certificate = papers.certificate, .key = others.key},
        {.certificate = papers.key, .key = papers.key},
        {.certificate = papers.certificate, .key = papers.key, .verify = true},
        {.certificate = papers.certificate, .key = papers.key, .verify = true, .authorities = "/nonexistent"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ct_relay_options options = plain(&bench);
        struct ct_error err = {0};
        options.listen_tls = true;
        options.listen_with = cases[i];
        assert_int_equal(ct_relay_start(&options, &bench.seen->intake, &bench.relay, &err), CT_BAD_CONFIG);
        assert_true(err.text[0] != '\0');
    }
    papers_remove(&papers);
    papers_remove(&others);
    close(bench.listener);
    seen_free(bench.seen);
}

/* Clients need a certificate where that is asked for. */
static void clients_that_must_show_a_certificate(void **state)
{
    (void)state;
    struct bench bench;
    struct papers papers;
    open_bench(&bench);
    assert_true(papers_make(&papers, "DNS:gateway.test"));
    struct ct_relay_options options = plain(&bench);
    options.listen_tls = true;
    options.listen_with = (struct ct_relay_tls){
        .certificate = papers.certificate, .key = papers.key, .authorities = papers.certificate, .verify = true};
    start(&bench, &options);
    for (int shows = 0; shows < 2; shows++) {
        SSL_CTX *as_client = SSL_CTX_new(TLS_client_method());
        if (shows) {
            assert_int_equal(SSL_CTX_use_certificate_chain_file(as_client, papers.certificate), 1);
            assert_int_equal(SSL_CTX_use_PrivateKey_file(as_client, papers.key, SSL_FILETYPE_PEM), 1);
        }
        connect_ends(&bench);
        bench.c.ssl = SSL_new(as_client);
        SSL_set_fd(bench.c.ssl, bench.c.fd);
        SSL_set_connect_state(bench.c.ssl);
        assert_true(ends_handshake(&bench.c, &bench.g)); /* TLS 1.3: the client learns of it later */
        if (shows) {
            pass(&bench.c, &bench.g, "hello");
        } else {
            assert_true(end_until_over(&bench.c, &bench.g));
            wait_for_drop(&bench, "relay_client_tls", 1);
        }
        end_close(&bench.c);
        end_close(&bench.g);
        SSL_CTX_free(as_client);
    }
    close_bench(&bench);
    papers_remove(&papers);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_that_does_not_fit),
        cmocka_unit_test(http_1_1_is_all_that_is_agreed_on),
        cmocka_unit_test(papers_that_are_none),
        cmocka_unit_test(clients_that_must_show_a_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
