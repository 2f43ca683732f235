/* engine_cost.c - the cost model against sums worked out by hand; every figure's arithmetic stands beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/cost.h"

#include <stdio.h>
#include <stdlib.h>

static const char model_text[] = "currency: EUR\n"
                                 "rates: {USD: \"0.92\", JPY: 0.006}\n"
                                 "tokens:\n"
                                 "  - {model: 'big*', per: 1M, input: 2.40, cached: 0.60, output: 9.60}\n"
                                 "  - {model: 'big-9*', per: 1K, input: 0.003, output: 0.009}\n"
                                 "  - {model: 'big-9-x', per: 1, input: 0.000001, cached: 0, output: 0.000002}\n"
                                 "channels:\n"
                                 "  whatsapp: {per_conversation: 0.041, per_bot_message: 0.003}\n"
                                 "  sms: {per_message: 0.01, per_user_message: 0.008}\n"
                                 "  default: {per_conversation: 0.001}\n"
                                 "human: {per_minute: 0.47, wrap_up: 90s}\n"
                                 "fixed: {per_conversation: 0.018}\n";

static struct ct_cost_model *load(const char *text, struct ct_error *err)
{
    return ct_cost_model_load(CT_SPAN_LIT("cost.yaml"), ct_span_of(text), err);
}

static struct ct_cost_model *model(void)
{
    struct ct_error err = {.text = ""};
    struct ct_cost_model *out = load(model_text, &err);
    if (!out) {
        print_error("%u:%u %s\n", err.line, err.column, err.text);
    }
    assert_non_null(out);
    return out;
}

static void prices_tokens(void **unused)
{
    (void)unused;
    struct ct_cost_model *m = model();
    static const struct {
        const char *name;
        int64_t input, cached, output;
        ct_nano want;
    } cases[] = {
        /* 800 x 2.40 + 200 x 0.60 + 50 x 9.60 = 2520 millionths */
        {"big-1", 1000, 200, 50, 2520000},
        /* more cached than input: beside it. 100 x 2.40 + 300 x 0.60 = 420 millionths */
        {"big", 100, 300, -1, 420000},
        /* no cached price: as input. (7 + 3) x 0.003 / 1000 + 1 x 0.009 / 1000 = 0.000039 */
        {"big-9-mini", 10, 3, 1, 39000},
        /* an exact name outranks both prefixes: 5 x 1e-6 + 2 x 2e-6 = 9e-6 */
        {"big-9-x", 5, -1, 2, 9000},
        {"big-9-x", 0, 0, 0, 0},
        {"big-9-x", -1, -1, 4, 8000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ct_tokens tokens = {cases[i].input, cases[i].cached, cases[i].output, ct_span_of(cases[i].name)};
        ct_nano got = -1;
        assert_true(ct_cost_tokens(m, &tokens, CT_USEC_NONE, &got));
        assert_int_equal(got, cases[i].want);
    }
    ct_nano got = 77;
    struct ct_tokens unknown = {1, 1, 1, CT_SPAN_LIT("small")}, uncounted = {-1, -1, -1, CT_SPAN_LIT("big")};
    assert_false(ct_cost_tokens(m, &unknown, CT_USEC_NONE, &got));
    assert_false(ct_cost_tokens(m, &uncounted, CT_USEC_NONE, &got));
    assert_false(ct_cost_tokens(NULL, &unknown, CT_USEC_NONE, &got));
    assert_int_equal(got, 77);
    ct_cost_model_free(m);
}

