/* kpis_compare_show.c - the comparison of profiles as a table for people, as JSON and as CSV. See kpis_compare.h. */
#include "cli/kpis_compare.h"

#include <stdio.h>

#include "sinks/csv.h"
#include "sinks/format.h"
#include "sinks/json.h"
#include "sinks/quality.h"

static const char *word(const struct ct_comparison_page *page, const char *en, const char *es)
{
    return page->lang == CT_LANG_ES ? es : en;
}

const char *ct_compare_reason(enum ct_difference how, enum ct_why why, enum ct_lang lang, char *out)
{
    static const char *const before[CT_DIFFERENCE_COUNT][CT_LANG_COUNT] = {
        [CT_DIFFERENCE_ADDED] = {"convtap leaves it out: ", "convtap la deja fuera: "},
        [CT_DIFFERENCE_COUNTED] = {"", ""},
        [CT_DIFFERENCE_LEFT_OUT] = {"left out: ", "fuera: "}};
    (void)snprintf(out, CT_REASON_BYTES, "%s%s", before[how][lang], ct_why_sentence(why, lang));
    return out;
}

/* One word a difference, for machines. */
static const char *how_text(enum ct_difference how)
{
    static const char *const texts[CT_DIFFERENCE_COUNT] = {"added", "counted", "left_out"};
    return texts[how];
}

/* Index of the profile's definition of the KPI; -1 = none. */
static int definition_of(unsigned profile, const char *kpi)
{
    size_t count;
    const struct ct_definition *found = ct_definition_find((enum ct_profile)profile, kpi);
    return found ? (int)(found - ct_definitions(&count)) : -1;
}

/* The KPIs that some definition is of, in the catalogue's order: the nth; NULL = no more. */
static const struct ct_kpi *defined_kpi(size_t nth)
{
    size_t count;
    const struct ct_kpi *kpis = ct_kpi_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        if (ct_definition_find(CT_PROFILE_CONVTAP, kpis[i].id) && nth-- == 0) {
            return &kpis[i];
        }
    }
    return NULL;
}

/* What human marks make of convtap's figure; NULL = nothing. */
static const struct ct_quality_correction *correction_of(const struct ct_comparison_page *page, const char *kpi)
{
    for (size_t i = 0; page->quality && i < page->quality->correction_count; i++) {
        if (strcmp(page->quality->corrections[i].kpi->id, kpi) == 0) {
            return &page->quality->corrections[i];
        }
    }
    return NULL;
}

/* ---- table ------------------------------------------------------------------------------------------------------- */

static void padded(struct ct_out *out, const char *text, size_t columns, bool right)
{
    size_t width = ct_text_width(ct_span_of(text)), fill = width < columns ? columns - width : 0;
    if (right) {
        ct_out_fill(out, " ", fill);
    }
    ct_out_text(out, text);
    if (!right) {
        ct_out_fill(out, " ", fill);
    }
}

/* An id as people can read it: control characters would move the cursor. */
static void write_id(struct ct_out *out, const struct ct_example *example)
{
    enum { COLUMNS = 40 };
    ct_span id = ct_text_clip((ct_span){example->id, example->id_len}, COLUMNS);
    for (size_t i = 0; i < id.len; i++) {
        unsigned char byte = (unsigned char)id.at[i];
        ct_out_char(out, byte < 0x20 || byte == 0x7F ? '?' : id.at[i]);
    }
    ct_out_text(out, id.len < example->id_len ? "..." : "");
    if (example->session > 1) {
        ct_out_format(out, "#%u", (unsigned)example->session);
    }
}

static void table_reason(struct ct_out *out, const struct ct_comparison_page *page, const struct ct_compared *compared,
                         enum ct_difference how, enum ct_why why)
{
    char count[CT_FORMAT_BYTES], text[CT_REASON_BYTES];
    bool first = true;
    ct_format_count((ct_wide)compared->reasons[how][why], page->lang, count);
    ct_out_text(out, "    ");
    padded(out, count, 12, true);
    ct_out_format(out, "  %s", ct_compare_reason(how, why, page->lang, text));
    for (size_t i = 0; i < compared->example_count; i++) {
        const struct ct_example *example = &compared->examples[i];
        if (example->how == how && example->why == why) {
            ct_out_text(out, first ? " [" : ", ");
            write_id(out, example);
            first = false;
        }
    }
    ct_out_text(out, first ? "\n" : "]\n");
}

