/* business_csv.c - business events as a table: one event a row, as shops, billing and CRM systems export them.
 *
 * csv_table.h puts records together, business_columns.h says which column is what, business_draft.h reads and checks
 * the values. Called through ct_parser_business_csv by the pipeline.
 */
#include "parsers/business_columns.h"
#include "parsers/csv_columns.h"
#include "parsers/csv_table.h"
#include "parsers/draft.h"
#include "parsers/labels.h"

#include <stdlib.h>

enum { NAMES_MAX = 64, IGNORED = -1, UNKNOWN = -2 };

/* One of the file's own names for what happened. */
struct event_name {
    char key[CT_LABEL_KEY_MAX];
    size_t len;
    int type; /* IGNORED = rows of that name are passed over */
};

struct state {
    struct ct_csv_table table; /* first: ct_csv_table_record */
    struct ct_business_columns columns;
    struct ct_business_draft draft;
    struct ct_zone zone;
    char *map, *currency, *tenant; /* NUL-terminated copies */
    int fixed_type;                /* of every row; UNKNOWN = a column says it */
    struct event_name names[NAMES_MAX];
    size_t name_count;
};

static const struct ct_option options[] = {
    {"columns", "map", "",
     "Columns by name: at=Fecha,user_id=Cliente,amount=Importe; the fields are the keys of an event "
     "(docs/business-events.md) and time_of_day."},
    {"event", "string", "", "The type of every row, such as purchase, where no column says it."},
    {"events", "map", "",
     "The file's own names of events: alta=customer_won,baja=customer_lost; 'ignore' passes rows of that name over."},
    {"separator", "choice:auto|comma|semicolon|tab|pipe", "auto",
     "What divides fields; auto = what the first line shows."},
    {"header", "choice:yes|no", "yes",
     "Whether the first row names the columns; without it columns gives positions from 1."},
    {"decimal", "choice:point|comma", "point", "How amounts are written: 1234.56, or 1.234,56."},
    {"order", "choice:dmy|mdy|ymd", "", "Order of day, month and year where numbers leave it open."},
    {"zone", "string", "",
     "Time zone of dates, and of times without an offset: UTC, +02:00, or a name such as Europe/Madrid; without it the "
     "zone that the figures are for."},
    {"currency", "string", "", "Currency of amounts whose row names none: EUR."},
    {"tenant", "string", "", "Tenant of rows that name none."},
    {NULL, NULL, NULL, NULL},
};

extern const struct ct_parser ct_parser_business_csv;

/* ---- names of events ---- */

static int shown(ct_span text)
{
    return text.len > 64 ? 64 : (int)text.len;
}

static enum ct_status read_names(struct state *state, ct_span map, struct ct_error *err)
{
    ct_span name, value;
    while (ct_csv_map_next(&map, &name, &value)) {
        struct event_name *to = &state->names[state->name_count];
        enum ct_business_type type = CT_BUSINESS_COUNT;
        bool ignored = ct_span_is(value, "ignore");
        if (state->name_count == NAMES_MAX) {
            return ct_error_set(err, CT_BAD_CONFIG, "option events: more than %d names", (int)NAMES_MAX);
        }
        to->len = ct_label_key(name, to->key);
        if (!to->len || (!ignored && !ct_business_type_from(value, &type))) {
            return ct_error_set(err, CT_BAD_CONFIG,
                                "option events: \"%.*s=%.*s\" is not NAME=a type of event (or ignore)", shown(name),
                                name.at, shown(value), value.at);
        }
        to->type = ignored ? IGNORED : (int)type;
        state->name_count++;
    }
    return CT_OK;
}

/* Of the file's own names, else of ours. */
static int type_of(const struct state *state, ct_span text)
{
    char key[CT_LABEL_KEY_MAX];
    size_t len = ct_label_key(text, key);
    enum ct_business_type type;
    for (size_t i = 0; i < state->name_count; i++) {
        if (state->names[i].len == len && memcmp(state->names[i].key, key, len) == 0) {
            return state->names[i].type;
        }
    }
    return ct_business_type_from(text, &type) ? (int)type : UNKNOWN;
}

