/* quality.c - the rules against human marks, as JSON and as text. Called by `convtap audit` and `convtap rules
 * quality`. */
#include "sinks/quality.h"

#include <stdio.h>

enum { NAME = 38, COUNT = 7, SHARE = 24 };

static const char *word(enum ct_lang lang, const char *en, const char *es)
{
    return lang == CT_LANG_ES ? es : en;
}

const char *ct_quality_subject(enum ct_quality_subject subject, enum ct_lang lang)
{
    static const char *const names[CT_QUALITY_SUBJECTS][CT_LANG_COUNT] = {
#define X(name, text, en, es) {en, es},
        CT_QUALITY_SUBJECT_MAP(X)
#undef X
    };
    return names[subject][lang];
}

static void put_range(int64_t low_micro, int64_t high_micro, enum ct_lang lang, char *out)
{
    char low[CT_FORMAT_BYTES], high[CT_FORMAT_BYTES];
    ct_format_decimal(low_micro, 1000000, 1, lang, low);
    ct_format_decimal(high_micro, 1000000, 1, lang, high);
    (void)snprintf(out, CT_FORMAT_BYTES, "%.20s - %.20s", low, high);
}

void ct_quality_share(uint64_t part, uint64_t whole, int64_t low_micro, int64_t high_micro, enum ct_lang lang,
                      char *out)
{
    char value[CT_FORMAT_BYTES], range[CT_FORMAT_BYTES];
    if (!whole) {
        (void)snprintf(out, CT_FORMAT_BYTES, "-");
        return;
    }
    ct_format_decimal((ct_wide)part * 100, (ct_wide)whole, 1, lang, value);
    put_range(low_micro, high_micro, lang, range);
    (void)snprintf(out, CT_FORMAT_BYTES, "%.20s %% (%.50s)", value, range);
}

void ct_quality_kappa(const struct ct_quality_row *row, enum ct_lang lang, char *out)
{
    if (row->has_kappa) {
        ct_format_decimal(row->kappa_num, row->kappa_den, 2, lang, out);
    } else {
        (void)snprintf(out, CT_FORMAT_BYTES, "-");
    }
}

static const char *why_not(enum ct_correction_status status, enum ct_lang lang)
{
    switch (status) {
    case CT_CORRECTION_TOO_FEW:
        return word(lang, "too few marks", "muy pocas marcas");
    case CT_CORRECTION_NEAR_CHANCE:
        return word(lang, "the rules tell too little", "las reglas dicen muy poco");
    case CT_CORRECTION_OTHER:
        return word(lang, "not convtap's own definition", "no es la definición propia de convtap");
    case CT_CORRECTION_NO_VALUE:
    case CT_CORRECTION_DONE:
        break;
    }
    return "-";
}

void ct_quality_corrected(const struct ct_quality_correction *c, enum ct_lang lang, char *out)
{
    char value[CT_FORMAT_BYTES], range[CT_FORMAT_BYTES];
    if (c->status != CT_CORRECTION_DONE) {
        (void)snprintf(out, CT_FORMAT_BYTES, "%s", why_not(c->status, lang));
        return;
    }
    ct_format_decimal(c->num, c->den, 1, lang, value);
    put_range(c->low_micro, c->high_micro, lang, range);
    (void)snprintf(out, CT_FORMAT_BYTES, "%.20s %% (%.50s)%s", value, range,
                   c->clipped || c->clipped_low || c->clipped_high ? word(lang, ", cut at 0-100", ", cortado en 0-100")
                                                                   : "");
}

