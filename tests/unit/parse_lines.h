/* parse_lines.h - runs a line-based parser over a text and keeps what it says, for the unit tests of parsers. */
#ifndef CT_TEST_PARSE_LINES_H
#define CT_TEST_PARSE_LINES_H

#include "parsers/parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PARSED_MAX = 512 };

struct parsed {
    struct parsed_message {
        char conversation[512], user[160], text[256], id[48];
        size_t text_len;
        enum ct_role role;
        ct_usec ts;
        struct ct_event event;
        size_t tool_calls;
        char event_name[32], event_value[32];
    } message[PARSED_MAX];
    size_t messages, ends, refusals;
    char reason[PARSED_MAX][32];
    uint64_t refused_line[PARSED_MAX], refused_offset[PARSED_MAX];
    enum ct_status status;
    char error[1024]; /* of open() */
};

static inline void parsed_copy(char *out, size_t room, ct_span text)
{
    size_t len = text.len < room - 1 ? text.len : room - 1;
    if (len) {
        memcpy(out, text.at, len);
    }
    out[len] = '\0';
}

static inline enum ct_status parsed_message(void *context, const struct ct_message *message)
{
    struct parsed *parsed = context;
    struct parsed_message *to = &parsed->message[parsed->messages < PARSED_MAX ? parsed->messages : PARSED_MAX - 1];
    parsed->messages++;
    parsed_copy(to->conversation, sizeof to->conversation, message->conversation_id);
    parsed_copy(to->user, sizeof to->user, message->user_id);
    parsed_copy(to->id, sizeof to->id, message->id);
    parsed_copy(to->text, sizeof to->text, message->text);
    parsed_copy(to->event_name, sizeof to->event_name, message->event.name);
    parsed_copy(to->event_value, sizeof to->event_value, message->event.value);
    to->text_len = message->text.len;
    to->role = message->role;
    to->ts = message->ts;
    to->event.type = message->event.type;
    to->tool_calls = message->tool_call_count;
    return CT_OK;
}

static inline enum ct_status parsed_end(void *context, ct_span conversation_id)
{
    struct parsed *parsed = context;
    (void)conversation_id;
    parsed->ends++;
    return CT_OK;
}

static inline void parsed_refuse(void *context, const struct ct_refusal *refusal)
{
    struct parsed *parsed = context;
    size_t at = parsed->refusals < PARSED_MAX ? parsed->refusals : PARSED_MAX - 1;
    parsed->refusals++;
    parsed_copy(parsed->reason[at], sizeof parsed->reason[at], ct_span_of(refusal->reason));
    parsed->refused_line[at] = refusal->line;
    parsed->refused_offset[at] = refusal->offset;
}

static inline ct_span parsed_line(ct_span *rest, size_t *bytes)
{
    const char *cut = memchr(rest->at, '\n', rest->len);
    ct_span line = {rest->at, cut ? (size_t)(cut - rest->at) : rest->len};
    *bytes = line.len + (cut != NULL);
    *rest = (ct_span){rest->at + *bytes, rest->len - *bytes};
    line.len -= line.len && line.at[line.len - 1] == '\r';
    return line;
}

/* What the parser is told that the file is called. */
static const char *parsed_source = "chat.txt";

/* `pairs` = name, value, name, value, NULL. The result is freed by the caller. */
static inline struct parsed *parse_text(const struct ct_parser *parser, ct_span text, const char *const *pairs,
                                        ct_span tzif)
{
    struct parsed *parsed = calloc(1, sizeof *parsed);
    struct ct_option_value options[16];
    struct ct_parser_config config = {.options = options, .source = ct_span_of(parsed_source), .zone_tzif = tzif};
    for (; pairs && pairs[0]; pairs += 2) {
        options[config.option_count++] = (struct ct_option_value){ct_span_of(pairs[0]), ct_span_of(pairs[1])};
    }
    struct ct_parse_out out = {parsed, parsed_message, parsed_end, parsed_refuse, NULL};
    struct ct_error err = {.status = CT_OK};
    struct ct_arena arena;
    void *state = parser->open(&config, &err);
    if (!state) {
        parsed->status = err.status;
        parsed_copy(parsed->error, sizeof parsed->error, ct_span_of(err.text));
        return parsed;
    }
    ct_arena_init(&arena, 0, (size_t)16 << 20);
    ct_span rest = text;
    size_t bytes = 0;
    while (parser->prescan && rest.len && parsed->status == CT_OK) {
        parsed->status = parser->scan(state, parsed_line(&rest, &bytes));
    }
    if (parser->prescan && parsed->status == CT_OK) {
        parsed->status = parser->scanned(state, &out);
    }
    struct ct_frame frame = {.line = 1};
    for (rest = text; rest.len && parsed->status == CT_OK;) {
        frame.bytes = parsed_line(&rest, &bytes);
        parsed->status = parser->record(state, &frame, &arena, &out);
        frame.offset += bytes;
        frame.line++;
        ct_arena_reset(&arena);
    }
    if (parsed->status == CT_OK) {
        parsed->status = parser->finish(state, &arena, &out);
    }
    ct_arena_done(&arena);
    parser->close(state);
    return parsed;
}

/* The whole file, NULL = not there. The caller frees *at. */
static inline char *read_whole(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return NULL;
    }
    size_t room = 1 << 20;
    char *bytes = malloc(room);
    *len = fread(bytes, 1, room, file);
    (void)fclose(file);
    return bytes;
}

/* A file of the data that is measured with, which not every machine has. */
static inline char *read_shared(const char *path, size_t *len)
{
    char full[1024];
    const char *root = getenv("CT_SHARED");
    (void)snprintf(full, sizeof full, "%s/%s", root ? root : CT_SOURCE_DIR "/../shared", path);
    return read_whole(full, len);
}

#endif
