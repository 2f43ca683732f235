/* The catalogue is whole, and docs/kpis.md is what it writes. With --markdown, prints that page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "metrics/kpi.h"

static void catalogue_is_sound(void **state)
{
    (void)state;
    size_t count;
    const struct ct_kpi *kpis = ct_kpi_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(kpis[i].id, kpis[j].id);
        }
        for (int lang = 0; lang < CT_LANG_COUNT; lang++) {
            assert_true(kpis[i].name[lang][0] && kpis[i].formula[lang][0] && kpis[i].help[lang][0]);
            assert_true(ct_utf8_valid(ct_span_of(kpis[i].help[lang]), NULL));
        }
        assert_ptr_equal(ct_kpi_find(ct_span_of(kpis[i].id)), &kpis[i]);
        if (kpis[i].parent) { /* follows its parent or a sibling, and is named after it */
            assert_true(i > 0);
            const struct ct_kpi *before = &kpis[i - 1];
            assert_string_equal(before->parent ? before->parent : before->id, kpis[i].parent);
            size_t len = strlen(kpis[i].parent);
            assert_true(strncmp(kpis[i].id, kpis[i].parent, len) == 0 && kpis[i].id[len] == '.');
        }
    }
    assert_null(ct_kpi_find(ct_span_of("no_such_rate")));
    assert_true(ct_kpi_set_bytes() < 256 * 1024);
}

static void page_is_current(void **state)
{
    (void)state;
    char *want = ct_kpi_markdown();
    assert_non_null(want);
    FILE *file = fopen(CT_SOURCE_DIR "/docs/kpis.md", "rb");
    assert_non_null(file);
    size_t len = strlen(want);
    char *got = malloc(len + 2);
    assert_non_null(got);
    size_t read = fread(got, 1, len + 1, file);
    got[read] = '\0';
    fclose(file);
    if (strcmp(got, want) != 0) {
        print_error("docs/kpis.md is stale: convtap kpis --markdown > docs/kpis.md\n");
    }
    assert_string_equal(got, want);
    free(got);
    free(want);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--markdown") == 0) {
        char *page = ct_kpi_markdown();
        bool written = page && fputs(page, stdout) >= 0;
        free(page);
        return written ? 0 : 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalogue_is_sound),
        cmocka_unit_test(page_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
