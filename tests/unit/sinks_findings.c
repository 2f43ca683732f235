/* The same findings as JSON, CSV, table and page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>

#include "sinks/csv.h"
#include "sinks/json.h"
#include "sinks/report.h"
#include "sinks/table.h"

static char *written;
static size_t length, capacity;
static struct ct_out out;

static bool remember(void *context, const char *bytes, size_t len)
{
    (void)context;
    if (length + len + 1 > capacity) {
        capacity = (length + len + 1) * 2;
        written = realloc(written, capacity);
        assert_non_null(written);
    }
    memcpy(written + length, bytes, len);
    length += len;
    written[length] = '\0';
    return true;
}

static void begin(void)
{
    length = 0;
    ct_out_init(&out, remember, NULL);
}

static const char *done(void)
{
    assert_int_equal(ct_out_done(&out), CT_OK);
    return written;
}

static int clean(void **state)
{
    (void)state;
    free(written);
    written = NULL;
    capacity = 0;
    return 0;
}

#define TEXTS(en, es)                                                                                                  \
    {en, es}, {"over / under", "arriba / abajo"},                                                                      \
    {                                                                                                                  \
        "Says so.", "Lo dice."                                                                                         \
    }
static const struct ct_kpi kpis[] = {
    {"rate",
     NULL,
     CT_FAMILY_OPERATIONS,
     CT_KPI_RATIO,
     CT_UNIT_PERCENT,
     CT_BETTER_HIGHER,
     {CT_TARGET_AT_LEAST, 85000000},
     {{0}},
     TEXTS("Rate", "Tasa ñandú")},
    {"rate.sub",
     "rate",
     CT_FAMILY_OPERATIONS,
     CT_KPI_RATIO,
     CT_UNIT_PERCENT,
     CT_BETTER_HIGHER,
     {CT_TARGET_NONE, 0},
     {{0}},
     TEXTS("lower bound", "límite inferior")},
    {"time",
     NULL,
     CT_FAMILY_EXPERIENCE,
     CT_KPI_MEAN,
     CT_UNIT_SECONDS,
     CT_BETTER_LOWER,
     {CT_TARGET_NONE, 0},
     {{0}},
     TEXTS("Time", "Tiempo")},
    {"empty",
     NULL,
     CT_FAMILY_EXPERIENCE,
     CT_KPI_RATIO,
     CT_UNIT_PERCENT,
     CT_BETTER_HIGHER,
     {CT_TARGET_AT_MOST, 5000000},
     {{0}},
     TEXTS("Empty", "Vacío")},
    {"cost",
     NULL,
     CT_FAMILY_COST,
     CT_KPI_MEAN,
     CT_UNIT_MONEY,
     CT_BETTER_LOWER,
     {CT_TARGET_NONE, 0},
     {{0}},
     TEXTS("Cost", "Coste")},
    {"channel",
     NULL,
     CT_FAMILY_ADOPTION,
     CT_KPI_SHARES,
     CT_UNIT_PERCENT,
     CT_BETTER_NONE,
     {CT_TARGET_NONE, 0},
     {{0}},
     TEXTS("Channel", "Canal")},
};

#define HOSTILE "=cmd|'<script>\"&\x1b[31m"

static struct ct_figure ratio(const struct ct_kpi *kpi, int64_t k, int64_t n, int64_t low, int64_t high)
{
    return (struct ct_figure){.kpi = kpi,
                              .has_value = true,
                              .value_num = k * 100,
                              .value_den = n,
                              .numerator = k,
                              .denominator = n,
                              .scale = 1,
                              .n = (uint64_t)n,
                              .has_interval = true,
                              .low_micro = low,
                              .high_micro = high,
                              .target = kpi->target};
}

static struct ct_figure figures[8];

static struct ct_findings make(void)
{
    static const struct ct_input_note inputs[] = {{"a" HOSTILE ".jsonl", "00ff", 1234, 400, 100, 2, 0},
                                                  {"b\xFF.csv", "", 10, 4, 1, 0, 0}};
    static const struct ct_drop drops[] = {{"duplicate", 3}, {"nothing", 0}, {HOSTILE, 1}};
    static struct ct_block slices[3];
    memset(figures, 0, sizeof figures);
    figures[0] = ratio(&kpis[0], 70, 100, 60415145, 78105115);
    figures[0].status = CT_STATUS_MISSED;
    figures[0].left_out = 7;
    figures[1] = ratio(&kpis[1], 18, 22, 61480712, 92690000);
    figures[2] = (struct ct_figure){.kpi = &kpis[2],
                                    .has_value = true,
                                    .value_num = 92000001 * INT64_C(3),
                                    .value_den = 3000000,
                                    .numerator = 92000001 * INT64_C(3),
                                    .denominator = 3,
                                    .scale = 1000000,
                                    .n = 3,
                                    .has_interval = true,
                                    .low_micro = 80000000,
                                    .high_micro = 104000001,
                                    .has_error = true,
                                    .error_micro = 6122449,
                                    .has_percentiles = true,
                                    .percentile_micro = {90000000, 95000000, 96000000, 97000000}};
    figures[3] = (struct ct_figure){.kpi = &kpis[3], .scale = 1, .target = kpis[3].target};
    figures[4] = (struct ct_figure){.kpi = &kpis[4],
                                    .key = "EUR",
                                    .has_value = true,
                                    .value_num = 600955650,
                                    .value_den = 4 * INT64_C(1000000000),
                                    .numerator = 600955650,
                                    .denominator = 4,
                                    .scale = 1000000000,
                                    .n = 4};
    figures[5] = ratio(&kpis[5], 2, 3, 20765500, 93850000);
    memcpy(figures[5].key, HOSTILE, sizeof HOSTILE);
    figures[6] = figures[5];
    figures[6].part = true;
    figures[7] = ratio(&kpis[5], 1, 3, 6149200, 79234500);
    figures[7].part = true;
    memcpy(figures[7].key, "web", 4);
    struct ct_block total = {.conversations = 104,
                             .engaged = 100,
                             .messages = 1234567,
                             .untimed = 1,
                             .customers = 80,
                             .outcomes = {4, 10, 0, 40, 10, 30, 7, 3},
                             .first_at = INT64_C(1771628962479796),
                             .last_at = INT64_C(1795258800000000),
                             .from = CT_USEC_NONE,
                             .to = CT_USEC_NONE,
                             .figures = figures,
                             .figure_count = 8};
    memset(slices, 0, sizeof slices);
    slices[0] = total;
    slices[0].key = CT_SPAN_NONE;
    slices[1] = total;
    slices[1].key = CT_SPAN_LIT(HOSTILE);
    slices[2] = total;
    slices[2].other = true;
    return (struct ct_findings){.generated_at = CT_USEC_NONE,
                                .rules_hash = "9f2b7c1e0a55d3f4",
                                .profile = "convtap",
                                .version = "0.1.0",
                                .inputs = inputs,
                                .input_count = 2,
                                .total = total,
                                .group_by = "channel",
                                .slices = slices,
                                .slice_count = 3,
                                .drops = drops,
                                .drop_count = 3};
}

static void json(void **state)
{
    (void)state;
    struct ct_findings findings = make();
    findings.slice_count = 0;
    findings.group_by = NULL;
    begin();
    ct_json_findings(&out, &findings);
    assert_string_equal(
        done(),
        "{\"generated_at\":null,\"version\":\"0.1.0\",\"inputs\":[{\"path\":\"a=cmd|'<script>\\\"&\\u001b[31m.jsonl\","
        "\"sha256\":\"00ff\",\"bytes\":1234,\"messages\":400,\"conversations\":100,\"events\":0,\"refused\":2},{"
        "\"path\":"
        "\"b\xEF\xBF\xBD.csv\","
        "\"sha256\":null,\"bytes\":10,\"messages\":4,\"conversations\":1,\"events\":0,\"refused\":0}],\"rules_hash\":"
        "\"9f2b7c1e0a55d3f4\","
        "\"profile\":\"convtap\",\"zone\":\"UTC\",\"period\":{\"from\":\"2026-02-20T23:09:22.479796Z\",\"to\":\"2026-"
        "11-21T11:00:00Z\"},"
        "\"totals\":{\"conversations\":104,\"engaged\":100,\"customers\":80,\"messages\":1234567,\"untimed\":1},"
        "\"kpis\":["
        "{\"id\":\"rate\",\"value\":70.0,\"unit\":\"percent\",\"numerator\":70,\"denominator\":100,\"low\":60.415145,"
        "\"high\":78.105115,\"n\":100,\"left_out\":7,\"target\":[\">=\",85.0],\"status\":\"missed\"},"
        "{\"id\":\"rate.sub\",\"value\":81.818182,\"unit\":\"percent\",\"numerator\":18,\"denominator\":22,\"low\":61."
        "480712,"
        "\"high\":92.69,\"n\":22},"
        "{\"id\":\"time\",\"value\":92.000001,\"unit\":\"seconds\",\"numerator\":276.000003,\"denominator\":3,\"low\":"
        "80.0,"
        "\"high\":104.000001,\"n\":3,\"standard_error\":6.122449,\"percentiles\":{\"p50\":90.0,\"p90\":95.0,\"p95\":96."
        "0,"
        "\"p99\":97.0}},"
        "{\"id\":\"empty\",\"value\":null,\"unit\":\"percent\",\"numerator\":0,\"denominator\":0,\"low\":null,\"high\":"
        "null,"
        "\"n\":0,\"target\":[\"<=\",5.0]},"
        "{\"id\":\"cost\",\"currency\":\"EUR\",\"value\":0.150238912,\"unit\":\"money\",\"numerator\":0.60095565,"
        "\"denominator\":4,\"low\":null,\"high\":null,\"n\":4},"
        "{\"id\":\"channel\",\"leader\":\"=cmd|'<script>\\\"&\\u001b[31m\",\"value\":66.666667,\"unit\":\"percent\","
        "\"numerator\":2,"
        "\"denominator\":3,\"low\":20.7655,\"high\":93.85,\"n\":3,\"parts\":[{\"key\":\"=cmd|'<script>\\\"&\\u001b["
        "31m\","
        "\"value\":66.666667,\"unit\":\"percent\",\"numerator\":2,\"denominator\":3,\"low\":20.7655,\"high\":93.85,"
        "\"n\":3},"
        "{\"key\":\"web\",\"value\":33.333333,\"unit\":\"percent\",\"numerator\":1,\"denominator\":3,\"low\":6.1492,"
        "\"high\":79.2345,\"n\":3}]}],"
        "\"outcomes\":{\"not_engaged\":4,\"escalated\":10,\"escalation_failed\":0,\"resolved_confirmed\":40,"
        "\"unresolved\":10,"
        "\"resolved_implied\":30,\"silent\":7,\"abandoned\":3},\"drops\":{\"duplicate\":3,"
        "\"=cmd|'<script>\\\"&\\u001b[31m\":1}}\n");
    findings = make();
    begin();
    ct_json_findings(&out, &findings);
    const char *text = done();
    assert_non_null(strstr(text, "\"slices\":[{\"key\":\"\",\"value\":70.0,"));
    assert_non_null(strstr(text, "{\"key\":null,\"other\":true,\"value\":70.0,"));
    assert_non_null(strstr(text, "\"group_by\":\"channel\",\"slices\":[{\"key\":\"\",\"conversations\":104,"));
}

static void csv(void **state)
{
    (void)state;
    struct ct_findings findings = make();
    findings.slice_count = 2;
    begin();
    ct_csv_write(&out, &findings, CT_LANG_ES);
    const char *text = done();
    static const char head[] =
        "slice,id,key,name,value,unit,numerator,denominator,low,high,n,standard_error,p50,p90,p95,p99,left_out,target_"
        "op,"
        "target,status,target_segment,provisional,settles_at,change,better,difference,difference_low,difference_high,"
        "before,before_n,from,to,definition\r\n"
        "(all),rate,,Tasa ñandú,70.0,percent,70,100,60.415145,78.105115,100,,,,,,7,>=,85.0,missed,,0,,,,,,,,,,,\r\n"
        "(all),rate.sub,,límite inferior,81.818182,percent,18,22,61.480712,92.69,22,,,,,,0,,,,,0,,,,,,,,,,,\r\n"
        "(all),time,,Tiempo,92.000001,seconds,276.000003,3,80.0,104.000001,3,6.122449,90.0,95.0,96.0,97.0,0,,,,,0,,,,,,"
        ",,,,,\r\n"
        "(all),empty,,Vacío,,percent,0,0,,,0,,,,,,0,<=,5.0,,,0,,,,,,,,,,,\r\n"
        "(all),cost,EUR,Coste,0.150238912,money,0.60095565,4,,,4,,,,,,0,,,,,0,,,,,,,,,,,\r\n"
        "(all),channel,\"'=cmd|'<script>\"\"&\x1b[31m\",Canal,66.666667,percent,2,3,20.7655,93.85,3,,,,,,0,,,,,0,,,,,,,"
        ",,,,\r\n";
    assert_true(strncmp(text, head, sizeof head - 1) == 0);
    assert_non_null(strstr(text, "\r\n(none),rate,"));
    assert_non_null(
        strstr(text, "\r\n\"'=cmd|'<script>\"\"&\x1b[31m\",rate,")); /* a slice's name is no formula either */
}

