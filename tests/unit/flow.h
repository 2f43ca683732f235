/* flow.h - feeds the live pipeline and keeps what it publishes, for its tests. The rules are those of talk.h. */
#ifndef FLOW_H
#define FLOW_H

#pragma GCC diagnostic ignored "-Wunused-function"
#include "talk.h"

#include "engine/pipeline.h"
#include "engine/sessions.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
#define AT(seconds_later) (T0 + (ct_usec)(seconds_later)*CT_USEC_PER_SECOND)

static const struct ct_idle flow_idle[] = {{{"whatsapp", 8}, 2 * 3600 * CT_USEC_PER_SECOND},
                                           {{NULL, 0}, 1800 * CT_USEC_PER_SECOND}};

static int setups_gone;
static void setup_done(struct ct_setup *setup)
{
    setups_gone++;
    setup->owner = NULL;
}

static struct ct_setup make_setup(const char *hash)
{
    struct ct_setup setup = {
        .rules = rules,
        .conversation = {.idle_cap_usec = 1800 * CT_USEC_PER_SECOND},
        .silence = {.idle = flow_idle, .idle_count = 2, .person_usec = 4 * 3600 * CT_USEC_PER_SECOND},
        .done = setup_done,
        .references = 1};
    snprintf(setup.hash, sizeof setup.hash, "%s", hash);
    return setup;
}

/* What was published, as one run of bytes: equal runs are equal publications. */
struct heard {
    char *at;
    size_t len, capacity;
    size_t *entries; /* where each begins */
    size_t count, entry_capacity;
    uint64_t drops[9];
    size_t fail_after; /* publications until the sink says CT_IO; 0 = never */
};
struct heard_entry {
    size_t bytes; /* of all of it */
    size_t record, replaced;
    uint64_t first_position, last_position;
    ct_usec first_published_at, published_at;
    uint32_t revision;
    uint32_t final;
    char setup[8];
};
static const char *const drop_names[9] = {"duplicate_message", "conversation_too_long", "open_conversations_limit",
                                          "open_memory_limit", "cost_unpriced",         "cost_unconverted",
                                          "rule_error",        "cost_undated",          "delivery_unmatched"};

static void heard_add(struct heard *heard, const void *bytes, size_t len)
{
    if (heard->capacity - heard->len < len) {
        heard->capacity = heard->capacity * 2 + len + 4096;
        heard->at = realloc(heard->at, heard->capacity);
        assert_non_null(heard->at);
    }
    if (len) {
        memcpy(heard->at + heard->len, bytes, len);
        heard->len += len;
    }
}

static enum ct_status heard_publish(void *context, const struct ct_published *published)
{
    struct heard *heard = context;
    if (heard->fail_after && --heard->fail_after == 0) {
        return CT_IO;
    }
    struct heard_entry entry = {.record = published->record ? published->record->bytes : 0,
                                .replaced = published->replaced ? published->replaced->bytes : 0,
                                .first_position = published->first_position,
                                .last_position = published->last_position,
                                .first_published_at = published->first_published_at,
                                .published_at = published->published_at,
                                .revision = published->revision,
                                .final = published->final};
    memcpy(entry.setup, published->setup->hash, sizeof entry.setup);
    entry.bytes = sizeof entry + entry.record + entry.replaced;
    if (heard->count == heard->entry_capacity) {
        heard->entry_capacity = heard->entry_capacity * 2 + 64;
        heard->entries = realloc(heard->entries, heard->entry_capacity * sizeof *heard->entries);
        assert_non_null(heard->entries);
    }
    heard->entries[heard->count++] = heard->len;
    heard_add(heard, &entry, sizeof entry);
    heard_add(heard, published->record, entry.record);
    heard_add(heard, published->replaced, entry.replaced);
    return CT_OK;
}

static void heard_drop(void *context, const char *reason, uint64_t count)
{
    struct heard *heard = context;
    for (int i = 0; i < 9; i++) {
        if (drop_names[i] && strcmp(drop_names[i], reason) == 0) {
            heard->drops[i] += count;
            return;
        }
    }
    fail_msg("a drop without a name: %s", reason);
}

static uint64_t heard_drops(const struct heard *heard, const char *reason)
{
    for (int i = 0; i < 9; i++) {
        if (drop_names[i] && strcmp(drop_names[i], reason) == 0) {
            return heard->drops[i];
        }
    }
    fail_msg("no such drop: %s", reason);
    return 0;
}

static const struct heard_entry *heard_at(const struct heard *heard, size_t i)
{
    assert_true(i < heard->count);
    return (const struct heard_entry *)(const void *)(heard->at + heard->entries[i]);
}
static const struct ct_record *heard_record(const struct heard_entry *entry)
{
    return entry->record ? (const struct ct_record *)(const void *)(entry + 1) : NULL;
}
static const struct ct_record *heard_replaced(const struct heard_entry *entry)
{
    return entry->replaced ? (const struct ct_record *)(const void *)((const char *)(entry + 1) + entry->record) : NULL;
}

static void heard_done(struct heard *heard)
{
    free(heard->at);
    free(heard->entries);
    *heard = (struct heard){0};
}

static struct ct_pipeline *flow_new(struct heard *heard, const struct ct_pipeline_limits *limits)
{
    const struct ct_pipeline_sink sink = {.context = heard, .publish = heard_publish, .drop = heard_drop};
    return ct_pipeline_new(&sink, limits);
}

#endif
