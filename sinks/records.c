/* records.c - one JSON object for a conversation, with the evidence for every verdict. Called by --conversations. */
#include "sinks/records.h"

#include "engine/digits.h"

/* What has a greatest length is put into room that is taken once for many members, with the keys and commas as they
 * stand between; texts, which may be of any length, go through the writer. */
#define PUT(at, literal) ((char *)memcpy((at), "" literal, sizeof(literal) - 1) + sizeof(literal) - 1)
#define MEMBERS_MOST 1024 /* bytes: up to 12 numbers or times (CT_DECIMAL_BYTES) with their keys */

static char *put_flag(char *at, bool value)
{
    return value ? PUT(at, "true") : PUT(at, "false");
}

static char *put_tri(char *at, enum ct_tri value)
{
    return value == CT_NULL ? PUT(at, "null") : put_flag(at, value == CT_TRUE);
}

static char *put_seconds(char *at, ct_usec value)
{
    return value == CT_USEC_NONE ? PUT(at, "null") : at + ct_seconds_format(value, at);
}

static char *put_time(char *at, ct_usec value)
{
    if (value == CT_USEC_NONE) {
        return PUT(at, "null");
    }
    *at++ = '"';
    at += ct_time_format(value, at);
    *at++ = '"';
    return at;
}

static char *put_money(char *at, ct_nano amount)
{
    *at++ = '"';
    at += ct_money_format(amount, at);
    *at++ = '"';
    return at;
}

/* One of the record's texts. */
#define FIELD(json, record, key, field) ct_writer_field((json), CT_SPAN_LIT(key), ct_record_text((record), (field)))

void ct_records_field(struct ct_writer *json, const struct ct_record *record, const char *key, enum ct_text_field field)
{
    ct_writer_field(json, ct_span_of(key), ct_record_text(record, field));
}

void ct_records_score(struct ct_writer *json, const char *key, const struct ct_score *score)
{
    if (!score->present) {
        ct_writer_field(json, ct_span_of(key), CT_SPAN_NONE);
        return;
    }
    ct_writer_key(json, key);
    ct_writer_open(json, '{');
    ct_writer_key(json, "score");
    ct_writer_wide(json, score->value);
    ct_writer_key(json, "scale");
    ct_writer_wide(json, score->scale_max);
    ct_writer_key(json, "min");
    ct_writer_wide(json, score->scale_min);
    ct_writer_close(json, '}');
}

/* What few sources say stands there only where it was said. */
static void write_known(struct ct_writer *json, const struct ct_record *record, const char *key,
                        enum ct_text_field field)
{
    if (record->text[field].count) {
        ct_records_field(json, record, key, field);
    }
}

static void write_times(struct ct_writer *json, const struct ct_record *record)
{
    char *at = ct_writer_room(json, MEMBERS_MOST);
    at = put_time(PUT(at, "\"started_at\":"), record->started_at);
    at = put_time(PUT(at, ",\"ended_at\":"), record->ended_at);
    at = PUT(at, ",\"duration_s\":");
    if (record->started_at != CT_USEC_NONE && record->ended_at != CT_USEC_NONE) {
        at += ct_decimal_format((ct_wide)record->ended_at - record->started_at, CT_USEC_PER_SECOND, 6, true, at);
    } else {
        at = PUT(at, "null");
    }
    ct_writer_upto(json, at);
}

static void write_identity(struct ct_writer *json, const struct ct_record *record)
{
    ct_writer_key(json, "conversation_id");
    ct_writer_string(json, ct_record_text(record, CT_TEXT_CONVERSATION_ID));
    if (record->session > 1) { /* an id that was cut by idle time or reopened */
        ct_writer_key(json, "session");
        ct_writer_wide(json, record->session);
    }
    FIELD(json, record, "user_id", CT_TEXT_USER_ID);
    FIELD(json, record, "channel", CT_TEXT_CHANNEL);
    FIELD(json, record, "language", CT_TEXT_LANGUAGE);
    FIELD(json, record, "bot", CT_TEXT_BOT);
    FIELD(json, record, "tenant", CT_TEXT_TENANT);
    write_known(json, record, "bot_version", CT_TEXT_BOT_VERSION);
    write_known(json, record, "segment", CT_TEXT_SEGMENT);
    write_known(json, record, "product", CT_TEXT_PRODUCT);
    write_known(json, record, "country", CT_TEXT_COUNTRY);
    write_known(json, record, "intent", CT_TEXT_INTENT);
    write_known(json, record, "topic", CT_TEXT_TOPIC);
    write_known(json, record, "topics", CT_TEXT_TOPICS);
    write_times(json, record);
}

