/* desk_summary.c - a conversation's summary; see desk_summary.h. Called by desk_conversations.c and desk_feed.c. */
#include "plugin/gate/desk_summary.h"

#include "sinks/records.h"

static void write_identity(struct ct_writer *json, const struct ct_record *record)
{
    ct_writer_key(json, "conversation_id");
    ct_writer_string(json, ct_record_text(record, CT_TEXT_CONVERSATION_ID));
    ct_writer_key(json, "session");
    ct_writer_wide(json, record->session);
    ct_records_field(json, record, "user_id", CT_TEXT_USER_ID);
    ct_records_field(json, record, "channel", CT_TEXT_CHANNEL);
    ct_records_field(json, record, "language", CT_TEXT_LANGUAGE);
    ct_records_field(json, record, "bot", CT_TEXT_BOT);
    ct_records_field(json, record, "tenant", CT_TEXT_TENANT);
    ct_writer_key(json, "started_at");
    ct_writer_time(json, record->started_at);
    ct_writer_key(json, "ended_at");
    ct_writer_time(json, record->ended_at);
    bool dated = record->started_at != CT_USEC_NONE && record->ended_at != CT_USEC_NONE;
    ct_writer_key(json, "duration_s");
    ct_writer_seconds(json, dated ? record->ended_at - record->started_at : CT_USEC_NONE);
}

void ct_summary_write(struct ct_writer *json, const struct ct_record *record, const struct ct_summary_state *state)
{
    ct_writer_open(json, '{');
    if (state->row) {
        ct_writer_key(json, "row");
        ct_writer_wide(json, (ct_wide)state->row);
    }
    ct_writer_key(json, "revision");
    ct_writer_wide(json, state->revision);
    ct_writer_key(json, "final");
    ct_writer_bool(json, state->final);
    ct_writer_key(json, "first_published_at");
    ct_writer_time(json, state->first_published_at);
    ct_writer_key(json, "published_at");
    ct_writer_time(json, state->published_at);
    write_identity(json, record);
    ct_writer_key(json, "outcome");
    ct_writer_text(json, ct_outcome_text((enum ct_outcome)record->outcome));
    ct_writer_key(json, "resolved");
    ct_writer_tri(json, (enum ct_tri)record->resolved);
    ct_writer_key(json, "escalated");
    ct_writer_bool(json, record->escalated);
    ct_writer_key(json, "complaint");
    ct_writer_bool(json, record->complaint);
    ct_writer_key(json, "messages");
    ct_writer_wide(json, record->message_count);
    ct_records_score(json, "csat", &record->score[CT_SCORE_CSAT]);
    ct_records_score(json, "nps", &record->score[CT_SCORE_NPS]);
    ct_records_score(json, "ces", &record->score[CT_SCORE_CES]);
    ct_writer_key(json, "first_response_s");
    ct_writer_seconds(json, record->first_response_usec);
    ct_records_cost(json, record);
    ct_writer_close(json, '}');
}
