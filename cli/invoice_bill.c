/* invoice_bill.c - reads a bill's rows. See invoice_bill.h. A hostile file costs its own rows: each is refused by name,
 * and nothing grows beyond the longest line.
 */
#include "cli/invoice_bill.h"

#include <stdlib.h>
#include <strings.h>

#include "cli/input.h"
#include "parsers/csv_split.h"
#include "parsers/json_reader.h"

enum { CELLS_MAX = 256, CHUNK = 1 << 16 };
enum column { COLUMN_ID, COLUMN_AMOUNT, COLUMN_CURRENCY, COLUMN_COUNT };

/* Names that exports use, where no option says another. */
static const char *const usual[COLUMN_COUNT][10] = {
    {"conversation_id", "conversation id", "conversation", "id", "ticket_id", "ticket id", "chat_id", "session_id",
     "conversacion", NULL},
    {"amount", "price", "cost", "charge", "total", "importe", "precio", NULL},
    {"currency", "moneda", NULL}};
static const char *const column_names[COLUMN_COUNT] = {"id", "amount", "currency"};

struct bill {
    const struct ct_bill_reading *reading;
    struct ct_reader *reader;
    char *bytes; /* read, not yet taken */
    size_t begin, end, capacity;
    bool at_end;
    uint64_t line;               /* of the line taken last */
    ct_span asked[COLUMN_COUNT]; /* by option; empty = the usual names */
    int place[COLUMN_COUNT];     /* CSV: the column; -1 = none */
    char separator;
    bool begun;
    struct ct_arena arena;
};

/* ---- lines --------------------------------------------------------------------------------------------------------
 */

static enum ct_status fill(struct bill *b, struct ct_error *err)
{
    size_t got = 0;
    if (b->begin > 0) {
        memmove(b->bytes, b->bytes + b->begin, b->end - b->begin);
        b->end -= b->begin;
        b->begin = 0;
    }
    if (b->capacity - b->end < CHUNK) {
        char *more = realloc(b->bytes, b->capacity + 2 * (size_t)CHUNK);
        if (!more) {
            return ct_error_set(err, CT_NO_MEMORY, "out of memory");
        }
        b->bytes = more;
        b->capacity += 2 * (size_t)CHUNK;
    }
    enum ct_status status = ct_reader_read(b->reader, b->bytes + b->end, CHUNK, &got, err);
    if (status == CT_REFUSED) { /* a broken stream: what came before it was good */
        b->reading->refuse(b->reading->context, "bill_cut_off", b->line + 1);
        status = CT_OK;
        got = 0;
    }
    b->end += got;
    b->at_end = got == 0;
    return status;
}

/* The next line without its end, borrowed until the next call. *found false = there is none. A longer one than the
 * maximum is passed over, and refused. */
static enum ct_status next_line(struct bill *b, ct_span *line, bool *found, struct ct_error *err)
{
    bool too_long = false;
    size_t looked = 0;
    for (;;) {
        const char *from = b->bytes + b->begin;
        size_t held = b->end - b->begin;
        const char *newline = held > looked ? memchr(from + looked, '\n', held - looked) : NULL;
        if (newline || (b->at_end && held > 0)) {
            size_t len = newline ? (size_t)(newline - from) : held;
            b->begin += len + (newline != NULL);
            b->line++;
            if (too_long || len > CT_BILL_LINE_BYTES_MAX) {
                b->reading->refuse(b->reading->context, "line_too_long", b->line);
                too_long = false;
                looked = 0;
                continue;
            }
            len -= len > 0 && from[len - 1] == '\r';
            *line = (ct_span){from, len};
            *found = true;
            return CT_OK;
        }
        if (b->at_end) {
            if (too_long) {
                b->line++;
                b->reading->refuse(b->reading->context, "line_too_long", b->line);
            }
            *found = false;
            return CT_OK;
        }
        looked = held;
        if (held > CT_BILL_LINE_BYTES_MAX) {
            too_long = true;
            b->begin = b->end;
            looked = 0;
        }
        enum ct_status status = fill(b, err);
        if (status != CT_OK) {
            return status;
        }
    }
}

