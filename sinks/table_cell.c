/* table_cell.c - cells, headings and colours of the terminal's table. See table_parts.h.
 *
 * Texts of the input (channels, paths) are shown with their control characters replaced: a channel's name must not
 * be able to move somebody's cursor.
 */
#include "sinks/table_parts.h"

void ct_table_style_on(const struct ct_table *t, enum ct_table_style style)
{
    static const char *const codes[] = {"",         "\x1b[1m",  "\x1b[2m",  "\x1b[32m", "\x1b[31m",
                                        "\x1b[36m", "\x1b[33m", "\x1b[35m", "\x1b[34m"};
    if (t->colour) {
        ct_out_text(t->out, codes[style]);
    }
}

void ct_table_style_off(const struct ct_table *t, enum ct_table_style style)
{
    if (t->colour && style != CT_TABLE_PLAIN) {
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
void ct_table_cell(const struct ct_table *t, ct_span text, size_t columns, bool right, enum ct_table_style style)
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
    ct_table_style_on(t, style);
    ct_out_span(t->out, text);
    if (cut && columns) {
        ct_out_text(t->out, t->ascii ? "~" : "…");
    }
    ct_table_style_off(t, style);
    if (!right && columns > width) {
        ct_out_fill(t->out, " ", columns - width);
    }
}

void ct_table_text(const struct ct_table *t, const char *text, size_t columns, bool right, enum ct_table_style style)
{
    ct_table_cell(t, ct_span_of(text), columns, right, style);
}

const char *ct_table_word(const struct ct_table *t, const char *en, const char *es)
{
    return t->lang == CT_LANG_ES ? es : en;
}

void ct_table_end_line(const struct ct_table *t)
{
    ct_out_char(t->out, '\n');
}

void ct_table_prose(const struct ct_table *t, const char *lead, const char *text, enum ct_table_style style)
{
    const size_t indent = ct_text_width(ct_span_of(lead));
    for (bool first = true; *text; first = false) {
        size_t len = 0, width = 0; /* of the words that fit */
        for (const char *at = text; *at;) {
            size_t word = strcspn(at, " "), wide = ct_text_width((ct_span){text, (size_t)(at - text) + word});
            if (len && indent + wide > t->width) {
                break;
            }
            len = (size_t)(at - text) + word;
            width = wide;
            at += word + strspn(at + word, " ");
        }
        ct_out_text(t->out, first ? lead : "");
        ct_out_fill(t->out, " ", first ? 0 : indent);
        ct_table_cell(t, (ct_span){text, len}, width, false, style);
        ct_table_end_line(t);
        text += len + strspn(text + len, " ");
    }
}

void ct_table_heading(const struct ct_table *t, const char *text)
{
    ct_table_end_line(t);
    size_t width = ct_text_width(ct_span_of(text));
    ct_table_style_on(t, CT_TABLE_BOLD);
    ct_out_text(t->out, text);
    ct_table_style_off(t, CT_TABLE_BOLD);
    ct_out_char(t->out, ' ');
    ct_table_style_on(t, CT_TABLE_DIM);
    ct_out_fill(t->out, t->ascii ? "-" : "─", t->width > width + 1 ? t->width - width - 1 : 0);
    ct_table_style_off(t, CT_TABLE_DIM);
    ct_table_end_line(t);
}
