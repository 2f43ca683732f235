/* desk_quality.c - see desk_quality.h. Called by desk_kpis.c. */
#include "plugin/gate/desk_quality.h"

#include "metrics/scorecard.h"
#include "sinks/quality.h"

struct telling {
    struct ct_writer *json;
    const struct ct_binding *binding;
};

static void write_missing(void *context, const struct ct_criterion *criterion, ct_span signal)
{
    const struct telling *telling = context;
    struct ct_writer *json = telling->json;
    ct_writer_open(json, '{');
    ct_writer_key(json, "criterion");
    ct_writer_string(json, criterion->name);
    ct_writer_key(json, "signal");
    ct_writer_string(json, signal);
    ct_writer_key(json, "rules_hash");
    ct_writer_text(json, telling->binding->rules_hash);
    ct_writer_key(json, "reason");
    ct_writer_text(json, telling->binding->known ? "no_such_signal" : "signals_not_stored");
    ct_writer_key(json, "conversations");
    ct_writer_wide(json, (ct_wide)telling->binding->conversations);
    ct_writer_close(json, '}');
}

/* By hash: the store's rows come in any order. Rule sets of none that was counted were looked at only for who came
 * back.
 */
static const struct ct_binding *next_binding(const struct ct_bindings *bindings, const struct ct_binding *after)
{
    const struct ct_binding *next = NULL;
    for (size_t i = 0; i < bindings->count; i++) {
        const struct ct_binding *one = &bindings->at[i];
        if (one->conversations && (!after || strcmp(one->rules_hash, after->rules_hash) > 0) &&
            (!next || strcmp(one->rules_hash, next->rules_hash) < 0)) {
            next = one;
        }
    }
    return next;
}

static void write_scorecard(struct ct_writer *json, const struct ct_scorecard *card, const struct ct_bindings *bindings)
{
    ct_writer_open(json, '{');
    ct_writer_key(json, "name");
    if (card->name.len) {
        ct_writer_string(json, card->name);
    } else {
        ct_writer_null(json);
    }
    ct_writer_key(json, "criteria");
    ct_writer_wide(json, (ct_wide)card->count);
    ct_writer_key(json, "unknown_signals");
    ct_writer_open(json, '[');
    for (const struct ct_binding *next = NULL; (next = next_binding(bindings, next));) {
        struct telling telling = {json, next};
        ct_scorecard_missing(card, next, write_missing, &telling);
    }
    ct_writer_close(json, ']');
    ct_writer_close(json, '}');
}

void ct_desk_quality_write(struct ct_writer *json, const struct ct_terms *terms, const struct ct_range *range)
{
    if (range->quality) {
        ct_writer_key(json, "quality");
        ct_quality_json(json, range->quality);
    }
    if (terms->scorecard) {
        ct_writer_key(json, "scorecard");
        write_scorecard(json, terms->scorecard, &range->bindings);
    }
}
