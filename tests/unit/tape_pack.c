/* Closed segments are packed in the background, and nobody who reads notices; a crash at any step loses nothing. */
#include <zstd.h>

#include "tests/unit/tape_folder.h"

/* How many segments are raw, packed and half packed; *list as the folder says. */
static void count_files(struct ct_segment_list *list, size_t *raw, size_t *packed)
{
    int dir = open(folder, O_RDONLY | O_DIRECTORY);
    assert_int_equal(ct_folder_list(dir, list, NULL, NULL), CT_OK);
    close(dir);
    *raw = *packed = 0;
    for (size_t i = 0; i < list->count; i++) {
        *raw += list->at[i].raw;
        *packed += list->at[i].packed;
    }
}

static bool all_packed(struct ct_segment_list *list)
{
    size_t raw, packed;
    count_files(list, &raw, &packed);
    return raw == 1 && packed == list->count - 1;
}

static void packed_tape(uint64_t frames, uint64_t *end, struct ct_segment_list *list)
{
    struct ct_tape_options options = {.folder = folder, .segment_bytes = 40000, .compress = true};
    struct ct_tape *tape = open_tape(&options, NULL);
    struct ct_tape_reader *reader;
    struct ct_tape_entry entry;
    struct ct_error err = {0};
    append_made(tape, 0, frames / 2);
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    assert_int_equal(ct_tape_reader_open(folder, 0, &reader, NULL, &err), CT_OK);
    uint64_t read = 0;
    assert_int_equal(ct_tape_reader_next(reader, UINT64_MAX, &entry, NULL, NULL, &err), CT_OK);
    append_made(tape, frames / 2, frames);
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    *end = ct_tape_committed(tape);
    WAIT_FOR(all_packed(list));
    /* Packed beneath a reader. */
    for (read = 1; ct_tape_reader_next(reader, *end, &entry, NULL, NULL, &err) == CT_OK; read++)
        assert_int_equal(entry.sequence, read);
    assert_int_equal(read, frames);
    ct_tape_reader_close(reader);
    struct ct_tape_stats stats;
    WAIT_FOR((ct_tape_stats(tape, &stats), stats.disk_bytes < *end * 9 / 10));
    assert_string_equal(stats.problem, "");
    ct_tape_close(tape);
}

static void reads_across(void **state)
{
    (void)state;
    uint64_t end;
    struct ct_segment_list list = {0};
    packed_tape(3000, &end, &list);
    assert_true(list.count > 5);
    struct found found = read_all(folder, 0, UINT64_MAX);
    assert_int_equal(found.frames, 3000);
    assert_int_equal(found.refused, 0);
    assert_int_equal(found.end, end);
    /* From the middle of a packed one. */
    struct ct_tape_reader *reader;
    struct ct_tape_entry entry;
    struct ct_error err = {0};
    uint64_t at = 0, some = 0, start;
    assert_int_equal(ct_tape_reader_open(folder, 0, &reader, NULL, &err), CT_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(ct_tape_reader_next(reader, UINT64_MAX, &entry, &some, &at, &err), CT_OK);
    ct_tape_reader_close(reader);
    assert_int_equal(ct_tape_reader_open(folder, some, &reader, &start, &err), CT_OK);
    assert_int_equal(start, some);
    assert_int_equal(ct_tape_reader_next(reader, UINT64_MAX, &entry, NULL, NULL, &err), CT_OK);
    assert_int_equal(entry.sequence, 999);
    ct_tape_reader_close(reader);
    /* Anybody's zstd unpacks it, into what the segment was. */
    char name[CT_SEGMENT_NAME];
    ct_segment_name(list.at[1].base, CT_SEGMENT_PACKED, name);
    size_t len;
    char *packed = read_file(folder, name, &len);
    size_t bytes = CT_SEGMENT_BEGIN + list.at[2].base - list.at[1].base;
    assert_int_equal(ZSTD_getFrameContentSize(packed, len), bytes);
    char *raw = malloc(bytes);
    assert_int_equal(ZSTD_decompress(raw, bytes, packed, len), bytes);
    struct ct_segment_head head;
    assert_int_equal(ct_segment_unpack((unsigned char *)raw, bytes, &head, NULL, NULL), CT_OK);
    assert_int_equal(head.base, list.at[1].base);
    /* A crash between the packed one and the raw one's removal, and one amid packing. */
    char temporary[CT_SEGMENT_NAME], plain[CT_SEGMENT_NAME];
    ct_segment_name(list.at[1].base, CT_SEGMENT_RAW, plain);
    ct_segment_name(list.at[2].base, CT_SEGMENT_PACKING, temporary);
    write_file(folder, plain, raw, bytes);
    write_file(folder, name, packed, len / 2); /* the raw one wins, whatever the other is */
    write_file(folder, temporary, packed, len / 3);
    assert_int_equal(read_all(folder, 0, UINT64_MAX).frames, 3000);
    struct ct_tape_opened opened;
    struct ct_tape *tape = open_tape(&(struct ct_tape_options){.folder = folder}, &opened);
    assert_int_equal(opened.end, end);
    assert_int_equal(opened.segments, list.count);
    ct_tape_close(tape);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, temporary);
    assert_int_equal(access(path, F_OK), -1);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(access(path, F_OK), -1);
    found = read_all(folder, 0, UINT64_MAX);
    assert_int_equal(found.frames, 3000);
    assert_int_equal(found.refused, 0);
    free(raw);
    free(packed);
    ct_segment_list_done(&list);
}

