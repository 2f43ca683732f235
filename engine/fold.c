/* fold.c - the folded view (fold.h).
 *
 * The hot path of everything: each message is folded once. Stretches of ASCII go sixteen bytes at a time where the
 * machine has SSE2; what is not ASCII is looked up in a table made from utf8proc when the folder is made (two-byte
 * characters) or in a small cache in front of utf8proc (the rest). Instead of a map for every byte, a list of
 * "pieces" is kept, one for each place where folded and raw bytes do not go in step; between pieces they do.
 * Called by the matcher, by the loader and by tests.
 */
#include "engine/fold.h"

#include <stdlib.h>
#include <utf8proc.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { TABLE_SIZE = 0x800, CACHE_SIZE = 256, CHAR_MAX_OUT = 8, PAD = 32, READABLE = 64 };

enum entry_flag {
    ENTRY_LETTER = 1, /* takes part in run collapsing */
    ENTRY_WIDE = 2,   /* not ASCII */
    ENTRY_SYMBOL = 4, /* not ASCII, punctuation or symbol in every version of Unicode: the narrow view may hide it */
    ENTRY_MANY = 8    /* becomes more than one character: ask again, character by character */
};

/* What one character becomes. */
struct entry {
    char text[4], key[4];
    uint32_t from, to; /* code points; `from` is what the cache checks */
    uint8_t len, flags;
};

/* Folded bytes [f0,f1) came from raw bytes [r0,r1). Empty where something was dropped. */
struct piece {
    uint32_t f0, f1, r0, r1;
};

struct ct_folder {
    struct entry table[TABLE_SIZE];
    struct entry cache[CACHE_SIZE];
    char *text, *key, *narrow;        /* scratch; key has PAD bytes of ' ' before it */
    struct piece *pieces;             /* at most one for two raw bytes */
    uint32_t *shifts;                 /* folded - narrow bytes after each piece */
    size_t piece_count, len, raw_len, /* of the last text */
        narrow_len;
    bool has_narrow;
    /* state of the run of equal letters at the end of what is written */
    uint32_t last; /* 0 = not a letter */
    unsigned run;
    uint8_t seen; /* ENTRY_WIDE, and ENTRY_MANY for a wide one that is no symbol */
};

