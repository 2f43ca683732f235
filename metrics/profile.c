/* profile.c - profiles.def made into tables. Called by profiled.c, kpi.c and the program's compare and invoice. */
#include "metrics/profile.h"

#include <stdio.h>
#include <stdlib.h>

#include "metrics/kpi.h"
#include "metrics/profile_place.h"

/* ---- names ------------------------------------------------------------------------------------------------------ */

const char *ct_profile_text(enum ct_profile profile)
{
    static const char *const texts[] = {
#define X(symbol, text, name) text,
        CT_PROFILE_MAP(X)
#undef X
    };
    return texts[profile];
}

void ct_profile_catalogue(struct ct_catalogue *out)
{
    static const struct ct_profile_name profiles[] = {
#define X(symbol, text, name) {text, name},
        CT_PROFILE_MAP(X)
#undef X
    };
    *out = (struct ct_catalogue){.profiles = profiles, .profile_count = CT_PROFILE_COUNT};
    out->kpis = ct_kpi_catalogue(&out->kpi_count);
    out->definitions = ct_definitions(&out->definition_count);
}

const char *ct_profile_name(enum ct_profile profile)
{
    static const char *const names[] = {
#define X(symbol, text, name) name,
        CT_PROFILE_MAP(X)
#undef X
    };
    return names[profile];
}

bool ct_profile_from(ct_span text, enum ct_profile *out)
{
    for (unsigned i = 0; i < CT_PROFILE_COUNT; i++) {
        if (ct_span_is(text, ct_profile_text((enum ct_profile)i))) {
            *out = (enum ct_profile)i;
            return true;
        }
    }
    return false;
}

const char *ct_stand_text(enum ct_stand place)
{
    static const char *const texts[] = {"out", "left_out", "denominator", "numerator"};
    return texts[place];
}

const char *ct_why_text(enum ct_why why)
{
    static const char *const texts[] = {
#define X(symbol, text, en, es) text,
        CT_WHY_MAP(X)
#undef X
    };
    return texts[why];
}

