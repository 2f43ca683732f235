/* csv_row.c - cells to messages: long rows (one message) and wide rows (a turn: customer, automat, person). */
#include "parsers/csv_row.h"

#include "parsers/draft.h"

struct row {
    struct ct_csv_rows *rows;
    const ct_span *cells;
    uint64_t offset, line;
    struct ct_arena *arena;
    const struct ct_parse_out *out;
};

static ct_span cell(const struct row *row, enum ct_csv_field field)
{
    int16_t column = row->rows->columns.column[field];
    return column < 0 ? CT_SPAN_NONE : row->cells[column];
}

/* Ids, names and numbers: without the blanks round them. */
static ct_span word(const struct row *row, enum ct_csv_field field)
{
    return ct_span_trim(cell(row, field));
}

static bool refuse(const struct row *row, const char *reason, enum ct_csv_field field, const char *what)
{
    ct_refuse(row->out, reason, row->offset, row->line, "column %d (%s): %s", row->rows->columns.column[field] + 1,
              ct_csv_field_name(field), what);
    return false;
}

/* A cell's time, CT_USEC_NONE where it is empty. `clock` = the time of day where it stands in a column of its own. */
static bool read_time(const struct row *row, enum ct_csv_field field, ct_span clock, ct_usec *out)
{
    ct_span text = word(row, field);
    *out = CT_USEC_NONE;
    if (text.len == 0 || ct_stamp_epoch(text, out)) {
        return true;
    }
    size_t used = 0;
    enum ct_stamp stamp = ct_stamp_read(text, row->rows->order, &row->rows->zone, &used, out);
    char joined[128];
    if (stamp == CT_STAMP_DATE_ONLY && clock.len && used == text.len && text.len + clock.len + 1 <= sizeof joined) {
        memcpy(joined, text.at, text.len);
        joined[text.len] = ' ';
        memcpy(joined + text.len + 1, clock.at, clock.len);
        text = (ct_span){joined, text.len + clock.len + 1};
        stamp = ct_stamp_read(text, row->rows->order, &row->rows->zone, &used, out);
    }
    switch (stamp) {
    case CT_STAMP_OK:
        return used == text.len || refuse(row, "bad_time", field, "something follows the time");
    case CT_STAMP_AMBIGUOUS:
        return refuse(row, "ambiguous_date", field, "day or month first? say order=dmy or order=mdy");
    case CT_STAMP_DATE_ONLY:
        return refuse(row, "bad_time", field, "a date without a time");
    case CT_STAMP_BAD:
        return refuse(row, "bad_time", field, "a date or time that does not exist in this order");
    case CT_STAMP_NONE:
        break;
    }
    return refuse(row, "bad_time", field, "neither a date and time nor epoch seconds or milliseconds");
}

static bool read_count(const struct row *row, enum ct_csv_field field, int64_t *out)
{
    ct_span text = word(row, field);
    int64_t value = 0;
    if (text.len == 0) {
        return true;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return refuse(row, "wrong_type", field, "no whole number");
        }
        if (value > INT64_C(1000000000000)) {
            return refuse(row, "number_out_of_range", field, "more than 10^12 tokens");
        }
        value = value * 10 + (text.at[i] - '0');
    }
    *out = value;
    return true;
}

static bool read_cost(const struct row *row, struct ct_message *message)
{
    ct_span text = word(row, CT_CSV_COST);
    if (text.len == 0) {
        return true;
    }
    message->has_cost = ct_money_parse(text, &message->cost);
    message->currency = word(row, CT_CSV_CURRENCY);
    return message->has_cost || refuse(row, "wrong_type", CT_CSV_COST, "no decimal amount");
}

static void read_score(const struct row *row, struct ct_message *message)
{
    static const enum ct_csv_field scores[] = {CT_CSV_CSAT, CT_CSV_NPS, CT_CSV_CES};
    for (size_t i = 0; i < sizeof scores / sizeof scores[0]; i++) {
        ct_span value = word(row, scores[i]);
        if (value.len) {
            message->event.type = CT_EVENT_FEEDBACK;
            message->event.name = ct_span_of(ct_csv_field_name(scores[i]));
            message->event.value = value;
            return;
        }
    }
}

