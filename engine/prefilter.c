/* prefilter.c - scans a text: words' edges, their hashes, the literals behind the hashes (prefilter.h). */
#include "engine/key_edges.h"
#include "engine/prefilter_table.h"

#include <stdlib.h>

enum { PLACES_MAX = 1 << 16 /* words times literals that one need may look at; beyond, it holds as far as we know */ };
#define NO_PLACE UINT32_MAX
#define NOT_COUNTED SIZE_MAX

struct pattern_state {
    uint32_t epoch;
    uint32_t slot; /* in found */
};

/* Places are those of a blank beside a word, plus one (the first may be before the text). */
struct ct_prefilter_scan {
    uint32_t epoch;
    size_t pattern_count;
    struct pattern_state *states;
    struct ct_prefilter_found *found; /* while scanning, from and until are the first and the last literal found */
    const uint16_t **posted;          /* of each found */
    size_t found_count;
    uint32_t *begins; /* the blank before each word that the sieve let through */
    uint32_t *ends;   /* the blank behind each one that its sieve let through */
    uint32_t *places; /* scratch, for one sort of gram */
    size_t begin_count, end_count, word_count;
    const struct ct_prefilter *prefilter;
    struct ct_folded text;
    uint32_t first; /* blank before a word */
    bool has_first, has_ends;
    uint8_t mark_epoch;
    uint8_t marks[1 << MARK_BITS]; /* by hash: mark_epoch where a word that was let through has it */
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
    scan->begins = malloc(places / 2 * sizeof *scan->begins);
    scan->ends = malloc(places / 2 * sizeof *scan->ends);
    scan->places = malloc(places * sizeof *scan->places);
    if (!scan->states || !scan->found || !scan->posted || !scan->begins || !scan->ends || !scan->places) {
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
    free(scan->begins);
    free(scan->ends);
    free(scan->places);
    free(scan);
}

/* ---- words -------------------------------------------------------------------------------- */

/* Of the bytes in `set`, those beside which the sieve lets `bytes` bytes through, from `from` on as seen from the byte;
 * their places, the byte's plus `place`, go behind the `count` that are there. Returns how many there are then. */
static inline __attribute__((always_inline)) size_t sift(const struct prefilter_sieve *sieve, unsigned bytes,
                                                         const char *key, uint32_t base, uint64_t set, int from,
                                                         unsigned place, uint32_t *places, size_t count)
{
    const uint8_t *lets = sieve->lets;
    const char *at = key + from;
    unsigned shift = sieve->shift;
    for (; set; set &= set - 1) {
        uint32_t byte = base + (unsigned)__builtin_ctzll(set);
        places[count] = byte + place;
        count += lets[prefilter_hash_short(at + byte, bytes) >> shift];
    }
    return count;
}

/* Words whose beginnings a sieve of `bytes` bytes lets through: the blank before each, plus one. */
static inline __attribute__((always_inline)) size_t find_begins(const struct ct_prefilter_scan *scan,
                                                                enum sieve_kind kind, unsigned bytes, uint32_t *places)
{
    const struct prefilter_sieve *sieve = &scan->prefilter->sieves[kind];
    size_t count = 0;
    if (!sieve->lets)
        return 0;
    for (struct ct_key_edges edges = ct_key_edges_of(&scan->text); ct_key_edges_next(&edges);)
        count = sift(sieve, bytes, scan->text.key, (uint32_t)edges.base, edges.begins, -1, 0, places, count);
    return count;
}

static inline void mark(struct ct_prefilter_scan *scan, uint32_t hash)
{
    scan->marks[hash >> (32 - MARK_BITS)] = scan->mark_epoch;
}

/* Words' ends are found when something asks for them; the marks of their grams are made with them. */
static void find_ends(struct ct_prefilter_scan *scan)
{
    const struct prefilter_sieve *sieve = &scan->prefilter->sieves[SIEVE_END];
    if (scan->has_ends || !sieve->lets)
        return;
    scan->has_ends = true;
    for (struct ct_key_edges edges = ct_key_edges_of(&scan->text); ct_key_edges_next(&edges);)
        scan->end_count =
            sift(sieve, 4, scan->text.key, (uint32_t)edges.base, edges.ends, -3, 1, scan->ends, scan->end_count);
    for (size_t i = 0; i < scan->end_count; i++) {
        const char *end = scan->text.key - 1 + scan->ends[i];
        mark(scan, prefilter_hash(prefilter_load(end - 3), 4));
        mark(scan, prefilter_hash(prefilter_load(end - 5), 6));
    }
}

/* ---- the other sets ------------------------------------------------------------------------- */

static uint32_t place_add(uint32_t place, int delta)
{
    return delta < 0 && place < (uint32_t)-delta ? 0 : place + (uint32_t)delta;
}

/* Words of the text; counted only where a text is long enough for it to matter. */
static size_t word_count(struct ct_prefilter_scan *scan)
{
    if (scan->word_count == NOT_COUNTED) {
        scan->word_count = 0;
        for (struct ct_key_edges edges = ct_key_edges_of(&scan->text); ct_key_edges_next(&edges);)
            scan->word_count += (size_t)__builtin_popcountll(edges.begins);
    }
    return scan->word_count;
}

/* The blank before the first word, plus one; NO_PLACE = there is no word. */
static uint32_t first_word(struct ct_prefilter_scan *scan)
{
    if (!scan->has_first) {
        size_t i = 0;
        while (i < scan->text.text.len && scan->text.key[i] == ' ')
            i++;
        scan->first = i < scan->text.text.len ? (uint32_t)i : NO_PLACE;
        scan->has_first = true;
    }
    return scan->first;
}

/* The first and the last place of a literal's text, as far as the hash can tell. */
static void literal_places(struct ct_prefilter_scan *scan, const uint16_t *literal, uint32_t *first, uint32_t *last)
{
    uint32_t hash = prefilter_pair(literal + LITERAL_HASH), kind = literal[LITERAL_KIND] % KIND_FIRST, back = 0;
    unsigned bytes = prefilter_gram_bytes[kind];
    const uint32_t *places = scan->begins;
    size_t count = scan->begin_count;
    uint32_t alone;
    if (kind == GRAM_END4 || kind == GRAM_END6) {
        places = scan->ends;
        count = scan->end_count;
        back = bytes - 1;
    } else if (literal[LITERAL_KIND] >= KIND_FIRST) {
        alone = first_word(scan);
        places = &alone;
        count = alone != NO_PLACE;
    }
    for (size_t word = 0; word < count; word++) {
        if (prefilter_hash(prefilter_load(scan->text.key - 1 + places[word] - back), bytes) != hash)
            continue;
        uint32_t place = place_add(places[word], (int16_t)literal[LITERAL_TEXT]);
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
        bool many = literals * (scan->text.text.len / 2 + 1) > PLACES_MAX;
        if (need[NEED_COUNT] & NEED_ENDS)
            find_ends(scan);
        need = literal + literals * NEED_LITERAL;
        for (size_t j = 0; j < literals; j++) {
            if (scan->marks[marks[j]] != scan->mark_epoch)
                continue;
            looked += many ? word_count(scan) : 0;
            if (looked > PLACES_MAX) { /* a long text: not worth it */
                first = 0;
                last = UINT32_MAX;
                break;
            }
            literal_places(scan, literal + j * NEED_LITERAL, &first, &last);
        }
        if (first == UINT32_MAX)
            return false;
        if (max_before != NEED_BEFORE_FAR && first > max_before && first - max_before > *from)
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

/* A pattern has one of its literals at `at`, and the marks speak for its first other set. */
static void found_add(struct ct_prefilter_scan *scan, const uint16_t *posted, uint32_t at)
{
    uint32_t pattern = prefilter_pair(posted + POSTED_PATTERN);
    struct pattern_state *state = &scan->states[pattern];
    if (state->epoch == scan->epoch) {
        struct ct_prefilter_found *found = &scan->found[state->slot];
        found->from = at < found->from ? at : found->from;
        found->until = at > found->until ? at : found->until;
        return;
    }
    state->epoch = scan->epoch;
    state->slot = (uint32_t)scan->found_count;
    scan->posted[scan->found_count] = posted;
    scan->found[scan->found_count++] = (struct ct_prefilter_found){pattern, at, at};
}

/* All patterns that are looked for by a literal. Most are let go by the marks alone, without a branch for each. */
static void postings_walk(struct ct_prefilter_scan *scan, const struct prefilter_entry *entry, uint32_t at)
{
    const uint16_t *posted = scan->prefilter->postings + entry->posting;
    const uint8_t *marks = scan->marks, epoch = scan->mark_epoch;
    for (uint32_t i = 0; i < entry->posting_count; i++) {
        const uint16_t *slots = posted + POSTED_HEAD;
        unsigned count = posted[POSTED_MARKS], seen = count == 0;
        for (unsigned j = 0; j < count; j++)
            seen |= marks[slots[j]] == epoch;
        if (seen)
            found_add(scan, posted, at);
        posted = slots + count;
    }
}

/* The literals behind a hash at a place (plus one). */
static void confirm(struct ct_prefilter_scan *scan, const struct prefilter_table *table, uint32_t hash, uint32_t place)
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
        if (!((prefilter_load(scan->text.key + at) ^ entry->low) & prefilter_load(ones + 8 - low)) &&
            !((prefilter_load(scan->text.key + at + 8) ^ entry->high) & prefilter_load(ones + 8 - high)))
            postings_walk(scan, entry, (uint32_t)text);
    }
}

static inline bool table_has(const struct prefilter_table *table, uint32_t hash)
{
    uint32_t bit = hash >> table->bitmap_shift;
    return (table->bitmap[bit / 64] >> (bit % 64)) & 1;
}

/* The places that a sieve let through, now one by one; the gram begins `back` before each. `kind` is constant in each
 * call. */
static inline __attribute__((always_inline)) void confirm_all(struct ct_prefilter_scan *scan, enum gram_kind kind,
                                                              const uint32_t *places, size_t count, uint32_t back)
{
    const struct prefilter_table *table = &scan->prefilter->tables[kind];
    if (table->entry_count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        uint32_t hash =
            prefilter_hash(prefilter_load(scan->text.key - 1 + places[i] - back), prefilter_gram_bytes[kind]);
        if (table_has(table, hash) && places[i] >= back)
            confirm(scan, table, hash, places[i] - back);
    }
}

/* The first word alone. */
static void scan_first(struct ct_prefilter_scan *scan)
{
    uint32_t place = first_word(scan);
    if (place == NO_PLACE)
        return;
    confirm_all(scan, GRAM_FIRST2, &place, 1, 0);
    confirm_all(scan, GRAM_FIRST3, &place, 1, 0);
    confirm_all(scan, GRAM_FIRST4, &place, 1, 0);
    confirm_all(scan, GRAM_FIRST6, &place, 1, 0);
}

/* Words by their beginnings. All are marked before anything is confirmed. */
static void scan_words(struct ct_prefilter_scan *scan)
{
    scan->begin_count = find_begins(scan, SIEVE_BEGIN, 4, scan->begins);
    for (size_t i = 0; i < scan->begin_count; i++) {
        uint64_t word = prefilter_load(scan->text.key - 1 + scan->begins[i]);
        mark(scan, prefilter_hash(word, 4));
        mark(scan, prefilter_hash(word, 6));
    }
    confirm_all(scan, GRAM_WORD4, scan->begins, scan->begin_count, 0);
    confirm_all(scan, GRAM_WORD6, scan->begins, scan->begin_count, 0);
    confirm_all(scan, GRAM_WORD3, scan->places, find_begins(scan, SIEVE_BEGIN3, 3, scan->places), 0);
}

/* Every place, from the blank before the text to its last byte but one: later ones are too short or only blanks. */
static inline __attribute__((always_inline)) void scan_anywhere(struct ct_prefilter_scan *scan, enum sieve_kind sieve,
                                                                enum gram_kind kind)
{
    const uint8_t *lets = scan->prefilter->sieves[sieve].lets;
    unsigned shift = scan->prefilter->sieves[sieve].shift;
    size_t count = 0;
    if (!lets)
        return;
    for (size_t i = 0; i < scan->text.text.len; i++) {
        scan->places[count] = (uint32_t)i;
        count += lets[prefilter_hash_short(scan->text.key - 1 + i, prefilter_gram_bytes[kind]) >> shift];
    }
    confirm_all(scan, kind, scan->places, count, 0);
}

/* From where the literals are to where a match begins. */
static void found_finish(struct ct_prefilter_scan *scan)
{
    size_t kept = 0;
    for (size_t i = 0; i < scan->found_count; i++) {
        struct ct_prefilter_found found = scan->found[i];
        uint32_t max_before = prefilter_pair(scan->posted[i] + POSTED_BEFORE);
        const uint16_t *need = scan->prefilter->needs + prefilter_pair(scan->posted[i] + POSTED_NEED);
        found.from = max_before < found.from ? found.from - max_before : 0;
        if (found.from <= found.until && needs_hold(scan, need + 2, prefilter_pair(need), &found.from, &found.until))
            scan->found[kept++] = found;
    }
    scan->found_count = kept;
}

static void scan_begin(const struct ct_prefilter *prefilter, struct ct_prefilter_scan *scan,
                       const struct ct_folded *text)
{
    if (++scan->epoch == 0) { /* after four billion texts an old epoch would come again */
        memset(scan->states, 0, (scan->pattern_count + 1) * sizeof *scan->states);
        scan->epoch = 1;
    }
    if (++scan->mark_epoch == 0) {
        memset(scan->marks, 0, sizeof scan->marks);
        scan->mark_epoch = 1;
    }
    scan->prefilter = prefilter;
    scan->text = *text;
    scan->found_count = scan->begin_count = scan->end_count = 0;
    scan->word_count = NOT_COUNTED;
    scan->has_first = scan->has_ends = false;
}

size_t ct_prefilter_run(const struct ct_prefilter *prefilter, struct ct_prefilter_scan *scan,
                        const struct ct_folded *text, const struct ct_prefilter_found **found)
{
    scan_begin(prefilter, scan, text);
    scan_words(scan);
    if (prefilter->looks_at_first)
        scan_first(scan);
    if (prefilter->looks_at_ends) {
        find_ends(scan);
        confirm_all(scan, GRAM_END4, scan->ends, scan->end_count, 3);
        confirm_all(scan, GRAM_END6, scan->ends, scan->end_count, 5);
    }
    scan_anywhere(scan, SIEVE_ANY3, GRAM_ANY3);
    scan_anywhere(scan, SIEVE_ANY4, GRAM_ANY4);
    if (scan->found_count > 0)
        found_finish(scan);
    *found = scan->found;
    return scan->found_count;
}