/* ---- one row ------------------------------------------------------------------------------------------------------
 */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static ct_span trimmed(ct_span text)
{
    while (text.len && is_blank(text.at[0])) {
        text = (ct_span){text.at + 1, text.len - 1};
    }
    while (text.len && is_blank(text.at[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* "$0.99" and "0.99 USD" are read as the numbers in them: whose currency it is says the column, or the option. */
static bool read_amount(const struct bill *b, ct_span text, ct_nano *out)
{
    ct_span currency = b->reading->currency;
    if (text.len > 1 && text.at[0] == '$') {
        text = (ct_span){text.at + 1, text.len - 1};
    }
    if (currency.len && text.len > currency.len &&
        strncasecmp(text.at + text.len - currency.len, currency.at, currency.len) == 0) {
        text = trimmed((ct_span){text.at, text.len - currency.len});
    }
    return ct_money_parse(text, out);
}

static enum ct_status take_row(struct bill *b, const ct_span *cells, struct ct_error *err)
{
    const struct ct_bill_reading *reading = b->reading;
    struct ct_bill_row row = {.id = trimmed(cells[COLUMN_ID]), .line = b->line};
    ct_span amount = trimmed(cells[COLUMN_AMOUNT]), currency = trimmed(cells[COLUMN_CURRENCY]);
    size_t bad;
    const char *reason = NULL;
    if (!row.id.len) {
        reason = "no_id";
    } else if (row.id.len > CT_BILL_ID_BYTES_MAX) {
        reason = "id_too_long";
    } else if (!ct_utf8_valid(row.id, &bad) || memchr(row.id.at, 0, row.id.len)) {
        reason = "bad_id";
    } else if (amount.len && !read_amount(b, amount, &row.amount)) {
        reason = "bad_amount";
    } else if (currency.len && (currency.len != reading->currency.len ||
                                strncasecmp(currency.at, reading->currency.at, currency.len) != 0)) {
        reason = "other_currency";
    }
    if (reason) {
        reading->refuse(reading->context, reason, b->line);
        return CT_OK;
    }
    row.has_amount = amount.len > 0;
    return reading->row(reading->context, &row, err);
}

/* ---- JSON lines ---------------------------------------------------------------------------------------------------
 */

static bool is_column(const struct bill *b, enum column column, ct_span name)
{
    if (b->asked[column].len) {
        return ct_span_eq(name, b->asked[column]);
    }
    for (const char *const *at = usual[column]; *at; at++) {
        if (name.len == strlen(*at) && strncasecmp(name.at, *at, name.len) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_members(struct bill *b, struct ct_json *json, ct_span *cells)
{
    struct ct_json_walk walk = {0};
    ct_span key;
    bool good = ct_json_object(json, "the line");
    while (good && ct_json_key(json, &walk, &key)) {
        enum column column = COLUMN_ID;
        while (column < COLUMN_COUNT && (cells[column].len || !is_column(b, column, key))) {
            column++;
        }
        good = column < COLUMN_COUNT ? ct_json_id(json, column_names[column], &cells[column]) : ct_json_skip(json);
    }
    return good && json->status == CT_OK;
}

static enum ct_status take_json(struct bill *b, ct_span line, struct ct_error *err)
{
    struct ct_json json;
    ct_span cells[COLUMN_COUNT] = {CT_SPAN_NONE, CT_SPAN_NONE, CT_SPAN_NONE};
    ct_json_init(&json, line, &b->arena);
    bool good = ct_json_peek(&json) == CT_JSON_OBJECT ? read_members(b, &json, cells)
                                                      : ct_json_id(&json, "the line", &cells[COLUMN_ID]);
    good = good && ct_json_end(&json);
    if (json.status == CT_NO_MEMORY) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    if (!good) {
        b->reading->refuse(b->reading->context, json.reason ? json.reason : "bad_json", b->line);
        return CT_OK;
    }
    return take_row(b, cells, err);
}

/* ---- CSV ----------------------------------------------------------------------------------------------------------
 */

/* A record from its first line on: lines are joined while a quoted cell goes on. In the arena, or the line itself.
 * len 0 and at NULL = refused. */
static enum ct_status whole_record(struct bill *b, ct_span line, ct_span *record, struct ct_error *err)
{
    bool in_quotes = false, found = true;
    uint64_t first = b->line;
    char *joined = NULL;
    size_t len = 0;
    enum ct_csv_scan scan = ct_csv_scan_line(line, b->separator, &in_quotes);
    *record = line;
    while (scan == CT_CSV_OPEN) {
        if (!joined) {
            joined = ct_arena_alloc(&b->arena, CT_BILL_LINE_BYTES_MAX);
            if (!joined) {
                return ct_error_set(err, CT_NO_MEMORY, "out of memory");
            }
        }
        if (len + line.len + 1 > CT_BILL_LINE_BYTES_MAX) {
            scan = CT_CSV_BROKEN;
            break;
        }
        memcpy(joined + len, line.at, line.len);
        len += line.len;
        joined[len++] = '\n';
        enum ct_status status = next_line(b, &line, &found, err);
        if (status != CT_OK) {
            return status;
        }
        if (!found) {
            scan = CT_CSV_BROKEN;
            break;
        }
        scan = ct_csv_scan_line(line, b->separator, &in_quotes);
        if (scan == CT_CSV_COMPLETE) {
            if (len + line.len > CT_BILL_LINE_BYTES_MAX) {
                scan = CT_CSV_BROKEN;
                break;
            }
            memcpy(joined + len, line.at, line.len);
            *record = (ct_span){joined, len + line.len};
        }
    }
    if (scan == CT_CSV_BROKEN) {
        b->reading->refuse(b->reading->context, "bad_quotes", first);
        *record = CT_SPAN_NONE;
    }
    return CT_OK;
}

static int find_column(const struct bill *b, enum column column, const ct_span *cells, size_t count)
{
    size_t at = b->asked[column].len ? 1 : 0;
    for (; !b->asked[column].len && usual[column][at]; at++) { /* the earlier a name stands there, the surer it is */
        for (size_t i = 0; i < count; i++) {
            ct_span cell = trimmed(cells[i]);
            if (cell.len == strlen(usual[column][at]) && strncasecmp(cell.at, usual[column][at], cell.len) == 0) {
                return (int)i;
            }
        }
    }
    for (size_t i = 0; b->asked[column].len && i < count; i++) {
        if (ct_span_eq(trimmed(cells[i]), b->asked[column])) {
            return (int)i;
        }
    }
    return -1;
}

/* The first record: a header, or, of one column without a known name, an id already. */
static enum ct_status read_header(struct bill *b, const ct_span *cells, size_t count, bool *is_row,
                                  struct ct_error *err)
{
    size_t held = count < CELLS_MAX ? count : CELLS_MAX;
    for (enum column c = COLUMN_ID; c < COLUMN_COUNT; c++) {
        b->place[c] = find_column(b, c, cells, held);
        if (b->asked[c].len && b->place[c] < 0) {
            return ct_error_set(err, CT_BAD_CONFIG, "%s has no column \"%.*s\"", b->reading->path,
                                b->asked[c].len < 80 ? (int)b->asked[c].len : 80, b->asked[c].at);
        }
    }
    *is_row = b->place[COLUMN_ID] < 0 && count == 1;
    if (*is_row) {
        b->place[COLUMN_ID] = 0;
    }
    if (b->place[COLUMN_ID] < 0) {
        return ct_error_set(err, CT_BAD_CONFIG,
                            "%s: which column has the conversations' ids? Give --billed-column id=NAME",
                            b->reading->path);
    }
    return CT_OK;
}

static enum ct_status take_csv(struct bill *b, ct_span line, struct ct_error *err)
{
    ct_span record, cells[CELLS_MAX], row[COLUMN_COUNT] = {CT_SPAN_NONE, CT_SPAN_NONE, CT_SPAN_NONE};
    size_t count;
    uint64_t first = b->line;
    bool is_row = true;
    enum ct_status status = whole_record(b, line, &record, err);
    if (status != CT_OK || !record.at) {
        return status;
    }
    status = ct_csv_split(record, b->separator, &b->arena, cells, CELLS_MAX, &count);
    if (status == CT_OK && !b->begun) {
        status = read_header(b, cells, count, &is_row, err);
        b->begun = true;
    }
    if (status != CT_OK || !is_row) {
        return status;
    }
    for (enum column c = COLUMN_ID; c < COLUMN_COUNT; c++) {
        if (b->place[c] >= 0 && (size_t)b->place[c] < count && b->place[c] < CELLS_MAX) {
            row[c] = cells[b->place[c]];
        }
    }
    uint64_t last = b->line;
    b->line = first;
    status = take_row(b, row, err);
    b->line = last;
    return status;
}

/* ---- the whole ----------------------------------------------------------------------------------------------------
 */

/* "amount=Charge" into asked. */
static bool read_column(ct_span text, ct_span *asked)
{
    for (enum column c = COLUMN_ID; c < COLUMN_COUNT; c++) {
        size_t len = strlen(column_names[c]);
        if (text.len > len + 1 && memcmp(text.at, column_names[c], len) == 0 && text.at[len] == '=') {
            asked[c] = (ct_span){text.at + len + 1, text.len - len - 1};
            return true;
        }
    }
    return false;
}

enum ct_status ct_bill_columns_check(const struct ct_texts *columns, struct ct_error *err)
{
    ct_span asked[COLUMN_COUNT];
    for (size_t i = 0; i < columns->count; i++) {
        if (!read_column(ct_span_of(columns->at[i]), asked)) {
            return ct_error_set(err, CT_BAD_CONFIG, "\"%s\" is not id=NAME, amount=NAME or currency=NAME",
                                columns->at[i]);
        }
    }
    return CT_OK;
}

static enum ct_status read_lines(struct bill *b, struct ct_error *err)
{
    enum ct_status status = CT_OK;
    bool found = true, first = true, json = false;
    while (status == CT_OK && found) {
        ct_span line = CT_SPAN_NONE;
        status = next_line(b, &line, &found, err);
        if (status != CT_OK || !found) {
            break;
        }
        if (b->line == 1 && line.len >= 3 && memcmp(line.at, "\xEF\xBB\xBF", 3) == 0) {
            line = (ct_span){line.at + 3, line.len - 3};
        }
        ct_span text = trimmed(line);
        if (!text.len) {
            continue;
        }
        if (first) {
            json = text.at[0] == '{';
            b->separator = ct_csv_separator(line);
            first = false;
        }
        status = json ? take_json(b, line, err) : take_csv(b, line, err);
        ct_arena_reset(&b->arena);
    }
    return status;
}

enum ct_status ct_bill_read(const struct ct_bill_reading *reading, struct ct_error *err)
{
    struct bill b = {.reading = reading, .place = {-1, -1, -1}};
    for (size_t i = 0; i < reading->columns->count; i++) {
        (void)!read_column(ct_span_of(reading->columns->at[i]), b.asked);
    }
    b.reader = ct_reader_open(reading->path, false, err);
    if (!b.reader) {
        struct ct_error why = *err;
        return ct_error_set(err, why.status == CT_NO_MEMORY ? CT_NO_MEMORY : CT_NOT_FOUND, "%s: %s", reading->path,
                            why.text);
    }
    ct_arena_init(&b.arena, 65536, 0);
    enum ct_status status = read_lines(&b, err);
    ct_arena_done(&b.arena);
    ct_reader_close(b.reader);
    free(b.bytes);
    return status;
}
