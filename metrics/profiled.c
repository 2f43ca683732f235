/* profiled.c - counts each conversation in every definition of profiles.def. See profiled.h. */
#include "metrics/profiled.h"

#include "metrics/profile.h"
#include "metrics/profile_place.h"
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

/* What a cell counts. Parallel to ct_profiled's. */
struct counted {
    ct_place_of *place;
    ct_usec window;
    bool mean;
};
static const struct counted cells[CT_PROFILED_CELLS] = {
#define CATALOGUE(place, kind, window)
#define SURVEY(what) SURVEY_ROW
#define SURVEY_ROW(place, kind, window)
#define CELL(place, kind, window) {ct_place_##place, (window), CT_KPI_##kind == CT_KPI_MEAN},
#define CT_DEFINE(symbol, profile, kpi, kind, unit, anchor, window, reading, place, ...) reading(place, kind, window)
#include "metrics/profiles.def"
#undef CT_DEFINE
#undef CELL
#undef SURVEY_ROW
#undef SURVEY
#undef CATALOGUE
};

static struct ct_profiled_cell *cell_of(void *state, size_t cell)
{
    return &((struct ct_profiled *)state)->cell[cell];
}

static void count_provisional(struct ct_profiled_cell *cell, ct_usec settles_at)
{
    bool later = cell->provisional == 0 || settles_at > cell->settles_at;
    cell->settles_at = later ? settles_at : cell->settles_at;
    cell->provisional++;
}

/* The same in every state, so what it is is asked once. Not for CT_STAND_OUT. */
static void count_standing(void *const *states, size_t count, size_t cell, const struct ct_standing *standing)
{
    bool hit = standing->place == CT_STAND_HIT, left = standing->place == CT_STAND_LEFT;
    for (size_t s = 0; s < count && left; s++) {
        cell_of(states[s], cell)->left_out++;
    }
    for (size_t s = 0; s < count && !left; s++) {
        cell_of(states[s], cell)->base++;
        cell_of(states[s], cell)->hits += hit;
    }
    for (size_t s = 0; s < count && standing->provisional; s++) {
        count_provisional(cell_of(states[s], cell), standing->settles_at);
    }
    for (size_t s = 0; s < count && hit && cells[cell].mean; s++) {
        ct_moments_add(&cell_of(states[s], cell)->values, standing->value);
    }
}

/* Where a conversation stands is the same in every state. */
static void fold_each(void *const *states, size_t count, const struct ct_record *record)
{
    for (size_t i = 0; i < CT_PROFILED_CELLS; i++) {
        struct ct_standing standing = {.settles_at = CT_USEC_NONE};
        cells[i].place(record, &standing);
        if (standing.place != CT_STAND_OUT) {
            ct_place_within(cells[i].window, record, &standing);
            count_standing(states, count, i, &standing);
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
