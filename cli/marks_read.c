/* marks_read.c - reads files of human marks line by line. See marks_read.h. */
#include "cli/marks_read.h"

#include <stdlib.h>

#include "cli/input.h"
#include "metrics/keyed.h"
#include "metrics/scorecard.h"
#include "parsers/json_reader.h"

enum { LINE_MARKS_MAX = 128, SCORE_DIGITS = 6 };

static const ct_span field_names[] = {CT_JSON_NAME("conversation_id"),
                                      CT_JSON_NAME("tenant"),
                                      CT_JSON_NAME("session"),
                                      CT_JSON_NAME("at"),
                                      CT_JSON_NAME("by"),
                                      CT_JSON_NAME("outcome"),
                                      CT_JSON_NAME("resolved"),
                                      CT_JSON_NAME("escalated"),
                                      CT_JSON_NAME("complaint"),
                                      CT_JSON_NAME("topic"),
                                      CT_JSON_NAME("accuracy"),
                                      CT_JSON_NAME("correct"),
                                      CT_JSON_NAME("message"),
                                      CT_JSON_NAME("criteria"),
                                      CT_JSON_NAME("signals")};
enum field {
    F_ID,
    F_TENANT,
    F_SESSION,
    F_AT,
    F_BY,
    F_OUTCOME,
    F_RESOLVED,
    F_ESCALATED,
    F_COMPLAINT,
    F_TOPIC,
    F_ACCURACY,
    F_CORRECT,
    F_MESSAGE,
    F_CRITERIA,
    F_SIGNALS
};
static const struct ct_json_fields fields = {field_names, sizeof field_names / sizeof *field_names};

/* One line on its way. Its texts are the line's, or stand in the scratch arena. */
struct line {
    struct ct_json json;
    const struct ct_marks_reading *reading;
    struct ct_mark_origin origin;
    struct ct_mark marks[LINE_MARKS_MAX];
    size_t count;
    ct_span message;             /* of `correct` */
    const char *reason, *detail; /* of what is no mistake of JSON; NULL = none */
};

static bool wrong(struct line *line, const char *reason, const char *detail)
{
    line->reason = reason;
    line->detail = detail;
    return false;
}

static bool put(struct line *line, enum ct_mark_field field, ct_span name, int64_t value, int64_t more)
{
    if (line->count == LINE_MARKS_MAX) {
        return wrong(line, "too_many_marks", "more than 128 in one line");
    }
    line->marks[line->count++] = (struct ct_mark){.field = field, .name = name, .value = value, .more = more};
    return true;
}

/* false also where it is null: nothing is said then. */
static bool read_flag(struct line *line, const char *field, bool *said, bool *value)
{
    ct_span raw;
    enum ct_json_kind kind = ct_json_peek(&line->json);
    *said = kind != CT_JSON_NULL;
    *value = kind == CT_JSON_TRUE;
    if (kind != CT_JSON_TRUE && kind != CT_JSON_FALSE && kind != CT_JSON_NULL) {
        const char *at = line->json.at;
        return ct_json_raw(&line->json, &raw) && ct_json_fail(&line->json, "wrong_type", at, field, "true or false");
    }
    return ct_json_raw(&line->json, &raw);
}

static bool flag_mark(struct line *line, enum ct_mark_field field, const char *name)
{
    bool said, value;
    return read_flag(line, name, &said, &value) && (!said || put(line, field, CT_SPAN_NONE, value, 0));
}

static bool text_of(struct line *line, const char *field, ct_span *out)
{
    return ct_json_string_or_null(&line->json, field, out) &&
           (out->len <= CT_MARK_TEXT_BYTES || wrong(line, "text_too_long", field));
}

static bool id_of(struct line *line, const char *field, ct_span *out)
{
    return ct_json_id(&line->json, field, out) &&
           (out->len <= CT_MARK_TEXT_BYTES || wrong(line, "text_too_long", field));
}

static bool read_session(struct line *line)
{
    int64_t session = 1;
    if (!ct_json_count(&line->json, "session", &session)) {
        return false;
    }
    if (session < 1 || session > UINT32_MAX) {
        return wrong(line, "number_out_of_range", "session");
    }
    line->origin.session = (uint32_t)session;
    return true;
}

