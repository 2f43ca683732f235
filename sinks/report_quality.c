/* report_quality.c - the report's section of the rules against human marks, and of what is corrected by them. */
#include "sinks/quality.h"
#include "sinks/report_parts.h"

static void head(const struct ct_page *page, const char *const *columns, size_t count)
{
    ct_page_raw(page, "<div class=\"scroll\"><table><thead><tr>");
    for (size_t i = 0; i < count; i++) {
        ct_page_raw(page, "<th>");
        ct_page_raw(page, columns[i]);
        ct_page_raw(page, "</th>");
    }
    ct_page_raw(page, "</tr></thead><tbody>\n");
}

static void cell(const struct ct_page *page, const char *text)
{
    ct_page_raw(page, "<td>");
    ct_page_text(page, text);
    ct_page_raw(page, "</td>");
}

static void rules_table(const struct ct_page *page, const struct ct_quality_findings *f)
{
    const char *columns[] = {ct_page_word(page, "what", "qué"), ct_page_word(page, "marked", "marcas"),
                             ct_page_word(page, "precision", "precisión"),
                             ct_page_word(page, "recall", "exhaustividad"), "kappa"};
    char text[CT_FORMAT_BYTES];
    head(page, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < f->row_count; i++) {
        const struct ct_quality_row *row = &f->rows[i];
        ct_page_raw(page, "<tr><td>");
        ct_page_text(page, ct_quality_subject(row->subject, page->lang));
        if (row->key[0]) {
            ct_page_raw(page, ": ");
            ct_page_text(page, row->key);
        }
        ct_page_raw(page, "</td><td class=\"r\">");
        ct_page_count(page, row->classes ? row->n : row->tp + row->fn);
        ct_page_raw(page, "</td>");
        if (row->classes) {
            ct_format_decimal((ct_wide)row->agreed * 100, (ct_wide)row->n, 1, page->lang, text);
            ct_page_raw(page, "<td colspan=\"2\">");
            ct_page_text(page, text);
            ct_page_raw(page, ct_page_word(page, " % agreed</td>", " % de acuerdo</td>"));
        } else {
            ct_quality_share(row->tp, row->tp + row->fp, row->precision_low, row->precision_high, page->lang, text);
            cell(page, text);
            ct_quality_share(row->tp, row->tp + row->fn, row->recall_low, row->recall_high, page->lang, text);
            cell(page, text);
        }
        ct_quality_kappa(row, page->lang, text);
        cell(page, text);
        ct_page_raw(page, "</tr>\n");
    }
    ct_page_raw(page, "</tbody></table></div>\n");
}

static void corrections_table(const struct ct_page *page, const struct ct_quality_findings *f)
{
    const char *columns[] = {"KPI", ct_page_word(page, "as counted", "contada"),
                             ct_page_word(page, "corrected", "corregida")};
    char text[CT_FORMAT_BYTES];
    head(page, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < f->correction_count; i++) {
        const struct ct_quality_correction *c = &f->corrections[i];
        ct_page_raw(page, "<tr>");
        cell(page, c->kpi->name[page->lang]);
        ct_page_raw(page, "<td>");
        if (c->raw_den > 0) {
            ct_format_decimal(c->raw_num * 100, c->raw_den, 1, page->lang, text);
            ct_page_text(page, text);
            ct_page_raw(page, " %");
        } else {
            ct_page_raw(page, "–");
        }
        ct_page_raw(page, "</td>");
        ct_quality_corrected(c, page->lang, text);
        cell(page, text);
        ct_page_raw(page, "</tr>\n");
    }
    ct_page_raw(page, "</tbody></table></div>\n<p>");
    ct_page_text(page, ct_quality_assumption(page->lang));
    ct_page_raw(page, "</p>\n");
}

void ct_page_quality(const struct ct_page *page, const struct ct_findings *findings)
{
    const struct ct_quality_findings *f = findings->quality;
    if (!f) {
        return;
    }
    ct_page_raw(page, "<section><h2>");
    ct_page_raw(page, ct_page_word(page, "The rules against human marks", "Las reglas frente a marcas humanas"));
    ct_page_raw(page, "</h2>\n<p>");
    ct_page_count(page, f->marked);
    ct_page_raw(
        page, ct_page_word(page, " conversations with human marks</p>\n", " conversaciones con marcas humanas</p>\n"));
    if (f->row_count) {
        rules_table(page, f);
    }
    corrections_table(page, f);
    ct_page_raw(page, "</section>\n");
}
