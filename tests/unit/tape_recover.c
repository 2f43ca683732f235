/* What a crash or a bad disk leaves of a tape: torn at every byte, flipped at every byte, zeros, headers, half-made
 * files. */
#include "tests/unit/tape_folder.h"

enum { FRAMES = 40 };
#define FIRST "0000000000000000.tape"

/* A tape of `frames` in one segment; where each begins in ends[i], ends[frames] behind the last. */
static char *whole_tape(uint64_t frames, uint64_t *ends, size_t *len)
{
    struct ct_tape *tape = open_tape(&(struct ct_tape_options){.folder = folder}, NULL);
    struct made made;
    ends[0] = 0;
    for (uint64_t i = 0; i < frames; i++) {
        make_entry(&made, i);
        assert_int_equal(ct_tape_append(tape, &made.entry, &ends[i + 1]), CT_OK);
    }
    ct_tape_close(tape);
    char *at = read_file(folder, FIRST, len);
    assert_int_equal(*len, CT_SEGMENT_BEGIN + ends[frames]);
    return at;
}

static void torn_at_every_byte(void **state)
{
    (void)state;
    uint64_t ends[FRAMES + 1];
    size_t len;
    char *bytes = whole_tape(FRAMES, ends, &len);
    size_t whole = FRAMES;
    for (size_t cut = len; cut-- > CT_SEGMENT_BEGIN + ends[FRAMES - 6];) {
        while (CT_SEGMENT_BEGIN + ends[whole] > cut)
            whole--;
        write_file(folder, FIRST, bytes, cut);
        struct found found = read_all(folder, 0, UINT64_MAX); /* nobody writes: the torn end is said */
        assert_int_equal(found.frames, whole);
        assert_int_equal(found.refused_bytes, cut - CT_SEGMENT_BEGIN - ends[whole]);
        struct ct_tape_opened opened;
        struct ct_tape *tape = open_tape(&(struct ct_tape_options){.folder = folder}, &opened);
        assert_int_equal(opened.end, ends[whole]);
        assert_int_equal(opened.cut_bytes, cut - CT_SEGMENT_BEGIN - ends[whole]);
        append_made(tape, 1000, 1003);
        assert_int_equal(ct_tape_flush(tape), CT_OK);
        found = read_all(folder, 0, ct_tape_committed(tape));
        assert_int_equal(found.frames, whole + 3);
        assert_int_equal(found.refused, 0);
        ct_tape_close(tape);
    }
    free(bytes);
}

/* Every byte flipped: nothing wrong is delivered (read_all compares), all frames but the hit one are, and what is not
 * is said. Opened for writing, nothing behind the flip is cut; only a flip in the last frame looks torn. */
static void flipped_at_every_byte(void **state)
{
    (void)state;
    uint64_t ends[FRAMES + 1];
    size_t len;
    char *bytes = whole_tape(FRAMES, ends, &len);
    for (size_t at = 0; at < len; at++) {
        char was = bytes[at];
        bytes[at] = (char)(was ^ (1 << at % 8));
        write_file(folder, FIRST, bytes, len);
        bytes[at] = was;
        bool header = at < CT_SEGMENT_BEGIN;
        for (int bounded = 0; bounded < 2; bounded++) {
            struct found found = read_all(folder, 0, bounded ? ends[FRAMES] : UINT64_MAX);
            assert_int_equal(found.frames, header ? FRAMES : FRAMES - 1);
            assert_int_equal(found.refused, header ? 0 : 1);
        }
        if (at % 7 && at < CT_SEGMENT_BEGIN + ends[FRAMES - 1])
            continue; /* opening is slower */
        struct ct_tape_opened opened;
        struct ct_tape *tape = open_tape(&(struct ct_tape_options){.folder = folder}, &opened);
        bool last = at >= CT_SEGMENT_BEGIN + ends[FRAMES - 1];
        assert_int_equal(opened.end, last ? ends[FRAMES - 1] : ends[FRAMES]);
        assert_int_equal(opened.cut_bytes, last ? ends[FRAMES] - ends[FRAMES - 1] : 0);
        append_made(tape, 1000, 1001);
        ct_tape_close(tape);
        struct found found = read_all(folder, 0, UINT64_MAX);
        assert_int_equal(found.frames, header || last ? FRAMES + !last : FRAMES);
        assert_int_equal(found.refused, header || last ? 0 : 1);
    }
    free(bytes);
}

