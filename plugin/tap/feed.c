/* feed.c - tape frames to the pipeline, their business events beside it; see feed.h. Called by the tap's thread and by
 * `convtap replay`.
 *
 * A parser's state is opened once a source and setup where its records stand alone (JSON), and once a payload where
 * they do not (an exported chat is a file of its own).
 */
#include "plugin/tap/feed.h"

#include <stdlib.h>

#include "parsers/frame.h"

enum { SCRATCH_BYTES = 16384, HEAD_BYTES = 65536, STATES_MAX = 256 };

struct parser_state { /* of a parser whose records stand alone */
    const struct ct_parser *parser;
    const struct ct_feed_source *source; /* NULL = none that the setup knows */
    void *state;
};

struct ct_feed {
    struct ct_pipeline *pipeline;
    struct ct_feed_setups setups;
    struct ct_feed_sink sink;
    struct ct_feed_setup setup; /* setup.setup NULL = none yet */
    uint64_t setup_hash;        /* of the packed bytes */
    size_t setup_len;
    struct parser_state states[STATES_MAX];
    size_t state_count;
    struct ct_arena scratch;
    /* the frame that goes through */
    const struct ct_tape_entry *entry;
    const struct ct_feed_source *source;
    uint64_t position, messages;
    ct_span tenant;            /* of the last message: end() does not say it */
    enum ct_status status;     /* of the pipeline */
    struct ct_business *event; /* the newest, flat */
    uint32_t event_room;
};

static void count(struct ct_feed *feed, const char *reason)
{
    feed->sink.drop(feed->sink.context, reason, 1);
}

static void close_states(struct ct_feed *feed)
{
    for (size_t i = 0; i < feed->state_count; i++) {
        feed->states[i].parser->close(feed->states[i].state);
    }
    feed->state_count = 0;
}

struct ct_feed *ct_feed_new(struct ct_pipeline *pipeline, const struct ct_feed_setups *setups,
                            const struct ct_feed_sink *sink)
{
    struct ct_feed *feed = calloc(1, sizeof *feed);
    if (feed) {
        feed->pipeline = pipeline;
        feed->setups = *setups;
        feed->sink = *sink;
        ct_arena_init(&feed->scratch, SCRATCH_BYTES, 0);
    }
    return feed;
}

void ct_feed_free(struct ct_feed *feed)
{
    if (feed) {
        close_states(feed);
        ct_setup_unref(feed->setup.setup);
        ct_arena_done(&feed->scratch);
        free(feed->event);
        free(feed);
    }
}

const struct ct_feed_setup *ct_feed_setup(const struct ct_feed *feed)
{
    return feed->setup.setup ? &feed->setup : NULL;
}

/* ---- setups ---------------------------------------------------------------------------------------------------- */

/* The setup in force may be said again (each segment of the tape begins with one): nothing changes then. One that
 * cannot be opened, of a newer version perhaps, is passed over: the one before it stays in force. */
