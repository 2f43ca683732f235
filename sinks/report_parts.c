/* report_parts.c - tiles, bars and tables of the report. Called by report.c. */
#include "sinks/report_parts.h"

#include "sinks/format.h"

const char *ct_page_word(const struct ct_page *page, const char *en, const char *es)
{
    return page->lang == CT_LANG_ES ? es : en;
}

void ct_page_raw(const struct ct_page *page, const char *markup)
{
    ct_out_text(page->out, markup);
}

static const char *entity_of(unsigned char byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return byte < 0x20 || byte == 0x7F ? "\xEF\xBF\xBD" : NULL;
    }
}

void ct_page_span(const struct ct_page *page, ct_span text)
{
    while (text.len) {
        size_t good;
        if (ct_utf8_valid(text, &good)) {
            good = text.len;
        }
        size_t from = 0;
        for (size_t i = 0; i < good; i++) {
            const char *entity = entity_of((unsigned char)text.at[i]);
            if (entity) {
                ct_out_bytes(page->out, text.at + from, i - from);
                ct_out_text(page->out, entity);
                from = i + 1;
            }
        }
        ct_out_bytes(page->out, text.at + from, good - from);
        if (good == text.len) {
            return;
        }
        ct_out_text(page->out, "\xEF\xBF\xBD");
        text.at += good + 1;
        text.len -= good + 1;
    }
}

void ct_page_text(const struct ct_page *page, const char *text)
{
    ct_page_span(page, ct_span_of(text));
}

void ct_page_count(const struct ct_page *page, uint64_t count)
{
    char text[CT_FORMAT_BYTES];
    ct_format_count((ct_wide)count, page->lang, text);
    ct_page_raw(page, text);
}

/* ---- one figure ----------------------------------------------------------------------------------------------------
 */

void ct_page_value(const struct ct_page *page, const struct ct_figure *figure)
{
    char text[CT_FORMAT_BYTES];
    if (!figure->has_value) {
        ct_page_raw(page, "<span class=\"dash\">–</span>");
        return;
    }
    /* Digits large, units small: "1 <small>min</small> 32 <small>s</small>". */
    ct_format_value(figure, page->lang, text);
    const char *at = text;
    while (*at) {
        size_t number = strcspn(at, " ");
        ct_page_span(page, (ct_span){at, number});
        at += number;
        if (!*at) {
            return;
        }
        at++;
        size_t unit = strcspn(at, " ");
        ct_page_raw(page, "<small>&nbsp;");
        ct_page_span(page, (ct_span){at, unit});
        ct_page_raw(page, "</small>");
        at += unit;
        if (*at) {
            ct_page_raw(page, " ");
            at++;
        }
    }
}

bool ct_page_place(const struct ct_figure *figure, int64_t micro, int *out)
{
    int64_t low = 0, high = 100000000;
    if (figure->kpi->kind == CT_KPI_SCORE || figure->kpi->kind == CT_KPI_DIFFERENCE) {
        low = -100000000;
    } else if (figure->kpi->unit != CT_UNIT_PERCENT || figure->kpi->kind == CT_KPI_PROPORTION ||
               figure->kpi->kind == CT_KPI_PRODUCT) {
        return false;
    }
    micro = micro < low ? low : micro > high ? high : micro;
    *out = (int)((micro - low) / ((high - low) / 1000));
    return true;
}

