/* config_alarms.c - the section `alarms`: the alarms that convtap came with, and what the keys of one mean. See
 * config.h and metrics/alarm.h. Called by config.c.
 */
#include "cli/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/yaml_tree.h"

const char ct_config_default_alarms[] =
    "automation_high_csat_low:\n"
    "  when: ['automation_rate >= 80', 'csat < 70']\n"
    "  severity: warning\n"
    "  window: 7d\n"
    "  action:\n"
    "    en: 'The bot keeps conversations that it does not serve well. Read those with a bad answer, ease the way to a "
    "person, mend the topics they are about.'\n"
    "    es: 'El bot retiene conversaciones que no atiende bien. Lea las mal valoradas, facilite el paso a una persona "
    "y "
    "corrija los temas de los que tratan.'\n"
    "time_to_first_value_up:\n"
    "  when: ['time_to_first_value up > 20%']\n"
    "  at_least: 5\n"
    "  severity: warning\n"
    "  window: 7d\n"
    "  action:\n"
    "    en: 'New customers wait longer for their first result. Find the milestone where they stop, and call those who "
    "are late.'\n"
    "    es: 'Los clientes nuevos tardan más en obtener su primer resultado. Busque el hito en el que se detienen y "
    "llame "
    "a los que van con retraso.'\n"
    "weekly_active_rate_down:\n"
    "  when: ['weekly_active_rate down 10']\n"
    "  severity: warning\n"
    "  window: 7d\n"
    "  action:\n"
    "    en: 'Fewer accounts use the product than a week ago. Look who stopped, by segment, and reach out before they "
    "renew.'\n"
    "    es: 'Menos cuentas usan el producto que hace una semana. Mire quién ha dejado de usarlo, por segmento, y "
    "contacte antes de la renovación.'\n"
    "gross_retention_low:\n"
    "  when: ['grr < 90']\n"
    "  at_least: 5\n"
    "  severity: critical\n"
    "  window: 30d\n"
    "  action:\n"
    "    en: 'Revenue of existing customers is being lost. Go through cancellations and downgrades by reason, and win "
    "back the largest.'\n"
    "    es: 'Se pierden ingresos de los clientes actuales. Revise bajas y reducciones por motivo y recupere las "
    "mayores.'\n"
    "target_missed:\n"
    "  when: ['any target missed']\n"
    "  severity: info\n"
    "  window: 7d\n"
    "  action:\n"
    "    en: 'The figure is on the wrong side of its target. Look at it by channel and topic to see where it fails.'\n"
    "    es: 'La cifra está en el lado malo de su objetivo. Mírela por canal y por tema para ver dónde falla.'\n";

/* ---- single values ---- */

bool ct_config_condition(const char *text, char *problem)
{
    struct ct_alarm_condition condition;
    char why[CT_ALARM_PROBLEM_BYTES];
    bool good = ct_alarm_condition_from(text, &condition, why);
    if (!good) {
        (void)snprintf(problem, CT_CONFIG_PROBLEM_BYTES, "%s", why);
    }
    return good;
}

bool ct_config_window(const char *text, ct_usec *span, char *problem)
{
    static const char *const names[] = {"1m", "5m", "1h", "today"}; /* the live windows */
    *span = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            return true;
        }
    }
    bool good =
        ct_duration_parse(ct_span_of(text), span) && *span >= CT_USEC_PER_MINUTE && *span <= 366 * CT_USEC_PER_DAY;
    if (!good) {
        (void)snprintf(problem, CT_CONFIG_PROBLEM_BYTES,
                       "\"%.100s\" is not 1m, 5m, 1h, today, or a span of time from 1m to 366d such as 7d", text);
    }
    return good;
}

/* ---- one alarm ---- */

static const struct ct_config_value *value_of(const struct ct_config_item *item, enum ct_setting_id id)
{
    return &item->values[id - CT_SET_ALARM_FIRST];
}

static bool read_list(struct ct_config *config, const struct ct_config_item *item, enum ct_setting_id id,
                      struct ct_alarm_conditions *out)
{
    const struct ct_config_value *value = value_of(item, id);
    char why[CT_ALARM_PROBLEM_BYTES];
    struct ct_alarm_condition *at = ct_arena_zalloc(&config->arena, (value->count + 1) * sizeof *at);
    if (!at) {
        return false;
    }
    *out = (struct ct_alarm_conditions){at, 0};
    for (size_t i = 0; i < value->count; i++) {
        if (ct_alarm_condition_from(value->entries[i].text, &at[out->count], why)) { /* it was checked */
            out->count++;
        }
    }
    return true;
}

