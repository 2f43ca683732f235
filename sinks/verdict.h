/* verdict.h - what signals and outcomes mean, and why an outcome lost, in words for people who read customers'
 * conversations and not rule packs. Used by `convtap explain` and the desk.
 */
#ifndef CT_VERDICT_H
#define CT_VERDICT_H

#include "engine/figure.h"
#include "engine/record.h"

/* "asks for a person"; NULL where the meaning says nothing that the signal's name does not. */
const char *ct_meaning_words(enum ct_meaning meaning, enum ct_lang lang);
/* "a person took part"; "" for what is no outcome. */
const char *ct_outcome_words(enum ct_outcome outcome, enum ct_lang lang);

/* What a verdict stands on, from a record in memory or a written one. */
struct ct_verdict_facts {
    enum ct_outcome outcome;
    enum ct_abandoned_at abandoned_at;
    bool announced, asked_person;     /* the bot said that one was coming; anybody spoke of one */
    uint32_t decided;                 /* 1-based message that decided; 0 = none */
    uint32_t spoke[CT_OUTCOME_COUNT]; /* 1-based message that spoke for an outcome that lost; 0 = none */
};
#define CT_VERDICT_BYTES 160
/* Why it is not `lost`, as CT_VERDICT_BYTES of text: "message 3 speaks for it, but a person did take part". false = it
 * goes without saying. */
bool ct_verdict_why_not(const struct ct_verdict_facts *facts, enum ct_outcome lost, enum ct_lang lang, char *text,
                        size_t capacity);

#endif
