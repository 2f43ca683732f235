/* A folder for a tape that goes with the test, and frames that tell by themselves whether they are whole. */
#ifndef TAPE_SCRATCH_H
#define TAPE_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plugin/tape/folder.h"
#include "plugin/tape/layout.h"
#include "plugin/tape/tape.h"

static inline char *scratch_make(char *out, size_t room)
{
    const char *where = getenv("TMPDIR");
    (void)snprintf(out, room, "%s/ct-tape-XXXXXX", where && *where ? where : "/tmp");
    assert_non_null(mkdtemp(out));
    return out;
}

static inline void scratch_empty(const char *folder)
{
    char path[512];
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        (void)snprintf(path, sizeof path, "%s/%.200s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            assert_int_equal(unlink(path), 0);
    }
    closedir(dir);
}

static inline void scratch_remove(const char *folder)
{
    scratch_empty(folder);
    assert_int_equal(rmdir(folder), 0);
}

static inline char *read_file(const char *folder, const char *name, size_t *len)
{
    char path[512];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    char *at = malloc((size_t)info.st_size + 1);
    assert_non_null(at);
    *len = fread(at, 1, (size_t)info.st_size, file);
    fclose(file);
    return at;
}

static inline void write_file(const char *folder, const char *name, const char *at, size_t len)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(at, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Frame number `i` of a test: every field follows from the number. */
struct made {
    struct ct_tape_entry entry;
    char names[3][24];
    char bytes[1200];
};

static inline void make_entry(struct made *made, uint64_t i)
{
    int a = snprintf(made->names[0], sizeof made->names[0], "source%d", (int)(i % 3));
    int b = snprintf(made->names[1], sizeof made->names[1], "%s", i % 2 ? "" : "openai");
    int c = snprintf(made->names[2], sizeof made->names[2], "stream-%d", (int)(i % 7));
    size_t len = (size_t)(i * 37 % (i % 11 == 5 ? 1200 : 90));
    for (size_t at = 0; at < len; at++)
        made->bytes[at] = (char)(i * 31 + at);
    made->entry = (struct ct_tape_entry){.kind = i % 13 == 3   ? CT_TAPE_TICK
                                                 : i % 17 == 4 ? CT_TAPE_SETUP
                                                               : CT_TAPE_DATA,
                                         .direction = (enum ct_direction)(i % 3),
                                         .at = 1700000000000000 + (ct_usec)i,
                                         .source = {made->names[0], (size_t)a},
                                         .format = {made->names[1], (size_t)b},
                                         .stream = {made->names[2], (size_t)c},
                                         .sequence = i,
                                         .target = i % 5 ? CT_SPAN_NONE : CT_SPAN_LIT("POST /v19.0/1234/messages"),
                                         .bytes = {made->bytes, len}};
}

static inline bool same_entry(const struct ct_tape_entry *a, const struct ct_tape_entry *b)
{
    return a->kind == b->kind && a->direction == b->direction && a->at == b->at && a->sequence == b->sequence &&
           ct_span_eq(a->source, b->source) && ct_span_eq(a->format, b->format) && ct_span_eq(a->stream, b->stream) &&
           ct_span_eq(a->target, b->target) && ct_span_eq(a->bytes, b->bytes);
}

static inline void append_made(struct ct_tape *tape, uint64_t from, uint64_t to)
{
    struct made made;
    for (uint64_t i = from; i < to; i++) {
        make_entry(&made, i);
        assert_int_equal(ct_tape_append(tape, &made.entry, NULL), CT_OK);
    }
}

static inline struct ct_tape *open_tape(const struct ct_tape_options *options, struct ct_tape_opened *opened)
{
    struct ct_tape *tape;
    struct ct_error err = {0};
    enum ct_status status = ct_tape_open(options, &tape, opened, &err);
    if (status != CT_OK)
        fail_msg("%s", err.text);
    return tape;
}

/* What a reading of a whole tape found. */
struct found {
    uint64_t frames, refused, refused_bytes, begin, end;
    uint64_t first, last; /* sequence */
    char text[1024];      /* of the last refusal */
};

/* Reads all there is; every frame delivered must be as make_entry makes it, and numbers rise. */
static inline struct found read_all(const char *folder, uint64_t position, uint64_t limit)
{
    struct found found = {.first = UINT64_MAX};
    struct ct_error err = {0};
    struct ct_tape_reader *reader;
    struct ct_tape_entry entry;
    struct made made;
    assert_int_equal(ct_tape_reader_open(folder, position, &reader, &found.begin, &err), CT_OK);
    uint64_t at, end, before = found.begin;
    found.end = found.begin;
    for (;;) {
        enum ct_status status = ct_tape_reader_next(reader, limit, &entry, &at, &end, &err);
        if (status == CT_NOT_FOUND)
            break;
        if (status == CT_REFUSED) {
            found.refused++;
            (void)snprintf(found.text, sizeof found.text, "%s", err.text);
            const char *bytes = strstr(err.text, " bytes passed over");
            assert_non_null(bytes);
            while (bytes > err.text && bytes[-1] != ' ')
                bytes--;
            assert_int_equal(err.offset, before);
            found.refused_bytes += strtoull(bytes, NULL, 10);
            before += strtoull(bytes, NULL, 10);
            assert_true(found.refused < 1000);
            continue;
        }
        if (status != CT_OK)
            fail_msg("%s", err.text);
        assert_int_equal(at, before); /* no silent gap */
        before = end;
        make_entry(&made, entry.sequence);
        assert_true(same_entry(&entry, &made.entry));
        assert_true(found.frames == 0 || entry.sequence > found.last);
        if (found.first == UINT64_MAX)
            found.first = entry.sequence;
        found.last = entry.sequence;
        found.frames++;
        found.end = end;
    }
    ct_tape_reader_close(reader);
    return found;
}

static inline void nap(long milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Until something is so, at most 20 s. */
#define WAIT_FOR(what)                                                                                                 \
    do {                                                                                                               \
        for (int wait_i = 0; wait_i < 4000 && !(what); wait_i++)                                                       \
            nap(5);                                                                                                    \
        assert_true(what);                                                                                             \
    } while (0)

#endif
