/* The metrics page from figures made by hand: every line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>

#include "sinks/openmetrics.h"

/* A whole page is longer than the 4,095 bytes that every C99 compiler takes. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

static const struct ct_kpi rate = {.id = "some_rate",
                                   .kind = CT_KPI_RATIO,
                                   .unit = CT_UNIT_PERCENT,
                                   .name = {"Some rate", ""},
                                   .formula = {"\"yes\" / all", ""},
                                   .help = {"Back\\slash.", ""}};
static const struct ct_kpi variant = {.id = "some_rate.days",
                                      .parent = "some_rate",
                                      .kind = CT_KPI_MEDIAN,
                                      .unit = CT_UNIT_DAYS,
                                      .name = {"days", ""},
                                      .formula = {"median", ""},
                                      .help = {"H.", ""}};
static const struct ct_kpi price = {.id = "price",
                                    .kind = CT_KPI_MEAN,
                                    .unit = CT_UNIT_MONEY,
                                    .name = {"Price", ""},
                                    .formula = {"sum / n", ""},
                                    .help = {"H.", ""}};

static char *write_page(enum ct_openmetrics_form form, const struct ct_openmetrics_page *page)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    static struct ct_out out;
    assert_non_null(file);
    ct_out_init_file(&out, file);
    ct_openmetrics_write(&out, form, page);
    assert_int_equal(ct_out_done(&out), CT_OK);
    fclose(file);
    return text;
}

static void whole_page(enum ct_openmetrics_form form, const char *want)
{
    const struct ct_figure figures[] = {
        {.kpi = &rate,
         .has_value = true,
         .value_num = 200,
         .value_den = 3,
         .numerator = 2,
         .denominator = 3,
         .scale = 1,
         .n = 3,
         .has_interval = true,
         .low_micro = 20765500,
         .high_micro = 93851000,
         .left_out = 4},
        {.kpi = &variant,
         .has_value = true,
         .value_num = 1500000,
         .value_den = 1000000,
         .numerator = 259200000000,
         .denominator = 2,
         .scale = 1000000,
         .has_percentiles = true,
         .percentile_micro = {1500000, 2000000, 2000000, 2000000}},
        {.kpi = &price, .key = "EUR", .left_out = 1},
        {.kpi = &price,
         .part = true,
         .key = "EUR",
         .has_value = true,
         .value_num = 1,
         .value_den = 4,
         .numerator = 500000000,
         .denominator = 2,
         .scale = 1000000000},
        {.kpi = &price,
         .part = true,
         .key = "USD",
         .has_value = true,
         .value_num = -3,
         .value_den = 1,
         .numerator = -3000000000,
         .denominator = 1,
         .scale = 1000000000},
        {.kpi = &price,
         .part = true,
         .key = "USD",
         .has_value = true,
         .value_num = 9,
         .value_den = 1,
         .denominator = 1,
         .scale = 1},
    };
    struct ct_block total = {
        .conversations = 5, .engaged = 4, .outcomes = {1, 0, 0, 4}, .figures = figures, .figure_count = 6};
    struct ct_block slice[2] = {total, total};
    slice[0].key = CT_SPAN_LIT("a\"\\\n\xFF");
    slice[0].figure_count = 1;
    slice[1].figure_count = 0;
    struct ct_openmetrics_view views[] = {{.window = "5m", .from = 0, .to = 300500000, .messages = 9, .total = &total},
                                          {.window = "5m",
                                           .from = 0,
                                           .to = 300500000,
                                           .messages = 9,
                                           .total = &total,
                                           .by = "channel",
                                           .slices = slice,
                                           .slice_count = 2},
                                          {.window = "5m",
                                           .from = 0,
                                           .to = 300500000,
                                           .messages = 9,
                                           .total = &total,
                                           .by = "channel",
                                           .slices = slice,
                                           .slice_count = 2}};
    struct ct_openmetrics_label one = {"a", CT_SPAN_LIT("1")}, two = {"a", CT_SPAN_LIT("2")};
    struct ct_openmetrics_row rows[] = {
        {"convtap_x", "First.", NULL, CT_OPENMETRICS_COUNTER, &one, 1, 1, 0},
        {"convtap_y_seconds", "Line\nfeed.", "seconds", CT_OPENMETRICS_GAUGE, NULL, 0, -1, 1000000},
        {"convtap_x", "Second.", NULL, CT_OPENMETRICS_COUNTER, &two, 1, 2, 0},
        {"convtap_x", "Third.", NULL, CT_OPENMETRICS_COUNTER, &one, 1, 3, 0},
        {"convtap_z", "Info.", NULL, CT_OPENMETRICS_INFO, &one, 1, 0, 0}};
    char *text = write_page(form, &(struct ct_openmetrics_page){views, 3, rows, 5, NULL});
    assert_string_equal(text, want);
    free(text);
}

#define OUTCOMES(where)                                                                                                \
    "convtap_window_outcome_conversations{" where ",outcome=\"not_engaged\"} 1\n"                                      \
    "convtap_window_outcome_conversations{" where ",outcome=\"escalated\"} 0\n"                                        \
    "convtap_window_outcome_conversations{" where ",outcome=\"escalation_failed\"} 0\n"                                \
    "convtap_window_outcome_conversations{" where ",outcome=\"resolved_confirmed\"} 4\n"                               \
    "convtap_window_outcome_conversations{" where ",outcome=\"unresolved\"} 0\n"                                       \
    "convtap_window_outcome_conversations{" where ",outcome=\"resolved_implied\"} 0\n"                                 \
    "convtap_window_outcome_conversations{" where ",outcome=\"silent\"} 0\n"                                           \
    "convtap_window_outcome_conversations{" where ",outcome=\"abandoned\"} 0\n"
#define W "window=\"5m\""
#define A "window=\"5m\",channel=\"a\\\"\\\\\\n\xEF\xBF\xBD\""
#define N "window=\"5m\",channel=\"(none)\""
/* What both forms have; UNIT, QUOTE, TOTAL and the like differ. */
#define PAGE(U, Q, T, I, END)                                                                                                                                                                             \
    "# TYPE convtap_window_seconds gauge\n" U(                                                                                                                                                            \
        "convtap_window_seconds",                                                                                                                                                                         \
        "seconds") "# HELP convtap_window_seconds How far back the window reaches.\n"                                                                                                                     \
                   "convtap_window_seconds{" W "} 300.5\n"                                                                                                                                                \
                   "# TYPE convtap_window_messages gauge\n"                                                                                                                                               \
                   "# HELP convtap_window_messages Messages that came in the window, of conversations open or "                                                                                           \
                   "closed.\n"                                                                                                                                                                            \
                   "convtap_window_messages{" W "} 9\n"                                                                                                                                                   \
                   "# TYPE convtap_window_conversations gauge\n"                                                                                                                                          \
                   "# HELP convtap_window_conversations Conversations that were closed in the window.\n"                                                                                                  \
                   "convtap_window_conversations{" W "} 5\n"                                                                                                                                              \
                   "convtap_window_conversations{" A "} 5\n"                                                                                                                                              \
                   "convtap_window_conversations{" N "} 5\n"                                                                                                                                              \
                   "# TYPE convtap_window_engaged_conversations gauge\n"                                                                                                                                  \
                   "# HELP convtap_window_engaged_conversations Conversations of the window in which the customer "                                                                                       \
                   "wrote something.\n"                                                                                                                                                                   \
                   "convtap_window_engaged_conversations{" W "} 4\n"                                                                                                                                      \
                   "convtap_window_engaged_conversations{" A "} 4\n"                                                                                                                                      \
                   "convtap_window_engaged_conversations{" N "} 4\n"                                                                                                                                      \
                   "# TYPE convtap_window_untimed_conversations gauge\n"                                                                                                                                  \
                   "# HELP convtap_window_untimed_conversations Conversations of the window with messages whose time "                                                                                    \
                   "is not known.\n"                                                                                                                                                                      \
                   "convtap_window_untimed_conversations{" W "} 0\n"                                                                                                                                      \
                   "convtap_window_untimed_conversations{" A "} 0\n"                                                                                                                                      \
                   "convtap_window_untimed_conversations{" N "} 0\n"                                                                                                                                      \
                   "# TYPE convtap_window_outcome_conversations gauge\n"                                                                                                                                  \
                   "# HELP convtap_window_outcome_conversations Conversations of the window by outcome; adds up to "                                                                                      \
                   "convtap_window_conversations.\n" OUTCOMES(W) OUTCOMES(A)                                                                                                                              \
                       OUTCOMES(N) "# TYPE convtap_some_rate_ratio gauge\n" U(                                                                                                                            \
                           "convtap_some_rate_ratio",                                                                                                                                                     \
                           "ratio") "# HELP convtap_some_rate_ratio Some rate (" Q "yes" Q " / all). Back\\\\slash.\n"                                                                                    \
                                    "convtap_some_rate_ratio{" W "} 0.666666667\n"                                                                                                                        \
                                    "convtap_some_rate_ratio{" A "} 0.666666667\n"                                                                                                                        \
                                    "# TYPE convtap_some_rate_numerator gauge\n"                                                                                                                          \
                                    "# HELP convtap_some_rate_numerator Numerator: Some rate\n"                                                                                                           \
                                    "convtap_some_rate_numerator{" W "} 2\n"                                                                                                                              \
                                    "convtap_some_rate_numerator{" A "} 2\n"                                                                                                                              \
                                    "# TYPE convtap_some_rate_denominator gauge\n"                                                                                                                        \
                                    "# HELP convtap_some_rate_denominator Denominator: Some rate\n"                                                                                                       \
                                    "convtap_some_rate_denominator{" W "} 3\n"                                                                                                                            \
                                    "convtap_some_rate_denominator{" A "} 3\n"                                                                                                                            \
                                    "# TYPE convtap_some_rate_bound_ratio gauge\n" U(                                                                                                                     \
                                        "convtap_some_rate_bound_ratio",                                                                                                                                  \
                                        "ratio") "# HELP convtap_some_rate_bound_ratio 95 % interval: Some rate\n"                                                                                        \
                                                 "convtap_some_rate_bound_ratio{" W ",bound=\"low\"} 0.207655\n"                                                                                          \
                                                 "convtap_some_rate_bound_ratio{" W ",bound=\"high\"} 0.93851\n"                                                                                          \
                                                 "# TYPE convtap_some_rate_left_out gauge\n"                                                                                                              \
                                                 "# HELP convtap_some_rate_left_out Cases that could not be counted: "                                                                                    \
                                                 "Some rate\n"                                                                                                                                            \
                                                 "convtap_some_rate_left_out{" W "} 4\n"                                                                                                                  \
                                                 "# TYPE convtap_some_rate_time_seconds gauge\n" U(                                                                                                       \
                                                     "convtap_some_rate_time_seconds",                                                                                                                    \
                                                     "seconds") "# HELP convtap_some_rate_time_seconds Some rate, "                                                                                       \
                                                                "days (median). H.\n"                                                                                                                     \
                                                                "convtap_some_rate_time_seconds{" W "} 129600\n"                                                                                          \
                                                                "# TYPE convtap_some_rate_time_numerator_seconds "                                                                                        \
                                                                "gauge\n" U(                                                                                                                              \
                                                                    "convtap_some_rate_time_numerator_seconds",                                                                                           \
                                                                    "seconds") "# HELP "                                                                                                                  \
                                                                               "convtap_some_rate_time_numerator_"                                                                                        \
                                                                               "seconds Numerator: Some rate, days\n"                                                                                     \
                                                                               "convtap_some_rate_time_numerator_"                                                                                        \
                                                                               "seconds{" W "} 259200\n"                                                                                                  \
                                                                               "# TYPE "                                                                                                                  \
                                                                               "convtap_some_rate_time_denominator "                                                                                      \
                                                                               "gauge\n"                                                                                                                  \
                                                                               "# HELP "                                                                                                                  \
                                                                               "convtap_some_rate_time_denominator "                                                                                      \
                                                                               "Denominator: Some rate, days\n"                                                                                           \
                                                                               "convtap_some_rate_time_denominator{" W                                                                                    \
                                                                               "} 2\n"                                                                                                                    \
                                                                               "# TYPE "                                                                                                                  \
                                                                               "convtap_some_rate_time_percentile_"                                                                                       \
                                                                               "seconds gauge\n" U(                                                                                                       \
                                                                                   "convtap_some_rate_time_"                                                                                              \
                                                                                   "percentile_seconds",                                                                                                  \
                                                                                   "seconds") "# HELP "                                                                                                   \
                                                                                              "convtap_some_rate_"                                                                                        \
                                                                                              "time_percentile_"                                                                                          \
                                                                                              "seconds Percentiles: "                                                                                     \
                                                                                              "Some rate, days\n"                                                                                         \
                                                                                              "convtap_some_rate_"                                                                                        \
                                                                                              "time_percentile_"                                                                                          \
                                                                                              "seconds{" W                                                                                                \
                                                                                              ",percentile=\"50\"} "                                                                                      \
                                                                                              "129600\n"                                                                                                  \
                                                                                              "convtap_some_rate_"                                                                                        \
                                                                                              "time_percentile_"                                                                                          \
                                                                                              "seconds{" W                                                                                                \
                                                                                              ",percentile=\"90\"} "                                                                                      \
                                                                                              "172800\n"                                                                                                  \
                                                                                              "convtap_some_rate_"                                                                                        \
                                                                                              "time_percentile_"                                                                                          \
                                                                                              "seconds{" W                                                                                                \
                                                                                              ",percentile=\"95\"} "                                                                                      \
                                                                                              "172800\n"                                                                                                  \
                                                                                              "convtap_some_rate_"                                                                                        \
                                                                                              "time_percentile_"                                                                                          \
                                                                                              "seconds{" W                                                                                                \
                                                                                              ",percentile=\"99\"} "                                                                                      \
                                                                                              "172800\n"                                                                                                  \
                                                                                              "# TYPE "                                                                                                   \
                                                                                              "convtap_some_rate_"                                                                                        \
                                                                                              "time_left_out gauge\n"                                                                                     \
                                                                                              "# HELP "                                                                                                   \
                                                                                              "convtap_some_rate_"                                                                                        \
                                                                                              "time_left_out Cases "                                                                                      \
                                                                                              "that could not be "                                                                                        \
                                                                                              "counted: Some rate, "                                                                                      \
                                                                                              "days\n"                                                                                                    \
                                                                                              "convtap_some_rate_"                                                                                        \
                                                                                              "time_left_out{" W                                                                                          \
                                                                                              "} 0\n"                                                                                                     \
                                                                                              "# TYPE "                                                                                                   \
                                                                                              "convtap_price_money "                                                                                      \
                                                                                              "gauge\n" U(                                                                                                \
                                                                                                  "convtap_price_"                                                                                        \
                                                                                                  "money",                                                                                                \
                                                                                                  "money") "# HELP "                                                                                      \
                                                                                                           "convtap_"                                                                                     \
                                                                                                           "price_"                                                                                       \
                                                                                                           "money "                                                                                       \
                                                                                                           "Price "                                                                                       \
                                                                                                           "(sum / "                                                                                      \
                                                                                                           "n). H.\n"                                                                                     \
                                                                                                           "convtap_"                                                                                     \
                                                                                                           "price_"                                                                                       \
                                                                                                           "money{" W                                                                                     \
                                                                                                           ",currency"                                                                                    \
                                                                                                           "=\"EUR\"}"                                                                                    \
                                                                                                           " 0.25\n"                                                                                      \
                                                                                                           "convtap_"                                                                                     \
                                                                                                           "price_"                                                                                       \
                                                                                                           "money{" W                                                                                     \
                                                                                                           ",currency"                                                                                    \
                                                                                                           "=\"USD\"}"                                                                                    \
                                                                                                           " -3\n"                                                                                        \
                                                                                                           "# TYPE "                                                                                      \
                                                                                                           "convtap_"                                                                                     \
                                                                                                           "price_"                                                                                       \
                                                                                                           "numerator"                                                                                    \
                                                                                                           "_money "                                                                                      \
                                                                                                           "gauge"                                                                                        \
                                                                                                           "\n" U(                                                                                        \
                                                                                                               "convt"                                                                                    \
                                                                                                               "ap_"                                                                                      \
                                                                                                               "price"                                                                                    \
                                                                                                               "_nume"                                                                                    \
                                                                                                               "rator"                                                                                    \
                                                                                                               "_mone"                                                                                    \
                                                                                                               "y",                                                                                       \
                                                                                                               "mone"                                                                                     \
                                                                                                               "y") "# HELP convtap_price_numerator_money Numerator: Price\n"                             \
                                                                                                                    "convtap_price_numerator_money{" W                                                    \
                                                                                                                    ",currency=\"EUR\"} 0.5\n"                                                            \
                                                                                                                    "convtap_price_numerator_money{" W                                                    \
                                                                                                                    ",currency=\"USD\"} -3\n"                                                             \
                                                                                                                    "# TYPE convtap_price_denominator gauge\n"                                            \
                                                                                                                    "# HELP convtap_price_denominator Denominator: Price\n"                               \
                                                                                                                    "convtap_price_denominator{" W                                                        \
                                                                                                                    ",currency=\"EUR\"} 2\n"                                                              \
                                                                                                                    "convtap_price_denominator{" W                                                        \
                                                                                                                    ",currency=\"USD\"} 1\n"                                                              \
                                                                                                                    "# TYPE convtap_price_bound_money gauge\n" U(                                         \
                                                                                                                        "convtap_price_bound_money",                                                      \
                                                                                                                        "money") "# HELP convtap_price_bound_money 95 % interval: Price\n"                \
                                                                                                                                 "# TYPE convtap_price_left_out gauge\n"                                  \
                                                                                                                                 "# HELP convtap_price_left_out Cases that could not be counted: Price\n" \
                                                                                                                                 "convtap_price_left_out{" W                                              \
                                                                                                                                 "} 1\n"                                                                  \
                                                                                                                                 "# TYPE convtap_x" T                                                     \
                                                                                                                                 " counter\n"                                                             \
                                                                                                                                 "# HELP convtap_x" T                                                     \
                                                                                                                                 " First.\n"                                                              \
                                                                                                                                 "convtap_x_total{a=\"1\"} 1\n"                                           \
                                                                                                                                 "convtap_x_total{a=\"2\"} 2\n"                                           \
                                                                                                                                 "# TYPE convtap_y_seconds gauge\n" U(                                    \
                                                                                                                                     "convtap_y_seconds",                                                 \
                                                                                                                                     "seconds") "# HELP convtap_y_seconds Line\\nfeed.\n"                 \
                                                                                                                                                "convtap_y_seconds -0.000001\n" I                         \
                                                                                                                                                "convtap_z_info{a=\"1\"} 1\n" END

