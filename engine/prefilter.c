/* prefilter.c - scans a text: words' edges, their hashes, the literals behind the hashes (prefilter.h). */
#include "engine/prefilter_table.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    PLACE_FAR = UINT16_MAX,
    KIND_FIRST = 16,     /* in a need: of the first word alone */
    PLACES_MAX = 1 << 16 /* words times literals that one need may look at; beyond, it holds as far as we know */
};
#define REJECTED UINT32_MAX

struct pattern_state {
    uint32_t epoch;
    uint32_t slot; /* in found, or REJECTED */
};

struct ct_prefilter_scan {
    uint32_t epoch;
    size_t pattern_count;
    struct pattern_state *states;
    struct ct_prefilter_found *found; /* while scanning, from and until are the first and the last literal found */
    const uint16_t **posted;          /* of each found */
    size_t found_count;
    uint32_t *starts; /* where words begin: the blank before, plus one (the first may be before the text) */
    uint32_t *ends;   /* where they end: the blank behind, plus one */
    size_t word_count;
    uint32_t *hits, *more_hits;
    const char *key;
    size_t len;
    bool has_ends;
    uint8_t mark_epoch;
    uint8_t marks[1 << MARK_BITS]; /* by hash: mark_epoch where a word has it */
};

struct ct_prefilter_scan *ct_prefilter_scan_new(size_t pattern_count)
{
    struct ct_prefilter_scan *scan = calloc(1, sizeof *scan);
    if (!scan)
        return NULL;
    /* for the longest folded text; only what is touched costs memory */
    size_t places = CT_FOLD_TEXT_MAX * 3 + 64;
    scan->pattern_count = pattern_count;
    scan->states = calloc(pattern_count + 1, sizeof *scan->states);
    scan->found = calloc(pattern_count + 1, sizeof *scan->found);
    scan->posted = calloc(pattern_count + 1, sizeof *scan->posted);
    scan->starts = malloc(places / 2 * sizeof *scan->starts);
    scan->ends = malloc(places / 2 * sizeof *scan->ends);
    scan->hits = malloc(places * sizeof *scan->hits);
    scan->more_hits = malloc(places / 2 * sizeof *scan->more_hits);
    if (!scan->states || !scan->found || !scan->posted || !scan->starts || !scan->ends || !scan->hits ||
        !scan->more_hits) {
        ct_prefilter_scan_free(scan);
        return NULL;
    }
    return scan;
}

void ct_prefilter_scan_free(struct ct_prefilter_scan *scan)
{
    if (!scan)
        return;
    free(scan->states);
    free(scan->found);
    free(scan->posted);
    free(scan->starts);
    free(scan->ends);
    free(scan->hits);
    free(scan->more_hits);
    free(scan);
}

/* ---- words -------------------------------------------------------------------------------- */

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

/* Places (plus one) where a word begins behind a blank, from the one before the text on, or where the blank behind a
 * word is. */
static inline __attribute__((always_inline)) size_t find_edges(const char *key, size_t len, bool ends, uint32_t *places)
{
    size_t count = 0, bytes = len + 2; /* with the blank before and the one behind */
    const char *at = key - 1;
    uint64_t carry = 1; /* whether the byte before is a blank: none is behind, none begins before the first */
    for (size_t base = 0; base < bytes; base += 64) {
        uint64_t blanks = blanks_of(at + base);
        if (bytes - base < 64)
            blanks |= ~(uint64_t)0 << (bytes - base);
        uint64_t before = (blanks << 1) | carry; /* bit i: byte i-1 is a blank */
        carry = blanks >> 63;
        for (uint64_t edges = ends ? blanks & ~before : ~blanks & before; edges; edges &= edges - 1)
            places[count++] = (uint32_t)base + (uint32_t)__builtin_ctzll(edges) - (ends ? 0 : 1);
    }
    return count;
}

static inline void mark(struct ct_prefilter_scan *scan, uint32_t hash)
{
    scan->marks[hash >> (32 - MARK_BITS)] = scan->mark_epoch;
}