static void table_figure(struct ct_out *out, const struct ct_comparison_page *page, unsigned profile,
                         const struct ct_figure *figure, const struct ct_compared *compared)
{
    char value[CT_FORMAT_BYTES], interval[CT_FORMAT_BYTES], basis[CT_FORMAT_BYTES], count[CT_FORMAT_BYTES];
    ct_format_value(figure, page->lang, value);
    ct_format_interval(figure, page->lang, interval);
    ct_format_basis(figure, page->lang, basis);
    ct_out_text(out, "  ");
    padded(out, ct_profile_text((enum ct_profile)profile), 16, false);
    padded(out, value, 14, true);
    ct_out_text(out, "  ");
    padded(out, interval, 20, false);
    padded(out, basis, 18, false);
    if (compared) {
        ct_format_count((ct_wide)compared->differs, page->lang, count);
        ct_out_format(
            out, "%s %s", count,
            word(page, compared->differs == 1 ? "differs" : "differ", compared->differs == 1 ? "difiere" : "difieren"));
    }
    if (figure->left_out) {
        ct_format_count((ct_wide)figure->left_out, page->lang, count);
        ct_out_format(out, "%s%s %s", compared ? ", " : "", count, word(page, "left out", "fuera"));
    }
    if (figure->provisional && figure->settles_at != CT_USEC_NONE) {
        char at[40];
        ct_time_format(figure->settles_at, at);
        ct_out_format(out, ", %s %.10s", word(page, "settles", "definitivo el"), at);
    }
    ct_out_char(out, '\n');
}

static void table_kpi(struct ct_out *out, const struct ct_comparison_page *page, const struct ct_kpi *kpi)
{
    bool same = false;
    ct_out_format(out, "\n%s (%s)\n", kpi->name[page->lang], kpi->id);
    for (unsigned p = 0; p < CT_PROFILE_COUNT; p++) {
        int index = definition_of(p, kpi->id);
        const struct ct_figure *figure = ct_block_figure(&page->blocks[p], kpi->id);
        if (index < 0 || !figure) {
            continue;
        }
        const struct ct_compared *compared = &page->compared[index];
        table_figure(out, page, p, figure, p == CT_PROFILE_CONVTAP ? NULL : compared);
        const struct ct_quality_correction *correction = p == CT_PROFILE_CONVTAP ? correction_of(page, kpi->id) : NULL;
        if (correction) {
            char text[CT_FORMAT_BYTES];
            ct_quality_corrected(correction, page->lang, text);
            ct_out_format(out, "    %s: %s\n", word(page, "corrected by marks", "corregida con marcas"), text);
        }
        for (unsigned how = 0; how < CT_DIFFERENCE_COUNT; how++) {
            for (unsigned why = 0; why < CT_WHY_COUNT; why++) {
                if (compared->reasons[how][why]) {
                    table_reason(out, page, compared, (enum ct_difference)how, (enum ct_why)why);
                }
            }
        }
    }
    for (unsigned p = 0; p < CT_PROFILE_COUNT; p++) {
        if (definition_of(p, kpi->id) < 0) {
            ct_out_format(out, "%s%s", same ? ", " : word(page, "  as convtap's: ", "  como convtap: "),
                          ct_profile_text((enum ct_profile)p));
            same = true;
        }
    }
    ct_out_text(out, same ? "\n" : "");
}

/* No authority but convtap has one. */
static void table_score(struct ct_out *out, const struct ct_comparison_page *page)
{
    const struct ct_figure *figure = ct_block_figure(&page->blocks[CT_PROFILE_CONVTAP], "iqs");
    if (page->scored && figure) {
        ct_out_format(out, "\n%s (%s)\n", figure->kpi->name[page->lang], figure->kpi->id);
        table_figure(out, page, CT_PROFILE_CONVTAP, figure, NULL);
    }
}

void ct_compare_table(struct ct_out *out, const struct ct_comparison_page *page)
{
    const struct ct_kpi *kpi;
    char count[CT_FORMAT_BYTES];
    ct_format_count((ct_wide)page->blocks[CT_PROFILE_CONVTAP].conversations, page->lang, count);
    ct_out_format(out, "%s %s\n", count, word(page, "conversations", "conversaciones"));
    for (size_t i = 0; (kpi = defined_kpi(i)); i++) {
        table_kpi(out, page, kpi);
    }
    table_score(out, page);
    if (page->quality) {
        ct_out_char(out, '\n');
        ct_quality_text(out, page->quality, page->lang);
    }
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void json_reasons(struct ct_writer *json, const struct ct_comparison_page *page,
                         const struct ct_compared *compared)
{
    char text[CT_REASON_BYTES];
    ct_writer_key(json, "reasons");
    ct_writer_open(json, '[');
    for (unsigned how = 0; how < CT_DIFFERENCE_COUNT; how++) {
        for (unsigned why = 0; why < CT_WHY_COUNT; why++) {
            if (compared->reasons[how][why]) {
                ct_writer_open(json, '{');
                ct_writer_key(json, "how");
                ct_writer_text(json, how_text((enum ct_difference)how));
                ct_writer_key(json, "why");
                ct_writer_text(json, ct_why_text((enum ct_why)why));
                ct_writer_key(json, "text");
                ct_writer_text(json, ct_compare_reason((enum ct_difference)how, (enum ct_why)why, page->lang, text));
                ct_writer_key(json, "conversations");
                ct_writer_wide(json, (ct_wide)compared->reasons[how][why]);
                ct_writer_close(json, '}');
            }
        }
    }
    ct_writer_close(json, ']');
    ct_writer_key(json, "examples");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < compared->example_count; i++) {
        const struct ct_example *example = &compared->examples[i];
        ct_writer_open(json, '{');
        ct_writer_key(json, "conversation_id");
        ct_writer_string(json, (ct_span){example->id, example->id_len});
        if (example->session > 1) {
            ct_writer_key(json, "session");
            ct_writer_wide(json, example->session);
        }
        ct_writer_key(json, "how");
        ct_writer_text(json, how_text(example->how));
        ct_writer_key(json, "why");
        ct_writer_text(json, ct_why_text(example->why));
        ct_writer_close(json, '}');
    }
    ct_writer_close(json, ']');
}

