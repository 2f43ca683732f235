/* csv.c - figures as rows for spreadsheets. Called by --csv. */
#include "sinks/csv.h"

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

static void write_decimal(struct ct_out *out, bool present, ct_wide num, ct_wide den, unsigned digits)
{
    char text[CT_DECIMAL_BYTES];
    ct_out_char(out, ',');
    if (present) {
        ct_out_bytes(out, text, ct_decimal_format(num, den, digits, true, text));
    }
}

static void write_figure(struct ct_out *out, ct_span slice, const struct ct_figure *figure, enum ct_lang lang)
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
    write_decimal(out, true, figure->numerator, figure->scale > 1 ? figure->scale : 1, figure->scale > 1 ? digits : 0);
    write_decimal(out, true, figure->denominator, 1, 0);
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
    ct_out_text(out, "\r\n");
}

static void write_block(struct ct_out *out, ct_span slice, const struct ct_block *block, enum ct_lang lang)
{
    for (size_t i = 0; i < block->figure_count; i++) {
        write_figure(out, slice, &block->figures[i], lang);
    }
}

void ct_csv_write(struct ct_out *out, const struct ct_findings *findings, enum ct_lang lang)
{
    ct_out_text(out, "slice,id,key,name,value,unit,numerator,denominator,low,high,n,standard_error");
    for (unsigned i = 0; i < CT_PERCENTILE_COUNT; i++) {
        ct_out_char(out, ',');
        ct_out_text(out, ct_percentile_text(i));
    }
    ct_out_text(out, ",left_out,target_op,target,status\r\n");
    write_block(out, CT_SPAN_LIT("(all)"), &findings->total, lang);
    for (size_t i = 0; i < findings->slice_count; i++) {
        const struct ct_block *slice = &findings->slices[i];
        ct_span name = slice->other ? CT_SPAN_LIT("(other)") : slice->key.len ? slice->key : CT_SPAN_LIT("(none)");
        write_block(out, name, slice, lang);
    }
}
