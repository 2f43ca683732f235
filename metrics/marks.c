/* marks.c - single marks, sorted to one truth a conversation. Built by the program, looked up by metrics. */
#include "metrics/marks.h"

#include <stdlib.h>

struct ct_mark_draft {
    struct ct_mark mark;
    uint64_t hash;
    ct_usec at;
    ct_span by;
};

struct ct_marks *ct_marks_new(void)
{
    struct ct_marks *marks = calloc(1, sizeof *marks);
    if (marks) {
        ct_arena_init(&marks->arena, (size_t)64 << 10, 0);
    }
    return marks;
}

void ct_marks_free(struct ct_marks *marks)
{
    if (marks) {
        ct_signal_names_done(&marks->signals);
        ct_arena_done(&marks->arena);
        free(marks->drafts);
        free(marks->at);
        free(marks->marked);
        free(marks);
    }
}

/* Not the record's own hash: the session may be counted anew after it was made. */
static uint64_t hash_of(ct_span tenant, ct_span conversation_id, uint32_t session)
{
    const uint64_t parts[3] = {tenant.len ? ct_hash(tenant, 0x7e4a) : 0, ct_hash(conversation_id, 0xc04f), session};
    return ct_hash((ct_span){(const char *)parts, sizeof parts}, 0x3a2c);
}

static bool room(struct ct_marks *marks)
{
    if (marks->draft_count < marks->draft_capacity) {
        return true;
    }
    size_t capacity = marks->draft_capacity ? 2 * marks->draft_capacity : 256;
    struct ct_mark_draft *more = realloc(marks->drafts, capacity * sizeof *more);
    if (!more) {
        return false;
    }
    marks->drafts = more;
    marks->draft_capacity = capacity;
    return true;
}

enum ct_status ct_marks_add(struct ct_marks *marks, const struct ct_mark_origin *origin, const struct ct_mark *mark)
{
    bool ok = true;
    if (marks->draft_count == CT_MARKS_MAX) {
        return CT_REFUSED;
    }
    if (!room(marks)) {
        return CT_NO_MEMORY;
    }
    struct ct_mark_draft *draft = &marks->drafts[marks->draft_count];
    *draft = (struct ct_mark_draft){
        .mark = *mark, .hash = hash_of(origin->tenant, origin->conversation_id, origin->session), .at = origin->at};
    draft->mark.name = ct_arena_copy(&marks->arena, mark->name, &ok);
    draft->mark.text = ok ? ct_arena_copy(&marks->arena, mark->text, &ok) : CT_SPAN_NONE;
    draft->by = ok ? ct_arena_copy(&marks->arena, origin->by, &ok) : CT_SPAN_NONE;
    if (ok && mark->field == CT_MARK_SIGNAL) {
        int index = ct_signal_names_add(&marks->signals, &marks->arena, mark->name);
        if (index < 0) {
            return marks->signals.count == CT_SIGNAL_NAMES_MAX ? CT_REFUSED : CT_NO_MEMORY;
        }
        draft->mark.more = index;
    }
    marks->draft_count += ok;
    return ok ? CT_OK : CT_NO_MEMORY;
}

static int by_bytes(ct_span a, ct_span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.at, b.at, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_number(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_value(const struct ct_mark *a, const struct ct_mark *b)
{
    int order = by_number(a->value, b->value);
    order = order ? order : by_number(a->more, b->more);
    return order ? order : by_bytes(a->text, b->text);
}

static int by_subject(const struct ct_mark_draft *a, const struct ct_mark_draft *b)
{
    int order = (a->hash > b->hash) - (a->hash < b->hash);
    order = order ? order : by_number(a->mark.field, b->mark.field);
    return order ? order : by_bytes(a->mark.name, b->mark.name);
}

/* Of one subject the one that counts last. */
static int by_place(const void *left, const void *right)
{
    const struct ct_mark_draft *a = left, *b = right;
    int order = by_subject(a, b);
    order = order ? order : by_number(a->at, b->at); /* CT_USEC_NONE is the least */
    order = order ? order : by_bytes(a->by, b->by);
    return order ? order : by_value(&a->mark, &b->mark);
}

enum ct_status ct_marks_settle(struct ct_marks *marks)
{
    struct ct_mark_draft *drafts = marks->drafts;
    size_t count = marks->draft_count;
    marks->at = calloc(count + 1, sizeof *marks->at);
    marks->marked = calloc(count + 1, sizeof *marks->marked);
    if (!marks->at || !marks->marked) {
        return CT_NO_MEMORY;
    }
    if (count) {
        qsort(drafts, count, sizeof *drafts, by_place);
    }
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && by_subject(&drafts[from], &drafts[to]) == 0;) {
            to++;
        }
        for (size_t i = from; i + 1 < to; i++) {
            marks->conflicts += by_value(&drafts[i].mark, &drafts[to - 1].mark) != 0;
        }
        if (!marks->marked_count || marks->marked[marks->marked_count - 1].hash != drafts[from].hash) {
            marks->marked[marks->marked_count++] =
                (struct ct_marked){.hash = drafts[from].hash, .first = (uint32_t)marks->count};
        }
        marks->marked[marks->marked_count - 1].count++;
        marks->at[marks->count++] = drafts[to - 1].mark;
    }
    free(marks->drafts);
    marks->drafts = NULL;
    marks->draft_count = marks->draft_capacity = 0;
    return CT_OK;
}

