/* ct.h - the vocabulary of convtap. Read this first.
 *
 * Bytes come from a gateway or a file; a parser turns them into messages; messages of one
 * conversation are appended to it; rules put signals on each message; when the conversation
 * closes it has exactly one outcome and becomes a flat record; metrics fold records into numbers.
 *
 *     bytes -> parser -> struct ct_message -> struct ct_conversation -> struct ct_record -> metrics
 *
 * Nothing in engine/ does I/O, asks what time it is, logs, or keeps a global.
 *
 * Ownership in one sentence: a ct_span never owns what it points at, a message lives until the
 * emit call that brought it returns, a conversation owns one arena, a record is flat memory that
 * may be copied, written and read back.
 */
#ifndef CT_H
#define CT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CT_VERSION "0.1.0"

/* ---- spans ------------------------------------------------------------------------------ */

/* Borrowed bytes. `at` may be NULL only where `len` is 0. Not NUL-terminated. */
typedef struct ct_span {
    const char *at;
    size_t len; /* bytes */
} ct_span;

#define CT_SPAN_NONE ((ct_span){NULL, 0})
#define CT_SPAN_LIT(s) ((ct_span){"" s, sizeof(s) - 1})

static inline ct_span ct_span_of(const char *zero_terminated)
{
    return (ct_span){zero_terminated, zero_terminated ? strlen(zero_terminated) : 0};
}

