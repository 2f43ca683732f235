/* random_business.h - business events for the laws, from random_record.h's seed: the same on every machine.
 *
 * Without regard to whether a customer could be like that: the laws hold for any.
 */
#ifndef CT_RANDOM_BUSINESS_H
#define CT_RANDOM_BUSINESS_H

#include "engine/business.h"
#include "random_record.h"

static inline int64_t some_number(uint64_t limit)
{
    return chance(15) ? CT_BUSINESS_NUMBER_NONE : (int64_t)below(limit);
}

/* One event of any type in the first 120 days, of `user`; NULL = of nobody. Heap, the caller frees. With up to 8
 * currencies those stay within what the metrics' tables hold. */
static inline struct ct_business *random_event(const char *user, unsigned currencies)
{
    static const char *const names[] = {"retention",   "retention.training",
                                        "service",     "loyalty",
                                        "education",   "onboarded",
                                        "go_live",     "kickoff",
                                        "first_value", "project_started",
                                        "csat",        "nps",
                                        "ces",         "base",
                                        "plus",        "",
                                        "crm",         "billing"};
    static const char *const money[] = {"EUR", "USD", "", "MXN", "GBP", "COP", "JPY", "CLP", "ARS", "BRL", "PEN"};
    static const char *const segments[] = {"", "", "smb", "enterprise"};
    struct ct_business_event e;
    char ref[16];
    ct_business_event_init(&e);
    e.type = (enum ct_business_type)below(CT_BUSINESS_COUNT);
    if (!user && chance(70)) {
        e.type = chance(50) ? CT_BUSINESS_CUSTOMER_BASE : CT_BUSINESS_COST;
    }
    e.at = (ct_usec)below(120) * CT_USEC_PER_DAY + (chance(30) ? (ct_usec)below((uint64_t)CT_USEC_PER_DAY) : 0);
    struct ct_business_numbers *n = &e.numbers;
    n->since = chance(70) ? CT_USEC_NONE : e.at - (ct_usec)below(200 * (uint64_t)CT_USEC_PER_DAY);
    n->due = chance(50) ? CT_USEC_NONE : e.at + (ct_usec)below(60) * CT_USEC_PER_DAY;
    n->duration_usec = some_number((uint64_t)CT_USEC_PER_DAY);
    n->amount = chance(20) ? 0 : some_number(UINT64_C(1) << (30 + below(20)));
    n->margin = some_number(1000000000);
    n->value = some_number(1000);
    n->goal = some_number(1000);
    n->count = some_number(40);
    n->of_count = some_number(40);
    n->scale_min = some_number(2);
    n->scale_max = chance(15) ? CT_BUSINESS_NUMBER_NONE : chance(50) ? 5 : 10;
    n->score = some_number(11);
    n->flag = some_number(2);
    snprintf(ref, sizeof ref, "r%llu", (unsigned long long)below(12));
    e.text[CT_BUSINESS_TENANT] = CT_SPAN_LIT("t");
    e.text[CT_BUSINESS_USER_ID] = ct_span_of(user);
    e.text[CT_BUSINESS_REF] = chance(30) ? CT_SPAN_NONE : ct_span_of(ref);
    e.text[CT_BUSINESS_NAME] = ct_span_of(names[below(sizeof names / sizeof *names)]);
    e.text[CT_BUSINESS_SEGMENT] = ct_span_of(segments[below(4)]);
    e.text[CT_BUSINESS_CURRENCY] = ct_span_of(money[below(currencies > 8 ? 11 : currencies < 1 ? 1 : currencies)]);
    struct ct_business *event = calloc(1, ct_business_bytes(&e));
    if (!event) {
        abort();
    }
    ct_business_write(event, &e);
    return event;
}

#endif