/* Words' ends are found when something asks for them; the marks of their grams are made with them. */
static void find_ends(struct ct_prefilter_scan *scan)
{
    if (scan->has_ends)
        return;
    scan->has_ends = true;
    (void)find_edges(scan->key, scan->len, true, scan->ends); /* as many as beginnings */
    for (size_t i = 0; i < scan->word_count; i++) {
        const char *end = scan->key - 1 + scan->ends[i];
        mark(scan, prefilter_hash(prefilter_load(end - 3), 4));
        mark(scan, prefilter_hash(prefilter_load(end - 5), 6));
    }
}

/* ---- the other sets ------------------------------------------------------------------------- */

static bool need_kind(enum gram_kind kind)
{
    return kind == GRAM_WORD4 || kind == GRAM_WORD6 || kind == GRAM_END4 || kind == GRAM_END6 || kind == GRAM_FIRST4 ||
           kind == GRAM_FIRST6;
}

/* What a need says of one literal. */
static void need_literal(const struct ct_literal *of, uint16_t *literal)
{
    struct gram gram = ct_prefilter_gram(of);
    enum gram_kind kind = gram.kind == GRAM_FIRST4 ? GRAM_WORD4 : gram.kind == GRAM_FIRST6 ? GRAM_WORD6 : gram.kind;
    /* the word's place is its blank plus one, and its gram begins there, or ends there */
    int begin = kind == GRAM_END4 || kind == GRAM_END6 ? (int)prefilter_gram_bytes[kind] - 1 : 0;
    prefilter_put_pair(literal, gram.hash);
    literal[2] = (uint16_t)(kind | (kind == gram.kind ? 0 : KIND_FIRST));
    literal[3] = (uint16_t)(int16_t)((int)of->lead - (int)gram.at - 1 - begin);
}

static size_t need_put(const struct ct_literal_set *set, uint16_t *out)
{
    /* The literals first, behind the room that their marks may take; forms of one word are mostly one. */
    uint16_t *literals = out + NEED_HEAD + set->count;
    size_t count = 0;
    bool ends = false;
    for (uint32_t i = 0; i < set->count; i++) {
        uint16_t *literal = literals + count * NEED_LITERAL;
        size_t j = 0;
        need_literal(&set->literals[i], literal);
        while (memcmp(literals + j * NEED_LITERAL, literal, NEED_LITERAL * sizeof *literal) != 0)
            j++;
        unsigned kind = literal[2] % KIND_FIRST;
        ends |= kind == GRAM_END4 || kind == GRAM_END6;
        count += j == count;
    }
    out[NEED_COUNT] = (uint16_t)(count | (ends ? NEED_ENDS : 0));
    out[NEED_BEFORE] = (uint16_t)(set->max_before < PLACE_FAR ? set->max_before : PLACE_FAR);
    for (size_t i = 0; i < count; i++)
        out[NEED_HEAD + i] = (uint16_t)(prefilter_pair(literals + i * NEED_LITERAL) >> (32 - MARK_BITS));
    memmove(out + NEED_HEAD + count, literals, count * NEED_LITERAL * sizeof *out);
    return NEED_HEAD + count * (1 + NEED_LITERAL);
}

/* Sets with a literal that has no four bytes at a word's edge are left out. Counting says the most that it can take. */
size_t ct_prefilter_need(const struct ct_literal_set *sets, size_t count, uint16_t *out)
{
    size_t words = 0;
    for (size_t i = 0; i < count; i++) {
        bool usable = sets[i].count > 0 && sets[i].count < NEED_ENDS;
        for (uint32_t j = 0; usable && j < sets[i].count; j++)
            usable = need_kind(ct_prefilter_gram(&sets[i].literals[j]).kind);
        if (usable)
            words += out ? need_put(&sets[i], out + words) : NEED_HEAD + (size_t)sets[i].count * (1 + NEED_LITERAL);
    }
    return words;
}