static bool read_at(struct line *line)
{
    ct_span text;
    if (!text_of(line, "at", &text)) {
        return false;
    }
    return !text.len || ct_time_parse(text, &line->origin.at) || wrong(line, "bad_time", "at");
}

static bool read_outcome(struct line *line)
{
    ct_span text;
    if (!text_of(line, "outcome", &text)) {
        return false;
    }
    for (int i = 0; i < CT_OUTCOME_COUNT; i++) {
        if (ct_span_eq(text, ct_span_of(ct_outcome_text((enum ct_outcome)i)))) {
            return put(line, CT_MARK_OUTCOME, CT_SPAN_NONE, i, 0);
        }
    }
    return !text.len || wrong(line, "unknown_outcome", "outcome");
}

static bool read_topic(struct line *line)
{
    ct_span text;
    bool null = ct_json_peek(&line->json) == CT_JSON_NULL;
    if (!text_of(line, "topic", &text)) {
        return false;
    }
    if (null) {
        return true;
    }
    if (text.len >= CT_KEY_BYTES) {
        return wrong(line, "text_too_long", "topic");
    }
    bool none = ct_span_eq(text, ct_span_of("none"));
    if (!put(line, CT_MARK_TOPIC, CT_SPAN_NONE, 0, 0)) {
        return false;
    }
    line->marks[line->count - 1].text = none ? CT_SPAN_NONE : text;
    return true;
}

static bool read_accuracy(struct line *line)
{
    static const ct_span names[] = {CT_JSON_NAME("judged"), CT_JSON_NAME("correct")};
    static const struct ct_json_fields known = {names, 2};
    struct ct_json_walk walk = {0};
    int64_t judged = -1, correct = -1;
    int field;
    ct_span raw;
    if (ct_json_peek(&line->json) == CT_JSON_NULL) {
        return ct_json_raw(&line->json, &raw);
    }
    if (!ct_json_object(&line->json, "accuracy")) {
        return false;
    }
    while ((field = ct_json_next(&line->json, &walk, &known)) != CT_JSON_LAST) {
        bool ok = field == 0   ? ct_json_count(&line->json, "judged", &judged)
                  : field == 1 ? ct_json_count(&line->json, "correct", &correct)
                               : ct_json_skip(&line->json);
        if (!ok) {
            return false;
        }
    }
    if (line->json.status != CT_OK) {
        return false;
    }
    if (judged < 1 || correct < 0 || correct > judged || judged > CT_MARK_JUDGED_MAX) {
        return wrong(line, "number_out_of_range", "accuracy: 1 to 100000 judged, of them correct");
    }
    return put(line, CT_MARK_ACCURACY, CT_SPAN_NONE, correct, judged);
}

/* "0.25" as millionths: 0 to 1, at most six decimals; true and false are 1 and 0. */
static bool read_share(struct line *line, int64_t *out)
{
    ct_span text;
    enum ct_json_kind kind = ct_json_peek(&line->json);
    if (kind == CT_JSON_TRUE || kind == CT_JSON_FALSE) {
        *out = kind == CT_JSON_TRUE ? CT_CRITERION_ONE : 0;
        return ct_json_raw(&line->json, &text);
    }
    ct_nano nano;
    if (!ct_json_number(&line->json, "criteria", &text)) {
        return false;
    }
    if (!ct_money_parse(text, &nano) || nano < 0 || nano > 1000000000 || nano % 1000 != 0) {
        return wrong(line, "number_out_of_range", "criteria: a score is 0 to 1, with at most six decimals");
    }
    *out = nano / 1000;
    return true;
}

static bool take_criterion(struct line *line, ct_span name)
{
    int64_t score = 0;
    if (ct_json_peek(&line->json) == CT_JSON_NULL) {
        return ct_json_skip(&line->json);
    }
    return read_share(line, &score) && put(line, CT_MARK_CRITERION, name, score, 0);
}

static bool take_signal(struct line *line, ct_span name)
{
    bool said, value, known = false;
    for (size_t i = 0; i < line->reading->rule_count && !known; i++) {
        known = ct_ruleset_signal(line->reading->rules[i], name) >= 0;
    }
    if (!known) {
        return wrong(line, "unknown_signal", "signals");
    }
    return read_flag(line, "signals", &said, &value) && (!said || put(line, CT_MARK_SIGNAL, name, value, 0));
}

