/* format_change.c - periods, changes between them, and slices' keys as people read them. See format.h. */
#include <stdarg.h>
#include <stdio.h>

#include "sinks/format.h"

static const char *word(enum ct_lang lang, const char *en, const char *es)
{
    return lang == CT_LANG_ES ? es : en;
}

static size_t print(char *out, const char *format, ...) CT_PRINTF(2, 3);
static size_t print(char *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(out, CT_FORMAT_BYTES, format, args);
    va_end(args);
    return len < CT_FORMAT_BYTES ? (size_t)len : CT_FORMAT_BYTES - 1;
}

/* A date where it is one's first moment, else the time. */
static void end_of(const struct ct_zone *zone, ct_usec at, bool last, char out[40])
{
    struct ct_period day = {CT_USEC_NONE, CT_USEC_NONE};
    out[0] = '\0';
    if (!ct_period_dated(at)) {
        return;
    }
    day = ct_period_at(zone, CT_PERIOD_DAY, at);
    if (day.from == at) {
        (void)ct_period_date(zone, last ? at - 1 : at, out);
    } else {
        (void)ct_time_format(at, out);
    }
}

size_t ct_format_period(const struct ct_zone *zone, ct_usec from, ct_usec to, enum ct_lang lang, char *out)
{
    char begin[40], end[40];
    end_of(zone, from, false, begin);
    end_of(zone, to, true, end);
    if (!begin[0] || !end[0]) {
        return print(out, "%s %s", begin[0] ? word(lang, "from", "desde") : word(lang, "until", "hasta"),
                     begin[0] ? begin : end);
    }
    return strcmp(begin, end) == 0 ? print(out, "%s", begin)
                                   : print(out, "%s %s %s", begin, word(lang, "to", "a"), end);
}

/* The difference with its sign, in the figure's unit; of percentages in percentage points. */
static void difference_of(const struct ct_figure *figure, enum ct_lang lang, char *out)
{
    int64_t micro = figure->change.difference_micro, size = micro < 0 ? -micro : micro;
    char text[CT_FORMAT_BYTES];
    if (figure->kpi->unit == CT_UNIT_PERCENT) {
        (void)ct_format_decimal(size, 1000000, 1, lang, text);
        (void)print(out, "%s%s %s", micro < 0 ? "-" : "+", text, word(lang, "pp", "pp"));
        return;
    }
    (void)ct_format_amount(figure, size, 1000000, lang, text);
    (void)print(out, "%s%s", micro < 0 ? "-" : micro > 0 ? "+" : "", text);
}

size_t ct_format_change(const struct ct_figure *figure, enum ct_lang lang, char *out)
{
    static const char *const words[][CT_LANG_COUNT] = {
        [CT_CHANGE_NONE] = {"", ""},
        [CT_CHANGE_UP] = {"up", "sube"},
        [CT_CHANGE_DOWN] = {"down", "baja"},
        [CT_CHANGE_NO_CHANGE] = {"no real change", "sin cambio real"},
        [CT_CHANGE_UNTESTED] = {"untested", "sin contraste"},
    };
    char difference[CT_FORMAT_BYTES];
    int better = ct_change_better(figure);
    out[0] = '\0';
    if (figure->change.verdict == CT_CHANGE_NONE) {
        return 0;
    }
    difference_of(figure, lang, difference);
    return print(out, "%.40s, %s%s", difference, words[figure->change.verdict][lang],
                 better > 0   ? word(lang, ": better", ": mejor")
                 : better < 0 ? word(lang, ": worse", ": peor")
                              : "");
}

size_t ct_format_provisional(const struct ct_figure *figure, const struct ct_zone *zone, enum ct_lang lang, char *out)
{
    char day[CT_PERIOD_NAME_BYTES];
    out[0] = '\0';
    if (figure->provisional == 0 || !ct_period_date(zone, figure->settles_at, day)) {
        return 0;
    }
    return print(out, "%s %s", word(lang, "provisional until", "provisional hasta el"), day);
}

ct_span ct_format_slice(const struct ct_block *slice, const char *group_by, enum ct_lang lang,
                        char out[CT_FORMAT_SLICE_BYTES])
{
    const char *none = word(lang, "(not said)", "(sin dato)");
    ct_span first = slice->key.len ? slice->key : ct_span_of(none);
    ct_span second = slice->second.len ? slice->second : ct_span_of(none);
    if (slice->other) {
        return ct_span_of(word(lang, "(others)", "(otros)"));
    }
    if (!strchr(group_by, ',')) {
        return first;
    }
    int len = snprintf(out, CT_FORMAT_SLICE_BYTES, "%.*s / %.*s", (int)first.len, first.at, (int)second.len, second.at);
    return (ct_span){out, len < CT_FORMAT_SLICE_BYTES ? (size_t)len : CT_FORMAT_SLICE_BYTES - 1};
}

static const char *field_name(ct_span field, enum ct_lang lang, bool *time)
{
    static const char *const names[][1 + CT_LANG_COUNT] = {
        {"channel", "channel", "canal"},
        {"language", "language", "idioma"},
        {"bot", "bot", "bot"},
        {"bot_version", "bot version", "versión del bot"},
        {"tenant", "tenant", "inquilino"},
        {"outcome", "outcome", "resultado"},
        {"reason", "reason", "motivo"},
        {"topic", "topic", "tema"},
        {"intent", "intent", "intención"},
        {"product", "product", "producto"},
        {"country", "country", "país"},
        {"segment", "segment", "segmento"},
        {"hour", "hour", "hora"},
        {"weekday", "weekday", "día de la semana"},
        {"day", "day", "día"},
        {"week", "week", "semana"},
        {"month", "month", "mes"},
        {"quarter", "quarter", "trimestre"},
    };
    enum { TIMES = 6 };
    size_t count = sizeof names / sizeof *names;
    for (size_t i = 0; i < count; i++) {
        if (ct_span_is(field, names[i][0])) {
            *time |= i >= count - TIMES;
            return names[i][1 + lang];
        }
    }
    return NULL;
}

size_t ct_format_group(const char *group_by, const char *zone_name, enum ct_lang lang, char *out)
{
    const char *comma = strchr(group_by, ',');
    bool time = false;
    const char *first =
        field_name((ct_span){group_by, comma ? (size_t)(comma - group_by) : strlen(group_by)}, lang, &time);
    const char *second = comma ? field_name(ct_span_of(comma + 1), lang, &time) : "";
    if (!first || !second) {
        return print(out, "%s", group_by);
    }
    return print(out, "%s%s%s%s%.40s%s", first, comma ? " / " : "", second, time ? " (" : "",
                 time ? (zone_name ? zone_name : "UTC") : "", time ? ")" : "");
}

const char *ct_format_cadence(enum ct_cadence cadence, enum ct_lang lang)
{
    static const char *const names[][CT_LANG_COUNT] = {
        [CT_CADENCE_NONE] = {NULL, NULL},
        [CT_CADENCE_WEEKLY] = {"Weekly review", "Revisión semanal"},
        [CT_CADENCE_MONTHLY] = {"Monthly review", "Revisión mensual"},
        [CT_CADENCE_QUARTERLY] = {"Quarterly review", "Revisión trimestral"},
    };
    return names[cadence][lang];
}
