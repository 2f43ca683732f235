/* business_draft.h - a business event that is being read: from the texts of its fields to a checked event.
 *
 * What an input calls a field, how its text is read, which fields a type needs and what is out of range stand here
 * once, for JSON lines (business.c) and for tables (business_csv.c). docs/business-events.md says it for people.
 */
#ifndef CT_BUSINESS_DRAFT_H
#define CT_BUSINESS_DRAFT_H

#include "engine/business.h"
#include "parsers/stamp.h"

/* X(NAME, key, KIND): every key of an event. Where two keys stand for one field an event may have one of them. */
#define CT_BUSINESS_KEY_MAP(X)                                                                                         \
    X(EVENT, "event", TYPE)                                                                                            \
    X(AT, "at", TIME)                                                                                                  \
    X(USER_ID, "user_id", ID)                                                                                          \
    X(TENANT, "tenant", WORD)                                                                                          \
    X(ID, "id", ID)                                                                                                    \
    X(REF, "ref", ID)                                                                                                  \
    X(NAME, "name", WORD)                                                                                              \
    X(SEGMENT, "segment", WORD)                                                                                        \
    X(REASON, "reason", WORD)                                                                                          \
    X(VERSION, "version", ID)                                                                                          \
    X(TEXT, "text", TEXT)                                                                                              \
    X(CURRENCY, "currency", CURRENCY)                                                                                  \
    X(SINCE, "since", TIME)                                                                                            \
    X(DUE, "due", DUE)                                                                                                 \
    X(DURATION_S, "duration_s", SECONDS)                                                                               \
    X(DURATION, "duration", DURATION)                                                                                  \
    X(AMOUNT, "amount", DECIMAL)                                                                                       \
    X(MARGIN, "margin", DECIMAL)                                                                                       \
    X(VALUE, "value", DECIMAL)                                                                                         \
    X(GOAL, "goal", DECIMAL)                                                                                           \
    X(COUNT, "count", COUNT)                                                                                           \
    X(OF, "of", COUNT)                                                                                                 \
    X(OF_COUNT, "of_count", COUNT)                                                                                     \
    X(SCORE, "score", WHOLE)                                                                                           \
    X(SCALE_MIN, "scale_min", WHOLE)                                                                                   \
    X(SCALE_MAX, "scale_max", WHOLE)                                                                                   \
    X(SCALE, "scale", WHOLE)                                                                                           \
    X(FLAG, "flag", FLAG)                                                                                              \
    X(ADD_ON, "add_on", FLAG)         /* subscription */                                                               \
    X(KEY_ACTION, "key_action", FLAG) /* feature_used */                                                               \
    X(REACHED, "reached", FLAG)       /* outcome */                                                                    \
    X(AGREED, "agreed", FLAG)         /* reference */                                                                  \
    X(JOINED, "joined", FLAG)         /* programme */
enum ct_business_key {
#define X(name, text, kind) CT_BUSINESS_KEY_##name,
    CT_BUSINESS_KEY_MAP(X)
#undef X
        CT_BUSINESS_KEYS /* how many */
};
const char *ct_business_key_text(enum ct_business_key key);
CT_MUST_USE bool ct_business_key_from(ct_span text, enum ct_business_key *out);

/* How a key's value is written. */
enum ct_business_kind {
    CT_BUSINESS_KIND_TYPE,     /* "customer_won" */
    CT_BUSINESS_KIND_ID,       /* a text, or a number as written */
    CT_BUSINESS_KIND_WORD,     /* a text */
    CT_BUSINESS_KIND_TEXT,     /* a text whose blanks count */
    CT_BUSINESS_KIND_CURRENCY, /* "EUR" */
    CT_BUSINESS_KIND_TIME,     /* a date is its first moment */
    CT_BUSINESS_KIND_DUE,      /* a date is its last moment */
    CT_BUSINESS_KIND_SECONDS,  /* "12.5" */
    CT_BUSINESS_KIND_DURATION, /* "90s", "1h30m" */
    CT_BUSINESS_KIND_DECIMAL,  /* from its digits, never through a binary float */
    CT_BUSINESS_KIND_COUNT,    /* from 0 */
    CT_BUSINESS_KIND_WHOLE,    /* may be negative */
    CT_BUSINESS_KIND_FLAG
};
enum ct_business_kind ct_business_key_kind(enum ct_business_key key);

struct ct_business_draft {
    struct ct_business_event event;
    bool has_type;
    uint64_t seen;                  /* bit k = key k had a value */
    int8_t flags[CT_BUSINESS_KEYS]; /* of the FLAG keys */
    const struct ct_zone *zone;     /* of times and dates without an offset; NULL = UTC */
    enum ct_date_order order; /* of dates that are not year-month-day; UNKNOWN = only what can be read in one way */
    bool any_date;            /* dates and times as people's programs write them, too; else RFC 3339 */
    bool comma;               /* decimals are written "1.234,56" */
};

/* Why an event is refused: a constant reason and note, and the key's text. */
struct ct_business_fault {
    const char *reason, *key, *note;
};

/* Empty; what says how texts are read is kept. */
void ct_business_draft_clear(struct ct_business_draft *draft);
/* One value; borrowed as long as the draft. Empty texts are no value, and no fault. false = *fault says why. */
CT_MUST_USE bool ct_business_draft_set(struct ct_business_draft *draft, enum ct_business_key key, ct_span text,
                                       struct ct_business_fault *fault);
/* All values are in: is it an event? Fills in what follows from the rest (a survey's scale, one action). */
CT_MUST_USE bool ct_business_draft_check(struct ct_business_draft *draft, struct ct_business_fault *fault);

#endif
