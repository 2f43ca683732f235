/* table.c - the findings for a terminal. Called by `convtap audit` and `convtap kpis`.
 *
 * Texts of the input (channels, paths) are shown with their control characters replaced: a channel's name must not
 * be able to move somebody's cursor.
 */
#include "sinks/table.h"

#include "sinks/format.h"

struct table {
    struct ct_out *out;
    enum ct_lang lang;
    size_t width;
    bool colour, ascii;
    size_t name, value, interval, basis; /* columns of the KPI rows */
};

enum style { PLAIN, BOLD, DIM, GREEN, RED, CYAN, YELLOW, MAGENTA, BLUE };

static void style_on(const struct table *t, enum style style)
{
    static const char *const codes[] = {"",         "\x1b[1m",  "\x1b[2m",  "\x1b[32m", "\x1b[31m",
                                        "\x1b[36m", "\x1b[33m", "\x1b[35m", "\x1b[34m"};
    if (t->colour) {
        ct_out_text(t->out, codes[style]);
    }
}

static void style_off(const struct table *t, enum style style)
{
    if (t->colour && style != PLAIN) {
        ct_out_text(t->out, "\x1b[0m");
    }
}

/* Length of the UTF-8 character at `at`, 1 for a byte that is none. */
static size_t character_len(ct_span text, size_t at)
{
    unsigned char lead = (unsigned char)text.at[at];
    size_t len = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (at + len > text.len || !ct_utf8_valid((ct_span){text.at + at, len}, NULL)) {
        return 1;
    }
    return len;
}

enum { CLEAN_BYTES = 512 }; /* longer than any cell is wide */

/* A printable copy, with control characters (C0, DEL, C1) and bytes that are no UTF-8 as '?'. */
static ct_span cleaned(ct_span text, char *copy)
{
    size_t used = 0;
    for (size_t i = 0; i < text.len;) {
        size_t len = character_len(text, i);
        unsigned char byte = (unsigned char)text.at[i];
        bool control =
            len == 1 ? byte < 0x20 || byte >= 0x7F : len == 2 && byte == 0xC2 && (unsigned char)text.at[i + 1] < 0xA0;
        if (used + len > CLEAN_BYTES) {
            break;
        }
        if (control) {
            copy[used++] = '?';
        } else {
            memcpy(copy + used, text.at + i, len);
            used += len;
        }
        i += len;
    }
    return (ct_span){copy, used};
}

/* `text` cut to `columns` and padded; right = against the right edge. */
static void put_cell(const struct table *t, ct_span text, size_t columns, bool right, enum style style)
{
    char copy[CLEAN_BYTES];
    text = cleaned(text, copy);
    size_t width = ct_text_width(text);
    bool cut = width > columns;
    if (cut) {
        text = ct_text_clip(text, columns ? columns - 1 : 0);
        width = ct_text_width(text) + 1;
    }
    if (right && columns > width) {
        ct_out_fill(t->out, " ", columns - width);
    }
    style_on(t, style);
    ct_out_span(t->out, text);
    if (cut && columns) {
        ct_out_text(t->out, t->ascii ? "~" : "…");
    }
    style_off(t, style);
    if (!right && columns > width) {
        ct_out_fill(t->out, " ", columns - width);
    }
}

static void put_text(const struct table *t, const char *text, size_t columns, bool right, enum style style)
{
    put_cell(t, ct_span_of(text), columns, right, style);
}

static const char *word(const struct table *t, const char *en, const char *es)
{
    return t->lang == CT_LANG_ES ? es : en;
}

static void end_line(const struct table *t)
{
    ct_out_char(t->out, '\n');
}

static void heading(const struct table *t, const char *text)
{
    end_line(t);
    size_t width = ct_text_width(ct_span_of(text));
    style_on(t, BOLD);
    ct_out_text(t->out, text);
    style_off(t, BOLD);
    ct_out_char(t->out, ' ');
    style_on(t, DIM);
    ct_out_fill(t->out, t->ascii ? "-" : "─", t->width > width + 1 ? t->width - width - 1 : 0);
    style_off(t, DIM);
    end_line(t);
}

/* ---- the head: how much, and from when -------------------------------------------------------------------------- */

static void put_counted(const struct table *t, uint64_t count, const char *noun)
{
    char text[CT_FORMAT_BYTES];
    ct_format_count((ct_wide)count, t->lang, text);
    style_on(t, BOLD);
    ct_out_text(t->out, text);
    style_off(t, BOLD);
    ct_out_char(t->out, ' ');
    ct_out_text(t->out, noun);
}