const char *ct_quality_assumption(enum ct_lang lang)
{
    return word(lang,
                "Corrected figures suppose that the marked conversations are a random sample of all; the raw figures "
                "stand as they are.",
                "Las cifras corregidas suponen que las conversaciones marcadas son una muestra al azar de todas; las "
                "cifras sin corregir quedan como están.");
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static void key_count(struct ct_writer *json, const char *key, uint64_t count)
{
    ct_writer_key(json, key);
    ct_writer_wide(json, (ct_wide)count);
}

static void key_micro(struct ct_writer *json, const char *key, int64_t micro)
{
    ct_writer_key(json, key);
    ct_writer_decimal(json, micro, 1000000, 6);
}

static void json_share(struct ct_writer *json, const char *key, bool has, uint64_t part, uint64_t whole,
                       int64_t low_micro, int64_t high_micro)
{
    ct_writer_key(json, key);
    if (!has) {
        ct_writer_null(json);
        return;
    }
    ct_writer_open(json, '{');
    ct_writer_key(json, "value");
    ct_writer_decimal(json, (ct_wide)part * 100, (ct_wide)whole, 6);
    key_micro(json, "low", low_micro);
    key_micro(json, "high", high_micro);
    ct_writer_close(json, '}');
}

static void json_row(struct ct_writer *json, const struct ct_quality_row *row)
{
    static const char *const texts[CT_QUALITY_SUBJECTS] = {
#define X(name, text, en, es) text,
        CT_QUALITY_SUBJECT_MAP(X)
#undef X
    };
    ct_writer_open(json, '{');
    ct_writer_key(json, "subject");
    ct_writer_text(json, texts[row->subject]);
    ct_writer_key(json, "key");
    if (row->key[0]) {
        ct_writer_text(json, row->key);
    } else {
        ct_writer_null(json);
    }
    key_count(json, "n", row->n);
    key_count(json, "agreed", row->agreed);
    if (!row->classes) {
        key_count(json, "true_positive", row->tp);
        key_count(json, "false_positive", row->fp);
        key_count(json, "false_negative", row->fn);
        key_count(json, "true_negative", row->tn);
        key_count(json, "unknown", row->unknown);
        json_share(json, "precision", row->has_precision, row->tp, row->tp + row->fp, row->precision_low,
                   row->precision_high);
        json_share(json, "recall", row->has_recall, row->tp, row->tp + row->fn, row->recall_low, row->recall_high);
    }
    ct_writer_key(json, "kappa");
    if (row->has_kappa) {
        ct_writer_decimal(json, row->kappa_num, row->kappa_den, 6);
    } else {
        ct_writer_null(json);
    }
    ct_writer_close(json, '}');
}

static const char *status_text(enum ct_correction_status status)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CT_CORRECTION_MAP(X)
#undef X
    };
    return texts[status];
}

static void json_correction(struct ct_writer *json, const struct ct_quality_correction *c)
{
    ct_writer_open(json, '{');
    ct_writer_key(json, "kpi");
    ct_writer_text(json, c->kpi->id);
    ct_writer_key(json, "status");
    ct_writer_text(json, status_text(c->status));
    ct_writer_key(json, "raw");
    if (c->raw_den > 0) {
        ct_writer_open(json, '{');
        ct_writer_key(json, "numerator");
        ct_writer_wide(json, c->raw_num);
        ct_writer_key(json, "denominator");
        ct_writer_wide(json, c->raw_den);
        ct_writer_key(json, "value");
        ct_writer_decimal(json, c->raw_num * 100, c->raw_den, 6);
        ct_writer_close(json, '}');
    } else {
        ct_writer_null(json);
    }
    key_count(json, "true_positive", c->tp);
    key_count(json, "false_positive", c->fp);
    key_count(json, "false_negative", c->fn);
    key_count(json, "true_negative", c->tn);
    ct_writer_key(json, "corrected");
    if (c->status == CT_CORRECTION_DONE) {
        ct_writer_open(json, '{');
        ct_writer_key(json, "value");
        ct_writer_decimal(json, c->num, c->den, 6);
        key_micro(json, "low", c->low_micro);
        key_micro(json, "high", c->high_micro);
        ct_writer_key(json, "clipped");
        ct_writer_bool(json, c->clipped || c->clipped_low || c->clipped_high);
        ct_writer_close(json, '}');
    } else {
        ct_writer_null(json);
    }
    ct_writer_close(json, '}');
}

void ct_quality_json(struct ct_writer *json, const struct ct_quality_findings *f)
{
    ct_writer_open(json, '{');
    key_count(json, "marked_conversations", f->marked);
    ct_writer_key(json, "rules");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < f->row_count; i++) {
        json_row(json, &f->rows[i]);
    }
    ct_writer_close(json, ']');
    ct_writer_key(json, "corrections");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < f->correction_count; i++) {
        json_correction(json, &f->corrections[i]);
    }
    ct_writer_close(json, ']');
    key_count(json, "least_marks", CT_CORRECTION_MARKS);
    ct_writer_key(json, "assumption");
    ct_writer_text(json, ct_quality_assumption(CT_LANG_EN));
    ct_writer_close(json, '}');
}

/* ---- text ------------------------------------------------------------------------------------------------------- */

