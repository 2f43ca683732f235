/* record.h - one closed conversation as flat memory: a fixed head, then a tail of arrays and texts.
 *
 * Made by ct_conversation_close, read by metrics and sinks. It holds no pointers: it may be copied, spilled to
 * a file, sorted and read back. All offsets are from the record's first byte. Times are microseconds; CT_USEC_NONE
 * where not known. Only in-process and within one program version; not an interchange format.
 */
#ifndef CT_RECORD_H
#define CT_RECORD_H

#include "engine/rules.h"

#define CT_OUTCOME_MAP(X)                                                                                              \
    X(NOT_ENGAGED, "not_engaged")                                                                                      \
    X(ESCALATED, "escalated")                                                                                          \
    X(ESCALATION_FAILED, "escalation_failed")                                                                          \
    X(RESOLVED_CONFIRMED, "resolved_confirmed")                                                                        \
    X(UNRESOLVED, "unresolved")                                                                                        \
    X(RESOLVED_IMPLIED, "resolved_implied")                                                                            \
    X(SILENT, "silent")                                                                                                \
    X(ABANDONED, "abandoned")
enum ct_outcome {
#define X(name, text) CT_OUTCOME_##name,
    CT_OUTCOME_MAP(X)
#undef X
        CT_OUTCOME_COUNT
};
const char *ct_outcome_text(enum ct_outcome outcome);

enum ct_tri { CT_FALSE, CT_TRUE, CT_NULL };

enum ct_abandoned_at { CT_ABANDONED_NOT, CT_ABANDONED_BOT, CT_ABANDONED_QUESTION, CT_ABANDONED_QUEUE };

enum ct_text_field { /* texts of the tail */
                     CT_TEXT_CONVERSATION_ID,
                     CT_TEXT_USER_ID,
                     CT_TEXT_CHANNEL,
                     CT_TEXT_LANGUAGE,
                     CT_TEXT_BOT,
                     CT_TEXT_BOT_VERSION,
                     CT_TEXT_TENANT,
                     CT_TEXT_SEGMENT, /* of the customer, as the transcript says it */
                     CT_TEXT_PRODUCT,
                     CT_TEXT_COUNTRY,
                     CT_TEXT_INTENT,       /* the first that the bot's platform recognised */
                     CT_TEXT_TOPIC,        /* what it is about most: one of the next; empty = none was recognised */
                     CT_TEXT_TOPICS,       /* every topic, in byte order, a space between two: "billing delivery" */
                     CT_TEXT_ESCALATED_BY, /* "customer", "bot", "rule", "agent" or empty */
                     CT_TEXT_REASON,       /* of the handoff */
                     CT_TEXT_CURRENCY,
                     CT_TEXT_COMMENT,  /* open answer beside a score; empty unless the pipeline keeps texts */
                     CT_TEXT_QUESTION, /* the content words of the customer's first question, distinct, in byte order, a
                                          space between two; empty unless the pipeline keeps questions */
                     CT_TEXT_COUNT
};

struct ct_slice32 {
    uint32_t at; /* offset in the record */
    uint32_t count;
};

struct ct_score {
    bool present;
    int32_t value, scale_min, scale_max;
    ct_usec ts;
    bool turned; /* the survey runs the other way than its kind: a CSAT, NPS or CSS whose low end is good, a CES
                    whose high end is */
    uint8_t positive_from; /* CSAT and CSS: positive from here on, as ct_score_usual counts; 0 = above the middle */
};

/* The value as on a scale that runs the usual way. */
static inline int64_t ct_score_usual(const struct ct_score *score)
{
    return score->turned ? (int64_t)score->scale_min + score->scale_max - score->value : score->value;
}
/* A positive answer, of a CSAT or CSS. */
static inline bool ct_score_positive(const struct ct_score *score)
{
    int64_t value = ct_score_usual(score); /* twice the value against twice the middle: no halves */
    return score->positive_from ? value >= score->positive_from
                                : 2 * value > (int64_t)score->scale_min + score->scale_max;
}

/* Why a signal stands on a message. */
struct ct_evidence {
    uint32_t message;    /* 0-based index in the conversation, in event order */
    uint32_t begin, end; /* raw bytes in its text; 0,0 for an event */
    uint16_t signal;
    uint16_t rule;    /* index in rules->rules; UINT16_MAX = built-in fact */
    uint32_t because; /* index of the evidence it follows from; UINT32_MAX = none */
    uint8_t level;
    int8_t polarity; /* of a score: -1 bad, 0 between, 1 good; 0 for any other signal */
    uint8_t reserved[2];
};

/* An outcome that lost, and the evidence that spoke for it. */
struct ct_beaten {
    uint8_t outcome;
    uint8_t reserved[3];
    uint32_t evidence; /* index; UINT32_MAX = none (a state, e.g. "silent") */
};

struct ct_record {
    uint32_t bytes; /* whole size, multiple of 8 */
    uint32_t message_count;
    uint64_t conversation_hash; /* ct_hash of tenant, conversation id and session number */
    uint64_t customer_hash;     /* ct_hash of tenant and user id; of the conversation where there is none */
    uint64_t content_hash;      /* over all messages: equal records of a conversation are duplicates */
    bool has_customer;          /* user_id is known */
    uint32_t rule_set;          /* which of the rule sets that are counted together its signals are numbered in: set by
                                   who reads records of several; 0 when it is made, and in a store */

