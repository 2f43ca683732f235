/* audit_alarms.c - alarms of an audit. See audit_alarms.h. */
#include "cli/audit_alarms.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define NAP (50 * (ct_usec)1000)

static ct_usec calendar(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * CT_USEC_PER_SECOND + now.tv_nsec / 1000;
}

static ct_usec monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * CT_USEC_PER_SECOND + now.tv_nsec / 1000;
}

static uint32_t draw(void)
{
    uint32_t value = 0;
    return getrandom(&value, sizeof value, 0) == sizeof value ? value : (uint32_t)monotonic();
}

/* ---- before the work ---- */

/* Those fields that alarms are by and the run itself is not. */
static void list_fields(struct ct_audit_alarms *a)
{
    for (size_t i = 0; i < a->config->alarm_count; i++) {
        const struct ct_alarm *alarm = &a->config->alarms[i];
        bool known = !alarm->sliced ||
                     (a->config->group && a->config->group_by.count == 1 && a->config->group_by.field[0] == alarm->by);
        for (size_t f = 0; f < a->also_count && !known; f++) {
            known = a->also[f] == alarm->by;
        }
        if (!known && a->also_count < CT_BATCH_ALSO_MAX) {
            a->also[a->also_count++] = alarm->by;
        }
    }
}

static int fail(const struct ct_audit_alarms *a, const char *option, enum ct_status status, const struct ct_error *err)
{
    bool output = status == CT_IO || status == CT_NO_MEMORY;
    return ct_options_fail(a->command, output ? CT_EXIT_OUTPUT : CT_EXIT_USAGE, "--%s: %s", option,
                           err->text[0] ? err->text : ct_status_text(status));
}

static int open_courier(struct ct_audit_alarms *a)
{
    const struct ct_config *config = a->config;
    struct ct_error err = {0};
    if (!a->state) {
        return ct_options_fail(a->command, CT_EXIT_USAGE,
                               "--alarm-url needs --alarm-state FILE: without it each run would tell the same again");
    }
    enum ct_status status = ct_secrets_read(config->alarm_secret_file, config->alarm_secret_env, &a->secrets, &err);
    if (status == CT_OK) {
        const struct ct_courier_options options = {
            .url = config->alarm_webhook,
            .authorities = config->alarm_authorities,
            .secrets = a->secrets.at,
            .patience = config->alarm_patience_usec < 10 * CT_USEC_PER_SECOND ? config->alarm_patience_usec : 0,
            .now = calendar};
        status = ct_courier_new(&options, &a->courier, &err);
    }
    return status == CT_OK ? -1 : fail(a, "alarm-url", status, &err);
}

int ct_audit_alarms_open(struct ct_audit_alarms *a, const struct ct_command *command, const struct ct_config *config,
                         bool keeps)
{
    struct ct_error err = {0};
    a->command = command;
    a->config = config;
    a->state = keeps ? config->alarm_state : NULL;
    a->unjudged = calloc(config->alarm_count + 1, sizeof *a->unjudged);
    if (!a->unjudged) {
        return ct_options_fail(command, CT_EXIT_OUTPUT, "out of memory");
    }
    list_fields(a);
    if (a->state) {
        enum ct_status status = ct_alarm_file_read(a->state, &a->kept, &err);
        if (status == CT_NOT_FOUND) { /* the first run; can there be a second? */
            status = ct_alarm_file_write(a->state, &a->kept, &err);
        }
        if (status != CT_OK) {
            return fail(a, "alarm-state", status, &err);
        }
    }
    return keeps && config->alarm_webhook ? open_courier(a) : -1;
}

void ct_audit_alarms_close(struct ct_audit_alarms *a)
{
    ct_courier_free(a->courier);
    ct_secrets_free(&a->secrets);
    ct_alarm_kept_done(&a->kept);
    free(a->unjudged);
    *a = (struct ct_audit_alarms){0};
}

/* ---- on the figures ---- */

static void on_turn(void *context, const struct ct_alarm_entry *entry)
{
    struct ct_audit_alarms *a = context;
    if (a->courier) {
        enum ct_status status = ct_alarm_post(&a->kept.outbox, entry, calendar());
        a->failed = a->failed == CT_OK ? status : a->failed;
    }
}

static void leave(struct ct_audit_alarms *a, const struct ct_alarm *alarm, const char *en, const char *es)
{
    a->unjudged[a->findings.unjudged_count++] =
        (struct ct_alarm_unjudged){.name = alarm->name, .reason = {[CT_LANG_EN] = en, [CT_LANG_ES] = es}};
}

