/* setup.h - everything that can change a record, as one string of bytes that goes onto the tape: the rule packs' texts,
 * the options of conversations, the cost model, the sources with their formats' options and time zones.
 *
 * A tape replays under the rules that it was recorded with, on any machine, with no file at hand: opening a packed
 * setup touches none. The same setup gives the same bytes, and its hash is the SHA-256 over them. Layout: docs/tape.md
 * would call it opaque; it is said in setup.c, and begins with its version.
 */
#ifndef CT_CLI_SETUP_H
#define CT_CLI_SETUP_H

#include "cli/config.h"
#include "plugin/tap/feed.h"

struct ct_setup_source {
    ct_span name, format, channel, bot, tenant, zone_tzif;
    struct ct_option_value *options;
    size_t option_count;
};

/* A setup taken apart; all of it borrowed. */
struct ct_setup_parts {
    struct ct_pack_source *packs; /* in load order; file = name without folders */
    size_t pack_count;
    enum ct_announced announced;
    ct_usec idle_cap_usec, idle_person_usec;
    struct ct_idle *idle;
    size_t idle_count;
    size_t max_record_bytes;
    bool has_cost;
    ct_span cost_file, cost; /* the model's text */
    struct ct_setup_source *sources;
    size_t source_count;
};

/* Heap bytes: free(*packed). CT_LIMIT: longer than a frame of the tape; CT_NO_MEMORY. */
enum ct_status ct_setup_pack(const struct ct_setup_parts *parts, char **packed, size_t *len,
                             struct ct_error *err) CT_MUST_USE;
/* Into spans of `packed` and arrays of the arena. CT_BAD_CONFIG: not one of ours, or cut, or of a newer version. Any
 * bytes may be given. */
enum ct_status ct_setup_unpack(ct_span packed, struct ct_arena *arena, struct ct_setup_parts *parts,
                               struct ct_error *err) CT_MUST_USE;
/* Reads what the configuration names (rules, prices, zones) and packs it; rules and prices are not looked into. */
enum ct_status ct_setup_of_config(const struct ct_config *config, char **packed, size_t *len,
                                  struct ct_error *err) CT_MUST_USE;

/* ---- packed setups into setups ---- */

/* Opens them, and keeps the newest rule sets at hand by their hashes. Any thread. */
struct ct_setups;
struct ct_setups *ct_setups_new(void) CT_MUST_USE;
void ct_setups_free(struct ct_setups *setups); /* setups that it opened go on */
/* Each problem of rules on opening, warnings left out. May be NULL. */
void ct_setups_report(struct ct_setups *setups, void (*problem)(void *context, const struct ct_error *problem),
                      void *context);
/* From here on every setup that is opened has these parts of `packed` (copied) instead of its own. */
enum { CT_SETUP_RULES = 1, CT_SETUP_OPTIONS = 2, CT_SETUP_SOURCES = 4 };
enum ct_status ct_setups_replace(struct ct_setups *setups, ct_span packed, unsigned which,
                                 struct ct_error *err) CT_MUST_USE;
/* As struct ct_feed_setups has it; context = the struct ct_setups. */
enum ct_status ct_setups_open(void *setups, ct_span packed, struct ct_feed_setup *out,
                              struct ct_error *err) CT_MUST_USE;
/* The rule set with this hash, referenced; NULL = not at hand. As struct ct_desk_options has it. */
struct ct_ruleset *ct_setups_rules(void *setups, const char *rules_hash);

#endif
