/* literal_set.c - the algebra of literal sets: concatenation, alternation, repetition (literal.h).
 *
 * Each piece of a pattern is either exact (a small set of strings) or known by its possible beginnings, its possible
 * ends and the sets that must occur between. A beginning or end that is the whole of its piece is open: the neighbour's
 * are joined to it, while that stays small. That makes whole words out of stems and endings, and sees through what may
 * be left out.
 */
#include "engine/literal_set.h"

#include <stdlib.h>

static uint32_t add_far(uint32_t a, uint32_t b)
{
    return a > CT_LITERAL_FAR - b ? CT_LITERAL_FAR : a + b;
}

static uint32_t mul_far(uint32_t a, uint32_t b)
{
    uint64_t product = (uint64_t)a * b;
    return a == 0 || b == 0                                                         ? 0
           : a == CT_LITERAL_FAR || b == CT_LITERAL_FAR || product > CT_LITERAL_FAR ? CT_LITERAL_FAR
                                                                                    : (uint32_t)product;
}

/* ---- strings and sets ------------------------------------------------------------------------ */

static bool set_room(struct ct_arena *scratch, size_t count, struct lit_set *set)
{
    *set = (struct lit_set){.lits = ct_arena_alloc(scratch, (count ? count : 1) * sizeof(struct lit))};
    return set->lits != NULL;
}

static bool set_of_one(struct ct_arena *scratch, uint8_t flags, struct lit_set *set)
{
    if (!set_room(scratch, 1, set))
        return false;
    memset(&set->lits[0], 0, sizeof set->lits[0]);
    set->lits[0].flags = flags;
    set->count = 1;
    return true;
}

static int lit_order(const void *left, const void *right)
{
    const struct lit *a = left, *b = right;
    if (a->len > 0 && b->len > 0 && a->at[0] != b->at[0]) /* most of the time */
        return (unsigned char)a->at[0] - (unsigned char)b->at[0];
    int order = memcmp(a->at, b->at, a->len < b->len ? a->len : b->len);
    if (order == 0)
        order = (int)a->len - (int)b->len;
    return order != 0 ? order : (int)a->flags - (int)b->flags;
}

/* Sorts, and leaves one of equal ones. */
static void set_tidy(struct lit_set *set)
{
    uint32_t kept = 0, sorted = 1;
    while (sorted < set->count && lit_order(&set->lits[sorted - 1], &set->lits[sorted]) < 0)
        sorted++;
    if (sorted >= set->count) /* as most are */
        return;
    qsort(set->lits, set->count, sizeof *set->lits, lit_order);
    for (uint32_t i = 0; i < set->count; i++) {
        if (kept == 0 || lit_order(&set->lits[kept - 1], &set->lits[i]) != 0)
            set->lits[kept++] = set->lits[i];
    }
    set->count = kept;
}

static bool word_at(const struct lit *lit, size_t at)
{
    return lit->at[at] != ' ';
}

