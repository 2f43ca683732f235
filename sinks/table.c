/* table.c - the findings for a terminal. Called by `convtap audit` and `convtap kpis`. The KPI rows are in
 * table_figures.c, cells in table_cell.c.
 */
#include "sinks/table.h"

#include <stdio.h>

#include "engine/drop.h"
#include "sinks/alarms.h"
#include "sinks/quality.h"
#include "sinks/table_parts.h"

/* ---- the head: how much, and from when -------------------------------------------------------------------------- */

static void put_counted(const struct ct_table *t, uint64_t count, const char *noun)
{
    char text[CT_FORMAT_BYTES];
    ct_format_count((ct_wide)count, t->lang, text);
    ct_table_style_on(t, CT_TABLE_BOLD);
    ct_out_text(t->out, text);
    ct_table_style_off(t, CT_TABLE_BOLD);
    ct_out_char(t->out, ' ');
    ct_out_text(t->out, noun);
}

static void put_dot(const struct ct_table *t)
{
    ct_out_text(t->out, t->ascii ? " - " : " · ");
}

static bool is_zoned(const struct ct_findings *findings)
{
    return findings->zone_name && strcmp(findings->zone_name, "UTC") != 0;
}

/* What was asked for: a review, a period, filters; and what business figures speak for. */
static void write_asked(const struct ct_table *t, const struct ct_findings *findings)
{
    char period[CT_FORMAT_BYTES];
    const struct ct_block *total = &findings->total;
    const char *review = ct_format_cadence(findings->cadence, t->lang);
    if (total->to != CT_USEC_NONE && (findings->period_given || total->events)) {
        ct_format_period(findings->zone, total->from, total->to, t->lang, period);
        ct_table_style_on(t, CT_TABLE_BOLD);
        ct_out_text(t->out, review                   ? review
                            : findings->period_given ? ct_table_word(t, "Period", "Periodo")
                                                     : ct_table_word(t, "Business period", "Periodo de negocio"));
        ct_table_style_off(t, CT_TABLE_BOLD);
        ct_out_format(t->out, ": %s (%.32s)", period, findings->zone_name ? findings->zone_name : "UTC");
        if (findings->compared) {
            ct_format_period(findings->zone, findings->before_from, findings->before_to, t->lang, period);
            ct_out_format(t->out, "%s%s", ct_table_word(t, "\n  against ", "\n  frente a "), period);
        }
        ct_table_end_line(t);
    }
    for (size_t i = 0; i < findings->where_count; i++) {
        char shown[160];
        (void)snprintf(shown, sizeof shown, "%s %s", ct_table_word(t, "only", "solo"), findings->where[i]);
        ct_table_text(t, shown, t->width - 1, false, CT_TABLE_DIM);
        ct_table_end_line(t);
    }
}

static void write_head(const struct ct_table *t, const struct ct_findings *findings)
{
    const struct ct_block *total = &findings->total;
    put_counted(t, total->conversations,
                total->conversations == 1 ? ct_table_word(t, "conversation", "conversación")
                                          : ct_table_word(t, "conversations", "conversaciones"));
    put_dot(t);
    put_counted(t, total->messages, ct_table_word(t, "messages", "mensajes"));
    if (total->customers) {
        put_dot(t);
        put_counted(t, total->customers, ct_table_word(t, "customers", "clientes"));
    }
    if (total->events) {
        put_dot(t);
        put_counted(t, total->events, ct_table_word(t, "business events", "eventos de negocio"));
    }
    if (total->first_at != CT_USEC_NONE) {
        char from[CT_FORMAT_BYTES], to[CT_FORMAT_BYTES];
        ct_format_date(findings->zone, total->first_at, from);
        ct_format_date(findings->zone, total->last_at, to);
        ct_out_text(t->out, t->width < 90 || total->events || is_zoned(findings) ? "\n" : t->ascii ? " - " : " · ");
        ct_out_text(t->out, from);
        if (strcmp(from, to) != 0) {
            ct_out_text(t->out, ct_table_word(t, " to ", " a "));
            ct_out_text(t->out, to);
        }
        if (is_zoned(findings)) {
            ct_out_format(t->out, " (%.60s)", findings->zone_name);
        }
    }
    ct_table_end_line(t);
    write_asked(t, findings);
}

/* ---- how conversations ended ------------------------------------------------------------------------------------- */

