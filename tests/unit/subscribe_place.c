/* subscribe_place.c - URLs taken apart, built up and refused; waits between attempts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plugin/subscribe/members.h"
#include "plugin/subscribe/pace.h"
#include "plugin/subscribe/place.h"
#include "plugin/subscribe/subscribe.h"

static void reads(const char *url, bool tls, const char *host, const char *port, const char *authority,
                  const char *path)
{
    struct ct_place place;
    if (!ct_place_read(ct_span_of(url), &place))
        fail_msg("%s is not read", url);
    assert_int_equal(place.tls, tls);
    assert_string_equal(place.host, host);
    assert_string_equal(place.port, port);
    assert_string_equal(place.authority, authority);
    assert_string_equal(place.path, path);
}

static void test_good(void **state)
{
    (void)state;
    reads("ws://a", false, "a", "80", "a", "/");
    reads("WSS://Host.example/cable", true, "Host.example", "443", "Host.example", "/cable");
    reads("http://a:8080?x=1#y", false, "a", "8080", "a:8080", "/?x=1");
    reads("https://a:443/b/?c#d?e", true, "a", "443", "a", "/b/?c");
    reads("wss://[::1]:9000/x", true, "::1", "9000", "[::1]:9000", "/x");
    reads("ws://[2001:db8::1]", false, "2001:db8::1", "80", "[2001:db8::1]", "/");
    reads("ws://127.0.0.1:1/a@b", false, "127.0.0.1", "1", "127.0.0.1:1", "/a@b");
}

static void test_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "ws://",
                                      "ws:/a",
                                      "ftp://a",
                                      "a",
                                      "ws:///path",
                                      "ws://a:",
                                      "ws://a:0",
                                      "ws://a:65536",
                                      "ws://a:123456",
                                      "ws://a:8x",
                                      "ws://a:-1",
                                      "ws://user:word@a/",
                                      "ws://user@a",
                                      "ws://a b/",
                                      "ws://a/b c",
                                      "ws://a/\r\nX: y",
                                      "ws://a\r\n/",
                                      "ws://[::1",
                                      "ws://[]",
                                      "ws://[::1]x",
                                      "ws://[::1]:",
                                      "ws://::1/",
                                      "ws://a/\xc3\xb1",
                                      "ws://[a/b]"};
    struct ct_place place;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ct_place_read(ct_span_of(bad[i]), &place))
            fail_msg("%s is read", bad[i]);
    assert_false(ct_place_read((ct_span){"ws://a/\0b", 9}, &place));
    assert_false(ct_place_read((ct_span){"ws://a\0b/", 9}, &place));
}

static void test_long(void **state)
{
    (void)state;
    static char url[CT_PLACE_PATH_MAX + 64];
    struct ct_place place;
    for (size_t host = 250; host < 260; host++) {
        memcpy(url, "ws://", 5);
        memset(url + 5, 'a', host);
        assert_int_equal(ct_place_read((ct_span){url, 5 + host}, &place), host < 256);
    }
    for (size_t path = CT_PLACE_PATH_MAX - 3; path < CT_PLACE_PATH_MAX + 3; path++) {
        memcpy(url, "ws://a/", 7);
        memset(url + 7, 'p', path - 1);
        assert_int_equal(ct_place_read((ct_span){url, 6 + path}, &place), path < CT_PLACE_PATH_MAX);
    }
}

static void test_build(void **state)
{
    (void)state;
    struct ct_place place;
    assert_true(ct_place_read(CT_SPAN_LIT("https://a/b/"), &place));
    assert_true(ct_place_below(&place, CT_SPAN_LIT("conversations")));
    assert_true(ct_place_below(&place, CT_SPAN_LIT("x/y?")));
    assert_string_equal(place.path, "/b/conversations/x%2Fy%3F");
    assert_true(ct_place_query(&place, "w", CT_SPAN_LIT("1&2=\xc3\xb1")));
    assert_true(ct_place_query(&place, "v", CT_SPAN_NONE));
    assert_string_equal(place.path, "/b/conversations/x%2Fy%3F?w=1%262%3D%C3%B1&v=");
    while (ct_place_query(&place, "fill", CT_SPAN_LIT("0123456789 0123456789")))
        ;
    assert_true(strlen(place.path) < CT_PLACE_PATH_MAX);
    char *end = strrchr(place.path, '&'); /* what did not fit left nothing */
    assert_string_equal(end, "&fill=0123456789%200123456789");
}

static void test_pace(void **state)
{
    (void)state;
    const ct_usec least = 1000, most = 60000;
    for (uint32_t attempts = 1; attempts < 100; attempts++) {
        ct_usec whole = attempts < 7 ? least << (attempts - 1) : most;
        whole = whole < most ? whole : most;
        assert_int_equal(ct_pace_wait(least, most, attempts, 0), whole - whole / 2);
        assert_int_equal(ct_pace_wait(least, most, attempts, UINT32_MAX), whole);
        ct_usec middle = ct_pace_wait(least, most, attempts, UINT32_MAX / 2);
        assert_true(middle >= whole / 2 && middle <= whole);
    }
    assert_int_equal(ct_pace_wait(most, most, 1, UINT32_MAX), most);
    assert_int_equal(ct_pace_wait(INT64_MAX / 3, INT64_MAX, UINT32_MAX, 0), INT64_MAX - INT64_MAX / 2);
}

static void test_kinds(void **state)
{
    (void)state;
    enum ct_subscribe_kind kind = CT_SUBSCRIBE_COUNT;
    assert_true(ct_subscribe_kind_from(CT_SPAN_LIT("raw"), &kind));
    assert_int_equal(kind, CT_SUBSCRIBE_RAW);
    assert_true(ct_subscribe_kind_from(CT_SPAN_LIT("directline"), &kind));
    assert_int_equal(kind, CT_SUBSCRIBE_DIRECTLINE);
    assert_false(ct_subscribe_kind_from(CT_SPAN_LIT("Raw"), &kind));
    assert_false(ct_subscribe_kind_from(CT_SPAN_NONE, &kind));
}

static void test_quote(void **state)
{
    (void)state;
    char out[64];
    size_t len = ct_members_quote(CT_SPAN_LIT("{\"a\":\"\\\n\x01\xc3\xb1\"}"), out, sizeof out);
    assert_int_equal(len, strlen("\"{\\\"a\\\":\\\"\\\\\\u000a\\u0001\xc3\xb1\\\"}\""));
    assert_memory_equal(out, "\"{\\\"a\\\":\\\"\\\\\\u000a\\u0001\xc3\xb1\\\"}\"", len);
    for (size_t room = 0; room < len; room++)
        assert_int_equal(ct_members_quote(CT_SPAN_LIT("{\"a\":\"\\\n\x01\xc3\xb1\"}"), out, room), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad),
                                       cmocka_unit_test(test_long), cmocka_unit_test(test_build),
                                       cmocka_unit_test(test_pace), cmocka_unit_test(test_kinds),
                                       cmocka_unit_test(test_quote)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
