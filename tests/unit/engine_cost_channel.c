/* engine_cost_channel.c - what channels charge: by message, category, country and window, against sums worked out by
 * hand; telephone numbers to countries; and what a file may not say.
 */
#include "tests/unit/cost_bench.h"

/* WhatsApp's list of a country's prices by category; the figures are invented. */
static const char by_category[] = "currency: EUR\n"
                                  "prefixes: {\"+3499\": PT}\n"
                                  "channels:\n"
                                  "  whatsapp:\n"
                                  "    uncategorised: marketing\n"
                                  "    categories:\n"
                                  "      marketing: {default: 0.06, ES: 0.0509, MX: 0.0361}\n"
                                  "      utility: {ES: 0.02, MX: 0.0085, free_in_window: true}\n"
                                  "      authentication: {per: conversation, default: 0.03}\n"
                                  "      service: 0\n"
                                  "  line:\n"
                                  "    categories: {promo: {per: window, default: 0.11, JP: 0.2}}\n"
                                  "    window: 6h\n"
                                  "  web: {per_window: 0.005, per_message: 0.0001}\n";

static void charges_by_category_and_country(void **state)
{
    (void)state;
    struct ct_cost_model *m = cost_load(by_category);
    struct cost_talk t;
    cost_begin(&t, m, "whatsapp");
    cost_say(&t, CT_ROLE_BOT, "2026-03-01T09:00:00Z", "marketing", "ES");        /* 0.0509 */
    cost_say(&t, CT_ROLE_BOT, "2026-03-01T09:00:05Z", "marketing", "mx");        /* 0.0361 */
    cost_say(&t, CT_ROLE_BOT, "2026-03-01T09:00:06Z", "marketing", "FR");        /* default 0.06 */
    cost_say(&t, CT_ROLE_BOT, "2026-03-01T09:00:07Z", "utility", "ES");          /* nobody wrote yet: 0.02 */
    cost_say(&t, CT_ROLE_BOT, "2026-03-01T09:00:08Z", "utility", "FR");          /* no price for FR */
    cost_say(&t, CT_ROLE_BOT, "2026-03-01T09:00:09Z", "magic", "ES");            /* no such category */
    cost_say(&t, CT_ROLE_USER, "2026-03-01T10:00:00Z", NULL, NULL);              /* opens the customer's window */
    cost_say(&t, CT_ROLE_BOT, "2026-03-01T10:00:02Z", NULL, "ES");               /* an answer: service, 0 */
    cost_say(&t, CT_ROLE_AGENT, "2026-03-02T09:59:59.999999Z", "utility", "ES"); /* still in it: free */
    cost_say(&t, CT_ROLE_AGENT, "2026-03-02T10:00:00Z", "utility", "ES");        /* 24 h later: 0.02 */
    cost_say(&t, CT_ROLE_BOT, "2026-03-02T10:00:01Z", NULL, "ES");               /* no answer: uncategorised, 0.0509 */
    cost_say(&t, CT_ROLE_BOT, "2026-03-02T10:00:02Z", "authentication", NULL);   /* 0.03 */
    cost_say(&t, CT_ROLE_BOT, "2026-03-02T10:00:03Z", "authentication", NULL);   /* once a conversation */
    cost_end(&t);
    /* 0.0509 + 0.0361 + 0.06 + 0.02 + 0.02 + 0.0509 + 0.03 */
    assert_int_equal(t.sum.channel, 267900000);
    assert_int_equal(t.sum.total, 267900000);
    assert_int_equal(t.sum.unpriced, 2);
    assert_int_equal(t.sum.undated, 0);
    assert_true(t.sum.has_cost);
    ct_cost_model_free(m);
}