static enum ct_table_style outcome_style(enum ct_outcome outcome)
{
    static const enum ct_table_style styles[CT_OUTCOME_COUNT] = {
        [CT_OUTCOME_NOT_ENGAGED] = CT_TABLE_DIM,
        [CT_OUTCOME_ESCALATED] = CT_TABLE_BLUE,
        [CT_OUTCOME_ESCALATION_FAILED] = CT_TABLE_MAGENTA,
        [CT_OUTCOME_RESOLVED_CONFIRMED] = CT_TABLE_GREEN,
        [CT_OUTCOME_UNRESOLVED] = CT_TABLE_RED,
        [CT_OUTCOME_RESOLVED_IMPLIED] = CT_TABLE_GREEN,
        [CT_OUTCOME_SILENT] = CT_TABLE_YELLOW,
        [CT_OUTCOME_ABANDONED] = CT_TABLE_RED,
    };
    return styles[outcome];
}

/* A bar of `eighths` of a column. */
static size_t put_bar(const struct ct_table *t, size_t eighths)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    if (t->ascii) {
        ct_out_fill(t->out, "#", (eighths + 4) / 8);
        return (eighths + 4) / 8;
    }
    ct_out_fill(t->out, "█", eighths / 8);
    ct_out_text(t->out, parts[eighths % 8]);
    return eighths / 8 + (eighths % 8 > 0);
}

static void write_outcomes(const struct ct_table *t, const struct ct_block *block)
{
    /* From best to worst, which is not the order of precedence. */
    static const enum ct_outcome order[CT_OUTCOME_COUNT] = {
        CT_OUTCOME_RESOLVED_CONFIRMED, CT_OUTCOME_RESOLVED_IMPLIED,  CT_OUTCOME_SILENT,    CT_OUTCOME_ESCALATED,
        CT_OUTCOME_UNRESOLVED,         CT_OUTCOME_ESCALATION_FAILED, CT_OUTCOME_ABANDONED, CT_OUTCOME_NOT_ENGAGED};
    uint64_t counts[CT_OUTCOME_COUNT];
    unsigned tenths[CT_OUTCOME_COUNT];
    for (size_t i = 0; i < CT_OUTCOME_COUNT; i++) {
        counts[i] = block->outcomes[order[i]];
    }
    ct_format_shares(counts, CT_OUTCOME_COUNT, tenths);
    ct_table_heading(t, ct_table_word(t, "How conversations ended", "Cómo terminaron las conversaciones"));
    size_t bar = t->width - 32 - 22;
    for (size_t i = 0; i < CT_OUTCOME_COUNT; i++) {
        char text[CT_FORMAT_BYTES];
        ct_out_text(t->out, "  ");
        ct_table_text(t, ct_format_outcome(order[i], t->lang), 30, false, CT_TABLE_PLAIN);
        ct_table_style_on(t, outcome_style(order[i]));
        size_t used = put_bar(t, (size_t)tenths[i] * bar * 8 / 1000);
        ct_table_style_off(t, outcome_style(order[i]));
        ct_out_fill(t->out, " ", bar > used ? bar - used : 0);
        ct_format_count((ct_wide)counts[i], t->lang, text);
        ct_table_text(t, text, 12, true, CT_TABLE_PLAIN);
        size_t len = ct_format_decimal((ct_wide)tenths[i], 10, 1, t->lang, text);
        memcpy(text + len, " %", 3);
        ct_table_text(t, text, 10, true, CT_TABLE_BOLD);
        ct_table_end_line(t);
    }
}

/* ---- slices: one row each, the headline KPIs as columns ------------------------------------------------------------
 */

/* "70.0 %", with a mark where it has really changed. */
static void put_slice_value(const struct ct_table *t, const struct ct_figure *figure, bool compared, size_t columns)
{
    char text[CT_FORMAT_BYTES + 8];
    int better = figure ? ct_change_better(figure) : 0;
    enum ct_change_verdict verdict = figure ? figure->change.verdict : CT_CHANGE_NONE;
    bool value = figure && figure->has_value;
    size_t len = value ? ct_format_value(figure, t->lang, text) : (size_t)snprintf(text, 8, "%s", t->ascii ? "-" : "–");
    const char *mark = verdict == CT_CHANGE_UP     ? t->ascii ? " +" : " ▲"
                       : verdict == CT_CHANGE_DOWN ? t->ascii ? " -" : " ▼"
                       : compared                  ? "  "
                                                   : "";
    memcpy(text + len, mark, strlen(mark) + 1);
    ct_table_text(t, text, columns, true,
                  !value       ? CT_TABLE_DIM
                  : better > 0 ? CT_TABLE_GREEN
                  : better < 0 ? CT_TABLE_RED
                               : CT_TABLE_PLAIN);
}

