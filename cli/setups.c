/* setups.c - packed setups into setups: rules compiled, prices read, parsers found; rule sets that were compiled
 * already are taken again. See setup.h. Called by the tap's threads, the desk's, and replay.
 */
#include <pthread.h>
#include <stdlib.h>

#include "cli/packs.h"
#include "cli/setup.h"
#include "engine/cost.h"

enum { KEPT_MAX = 16 };

struct ct_setups {
    pthread_mutex_t lock;
    struct kept {
        char key[65]; /* over the packs' names and bytes */
        struct ct_ruleset *rules;
    } kept[KEPT_MAX];
    size_t kept_count, kept_next;
    void (*problem)(void *context, const struct ct_error *problem);
    void *context;
    /* what is replaced in each setup */
    unsigned which;
    char *replacement;
    struct ct_setup_parts parts;
    struct ct_arena arena;
};

struct ct_setups *ct_setups_new(void)
{
    struct ct_setups *setups = calloc(1, sizeof *setups);
    if (setups) {
        pthread_mutex_init(&setups->lock, NULL);
        ct_arena_init(&setups->arena, 0, 0);
    }
    return setups;
}

void ct_setups_free(struct ct_setups *setups)
{
    if (setups) {
        for (size_t i = 0; i < setups->kept_count; i++) {
            ct_ruleset_unref(setups->kept[i].rules);
        }
        pthread_mutex_destroy(&setups->lock);
        ct_arena_done(&setups->arena);
        free(setups->replacement);
        free(setups);
    }
}

void ct_setups_report(struct ct_setups *setups, void (*problem)(void *context, const struct ct_error *problem),
                      void *context)
{
    setups->problem = problem;
    setups->context = context;
}

enum ct_status ct_setups_replace(struct ct_setups *setups, ct_span packed, unsigned which, struct ct_error *err)
{
    setups->replacement = malloc(packed.len + 1);
    if (!setups->replacement) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    memcpy(setups->replacement, packed.at, packed.len);
    setups->which = which;
    return ct_setup_unpack((ct_span){setups->replacement, packed.len}, &setups->arena, &setups->parts, err);
}

static void replace(const struct ct_setups *setups, struct ct_setup_parts *parts)
{
    const struct ct_setup_parts *new = &setups->parts;
    if (setups->which & CT_SETUP_RULES) {
        parts->packs = new->packs;
        parts->pack_count = new->pack_count;
    }
    if (setups->which & CT_SETUP_SOURCES) {
        parts->sources = new->sources;
        parts->source_count = new->source_count;
    }
    if (setups->which & CT_SETUP_OPTIONS) {
        parts->announced = new->announced;
        parts->idle_cap_usec = new->idle_cap_usec;
        parts->idle_person_usec = new->idle_person_usec;
        parts->idle = new->idle;
        parts->idle_count = new->idle_count;
        parts->max_record_bytes = new->max_record_bytes;
        parts->has_cost = new->has_cost;
        parts->cost_file = new->cost_file;
        parts->cost = new->cost;
    }
}

/* ---- rules ------------------------------------------------------------------------------ */

static void on_problem(void *context, char severity, const struct ct_error *problem)
{
    const struct ct_setups *setups = context;
    if (severity == 'e' && setups->problem) {
        setups->problem(setups->context, problem);
    }
}

/* Names and bytes, so that two folders with the same bytes cut otherwise are two. */
static enum ct_status key_of(const struct ct_setup_parts *parts, char key[65], struct ct_error *err)
{
    const struct ct_setup_parts packs = {.packs = parts->packs, .pack_count = parts->pack_count};
    char *packed;
    size_t len;
    enum ct_status status = ct_setup_pack(&packs, &packed, &len, err);
    if (status == CT_OK) {
        status = ct_packs_hash(&(struct ct_pack_source){.bytes = {packed, len}}, 1, key, err);
    }
    free(packed);
    return status;
}

