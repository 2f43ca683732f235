/* A tape's segment with whatever bytes: read, recovered, gone on with. Nothing crashes, no gap is silent, and of a tape
 * that was mutated every frame that comes out is one that was put in, where it was put in.
 *
 *     fuzz_tape [COUNT [SEED]]      mutations of segments made here (the test)
 *     fuzz_tape CORPUS              with -DCT_LIBFUZZER, clang's fuzzer
 *
 * The first byte of an input says what the rest is: bit 0 a packed segment, bit 1 that another segment follows it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "plugin/tape/folder.h"
#include "plugin/tape/layout.h"

enum { FRAMES = 24, SEGMENT_MOST = 64 * 1024, SALT = 0x5EED1234 };

static char folder[128];

static _Noreturn void broken(const char *what)
{
    fprintf(stderr, "fuzz_tape: %s (errno: %s)\n", what, strerror(errno));
    abort();
}

static void empty(void)
{
    char path[512];
    DIR *dir = opendir(folder);
    if (dir == NULL)
        broken("folder");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "%s/%.200s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    closedir(dir);
}

static void put_file(const char *name, const unsigned char *at, size_t len)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(at, 1, len, file) != len || fclose(file) != 0)
        broken("cannot write");
}

/* A segment of FRAMES frames from `base` on, the same on every run; returns its length. */
static size_t make_segment(uint64_t base, unsigned char *out)
{
    char bytes[300];
    size_t len = CT_SEGMENT_BEGIN;
    ct_segment_pack(&(struct ct_segment_head){.base = base, .created = 1700000000000000, .salt = SALT}, out);
    for (uint64_t i = 0; i < FRAMES; i++) {
        for (size_t at = 0; at < sizeof bytes; at++)
            bytes[at] = (char)(i * 7 + at * at);
        struct ct_tape_entry entry = {.kind = (enum ct_tape_kind)(1 + i % 3),
                                      .direction = (enum ct_direction)(i % 3),
                                      .at = (ct_usec)i,
                                      .source = CT_SPAN_LIT("webchat"),
                                      .stream = CT_SPAN_LIT("s1"),
                                      .sequence = i,
                                      .bytes = {bytes, (size_t)(i * 53 % sizeof bytes)}};
        uint32_t length = ct_frame_bytes(&entry);
        ct_frame_pack(&entry, length, out + len);
        ct_frame_seal(out + len, SALT, base + len - CT_SEGMENT_BEGIN);
        len += length;
    }
    return len;
}

/* What the segments were before anything happened to them; NULL = nobody knows. */
struct truth {
    const unsigned char *first, *second;
    size_t first_len, second_len;
};

static bool was_put_in(const struct truth *truth, uint64_t position, uint64_t end, const struct ct_tape_entry *entry)
{
    const unsigned char *at = truth->first + CT_SEGMENT_BEGIN + position;
    uint64_t border = truth->first_len - CT_SEGMENT_BEGIN;
    if (position >= border) {
        at = truth->second + CT_SEGMENT_BEGIN + position - border;
        if (end - border > truth->second_len - CT_SEGMENT_BEGIN)
            return false;
    } else if (end > border) {
        return false;
    }
    struct ct_tape_entry due;
    ct_frame_unpack(at, (uint32_t)(end - position), &due);
    return end - position == ct_frame_length(at) && due.kind == entry->kind && due.at == entry->at &&
           due.direction == entry->direction && due.sequence == entry->sequence &&
           ct_span_eq(due.source, entry->source) && ct_span_eq(due.stream, entry->stream) &&
           ct_span_eq(due.bytes, entry->bytes);
}

/* Frames from the beginning on; every byte before the end is in a frame or said to be passed over. */
static uint64_t read_all(uint64_t limit, const struct truth *truth, uint64_t *end_of_all)
{
    struct ct_tape_reader *reader;
    struct ct_tape_entry entry;
    struct ct_error err = {0};
    uint64_t frames = 0, start, position, end, before, refusals = 0;
    if (ct_tape_reader_open(folder, 0, &reader, &start, &err) != CT_OK)
        broken(err.text);
    before = start;
    for (;;) {
        enum ct_status status = ct_tape_reader_next(reader, limit, &entry, &position, &end, &err);
        if (status == CT_NOT_FOUND)
            break;
        if (status == CT_REFUSED) {
            const char *told = strstr(err.text, " bytes passed over");
            while (told && told > err.text && told[-1] != ' ')
                told--;
            if (told == NULL || err.offset != before || ++refusals > 100000)
                broken("a refusal that does not say what is missing");
            before += strtoull(told, NULL, 10);
            continue;
        }
        if (status != CT_OK)
            broken(err.text);
        if (position != before || end > limit)
            broken("a silent gap");
        if (truth && !was_put_in(truth, position, end, &entry))
            broken("a frame that nobody wrote");
        before = *end_of_all = end;
        frames++;
    }
    ct_tape_reader_close(reader);
    return frames;
}

