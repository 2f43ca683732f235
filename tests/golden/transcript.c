/* transcript.c - a parser's output as text; see transcript.h. */
#include "tests/golden/transcript.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "transcript: %s\n", what);
    abort();
}

static void reserve(struct transcript *out, size_t more)
{
    if (out->len + more < out->room)
        return;
    out->room = (out->len + more) * 2 + 256;
    out->at = realloc(out->at, out->room);
    must(out->at != NULL, "out of memory");
}

void transcript_add(struct transcript *out, const char *format, ...)
{
    va_list arguments;
    reserve(out, 512);
    va_start(arguments, format);
    int len = vsnprintf(out->at + out->len, out->room - out->len, format, arguments);
    va_end(arguments);
    must(len >= 0 && (size_t)len < out->room - out->len, "text too long for one call");
    out->len += (size_t)len;
}

static void add_string(struct transcript *out, ct_span text)
{
    reserve(out, text.len * 6 + 3);
    char *to = out->at + out->len;
    *to++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == '"' || c == '\\') {
            *to++ = '\\';
            *to++ = (char)c;
        } else if (c < 0x20) {
            to += snprintf(to, 7, "\\u%04x", c);
        } else {
            *to++ = (char)c;
        }
    }
    *to++ = '"';
    *to = '\0';
    out->len = (size_t)(to - out->at);
}

static void add_member(struct transcript *out, const char *name, ct_span value)
{
    if (value.len == 0)
        return;
    transcript_add(out, ",\"%s\":", name);
    add_string(out, value);
}

static void add_event(struct transcript *out, const struct ct_event *event)
{
    static const char *const types[] = {
#define X(name, text) text,
        CT_EVENT_MAP(X)
#undef X
    };
    static const char *const phases[] = {
#define X(name, text) text,
        CT_PHASE_MAP(X)
#undef X
    };
    if (event->type == CT_EVENT_NONE)
        return;
    transcript_add(out, ",\"event\":{\"type\":\"%s\"", types[event->type]);
    add_member(out, "phase", ct_span_of(phases[event->phase]));
    add_member(out, "by", event->by);
    add_member(out, "reason", event->reason);
    add_member(out, "name", event->name);
    add_member(out, "value", event->value);
    if (event->scale_max != 0)
        transcript_add(out, ",\"scale_max\":%d", event->scale_max);
    if (event->scale_min > 0)
        transcript_add(out, ",\"scale_min\":%d", event->scale_min);
    add_member(out, "text", event->text);
    transcript_add(out, "}");
}

static void add_numbers(struct transcript *out, const struct ct_message *message)
{
    const struct ct_tokens *tokens = &message->tokens;
    if (tokens->input >= 0 || tokens->cached >= 0 || tokens->output >= 0 || tokens->model.len > 0) {
        transcript_add(out, ",\"tokens\":[%lld,%lld,%lld", (long long)tokens->input, (long long)tokens->cached,
                       (long long)tokens->output);
        if (tokens->model.len > 0) {
            transcript_add(out, ",");
            add_string(out, tokens->model);
        }
        transcript_add(out, "]");
    }
    if (message->has_cost) {
        char amount[32];
        ct_money_format(message->cost, amount);
        add_member(out, "cost", ct_span_of(amount));
    }
    add_member(out, "currency", message->currency);
}