static bool ascii_word_at(const struct lit *lit, size_t at)
{
    char c = lit->at[at];
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Whether b cannot follow a: an edge is wanted between two that are word characters beyond doubt. */
static bool lit_clash(const struct lit *a, const struct lit *b)
{
    if (b->len == 0 || !ascii_word_at(b, 0) || ((a->flags | b->flags) & LIT_GAP))
        return false;
    if (a->len == 0)
        return (a->flags & LIT_TRAIL) != 0;
    return ((a->flags & LIT_TRAIL) || (b->flags & LIT_LEAD)) && ascii_word_at(a, a->len - 1u);
}

/* a, then b; LIT_OPEN is left to the caller. false = longer than a literal may be. */
static bool lit_join(const struct lit *a, const struct lit *b, struct lit *out)
{
    struct lit made = *a;
    if (a->len > 0 && (b->flags & LIT_GAP)) {
        /* b does not follow at once, or not surely: what is known of the character behind a is that there is a gap */
        bool word = word_at(a, a->len - 1u);
        bool trail =
            b->len == 0 ? (b->flags & LIT_TRAIL) || ((b->flags & LIT_BREAK) && word) : (b->flags & LIT_LEAD) && word;
        made.flags = (uint8_t)((a->flags & ~LIT_OPEN) | (trail ? LIT_TRAIL : 0));
        *out = made;
        return true;
    }
    if ((size_t)a->len + b->len > CT_LITERAL_MAX)
        return false;
    memcpy(made.at + a->len, b->at, b->len);
    made.len = (uint8_t)(a->len + b->len);
    if (a->len == 0 && b->len == 0) {
        made.flags = a->flags | b->flags;
    } else if (b->len == 0) {
        bool trail = (b->flags & LIT_TRAIL) || ((b->flags & LIT_BREAK) && word_at(a, a->len - 1u));
        made.flags = (uint8_t)(a->flags | (trail ? LIT_TRAIL : 0));
    } else if (a->len == 0) {
        bool gap = (a->flags & LIT_GAP) && (a->flags & LIT_TRAIL);
        bool lead = (a->flags & LIT_LEAD) || gap || ((a->flags & LIT_BREAK) && word_at(b, 0));
        made.flags = (uint8_t)(b->flags | (lead ? LIT_LEAD : 0) | (a->flags & (LIT_FIRST | LIT_GAP)));
    } else {
        made.flags = (uint8_t)((a->flags & (LIT_LEAD | LIT_FIRST | LIT_GAP)) | (b->flags & LIT_TRAIL));
    }
    made.flags &= (uint8_t)~LIT_OPEN;
    *out = made;
    return true;
}

static size_t open_count(const struct lit_set *set)
{
    size_t count = 0;
    for (uint32_t i = 0; i < set->count; i++)
        count += (set->lits[i].flags & LIT_OPEN) != 0;
    return count;
}

/* Whether a string may begin later than the set says. */
static bool has_gap(const struct lit_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->lits[i].flags & LIT_GAP)
            return true;
    }
    return false;
}

static bool cross_fits(size_t a, size_t b, size_t most)
{
    return a * b <= (a > 1 && b > 1 ? most : LIT_UNION_MAX);
}

enum { REPEATED_MAX = 4 };
enum cross { CROSS_ALL, CROSS_PREFIX, CROSS_SUFFIX };

/* Strings of a joined to strings of b. CROSS_ALL: each to each. CROSS_PREFIX: a's open ones are continued by b's, the
 * others stay. CROSS_SUFFIX: b's open ones are preceded by a's. false = too many, too long or none (*out is untouched),
 * or no memory (*failed). */
static bool set_cross(struct ct_arena *scratch, const struct lit_set *a, const struct lit_set *b, enum cross how,
                      size_t most, struct lit_set *out, bool *failed)
{
    size_t a_count = how == CROSS_PREFIX ? open_count(a) : a->count;
    size_t b_count = how == CROSS_SUFFIX ? open_count(b) : b->count;
    size_t room = a_count * b_count + (how == CROSS_PREFIX ? a->count : 0) + (how == CROSS_SUFFIX ? b->count : 0);
    struct lit_set made;
    if (!cross_fits(a_count, b_count, most) || room > LIT_UNION_MAX * 2)
        return false;
    if (!set_room(scratch, room, &made)) {
        *failed = true;
        return false;
    }
    for (uint32_t i = 0; how == CROSS_PREFIX && i < a->count; i++) {
        if (!(a->lits[i].flags & LIT_OPEN))
            made.lits[made.count++] = a->lits[i];
    }
    for (uint32_t j = 0; how == CROSS_SUFFIX && j < b->count; j++) {
        if (!(b->lits[j].flags & LIT_OPEN))
            made.lits[made.count++] = b->lits[j];
    }
    for (uint32_t i = 0; i < a->count; i++) {
        for (uint32_t j = 0; j < b->count; j++) {
            const struct lit *left = &a->lits[i], *right = &b->lits[j];
            struct lit joined;
            if ((how == CROSS_PREFIX && !(left->flags & LIT_OPEN)) ||
                (how == CROSS_SUFFIX && !(right->flags & LIT_OPEN)) || lit_clash(left, right))
                continue;
            if (!lit_join(left, right, &joined)) {
                if (how == CROSS_ALL)
                    return false;
                joined = how == CROSS_PREFIX ? *left : *right; /* less is known, but not wrong */
                joined.flags &= (uint8_t)~LIT_OPEN;
            } else {
                uint8_t open = how == CROSS_PREFIX   ? right->flags
                               : how == CROSS_SUFFIX ? left->flags
                                                     : left->flags & right->flags;
                if (!(left->len > 0 && (right->flags & LIT_GAP))) /* else b was not joined */
                    joined.flags |= open & LIT_OPEN;
            }
            made.lits[made.count++] = joined;
        }
    }
    set_tidy(&made);
    if (made.count == 0 || made.count > LIT_UNION_MAX) /* none: it cannot match, and nothing is said */
        return false;
    made.max_before = has_gap(&made) ? CT_LITERAL_FAR : a->max_before;
    *out = made;
    return true;
}