static void go_on(void)
{
    struct ct_tape *tape;
    struct ct_tape_opened opened;
    struct ct_error err = {0};
    enum ct_status status = ct_tape_open(&(struct ct_tape_options){.folder = folder}, &tape, &opened, &err);
    if (status == CT_REFUSED && *err.text)
        return;
    if (status != CT_OK)
        broken(err.text);
    struct ct_tape_entry entry = {.kind = CT_TAPE_TICK, .at = 7};
    uint64_t end, last = 0;
    if (ct_tape_append(tape, &entry, &end) != CT_OK || ct_tape_flush(tape) != CT_OK || ct_tape_committed(tape) != end ||
        end <= opened.end)
        broken("the tape does not go on");
    if (read_all(end, NULL, &last) == 0 || last != end)
        broken("what was written after recovery is not read");
    ct_tape_close(tape);
}

static void run(unsigned char what, const unsigned char *at, size_t len, const struct truth *truth, bool open)
{
    char name[CT_SEGMENT_NAME];
    unsigned char *second = malloc(SEGMENT_MOST);
    uint64_t base = truth ? truth->first_len - CT_SEGMENT_BEGIN : 5000, end;
    if (second == NULL)
        broken("memory");
    put_file(what & 1 ? "0000000000000000.tape.zst" : "0000000000000000.tape", at, len);
    if (what & 2) {
        ct_segment_name(base, CT_SEGMENT_RAW, name);
        put_file(name, second, make_segment(base, second));
    }
    uint64_t first = read_all(UINT64_MAX, truth, &end), bounded = read_all(base, truth, &end);
    if ((what & 2) && first < FRAMES)
        broken("a frame behind the damaged segment is missing");
    if (bounded > first)
        broken("more frames before the limit than in all");
    if (open)
        go_on();
    free(second);
    empty();
}

static void begin(void)
{
    const char *where = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.90s/ct-fuzz-XXXXXX", where && *where ? where : "/tmp");
    if (mkdtemp(folder) == NULL)
        broken(folder);
}

#ifdef CT_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!*folder)
        begin();
    if (size > 0)
        run(data[0], data + 1, size - 1, NULL, true);
    return 0;
}

#else

static uint64_t roll(uint64_t *state)
{
    uint64_t x = *state += 0x9E3779B97F4A7C15U; /* splitmix64 */
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9U;
    x = (x ^ x >> 27) * 0x94D049BB133111EBU;
    return x ^ x >> 31;
}

/* A few edits, as a bad disk, a crash or a hand makes them; the length changes too. */
static size_t mutate(unsigned char *at, size_t len, uint64_t *state)
{
    for (uint64_t edits = 1 + roll(state) % 4; edits > 0 && len > 0; edits--) {
        size_t from = (size_t)(roll(state) % len), span = 1 + (size_t)(roll(state) % (roll(state) % 8 ? 40 : len));
        size_t other = (size_t)(roll(state) % len);
        if (span > len - from)
            span = len - from;
        switch (roll(state) % 6) {
        case 0:
            at[from] ^= (unsigned char)(1U << roll(state) % 8);
            break;
        case 1:
            memset(at + from, 0, span);
            break;
        case 2: /* torn */
            len = from;
            break;
        case 3: /* bytes are missing */
            memmove(at + from, at + from + span, len - from - span);
            len -= span;
            break;
        case 4: /* a piece stands somewhere else */
            if (span > len - other)
                span = len - other;
            memmove(at + other, at + from, span);
            break;
        default: /* bytes are too many */
            if (len + span > SEGMENT_MOST)
                break;
            memmove(at + from + span, at + from, len - from);
            len += span;
            break;
        }
    }
    return len;
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    uint64_t state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    unsigned char *first = malloc(SEGMENT_MOST), *second = malloc(SEGMENT_MOST), *packed = malloc(SEGMENT_MOST),
                  *work = malloc(SEGMENT_MOST);
    if (first == NULL || second == NULL || packed == NULL || work == NULL)
        return 2;
    begin();
    struct truth truth = {first, second, make_segment(0, first), 0};
    truth.second_len = make_segment(truth.first_len - CT_SEGMENT_BEGIN, second);
    size_t packed_len = ZSTD_compress(packed, SEGMENT_MOST, first, truth.first_len, 3);
    for (unsigned long i = 0; i < count; i++) {
        unsigned char what = (unsigned char)roll(&state);
        size_t len = what & 1 ? packed_len : truth.first_len;
        memcpy(work, what & 1 ? packed : first, len);
        len = mutate(work, len, &state);
        run(what, work, len, &truth, i % 4 == 0);
    }
    printf("%lu mutations of a segment\n", count);
    rmdir(folder);
    free(first);
    free(second);
    free(packed);
    free(work);
    return 0;
}
#endif
