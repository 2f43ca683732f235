/* report.c - the findings as one HTML page that stands alone. Called by `convtap audit --report`.
 *
 * No scripts, nothing loaded from anywhere (its own policy forbids it), every text of the input escaped.
 */
#include "sinks/report.h"

#include "engine/drop.h"
#include "sinks/alarms.h"
#include "sinks/format.h"
#include "sinks/report_parts.h"

static void page_head(const struct ct_page *page, const struct ct_findings *findings, const char *title)
{
    ct_page_raw(page, "<!DOCTYPE html>\n<html lang=\"");
    ct_page_raw(page, ct_page_word(page, "en", "es"));
    ct_page_raw(page, "\"><head><meta charset=\"utf-8\">"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                      "'unsafe-inline'; base-uri "
                      "'none'; form-action 'none'\">"
                      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"generator\" "
                      "content=\"convtap ");
    ct_page_text(page, findings->version ? findings->version : "");
    ct_page_raw(page, "\"><title>");
    ct_page_text(page, title);
    ct_page_raw(page, "</title><style>");
    for (const char *const *part = ct_report_style; *part; part++) {
        ct_page_raw(page, *part);
    }
    ct_page_raw(page, "</style></head>\n<body><main>\n");
}

static void page_fact(const struct ct_page *page, const char *name, uint64_t count)
{
    ct_page_raw(page, "<div><dt>");
    ct_page_raw(page, name);
    ct_page_raw(page, "</dt><dd>");
    ct_page_count(page, count);
    ct_page_raw(page, "</dd></div>");
}

static void page_period(const struct ct_page *page, const struct ct_findings *findings, ct_usec from, ct_usec to)
{
    char text[CT_FORMAT_BYTES];
    ct_format_period(findings->zone, from, to, page->lang, text);
    ct_page_text(page, text);
}

/* When the conversations were; which period was asked for, and what it is held against. */
static void page_dates(const struct ct_page *page, const struct ct_findings *findings)
{
    const struct ct_block *total = &findings->total;
    const char *review = ct_format_cadence(findings->cadence, page->lang);
    if (total->first_at != CT_USEC_NONE) {
        char day[CT_FORMAT_BYTES];
        ct_format_date(findings->zone, total->first_at, day);
        ct_page_text(page, day);
        ct_page_raw(page, " – ");
        ct_format_date(findings->zone, total->last_at, day);
        ct_page_text(page, day);
    } else {
        ct_page_raw(page, ct_page_word(page, "conversations without times", "conversaciones sin hora"));
    }
    ct_page_raw(page, " · ");
    ct_page_text(page, findings->zone_name ? findings->zone_name : "UTC");
    if (total->to != CT_USEC_NONE && (findings->period_given || total->events)) {
        ct_page_raw(page, "<br>→ ");
        ct_page_raw(page, review                   ? review
                          : findings->period_given ? ct_page_word(page, "Period", "Periodo")
                                                   : ct_page_word(page, "Business period", "Periodo de negocio"));
        ct_page_raw(page, ": ");
        page_period(page, findings, total->from, total->to);
    }
    if (findings->compared) {
        ct_page_raw(page, ct_page_word(page, ", against ", ", frente a "));
        page_period(page, findings, findings->before_from, findings->before_to);
    }
    for (size_t i = 0; i < findings->where_count; i++) {
        ct_page_raw(page, ct_page_word(page, "<br>only ", "<br>solo "));
        ct_page_text(page, findings->where[i]);
    }
}

static void page_header(const struct ct_page *page, const struct ct_findings *findings, const char *title)
{
    const struct ct_block *total = &findings->total;
    ct_page_raw(
        page, "<header><div><div class=\"mark\"><svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><rect x=\"1\" y=\"1\" "
              "width=\"22\" height=\"22\" rx=\"6\" fill=\"var(--accent)\"/><path d=\"M5 9.5h14M5 14.5h6.5M15 9.5v8\" "
              "stroke=\"#fff\" stroke-width=\"2\" stroke-linecap=\"round\" fill=\"none\"/></svg>convtap</div><h1>");
    ct_page_text(page, title);
    ct_page_raw(page, "</h1><p class=\"sub\">");
    page_dates(page, findings);
    ct_page_raw(page, "</p></div><dl class=\"facts\">");
    page_fact(page, ct_page_word(page, "conversations", "conversaciones"), total->conversations);
    page_fact(page, ct_page_word(page, "messages", "mensajes"), total->messages);
    page_fact(page, ct_page_word(page, "customers", "clientes"), total->customers);
    if (total->events) {
        page_fact(page, ct_page_word(page, "business events", "eventos de negocio"), total->events);
    }
    ct_page_raw(page, "</dl></header>\n");
}

static void page_tiles(const struct ct_page *page, const struct ct_block *total)
{
    static const char *const ids[] = {"automation_rate",     "escalation_rate",     "fcr", "csat", "nps", "aht",
                                      "first_response_time", "cost_per_interaction"};
    ct_page_raw(page, "<section class=\"tiles\">\n");
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        ct_page_tile(page, total, ids[i]);
    }
    ct_page_raw(page, "</section>\n");
}

static void page_drop_words(const struct ct_page *page, const char *reason)
{
    const struct ct_drop_words *words = ct_drop_words(reason);
    ct_page_text(page, reason);
    if (words) {
        ct_page_raw(page, "<p class=\"sub\">");
        ct_page_text(page, words->means[page->lang]);
        if (words->remedy[page->lang]) {
            ct_page_raw(page, "<br>");
            ct_page_text(page, words->remedy[page->lang]);
        }
        ct_page_raw(page, "</p>");
    }
}