static void json_profile(struct ct_writer *json, const struct ct_comparison_page *page, unsigned profile,
                         const struct ct_definition *definition, const struct ct_compared *compared)
{
    const struct ct_block *block = &page->blocks[profile];
    const struct ct_json_figures figures = {.total = block};
    const struct ct_figure *figure = ct_block_figure(block, definition->kpi);
    ct_writer_open(json, '{');
    ct_writer_key(json, "profile");
    ct_writer_text(json, definition->profile);
    ct_writer_key(json, "formula");
    ct_writer_text(json, definition->formula[page->lang]);
    ct_writer_key(json, "source");
    ct_writer_text(json, definition->source);
    ct_writer_key(json, "counts_from");
    ct_writer_text(json, ct_anchor_text(definition->anchor));
    ct_writer_key(json, "watched_s");
    ct_writer_seconds(json, definition->window_usec);
    ct_writer_key(json, "figure");
    if (figure) {
        ct_json_kpi(json, &figures, figure);
    } else {
        ct_writer_null(json);
    }
    ct_writer_key(json, "differs");
    ct_writer_wide(json, (ct_wide)compared->differs);
    json_reasons(json, page, compared);
    ct_writer_close(json, '}');
}

static void json_kpi(struct ct_writer *json, const struct ct_comparison_page *page, const struct ct_kpi *kpi)
{
    size_t count;
    const struct ct_definition *definitions = ct_definitions(&count);
    ct_writer_open(json, '{');
    ct_writer_key(json, "id");
    ct_writer_text(json, kpi->id);
    ct_writer_key(json, "name");
    ct_writer_text(json, kpi->name[page->lang]);
    ct_writer_key(json, "profiles");
    ct_writer_open(json, '[');
    for (unsigned p = 0; p < CT_PROFILE_COUNT; p++) {
        int index = definition_of(p, kpi->id);
        if (index >= 0) {
            json_profile(json, page, p, &definitions[index], &page->compared[index]);
        }
    }
    ct_writer_close(json, ']');
    ct_writer_key(json, "as_convtap");
    ct_writer_open(json, '[');
    for (unsigned p = 0; p < CT_PROFILE_COUNT; p++) {
        if (definition_of(p, kpi->id) < 0) {
            ct_writer_text(json, ct_profile_text((enum ct_profile)p));
        }
    }
    ct_writer_close(json, ']');
    ct_writer_close(json, '}');
}