/* A copy in which strings of `least` bytes and more are no longer open. */
static bool set_close(struct ct_arena *scratch, const struct lit_set *set, size_t least, struct lit_set *out)
{
    struct lit_set made;
    if (!set_room(scratch, set->count, &made))
        return false;
    made.count = set->count;
    made.max_before = set->max_before;
    for (uint32_t i = 0; i < set->count; i++) {
        made.lits[i] = set->lits[i];
        if (made.lits[i].len >= least)
            made.lits[i].flags &= (uint8_t)~LIT_OPEN;
    }
    set_tidy(&made);
    *out = made;
    return true;
}

/* CROSS_PREFIX or CROSS_SUFFIX, of the short open strings alone if all are too many, or of none. *whole = nothing of
 * the other side was left out that it does not say itself. */
static bool set_cross_some(struct ct_arena *scratch, const struct lit_set *a, const struct lit_set *b, enum cross how,
                           size_t most, struct lit_set *out, bool *whole)
{
    static const size_t least[] = {SIZE_MAX, 4, 2, 1};
    const struct lit_set *open = how == CROSS_PREFIX ? a : b;
    bool failed = false;
    *whole = true;
    for (size_t i = 0; i < sizeof least / sizeof least[0] && !failed; i++) {
        struct lit_set closed = *open;
        if (least[i] != SIZE_MAX && !set_close(scratch, open, least[i], &closed))
            return false;
        if (set_cross(scratch, how == CROSS_PREFIX ? &closed : a, how == CROSS_PREFIX ? b : &closed, how, most, out,
                      &failed))
            return true;
        *whole = false;
    }
    return !failed && set_close(scratch, open, 0, out);
}

/* Bytes of the finished literal. */
static size_t lit_key_len(const struct lit *lit)
{
    return lit->len + (lit->flags & LIT_LEAD ? 1u : 0) + (lit->flags & LIT_TRAIL ? 1u : 0);
}

/* The finished literal; `key` holds CT_LITERAL_MAX + 2. */
static size_t lit_key(const struct lit *lit, char *key)
{
    size_t len = 0;
    if (lit->flags & LIT_LEAD)
        key[len++] = ' ';
    memcpy(key + len, lit->at, lit->len);
    len += lit->len;
    if (lit->flags & LIT_TRAIL)
        key[len++] = ' ';
    return len;
}

double ct_lit_set_chance(const struct lit_set *set)
{
    double sum = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        char key[CT_LITERAL_MAX + 2];
        double chance = ct_literal_chance(key, lit_key(&set->lits[i], key));
        sum += set->lits[i].flags & LIT_FIRST ? chance / 8 : chance;
    }
    /* a bound on where a match may begin is worth something too */
    if (set->max_before == CT_LITERAL_FAR)
        sum *= 2;
    else if (set->max_before > 0)
        sum *= 1.25;
    return sum;
}

/* Every string must be long enough to be found, and none only blanks. */
static bool set_useful(const struct lit_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const struct lit *lit = &set->lits[i];
        size_t words = 0, least = lit->flags & LIT_FIRST ? CT_LITERAL_MIN_FIRST : CT_LITERAL_MIN;
        for (size_t j = 0; j < lit->len; j++)
            words += word_at(lit, j);
        if (words == 0 || lit_key_len(lit) < least)
            return false;
    }
    return set->count > 0;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

bool ct_lit_info_empty(struct ct_arena *scratch, uint8_t flags, struct lit_info *out)
{
    *out = (struct lit_info){.exact = true, .gap = true, .first = (flags & LIT_FIRST) != 0};
    return set_of_one(scratch, flags | LIT_OPEN, &out->prefix);
}

