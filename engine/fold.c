/* fold.c - the folded view (fold.h).
 *
 * The hot path of everything: each message is folded once. Stretches of ASCII go sixteen bytes at a time where the
 * machine has SSE2; what is not ASCII is looked up in a table made from utf8proc when the folder is made (two-byte
 * characters) or in a small cache in front of utf8proc (the rest). Instead of a map for every byte, a list of
 * "pieces" is kept, one for each place where folded and raw bytes do not go in step; between pieces they do.
 * Called by the matcher, by the loader and by tests.
 */
#include "engine/fold_char.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { TABLE_SIZE = 0x800, CACHE_SIZE = 256, PAD = 32, READABLE = 64 };

/* Folded bytes [f0,f1) came from raw bytes [r0,r1). Empty where something was dropped. */
struct piece {
    uint32_t f0, f1, r0, r1;
};

struct ct_folder {
    struct fold_entry table[TABLE_SIZE];
    struct fold_entry cache[CACHE_SIZE];
    char *text, *key, *narrow;        /* scratch; key has PAD bytes of ' ' before it */
    struct piece *pieces;             /* at most one for two raw bytes */
    uint64_t *blanks;                 /* of the key, bit by bit */
    uint32_t *shifts;                 /* folded - narrow bytes after each piece */
    size_t piece_count, len, raw_len, /* of the last text */
        narrow_len;
    bool has_narrow;
    /* state of the run of equal letters at the end of what is written */
    uint32_t last; /* 0 = not a letter */
    unsigned run;
    uint8_t seen; /* ENTRY_WIDE, and ENTRY_MANY for a wide one that is no symbol */
};

/* One character of valid UTF-8 that is not ASCII. */
static inline size_t utf8_get_wide(const unsigned char *at, uint32_t *c)
{
    if (at[0] < 0xE0) {
        *c = ((uint32_t)(at[0] & 31) << 6) | (at[1] & 63u);
        return 2;
    }
    if (at[0] < 0xF0) {
        *c = ((uint32_t)(at[0] & 15) << 12) | ((uint32_t)(at[1] & 63) << 6) | (at[2] & 63u);
        return 3;
    }
    *c = ((uint32_t)(at[0] & 7) << 18) | ((uint32_t)(at[1] & 63) << 12) | ((uint32_t)(at[2] & 63) << 6) | (at[3] & 63u);
    return 4;
}

struct ct_folder *ct_folder_new(void)
{
    struct ct_folder *folder = calloc(1, sizeof *folder);
    if (!folder)
        return NULL;
    /* NFD at most triples the bytes. These are asked for whole, and only the touched pages cost memory. */
    size_t bytes = CT_FOLD_TEXT_MAX * 3 + (size_t)PAD * 2 + READABLE;
    folder->text = malloc(bytes);
    folder->key = malloc(bytes);
    folder->narrow = malloc(CT_FOLD_TEXT_MAX + PAD);
    folder->blanks = malloc((CT_FOLD_TEXT_MAX * 3 / 64 + 1) * sizeof *folder->blanks);
    folder->pieces = malloc((CT_FOLD_TEXT_MAX / 2 + 2) * sizeof *folder->pieces);
    folder->shifts = malloc((CT_FOLD_TEXT_MAX / 2 + 2) * sizeof *folder->shifts);
    if (!folder->text || !folder->key || !folder->narrow || !folder->blanks || !folder->pieces || !folder->shifts) {
        ct_folder_free(folder);
        return NULL;
    }
    memset(folder->key, ' ', PAD);
    for (uint32_t c = 0; c < TABLE_SIZE; c++) {
        ct_fold_entry_of(c, &folder->table[c]);
        folder->table[c].from = c;
    }
    return folder;
}

void ct_folder_free(struct ct_folder *folder)
{
    if (!folder)
        return;
    free(folder->text);
    free(folder->key);
    free(folder->narrow);
    free(folder->blanks);
    free(folder->pieces);
    free(folder->shifts);
    free(folder);
}