bool ct_page_range(const struct ct_page *page, const struct ct_figure *figure)
{
    int value, low, high, target;
    if (!figure->has_value ||
        !ct_page_place(figure, (int64_t)ct_wide_divide(figure->value_num * 1000000, figure->value_den), &value)) {
        return false;
    }
    ct_page_raw(page, "<svg class=\"range\" viewBox=\"0 0 1000 12\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
                      "<rect class=\"t\" x=\"0\" y=\"4\" width=\"1000\" height=\"4\" rx=\"2\"/>");
    if (figure->has_interval && ct_page_place(figure, figure->low_micro, &low) &&
        ct_page_place(figure, figure->high_micro, &high)) {
        ct_out_format(page->out, "<rect class=\"b\" x=\"%d\" y=\"2\" width=\"%d\" height=\"8\" rx=\"2\"/>", low,
                      high - low < 4 ? 4 : high - low);
    }
    ct_out_format(page->out, "<rect class=\"v\" x=\"%d\" y=\"0\" width=\"10\" height=\"12\" rx=\"2\"/>",
                  value < 5     ? 0
                  : value > 995 ? 990
                                : value - 5);
    if (figure->target.op != CT_TARGET_NONE && ct_page_place(figure, figure->target.micro, &target)) {
        ct_out_format(page->out, "<rect class=\"g\" x=\"%d\" y=\"0\" width=\"4\" height=\"12\"/>",
                      target > 996 ? 996 : target);
    }
    ct_page_raw(page, "</svg>");
    return true;
}

void ct_page_chip(const struct ct_page *page, const struct ct_figure *figure)
{
    static const char *const classes[] = {"unknown", "met", "missed"};
    char text[CT_FORMAT_BYTES];
    if (!ct_format_target(figure, page->lang, text)) {
        return;
    }
    ct_out_format(page->out, "<span class=\"chip %s\">", classes[figure->status]);
    ct_page_raw(page, figure->status == CT_STATUS_MET ? "✓ " : figure->status == CT_STATUS_MISSED ? "✗ " : "");
    ct_page_text(page, text);
    ct_page_raw(page, "</span>");
}

static void page_name(const struct ct_page *page, const struct ct_figure *figure)
{
    if (figure->part) {
        ct_page_text(page, ct_format_key(figure, page->lang));
        return;
    }
    ct_page_text(page, figure->kpi->name[page->lang]);
    if (figure->key[0] && figure->kpi->unit != CT_UNIT_MONEY) {
        ct_page_raw(page, " <small>(");
        ct_page_text(page, ct_format_key(figure, page->lang));
        ct_page_raw(page, ")</small>");
    }
}

static void page_left_out(const struct ct_page *page, const struct ct_figure *figure)
{
    if (figure->left_out) {
        ct_page_raw(page, " · ");
        ct_page_count(page, figure->left_out);
        ct_page_raw(page, ct_page_word(page, " left out", " fuera"));
    }
}

void ct_page_change(const struct ct_page *page, const struct ct_figure *figure)
{
    char text[CT_FORMAT_BYTES];
    int better = ct_change_better(figure);
    if (ct_format_change(figure, page->lang, text)) {
        ct_out_format(page->out, "<span class=\"chip %s\">", better > 0 ? "met" : better < 0 ? "missed" : "unknown");
        ct_page_text(page, text);
        ct_page_raw(page, "</span>");
    }
}

/* ---- tiles ---------------------------------------------------------------------------------------------------------
 */

/* Automation's bounds, where the tile of another KPI has its interval. */
static void page_bounds(const struct ct_page *page, const struct ct_block *block)
{
    const struct ct_figure *low = ct_block_figure(block, "automation_rate.confirmed");
    const struct ct_figure *high = ct_block_figure(block, "automation_rate.upper");
    char from[CT_FORMAT_BYTES], to[CT_FORMAT_BYTES];
    if (low && high && low->has_value && high->has_value) {
        ct_format_value(low, page->lang, from);
        ct_format_value(high, page->lang, to);
        ct_page_raw(page, "<p>");
        ct_page_raw(page, ct_page_word(page, "confirmed only ", "solo confirmadas "));
        ct_page_text(page, from);
        ct_page_raw(page, ct_page_word(page, " · with silence ", " · con silencios "));
        ct_page_text(page, to);
        ct_page_raw(page, "</p>");
    }
}

