/* prefilter_table.c - builds the tables of a prefilter (prefilter.h). Called when a program is compiled. */
#include "engine/prefilter_table.h"

#include <stdlib.h>

enum {
    COMPARED_BYTES = 16,
    BITMAP_BITS_MIN = 10,
    BITMAP_BITS_MAX = 18,
    BITS_PER_GRAM = 32,
    BUCKET_BITS_MIN = 6,
    BUCKET_BITS_MAX = 17,
    ANYWHERE_PENALTY = 8,
    SIEVE_BITS_MIN = 10,
    SIEVE_BITS_MAX = 14,
    SIEVE_BYTES_PER_GRAM = 16,
    SIEVED_VALUES = 1 << 16
};

static double gram_bits(const char *key, unsigned bytes)
{
    char four[4] = {' ', ' ', ' ', ' '};
    memcpy(four, key, bytes < 4 ? bytes : 4);
    double bits = ct_literal_gram_bits(four);
    if (bytes == 6) {
        memcpy(four, key + 2, 4);
        bits += ct_literal_gram_bits(four) / 2;
    }
    return bits;
}

/* The first word's beginning: before it the literal has only blanks. */
static bool first_gram(const struct ct_literal *literal, struct gram *gram)
{
    for (unsigned i = 0; literal->first && i + 2 <= literal->len; i++) {
        if (literal->key[i] != ' ' || literal->key[i + 1] == ' ')
            continue;
        unsigned left = literal->len - i;
        gram->kind = left >= 6 ? GRAM_FIRST6 : left >= 4 ? GRAM_FIRST4 : left >= 3 ? GRAM_FIRST3 : GRAM_FIRST2;
        gram->at = i;
        return true;
    }
    return false;
}

/* What the sieve tests of a gram, as it is kept: never less than the sieve's index takes. */
static uint16_t sieved_of(enum gram_kind kind, const char *bytes)
{
    bool three = kind == GRAM_WORD3 || kind == GRAM_ANY3;
    return (uint16_t)(prefilter_hash_short(kind == GRAM_END6 ? bytes + 2 : bytes, three ? 3 : 4) >> 16);
}

struct gram ct_prefilter_gram(const struct ct_literal *literal)
{
    struct gram best = {.kind = literal->len >= 4 ? GRAM_ANY4 : GRAM_ANY3};
    double best_bits = -1;
    bool first = first_gram(literal, &best);
    for (unsigned i = 0; !first && i + 3 <= literal->len; i++) {
        if (literal->key[i] != ' ' || literal->key[i + 1] == ' ')
            continue;
        unsigned left = literal->len - i;
        enum gram_kind kind = left >= 6 ? GRAM_WORD6 : left >= 4 ? GRAM_WORD4 : GRAM_WORD3;
        double bits = gram_bits(literal->key + i, prefilter_gram_bytes[kind]);
        if (bits > best_bits) {
            best.kind = kind;
            best.at = i;
            best_bits = bits;
        }
    }
    unsigned end = literal->len;
    if (best.kind >= GRAM_WORDS && end >= 4 && literal->key[end - 1] == ' ' && literal->key[end - 2] != ' ') {
        best.kind = end >= 6 ? GRAM_END6 : GRAM_END4;
        best.at = end - prefilter_gram_bytes[best.kind];
    }
    for (unsigned i = 0; best.kind >= GRAM_WORDS && i + prefilter_gram_bytes[best.kind] <= literal->len; i++) {
        double bits = gram_bits(literal->key + i, prefilter_gram_bytes[best.kind]);
        if (bits > best_bits) {
            best.at = i;
            best_bits = bits;
        }
    }
    char bytes[8] = {0};
    memcpy(bytes, literal->key + best.at, prefilter_gram_bytes[best.kind]);
    best.hash = prefilter_hash(prefilter_load(bytes), prefilter_gram_bytes[best.kind]);
    best.sieved = sieved_of(best.kind, bytes);
    return best;
}

/* A literal on its way into a table. */
struct draft {
    enum gram_kind kind;
    struct prefilter_entry entry;
    uint32_t hash;
    uint16_t sieved;
    struct prefilter_posting posting;
};

