/* profiled.h - the counts behind every definition of profiles.def that is not convtap's own: one pass, whatever profile
 * is asked for in the end. About 4 KB a set.
 */
#ifndef CT_PROFILED_H
#define CT_PROFILED_H

#include "metrics/metric.h"
#include "metrics/spread.h"

enum ct_profiled_index {
#define CT_DEFINE(symbol, ...) CT_PROFILED_##symbol,
#include "metrics/profiles.def"
#undef CT_DEFINE
    CT_PROFILED_ALL
};
/* Definitions with a count of their own. */
enum ct_profiled_cell_index {
#define CATALOGUE(symbol)
#define SURVEY(what) SURVEY_ROW
#define SURVEY_ROW(symbol)
#define CELL(symbol) CT_PROFILED_CELL_##symbol,
#define CT_DEFINE(symbol, profile, kpi, kind, unit, anchor, window, reading, ...) reading(symbol)
#include "metrics/profiles.def"
#undef CT_DEFINE
#undef CELL
#undef SURVEY_ROW
#undef SURVEY
#undef CATALOGUE
    CT_PROFILED_CELLS
};

struct ct_profiled_cell {
    uint64_t base, hits; /* of a mean both are its count */
    uint64_t left_out;
    uint64_t provisional;
    ct_usec
        settles_at; /* the latest known; only where provisional > 0. Like an extreme it cannot shrink when given back */
    struct ct_moments values; /* of a mean */
};

struct ct_profiled {
    struct ct_profiled_cell cell[CT_PROFILED_CELLS];
};
extern const struct ct_metric ct_metric_profiled;

/* Reading `index` of a definition's figure, as ct_reader; `survey` is the state of ct_metric_satisfaction. Not for
 * convtap's own rows: false. */
struct ct_satisfaction;
bool ct_profiled_read(const struct ct_profiled *state, const struct ct_satisfaction *survey,
                      const struct ct_definition *definition, size_t index, struct ct_reading *out);

#endif
