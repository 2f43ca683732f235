/* explain_sheet.c - wraps words into a sheet; see explain_sheet.h. */
#include "cli/explain_sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_LEAST = 60, WIDTH_MOST = 120, WIDTH_OTHERWISE = 100, QUOTE_BYTES = 64, NAME_COLUMN = 16 };

static const char *const inks[CT_INK_COUNT] = {"", "\033[1m", "\033[2m", "\033[36m"};

void ct_sheet_init(struct ct_sheet *sheet, struct ct_out *out)
{
    struct winsize size;
    const char *none = getenv("NO_COLOR");
    bool terminal = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col;
    size_t width = terminal ? size.ws_col : WIDTH_OTHERWISE;
    *sheet = (struct ct_sheet){.out = out,
                               .width = width < WIDTH_LEAST  ? WIDTH_LEAST
                                        : width > WIDTH_MOST ? WIDTH_MOST
                                                             : width,
                               .colour = isatty(STDOUT_FILENO) && !(none && *none)};
}

static void begin_line(struct ct_sheet *sheet)
{
    ct_out_char(sheet->out, '\n');
    ct_out_fill(sheet->out, " ", sheet->indent);
    sheet->column = sheet->indent;
    sheet->space = false;
}

/* What a terminal would obey, or what turns the direction of reading, stands as U+FFFD. */
static bool steers(ct_span text, size_t at, size_t *len)
{
    unsigned char c = (unsigned char)text.at[at];
    *len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    *len = *len > text.len - at ? text.len - at : *len;
    if (*len == 1) {
        return c < 0x20 || c == 0x7F;
    }
    unsigned char second = (unsigned char)text.at[at + 1], third = *len > 2 ? (unsigned char)text.at[at + 2] : 0;
    return (c == 0xC2 && second < 0xA0) || (c == 0xE2 && ((second == 0x80 && third >= 0xAA && third <= 0xAE) ||
                                                          (second == 0x81 && third >= 0xA6 && third <= 0xA9)));
}

static void put_word(struct ct_sheet *sheet, ct_span word)
{
    size_t plain = 0, len;
    for (size_t at = 0; at < word.len; at += len) {
        if (steers(word, at, &len)) {
            ct_out_bytes(sheet->out, word.at + plain, at - plain);
            ct_out_text(sheet->out, "\xEF\xBF\xBD");
            plain = at + len;
        }
    }
    ct_out_bytes(sheet->out, word.at + plain, word.len - plain);
}

void ct_sheet_span(struct ct_sheet *sheet, enum ct_ink ink, ct_span text)
{
    if (sheet->colour && text.len) {
        ct_out_text(sheet->out, inks[ink]);
    }
    for (size_t at = 0; at < text.len;) {
        if (text.at[at] == '\n') {
            begin_line(sheet);
            at++;
            continue;
        }
        size_t spaces = at;
        while (at < text.len && (text.at[at] == ' ' || text.at[at] == '\t' || text.at[at] == '\r')) {
            at++;
        }
        sheet->space |= at > spaces;
        size_t word = at;
        while (at < text.len && text.at[at] != ' ' && text.at[at] != '\n' && text.at[at] != '\t' &&
               text.at[at] != '\r') {
            at++;
        }
        if (at == word) { /* the space waits for a word, of whatever ink */
            continue;
        }
        ct_span bytes = {text.at + word, at - word};
        size_t width = ct_text_width(bytes);
        if (sheet->space && sheet->column > sheet->indent && sheet->column + 1 + width > sheet->width) {
            begin_line(sheet);
        } else if (sheet->space && sheet->column > sheet->indent) {
            ct_out_char(sheet->out, ' ');
            sheet->column++;
        }
        sheet->space = false;
        put_word(sheet, bytes);
        sheet->column += width;
    }
    if (sheet->colour && text.len && ink != CT_INK_PLAIN) {
        ct_out_text(sheet->out, "\033[0m");
    }
}

void ct_sheet_text(struct ct_sheet *sheet, enum ct_ink ink, const char *text)
{
    ct_sheet_span(sheet, ink, ct_span_of(text));
}

void ct_sheet_format(struct ct_sheet *sheet, enum ct_ink ink, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ct_sheet_text(sheet, ink, text);
}

/* The nearest character boundary at or before `at`. */
static size_t boundary(ct_span text, size_t at)
{
    while (at > 0 && at < text.len && ((unsigned char)text.at[at] & 0xC0) == 0x80) {
        at--;
    }
    return at;
}

void ct_sheet_quote(struct ct_sheet *sheet, ct_span text)
{
    char quoted[QUOTE_BYTES + 16];
    size_t head = text.len, tail = text.len;
    if (text.len > QUOTE_BYTES) {
        head = boundary(text, QUOTE_BYTES / 2);
        tail = boundary(text, text.len - QUOTE_BYTES / 2);
    }
    int len = snprintf(quoted, sizeof quoted, "\"%.*s%s%.*s\"", (int)head, text.at,
                       head < text.len ? "\xE2\x80\xA6" : "", (int)(text.len - tail), text.at + tail);
    for (int i = 0; i < len; i++) {
        quoted[i] = quoted[i] == '\n' || quoted[i] == '\r' || quoted[i] == '\t' ? ' ' : quoted[i];
    }
    ct_sheet_text(sheet, CT_INK_MARK, quoted);
}

void ct_sheet_column(struct ct_sheet *sheet, size_t column)
{
    size_t blanks = sheet->column < column ? column - sheet->column : 1;
    ct_out_fill(sheet->out, " ", blanks);
    sheet->column += blanks;
    sheet->indent = column;
    sheet->space = false;
}

void ct_sheet_line(struct ct_sheet *sheet)
{
    ct_out_char(sheet->out, '\n');
    sheet->column = sheet->indent = 0;
    sheet->space = false;
}

void ct_sheet_name(struct ct_sheet *sheet, const char *name)
{
    ct_sheet_text(sheet, CT_INK_BOLD, name);
    ct_sheet_column(sheet, NAME_COLUMN);
}