static inline const struct fold_entry *entry_for(struct ct_folder *folder, uint32_t c)
{
    if (c < TABLE_SIZE)
        return &folder->table[c];
    struct fold_entry *entry = &folder->cache[(c ^ (c >> 8)) % CACHE_SIZE];
    if (entry->from != c)
        ct_fold_entry_of(c, entry);
    return entry;
}

/* Index of the last piece that begins at or before a folded offset; -1 = none. */
static ptrdiff_t piece_at(const struct ct_folder *folder, size_t offset)
{
    size_t low = 0, high = folder->piece_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (folder->pieces[middle].f0 <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return (ptrdiff_t)low - 1;
}

static size_t raw_begin_of(const struct ct_folder *folder, size_t offset)
{
    ptrdiff_t at = piece_at(folder, offset);
    if (at < 0)
        return offset;
    const struct piece *piece = &folder->pieces[at];
    return offset < piece->f1 ? piece->r0 : piece->r1 + (offset - piece->f1);
}

static void piece_add(struct ct_folder *folder, size_t f0, size_t f1, size_t r0, size_t r1)
{
    folder->pieces[folder->piece_count++] = (struct piece){(uint32_t)f0, (uint32_t)f1, (uint32_t)r0, (uint32_t)r1};
}

/* The third, fourth ... letter of a run: what stays of the run is the one letter at `first`, and its raw bytes are all
 * those up to raw_end. */
static void run_collapse(struct ct_folder *folder, size_t first, size_t len, size_t raw_end)
{
    size_t raw = raw_begin_of(folder, first);
    while (folder->piece_count > 0) {
        struct piece *top = &folder->pieces[folder->piece_count - 1];
        if (top->f0 > first || (top->f0 == first && top->f1 > first)) {
            folder->piece_count--;
            continue;
        }
        if (top->f1 > first)
            top->f1 = (uint32_t)first;
        break;
    }
    piece_add(folder, first, first + len, raw, raw_end);
}

/* Writes one folded character at `out` and returns where the next goes. *collapsed says that the piece for these raw
 * bytes is made already. */
static inline size_t entry_put(struct ct_folder *folder, const struct fold_entry *entry, size_t out, size_t raw_end,
                               bool *collapsed)
{
    if ((entry->flags & ENTRY_LETTER) && entry->to == folder->last) {
        if (++folder->run >= 3) {
            if (folder->run == 3)
                out -= entry->len;
            run_collapse(folder, out - entry->len, entry->len, raw_end);
            *collapsed = true;
            return out;
        }
    } else {
        folder->last = (entry->flags & ENTRY_LETTER) ? entry->to : 0;
        folder->run = 1;
    }
    if (entry->flags & ENTRY_WIDE)
        folder->seen |= (entry->flags & ENTRY_SYMBOL) ? ENTRY_WIDE : (ENTRY_WIDE | ENTRY_MANY);
    memcpy(folder->text + out, entry->text, 4);
    memcpy(folder->key + PAD + out, entry->key, 4);
    return out + entry->len;
}

/* One character that is not ASCII: `raw` is where it is, *in moves past it. */
static size_t put_wide(struct ct_folder *folder, const unsigned char *text, size_t *in, size_t out)
{
    uint32_t c;
    size_t raw = *in, raw_end = raw + utf8_get_wide(text + raw, &c), start = out;
    const struct fold_entry *entry = entry_for(folder, c);
    bool collapsed = false;
    *in = raw_end;
    if (__builtin_expect(entry->flags & ENTRY_MANY, 0)) {
        uint32_t parts[FOLD_CHAR_MAX];
        unsigned n = ct_fold_codepoint(c, parts);
        for (unsigned i = 0; i < n; i++) {
            struct fold_entry part;
            ct_fold_entry_of_folded(parts[i], &part);
            out = entry_put(folder, &part, out, raw_end, &collapsed);
        }
    } else if (entry->len) {
        out = entry_put(folder, entry, out, raw_end, &collapsed);
    }
    if (!collapsed) {
        piece_add(folder, start, out, raw, raw_end);
    } else {
        struct piece *top = &folder->pieces[folder->piece_count - 1];
        if (out > top->f1)
            top->f1 = (uint32_t)out;
    }
    return out;
}

/* `count` ASCII bytes one by one: where there is a run, and on machines without SSE2. */
static size_t put_ascii(struct ct_folder *folder, const unsigned char *text, size_t in, size_t count, size_t out)
{
    for (size_t i = in; i < in + count; i++) {
        bool collapsed; /* run_collapse made the piece; nothing more to do here */
        out = entry_put(folder, &folder->table[text[i]], out, i + 1, &collapsed);
    }
    return out;
}

#ifdef __SSE2__
/* Writes sixteen bytes folded as ASCII at `text` and `key`; `one` and `two` are the bytes before each and before that.
 * Returns a bit for each byte that is not ASCII, or a third letter of the same: from the first of them on, what is
 * written is worth nothing. Letters are equal but for their case where they are with the bit of ' '. */
static inline unsigned put_block(__m128i raw, __m128i one, __m128i two, char *text, char *key)
{
    const __m128i space = _mm_set1_epi8(' ');
    __m128i upper = _mm_sub_epi8(raw, _mm_set1_epi8('A'));
    __m128i is_upper = _mm_cmpeq_epi8(_mm_min_epu8(upper, _mm_set1_epi8(25)), upper);
    __m128i lower = _mm_or_si128(raw, _mm_and_si128(is_upper, space));
    __m128i from_a = _mm_sub_epi8(lower, _mm_set1_epi8('a'));
    __m128i letter = _mm_cmpeq_epi8(_mm_min_epu8(from_a, _mm_set1_epi8(25)), from_a);
    __m128i from_0 = _mm_sub_epi8(lower, _mm_set1_epi8('0'));
    __m128i digit = _mm_cmpeq_epi8(_mm_min_epu8(from_0, _mm_set1_epi8(9)), from_0);
    __m128i word = _mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(lower, _mm_set1_epi8('_')));
    __m128i as_one = _mm_cmpeq_epi8(lower, _mm_or_si128(one, space));
    __m128i as_two = _mm_cmpeq_epi8(lower, _mm_or_si128(two, space));
    __m128i third = _mm_and_si128(letter, _mm_and_si128(as_one, as_two));
    _mm_storeu_si128((__m128i *)(void *)text, lower);
    _mm_storeu_si128((__m128i *)(void *)key, _mm_or_si128(_mm_and_si128(word, lower), _mm_andnot_si128(word, space)));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(raw, third));
}