void ct_page_tile(const struct ct_page *page, const struct ct_block *block, const char *id)
{
    const struct ct_figure *figure = ct_block_figure(block, id);
    char text[CT_FORMAT_BYTES];
    if (!figure) {
        return;
    }
    ct_page_raw(page, "<div class=\"tile\"><h3><span>");
    page_name(page, figure);
    ct_page_raw(page, "</span>");
    ct_page_chip(page, figure);
    ct_page_raw(page, figure->has_value ? "</h3><div class=\"big\">" : "</h3><div class=\"big none\">");
    ct_page_value(page, figure);
    ct_page_raw(page, "</div><p>");
    if (figure->has_value) {
        ct_format_basis(figure, page->lang, text);
        ct_page_text(page, text);
        if (ct_format_interval(figure, page->lang, text)) {
            ct_page_raw(page, " · 95 %: ");
            ct_page_text(page, text);
        }
    } else {
        ct_page_raw(page, ct_page_word(page, "nothing to count", "nada que contar"));
    }
    page_left_out(page, figure);
    ct_page_raw(page, "</p>");
    if (figure->change.verdict != CT_CHANGE_NONE) {
        ct_page_raw(page, "<p>");
        ct_page_change(page, figure);
        ct_page_raw(page, "</p>");
    }
    if (strcmp(id, "automation_rate") == 0) {
        page_bounds(page, block);
    }
    ct_page_raw(page, "<div class=\"foot\">");
    if (ct_page_range(page, figure)) {
        ct_page_raw(page, figure->kpi->kind == CT_KPI_SCORE
                              ? "<div class=\"scale\"><span>-100</span><span>0</span><span>100</span></div>"
                              : "<div class=\"scale\"><span>0</span><span>50</span><span>100 %</span></div>");
    } else if (figure->has_percentiles) {
        ct_page_raw(page, "<div class=\"pct\">");
        for (unsigned i = 0; i < CT_PERCENTILE_COUNT; i += i == CT_P90 ? 2 : 1) {
            ct_format_amount(figure, figure->percentile_micro[i], 1000000, page->lang, text);
            ct_out_format(page->out, "<span>%s <b>%s</b></span>", ct_percentile_text(i), text);
        }
        ct_page_raw(page, "</div>");
    }
    ct_page_raw(page, "</div></div>\n");
}

/* ---- outcomes -------------------------------------------------------------------------------------------------------
 */

void ct_page_outcomes(const struct ct_page *page, const struct ct_block *block)
{
    static const enum ct_outcome order[CT_OUTCOME_COUNT] = {
        CT_OUTCOME_RESOLVED_CONFIRMED, CT_OUTCOME_RESOLVED_IMPLIED,  CT_OUTCOME_SILENT,    CT_OUTCOME_ESCALATED,
        CT_OUTCOME_UNRESOLVED,         CT_OUTCOME_ESCALATION_FAILED, CT_OUTCOME_ABANDONED, CT_OUTCOME_NOT_ENGAGED};
    uint64_t counts[CT_OUTCOME_COUNT];
    unsigned tenths[CT_OUTCOME_COUNT], at = 0;
    char text[CT_FORMAT_BYTES];
    for (size_t i = 0; i < CT_OUTCOME_COUNT; i++) {
        counts[i] = block->outcomes[order[i]];
    }
    ct_format_shares(counts, CT_OUTCOME_COUNT, tenths);
    ct_page_raw(page, "<section><h2>");
    ct_page_raw(page, ct_page_word(page, "How conversations ended", "Cómo terminaron las conversaciones"));
    ct_page_raw(page, "</h2><div class=\"card\"><svg class=\"stack\" viewBox=\"0 0 1000 38\" "
                      "preserveAspectRatio=\"none\" role=\"img\" "
                      "aria-label=\"");
    ct_page_raw(page, ct_page_word(page, "Shares of outcomes", "Reparto de resultados"));
    ct_page_raw(page, "\"><rect width=\"1000\" height=\"38\" fill=\"var(--track)\"/>");
    for (size_t i = 0; i < CT_OUTCOME_COUNT; i++) {
        if (tenths[i]) {
            ct_out_format(page->out, "<rect x=\"%u\" width=\"%u\" height=\"38\" fill=\"var(--o%zu)\"><title>", at,
                          tenths[i] > 3 ? tenths[i] - 2 : tenths[i], i);
            ct_page_text(page, ct_format_outcome(order[i], page->lang));
            ct_page_raw(page, "</title></rect>");
        }
        at += tenths[i];
    }
    ct_page_raw(page, "</svg><ul class=\"legend\">");
    for (size_t i = 0; i < CT_OUTCOME_COUNT; i++) {
        ct_out_format(page->out, "<li><i style=\"background:var(--o%zu)\"></i>", i);
        ct_page_text(page, ct_format_outcome(order[i], page->lang));
        ct_page_raw(page, "<span>");
        ct_page_count(page, counts[i]);
        ct_format_decimal(tenths[i], 10, 1, page->lang, text);
        ct_page_raw(page, "</span><b>");
        ct_page_raw(page, text);
        ct_page_raw(page, " %</b></li>");
    }
    ct_page_raw(page, "</ul></div></section>\n");
}

