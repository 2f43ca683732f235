/* format.c - numbers for people: grouped, with units, in one of two languages; never through the locale. */
#include "sinks/format.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static size_t put(char *out, const char *text)
{
    size_t len = strlen(text);
    assert(len < CT_FORMAT_BYTES);
    memcpy(out, text, len + 1);
    return len;
}

size_t ct_format_decimal(ct_wide num, ct_wide den, unsigned digits, enum ct_lang lang, char *out)
{
    char plain[CT_DECIMAL_BYTES];
    ct_decimal_format(num, den, digits, false, plain);
    char group = lang == CT_LANG_ES ? '.' : ',', point = lang == CT_LANG_ES ? ',' : '.';
    size_t len = 0, at = 0, whole = strcspn(plain, ".");
    if (plain[0] == '-') {
        out[len++] = '-';
        at = 1;
    }
    for (; at < whole; at++) {
        out[len++] = plain[at];
        if (whole - at > 1 && (whole - at - 1) % 3 == 0) {
            out[len++] = group;
        }
    }
    if (plain[at] == '.') {
        out[len++] = point;
        for (at++; plain[at]; at++) {
            out[len++] = plain[at];
        }
    }
    out[len] = '\0';
    return len;
}

size_t ct_format_count(ct_wide count, enum ct_lang lang, char *out)
{
    return ct_format_decimal(count, 1, 0, lang, out);
}

/* Two units: "1 min 32 s". */
static size_t two_units(int64_t value, int64_t per, const char *large, const char *small, const char *pad, char *out)
{
    char text[CT_FORMAT_BYTES];
    snprintf(text, sizeof text, pad, (long long)(value / per), large, (long long)(value % per), small);
    return put(out, text);
}

size_t ct_format_duration(ct_usec usec, enum ct_lang lang, char *out)
{
    size_t len = 0;
    if (usec < 0) {
        out[len++] = '-';
        usec = usec == INT64_MIN ? INT64_MAX : -usec;
    }
    if (usec < 1000 && usec > 0) {
        len += ct_format_decimal(usec, 1, 0, lang, out + len);
        return len + put(out + len, " µs");
    }
    if (usec > 0 && usec < 999500) {
        len += ct_format_decimal(usec, 1000, 0, lang, out + len);
        return len + put(out + len, " ms");
    }
    if (usec < 59950000) {
        len += ct_format_decimal(usec, 1000000, usec == 0 ? 0 : 1, lang, out + len);
        return len + put(out + len, " s");
    }
    int64_t seconds = (int64_t)ct_wide_divide(usec, 1000000);
    if (seconds < 3600) {
        return len + two_units(seconds, 60, "min", "s", "%lld %s %lld %s", out + len);
    }
    int64_t minutes = (int64_t)ct_wide_divide(seconds, 60);
    if (minutes < 1440) {
        return len + two_units(minutes, 60, "h", "min", "%lld %s %02lld %s", out + len);
    }
    return len + two_units((int64_t)ct_wide_divide(minutes, 60), 24, "d", "h", "%lld %s %lld %s", out + len);
}

/* Digits of money: two from one unit on, more for the fractions that tokens cost. */
static unsigned money_digits(ct_wide num, ct_wide den)
{
    ct_wide size = num < 0 ? -num : num;
    return size == 0 || size >= den ? 2 : size * 100 >= den ? 4 : 6;
}

size_t ct_format_amount(const struct ct_figure *figure, ct_wide num, ct_wide den, enum ct_lang lang, char *out)
{
    size_t len;
    if (den <= 0) {
        return put(out, "–");
    }
    switch (figure->kpi->unit) {
    case CT_UNIT_PERCENT:
        len = ct_format_decimal(num, den, 1, lang, out);
        return len + put(out + len, " %");
    case CT_UNIT_SECONDS:
        return ct_format_duration((ct_usec)ct_wide_divide(num * 1000000, den), lang, out);
    case CT_UNIT_DAYS:
        len = ct_format_decimal(num, den, 1, lang, out);
        return len + put(out + len, lang == CT_LANG_ES ? " días" : " days");
    case CT_UNIT_MONEY:
        len = ct_format_decimal(num, den, money_digits(num, den), lang, out);
        if (figure->key[0]) {
            out[len++] = ' ';
            len += put(out + len, figure->key);
        }
        return len;
    case CT_UNIT_POINTS:
        return ct_format_decimal(num, den, figure->kpi->kind == CT_KPI_SCORE ? 1 : 2, lang, out);
    case CT_UNIT_COUNT:
        return ct_format_decimal(num, den, 0, lang, out);
    case CT_UNIT_PER_CUSTOMER:
    case CT_UNIT_RATIO:
    case CT_UNIT_MODULES:
    case CT_UNIT_ACTIONS:
        return ct_format_decimal(num, den, 2, lang, out);
    }
    return put(out, "–");
}