static void write_escalation(struct ct_writer *json, const struct ct_record *record)
{
    char *at = ct_writer_room(json, MEMBERS_MOST);
    at = put_tri(PUT(at, "\"resolved\":"), (enum ct_tri)record->resolved);
    at = put_flag(PUT(at, ",\"escalated\":"), record->escalated);
    at = put_flag(PUT(at, ",\"escalation\":{\"requested\":"), record->requested);
    at = put_flag(PUT(at, ",\"offered\":"), record->offered);
    at = put_flag(PUT(at, ",\"announced\":"), record->announced);
    at = put_flag(PUT(at, ",\"performed\":"), record->performed);
    at = put_flag(PUT(at, ",\"failed\":"), ct_record_failed(record));
    ct_writer_upto(json, at);
    FIELD(json, record, "by", CT_TEXT_ESCALATED_BY);
    at = ct_writer_room(json, MEMBERS_MOST);
    ct_writer_upto(json, put_seconds(PUT(at, "\"wait_s\":"), record->wait_usec));
    write_known(json, record, "reason", CT_TEXT_REASON);
    ct_writer_close(json, '}');
}

static void write_feedback(struct ct_writer *json, const struct ct_record *record)
{
    char *at = ct_writer_room(json, MEMBERS_MOST);
    at = put_flag(PUT(at, "\"feedback\":{\"positive\":"), record->positive);
    at = put_flag(PUT(at, ",\"negative\":"), record->negative);
    ct_writer_upto(json, at);
    write_known(json, record, "comment", CT_TEXT_COMMENT);
    at = ct_out_room(json->out, MEMBERS_MOST);
    ct_writer_upto(json, put_flag(PUT(at, "},\"complaint\":"), record->complaint));
}

static void write_verdict(struct ct_writer *json, const struct ct_record *record)
{
    static const char *const where[] = {NULL, "bot", "question", "queue"};
    ct_writer_key(json, "outcome");
    ct_writer_text(json, ct_outcome_text((enum ct_outcome)record->outcome));
    if (record->outcome == CT_OUTCOME_ABANDONED && record->abandoned_at <= CT_ABANDONED_QUEUE) {
        ct_writer_key(json, "abandoned_at");
        ct_writer_text(json, where[record->abandoned_at]);
    }
    write_escalation(json, record);
    ct_records_score(json, "csat", &record->score[CT_SCORE_CSAT]);
    ct_records_score(json, "nps", &record->score[CT_SCORE_NPS]);
    ct_records_score(json, "ces", &record->score[CT_SCORE_CES]);
    if (record->score[CT_SCORE_CSS].present) { /* few surveys are of this kind */
        ct_records_score(json, "css", &record->score[CT_SCORE_CSS]);
    }
    write_feedback(json, record);
}

static char *put_counts(char *at, const struct ct_record *record)
{
    at = ct_digits_put(PUT(at, "\"counts\":{\"user\":"), record->user_messages);
    at = ct_digits_put(PUT(at, ",\"bot\":"), record->bot_messages);
    at = ct_digits_put(PUT(at, ",\"agent\":"), record->agent_messages);
    at = ct_digits_put(PUT(at, ",\"tool\":"), record->tool_messages);
    at = ct_digits_put(PUT(at, ",\"fallback\":"), record->fallbacks);
    at = ct_digits_put(PUT(at, ",\"wrong_answer\":"), record->wrong_answers);
    at = ct_digits_put(PUT(at, ",\"repeat\":"), record->repeats);
    return PUT(at, "}");
}

static char *put_response(char *at, const struct ct_record *record)
{
    const int64_t *times = ct_record_array(record, record->response_usec);
    uint32_t count = record->response_usec.count;
    ct_wide sum = 0;
    ct_usec longest = CT_USEC_NONE;
    for (uint32_t i = 0; i < count; i++) {
        sum += times[i];
        longest = times[i] > longest ? times[i] : longest;
    }
    at = put_seconds(PUT(at, "\"response_s\":{\"first\":"), record->first_response_usec);
    at = PUT(at, ",\"mean\":");
    if (count) {
        at += ct_decimal_format(sum, (ct_wide)count * CT_USEC_PER_SECOND, 6, true, at);
    } else {
        at = PUT(at, "null");
    }
    at = put_seconds(PUT(at, ",\"max\":"), longest);
    return PUT(at, "}");
}

