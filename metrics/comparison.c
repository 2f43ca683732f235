/* comparison.c - differences of figures and their intervals. See comparison.h. */
#include "metrics/comparison.h"

#include "metrics/statistics.h"

static int64_t narrowed(ct_wide value)
{
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

/* num / den in millionths of the unit; false where it does not fit. */
static bool micro_of(const struct ct_figure *figure, int64_t *out)
{
    ct_wide most = (((ct_wide)1 << 126) - 1) / 1000000;
    if (figure->value_num > most || figure->value_num < -most) {
        return false;
    }
    ct_wide micro = ct_wide_divide(figure->value_num * 1000000, figure->value_den);
    *out = narrowed(micro);
    return *out == micro && micro > INT64_MIN / 4 && micro < INT64_MAX / 4;
}

static void around(struct ct_change *change, int64_t margin)
{
    change->has_interval = true;
    change->low_micro = narrowed((ct_wide)change->difference_micro - margin);
    change->high_micro = narrowed((ct_wide)change->difference_micro + margin);
}

/* Of figures that have an interval each, as Newcombe's of two rates: the same rule fits differences of rates. */
static void hybrid(struct ct_change *change, const struct ct_figure *now, const struct ct_figure *before)
{
    int64_t is, was;
    if (micro_of(now, &is) && micro_of(before, &was)) {
        ct_hybrid(is, now->low_micro, now->high_micro, was, before->low_micro, before->high_micro, &change->low_micro,
                  &change->high_micro);
        change->has_interval = true;
    }
}

static void test(struct ct_change *change, const struct ct_figure *now, const struct ct_figure *before)
{
    switch (now->kpi->kind) {
    case CT_KPI_RATIO:
    case CT_KPI_SHARES:
        if (now->has_interval && before->has_interval) {
            ct_newcombe((uint64_t)now->numerator, (uint64_t)now->denominator, (uint64_t)before->numerator,
                        (uint64_t)before->denominator, &change->low_micro, &change->high_micro);
            change->has_interval = true;
        }
        break;
    case CT_KPI_MEAN:
        if (now->has_error && before->has_error && now->n >= 2 && before->n >= 2) {
            int64_t margin = ct_welch_margin(now->error_micro, now->n, before->error_micro, before->n);
            if (margin >= 0) {
                around(change, margin);
            }
        }
        break;
    case CT_KPI_SCORE: /* a handful of equal answers has no variance, and proves nothing */
        if (now->has_error && before->has_error && now->error_micro > 0 && before->error_micro > 0) {
            around(change, ct_normal_margin(now->error_micro, before->error_micro));
        }
        break;
    case CT_KPI_DIFFERENCE:
        if (now->has_interval && before->has_interval) {
            hybrid(change, now, before);
        }
        break;
    case CT_KPI_QUOTIENT:
    case CT_KPI_MEDIAN:
    case CT_KPI_SUM:
    case CT_KPI_PROPORTION:
    case CT_KPI_PRODUCT:
        break;
    }
}

static void compare(struct ct_figure *now, const struct ct_figure *before)
{
    int64_t is, was;
    struct ct_change *change = &now->change;
    *change = (struct ct_change){.verdict = CT_CHANGE_NONE};
    if (!before || !now->has_value || !before->has_value || !micro_of(now, &is) || !micro_of(before, &was)) {
        return;
    }
    change->before_num = before->value_num;
    change->before_den = before->value_den;
    change->before_n = before->n;
    change->difference_micro = is - was;
    test(change, now, before);
    change->verdict = !change->has_interval    ? CT_CHANGE_UNTESTED
                      : change->low_micro > 0  ? CT_CHANGE_UP
                      : change->high_micro < 0 ? CT_CHANGE_DOWN
                                               : CT_CHANGE_NO_CHANGE;
}

/* Of the same KPI and key, from `from` on, where a KPI's figures begin. A part before the head: where there are parts,
 * the head is one of them again. */
static const struct ct_figure *counterpart(const struct ct_block *before, const struct ct_figure *figure, size_t *from)
{
    size_t at = *from;
    for (size_t i = 0; i < before->figure_count; i++) { /* catalogues are the same: mostly the very next one */
        const struct ct_figure *candidate = &before->figures[at];
        if (candidate->kpi == figure->kpi && !candidate->part && candidate->definition == figure->definition) {
            break;
        }
        at = at + 1 < before->figure_count ? at + 1 : 0;
    }
    *from = at;
    for (; at < before->figure_count && before->figures[at].kpi == figure->kpi; at++) {
        if (strcmp(before->figures[at].key, figure->key) == 0) {
            return &before->figures[at];
        }
    }
    return NULL;
}

void ct_compare_blocks(struct ct_block *now, const struct ct_block *before)
{
    struct ct_figure *figures = (struct ct_figure *)(uintptr_t)now->figures; /* the block's own */
    size_t from = 0;
    for (size_t i = 0; i < now->figure_count; i++) {
        compare(&figures[i], before->figure_count ? counterpart(before, &figures[i], &from) : NULL);
    }
}

void ct_compare_slices(struct ct_block *now, size_t count, const struct ct_block *before, size_t before_count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < before_count; j++) {
            if (now[i].other == before[j].other && ct_span_eq(now[i].key, before[j].key) &&
                ct_span_eq(now[i].second, before[j].second)) {
                ct_compare_blocks(&now[i], &before[j]);
                break;
            }
        }
    }
}
