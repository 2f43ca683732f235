/* serve_terms.c - see serve_terms.h. Called by serve.c at the start and by serve_reload.c. */
#include "cli/serve.h"

#include <stdlib.h>

static void free_terms(struct ct_desk_terms *desk)
{
    struct ct_serve_terms *terms = (struct ct_serve_terms *)desk;
    ct_secrets_free(&terms->alarm_secrets);
    ct_quality_inputs_close(&terms->quality);
    ct_cost_model_free(terms->cost);
    ct_config_close(&terms->config);
    free(terms);
}

void ct_serve_terms_unref(struct ct_serve_terms *terms)
{
    if (terms) {
        ct_desk_terms_unref(&terms->desk);
    }
}

int ct_serve_terms_open(const struct ct_command *command, const struct ct_session_arguments *arguments,
                        struct ct_serve_terms **out)
{
    struct ct_serve_terms *terms = *out = calloc(1, sizeof *terms);
    if (!terms) {
        return CT_EXIT_OUTPUT;
    }
    terms->desk.free = free_terms;
    atomic_init(&terms->desk.references, 1);
    int code = ct_config_open(&terms->config, command, arguments);
    if (code < 0) {
        ct_serve_config_check(&terms->config);
        code = terms->config.errors ? CT_EXIT_USAGE : -1;
    }
    return code;
}

static void log_refused(void *context, const char *path, uint64_t line, uint64_t offset, const char *reason,
                        const char *detail)
{
    enum { SHOWN = 20 };
    uint64_t *shown = context;
    char text[1024];
    if (++*shown <= SHOWN) {
        ct_serve_log("level=warn event=label_refused file=\"%s\" line=%llu byte=%llu reason=%s detail=\"%s\"",
                     ct_serve_quoted(path, text, sizeof text), (unsigned long long)line, (unsigned long long)offset,
                     reason, detail ? detail : "");
    }
}

/* Signals have to be those of the rules that this configuration names. */
static enum ct_status load_quality(struct ct_serve_terms *terms, struct ct_error *err)
{
    const struct ct_config *config = &terms->config;
    struct ct_quality_inputs *q = &terms->quality;
    uint64_t shown = 0;
    if (!config->labels->count && !config->scorecard) {
        return CT_OK;
    }
    struct ct_ruleset *rules = ct_config_ruleset(config, config->rules, err);
    if (!rules) {
        return err->status;
    }
    enum ct_status status = ct_quality_inputs_load(q, config, &rules, 1, log_refused, &shown, err);
    ct_ruleset_unref(rules);
    if (status == CT_OK && q->marks) {
        ct_serve_log("level=info event=labels_read conversations=%zu refused=%llu conflicts=%llu",
                     q->marks->marked_count, (unsigned long long)q->refused, (unsigned long long)q->marks->conflicts);
    }
    ct_quality_inputs_terms(q, &terms->desk.terms);
    return status;
}

enum ct_status ct_serve_terms_settle(struct ct_serve_terms *terms, const struct ct_zone *zone, struct ct_error *err)
{
    struct ct_config *config = &terms->config;
    const struct ct_serve_settings *s = ct_config_part(config, CT_SECTION_SERVE, 0);
    struct ct_desk_terms *desk = &terms->desk;
    desk->kpis = (struct ct_kpi_options){
        .profile = (enum ct_profile)config->profile, .targets = config->targets, .target_count = config->target_count};
    if (ct_config_segments(config, &desk->kpis) != CT_OK) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    if (!ct_config_cost(config, &terms->cost, err)) {
        return err->status;
    }
    if (config->alarm_webhook) {
        enum ct_status status =
            ct_secrets_read(config->alarm_secret_file, config->alarm_secret_env, &terms->alarm_secrets, err);
        if (status != CT_OK) {
            return status;
        }
    }
    desk->terms = config->terms;
    desk->terms.cost = terms->cost;
    desk->terms.zone = zone;
    desk->alarms = config->alarms;
    desk->alarm_count = config->alarm_count;
    desk->alarm_every = s->alarm_every_usec;
    desk->alarm_webhook = config->alarm_webhook;
    desk->alarm_authorities = config->alarm_authorities;
    desk->alarm_secrets = terms->alarm_secrets.at;
    return load_quality(terms, err);
}