static uint32_t place_add(uint32_t place, int delta)
{
    return delta < 0 && place < (uint32_t)-delta ? 0 : place + (uint32_t)delta;
}

/* The first and the last place of a literal's text, as far as the hash can tell. */
static void literal_places(const struct ct_prefilter_scan *scan, const uint16_t *literal, uint32_t *first,
                           uint32_t *last)
{
    uint32_t hash = prefilter_pair(literal), kind = literal[2] % KIND_FIRST, back = 0;
    size_t words = literal[2] >= KIND_FIRST && scan->word_count > 0 ? 1 : scan->word_count;
    unsigned bytes = prefilter_gram_bytes[kind];
    const uint32_t *places = scan->starts;
    if (kind == GRAM_END4 || kind == GRAM_END6) {
        places = scan->ends;
        back = bytes - 1;
    }
    for (size_t word = 0; word < words; word++) {
        if (prefilter_hash(prefilter_load(scan->key - 1 + places[word] - back), bytes) != hash)
            continue;
        uint32_t place = place_add(places[word], (int16_t)literal[3]);
        *first = place < *first ? place : *first;
        *last = place > *last ? place : *last;
    }
}

/* Narrows [*from, *until] by each set; false = a set is not in the text, or no place is left. */
static bool needs_hold(struct ct_prefilter_scan *scan, const uint16_t *need, size_t words, uint32_t *from,
                       uint32_t *until)
{
    for (const uint16_t *end = need + words; need < end;) {
        size_t literals = need[NEED_COUNT] & ~NEED_ENDS, looked = 0;
        uint32_t max_before = need[NEED_BEFORE], first = UINT32_MAX, last = 0;
        const uint16_t *marks = need + NEED_HEAD, *literal = marks + literals;
        if (need[NEED_COUNT] & NEED_ENDS)
            find_ends(scan);
        need = literal + literals * NEED_LITERAL;
        for (size_t j = 0; j < literals; j++) {
            if (scan->marks[marks[j]] != scan->mark_epoch)
                continue;
            looked += scan->word_count;
            if (looked > PLACES_MAX) { /* a long text: not worth it */
                first = 0;
                last = UINT32_MAX;
                break;
            }
            literal_places(scan, literal + j * NEED_LITERAL, &first, &last);
        }
        if (first == UINT32_MAX)
            return false;
        if (max_before != PLACE_FAR && first > max_before && first - max_before > *from)
            *from = first - max_before;
        if (last < *until)
            *until = last;
        if (*from > *until)
            return false;
    }
    return true;
}

bool ct_prefilter_has(struct ct_prefilter_scan *scan, const uint16_t *need, size_t words)
{
    uint32_t from = 0, until = UINT32_MAX;
    return needs_hold(scan, need, words, &from, &until);
}

/* ---- the scan ------------------------------------------------------------------------------- */

static inline bool posted_holds(const struct ct_prefilter *prefilter, struct ct_prefilter_scan *scan,
                                const uint16_t *posted, uint32_t *from, uint32_t *until)
{
    const uint16_t *need = prefilter->needs + prefilter_pair(posted + POSTED_NEED);
    return needs_hold(scan, need + 2, prefilter_pair(need), from, until);
}

/* A pattern has one of its literals at `at`, and the marks speak for its first other set. */
static void found_add(const struct ct_prefilter *prefilter, struct ct_prefilter_scan *scan, const uint16_t *posted,
                      uint32_t at)
{
    uint32_t pattern = prefilter_pair(posted + POSTED_PATTERN), from = 0, until = UINT32_MAX;
    struct pattern_state *state = &scan->states[pattern];
    if (state->epoch == scan->epoch) {
        if (state->slot == REJECTED)
            return;
        struct ct_prefilter_found *found = &scan->found[state->slot];
        found->from = at < found->from ? at : found->from;
        found->until = at > found->until ? at : found->until;
        return;
    }
    state->epoch = scan->epoch;
    state->slot = REJECTED;
    if (!posted_holds(prefilter, scan, posted, &from, &until))
        return;
    state->slot = (uint32_t)scan->found_count;
    scan->posted[scan->found_count] = posted;
    scan->found[scan->found_count++] = (struct ct_prefilter_found){pattern, at, at};
}