    ct_usec started_at, ended_at; /* first and last message; NONE when untimed */
    bool timed;                   /* every message has a time */
    uint32_t session;             /* 1, 2, ... where an id was cut by idle time or reopened */
    uint8_t outcome;              /* enum ct_outcome */
    uint8_t resolved;             /* enum ct_tri */
    uint8_t abandoned_at;
    bool label_decided; /* an explicit label decided `resolved` */
    bool engaged;       /* the customer wrote something */
    bool ai_answered;   /* a bot message followed a customer message */
    bool bot_involved;  /* the bot wrote at all */
    bool escalated;     /* a person took part */
    /* `failed`: the platform or the bot said so, whatever came of it. Whether the escalation failed: ct_record_failed.
     */
    bool requested, offered, announced, performed, failed, refused, human_joined;
    bool positive, negative; /* feedback given */
    bool complaint, insult;
    bool reopened;
    bool closed_by_event;
    bool confirmed_said;          /* confirmation in answer to the question */
    ct_usec asked_at;             /* the customer's first message; NONE */
    ct_usec requested_at;         /* the handoff was asked, announced or begun */
    ct_usec joined_at;            /* first human message or acceptance after it */
    ct_usec wait_usec;            /* requested_at to first human message; NONE */
    ct_usec queue_abandoned_usec; /* time in the queue of one who left; NONE */
    ct_usec resolved_at;          /* message or event that resolved it; NONE */
    ct_usec complaint_at;

    struct ct_score score[CT_SCORE_COUNT];
    bool survey_asked[CT_SCORE_COUNT];

    uint32_t user_messages, bot_messages, agent_messages, tool_messages, system_messages;
    uint32_t fallbacks, no_data, wrong_answers, repeats;
    uint32_t positive_messages, negative_messages; /* of the customer, by the polarity of what was said or scored;
                                                      thanks and repetitions are neither */
    uint32_t questions;                            /* customer messages with a question mark */
    uint32_t comments, comments_answered;          /* open answers; those after which a bot or a person still wrote */
    ct_usec first_response_usec;                   /* first customer message to the first bot answer; NONE */
    ct_usec human_first_response_usec;             /* handoff to first human message; NONE */
    ct_usec ai_handling_usec, human_handling_usec, total_handling_usec; /* idle over the cap cut; NONE */
    uint32_t unanswered;                                                /* customer messages that got no answer */
    uint32_t judged, judged_correct;                                    /* explicit labels on AI answers */
    uint32_t inferred, inferred_correct;                                /* AI answers the rules could judge */

    bool has_cost;
    bool has_human_price;
    ct_nano cost; /* the source's own plus the cost model's, but for shares of monthly fees */
    ct_nano cost_channel, cost_tokens, cost_human, cost_fixed, cost_source;
    int64_t tokens_input, tokens_cached, tokens_output;
    ct_nano human_price; /* what people alone would have cost, where has_human_price; no part of cost */
    uint32_t unpriced; /* messages (their tokens, their channel's fee) and work that the cost model has no price for */
    uint32_t unconverted;  /* messages whose stated cost is in a currency without a rate */
    uint32_t cost_undated; /* prices that differ by time, where the time was not known */

    uint8_t first_contact;         /* enum ct_tri; set when the customer's other conversations are known */
    bool returned;                 /* the customer came back inside the window */
    bool is_return;                /* this one came inside the window of an earlier one */
    bool immature;                 /* the window has not passed at the newest time of the input */
    ct_usec next_contact_usec;     /* to the same customer's next conversation; NONE */
    ct_usec previous_contact_usec; /* since the same customer's conversation before; NONE. Set with first_contact */
    ct_usec next_any_usec;         /* the same two whatever they were about: others' definitions know no topics */
    ct_usec previous_any_usec;
    ct_usec observed_usec; /* from its end to the newest time of the input; 0 until first_contact is set */

    struct ct_slice32 text[CT_TEXT_COUNT]; /* count = bytes */
    struct ct_slice32 response_usec;       /* int64_t: each AI answer's response time */
    struct ct_slice32 signals;             /* uint16_t: distinct signals, ascending */
    struct ct_slice32 evidence;            /* struct ct_evidence, by message, then begin */
    struct ct_slice32 decided_by;          /* uint32_t: indexes of evidence */
    struct ct_slice32 beaten;              /* struct ct_beaten */
};

/* A person was asked for, announced or called, and none came: the outcome says it, and decided_by has the evidence. The
 * one definition of a failed escalation: records, KPIs and explanations all read this. */
static inline bool ct_record_failed(const struct ct_record *record)
{
    return record->outcome == CT_OUTCOME_ESCALATION_FAILED;
}

/* Takes the marks off that say what the customer's other conversations are (ct_customer_mark): as it was closed. */
static inline void ct_record_unmark(struct ct_record *record)
{
    record->first_contact = CT_NULL;
    record->returned = record->is_return = record->immature = false;
    record->next_contact_usec = record->previous_contact_usec = CT_USEC_NONE;
    record->next_any_usec = record->previous_any_usec = CT_USEC_NONE;
    record->observed_usec = 0;
}

static inline ct_span ct_record_text(const struct ct_record *record, enum ct_text_field field)
{
    return (ct_span){(const char *)record + record->text[field].at, record->text[field].count};
}
static inline const void *ct_record_array(const struct ct_record *record, struct ct_slice32 slice)
{
    return (const char *)record + slice.at;
}

#endif
