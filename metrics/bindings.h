/* bindings.h - signals by name in every rule set that records were judged by.
 *
 * A record knows its signals by their numbers in its own rule set (ct_record.rule_set), a scorecard and human marks
 * know them by name; one store or tape holds records of several rule sets. A binding says which number each name has in
 * one rule set, once for all of its records. Made by whoever reads records, read by metrics through struct ct_terms.
 */
#ifndef CT_BINDINGS_H
#define CT_BINDINGS_H

#include "engine/record.h"

#define CT_SIGNAL_NAMES_MAX 4096 /* of one scorecard, or of all marks */

/* Distinct names in order of first use; the texts are the owner's. Zeroed = none. */
struct ct_signal_names {
    ct_span *at;
    size_t count, capacity;
};
/* The index of the name, put behind the others where it is new (its text is copied into the arena). -1 = out of memory,
 * or CT_SIGNAL_NAMES_MAX. */
int ct_signal_names_add(struct ct_signal_names *names, struct ct_arena *arena, ct_span name);
void ct_signal_names_done(struct ct_signal_names *names);

struct ct_binding { /* one rule set */
    char rules_hash[65];
    bool known;             /* its signals are known; else every number is -1 */
    int32_t *card, *marks;  /* by index of the name: the signal's number; -1 = the rule set has none */
    size_t card_missing;    /* names of the scorecard that it does not have */
    uint64_t conversations; /* engaged ones that were counted; for who reads records to keep */
};
/* By ct_record.rule_set. */
struct ct_bindings {
    const struct ct_signal_names *card, *marks; /* NULL = no such names */
    struct ct_binding *at;
    size_t count, capacity;
};
struct ct_scorecard;
struct ct_marks;
/* For the names of both; each may be NULL, and outlives the bindings. */
void ct_bindings_init(struct ct_bindings *bindings, const struct ct_scorecard *scorecard, const struct ct_marks *marks);
void ct_bindings_done(struct ct_bindings *bindings);
/* Another rule set behind those that there are: its number is bindings->count before. number_of gives a name's number,
 * or -1; NULL = its signals are not known. CT_NO_MEMORY. */
enum ct_status ct_bindings_add(struct ct_bindings *bindings, const char *rules_hash,
                               int (*number_of)(void *context, ct_span name), void *context) CT_MUST_USE;
/* The same of a rule set that is at hand. */
enum ct_status ct_bindings_add_rules(struct ct_bindings *bindings, const struct ct_ruleset *rules) CT_MUST_USE;

/* Does the signal stand in the record? CT_NULL: its rule set has no such signal, or is not bound. numbers: which of the
 * names `index` counts in. */
enum ct_tri ct_bindings_card_signal(const struct ct_bindings *bindings, const struct ct_record *record, size_t index);
enum ct_tri ct_bindings_mark_signal(const struct ct_bindings *bindings, const struct ct_record *record, size_t index);

#endif
