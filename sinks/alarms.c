/* alarms.c - alarms in JSON, for people in a terminal, and in the report. See alarms.h. */
#include "sinks/alarms.h"

#include <stdio.h>

#include "sinks/format.h"

/* ---- JSON ---- */

static void write_amount(struct ct_writer *json, const char *key, int64_t micro)
{
    ct_writer_key(json, key);
    ct_writer_decimal(json, micro, 1000000, 6);
}

static void write_reading(struct ct_writer *json, const struct ct_alarm_reading *reading)
{
    ct_writer_open(json, '{');
    ct_writer_key(json, "condition");
    ct_writer_text(json, reading->condition);
    ct_writer_key(json, "kpi");
    ct_writer_text(json, reading->kpi->id);
    if (reading->key[0]) {
        ct_writer_key(json, "key");
        ct_writer_string(json, ct_span_of(reading->key));
    }
    ct_writer_key(json, "unit");
    ct_writer_text(json, ct_unit_text(reading->kpi->unit));
    write_amount(json, "value", reading->value_micro);
    if (reading->has_before) {
        write_amount(json, "before", reading->before_micro);
    }
    ct_writer_key(json, "n");
    ct_writer_wide(json, (ct_wide)reading->n);
    ct_writer_close(json, '}');
}

static void write_times(struct ct_writer *json, const struct ct_alarm_entry *entry)
{
    ct_writer_key(json, "held");
    ct_writer_wide(json, entry->held);
    ct_writer_key(json, "hold");
    ct_writer_wide(json, entry->hold);
    ct_writer_key(json, "since");
    ct_writer_time(json, entry->since);
    ct_writer_key(json, "raised_at");
    ct_writer_time(json, entry->raised_at);
    ct_writer_key(json, "cleared_at");
    ct_writer_time(json, entry->cleared_at);
    ct_writer_key(json, "judged_at");
    ct_writer_time(json, entry->judged_at);
    if (entry->phase == CT_ALARM_CLEARED) {
        ct_writer_key(json, "cleared_by");
        ct_writer_text(json, ct_alarm_end_text(entry->end));
    }
}

void ct_alarm_json(struct ct_writer *json, const struct ct_alarm_entry *entry)
{
    ct_writer_open(json, '{');
    ct_writer_key(json, "name");
    ct_writer_text(json, entry->name);
    ct_writer_key(json, "state");
    ct_writer_text(json, ct_alarm_phase_text(entry->phase));
    ct_writer_key(json, "severity");
    ct_writer_text(json, ct_alarm_severity_text(entry->severity));
    ct_writer_key(json, "slice");
    if (entry->by[0]) {
        ct_writer_open(json, '{');
        ct_writer_key(json, "by");
        ct_writer_text(json, entry->by);
        ct_writer_key(json, "key");
        ct_writer_string(json, ct_span_of(entry->slice));
        ct_writer_close(json, '}');
    } else {
        ct_writer_null(json);
    }
    ct_writer_key(json, "kpi");
    ct_writer_text(json, entry->kpi[0] ? entry->kpi : NULL);
    write_times(json, entry);
    ct_writer_key(json, "because");
    ct_writer_open(json, '[');
    for (unsigned i = 0; i < entry->reading_count; i++) {
        write_reading(json, &entry->readings[i]);
    }
    ct_writer_close(json, ']');
    ct_writer_both(json, "action", entry->action);
    ct_writer_close(json, '}');
}

/* Of the past ones those that this evaluation cleared. */
static bool is_news(const struct ct_alarm_findings *alarms, const struct ct_alarm_entry *past)
{
    return past->cleared_at == alarms->judged_at;
}

void ct_alarms_json(struct ct_writer *json, const struct ct_alarm_findings *alarms)
{
    ct_writer_open(json, '[');
    for (size_t i = 0; i < alarms->count; i++) {
        ct_alarm_json(json, &alarms->entries[i]);
    }
    for (size_t i = 0; i < alarms->past_count; i++) {
        if (is_news(alarms, &alarms->past[i])) {
            ct_alarm_json(json, &alarms->past[i]);
        }
    }
    for (size_t i = 0; i < alarms->unjudged_count; i++) {
        ct_writer_open(json, '{');
        ct_writer_key(json, "name");
        ct_writer_text(json, alarms->unjudged[i].name);
        ct_writer_key(json, "state");
        ct_writer_text(json, "not_judged");
        ct_writer_both(json, "reason", alarms->unjudged[i].reason);
        ct_writer_close(json, '}');
    }
    ct_writer_close(json, ']');
}