size_t ct_format_value(const struct ct_figure *figure, enum ct_lang lang, char *out)
{
    if (!figure->has_value) {
        return put(out, "–");
    }
    return ct_format_amount(figure, figure->value_num, figure->value_den, lang, out);
}

size_t ct_format_interval(const struct ct_figure *figure, enum ct_lang lang, char *out)
{
    out[0] = '\0';
    if (!figure->has_value || !figure->has_interval) {
        return 0;
    }
    if (figure->kpi->unit == CT_UNIT_SECONDS) {
        ct_wide value = ct_wide_divide(figure->value_num * 1000000, figure->value_den);
        size_t len = put(out, "± ");
        return len + ct_format_duration((ct_usec)(figure->high_micro - value), lang, out + len);
    }
    unsigned digits = figure->kpi->unit == CT_UNIT_MONEY ? money_digits(figure->value_num, figure->value_den)
                      : figure->kpi->unit == CT_UNIT_POINTS && figure->kpi->kind != CT_KPI_SCORE ? 2
                                                                                                 : 1;
    size_t len = ct_format_decimal(figure->low_micro, 1000000, digits, lang, out);
    len += put(out + len, " – ");
    return len + ct_format_decimal(figure->high_micro, 1000000, digits, lang, out + len);
}

size_t ct_format_basis(const struct ct_figure *figure, enum ct_lang lang, char *out)
{
    out[0] = '\0';
    switch (figure->kpi->kind) {
    case CT_KPI_RATIO:
    case CT_KPI_SHARES: {
        size_t len = ct_format_count(figure->numerator, lang, out);
        len += put(out + len, " / ");
        return len + ct_format_count(figure->denominator, lang, out + len);
    }
    case CT_KPI_MEAN:
    case CT_KPI_MEDIAN:
    case CT_KPI_SCORE: {
        size_t len = put(out, "n ");
        return len + ct_format_count((ct_wide)figure->n, lang, out + len);
    }
    case CT_KPI_QUOTIENT:
    case CT_KPI_PROPORTION: {
        if (figure->kpi->kind == CT_KPI_PROPORTION && figure->scale != 1) {
            break; /* of amounts: both are money */
        }
        size_t len = figure->scale == 1 ? ct_format_count(figure->numerator, lang, out) : 0;
        len += put(out + len, " / ");
        return len + ct_format_count(figure->denominator, lang, out + len);
    }
    case CT_KPI_SUM:
    case CT_KPI_PRODUCT:
    case CT_KPI_DIFFERENCE:
        break;
    }
    return 0;
}

size_t ct_format_target(const struct ct_figure *figure, enum ct_lang lang, char *out)
{
    out[0] = '\0';
    if (figure->target.op == CT_TARGET_NONE) {
        return 0;
    }
    size_t len = put(out, figure->target.op == CT_TARGET_AT_LEAST ? "≥ " : "≤ ");
    return len + ct_format_amount(figure, figure->target.micro, 1000000, lang, out + len);
}

size_t ct_format_day(ct_usec when, char *out)
{
    return ct_format_date(NULL, when, out);
}

size_t ct_format_date(const struct ct_zone *zone, ct_usec when, char *out)
{
    char text[CT_PERIOD_NAME_BYTES];
    ct_period_date(zone, when, text);
    return put(out, text);
}

void ct_format_shares(const uint64_t *counts, size_t count, unsigned *tenths)
{
    uint64_t total = 0;
    unsigned given = 0;
    for (size_t i = 0; i < count; i++) {
        total += counts[i];
    }
    for (size_t i = 0; i < count; i++) {
        tenths[i] = total ? (unsigned)((ct_wide)counts[i] * 1000 / (ct_wide)total) : 0;
        given += tenths[i];
    }
    for (; total && given < 1000; given++) {
        size_t best = 0;
        ct_wide best_rest = -1;
        for (size_t i = 0; i < count; i++) {
            /* What is still owed; one that was given a tenth more owes less than nothing. */
            ct_wide rest = (ct_wide)counts[i] * 1000 - (ct_wide)tenths[i] * (ct_wide)total;
            if (rest > best_rest) {
                best_rest = rest;
                best = i;
            }
        }
        tenths[best]++;
    }
}

/* Has a variant a value, that a head without one stands above? Variants follow their head. */
static bool is_above(const struct ct_block *block, size_t index)
{
    const struct ct_figure *head = &block->figures[index];
    for (size_t i = index + 1; i < block->figure_count; i++) {
        const struct ct_figure *figure = &block->figures[i];
        if (!figure->kpi->parent && figure->kpi != head->kpi) {
            return false;
        }
        if (figure->kpi != head->kpi && figure->has_value && strcmp(figure->kpi->parent, head->kpi->id) == 0 &&
            (figure->kpi->kind != CT_KPI_SUM || figure->numerator != 0)) {
            return true;
        }
    }
    return false;
}

