/* csv_split.c - the quoting rules of RFC 4180. */
#include "parsers/csv_split.h"

enum ct_csv_scan ct_csv_scan_line(ct_span line, char separator, bool *in_quotes)
{
    bool at_start = !*in_quotes; /* of a field */
    for (size_t i = 0; i < line.len;) {
        if (*in_quotes) {
            const char *quote = memchr(line.at + i, '"', line.len - i);
            if (!quote) {
                return CT_CSV_OPEN;
            }
            i = (size_t)(quote - line.at) + 1;
            if (i < line.len && line.at[i] == '"') {
                i++;
                continue;
            }
            *in_quotes = false;
            if (i < line.len && line.at[i] != separator) {
                return CT_CSV_BROKEN;
            }
            at_start = false;
            continue;
        }
        if (at_start && line.at[i] == '"') {
            *in_quotes = true;
            i++;
            continue;
        }
        if (line.at[i] == separator) {
            at_start = true;
            i++;
            continue;
        }
        const char *next = memchr(line.at + i, separator, line.len - i);
        if (!next) {
            return CT_CSV_COMPLETE;
        }
        at_start = false;
        i = (size_t)(next - line.at);
    }
    return *in_quotes ? CT_CSV_OPEN : CT_CSV_COMPLETE;
}

/* The quoted field at the beginning of `rest`, its doubled quotes made single. */
static enum ct_status take_quoted(ct_span *rest, struct ct_arena *arena, ct_span *cell)
{
    const char *begin = rest->at + 1, *end = rest->at + rest->len, *at = begin;
    size_t doubled = 0;
    while (at < end) {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        if (!quote) {
            at = end;
            break;
        }
        if (quote + 1 < end && quote[1] == '"') {
            doubled++;
            at = quote + 2;
            continue;
        }
        at = quote;
        break;
    }
    *cell = (ct_span){begin, (size_t)(at - begin)};
    const char *after = at < end ? at + 1 : end;
    *rest = (ct_span){after, (size_t)(end - after)};
    if (doubled) {
        char *plain = ct_arena_alloc(arena, cell->len);
        if (!plain) {
            return CT_NO_MEMORY;
        }
        size_t len = 0;
        for (size_t i = 0; i < cell->len; i++) {
            plain[len++] = cell->at[i];
            i += cell->at[i] == '"';
        }
        *cell = (ct_span){plain, len};
    }
    return CT_OK;
}

enum ct_status ct_csv_split(ct_span record, char separator, struct ct_arena *arena, ct_span *cells, size_t max,
                            size_t *count)
{
    ct_span rest = record.len ? record : CT_SPAN_LIT(""); /* arithmetic on NULL is undefined */
    *count = 0;
    for (;;) {
        ct_span cell;
        if (rest.len && rest.at[0] == '"') {
            enum ct_status status = take_quoted(&rest, arena, &cell);
            if (status != CT_OK) {
                return status;
            }
        } else {
            const char *cut = rest.len ? memchr(rest.at, separator, rest.len) : NULL;
            cell = (ct_span){rest.at, cut ? (size_t)(cut - rest.at) : rest.len};
            rest = (ct_span){rest.at + cell.len, rest.len - cell.len};
        }
        if (*count < max) {
            cells[*count] = cell;
        }
        ++*count;
        if (rest.len == 0) {
            return CT_OK;
        }
        rest = (ct_span){rest.at + 1, rest.len - 1}; /* the separator; nothing behind it is an empty last cell */
    }
}

char ct_csv_separator(ct_span line)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    size_t counts[sizeof candidates] = {0};
    bool quoted = false;
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] == '"') {
            quoted = !quoted;
        }
        for (size_t c = 0; c < sizeof candidates && !quoted; c++) {
            counts[c] += line.at[i] == candidates[c];
        }
    }
    size_t best = 0;
    for (size_t c = 1; c < sizeof candidates; c++) {
        best = counts[c] > counts[best] ? c : best;
    }
    return candidates[best];
}
