/* quality_read.c - precision, recall, agreement and corrections from confusions. Called by the program, once at the
 * end. */
#include "metrics/quality.h"

#include "metrics/correction.h"
#include "metrics/statistics.h"

/* Cohen's kappa, Educational and Psychological Measurement 20 (1960) 37-46: `chance` is the sum over the classes of the
 * products of how often either says it. */
static void kappa(struct ct_quality_row *row, ct_wide chance)
{
    ct_wide all = (ct_wide)row->n * (ct_wide)row->n;
    row->has_kappa = row->n > 0 && chance < all;
    if (row->has_kappa) {
        row->kappa_num = (ct_wide)row->n * (ct_wide)row->agreed - chance;
        row->kappa_den = all - chance;
    }
}

static struct ct_quality_row *add_row(struct ct_quality_findings *out, enum ct_quality_subject subject, ct_span key)
{
    struct ct_quality_row *row = &out->rows[out->row_count++];
    *row = (struct ct_quality_row){.subject = subject};
    key = ct_keyed_cut(key);
    if (key.len) {
        memcpy(row->key, key.at, key.len);
    }
    return row;
}

static void add_confusion(struct ct_quality_findings *out, enum ct_quality_subject subject, ct_span key,
                          const struct ct_confusion *c)
{
    uint64_t n = c->tp + c->fp + c->fn + c->tn;
    if (n + c->unknown == 0) {
        return;
    }
    struct ct_quality_row *row = add_row(out, subject, key);
    row->n = n;
    row->agreed = c->tp + c->tn;
    row->tp = c->tp;
    row->fp = c->fp;
    row->fn = c->fn;
    row->tn = c->tn;
    row->unknown = c->unknown;
    row->has_precision = c->tp + c->fp > 0;
    row->has_recall = c->tp + c->fn > 0;
    if (row->has_precision) {
        ct_wilson(c->tp, c->tp + c->fp, &row->precision_low, &row->precision_high);
    }
    if (row->has_recall) {
        ct_wilson(c->tp, c->tp + c->fn, &row->recall_low, &row->recall_high);
    }
    kappa(row,
          (ct_wide)(c->tp + c->fp) * (ct_wide)(c->tp + c->fn) + (ct_wide)(c->fn + c->tn) * (ct_wide)(c->fp + c->tn));
}

/* One class of several, of which `n` conversations have one each. */
static void add_class(struct ct_quality_findings *out, enum ct_quality_subject subject, ct_span key, uint64_t both,
                      uint64_t found, uint64_t marked, uint64_t n)
{
    const struct ct_confusion c = {
        .tp = both, .fp = found - both, .fn = marked - both, .tn = n + both - found - marked};
    if (found + marked) {
        add_confusion(out, subject, key, &c);
    }
}

static void read_outcomes(const struct ct_quality *q, struct ct_quality_findings *out)
{
    uint64_t found[CT_OUTCOME_COUNT] = {0}, marked[CT_OUTCOME_COUNT] = {0}, n = 0, agreed = 0;
    ct_wide chance = 0;
    for (unsigned mark = 0; mark < CT_OUTCOME_COUNT; mark++) {
        for (unsigned rule = 0; rule < CT_OUTCOME_COUNT; rule++) {
            marked[mark] += q->outcomes[mark][rule];
            found[rule] += q->outcomes[mark][rule];
            n += q->outcomes[mark][rule];
        }
        agreed += q->outcomes[mark][mark];
    }
    if (!n) {
        return;
    }
    struct ct_quality_row *row = add_row(out, CT_QUALITY_OUTCOME, CT_SPAN_NONE);
    row->classes = true;
    row->n = n;
    row->agreed = agreed;
    for (unsigned i = 0; i < CT_OUTCOME_COUNT; i++) {
        chance += (ct_wide)found[i] * (ct_wide)marked[i];
    }
    kappa(row, chance);
    for (unsigned i = 0; i < CT_OUTCOME_COUNT; i++) {
        add_class(out, CT_QUALITY_OUTCOME, ct_span_of(ct_outcome_text((enum ct_outcome)i)), q->outcomes[i][i], found[i],
                  marked[i], n);
    }
}

