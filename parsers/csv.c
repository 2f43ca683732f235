/* csv.c - comma-separated values: one message a row, or one turn a row.
 *
 * Records are put together from lines. Lines of a record that is not whole yet wait in a queue; where it turns out
 * broken (a quote that is never closed, a wrong number of fields), its first line is refused by name and the others
 * are read again, so that one stray quote costs one row. Queue and re-reading are bounded: a record has at most
 * RECORD_MAX_BYTES, and what is read again at most REREAD_FACTOR times the input; beyond that the queue's lines must
 * each be whole.
 */
#include "parsers/csv_row.h"
#include "parsers/csv_split.h"
#include "parsers/draft.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECORD_MAX_BYTES = 1 << 20, RECORD_MAX_LINES = 10000, REREAD_FACTOR = 8, SOURCE_MAX_BYTES = 400 };

struct queued_line {
    size_t at, len; /* in bytes[] */
    uint64_t offset, line;
};

struct state {
    struct ct_csv_rows rows;
    char separator; /* 0 = not known yet */
    bool has_header, header_read, dead;
    char *map, *source, *channel; /* NUL-terminated copies */
    /* the queue: lines [head, count) wait, [head, next) were scanned as one record */
    char *bytes;
    size_t len, capacity;
    struct queued_line *lines;
    size_t head, next, count, line_capacity;
    bool in_quotes;
    size_t single_until; /* lines before this one must be whole by themselves: the re-reading budget is spent */
    uint64_t input_bytes, reread_bytes;
};

static const struct ct_option options[] = {
    {"map", "map", "",
     "Columns by name: conversation_id=ConvID,text=Body,role=Sender,ts=Date; wide rows "
     "user_text=,bot_text=,agent_text=."},
    {"roles", "map", "",
     "Values of the role column: Agent=agent,Bot=bot,Customer=user; '*' at either end stands for anything."},
    {"separator", "choice:auto|comma|semicolon|tab|pipe", "auto",
     "What divides fields; auto = what the first line shows."},
    {"header", "choice:yes|no", "yes",
     "Whether the first row names the columns; without it map gives positions from 1."},
    {"order", "choice:dmy|mdy|ymd", "", "Order of day, month and year where numbers leave it open."},
    {"zone", "string", "UTC", "Time zone of times without an offset: UTC, +02:00, or a name such as Europe/Madrid."},
    {"channel", "string", "", "Channel of messages whose row names none."},
    {NULL, NULL, NULL, NULL},
};

/* ---- detection ---- */

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

/* Short words in every cell: a header that option map may serve. Prose with commas in it is not one. */
static bool looks_like_names(const ct_span *cells, size_t count)
{
    char key[CT_LABEL_KEY_MAX];
    for (size_t i = 0; i < count; i++) {
        if (cells[i].len > 32 || ct_label_key(cells[i], key) == 0 || cells[i].at[0] == '/') {
            return false;
        }
    }
    return count >= 3;
}

static int detect(ct_span head)
{
    ct_span first = without_mark(next_line(&head)), cells[CT_CSV_CELLS_MAX];
    char separator = separator_line(first);
    bool in_quotes = false;
    if (separator) {
        first = next_line(&head);
    } else {
        separator = ct_csv_separator(first);
    }
    if (first.len == 0 || first.at[0] == '{' || first.at[0] == '[' ||
        ct_csv_scan_line(first, separator, &in_quotes) != CT_CSV_COMPLETE) {
        return 0;
    }
    struct ct_arena arena;
    ct_arena_init(&arena, 0, 1 << 20);
    size_t count = 0, second_count = 0;
    int score = 0;
    struct ct_csv_columns columns;
    if (ct_csv_split(first, separator, &arena, cells, CT_CSV_CELLS_MAX, &count) == CT_OK && count >= 2 &&
        count <= CT_CSV_CELLS_MAX) {
        if (ct_csv_columns_find(&columns, CT_SPAN_NONE, false, cells, count, NULL) == CT_OK) {
            score = 85;
        } else if (looks_like_names(cells, count)) { /* a table it is; open() will ask for a map */
            ct_span second = next_line(&head);
            in_quotes = false;
            if (ct_csv_scan_line(second, separator, &in_quotes) == CT_CSV_COMPLETE &&
                ct_csv_split(second, separator, &arena, cells, CT_CSV_CELLS_MAX, &second_count) == CT_OK &&
                second_count == count) {
                score = 32;
            }
        }
    }
    ct_arena_done(&arena);
    return score;
}

/* ---- life ---- */

