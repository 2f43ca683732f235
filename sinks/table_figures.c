/* table_figures.c - the rows of KPIs: value, interval, basis, change, target. See table_parts.h. */
#include <stdio.h>

#include "sinks/table_parts.h"

static void put_status(const struct ct_table *t, const struct ct_figure *figure)
{
    if (figure->target.op == CT_TARGET_NONE) {
        return;
    }
    char text[CT_FORMAT_BYTES];
    enum ct_table_style style = figure->status == CT_STATUS_MET      ? CT_TABLE_GREEN
                                : figure->status == CT_STATUS_MISSED ? CT_TABLE_RED
                                                                     : CT_TABLE_DIM;
    const char *mark = figure->status == CT_STATUS_MET      ? t->ascii ? "ok " : "✓ "
                       : figure->status == CT_STATUS_MISSED ? t->ascii ? "!! " : "✗ "
                                                            : "";
    ct_format_target(figure, t->lang, text);
    ct_out_text(t->out, "  ");
    ct_table_style_on(t, style);
    ct_out_text(t->out, mark);
    ct_out_text(t->out, text);
    ct_table_style_off(t, style);
}

static void put_change(const struct ct_table *t, const struct ct_figure *figure)
{
    char text[CT_FORMAT_BYTES];
    int better = ct_change_better(figure);
    enum ct_table_style style = better > 0   ? CT_TABLE_GREEN
                                : better < 0 ? CT_TABLE_RED
                                : figure->change.verdict == CT_CHANGE_UP || figure->change.verdict == CT_CHANGE_DOWN
                                    ? CT_TABLE_PLAIN
                                    : CT_TABLE_DIM;
    if (t->change) {
        ct_format_change(figure, t->lang, text);
        ct_out_text(t->out, "  ");
        ct_table_text(t, text, t->change - 2, false, style);
    }
}

static void put_provisional(const struct ct_table *t, const char *text)
{
    ct_table_style_on(t, CT_TABLE_YELLOW);
    ct_out_text(t->out, text);
    ct_table_style_off(t, CT_TABLE_YELLOW);
}

/* "name (1-5)", and in brackets whose definition it is where it is not convtap's. */
static void name_of(const struct ct_table *t, const struct ct_figure *figure, char *name, size_t room)
{
    bool keyed = figure->key[0] && figure->kpi->unit != CT_UNIT_MONEY;
    if (figure->part) {
        snprintf(name, room, "%s", ct_format_key(figure, t->lang));
        return;
    }
    snprintf(name, room, "%s%s%s%s%s%s%s", figure->kpi->name[t->lang], keyed ? " (" : "",
             keyed ? ct_format_key(figure, t->lang) : "", keyed ? ")" : "", figure->definition ? " [" : "",
             figure->definition ? figure->definition->profile : "", figure->definition ? "]" : "");
}

/* "  name (1-5)": variants two deeper, parts by their key; with what is provisional behind it where that fits. */
static void put_name(const struct ct_table *t, const struct ct_figure *figure, const char *provisional)
{
    char name[256];
    size_t indent = figure->part ? 6 : figure->kpi->parent ? 4 : 2;
    name_of(t, figure, name, sizeof name);
    size_t behind = provisional[0] ? ct_text_width(ct_span_of(provisional)) : 0;
    ct_out_fill(t->out, " ", indent);
    ct_table_text(t, name, t->name - indent - behind, false,
                  figure->kpi->parent || figure->part ? CT_TABLE_PLAIN : CT_TABLE_BOLD);
    if (behind) {
        put_provisional(t, provisional);
    }
}

/* Does it fit behind the name? */
static bool fits_behind(const struct ct_table *t, const struct ct_figure *figure, const char *provisional)
{
    char name[256];
    size_t indent = figure->kpi->parent ? 4 : 2;
    name_of(t, figure, name, sizeof name);
    return indent + ct_text_width(ct_span_of(name)) + 1 + ct_text_width(ct_span_of(provisional)) <= t->name;
}

static void write_percentiles(const struct ct_table *t, const struct ct_figure *figure)
{
    ct_out_fill(t->out, " ", figure->kpi->parent ? 6 : 4);
    ct_table_style_on(t, CT_TABLE_DIM);
    for (unsigned i = 0; i < CT_PERCENTILE_COUNT; i++) {
        if (i == CT_P95 && t->width < 90) {
            continue;
        }
        char text[CT_FORMAT_BYTES];
        ct_format_amount(figure, figure->percentile_micro[i], 1000000, t->lang, text);
        ct_out_format(t->out, "%s%s %s", i ? (t->ascii ? " - " : " · ") : "", ct_percentile_text(i), text);
    }
    ct_table_style_off(t, CT_TABLE_DIM);
    ct_table_end_line(t);
}

static void write_figure(const struct ct_table *t, const struct ct_figure *figure)
{
    char text[CT_FORMAT_BYTES], provisional[CT_FORMAT_BYTES] = "";
    if (!figure->part) {
        ct_format_provisional(figure, t->zone, t->lang, provisional);
    }
    bool behind = provisional[0] && fits_behind(t, figure, provisional);
    put_name(t, figure, behind ? provisional : "");
    ct_format_value(figure, t->lang, text);
    ct_table_text(t,
                  figure->has_value ? text
                  : t->ascii        ? "-"
                                    : text,
                  t->value, true,
                  figure->has_value ? (figure->kpi->parent || figure->part ? CT_TABLE_PLAIN : CT_TABLE_BOLD)
                                    : CT_TABLE_DIM);
    if (t->interval) {
        ct_format_interval(figure, t->lang, text);
        ct_table_text(t, text, t->interval, true, CT_TABLE_DIM);
    }
    if (t->basis) {
        ct_format_basis(figure, t->lang, text);
        ct_table_text(t, figure->has_value ? text : "", t->basis, true, CT_TABLE_PLAIN);
    }
    put_change(t, figure);
    put_status(t, figure);
    ct_table_end_line(t);
    if (provisional[0] && !behind) {
        ct_out_fill(t->out, " ", figure->kpi->parent ? 6 : 4);
        put_provisional(t, provisional);
        ct_table_end_line(t);
    }
    if (figure->has_percentiles && figure->kpi->kind == CT_KPI_MEAN && !figure->part) {
        write_percentiles(t, figure);
    }
}

