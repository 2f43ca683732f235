/* report_slices.c - the report's table of slices. Called by report.c. */
#include "sinks/format.h"
#include "sinks/report_parts.h"

/* A mark where it has really changed, green or red. */
static void slice_change(const struct ct_page *page, const struct ct_figure *figure)
{
    int better = ct_change_better(figure);
    bool up = figure->change.verdict == CT_CHANGE_UP;
    if (up || figure->change.verdict == CT_CHANGE_DOWN) {
        ct_out_format(page->out, " <span class=\"%s\">%s</span>",
                      better > 0   ? "met"
                      : better < 0 ? "missed"
                                   : "unknown",
                      up ? "▲" : "▼");
    }
}

void ct_page_slices(const struct ct_page *page, const struct ct_findings *findings)
{
    const char *id, *head;
    char group[CT_FORMAT_BYTES];
    if (!findings->group_by || !findings->slice_count) {
        return;
    }
    ct_format_group(findings->group_by, findings->zone_name, page->lang, group);
    ct_page_raw(page, "<section><h2>");
    ct_page_raw(page, ct_page_word(page, "By ", "Por "));
    ct_page_text(page, group);
    ct_page_raw(page, "</h2><div class=\"scroll\"><table><thead><tr><th>");
    ct_page_text(page, group);
    ct_page_raw(page, ct_page_word(page, "</th><th class=\"r\">Conversations</th>",
                                   "</th><th class=\"r\">Conversaciones</th>"));
    for (size_t c = 0; (head = ct_format_column(c, page->lang, &id)); c++) {
        const struct ct_figure *figure = ct_block_figure(&findings->total, id);
        if (figure && figure->has_value) {
            ct_page_raw(page, "<th class=\"r\" title=\"");
            ct_page_text(page, figure->kpi->name[page->lang]);
            ct_page_raw(page, "\">");
            ct_page_text(page, head);
            ct_page_raw(page, "</th>");
        }
    }
    ct_page_raw(page, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < findings->slice_count; i++) {
        const struct ct_block *slice = &findings->slices[i];
        ct_page_raw(page, "<tr><td><b>");
        char name[CT_FORMAT_SLICE_BYTES];
        ct_page_span(page, ct_format_slice(slice, findings->group_by, page->lang, name));
        ct_page_raw(page, "</b></td><td class=\"r\">");
        ct_page_count(page, slice->conversations);
        ct_page_raw(page, "</td>");
        for (size_t c = 0; ct_format_column(c, page->lang, &id); c++) {
            const struct ct_figure *total = ct_block_figure(&findings->total, id);
            const struct ct_figure *figure = ct_block_figure(slice, id);
            int at;
            if (!total || !total->has_value || !figure) {
                continue;
            }
            ct_page_raw(page, "<td class=\"r\"><span class=\"cell\">");
            ct_page_value(page, figure);
            slice_change(page, figure);
            if (figure->has_value &&
                ct_page_place(figure, (int64_t)ct_wide_divide(figure->value_num * 1000000, figure->value_den), &at)) {
                ct_out_format(page->out, "<i><u style=\"width:%d.%d%%\"></u></i>", at / 10, at % 10);
            }
            ct_page_raw(page, "</span></td>");
        }
        ct_page_raw(page, "</tr>\n");
    }
    ct_page_raw(page, "</tbody></table></div></section>\n");
}