/* What all messages of a row share. */
static bool read_shared(const struct row *row, struct ct_message *message)
{
    const int16_t *at = row->rows->columns.column;
    ct_message_init(message);
    message->user_id = word(row, CT_CSV_USER_ID);
    message->conversation_id = word(row, CT_CSV_CONVERSATION_ID);
    if (message->conversation_id.len == 0) {
        if (at[CT_CSV_CONVERSATION_ID] >= 0) {
            return refuse(row, "missing_field", CT_CSV_CONVERSATION_ID, "empty");
        }
        /* No such column: a customer's messages are one conversation until idle time cuts it. */
        if (at[CT_CSV_USER_ID] >= 0 && message->user_id.len == 0) {
            return refuse(row, "missing_field", CT_CSV_USER_ID, "empty, and the file has no conversation ids");
        }
        message->conversation_id = message->user_id.len ? message->user_id : row->rows->source;
    }
    message->channel = word(row, CT_CSV_CHANNEL);
    if (message->channel.len == 0) {
        message->channel = row->rows->channel;
    }
    message->language = word(row, CT_CSV_LANGUAGE);
    message->bot = word(row, CT_CSV_BOT);
    message->bot_version = word(row, CT_CSV_BOT_VERSION);
    message->tenant = word(row, CT_CSV_TENANT);
    message->segment = word(row, CT_CSV_SEGMENT);
    message->product = word(row, CT_CSV_PRODUCT);
    message->country = word(row, CT_CSV_COUNTRY);
    message->intent = word(row, CT_CSV_INTENT);
    message->category = word(row, CT_CSV_CATEGORY);
    return read_time(row, CT_CSV_TS, word(row, CT_CSV_TIME_OF_DAY), &message->ts);
}

static bool read_usage(const struct row *row, struct ct_message *message)
{
    message->tokens.model = word(row, CT_CSV_MODEL);
    return read_count(row, CT_CSV_TOKENS_INPUT, &message->tokens.input) &&
           read_count(row, CT_CSV_TOKENS_CACHED, &message->tokens.cached) &&
           read_count(row, CT_CSV_TOKENS_OUTPUT, &message->tokens.output) && read_cost(row, message);
}

static enum ct_status emit(const struct row *row, struct ct_message *message)
{
    message->seq = row->rows->seq++;
    return row->out->message(row->out->context, message);
}

static enum ct_status emit_long(const struct row *row, struct ct_message *message)
{
    ct_span label = word(row, CT_CSV_ROLE);
    message->role = ct_label_set_role(&row->rows->roles, label);
    if (message->role == CT_ROLE_UNKNOWN) {
        message->role = ct_label_role(label);
    }
    if (label.len == 0) {
        (void)refuse(row, "missing_field", CT_CSV_ROLE, "empty");
        return CT_OK;
    }
    if (message->role == CT_ROLE_UNKNOWN) {
        (void)refuse(row, "bad_role", CT_CSV_ROLE, "a value that names no role; say roles=VALUE=bot");
        return CT_OK;
    }
    if (!read_usage(row, message)) {
        return CT_OK;
    }
    message->id = word(row, CT_CSV_ID);
    message->text = cell(row, CT_CSV_TEXT);
    read_score(row, message);
    return emit(row, message);
}

/* The row's one time is the customer's; when the answer came is not known unless a column says so, and a guess would
 * make every answer instant. */
static enum ct_status emit_wide(const struct row *row, struct ct_message *message)
{
    static const struct {
        enum ct_csv_field field;
        enum ct_role role;
    } sides[] = {{CT_CSV_USER_TEXT, CT_ROLE_USER}, {CT_CSV_BOT_TEXT, CT_ROLE_BOT}, {CT_CSV_AGENT_TEXT, CT_ROLE_AGENT}};
    struct ct_message answer = *message;
    bool any = false,
         answered = ct_span_trim(cell(row, CT_CSV_BOT_TEXT)).len + ct_span_trim(cell(row, CT_CSV_AGENT_TEXT)).len > 0;
    if (!read_time(row, CT_CSV_BOT_TS, CT_SPAN_NONE, &answer.ts) || !read_usage(row, answered ? &answer : message)) {
        return CT_OK;
    }
    read_score(row, message);
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        ct_span text = cell(row, sides[i].field);
        if (ct_span_trim(text).len == 0) {
            continue;
        }
        struct ct_message *side = any || sides[i].role != CT_ROLE_USER ? &answer : message;
        if (side == &answer && !any) { /* the row has nothing of the customer: its time and score are the answer's */
            answer.ts = answer.ts == CT_USEC_NONE ? message->ts : answer.ts;
            answer.event = message->event;
        }
        side->text = text;
        side->role = sides[i].role;
        enum ct_status status = emit(row, side);
        if (status != CT_OK) {
            return status;
        }
        if (side == &answer) { /* usage belongs to one message */
            answer.has_cost = false;
            answer.tokens = (struct ct_tokens){.input = -1, .cached = -1, .output = -1};
            answer.ts = CT_USEC_NONE;
            answer.event = (struct ct_event){.scale_min = -1};
        }
        any = true;
    }
    if (!any) {
        (void)refuse(row, "missing_field", CT_CSV_USER_TEXT, "nobody said anything in this row");
    }
    return CT_OK;
}

enum ct_status ct_csv_row_emit(struct ct_csv_rows *rows, const ct_span *cells, uint64_t offset, uint64_t line,
                               struct ct_arena *arena, const struct ct_parse_out *out)
{
    struct row row = {rows, cells, offset, line, arena, out};
    struct ct_message message;
    if (!read_shared(&row, &message)) {
        return CT_OK;
    }
    return rows->columns.wide ? emit_wide(&row, &message) : emit_long(&row, &message);
}