static void rounds_once_half_to_even(void **unused)
{
    (void)unused;
    struct ct_error err = {.text = ""};
    /* One token is half a nano-unit: 0.0005 / 1M = 5e-10. */
    struct ct_cost_model *m = load("currency: EUR\ntokens: [{model: '*', input: 0.0005, output: 0.0015}]\n", &err);
    assert_non_null(m);
    static const struct {
        int64_t input, output;
        ct_nano want;
    } cases[] = {
        {1, -1, 0}, /* 0.5 -> 0 */
        {3, -1, 2}, /* 1.5 -> 2 */
        {5, -1, 2}, /* 2.5 -> 2 */
        {7, -1, 4}, /* 3.5 -> 4 */
        {1, 1, 2},  /* 0.5 + 1.5 = 2, rounded once; parts rounded apart would be 0 + 2 */
        {3, 1, 3},  /* 1.5 + 1.5 = 3; parts rounded apart would be 4 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ct_tokens tokens = {cases[i].input, -1, cases[i].output, CT_SPAN_NONE};
        ct_nano got = -1;
        assert_true(ct_cost_tokens(m, &tokens, CT_USEC_NONE, &got));
        assert_int_equal(got, cases[i].want);
    }
    ct_cost_model_free(m);
}

static void counts_cached_beside(void **unused)
{
    (void)unused;
    struct ct_cost_model *m = load("currency: EUR\ncached_counts: beside\n"
                                   "tokens: [{model: '*', per: 1, input: 1, cached: 0.5, output: 2}]\n",
                                   NULL);
    struct ct_tokens tokens = {10, 4, 1, CT_SPAN_NONE};
    ct_nano got = 0;
    assert_non_null(m);
    assert_true(ct_cost_tokens(m, &tokens, CT_USEC_NONE, &got));
    assert_int_equal(got, 14 * CT_NANO_PER_UNIT); /* 10 + 4 x 0.5 + 2 */
    ct_cost_model_free(m);
}

static void converts_only_by_rate(void **unused)
{
    (void)unused;
    struct ct_cost_model *m = model();
    ct_nano got = 0;
    assert_true(ct_cost_convert(m, 1000, CT_SPAN_NONE, CT_USEC_NONE, &got));
    assert_int_equal(got, 1000);
    assert_true(ct_cost_convert(m, 1000, CT_SPAN_LIT("EUR"), CT_USEC_NONE, &got));
    assert_int_equal(got, 1000);
    assert_true(ct_cost_convert(m, 2 * CT_NANO_PER_UNIT, CT_SPAN_LIT("USD"), CT_USEC_NONE, &got));
    assert_int_equal(got, 1840000000); /* 2 x 0.92 */
    assert_true(ct_cost_convert(m, -3, CT_SPAN_LIT("USD"), CT_USEC_NONE, &got));
    assert_int_equal(got, -3); /* 2.76 */
    assert_true(ct_cost_convert(m, 250, CT_SPAN_LIT("JPY"), CT_USEC_NONE, &got));
    assert_int_equal(got, 2); /* 1.5 -> even */
    assert_false(ct_cost_convert(m, 1000, CT_SPAN_LIT("GBP"), CT_USEC_NONE, &got));
    assert_false(ct_cost_convert(m, 1000, CT_SPAN_LIT("eur"), CT_USEC_NONE, &got));
    ct_cost_model_free(m);
}

static struct ct_cost_sent sent[64];
static size_t sent_count;

/* What conversation.c does with a message, and at the close. */
static void tell(const struct ct_cost_model *m, struct ct_cost_sum *sum, const struct ct_message *said)
{
    if (sum->messages == 0 && sum->tokens == 0 && sum->source == 0 && !sum->unpriced && !sum->unconverted) {
        sent_count = 0;
    }
    if (ct_cost_message(m, sum, said, &sent[sent_count])) {
        sent_count++;
    }
}

static void end(const struct ct_cost_model *m, struct ct_cost_sum *sum, ct_span channel, bool joined, ct_usec handling)
{
    const struct ct_cost_conversation c = {.channel = channel,
                                           .started_at = CT_USEC_NONE,
                                           .human_joined = joined,
                                           .human_handling_usec = handling,
                                           .sent = sent,
                                           .sent_count = sum->messages ? sent_count : 0};
    ct_cost_close(m, sum, &c);
}

static struct ct_message message(enum ct_role role, const char *text)
{
    struct ct_message out;
    ct_message_init(&out);
    out.role = role;
    out.text = ct_span_of(text);
    return out;
}

static void adds_up_a_conversation(void **unused)
{
    (void)unused;
    struct ct_cost_model *m = model();
    struct ct_cost_sum sum;
    ct_cost_begin(&sum);
    struct ct_message user = message(CT_ROLE_USER, "hola"), bot = message(CT_ROLE_BOT, "buenas");
    tell(m, &sum, &user);
    bot.tokens = (struct ct_tokens){1000, 200, 50, CT_SPAN_LIT("big-1")};
    tell(m, &sum, &bot); /* tokens 0.00252 */
    bot.has_cost = true;
    bot.cost = 10000000; /* 0.01 USD = 0.0092 EUR, in place of its tokens */
    bot.currency = CT_SPAN_LIT("USD");
    tell(m, &sum, &bot);
    bot.currency = CT_SPAN_LIT("GBP"); /* no rate: left out, counted, and priced by tokens 0.00252 */
    tell(m, &sum, &bot);
    struct ct_message call = message(CT_ROLE_BOT, ""); /* a tool call goes over no channel */
    call.tokens = (struct ct_tokens){10, -1, 10, CT_SPAN_LIT("nobody-knows")};
    tell(m, &sum, &call);
    struct ct_message media = message(CT_ROLE_USER, ""), agent = message(CT_ROLE_AGENT, "soy Eva");
    media.event.type = CT_EVENT_OTHER;
    media.event.name = CT_SPAN_LIT("media");
    tell(m, &sum, &media);
    tell(m, &sum, &agent);
    struct ct_message notice = message(CT_ROLE_SYSTEM, "closed");
    tell(m, &sum, &notice);
    end(m, &sum, CT_SPAN_LIT("whatsapp"), true, 150 * CT_USEC_PER_SECOND);
    assert_int_equal(sum.messages, 6);
    assert_int_equal(sum.user_messages, 2);
    assert_int_equal(sum.business_messages, 4);
    assert_int_equal(sum.unpriced, 1);
    assert_int_equal(sum.unconverted, 1);
    assert_int_equal(sum.source, 9200000);
    assert_int_equal(sum.tokens, 2 * 2520000);
    assert_int_equal(sum.channel, 53000000); /* 0.041 + 4 x 0.003 */
    assert_int_equal(sum.human, 1880000000); /* (150 s + 90 s) / 60 x 0.47 */
    assert_int_equal(sum.fixed, 18000000);
    assert_int_equal(sum.total, 1965240000); /* 0.0092 + 0.00504 + 0.053 + 1.88 + 0.018 */
    assert_string_equal(sum.currency, "EUR");
    assert_true(sum.has_cost);
    assert_false(sum.overflow);
    ct_cost_begin(&sum); /* another channel; a person for a time that nobody knows */
    tell(m, &sum, &user);
    tell(m, &sum, &agent);
    end(m, &sum, CT_SPAN_LIT("sms"), true, CT_USEC_NONE);
    assert_int_equal(sum.channel, 28000000); /* 2 x 0.01 + 0.008 */
    assert_int_equal(sum.human, 0);
    assert_true(sum.human_untimed);
    ct_cost_begin(&sum);
    end(m, &sum, CT_SPAN_LIT("fax"), false, 0);
    assert_int_equal(sum.channel, 1000000); /* default */
    ct_cost_model_free(m);
}

static void without_a_model_only_the_source_counts(void **unused)
{
    (void)unused;
    struct ct_cost_sum sum;
    ct_cost_begin(&sum);
    struct ct_message bot = message(CT_ROLE_BOT, "x");
    bot.tokens = (struct ct_tokens){1000, 200, 50, CT_SPAN_LIT("big-1")};
    tell(NULL, &sum, &bot);
    end(NULL, &sum, CT_SPAN_LIT("whatsapp"), true, 60 * CT_USEC_PER_SECOND);
    assert_false(sum.has_cost);
    assert_int_equal(sum.total, 0);
    ct_cost_begin(&sum);
    bot.has_cost = true;
    bot.cost = 5;
    bot.currency = CT_SPAN_LIT("USD");
    tell(NULL, &sum, &bot);
    bot.currency = CT_SPAN_LIT("EUR"); /* never added to dollars */
    tell(NULL, &sum, &bot);
    bot.currency = CT_SPAN_NONE;
    tell(NULL, &sum, &bot);
    end(NULL, &sum, CT_SPAN_NONE, false, 0);
    assert_int_equal(sum.total, 10);
    assert_int_equal(sum.unconverted, 1);
    assert_string_equal(sum.currency, "USD");
}

static void a_cost_nobody_knows_is_not_zero(void **unused)
{
    (void)unused;
    struct ct_cost_model *m = load("currency: EUR\ntokens: [{model: 'big*', input: 1, output: 1}]\n"
                                   "human: {per_minute: 1}\n",
                                   NULL);
    struct ct_cost_sum sum;
    struct ct_message bot = message(CT_ROLE_BOT, "x");
    assert_non_null(m);
    ct_cost_begin(&sum);
    tell(m, &sum, &bot);
    end(m, &sum, CT_SPAN_NONE, false, CT_USEC_NONE);
    assert_false(sum.has_cost);
    ct_cost_model_free(m);
}

static void never_wraps_around(void **unused)
{
    (void)unused;
    struct ct_cost_model *m =
        load("currency: EUR\ntokens: [{model: '*', per: 1, input: 9000000000, output: 9000000000}]\n"
             "channels: {default: {per_message: 9000000000}}\n",
             NULL);
    struct ct_cost_sum sum;
    struct ct_message bot = message(CT_ROLE_BOT, "x");
    assert_non_null(m);
    bot.tokens = (struct ct_tokens){INT64_MAX, 0, INT64_MAX, CT_SPAN_NONE};
    ct_cost_begin(&sum);
    tell(m, &sum, &bot);
    tell(m, &sum, &bot);
    end(m, &sum, CT_SPAN_NONE, false, 0);
    assert_true(sum.overflow);
    assert_true(sum.total == INT64_MAX);
    ct_cost_model_free(m);
}

static void refuses_bad_files(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        uint32_t line, column;
    } cases[] = {
        {"", 0, 0},
        {"[]", 1, 1},
        {"tokens: []\n", 1, 1},
        {"currency: euro\n", 1, 11},
        {"currency: EUR\nprices: []\n", 2, 1},
        {"currency: EUR\nrates: {EUR: 1}\n", 2, 9},
        {"currency: EUR\nrates: {USD: 0}\n", 2, 14},
        {"currency: EUR\nrates: {USD: x}\n", 2, 14},
        {"currency: EUR\ntokens: [{model: 'a', input: -1, output: 1}]\n", 2, 30},
        {"currency: EUR\ntokens: [{model: 'a', input: 1}]\n", 2, 10},
        {"currency: EUR\ntokens: [{model: 'a', per: 2M, input: 1, output: 1}]\n", 2, 28},
        {"currency: EUR\ntokens:\n- {model: 'a*b', input: 1, output: 1}\n", 3, 11},
        {"currency: EUR\ntokens:\n- {model: a, input: 1, output: 1}\n- {model: a, input: 1, output: 1}\n", 4, 11},
        {"currency: EUR\nchannels: {web: {per_day: 1}}\n", 2, 18},
        {"currency: EUR\nhuman: {per_minute: 1, wrap_up: 3}\n", 2, 33},
        {"currency: EUR\ncurrency: USD\n", 2, 1},
        {"currency: EUR\nfixed: {per_conversation: 1\n", 3, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ct_error err = {.text = ""};
        print_message("%s\n", cases[i].text);
        assert_null(load(cases[i].text, &err));
        print_message("  -> %u:%u %s\n", err.line, err.column, err.text);
        assert_int_equal(err.status, CT_BAD_CONFIG);
        assert_int_equal(err.line, cases[i].line);
        assert_int_equal(err.column, cases[i].column);
        assert_null(load(cases[i].text, NULL));
    }
}

static void reads_the_example(void **unused)
{
    (void)unused;
    FILE *file = fopen(CT_SOURCE_DIR "/docs/example-cost.yaml", "rb");
    assert_non_null(file);
    char bytes[8192];
    size_t len = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    struct ct_error err = {.text = ""};
    struct ct_cost_model *m = ct_cost_model_load(CT_SPAN_LIT("example-cost.yaml"), (ct_span){bytes, len}, &err);
    if (!m) {
        print_error("%u:%u %s\n", err.line, err.column, err.text);
    }
    assert_non_null(m);
    assert_true(ct_span_is(ct_cost_model_currency(m), "EUR"));
    ct_nano got = 0;
    struct ct_tokens tokens = {1000, -1, 1000, CT_SPAN_LIT("anything else")};
    assert_true(ct_cost_tokens(m, &tokens, CT_USEC_NONE, &got));
    assert_int_equal(got, 5000000); /* 0.001 + 0.004 */
    ct_cost_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_tokens),
        cmocka_unit_test(rounds_once_half_to_even),
        cmocka_unit_test(counts_cached_beside),
        cmocka_unit_test(converts_only_by_rate),
        cmocka_unit_test(adds_up_a_conversation),
        cmocka_unit_test(without_a_model_only_the_source_counts),
        cmocka_unit_test(a_cost_nobody_knows_is_not_zero),
        cmocka_unit_test(never_wraps_around),
        cmocka_unit_test(refuses_bad_files),
        cmocka_unit_test(reads_the_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
