/* config_check.c - what one value of the configuration cannot say alone: keys that are needed, names that have to
 * exist, addresses that two want. Nothing of the machine is looked at (serve_config.c does). See config.h. */
#include "cli/config.h"

#include "plugin/gate/webhook.h"

#include <arpa/inet.h>
#include <stdio.h>

/* ---- addresses -------------------------------------------------------------------------- */

bool ct_address_split(const char *address, char host[256], unsigned *port)
{
    static const char unix_scheme[] = "unix:";
    const char *begin = address, *end, *colon;
    *port = 0;
    if (strncmp(address, unix_scheme, sizeof unix_scheme - 1) == 0) {
        const char *path = address + sizeof unix_scheme - 1;
        (void)snprintf(host, 256, "%.255s", address);
        return *path != '\0' && strlen(path) < 108; /* sun_path */
    }
    if (*address == '[') {
        begin = address + 1;
        end = strchr(begin, ']');
        colon = end ? end + 1 : NULL;
    } else {
        end = colon = strrchr(address, ':');
    }
    size_t len = end ? (size_t)(end - begin) : 0;
    if (!colon || *colon != ':' || len == 0 || len > 255 || (*address != '[' && memchr(begin, ':', len)) ||
        strpbrk(begin, " /?#@")) {
        return false;
    }
    memcpy(host, begin, len);
    host[len] = '\0';
    size_t digits = strspn(colon + 1, "0123456789");
    for (size_t i = 0; i < digits && digits <= 5; i++) {
        *port = 10 * *port + (unsigned)(colon[1 + i] - '0');
    }
    return digits >= 1 && digits <= 5 && colon[1 + digits] == '\0' && *port <= 65535;
}

bool ct_address_is_loopback(const char *address)
{
    char host[256];
    unsigned port;
    struct in_addr four;
    struct in6_addr six;
    if (!ct_address_split(address, host, &port)) {
        return false;
    }
    if (strncmp(host, "unix:", 5) == 0 || strcmp(host, "localhost") == 0) {
        return true;
    }
    if (inet_pton(AF_INET, host, &four) == 1) {
        return ntohl(four.s_addr) >> 24 == 127;
    }
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

/* ---- who listens ------------------------------------------------------------------------ */

/* A port of all addresses is also that of each. */
static bool is_any(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static bool same_address(const char *left, const char *right)
{
    char a[256], b[256];
    unsigned a_port, b_port;
    if (!ct_address_split(left, a, &a_port) || !ct_address_split(right, b, &b_port) || a_port != b_port) {
        return false;
    }
    if (strncmp(a, "unix:", 5) == 0 || strncmp(b, "unix:", 5) == 0) {
        return strcmp(a, b) == 0;
    }
    return a_port != 0 && (strcmp(a, b) == 0 || is_any(a) || is_any(b) ||
                           (ct_address_is_loopback(left) && ct_address_is_loopback(right) &&
                            (strcmp(a, "localhost") == 0 || strcmp(b, "localhost") == 0)));
}

struct listener {
    const struct ct_config_item *item;
    const struct ct_config_entry *entry;
    const char *what;
};

static void check_listeners(struct ct_config *config)
{
    const struct ct_config_group *relays = &config->groups[CT_SECTION_RELAY];
    size_t count = 0;
    struct listener *all = ct_arena_zalloc(&config->arena, (relays->count + 2) * sizeof *all);
    if (!all) {
        config->errors++; /* ct_config_open says no more than that there was one */
        return;
    }
    const struct ct_config_item *intake = &config->groups[CT_SECTION_INTAKE].items[0];
    const struct ct_config_item *desk = &config->groups[CT_SECTION_DESK].items[0];
    all[count++] = (struct listener){intake, ct_config_entry_of(intake, CT_SET_INTAKE_LISTEN), "the intake"};
    all[count++] = (struct listener){desk, ct_config_entry_of(desk, CT_SET_DESK_LISTEN), "the desk"};
    for (size_t i = 0; i < relays->count; i++) {
        const struct ct_config_entry *entry = ct_config_entry_of(&relays->items[i], CT_SET_RELAY_LISTEN);
        if (entry) {
            all[count++] = (struct listener){&relays->items[i], entry, "a relay"};
        }
    }
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (same_address(all[i].entry->text, all[j].entry->text)) {
                ct_config_wrong(config, all[i].item, all[i].entry, "%s: %s listens there already", all[i].entry->text,
                                all[j].what);
                break;
            }
        }
    }
}

/* ---- entries ---------------------------------------------------------------------------- */

static void check_needed(struct ct_config *config)
{
    for (unsigned s = CT_SECTION_ROOT + 1; s < CT_SECTION_COUNT; s++) {
        for (size_t i = 0; i < config->groups[s].count; i++) {
            const struct ct_config_item *item = &config->groups[s].items[i];
            for (unsigned id = ct_sections[s].first; id < ct_sections[s].first + ct_sections[s].count; id++) {
                if (ct_settings[id].needed && !item->bad && !ct_config_entry_of(item, id)) {
                    ct_config_wrong(config, item, NULL, "%s: the key \"%s\" is needed", ct_sections[s].key,
                                    ct_settings[id].key);
                }
            }
        }
    }
}