/* The longest line, in columns, without escape sequences. */
static size_t widest(const char *text)
{
    size_t most = 0;
    while (*text) {
        size_t len = strcspn(text, "\n"), width = ct_text_width((ct_span){text, len});
        most = width > most ? width : most;
        text += len + (text[len] == '\n');
    }
    return most;
}

static void table(void **state)
{
    (void)state;
    struct ct_findings findings = make();
    for (unsigned width = 72; width <= 160; width += 8) {
        begin();
        ct_table_write(&out, &findings, &(struct ct_table_options){.lang = CT_LANG_ES, .width = width});
        const char *text = done();
        assert_true(widest(text) <= width);
        assert_null(strchr(text, '\x1b')); /* neither ours nor the input's */
        assert_non_null(strstr(text, "Tasa ñandú"));
        assert_non_null(strstr(text, "70,0 %"));
        assert_non_null(strstr(text, "1 min 32 s"));
        assert_non_null(strstr(text, "✗ ≥ 85,0 %"));
        assert_non_null(strstr(text, "1.234.567"));
        assert_non_null(strstr(text, "38,5 %")); /* 40 of 104 */
        assert_null(strstr(text, "nothing"));    /* a reason that did not happen */
    }
    begin();
    ct_table_write(&out, &findings, &(struct ct_table_options){.lang = CT_LANG_EN, .width = 120, .colour = true});
    assert_non_null(strstr(done(), "\x1b[1m"));
    assert_non_null(strstr(written, "\x1b[31m✗"));
    begin();
    ct_table_write(&out, &findings, NULL);
    assert_true(widest(done()) <= 100);
    begin();
    ct_table_catalogue(&out, kpis, 6, &(struct ct_table_options){.width = 90});
    assert_true(widest(done()) <= 90);
    assert_non_null(strstr(written, "rate.sub"));
}

