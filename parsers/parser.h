/* parser.h - what a parser is: bytes of one wire format in, messages out.
 *
 * A parser is a `const struct ct_parser`, listed by one line CT_PARSER(name) in parsers.def and
 * defined in <name>.c as `ct_parser_<name>`. It never does I/O and keeps no globals.
 *
 * Work is cut in two so that it can run on many threads and on input of any size:
 *   framing (frame.c, shared): bytes -> records (a line, or an element of a JSON array);
 *   record(): one record -> messages. For a parser with `stateful == false`, record() may be called
 *   from several threads at once with the same state, on different records; each has its own scratch.
 */
#ifndef CT_PARSER_H
#define CT_PARSER_H

#include "engine/arena.h"
#include "engine/business.h"
#include "engine/ct.h"
#include "engine/zone.h"

enum ct_framing {
    CT_FRAMING_LINES, /* a record is a line without its line end */
    CT_FRAMING_JSON   /* a record is a JSON value: a line of JSON lines, or an element of the top-level
                         array, or of the array under one of `array_keys` of a top-level object */
};

/* Why a piece of input was refused: a stable snake_case name that is counted, and where. */
struct ct_refusal {
    const char *reason; /* constant: "invalid_utf8", "truncated", "missing_field", "wrong_type",
                           "duplicate_key", "too_deep", "record_too_long", "bad_json", "bad_time",
                           "number_out_of_range", "ambiguous_date", ... */
    uint64_t offset;    /* byte position in the (decompressed) input */
    uint64_t line;      /* 1-based; 0 = the format has none */
    char detail[200];   /* e.g. `field "role": number where a string is due`; never transcript text
                           beyond a key name */
};

struct ct_parse_out {
    void *context;
    /* One message. A status other than CT_OK ends record() with that status. */
    enum ct_status (*message)(void *context, const struct ct_message *message);
    /* The conversation whose messages were just emitted is whole in the source (a conversation a
     * line, a task's run): its boundary is explicit, no idle cut. Not called by message-a-line formats. */
    enum ct_status (*end)(void *context, ct_span conversation_id);
    /* A record, or a message in it, was left out. */
    void (*refuse)(void *context, const struct ct_refusal *refusal);
    /* One business event (only parsers of those call it). NULL = the caller has no use for any, and the parser refuses
     * them as "business_events_unwanted". */
    enum ct_status (*business)(void *context, const struct ct_business_event *event);
};

/* How bytes came that no file holds: the live tap knows more than they say. */
struct ct_envelope {
    ct_usec received;            /* a message without a time of its own has this one */
    enum ct_direction direction; /* who wrote what does not say who: IN the customer, OUT the bot */
    ct_span stream;              /* the connection: the conversation of what names none; may be empty */
    ct_span target;              /* of HTTP: "POST /v19.0/1234/messages"; empty = none */
};

/* One record as the framer hands it over; borrowed until record() returns. */
struct ct_frame {
    ct_span bytes;
    uint64_t offset;                    /* byte position of bytes.at in the input */
    uint64_t line;                      /* 1-based line of its first byte */
    uint32_t part;                      /* records that began on the same line before it */
    const struct ct_envelope *envelope; /* NULL = from a file */
};

/* An option of a parser, from which --help, `convtap formats` and checks come. */
struct ct_option {
    const char *name;     /* "zone" -> `--format-option zone=Europe/Madrid` */
    const char *type;     /* "string", "choice:a|b|c", "map", "list", "regex" */
    const char *fallback; /* the default as a person writes it; "" = none */
    const char *help;     /* English, one sentence */
};
struct ct_option_value {
    ct_span name, value;
};
struct ct_parser_config {
    const struct ct_option_value *options;
    size_t option_count;
    ct_span source;             /* file name without folders: conversation id where the format has none */
    ct_span zone_tzif;          /* the TZif bytes of the IANA zone that option "zone" names, read by the caller from the
                                   system's tz database; empty = none (UTC and offsets need none). Read by open() only. */
    const struct ct_zone *zone; /* that the figures are for, of business events' dates where no option "zone" is given;
                                   outlives the parser's state. NULL = UTC */
};

struct ct_parser {
    const char *name;       /* "convtap", "openai", "tau", "tau2", "whatsapp", "text", "csv", "business" */
    const char *title;      /* "WhatsApp exported chat (.txt)" */
    const char *help;       /* a paragraph: what it takes, what it makes of it, its limits */
    const char *extensions; /* ".jsonl .json" : a hint only; detection is by content */
    enum ct_framing framing;
    const char *const *array_keys;   /* CT_FRAMING_JSON: NULL-terminated, or NULL */
    bool stateful;                   /* records must come in order, from one thread */
    bool prescan;                    /* scan() must see all lines before the first record() */
    const struct ct_option *options; /* ended by {NULL} */

    /* How sure, 0 (no) to 100, from the first bytes (at most 64 KiB, may be cut anywhere). */
    int (*detect)(ct_span head);
    /* The same where options say more than the bytes do: what a table's columns mean. NULL = they do not matter. */
    int (*detect_as)(const struct ct_parser_config *config, ct_span head);
    /* NULL state = failed and *err says why; a parser without state returns a static object. */
    void *(*open)(const struct ct_parser_config *config, struct ct_error *err);
    /* First pass over every line (prescan parsers only). */
    enum ct_status (*scan)(void *state, ct_span line);
    /* Between scan and the first record: refuse (once) where the whole file stays ambiguous, and return
     * CT_REFUSED: no record of this file will give a message. */
    enum ct_status (*scanned)(void *state, const struct ct_parse_out *out);
    /* One record. What it allocates in `scratch` is done with when it returns: the caller resets `scratch`
     * between records. CT_OK also where the record was refused; another status ends the run. */
    enum ct_status (*record)(void *state, const struct ct_frame *frame, struct ct_arena *scratch,
                             const struct ct_parse_out *out);
    /* After the last record: what is still held. May be NULL. */
    enum ct_status (*finish)(void *state, struct ct_arena *scratch, const struct ct_parse_out *out);
    void (*close)(void *state);
};

/* All parsers, NULL-terminated, in parsers.def's order. */
extern const struct ct_parser *const ct_parsers[];
const struct ct_parser *ct_parser_find(ct_span name); /* NULL = none */
/* The parser that is surest about `head`, NULL where none reaches 30. */
const struct ct_parser *ct_parser_detect(ct_span head);
/* The same, with the options that the file will be read with; zone_tzif and source are not looked at. */
const struct ct_parser *ct_parser_detect_as(const struct ct_parser_config *config, ct_span head);
/* The value of an option, or its fallback. */
ct_span ct_parser_option(const struct ct_parser *parser, const struct ct_parser_config *config, const char *name);

#endif