void ct_alarm_message(struct ct_writer *json, const struct ct_alarm_entry *entry)
{
    char id[CT_ALARM_ID_BYTES];
    bool cleared = entry->phase == CT_ALARM_CLEARED;
    ct_alarm_id(entry, id);
    ct_writer_open(json, '{');
    ct_writer_key(json, "type");
    ct_writer_text(json, cleared ? "alarm.cleared" : "alarm.raised");
    ct_writer_key(json, "timestamp");
    ct_writer_time(json, cleared ? entry->cleared_at : entry->raised_at);
    ct_writer_key(json, "data");
    ct_writer_open(json, '{');
    ct_writer_key(json, "id");
    ct_writer_text(json, id);
    ct_writer_key(json, "alarm");
    ct_alarm_json(json, entry);
    ct_writer_close(json, '}');
    ct_writer_close(json, '}');
}

/* ---- words ---- */

static size_t write_because(const struct ct_alarm_reading *reading, enum ct_lang lang, char *out, size_t room)
{
    char value[CT_FORMAT_BYTES], before[CT_FORMAT_BYTES] = "", count[CT_FORMAT_BYTES];
    struct ct_figure figure = {.kpi = reading->kpi};
    memcpy(figure.key, reading->key, sizeof figure.key);
    ct_format_amount(&figure, reading->value_micro, 1000000, lang, value);
    if (reading->has_before) {
        ct_format_amount(&figure, reading->before_micro, 1000000, lang, before);
    }
    ct_format_count((ct_wide)reading->n, lang, count);
    int len = snprintf(out, room, "%s %s (%s%s%s, n %s)", reading->kpi->id, value, reading->condition,
                       reading->has_before ? (lang == CT_LANG_ES ? ", antes " : ", before ") : "", before, count);
    return len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1;
}

size_t ct_alarm_because(const struct ct_alarm_entry *entry, enum ct_lang lang, char out[CT_ALARM_BECAUSE_BYTES])
{
    size_t len = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < entry->reading_count && len + 4 < CT_ALARM_BECAUSE_BYTES; i++) {
        if (i) {
            memcpy(out + len, "; ", 3);
            len += 2;
        }
        len += write_because(&entry->readings[i], lang, out + len, CT_ALARM_BECAUSE_BYTES - len);
    }
    return len;
}

static const char *phase_word(const struct ct_alarm_entry *entry, enum ct_lang lang)
{
    static const char *const words[CT_ALARM_PHASE_COUNT][CT_LANG_COUNT] = {
        [CT_ALARM_HOLDING] = {"holding", "en espera"},
        [CT_ALARM_RAISED] = {"raised", "activa"},
        [CT_ALARM_CLEARED] = {"cleared", "terminada"},
    };
    return words[entry->phase][lang];
}

static const char *severity_word(const struct ct_alarm_entry *entry, enum ct_lang lang)
{
    static const char *const words[CT_ALARM_SEVERITY_COUNT][CT_LANG_COUNT] = {
        [CT_ALARM_INFO] = {"info", "aviso"},
        [CT_ALARM_WARNING] = {"warning", "alerta"},
        [CT_ALARM_CRITICAL] = {"critical", "crítica"},
    };
    return words[entry->severity][lang];
}

/* "raised 2026-11-21", "holding 1/2", "cleared 2026-11-22". */
static void state_text(const struct ct_alarm_entry *entry, const struct ct_zone *zone, enum ct_lang lang, char *out,
                       size_t room)
{
    char day[CT_FORMAT_BYTES] = "";
    ct_usec when = entry->phase == CT_ALARM_CLEARED ? entry->cleared_at : entry->raised_at;
    if (entry->phase == CT_ALARM_HOLDING) {
        (void)snprintf(day, sizeof day, "%u/%u", entry->held, entry->hold);
    } else if (when != CT_USEC_NONE) {
        ct_format_date(zone, when, day);
    }
    (void)snprintf(out, room, "%s %s", phase_word(entry, lang), day);
}

/* "target_missed csat, segment smb" */
static void name_text(const struct ct_alarm_entry *entry, enum ct_lang lang, char *out, size_t room)
{
    const char *not_said = lang == CT_LANG_ES ? "(no consta)" : "(not said)";
    (void)snprintf(out, room, "%s%s%s%s%s%s%s", entry->name, entry->kpi[0] ? " " : "", entry->kpi,
                   entry->by[0] ? ", " : "", entry->by, entry->by[0] ? " " : "",
                   !entry->by[0]     ? ""
                   : entry->slice[0] ? entry->slice
                                     : not_said);
}

/* ---- the table ---- */