static void write_head(const struct table *t, const struct ct_findings *findings)
{
    const struct ct_block *total = &findings->total;
    const char *dot = t->ascii ? " - " : " · ";
    put_counted(t, total->conversations,
                total->conversations == 1 ? word(t, "conversation", "conversación")
                                          : word(t, "conversations", "conversaciones"));
    ct_out_text(t->out, dot);
    put_counted(t, total->messages, word(t, "messages", "mensajes"));
    if (total->customers) {
        ct_out_text(t->out, dot);
        put_counted(t, total->customers, word(t, "customers", "clientes"));
    }
    if (total->first_at != CT_USEC_NONE) {
        char from[CT_FORMAT_BYTES], to[CT_FORMAT_BYTES];
        ct_format_day(total->first_at, from);
        ct_format_day(total->last_at, to);
        ct_out_text(t->out, t->width < 90 ? "\n" : dot);
        ct_out_text(t->out, from);
        if (strcmp(from, to) != 0) {
            ct_out_text(t->out, word(t, " to ", " a "));
            ct_out_text(t->out, to);
        }
    }
    end_line(t);
}

/* ---- how conversations ended ------------------------------------------------------------------------------------- */

static enum style outcome_style(enum ct_outcome outcome)
{
    static const enum style styles[CT_OUTCOME_COUNT] = {
        [CT_OUTCOME_NOT_ENGAGED] = DIM,
        [CT_OUTCOME_ESCALATED] = BLUE,
        [CT_OUTCOME_ESCALATION_FAILED] = MAGENTA,
        [CT_OUTCOME_RESOLVED_CONFIRMED] = GREEN,
        [CT_OUTCOME_UNRESOLVED] = RED,
        [CT_OUTCOME_RESOLVED_IMPLIED] = GREEN,
        [CT_OUTCOME_SILENT] = YELLOW,
        [CT_OUTCOME_ABANDONED] = RED,
    };
    return styles[outcome];
}

/* A bar of `eighths` of a column. */
static size_t put_bar(const struct table *t, size_t eighths)
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

static void write_outcomes(const struct table *t, const struct ct_block *block)
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
    heading(t, word(t, "How conversations ended", "Cómo terminaron las conversaciones"));
    size_t bar = t->width - 32 - 22;
    for (size_t i = 0; i < CT_OUTCOME_COUNT; i++) {
        char text[CT_FORMAT_BYTES];
        ct_out_text(t->out, "  ");
        put_text(t, ct_format_outcome(order[i], t->lang), 30, false, PLAIN);
        style_on(t, outcome_style(order[i]));
        size_t used = put_bar(t, (size_t)tenths[i] * bar * 8 / 1000);
        style_off(t, outcome_style(order[i]));
        ct_out_fill(t->out, " ", bar > used ? bar - used : 0);
        ct_format_count((ct_wide)counts[i], t->lang, text);
        put_text(t, text, 12, true, PLAIN);
        size_t len = ct_format_decimal((ct_wide)tenths[i], 10, 1, t->lang, text);
        memcpy(text + len, " %", 3);
        put_text(t, text, 10, true, BOLD);
        end_line(t);
    }
}

/* ---- KPI rows ---------------------------------------------------------------------------------------------------- */

static void put_status(const struct table *t, const struct ct_figure *figure)
{
    if (figure->target.op == CT_TARGET_NONE) {
        return;
    }
    char text[CT_FORMAT_BYTES];
    enum style style = figure->status == CT_STATUS_MET ? GREEN : figure->status == CT_STATUS_MISSED ? RED : DIM;
    const char *mark = figure->status == CT_STATUS_MET      ? t->ascii ? "ok " : "✓ "
                       : figure->status == CT_STATUS_MISSED ? t->ascii ? "!! " : "✗ "
                                                            : "";
    ct_format_target(figure, t->lang, text);
    ct_out_text(t->out, "  ");
    style_on(t, style);
    ct_out_text(t->out, mark);
    ct_out_text(t->out, text);
    style_off(t, style);
}

/* "  name (1-5)": variants two deeper, parts by their key. */
static void put_name(const struct table *t, const struct ct_figure *figure)
{
    char name[256];
    const char *base = figure->kpi->name[t->lang];
    size_t indent = figure->part ? 6 : figure->kpi->parent ? 4 : 2;
    if (figure->part) {
        snprintf(name, sizeof name, "%s", ct_format_key(figure, t->lang));
    } else if (figure->key[0] && figure->kpi->unit != CT_UNIT_MONEY) {
        snprintf(name, sizeof name, "%s (%s)", base, ct_format_key(figure, t->lang));
    } else {
        snprintf(name, sizeof name, "%s", base);
    }
    ct_out_fill(t->out, " ", indent);
    put_text(t, name, t->name - indent, false, figure->kpi->parent || figure->part ? PLAIN : BOLD);
}

