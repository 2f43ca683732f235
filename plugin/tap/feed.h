/* feed.h - tape frames to the pipeline: picks the parser that a frame's source or format names and hands its messages
 * on, and its business events to whoever keeps those. Live and replay are this one function, so they cannot differ.
 */
#ifndef CT_FEED_H
#define CT_FEED_H

#include "engine/pipeline.h"
#include "parsers/parser.h"
#include "plugin/tape/tape.h"

/* A source as the setup knows it. */
struct ct_feed_source {
    ct_span name;
    const struct ct_parser *parser;
    const struct ct_option_value *options;
    size_t option_count;
    ct_span zone_tzif;            /* as struct ct_parser_config has it */
    ct_span channel, bot, tenant; /* for messages that name none; empty = leave */
};

/* What a packed setup is, unpacked: the engine's part, and the sources. */
struct ct_feed_setup {
    struct ct_setup *setup; /* its owner keeps what `sources` points at alive */
    const struct ct_feed_source *sources;
    size_t source_count;
    size_t max_record_bytes;
};
struct ct_feed_setups {
    void *context;
    /* CT_BAD_CONFIG, CT_BAD_RULES: *err. out->setup is referenced for the caller. */
    enum ct_status (*open)(void *context, ct_span packed, struct ct_feed_setup *out, struct ct_error *err);
};

struct ct_feed;
struct ct_feed_sink {
    void *context;
    /* `count` more of what was left out, by name; a constant. */
    void (*drop)(void *context, const char *reason, uint64_t count);
    /* One business event, in the order of the tape, between what its frame's time closed and what comes of the next
     * message. Events wait for nothing: no conversation has them, and no mark of a restart leaves them out. Borrowed
     * until it returns; a status other than CT_OK ends the frame with that status. NULL = they are refused by name. */
    enum ct_status (*business)(void *context, const struct ct_business *event);
};
struct ct_feed *ct_feed_new(struct ct_pipeline *pipeline, const struct ct_feed_setups *setups,
                            const struct ct_feed_sink *sink) CT_MUST_USE;
void ct_feed_free(struct ct_feed *feed);
/* One frame; `position` where it stands. *messages (may be NULL) = how many came out of it, no deliveries among them. A
 * status other than CT_OK is of the machine or of a setup that cannot be opened, never of the bytes: those are refused
 * by name. */
enum ct_status ct_feed_frame(struct ct_feed *feed, const struct ct_tape_entry *entry, uint64_t position,
                             uint64_t *messages, struct ct_error *err) CT_MUST_USE;
/* The setup in force; NULL before the first. */
const struct ct_feed_setup *ct_feed_setup(const struct ct_feed *feed);

#endif
