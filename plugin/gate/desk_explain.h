/* desk_explain.h - a conversation's record explained: what each signal means and which rule says so, what decided the
 * outcome, and why it is no other one. The words are `convtap explain`'s; texts are not among them. */
#ifndef CT_DESK_EXPLAIN_H
#define CT_DESK_EXPLAIN_H

#include "sinks/store.h"
#include "sinks/writer.h"

struct ct_explained {
    ct_span json; /* the record as ct_records_write writes it */
    bool open;
    const struct ct_ruleset *rules;    /* the set that made it: for file and line; NULL = not at hand */
    const struct ct_store_row *stored; /* NULL = open */
    enum ct_lang lang;                 /* of the words */
};
/* {"open","row",...,"record":{...},"explained":{...}}. false = out of memory, or no record: nothing was written. */
bool ct_explain_write(struct ct_writer *json, const struct ct_explained *what) CT_MUST_USE;

#endif