static void write_percentiles(const struct table *t, const struct ct_figure *figure)
{
    ct_out_fill(t->out, " ", figure->kpi->parent ? 6 : 4);
    style_on(t, DIM);
    for (unsigned i = 0; i < CT_PERCENTILE_COUNT; i++) {
        if (i == CT_P95 && t->width < 90) {
            continue;
        }
        char text[CT_FORMAT_BYTES];
        ct_format_amount(figure, figure->percentile_micro[i], 1000000, t->lang, text);
        ct_out_format(t->out, "%s%s %s", i ? (t->ascii ? " - " : " · ") : "", ct_percentile_text(i), text);
    }
    style_off(t, DIM);
    end_line(t);
}

static void write_figure(const struct table *t, const struct ct_figure *figure)
{
    char text[CT_FORMAT_BYTES];
    put_name(t, figure);
    ct_format_value(figure, t->lang, text);
    put_text(t,
             figure->has_value ? text
             : t->ascii        ? "-"
                               : text,
             t->value, true, figure->has_value ? (figure->kpi->parent || figure->part ? PLAIN : BOLD) : DIM);
    if (t->interval) {
        ct_format_interval(figure, t->lang, text);
        put_text(t, text, t->interval, true, DIM);
    }
    if (figure->has_value) {
        ct_format_basis(figure, t->lang, text);
        put_text(t, text, t->basis, true, PLAIN);
    } else if (figure->target.op != CT_TARGET_NONE) {
        ct_out_fill(t->out, " ", t->basis);
    }
    put_status(t, figure);
    end_line(t);
    if (figure->has_percentiles && figure->kpi->kind == CT_KPI_MEAN && !figure->part) {
        write_percentiles(t, figure);
    }
}

static void write_family(const struct table *t, const struct ct_block *block, enum ct_family family)
{
    heading(t, ct_family_name(family, t->lang));
    for (size_t i = 0; i < block->figure_count; i++) {
        const struct ct_figure *figure = &block->figures[i];
        if (figure->kpi->family == family && ct_format_shown(block, i)) {
            write_figure(t, figure);
        }
    }
}

static void write_column_heads(const struct table *t)
{
    end_line(t);
    ct_out_fill(t->out, " ", t->name);
    put_text(t, word(t, "value", "valor"), t->value, true, DIM);
    if (t->interval) {
        put_text(t, word(t, "95 % interval", "intervalo 95 %"), t->interval, true, DIM);
    }
    put_text(t, word(t, "basis", "base"), t->basis, true, DIM);
    style_on(t, DIM);
    ct_out_text(t->out, word(t, "  target", "  objetivo"));
    style_off(t, DIM);
    end_line(t);
}

/* ---- slices: one row each, the headline KPIs as columns ------------------------------------------------------------
 */

static void write_slices(const struct table *t, const struct ct_findings *findings)
{
    enum { NAME = 24, COUNT = 10, CELL = 13 };
    size_t fit = (t->width - NAME - COUNT) / CELL;
    const char *id, *head;
    char title[CT_FORMAT_BYTES];
    snprintf(title, sizeof title, "%s %s", word(t, "By", "Por"), ct_format_field(findings->group_by, t->lang));
    heading(t, title);
    ct_out_fill(t->out, " ", NAME);
    put_text(t, word(t, "n", "n"), COUNT, true, DIM);
    for (size_t c = 0; c < fit && (head = ct_format_column(c, t->lang, &id)); c++) {
        put_text(t, head, CELL, true, DIM);
    }
    end_line(t);
    for (size_t i = 0; i < findings->slice_count; i++) {
        const struct ct_block *slice = &findings->slices[i];
        char text[CT_FORMAT_BYTES];
        ct_span name = slice->other     ? ct_span_of(word(t, "(other)", "(otros)"))
                       : slice->key.len ? slice->key
                                        : ct_span_of(word(t, "(none)", "(sin dato)"));
        ct_out_text(t->out, "  ");
        put_cell(t, name, NAME - 2, false, PLAIN);
        ct_format_count((ct_wide)slice->conversations, t->lang, text);
        put_text(t, text, COUNT, true, PLAIN);
        for (size_t c = 0; c < fit && ct_format_column(c, t->lang, &id); c++) {
            const struct ct_figure *figure = ct_block_figure(slice, id);
            if (figure) {
                ct_format_value(figure, t->lang, text);
            }
            put_text(t, figure && (figure->has_value || !t->ascii) ? text : "-", CELL, true,
                     figure && figure->has_value ? PLAIN : DIM);
        }
        end_line(t);
    }
}