static void draft_of(const struct ct_literal *literal, struct prefilter_posting posting, struct draft *draft)
{
    struct gram gram = ct_prefilter_gram(literal);
    /* of a long literal sixteen bytes are compared, the gram among them */
    unsigned from = 0, len = literal->len;
    if (len > COMPARED_BYTES) {
        from = gram.at < len - COMPARED_BYTES ? gram.at : len - COMPARED_BYTES;
        len = COMPARED_BYTES;
    }
    char bytes[COMPARED_BYTES] = {0};
    memcpy(bytes, literal->key + from, len);
    memset(draft, 0, sizeof *draft);
    draft->kind = gram.kind;
    draft->entry.low = prefilter_load(bytes);
    draft->entry.high = prefilter_load(bytes + 8);
    draft->entry.len = (uint8_t)len;
    draft->entry.gram_at = (uint8_t)(gram.at - from);
    draft->entry.text_at = (int8_t)((int)literal->lead - (int)from);
    draft->hash = gram.hash;
    draft->sieved = gram.sieved;
    draft->posting = posting;
}

static int draft_order(const void *left, const void *right)
{
    const struct draft *a = left, *b = right;
#define ORDER(member)                                                                                                  \
    if (a->member != b->member)                                                                                        \
    return a->member < b->member ? -1 : 1
    ORDER(kind);
    ORDER(hash);
    ORDER(entry.low);
    ORDER(entry.high);
    ORDER(entry.len);
    ORDER(entry.gram_at);
    ORDER(entry.text_at);
    ORDER(posting.pattern);
#undef ORDER
    return 0;
}

static bool same_literal(const struct draft *a, const struct draft *b)
{
    return a->hash == b->hash && a->entry.low == b->entry.low && a->entry.high == b->entry.high &&
           a->entry.len == b->entry.len && a->entry.gram_at == b->entry.gram_at && a->entry.text_at == b->entry.text_at;
}

static unsigned bits_for(size_t least, unsigned min, unsigned max)
{
    unsigned bits = min;
    while (bits < max && ((size_t)1 << bits) < least)
        bits++;
    return bits;
}

/* Words of a packed posting. */
static size_t posting_pack(const struct ct_prefilter *prefilter, const struct prefilter_posting *posting, uint16_t *out)
{
    const uint16_t *need = prefilter->needs + posting->need, *set = need + 2;
    size_t marks = prefilter_pair(need) > 0 ? set[NEED_COUNT] & ~NEED_ENDS : 0;
    if (prefilter_pair(need) > 0 && (set[NEED_COUNT] & NEED_ENDS))
        marks = 0; /* ends are marked later: left to the second look */
    if (!out)
        return POSTED_HEAD + marks;
    size_t distinct = 0; /* forms of one word mostly have one mark */
    for (size_t i = 0; i < marks; i++) {
        uint16_t mark = set[NEED_HEAD + i];
        size_t j = 0;
        while (j < distinct && out[POSTED_HEAD + j] != mark)
            j++;
        out[POSTED_HEAD + j] = mark;
        distinct += j == distinct;
    }
    prefilter_put_pair(out + POSTED_PATTERN, posting->pattern);
    prefilter_put_pair(out + POSTED_BEFORE, posting->max_before);
    prefilter_put_pair(out + POSTED_NEED, posting->need);
    out[POSTED_MARKS] = (uint16_t)distinct;
    return POSTED_HEAD + distinct;
}

/* Sorted drafts of one kind; their postings go behind *posted. */
static bool table_fill(struct ct_prefilter *prefilter, struct prefilter_table *table, const struct draft *drafts,
                       size_t count, uint32_t *posted)
{
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++)
        distinct += i == 0 || drafts[i].hash != drafts[i - 1].hash;
    unsigned bitmap_bits = bits_for(distinct * BITS_PER_GRAM, BITMAP_BITS_MIN, BITMAP_BITS_MAX);
    unsigned bucket_bits = bits_for(distinct * 2, BUCKET_BITS_MIN, BUCKET_BITS_MAX);
    table->bitmap_shift = 32 - bitmap_bits;
    table->bucket_shift = 32 - bucket_bits;
    table->bitmap = calloc(((size_t)1 << bitmap_bits) / 64, sizeof *table->bitmap);
    table->buckets = calloc(((size_t)1 << bucket_bits) + 1, sizeof *table->buckets);
    table->entries = calloc(count + 1, sizeof *table->entries);
    if (!table->bitmap || !table->buckets || !table->entries)
        return false;
    for (size_t i = 0; i < count; i++) {
        bool again = i > 0 && same_literal(&drafts[i - 1], &drafts[i]);
        if (!again) {
            struct prefilter_entry *entry = &table->entries[table->entry_count++];
            *entry = drafts[i].entry;
            entry->posting = *posted;
            uint32_t bit = drafts[i].hash >> table->bitmap_shift;
            table->bitmap[bit / 64] |= (uint64_t)1 << (bit % 64);
            table->buckets[(drafts[i].hash >> table->bucket_shift) + 1]++;
        }
        if (again && drafts[i - 1].posting.pattern == drafts[i].posting.pattern)
            continue;
        table->entries[table->entry_count - 1].posting_count++;
        *posted += (uint32_t)posting_pack(prefilter, &drafts[i].posting, prefilter->postings + *posted);
    }
    for (size_t b = 0; b < (size_t)1 << bucket_bits; b++)
        table->buckets[b + 1] += table->buckets[b];
    return true;
}

