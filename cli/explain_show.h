/* explain_show.h - a closed conversation on a sheet: its messages with each signal at its place, its outcome, why, and
 * why not. Called by explain.c.
 */
#ifndef CT_EXPLAIN_SHOW_H
#define CT_EXPLAIN_SHOW_H

#include "cli/explain_sheet.h"
#include "engine/record.h"

struct ct_shown_message {
    enum ct_role role;
    ct_usec ts;
    ct_span text; /* may be cut: text_len says how long it was */
    size_t text_len;
    char *note; /* tool calls and event in words; may be empty */
};

/* `messages`: the record's, in event order. */
void ct_explain_show(struct ct_sheet *sheet, const struct ct_ruleset *rules, const struct ct_record *record,
                     const struct ct_shown_message *messages, size_t count);

#endif