/* A weekly review of Madrid, filtered, against the week before, by a pair of fields. */
static struct ct_findings make_review(void)
{
    static struct ct_zone east = {.offset = 3600};
    static const char *const where[] = {"channel=" HOSTILE};
    static struct ct_block slices[2];
    struct ct_findings findings = make();
    findings.cadence = CT_CADENCE_WEEKLY;
    findings.compared = findings.period_given = true;
    findings.zone = &east;
    findings.zone_name = "Europe/Madrid";
    findings.total.from = INT64_C(1762729200000000); /* 2025-11-10T00:00+01 */
    findings.total.to = INT64_C(1763334000000000);   /* 2025-11-17T00:00+01 */
    findings.before_from = INT64_C(1762124400000000);
    findings.before_to = findings.total.from;
    findings.before_conversations = 12;
    findings.where = where;
    findings.where_count = 1;
    findings.group_by = "channel,language";
    figures[0].change = (struct ct_change){.verdict = CT_CHANGE_UP,
                                           .before_num = 5000,
                                           .before_den = 100,
                                           .before_n = 100,
                                           .difference_micro = 20000000,
                                           .has_interval = true,
                                           .low_micro = 6500000,
                                           .high_micro = 32500000};
    figures[0].target_segment = "smb";
    figures[0].provisional = 3;
    figures[0].settles_at = INT64_C(1763420400000000) - 1; /* the last moment of the 17th there */
    figures[2].change = (struct ct_change){
        .verdict = CT_CHANGE_UNTESTED, .before_num = 100, .before_den = 1, .before_n = 1, .difference_micro = -8000000};
    slices[0] = findings.total;
    slices[0].key = CT_SPAN_LIT(HOSTILE);
    slices[0].second = CT_SPAN_LIT("es");
    slices[1] = findings.total;
    slices[1].other = true;
    findings.slices = slices;
    findings.slice_count = 2;
    return findings;
}