bool ct_lit_info_string(struct ct_arena *scratch, const char *key, size_t len, struct lit_info *out)
{
    if (len > CT_LITERAL_MAX)
        return ct_lit_info_any(scratch, (uint32_t)len, false, out);
    if (!ct_lit_info_empty(scratch, 0, out))
        return false;
    memcpy(out->prefix.lits[0].at, key, len);
    out->prefix.lits[0].len = (uint8_t)len;
    out->max_len = (uint32_t)len;
    for (size_t i = 0; i < len; i++)
        out->gap &= key[i] == ' ';
    return true;
}

bool ct_lit_info_any(struct ct_arena *scratch, uint32_t max_len, bool other, struct lit_info *out)
{
    *out = (struct lit_info){.max_len = max_len, .gap = other};
    if (!set_of_one(scratch, other ? LIT_TRAIL | LIT_GAP | LIT_OPEN : 0, &out->prefix) ||
        !set_of_one(scratch, other ? LIT_LEAD : 0, &out->suffix))
        return false;
    out->prefix.max_before = other ? CT_LITERAL_FAR : 0;
    out->suffix.max_before = max_len; /* the empty string at its end */
    return true;
}

static const struct lit_set *suffix_of(const struct lit_info *info)
{
    return info->exact ? &info->prefix : &info->suffix;
}

/* Keeps the LIT_INNER_MAX rarest sets. */
static void inner_put(struct lit_info *info, const struct lit_inner *inner)
{
    if (info->inner_count < LIT_INNER_MAX) {
        info->inner[info->inner_count++] = *inner;
        return;
    }
    uint32_t worst = 0;
    for (uint32_t i = 1; i < LIT_INNER_MAX; i++) {
        if (info->inner[i].chance > info->inner[worst].chance)
            worst = i;
    }
    if (inner->chance < info->inner[worst].chance)
        info->inner[worst] = *inner;
}

static void inner_add(struct lit_info *info, const struct lit_set *set, uint32_t before)
{
    if (!set_useful(set))
        return;
    struct lit_inner inner = {*set, 0};
    inner.set.max_before = add_far(set->max_before, before);
    inner.chance = ct_lit_set_chance(&inner.set);
    inner_put(info, &inner);
}

static void inner_add_all(struct lit_info *info, const struct lit_info *from, uint32_t before)
{
    for (uint32_t i = 0; i < from->inner_count; i++) {
        struct lit_inner inner = from->inner[i];
        inner.set.max_before = add_far(inner.set.max_before, before);
        inner_put(info, &inner);
    }
}

bool ct_lit_info_concat(struct ct_arena *scratch, const struct lit_info *a, const struct lit_info *b,
                        struct lit_info *out)
{
    bool failed = false;
    struct lit_info made = {
        .max_len = add_far(a->max_len, b->max_len), .gap = a->gap && b->gap, .first = a->first && b->gap};
    if (a->exact && b->exact &&
        set_cross(scratch, &a->prefix, &b->prefix, CROSS_ALL, LIT_CROSS_MAX, &made.prefix, &failed)) {
        made.exact = true;
        *out = made;
        return true;
    }
    inner_add_all(&made, a, 0);
    inner_add_all(&made, b, a->max_len);
    size_t most = a->exact && b->exact ? LIT_CROSS_MAX : LIT_CROSS_OPEN_MAX;
    struct lit_set a_end = *suffix_of(a), b_end = *suffix_of(b);
    bool whole;
    b_end.max_before = add_far(b_end.max_before, a->max_len);
    if (!set_cross_some(scratch, &a->prefix, &b->prefix, CROSS_PREFIX, most, &made.prefix, &whole))
        return false;
    made.prefix.max_before = has_gap(&made.prefix) ? CT_LITERAL_FAR : 0;
    if (!whole && !b->exact)
        inner_add(&made, &b->prefix, a->max_len);
    if (made.first) {
        failed |= !set_of_one(scratch, LIT_FIRST | LIT_LEAD, &made.suffix);
        made.suffix.max_before = made.max_len;
    } else {
        if (!set_cross_some(scratch, &a_end, &b_end, CROSS_SUFFIX, most, &made.suffix, &whole))
            return false;
        made.suffix.max_before = b_end.max_before > a_end.max_before ? b_end.max_before : a_end.max_before;
        if (!whole && !a->exact)
            inner_add(&made, &a_end, 0);
    }
    if (!a->exact && !b->exact) {
        struct lit_set middle;
        if (set_cross(scratch, &a_end, &b->prefix, CROSS_ALL, LIT_CROSS_OPEN_MAX, &middle, &failed)) {
            inner_add(&made, &middle, 0);
        } else {
            inner_add(&made, &a_end, 0);
            inner_add(&made, &b->prefix, a->max_len);
        }
    }
    *out = made;
    return !failed;
}