/* ---- detection ---- */

static bool is_chat(const struct ct_csv_head *head)
{
    struct ct_csv_columns columns;
    return ct_csv_columns_find(&columns, CT_SPAN_NONE, false, head->names, head->name_count, NULL) == CT_OK;
}

/* A header that names an event, its time and whose it is; surest where the first row is of a type that is known. */
static int score_of(const struct ct_csv_head *head, const struct state *state)
{
    struct ct_business_columns columns;
    bool fixed = state && state->fixed_type != UNKNOWN;
    ct_span map = state ? ct_span_of(state->map) : CT_SPAN_NONE;
    bool numbered = state && !state->table.has_header;
    if (ct_business_columns_find(&columns, map, numbered, fixed, head->names, head->name_count, NULL) != CT_OK) {
        return 0;
    }
    if (fixed || numbered) { /* the options say that such a table is meant, and this one fits */
        return is_chat(head) ? 60 : map.len ? 90 : 60;
    }
    int column = columns.column[CT_BUSINESS_KEY_EVENT], type = UNKNOWN;
    static const struct state none;
    if (head->row_count == head->name_count) {
        type = type_of(state ? state : &none, ct_span_trim(head->row[column]));
    }
    if (type != UNKNOWN) {
        return 95;
    }
    bool named = ct_csv_column_of(CT_SPAN_LIT("event"), head->names, head->name_count) == column;
    return is_chat(head) ? 0 : map.len ? 90 : named ? 40 : 0;
}

static int detect(ct_span bytes)
{
    struct ct_csv_head head;
    struct ct_arena arena;
    ct_arena_init(&arena, 0, 1 << 20);
    int score = ct_csv_head_read(&head, bytes, &arena) ? score_of(&head, NULL) : 0;
    ct_arena_done(&arena);
    return score;
}

/* ---- life ---- */

static void close_state(void *context)
{
    struct state *state = context;
    if (state) {
        ct_csv_table_done(&state->table);
        ct_zone_done(&state->zone);
        free(state->map);
        free(state->currency);
        free(state->tenant);
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

static enum ct_status read_choices(const struct ct_parser_config *config, struct state *state, struct ct_error *err)
{
    const struct ct_parser *self = &ct_parser_business_csv;
    ct_span header = ct_parser_option(self, config, "header"), decimal = ct_parser_option(self, config, "decimal");
    ct_span event = ct_parser_option(self, config, "event"), currency = ct_parser_option(self, config, "currency");
    enum ct_business_type type;
    state->table.has_header = !ct_span_is(header, "no");
    state->draft.comma = ct_span_is(decimal, "comma");
    state->fixed_type = UNKNOWN;
    if (state->table.has_header && !ct_span_is(header, "yes")) {
        return ct_error_set(err, CT_BAD_CONFIG, "option header: yes or no is due");
    }
    if (!state->draft.comma && !ct_span_is(decimal, "point")) {
        return ct_error_set(err, CT_BAD_CONFIG, "option decimal: point or comma is due");
    }
    if (!ct_csv_separator_from(ct_parser_option(self, config, "separator"), &state->table.separator)) {
        return ct_error_set(err, CT_BAD_CONFIG, "option separator: auto, comma, semicolon, tab or pipe is due");
    }
    if (!ct_order_parse(ct_parser_option(self, config, "order"), &state->draft.order)) {
        return ct_error_set(err, CT_BAD_CONFIG, "option order: dmy, mdy or ymd is due");
    }
    if (event.len) {
        if (!ct_business_type_from(event, &type)) {
            return ct_error_set(err, CT_BAD_CONFIG, "option event: \"%.*s\" is no type of event", shown(event),
                                event.at);
        }
        state->fixed_type = (int)type;
    }
    struct ct_business_fault fault;
    ct_business_draft_clear(&state->draft);
    if (!ct_business_draft_set(&state->draft, CT_BUSINESS_KEY_CURRENCY, currency, &fault)) {
        return ct_error_set(err, CT_BAD_CONFIG, "option currency: %s", fault.note);
    }
    return CT_OK;
}

static enum ct_status read_options(const struct ct_parser_config *config, struct state *state, struct ct_error *err)
{
    const struct ct_parser *self = &ct_parser_business_csv;
    ct_span map = ct_parser_option(self, config, "columns");
    enum ct_status status = read_choices(config, state, err);
    if (status == CT_OK && !state->table.has_header && map.len == 0) {
        return ct_error_set(err, CT_BAD_CONFIG,
                            "option header=no needs option columns with positions: columns=at=1,user_id=2");
    }
    if (status == CT_OK) {
        status = ct_business_columns_check(map, !state->table.has_header, err);
    }
    if (status == CT_OK) {
        status = read_names(state, ct_parser_option(self, config, "events"), err);
    }
    if (status == CT_OK) {
        status = ct_zone_init(&state->zone, ct_parser_option(self, config, "zone"), config->zone_tzif, err);
    }
    return status;
}

static const struct ct_csv_use use; /* its functions are below */

static void *open_state(const struct ct_parser_config *config, struct ct_error *err)
{
    struct state *state = calloc(1, sizeof *state);
    if (!state) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
        return NULL;
    }
    state->table.use = &use;
    if (read_options(config, state, err) != CT_OK) {
        goto fail;
    }
    state->map = copy(ct_parser_option(&ct_parser_business_csv, config, "columns"));
    state->currency = copy(ct_parser_option(&ct_parser_business_csv, config, "currency"));
    state->tenant = copy(ct_parser_option(&ct_parser_business_csv, config, "tenant"));
    if (!state->map || !state->currency || !state->tenant) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
        goto fail;
    }
    state->draft.zone = ct_parser_option(&ct_parser_business_csv, config, "zone").len ? &state->zone : config->zone;
    state->draft.any_date = true;
    return state;
fail:
    close_state(state);
    return NULL;
}