/* Every member of an object, whatever its name. */
static bool each(struct line *line, const char *field, bool (*take)(struct line *line, ct_span name))
{
    struct ct_json_walk walk = {0};
    ct_span name, raw;
    if (ct_json_peek(&line->json) == CT_JSON_NULL) {
        return ct_json_raw(&line->json, &raw);
    }
    if (!ct_json_object(&line->json, field)) {
        return false;
    }
    while (ct_json_key(&line->json, &walk, &name)) {
        if (!name.len || name.len >= CT_KEY_BYTES) {
            return wrong(line, "text_too_long", field);
        }
        for (size_t i = 0; i < line->count; i++) {
            if (line->marks[i].field == (take == take_signal ? CT_MARK_SIGNAL : CT_MARK_CRITERION) &&
                ct_span_eq(line->marks[i].name, name)) {
                return wrong(line, "duplicate_key", field);
            }
        }
        if (!take(line, name)) {
            return false;
        }
    }
    return line->json.status == CT_OK;
}

static bool read_field(struct line *line, int field)
{
    switch (field) {
    case F_ID:
        return id_of(line, "conversation_id", &line->origin.conversation_id);
    case F_TENANT:
        return id_of(line, "tenant", &line->origin.tenant);
    case F_SESSION:
        return read_session(line);
    case F_AT:
        return read_at(line);
    case F_BY:
        return id_of(line, "by", &line->origin.by);
    case F_OUTCOME:
        return read_outcome(line);
    case F_RESOLVED:
        return flag_mark(line, CT_MARK_RESOLVED, "resolved");
    case F_ESCALATED:
        return flag_mark(line, CT_MARK_ESCALATED, "escalated");
    case F_COMPLAINT:
        return flag_mark(line, CT_MARK_COMPLAINT, "complaint");
    case F_TOPIC:
        return read_topic(line);
    case F_ACCURACY:
        return read_accuracy(line);
    case F_CORRECT:
        return flag_mark(line, CT_MARK_CORRECT, "correct");
    case F_MESSAGE:
        return id_of(line, "message", &line->message);
    case F_CRITERIA:
        return each(line, "criteria", take_criterion);
    case F_SIGNALS:
        return each(line, "signals", take_signal);
    default:
        return ct_json_skip(&line->json);
    }
}

static bool read_line(struct line *line)
{
    struct ct_json_walk walk = {0};
    int field;
    if (!ct_json_object(&line->json, NULL)) {
        return false;
    }
    while ((field = ct_json_next(&line->json, &walk, &fields)) != CT_JSON_LAST) {
        if (!read_field(line, field)) {
            return false;
        }
    }
    if (line->json.status != CT_OK || !ct_json_end(&line->json)) {
        return false;
    }
    if (!line->origin.conversation_id.len) {
        return wrong(line, "missing_field", "conversation_id");
    }
    if (!line->count) {
        return wrong(line, "missing_field", "no mark in it");
    }
    bool judged = false;
    for (size_t i = 0; i < line->count; i++) {
        if (line->marks[i].field == CT_MARK_CORRECT) {
            line->marks[i].name = line->message;
            judged = true;
        }
    }
    return judged || !line->message.len || wrong(line, "missing_field", "message without correct");
}

static enum ct_status take_line(struct ct_marks_reading *r, const char *path, ct_span text, uint64_t number,
                                uint64_t offset, struct ct_arena *scratch)
{
    struct line line = {.reading = r, .origin = {.session = 1, .at = CT_USEC_NONE}};
    ct_arena_reset(scratch);
    r->lines++;
    ct_json_init(&line.json, text, scratch);
    if (!read_line(&line)) {
        if (line.json.status == CT_NO_MEMORY) {
            return CT_NO_MEMORY;
        }
        const char *reason = line.reason ? line.reason : line.json.reason ? line.json.reason : "bad_json";
        r->refusals++;
        r->refused(r->context, path, number, offset, reason, line.reason ? line.detail : line.json.field);
        return CT_OK;
    }
    if (r->marks->draft_count + line.count > CT_MARKS_MAX) {
        r->refusals++;
        r->refused(r->context, path, number, offset, "too_many_marks", "the table is full");
        return CT_OK;
    }
    enum ct_status status = CT_OK;
    for (size_t i = 0; i < line.count && status == CT_OK; i++) {
        status = ct_marks_add(r->marks, &line.origin, &line.marks[i]);
    }
    return status;
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static bool is_blank(ct_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != ' ' && text.at[i] != '\t' && text.at[i] != '\r') {
            return false;
        }
    }
    return true;
}

