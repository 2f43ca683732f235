/* config_period.c - the zone of the configuration, and the times that are written in it. See config.h. */
#include <stdlib.h>

#include "cli/config.h"
#include "cli/zones.h"

static void open_zone(struct ct_config *config)
{
    ct_span name = ct_span_of(config->zone_name);
    struct ct_error err = {0};
    size_t len = 0;
    if (ct_span_is(name, "UTC")) {
        return;
    }
    char *tzif = ct_zone_needs_file(name) ? ct_zone_file(name, &len, &err) : NULL;
    if (tzif || !ct_zone_needs_file(name)) {
        if (ct_zone_init(&config->zone, name, (ct_span){tzif, len}, &err) == CT_OK) {
            config->terms.zone = &config->zone;
        }
    }
    free(tzif);
    if (!config->terms.zone) {
        ct_config_wrong(config, &config->root, ct_config_entry_of(&config->root, CT_SET_ZONE), "zone: %s", err.text);
    }
}

/* The texts were checked as they were read. */
static ct_usec moment(const struct ct_config *config, ct_span text)
{
    ct_usec at;
    return ct_period_moment(config->terms.zone, text, &at) ? at : CT_USEC_NONE;
}

static void read_other(struct ct_config *config)
{
    const char *text = config->compare_text, *slash = strchr(text, '/');
    config->periods.other = (struct ct_period){CT_USEC_NONE, CT_USEC_NONE};
    config->periods.compared = strcmp(text, "none") != 0;
    if (slash) {
        config->periods.other.from = moment(config, (ct_span){text, (size_t)(slash - text)});
        config->periods.other.to = moment(config, ct_span_of(slash + 1));
        if (config->periods.other.from >= config->periods.other.to) {
            ct_config_wrong(config, &config->root, ct_config_entry_of(&config->root, CT_SET_COMPARE),
                            "compare: it ends before it begins");
        }
    }
}

void ct_config_period(struct ct_config *config)
{
    struct ct_terms *terms = &config->terms;
    open_zone(config);
    config->silence = (struct ct_silence){config->idle, config->idle_count, config->idle_person_usec};
    terms->silence = &config->silence;
    config->periods.cadence = (enum ct_cadence)config->cadence;
    read_other(config);
    if (config->from_text) {
        terms->from = moment(config, ct_span_of(config->from_text));
    }
    if (config->to_text) {
        terms->to = moment(config, ct_span_of(config->to_text));
    }
    terms->period_given = config->from_text || config->to_text;
    if (config->to_text && terms->from >= terms->to) {
        ct_config_wrong(config, &config->root, ct_config_entry_of(&config->root, CT_SET_TO),
                        "to: the period ends before it begins");
    }
    if (terms->period_given && config->periods.cadence != CT_CADENCE_NONE) {
        ct_config_wrong(config, &config->root, ct_config_entry_of(&config->root, CT_SET_CADENCE),
                        "cadence: it says the period itself; from and to have no place beside it");
    }
    if (config->periods.compared && terms->from == CT_USEC_NONE && config->to_text &&
        !strchr(config->compare_text, '/')) {
        ct_config_wrong(config, &config->root, ct_config_entry_of(&config->root, CT_SET_COMPARE),
                        "compare: a period without a beginning has none before it; say from");
    }
}