/* Options may name what no header shows by itself. */
static int detect_as(const struct ct_parser_config *config, ct_span bytes)
{
    struct ct_csv_head head;
    struct ct_arena arena;
    struct ct_parser_config without_zone = *config; /* which is not read yet, and does not matter here */
    struct ct_option_value values[16];
    int score = 0;
    without_zone.options = values;
    without_zone.option_count = 0;
    for (size_t i = 0; i < config->option_count && without_zone.option_count < 16; i++) {
        if (!ct_span_is(config->options[i].name, "zone")) {
            values[without_zone.option_count++] = config->options[i];
        }
    }
    struct state *state = open_state(&without_zone, NULL);
    ct_arena_init(&arena, 0, 1 << 20);
    if (state && ct_csv_head_read(&head, bytes, &arena)) {
        score = score_of(&head, state);
    }
    ct_arena_done(&arena);
    close_state(state);
    return score;
}

/* ---- rows ---- */

static bool take_header(void *context, const ct_span *cells, size_t count, uint64_t offset, uint64_t line,
                        const struct ct_parse_out *out)
{
    struct state *state = context;
    struct ct_error err = {.status = CT_OK};
    enum ct_status status = ct_business_columns_find(&state->columns, ct_span_of(state->map), !state->table.has_header,
                                                     state->fixed_type != UNKNOWN, cells, count, &err);
    if (status != CT_OK) {
        ct_refuse(out, "unknown_header", offset, line, "%.190s", err.text);
    }
    return status == CT_OK;
}

static bool refuse(const struct state *state, const struct ct_business_fault *fault, int column, uint64_t offset,
                   uint64_t line, const struct ct_parse_out *out)
{
    (void)state;
    const char *note = fault->note ? fault->note : "none";
    if (column >= 0) {
        ct_refuse(out, fault->reason, offset, line, "column %d (%s): %s", column + 1, fault->key, note);
    } else {
        ct_refuse(out, fault->reason, offset, line, "field \"%s\": %s", fault->key, note);
    }
    return false;
}