#define UNIT(name, unit) "# UNIT " name " " unit "\n"
#define NO_UNIT(name, unit) ""

static void every_line(void **state)
{
    (void)state;
    whole_page(CT_OPENMETRICS_1_0,
               PAGE(UNIT, "\\\"", "", "# TYPE convtap_z info\n# HELP convtap_z Info.\n", "# EOF\n"));
}

static void every_line_of_the_classic_form(void **state)
{
    (void)state;
    const char *classic =
        PAGE(NO_UNIT, "\"", "_total", "# TYPE convtap_z_info gauge\n# HELP convtap_z_info Info.\n", "");
    whole_page(CT_OPENMETRICS_CLASSIC, classic);
    if (setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "es_ES.UTF-8") || setlocale(LC_ALL, "C.UTF-8")) {
        whole_page(CT_OPENMETRICS_CLASSIC, classic);
        setlocale(LC_ALL, "C");
    }
}

static void empty_page(void **state)
{
    (void)state;
    char *text = write_page(CT_OPENMETRICS_1_0, &(struct ct_openmetrics_page){NULL, 0, NULL, 0, NULL});
    assert_string_equal(text, "# EOF\n");
    free(text);
    text = write_page(CT_OPENMETRICS_CLASSIC, &(struct ct_openmetrics_page){NULL, 0, NULL, 0, NULL});
    assert_string_equal(text, "");
    free(text);
}