extern const struct ct_parser ct_parser_csv;

static void close_state(void *context)
{
    struct state *state = context;
    if (state) {
        ct_zone_done(&state->rows.zone);
        free(state->map);
        free(state->source);
        free(state->channel);
        free(state->bytes);
        free(state->lines);
        free(state);
    }
}

static char *copy(ct_span text)
{
    char *out = malloc(text.len + 1);
    if (out) {
        if (text.len) {
            memcpy(out, text.at, text.len);
        }
        out[text.len] = '\0';
    }
    return out;
}

static enum ct_status read_roles(ct_span list, struct ct_label_set *roles, struct ct_error *err)
{
    while (list.len) {
        const char *cut = memchr(list.at, ',', list.len);
        ct_span pair = {list.at, cut ? (size_t)(cut - list.at) : list.len};
        list = cut ? (ct_span){cut + 1, list.len - pair.len - 1} : CT_SPAN_NONE;
        const char *equals = pair.len ? memrchr(pair.at, '=', pair.len) : NULL;
        ct_span value = {pair.at, equals ? (size_t)(equals - pair.at) : 0};
        enum ct_role role = CT_ROLE_UNKNOWN;
        if (equals) {
            role = ct_role_from(ct_span_trim((ct_span){equals + 1, (size_t)(pair.at + pair.len - equals - 1)}));
        }
        if (role == CT_ROLE_UNKNOWN || value.len == 0 || !ct_label_set_add(roles, value, '\0', role)) {
            return ct_error_set(err, CT_BAD_CONFIG,
                                "option roles: \"%.*s\" is not VALUE=user, bot, agent, system or tool (at most %d)",
                                pair.len > 64 ? 64 : (int)pair.len, pair.at, (int)CT_LABEL_MAX);
        }
    }
    return CT_OK;
}

static bool read_separator(ct_span name, char *out)
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

static enum ct_status read_options(const struct ct_parser_config *config, struct state *state, struct ct_error *err)
{
    const struct ct_parser *self = &ct_parser_csv;
    ct_span map = ct_parser_option(self, config, "map"), header = ct_parser_option(self, config, "header");
    state->has_header = !ct_span_is(header, "no");
    if (state->has_header && !ct_span_is(header, "yes")) {
        return ct_error_set(err, CT_BAD_CONFIG, "option header: yes or no is due");
    }
    if (!read_separator(ct_parser_option(self, config, "separator"), &state->separator)) {
        return ct_error_set(err, CT_BAD_CONFIG, "option separator: auto, comma, semicolon, tab or pipe is due");
    }
    if (!ct_order_parse(ct_parser_option(self, config, "order"), &state->rows.order)) {
        return ct_error_set(err, CT_BAD_CONFIG, "option order: dmy, mdy or ymd is due");
    }
    if (!state->has_header && map.len == 0) {
        return ct_error_set(err, CT_BAD_CONFIG, "option header=no needs option map with positions: map=role=1,text=2");
    }
    enum ct_status status = ct_csv_map_check(map, !state->has_header, err);
    if (status == CT_OK) {
        status = read_roles(ct_parser_option(self, config, "roles"), &state->rows.roles, err);
    }
    if (status == CT_OK) {
        status = ct_zone_init(&state->rows.zone, ct_parser_option(self, config, "zone"), config->zone_tzif, err);
    }
    return status;
}

static void *open_state(const struct ct_parser_config *config, struct ct_error *err)
{
    struct state *state = calloc(1, sizeof *state);
    if (!state) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
        return NULL;
    }
    if (read_options(config, state, err) != CT_OK) {
        goto fail;
    }
    state->map = copy(ct_parser_option(&ct_parser_csv, config, "map"));
    state->channel = copy(ct_parser_option(&ct_parser_csv, config, "channel"));
    state->source = copy(config->source.len ? config->source : CT_SPAN_LIT("csv"));
    if (!state->map || !state->channel || !state->source) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
        goto fail;
    }
    state->rows.source = ct_span_of(state->source);
    state->rows.channel = ct_span_of(state->channel);
    return state;
fail:
    close_state(state);
    return NULL;
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

/* The first record: columns. A file whose columns are not found is refused once, as a whole. */
static void take_header(struct state *state, const ct_span *cells, size_t count, uint64_t offset, uint64_t line,
                        const struct ct_parse_out *out)
{
    struct ct_error err = {.status = CT_OK};
    state->header_read = true;
    if (ct_csv_columns_find(&state->rows.columns, ct_span_of(state->map), !state->has_header, cells, count, &err) !=
        CT_OK) {
        state->dead = true;
        ct_refuse(out, "unknown_header", offset, line, "%.190s", err.text);
    }
}

