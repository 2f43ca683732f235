/* gate_access.c - tokens: how they are read, what is refused, who is let in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plugin/gate/access.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN "abcdefgh-0123456789"

static void of_environment(void **state)
{
    (void)state;
    struct ct_access *access;
    struct ct_error err;
    assert_int_equal(ct_access_open(NULL, "# none;a ingest " TOKEN "; b read,ingest " TOKEN "2 ;boss admin " TOKEN "3",
                                    &access, &err),
                     CT_OK);
    assert_int_equal(ct_access_count(access), 3);
    struct ct_principal who;
    assert_true(ct_access_check(access, CT_SPAN_LIT(TOKEN), &who));
    assert_string_equal(who.name, "a");
    assert_int_equal(who.scopes, 1u << CT_SCOPE_INGEST);
    assert_true(ct_access_check(access, CT_SPAN_LIT(TOKEN "2"), &who));
    assert_int_equal(who.scopes, 1u << CT_SCOPE_INGEST | 1u << CT_SCOPE_READ);
    assert_true(ct_access_check(access, CT_SPAN_LIT(TOKEN "3"), &who));
    assert_int_equal(who.scopes, 1u << CT_SCOPE_INGEST | 1u << CT_SCOPE_READ | 1u << CT_SCOPE_ADMIN);
    assert_false(ct_access_check(access, CT_SPAN_LIT(TOKEN "4"), &who));
    assert_string_equal(who.name, "");
    assert_false(ct_access_check(access, CT_SPAN_LIT("abcdefgh-012345678"), &who));
    assert_false(ct_access_check(access, CT_SPAN_NONE, &who));
    ct_access_close(access);
    assert_int_equal(ct_access_open(NULL, NULL, &access, &err), CT_OK);
    assert_int_equal(ct_access_count(access), 0);
    assert_false(ct_access_check(access, CT_SPAN_LIT(TOKEN), &who));
    assert_false(ct_access_knows(access, &who)); /* nobody */
    ct_access_close(access);
    assert_int_equal(ct_access_count(NULL), 0);
    assert_false(ct_access_check(NULL, CT_SPAN_LIT(TOKEN), &who));
}

/* One that stays, one that loses a scope, one that goes, one that comes. */
static void replaced(void **state)
{
    (void)state;
    struct ct_access *access, *fresh;
    struct ct_principal stays, loses, goes, comes;
    struct ct_error err;
    assert_int_equal(
        ct_access_open(NULL, "stays read " TOKEN "1;loses ingest,read " TOKEN "2;goes read " TOKEN "3", &access, &err),
        CT_OK);
    assert_int_equal(
        ct_access_open(NULL, "renamed read " TOKEN "1;loses read " TOKEN "2;comes read " TOKEN "4", &fresh, &err),
        CT_OK);
    assert_true(ct_access_check(access, CT_SPAN_LIT(TOKEN "1"), &stays));
    assert_true(ct_access_check(access, CT_SPAN_LIT(TOKEN "2"), &loses));
    assert_true(ct_access_check(access, CT_SPAN_LIT(TOKEN "3"), &goes));
    assert_true(ct_access_knows(access, &stays) && ct_access_knows(access, &loses) && ct_access_knows(access, &goes));
    assert_false(ct_access_same(fresh, access));
    assert_int_equal(ct_access_generation(access), 0);
    ct_access_replace(access, fresh);
    assert_int_equal(ct_access_generation(access), 1);
    assert_int_equal(ct_access_count(access), 3);
    assert_true(ct_access_knows(access, &stays));
    assert_false(ct_access_knows(access, &loses));
    assert_false(ct_access_knows(access, &goes));
    assert_false(ct_access_check(access, CT_SPAN_LIT(TOKEN "3"), &comes));
    assert_true(ct_access_check(access, CT_SPAN_LIT(TOKEN "4"), &comes));
    assert_int_equal(ct_access_open(NULL, "c read " TOKEN "4;l read " TOKEN "2;s read " TOKEN "1", &fresh, &err),
                     CT_OK);
    assert_true(ct_access_same(fresh, access)); /* names and order let nobody in */
    ct_access_close(fresh);
    ct_access_close(access);
}

static void bad_lines(void **state)
{
    (void)state;
    static const char *const bad[] = {"a",
                                      "a ingest",
                                      "a ingest short",
                                      "a nothing " TOKEN,
                                      "a ingest, " TOKEN,
                                      TOKEN " nothing a", /* the columns mixed up */
                                      TOKEN " read short",
                                      "a ,read " TOKEN,
                                      "a ingest " TOKEN " more",
                                      "a/b ingest " TOKEN,
                                      "a ingest abcdefgh\"0123456789",
                                      "a ingest " TOKEN ";b read " TOKEN};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct ct_access *access;
        struct ct_error err = {0};
        assert_int_equal(ct_access_open(NULL, bad[i], &access, &err), CT_BAD_CONFIG);
        assert_null(access);
        assert_true(err.line > 0);
        assert_null(strstr(err.text, "abcdefgh")); /* never a token */
    }
}

static void of_file(void **state)
{
    (void)state;
    char path[] = "/tmp/convtap-tokens-XXXXXX";
    int file = mkstemp(path);
    static const char text[] = "# tokens\r\n\r\na ingest " TOKEN "\r\n\tb read " TOKEN "-b";
    assert_int_equal(write(file, text, sizeof(text) - 1), sizeof(text) - 1);
    struct ct_access *access;
    struct ct_error err = {0};
    assert_int_equal(fchmod(file, 0640), 0);
    assert_int_equal(ct_access_open(path, NULL, &access, &err), CT_BAD_CONFIG);
    assert_non_null(strstr(err.text, "chmod 600"));
    assert_int_equal(fchmod(file, 0600), 0);
    assert_int_equal(ct_access_open(path, "c admin " TOKEN "-c", &access, &err), CT_OK);
    assert_int_equal(ct_access_count(access), 3);
    struct ct_principal who;
    assert_true(ct_access_check(access, CT_SPAN_LIT(TOKEN "-b"), &who));
    ct_access_close(access);
    assert_int_equal(ct_access_open(path, "c admin " TOKEN, &access, &err), CT_BAD_CONFIG);
    close(file);
    unlink(path);
    assert_int_equal(ct_access_open(path, NULL, &access, &err), CT_IO);
    assert_int_equal(ct_access_open("/", NULL, &access, &err), CT_BAD_CONFIG);
}

static void equal_secret(void **state)
{
    (void)state;
    assert_true(ct_equal_secret(CT_SPAN_LIT("abc"), CT_SPAN_LIT("abc")));
    assert_true(ct_equal_secret(CT_SPAN_NONE, CT_SPAN_NONE));
    assert_false(ct_equal_secret(CT_SPAN_LIT("abc"), CT_SPAN_LIT("abd")));
    assert_false(ct_equal_secret(CT_SPAN_LIT("abc"), CT_SPAN_LIT("ab")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_environment), cmocka_unit_test(bad_lines),
                                       cmocka_unit_test(of_file), cmocka_unit_test(replaced),
                                       cmocka_unit_test(equal_secret)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