/* ---- sections ---------------------------------------------------------------------------------------------------- */

/* "  no data for: A, B, C", in as many lines as it takes. */
static void write_missing(const struct ct_table *t, const struct ct_block *block, enum ct_family family)
{
    const char *lead = ct_table_word(t, "no data for: ", "sin datos para: ");
    size_t at = 0, indent = 2 + ct_text_width(ct_span_of(lead));
    for (size_t i = 0; i < block->figure_count; i++) {
        const struct ct_figure *figure = &block->figures[i];
        if (figure->kpi->family != family || !ct_format_missing(block, i)) {
            continue;
        }
        const char *name = figure->kpi->name[t->lang];
        size_t width = ct_text_width(ct_span_of(name));
        bool first = at == 0, fits = at + 2 + width < t->width;
        ct_table_style_on(t, CT_TABLE_DIM);
        ct_out_text(t->out, first ? "  " : fits ? ", " : ",");
        if (first) {
            ct_out_text(t->out, lead);
        } else if (!fits) {
            ct_table_style_off(t, CT_TABLE_DIM);
            ct_table_end_line(t);
            ct_out_fill(t->out, " ", indent);
            ct_table_style_on(t, CT_TABLE_DIM);
        }
        at = first || !fits ? indent + width : at + 2 + width;
        ct_out_text(t->out, name);
        ct_table_style_off(t, CT_TABLE_DIM);
    }
    if (at) {
        ct_table_end_line(t);
    }
}

void ct_table_family(const struct ct_table *t, const struct ct_block *block, enum ct_family family)
{
    if (!ct_format_family(block, family)) {
        return;
    }
    ct_table_heading(t, ct_family_name(family, t->lang));
    for (size_t i = 0; i < block->figure_count; i++) {
        const struct ct_figure *figure = &block->figures[i];
        if (figure->kpi->family == family && ct_format_shown(block, i)) {
            write_figure(t, figure);
        }
    }
    write_missing(t, block, family);
}

void ct_table_column_heads(const struct ct_table *t)
{
    ct_table_end_line(t);
    ct_out_fill(t->out, " ", t->name);
    ct_table_text(t, ct_table_word(t, "value", "valor"), t->value, true, CT_TABLE_DIM);
    if (t->interval) {
        ct_table_text(t, ct_table_word(t, "95 % interval", "intervalo 95 %"), t->interval, true, CT_TABLE_DIM);
    }
    if (t->basis) {
        ct_table_text(t, ct_table_word(t, "basis", "base"), t->basis, true, CT_TABLE_DIM);
    }
    if (t->change) {
        ct_out_text(t->out, "  ");
        ct_table_text(t, ct_table_word(t, "change", "cambio"), t->change - 2, false, CT_TABLE_DIM);
    }
    ct_table_style_on(t, CT_TABLE_DIM);
    ct_out_text(t->out, ct_table_word(t, "  target", "  objetivo"));
    ct_table_style_off(t, CT_TABLE_DIM);
    ct_table_end_line(t);
}

static void widen(size_t *column, const char *text)
{
    size_t width = ct_text_width(ct_span_of(text)) + 2;
    *column = width > *column ? width : *column;
}

/* Columns as wide as what stands in them, so that no number is ever cut; names get the rest. A narrow terminal loses
 * the interval, then the basis. */
void ct_table_columns(struct ct_table *t, const struct ct_block *block)
{
    enum { NAME_LEAST = 24, NAME_MOST = 56, NAME_WANTED = 34, CHANGE_LEAST = 12 };
    char text[CT_FORMAT_BYTES];
    t->value = 10;
    t->interval = 16;
    t->basis = 8;
    t->change = t->target = 0;
    for (size_t i = 0; i < block->figure_count; i++) {
        const struct ct_figure *figure = &block->figures[i];
        ct_format_value(figure, t->lang, text);
        widen(&t->value, text);
        ct_format_interval(figure, t->lang, text);
        widen(&t->interval, text);
        if (figure->has_value) {
            ct_format_basis(figure, t->lang, text);
            widen(&t->basis, text);
        }
        if (ct_format_change(figure, t->lang, text)) {
            widen(&t->change, text);
        }
        if (ct_format_target(figure, t->lang, text)) {
            widen(&t->target, text);
        }
    }
    size_t fixed = t->value + t->change + t->target + 2;
    if (fixed + t->interval + t->basis + NAME_WANTED > t->width) {
        t->interval = 0;
    }
    if (fixed + t->interval + t->basis + NAME_LEAST > t->width) {
        t->basis = 0;
    }
    if (fixed + NAME_LEAST > t->width && t->change) {
        size_t rest = fixed - t->change + NAME_LEAST; /* of the words the last ones go */
        t->change = t->width > rest + CHANGE_LEAST ? t->width - rest : CHANGE_LEAST;
        fixed = t->value + t->change + t->target + 2;
    }
    size_t taken = fixed + t->interval + t->basis;
    t->name = taken + NAME_LEAST > t->width ? NAME_LEAST : t->width - taken;
    t->name = t->name > NAME_MOST ? NAME_MOST : t->name;
}
