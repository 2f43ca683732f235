/* records.c - one JSON object for a conversation, with the evidence for every verdict. Called by --conversations. */
#include "sinks/records.h"

void ct_records_field(struct ct_writer *json, const struct ct_record *record, const char *key, enum ct_text_field field)
{
    ct_span text = ct_record_text(record, field);
    ct_writer_key(json, key);
    if (text.len) {
        ct_writer_string(json, text);
    } else {
        ct_writer_null(json);
    }
}

static void write_flag(struct ct_writer *json, const char *key, bool value)
{
    ct_writer_key(json, key);
    ct_writer_bool(json, value);
}

static void write_count(struct ct_writer *json, const char *key, uint64_t value)
{
    ct_writer_key(json, key);
    ct_writer_wide(json, (ct_wide)value);
}

static void write_seconds(struct ct_writer *json, const char *key, ct_usec value)
{
    ct_writer_key(json, key);
    ct_writer_seconds(json, value);
}

void ct_records_score(struct ct_writer *json, const char *key, const struct ct_score *score)
{
    ct_writer_key(json, key);
    if (!score->present) {
        ct_writer_null(json);
        return;
    }
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

static void write_identity(struct ct_writer *json, const struct ct_record *record)
{
    ct_writer_key(json, "conversation_id");
    ct_writer_string(json, ct_record_text(record, CT_TEXT_CONVERSATION_ID));
    if (record->session > 1) { /* an id that was cut by idle time or reopened */
        write_count(json, "session", record->session);
    }
    ct_records_field(json, record, "user_id", CT_TEXT_USER_ID);
    ct_records_field(json, record, "channel", CT_TEXT_CHANNEL);
    ct_records_field(json, record, "language", CT_TEXT_LANGUAGE);
    ct_records_field(json, record, "bot", CT_TEXT_BOT);
    ct_records_field(json, record, "tenant", CT_TEXT_TENANT);
    write_known(json, record, "bot_version", CT_TEXT_BOT_VERSION);
    write_known(json, record, "segment", CT_TEXT_SEGMENT);
    write_known(json, record, "product", CT_TEXT_PRODUCT);
    write_known(json, record, "country", CT_TEXT_COUNTRY);
    write_known(json, record, "intent", CT_TEXT_INTENT);
    write_known(json, record, "topic", CT_TEXT_TOPIC);
    write_known(json, record, "topics", CT_TEXT_TOPICS);
    ct_writer_key(json, "started_at");
    ct_writer_time(json, record->started_at);
    ct_writer_key(json, "ended_at");
    ct_writer_time(json, record->ended_at);
    bool dated = record->started_at != CT_USEC_NONE && record->ended_at != CT_USEC_NONE;
    ct_writer_key(json, "duration_s");
    if (dated) {
        ct_writer_decimal(json, (ct_wide)record->ended_at - record->started_at, CT_USEC_PER_SECOND, 6);
    } else {
        ct_writer_null(json);
    }
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
    ct_writer_key(json, "resolved");
    ct_writer_tri(json, (enum ct_tri)record->resolved);
    write_flag(json, "escalated", record->escalated);
    ct_writer_key(json, "escalation");
    ct_writer_open(json, '{');
    write_flag(json, "requested", record->requested);
    write_flag(json, "offered", record->offered);
    write_flag(json, "announced", record->announced);
    write_flag(json, "performed", record->performed);
    write_flag(json, "failed", ct_record_failed(record));
    ct_records_field(json, record, "by", CT_TEXT_ESCALATED_BY);
    write_seconds(json, "wait_s", record->wait_usec);
    if (record->text[CT_TEXT_REASON].count) {
        ct_records_field(json, record, "reason", CT_TEXT_REASON);
    }
    ct_writer_close(json, '}');
    ct_records_score(json, "csat", &record->score[CT_SCORE_CSAT]);
    ct_records_score(json, "nps", &record->score[CT_SCORE_NPS]);
    ct_records_score(json, "ces", &record->score[CT_SCORE_CES]);
    if (record->score[CT_SCORE_CSS].present) { /* few surveys are of this kind */
        ct_records_score(json, "css", &record->score[CT_SCORE_CSS]);
    }
    ct_writer_key(json, "feedback");
    ct_writer_open(json, '{');
    write_flag(json, "positive", record->positive);
    write_flag(json, "negative", record->negative);
    if (record->text[CT_TEXT_COMMENT].count) {
        ct_records_field(json, record, "comment", CT_TEXT_COMMENT);
    }
    ct_writer_close(json, '}');
    write_flag(json, "complaint", record->complaint);
}

static void write_response(struct ct_writer *json, const struct ct_record *record)
{
    const int64_t *times = ct_record_array(record, record->response_usec);
    uint32_t count = record->response_usec.count;
    ct_wide sum = 0;
    ct_usec longest = CT_USEC_NONE;
    for (uint32_t i = 0; i < count; i++) {
        sum += times[i];
        longest = times[i] > longest ? times[i] : longest;
    }
    ct_writer_key(json, "response_s");
    ct_writer_open(json, '{');
    write_seconds(json, "first", record->first_response_usec);
    ct_writer_key(json, "mean");
    if (count) {
        ct_writer_decimal(json, sum, (ct_wide)count * CT_USEC_PER_SECOND, 6);
    } else {
        ct_writer_null(json);
    }
    write_seconds(json, "max", longest);
    ct_writer_close(json, '}');
}

static void write_money(struct ct_writer *json, const char *key, ct_nano amount)
{
    char text[40];
    size_t len = ct_money_format(amount, text);
    ct_writer_key(json, key);
    ct_writer_string(json, (ct_span){text, len});
}

/* Of what the cost is made up, where a cost model has something to do with it. */
static void write_cost_parts(struct ct_writer *json, const struct ct_record *record)
{
    bool modelled = record->cost_tokens || record->cost_channel || record->cost_human || record->cost_fixed ||
                    record->has_human_price;
    if (!record->has_cost || !modelled) {
        return;
    }
    ct_writer_key(json, "cost_parts");
    ct_writer_open(json, '{');
    write_money(json, "source", record->cost_source);
    write_money(json, "tokens", record->cost_tokens);
    write_money(json, "channel", record->cost_channel);
    write_money(json, "human", record->cost_human);
    write_money(json, "fixed", record->cost_fixed);
    if (record->has_human_price) {
        write_money(json, "human_price", record->human_price);
    }
    ct_writer_close(json, '}');
}

void ct_records_cost(struct ct_writer *json, const struct ct_record *record)
{
    ct_writer_key(json, "cost");
    if (record->has_cost) {
        char amount[40];
        size_t len = ct_money_format(record->cost, amount);
        ct_writer_open(json, '{');
        ct_writer_key(json, "amount");
        ct_writer_string(json, (ct_span){amount, len});
        ct_records_field(json, record, "currency", CT_TEXT_CURRENCY);
        ct_writer_close(json, '}');
    } else {
        ct_writer_null(json);
    }
}

static void write_numbers(struct ct_writer *json, const struct ct_record *record)
{
    ct_writer_key(json, "counts");
    ct_writer_open(json, '{');
    write_count(json, "user", record->user_messages);
    write_count(json, "bot", record->bot_messages);
    write_count(json, "agent", record->agent_messages);
    write_count(json, "tool", record->tool_messages);
    write_count(json, "fallback", record->fallbacks);
    write_count(json, "wrong_answer", record->wrong_answers);
    write_count(json, "repeat", record->repeats);
    ct_writer_close(json, '}');
    write_response(json, record);
    ct_writer_key(json, "handling_s");
    ct_writer_open(json, '{');
    write_seconds(json, "ai", record->ai_handling_usec);
    write_seconds(json, "human", record->human_handling_usec);
    write_seconds(json, "total", record->total_handling_usec);
    ct_writer_close(json, '}');
    bool labelled = record->judged > 0;
    ct_writer_key(json, "accuracy");
    ct_writer_open(json, '{');
    write_count(json, "judged", labelled ? record->judged : record->inferred);
    write_count(json, "correct", labelled ? record->judged_correct : record->inferred_correct);
    ct_writer_key(json, "basis");
    ct_writer_text(json, labelled ? "labelled" : record->inferred ? "inferred" : NULL);
    ct_writer_close(json, '}');
    write_cost_parts(json, record);
    ct_records_cost(json, record);
    ct_writer_key(json, "first_contact");
    ct_writer_tri(json, (enum ct_tri)record->first_contact);
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

static void write_named(struct ct_writer *json, const char *key, ct_span name, ct_span version)
{
    char text[512];
    size_t room = sizeof text - 1, len = name.len < room / 2 ? name.len : room / 2;
    memcpy(text, name.at, len);
    text[len++] = '@';
    size_t tail = version.len < room - len ? version.len : room - len;
    if (tail) {
        memcpy(text + len, version.at, tail);
    }
    ct_writer_key(json, key);
    ct_writer_string(json, (ct_span){text, len + tail});
}

static void write_rule(struct ct_writer *json, const struct ct_ruleset *rules, uint16_t index)
{
    if (index >= rules->rule_count) { /* a built-in fact: a score, a role, silence */
        ct_writer_key(json, "rule");
        ct_writer_null(json);
        ct_writer_key(json, "pack");
        ct_writer_null(json);
        return;
    }
    const struct ct_rule *rule = &rules->rules[index];
    char revision[CT_DECIMAL_BYTES];
    size_t len = ct_wide_format(rule->rev, revision);
    write_named(json, "rule", rule->id, (ct_span){revision, len});
    if (rule->pack < rules->pack_count) {
        write_named(json, "pack", rules->packs[rule->pack].name, rules->packs[rule->pack].version);
    } else {
        ct_writer_key(json, "pack");
        ct_writer_null(json);
    }
}

/* Where a piece of evidence stands: its index in `evidence`, its message and its signal. */
static void write_reference(struct ct_writer *json, const struct ct_ruleset *rules, const struct ct_record *record,
                            uint32_t index)
{
    const struct ct_evidence *evidence = ct_record_array(record, record->evidence);
    if (index < record->evidence.count) {
        write_count(json, "evidence", index);
        write_count(json, "message", evidence[index].message);
        ct_writer_key(json, "signal");
        write_signal(json, rules, evidence[index].signal);
    }
}

static void write_evidence(struct ct_writer *json, const struct ct_ruleset *rules, const struct ct_record *record)
{
    const struct ct_evidence *evidence = ct_record_array(record, record->evidence);
    ct_writer_key(json, "evidence");
    ct_writer_open(json, '[');
    for (uint32_t i = 0; i < record->evidence.count; i++) {
        ct_writer_open(json, '{');
        write_count(json, "message", evidence[i].message);
        write_count(json, "begin", evidence[i].begin);
        write_count(json, "end", evidence[i].end);
        ct_writer_key(json, "signal");
        write_signal(json, rules, evidence[i].signal);
        write_rule(json, rules, evidence[i].rule);
        if (evidence[i].because < record->evidence.count) {
            ct_writer_key(json, "because");
            ct_writer_open(json, '{');
            write_reference(json, rules, record, evidence[i].because);
            ct_writer_close(json, '}');
        }
        ct_writer_close(json, '}');
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