/* The next column that has something to show: figures of conversations, or those of business events. */
static const char *column(const struct ct_table *t, const struct ct_findings *findings, bool business, size_t *at,
                          const char **id)
{
    const char *head;
    while ((head = ct_format_column(*at, t->lang, id))) {
        const struct ct_figure *figure = ct_block_figure(&findings->total, *id);
        ++*at;
        if (!figure ||
            business != (figure->kpi->family == CT_FAMILY_BUSINESS || figure->kpi->family == CT_FAMILY_LIFECYCLE)) {
            continue;
        }
        bool any = figure->has_value;
        for (size_t i = 0; i < findings->slice_count && !any; i++) {
            const struct ct_figure *own = ct_block_figure(&findings->slices[i], *id);
            any = own && own->has_value;
        }
        if (any) {
            return head;
        }
    }
    return NULL;
}

/* `count` conversations or business events, and the columns' values, of each slice. */
static void write_slice_table(const struct ct_table *t, const struct ct_findings *findings, bool business)
{
    enum { COUNT = 10 };
    bool pair = strchr(findings->group_by, ',') != NULL;
    size_t name_width = pair ? 32 : 24, cell = findings->compared ? 15 : 13;
    size_t fit = (t->width - name_width - COUNT) / cell, next = 0;
    const char *id, *head;
    ct_out_fill(t->out, " ", name_width);
    ct_table_text(t, business ? ct_table_word(t, "events", "eventos") : "n", COUNT, true, CT_TABLE_DIM);
    for (size_t c = 0; c < fit && (head = column(t, findings, business, &next, &id)); c++) {
        ct_table_text(t, head, cell, true, CT_TABLE_DIM);
    }
    ct_table_end_line(t);
    for (size_t i = 0; i < findings->slice_count; i++) {
        const struct ct_block *slice = &findings->slices[i];
        char text[CT_FORMAT_SLICE_BYTES];
        ct_out_text(t->out, "  ");
        ct_table_cell(t, ct_format_slice(slice, findings->group_by, t->lang, text), name_width - 2, false,
                      CT_TABLE_PLAIN);
        ct_format_count((ct_wide)(business ? slice->events : slice->conversations), t->lang, text);
        ct_table_text(t, text, COUNT, true, CT_TABLE_PLAIN);
        next = 0;
        for (size_t c = 0; c < fit && column(t, findings, business, &next, &id); c++) {
            put_slice_value(t, ct_block_figure(slice, id), findings->compared, cell);
        }
        ct_table_end_line(t);
    }
}

static void write_slices(const struct ct_table *t, const struct ct_findings *findings)
{
    const char *id;
    size_t next = 0;
    char title[CT_FORMAT_BYTES], group[CT_FORMAT_BYTES];
    if (!findings->group_by || !findings->slice_count) {
        return;
    }
    ct_format_group(findings->group_by, findings->zone_name, t->lang, group);
    snprintf(title, sizeof title, "%s %.80s", ct_table_word(t, "By", "Por"), group);
    ct_table_heading(t, title);
    write_slice_table(t, findings, false);
    if (column(t, findings, true, &next, &id)) {
        ct_table_end_line(t);
        write_slice_table(t, findings, true);
    }
}

/* ---- what human marks say of the rules --------------------------------------------------------------------------- */

static void write_quality(const struct ct_table *t, const struct ct_findings *findings)
{
    if (findings->quality) {
        ct_table_heading(t, ct_table_word(t, "The rules against human marks", "Las reglas frente a marcas humanas"));
        ct_quality_text(t->out, findings->quality, t->lang);
    }
}

/* ---- what was left out ------------------------------------------------------------------------------------------ */

static void write_drop_words(const struct ct_table *t, const char *reason)
{
    const struct ct_drop_words *words = ct_drop_words(reason);
    if (words) {
        ct_table_prose(t, "    ", words->means[t->lang], CT_TABLE_PLAIN);
        if (words->remedy[t->lang]) {
            ct_table_prose(t, t->ascii ? "    > " : "    → ", words->remedy[t->lang], CT_TABLE_DIM);
        }
    }
}