static void form_by_accept(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        enum ct_openmetrics_form form;
    } cases[] = {
        {"", CT_OPENMETRICS_CLASSIC},
        {"*/*", CT_OPENMETRICS_CLASSIC},
        {"text/plain", CT_OPENMETRICS_CLASSIC},
        {"application/openmetrics-text", CT_OPENMETRICS_1_0},
        {"application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
         "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         CT_OPENMETRICS_1_0},
        {"text/plain;q=0.6, application/openmetrics-text;q=0.5", CT_OPENMETRICS_CLASSIC},
        {"text/plain;q=0.5 , Application/OpenMetrics-Text ; q=0.5", CT_OPENMETRICS_1_0},
        {"application/openmetrics-text;q=0", CT_OPENMETRICS_CLASSIC},
        {"application/openmetrics-text;q=0.000,text/plain;q=0", CT_OPENMETRICS_CLASSIC},
        {"application/openmetrics-text;q=", CT_OPENMETRICS_1_0},
        {",;=;,q=1,;application/openmetrics-text", CT_OPENMETRICS_CLASSIC},
        {"application/openmetrics-textual", CT_OPENMETRICS_CLASSIC},
        {"application/openmetrics-text;q=0.0019999999999999999999999", CT_OPENMETRICS_1_0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (ct_openmetrics_accept(ct_span_of(cases[i].accept)) != cases[i].form) {
            fail_msg("%s", cases[i].accept);
        }
    }
    assert_int_equal(ct_openmetrics_accept(CT_SPAN_NONE), CT_OPENMETRICS_CLASSIC);
    assert_string_equal(ct_openmetrics_type(CT_OPENMETRICS_1_0),
                        "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_string_equal(ct_openmetrics_type(CT_OPENMETRICS_CLASSIC), "text/plain; version=0.0.4; charset=utf-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_line), cmocka_unit_test(every_line_of_the_classic_form),
                                       cmocka_unit_test(empty_page), cmocka_unit_test(form_by_accept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
