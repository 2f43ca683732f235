/* literal_plan.c - from what is known of a whole pattern to the sets that the prefilter takes (literal.h). */
#include "engine/literal_set.h"

/* The finished literal: its edges written out. */
static void literal_of(const struct lit *lit, struct ct_literal *out)
{
    size_t len = 0;
    memset(out, 0, sizeof *out);
    if (lit->flags & LIT_LEAD)
        out->key[len++] = ' ';
    memcpy(out->key + len, lit->at, lit->len);
    len += lit->len;
    if (lit->flags & LIT_TRAIL)
        out->key[len++] = ' ';
    out->lead = (lit->flags & LIT_LEAD) != 0;
    out->first = (lit->flags & LIT_FIRST) && (lit->flags & LIT_LEAD);
    out->len = (uint8_t)len;
}

/* On the raw view a run of equal letters has not been made one yet, and what stands beside a literal may be a mark that
 * folding drops. So: the best part without two equal characters in a row, and no edges. */
static void literal_for_raw(const struct lit *lit, struct ct_literal *out)
{
    size_t begin = 0, best = 0, best_len = 0;
    for (size_t i = 1; i <= lit->len; i++) {
        if (i < lit->len && lit->at[i] != lit->at[i - 1])
            continue;
        if (i - begin > best_len) {
            best = begin;
            best_len = i - begin;
        }
        begin = i;
    }
    memset(out, 0, sizeof *out);
    memcpy(out->key, lit->at + best, best_len);
    out->len = (uint8_t)best_len;
}

static bool has_word(const struct ct_literal *literal)
{
    for (size_t i = 0; i < literal->len; i++) {
        if (literal->key[i] != ' ')
            return true;
    }
    return false;
}

static bool begins_with(const struct ct_literal *literal, const char *key, size_t len)
{
    return literal->len >= len && memcmp(literal->key, key, len) == 0;
}

/* Where one literal is the beginning of another, that one alone says as much. Sets are sorted by text, so of equal
 * beginnings the shortest comes soon before; looking at a few is enough, and missing one costs nothing but time. */
static bool implied(const struct ct_literal *kept, uint32_t count, const struct ct_literal *literal)
{
    enum { LOOK_BACK = 24 };
    for (uint32_t i = count > LOOK_BACK ? count - LOOK_BACK : 0; i < count; i++) {
        const struct ct_literal *other = &kept[i];
        if (other->lead == literal->lead && other->first <= literal->first &&
            begins_with(literal, other->key, other->len))
            return true;
    }
    return false;
}

static void plan_add(struct ct_arena *scratch, const struct lit_set *set, double chance, bool raw,
                     struct ct_literal_plan *plan)
{
    struct ct_literal *literals = ct_arena_alloc(scratch, (set->count ? set->count : 1) * sizeof *literals);
    if (!literals || set->count == 0)
        return; /* fewer literals, nothing worse */
    struct ct_literal_set made = {literals, 0, raw ? CT_LITERAL_FAR : set->max_before, chance};
    for (uint32_t i = 0; i < set->count; i++) {
        struct ct_literal *literal = &literals[made.count];
        if (raw)
            literal_for_raw(&set->lits[i], literal);
        else
            literal_of(&set->lits[i], literal);
        if (literal->len < (literal->first ? CT_LITERAL_MIN_FIRST : CT_LITERAL_MIN) || !has_word(literal))
            return;
        if (!implied(literals, made.count, literal))
            made.count++;
    }
    uint32_t at = plan->set_count;
    if (at == CT_LITERAL_SETS) {
        if (plan->sets[--at].chance <= chance)
            return;
    } else {
        plan->set_count++;
    }
    for (; at > 0 && plan->sets[at - 1].chance > chance; at--)
        plan->sets[at] = plan->sets[at - 1];
    plan->sets[at] = made;
}

void ct_lit_info_plan(struct ct_arena *scratch, const struct lit_info *a, bool raw, struct ct_literal_plan *plan)
{
    plan_add(scratch, &a->prefix, ct_lit_set_chance(&a->prefix), raw, plan);
    if (a->exact)
        return;
    plan_add(scratch, &a->suffix, ct_lit_set_chance(&a->suffix), raw, plan);
    for (uint32_t i = 0; i < a->inner_count; i++)
        plan_add(scratch, &a->inner[i].set, a->inner[i].chance, raw, plan);
}
