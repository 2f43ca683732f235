/* sessions.h - the messages of one conversation id to its records: what the platform said of them later is laid upon
 * them (delivery.h), they are put in event order, cut at silence and after closes, through the rules. An audit of
 * transcripts (cli/batch_close.c) and the live pipeline (pipeline.c) both judge by this code alone, so both give the
 * same records.
 */
#ifndef CT_SESSIONS_H
#define CT_SESSIONS_H

#include "engine/delivery.h"
#include "engine/setup.h"

/* What comes of it. */
struct ct_sessions_out {
    void *context;
    /* One session's record, in order, borrowed until it returns; `first` is the session's first message. A status other
     * than CT_OK ends the run with that status. */
    enum ct_status (*record)(void *context, const struct ct_record *record, const struct ct_stored *first);
    /* `count` messages of the session whose record comes next were left out: it is full. `first` of them. */
    void (*over)(void *context, const struct ct_stored *first, uint64_t count);
    /* Each message that was taken, in event order; duplicates are not shown. May be NULL. */
    void (*message)(void *context, const struct ct_message *message);
};

/* What is known when the last message is in. */
struct ct_sessions_end {
    uint64_t duplicates;  /* messages left out as copies */
    bool person_expected; /* of the last session: ct_conversation_person_expected, */
    bool survey_open;     /* and ct_conversation_survey_open, before it was closed */
    bool delivery_open;   /* the platform has not said yet of each message whether it arrived */
    uint64_t unmatched;   /* messages that it spoke of and that are not here */
};

/* A message that whoever calls has read already: it can stand in the order in place of a stored one. */
struct ct_sessions_read {
    struct ct_stored stored; /* its time and its place alone; nothing is behind it */
    struct ct_message message;
    const char *packed_calls; /* its tool calls, where message.tool_calls has not got them (stored_pack.h) */
};

/* Scratch, kept from one conversation to the next. One a thread. */
struct ct_sessions {
    const struct ct_stored **order; /* the messages: filled in by the caller, sorted here */
    bool are_read; /* each of them begins a struct ct_sessions_read; all of one input. Set by the caller, too */
    size_t order_capacity;
    ct_usec *times;
    struct ct_tool_call *calls; /* of the message being read back */
    size_t call_capacity;
    struct ct_deliveries deliveries;
    size_t speaker; /* index in order of the next one who speaks, as far as it was looked for */
};
/* All zero to begin with. Frees what it holds. */
void ct_sessions_done(struct ct_sessions *sessions);
/* Makes sessions->order hold `count`. false = out of memory. */
CT_MUST_USE bool ct_sessions_room(struct ct_sessions *sessions, size_t count);
/* Judges the first `count` (at least 1) of sessions->order. Deliveries alone make no record. `whole`: the source says
 * that they are one conversation, so nothing is cut. `conversation` is scratch. CT_NO_MEMORY, or what out->record says.
 */
enum ct_status ct_sessions_close(struct ct_sessions *sessions, struct ct_conversation *conversation,
                                 const struct ct_silence *silence, size_t count, bool whole,
                                 const struct ct_sessions_out *out, struct ct_sessions_end *end) CT_MUST_USE;

#endif
