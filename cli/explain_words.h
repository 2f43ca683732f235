/* explain_words.h - what signals and outcomes mean, and why an outcome lost, in words for people who read customers'
 * conversations and not rule packs. Used by both views of explain.
 */
#ifndef CT_EXPLAIN_WORDS_H
#define CT_EXPLAIN_WORDS_H

#include "cli/explain_sheet.h"
#include "engine/record.h"

/* "asks for a person"; NULL where the meaning says nothing that the signal's name does not. */
const char *ct_meaning_words(enum ct_meaning meaning);
/* "a person took part" */
const char *ct_outcome_words(enum ct_outcome outcome);

/* What a verdict stands on, from a record in memory or a written one. */
struct ct_verdict_facts {
    enum ct_outcome outcome;
    enum ct_abandoned_at abandoned_at;
    bool announced, asked_person;     /* the bot said that one was coming; anybody spoke of one */
    uint32_t decided;                 /* 1-based message that decided; 0 = none */
    uint32_t spoke[CT_OUTCOME_COUNT]; /* 1-based message that spoke for an outcome that lost; 0 = none */
};
/* "Why not": each outcome that it is not, and why. */
void ct_sheet_why_not(struct ct_sheet *sheet, const struct ct_verdict_facts *facts);

#endif
