/* gate_signature.c - webhook signatures against published vectors, and everything that is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plugin/gate/signature.h"
#include "plugin/gate/webhook.h"

#define S CT_SPAN_LIT

/* RFC 4231, test case 2. */
static void hub(void **state)
{
    (void)state;
    static const char *const secrets[] = {"another", "Jefe", NULL}, *const none[] = {NULL};
    ct_span body = S("what do ya want for nothing?");
    ct_span good = S("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(ct_signature_hub(secrets, good, body), CT_SIGNATURE_FINE);
    assert_int_equal(
        ct_signature_hub(secrets, S("sha256=5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843"), body),
        CT_SIGNATURE_FINE);
    assert_int_equal(ct_signature_hub(secrets + 1, good, body), CT_SIGNATURE_FINE);
    assert_int_equal(ct_signature_hub(none, good, body), CT_SIGNATURE_WRONG);
    assert_int_equal(ct_signature_hub(secrets, good, S("what do ya want for nothing!")), CT_SIGNATURE_WRONG);
    assert_int_equal(ct_signature_hub(secrets, CT_SPAN_NONE, body), CT_SIGNATURE_MISSING);
    assert_int_equal(ct_signature_hub(secrets, S("sha256="), body), CT_SIGNATURE_MALFORMED);
    assert_int_equal(ct_signature_hub(secrets, (ct_span){good.at, good.len - 1}, body), CT_SIGNATURE_MALFORMED);
    assert_int_equal(
        ct_signature_hub(secrets, S("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec384g"), body),
        CT_SIGNATURE_MALFORMED);
    for (size_t i = 7; i < good.len; i++) { /* one digit off is off */
        char off[80];
        memcpy(off, good.at, good.len);
        off[i] = off[i] == '0' ? '1' : '0';
        if (off[i] != good.at[i])
            assert_int_equal(ct_signature_hub(secrets, (ct_span){off, good.len}, body), CT_SIGNATURE_WRONG);
    }
}

/* The vector of the Standard Webhooks specification's own libraries. */
static void standard(void **state)
{
    (void)state;
    static const char *const secrets[] = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NULL};
    static const char *const others[] = {"whsec_AAAAAAAAAAAAAAAAAAAAAAAA", NULL};
    ct_span id = S("msg_p5jXN8AQM9LWM0D4loKWxJek"), at = S("1614265330"), body = S("{\"test\": 2432232314}");
    ct_span good = S("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    ct_usec now = 1614265330 * CT_USEC_PER_SECOND, five = 5 * CT_USEC_PER_MINUTE;
    assert_int_equal(ct_signature_standard(secrets, id, at, good, body, now, five), CT_SIGNATURE_FINE);
    assert_int_equal(ct_signature_standard(secrets, id, at, good, body, now + five, five), CT_SIGNATURE_FINE);
    assert_int_equal(ct_signature_standard(secrets, id, at, good, body, now + five + 1, five), CT_SIGNATURE_STALE);
    assert_int_equal(ct_signature_standard(secrets, id, at, good, body, now - five - 1, five), CT_SIGNATURE_STALE);
    assert_int_equal(ct_signature_standard(others, id, at, good, body, now, five), CT_SIGNATURE_WRONG);
    assert_int_equal(ct_signature_standard(secrets, S("msg_other"), at, good, body, now, five), CT_SIGNATURE_WRONG);
    assert_int_equal(ct_signature_standard(secrets, id, S("1614265331"), good, body, now, five), CT_SIGNATURE_WRONG);
    assert_int_equal(ct_signature_standard(secrets, id, at,
                                           S("v2,x v1a,y v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="), body, now,
                                           five),
                     CT_SIGNATURE_FINE);
    assert_int_equal(ct_signature_standard(secrets, id, at, S("v1,%%%% v1,"), body, now, five), CT_SIGNATURE_MALFORMED);
    assert_int_equal(ct_signature_standard(secrets, id, S("soon"), good, body, now, five), CT_SIGNATURE_MALFORMED);
    assert_int_equal(ct_signature_standard(secrets, id, S("99999999999999999999"), good, body, now, five),
                     CT_SIGNATURE_MALFORMED);
    assert_int_equal(ct_signature_standard(secrets, CT_SPAN_NONE, at, good, body, now, five), CT_SIGNATURE_MISSING);
    assert_int_equal(ct_signature_standard(secrets, id, CT_SPAN_NONE, good, body, now, five), CT_SIGNATURE_MISSING);
    assert_int_equal(ct_signature_standard(secrets, id, at, CT_SPAN_NONE, body, now, five), CT_SIGNATURE_MISSING);
    assert_true(ct_signature_is_standard_secret(secrets[0]));
    assert_false(ct_signature_is_standard_secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    assert_false(ct_signature_is_standard_secret("whsec_"));
    assert_false(ct_signature_is_standard_secret("whsec_AAAA"));
    assert_false(ct_signature_is_standard_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"));
}

static void shared_and_chatwoot(void **state)
{
    (void)state;
    static const char *const secrets[] = {"old-secret", "new-secret", NULL};
    assert_int_equal(ct_signature_secret(secrets, S("new-secret")), CT_SIGNATURE_FINE);
    assert_int_equal(ct_signature_secret(secrets, S("old-secret")), CT_SIGNATURE_FINE);
    assert_int_equal(ct_signature_secret(secrets, S("new-secre")), CT_SIGNATURE_WRONG);
    assert_int_equal(ct_signature_secret(secrets, CT_SPAN_NONE), CT_SIGNATURE_MISSING);
    /* HMAC-SHA256("Jefe", "1700000000.{}"), by the openssl program. */
    static const char *const jefe[] = {"Jefe", NULL};
    ct_usec now = 1700000000 * CT_USEC_PER_SECOND;
    ct_span good = S("sha256=d3793e2b4103edfbd98cc19591832f5fad701d413db9fcae0ae7dab8184ed207");
    assert_int_equal(ct_signature_chatwoot(jefe, S("1700000000"), good, S("{}"), now, 1), CT_SIGNATURE_FINE);
    assert_int_equal(ct_signature_chatwoot(jefe, S("1700000000"), good, S("{}"), now + 2, 1), CT_SIGNATURE_STALE);
    assert_int_equal(ct_signature_chatwoot(jefe, S("1700000001"), good, S("{}"), now, 9999999), CT_SIGNATURE_WRONG);
    assert_int_equal(ct_signature_chatwoot(jefe, CT_SPAN_NONE, good, S("{}"), now, 1), CT_SIGNATURE_MISSING);
    assert_int_equal(ct_signature_chatwoot(jefe, S("1700000000"), CT_SPAN_NONE, S("{}"), now, 1), CT_SIGNATURE_MISSING);
}

static void configuration(void **state)
{
    (void)state;
    static const char *const secret[] = {"long-enough", NULL}, *const brief[] = {"brief", NULL};
    static const struct ct_intake intake = {0};
    const struct {
        struct ct_webhook_options options;
        bool loopback, fine;
    } cases[] = {{{.source = "a", .kind = CT_WEBHOOK_WHATSAPP, .secrets = secret}, false, true},
                 {{.source = "a", .kind = CT_WEBHOOK_WHATSAPP}, false, false},
                 {{.source = "a", .kind = CT_WEBHOOK_WHATSAPP, .secrets = brief}, false, false},
                 {{.source = "a", .kind = CT_WEBHOOK_STANDARD, .secrets = secret}, false, false},
                 {{.source = "a", .kind = CT_WEBHOOK_NONE}, false, false},
                 {{.source = "a", .kind = CT_WEBHOOK_NONE}, true, true},
                 {{.source = "", .kind = CT_WEBHOOK_NONE}, true, false},
                 {{.source = "a/b", .kind = CT_WEBHOOK_NONE}, true, false},
                 {{.source = "a", .kind = CT_WEBHOOK_SECRET, .secrets = secret, .header = "X Y"}, false, false},
                 {{.source = "a", .kind = CT_WEBHOOK_NONE, .path = "", .header = "", .forward = "", .authority = ""},
                  true,
                  true},
                 {{.source = "a", .kind = CT_WEBHOOK_NONE, .path = "hook"}, true, false},
                 {{.source = "a", .kind = CT_WEBHOOK_NONE, .forward = "ftp://x/"}, true, false},
                 {{.source = "a", .kind = CT_WEBHOOK_NONE, .forward = "http://"}, true, false},
                 {{.source = "a", .kind = CT_WEBHOOK_NONE, .forward = "http://u@h/"}, true, false},
                 {{.source = "a", .kind = CT_WEBHOOK_NONE, .forward = "http://h:x/"}, true, false},
                 {{.source = "a", .kind = CT_WEBHOOK_NONE, .forward = "https://[::1]:8443/a?b"}, true, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct ct_error err = {0};
        struct ct_webhooks *made = ct_webhooks_new(&cases[i].options, 1, &intake, NULL, cases[i].loopback, &err);
        assert_int_equal(made != NULL, cases[i].fine);
        assert_int_equal(err.text[0] == '\0', cases[i].fine);
        ct_webhooks_free(made);
    }
    struct ct_webhook_options same[] = {{.source = "a", .kind = CT_WEBHOOK_NONE, .path = "/x"},
                                        {.source = "b", .kind = CT_WEBHOOK_NONE, .path = "/x"}};
    struct ct_error err;
    assert_null(ct_webhooks_new(same, 2, &intake, NULL, true, &err));
    enum ct_webhook_kind kind;
    assert_true(ct_webhook_kind_from(S("chatwoot"), &kind) && kind == CT_WEBHOOK_CHATWOOT);
    assert_false(ct_webhook_kind_from(S("Chatwoot"), &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hub), cmocka_unit_test(standard),
                                       cmocka_unit_test(shared_and_chatwoot), cmocka_unit_test(configuration)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