static void the_country_is_the_customers(void **state)
{
    (void)state;
    struct ct_cost_model *m = cost_load(by_category);
    static const struct {
        const char *message, *conversation, *user;
        ct_nano want;
    } cases[] = {
        {"MX", "ES", "+34600111222", 36100000},  /* the message's own */
        {NULL, "ES", "+525512345678", 50900000}, /* the conversation's */
        {NULL, NULL, "+52 55 1234-5678", 36100000},
        {NULL, NULL, "whatsapp:+34600111222", 50900000},
        {NULL, NULL, "34600111222@s.whatsapp.net", 50900000},
        {NULL, NULL, "0034600111222", 50900000},
        {NULL, NULL, "+34991234567", 60000000}, /* the model's own prefix: PT, so the default */
        {NULL, NULL, "customer-42", 60000000},
        {NULL, "??", "+34600111222", 50900000},
        {NULL, NULL, NULL, 60000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cost_talk t;
        cost_begin(&t, m, "whatsapp");
        t.c.country = ct_span_of(cases[i].conversation);
        t.c.user_id = ct_span_of(cases[i].user);
        cost_say(&t, CT_ROLE_BOT, "2026-03-01T09:00:00Z", "marketing", cases[i].message);
        cost_end(&t);
        assert_int_equal(t.sum.channel, cases[i].want);
    }
    ct_cost_model_free(m);
}

static void windows_are_charged_once(void **state)
{
    (void)state;
    struct ct_cost_model *m = cost_load(by_category);
    struct cost_talk t;
    cost_begin(&t, m, "line"); /* user ids are no telephone numbers here */
    t.c.user_id = CT_SPAN_LIT("+819012345678");
    cost_say(&t, CT_ROLE_BOT, "2026-03-01T00:00:00Z", "promo", NULL);        /* 0.11 */
    cost_say(&t, CT_ROLE_BOT, "2026-03-01T05:59:59.999999Z", "promo", NULL); /* the same window of 6 h */
    cost_say(&t, CT_ROLE_BOT, "2026-03-01T06:00:00Z", "promo", "JP");        /* the next: 0.2 */
    cost_end(&t);
    assert_int_equal(t.sum.channel, 310000000);
    cost_begin(&t, m, "web");
    cost_say(&t, CT_ROLE_USER, "2026-03-01T12:00:00Z", NULL, NULL);       /* a window of 24 h */
    cost_say(&t, CT_ROLE_BOT, "2026-03-02T11:59:59.999999Z", NULL, NULL); /* inside */
    cost_say(&t, CT_ROLE_BOT, "2026-03-02T12:00:00Z", NULL, NULL);        /* a second */
    cost_say(&t, CT_ROLE_USER, "2026-03-04T12:00:00Z", NULL, NULL);       /* a third */
    cost_end(&t);
    assert_int_equal(t.sum.channel, 15400000); /* 3 x 0.005 + 4 x 0.0001 */
    cost_begin(&t, m, "web");                  /* without times it is one */
    cost_say(&t, CT_ROLE_USER, NULL, NULL, NULL);
    cost_say(&t, CT_ROLE_BOT, NULL, NULL, NULL);
    cost_end(&t);
    assert_int_equal(t.sum.channel, 5200000);
    assert_int_equal(t.sum.undated, 0); /* the prices are of all times */
    ct_cost_model_free(m);
}

static void fees_change_with_time(void **state)
{
    (void)state;
    struct ct_cost_model *m =
        cost_load("currency: EUR\n"
                  "channels:\n"
                  "  whatsapp:\n"
                  "    - {to: 2025-07-01, per_conversation: 0.04}\n"
                  "    - {from: '2025-07-01T00:00:00-05:00', to: 2026-01-01, per_bot_message: 0.003}\n"
                  "    - {from: 2026-02-01, per_bot_message: 0.005}\n");
    struct cost_talk t;
    cost_begin(&t, m, "whatsapp");
    cost_say(&t, CT_ROLE_BOT, "2025-06-30T23:59:59Z", NULL, NULL); /* begins: 0.04 */
    cost_say(&t, CT_ROLE_BOT, "2025-07-01T04:59:59Z", NULL, NULL); /* between the lists: no price */
    cost_say(&t, CT_ROLE_BOT, "2025-07-01T05:00:00Z", NULL, NULL); /* 0.003 */
    cost_say(&t, CT_ROLE_BOT, "2026-01-15T00:00:00Z", NULL, NULL); /* a gap */
    cost_say(&t, CT_ROLE_BOT, "2026-02-01T00:00:00Z", NULL, NULL); /* 0.005 */
    cost_say(&t, CT_ROLE_BOT, NULL, NULL, NULL);                   /* as the conversation's start: nothing */
    cost_end(&t);
    assert_int_equal(t.sum.channel, 48000000);
    assert_int_equal(t.sum.unpriced, 2);
    assert_int_equal(t.sum.undated, 1);
    cost_begin(&t, m, "whatsapp"); /* no time at all: the newest list, for the conversation and the message */
    cost_say(&t, CT_ROLE_BOT, NULL, NULL, NULL);
    cost_end(&t);
    assert_int_equal(t.sum.channel, 5000000);
    assert_int_equal(t.sum.undated, 2);
    cost_begin(&t, m, "fax"); /* no row, no default: nothing is known */
    cost_say(&t, CT_ROLE_BOT, "2026-02-01T00:00:00Z", NULL, NULL);
    cost_end(&t);
    assert_false(t.sum.has_cost);
    assert_int_equal(t.sum.unpriced, 0);
    ct_cost_model_free(m);
}

static ct_country letters(const char *text)
{
    return text ? ct_country_from(ct_span_of(text)) : CT_COUNTRY_NONE;
}

static void telephone_numbers_have_countries(void **state)
{
    (void)state;
    static const struct {
        const char *number, *country;
    } cases[] = {
        {"+34600111222", "ES"},  {"+12125550100", "US"},        {"+14165550100", "CA"},
        {"+18095550100", "DO"},  {"+18005550100", NULL},        {"+5215512345678", "MX"},
        {"+77011234567", "KZ"},  {"+79161234567", "RU"},        {"+447700900123", "GB"},
        {"+447624312345", "IM"}, {"+390612345678", "IT"},       {"+390669812345", "VA"},
        {"+35850123456", "FI"},  {"+35818123456", "AX"},        {"+5999123456", "CW"},
        {"+5997123456", "BQ"},   {"+59171234567", "BO"},        {"+8613812345678", "CN"},
        {"+886912345678", "TW"}, {"+972501234567", "IL"},       {"00442071838750", "GB"},
        {"442071838750", "GB"},  {"tel:+1(212)555.0100", "US"}, {"+8816123456789", NULL},
        {"+3460", NULL},         {"+34600111222333444", NULL},  {"", NULL},
        {"a1b2c3d4e5f6", NULL},  {"+34600x11222", NULL},        {"12345678:+34600111222", NULL},
        {"++34600111222", NULL}, {"09012345678", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ct_country got = ct_country_of_phone(ct_span_of(cases[i].number), NULL, 0);
        if (got != letters(cases[i].country)) {
            fail_msg("%s: %c%c", cases[i].number, got >> 8, got & 0xff);
        }
    }
    assert_int_equal(letters("es"), letters("ES"));
    assert_true(letters("XX") == CT_COUNTRY_NONE && letters("E ") == CT_COUNTRY_NONE &&
                letters("ESP") == CT_COUNTRY_NONE);
    assert_true(letters("DE") != CT_COUNTRY_NONE && letters("ZW") != CT_COUNTRY_NONE &&
                letters("AD") != CT_COUNTRY_NONE);
}

static void refuses_bad_channels(void **state)
{
    (void)state;
    static const struct cost_bad cases[] = {
        {"currency: EUR\nchannels: {w: {categories: {promo: {EX: 1}}}}\n", 2, 37, "is no country"},
        {"currency: EUR\nchannels: {w: {categories: {promo: {Default: 1}}}}\n", 2, 37, "is no country"},
        {"currency: EUR\nchannels: {w: {categories: {promo: {ES: 1, es: 2}}}}\n", 2, 44, "already"},
        {"currency: EUR\nchannels: {w: {categories: {promo: {ES: -1}}}}\n", 2, 41, "may not be below 0"},
        {"currency: EUR\nchannels: {w: {categories: {promo: {ES: 0.0000000001}}}}\n", 2, 41, "more than 9 decimals"},
        {"currency: EUR\nchannels: {w: {categories: {promo: {per: day, ES: 1}}}}\n", 2, 42, "none of"},
        {"currency: EUR\nchannels: {w: {categories: {promo: {per: window}}}}\n", 2, 36, "no fee is given"},
        {"currency: EUR\nchannels: {w: {categories: {promo: 1}, uncategorised: service}}\n", 2, 55,
         "none of this channel's"},
        {"currency: EUR\nchannels: {w: {window: 5s}}\n", 2, 24, "too short"},
        {"currency: EUR\nchannels: {w: {phone: maybe}}\n", 2, 23, "true or false"},
        {"currency: EUR\nchannels:\n  w:\n  - {to: 2026-02-01}\n  - {from: 2026-01-31}\n", 5, 5,
         "two prices at one time"},
        {"currency: EUR\nchannels:\n  w: {from: 2026-02-01, to: 2026-02-01}\n", 3, 29, "later than from"},
        {"currency: EUR\nchannels: {w: {from: 2026-02-30}}\n", 2, 22, "a day (2026-01-31)"},
        {"currency: EUR\nprefixes: {\"+34a\": ES}\n", 2, 12, "first digits"},
        {"currency: EUR\nprefixes: {\"+34\": XX}\n", 2, 19, "is no country"},
        {"currency: EUR\nchannels: {w: {categroies: {}}}\n", 2, 16, "did you mean 'categories'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cost_refuses(&cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charges_by_category_and_country),  cmocka_unit_test(the_country_is_the_customers),
        cmocka_unit_test(windows_are_charged_once),         cmocka_unit_test(fees_change_with_time),
        cmocka_unit_test(telephone_numbers_have_countries), cmocka_unit_test(refuses_bad_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
