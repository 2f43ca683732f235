/* collected.h - what a parser said about a text, kept for a test to look at. */
#ifndef CT_COLLECTED_H
#define CT_COLLECTED_H

#include "parsers/frame.h"

#include <stdlib.h>

struct collected_message {
    char conversation_id[64], text[128], user_id[32], event_name[32], event_value[32];
    enum ct_role role;
    enum ct_event_type event;
    ct_usec ts;
    uint64_t seq;
    size_t tool_call_count;
    bool has_cost;
    ct_nano cost;
    int64_t input, cached, output;
};

struct collected {
    struct collected_message *messages; /* freed by collected_done */
    size_t count, room, ends, refusals;
    struct ct_refusal last; /* the last refusal */
    size_t stop_after;      /* messages after which the consumer says CT_STOP; 0 = never */
    enum ct_status status;  /* how it ended */
};

static inline void collected_copy(char *out, size_t room, ct_span text)
{
    size_t len = text.len < room - 1 ? text.len : room - 1;
    if (len > 0)
        memcpy(out, text.at, len);
    out[len] = '\0';
}

static inline enum ct_status collected_message(void *context, const struct ct_message *message)
{
    struct collected *out = context;
    if (out->count == out->room) {
        out->room = out->room ? out->room * 2 : 64;
        out->messages = realloc(out->messages, out->room * sizeof(*out->messages));
        if (out->messages == NULL)
            abort();
    }
    struct collected_message *kept = &out->messages[out->count++];
    memset(kept, 0, sizeof(*kept));
    collected_copy(kept->conversation_id, sizeof(kept->conversation_id), message->conversation_id);
    collected_copy(kept->text, sizeof(kept->text), message->text);
    collected_copy(kept->user_id, sizeof(kept->user_id), message->user_id);
    collected_copy(kept->event_name, sizeof(kept->event_name), message->event.name);
    collected_copy(kept->event_value, sizeof(kept->event_value), message->event.value);
    kept->role = message->role;
    kept->event = message->event.type;
    kept->ts = message->ts;
    kept->seq = message->seq;
    kept->tool_call_count = message->tool_call_count;
    kept->has_cost = message->has_cost;
    kept->cost = message->cost;
    kept->input = message->tokens.input;
    kept->cached = message->tokens.cached;
    kept->output = message->tokens.output;
    return out->stop_after && out->count >= out->stop_after ? CT_STOP : CT_OK;
}

static inline enum ct_status collected_end(void *context, ct_span conversation_id)
{
    struct collected *out = context;
    (void)conversation_id;
    out->ends++;
    return CT_OK;
}

static inline void collected_refuse(void *context, const struct ct_refusal *refusal)
{
    struct collected *out = context;
    out->refusals++;
    out->last = *refusal;
}

static inline void collected_done(struct collected *out)
{
    free(out->messages);
    memset(out, 0, sizeof(*out));
}

/* Runs all of `text` through the parser; *out is emptied first, but for stop_after. scratch_limit 0 = none. */
static inline void collect(struct collected *out, const struct ct_parser *parser, ct_span text, size_t scratch_limit)
{
    struct ct_parser_config config = {.source = CT_SPAN_LIT("src.json")};
    struct ct_parse_out sink = {out, collected_message, collected_end, collected_refuse, NULL};
    struct ct_framer framer;
    struct ct_arena scratch;
    size_t at = 0, consumed, stop_after = out->stop_after;
    collected_done(out);
    out->stop_after = stop_after;
    void *state = parser->open(&config, NULL);
    ct_arena_init(&scratch, 0, scratch_limit);
    ct_framer_init(&framer, parser, (ct_span){text.at, text.len < 65536 ? text.len : 65536}, (size_t)64 << 20);
    while (out->status == CT_OK) {
        struct ct_frame frame;
        struct ct_refusal refusal;
        enum ct_status status =
            ct_framer_next(&framer, (ct_span){text.at + at, text.len - at}, true, &consumed, &frame, &refusal);
        at += consumed;
        if (status == CT_NOT_FOUND)
            break;
        if (status == CT_REFUSED)
            collected_refuse(out, &refusal);
        else
            out->status = parser->record(state, &frame, &scratch, &sink);
        ct_arena_reset(&scratch);
    }
    ct_arena_done(&scratch);
    parser->close(state);
}

#endif