/* Under the lock: two that ask for the same rules at once compile them once. */
static enum ct_status open_rules(struct ct_setups *setups, const struct ct_setup_parts *parts, struct ct_ruleset **out,
                                 struct ct_error *err)
{
    char key[65], hash[65];
    enum ct_status status = key_of(parts, key, err);
    for (size_t i = 0; status == CT_OK && i < setups->kept_count; i++) {
        if (memcmp(setups->kept[i].key, key, sizeof key) == 0) {
            *out = ct_ruleset_ref(setups->kept[i].rules);
            return CT_OK;
        }
    }
    if (status == CT_OK) {
        status = ct_packs_hash(parts->packs, parts->pack_count, hash, err);
    }
    if (status != CT_OK) {
        return status;
    }
    struct ct_load_options options = {.hash_hex = ct_span_of(hash), .problem = on_problem, .context = setups};
    struct ct_error first = {0};
    struct ct_ruleset *rules = ct_ruleset_load(parts->packs, parts->pack_count, &options, &first);
    if (!rules) {
        if (err) {
            *err = first;
        }
        return first.status == CT_NO_MEMORY ? CT_NO_MEMORY : CT_BAD_RULES;
    }
    struct kept *place = &setups->kept[setups->kept_next];
    if (setups->kept_count == KEPT_MAX) {
        ct_ruleset_unref(place->rules);
    } else {
        setups->kept_count++;
    }
    memcpy(place->key, key, sizeof key);
    place->rules = ct_ruleset_ref(rules);
    setups->kept_next = (setups->kept_next + 1) % KEPT_MAX;
    *out = rules;
    return CT_OK;
}

struct ct_ruleset *ct_setups_rules(void *context, const char *rules_hash)
{
    struct ct_setups *setups = context;
    struct ct_ruleset *found = NULL;
    pthread_mutex_lock(&setups->lock);
    for (size_t i = 0; i < setups->kept_count && !found; i++) {
        if (strcmp(setups->kept[i].rules->hash, rules_hash) == 0) {
            found = ct_ruleset_ref(setups->kept[i].rules);
        }
    }
    pthread_mutex_unlock(&setups->lock);
    return found;
}

/* ---- a setup ---------------------------------------------------------------------------- */

struct opened {
    struct ct_setup setup; /* first */
    char *packed;          /* what the parts point into */
    struct ct_arena arena;
    struct ct_cost_model *cost;
    struct ct_feed_source *sources;
};

static void close_setup(struct ct_setup *setup)
{
    struct opened *opened = setup->owner;
    ct_ruleset_unref(setup->rules);
    ct_cost_model_free(opened->cost);
    ct_arena_done(&opened->arena);
    free(opened->packed);
    free(opened);
}

static enum ct_status find_sources(struct opened *opened, const struct ct_setup_parts *parts, struct ct_error *err)
{
    opened->sources = ct_arena_zalloc(&opened->arena, (parts->source_count + 1) * sizeof *opened->sources);
    if (!opened->sources) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    for (size_t i = 0; i < parts->source_count; i++) {
        const struct ct_setup_source *from = &parts->sources[i];
        const struct ct_parser *parser = ct_parser_find(from->format);
        if (!parser) {
            return ct_error_set(err, CT_BAD_CONFIG, "source \"%.*s\": this convtap (%s) has no format \"%.*s\"",
                                from->name.len > 100 ? 100 : (int)from->name.len, from->name.at, CT_VERSION,
                                from->format.len > 100 ? 100 : (int)from->format.len, from->format.at);
        }
        struct ct_parser_config config = {.options = from->options,
                                          .option_count = from->option_count,
                                          .source = from->name,
                                          .zone_tzif = from->zone_tzif};
        void *state = parser->open(&config, err); /* its options are sound, or that is said now */
        if (!state) {
            return CT_BAD_CONFIG;
        }
        parser->close(state);
        opened->sources[i] = (struct ct_feed_source){.name = from->name,
                                                     .parser = parser,
                                                     .options = from->options,
                                                     .option_count = from->option_count,
                                                     .zone_tzif = from->zone_tzif,
                                                     .channel = from->channel,
                                                     .bot = from->bot,
                                                     .tenant = from->tenant};
    }
    return CT_OK;
}

