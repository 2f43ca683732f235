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
    ANYWHERE_PENALTY = 8
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
    return best;
}

/* A literal on its way into a table. */
struct draft {
    enum gram_kind kind;
    struct prefilter_entry entry;
    uint32_t hash;
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

/* The kinds that every word is tested for need no question whether they are used. */
static bool table_none(struct prefilter_table *table)
{
    table->bitmap = calloc(((size_t)1 << BITMAP_BITS_MIN) / 64, sizeof *table->bitmap);
    table->bitmap_shift = 32 - BITMAP_BITS_MIN;
    return table->bitmap != NULL;
}

struct ct_prefilter *ct_prefilter_new(const struct ct_prefilter_item *items, size_t count)
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
    qsort(drafts, drafted, sizeof *drafts, draft_order);
    uint32_t posted = 0;
    for (size_t i = 0, n; i < drafted; i += n) {
        for (n = 1; i + n < drafted && drafts[i + n].kind == drafts[i].kind;)
            n++;
        if (!table_fill(prefilter, &prefilter->tables[drafts[i].kind], drafts + i, n, &posted))
            goto failed;
    }
    for (enum gram_kind kind = GRAM_WORD4; kind <= GRAM_WORD6; kind++) {
        if (!prefilter->tables[kind].bitmap && !table_none(&prefilter->tables[kind]))
            goto failed;
    }
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
    free(prefilter->postings);
    free(prefilter->needs);
    free(prefilter);
}