/* All patterns that are looked for by a literal. Most are let go by the marks alone, without a branch for each. */
static void postings_walk(const struct ct_prefilter *prefilter, struct ct_prefilter_scan *scan,
                          const struct prefilter_entry *entry, uint32_t at)
{
    const uint16_t *posted = prefilter->postings + entry->posting;
    const uint8_t *marks = scan->marks, epoch = scan->mark_epoch;
    for (uint32_t i = 0; i < entry->posting_count; i++) {
        const uint16_t *slots = posted + POSTED_HEAD;
        unsigned count = posted[POSTED_MARKS], seen = count == 0;
        for (unsigned j = 0; j < count; j++)
            seen |= marks[slots[j]] == epoch;
        if (seen)
            found_add(prefilter, scan, posted, at);
        posted = slots + count;
    }
}

/* The literals behind a hash at a place (plus one). */
static void confirm(const struct ct_prefilter *prefilter, const struct prefilter_table *table,
                    struct ct_prefilter_scan *scan, uint32_t hash, uint32_t place)
{
    /* bytes that count of a word of eight, for 0..8 of them, in either byte order */
    static const char ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    uint32_t bucket = hash >> table->bucket_shift;
    for (uint32_t i = table->buckets[bucket]; i < table->buckets[bucket + 1]; i++) {
        const struct prefilter_entry *entry = &table->entries[i];
        ptrdiff_t at = (ptrdiff_t)place - 1 - entry->gram_at, text = at + entry->text_at;
        if (at < -1 || text < 0)
            continue;
        size_t low = entry->len < 8 ? entry->len : 8u, high = entry->len - low;
        if (!((prefilter_load(scan->key + at) ^ entry->low) & prefilter_load(ones + 8 - low)) &&
            !((prefilter_load(scan->key + at + 8) ^ entry->high) & prefilter_load(ones + 8 - high)))
            postings_walk(prefilter, scan, entry, (uint32_t)text);
    }
}

static inline bool table_has(const struct prefilter_table *table, uint32_t hash)
{
    uint32_t bit = hash >> table->bitmap_shift;
    return (table->bitmap[bit / 64] >> (bit % 64)) & 1;
}

/* The places of some grams again, now one by one. `kind` is constant in each call. */
static inline __attribute__((always_inline)) void confirm_all(const struct ct_prefilter *prefilter,
                                                              struct ct_prefilter_scan *scan, enum gram_kind kind,
                                                              const uint32_t *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        confirm(prefilter, &prefilter->tables[kind], scan,
                prefilter_hash(prefilter_load(scan->key - 1 + places[i]), prefilter_gram_bytes[kind]), places[i]);
}

/* The first word alone. */
static void scan_first(const struct ct_prefilter *prefilter, struct ct_prefilter_scan *scan)
{
    if (scan->word_count == 0)
        return;
    uint64_t word = prefilter_load(scan->key - 1 + scan->starts[0]);
    for (enum gram_kind kind = GRAM_FIRST2; kind <= GRAM_FIRST6; kind++) {
        const struct prefilter_table *table = &prefilter->tables[kind];
        uint32_t hash = prefilter_hash(word, prefilter_gram_bytes[kind]);
        if (table->entry_count > 0 && table_has(table, hash))
            confirm(prefilter, table, scan, hash, scan->starts[0]);
    }
}