static enum ct_status take_setup(struct ct_feed *feed, ct_span packed, struct ct_error *err)
{
    uint64_t hash = ct_hash(packed, 0x5E);
    if (feed->setup.setup && feed->setup_hash == hash && feed->setup_len == packed.len) {
        return CT_OK;
    }
    struct ct_feed_setup opened = {0};
    enum ct_status status = feed->setups.open(feed->setups.context, packed, &opened, err);
    if (status == CT_NO_MEMORY) {
        return status;
    }
    if (status != CT_OK) {
        count(feed, "setup_unreadable");
        return CT_OK;
    }
    status = ct_pipeline_setup(feed->pipeline, opened.setup);
    if (status != CT_OK) {
        ct_setup_unref(opened.setup);
        return status;
    }
    close_states(feed);
    ct_setup_unref(feed->setup.setup);
    feed->setup = opened;
    feed->setup_hash = hash;
    feed->setup_len = packed.len;
    return CT_OK;
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

static bool says_more(const struct ct_feed_source *source, const struct ct_message *m)
{
    return source && ((source->channel.len && !m->channel.len) || (source->bot.len && !m->bot.len) ||
                      (source->tenant.len && !m->tenant.len));
}

static enum ct_status on_message(void *context, const struct ct_message *message)
{
    struct ct_feed *feed = context;
    struct ct_message full;
    if (says_more(feed->source, message)) {
        full = *message;
        full.channel = full.channel.len ? full.channel : feed->source->channel;
        full.bot = full.bot.len ? full.bot : feed->source->bot;
        full.tenant = full.tenant.len ? full.tenant : feed->source->tenant;
        message = &full;
    }
    feed->tenant = message->tenant;
    feed->messages += message->event.type != CT_EVENT_DELIVERY; /* which is of another, and none itself */
    feed->status = ct_pipeline_message(feed->pipeline, message, feed->entry->at, feed->position);
    return feed->status;
}

static enum ct_status on_end(void *context, ct_span conversation_id)
{
    struct ct_feed *feed = context;
    feed->status = ct_pipeline_whole(feed->pipeline, feed->tenant, conversation_id, feed->entry->at);
    return feed->status;
}

static enum ct_status on_business(void *context, const struct ct_business_event *event)
{
    struct ct_feed *feed = context;
    struct ct_business_event full = *event;
    if (feed->source && !full.text[CT_BUSINESS_TENANT].len) {
        full.text[CT_BUSINESS_TENANT] = feed->source->tenant;
    }
    uint32_t bytes = ct_business_bytes(&full);
    if (bytes == 0) {
        count(feed, "record_too_long"); /* with the source's tenant */
        return CT_OK;
    }
    if (bytes > feed->event_room) {
        struct ct_business *more = realloc(feed->event, bytes);
        if (!more) {
            return CT_NO_MEMORY;
        }
        feed->event = more;
        feed->event_room = bytes;
    }
    ct_business_write(feed->event, &full);
    return feed->sink.business(feed->sink.context, feed->event);
}

static void on_refusal(void *context, const struct ct_refusal *refusal)
{
    count(context, refusal->reason);
}

/* ---- parsers --------------------------------------------------------------------------------------------------- */

static const struct ct_feed_source *find_source(const struct ct_feed *feed, ct_span name)
{
    for (size_t i = 0; i < feed->setup.source_count; i++) {
        if (ct_span_eq(feed->setup.sources[i].name, name)) {
            return &feed->setup.sources[i];
        }
    }
    return NULL;
}

static void *open_parser(struct ct_feed *feed, const struct ct_parser *parser, struct ct_error *err)
{
    const struct ct_feed_source *source = feed->source && feed->source->parser == parser ? feed->source : NULL;
    struct ct_parser_config config = {.options = source ? source->options : NULL,
                                      .option_count = source ? source->option_count : 0,
                                      .source = feed->entry->source,
                                      .zone_tzif = source ? source->zone_tzif : CT_SPAN_NONE};
    return parser->open(&config, err);
}

/* NULL: it cannot be opened; counted. */
static void *state_of(struct ct_feed *feed, const struct ct_parser *parser, struct ct_error *err)
{
    for (size_t i = 0; i < feed->state_count; i++) {
        if (feed->states[i].parser == parser && feed->states[i].source == feed->source) {
            return feed->states[i].state;
        }
    }
    if (feed->state_count == STATES_MAX) {
        close_states(feed);
    }
    void *state = open_parser(feed, parser, err);
    if (state) {
        feed->states[feed->state_count++] = (struct parser_state){parser, feed->source, state};
    }
    return state;
}

typedef enum ct_status take_frame(struct ct_feed *feed, const struct ct_parser *parser, void *state,
                                  const struct ct_frame *frame, const struct ct_parse_out *out);

static enum ct_status scan_frame(struct ct_feed *feed, const struct ct_parser *parser, void *state,
                                 const struct ct_frame *frame, const struct ct_parse_out *out)
{
    (void)feed;
    (void)out;
    return parser->scan(state, frame->bytes);
}

static enum ct_status parse_frame(struct ct_feed *feed, const struct ct_parser *parser, void *state,
                                  const struct ct_frame *frame, const struct ct_parse_out *out)
{
    enum ct_status status = parser->record(state, frame, &feed->scratch, out);
    ct_arena_reset(&feed->scratch);
    return status;
}

/* Every record of the payload; what the framer refuses is counted where `refuse`. */
static enum ct_status each_frame(struct ct_feed *feed, const struct ct_parser *parser, void *state, bool refuse,
                                 const struct ct_parse_out *out, take_frame *take)
{
    const struct ct_tape_entry *entry = feed->entry;
    struct ct_envelope envelope = {
        .received = entry->at, .direction = entry->direction, .stream = entry->stream, .target = entry->target};
    ct_span rest = entry->bytes;
    struct ct_framer framer;
    ct_framer_init(&framer, parser, (ct_span){rest.at, rest.len < HEAD_BYTES ? rest.len : HEAD_BYTES},
                   feed->setup.max_record_bytes ? feed->setup.max_record_bytes : CT_TAPE_BYTES_MAX);
    for (enum ct_status status = CT_OK; status == CT_OK;) {
        size_t consumed;
        struct ct_frame frame = {0};
        struct ct_refusal refusal;
        enum ct_status next = ct_framer_next(&framer, rest, true, &consumed, &frame, &refusal);
        rest = (ct_span){rest.at + consumed, rest.len - consumed};
        if (next == CT_OK) {
            frame.envelope = &envelope;
            status = take(feed, parser, state, &frame, out);
        } else if (next == CT_REFUSED) {
            if (refuse) {
                on_refusal(feed, &refusal);
            }
        } else {
            return next == CT_NOT_FOUND ? CT_OK : next;
        }
        if (status != CT_OK) {
            return status;
        }
    }
    return CT_OK;
}

/* A payload that only makes sense as a whole: an exported chat, a table with a head. */
static enum ct_status take_whole(struct ct_feed *feed, const struct ct_parser *parser, const struct ct_parse_out *out,
                                 struct ct_error *err)
{
    void *state = open_parser(feed, parser, err);
    if (!state) {
        count(feed, "format_options");
        return CT_OK;
    }
    enum ct_status status = CT_OK;
    if (parser->prescan) {
        status = each_frame(feed, parser, state, false, out, scan_frame);
    }
    if (status == CT_OK && parser->scanned) {
        status = parser->scanned(state, out);
    }
    if (status == CT_OK) {
        status = each_frame(feed, parser, state, true, out, parse_frame);
    }
    if (status == CT_OK && parser->finish) {
        status = parser->finish(state, &feed->scratch, out);
        ct_arena_reset(&feed->scratch);
    }
    parser->close(state);
    return status;
}

static enum ct_status take_data(struct ct_feed *feed, struct ct_error *err)
{
    const struct ct_tape_entry *entry = feed->entry;
    const struct ct_parse_out out = {feed, on_message, on_end, on_refusal, feed->sink.business ? on_business : NULL};
    if (!entry->bytes.len) {
        return CT_OK; /* what was refused at the door still has its number here */
    }
    if (!feed->setup.setup) {
        count(feed, "before_setup"); /* retention took the setup that stood before it */
        return CT_OK;
    }
    /* They may name a conversation, and no store takes such a name. */
    if (!ct_utf8_valid(entry->stream, NULL) || !ct_utf8_valid(entry->source, NULL)) {
        count(feed, "invalid_utf8");
        return CT_OK;
    }
    feed->source = find_source(feed, entry->source);
    const struct ct_parser *parser = entry->format.len ? ct_parser_find(entry->format)
                                     : feed->source    ? feed->source->parser
                                                       : NULL;
    if (!parser && !entry->format.len) {
        parser = ct_parser_detect(entry->bytes);
    }
    if (!parser) {
        count(feed, entry->format.len ? "unknown_format" : "format_not_recognised");
        return CT_OK;
    }
    enum ct_status status;
    if (parser->stateful || parser->prescan || parser->finish) {
        status = take_whole(feed, parser, &out, err);
    } else {
        void *state = state_of(feed, parser, err);
        if (!state) {
            count(feed, "format_options");
            return CT_OK;
        }
        status = each_frame(feed, parser, state, true, &out, parse_frame);
    }
    return status == CT_REFUSED ? CT_OK : status;
}

enum ct_status ct_feed_frame(struct ct_feed *feed, const struct ct_tape_entry *entry, uint64_t position,
                             uint64_t *messages, struct ct_error *err)
{
    feed->entry = entry;
    feed->position = position;
    feed->messages = 0;
    feed->tenant = CT_SPAN_NONE;
    enum ct_status status = CT_OK;
    if (entry->kind != CT_TAPE_SETUP) {
        status = ct_pipeline_tick(feed->pipeline, entry->at);
    }
    if (status == CT_OK && entry->kind == CT_TAPE_SETUP) {
        status = take_setup(feed, entry->bytes, err);
    } else if (status == CT_OK && entry->kind == CT_TAPE_DATA) {
        status = take_data(feed, err);
    }
    if (messages) {
        *messages = feed->messages;
    }
    if (status != CT_OK && err && err->status == CT_OK) {
        (void)ct_error_set(err, status, "tape position %llu: %s", (unsigned long long)position, ct_status_text(status));
    }
    return status;
}