static enum ct_status on_message(void *context, const struct ct_message *message)
{
    struct transcript *out = context;
    out->messages++;
    must(message->conversation_id.len > 0, "a message without conversation id was emitted");
    must(ct_utf8_valid(message->text, NULL), "a text that is not UTF-8 was emitted");
    transcript_add(out, "{\"conversation\":");
    add_string(out, message->conversation_id);
    transcript_add(out, ",\"seq\":%llu,\"role\":\"%s\"", (unsigned long long)message->seq, ct_role_text(message->role));
    if (message->ts != CT_USEC_NONE) {
        char ts[32];
        ct_time_format(message->ts, ts);
        add_member(out, "ts", ct_span_of(ts));
    }
    add_member(out, "user", message->user_id);
    add_member(out, "channel", message->channel);
    add_member(out, "language", message->language);
    add_member(out, "bot", message->bot);
    add_member(out, "bot_version", message->bot_version);
    add_member(out, "tenant", message->tenant);
    add_member(out, "segment", message->segment);
    add_member(out, "product", message->product);
    add_member(out, "country", message->country);
    add_member(out, "intent", message->intent);
    add_member(out, "category", message->category);
    add_member(out, "id", message->id);
    transcript_add(out, ",\"text\":");
    add_string(out, message->text);
    if (message->tool_call_count > 0) {
        transcript_add(out, ",\"tools\":[");
        for (size_t i = 0; i < message->tool_call_count; i++) {
            transcript_add(out, i ? ",{\"name\":" : "{\"name\":");
            add_string(out, message->tool_calls[i].name);
            add_member(out, "id", message->tool_calls[i].id);
            add_member(out, "arguments", message->tool_calls[i].arguments);
            transcript_add(out, "}");
        }
        transcript_add(out, "]");
    }
    add_numbers(out, message);
    add_event(out, &message->event);
    transcript_add(out, "}\n");
    return CT_OK;
}

static enum ct_status on_end(void *context, ct_span conversation_id)
{
    struct transcript *out = context;
    out->ends++;
    transcript_add(out, "{\"end\":");
    add_string(out, conversation_id);
    transcript_add(out, "}\n");
    return CT_OK;
}

static void add_whole(struct transcript *out, const char *name, int64_t value)
{
    if (value != CT_BUSINESS_NUMBER_NONE)
        transcript_add(out, ",\"%s\":%lld", name, (long long)value);
}

static void add_decimal(struct transcript *out, const char *name, int64_t value)
{
    char text[32];
    if (value != CT_BUSINESS_NUMBER_NONE) {
        ct_money_format(value, text);
        add_member(out, name, ct_span_of(text));
    }
}

static void add_time(struct transcript *out, const char *name, ct_usec value)
{
    char text[32];
    if (value != CT_USEC_NONE) {
        ct_time_format(value, text);
        add_member(out, name, ct_span_of(text));
    }
}

static enum ct_status on_business(void *context, const struct ct_business_event *event)
{
    struct transcript *out = context;
    const struct ct_business_numbers *numbers = &event->numbers;
    out->events++;
    must(event->at != CT_USEC_NONE, "a business event without a time was emitted");
    must(ct_business_bytes(event) != 0, "a business event that is too long was emitted");
    transcript_add(out, "{\"business\":\"%s\"", ct_business_text_of(event->type));
    add_time(out, "at", event->at);
    for (unsigned field = 0; field < CT_BUSINESS_FIELD_COUNT; field++) {
        must(ct_utf8_valid(event->text[field], NULL), "a text that is not UTF-8 was emitted");
        add_member(out, ct_business_field_text((enum ct_business_field)field), event->text[field]);
    }
    add_time(out, "since", numbers->since);
    add_time(out, "due", numbers->due);
    add_whole(out, "duration_usec", numbers->duration_usec);
    add_decimal(out, "amount", numbers->amount);
    add_decimal(out, "margin", numbers->margin);
    add_decimal(out, "value", numbers->value);
    add_decimal(out, "goal", numbers->goal);
    add_whole(out, "count", numbers->count);
    add_whole(out, "of_count", numbers->of_count);
    add_whole(out, "score", numbers->score);
    add_whole(out, "scale_min", numbers->scale_min);
    add_whole(out, "scale_max", numbers->scale_max);
    add_whole(out, "flag", numbers->flag);
    transcript_add(out, "}\n");
    return CT_OK;
}

static void on_refuse(void *context, const struct ct_refusal *refusal)
{
    struct transcript *out = context;
    out->refusals++;
    must(refusal->reason != NULL && *refusal->reason != '\0', "a refusal without a name");
    must(memchr(refusal->detail, '\0', sizeof(refusal->detail)) != NULL, "a refusal's detail without end");
    transcript_add(out, "{\"refused\":\"%s\",\"offset\":%llu,\"line\":%llu", refusal->reason,
                   (unsigned long long)refusal->offset, (unsigned long long)refusal->line);
    add_member(out, "detail", ct_span_of(refusal->detail));
    transcript_add(out, "}\n");
}