static inline __m128i load(const unsigned char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline __m128i load_some(const unsigned char *at, size_t len)
{
    unsigned char bytes[16] = {0};
    if (len >= sizeof bytes)
        return load(at);
    memcpy(bytes, at, len);
    return load(bytes);
}

/* The first block of a stretch: what is before it is known by the state of the run. Returns how many bytes are done;
 * the state is left as it was. */
static inline size_t put_first(struct ct_folder *folder, const unsigned char *at, size_t left, size_t out)
{
    uint32_t last = folder->last < 0x80 ? folder->last : 0;
    uint32_t before = folder->run >= 2 ? last : 0;
    __m128i raw = load_some(at, left), one = _mm_or_si128(_mm_slli_si128(raw, 1), _mm_cvtsi32_si128((int)last)),
            two = _mm_or_si128(_mm_slli_si128(raw, 2), _mm_cvtsi32_si128((int)(last << 8 | before)));
    unsigned bad = put_block(raw, one, two, folder->text + out, folder->key + PAD + out);
    size_t done = bad ? (size_t)__builtin_ctz(bad) : 16;
    return done < left ? done : left;
}

/* As many of the bytes as follow a stretch of `before` bytes in the same manner. Less than a block at the end of the
 * text is done with bytes before it once more. */
static inline size_t put_more(struct ct_folder *folder, const unsigned char *at, size_t left, size_t before, size_t out)
{
    char *text = folder->text + out, *key = folder->key + PAD + out;
    size_t done = 0;
    for (; left - done >= 16; done += 16) {
        const unsigned char *from = at + done;
        unsigned bad = put_block(load(from), load(from - 1), load(from - 2), text + done, key + done);
        if (__builtin_expect(bad != 0, 0))
            return done + (size_t)__builtin_ctz(bad);
    }
    size_t back = 16 - (left - done);
    if (back < 16 && before + done >= back + 2) {
        const unsigned char *from = at + done - back;
        unsigned bad = put_block(load(from), load(from - 1), load(from - 2), text + done - back, key + done - back);
        return bad ? done - back + (size_t)__builtin_ctz(bad) : left;
    }
    return done;
}

/* The state of the run behind two bytes of one stretch: at most two letters long. */
static inline void run_take(struct ct_folder *folder, const unsigned char *end)
{
    unsigned one = end[-1] | 32u, two = end[-2] | 32u;
    bool letter = one >= 'a' && one <= 'z';
    folder->last = letter ? one : 0;
    folder->run = letter && one == two ? 2 : 1;
}

static size_t ascii_bytes(const unsigned char *at, size_t most)
{
    size_t count = 0;
    while (count < most && at[count] < 0x80)
        count++;
    return count;
}

static size_t fold_all(struct ct_folder *folder, const unsigned char *text, size_t len)
{
    size_t in = 0, out = 0, stretch = 0; /* begins where the last byte was folded alone; one byte out for one in */
    while (in < len) {
        size_t before = in - stretch, left = len - in, done = 0;
        if (before >= 2)
            done = put_more(folder, text + in, left, before, out);
        else if (text[in] < 0x80)
            done = put_first(folder, text + in, left, out);
        if (before + done >= 2) {
            in += done;
            out += done;
            if (done == left || (before == 0 && done == 16))
                continue;
            run_take(folder, text + in);
        }
        if (text[in] >= 0x80) {
            out = put_wide(folder, text, &in, out);
        } else { /* a run, or too few bytes to tell one later */
            size_t count = ascii_bytes(text + in, len - in < 16 ? len - in : 16);
            out = put_ascii(folder, text, in, count, out);
            in += count;
        }
        stretch = in;
    }
    return out;
}
#else
static size_t fold_all(struct ct_folder *folder, const unsigned char *text, size_t len)
{
    size_t in = 0, out = 0;
    while (in < len) {
        if (text[in] < 0x80)
            out = put_ascii(folder, text, in++, 1, out);
        else
            out = put_wide(folder, text, &in, out);
    }
    return out;
}
#endif

/* Bit i: byte i of the sixty-four is ' '. */
static inline uint64_t blanks_of(const char *at)
{
    uint64_t mask = 0;
#ifdef __SSE2__
    for (unsigned i = 0; i < 64; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at + i));
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' '))) << i;
    }
