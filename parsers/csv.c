/* csv.c - comma-separated values: one message a row, or one turn a row.
 *
 * csv_table.h puts records together, csv_columns.h says which column is what, csv_row.h makes messages of a row.
 */
#include "parsers/csv_row.h"
#include "parsers/csv_table.h"
#include "parsers/draft.h"

#include <stdio.h>
#include <stdlib.h>

struct state {
    struct ct_csv_table table; /* first: ct_csv_table_record */
    struct ct_csv_rows rows;
    char *map, *source, *channel; /* NUL-terminated copies */
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

static int detect(ct_span bytes)
{
    struct ct_csv_head head;
    struct ct_csv_columns columns;
    struct ct_arena arena;
    int score = 0;
    ct_arena_init(&arena, 0, 1 << 20);
    if (ct_csv_head_read(&head, bytes, &arena) && head.name_count >= 2) {
        if (ct_csv_columns_find(&columns, CT_SPAN_NONE, false, head.names, head.name_count, NULL) == CT_OK) {
            score = 85;
        } else if (looks_like_names(head.names, head.name_count) && head.row_count == head.name_count) {
            score = 32; /* a table it is; open() will ask for a map */
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
        ct_csv_table_done(&state->table);
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

static enum ct_status read_options(const struct ct_parser_config *config, struct state *state, struct ct_error *err)
{
    const struct ct_parser *self = &ct_parser_csv;
    ct_span map = ct_parser_option(self, config, "map"), header = ct_parser_option(self, config, "header");
    state->table.has_header = !ct_span_is(header, "no");
    if (state->table.has_header && !ct_span_is(header, "yes")) {
        return ct_error_set(err, CT_BAD_CONFIG, "option header: yes or no is due");
    }
    if (!ct_csv_separator_from(ct_parser_option(self, config, "separator"), &state->table.separator)) {
        return ct_error_set(err, CT_BAD_CONFIG, "option separator: auto, comma, semicolon, tab or pipe is due");
    }
    if (!ct_order_parse(ct_parser_option(self, config, "order"), &state->rows.order)) {
        return ct_error_set(err, CT_BAD_CONFIG, "option order: dmy, mdy or ymd is due");
    }
    if (!state->table.has_header && map.len == 0) {
        return ct_error_set(err, CT_BAD_CONFIG, "option header=no needs option map with positions: map=role=1,text=2");
    }
    enum ct_status status = ct_csv_map_check(map, !state->table.has_header, err);
    if (status == CT_OK) {
        status = read_roles(ct_parser_option(self, config, "roles"), &state->rows.roles, err);
    }
    if (status == CT_OK) {
        status = ct_zone_init(&state->rows.zone, ct_parser_option(self, config, "zone"), config->zone_tzif, err);
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

/* ---- records ---- */

/* A file whose columns are not found is refused once, as a whole. */
static bool take_header(void *context, const ct_span *cells, size_t count, uint64_t offset, uint64_t line,
                        const struct ct_parse_out *out)
{
    struct state *state = context;
    struct ct_error err = {.status = CT_OK};
    enum ct_status status =
        ct_csv_columns_find(&state->rows.columns, ct_span_of(state->map), !state->table.has_header, cells, count, &err);
    if (status != CT_OK) {
        ct_refuse(out, "unknown_header", offset, line, "%.190s", err.text);
    }
    return status == CT_OK;
}

static enum ct_status take_row(void *context, const ct_span *cells, uint64_t offset, uint64_t line,
                               struct ct_arena *arena, const struct ct_parse_out *out)
{
    struct state *state = context;
    return ct_csv_row_emit(&state->rows, cells, offset, line, arena, out);
}

static const struct ct_csv_use use = {take_header, take_row};

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
    .record = ct_csv_table_record,
    .finish = ct_csv_table_finish,
    .close = close_state,
};
