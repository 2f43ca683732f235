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

/* Room that is taken ends the buffer wherever it is; what is written in it is less. */
static void rooms(void **state)
{
    (void)state;
    static char want[8 * CT_OUT_BYTES + 64];
    size_t len = 0;
    for (size_t most = 1; len < 7 * CT_OUT_BYTES; most = most * 3 % (CT_OUT_BYTES + 1) + 1) {
        size_t used = most < 100 ? most : most / 5;
        char *at = ct_out_room(&out, most), c = (char)('a' + most % 26);
        assert_true(at >= out.buffer && at + most <= out.buffer + sizeof out.buffer);
        memset(at, c, used);
        ct_out_upto(&out, at + used);
        memset(want + len, c, used);
        len += used;
        assert_int_equal(out.written, len);
    }
    ct_out_uint(&out, UINT64_MAX);
    len += (size_t)snprintf(want + len, 32, "%llu", (unsigned long long)UINT64_MAX);
    want[len] = '\0';
    assert_written(want);
}

/* A string byte for byte, as quoting says it: `text` is ASCII, or one of these pieces. */
static size_t quoted_slowly(ct_span text, char *at)
{
    size_t len = 0;
    at[len++] = '"';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '"' || c == '\\' || c == '\n' || c == '\t') {
            at[len++] = '\\';
            at[len++] = c == '\n' ? 'n' : c == '\t' ? 't' : c;
        } else if (c == 0x7F || (unsigned char)c < 0x20) {
            len += (size_t)snprintf(at + len, 8, "\\u%04x", (unsigned)(unsigned char)c);
        } else if (c == '\xFF') {
            len += (size_t)snprintf(at + len, 8, "\xEF\xBF\xBD");
        } else {
            at[len++] = c;
        }
    }
    at[len++] = '"';
    at[len] = '\0';
    return len;
}

/* Every length about the steps of 8 and 16 bytes, every place of what is not plain, in memory that ends with the text.
 */
static void strings_of_every_length(void **state)
{
    (void)state;
    static const char *const pieces[] = {"", "\"", "\\", "\n", "\t", "\x1F", "\x7F", "\xFF", "ñ", "\x01\x01", " ", "~"};
    for (size_t len = 0; len < 52; len++) {
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            size_t piece = strlen(pieces[i]);
            for (size_t place = 0; place + piece <= len; place++) {
                char *text = malloc(len + 1), want[512];
                assert_non_null(text);
                memset(text, 'x', len);
                memcpy(text + (len - place - piece), pieces[i], piece);
                text = realloc(text, len ? len : 1);
                assert_non_null(text);
                begin(NULL);
                struct ct_writer w;
                ct_writer_init(&w, &out);
                ct_writer_string(&w, (ct_span){text, len});
                quoted_slowly((ct_span){text, len}, want);
                assert_written(want);
                free(text);
            }
        }
    }
}

/* Long ones, which do not pass through the buffer, and those where the buffer ends. */
static void strings_about_the_buffer(void **state)
{
    (void)state;
    static char text[2 * CT_OUT_BYTES], want[4 * CT_OUT_BYTES];
    static const size_t edges[] = {CT_OUT_BYTES / 8, CT_OUT_BYTES, 2 * CT_OUT_BYTES - 2};
    for (size_t i = 0; i < 9; i++) {
        for (size_t before = 0; before <= CT_OUT_BYTES; before += CT_OUT_BYTES / 2 - (i ? 1u : 3u)) {
            ct_span s = {text, edges[i / 3] - 1 + i % 3};
            memset(text, 'x', sizeof text);
            text[s.len - 1] = before % 2 ? '"' : 'x';
            begin(NULL);
            struct ct_writer w;
            ct_writer_init(&w, &out);
            ct_out_fill(&out, "-", before);
            ct_writer_string(&w, s);
            memset(want, '-', before);
            quoted_slowly(s, want + before);
            assert_written(want);
        }
    }
}

static void fields(void **state)
{
    (void)state;
    struct ct_writer w;
    ct_writer_init(&w, &out);
    ct_writer_open(&w, '{');
    ct_writer_field(&w, CT_SPAN_LIT("a"), CT_SPAN_LIT("\"x"));
    ct_writer_field(&w, CT_SPAN_LIT("b"), CT_SPAN_NONE);
    char *at = ct_writer_room(&w, 100);
    memcpy(at, "\"c\":1,\"d\":", 10);
    ct_writer_into(&w, at + 10);
    ct_writer_seconds(&w, -1500000);
    at = ct_writer_room(&w, 100);
    memcpy(at, "\"e\":[]", 6);
    ct_writer_upto(&w, at + 6);
    ct_writer_key(&w, "f");
    ct_writer_open(&w, '[');
    at = ct_writer_room(&w, CT_OUT_BYTES - 1); /* the most there is, with the comma */
    *at = '2';
    ct_writer_upto(&w, at + 1);
    ct_writer_bool(&w, false);
    ct_writer_tri(&w, CT_NULL);
    ct_writer_close(&w, ']');
    ct_writer_close(&w, '}');
    assert_written("{\"a\":\"\\\"x\",\"b\":null,\"c\":1,\"d\":-1.5,\"e\":[],\"f\":[2,false,null]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(buffer_edges, begin),
        cmocka_unit_test_setup(failure_is_kept, begin),
        cmocka_unit_test_setup(full_disk, begin),
        cmocka_unit_test_setup(json_text, begin),
        cmocka_unit_test_setup(json_escapes, begin),
        cmocka_unit_test_setup(rooms, begin),
        cmocka_unit_test_setup(strings_of_every_length, begin),
        cmocka_unit_test_setup(strings_about_the_buffer, begin),
        cmocka_unit_test_setup(fields, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