#else
    for (unsigned i = 0; i < 64; i++)
        mask |= (uint64_t)(at[i] == ' ') << i;
#endif
    return mask;
}

/* Whole steps of sixty-four bytes are read: there is room behind the key. */
static void find_blanks(struct ct_folder *folder)
{
    const char *key = folder->key + PAD;
    size_t base = 0;
    for (; base + 64 <= folder->len; base += 64)
        folder->blanks[base / 64] = blanks_of(key + base);
    folder->blanks[base / 64] = blanks_of(key + base) | ~(uint64_t)0 << (folder->len - base);
}

void ct_fold(struct ct_folder *folder, ct_span text, struct ct_folded *out)
{
    size_t len = text.len;
    if (len > CT_FOLD_TEXT_MAX) {
        len = CT_FOLD_TEXT_MAX;
        while (len > 0 && ((unsigned char)text.at[len] & 0xC0) == 0x80)
            len--;
    }
    folder->piece_count = 0;
    folder->last = 0;
    folder->run = 0;
    folder->seen = 0;
    folder->has_narrow = false;
    folder->raw_len = len;
    folder->len = fold_all(folder, (const unsigned char *)text.at, len);
    memset(folder->key + PAD + folder->len, ' ', PAD);
    find_blanks(folder);
    out->text = (ct_span){folder->text, folder->len};
    out->key = folder->key + PAD;
    out->blanks = folder->blanks;
    out->ascii = folder->seen == 0;
    out->narrow = !(folder->seen & ENTRY_MANY);
}