static enum ct_status fill(struct ct_setups *setups, struct opened *opened, const struct ct_setup_parts *parts,
                           struct ct_error *err)
{
    enum ct_status status = find_sources(opened, parts, err);
    if (status == CT_OK && parts->has_cost) {
        struct ct_error first = {0};
        opened->cost = ct_cost_model_load(parts->cost_file, parts->cost, &first);
        status = opened->cost ? CT_OK : first.status == CT_NO_MEMORY ? CT_NO_MEMORY : CT_BAD_CONFIG;
        if (!opened->cost && err) {
            *err = first;
        }
        char hash[65];
        if (status == CT_OK &&
            (status = ct_packs_hash(&(struct ct_pack_source){.bytes = parts->cost}, 1, hash, err)) == CT_OK) {
            ct_cost_model_mark(opened->cost, hash);
        }
    }
    if (status == CT_OK) {
        pthread_mutex_lock(&setups->lock);
        status = open_rules(setups, parts, &opened->setup.rules, err);
        pthread_mutex_unlock(&setups->lock);
    }
    opened->setup.conversation = (struct ct_conversation_options){
        .idle_cap_usec = parts->idle_cap_usec, .cost = opened->cost, .announced = parts->announced};
    opened->setup.silence = (struct ct_silence){parts->idle, parts->idle_count, parts->idle_person_usec};
    return status;
}

/* Heap bytes of the setup as it is to be in force: what was given, or that with parts of it replaced. */
static enum ct_status own_bytes(const struct ct_setups *setups, ct_span packed, char **bytes, size_t *len,
                                struct ct_error *err)
{
    if (!setups->which) {
        *bytes = malloc(packed.len + 1);
        *len = packed.len;
        if (!*bytes) {
            return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
        }
        memcpy(*bytes, packed.len ? packed.at : "", packed.len);
        return CT_OK;
    }
    struct ct_setup_parts parts;
    struct ct_arena arena;
    ct_arena_init(&arena, 0, 0);
    enum ct_status status = ct_setup_unpack(packed, &arena, &parts, err);
    if (status == CT_OK) {
        replace(setups, &parts);
        status = ct_setup_pack(&parts, bytes, len, err);
    }
    ct_arena_done(&arena);
    return status;
}

enum ct_status ct_setups_open(void *context, ct_span packed, struct ct_feed_setup *out, struct ct_error *err)
{
    struct ct_setups *setups = context;
    struct opened *opened = calloc(1, sizeof *opened);
    struct ct_setup_parts parts;
    size_t len = 0;
    *out = (struct ct_feed_setup){0};
    if (!opened) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    ct_arena_init(&opened->arena, 0, 0);
    opened->setup = (struct ct_setup){.done = close_setup, .owner = opened, .references = 1};
    enum ct_status status = own_bytes(setups, packed, &opened->packed, &len, err);
    if (status == CT_OK) {
        status = ct_setup_unpack((ct_span){opened->packed, len}, &opened->arena, &parts, err);
    }
    if (status == CT_OK) {
        const struct ct_pack_source whole = {.bytes = {opened->packed, len}};
        status = ct_packs_hash(&whole, 1, opened->setup.hash, err);
    }
    if (status == CT_OK) {
        status = fill(setups, opened, &parts, err);
    }
    if (status != CT_OK) {
        ct_setup_unref(&opened->setup);
        return status;
    }
    *out = (struct ct_feed_setup){.setup = &opened->setup,
                                  .sources = opened->sources,
                                  .source_count = parts.source_count,
                                  .max_record_bytes = parts.max_record_bytes};
    return CT_OK;
}