static void page_drops(const struct ct_page *page, const struct ct_findings *findings)
{
    bool any = false;
    for (size_t i = 0; i < findings->drop_count; i++) {
        if (!findings->drops[i].count) {
            continue;
        }
        if (!any) {
            any = true;
            ct_page_raw(page, "<section><h2>");
            ct_page_raw(page, ct_page_word(page, "Left out, by name", "Lo que quedó fuera, por su nombre"));
            ct_page_raw(page, "</h2><div class=\"scroll\"><table><tbody>\n");
        }
        ct_page_raw(page, "<tr><td>");
        page_drop_words(page, findings->drops[i].reason);
        ct_page_raw(page, "</td><td class=\"r\">");
        ct_page_count(page, findings->drops[i].count);
        ct_page_raw(page, "</td></tr>\n");
    }
    if (any) {
        ct_page_raw(page, "</tbody></table></div></section>\n");
    }
}

static void page_inputs(const struct ct_page *page, const struct ct_findings *findings)
{
    ct_page_raw(page, "<section><h2>");
    ct_page_raw(page, ct_page_word(page, "Inputs", "Entradas"));
    ct_page_raw(page, "</h2><div class=\"scroll\"><table><thead><tr><th>");
    ct_page_raw(page,
                ct_page_word(page,
                             "File</th><th>SHA-256</th><th class=\"r\">Bytes</th><th class=\"r\">Messages</th><th "
                             "class=\"r\">Conversations</th><th class=\"r\">Refused",
                             "Archivo</th><th>SHA-256</th><th class=\"r\">Bytes</th><th class=\"r\">Mensajes</th><th "
                             "class=\"r\">Conversaciones</th><th class=\"r\">Rechazados"));
    ct_page_raw(page, "</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < findings->input_count; i++) {
        const struct ct_input_note *input = &findings->inputs[i];
        ct_page_raw(page, "<tr><td>");
        ct_page_text(page, input->path);
        ct_page_raw(page, "</td><td class=\"hash\">");
        ct_page_text(page, input->sha256 && input->sha256[0] ? input->sha256 : "–");
        const uint64_t counts[] = {input->bytes, input->messages, input->conversations, input->refused};
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            ct_page_raw(page, "</td><td class=\"r\">");
            ct_page_count(page, counts[c]);
        }
        ct_page_raw(page, "</td></tr>\n");
    }
    ct_page_raw(page, "</tbody></table></div></section>\n");
}

static void page_entry(const struct ct_page *page, const char *name, const char *value)
{
    if (value && value[0]) {
        ct_page_raw(page, "<dt>");
        ct_page_raw(page, name);
        ct_page_raw(page, "</dt><dd class=\"hash\">");
        ct_page_text(page, value);
        ct_page_raw(page, "</dd>");
    }
}

static void page_provenance(const struct ct_page *page, const struct ct_findings *findings)
{
    char when[40] = "";
    if (findings->generated_at != CT_USEC_NONE) {
        ct_time_format(findings->generated_at, when);
    }
    ct_page_raw(page, "<section><h2>");
    ct_page_raw(page, ct_page_word(page, "Where these numbers come from", "De dónde salen estos números"));
    ct_page_raw(page, "</h2><div class=\"card\"><dl class=\"prov\">");
    page_entry(page, ct_page_word(page, "as of", "a fecha de"), when);
    page_entry(page, ct_page_word(page, "rules", "reglas"), findings->rules_hash);
    page_entry(page, ct_page_word(page, "profile", "perfil"), findings->profile);
    page_entry(page, "convtap", findings->version);
    ct_page_raw(page, "</dl></div></section>\n<footer>");
    ct_page_raw(
        page,
        ct_page_word(
            page,
            "Ratios carry 95 % Wilson intervals, means 95 % normal intervals; percentiles are within 1 %; two "
            "periods are compared by the 95 % interval of the difference. Every conversation has exactly one outcome, "
            "so shares add up to 100 %. A dash is a KPI with nothing to count, "
            "which is not zero. The same inputs, rules and profile give this page again, byte for byte.",
            "Los porcentajes llevan intervalos de Wilson del 95 %, las medias intervalos normales del 95 %; los "
            "percentiles tienen un error menor del 1 %; dos periodos se comparan por el intervalo del 95 % de la "
            "diferencia. Cada conversación tiene exactamente un resultado, así que las "
            "cuotas suman 100 %. Una raya es un KPI sin nada que contar, que no es cero. Las mismas entradas, reglas y "
            "perfil dan de nuevo esta página, byte a byte."));
    ct_page_raw(page, "</footer>\n");
}

void ct_report_write(struct ct_out *out, const struct ct_findings *findings, const struct ct_report_options *options)
{
    struct ct_page page = {out, options ? options->lang : CT_LANG_EN};
    const char *title = options && options->title
                            ? options->title
                            : ct_page_word(&page, "Conversation audit", "Auditoría de conversaciones");
    page_head(&page, findings, title);
    page_header(&page, findings, title);
    page_tiles(&page, &findings->total);
    ct_page_outcomes(&page, &findings->total);
    size_t belong;
    const enum ct_family *families = ct_cadence_families(findings->cadence, &belong);
    for (int i = 0; i < CT_FAMILY_COUNT; i++) {
        ct_page_family(&page, findings, families[i]);
    }
    /* Further sections, each a function of the page and the findings that writes nothing where it has nothing. */
    static void (*const sections[])(const struct ct_page *, const struct ct_findings *) = {
        ct_page_alarms, ct_page_quality, ct_page_feedback, ct_page_slices, page_drops, page_inputs, page_provenance};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        sections[i](&page, findings);
    }
    ct_page_raw(&page, "</main></body></html>\n");
}
