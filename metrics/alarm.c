/* alarm.c - evaluates an alarm over the figures of a block. See alarm.h. The book of what stands is alarm_book.c's.
 */
#include "metrics/alarm.h"

#include "metrics/alarm_parts.h"

/* The conditions of one evaluation, of one block; `subject` = the figure that "any target missed" is asked of. */
struct evaluation {
    const struct ct_alarm *alarm;
    const struct ct_block *block;
    const struct ct_figure *subject;
    bool sure; /* this time: what ends an alarm is asked of the value alone */
    struct ct_alarm_reading *readings;
    unsigned count;
};

static int64_t narrowed(ct_wide value)
{
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

/* In millionths, rounded half to even: for people and files. What is compared is the fraction itself. */
static int64_t micro_of(ct_wide num, ct_wide den)
{
    const ct_wide most = (((ct_wide)1 << 126) - 1) / 1000000;
    return den <= 0      ? 0
           : num > most  ? INT64_MAX
           : num < -most ? INT64_MIN
                         : narrowed(ct_wide_divide(num * 1000000, den));
}

static enum ct_alarm_truth truth_of(bool holds)
{
    return holds ? CT_ALARM_TRUE : CT_ALARM_FALSE;
}

/* num / den against millionths. */
static bool beyond(enum ct_alarm_op op, ct_wide num, ct_wide den, int64_t micro)
{
    ct_wide value = num * 1000000, bound = den * micro;
    switch (op) {
    case CT_ALARM_BELOW:
        return value < bound;
    case CT_ALARM_AT_MOST:
        return value <= bound;
    case CT_ALARM_ABOVE:
        return value > bound;
    case CT_ALARM_AT_LEAST:
        return value >= bound;
    }
    return false;
}

static enum ct_alarm_truth of_value(const struct evaluation *e, const struct ct_figure *f, enum ct_alarm_op op,
                                    int64_t micro)
{
    bool down = op == CT_ALARM_BELOW || op == CT_ALARM_AT_MOST;
    if (!e->sure) {
        return truth_of(beyond(op, f->value_num, f->value_den, micro));
    }
    if (!f->has_interval) {
        return CT_ALARM_UNKNOWN;
    }
    return truth_of(beyond(op, down ? f->high_micro : f->low_micro, 1000000, micro));
}

static enum ct_alarm_truth of_move(const struct evaluation *e, const struct ct_alarm_condition *c,
                                   const struct ct_figure *f)
{
    const struct ct_change *change = &f->change;
    ct_wide moved = change->difference_micro, bound = c->micro;
    if (e->sure) {
        if (!change->has_interval) {
            return CT_ALARM_UNKNOWN;
        }
        moved = c->up ? change->low_micro : change->high_micro;
    }
    moved = c->up ? moved : -moved;
    if (c->relative) {
        int64_t before = micro_of(change->before_num, change->before_den);
        if (before == 0) {
            return CT_ALARM_UNKNOWN; /* nothing is so much per cent of nothing */
        }
        moved *= 100 * 1000000;
        bound *= before < 0 ? -(ct_wide)before : (ct_wide)before;
    }
    return truth_of(c->more ? moved > bound : moved >= bound && moved > 0);
}

static const struct ct_figure *figure_of(const struct evaluation *e, const struct ct_alarm_condition *c)
{
    return c->kpi ? ct_block_figure(e->block, c->kpi->id) : e->subject;
}

static enum ct_alarm_truth evaluate(const struct evaluation *e, const struct ct_alarm_condition *c)
{
    const struct ct_figure *f = figure_of(e, c);
    /* A profile may know the KPI in another unit: then the amount says nothing of it. */
    if (!f || !f->has_value || f->n < e->alarm->at_least || (c->kpi && f->kpi->unit != c->kpi->unit)) {
        return CT_ALARM_UNKNOWN;
    }
    if (ct_alarm_condition_compares(c) &&
        (f->change.verdict == CT_CHANGE_NONE || f->change.before_n < e->alarm->at_least)) {
        return CT_ALARM_UNKNOWN;
    }
    switch (c->form) {
    case CT_ALARM_FORM_VALUE:
        return of_value(e, f, c->op, c->micro);
    case CT_ALARM_FORM_MOVED:
        return of_move(e, c, f);
    case CT_ALARM_FORM_CHANGE:
        return truth_of(f->change.verdict == (c->up ? CT_CHANGE_UP : CT_CHANGE_DOWN));
    case CT_ALARM_FORM_TARGET:
        if (f->status == CT_STATUS_NONE) {
            return CT_ALARM_UNKNOWN;
        }
        return of_value(e, f, f->target.op == CT_TARGET_AT_LEAST ? CT_ALARM_BELOW : CT_ALARM_ABOVE, f->target.micro);
    }
    return CT_ALARM_UNKNOWN;
}

static void read_figure(struct evaluation *e, const struct ct_alarm_condition *c)
{
    const struct ct_figure *f = figure_of(e, c);
    if (!e->readings || e->count == CT_ALARM_READINGS_MAX) {
        return;
    }
    struct ct_alarm_reading *reading = &e->readings[e->count++];
    *reading = (struct ct_alarm_reading){.kpi = f->kpi,
                                         .value_micro = micro_of(f->value_num, f->value_den),
                                         .n = f->n,
                                         .has_before = ct_alarm_condition_compares(c)};
    memcpy(reading->key, f->key, sizeof reading->key);
    if (reading->has_before) {
        reading->before_micro = micro_of(f->change.before_num, f->change.before_den);
    }
    if (c->form == CT_ALARM_FORM_TARGET) {
        char amount[CT_DECIMAL_BYTES];
        (void)ct_decimal_format(f->target.micro, 1000000, 6, true, amount);
        size_t len = strlen(amount);
        if (len > 2 && strcmp(amount + len - 2, ".0") == 0) {
            amount[len - 2] = '\0';
        }
        ct_alarm_text(reading->condition, sizeof reading->condition,
                      f->target.op == CT_TARGET_AT_LEAST ? "target >= " : "target <= ", amount);
        return;
    }
    ct_alarm_text(reading->condition, sizeof reading->condition, c->text, "");
}

/* All of them hold: true. One does not: false, whatever is unknown of the others. None: true. */
static enum ct_alarm_truth all_of(struct evaluation *e, const struct ct_alarm_conditions *conditions)
{
    enum ct_alarm_truth all = CT_ALARM_TRUE;
    for (size_t i = 0; i < conditions->count; i++) {
        enum ct_alarm_truth one = evaluate(e, &conditions->at[i]);
        if (one == CT_ALARM_FALSE) {
            return CT_ALARM_FALSE;
        }
        if (one == CT_ALARM_UNKNOWN) {
            all = CT_ALARM_UNKNOWN;
        } else {
            read_figure(e, &conditions->at[i]);
        }
    }
    return all;
}

/* One of them holds: true. None does, for all that is known: unknown where something is not. None at all: true. */
static enum ct_alarm_truth one_of(struct evaluation *e, const struct ct_alarm_conditions *conditions)
{
    enum ct_alarm_truth any = conditions->count ? CT_ALARM_FALSE : CT_ALARM_TRUE;
    for (size_t i = 0; i < conditions->count; i++) {
        enum ct_alarm_truth one = evaluate(e, &conditions->at[i]);
        if (one == CT_ALARM_TRUE) {
            read_figure(e, &conditions->at[i]);
            any = CT_ALARM_TRUE;
        } else if (one == CT_ALARM_UNKNOWN && any == CT_ALARM_FALSE) {
            any = CT_ALARM_UNKNOWN;
        }
    }
    return any;
}

static enum ct_alarm_truth holds(struct evaluation *e)
{
    enum ct_alarm_truth all = all_of(e, &e->alarm->when);
    enum ct_alarm_truth any = all == CT_ALARM_FALSE ? CT_ALARM_FALSE : one_of(e, &e->alarm->any);
    return all == CT_ALARM_FALSE || any == CT_ALARM_FALSE       ? CT_ALARM_FALSE
           : all == CT_ALARM_UNKNOWN || any == CT_ALARM_UNKNOWN ? CT_ALARM_UNKNOWN
                                                                : CT_ALARM_TRUE;
}

/* In one block, of one subject. */
static enum ct_status judge_one(const struct ct_alarm *alarm, const struct ct_block *block,
                                const struct ct_figure *subject, ct_usec at, struct ct_alarm_book *book,
                                const struct ct_alarm_ear *ear)
{
    struct ct_alarm_reading readings[CT_ALARM_READINGS_MAX];
    struct evaluation e = {alarm, block, subject, alarm->sure, readings, 0};
    struct ct_alarm_said said = {.holds = holds(&e), .readings = readings};
    said.reading_count = e.count;
    struct evaluation over = {alarm, block, subject, false, NULL, 0};
    if (alarm->clear.count) {
        said.over = all_of(&over, &alarm->clear);
    } else {
        enum ct_alarm_truth still = alarm->sure ? holds(&over) : said.holds;
        said.over = still == CT_ALARM_TRUE    ? CT_ALARM_FALSE
                    : still == CT_ALARM_FALSE ? CT_ALARM_TRUE
                                              : CT_ALARM_UNKNOWN;
    }
    return ct_alarm_book_take(book, alarm, alarm->sliced ? block : NULL, subject ? subject->kpi->id : "", &said, at,
                              ear);
}

static bool asks_targets(const struct ct_alarm_conditions *conditions)
{
    for (size_t i = 0; i < conditions->count; i++) {
        if (conditions->at[i].form == CT_ALARM_FORM_TARGET) {
            return true;
        }
    }
    return false;
}

static enum ct_status judge_block(const struct ct_alarm *alarm, const struct ct_block *block, ct_usec at,
                                  struct ct_alarm_book *book, const struct ct_alarm_ear *ear)
{
    enum ct_status status = CT_OK;
    if (!asks_targets(&alarm->when) && !asks_targets(&alarm->any)) {
        return judge_one(alarm, block, NULL, at, book, ear);
    }
    for (size_t i = 0; i < block->figure_count && status == CT_OK; i++) {
        const struct ct_figure *figure = &block->figures[i];
        if (!figure->part && figure->target.op != CT_TARGET_NONE) {
            status = judge_one(alarm, block, figure, at, book, ear);
        }
    }
    return status;
}

enum ct_status ct_alarm_judge(const struct ct_alarm *alarm, const struct ct_block *total, const struct ct_block *slices,
                              size_t slice_count, ct_usec at, struct ct_alarm_book *book,
                              const struct ct_alarm_ear *ear)
{
    enum ct_status status = CT_OK;
    book->pass++;
    if (!alarm->sliced) {
        status = judge_block(alarm, total, at, book, ear);
    }
    for (size_t i = 0; alarm->sliced && i < slice_count && status == CT_OK; i++) {
        /* Who is among the others changes with every key: there is nothing to sustain. */
        if (!slices[i].other && (!alarm->segment || ct_span_is(slices[i].key, alarm->segment))) {
            status = judge_block(alarm, &slices[i], at, book, ear);
        }
    }
    return status == CT_OK ? ct_alarm_book_unseen(book, alarm, at, ear) : status;
}

static const struct ct_alarm_conditions *list_of(const struct ct_alarm *alarm, unsigned i)
{
    return i == 0 ? &alarm->when : i == 1 ? &alarm->any : &alarm->clear;
}

bool ct_alarm_compares(const struct ct_alarm *alarm)
{
    for (unsigned l = 0; l < 3; l++) {
        for (size_t i = 0; i < list_of(alarm, l)->count; i++) {
            if (ct_alarm_condition_compares(&list_of(alarm, l)->at[i])) {
                return true;
            }
        }
    }
    return false;
}

bool ct_alarm_any_kpi(const struct ct_alarm *alarm, bool (*needs)(const struct ct_kpi *kpi))
{
    for (unsigned l = 0; l < 3; l++) {
        for (size_t i = 0; i < list_of(alarm, l)->count; i++) {
            const struct ct_kpi *kpi = list_of(alarm, l)->at[i].kpi;
            if (!kpi || needs(kpi)) {
                return true;
            }
        }
    }
    return false;
}