/* Where the lines of a file stand. */
struct stream {
    struct ct_marks_reading *reading;
    const char *path;
    struct ct_arena scratch;
    char *held; /* the beginning of a line, CT_MARKS_LINE_BYTES */
    size_t held_len;
    bool too_long;
    uint64_t line, offset; /* of the held one; 1-based */
};

static enum ct_status end_line(struct stream *s, size_t bytes)
{
    enum ct_status status = CT_OK;
    size_t mark = s->line == 1 && s->held_len >= 3 && memcmp(s->held, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    ct_span text = {s->held + mark, s->held_len - mark};
    if (s->too_long) {
        s->reading->lines++;
        s->reading->refusals++;
        s->reading->refused(s->reading->context, s->path, s->line, s->offset, "record_too_long", "");
    } else if (!is_blank(text)) {
        status = take_line(s->reading, s->path, text, s->line, s->offset, &s->scratch);
    }
    s->held_len = 0;
    s->too_long = false;
    s->line++;
    s->offset += bytes;
    return status;
}

static enum ct_status take_bytes(struct stream *s, ct_span bytes, uint64_t *in_line)
{
    enum ct_status status = CT_OK;
    while (bytes.len && status == CT_OK) {
        const char *end = memchr(bytes.at, '\n', bytes.len);
        size_t len = end ? (size_t)(end - bytes.at) : bytes.len, used = end ? len + 1 : len;
        if (len > CT_MARKS_LINE_BYTES - s->held_len) {
            s->too_long = true;
        } else {
            memcpy(s->held + s->held_len, bytes.at, len);
            s->held_len += len;
        }
        *in_line += used;
        if (end) {
            status = end_line(s, *in_line);
            *in_line = 0;
        }
        bytes = (ct_span){bytes.at + used, bytes.len - used};
    }
    return status;
}

static bool stream_open(struct stream *s, struct ct_marks_reading *reading, const char *path)
{
    *s = (struct stream){.reading = reading, .path = path, .line = 1, .held = malloc(CT_MARKS_LINE_BYTES)};
    ct_arena_init(&s->scratch, 0, 0);
    return s->held != NULL;
}

static void stream_close(struct stream *s)
{
    ct_arena_done(&s->scratch);
    free(s->held);
}

enum ct_status ct_marks_read_bytes(struct ct_marks_reading *reading, const char *path, ct_span bytes)
{
    struct stream s;
    uint64_t in_line = 0;
    enum ct_status status = stream_open(&s, reading, path) ? take_bytes(&s, bytes, &in_line) : CT_NO_MEMORY;
    if (status == CT_OK && in_line) {
        status = end_line(&s, in_line);
    }
    stream_close(&s);
    return status;
}

enum ct_status ct_marks_read(struct ct_marks_reading *reading, const char *path, struct ct_error *err)
{
    struct stream s = {0};
    char buffer[16384];
    uint64_t in_line = 0;
    size_t got = 0;
    struct ct_error why = {0};
    struct ct_reader *file = ct_reader_open(path, false, &why);
    if (!file) {
        return ct_error_set(err, why.status != CT_OK ? why.status : CT_IO, "%s: %s", path, why.text);
    }
    enum ct_status status = stream_open(&s, reading, path) ? CT_OK : CT_NO_MEMORY;
    do {
        got = 0;
        status = status == CT_OK ? ct_reader_read(file, buffer, sizeof buffer, &got, &why) : status;
        status = status == CT_OK ? take_bytes(&s, (ct_span){buffer, got}, &in_line) : status;
    } while (status == CT_OK && got);
    if (status == CT_OK && in_line) {
        status = end_line(&s, in_line);
    }
    ct_reader_close(file);
    stream_close(&s);
    return status != CT_OK && why.status != CT_OK ? ct_error_set(err, status, "%s: %s", path, why.text) : status;
}
