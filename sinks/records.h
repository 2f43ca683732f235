/* records.h - a conversation's record as one JSON object a line (`--conversations FILE`). */
#ifndef CT_RECORDS_H
#define CT_RECORDS_H

#include "sinks/output.h"

/* One object and a newline, fields in the contract's order. `rules` is the set that made the record. */
void ct_records_write(struct ct_out *out, const struct ct_ruleset *rules, const struct ct_record *record);

#endif