static char *put_handling(char *at, const struct ct_record *record)
{
    at = put_seconds(PUT(at, "\"handling_s\":{\"ai\":"), record->ai_handling_usec);
    at = put_seconds(PUT(at, ",\"human\":"), record->human_handling_usec);
    at = put_seconds(PUT(at, ",\"total\":"), record->total_handling_usec);
    return PUT(at, "}");
}

static char *put_accuracy(char *at, const struct ct_record *record)
{
    bool labelled = record->judged > 0;
    at = ct_digits_put(PUT(at, "\"accuracy\":{\"judged\":"), labelled ? record->judged : record->inferred);
    at = ct_digits_put(PUT(at, ",\"correct\":"), labelled ? record->judged_correct : record->inferred_correct);
    at = PUT(at, ",\"basis\":");
    at = labelled ? PUT(at, "\"labelled\"") : record->inferred ? PUT(at, "\"inferred\"") : PUT(at, "null");
    return PUT(at, "}");
}

/* Of what the cost is made up, where a cost model has something to do with it. */
static void write_cost_parts(struct ct_writer *json, const struct ct_record *record)
{
    bool modelled = record->cost_tokens || record->cost_channel || record->cost_human || record->cost_fixed ||
                    record->has_human_price;
    if (!record->has_cost || !modelled) {
        return;
    }
    char *at = ct_writer_room(json, MEMBERS_MOST);
    at = put_money(PUT(at, "\"cost_parts\":{\"source\":"), record->cost_source);
    at = put_money(PUT(at, ",\"tokens\":"), record->cost_tokens);
    at = put_money(PUT(at, ",\"channel\":"), record->cost_channel);
    at = put_money(PUT(at, ",\"human\":"), record->cost_human);
    at = put_money(PUT(at, ",\"fixed\":"), record->cost_fixed);
    if (record->has_human_price) {
        at = put_money(PUT(at, ",\"human_price\":"), record->human_price);
    }
    ct_writer_upto(json, PUT(at, "}"));
}

void ct_records_cost(struct ct_writer *json, const struct ct_record *record)
{
    if (record->has_cost) {
        char *at = ct_writer_room(json, MEMBERS_MOST);
        ct_writer_upto(json, put_money(PUT(at, "\"cost\":{\"amount\":"), record->cost));
        FIELD(json, record, "currency", CT_TEXT_CURRENCY);
        ct_writer_close(json, '}');
    } else {
        ct_writer_field(json, CT_SPAN_LIT("cost"), CT_SPAN_NONE);
    }
}

static void write_numbers(struct ct_writer *json, const struct ct_record *record)
{
    char *at = put_counts(ct_writer_room(json, 2 * MEMBERS_MOST), record);
    at = put_response(PUT(at, ","), record);
    at = put_handling(PUT(at, ","), record);
    at = put_accuracy(PUT(at, ","), record);
    ct_writer_upto(json, at);
    write_cost_parts(json, record);
    ct_records_cost(json, record);
    at = ct_writer_room(json, MEMBERS_MOST);
    ct_writer_upto(json, put_tri(PUT(at, "\"first_contact\":"), (enum ct_tri)record->first_contact));
}

/* ---- evidence ---------------------------------------------------------------------------------------------------- */

static void write_signal(struct ct_writer *json, const struct ct_ruleset *rules, uint16_t signal)
{
    if (signal < rules->signal_count) {
        ct_writer_string(json, rules->signals[signal].name);
    } else {
        ct_writer_null(json);
    }
}

size_t ct_records_rule_name(const struct ct_rule *rule, char out[CT_RULE_NAME_BYTES])
{
    size_t len = rule->id.len < 255 ? rule->id.len : 255;
    memcpy(out, rule->id.at, len);
    out[len++] = '@';
    return len + ct_wide_format(rule->rev, out + len);
}

static void write_pack(struct ct_writer *json, ct_span name, ct_span version)
{
    char text[512];
    size_t room = sizeof text - 1, len = name.len < room / 2 ? name.len : room / 2;
    memcpy(text, name.at, len);
    text[len++] = '@';
    size_t tail = version.len < room - len ? version.len : room - len;
    if (tail) {
        memcpy(text + len, version.at, tail);
    }
    ct_writer_field(json, CT_SPAN_LIT("pack"), (ct_span){text, len + tail});
}