bool ct_format_missing(const struct ct_block *block, size_t index)
{
    const struct ct_figure *figure = &block->figures[index];
    return !figure->has_value && !figure->part && !figure->kpi->parent && !is_above(block, index);
}

bool ct_format_shown(const struct ct_block *block, size_t index)
{
    const struct ct_figure *figure = &block->figures[index];
    if (figure->part) {
        bool follows = index + 1 < block->figure_count && block->figures[index + 1].part;
        return follows || (index > 0 && block->figures[index - 1].part);
    }
    if (figure->kpi->kind == CT_KPI_SUM && figure->has_value) {
        return figure->numerator != 0;
    }
    if (figure->has_value || !figure->kpi->parent) {
        return figure->has_value || is_above(block, index);
    }
    const struct ct_figure *parent = ct_block_figure(block, figure->kpi->parent);
    return parent && parent->has_value && figure->kpi->unit != CT_UNIT_MONEY;
}

bool ct_format_family(const struct ct_block *block, enum ct_family family)
{
    bool any = false, values = false;
    for (size_t i = 0; i < block->figure_count; i++) {
        any |= block->figures[i].kpi->family == family;
        values |= block->figures[i].kpi->family == family && block->figures[i].has_value;
    }
    bool asks = family != CT_FAMILY_BUSINESS && family != CT_FAMILY_LIFECYCLE;
    return any && (asks || values || block->events > 0);
}

const char *ct_format_key(const struct ct_figure *figure, enum ct_lang lang)
{
    static const char *const words[][1 + CT_LANG_COUNT] = {
        {"(none)", "(not said)", "(sin dato)"},
        {"(other)", "(others)", "(otros)"},
        {"positive", "positive", "positivas"},
        {"negative", "negative", "negativas"},
        {"mixed", "both", "ambas"},
        {"none", "neither", "ninguna"},
    };
    /* A channel may be called "none" by its platform: only what is in brackets is ours there. */
    bool ours = strcmp(figure->kpi->id, "sentiment") == 0;
    for (size_t i = 0; figure->kpi->kind == CT_KPI_SHARES && i < sizeof words / sizeof *words; i++) {
        if ((ours || words[i][0][0] == '(') && strcmp(figure->key, words[i][0]) == 0) {
            return words[i][1 + lang];
        }
    }
    return figure->key;
}

const char *ct_format_column(size_t index, enum ct_lang lang, const char **id)
{
    static const char *const columns[][1 + CT_LANG_COUNT] = {
        {"automation_rate", "automation", "autom."},
        {"escalation_rate", "escalated", "escaladas"},
        {"fcr", "FCR", "FCR"},
        {"csat", "CSAT", "CSAT"},
        {"aht", "AHT", "AHT"},
        {"first_response_time", "FRT", "FRT"},
        {"fallback_rate", "fallback", "no entendió"},
        {"cost_per_interaction", "cost", "coste"},
        {"containment_rate", "contained", "contención"},
        {"churn_rate", "churn", "abandono"},
        {"mrr", "MRR", "MRR"},
        {"nrr", "NRR", "NRR"},
        {"renewal_rate", "renewal", "renovación"},
        {"active_users", "active users", "activos"},
        {"activation_rate", "activation", "activación"},
    };
    if (index >= sizeof columns / sizeof *columns) {
        return NULL;
    }
    *id = columns[index][0];
    return columns[index][1 + lang];
}

const char *ct_format_outcome(enum ct_outcome outcome, enum ct_lang lang)
{
    static const char *const names[CT_OUTCOME_COUNT][CT_LANG_COUNT] = {
        [CT_OUTCOME_NOT_ENGAGED] = {"Not engaged", "Sin participación"},
        [CT_OUTCOME_ESCALATED] = {"Escalated to a person", "Escalada a una persona"},
        [CT_OUTCOME_ESCALATION_FAILED] = {"Escalation failed", "Escalado fallido"},
        [CT_OUTCOME_RESOLVED_CONFIRMED] = {"Resolved, confirmed", "Resuelta, confirmada"},
        [CT_OUTCOME_UNRESOLVED] = {"Unresolved", "No resuelta"},
        [CT_OUTCOME_RESOLVED_IMPLIED] = {"Resolved, implied", "Resuelta, implícita"},
        [CT_OUTCOME_SILENT] = {"Silent after an answer", "En silencio tras la respuesta"},
        [CT_OUTCOME_ABANDONED] = {"Abandoned", "Abandonada"},
    };
    return names[outcome][lang];
}
