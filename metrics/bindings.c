/* bindings.c - names of signals to their numbers, rule set by rule set. See bindings.h. Called by who loads scorecards
 * and marks, by who reads records, and by scorecard_judge.c and quality.c.
 */
#include "metrics/bindings.h"

#include <stdlib.h>

#include "metrics/marks.h"
#include "metrics/scorecard.h"

/* ---- names ------------------------------------------------------------------------------------------------------ */

int ct_signal_names_add(struct ct_signal_names *names, struct ct_arena *arena, ct_span name)
{
    bool ok = true;
    for (size_t i = 0; i < names->count; i++) {
        if (ct_span_eq(names->at[i], name)) {
            return (int)i;
        }
    }
    if (names->count == CT_SIGNAL_NAMES_MAX) {
        return -1;
    }
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? 2 * names->capacity : 16;
        ct_span *more = realloc(names->at, capacity * sizeof *more);
        if (!more) {
            return -1;
        }
        names->at = more;
        names->capacity = capacity;
    }
    names->at[names->count] = ct_arena_copy(arena, name, &ok);
    return ok ? (int)names->count++ : -1;
}

void ct_signal_names_done(struct ct_signal_names *names)
{
    free(names->at);
    *names = (struct ct_signal_names){0};
}

/* ---- rule sets -------------------------------------------------------------------------------------------------- */

void ct_bindings_init(struct ct_bindings *bindings, const struct ct_scorecard *scorecard, const struct ct_marks *marks)
{
    *bindings =
        (struct ct_bindings){.card = scorecard ? &scorecard->signals : NULL, .marks = marks ? &marks->signals : NULL};
}

void ct_bindings_done(struct ct_bindings *bindings)
{
    for (size_t i = 0; i < bindings->count; i++) {
        free(bindings->at[i].card);
        free(bindings->at[i].marks);
    }
    free(bindings->at);
    *bindings = (struct ct_bindings){0};
}

/* false = out of memory. */
static bool number_all(const struct ct_signal_names *names, int (*number_of)(void *context, ct_span name),
                       void *context, int32_t **out)
{
    size_t count = names ? names->count : 0;
    *out = malloc((count + 1) * sizeof **out);
    for (size_t i = 0; *out && i < count; i++) {
        (*out)[i] = number_of ? number_of(context, names->at[i]) : -1;
    }
    return *out != NULL;
}

enum ct_status ct_bindings_add(struct ct_bindings *bindings, const char *rules_hash,
                               int (*number_of)(void *context, ct_span name), void *context)
{
    if (bindings->count == bindings->capacity) {
        size_t capacity = bindings->capacity ? 2 * bindings->capacity : 4;
        struct ct_binding *more = realloc(bindings->at, capacity * sizeof *more);
        if (!more) {
            return CT_NO_MEMORY;
        }
        bindings->at = more;
        bindings->capacity = capacity;
    }
    struct ct_binding *binding = &bindings->at[bindings->count];
    *binding = (struct ct_binding){.known = number_of != NULL};
    size_t len = strnlen(rules_hash, sizeof binding->rules_hash - 1);
    memcpy(binding->rules_hash, rules_hash, len);
    if (!number_all(bindings->card, number_of, context, &binding->card) ||
        !number_all(bindings->marks, number_of, context, &binding->marks)) {
        free(binding->card);
        return CT_NO_MEMORY;
    }
    for (size_t i = 0; bindings->card && i < bindings->card->count; i++) {
        binding->card_missing += binding->card[i] < 0;
    }
    bindings->count++;
    return CT_OK;
}

static int number_in(void *context, ct_span name)
{
    return ct_ruleset_signal(context, name);
}

enum ct_status ct_bindings_add_rules(struct ct_bindings *bindings, const struct ct_ruleset *rules)
{
    return ct_bindings_add(bindings, rules->hash, number_in, (void *)(uintptr_t)rules);
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

static enum ct_tri stands(const struct ct_record *record, int32_t number)
{
    const uint16_t *all = ct_record_array(record, record->signals);
    if (number < 0) {
        return CT_NULL;
    }
    for (uint32_t i = 0; i < record->signals.count; i++) {
        if (all[i] == number) {
            return CT_TRUE;
        }
    }
    return CT_FALSE;
}

enum ct_tri ct_bindings_card_signal(const struct ct_bindings *bindings, const struct ct_record *record, size_t index)
{
    bool bound = bindings && record->rule_set < bindings->count;
    return bound ? stands(record, bindings->at[record->rule_set].card[index]) : CT_NULL;
}

enum ct_tri ct_bindings_mark_signal(const struct ct_bindings *bindings, const struct ct_record *record, size_t index)
{
    bool bound = bindings && record->rule_set < bindings->count;
    return bound ? stands(record, bindings->at[record->rule_set].marks[index]) : CT_NULL;
}
