/* csv_table.c - lines to whole records, and a stray quote costs one row. See csv_table.h. */
#include "parsers/csv_table.h"

#include "parsers/draft.h"
#include "parsers/localtime.h"

#include <stdlib.h>

enum { RECORD_MAX_BYTES = 1 << 20, RECORD_MAX_LINES = 10000, REREAD_FACTOR = 8 };

struct ct_csv_line {
    size_t at, len; /* in bytes[] */
    uint64_t offset, line;
};

void ct_csv_table_done(struct ct_csv_table *table)
{
    free(table->bytes);
    free(table->lines);
}

bool ct_csv_separator_from(ct_span name, char *out)
{
    static const struct {
        const char *name;
        char separator;
    } names[] = {{"auto", 0}, {"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"pipe", '|'},
                 {",", ','},  {";", ';'},     {"\t", '\t'},       {"|", '|'}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (ct_span_is(name, names[i].name)) {
            *out = names[i].separator;
            return true;
        }
    }
    return false;
}

/* ---- the head of a file ---- */

static ct_span next_line(ct_span *head)
{
    const char *cut = head->len ? memchr(head->at, '\n', head->len) : NULL;
    ct_span line = {head->at, cut ? (size_t)(cut - head->at) : head->len};
    *head = cut ? (ct_span){cut + 1, head->len - line.len - 1} : CT_SPAN_NONE;
    if (line.len && line.at[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

static ct_span without_mark(ct_span line)
{
    size_t mark = ct_mark_bytes(line);
    return (ct_span){line.at + mark, line.len - mark};
}

/* "sep=;", which Excel writes and reads. 0 = no such line. */
static char separator_line(ct_span line)
{
    return line.len == 5 && memcmp(line.at, "sep=", 4) == 0 ? line.at[4] : 0;
}

bool ct_csv_head_read(struct ct_csv_head *out, ct_span head, struct ct_arena *arena)
{
    ct_span first = without_mark(next_line(&head));
    bool in_quotes = false;
    out->separator = separator_line(first);
    out->row_count = 0;
    if (out->separator) {
        first = next_line(&head);
    } else {
        out->separator = ct_csv_separator(first);
    }
    if (first.len == 0 || first.at[0] == '{' || first.at[0] == '[' ||
        ct_csv_scan_line(first, out->separator, &in_quotes) != CT_CSV_COMPLETE ||
        ct_csv_split(first, out->separator, arena, out->names, CT_CSV_CELLS_MAX, &out->name_count) != CT_OK ||
        out->name_count > CT_CSV_CELLS_MAX) {
        return false;
    }
    ct_span second = next_line(&head);
    in_quotes = false;
    if (second.len == 0 || ct_csv_scan_line(second, out->separator, &in_quotes) != CT_CSV_COMPLETE ||
        ct_csv_split(second, out->separator, arena, out->row, CT_CSV_CELLS_MAX, &out->row_count) != CT_OK ||
        out->row_count > CT_CSV_CELLS_MAX) {
        out->row_count = 0;
    }
    return true;
}

/* ---- whole records ---- */

static bool is_blank_row(const ct_span *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ct_span_trim(cells[i]).len) {
            return false;
        }
    }
    return true;
}

enum outcome { TAKEN, WRONG_COUNT };

static enum ct_status take_record(struct ct_csv_table *table, ct_span record, uint64_t offset, uint64_t line,
                                  struct ct_arena *arena, const struct ct_parse_out *out, enum outcome *outcome)
{
    ct_span cells[CT_CSV_CELLS_MAX];
    size_t count = 0;
    *outcome = TAKEN;
    enum ct_status status = ct_csv_split(record, table->separator, arena, cells, CT_CSV_CELLS_MAX, &count);
    if (status != CT_OK) {
        return status;
    }
    if (count > CT_CSV_CELLS_MAX) {
        ct_refuse(out, "wrong_field_count", offset, line, "more than %d fields", (int)CT_CSV_CELLS_MAX);
        table->dead = !table->header_read;
        return CT_OK;
    }
    if (is_blank_row(cells, count)) {
        return CT_OK;
    }
    if (!table->header_read) {
        table->header_read = true;
        table->columns = count;
        table->dead = !table->use->header(table, cells, count, offset, line, out);
        if (table->dead || table->has_header) {
            return CT_OK;
        }
    }
    if (count != table->columns) {
        *outcome = WRONG_COUNT;
        ct_refuse(out, "wrong_field_count", offset, line, "%zu fields where %zu are due", count, table->columns);
        return CT_OK;
    }
    size_t bad = 0;
    if (!ct_utf8_valid(record, &bad)) {
        ct_refuse(out, "invalid_utf8", offset + bad, line, "not UTF-8; a Latin-1 file is to be converted first");
        return CT_OK;
    }
    return table->use->row(table, cells, offset, line, arena, out);
}

/* ---- the queue ---- */

static enum ct_status enqueue(struct ct_csv_table *table, const struct ct_frame *frame)
{
    if (table->head == table->count) { /* empty: begin at the front again */
        table->head = table->next = table->count = table->len = table->single_until = 0;
    } else if (table->lines[table->head].at > table->len / 2 && table->len + frame->bytes.len + 1 > table->capacity) {
        size_t gone = table->lines[table->head].at;
        memmove(table->bytes, table->bytes + gone, table->len - gone);
        memmove(table->lines, table->lines + table->head, (table->count - table->head) * sizeof *table->lines);
        table->len -= gone;
        table->count -= table->head;
        table->next -= table->head;
        table->single_until -= table->single_until < table->head ? table->single_until : table->head;
        table->head = 0;
        for (size_t i = 0; i < table->count; i++) {
            table->lines[i].at -= gone;
        }
    }
    if (table->len + frame->bytes.len + 1 > table->capacity) {
        size_t capacity = table->capacity ? table->capacity : 4096;
        while (capacity < table->len + frame->bytes.len + 1) {
            capacity *= 2;
        }
        char *grown = realloc(table->bytes, capacity);
        if (!grown) {
            return CT_NO_MEMORY;
        }
        table->bytes = grown;
        table->capacity = capacity;
    }
    if (table->count == table->line_capacity) {
        size_t capacity = table->line_capacity ? table->line_capacity * 2 : 64;
        struct ct_csv_line *grown = realloc(table->lines, capacity * sizeof *grown);
        if (!grown) {
            return CT_NO_MEMORY;
        }
        table->lines = grown;
        table->line_capacity = capacity;
    }
    table->lines[table->count++] = (struct ct_csv_line){table->len, frame->bytes.len, frame->offset, frame->line};
    if (frame->bytes.len) {
        memcpy(table->bytes + table->len, frame->bytes.at, frame->bytes.len);
    }
    table->len += frame->bytes.len;
    table->bytes[table->len++] = '\n';
    return CT_OK;
}

static ct_span queued(const struct ct_csv_table *table, size_t begin, size_t end)
{
    const struct ct_csv_line *first = &table->lines[begin], *last = &table->lines[end - 1];
    return (ct_span){table->bytes + first->at, last->at + last->len - first->at};
}

/* Gives up the record's first line and begins again at its second. */
static void fall_back(struct ct_csv_table *table)
{
    table->reread_bytes += queued(table, table->head, table->next).len;
    if (table->reread_bytes > REREAD_FACTOR * table->input_bytes + RECORD_MAX_BYTES) {
        table->single_until = table->count;
    }
    table->head++;
    table->next = table->head;
    table->in_quotes = false;
    if (!table->header_read) { /* without its header the file cannot be read */
        table->dead = true;
    }
}

/* The record that ends before line `next` is whole. */
static enum ct_status take_queued(struct ct_csv_table *table, struct ct_arena *arena, const struct ct_parse_out *out)
{
    const struct ct_csv_line *first = &table->lines[table->head];
    enum outcome outcome;
    enum ct_status status =
        take_record(table, queued(table, table->head, table->next), first->offset, first->line, arena, out, &outcome);
    if (outcome == WRONG_COUNT && table->next - table->head > 1) {
        fall_back(table); /* it may have swallowed whole rows: only its first line is lost */
    } else {
        table->head = table->next;
    }
    return status;
}

/* Scans what waits. `last`: nothing more comes, so an open quote is an error. */
static enum ct_status work(struct ct_csv_table *table, bool last, struct ct_arena *arena,
                           const struct ct_parse_out *out)
{
    enum ct_status status = CT_OK;
    while (status == CT_OK && !table->dead && table->head < table->count) {
        if (table->next == table->count) {
            if (!last) {
                return CT_OK;
            }
            ct_refuse(out, "unterminated_quote", table->lines[table->head].offset, table->lines[table->head].line,
                      "a quoted field that begins in this row has no end");
            fall_back(table);
            continue;
        }
        const struct ct_csv_line *line = &table->lines[table->next];
        enum ct_csv_scan scan =
            ct_csv_scan_line((ct_span){table->bytes + line->at, line->len}, table->separator, &table->in_quotes);
        table->next++;
        const struct ct_csv_line *first = &table->lines[table->head];
        if (scan == CT_CSV_COMPLETE) {
            status = take_queued(table, arena, out);
            continue;
        }
        bool too_long = queued(table, table->head, table->next).len > RECORD_MAX_BYTES ||
                        table->next - table->head > RECORD_MAX_LINES;
        if (scan == CT_CSV_BROKEN) {
            ct_refuse(out, "bad_quote", first->offset, first->line, "no separator behind a closing quote");
            fall_back(table);
        } else if (too_long || table->head < table->single_until) {
            ct_refuse(out, "unterminated_quote", first->offset, first->line,
                      "a quoted field that begins in this row has no end within %d bytes and %d lines",
                      (int)RECORD_MAX_BYTES, (int)RECORD_MAX_LINES);
            fall_back(table);
        }
    }
    return status;
}

enum ct_status ct_csv_table_record(void *state, const struct ct_frame *frame, struct ct_arena *scratch,
                                   const struct ct_parse_out *out)
{
    struct ct_csv_table *table = state;
    struct ct_frame line = *frame;
    if (table->dead) {
        return CT_OK;
    }
    table->input_bytes += line.bytes.len + 1;
    bool waiting = table->head < table->count;
    if (!waiting) {
        if (!table->header_read && line.line == 1) {
            size_t mark = ct_mark_bytes(line.bytes);
            line.bytes = without_mark(line.bytes);
            line.offset += mark;
        }
        if (line.bytes.len == 0) {
            return CT_OK;
        }
        if (!table->header_read && separator_line(line.bytes)) {
            table->separator = separator_line(line.bytes);
            return CT_OK;
        }
        if (!table->separator) {
            table->separator = ct_csv_separator(line.bytes);
        }
        bool in_quotes = false;
        if (ct_csv_scan_line(line.bytes, table->separator, &in_quotes) == CT_CSV_COMPLETE) { /* nearly every row */
            enum outcome outcome;
            return take_record(table, line.bytes, line.offset, line.line, scratch, out, &outcome);
        }
        table->in_quotes = false;
    }
    enum ct_status status = enqueue(table, &line);
    return status == CT_OK ? work(table, false, scratch, out) : status;
}

enum ct_status ct_csv_table_finish(void *state, struct ct_arena *scratch, const struct ct_parse_out *out)
{
    return work(state, true, scratch, out);
}