void ct_fold_to_raw(struct ct_folder *folder, size_t begin, size_t end, size_t *raw_begin, size_t *raw_end)
{
    size_t raw = raw_begin_of(folder, begin);
    *raw_begin = raw;
    *raw_end = raw;
    if (end <= begin)
        return;
    ptrdiff_t at = piece_at(folder, end - 1);
    raw = end;
    if (at >= 0) {
        const struct piece *piece = &folder->pieces[at];
        raw = end - 1 < piece->f1 ? piece->r1 : piece->r1 + (end - piece->f1);
    }
    for (size_t next = (size_t)(at + 1); next < folder->piece_count; next++) {
        if (folder->pieces[next].f0 != end || folder->pieces[next].f1 != end)
            break;
        raw = folder->pieces[next].r1;
    }
    *raw_end = raw;
}

/* ---- the narrow view ---------------------------------------------------------------------- */

ct_span ct_fold_narrow(struct ct_folder *folder)
{
    if (!folder->has_narrow) {
        size_t in = 0, out = 0;
        for (size_t i = 0; i < folder->piece_count; i++) {
            const struct piece *piece = &folder->pieces[i];
            memcpy(folder->narrow + out, folder->text + in, piece->f0 - in);
            out += piece->f0 - in;
            for (size_t at = piece->f0; at < piece->f1; at++) {
                unsigned char byte = (unsigned char)folder->text[at];
                if ((byte & 0xC0) != 0x80)
                    folder->narrow[out++] = (char)(byte < 0x80 ? byte : 1);
            }
            in = piece->f1;
            folder->shifts[i] = (uint32_t)(in - out);
        }
        memcpy(folder->narrow + out, folder->text + in, folder->len - in);
        folder->narrow_len = out + (folder->len - in);
        folder->has_narrow = true;
    }
    return (ct_span){folder->narrow, folder->narrow_len};
}

/* Where a piece begins in the narrow view. */
static size_t narrow_begin(const struct ct_folder *folder, size_t piece)
{
    return folder->pieces[piece].f0 - (piece ? folder->shifts[piece - 1] : 0);
}

size_t ct_fold_narrow_from(struct ct_folder *folder, size_t folded_offset)
{
    ptrdiff_t at = piece_at(folder, folded_offset);
    if (at < 0)
        return folded_offset;
    const struct piece *piece = &folder->pieces[at];
    if (folded_offset >= piece->f1)
        return folded_offset - folder->shifts[at];
    size_t narrow = narrow_begin(folder, (size_t)at);
    for (size_t i = piece->f0; i < folded_offset; i++)
        narrow += ((unsigned char)folder->text[i + 1] & 0xC0) != 0x80;
    return narrow;
}

size_t ct_fold_narrow_to(struct ct_folder *folder, size_t narrow_offset)
{
    size_t low = 0, high = folder->piece_count; /* the last piece that begins at or before the offset */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (narrow_begin(folder, middle) <= narrow_offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return narrow_offset;
    const struct piece *piece = &folder->pieces[low - 1];
    size_t narrow = narrow_begin(folder, low - 1), at = piece->f0;
    while (narrow < narrow_offset && at < piece->f1) {
        at++;
        narrow += at == piece->f1 || ((unsigned char)folder->text[at] & 0xC0) != 0x80;
    }
    return at < piece->f1 ? at : narrow_offset + folder->shifts[low - 1];
}