/* The slices of its field; false = there are none. */
static bool slices_of(const struct ct_audit_alarms *a, const struct ct_made_findings *made,
                      const struct ct_alarm *alarm, const struct ct_block **slices, size_t *count)
{
    *slices = NULL;
    *count = 0;
    if (!alarm->sliced) {
        return true;
    }
    for (size_t i = 0; i < a->also_count; i++) {
        if (a->also[i] == alarm->by) {
            *slices = made->also[i].slices;
            *count = made->also[i].count;
            return true;
        }
    }
    *slices = made->slices;
    *count = made->slice_count;
    return a->config->group && a->config->group_by.count == 1 && a->config->group_by.field[0] == alarm->by;
}

enum ct_status ct_audit_alarms_judge(struct ct_audit_alarms *a, struct ct_made_findings *made)
{
    const struct ct_findings *f = &made->findings;
    const struct ct_alarm_ear ear = {a, on_turn};
    ct_usec at = f->generated_at;
    enum ct_status status = ct_alarm_book_settle(&a->kept.book, a->config->alarms, a->config->alarm_count, at, &ear);
    a->findings = (struct ct_alarm_findings){.judged_at = at};
    for (size_t i = 0; i < a->config->alarm_count && status == CT_OK; i++) {
        const struct ct_alarm *alarm = &a->config->alarms[i];
        const struct ct_block *slices;
        size_t count;
        if (ct_alarm_compares(alarm) && !f->compared) {
            leave(a, alarm, "it looks at the period before: give --compare or --cadence",
                  "mira el periodo anterior: indique --compare o --cadence");
        } else if (!slices_of(a, made, alarm, &slices, &count)) {
            leave(a, alarm, "alarms are by too many different fields: split the configuration",
                  "las alarmas son por demasiados campos distintos: divida la configuración");
        } else {
            status = ct_alarm_judge(alarm, &f->total, slices, count, at, &a->kept.book, &ear);
        }
    }
    ct_alarm_book_findings(&a->kept.book, &a->findings);
    a->findings.unjudged = a->unjudged;
    made->findings.alarms = &a->findings;
    return status == CT_OK ? a->failed : status;
}

bool ct_audit_alarms_raised(const struct ct_audit_alarms *a)
{
    for (size_t i = 0; i < a->kept.book.count; i++) {
        if (a->kept.book.entries[i].phase == CT_ALARM_RAISED) {
            return true;
        }
    }
    return false;
}

/* ---- at the end ---- */

static void say(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "convtap audit: %s\n", line);
}

/* Until all is delivered, or patience is at its end. */
static void deliver(struct ct_audit_alarms *a, bool quiet)
{
    struct ct_outbox *outbox = &a->kept.outbox;
    ct_usec until = monotonic() + a->config->alarm_patience_usec;
    while (outbox->count && monotonic() < until) {
        ct_usec due = ct_outbox_due(outbox);
        if (due - calendar() > until - monotonic()) {
            break; /* it would be too late */
        }
        if (!ct_outbox_try(outbox, a->courier, calendar, draw(), quiet ? NULL : say, NULL)) {
            const struct timespec nap = {0, NAP * 1000};
            nanosleep(&nap, NULL);
        }
    }
    if (outbox->count) {
        fprintf(stderr, "convtap audit: %zu alarm message%s not delivered to %s; kept in %s for the next run\n",
                outbox->count, outbox->count == 1 ? "" : "s", a->config->alarm_webhook, a->state);
    }
}

int ct_audit_alarms_keep(struct ct_audit_alarms *a, bool quiet)
{
    struct ct_error err = {0};
    if (a->kept.book.full) {
        fprintf(stderr, "convtap audit: alarm_entries_full %" PRIu64 ": more than %d alarms stand\n", a->kept.book.full,
                CT_ALARM_ENTRIES_MAX);
    }
    if (!a->state) {
        return -1;
    }
    /* Before it is delivered: what was told may be told twice after a crash, and be dropped by its id; never not at
     * all. */
    enum ct_status status = ct_alarm_file_write(a->state, &a->kept, &err);
    if (status == CT_OK && a->courier && a->kept.outbox.count) {
        deliver(a, quiet);
        status = ct_alarm_file_write(a->state, &a->kept, &err);
    }
    return status == CT_OK ? -1 : fail(a, "alarm-state", status, &err);
}