/* ---- what was left out ------------------------------------------------------------------------------------------ */

static void write_tail(const struct table *t, const struct ct_findings *findings)
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
            heading(t, word(t, "Left out", "Quedó fuera"));
            any = true;
        }
        ct_out_text(t->out, "  ");
        put_text(t, findings->drops[i].reason, 40, false, PLAIN);
        ct_format_count((ct_wide)findings->drops[i].count, t->lang, text);
        put_text(t, text, 12, true, YELLOW);
        end_line(t);
    }
    for (size_t i = 0; i < findings->input_count && refused; i++) {
        const struct ct_input_note *input = &findings->inputs[i];
        if (input->refused) {
            ct_out_text(t->out, "  ");
            put_text(t, input->path, t->width > 34 ? t->width - 34 : 10, false, PLAIN);
            ct_format_count((ct_wide)input->refused, t->lang, text);
            put_text(t, text, 12, true, YELLOW);
            ct_out_text(t->out, word(t, " refused\n", " rechazados\n"));
        }
    }
    if (findings->rules_hash && findings->rules_hash[0]) {
        end_line(t);
        style_on(t, DIM);
        ct_out_format(t->out, "%s %.12s", word(t, "rules", "reglas"), findings->rules_hash);
        if (findings->profile) {
            ct_out_format(t->out, "%s%s %.40s", t->ascii ? " - " : " · ", word(t, "profile", "perfil"),
                          findings->profile);
        }
        style_off(t, DIM);
        end_line(t);
    }
}

static struct table table_of(struct ct_out *out, const struct ct_table_options *options)
{
    struct table t = {.out = out, .lang = CT_LANG_EN, .width = 100};
    if (options) {
        t.lang = options->lang;
        t.colour = options->colour;
        t.ascii = options->ascii;
        t.width = options->width ? options->width : 100;
    }
    t.width = t.width < 72 ? 72 : t.width > 160 ? 160 : t.width;
    return t;
}

static void widen(size_t *column, const char *text)
{
    size_t width = ct_text_width(ct_span_of(text)) + 2;
    *column = width > *column ? width : *column;
}

/* Columns as wide as what stands in them, so that no number is ever cut; names get the rest. A narrow terminal loses
 * the interval. */
static void set_columns(struct table *t, const struct ct_block *block)
{
    char text[CT_FORMAT_BYTES];
    size_t target = 0; /* with its mark */
    t->value = 10;
    t->interval = 16;
    t->basis = 8;
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
        if (ct_format_target(figure, t->lang, text)) {
            widen(&target, text);
        }
    }
    if (t->value + t->interval + t->basis + target + 2 + 36 > t->width) {
        t->interval = 0;
    }
    size_t taken = t->value + t->interval + t->basis + target + 2;
    t->name = taken + 24 > t->width ? 24 : t->width - taken;
    t->name = t->name > 56 ? 56 : t->name;
}

void ct_table_write(struct ct_out *out, const struct ct_findings *findings, const struct ct_table_options *options)
{
    struct table t = table_of(out, options);
    set_columns(&t, &findings->total);
    write_head(&t, findings);
    write_outcomes(&t, &findings->total);
    write_column_heads(&t);
    for (int family = 0; family < CT_FAMILY_COUNT; family++) {
        write_family(&t, &findings->total, (enum ct_family)family);
    }
    if (findings->group_by && findings->slice_count) {
        write_slices(&t, findings);
    }
    write_tail(&t, findings);
}

void ct_table_catalogue(struct ct_out *out, const struct ct_kpi *kpis, size_t count,
                        const struct ct_table_options *options)
{
    struct table t = table_of(out, options);
    for (int family = 0; family < CT_FAMILY_COUNT; family++) {
        heading(&t, ct_family_name((enum ct_family)family, t.lang));
        for (size_t i = 0; i < count; i++) {
            const struct ct_kpi *kpi = &kpis[i];
            if (kpi->family != (enum ct_family)family) {
                continue;
            }
            ct_out_text(out, "  ");
            put_text(&t, kpi->id, 36, false, kpi->parent ? PLAIN : CYAN);
            put_text(&t, kpi->name[t.lang], t.width - 38, false, kpi->parent ? PLAIN : BOLD);
            end_line(&t);
            ct_out_fill(out, " ", 38);
            put_text(&t, kpi->formula[t.lang], t.width - 38, false, DIM);
            end_line(&t);
        }
    }
}