static const struct ct_marked *find(const struct ct_marks *marks, uint64_t hash)
{
    size_t at = 0, behind = marks->marked_count;
    while (at < behind) {
        size_t middle = (at + behind) / 2;
        if (marks->marked[middle].hash < hash) {
            at = middle + 1;
        } else {
            behind = middle;
        }
    }
    return at < marks->marked_count && marks->marked[at].hash == hash ? &marks->marked[at] : NULL;
}

const struct ct_marked *ct_marks_find(const struct ct_marks *marks, const struct ct_record *record)
{
    if (!marks || !marks->marked_count) {
        return NULL;
    }
    ct_span tenant = ct_record_text(record, CT_TEXT_TENANT), id = ct_record_text(record, CT_TEXT_CONVERSATION_ID);
    const struct ct_marked *own = find(marks, hash_of(tenant, id, record->session));
    return own || !tenant.len ? own : find(marks, hash_of(CT_SPAN_NONE, id, record->session));
}

const struct ct_mark *ct_marks_of(const struct ct_marks *marks, const struct ct_marked *marked,
                                  enum ct_mark_field field, ct_span name)
{
    for (uint32_t i = 0; i < marked->count; i++) {
        const struct ct_mark *mark = &marks->at[marked->first + i];
        if (mark->field == field && ct_span_eq(mark->name, name)) {
            return mark;
        }
    }
    return NULL;
}

static enum ct_tri said(const struct ct_mark *mark, enum ct_tri otherwise)
{
    return mark ? (mark->value ? CT_TRUE : CT_FALSE) : otherwise;
}

/* An escalated conversation may have been resolved by the person or not; of a silent one nobody knows. */
static enum ct_tri resolved_by(int outcome)
{
    switch (outcome) {
    case CT_OUTCOME_RESOLVED_CONFIRMED:
    case CT_OUTCOME_RESOLVED_IMPLIED:
        return CT_TRUE;
    case CT_OUTCOME_UNRESOLVED:
    case CT_OUTCOME_ABANDONED:
    case CT_OUTCOME_ESCALATION_FAILED:
        return CT_FALSE;
    default:
        return CT_NULL;
    }
}

struct ct_mark_truth ct_marks_truth(const struct ct_marks *marks, const struct ct_marked *marked)
{
    const struct ct_mark *outcome = ct_marks_of(marks, marked, CT_MARK_OUTCOME, CT_SPAN_NONE);
    const struct ct_mark *topic = ct_marks_of(marks, marked, CT_MARK_TOPIC, CT_SPAN_NONE);
    struct ct_mark_truth truth = {.outcome = outcome ? (int)outcome->value : -1};
    enum ct_tri escalated = !outcome ? CT_NULL : truth.outcome == CT_OUTCOME_ESCALATED ? CT_TRUE : CT_FALSE;
    truth.resolved = said(ct_marks_of(marks, marked, CT_MARK_RESOLVED, CT_SPAN_NONE),
                          outcome ? resolved_by(truth.outcome) : CT_NULL);
    truth.escalated = said(ct_marks_of(marks, marked, CT_MARK_ESCALATED, CT_SPAN_NONE), escalated);
    truth.complaint = said(ct_marks_of(marks, marked, CT_MARK_COMPLAINT, CT_SPAN_NONE), CT_NULL);
    truth.has_topic = topic != NULL;
    truth.topic = topic ? topic->text : CT_SPAN_NONE;
    return truth;
}

bool ct_marks_accuracy(const struct ct_marks *marks, const struct ct_marked *marked, uint64_t *judged,
                       uint64_t *correct)
{
    const struct ct_mark *total = ct_marks_of(marks, marked, CT_MARK_ACCURACY, CT_SPAN_NONE);
    *judged = *correct = 0;
    if (total) {
        *judged = (uint64_t)total->more;
        *correct = (uint64_t)total->value;
        return *judged > 0;
    }
    for (uint32_t i = 0; i < marked->count; i++) {
        const struct ct_mark *mark = &marks->at[marked->first + i];
        *judged += mark->field == CT_MARK_CORRECT;
        *correct += mark->field == CT_MARK_CORRECT && mark->value;
    }
    return *judged > 0;
}