static void check_source(struct ct_config *config, enum ct_section_id section, enum ct_setting_id id)
{
    const struct ct_config_group *sources = &config->groups[CT_SECTION_SOURCE], *group = &config->groups[section];
    for (size_t i = 0; i < group->count; i++) {
        const struct ct_config_entry *entry = ct_config_entry_of(&group->items[i], id);
        bool known = !entry;
        for (size_t s = 0; s < sources->count && !known; s++) {
            known = strcmp(sources->items[s].name, entry->text) == 0;
        }
        if (!known) {
            ct_config_wrong(config, &group->items[i], entry,
                            "there is no source \"%.100s\"; add it under sources:", entry->text);
        }
    }
}

/* One of both keys, or neither. */
static void check_pair(struct ct_config *config, const struct ct_config_item *item, enum ct_setting_id left,
                       enum ct_setting_id right, bool both)
{
    const struct ct_config_entry *a = ct_config_entry_of(item, left), *b = ct_config_entry_of(item, right);
    if (both && !a != !b) {
        ct_config_wrong(config, item, a ? a : b, "%s and %s come together", ct_settings[left].key,
                        ct_settings[right].key);
    } else if (!both && a && b) {
        ct_config_wrong(config, item, b, "%s and %s: one of them", ct_settings[left].key, ct_settings[right].key);
    }
}

static void check_doors(struct ct_config *config)
{
    check_pair(config, &config->groups[CT_SECTION_INTAKE].items[0], CT_SET_INTAKE_CERTIFICATE, CT_SET_INTAKE_KEY, true);
    check_pair(config, &config->groups[CT_SECTION_DESK].items[0], CT_SET_DESK_CERTIFICATE, CT_SET_DESK_KEY, true);
    for (size_t i = 0; i < config->groups[CT_SECTION_RELAY].count; i++) {
        check_pair(config, &config->groups[CT_SECTION_RELAY].items[i], CT_SET_RELAY_CERTIFICATE, CT_SET_RELAY_KEY,
                   true);
    }
}

static void check_webhooks(struct ct_config *config)
{
    const struct ct_config_group *group = &config->groups[CT_SECTION_WEBHOOK];
    for (size_t i = 0; i < group->count; i++) {
        const struct ct_config_item *item = &group->items[i];
        const struct ct_webhook_settings *hook = item->to;
        const struct ct_config_entry *forward = ct_config_entry_of(item, CT_SET_WEBHOOK_FORWARD);
        check_pair(config, item, CT_SET_WEBHOOK_SECRET_FILE, CT_SET_WEBHOOK_SECRET_ENV, false);
        check_pair(config, item, CT_SET_WEBHOOK_VERIFY_FILE, CT_SET_WEBHOOK_VERIFY_ENV, false);
        if (!item->bad && hook->signature != CT_WEBHOOK_NONE && !hook->secret_file && !hook->secret_env) {
            ct_config_wrong(config, item, NULL,
                            "a webhook needs secret_file or secret_env: without it anybody could write what customers "
                            "said");
        }
        if (forward && strncmp(forward->text, "http", 4) != 0) {
            ct_config_wrong(config, item, forward, "forward: an http:// or https:// URL is due");
        }
        for (size_t j = 0; j < i && hook->source; j++) {
            const struct ct_webhook_settings *other = group->items[j].to;
            if (other->source && strcmp(other->source, hook->source) == 0) {
                ct_config_wrong(config, item, ct_config_entry_of(item, CT_SET_WEBHOOK_SOURCE),
                                "source \"%.100s\" has a webhook already", hook->source);
                break;
            }
        }
    }
}

static void check_subscriptions(struct ct_config *config)
{
    for (size_t i = 0; i < config->groups[CT_SECTION_SUBSCRIPTION].count; i++) {
        const struct ct_config_item *item = &config->groups[CT_SECTION_SUBSCRIPTION].items[i];
        check_pair(config, item, CT_SET_SUBSCRIPTION_SECRET_FILE, CT_SET_SUBSCRIPTION_SECRET_ENV, false);
    }
}

void ct_config_check(struct ct_config *config)
{
    ct_config_weights_check(config);
    check_needed(config);
    check_source(config, CT_SECTION_RELAY, CT_SET_RELAY_SOURCE);
    check_source(config, CT_SECTION_WEBHOOK, CT_SET_WEBHOOK_SOURCE);
    check_source(config, CT_SECTION_SUBSCRIPTION, CT_SET_SUBSCRIPTION_SOURCE);
    check_listeners(config);
    check_doors(config);
    check_webhooks(config);
    check_subscriptions(config);
}