static void review(void **state)
{
    (void)state;
    struct ct_findings findings = make_review();
    for (unsigned width = 72; width <= 160; width += 8) {
        begin();
        ct_table_write(&out, &findings, &(struct ct_table_options){.width = width});
        const char *text = done();
        assert_true(widest(text) <= width);
        assert_null(strchr(text, '\x1b'));
        assert_non_null(strstr(text, "Weekly review: 2025-11-10 to 2025-11-16 (Europe/Madrid)"));
        assert_non_null(strstr(text, "against 2025-11-03 to 2025-11-09"));
        assert_non_null(strstr(text, "only channel="));
        assert_non_null(strstr(text, "provisional until 2025-11-17"));
        assert_non_null(strstr(text, "By channel / language"));
        assert_non_null(strstr(text, " / es"));
        assert_non_null(strstr(text, "no data for: Empty"));
        assert_true(strstr(text, "Customer experience") <
                    strstr(text, "Cost ")); /* of a week, experience before cost */
        assert_true(width < 120 || strstr(text, "+20.0 pp, up: better"));
        assert_true(width < 120 || strstr(text, "-8.0 s, untested"));
    }
    begin();
    ct_table_write(&out, &findings, &(struct ct_table_options){.lang = CT_LANG_ES, .width = 140});
    assert_non_null(strstr(done(), "+20,0 pp, sube: mejor"));
    assert_non_null(strstr(written, "provisional hasta el 2025-11-17"));
    assert_non_null(strstr(written, "Revisión semanal: 2025-11-10 a 2025-11-16"));
    assert_non_null(strstr(written, "sin datos para: Vacío"));
    begin();
    ct_json_findings(&out, &findings);
    (void)done();
    assert_non_null(strstr(written, "\"zone\":\"Europe/Madrid\",\"cadence\":\"weekly\",\"families\":[\"operations\","
                                    "\"experience\"],\"counted\":{\"from\":\"2025-11-09T23:00:00Z\",\"to\":"
                                    "\"2025-11-16T23:00:00Z\"},\"compared_with\":{\"from\":\"2025-11-02T23:00:00Z\","
                                    "\"to\":\"2025-11-09T23:00:00Z\",\"conversations\":12},\"where\":["));
    assert_non_null(strstr(written, "\"provisional\":3,\"settles_at\":\"2025-11-17T22:59:59.999999Z\""));
    assert_non_null(strstr(written, "\"target_segment\":\"smb\",\"change\":{\"verdict\":\"up\",\"better\":true,"
                                    "\"difference\":20.0,\"low\":6.5,\"high\":32.5,\"before\":50.0,\"before_n\":100}"));
    assert_non_null(strstr(written, "\"change\":{\"verdict\":\"untested\",\"better\":null,\"difference\":-8.0,\"low\":"
                                    "null,\"high\":null,\"before\":100.0,\"before_n\":1}"));
    assert_non_null(strstr(written, "\"language\":\"es\"},\"conversations\":104,"));
    begin();
    ct_csv_write(&out, &findings, CT_LANG_EN);
    assert_non_null(strstr(done(), ",smb,3,2025-11-17T22:59:59.999999Z,up,better,20.0,6.5,32.5,50.0,100,"
                                   "2025-11-09T23:00:00Z,2025-11-16T23:00:00Z,\r\n"));
    assert_non_null(strstr(written, "\x1b[31m / es\",rate,"));
    begin();
    ct_report_write(&out, &findings, NULL);
    assert_non_null(strstr(done(), "Weekly review: 2025-11-10 to 2025-11-16, against 2025-11-03 to 2025-11-09"));
    assert_non_null(strstr(written, "<span class=\"chip met\">+20.0 pp, up: better</span>"));
    assert_non_null(strstr(written, "provisional until 2025-11-17 · 3 open"));
    assert_non_null(strstr(written, "No data for: Empty"));
    assert_null(strstr(written, "<script"));
    assert_null(strchr(written, '\x1b'));
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    while ((text = strstr(text, what))) {
        count++;
        text += strlen(what);
    }
    return count;
}

