/* format.h - figures as people read them, in English or Spanish. Used by table.c and report.c. */
#ifndef CT_FORMAT_H
#define CT_FORMAT_H

#include "engine/figure.h"
#include "engine/period.h"

#define CT_FORMAT_BYTES 96

/* All write at most CT_FORMAT_BYTES with the NUL and return the length. */
/* 12345 as "12,345" or "12.345". */
size_t ct_format_count(ct_wide count, enum ct_lang lang, char *out);
/* A fraction with `digits` places, grouped: "1,234.50", "1.234,50". */
size_t ct_format_decimal(ct_wide num, ct_wide den, unsigned digits, enum ct_lang lang, char *out);
/* µs as "320 ms", "12.3 s", "1 min 32 s", "2 h 05 min", "3 d 4 h". */
size_t ct_format_duration(ct_usec usec, enum ct_lang lang, char *out);
/* num / den in the figure's unit: "70.0 %", "0.1502 EUR", "1 min 32 s"; "-" where den is 0. */
size_t ct_format_amount(const struct ct_figure *figure, ct_wide num, ct_wide den, enum ct_lang lang, char *out);
/* The value, an en dash where there is none. */
size_t ct_format_value(const struct ct_figure *figure, enum ct_lang lang, char *out);
/* "60.4 - 78.1", durations as "± 12.6 s"; empty where there is no interval. */
size_t ct_format_interval(const struct ct_figure *figure, enum ct_lang lang, char *out);
/* What it stands on: "70 / 100", "n 1,234"; empty for a sum. */
size_t ct_format_basis(const struct ct_figure *figure, enum ct_lang lang, char *out);
/* ">= 85 %"; empty without a target. */
size_t ct_format_target(const struct ct_figure *figure, enum ct_lang lang, char *out);
/* "2026-03-01", the date in UTC, or in a zone (NULL = UTC). */
size_t ct_format_day(ct_usec when, char *out);
size_t ct_format_date(const struct ct_zone *zone, ct_usec when, char *out);

/* ---- format_change.c ---- */
/* "2026-11-09 to 2026-11-15": both days are in it. Ends that are no midnights are shown as times. */
size_t ct_format_period(const struct ct_zone *zone, ct_usec from, ct_usec to, enum ct_lang lang, char *out);
/* "+3.2 pp, up: better", "-12.0 s, no real change", "+4, untested"; empty where there is no change. */
size_t ct_format_change(const struct ct_figure *figure, enum ct_lang lang, char *out);
/* "provisional until 2026-11-29"; empty where nothing is. */
size_t ct_format_provisional(const struct ct_figure *figure, const struct ct_zone *zone, enum ct_lang lang, char *out);
/* A slice's key: "whatsapp / es", "(not said)", "(others)". The texts are the input's: whoever shows them cleans them.
 */
#define CT_FORMAT_SLICE_BYTES 192
ct_span ct_format_slice(const struct ct_block *slice, const char *group_by, enum ct_lang lang,
                        char out[CT_FORMAT_SLICE_BYTES]);
/* What --group-by groups by: "channel / month (Europe/Madrid)". */
size_t ct_format_group(const char *group_by, const char *zone_name, enum ct_lang lang, char *out);
/* "weekly review", "monthly review" ...; NULL for none. */
const char *ct_format_cadence(enum ct_cadence cadence, enum ct_lang lang);

/* Tenths of a percent of each count; they add up to exactly 1000 where the counts are not all 0 (largest remainder,
 * earlier entries first among equals). */
void ct_format_shares(const uint64_t *counts, size_t count, unsigned *tenths);
/* Whether a table for people has a row for the figure at `index`: not KPIs without a value (ct_format_missing names
 * them), prices that nobody pays, and a single part that repeats its head. */
bool ct_format_shown(const struct ct_block *block, size_t index);
/* The figure at `index` is a KPI of its own, and neither it nor any variant of it has a value. */
bool ct_format_missing(const struct ct_block *block, size_t index);
/* Whether a family has a section: business and lifecycle only where some figure has a value, or events were read. */
bool ct_format_family(const struct ct_block *block, enum ct_family family);
/* A figure's key for people: "none" of a sentiment, "(none)" of a channel that is not said; else as it is. */
const char *ct_format_key(const struct ct_figure *figure, enum ct_lang lang);
/* The KPIs that stand as columns beside slices, with a short head; index from 0, NULL after the last. */
const char *ct_format_column(size_t index, enum ct_lang lang, const char **id);
/* An outcome's name for people. */
const char *ct_format_outcome(enum ct_outcome outcome, enum ct_lang lang);

#endif
