/* serve_config.c - is the live tap's configuration one that this machine can run? See serve_config.h. */
#include "cli/serve_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/secrets.h"
#include "cli/zones.h"
#include "plugin/gate/courier.h"
#include "plugin/gate/webhook.h"

enum ct_status ct_serve_access(const struct ct_config *config, struct ct_access **out, struct ct_error *err)
{
    const struct ct_serve_settings *serve = ct_config_part(config, CT_SECTION_SERVE, 0);
    const char *environment = getenv("CONVTAP_TOKENS");
    return ct_access_open(serve->tokens, environment, out, err);
}

enum ct_status ct_serve_zone(struct ct_config *config, const struct ct_zone **zone, struct ct_error *err)
{
    const struct ct_serve_settings *serve = ct_config_part(config, CT_SECTION_SERVE, 0);
    *zone = config->terms.zone;
    if (!serve->zone) {
        return CT_OK;
    }
    if (!config->serve_zone_open) {
        enum ct_status status = ct_zone_open(ct_span_of(serve->zone), &config->serve_zone, err);
        if (status != CT_OK) {
            config->serve_zone = (struct ct_zone){0};
            return status;
        }
        config->serve_zone_open = true;
    }
    *zone = &config->serve_zone;
    return CT_OK;
}

bool ct_serve_is_open(const struct ct_door_settings *door, struct ct_access *access)
{
    return door->open == CT_DOOR_OPEN || (door->open == CT_DOOR_AUTO && !ct_access_count(access));
}

bool ct_serve_knows(void *context, ct_span source)
{
    const struct ct_config *config = context;
    const struct ct_config_group *sources = &config->groups[CT_SECTION_SOURCE];
    for (size_t i = 0; i < sources->count; i++) {
        if (ct_span_is(source, sources->items[i].name)) {
            return true;
        }
    }
    return sources->count == 0;
}

/* ---- checks ----------------------------------------------------------------------------- */

static void check_door(struct ct_config *config, enum ct_section_id section, enum ct_setting_id listen,
                       enum ct_setting_id open, struct ct_access *access)
{
    const struct ct_config_item *item = &config->groups[section].items[0];
    const struct ct_door_settings *door = item->to;
    if (ct_address_is_loopback(door->listen)) {
        return;
    }
    if (door->open == CT_DOOR_OPEN) {
        ct_config_wrong(config, item, ct_config_entry_of(item, open),
                        "open: yes is for an address of this machine only, not for %s", door->listen);
    } else if (!ct_access_count(access)) {
        ct_config_wrong(config, item, ct_config_entry_of(item, listen),
                        "%s can be reached from other machines: that needs tokens (serve.tokens, or the environment's "
                        "CONVTAP_TOKENS)",
                        door->listen);
    }
}

static void check_file(struct ct_config *config, const struct ct_config_item *item, enum ct_setting_id id, bool secret)
{
    const struct ct_config_entry *entry = ct_config_entry_of(item, id);
    struct ct_error err = {0};
    if (!entry) {
        return;
    }
    if (secret) {
        if (ct_secret_file_check(entry->text, &err) != CT_OK) {
            ct_config_wrong(config, item, entry, "%s: %s", ct_settings[id].key, err.text);
        }
    } else if (access(entry->text, R_OK) != 0) {
        ct_config_wrong(config, item, entry, "%s: cannot read %s: %s", ct_settings[id].key, entry->text,
                        strerror(errno));
    }
}

static void check_secret(struct ct_config *config, const struct ct_config_item *item, enum ct_setting_id file,
                         enum ct_setting_id variable, bool several)
{
    const struct ct_config_entry *path = ct_config_entry_of(item, file), *name = ct_config_entry_of(item, variable);
    const char *from = path ? path->text : NULL, *of = name ? name->text : NULL;
    struct ct_error err = {0};
    struct ct_secrets secrets = {0};
    char *secret = NULL;
    if ((several ? ct_secrets_read(from, of, &secrets, &err) : ct_secret_read(from, of, &secret, &err)) != CT_OK) {
        ct_config_wrong(config, item, path ? path : name, "%s: %s", ct_settings[path ? file : variable].key, err.text);
    }
    ct_secret_free(secret);
    ct_secrets_free(&secrets);
}

static void check_unsigned(struct ct_config *config, const struct ct_config_item *item)
{
    const struct ct_webhook_settings *hook = item->to;
    const struct ct_door_settings *intake = ct_config_part(config, CT_SECTION_INTAKE, 0);
    if (hook->signature == CT_WEBHOOK_NONE && !ct_address_is_loopback(intake->listen)) {
        ct_config_wrong(config, item, ct_config_entry_of(item, CT_SET_WEBHOOK_SIGNATURE),
                        "signature: none is for an intake that this machine alone can reach, not for %s",
                        intake->listen);
    }
}

