/* csv.c - figures as rows for spreadsheets. Called by --csv. */
#include "sinks/csv.h"

#include <stdio.h>

/* A text cell: quoted where it must be, and never a formula (CWE-1236). */
static void write_text(struct ct_out *out, ct_span text)
{
    bool formula = text.len && strchr("=+-@\t\r", text.at[0]) && text.at[0];
    bool quote = formula;
    for (size_t i = 0; i < text.len && !quote; i++) {
        quote = text.at[i] == '"' || text.at[i] == ',' || text.at[i] == '\n' || text.at[i] == '\r';
    }
    if (!quote) {
        ct_out_span(out, text);
        return;
    }
    ct_out_char(out, '"');
    if (formula) {
        ct_out_char(out, '\'');
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"') {
            ct_out_char(out, '"');
        }
        ct_out_char(out, text.at[i]);
    }
    ct_out_char(out, '"');
}

void ct_csv_text(struct ct_out *out, ct_span text)
{
    write_text(out, text);
}

static void write_decimal(struct ct_out *out, bool present, ct_wide num, ct_wide den, unsigned digits)
{
    char text[CT_DECIMAL_BYTES];
    ct_out_char(out, ',');
    if (present) {
        ct_out_bytes(out, text, ct_decimal_format(num, den, digits, true, text));
    }
}

static void write_time(struct ct_out *out, ct_usec at)
{
    char text[40];
    ct_out_char(out, ',');
    if (at != CT_USEC_NONE) {
        ct_out_bytes(out, text, ct_time_format(at, text));
    }
}

static void write_change(struct ct_out *out, const struct ct_figure *figure, unsigned digits)
{
    const struct ct_change *change = &figure->change;
    bool any = change->verdict != CT_CHANGE_NONE;
    int better = ct_change_better(figure);
    ct_out_char(out, ',');
    ct_out_text(out, any ? ct_change_text(change->verdict) : "");
    ct_out_text(out, better > 0 ? ",better" : better < 0 ? ",worse" : ",");
    write_decimal(out, any, change->difference_micro, 1000000, 6);
    write_decimal(out, any && change->has_interval, change->low_micro, 1000000, 6);
    write_decimal(out, any && change->has_interval, change->high_micro, 1000000, 6);
    write_decimal(out, any, change->before_num, any ? change->before_den : 1, digits);
    write_decimal(out, any, (ct_wide)change->before_n, 1, 0);
}

static void write_figure(struct ct_out *out, ct_span slice, const struct ct_block *block,
                         const struct ct_figure *figure, enum ct_lang lang)
{
    const struct ct_kpi *kpi = figure->kpi;
    unsigned digits = kpi->unit == CT_UNIT_MONEY ? 9 : 6;
    write_text(out, slice);
    ct_out_char(out, ',');
    write_text(out, ct_span_of(kpi->id));
    ct_out_char(out, ',');
    write_text(out, ct_span_of(figure->key));
    ct_out_char(out, ',');
    write_text(out, ct_span_of(kpi->name[lang]));
    write_decimal(out, figure->has_value, figure->value_num, figure->has_value ? figure->value_den : 1, digits);
    ct_out_char(out, ',');
    write_text(out, ct_span_of(ct_unit_text(kpi->unit)));
    unsigned amount_digits = figure->scale > 1000000 ? 9 : digits;
    int64_t denominator_scale = ct_figure_denominator_scale(figure);
    write_decimal(out, true, figure->numerator, figure->scale > 1 ? figure->scale : 1,
                  figure->scale > 1 ? amount_digits : 0);
    write_decimal(out, true, figure->denominator, denominator_scale, denominator_scale > 1 ? amount_digits : 0);
    write_decimal(out, figure->has_interval, figure->low_micro, 1000000, 6);
    write_decimal(out, figure->has_interval, figure->high_micro, 1000000, 6);
    write_decimal(out, true, (ct_wide)figure->n, 1, 0);
    write_decimal(out, figure->has_error, figure->error_micro, 1000000, 6);
    for (unsigned i = 0; i < CT_PERCENTILE_COUNT; i++) {
        write_decimal(out, figure->has_percentiles, figure->percentile_micro[i], 1000000, 6);
    }
    write_decimal(out, true, (ct_wide)figure->left_out, 1, 0);
    ct_out_text(out, figure->target.op == CT_TARGET_AT_LEAST  ? ",>="
                     : figure->target.op == CT_TARGET_AT_MOST ? ",<="
                                                              : ",");
    write_decimal(out, figure->target.op != CT_TARGET_NONE, figure->target.micro, 1000000, 6);
    ct_out_char(out, ',');
    ct_out_text(out, figure->status == CT_STATUS_NONE ? "" : ct_target_status_text(figure->status));
    ct_out_char(out, ',');
    ct_out_text(out, figure->target_segment ? figure->target_segment : "");
    write_decimal(out, true, (ct_wide)figure->provisional, 1, 0);
    write_time(out, figure->provisional ? figure->settles_at : CT_USEC_NONE);
    write_change(out, figure, digits);
    write_time(out, block->from);
    write_time(out, block->to);
    ct_out_char(out, ',');
    ct_out_text(out, figure->definition ? figure->definition->profile : "");
    ct_out_text(out, "\r\n");
}

static void write_block(struct ct_out *out, ct_span slice, const struct ct_block *block, enum ct_lang lang)
{
    for (size_t i = 0; i < block->figure_count; i++) {
        write_figure(out, slice, block, &block->figures[i], lang);
    }
}

void ct_csv_write(struct ct_out *out, const struct ct_findings *findings, enum ct_lang lang)
{
    ct_out_text(out, "slice,id,key,name,value,unit,numerator,denominator,low,high,n,standard_error");
    for (unsigned i = 0; i < CT_PERCENTILE_COUNT; i++) {
        ct_out_char(out, ',');
        ct_out_text(out, ct_percentile_text(i));
    }
    ct_out_text(out, ",left_out,target_op,target,status,target_segment,provisional,settles_at,change,better,"
                     "difference,difference_low,difference_high,before,before_n,from,to,definition\r\n");
    write_block(out, CT_SPAN_LIT("(all)"), &findings->total, lang);
    for (size_t i = 0; i < findings->slice_count; i++) {
        const struct ct_block *slice = &findings->slices[i];
        char text[2 * 64 + 16]; /* two keys of at most 63 bytes */
        ct_span name = slice->other ? CT_SPAN_LIT("(other)") : slice->key.len ? slice->key : CT_SPAN_LIT("(none)");
        if (!slice->other && strchr(findings->group_by, ',')) {
            ct_span second = slice->second.len ? slice->second : CT_SPAN_LIT("(none)");
            name.len =
                (size_t)snprintf(text, sizeof text, "%.*s / %.*s", (int)name.len, name.at, (int)second.len, second.at);
            name.at = text;
        }
        write_block(out, name, slice, lang);
    }
}