/* The set to look for: the rarest, but a set of word beginnings rather than one that every place is tested for. */
static uint32_t choose_set(const struct ct_prefilter_item *item)
{
    uint32_t best = 0;
    double best_chance = 0;
    for (uint32_t i = 0; i < item->set_count; i++) {
        double chance = item->sets[i].chance;
        for (uint32_t j = 0; j < item->sets[i].count; j++) {
            if (ct_prefilter_gram(&item->sets[i].literals[j]).kind >= GRAM_WORDS) {
                chance *= ANYWHERE_PENALTY;
                break;
            }
        }
        if (i == 0 || chance < best_chance) {
            best = i;
            best_chance = chance;
        }
    }
    return best;
}

/* The needs of all items, and which of their sets is looked for: `chosen` and `heads`, by item. */
static bool needs_fill(struct ct_prefilter *prefilter, const struct ct_prefilter_item *items, size_t count,
                       uint32_t *chosen, struct prefilter_posting *heads)
{
    size_t words = 0;
    for (size_t i = 0; i < count; i++)
        words += 2 + ct_prefilter_need(items[i].sets, items[i].set_count, NULL);
    prefilter->needs = calloc(words + 1, sizeof *prefilter->needs);
    if (!prefilter->needs)
        return false;
    words = 0;
    for (size_t i = 0; i < count; i++) {
        size_t begin = words;
        chosen[i] = choose_set(&items[i]);
        heads[i] = (struct prefilter_posting){items[i].pattern, items[i].sets[chosen[i]].max_before, (uint32_t)begin};
        words += 2;
        for (uint32_t j = 0; j < items[i].set_count; j++) {
            if (j != chosen[i])
                words += ct_prefilter_need(&items[i].sets[j], 1, prefilter->needs + words);
        }
        prefilter_put_pair(prefilter->needs + begin, (uint32_t)(words - begin - 2));
    }
    return true;
}

/* ---- sieves --------------------------------------------------------------------------------- */

/* Which values each sieve has to let through: a bit each. */
struct sieved {
    uint64_t seen[SIEVE_KINDS][SIEVED_VALUES / 64];
};

static void sieved_add(struct sieved *sieved, enum gram_kind kind, uint16_t value)
{
    if (prefilter_sieve_of[kind] != SIEVE_NONE)
        sieved->seen[prefilter_sieve_of[kind]][value / 64] |= (uint64_t)1 << (value % 64);
}

static void sieved_add_needs(struct sieved *sieved, const uint16_t *need, size_t words)
{
    for (const uint16_t *end = need + words; need < end;) {
        size_t literals = need[NEED_COUNT] & ~NEED_ENDS;
        need += NEED_HEAD + literals;
        for (size_t i = 0; i < literals; i++, need += NEED_LITERAL)
            sieved_add(sieved, need[LITERAL_KIND] % KIND_FIRST, need[LITERAL_SIEVED]);
    }
}

static bool sieve_fill(const uint64_t *seen, struct prefilter_sieve *sieve)
{
    size_t grams = 0;
    for (size_t i = 0; i < SIEVED_VALUES / 64; i++)
        grams += (size_t)__builtin_popcountll(seen[i]);
    if (grams == 0)
        return true;
    unsigned bits = bits_for(grams * SIEVE_BYTES_PER_GRAM, SIEVE_BITS_MIN, SIEVE_BITS_MAX);
    sieve->shift = 32 - bits;
    sieve->lets = calloc((size_t)1 << bits, sizeof *sieve->lets);
    for (size_t value = 0; sieve->lets && value < SIEVED_VALUES; value++)
        sieve->lets[value >> (16 - bits)] |= (uint8_t)(seen[value / 64] >> (value % 64) & 1);
    return sieve->lets != NULL;
}