static void check_serve(struct ct_config *config)
{
    const struct ct_config_item *item = &config->groups[CT_SECTION_SERVE].items[0];
    struct ct_error err = {0};
    struct ct_access *access = NULL;
    const struct ct_zone *zone;
    if (ct_serve_zone(config, &zone, &err) != CT_OK) {
        ct_config_wrong(config, item, ct_config_entry_of(item, CT_SET_SERVE_ZONE), "zone: %s", err.text);
    }
    if (ct_serve_access(config, &access, &err) != CT_OK) {
        char place[sizeof err.file + 16] = "";
        if (err.line) {
            (void)snprintf(place, sizeof place, "%s:%u: ", err.file, err.line);
        }
        ct_config_wrong(config, item, ct_config_entry_of(item, CT_SET_SERVE_TOKENS), "tokens: %s%s", place, err.text);
    } else {
        check_door(config, CT_SECTION_INTAKE, CT_SET_INTAKE_LISTEN, CT_SET_INTAKE_OPEN, access);
        check_door(config, CT_SECTION_DESK, CT_SET_DESK_LISTEN, CT_SET_DESK_OPEN, access);
    }
    ct_access_close(access);
}

/* A format's option "zone", read here as it will be on loading. */
static void check_source(struct ct_config *config, const struct ct_config_item *item)
{
    const struct ct_source_settings *source = item->to;
    for (size_t i = 0; i < source->option_count; i++) {
        const struct ct_option_value *option = &source->options[i];
        struct ct_error err = {0};
        size_t len;
        if (ct_span_is(option->name, "zone") && ct_zone_needs_file(option->value)) {
            char *bytes = ct_zone_file(option->value, &len, &err);
            if (!bytes) {
                ct_config_wrong(config, item, ct_config_entry_of(item, CT_SET_SOURCE_OPTIONS), "options: %s", err.text);
            }
            free(bytes);
        }
    }
}

/* Whether messages of alarms could be sent there. */
static void check_alarm_webhook(struct ct_config *config)
{
    const struct ct_config_item *root = &config->root;
    const struct ct_config_entry *url = ct_config_entry_of(root, CT_SET_ALARM_WEBHOOK);
    const struct ct_config_entry *file = ct_config_entry_of(root, CT_SET_ALARM_SECRET_FILE);
    const struct ct_config_entry *variable = ct_config_entry_of(root, CT_SET_ALARM_SECRET_ENV);
    struct ct_error err = {0};
    struct ct_secrets secrets = {0};
    if (!config->alarm_webhook) {
        return;
    }
    if ((file || variable) && /* without either it has been said */
        (ct_secrets_read(config->alarm_secret_file, config->alarm_secret_env, &secrets, &err) != CT_OK ||
         ct_courier_check_secrets(secrets.at, &err) != CT_OK)) {
        ct_config_wrong(config, root, file ? file : variable, "%s: %s", file ? "alarm_secret_file" : "alarm_secret_env",
                        err.text);
    }
    if (ct_courier_check_url(config->alarm_webhook, &err) != CT_OK) {
        ct_config_wrong(config, root, url, "alarm_webhook: %s", err.text);
    }
    ct_secrets_free(&secrets);
    check_file(config, root, CT_SET_ALARM_AUTHORITIES, false);
}

void ct_serve_config_check(struct ct_config *config)
{
    const struct ct_config_item *intake = &config->groups[CT_SECTION_INTAKE].items[0];
    const struct ct_config_item *desk = &config->groups[CT_SECTION_DESK].items[0];
    check_serve(config);
    check_alarm_webhook(config);
    check_file(config, intake, CT_SET_INTAKE_CERTIFICATE, false);
    check_file(config, intake, CT_SET_INTAKE_KEY, true);
    check_file(config, desk, CT_SET_DESK_CERTIFICATE, false);
    check_file(config, desk, CT_SET_DESK_KEY, true);
    for (size_t i = 0; i < config->groups[CT_SECTION_SOURCE].count; i++) {
        check_source(config, &config->groups[CT_SECTION_SOURCE].items[i]);
    }
    for (size_t i = 0; i < config->groups[CT_SECTION_RELAY].count; i++) {
        const struct ct_config_item *item = &config->groups[CT_SECTION_RELAY].items[i];
        check_file(config, item, CT_SET_RELAY_CERTIFICATE, false);
        check_file(config, item, CT_SET_RELAY_KEY, true);
        check_file(config, item, CT_SET_RELAY_UPSTREAM_AUTHORITIES, false);
    }
    for (size_t i = 0; i < config->groups[CT_SECTION_WEBHOOK].count; i++) {
        const struct ct_config_item *item = &config->groups[CT_SECTION_WEBHOOK].items[i];
        check_secret(config, item, CT_SET_WEBHOOK_SECRET_FILE, CT_SET_WEBHOOK_SECRET_ENV, true);
        check_secret(config, item, CT_SET_WEBHOOK_VERIFY_FILE, CT_SET_WEBHOOK_VERIFY_ENV, false);
        check_unsigned(config, item);
        check_file(config, item, CT_SET_WEBHOOK_AUTHORITIES, false);
    }
    for (size_t i = 0; i < config->groups[CT_SECTION_SUBSCRIPTION].count; i++) {
        const struct ct_config_item *item = &config->groups[CT_SECTION_SUBSCRIPTION].items[i];
        check_secret(config, item, CT_SET_SUBSCRIPTION_SECRET_FILE, CT_SET_SUBSCRIPTION_SECRET_ENV, false);
        check_file(config, item, CT_SET_SUBSCRIPTION_AUTHORITIES, false);
    }
}