static ct_span key_of(const char key[CT_KEY_BYTES])
{
    return ct_span_of(key);
}

/* Topics beyond the table's room are in none of its rows, and without theirs chance is not known: then no kappa. */
static void read_topics(const struct ct_quality *q, struct ct_quality_findings *out)
{
    ct_wide chance = 0;
    if (!q->topics) {
        return;
    }
    struct ct_quality_row *row = add_row(out, CT_QUALITY_TOPIC, CT_SPAN_NONE);
    row->classes = true;
    row->n = q->topics;
    row->agreed = q->topics_agreed;
    for (uint32_t i = 0; i < q->topic_count; i++) {
        chance += (ct_wide)q->topic[i].found * (ct_wide)q->topic[i].marked;
    }
    if (!q->other_topic.found && !q->other_topic.marked) {
        kappa(row, chance);
    }
    for (uint32_t i = 0; i < q->topic_count; i++) {
        const struct ct_quality_topic *t = &q->topic[i];
        add_class(out, CT_QUALITY_TOPIC, key_of(t->key), t->both, t->found, t->marked, q->topics);
    }
}

static void read_signals(const struct ct_quality *q, struct ct_quality_findings *out)
{
    for (uint32_t i = 0; i < q->signal_count; i++) {
        add_confusion(out, CT_QUALITY_SIGNAL, key_of(q->signal[i].key), &q->signal[i].seen);
    }
    add_confusion(out, CT_QUALITY_SIGNAL, ct_span_of("(others)"), &q->other_signal.seen);
}

static void correct(const struct ct_confusion *c, const char *id, const struct ct_block *total,
                    struct ct_quality_findings *out)
{
    const struct ct_figure *figure = ct_block_figure(total, id);
    if (!figure) {
        return;
    }
    struct ct_quality_correction *to = &out->corrections[out->correction_count++];
    *to = (struct ct_quality_correction){
        .kpi = figure->kpi, .tp = c->tp, .fp = c->fp, .fn = c->fn, .tn = c->tn, .den = 1};
    if (figure->definition) {
        to->status = CT_CORRECTION_OTHER;
        return;
    }
    to->raw_num = figure->has_value ? figure->numerator : 0;
    to->raw_den = figure->has_value ? figure->denominator : 0;
    ct_correction_fill(to);
}

void ct_quality_read(const struct ct_quality *q, const struct ct_block *total, struct ct_quality_findings *out)
{
    static const char *const ids[CT_CORRECTED_COUNT] = {
#define X(name, id) [CT_CORRECTED_##name] = id,
        CT_CORRECTED_MAP(X)
#undef X
    };
    _Static_assert((int)CT_CORRECTED_COUNT == (int)CT_QUALITY_CORRECTIONS, "one correction each");
    _Static_assert(1 + CT_OUTCOME_COUNT + 3 + 1 + CT_QUALITY_TOPICS_MAX + CT_QUALITY_SIGNALS_MAX + 1 <=
                       CT_QUALITY_ROWS_MAX,
                   "room for every row");
    *out = (struct ct_quality_findings){.marked = q->marked};
    read_outcomes(q, out);
    add_confusion(out, CT_QUALITY_RESOLVED, CT_SPAN_NONE, &q->resolved);
    add_confusion(out, CT_QUALITY_ESCALATED, CT_SPAN_NONE, &q->escalated);
    add_confusion(out, CT_QUALITY_COMPLAINT, CT_SPAN_NONE, &q->complaint);
    read_topics(q, out);
    read_signals(q, out);
    for (unsigned i = 0; i < CT_CORRECTED_COUNT; i++) {
        correct(&q->corrected[i], ids[i], total, out);
    }
}