/* ---- families
 * -------------------------------------------------------------------------------------------------------- */

static void page_percentiles(const struct ct_page *page, const struct ct_figure *figure)
{
    char text[CT_FORMAT_BYTES];
    ct_page_raw(page, "<div class=\"pct\">");
    for (unsigned i = 0; i < CT_PERCENTILE_COUNT; i++) {
        ct_format_amount(figure, figure->percentile_micro[i], 1000000, page->lang, text);
        ct_out_format(page->out, "<span>%s <b>%s</b></span>", ct_percentile_text(i), text);
    }
    ct_page_raw(page, "</div>");
}

/* The catalogue's, or another authority's with where it says so. */
static void page_definition(const struct ct_page *page, const struct ct_kpi *kpi,
                            const struct ct_definition *definition)
{
    ct_page_raw(page, "<details><summary>");
    ct_page_raw(page, ct_page_word(page, "definition", "definición"));
    if (definition) {
        ct_page_raw(page, ": ");
        ct_page_text(page, definition->profile);
    }
    ct_page_raw(page, "</summary><p>");
    ct_page_text(page, definition ? definition->source : kpi->help[page->lang]);
    ct_page_raw(page, "</p><span class=\"f\">");
    ct_page_text(page, definition ? definition->formula[page->lang] : kpi->formula[page->lang]);
    ct_page_raw(page, "</span><code>");
    ct_page_text(page, kpi->id);
    ct_page_raw(page, "</code></details>");
}

static void page_provisional(const struct ct_page *page, const struct ct_figure *figure, const struct ct_zone *zone)
{
    char text[CT_FORMAT_BYTES];
    if (!figure->part && ct_format_provisional(figure, zone, page->lang, text)) {
        ct_page_raw(page, "<div class=\"open\">");
        ct_page_text(page, text);
        ct_page_raw(page, " · ");
        ct_page_count(page, figure->provisional);
        ct_page_raw(page, ct_page_word(page, " open", " por cerrar"));
        ct_page_raw(page, "</div>");
    }
}