const char *ct_why_sentence(enum ct_why why, enum ct_lang lang)
{
    static const char *const sentences[][CT_LANG_COUNT] = {
#define X(symbol, text, en, es) {en, es},
        CT_WHY_MAP(X)
#undef X
    };
    return sentences[why][lang];
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static const struct ct_definition definitions[] = {
#define CT_DEFINE(symbol, profile, kpi, kind, unit, anchor, window, reading, place, en, es, source)                    \
    {profile, kpi, CT_KPI_##kind, CT_UNIT_##unit, CT_ANCHOR_##anchor, (window), {en, es}, source},
#include "metrics/profiles.def"
#undef CT_DEFINE
};
enum { DEFINITION_COUNT = sizeof definitions / sizeof *definitions };

/* Parallel to definitions. */
static ct_place_of *const places[DEFINITION_COUNT] = {
#define CT_DEFINE(symbol, profile, kpi, kind, unit, anchor, window, reading, place, ...) ct_place_##place,
#include "metrics/profiles.def"
#undef CT_DEFINE
};

const struct ct_definition *ct_definitions(size_t *count)
{
    *count = DEFINITION_COUNT;
    return definitions;
}

const struct ct_definition *ct_definition_find(enum ct_profile profile, const char *kpi)
{
    for (size_t i = 0; i < DEFINITION_COUNT; i++) {
        if (strcmp(definitions[i].kpi, kpi) == 0 && strcmp(definitions[i].profile, ct_profile_text(profile)) == 0) {
            return &definitions[i];
        }
    }
    return NULL;
}

static ct_usec anchored(const struct ct_definition *definition, const struct ct_record *record)
{
    switch (definition->anchor) {
    case CT_ANCHOR_START:
        break;
    case CT_ANCHOR_RESOLVED:
        return record->resolved_at != CT_USEC_NONE ? record->resolved_at
                                                   : ct_place_later(record->ended_at, definition->window_usec);
    case CT_ANCHOR_SETTLED:
        return ct_place_later(record->ended_at, definition->window_usec);
    }
    return record->started_at;
}

void ct_definition_place(const struct ct_definition *definition, const struct ct_record *record,
                         struct ct_standing *out)
{
    memset(out, 0, sizeof *out);
    out->settles_at = CT_USEC_NONE;
    places[definition - definitions](record, out);
    out->counted_at = anchored(definition, record);
    ct_place_within(definition->window_usec, record, out);
}

bool ct_standings_differ(const struct ct_definition *own, const struct ct_standing *a,
                         const struct ct_definition *other, const struct ct_standing *b)
{
    bool a_in = a->place >= CT_STAND_BASE, b_in = b->place >= CT_STAND_BASE;
    if (own->kind != other->kind || own->unit != other->unit) {
        return a_in || b_in;
    }
    if (a_in != b_in || !a_in) {
        return a_in != b_in;
    }
    return a->place != b->place || (own->kind == CT_KPI_MEAN && a->value != b->value);
}

enum ct_difference ct_standings_difference(const struct ct_standing *a, const struct ct_standing *b)
{
    if (b->place < CT_STAND_BASE) {
        return CT_DIFFERENCE_LEFT_OUT;
    }
    return b->place == CT_STAND_BASE && a->place < CT_STAND_BASE ? CT_DIFFERENCE_ADDED : CT_DIFFERENCE_COUNTED;
}

/* ---- rows to print by ------------------------------------------------------------------------------------------- */

/* The mean of a survey in the place of its share: as the catalogue's row of csat, of another kind and unit. */
static const struct ct_kpi csat_in_points = {
    .id = "csat",
    .family = CT_FAMILY_EXPERIENCE,
    .kind = CT_KPI_MEAN,
    .unit = CT_UNIT_POINTS,
    .better = CT_BETTER_HIGHER,
    .name = {"Customer satisfaction (CSAT)", "Satisfacción del cliente (CSAT)"},
    .formula = {"sum of scores / answers", "suma de puntuaciones / respuestas"},
    .help = {"In points of its scale. Scales are never mixed: the head is the one with most answers.",
             "En puntos de su escala. Nunca se mezclan escalas: encabeza la de más respuestas."}};

const struct ct_kpi *ct_definition_row(const struct ct_definition *definition)
{
    const struct ct_kpi *kpi = ct_kpi_find(ct_span_of(definition->kpi));
    bool other = kpi && (kpi->kind != definition->kind || kpi->unit != definition->unit);
    return other && definition->kind == csat_in_points.kind ? &csat_in_points : kpi;
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

static void window_text(FILE *page, ct_usec window)
{
    if (window) {
        fprintf(page, "%d h", (int)(window / CT_USEC_PER_HOUR));
    } else {
        fputs("-", page);
    }
}

static void write_profile(FILE *page, enum ct_profile profile)
{
    fprintf(page,
            "\n### %s (`%s`)\n\n| KPI | kind | numerator / denominator | counts from | watched for | source |\n"
            "|---|---|---|---|---|---|\n",
            ct_profile_name(profile), ct_profile_text(profile));
    for (size_t i = 0; i < DEFINITION_COUNT; i++) {
        const struct ct_definition *d = &definitions[i];
        if (strcmp(d->profile, ct_profile_text(profile)) == 0) {
            fprintf(page, "| `%s` | %s, %s | %s | %s | ", d->kpi, ct_kpi_kind_text(d->kind), ct_unit_text(d->unit),
                    d->formula[CT_LANG_EN], ct_anchor_text(d->anchor));
            window_text(page, d->window_usec);
            fprintf(page, " | %s |\n", d->source);
        }
    }
}

char *ct_definitions_markdown(void)
{
    char *text = NULL;
    size_t len;
    FILE *page = open_memstream(&text, &len);
    if (!page) {
        return NULL;
    }
    for (unsigned i = 0; i < CT_PROFILE_COUNT; i++) {
        write_profile(page, (enum ct_profile)i);
    }
    if (fclose(page) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