static void write_rule(struct ct_writer *json, const struct ct_ruleset *rules, uint16_t index)
{
    if (index >= rules->rule_count) { /* a built-in fact: a score, a role, silence */
        char *at = ct_writer_room(json, MEMBERS_MOST);
        ct_writer_upto(json, PUT(at, "\"rule\":null,\"pack\":null"));
        return;
    }
    const struct ct_rule *rule = &rules->rules[index];
    char name[CT_RULE_NAME_BYTES];
    size_t len = ct_records_rule_name(rule, name);
    ct_writer_field(json, CT_SPAN_LIT("rule"), (ct_span){name, len});
    if (rule->pack < rules->pack_count) {
        write_pack(json, rules->packs[rule->pack].name, rules->packs[rule->pack].version);
    } else {
        ct_writer_field(json, CT_SPAN_LIT("pack"), CT_SPAN_NONE);
    }
}

/* Where a piece of evidence stands: its index in `evidence`, its message and its signal. */
static void write_reference(struct ct_writer *json, const struct ct_ruleset *rules, const struct ct_record *record,
                            uint32_t index)
{
    const struct ct_evidence *evidence = ct_record_array(record, record->evidence);
    if (index < record->evidence.count) {
        char *at = ct_writer_room(json, MEMBERS_MOST);
        at = ct_digits_put(PUT(at, "\"evidence\":"), index);
        at = ct_digits_put(PUT(at, ",\"message\":"), evidence[index].message);
        ct_writer_into(json, PUT(at, ",\"signal\":"));
        write_signal(json, rules, evidence[index].signal);
    }
}

static void write_piece(struct ct_writer *json, const struct ct_ruleset *rules, const struct ct_record *record,
                        const struct ct_evidence *piece)
{
    char *at = ct_writer_room(json, MEMBERS_MOST);
    at = ct_digits_put(PUT(at, "{\"message\":"), piece->message);
    at = ct_digits_put(PUT(at, ",\"begin\":"), piece->begin);
    at = ct_digits_put(PUT(at, ",\"end\":"), piece->end);
    ct_writer_into(json, PUT(at, ",\"signal\":"));
    write_signal(json, rules, piece->signal);
    write_rule(json, rules, piece->rule);
    if (piece->because < record->evidence.count) {
        ct_writer_key(json, "because");
        ct_writer_open(json, '{');
        write_reference(json, rules, record, piece->because);
        ct_writer_close(json, '}');
    }
    ct_writer_close(json, '}');
}

static void write_evidence(struct ct_writer *json, const struct ct_ruleset *rules, const struct ct_record *record)
{
    const struct ct_evidence *evidence = ct_record_array(record, record->evidence);
    ct_writer_key(json, "evidence");
    ct_writer_open(json, '[');
    for (uint32_t i = 0; i < record->evidence.count; i++) {
        write_piece(json, rules, record, &evidence[i]);
    }
    ct_writer_close(json, ']');
}

static void write_reasons(struct ct_writer *json, const struct ct_ruleset *rules, const struct ct_record *record)
{
    const uint16_t *signals = ct_record_array(record, record->signals);
    const uint32_t *decided = ct_record_array(record, record->decided_by);
    const struct ct_beaten *beaten = ct_record_array(record, record->beaten);
    ct_writer_key(json, "signals");
    ct_writer_open(json, '[');
    for (uint32_t i = 0; i < record->signals.count; i++) {
        write_signal(json, rules, signals[i]);
    }
    ct_writer_close(json, ']');
    write_evidence(json, rules, record);
    ct_writer_key(json, "decided_by");
    ct_writer_open(json, '[');
    for (uint32_t i = 0; i < record->decided_by.count; i++) {
        ct_writer_open(json, '{');
        write_reference(json, rules, record, decided[i]);
        ct_writer_close(json, '}');
    }
    ct_writer_close(json, ']');
    ct_writer_key(json, "beaten");
    ct_writer_open(json, '[');
    for (uint32_t i = 0; i < record->beaten.count; i++) {
        ct_writer_open(json, '{');
        ct_writer_key(json, "outcome");
        ct_writer_text(json, beaten[i].outcome < CT_OUTCOME_COUNT ? ct_outcome_text((enum ct_outcome)beaten[i].outcome)
                                                                  : NULL);
        write_reference(json, rules, record, beaten[i].evidence);
        ct_writer_close(json, '}');
    }
    ct_writer_close(json, ']');
}

void ct_records_write(struct ct_out *out, const struct ct_ruleset *rules, const struct ct_record *record)
{
    struct ct_writer json;
    ct_writer_init(&json, out);
    ct_writer_open(&json, '{');
    write_identity(&json, record);
    write_verdict(&json, record);
    write_numbers(&json, record);
    write_reasons(&json, rules, record);
    ct_writer_key(&json, "rules_hash");
    ct_writer_text(&json, rules->hash);
    ct_writer_close(&json, '}');
    ct_out_char(out, '\n');
}
