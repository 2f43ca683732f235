/* profiled.c - counts each conversation in every definition of profiles.def. See profiled.h. */
#include "metrics/profiled.h"

#include "metrics/profile.h"
#include "metrics/satisfaction.h"

/* How a row is read: from a cell of its own, or as a survey. Parallel to ct_definitions. */
struct source {
    int cell; /* -1 = none */
    bool survey;
    enum ct_survey_reading what;
};
static const struct source sources[] = {
#define CATALOGUE(symbol) {-1, false, CT_SURVEY_POSITIVE},
#define SURVEY(what) {-1, true, what}, IGNORED
#define IGNORED(symbol)
#define CELL(symbol) {CT_PROFILED_CELL_##symbol, false, CT_SURVEY_POSITIVE},
#define CT_DEFINE(symbol, profile, kpi, kind, unit, anchor, window, reading, ...) reading(symbol)
#include "metrics/profiles.def"
#undef CT_DEFINE
#undef CELL
#undef IGNORED
#undef SURVEY
#undef CATALOGUE
};

static void count_standing(struct ct_profiled_cell *cell, const struct ct_standing *standing, enum ct_kpi_kind kind)
{
    cell->base += standing->place >= CT_STAND_BASE;
    cell->hits += standing->place == CT_STAND_HIT;
    cell->left_out += standing->place == CT_STAND_LEFT;
    if (standing->provisional) {
        bool later = cell->provisional == 0 || standing->settles_at > cell->settles_at;
        cell->settles_at = later ? standing->settles_at : cell->settles_at;
        cell->provisional++;
    }
    if (standing->place == CT_STAND_HIT && kind == CT_KPI_MEAN) {
        ct_moments_add(&cell->values, standing->value);
    }
}

/* Where a conversation stands is the same in every state. */
static void fold_each(void *const *states, size_t count, const struct ct_record *record)
{
    size_t definition_count;
    const struct ct_definition *definitions = ct_definitions(&definition_count);
    for (size_t i = 0; i < definition_count; i++) {
        struct ct_standing standing;
        if (sources[i].cell < 0) {
            continue;
        }
        ct_definition_place(&definitions[i], record, &standing);
        for (size_t s = 0; s < count && standing.place != CT_STAND_OUT; s++) {
            struct ct_profiled *state = states[s];
            count_standing(&state->cell[sources[i].cell], &standing, definitions[i].kind);
        }
    }
}

static void fold(void *state, const struct ct_record *record)
{
    fold_each(&state, 1, record);
}

static void merge_cell(struct ct_profiled_cell *to, const struct ct_profiled_cell *from, int sign)
{
    uint64_t by = ct_metric_by(sign);
    bool later = from->provisional > 0 && (to->provisional == 0 || from->settles_at > to->settles_at);
    to->settles_at = sign > 0 && later ? from->settles_at : to->settles_at;
    to->base += by * from->base;
    to->hits += by * from->hits;
    to->left_out += by * from->left_out;
    to->provisional += by * from->provisional;
    to->settles_at = to->provisional ? to->settles_at : 0;
    ct_moments_merge(&to->values, &from->values, sign);
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_profiled *s = state;
    const struct ct_profiled *o = other;
    for (unsigned i = 0; i < CT_PROFILED_CELLS; i++) {
        merge_cell(&s->cell[i], &o->cell[i], sign);
    }
}

const struct ct_metric ct_metric_profiled = {.name = "profiled",
                                             .state_bytes = sizeof(struct ct_profiled),
                                             .apart = true,
                                             .fold = fold,
                                             .fold_each = fold_each,
                                             .merge = merge};

bool ct_profiled_read(const struct ct_profiled *state, const struct ct_satisfaction *survey,
                      const struct ct_definition *definition, size_t index, struct ct_reading *out)
{
    size_t count;
    const struct source *source = &sources[definition - ct_definitions(&count)];
    if (source->survey) {
        return ct_survey_read(&survey->survey[CT_SCORE_CSAT], source->what, index, out);
    }
    if (source->cell < 0 || index > 0) {
        return false;
    }
    const struct ct_profiled_cell *cell = &state->cell[source->cell];
    out->left_out = cell->left_out;
    out->provisional = cell->provisional;
    out->settles_at = cell->settles_at;
    if (definition->kind == CT_KPI_MEAN) {
        out->moments = &cell->values;
        out->scale = CT_USEC_PER_SECOND;
    } else {
        out->numerator = (ct_wide)cell->hits;
        out->denominator = (ct_wide)cell->base;
    }
    return true;
}