/* The sieves of what is looked for and of all that may be needed. */
static bool sieves_fill(struct ct_prefilter *prefilter, const struct draft *drafts, size_t count, const uint16_t *needs,
                        size_t need_words)
{
    struct sieved *sieved = calloc(1, sizeof *sieved);
    bool done = sieved != NULL;
    for (size_t i = 0; done && i < count; i++)
        sieved_add(sieved, drafts[i].kind, drafts[i].sieved);
    if (done)
        sieved_add_needs(sieved, needs, need_words);
    for (size_t i = 0; done && i < count; i++) {
        const uint16_t *need = prefilter->needs + drafts[i].posting.need;
        if (i == 0 || drafts[i].posting.need != drafts[i - 1].posting.need)
            sieved_add_needs(sieved, need + 2, prefilter_pair(need));
    }
    for (unsigned kind = 0; done && kind < SIEVE_KINDS; kind++)
        done = sieve_fill(sieved->seen[kind], &prefilter->sieves[kind]);
    free(sieved);
    return done;
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* Drafts in the order of items. */
static bool tables_fill(struct ct_prefilter *prefilter, struct draft *drafts, size_t count)
{
    uint32_t posted = 0;
    qsort(drafts, count, sizeof *drafts, draft_order);
    for (size_t i = 0, n; i < count; i += n) {
        for (n = 1; i + n < count && drafts[i + n].kind == drafts[i].kind;)
            n++;
        if (!table_fill(prefilter, &prefilter->tables[drafts[i].kind], drafts + i, n, &posted))
            return false;
        prefilter->looks_at_first |= drafts[i].kind <= GRAM_FIRST6;
        prefilter->looks_at_ends |= drafts[i].kind == GRAM_END4 || drafts[i].kind == GRAM_END6;
    }
    return true;
}

struct ct_prefilter *ct_prefilter_new(const struct ct_prefilter_item *items, size_t count, const uint16_t *needs,
                                      size_t need_words)
{
    size_t total = 0, drafted = 0, words = 0;
    struct ct_prefilter *prefilter = calloc(1, sizeof *prefilter);
    uint32_t *chosen = calloc(count + 1, sizeof *chosen);
    struct prefilter_posting *heads = calloc(count + 1, sizeof *heads);
    struct draft *drafts = NULL;
    if (!prefilter || !chosen || !heads || !needs_fill(prefilter, items, count, chosen, heads))
        goto failed;
    for (size_t i = 0; i < count; i++) {
        total += items[i].sets[chosen[i]].count;
        words += items[i].sets[chosen[i]].count * posting_pack(prefilter, &heads[i], NULL);
    }
    drafts = calloc(total + 1, sizeof *drafts);
    prefilter->postings = calloc(words + 1, sizeof *prefilter->postings);
    if (!drafts || !prefilter->postings)
        goto failed;
    for (size_t i = 0; i < count; i++) {
        const struct ct_literal_set *set = &items[i].sets[chosen[i]];
        for (uint32_t j = 0; j < set->count; j++)
            draft_of(&set->literals[j], heads[i], &drafts[drafted++]);
    }
    if (!sieves_fill(prefilter, drafts, drafted, needs, need_words) || !tables_fill(prefilter, drafts, drafted))
        goto failed;
    free(drafts);
    free(chosen);
    free(heads);
    return prefilter;
failed:
    free(drafts);
    free(chosen);
    free(heads);
    ct_prefilter_free(prefilter);
    return NULL;
}

void ct_prefilter_free(struct ct_prefilter *prefilter)
{
    if (!prefilter)
        return;
    for (unsigned i = 0; i < GRAM_KINDS; i++) {
        free(prefilter->tables[i].bitmap);
        free(prefilter->tables[i].buckets);
        free(prefilter->tables[i].entries);
    }
    for (unsigned i = 0; i < SIEVE_KINDS; i++)
        free(prefilter->sieves[i].lets);
    free(prefilter->postings);
    free(prefilter->needs);
    free(prefilter);
}