static void table_entry(const struct ct_table *t, const struct ct_findings *findings,
                        const struct ct_alarm_entry *entry, bool with_action)
{
    enum { SEVERITY = 10, STATE = 22 };
    static const enum ct_table_style styles[] = {CT_TABLE_CYAN, CT_TABLE_YELLOW, CT_TABLE_RED};
    char text[CT_ALARM_BECAUSE_BYTES];
    size_t name = t->width - SEVERITY - STATE - 2;
    ct_out_text(t->out, "  ");
    ct_table_text(t, severity_word(entry, t->lang), SEVERITY, false,
                  entry->phase == CT_ALARM_RAISED ? styles[entry->severity] : CT_TABLE_DIM);
    name_text(entry, t->lang, text, sizeof text);
    ct_table_text(t, text, name, false, CT_TABLE_PLAIN);
    state_text(entry, findings->zone, t->lang, text, sizeof text);
    ct_table_text(t, text, STATE, true, CT_TABLE_PLAIN);
    ct_table_end_line(t);
    ct_alarm_because(entry, t->lang, text);
    ct_out_fill(t->out, " ", SEVERITY + 2);
    ct_table_text(t, text, t->width - SEVERITY - 2, false, CT_TABLE_DIM);
    ct_table_end_line(t);
    if (with_action && entry->action[t->lang]) {
        ct_out_fill(t->out, " ", SEVERITY + 2);
        ct_table_text(t, entry->action[t->lang], t->width - SEVERITY - 2, false, CT_TABLE_PLAIN);
        ct_table_end_line(t);
    }
}

void ct_table_alarms(const struct ct_table *t, const struct ct_findings *findings)
{
    const struct ct_alarm_findings *a = findings->alarms;
    bool any = false;
    if (!a) {
        return;
    }
    for (size_t i = 0; i < a->count + a->past_count; i++) {
        const struct ct_alarm_entry *entry = i < a->count ? &a->entries[i] : &a->past[i - a->count];
        if (i >= a->count && !is_news(a, entry)) {
            continue;
        }
        if (!any) {
            ct_table_heading(t, ct_table_word(t, "Alarms", "Alarmas"));
            any = true;
        }
        bool last = i + 1 >= a->count || strcmp(a->entries[i + 1].name, entry->name) != 0;
        table_entry(t, findings, entry, last && entry->phase != CT_ALARM_CLEARED);
    }
}

/* ---- the report ---- */

static void page_cell(const struct ct_page *page, const char *text)
{
    ct_page_raw(page, "<td>");
    ct_page_text(page, text);
    ct_page_raw(page, "</td>");
}

static void page_entry(const struct ct_page *page, const struct ct_findings *findings,
                       const struct ct_alarm_entry *entry)
{
    char text[CT_ALARM_BECAUSE_BYTES];
    ct_page_raw(page, "<tr><td><span class=\"chip ");
    ct_page_raw(page, entry->phase == CT_ALARM_RAISED    ? "missed"
                      : entry->phase == CT_ALARM_CLEARED ? "met"
                                                         : "unknown");
    ct_page_raw(page, "\">");
    ct_page_text(page, severity_word(entry, page->lang));
    ct_page_raw(page, "</span></td>");
    name_text(entry, page->lang, text, sizeof text);
    page_cell(page, text);
    state_text(entry, findings->zone, page->lang, text, sizeof text);
    page_cell(page, text);
    ct_alarm_because(entry, page->lang, text);
    page_cell(page, text);
    page_cell(page, entry->action[page->lang] ? entry->action[page->lang] : "");
    ct_page_raw(page, "</tr>\n");
}

static void page_unjudged(const struct ct_page *page, const struct ct_alarm_findings *alarms)
{
    for (size_t i = 0; i < alarms->unjudged_count; i++) {
        const struct ct_alarm_unjudged *one = &alarms->unjudged[i];
        ct_page_raw(page, "<tr><td><span class=\"chip unknown\">–</span></td>");
        page_cell(page, one->name);
        page_cell(page, ct_page_word(page, "not judged", "sin evaluar"));
        page_cell(page, one->reason[page->lang]);
        ct_page_raw(page, "<td></td></tr>\n");
    }
}

void ct_page_alarms(const struct ct_page *page, const struct ct_findings *findings)
{
    const struct ct_alarm_findings *a = findings->alarms;
    if (!a || a->count + a->past_count + a->unjudged_count == 0) {
        return;
    }
    ct_page_raw(page, "<section id=\"alarms\"><h2>");
    ct_page_raw(page, ct_page_word(page, "Alarms", "Alarmas"));
    ct_page_raw(page, "</h2><div class=\"scroll\"><table><thead><tr>");
    ct_page_raw(page, ct_page_word(page, "<th></th><th>Alarm</th><th>State</th><th>Because</th><th>What to do</th>",
                                   "<th></th><th>Alarma</th><th>Estado</th><th>Motivo</th><th>Qué hacer</th>"));
    ct_page_raw(page, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < a->count; i++) {
        page_entry(page, findings, &a->entries[i]);
    }
    for (size_t i = 0; i < a->past_count; i++) {
        if (is_news(a, &a->past[i])) {
            page_entry(page, findings, &a->past[i]);
        }
    }
    page_unjudged(page, a);
    ct_page_raw(page, "</tbody></table></div></section>\n");
}