static inline bool ct_span_eq(ct_span a, ct_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool ct_span_is(ct_span a, const char *zero_terminated)
{
    return ct_span_eq(a, ct_span_of(zero_terminated));
}

/* ---- time, money ------------------------------------------------------------------------ */

/* Microseconds since 1970-01-01T00:00:00Z. Also used for durations. */
typedef int64_t ct_usec;
#define CT_USEC_NONE INT64_MIN /* the source does not say */
#define CT_USEC_PER_SECOND ((ct_usec)1000000)
#define CT_USEC_PER_MINUTE (60 * CT_USEC_PER_SECOND)
#define CT_USEC_PER_HOUR (60 * CT_USEC_PER_MINUTE)
#define CT_USEC_PER_DAY (24 * CT_USEC_PER_HOUR)

/* Money: whole billionths (1e-9) of the currency's unit. Token prices need more than the six
 * decimals of a micro-unit: 0.00095565 USD is an ordinary price of one answer. */
typedef int64_t ct_nano;
#define CT_NANO_PER_UNIT ((ct_nano)1000000000)

/* ---- status ----------------------------------------------------------------------------- */

/* Everything that can go wrong with the world, by name. Our own bugs are asserts. */
#define CT_STATUS_MAP(X)                                                                                               \
    X(OK, "done")                                                                                                      \
    X(NO_MEMORY, "out of memory")                                                                                      \
    X(REFUSED, "input refused")                                                                                        \
    X(BAD_CONFIG, "bad configuration")                                                                                 \
    X(BAD_RULES, "bad rule pack")                                                                                      \
    X(IO, "cannot read or write")                                                                                      \
    X(LIMIT, "a limit was reached")                                                                                    \
    X(USAGE, "bad usage")                                                                                              \
    X(NOT_FOUND, "not found")                                                                                          \
    X(STOP, "stopped by the caller")
enum ct_status {
#define X(name, text) CT_##name,
    CT_STATUS_MAP(X)
#undef X
};

#define CT_MUST_USE __attribute__((warn_unused_result))
#define CT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Constant text of a status; never NULL. */
const char *ct_status_text(enum ct_status status);

/* What a person reads when something is refused: where, what, and what to do about it. */
struct ct_error {
    enum ct_status status;
    char file[256];  /* "" where there is none */
    uint32_t line;   /* 1-based, 0 = none */
    uint32_t column; /* 1-based, in bytes, 0 = none */
    uint64_t offset; /* byte position in the input */
    char text[1024]; /* one or more lines, no trailing newline */
};

/* Fills *err (may be NULL) and returns `status`, so that `return ct_error_set(...)` reads well. */
enum ct_status ct_error_set(struct ct_error *err, enum ct_status status, const char *format, ...) CT_PRINTF(3, 4);

/* ---- the domain's words ----------------------------------------------------------------- */

/* Who wrote a message. */
#define CT_ROLE_MAP(X)                                                                                                 \
    X(UNKNOWN, "unknown") X(USER, "user") X(BOT, "bot") X(AGENT, "agent") X(SYSTEM, "system") X(TOOL, "tool")
enum ct_role {
#define X(name, text) CT_ROLE_##name,
    CT_ROLE_MAP(X)
#undef X
        CT_ROLE_COUNT
};
const char *ct_role_text(enum ct_role role);
/* "user", "bot", "agent", "system", "tool" (exact, lower case); else CT_ROLE_UNKNOWN. */
enum ct_role ct_role_from(ct_span text);

/* A platform's own fact that comes with, or instead of, a text. Facts outrank text. DELIVERY is the last one: it never
 * stands in a conversation (delivery.h), and rules know those before it. */
#define CT_EVENT_MAP(X)                                                                                                \
    X(NONE, "")                                                                                                        \
    X(HANDOFF, "handoff")                                                                                              \
    X(CLOSE, "close")                                                                                                  \
    X(REOPEN, "reopen") X(FEEDBACK, "feedback") X(LABEL, "label") X(OTHER, "other") X(DELIVERY, "delivery")
enum ct_event_type {
#define X(name, text) CT_EVENT_##name,
    CT_EVENT_MAP(X)
#undef X
};

#define CT_PHASE_MAP(X)                                                                                                \
    X(NONE, "")                                                                                                        \
    X(REQUESTED, "requested")                                                                                          \
    X(OFFERED, "offered")                                                                                              \
    X(ANNOUNCED, "announced")                                                                                          \
    X(ACCEPTED, "accepted")                                                                                            \
    X(FAILED, "failed") X(RETURNED, "returne"                                                                          \
                                    "d")
enum ct_handoff_phase {
#define X(name, text) CT_PHASE_##name,
    CT_PHASE_MAP(X)
#undef X
};

/* In JSON: "event":{"type":"handoff","phase":"accepted","by":"bot","reason":"..."},
 * {"type":"close","by":"user"}, {"type":"reopen"},
 * {"type":"feedback","kind":"csat|nps|ces|thumbs","value":4,"scale":5,"text":"..."},
 * {"type":"label","name":"resolved|accuracy|...","value":true|false|number|"text"},
 * {"type":"delivery","status":"sent|delivered|read|failed|...","billable":true}: of the message whose id stands beside
 * it (engine/delivery.h). */
struct ct_event {
    enum ct_event_type type;
    enum ct_handoff_phase phase; /* handoff only; a bare handoff is CT_PHASE_ACCEPTED */
    ct_span by;                  /* "user", "bot", "agent", "rule", "system", "timeout" or empty */
    ct_span reason;              /* free text of the platform, or the target queue */
    ct_span name;                /* label's name, feedback's kind, delivery's status, or the type when OTHER */
    ct_span value;               /* as written: "4", "true", "0.42"; empty = none. A delivery's: is it billable? */
    int32_t scale_max;           /* feedback: 5, 10, 7 ...; 0 = the kind's own default */
    int32_t scale_min;           /* feedback: 0 or 1; -1 = the kind's own default */
    ct_span text;                /* open answer beside a score */
};

/* What the platform says that a message costs. */
enum ct_billing {
    CT_BILLING_UNSAID,
    CT_BILLING_CHARGED, /* by its category */
    CT_BILLING_FREE
};

/* Which way bytes went past the tap. */
enum ct_direction {
    CT_DIRECTION_NONE, /* not known, or from a file */
    CT_DIRECTION_IN,   /* from the customer's side towards the gateway or bot */
    CT_DIRECTION_OUT   /* from the gateway or bot towards the customer */
};

struct ct_tool_call {
    ct_span name;
    ct_span id;
    ct_span arguments; /* JSON text as written, or empty */
};

struct ct_tokens {
    int64_t input, cached, output; /* counts; -1 = not said */
    ct_span model;
};

/* One message, as a parser emits it. Every span is borrowed until the emit call returns. */
struct ct_message {
    ct_span conversation_id; /* never empty when emitted */
    ct_span user_id;         /* the customer; empty = not known */
    ct_span channel;         /* "whatsapp", "web", ...; empty = not known */
    ct_span language;        /* BCP-47 as given by the source; empty = not given */
    ct_span bot;             /* name of the bot; empty = not known */
    ct_span bot_version;     /* empty = not known; this and the next four are the conversation's */
    ct_span tenant;          /* empty = not known */
    ct_span segment;         /* of the customer: "smb", "premium" ... */
    ct_span product;         /* that the conversation is about */
    ct_span country;         /* of the customer, ISO 3166-1 alpha-2 */
    ct_span intent;          /* that the bot's own platform recognised in this message; empty = none said */
    ct_span category;        /* that a channel charges this message by: "marketing", "utility", "service" ... */
    ct_span id;              /* native message id; empty = none */
    ct_span text;            /* valid UTF-8, no NUL; may be empty */
    enum ct_role role;
    ct_usec ts;   /* CT_USEC_NONE = the source has no time; order is then `seq` */
    uint64_t seq; /* order in the source; parsers set it rising, the caller may rebase it */
    const struct ct_tool_call *tool_calls;
    size_t tool_call_count;
    struct ct_tokens tokens;
    bool has_cost;
    ct_nano cost;     /* what the source says that this message cost */
    ct_span currency; /* ISO 4217; empty = the configuration's */
    struct ct_event event;
    /* What the platform said of it later; found by sessions.c. Parsers leave both alone, and nothing stores them. */
    enum ct_billing billing;
    bool undelivered; /* it never reached the customer */
};

/* Every field empty, ts CT_USEC_NONE, tokens -1. */
void ct_message_init(struct ct_message *message);

/* ---- small things everyone needs -------------------------------------------------------- */

/* "2026-02-20T23:09:22.479796Z", with or without fraction (1-9 digits, cut to µs), "Z", an offset
 * "+01:00", or nothing (then UTC), 'T' or a space. Strict about ranges. false = not a time. */
CT_MUST_USE bool ct_time_parse(ct_span text, ct_usec *out);
/* RFC 3339 in UTC with as many fraction digits (0, 3 or 6) as the value needs. Returns length;
 * `out` holds at least 32 bytes and is NUL-terminated. */
size_t ct_time_format(ct_usec ts, char *out);

/* Decimal text ("0.00095565", "1e-05", "12") to nano-units, rounded half to even; false = not a
 * number or out of range. Never goes through a binary float. */
CT_MUST_USE bool ct_money_parse(ct_span text, ct_nano *out);
/* Shortest exact decimal, no exponent, no trailing zeros: "0.00095565". `out` holds 32 bytes. */
size_t ct_money_format(ct_nano amount, char *out);

/* 64-bit hash (wyhash-like mixing), same on every machine; not for hostile keys without a seed. */
uint64_t ct_hash(ct_span bytes, uint64_t seed);

/* true where the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlongs) without NUL.
 * *bad (may be NULL) = offset of the first bad byte. */
CT_MUST_USE bool ct_utf8_valid(ct_span text, size_t *bad);

#endif