static size_t utf8_put(uint32_t c, char *out)
{
    unsigned char *at = (unsigned char *)out;
    if (c < 0x80) {
        at[0] = (unsigned char)c;
        return 1;
    }
    if (c < 0x800) {
        at[0] = (unsigned char)(0xC0 | (c >> 6));
        at[1] = (unsigned char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        at[0] = (unsigned char)(0xE0 | (c >> 12));
        at[1] = (unsigned char)(0x80 | ((c >> 6) & 63));
        at[2] = (unsigned char)(0x80 | (c & 63));
        return 3;
    }
    at[0] = (unsigned char)(0xF0 | (c >> 18));
    at[1] = (unsigned char)(0x80 | ((c >> 12) & 63));
    at[2] = (unsigned char)(0x80 | ((c >> 6) & 63));
    at[3] = (unsigned char)(0x80 | (c & 63));
    return 4;
}

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

/* The quotes that keyboards and editors put in, and the line ends that are not '\\n'. */
static uint32_t straighten(uint32_t c)
{
    switch (c) {
    case 0x00B4:
    case 0x02B9:
    case 0x02BB:
    case 0x02BC:
    case 0x2018:
    case 0x2019:
    case 0x201A:
    case 0x201B:
    case 0x2032:
    case 0x2039:
    case 0x203A:
    case 0xFF07:
        return '\'';
    case 0x00AB:
    case 0x00BB:
    case 0x02BA:
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x201F:
    case 0x2033:
    case 0x300C:
    case 0x300D:
    case 0xFF02:
        return '"';
    case 0x0085:
    case 0x2028:
    case 0x2029:
        return '\n';
    default:
        return c;
    }
}

/* NFD, marks stripped, case folded, in that order; returns how many characters came out. */
static unsigned fold_codepoint(uint32_t c, uint32_t out[CHAR_MAX_OUT])
{
    utf8proc_int32_t parts[16], cased[8];
    int boundary = 0;
    unsigned n = 0;
    utf8proc_ssize_t part_count =
        utf8proc_decompose_char((utf8proc_int32_t)c, parts, 16, UTF8PROC_DECOMPOSE, &boundary);
    if (part_count < 0 || part_count > 16) {
        out[0] = c;
        return 1;
    }
    for (utf8proc_ssize_t i = 0; i < part_count; i++) {
        utf8proc_category_t category = utf8proc_category(parts[i]);
        if (category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME || category == UTF8PROC_CATEGORY_CF)
            continue;
        utf8proc_ssize_t cased_count =
            utf8proc_decompose_char(parts[i], cased, 8, UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD, &boundary);
        if (cased_count < 0 || cased_count > 8) {
            cased[0] = parts[i];
            cased_count = 1;
        }
        for (utf8proc_ssize_t j = 0; j < cased_count && n < CHAR_MAX_OUT; j++) {
            utf8proc_category_t kind = utf8proc_category(cased[j]);
            if (kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_ME)
                continue;
            out[n++] = kind == UTF8PROC_CATEGORY_ZS ? ' ' : straighten((uint32_t)cased[j]);
        }
    }
    return n;
}

/* Entry of a character that is already folded. */
static void entry_of_folded(uint32_t c, struct entry *entry)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    bool letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
    bool number = category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
    bool symbol = category >= UTF8PROC_CATEGORY_PD && category <= UTF8PROC_CATEGORY_SO;
    memset(entry, 0, sizeof *entry);
    entry->from = entry->to = c;
    entry->len = (uint8_t)utf8_put(c, entry->text);
    entry->flags = (uint8_t)((letter ? ENTRY_LETTER : 0) | (c >= 0x80 ? ENTRY_WIDE : 0) |
                             (c >= 0x80 && symbol ? ENTRY_SYMBOL : 0));
    memcpy(entry->key, entry->text, 4);
    /* Letters beyond U+FFFF count as no word here: newer Unicode versions add letters there, and PCRE2 may know
     * another version than utf8proc. The prefilter stays right either way. */
    if (!((letter || number) && c < 0x10000) && c != '_')
        entry->key[0] = entry->key[entry->len - 1] = ' ';
}

