/* marks.h - what people found in conversations: quality marks by conversation, immutable while figures are counted.
 *
 * A mark changes no record: rules are measured against marks. Built by the program from `labels` files
 * (docs/quality.md), read by metrics through struct ct_terms. Of two marks that say different things of one
 * conversation the later counts, of two of one moment that of the greater name (`by`, in byte order), then the greater
 * value: the same whatever the order of files and lines.
 */
#ifndef CT_MARKS_H
#define CT_MARKS_H

#include "metrics/bindings.h"

enum ct_mark_field {
    CT_MARK_OUTCOME,  /* value: enum ct_outcome */
    CT_MARK_RESOLVED, /* value: 0, 1; so the next two */
    CT_MARK_ESCALATED,
    CT_MARK_COMPLAINT,
    CT_MARK_TOPIC,     /* text: the topic; "" = none */
    CT_MARK_ACCURACY,  /* value of `more` judged answers were correct */
    CT_MARK_CORRECT,   /* value: 0, 1; of the message `name`, or ("") of the conversation's answer as a whole */
    CT_MARK_CRITERION, /* value: millionths, 0..1000000; of the criterion `name` */
    CT_MARK_SIGNAL /* value: 0, 1; of the signal `name`, which `more` is the index of in marks->signals: ct_marks_add
                      sets it */
};
struct ct_mark {
    enum ct_mark_field field;
    ct_span name, text;
    int64_t value, more;
};
/* Whose mark, of what, when. */
struct ct_mark_origin {
    ct_span tenant; /* empty = of whatever tenant, unless another mark names it */
    ct_span conversation_id;
    uint32_t session; /* 1 = the first, where an id was cut into several conversations */
    ct_usec at;       /* CT_USEC_NONE = not known: before all others */
    ct_span by;
};

#define CT_MARKS_MAX 2000000      /* single marks */
#define CT_MARK_TEXT_BYTES 512    /* of one text */
#define CT_MARK_JUDGED_MAX 100000 /* answers in one mark */

/* All marks of one conversation: marks->at[first] and the next, by field, then name. */
struct ct_marked {
    uint64_t hash;
    uint32_t first, count;
};
struct ct_marks {
    struct ct_arena arena;
    struct ct_mark *at;
    struct ct_marked *marked; /* by hash */
    size_t count, marked_count;
    struct ct_signal_names signals; /* that are marked */
    uint64_t conflicts;             /* marks that another one, which says something else, went before */
    struct ct_mark_draft *drafts;   /* until ct_marks_settle */
    size_t draft_count, draft_capacity;
};

struct ct_marks *ct_marks_new(void) CT_MUST_USE; /* NULL = out of memory */
void ct_marks_free(struct ct_marks *marks);      /* NULL allowed */
/* Texts are copied. CT_REFUSED: there are CT_MARKS_MAX, or CT_SIGNAL_NAMES_MAX signals, already; CT_NO_MEMORY. */
enum ct_status ct_marks_add(struct ct_marks *marks, const struct ct_mark_origin *origin,
                            const struct ct_mark *mark) CT_MUST_USE;
/* Once, when all are added. CT_NO_MEMORY. */
enum ct_status ct_marks_settle(struct ct_marks *marks) CT_MUST_USE;

/* The conversation's marks; NULL = it has none. marks may be NULL. */
const struct ct_marked *ct_marks_find(const struct ct_marks *marks, const struct ct_record *record);
/* The mark of a field and name; NULL = there is none. */
const struct ct_mark *ct_marks_of(const struct ct_marks *marks, const struct ct_marked *marked,
                                  enum ct_mark_field field, ct_span name);

/* What they come to. Where only the outcome is marked, resolved and escalated follow from it. */
struct ct_mark_truth {
    enum ct_tri resolved, escalated, complaint; /* CT_NULL = nothing says it */
    int outcome;                                /* -1 = not marked */
    bool has_topic;
    ct_span topic;
};
struct ct_mark_truth ct_marks_truth(const struct ct_marks *marks, const struct ct_marked *marked);
/* Judged answers: the total where it is marked, else single answers. false = none. */
CT_MUST_USE bool ct_marks_accuracy(const struct ct_marks *marks, const struct ct_marked *marked, uint64_t *judged,
                                   uint64_t *correct);

#endif