/* "2026-03-01" and "10:15", each in a column, are one time. */
static ct_span joined(const struct state *state, const ct_span *cells, ct_span date, struct ct_arena *arena)
{
    int column = state->columns.column[CT_BUSINESS_TIME_OF_DAY];
    ct_span clock = column < 0 ? CT_SPAN_NONE : ct_span_trim(cells[column]);
    date = ct_span_trim(date);
    ct_usec whole;
    bool alone = date.len && clock.len && memchr(date.at, ':', date.len) == NULL && !ct_stamp_epoch(date, &whole);
    char *text = alone ? ct_arena_alloc(arena, date.len + clock.len + 1) : NULL;
    if (!text) {
        return date;
    }
    memcpy(text, date.at, date.len);
    text[date.len] = ' ';
    memcpy(text + date.len + 1, clock.at, clock.len);
    return (ct_span){text, date.len + clock.len + 1};
}

static bool set_cell(struct state *state, unsigned key, const ct_span *cells, struct ct_arena *arena,
                     struct ct_business_fault *fault)
{
    int column = state->columns.column[key];
    ct_span text = column < 0 ? CT_SPAN_NONE : cells[column];
    if (key == CT_BUSINESS_KEY_AT) {
        text = joined(state, cells, text, arena);
    } else if (key == CT_BUSINESS_KEY_CURRENCY && ct_span_trim(text).len == 0) {
        text = ct_span_of(state->currency);
    } else if (key == CT_BUSINESS_KEY_TENANT && ct_span_trim(text).len == 0) {
        text = ct_span_of(state->tenant);
    }
    return ct_business_draft_set(&state->draft, (enum ct_business_key)key, text, fault);
}

static enum ct_status take_row(void *context, const ct_span *cells, uint64_t offset, uint64_t line,
                               struct ct_arena *arena, const struct ct_parse_out *out)
{
    struct state *state = context;
    struct ct_business_fault fault = {"unknown_event", "event",
                                      "a name that is none of ours; say events=NAME=customer_won"};
    int column = state->columns.column[CT_BUSINESS_KEY_EVENT], type = state->fixed_type;
    ct_business_draft_clear(&state->draft);
    if (type == UNKNOWN) {
        ct_span text = ct_span_trim(cells[column]);
        type = text.len ? type_of(state, text) : UNKNOWN;
        if (type == UNKNOWN) {
            fault = text.len ? fault : (struct ct_business_fault){"missing_field", "event", "empty"};
            (void)refuse(state, &fault, column, offset, line, out);
        }
        if (type < 0) {
            return CT_OK;
        }
    }
    state->draft.event.type = (enum ct_business_type)type;
    state->draft.has_type = true;
    for (unsigned key = 0; key < CT_BUSINESS_KEYS; key++) {
        if (key != CT_BUSINESS_KEY_EVENT && !set_cell(state, key, cells, arena, &fault)) {
            (void)refuse(state, &fault, state->columns.column[key], offset, line, out);
            return CT_OK;
        }
    }
    if (!ct_business_draft_check(&state->draft, &fault)) {
        (void)refuse(state, &fault, -1, offset, line, out);
        return CT_OK;
    }
    if (!out->business) {
        ct_refuse(out, "business_events_unwanted", offset, line, "a business event, where only messages are read");
        return CT_OK;
    }
    return out->business(out->context, &state->draft.event);
}

static const struct ct_csv_use use = {take_header, take_row};

const struct ct_parser ct_parser_business_csv = {
    .name = "business_csv",
    .title = "Business events (CSV / TSV table)",
    .help =
        "One business event a row: what happened (a column, or option event), when, to which customer, and what the "
        "type has; all types: docs/business-events.md. Columns are found by the keys of events and by their common "
        "names in English, Spanish or Portuguese, or by option columns; the file's own names of events by option "
        "events. Dates without a time are days of option zone. Rows that cannot be read are refused by name and "
        "position.",
    .extensions = ".csv .tsv",
    .framing = CT_FRAMING_LINES,
    .stateful = true,
    .options = options,
    .detect = detect,
    .detect_as = detect_as,
    .open = open_state,
    .record = ct_csv_table_record,
    .finish = ct_csv_table_finish,
    .close = close_state,
};