static void page(void **state)
{
    (void)state;
    static const char *const pairs[] = {"html",    "head", "body", "main", "section", "table",  "thead", "tbody",
                                        "details", "svg",  "ul",   "dl",   "div",     "footer", "header"};
    for (int lang = 0; lang < CT_LANG_COUNT; lang++) {
        struct ct_findings findings = lang ? make_review() : make();
        begin();
        ct_report_write(&out, &findings, &(struct ct_report_options){(enum ct_lang)lang, lang ? "T<i>" : NULL});
        const char *text = done();
        assert_true(ct_utf8_valid((ct_span){text, length}, NULL));
        assert_null(strstr(text, "<script"));
        assert_null(strstr(text, "http://"));
        assert_null(strstr(text, "https://"));
        assert_null(strstr(text, "url("));
        assert_null(strchr(text, '\x1b'));
        assert_non_null(strstr(text, "&lt;script&gt;&quot;&amp;"));
        assert_non_null(strstr(text, lang ? "<title>T&lt;i&gt;</title>" : "<title>Conversation audit</title>"));
        assert_non_null(strstr(text, lang ? "Tasa ñandú" : "Rate"));
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
            char open[32], attribute[32], close[32];
            snprintf(open, sizeof open, "<%s>", pairs[i]);
            snprintf(attribute, sizeof attribute, "<%s ", pairs[i]);
            snprintf(close, sizeof close, "</%s>", pairs[i]);
            assert_int_equal(count_of(text, open) + count_of(text, attribute), count_of(text, close));
        }
    }
}