static void entry_of(uint32_t c, struct entry *entry)
{
    uint32_t out[CHAR_MAX_OUT];
    unsigned n = fold_codepoint(c, out);
    if (n == 0)
        memset(entry, 0, sizeof *entry);
    else
        entry_of_folded(out[0], entry);
    if (n > 1)
        entry->flags |= ENTRY_MANY;
    entry->from = c;
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
    folder->pieces = malloc((CT_FOLD_TEXT_MAX / 2 + 2) * sizeof *folder->pieces);
    folder->shifts = malloc((CT_FOLD_TEXT_MAX / 2 + 2) * sizeof *folder->shifts);
    if (!folder->text || !folder->key || !folder->narrow || !folder->pieces || !folder->shifts) {
        ct_folder_free(folder);
        return NULL;
    }
    memset(folder->key, ' ', PAD);
    for (uint32_t c = 0; c < TABLE_SIZE; c++) {
        entry_of(c, &folder->table[c]);
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
    free(folder->pieces);
    free(folder->shifts);
    free(folder);
}

static inline const struct entry *entry_for(struct ct_folder *folder, uint32_t c)
{
    if (c < TABLE_SIZE)
        return &folder->table[c];
    struct entry *entry = &folder->cache[(c ^ (c >> 8)) % CACHE_SIZE];
    if (entry->from != c)
        entry_of(c, entry);
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
static inline size_t entry_put(struct ct_folder *folder, const struct entry *entry, size_t out, size_t raw_end,
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
    const struct entry *entry = entry_for(folder, c);
    bool collapsed = false;
    *in = raw_end;
    if (__builtin_expect(entry->flags & ENTRY_MANY, 0)) {
        uint32_t parts[CHAR_MAX_OUT];
        unsigned n = fold_codepoint(c, parts);
        for (unsigned i = 0; i < n; i++) {
            struct entry part;
            entry_of_folded(parts[i], &part);
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
/* `valid` (1-16) ASCII bytes at once, of the sixteen readable at `block`. false = there is a run: nothing written. */
static inline bool put_block(struct ct_folder *folder, __m128i block, unsigned valid, size_t out)
{
    const __m128i space = _mm_set1_epi8(' ');
    __m128i upper = _mm_sub_epi8(block, _mm_set1_epi8('A'));
    __m128i is_upper = _mm_cmpeq_epi8(_mm_min_epu8(upper, _mm_set1_epi8(25)), upper);
    __m128i lower = _mm_or_si128(block, _mm_and_si128(is_upper, space)); /* ' ' is also the bit between A and a */
    __m128i from_a = _mm_sub_epi8(lower, _mm_set1_epi8('a'));
    __m128i letter = _mm_cmpeq_epi8(_mm_min_epu8(from_a, _mm_set1_epi8(25)), from_a);
    __m128i from_0 = _mm_sub_epi8(lower, _mm_set1_epi8('0'));
    __m128i digit = _mm_cmpeq_epi8(_mm_min_epu8(from_0, _mm_set1_epi8(9)), from_0);
    __m128i word = _mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(lower, _mm_set1_epi8('_')));
    __m128i key = _mm_or_si128(_mm_and_si128(word, lower), _mm_andnot_si128(word, space));
    /* bit i: byte i is a letter and equals the one before it */
    uint32_t last = folder->last < 0x80 ? folder->last : 0;
    __m128i before = _mm_or_si128(_mm_slli_si128(lower, 1), _mm_cvtsi32_si128((int)last));
    unsigned equal = (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(lower, before), letter));
    unsigned third = equal & ((equal << 1) | (folder->run >= 2));
    if (__builtin_expect((third & ((1u << valid) - 1)) != 0, 0))
        return false;
    _mm_storeu_si128((__m128i *)(void *)(folder->text + out), lower);
    _mm_storeu_si128((__m128i *)(void *)(folder->key + PAD + out), key);
    unsigned char end = (unsigned char)folder->text[out + valid - 1];
    folder->last = end >= 'a' && end <= 'z' ? end : 0;
    folder->run = 1 + ((equal >> (valid - 1)) & 1);
    return true;
}

static size_t fold_all(struct ct_folder *folder, const unsigned char *text, size_t len)
{
    size_t in = 0, out = 0;
    unsigned char tail[16];
    while (in < len) {
        size_t left = len - in;
        __m128i block;
        if (__builtin_expect(left >= 16, 1)) {
            block = _mm_loadu_si128((const __m128i *)(const void *)(text + in));
            left = 16;
        } else {
            memset(tail, 0, sizeof tail);
            memcpy(tail, text + in, left);
            block = _mm_loadu_si128((const __m128i *)(const void *)tail);
        }
        unsigned high = (unsigned)_mm_movemask_epi8(block);
        unsigned valid = high ? (unsigned)__builtin_ctz(high) : (unsigned)left;
        if (valid) {
            if (put_block(folder, block, valid, out))
                out += valid;
            else
                out = put_ascii(folder, text, in, valid, out);
            in += valid;
        }
        if (high)
            out = put_wide(folder, text, &in, out);
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
    out->text = (ct_span){folder->text, folder->len};
    out->key = folder->key + PAD;
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

size_t ct_fold_char(uint32_t codepoint, char *text, char *key, unsigned *characters)
{
    uint32_t parts[CHAR_MAX_OUT];
    unsigned n = fold_codepoint(codepoint, parts);
    size_t len = 0;
    for (unsigned i = 0; i < n; i++) {
        struct entry part;
        entry_of_folded(parts[i], &part);
        memcpy(text + len, part.text, part.len);
        if (key)
            memcpy(key + len, part.key, part.len);
        len += part.len;
    }
    if (characters)
        *characters = n;
    return len;
}