/* A packed segment with a flipped byte, or cut: what could be unpacked before it counts or not, the next ones do, and
 * the gap is said. */
static void damaged_packed(void **state)
{
    (void)state;
    uint64_t end;
    struct ct_segment_list list = {0};
    packed_tape(1500, &end, &list);
    assert_true(list.count >= 4);
    char name[CT_SEGMENT_NAME];
    ct_segment_name(list.at[1].base, CT_SEGMENT_PACKED, name);
    size_t len;
    char *packed = read_file(folder, name, &len);
    for (size_t at = 0; at < len; at += 53) {
        packed[at] ^= 0x20;
        write_file(folder, name, packed, len);
        packed[at] ^= 0x20;
        struct found found = read_all(folder, 0, end);
        assert_int_equal(found.last, 1499);
        assert_true((found.refused > 0) == (found.frames < 1500));
        assert_true(found.refused_bytes <= list.at[2].base - list.at[1].base);
        write_file(folder, name, packed, at);
        found = read_all(folder, 0, end);
        assert_int_equal(found.last, 1499);
        assert_int_equal(found.refused,
                         found.frames < 1500 ? 1 : 0); /* only the checksum cut off: nothing is missing */
    }
    free(packed);
    ct_segment_list_done(&list);
}

/* Only packed ones are left: the tape goes on behind the last. */
static void last_one_packed(void **state)
{
    (void)state;
    uint64_t end;
    struct ct_segment_list list = {0};
    packed_tape(1500, &end, &list);
    char name[CT_SEGMENT_NAME], path[128];
    uint64_t base = list.at[list.count - 1].base;
    ct_segment_name(base, CT_SEGMENT_RAW, name);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(unlink(path), 0);
    struct found found = read_all(folder, 0, UINT64_MAX);
    assert_int_equal(found.end, base);
    assert_int_equal(found.refused, 0);
    struct ct_tape_opened opened;
    struct ct_tape *tape = open_tape(&(struct ct_tape_options){.folder = folder}, &opened);
    assert_int_equal(opened.end, base);
    append_made(tape, 5000, 5010);
    ct_tape_close(tape);
    found = read_all(folder, 0, UINT64_MAX);
    assert_int_equal(found.last, 5009);
    assert_int_equal(found.refused, 0);
    ct_segment_list_done(&list);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {T(reads_across), T(damaged_packed), T(last_one_packed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