/* Feeds the framer and hands every frame to `use`. */
struct pass {
    const struct ct_parser *parser;
    void *state;
    struct ct_arena scratch;
    struct ct_parse_out out;
    bool scan;
};

static enum ct_status use_frame(struct pass *pass, const struct ct_frame *frame)
{
    if (pass->scan)
        return pass->parser->scan(pass->state, frame->bytes);
    enum ct_status status = pass->parser->record(pass->state, frame, &pass->scratch, &pass->out);
    ct_arena_reset(&pass->scratch);
    return status;
}

/* All frames of bytes [begin, begin + have); *held = how many of them are left over. */
static enum ct_status drain(struct pass *pass, struct ct_framer *framer, ct_span bytes, bool last, size_t *held)
{
    size_t at = 0;
    for (;;) {
        struct ct_frame frame;
        struct ct_refusal refusal;
        size_t consumed = 0;
        enum ct_status status =
            ct_framer_next(framer, (ct_span){bytes.at + at, bytes.len - at}, last, &consumed, &frame, &refusal);
        must(consumed <= bytes.len - at, "the framer consumed more than there was");
        must(status != CT_REFUSED || *refusal.reason != '\0', "a refusal without a name");
        at += consumed;
        if (status == CT_NOT_FOUND)
            break;
        if (status == CT_REFUSED && !pass->scan)
            on_refuse(pass->out.context, &refusal);
        if (status == CT_OK)
            status = use_frame(pass, &frame);
        if (status != CT_OK && status != CT_REFUSED)
            return status;
    }
    *held = bytes.len - at;
    return CT_OK;
}

static enum ct_status frames(struct pass *pass, ct_span bytes, const struct transcript_feed *feed)
{
    struct ct_framer framer;
    ct_span head = {bytes.at, bytes.len < 65536 ? bytes.len : 65536};
    ct_framer_init(&framer, pass->parser, head, feed->max_record_bytes ? feed->max_record_bytes : (size_t)16 << 20);
    size_t have = 0, held = 0;
    bool last = false;
    while (!last) {
        size_t step = have == 0 && feed->first ? feed->first : feed->then;
        size_t left = bytes.len - have;
        size_t begin = have - held;
        have += step == 0 || step > left ? left : step;
        last = have == bytes.len;
        size_t len = have - begin;
        char *block = malloc(len ? len : 1);
        must(block != NULL, "out of memory");
        if (len > 0)
            memcpy(block, bytes.at + begin, len);
        enum ct_status status = drain(pass, &framer, (ct_span){block, len}, last, &held);
        free(block);
        if (status != CT_OK)
            return status;
    }
    must(held == 0, "the framer left bytes behind at the end");
    return CT_OK;
}

enum ct_status transcript_run(struct transcript *out, const struct ct_parser *parser,
                              const struct ct_parser_config *config, ct_span bytes, const struct transcript_feed *feed)
{
    struct ct_error err = {0};
    struct pass pass = {.parser = parser, .out = {out, on_message, on_end, on_refuse, on_business}};
    enum ct_status status = CT_OK;
    reserve(out, 1);
    out->at[out->len] = '\0';
    pass.state = parser->open(config, &err);
    if (pass.state == NULL) {
        transcript_add(out, "{\"not_opened\":");
        add_string(out, ct_span_of(err.text));
        transcript_add(out, "}\n");
        return CT_OK;
    }
    ct_arena_init(&pass.scratch, 0, (size_t)64 << 20);
    if (parser->prescan) {
        pass.scan = true;
        status = frames(&pass, bytes, feed);
        pass.scan = false;
    }
    if (status == CT_OK && parser->scanned)
        status = parser->scanned(pass.state, &pass.out);
    if (status == CT_OK)
        status = frames(&pass, bytes, feed);
    if (status == CT_OK && parser->finish)
        status = parser->finish(pass.state, &pass.scratch, &pass.out);
    ct_arena_done(&pass.scratch);
    parser->close(pass.state);
    if (status != CT_OK)
        transcript_add(out, "{\"status\":\"%s\"}\n", ct_status_text(status));
    return status;
}
