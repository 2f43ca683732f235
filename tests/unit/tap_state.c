/* The tap's state file and its streams: what was written comes back, and what was damaged is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/tap/state.h"

static char folder[] = "/tmp/convtap-state-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/state", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void streams_are_found_by_source_and_name(void **state)
{
    (void)state;
    struct ct_streams *streams = ct_streams_new();
    char name[32];
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "bot-%u", i % 1000);
        struct ct_stream *stream =
            ct_streams_at(streams, i < 2500 ? CT_SPAN_LIT("web") : CT_SPAN_LIT("whatsapp"), ct_span_of(name));
        assert_non_null(stream);
        stream->next++;
    }
    assert_int_equal(ct_streams_count(streams), 2000);
    assert_int_equal(ct_streams_find(streams, CT_SPAN_LIT("web"), CT_SPAN_LIT("bot-7"))->next, 4);
    assert_int_equal(ct_streams_find(streams, CT_SPAN_LIT("whatsapp"), CT_SPAN_LIT("bot-7"))->next, 3);
    assert_null(
        ct_streams_find(streams, CT_SPAN_LIT("webb"), CT_SPAN_LIT("ot-7"))); /* no other cut of the same bytes */
    char longer[300];
    memset(longer, 'x', sizeof longer);
    assert_null(ct_streams_at(streams, CT_SPAN_LIT("web"), (ct_span){longer, 256}));
    ct_streams_free(streams);
}

static const struct ct_open_mark marks[] = {{1, 100, 0, 0}, {5, 90, 2, 0}, {UINT64_MAX, 4000, 0, 0}};

static size_t write_one(void)
{
    struct ct_streams *streams = ct_streams_new();
    ct_streams_at(streams, CT_SPAN_LIT("web"), CT_SPAN_LIT("bot"))->next = 18;
    ct_streams_at(streams, CT_SPAN_LIT(""), CT_SPAN_LIT("x"))->next = 2;
    const struct ct_tap_state state = {
        .judged = 5000, .replay_from = 90, .setup = CT_SPAN_LIT("packed\0setup"), .marks = marks, .mark_count = 3};
    struct ct_error err = {0};
    assert_int_equal(ct_tap_state_write(folder, &state, streams, &err), CT_OK);
    ct_streams_free(streams);
    struct stat stat_of;
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    return (size_t)stat_of.st_size;
}

static enum ct_status read_one(struct ct_tap_state *state, struct ct_streams *streams, void **memory)
{
    struct ct_error err = {0};
    return ct_tap_state_read(folder, state, streams, memory, &err);
}

static void a_state_comes_back(void **state)
{
    (void)state;
    struct ct_tap_state got;
    void *memory;
    struct ct_streams *streams = ct_streams_new();
    unlink(path);
    assert_int_equal(read_one(&got, streams, &memory), CT_NOT_FOUND);
    write_one();
    assert_int_equal(read_one(&got, streams, &memory), CT_OK);
    assert_int_equal(got.judged, 5000);
    assert_int_equal(got.replay_from, 90);
    assert_true(ct_span_eq(got.setup, CT_SPAN_LIT("packed\0setup")));
    assert_int_equal(got.mark_count, 3);
    assert_memory_equal(got.marks, marks, sizeof marks);
    assert_int_equal(ct_streams_count(streams), 2);
    assert_int_equal(ct_streams_find(streams, CT_SPAN_LIT("web"), CT_SPAN_LIT("bot"))->next, 18);
    free(memory);
    ct_streams_free(streams);
}

static void put_file(const char *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void damage_is_refused_wherever_it_is(void **state)
{
    (void)state;
    size_t len = write_one();
    char *bytes = malloc(len);
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(bytes, 1, len, file), len);
    fclose(file);
    for (size_t i = 0; i < 2 * len; i++) { /* each byte flipped, and the file cut before each */
        struct ct_tap_state got;
        void *memory;
        struct ct_streams *streams = ct_streams_new();
        size_t at = i % len;
        bytes[at] = (char)(bytes[at] ^ 0x10);
        put_file(bytes, i < len ? len : at);
        assert_int_equal(read_one(&got, streams, &memory), CT_REFUSED);
        assert_null(memory);
        bytes[at] = (char)(bytes[at] ^ 0x10);
        ct_streams_free(streams);
    }
    put_file(bytes, len);
    free(bytes);
    a_state_comes_back(NULL);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct ct_streams *streams = ct_streams_new();
    const struct ct_tap_state one = {.judged = 1};
    struct ct_error err = {0};
    assert_int_equal(ct_tap_state_write("/nonexistent/tape", &one, streams, &err), CT_IO);
    assert_non_null(strstr(err.text, "/nonexistent/tape/state.new"));
    ct_streams_free(streams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_found_by_source_and_name), cmocka_unit_test(a_state_comes_back),
        cmocka_unit_test(damage_is_refused_wherever_it_is), cmocka_unit_test(a_folder_that_is_not_there_is_named)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