static void nothing_at_all(void **state)
{
    (void)state;
    struct ct_findings findings = {.generated_at = CT_USEC_NONE};
    findings.total.first_at = findings.total.last_at = findings.total.from = findings.total.to = CT_USEC_NONE;
    begin();
    ct_table_write(&out, &findings, NULL);
    ct_json_findings(&out, &findings);
    ct_csv_write(&out, &findings, CT_LANG_EN);
    ct_report_write(&out, &findings, NULL);
    assert_non_null(strstr(done(), "\"kpis\":[],"));
    assert_null(strstr(written, "nan"));
}

static void locale_changes_nothing(void **state)
{
    (void)state;
    struct ct_findings findings = make();
    begin();
    ct_json_findings(&out, &findings);
    char *before = strdup(done());
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "C.utf8")) {
        print_message("skipped: one locale only\n");
        free(before);
        skip();
    }
    begin();
    ct_json_findings(&out, &findings);
    assert_string_equal(done(), before);
    setlocale(LC_ALL, "C");
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(json, clean),
        cmocka_unit_test_teardown(csv, clean),
        cmocka_unit_test_teardown(table, clean),
        cmocka_unit_test_teardown(review, clean),
        cmocka_unit_test_teardown(page, clean),
        cmocka_unit_test_teardown(nothing_at_all, clean),
        cmocka_unit_test_teardown(locale_changes_nothing, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