/* The same in a segment that has a successor: all of the next one is read. */
static void flipped_in_a_closed_segment(void **state)
{
    (void)state;
    enum { MANY = 120 };
    struct ct_tape_options options = {.folder = folder, .segment_bytes = 4096};
    struct ct_tape *tape = open_tape(&options, NULL);
    append_made(tape, 0, MANY);
    ct_tape_close(tape);
    struct found all = read_all(folder, 0, UINT64_MAX);
    assert_int_equal(all.frames, MANY);
    size_t len;
    char *bytes = read_file(folder, FIRST, &len);
    for (size_t at = 0; at < len; at++) {
        bytes[at] ^= 0x10;
        write_file(folder, FIRST, bytes, len);
        bytes[at] ^= 0x10;
        struct found found = read_all(folder, 0, UINT64_MAX);
        assert_int_equal(found.frames, at < CT_SEGMENT_BEGIN ? MANY : MANY - 1);
        assert_int_equal(found.refused, at < CT_SEGMENT_BEGIN ? 0 : 1);
        assert_int_equal(found.end, all.end);
    }
    /* Both headers gone: the whole segment, and it is said; a shortened one: the rest of it. */
    bytes[9] ^= 1;
    bytes[9 + CT_SEGMENT_COPY] ^= 1;
    write_file(folder, FIRST, bytes, len);
    struct found found = read_all(folder, 0, UINT64_MAX);
    assert_int_equal(found.refused, 1);
    assert_int_equal(found.refused_bytes, len - CT_SEGMENT_BEGIN);
    assert_true(found.first > 0 && found.last == MANY - 1);
    assert_non_null(strstr(found.text, FIRST));
    struct ct_tape_opened opened;
    tape = open_tape(&options, &opened); /* and the tape can be gone on with */
    assert_int_equal(opened.end, all.end);
    ct_tape_close(tape);
    bytes[9] ^= 1;
    bytes[9 + CT_SEGMENT_COPY] ^= 1;
    write_file(folder, FIRST, bytes, len / 2);
    found = read_all(folder, 0, all.end);
    assert_int_equal(found.refused, 1);
    assert_int_equal(found.last, MANY - 1);
    free(bytes);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, FIRST);
    assert_int_equal(unlink(path), 0); /* gone while somebody reads */
    found = read_all(folder, 0, all.end);
    assert_int_equal(found.begin, len - CT_SEGMENT_BEGIN);
    assert_int_equal(found.refused, 0);
}

/* A hole in the middle of the list is a gap that is said. */
static void missing_segment(void **state)
{
    (void)state;
    struct ct_tape *tape = open_tape(&(struct ct_tape_options){.folder = folder, .segment_bytes = 3000}, NULL);
    append_made(tape, 0, 200);
    ct_tape_close(tape);
    struct ct_segment_list list = {0};
    int dir = open(folder, O_RDONLY | O_DIRECTORY);
    assert_int_equal(ct_folder_list(dir, &list, NULL, NULL), CT_OK);
    assert_true(list.count >= 4);
    char name[CT_SEGMENT_NAME];
    ct_segment_name(list.at[1].base, CT_SEGMENT_RAW, name);
    assert_int_equal(unlinkat(dir, name, 0), 0);
    close(dir);
    struct found found = read_all(folder, 0, UINT64_MAX);
    assert_int_equal(found.refused, 1);
    assert_int_equal(found.refused_bytes, list.at[2].base - list.at[1].base);
    assert_int_equal(found.last, 199);
    ct_segment_list_done(&list);
}

static void zeros_behind_the_end(void **state)
{
    (void)state;
    uint64_t ends[FRAMES + 1];
    size_t len;
    char *bytes = whole_tape(FRAMES, ends, &len);
    char *longer = calloc(1, len + 100000);
    assert_non_null(longer);
    memcpy(longer, bytes, len);
    for (size_t torn = 0; torn < 3; torn++) { /* whole; the last one torn in the head; in the bytes */
        size_t keep = torn == 0 ? len : CT_SEGMENT_BEGIN + ends[FRAMES - 1] + (torn == 1 ? 20 : 50);
        memset(longer + keep, 0, len + 100000 - keep);
        write_file(folder, FIRST, longer, len + 100000);
        struct ct_tape_opened opened;
        struct ct_tape *tape = open_tape(&(struct ct_tape_options){.folder = folder}, &opened);
        assert_int_equal(opened.end, torn ? ends[FRAMES - 1] : ends[FRAMES]);
        assert_int_equal(opened.cut_bytes, len + 100000 - CT_SEGMENT_BEGIN - opened.end);
        ct_tape_close(tape);
        assert_int_equal(read_all(folder, 0, UINT64_MAX).frames, torn ? FRAMES - 1 : FRAMES);
    }
    free(longer);
    free(bytes);
}

