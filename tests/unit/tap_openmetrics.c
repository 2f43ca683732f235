/* The metrics page of live windows: what it says is what the windows hold. With a folder as its argument it writes the
 * page there in both forms, for tests/e2e/openmetrics.py to check line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "metrics/kpi.h"
#include "plugin/tap/live.h"
#include "random_record.h"
#include "sinks/openmetrics.h"

#define START (INT64_C(1795258800) * CT_USEC_PER_SECOND)
#define VIEWS (2 * CT_WINDOW_COUNT)

static const enum ct_slice_field fields[] = {CT_SLICE_CHANNEL, CT_SLICE_OUTCOME};

struct page {
    struct ct_live *live;
    struct ct_live_view computed[VIEWS];
    struct ct_openmetrics_view views[VIEWS];
};

/* Windows with all that a page has: surveys of many scales, currencies, channels with quotes and no name at all. */
static void make_page(struct page *page)
{
    static const char *const odd[] = {"web \"chat\"", "\\back", "two\nlines", "(none)", "(other)", "(", "España"};
    seed = 13;
    page->live = ct_live_new(&(struct ct_live_options){.fields = fields, .field_count = 2, .slices_max = 9});
    assert_non_null(page->live);
    for (unsigned i = 0; i < 400; i++) {
        struct ct_record *record = random_record(true, 8);
        if (chance(30)) {
            struct ct_record head = *record;
            free(record);
            record = make_record(
                &head, &(struct make_tail){.text = {[CT_TEXT_CHANNEL] = odd[below(7)], [CT_TEXT_CURRENCY] = "EUR"}});
        }
        assert_int_equal(ct_live_fold(page->live, START + (ct_usec)i * 10 * CT_USEC_PER_SECOND, NULL, record), CT_OK);
        free(record);
    }
    ct_live_messages(page->live, START + 4000 * CT_USEC_PER_SECOND, 1234);
    for (size_t i = 0; i < VIEWS; i++) {
        enum ct_window window = (enum ct_window)(i / 2);
        enum ct_slice_field by = fields[i % 2];
        struct ct_live_view *view = &page->computed[i];
        assert_int_equal(ct_live_compute(page->live, window, &by, view), CT_OK);
        page->views[i] = (struct ct_openmetrics_view){.window = ct_window_text(window),
                                                      .from = view->from,
                                                      .to = view->to,
                                                      .messages = view->messages,
                                                      .total = &view->total,
                                                      .by = ct_slice_field_text(by),
                                                      .slices = view->slices,
                                                      .slice_count = view->slice_count};
    }
}

static void free_page(struct page *page)
{
    for (size_t i = 0; i < VIEWS; i++) {
        ct_live_view_done(&page->computed[i]);
    }
    ct_live_free(page->live);
}

static const struct ct_openmetrics_label torn = {"reason", {"torn \"tail\"", 11}}, full = {"reason", {"disk_full", 9}};
static const struct ct_openmetrics_label version = {"version", {CT_VERSION, sizeof CT_VERSION - 1}};
static const struct ct_openmetrics_row rows[] = {
    {"convtap_build", "What runs.", NULL, CT_OPENMETRICS_INFO, &version, 1, 0, 0},
    {"convtap_tape_bytes", "Bytes on the tape.", "bytes", CT_OPENMETRICS_COUNTER, NULL, 0, (ct_wide)1 << 40, 0},
    {"convtap_drops", "What was left out, by \"reason\".", NULL, CT_OPENMETRICS_COUNTER, &torn, 1, 7, 0},
    {"convtap_open_conversations", "Conversations that wait.", NULL, CT_OPENMETRICS_GAUGE, NULL, 0, 12, 0},
    {"convtap_behind_seconds", "Age of what waits.", "seconds", CT_OPENMETRICS_GAUGE, NULL, 0, 1500000, 1000000},
    {"convtap_drops", "", NULL, CT_OPENMETRICS_COUNTER, &full, 1, 0, 0},
    {"convtap_drops", "", NULL, CT_OPENMETRICS_COUNTER, &torn, 1, 99, 0}, /* again: left out */
};

static char *text_of(const struct page *page, enum ct_openmetrics_form form)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    assert_non_null(file);
    static struct ct_out out;
    ct_out_init_file(&out, file);
    ct_openmetrics_write(
        &out, form,
        &(struct ct_openmetrics_page){page->views, VIEWS, rows, sizeof rows / sizeof *rows, ct_kpi_of_customers});
    assert_int_equal(ct_out_done(&out), CT_OK);
    fclose(file);
    return text;
}

static void has_line(const char *text, const char *line)
{
    char whole[1200];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    if (!strstr(text, whole)) {
        fail_msg("no line: %s", line);
    }
}

static void page_says_what_the_windows_hold(void **state)
{
    (void)state;
    struct page page;
    make_page(&page);
    char *text = text_of(&page, CT_OPENMETRICS_1_0), line[600], number[CT_DECIMAL_BYTES];
    for (size_t i = 0; i < VIEWS; i += 2) {
        const struct ct_block *total = &page.computed[i].total;
        const struct ct_figure *rate = ct_block_figure(total, "escalation_rate");
        assert_true(rate->has_value);
        const char *window = page.views[i].window;
        snprintf(line, sizeof line, "convtap_window_conversations{window=\"%s\"} %llu", window,
                 (unsigned long long)total->conversations);
        has_line(text, line);
        ct_decimal_format(rate->numerator, rate->denominator, 9, true, number);
        snprintf(line, sizeof line, "convtap_escalation_rate_ratio{window=\"%s\"} %s", window, number);
        has_line(text, line);
        snprintf(line, sizeof line, "convtap_escalation_rate_denominator{window=\"%s\"} %llu", window,
                 (unsigned long long)rate->denominator);
        has_line(text, line);
        snprintf(line, sizeof line, "convtap_window_messages{window=\"%s\"} 1234", window);
        has_line(text, line);
    }
    /* First contact needs the customer's other conversations: a family without a sample. */
    has_line(text, "# TYPE convtap_fcr_ratio gauge");
    assert_null(strstr(text, "\nconvtap_fcr_ratio{"));
    has_line(text, "convtap_drops_total{reason=\"torn \\\"tail\\\"\"} 7");
    has_line(text, "convtap_drops_total{reason=\"disk_full\"} 0");
    has_line(text, "convtap_tape_bytes_total 1099511627776");
    has_line(text, "convtap_behind_seconds 1.5");
    has_line(text, "convtap_build_info{version=\"" CT_VERSION "\"} 1");
    char *again = text_of(&page, CT_OPENMETRICS_1_0);
    assert_string_equal(text, again);
    free(again);
    free(text);
    free_page(&page);
}

static const char *folder;

static void write_pages(void **state)
{
    (void)state;
    static const char *const names[] = {[CT_OPENMETRICS_1_0] = "openmetrics", [CT_OPENMETRICS_CLASSIC] = "classic"};
    struct page page;
    make_page(&page);
    for (int form = 0; form < 2; form++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.txt", folder, names[form]);
        char *text = text_of(&page, (enum ct_openmetrics_form)form);
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
        assert_int_equal(fclose(file), 0);
        free(text);
    }
    free_page(&page);
}

int main(int argc, char **argv)
{
    folder = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {cmocka_unit_test(page_says_what_the_windows_hold)};
    const struct CMUnitTest pages[] = {cmocka_unit_test(write_pages)};
    return folder ? cmocka_run_group_tests(pages, NULL, NULL) : cmocka_run_group_tests(tests, NULL, NULL);
}