static void page_row(const struct ct_page *page, const struct ct_figure *figure, const struct ct_findings *findings,
                     bool last)
{
    char text[CT_FORMAT_BYTES];
    const char *kind = figure->part ? "part" : figure->kpi->parent ? "var" : "head";
    ct_out_format(page->out, "<tr class=\"%s%s\"><td class=\"k\"><b>", kind, last ? " gap" : "");
    page_name(page, figure);
    ct_page_raw(page, "</b>");
    if (figure->has_percentiles && figure->kpi->kind == CT_KPI_MEAN) {
        page_percentiles(page, figure);
    }
    page_provisional(page, figure, findings->zone);
    if (!figure->part) {
        page_definition(page, figure->kpi, figure->definition);
    }
    ct_page_raw(page, "</td><td class=\"r val\">");
    ct_page_value(page, figure);
    ct_page_raw(page, "</td><td class=\"bar\">");
    if (!figure->part) {
        ct_page_range(page, figure);
    }
    if (ct_format_interval(figure, page->lang, text)) {
        ct_page_raw(page, "<small>");
        ct_page_text(page, text);
        ct_page_raw(page, "</small>");
    }
    ct_page_raw(page, "</td><td class=\"r\">");
    if (figure->has_value) {
        ct_format_basis(figure, page->lang, text);
        ct_page_text(page, text);
    }
    if (figure->left_out && !figure->part) {
        ct_page_raw(page, "<br><small>");
        ct_page_count(page, figure->left_out);
        ct_page_raw(page, ct_page_word(page, " left out", " fuera"));
        ct_page_raw(page, "</small>");
    }
    if (findings->compared) {
        ct_page_raw(page, "</td><td>");
        ct_page_change(page, figure);
    }
    ct_page_raw(page, "</td><td class=\"r\">");
    ct_page_chip(page, figure);
    ct_page_raw(page, "</td></tr>\n");
}

/* "No data for: A, B, C". */
static void page_missing(const struct ct_page *page, const struct ct_block *block, enum ct_family family)
{
    bool any = false;
    for (size_t i = 0; i < block->figure_count; i++) {
        const struct ct_figure *figure = &block->figures[i];
        if (figure->kpi->family == family && ct_format_missing(block, i)) {
            ct_page_raw(page, any ? ", "
                                  : ct_page_word(page, "<p class=\"missing\">No data for: ",
                                                 "<p class=\"missing\">Sin datos para: "));
            ct_page_text(page, figure->kpi->name[page->lang]);
            any = true;
        }
    }
    ct_page_raw(page, any ? "</p>" : "");
}

static void family_head(const struct ct_page *page, const struct ct_findings *findings)
{
    ct_page_raw(page, "<div class=\"scroll\"><table><thead><tr><th>KPI</th><th class=\"r\">");
    ct_page_raw(page, ct_page_word(page, "Value</th><th>95 % interval</th><th class=\"r\">Basis</th>",
                                   "Valor</th><th>Intervalo 95 %</th><th class=\"r\">Base</th>"));
    if (findings->compared) {
        ct_page_raw(page, ct_page_word(page, "<th>Change</th>", "<th>Cambio</th>"));
    }
    ct_page_raw(page, ct_page_word(page, "<th class=\"r\">Target", "<th class=\"r\">Objetivo"));
    ct_page_raw(page, "</th></tr></thead><tbody>\n");
}

void ct_page_family(const struct ct_page *page, const struct ct_findings *findings, enum ct_family family)
{
    const struct ct_block *block = &findings->total;
    const struct ct_figure *waiting = NULL; /* a row is written once it is known whether another follows */
    if (!ct_format_family(block, family)) {
        return;
    }
    ct_page_raw(page, "<section><h2>");
    ct_page_text(page, ct_family_name(family, page->lang));
    ct_page_raw(page, "</h2>");
    for (size_t i = 0; i < block->figure_count; i++) {
        const struct ct_figure *figure = &block->figures[i];
        if (figure->kpi->family != family || !ct_format_shown(block, i)) {
            continue;
        }
        if (!waiting) {
            family_head(page, findings);
        } else {
            page_row(page, waiting, findings, !figure->kpi->parent && !figure->part);
        }
        waiting = figure;
    }
    if (waiting) {
        page_row(page, waiting, findings, true);
        ct_page_raw(page, "</tbody></table></div>");
    }
    page_missing(page, block, family);
    ct_page_raw(page, "</section>\n");
}