/* Filled up with spaces to `columns`, which it may not use up; of the input nothing that a terminal would act on. */
static void put_cell(struct ct_out *out, const char *text, size_t columns, bool right)
{
    ct_span shown = ct_text_clip(ct_span_of(text), columns - 1);
    size_t width = ct_text_width(shown), fill = columns > width ? columns - width : 0;
    if (right) {
        ct_out_fill(out, " ", fill);
    }
    for (size_t i = 0; i < shown.len; i++) {
        unsigned char c = (unsigned char)shown.at[i];
        bool c1 = c == 0xC2 && i + 1 < shown.len && (unsigned char)shown.at[i + 1] < 0xA0;
        ct_out_char(out, c < 0x20 || c == 0x7F || c1 ? '?' : (char)c);
        i += c1;
    }
    if (!right) {
        ct_out_fill(out, " ", fill);
    }
}

static void put_count(struct ct_out *out, uint64_t count, enum ct_lang lang)
{
    char text[CT_FORMAT_BYTES];
    ct_format_count((ct_wide)count, lang, text);
    put_cell(out, text, COUNT, true);
}

static void text_row(struct ct_out *out, const struct ct_quality_row *row, enum ct_lang lang)
{
    char text[CT_FORMAT_BYTES];
    bool class = row->key[0] && row->subject != CT_QUALITY_SIGNAL; /* under its subject's own row */
    (void)snprintf(text, sizeof text, "%s%s%.40s", class ? "" : ct_quality_subject(row->subject, lang),
                   class || !row->key[0] ? "" : " ", row->key);
    ct_out_text(out, class ? "    " : "  ");
    put_cell(out, text, class ? NAME - 4 : NAME - 2, false);
    put_count(out, row->classes ? row->n : row->tp + row->fn, lang);
    if (row->classes) {
        ct_out_fill(out, " ", SHARE);
        ct_format_decimal((ct_wide)row->agreed * 100, (ct_wide)row->n, 1, lang, text);
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, " %% %s", word(lang, "agreed", "de acuerdo"));
        put_cell(out, text, SHARE, true);
    } else {
        ct_quality_share(row->tp, row->tp + row->fp, row->precision_low, row->precision_high, lang, text);
        put_cell(out, text, SHARE, true);
        ct_quality_share(row->tp, row->tp + row->fn, row->recall_low, row->recall_high, lang, text);
        put_cell(out, text, SHARE, true);
    }
    ct_quality_kappa(row, lang, text);
    put_cell(out, text, COUNT, true);
    ct_out_char(out, '\n');
}

static void text_correction(struct ct_out *out, const struct ct_quality_correction *c, enum ct_lang lang)
{
    char text[CT_FORMAT_BYTES];
    ct_out_text(out, "  ");
    put_cell(out, c->kpi->name[lang], NAME - 2, false);
    if (c->raw_den > 0) {
        ct_format_decimal(c->raw_num * 100, c->raw_den, 1, lang, text);
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, " %%");
    } else {
        (void)snprintf(text, sizeof text, "-");
    }
    put_cell(out, text, 10, true);
    ct_out_text(out, word(lang, "   corrected ", "   corregida "));
    ct_quality_corrected(c, lang, text);
    ct_out_text(out, text);
    ct_out_char(out, '\n');
}

void ct_quality_text(struct ct_out *out, const struct ct_quality_findings *f, enum ct_lang lang)
{
    char text[CT_FORMAT_BYTES];
    ct_format_count((ct_wide)f->marked, lang, text);
    ct_out_format(out, "  %s: %s\n", word(lang, "conversations with human marks", "conversaciones con marcas humanas"),
                  text);
    if (f->row_count) {
        put_cell(out, "", NAME, false);
        put_cell(out, word(lang, "marked", "marcas"), COUNT, true);
        put_cell(out, word(lang, "precision", "precisión"), SHARE, true);
        put_cell(out, word(lang, "recall", "exhaustividad"), SHARE, true);
        put_cell(out, "kappa", COUNT, true);
        ct_out_char(out, '\n');
    }
    for (size_t i = 0; i < f->row_count; i++) {
        text_row(out, &f->rows[i], lang);
    }
    for (size_t i = 0; i < f->correction_count; i++) {
        text_correction(out, &f->corrections[i], lang);
    }
    ct_out_format(out, "  %s\n", ct_quality_assumption(lang));
}