/* ---- what a reload leaves --------------------------------------------------------------- */

static bool same_value(const struct ct_config_value *a, const struct ct_config_value *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        const char *left = a->entries[i].name, *right = b->entries[i].name;
        same = strcmp(a->entries[i].text, b->entries[i].text) == 0 &&
               (left && right ? strcmp(left, right) == 0 : left == right);
    }
    return same;
}

/* Of the file itself: what figures are held against and counted on, and alarms; the zone, by which days of the windows
 * have been counted already. Audits' keys are not the tap's. */
static bool root_key(enum ct_setting_id id, enum ct_serve_keys *which)
{
#define X(a, id, ...) CT_SET_##id,
    static const enum ct_setting_id reloaded[] = {CT_SET_TARGETS,
                                                  CT_SET_RETURN_WINDOW,
                                                  CT_SET_RETURN_TOPIC,
                                                  CT_SET_PROFILE,
                                                  CT_SET_SEGMENTS,
                                                  CT_SET_DEFAULT_ALARMS,
                                                  CT_SET_ALARM_WEBHOOK,
                                                  CT_SET_ALARM_SECRET_FILE,
                                                  CT_SET_ALARM_SECRET_ENV,
                                                  CT_SET_ALARM_AUTHORITIES,
                                                  CT_SET_LABELS,
                                                  CT_SET_SCORECARD,
                                                  CT_TERMS_SETTING_MAP(X, 0)};
#undef X
    *which = CT_SERVE_KEYS_RELOADED;
    for (size_t i = 0; i < sizeof reloaded / sizeof *reloaded; i++) {
        if (reloaded[i] == id) {
            return true;
        }
    }
    *which = CT_SERVE_KEYS_OF_A_RESTART;
    return id == CT_SET_ZONE;
}

static enum ct_serve_keys section_key(enum ct_section_id section, unsigned row)
{
    bool reloaded = section == CT_SECTION_ALARM || ct_sections[section].first + row == CT_SET_SERVE_TOKENS ||
                    ct_sections[section].first + row == CT_SET_SERVE_ALARM_EVERY;
    return reloaded ? CT_SERVE_KEYS_RELOADED : CT_SERVE_KEYS_OF_A_RESTART;
}

struct differing {
    enum ct_serve_keys which;
    void (*key)(void *context, const char *name);
    void *context;
    size_t found;
};

static void differs(struct differing *d, const char *name)
{
    d->key(d->context, name);
    d->found++;
}

/* What of two maps of one name, or in one place of a list, is not alike. */
static void compare_items(struct differing *d, enum ct_section_id section, const struct ct_config_item *was,
                          const struct ct_config_item *is)
{
    const struct ct_section *s = &ct_sections[section];
    const char *above = ct_sections[s->above].key;
    char name[300];
    for (unsigned row = 0; row < s->count; row++) {
        if (section_key(section, row) == d->which && !same_value(&was->values[row], &is->values[row])) {
            (void)snprintf(name, sizeof name, "%s%s%s%s%.100s.%s", above ? above : "", above ? "." : "", s->key,
                           is->name ? "." : "", is->name ? is->name : "", ct_settings[s->first + row].key);
            differs(d, name);
        }
    }
}

static void compare_section(struct differing *d, enum ct_section_id section, const struct ct_config_group *was,
                            const struct ct_config_group *is)
{
    char name[200];
    if (was->count != is->count) {
        if (section_key(section, 0) == d->which) {
            differs(d, ct_sections[section].key);
        }
        return;
    }
    for (size_t i = 0; i < was->count; i++) {
        if (was->items[i].name && strcmp(was->items[i].name, is->items[i].name) != 0) {
            if (section_key(section, 0) == d->which) {
                (void)snprintf(name, sizeof name, "%s.%.100s", ct_sections[section].key, is->items[i].name);
                differs(d, name);
            }
        } else {
            compare_items(d, section, &was->items[i], &is->items[i]);
        }
    }
}

size_t ct_serve_config_differs(const struct ct_config *was, const struct ct_config *is, enum ct_serve_keys which,
                               void (*key)(void *context, const char *name), void *context)
{
    struct differing d = {.which = which, .key = key, .context = context};
    for (unsigned id = 0; id < ct_sections[CT_SECTION_ROOT].count; id++) {
        enum ct_serve_keys of;
        if (root_key((enum ct_setting_id)id, &of) && of == which && !same_value(&was->values[id], &is->values[id])) {
            differs(&d, ct_settings[id].key);
        }
    }
    for (unsigned s = CT_SECTION_ROOT + 1; s < CT_SECTION_COUNT; s++) {
        if (s != CT_SECTION_SOURCE && s != CT_SECTION_WRITING) { /* part of the setup; of files */
            compare_section(&d, (enum ct_section_id)s, &was->groups[s], &is->groups[s]);
        }
    }
    return d.found;
}
