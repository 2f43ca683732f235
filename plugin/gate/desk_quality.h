/* desk_quality.h - what a range of the store says of human marks and the scorecard. Private to the desk*.c files. */
#ifndef CT_DESK_QUALITY_H
#define CT_DESK_QUALITY_H

#include "plugin/gate/desk_range.h"
#include "sinks/writer.h"

/* The members "quality" (as `audit --json` has it) where the terms have marks, and "scorecard" where they have one: its
 * name, how many criteria, and which of them cannot be judged in which rule set. Terms: those that it was counted on.
 */
void ct_desk_quality_write(struct ct_writer *json, const struct ct_terms *terms, const struct ct_range *range);

#endif