/* All strings of all pieces' beginnings (or ends); too many: one empty one. */
static bool set_union(struct ct_arena *scratch, const struct lit_info *pieces, size_t count, bool suffix,
                      uint32_t max_len, struct lit_set *out)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += (suffix ? suffix_of(&pieces[i]) : &pieces[i].prefix)->count;
    if (total <= LIT_UNION_MAX * 2) {
        if (!set_room(scratch, total, out))
            return false;
        for (size_t i = 0; i < count; i++) {
            const struct lit_set *set = suffix ? suffix_of(&pieces[i]) : &pieces[i].prefix;
            memcpy(out->lits + out->count, set->lits, set->count * sizeof *set->lits);
            out->count += set->count;
            out->max_before = set->max_before > out->max_before ? set->max_before : out->max_before;
        }
        set_tidy(out);
        if (out->count <= LIT_UNION_MAX)
            return true;
    }
    if (!set_of_one(scratch, 0, out))
        return false;
    out->max_before = suffix ? max_len : 0;
    return true;
}

/* The rarest set of a piece, its beginnings and ends included; false = none is useful. */
static bool info_best(const struct lit_info *info, struct lit_inner *best)
{
    bool found = false;
    for (uint32_t i = 0; i < info->inner_count; i++) {
        if (!found || info->inner[i].chance < best->chance)
            *best = info->inner[i];
        found = true;
    }
    const struct lit_set *ends[] = {&info->prefix, &info->suffix};
    for (unsigned i = 0; i < (info->exact ? 1u : 2u); i++) {
        if (!set_useful(ends[i]))
            continue;
        double chance = ct_lit_set_chance(ends[i]);
        if (!found || chance < best->chance)
            *best = (struct lit_inner){*ends[i], chance};
        found = true;
    }
    return found;
}

/* If each piece has a set of its own, all these together are one. */
static bool union_inner(struct ct_arena *scratch, const struct lit_info *pieces, size_t count, struct lit_info *made)
{
    struct lit_set *bests = ct_arena_alloc(scratch, count * sizeof *bests), all;
    size_t total = 0;
    if (!bests)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct lit_inner best;
        if (!info_best(&pieces[i], &best))
            return true;
        bests[i] = best.set;
        total += best.set.count;
    }
    if (total > LIT_UNION_MAX)
        return true;
    if (!set_room(scratch, total, &all))
        return false;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < bests[i].count; j++) {
            all.lits[all.count] = bests[i].lits[j];
            all.lits[all.count++].flags &= (uint8_t)~LIT_OPEN;
        }
        all.max_before = bests[i].max_before > all.max_before ? bests[i].max_before : all.max_before;
    }
    set_tidy(&all);
    inner_add(made, &all, 0);
    return true;
}

bool ct_lit_info_union(struct ct_arena *scratch, const struct lit_info *pieces, size_t count, struct lit_info *out)
{
    struct lit_info made = {.exact = true, .gap = true, .first = true};
    if (count == 1) {
        *out = pieces[0];
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        made.exact &= pieces[i].exact;
        made.gap &= pieces[i].gap;
        made.first &= pieces[i].first;
        made.max_len = pieces[i].max_len > made.max_len ? pieces[i].max_len : made.max_len;
    }
    if (!set_union(scratch, pieces, count, false, made.max_len, &made.prefix))
        return false;
    made.exact &= open_count(&made.prefix) == made.prefix.count;
    if (!made.exact && (!set_union(scratch, pieces, count, true, made.max_len, &made.suffix) ||
                        !union_inner(scratch, pieces, count, &made)))
        return false;
    *out = made;
    return true;
}