/* Every word's first four and six bytes: marked, and looked up. All are marked before anything is confirmed. */
static void scan_words(const struct ct_prefilter *prefilter, struct ct_prefilter_scan *scan)
{
    const struct prefilter_table *fours = &prefilter->tables[GRAM_WORD4], *sixes = &prefilter->tables[GRAM_WORD6];
    const uint32_t *starts = scan->starts;
    uint32_t *hits = scan->hits, *more_hits = scan->more_hits;
    size_t count = 0, more = 0, words = scan->word_count;
    const char *at = scan->key - 1;
    for (size_t i = 0; i < words; i++) {
        uint64_t word = prefilter_load(at + starts[i]);
        uint32_t four = prefilter_hash(word, 4), six = prefilter_hash(word, 6);
        mark(scan, four);
        mark(scan, six);
        hits[count] = starts[i];
        more_hits[more] = starts[i];
        count += table_has(fours, four);
        more += table_has(sixes, six);
    }
    scan_first(prefilter, scan);
    confirm_all(prefilter, scan, GRAM_WORD4, hits, count);
    confirm_all(prefilter, scan, GRAM_WORD6, more_hits, more);
}

/* Words of one letter, ends of words, and places anywhere: only for programs that have such literals. */
static inline __attribute__((always_inline)) void scan_some(const struct ct_prefilter *prefilter,
                                                            struct ct_prefilter_scan *scan, enum gram_kind kind,
                                                            const uint32_t *places, uint32_t back, size_t count)
{
    const struct prefilter_table *table = &prefilter->tables[kind];
    size_t hits = 0;
    if (table->entry_count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        uint32_t place = places ? places[i] - back : (uint32_t)i;
        scan->hits[hits] = place;
        hits += (!places || places[i] >= back) &
                table_has(table,
                          prefilter_hash(prefilter_load(scan->key - 1 + (int32_t)place), prefilter_gram_bytes[kind]));
    }
    confirm_all(prefilter, scan, kind, scan->hits, hits);
}

/* From where the literals are to where a match begins. */
static void found_finish(const struct ct_prefilter *prefilter, struct ct_prefilter_scan *scan)
{
    size_t kept = 0;
    for (size_t i = 0; i < scan->found_count; i++) {
        struct ct_prefilter_found found = scan->found[i];
        uint32_t max_before = prefilter_pair(scan->posted[i] + POSTED_BEFORE);
        found.from = max_before < found.from ? found.from - max_before : 0;
        if (found.from <= found.until && posted_holds(prefilter, scan, scan->posted[i], &found.from, &found.until))
            scan->found[kept++] = found;
    }
    scan->found_count = kept;
}

static void scan_begin(struct ct_prefilter_scan *scan, const char *key, size_t len)
{
    if (++scan->epoch == 0) { /* after four billion texts an old epoch would come again */
        memset(scan->states, 0, (scan->pattern_count + 1) * sizeof *scan->states);
        scan->epoch = 1;
    }
    if (++scan->mark_epoch == 0) {
        memset(scan->marks, 0, sizeof scan->marks);
        scan->mark_epoch = 1;
    }
    scan->found_count = 0;
    scan->has_ends = false;
    scan->key = key;
    scan->len = len;
    scan->word_count = find_edges(key, len, false, scan->starts);
}

size_t ct_prefilter_run(const struct ct_prefilter *prefilter, struct ct_prefilter_scan *scan, const char *key,
                        size_t len, const struct ct_prefilter_found **found)
{
    scan_begin(scan, key, len);
    scan_words(prefilter, scan);
    scan_some(prefilter, scan, GRAM_WORD3, scan->starts, 0, scan->word_count);
    if (prefilter->tables[GRAM_END4].entry_count + prefilter->tables[GRAM_END6].entry_count > 0) {
        find_ends(scan);
        scan_some(prefilter, scan, GRAM_END4, scan->ends, 3, scan->word_count);
        scan_some(prefilter, scan, GRAM_END6, scan->ends, 5, scan->word_count);
    }
    /* anywhere: from the blank before the text to its last byte but one; later ones are too short or only blanks */
    scan_some(prefilter, scan, GRAM_ANY3, NULL, 0, len);
    scan_some(prefilter, scan, GRAM_ANY4, NULL, 0, len);
    if (scan->found_count > 0)
        found_finish(prefilter, scan);
    *found = scan->found;
    return scan->found_count;
}
