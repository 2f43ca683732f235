/* gate_frame.c - a client's WebSocket frames: however they are cut, what comes out is the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plugin/gate/gate_frame.h"

#include <stdio.h>
#include <stdlib.h>

static size_t put(char *out, unsigned first, const char *payload, size_t len, const unsigned char mask[4])
{
    size_t at = 0;
    out[at++] = (char)first;
    if (len < 126) {
        out[at++] = (char)(0x80 | len);
    } else {
        out[at++] = (char)(0x80 | 126);
        out[at++] = (char)(len >> 8);
        out[at++] = (char)(len & 0xFF);
    }
    memcpy(out + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < len; i++)
        out[at + i] = (char)(payload[i] ^ (char)mask[i & 3]);
    return at + len;
}

/* Runs `bytes` through a reader in pieces; writes what happened as one text. */
static void story(const char *bytes, size_t len, const size_t *cuts, size_t cut_count, char *out, size_t capacity)
{
    struct ct_wire_reader reader = {0};
    char *held = malloc(len + 1);
    size_t held_len = 0, from = 0, written = 0;
    for (size_t i = 0; i <= cut_count; i++) {
        size_t to = i < cut_count ? cuts[i] : len;
        memcpy(held + held_len, bytes + from, to - from);
        held_len += to - from;
        from = to;
        for (size_t at = 0;;) {
            size_t consumed;
            ct_span payload;
            int code = 0;
            const char *reason = "";
            enum ct_wire_event event =
                ct_wire_next(&reader, held + at, held_len - at, 100000, &consumed, &payload, &code, &reason);
            at += consumed;
            if (event == CT_WIRE_MORE) {
                assert_true(held_len - at < 200);
                memmove(held, held + at, held_len - at);
                held_len -= at;
                break;
            }
            written += (size_t)snprintf(out + written, capacity - written, "[%d %d %s %zu %llx]", (int)event, code,
                                        reason, payload.len, (unsigned long long)ct_hash(payload, 1));
            if (event == CT_WIRE_BAD) {
                i = cut_count;
                held_len = 0;
                break;
            }
        }
    }
    ct_wire_done(&reader);
    free(held);
}

static void any_cut(void **state)
{
    (void)state;
    static char bytes[8192], whole[4096], cut[4096];
    char big[3000];
    static const unsigned char mask[4] = {1, 0xF2, 0x33, 0x84};
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)('a' + i % 26);
    size_t len = put(bytes, 0x81, "hola", 4, mask);
    len += put(bytes + len, 0x01, big, 700, mask); /* a fragment, a ping, an empty one, the rest */
    len += put(bytes + len, 0x89, "ping", 4, mask);
    len += put(bytes + len, 0x00, "", 0, mask);
    len += put(bytes + len, 0x80, big + 700, 501, mask);
    len += put(bytes + len, 0x82, big, 3000, mask);
    len += put(bytes + len, 0x8A, "", 0, mask);
    len += put(bytes + len, 0x81, "", 0, mask);
    len += put(bytes + len, 0x88,
               "\x03\xE8"
               "bye",
               5, mask);
    story(bytes, len, NULL, 0, whole, sizeof(whole));
    assert_non_null(strstr(whole, "[1 0  1201 "));
    for (size_t i = 1; i < len; i++) {
        story(bytes, len, &i, 1, cut, sizeof(cut));
        assert_string_equal(cut, whole);
    }
    static size_t cuts[8192];
    for (size_t step = 1; step < 40; step++) {
        size_t count = 0;
        for (size_t at = step; at < len; at += step)
            cuts[count++] = at;
        story(bytes, len, cuts, count, cut, sizeof(cut));
        assert_string_equal(cut, whole);
    }
}

/* Whatever comes: an event or a name, never a crash, and the same however it is cut. */
static void noise(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (int round = 0; round < 20000; round++) {
        char bytes[96], whole[2048], cut[2048];
        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = (char)(seed >> 56);
        }
        bytes[0] = (char)(0x80 | (round & 0x0F));
        bytes[1] = (char)(bytes[1] | 0x80);
        size_t at = (size_t)round % sizeof(bytes);
        story(bytes, sizeof(bytes), NULL, 0, whole, sizeof(whole));
        story(bytes, sizeof(bytes), &at, 1, cut, sizeof(cut));
        assert_string_equal(cut, whole);
    }
}

static void text(void **state)
{
    (void)state;
    assert_true(ct_wire_text_valid(CT_SPAN_LIT("ma\xC3\xB1"
                                               "ana \xE2\x82\xAC \xF0\x9F\x98\x80 and a long plain tail")));
    assert_true(ct_wire_text_valid(CT_SPAN_LIT("\0a")));
    static const char *const bad[] = {"\x80",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xE0\x80\x80",
                                      "\xED\xA0\x80",
                                      "\xF0\x80\x80\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xC3",
                                      "12345678\xE2\x82",
                                      "\xFF"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(ct_wire_text_valid(ct_span_of(bad[i])));
}

static void heads(void **state)
{
    (void)state;
    unsigned char out[CT_WIRE_HEAD_MAX];
    assert_int_equal(ct_wire_head(CT_WIRE_TEXT, 125, out), 2);
    assert_int_equal(ct_wire_head(CT_WIRE_TEXT, 126, out), 4);
    assert_memory_equal(out, "\x81\x7E\x00\x7E", 4);
    assert_int_equal(ct_wire_head(CT_WIRE_BINARY, 65536, out), 10);
    assert_memory_equal(out, "\x82\x7F\0\0\0\0\0\1\0\0", 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_cut), cmocka_unit_test(noise), cmocka_unit_test(text),
                                       cmocka_unit_test(heads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