static void write_tail(const struct ct_table *t, const struct ct_findings *findings)
{
    bool any = false;
    char text[CT_FORMAT_BYTES];
    uint64_t refused = 0;
    for (size_t i = 0; i < findings->input_count; i++) {
        refused += findings->inputs[i].refused;
    }
    for (size_t i = 0; i < findings->drop_count; i++) {
        if (!findings->drops[i].count) {
            continue;
        }
        if (!any) {
            ct_table_heading(t, ct_table_word(t, "Left out", "Quedó fuera"));
            any = true;
        }
        ct_out_text(t->out, "  ");
        ct_table_text(t, findings->drops[i].reason, 40, false, CT_TABLE_PLAIN);
        ct_format_count((ct_wide)findings->drops[i].count, t->lang, text);
        ct_table_text(t, text, 12, true, CT_TABLE_YELLOW);
        ct_table_end_line(t);
        write_drop_words(t, findings->drops[i].reason);
    }
    for (size_t i = 0; i < findings->input_count && refused; i++) {
        const struct ct_input_note *input = &findings->inputs[i];
        if (input->refused) {
            ct_out_text(t->out, "  ");
            ct_table_text(t, input->path, t->width > 34 ? t->width - 34 : 10, false, CT_TABLE_PLAIN);
            ct_format_count((ct_wide)input->refused, t->lang, text);
            ct_table_text(t, text, 12, true, CT_TABLE_YELLOW);
            ct_out_text(t->out, ct_table_word(t, " refused\n", " rechazados\n"));
        }
    }
    if (findings->rules_hash && findings->rules_hash[0]) {
        ct_table_end_line(t);
        ct_table_style_on(t, CT_TABLE_DIM);
        ct_out_format(t->out, "%s %.12s", ct_table_word(t, "rules", "reglas"), findings->rules_hash);
        if (findings->profile) {
            ct_out_format(t->out, "%s%s %.40s", t->ascii ? " - " : " · ", ct_table_word(t, "profile", "perfil"),
                          findings->profile);
        }
        ct_table_style_off(t, CT_TABLE_DIM);
        ct_table_end_line(t);
    }
}

static struct ct_table table_of(struct ct_out *out, const struct ct_table_options *options)
{
    struct ct_table t = {.out = out, .lang = CT_LANG_EN, .width = 100};
    if (options) {
        t.lang = options->lang;
        t.colour = options->colour;
        t.ascii = options->ascii;
        t.width = options->width ? options->width : 100;
    }
    t.width = t.width < 72 ? 72 : t.width > 160 ? 160 : t.width;
    return t;
}

void ct_table_write(struct ct_out *out, const struct ct_findings *findings, const struct ct_table_options *options)
{
    struct ct_table t = table_of(out, options);
    size_t belong;
    const enum ct_family *families = ct_cadence_families(findings->cadence, &belong);
    t.zone = findings->zone;
    ct_table_columns(&t, &findings->total);
    write_head(&t, findings);
    write_outcomes(&t, &findings->total);
    ct_table_column_heads(&t);
    for (int i = 0; i < CT_FAMILY_COUNT; i++) {
        ct_table_family(&t, &findings->total, families[i]);
    }
    /* Further sections, each a function of the table and the findings that writes nothing where it has nothing. */
    static void (*const sections[])(const struct ct_table *, const struct ct_findings *) = {
        ct_table_alarms, write_quality, write_slices, write_tail};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        sections[i](&t, findings);
    }
}

void ct_table_catalogue(struct ct_out *out, const struct ct_kpi *kpis, size_t count,
                        const struct ct_table_options *options)
{
    struct ct_table t = table_of(out, options);
    for (int family = 0; family < CT_FAMILY_COUNT; family++) {
        ct_table_heading(&t, ct_family_name((enum ct_family)family, t.lang));
        for (size_t i = 0; i < count; i++) {
            const struct ct_kpi *kpi = &kpis[i];
            if (kpi->family != (enum ct_family)family) {
                continue;
            }
            ct_out_text(out, "  ");
            ct_table_text(&t, kpi->id, 36, false, kpi->parent ? CT_TABLE_PLAIN : CT_TABLE_CYAN);
            ct_table_text(&t, kpi->name[t.lang], t.width - 38, false, kpi->parent ? CT_TABLE_PLAIN : CT_TABLE_BOLD);
            ct_table_end_line(&t);
            ct_out_fill(out, " ", 38);
            ct_table_text(&t, kpi->formula[t.lang], t.width - 38, false, CT_TABLE_DIM);
            ct_table_end_line(&t);
        }
    }
}