/* What an interval is asked of has to have one. */
static void check_sure(struct ct_config *config, const struct ct_config_item *item, enum ct_setting_id id,
                       const struct ct_alarm_conditions *conditions)
{
    for (size_t i = 0; i < conditions->count; i++) {
        const struct ct_alarm_condition *c = &conditions->at[i];
        if (c->kpi && !ct_alarm_has_interval(c->kpi)) {
            ct_config_wrong(config, item, &value_of(item, id)->entries[i],
                            "%s: \"%.80s\" can never be sure: %s (%s) has no interval; leave sure out", item->name,
                            c->text, c->kpi->id, ct_kpi_kind_text(c->kpi->kind));
        }
    }
}

static void read_words(const struct ct_config_item *item, struct ct_alarm *alarm)
{
    const struct ct_config_value *value = value_of(item, CT_SET_ALARM_ACTION);
    for (size_t i = 0; i < value->count; i++) {
        enum ct_lang lang;
        if (ct_lang_from(ct_span_of(value->entries[i].name), &lang)) {
            alarm->action[lang] = value->entries[i].text;
        }
    }
    for (int lang = 0; lang < CT_LANG_COUNT; lang++) { /* better in the other language than not at all */
        alarm->action[lang] = alarm->action[lang] ? alarm->action[lang] : alarm->action[CT_LANG_COUNT - 1 - lang];
    }
}

static bool read_alarm(struct ct_config *config, const struct ct_config_item *item, struct ct_alarm *alarm)
{
    const struct ct_alarm_settings *s = item->to;
    char problem[CT_CONFIG_PROBLEM_BYTES];
    *alarm = (struct ct_alarm){.name = item->name,
                               .sliced = s->by > 0 || s->segment,
                               .by = s->by ? (enum ct_slice_field)(s->by - 1) : CT_SLICE_SEGMENT,
                               .segment = s->segment,
                               .at_least = s->at_least,
                               .sure = s->sure,
                               .hold = (uint32_t)s->hold,
                               .forget_usec = s->forget_usec,
                               .severity = (enum ct_alarm_severity)s->severity,
                               .window = s->window};
    if (!read_list(config, item, CT_SET_ALARM_WHEN, &alarm->when) ||
        !read_list(config, item, CT_SET_ALARM_ANY, &alarm->any) ||
        !read_list(config, item, CT_SET_ALARM_CLEAR, &alarm->clear)) {
        return false;
    }
    (void)!ct_config_window(s->window, &alarm->window_usec, problem);
    read_words(item, alarm);
    if (alarm->when.count + alarm->any.count == 0 && !item->bad) {
        ct_config_wrong(config, item, NULL, "%s: an alarm without a condition is never raised; say when, or any",
                        item->name);
    }
    if (alarm->segment && alarm->by != CT_SLICE_SEGMENT) {
        ct_config_wrong(config, item, ct_config_entry_of(item, CT_SET_ALARM_BY),
                        "%s: a segment is of by: segment; leave by out", item->name);
    }
    if (alarm->sure) {
        check_sure(config, item, CT_SET_ALARM_WHEN, &alarm->when);
        check_sure(config, item, CT_SET_ALARM_ANY, &alarm->any);
    }
    return true;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct ct_alarm *)left)->name, ((const struct ct_alarm *)right)->name);
}

static void check_webhook(struct ct_config *config)
{
    const struct ct_config_item *root = &config->root;
    const struct ct_config_entry *url = ct_config_entry_of(root, CT_SET_ALARM_WEBHOOK);
    const struct ct_config_entry *variable = ct_config_entry_of(root, CT_SET_ALARM_SECRET_ENV);
    if (!url) {
        return;
    }
    if (strncmp(url->text, "http", 4) != 0) {
        ct_config_wrong(config, root, url, "alarm_webhook: an http:// or https:// URL is due");
    }
    if (config->alarm_secret_file && variable) {
        ct_config_wrong(config, root, variable, "alarm_secret_file and alarm_secret_env: one of them");
    } else if (!config->alarm_secret_file && !variable) {
        ct_config_wrong(config, root, url,
                        "alarm_webhook needs alarm_secret_file or alarm_secret_env: what is not signed anybody could "
                        "have sent");
    }
}

bool ct_config_alarm_is_there(const struct ct_config *config, const struct ct_config_item *item)
{
    return config->default_alarms || item->line > 0;
}

bool ct_config_alarms(struct ct_config *config)
{
    const struct ct_config_group *group = &config->groups[CT_SECTION_ALARM];
    config->alarms = ct_arena_zalloc(&config->arena, (group->count + 1) * sizeof *config->alarms);
    if (!config->alarms) {
        return false;
    }
    for (size_t i = 0; i < group->count; i++) {
        const struct ct_config_item *item = &group->items[i];
        struct ct_alarm *alarm = &config->alarms[config->alarm_count];
        if (!read_alarm(config, item, alarm)) {
            return false;
        }
        bool wanted = ct_config_alarm_is_there(config, item);
        config->alarm_count += wanted && ((const struct ct_alarm_settings *)item->to)->enabled;
    }
    qsort(config->alarms, config->alarm_count, sizeof *config->alarms, by_name);
    check_webhook(config);
    return true;
}