/* Spelled out: a? a{2} a{1,3}. *done = it stayed exact. */
static bool repeat_exact(struct ct_arena *scratch, const struct lit_info *a, uint32_t min, uint32_t max,
                         struct lit_info *out, bool *done)
{
    struct lit_info powers[4];
    *done = false;
    if (!ct_lit_info_empty(scratch, 0, &powers[0]))
        return false;
    for (uint32_t i = 1; i <= max; i++) {
        if (!ct_lit_info_concat(scratch, &powers[i - 1], a, &powers[i]))
            return false;
        if (!powers[i].exact)
            return true;
    }
    if (!ct_lit_info_union(scratch, powers + min, max - min + 1, out))
        return false;
    *done = out->exact;
    return true;
}

/* a, or two of it and more. */
static bool repeat_open(struct ct_arena *scratch, const struct lit_info *a, const struct lit_set *twice,
                        struct lit_info *out)
{
    struct lit_set both;
    if (!set_room(scratch, (size_t)a->prefix.count + twice->count, &both))
        return false;
    memcpy(both.lits, a->prefix.lits, a->prefix.count * sizeof *both.lits);
    both.count = a->prefix.count;
    for (uint32_t i = 0; i < twice->count; i++) {
        both.lits[both.count] = twice->lits[i];
        both.lits[both.count++].flags &= (uint8_t)~LIT_OPEN;
    }
    set_tidy(&both);
    out->prefix = out->suffix = both;
    return true;
}

/* Nothing is open any longer, for more of the same may follow; but of a gap more is still a gap. */
static bool repeat_close(struct ct_arena *scratch, const struct lit_info *a, struct lit_info *out)
{
    bool gap = a->gap && !a->exact && a->prefix.count == 1 && a->prefix.lits[0].len == 0 &&
               (a->prefix.lits[0].flags & LIT_GAP);
    return (gap || set_close(scratch, &a->prefix, 0, &out->prefix)) &&
           set_close(scratch, suffix_of(a), 0, &out->suffix);
}

bool ct_lit_info_repeat(struct ct_arena *scratch, const struct lit_info *a, uint32_t min, uint32_t max,
                        struct lit_info *out)
{
    struct lit_info pieces[2];
    bool done = false;
    if (max == 0)
        return ct_lit_info_empty(scratch, 0, out);
    if (min == 1 && max == 1) {
        *out = *a;
        return true;
    }
    if (a->exact && max <= 3 && !repeat_exact(scratch, a, min, max, out, &done))
        return false;
    if (done)
        return true;
    /* once or more: the first time round is its beginning, the last time its end */
    pieces[0] = *a;
    pieces[0].exact = false;
    pieces[0].first = false;
    pieces[0].max_len = mul_far(a->max_len, max);
    if (max > 1) {
        bool failed = false;
        struct lit_set twice;
        if (a->exact && !a->gap && a->prefix.count <= REPEATED_MAX &&
            set_cross(scratch, &a->prefix, &a->prefix, CROSS_ALL, LIT_CROSS_OPEN_MAX, &twice, &failed)) {
            /* once, and what follows can be seen; or it begins and ends with two of them */
            if (!repeat_open(scratch, a, &twice, &pieces[0]))
                return false;
        } else if (failed || !repeat_close(scratch, a, &pieces[0])) {
            return false;
        }
        pieces[0].suffix.max_before = add_far(pieces[0].suffix.max_before, mul_far(a->max_len, max - 1));
    } else {
        pieces[0].suffix = *suffix_of(a);
    }
    if (min > 1) {
        /* an open string says that it is all; it is not, twice */
        if (!repeat_close(scratch, &pieces[0], &pieces[0]))
            return false;
    }
    if (min > 0) {
        *out = pieces[0];
        return true;
    }
    return ct_lit_info_empty(scratch, 0, &pieces[1]) && ct_lit_info_union(scratch, pieces, 2, out);
}

bool ct_lit_info_required(struct ct_arena *scratch, const struct lit_info *a, struct lit_info *out)
{
    struct lit_inner best;
    bool found = info_best(a, &best);
    if (!ct_lit_info_empty(scratch, 0, out))
        return false;
    if (found) {
        out->exact = false;
        out->suffix = out->prefix;
        inner_add(out, &best.set, CT_LITERAL_FAR);
    }
    return true;
}
