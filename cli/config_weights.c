/* config_weights.c - what the customer health score and the engagement score are made of, and whose targets count: the
 * keys health_weights, engagement_weights and segments. See config.h. */
#include "cli/config.h"

#include <stdio.h>

enum { INPUTS_MAX = 8 };

static const struct {
    enum ct_setting_id id;
    size_t to, count; /* in struct ct_terms */
    const char *names[INPUTS_MAX];
} indexes[] = {
#define X(name, key, weight) key,
    {CT_SET_HEALTH_WEIGHTS, offsetof(struct ct_terms, health_weights), CT_HEALTH_COUNT, {CT_HEALTH_MAP(X)}},
    {CT_SET_ENGAGEMENT_WEIGHTS,
     offsetof(struct ct_terms, engagement_weights),
     CT_ENGAGEMENT_COUNT,
     {CT_ENGAGEMENT_MAP(X)}},
#undef X
};
enum { INDEXES = sizeof indexes / sizeof *indexes };

const char *ct_config_weight_name(const struct ct_setting *row, unsigned i)
{
    unsigned index = row == &ct_settings[CT_SET_HEALTH_WEIGHTS] ? 0 : 1;
    return i < indexes[index].count ? indexes[index].names[i] : NULL;
}

/* -1 = none. */
static int place_of(const struct ct_setting *row, const char *name)
{
    const char *known;
    for (unsigned i = 0; (known = ct_config_weight_name(row, i)); i++) {
        if (strcmp(known, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* More than CT_WEIGHTS_TOTAL where it is no number. */
static unsigned points_of(const char *text)
{
    unsigned value = 0;
    size_t digits = strspn(text, "0123456789");
    for (size_t i = 0; i < digits && digits <= 3; i++) {
        value = 10 * value + (unsigned)(text[i] - '0');
    }
    return digits == 0 || digits > 3 || text[digits] != '\0' ? CT_WEIGHTS_TOTAL + 1 : value;
}

bool ct_config_weight(const struct ct_setting *row, const char *name, const char *text, char *problem)
{
    if (place_of(row, name) < 0) {
        (void)snprintf(problem, CT_CONFIG_PROBLEM_BYTES, "\"%.100s\" is no input of the index", name);
        return false;
    }
    if (points_of(text) > CT_WEIGHTS_TOTAL) {
        (void)snprintf(problem, CT_CONFIG_PROBLEM_BYTES, "\"%.100s\" is not a whole number from 0 to %d", text,
                       CT_WEIGHTS_TOTAL);
        return false;
    }
    return true;
}

static uint8_t *weights_of(struct ct_config *config, size_t index)
{
    return (uint8_t *)&config->terms + indexes[index].to;
}

void ct_config_weights(struct ct_config *config)
{
    for (size_t index = 0; index < INDEXES; index++) {
        const struct ct_config_value *value = &config->values[indexes[index].id];
        const struct ct_setting *row = &ct_settings[indexes[index].id];
        if (value->count) {
            memset(weights_of(config, index), 0, indexes[index].count);
        }
        for (size_t i = 0; i < value->count; i++) {
            const struct ct_config_entry *e = &value->entries[i];
            int place = place_of(row, e->name);
            if (place >= 0) { /* as they were checked */
                weights_of(config, index)[place] = (uint8_t)points_of(e->text);
            }
        }
    }
}

void ct_config_weights_check(struct ct_config *config)
{
    for (size_t index = 0; index < INDEXES; index++) {
        const struct ct_config_entry *first = ct_config_entry_of(&config->root, indexes[index].id);
        unsigned sum = 0;
        for (size_t i = 0; i < indexes[index].count; i++) {
            sum += weights_of(config, index)[i];
        }
        if (sum != CT_WEIGHTS_TOTAL) {
            ct_config_wrong(config, &config->root, first, "%s: they add up to %u, not %d",
                            ct_settings[indexes[index].id].key, sum, CT_WEIGHTS_TOTAL);
        }
    }
}

enum ct_status ct_config_segments(struct ct_config *config, struct ct_kpi_options *options)
{
    size_t count = 0;
    while (config->segments && config->segments[count]) {
        count++;
    }
    ct_span *segments = ct_arena_zalloc(&config->arena, (count + 1) * sizeof *segments);
    if (!segments) {
        return CT_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        segments[i] = ct_span_of(config->segments[i]);
    }
    options->segments = segments;
    options->segment_count = count;
    return CT_OK;
}
