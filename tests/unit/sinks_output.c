/* The buffer in front of a file, and JSON text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "sinks/writer.h"

struct memory {
    char bytes[65536];
    size_t len;
    size_t limit; /* fails beyond it */
};

static bool remember(void *context, const char *bytes, size_t len)
{
    struct memory *memory = context;
    if (memory->len + len > memory->limit) {
        return false;
    }
    memcpy(memory->bytes + memory->len, bytes, len);
    memory->len += len;
    return true;
}

static struct memory memory;
static struct ct_out out;

static int begin(void **state)
{
    (void)state;
    memset(&memory, 0, sizeof memory);
    memory.limit = sizeof memory.bytes - 1;
    ct_out_init(&out, remember, &memory);
    return 0;
}

static void assert_written(const char *want)
{
    assert_int_equal(ct_out_done(&out), CT_OK);
    memory.bytes[memory.len] = '\0';
    assert_string_equal(memory.bytes, want);
}

static void buffer_edges(void **state)
{
    (void)state;
    char *want = malloc(3 * CT_OUT_BYTES + 8), *at = want;
    assert_non_null(want);
    static const size_t sizes[] = {CT_OUT_BYTES - 1, 1, 1, 0, CT_OUT_BYTES, 7, CT_OUT_BYTES - 7};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(at, 'a' + (int)i, sizes[i]);
        ct_out_bytes(&out, at, sizes[i]);
        at += sizes[i];
    }
    *at = '\0';
    assert_int_equal(out.written, at - want);
    assert_written(want);
    free(want);
}

static void failure_is_kept(void **state)
{
    (void)state;
    memory.limit = 10;
    ct_out_fill(&out, "xy", CT_OUT_BYTES); /* twice the buffer */
    ct_out_text(&out, "more");
    assert_int_equal(ct_out_done(&out), CT_IO);
    assert_int_equal(memory.len, 0);
}

static void full_disk(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (!full) {
        print_message("skipped: no /dev/full\n");
        skip();
    }
    ct_out_init_file(&out, full);
    ct_out_text(&out, "anything");
    assert_int_equal(ct_out_done(&out), CT_IO);
    fclose(full);
}

static void json_text(void **state)
{
    (void)state;
    struct ct_writer w;
    ct_writer_init(&w, &out);
    ct_writer_open(&w, '{');
    ct_writer_key(&w, "a");
    ct_writer_open(&w, '[');
    ct_writer_wide(&w, -12);
    ct_writer_bool(&w, true);
    ct_writer_null(&w);
    ct_writer_open(&w, '{');
    ct_writer_close(&w, '}');
    ct_writer_close(&w, ']');
    ct_writer_key_span(&w, CT_SPAN_LIT("k\"\n"));
    ct_writer_text(&w, NULL);
    ct_writer_key(&w, "s");
    ct_writer_seconds(&w, 46370512);
    ct_writer_key(&w, "t");
    ct_writer_seconds(&w, 2000000);
    ct_writer_key(&w, "u");
    ct_writer_seconds(&w, CT_USEC_NONE);
    ct_writer_key(&w, "d");
    ct_writer_decimal(&w, 1800, 22, 6);
    ct_writer_key(&w, "w");
    ct_writer_time(&w, 1795258800000000);
    ct_writer_close(&w, '}');
    assert_written("{\"a\":[-12,true,null,{}],\"k\\\"\\n\":null,\"s\":46.370512,\"t\":2.0,\"u\":null,\"d\":81.818182,"
                   "\"w\":\"2026-11-21T11:00:00Z\"}");
}

static void json_escapes(void **state)
{
    (void)state;
    struct ct_writer w;
    ct_writer_init(&w, &out);
    ct_writer_string(&w, CT_SPAN_LIT("\x01\b\t\n\v\f\r\"\\/\x7F ñ 😀 \xFF\xC3(\xED\xA0\x80\0."));
    assert_written(
        "\"\\u0001\\b\\t\\n\\u000b\\f\\r\\\"\\\\/\\u007f ñ 😀 \xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF"
        "\xBF\xBD\\u0000.\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(buffer_edges, begin), cmocka_unit_test_setup(failure_is_kept, begin),
        cmocka_unit_test_setup(full_disk, begin),    cmocka_unit_test_setup(json_text, begin),
        cmocka_unit_test_setup(json_escapes, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
