/* slice_key.h - the value that a conversation has of a field, by which it is sliced and filtered. Private to slices.c,
 * filter.c and themes.c. */
#ifndef CT_SLICE_KEY_H
#define CT_SLICE_KEY_H

#include "engine/period.h"
#include "metrics/kpi.h"

/* A field's part of a slice's key, padded with zeros; a pair's second part follows its first. */
struct ct_slice_key {
    char part[CT_SLICE_BY_MAX][CT_SLICE_KEY_BYTES];
};
/* Puts a text in, cut at a character where it is too long. */
void ct_slice_part_put(char part[CT_SLICE_KEY_BYTES], ct_span text);

/* Day, week, month, quarter: slices that have a period. */
bool ct_slice_has_period(enum ct_slice_field field, enum ct_period_unit *unit);
/* The field's text, uncut: borrowed from the record, or from `text`. Of SEGMENT what the record itself says; of times
 * "" where the start is not known. */
ct_span ct_slice_text(enum ct_slice_field field, const struct ct_record *record, const struct ct_zone *zone,
                      char text[CT_SLICE_KEY_BYTES]);

#endif
