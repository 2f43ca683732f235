/* business.h - a business event: something that the account system, the shop or the product says about a customer.
 *
 * The second kind of input beside messages. Parsers emit struct ct_business_event (borrowed spans), what waits, is
 * sorted or stored is struct ct_business (flat memory, like a record). Events of one customer and that customer's
 * conversations meet by ct_business.customer_hash == ct_record.customer_hash (tenant and user id). Formats, each field
 * and an example of each type: docs/business-events.md.
 */
#ifndef CT_BUSINESS_H
#define CT_BUSINESS_H

#include "engine/ct.h"

/* X(NAME, text): which fields a type reads stands in docs/business-events.md. */
#define CT_BUSINESS_MAP(X)                                                                                             \
    X(CUSTOMER, "customer")           /* is a customer at that moment: segment, since */                               \
    X(CUSTOMER_WON, "customer_won")   /* became one */                                                                 \
    X(CUSTOMER_LOST, "customer_lost") /* is none any more: reason */                                                   \
    X(CUSTOMER_BASE, "customer_base") /* count of all customers; belongs to no customer */                             \
    X(RENEWAL_DUE, "renewal_due")                                                                                      \
    X(RENEWED, "renewed")                                                                                              \
    X(PURCHASE, "purchase")               /* amount, margin, ref = order, name = product */                            \
    X(ORDER_DELIVERED, "order_delivered") /* ref = order */                                                            \
    X(ORDER_CANCELLED, "order_cancelled")                                                                              \
    X(ORDER_RETURNED, "order_returned")                                                                                \
    X(SUBSCRIPTION, "subscription") /* amount = its MRR from now on (0: ended), name = which one, flag = add-on */     \
    X(EXPANSION, "expansion")       /* amount: revenue beside subscriptions, from a customer who is one already */     \
    X(TRIAL_STARTED, "trial_started")                                                                                  \
    X(TRIAL_CONVERTED, "trial_converted")                                                                              \
    X(SEATS_BOUGHT, "seats_bought") /* count = seats from now on */                                                    \
    X(SEATS_ACTIVE, "seats_active") /* count = seats in use at that moment */                                          \
    X(FEATURE_USED, "feature_used") /* name = module, count = actions (1), flag = a key action */                      \
    X(SESSION, "session")           /* duration */                                                                     \
    X(MILESTONE, "milestone")       /* name: project_started, kickoff, onboarded, first_value, go_live; due */         \
    X(CHECKLIST, "checklist")       /* count of of_count items done */                                                 \
    X(OUTCOME, "outcome")           /* name, value, goal, flag = reached */                                            \
    X(BENEFIT, "benefit")           /* amount a year */                                                                \
    X(COST, "cost")                 /* amount, name: retention, service ...; also without a customer */                \
    X(REFERENCE, "reference")       /* flag: agreed to be one, or no longer */                                         \
    X(REFERRAL, "referral")         /* referred somebody */                                                            \
    X(PROGRAMME, "programme")       /* name: loyalty, education ...; flag: takes part, or no longer */                 \
    X(SURVEY, "survey")             /* outside the chat: name = kind, score, scale, version, text, ref */              \
    X(FEEDBACK, "feedback")         /* text, ref = its number */                                                       \
    X(FEEDBACK_ANSWERED, "feedback_answered")   /* ref = what was answered */                                          \
    X(COMPLAINT_RAISED, "complaint_raised")     /* ref, name = topic or product */                                     \
    X(COMPLAINT_RESOLVED, "complaint_resolved") /* ref */
enum ct_business_type {
#define X(name, text) CT_BUSINESS_##name,
    CT_BUSINESS_MAP(X)
#undef X
        CT_BUSINESS_COUNT
};
const char *ct_business_text_of(enum ct_business_type type); /* "customer_won" */
CT_MUST_USE bool ct_business_type_from(ct_span text, enum ct_business_type *out);

enum ct_business_field { /* texts */
                         CT_BUSINESS_TENANT,
                         CT_BUSINESS_USER_ID, /* the customer; empty only where the type needs none */
                         CT_BUSINESS_ID,      /* of the event: equal ones are one event; empty = none */
                         CT_BUSINESS_REF,
                         CT_BUSINESS_NAME,
                         CT_BUSINESS_SEGMENT, /* of the customer from now on; empty = as before */
                         CT_BUSINESS_REASON,
                         CT_BUSINESS_VERSION, /* of a survey's question */
                         CT_BUSINESS_TEXT,    /* open answer */
                         CT_BUSINESS_CURRENCY,
                         CT_BUSINESS_FIELD_COUNT
};
const char *ct_business_field_text(enum ct_business_field field); /* its key in JSON lines: "user_id", "ref" ... */

#define CT_BUSINESS_NUMBER_NONE INT64_MIN

/* Numbers that an event may carry; CT_BUSINESS_NUMBER_NONE where it does not. */
struct ct_business_numbers {
    ct_usec since, due, duration_usec; /* times and a duration; CT_USEC_NONE */
    ct_nano amount, margin;            /* of CT_BUSINESS_CURRENCY; margin: the share of a purchase that is gross profit,
                                          in billionths (0.4 = 400000000) */
    ct_nano value, goal;               /* of an outcome, in billionths of its own unit */
    int64_t count, of_count;
    int64_t score, scale_min, scale_max;
    int64_t flag; /* 0, 1 */
};

/* As a parser emits it: spans borrowed until the call returns. */
struct ct_business_event {
    enum ct_business_type type;
    ct_usec at; /* never CT_USEC_NONE when emitted */
    struct ct_business_numbers numbers;
    ct_span text[CT_BUSINESS_FIELD_COUNT];
};
void ct_business_event_init(struct ct_business_event *event); /* all empty, numbers none */

/* Flat: a fixed head and the texts. Only in-process and within one program version. */
struct ct_business {
    uint32_t bytes; /* whole size, multiple of 8 */
    uint16_t type, reserved;
    uint64_t customer_hash; /* as struct ct_record's, for a known customer; 0 = belongs to no customer */
    uint64_t identity;      /* ct_hash of tenant and id where there is an id, else of everything in it */
    ct_usec at;
    struct ct_business_numbers numbers;
    struct {
        uint32_t at, len;
    } text[CT_BUSINESS_FIELD_COUNT];
};
static inline ct_span ct_business_text(const struct ct_business *event, enum ct_business_field field)
{
    return (ct_span){(const char *)event + event->text[field].at, event->text[field].len};
}
/* 0 = more than CT_BUSINESS_BYTES_MAX. */
#define CT_BUSINESS_BYTES_MAX 65536
uint32_t ct_business_bytes(const struct ct_business_event *event);
/* `to` has ct_business_bytes(event) bytes, aligned to 8; every byte of it is set. */
void ct_business_write(struct ct_business *to, const struct ct_business_event *event);
/* The other way: spans into `from`. */
void ct_business_read(const struct ct_business *from, struct ct_business_event *event);

/* Sorts one customer's (or nobody's) events by time, then type, then identity, and drops those whose identity came
 * before; returns how many are left. The same whatever the order given. */
size_t ct_business_sort(const struct ct_business **events, size_t count);

/* The customer's hash in records and events alike; user_id not empty. The seeds are record.c's, too. */
enum { CT_USER_SEED = 0x05E4, CT_TENANT_SEED = 0x7E4A, CT_CUSTOMER_SEED = 0xC057 };
uint64_t ct_customer_hash(ct_span tenant, ct_span user_id);

#endif