enum outcome { TAKEN, WRONG_COUNT };

static enum ct_status take_record(struct state *state, ct_span record, uint64_t offset, uint64_t line,
                                  struct ct_arena *arena, const struct ct_parse_out *out, enum outcome *outcome)
{
    ct_span cells[CT_CSV_CELLS_MAX];
    size_t count = 0;
    *outcome = TAKEN;
    enum ct_status status = ct_csv_split(record, state->separator, arena, cells, CT_CSV_CELLS_MAX, &count);
    if (status != CT_OK) {
        return status;
    }
    if (count > CT_CSV_CELLS_MAX) {
        ct_refuse(out, "wrong_field_count", offset, line, "more than %d fields", (int)CT_CSV_CELLS_MAX);
        state->dead = !state->header_read;
        return CT_OK;
    }
    if (is_blank_row(cells, count)) {
        return CT_OK;
    }
    if (!state->header_read) {
        take_header(state, cells, count, offset, line, out);
        if (state->dead || state->has_header) {
            return CT_OK;
        }
    }
    if (count != state->rows.columns.count) {
        *outcome = WRONG_COUNT;
        ct_refuse(out, "wrong_field_count", offset, line, "%zu fields where %zu are due", count,
                  state->rows.columns.count);
        return CT_OK;
    }
    size_t bad = 0;
    if (!ct_utf8_valid(record, &bad)) {
        ct_refuse(out, "invalid_utf8", offset + bad, line, "not UTF-8; a Latin-1 file is to be converted first");
        return CT_OK;
    }
    return ct_csv_row_emit(&state->rows, cells, offset, line, arena, out);
}

/* ---- the queue ---- */

static enum ct_status enqueue(struct state *state, const struct ct_frame *frame)
{
    if (state->head == state->count) { /* empty: begin at the front again */
        state->head = state->next = state->count = state->len = state->single_until = 0;
    } else if (state->lines[state->head].at > state->len / 2 && state->len + frame->bytes.len + 1 > state->capacity) {
        size_t gone = state->lines[state->head].at;
        memmove(state->bytes, state->bytes + gone, state->len - gone);
        memmove(state->lines, state->lines + state->head, (state->count - state->head) * sizeof *state->lines);
        state->len -= gone;
        state->count -= state->head;
        state->next -= state->head;
        state->single_until -= state->single_until < state->head ? state->single_until : state->head;
        state->head = 0;
        for (size_t i = 0; i < state->count; i++) {
            state->lines[i].at -= gone;
        }
    }
    if (state->len + frame->bytes.len + 1 > state->capacity) {
        size_t capacity = state->capacity ? state->capacity : 4096;
        while (capacity < state->len + frame->bytes.len + 1) {
            capacity *= 2;
        }
        char *grown = realloc(state->bytes, capacity);
        if (!grown) {
            return CT_NO_MEMORY;
        }
        state->bytes = grown;
        state->capacity = capacity;
    }
    if (state->count == state->line_capacity) {
        size_t capacity = state->line_capacity ? state->line_capacity * 2 : 64;
        struct queued_line *grown = realloc(state->lines, capacity * sizeof *grown);
        if (!grown) {
            return CT_NO_MEMORY;
        }
        state->lines = grown;
        state->line_capacity = capacity;
    }
    state->lines[state->count++] = (struct queued_line){state->len, frame->bytes.len, frame->offset, frame->line};
    if (frame->bytes.len) {
        memcpy(state->bytes + state->len, frame->bytes.at, frame->bytes.len);
    }
    state->len += frame->bytes.len;
    state->bytes[state->len++] = '\n';
    return CT_OK;
}

static ct_span queued(const struct state *state, size_t begin, size_t end)
{
    const struct queued_line *first = &state->lines[begin], *last = &state->lines[end - 1];
    return (ct_span){state->bytes + first->at, last->at + last->len - first->at};
}

/* Gives up the record's first line and begins again at its second. */
static void fall_back(struct state *state)
{
    state->reread_bytes += queued(state, state->head, state->next).len;
    if (state->reread_bytes > REREAD_FACTOR * state->input_bytes + RECORD_MAX_BYTES) {
        state->single_until = state->count;
    }
    state->head++;
    state->next = state->head;
    state->in_quotes = false;
    if (!state->header_read) { /* without its header the file cannot be read */
        state->dead = true;
    }
}