void ct_compare_json(struct ct_out *out, const struct ct_comparison_page *page)
{
    const struct ct_kpi *kpi;
    struct ct_writer json;
    ct_writer_init(&json, out);
    ct_writer_open(&json, '{');
    ct_writer_key(&json, "generated_at");
    ct_writer_time(&json, page->as_of);
    ct_writer_key(&json, "version");
    ct_writer_text(&json, CT_VERSION);
    ct_writer_key(&json, "rules_hash");
    ct_writer_text(&json, page->rules_hash);
    ct_writer_key(&json, "totals");
    ct_json_totals(&json, &page->blocks[CT_PROFILE_CONVTAP]);
    ct_writer_key(&json, "kpis");
    ct_writer_open(&json, '[');
    for (size_t i = 0; (kpi = defined_kpi(i)); i++) {
        json_kpi(&json, page, kpi);
    }
    ct_writer_close(&json, ']');
    const struct ct_block *own = &page->blocks[CT_PROFILE_CONVTAP];
    const struct ct_figure *score = page->scored ? ct_block_figure(own, "iqs") : NULL;
    if (score) {
        ct_writer_key(&json, "iqs");
        ct_json_kpi(&json, &(const struct ct_json_figures){.total = own}, score);
    }
    if (page->quality) {
        ct_writer_key(&json, "quality");
        ct_quality_json(&json, page->quality);
    }
    ct_json_drops(&json, page->drops, page->drop_count);
    ct_writer_close(&json, '}');
    ct_out_char(out, '\n');
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

static void cell_decimal(struct ct_out *out, bool present, ct_wide num, ct_wide den, unsigned digits)
{
    char text[CT_DECIMAL_BYTES];
    ct_out_char(out, ',');
    if (present) {
        ct_out_bytes(out, text, ct_decimal_format(num, den, digits, true, text));
    }
}

static void cell_time(struct ct_out *out, ct_usec at)
{
    char text[40];
    ct_out_char(out, ',');
    if (at != CT_USEC_NONE) {
        ct_out_bytes(out, text, ct_time_format(at, text));
    }
}

static void csv_row(struct ct_out *out, const struct ct_comparison_page *page, const struct ct_definition *definition,
                    const struct ct_figure *figure, const struct ct_compared *compared)
{
    char text[CT_REASON_BYTES];
    ct_out_format(out, "%s,%s", definition->kpi, definition->profile);
    cell_decimal(out, figure->has_value, figure->value_num, figure->has_value ? figure->value_den : 1, 6);
    ct_out_format(out, ",%s", ct_unit_text(definition->unit));
    cell_decimal(out, true, figure->numerator, figure->scale > 1 ? figure->scale : 1, figure->scale > 1 ? 6 : 0);
    cell_decimal(out, true, figure->denominator, 1, 0);
    cell_decimal(out, figure->has_interval, figure->low_micro, 1000000, 6);
    cell_decimal(out, figure->has_interval, figure->high_micro, 1000000, 6);
    cell_decimal(out, true, (ct_wide)figure->left_out, 1, 0);
    cell_decimal(out, true, (ct_wide)figure->provisional, 1, 0);
    cell_time(out, figure->settles_at);
    cell_decimal(out, true, (ct_wide)compared->differs, 1, 0);
    ct_out_text(out, ",,\r\n");
    for (unsigned how = 0; how < CT_DIFFERENCE_COUNT; how++) {
        for (unsigned why = 0; why < CT_WHY_COUNT; why++) {
            if (compared->reasons[how][why]) {
                ct_out_format(out, "%s,%s,,,,,,,,,,", definition->kpi, definition->profile);
                ct_out_uint(out, compared->reasons[how][why]);
                ct_out_format(out, ",%s,", ct_why_text((enum ct_why)why));
                ct_csv_text(out,
                            ct_span_of(ct_compare_reason((enum ct_difference)how, (enum ct_why)why, page->lang, text)));
                ct_out_text(out, "\r\n");
            }
        }
    }
}

/* Where other profiles' names stand: "corrected". Its value and interval are the marks'; counts are those of convtap.
 */
static void csv_corrected(struct ct_out *out, const struct ct_quality_correction *c)
{
    if (c->status != CT_CORRECTION_DONE) {
        return;
    }
    ct_out_format(out, "%s,corrected", c->kpi->id);
    cell_decimal(out, true, c->num, c->den, 6);
    ct_out_format(out, ",%s", ct_unit_text(CT_UNIT_PERCENT));
    ct_out_text(out, ",,");
    cell_decimal(out, true, c->low_micro, 1000000, 6);
    cell_decimal(out, true, c->high_micro, 1000000, 6);
    ct_out_text(out, ",,,,,,\r\n");
}

static void csv_score(struct ct_out *out, const struct ct_comparison_page *page)
{
    static const struct ct_compared none;
    const struct ct_figure *figure = ct_block_figure(&page->blocks[CT_PROFILE_CONVTAP], "iqs");
    if (page->scored && figure) {
        const struct ct_definition own = {
            .kpi = "iqs", .profile = ct_profile_text(CT_PROFILE_CONVTAP), .unit = figure->kpi->unit};
        csv_row(out, page, &own, figure, &none);
    }
}

void ct_compare_csv(struct ct_out *out, const struct ct_comparison_page *page)
{
    const struct ct_kpi *kpi;
    size_t count;
    const struct ct_definition *definitions = ct_definitions(&count);
    ct_out_text(out, "kpi,profile,value,unit,numerator,denominator,low,high,left_out,provisional,settles_at,differs,"
                     "reason,text\r\n");
    for (size_t i = 0; (kpi = defined_kpi(i)); i++) {
        for (unsigned p = 0; p < CT_PROFILE_COUNT; p++) {
            int index = definition_of(p, kpi->id);
            const struct ct_figure *figure = ct_block_figure(&page->blocks[p], kpi->id);
            if (index >= 0 && figure) {
                csv_row(out, page, &definitions[index], figure, &page->compared[index]);
            }
        }
        const struct ct_quality_correction *correction = correction_of(page, kpi->id);
        if (correction) {
            csv_corrected(out, correction);
        }
    }
    csv_score(out, page);
}