/* A segment that was being begun: nothing, part of a header, zeros. The tape goes on where it ended. */
static void half_made_segment(void **state)
{
    (void)state;
    uint64_t ends[FRAMES + 1];
    size_t len;
    char *bytes = whole_tape(FRAMES, ends, &len), name[CT_SEGMENT_NAME], zeros[5000] = {0};
    ct_segment_name(ends[FRAMES], CT_SEGMENT_RAW, name);
    static const size_t sizes[] = {0, 1, 39, 40, 79, 80, 5000};
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i / 2];
        if (i % 2 && size > CT_SEGMENT_BEGIN)
            continue;
        write_file(folder, name, i % 2 ? bytes : zeros, 0);
        if (i % 2) { /* a true header, cut */
            unsigned char header[CT_SEGMENT_BEGIN];
            ct_segment_pack(&(struct ct_segment_head){.base = ends[FRAMES], .salt = 9}, header);
            write_file(folder, name, (const char *)header, size);
        } else {
            write_file(folder, name, zeros, size);
        }
        struct ct_tape_opened opened;
        struct ct_tape *tape = open_tape(&(struct ct_tape_options){.folder = folder}, &opened);
        assert_int_equal(opened.end, ends[FRAMES]);
        append_made(tape, FRAMES, FRAMES + 2);
        ct_tape_close(tape);
        struct found found = read_all(folder, 0, UINT64_MAX);
        assert_int_equal(found.frames, FRAMES + 2);
        assert_int_equal(found.refused, 0);
        write_file(folder, FIRST, bytes, len);
    }
    free(bytes);
}

static void expect_refused(const char *part)
{
    struct ct_tape *tape;
    struct ct_error err = {0};
    assert_int_equal(ct_tape_open(&(struct ct_tape_options){.folder = folder}, &tape, NULL, &err), CT_REFUSED);
    assert_non_null(strstr(err.text, part));
    assert_null(tape);
}

static void not_ours(void **state)
{
    (void)state;
    char text[200];
    memset(text, 'x', sizeof text);
    write_file(folder, FIRST, text, sizeof text);
    expect_refused("not a segment");
    write_file(folder, FIRST, text, 10); /* too short for a header: not the beginning of one either */
    expect_refused("not a segment");
    unsigned char header[CT_SEGMENT_BEGIN];
    ct_segment_pack(&(struct ct_segment_head){.base = 7}, header);
    write_file(folder, FIRST, (const char *)header, sizeof header);
    expect_refused("its name");
    ct_segment_pack(&(struct ct_segment_head){0}, header);
    header[8] = 2; /* a later version, with good checks */
    for (int copy = 0; copy < 2; copy++) {
        unsigned char *at = header + copy * CT_SEGMENT_COPY;
        at[8] = 2;
        uint32_t sum = ct_crc32c(0, at, 36);
        for (int i = 0; i < 4; i++)
            at[36 + i] = (unsigned char)(sum >> 8 * i);
    }
    write_file(folder, FIRST, (const char *)header, sizeof header);
    expect_refused("version 2");
    write_file(folder, "notes.txt", text, sizeof text); /* is nobody's business */
    scratch_empty(folder);
    write_file(folder, "notes.txt", text, sizeof text);
    struct ct_tape *tape = open_tape(&(struct ct_tape_options){.folder = folder}, NULL);
    ct_tape_close(tape);
}

/* What somebody sends may look like frames: with the check unknown to them, it is never taken for one. */
static void frames_in_frames(void **state)
{
    (void)state;
    struct made made;
    unsigned char fake[2000], *at = fake;
    for (uint64_t i = 500; i < 505; i++) {
        make_entry(&made, i);
        uint32_t length = ct_frame_bytes(&made.entry);
        ct_frame_pack(&made.entry, length, at);
        ct_frame_seal(at, 0, (uint64_t)(at - fake));
        at += length;
    }
    struct ct_tape *tape = open_tape(&(struct ct_tape_options){.folder = folder}, NULL);
    struct ct_tape_entry entry = {.kind = CT_TAPE_DATA, .bytes = {(const char *)fake, (size_t)(at - fake)}};
    assert_int_equal(ct_tape_append(tape, &entry, NULL), CT_OK);
    append_made(tape, 600, 603);
    ct_tape_close(tape);
    size_t len;
    char *bytes = read_file(folder, FIRST, &len);
    for (size_t i = CT_SEGMENT_BEGIN; i < CT_SEGMENT_BEGIN + CT_FRAME_HEAD; i++) { /* the outer head is hit */
        bytes[i] ^= 4;
        write_file(folder, FIRST, bytes, len);
        bytes[i] ^= 4;
        struct found found = read_all(folder, 0, UINT64_MAX);
        assert_int_equal(found.first, 600);
        assert_int_equal(found.frames, 3);
        assert_int_equal(found.refused, 1);
    }
    free(bytes);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        T(torn_at_every_byte), T(flipped_at_every_byte), T(flipped_in_a_closed_segment),
        T(missing_segment),    T(zeros_behind_the_end),  T(half_made_segment),
        T(not_ours),           T(frames_in_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