/* The record that ends before line `next` is whole. */
static enum ct_status take_queued(struct state *state, struct ct_arena *arena, const struct ct_parse_out *out)
{
    const struct queued_line *first = &state->lines[state->head];
    enum outcome outcome;
    enum ct_status status =
        take_record(state, queued(state, state->head, state->next), first->offset, first->line, arena, out, &outcome);
    if (outcome == WRONG_COUNT && state->next - state->head > 1) {
        fall_back(state); /* it may have swallowed whole rows: only its first line is lost */
    } else {
        state->head = state->next;
    }
    return status;
}

/* Scans what waits. `last`: nothing more comes, so an open quote is an error. */
static enum ct_status work(struct state *state, bool last, struct ct_arena *arena, const struct ct_parse_out *out)
{
    enum ct_status status = CT_OK;
    while (status == CT_OK && !state->dead && state->head < state->count) {
        if (state->next == state->count) {
            if (!last) {
                return CT_OK;
            }
            ct_refuse(out, "unterminated_quote", state->lines[state->head].offset, state->lines[state->head].line,
                      "a quoted field that begins in this row has no end");
            fall_back(state);
            continue;
        }
        const struct queued_line *line = &state->lines[state->next];
        enum ct_csv_scan scan =
            ct_csv_scan_line((ct_span){state->bytes + line->at, line->len}, state->separator, &state->in_quotes);
        state->next++;
        const struct queued_line *first = &state->lines[state->head];
        if (scan == CT_CSV_COMPLETE) {
            status = take_queued(state, arena, out);
            continue;
        }
        bool too_long = queued(state, state->head, state->next).len > RECORD_MAX_BYTES ||
                        state->next - state->head > RECORD_MAX_LINES;
        if (scan == CT_CSV_BROKEN) {
            ct_refuse(out, "bad_quote", first->offset, first->line, "no separator behind a closing quote");
            fall_back(state);
        } else if (too_long || state->head < state->single_until) {
            ct_refuse(out, "unterminated_quote", first->offset, first->line,
                      "a quoted field that begins in this row has no end within %d bytes and %d lines",
                      (int)RECORD_MAX_BYTES, (int)RECORD_MAX_LINES);
            fall_back(state);
        }
    }
    return status;
}

static enum ct_status record(void *context, const struct ct_frame *frame, struct ct_arena *scratch,
                             const struct ct_parse_out *out)
{
    struct state *state = context;
    struct ct_frame line = *frame;
    if (state->dead) {
        return CT_OK;
    }
    state->input_bytes += line.bytes.len + 1;
    bool waiting = state->head < state->count;
    if (!waiting) {
        if (!state->header_read && line.line == 1) {
            size_t mark = ct_mark_bytes(line.bytes);
            line.bytes = without_mark(line.bytes);
            line.offset += mark;
        }
        if (line.bytes.len == 0) {
            return CT_OK;
        }
        if (!state->header_read && separator_line(line.bytes)) {
            state->separator = separator_line(line.bytes);
            return CT_OK;
        }
        if (!state->separator) {
            state->separator = ct_csv_separator(line.bytes);
        }
        bool in_quotes = false;
        if (ct_csv_scan_line(line.bytes, state->separator, &in_quotes) == CT_CSV_COMPLETE) { /* nearly every row */
            enum outcome outcome;
            return take_record(state, line.bytes, line.offset, line.line, scratch, out, &outcome);
        }
        state->in_quotes = false;
    }
    enum ct_status status = enqueue(state, &line);
    return status == CT_OK ? work(state, false, scratch, out) : status;
}

static enum ct_status finish(void *context, struct ct_arena *scratch, const struct ct_parse_out *out)
{
    return work(context, true, scratch, out);
}

const struct ct_parser ct_parser_csv = {
    .name = "csv",
    .title = "CSV / TSV table",
    .help =
        "RFC 4180 with , ; tab or | between fields (seen from the first line), quotes, line ends inside quotes, a byte "
        "order mark. Columns are found by their names in English, Spanish or Portuguese, or by option map. Long "
        "rows are one message each; wide rows a turn with a column for the customer and one for the automat, whose "
        "answer has no time unless bot_ts says it. Times: RFC 3339, epoch seconds / milliseconds / microseconds, or "
        "day, month, year with option order. Rows that cannot be read are refused by name and position.",
    .extensions = ".csv .tsv",
    .framing = CT_FRAMING_LINES,
    .stateful = true,
    .options = options,
    .detect = detect,
    .open = open_state,
    .record = record,
    .finish = finish,
    .close = close_state,
};
