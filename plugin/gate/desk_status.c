/* desk_status.c - how the tap does: /api/v1/health, ready, drops, status, and reload. */
#include "engine/drop.h"
#include "plugin/gate/desk_query.h"
#include "plugin/gate/desk_state.h"

#include <stdio.h>
#include <stdlib.h>

void ct_desk_health(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    struct ct_desk *desk = context;
    struct ct_answer body;
    if (!ct_desk_no_query(request, reply)) {
        return;
    }
    ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
    ct_writer_open(&body.json, '{');
    ct_writer_key(&body.json, "status"); /* asks nothing of the tap: it must answer whatever the tap does */
    ct_writer_text(&body.json, "ok");
    ct_writer_key(&body.json, "version");
    ct_writer_text(&body.json, desk->options.version);
    ct_writer_close(&body.json, '}');
    ct_out_char(&body.out, '\n');
    ct_answer_reply(&body, reply, CT_TYPE_JSON);
}

/* Heap, as it is large; NULL = answered. */
static struct ct_tap_health *ask(struct ct_desk *desk, struct ct_reply *reply)
{
    struct ct_tap_health *health = calloc(1, sizeof *health);
    if (health) {
        ct_tap_health(desk->options.tap, health);
    } else {
        ct_desk_fail(reply, CT_NO_MEMORY, NULL);
    }
    return health;
}

/* ---- ready ---------------------------------------------------------------------------------------------------------
 */

static void write_reason(struct ct_writer *json, const char *reason, const char *words)
{
    ct_writer_open(json, '{');
    ct_writer_key(json, "reason");
    ct_writer_text(json, reason);
    ct_writer_key(json, "words");
    ct_writer_text(json, words);
    ct_writer_close(json, '}');
}

/* Every reason why the tap is not to be relied on now. Returns how many. */
static unsigned write_reasons(struct ct_writer *json, const struct ct_desk *desk, const struct ct_tap_health *health)
{
    const char *problem = health->problem && health->problem[0] ? health->problem : NULL;
    unsigned count = 0;
    char text[200];
    ct_writer_key(json, "reasons");
    ct_writer_open(json, '[');
    if (!health->recording) {
        const char *tape = health->tape.problem[0] ? health->tape.problem : problem; /* the store may have one, too */
        write_reason(json, "not_recording", tape ? tape : "the tape does not take what comes");
        count++;
    }
    if (desk->options.store && !health->storing) {
        write_reason(json, "not_storing", problem ? problem : "the store does not take what is judged");
        count++;
    }
    if (!health->ready && health->behind_usec > 0) {
        (void)snprintf(text, sizeof text, "the oldest message that waits to be judged is %lld s old",
                       (long long)(health->behind_usec / CT_USEC_PER_SECOND));
        write_reason(json, "behind", text);
        count++;
    }
    if (!health->ready && !count) {
        write_reason(json, problem ? "problem" : "recovering",
                     problem ? problem : "the tape is being replayed from the oldest open conversation");
        count++;
    }
    ct_writer_close(json, ']');
    return count;
}

void ct_desk_ready(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    struct ct_desk *desk = context;
    struct ct_tap_health *health = ct_desk_no_query(request, reply) ? ask(desk, reply) : NULL;
    struct ct_answer body;
    if (!health) {
        return;
    }
    ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
    ct_writer_open(&body.json, '{');
    unsigned reasons = write_reasons(&body.json, desk, health);
    ct_writer_key(&body.json, "ready");
    ct_writer_bool(&body.json, reasons == 0);
    ct_writer_close(&body.json, '}');
    ct_out_char(&body.out, '\n');
    ct_answer_reply(&body, reply, CT_TYPE_JSON);
    if (reasons && reply->status == 200) {
        reply->status = 503;
        (void)snprintf(reply->retry_after, sizeof reply->retry_after, "5");
    }
    free(health);
}

/* ---- drops ---------------------------------------------------------------------------------------------------------
 */

void ct_desk_drops(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    static const char *const names[] = {"lang", NULL};
    enum ct_lang lang = CT_LANG_EN;
    struct ct_query query;
    struct ct_answer body;
    ct_wide total = 0;
    if (!ct_query_read(&query, request->query, names) || !ct_query_lang(&query, &lang)) {
        ct_query_answer(&query, reply);
        return;
    }
    struct ct_tap_health *health = ask(context, reply);
    if (!health) {
        return;
    }
    ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
    struct ct_writer *json = &body.json;
    ct_writer_open(json, '{');
    ct_writer_key(json, "since");
    ct_writer_time(json, health->started_at);
    ct_writer_key(json, "drops");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < health->drop_count; i++) {
        const struct ct_drop_words *words = ct_drop_words(health->drops[i].reason);
        ct_writer_open(json, '{');
        ct_writer_key(json, "reason");
        ct_writer_text(json, health->drops[i].reason);
        ct_writer_key(json, "count");
        ct_writer_wide(json, (ct_wide)health->drops[i].count);
        ct_writer_key(json, "means");
        ct_writer_text(json, words ? words->means[lang] : NULL);
        ct_writer_key(json, "remedy");
        ct_writer_text(json, words ? words->remedy[lang] : NULL);
        ct_writer_close(json, '}');
        total += (ct_wide)health->drops[i].count;
    }
    ct_writer_close(json, ']');
    ct_writer_key(json, "total");
    ct_writer_wide(json, total);
    ct_writer_close(json, '}');
    ct_out_char(&body.out, '\n');
    ct_answer_reply(&body, reply, CT_TYPE_JSON);
    free(health);
}

/* ---- status --------------------------------------------------------------------------------------------------------
 */

static void write_number(struct ct_writer *json, const char *key, uint64_t value)
{
    ct_writer_key(json, key);
    ct_writer_wide(json, (ct_wide)value);
}

static void write_tape(struct ct_writer *json, const struct ct_tape_stats *tape)
{
    ct_writer_key(json, "tape");
    ct_writer_open(json, '{');
    write_number(json, "begin", tape->begin);
    write_number(json, "end", tape->end);
    write_number(json, "committed", tape->committed);
    write_number(json, "frames", tape->frames);
    write_number(json, "bytes", tape->bytes);
    write_number(json, "commits", tape->commits);
    write_number(json, "refused_full", tape->refused_full);
    write_number(json, "refused_failed", tape->refused_failed);
    write_number(json, "disk_bytes", tape->disk_bytes);
    write_number(json, "segments", tape->segments);
    write_number(json, "removed_segments", tape->removed_segments);
    ct_writer_key(json, "longest_commit_s");
    ct_writer_seconds(json, tape->longest_commit_usec);
    ct_writer_key(json, "failing");
    ct_writer_bool(json, tape->failing);
    ct_writer_close(json, '}');
}

static void write_pipeline(struct ct_writer *json, const struct ct_tap_health *health)
{
    const struct ct_pipeline_stats *pipeline = &health->pipeline;
    ct_writer_key(json, "conversations");
    ct_writer_open(json, '{');
    write_number(json, "open", pipeline->open);
    write_number(json, "open_published", pipeline->closed_open);
    write_number(json, "published", pipeline->published);
    write_number(json, "revisions", pipeline->revisions);
    write_number(json, "messages", pipeline->messages);
    write_number(json, "business_events", health->events);
    write_number(json, "text_bytes", pipeline->text_bytes);
    write_number(json, "memory_bytes", pipeline->memory_bytes);
    ct_writer_key(json, "oldest_position");
    if (pipeline->oldest_position == UINT64_MAX) {
        ct_writer_null(json);
    } else {
        ct_writer_wide(json, (ct_wide)pipeline->oldest_position);
    }
    ct_writer_key(json, "time");
    ct_writer_time(json, pipeline->now);
    ct_writer_close(json, '}');
}

static void write_store(struct ct_answer *body, struct ct_desk *desk, const struct ct_tap_health *health)
{
    struct ct_reply ignored = {0};
    struct ct_store *store = desk->options.store ? ct_desk_store(desk, &ignored) : NULL;
    struct ct_store_stats *stats = &desk->counted;
    struct ct_error err;
    bool old = desk->counted_at == CT_USEC_NONE || health->now - desk->counted_at > 10 * CT_USEC_PER_SECOND ||
               health->now < desk->counted_at;
    if (store && old) {
        desk->counted_at = ct_store_stats(store, stats, &err) == CT_OK ? health->now : CT_USEC_NONE;
    }
    ct_writer_key(&body->json, "store");
    ct_writer_open(&body->json, '{');
    ct_writer_key(&body->json, "storing");
    ct_writer_bool(&body->json, health->storing);
    if (store && desk->counted_at != CT_USEC_NONE) {
        write_number(&body->json, "conversations", stats->conversations);
        write_number(&body->json, "revisions", stats->revisions);
        write_number(&body->json, "evidence", stats->evidence);
        write_number(&body->json, "business_events", stats->events);
        write_number(&body->json, "bytes", stats->bytes);
        write_number(&body->json, "schema", stats->schema);
        write_number(&body->json, "applied", ct_store_applied(store));
    }
    ct_writer_close(&body->json, '}');
    free(ignored.body);
}

static void one_counter(void *to, const char *name, const char *help, uint64_t value)
{
    (void)help;
    write_number(to, name, value);
}

static void write_hash(struct ct_writer *json, const char *key, const char *hash)
{
    ct_writer_key(json, key);
    ct_writer_text(json, hash[0] ? hash : NULL);
}

void ct_desk_status(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    struct ct_desk *desk = context;
    struct ct_tap_health *health = ct_desk_no_query(request, reply) ? ask(desk, reply) : NULL;
    struct ct_answer body;
    if (!health) {
        return;
    }
    ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
    struct ct_writer *json = &body.json;
    ct_writer_open(json, '{');
    ct_writer_key(json, "version");
    ct_writer_text(json, desk->options.version);
    ct_writer_key(json, "started_at");
    ct_writer_time(json, health->started_at);
    ct_writer_key(json, "now");
    ct_writer_time(json, health->now);
    ct_writer_key(json, "zone");
    ct_writer_text(json, desk->options.zone_name ? desk->options.zone_name : "UTC");
    ct_writer_key(json, "ready");
    ct_writer_bool(json, health->ready);
    ct_writer_key(json, "recording");
    ct_writer_bool(json, health->recording);
    ct_writer_key(json, "problem");
    ct_writer_text(json, health->problem && health->problem[0] ? health->problem : NULL);
    write_hash(json, "setup_hash", health->setup_hash);
    write_hash(json, "rules_hash", health->rules_hash);
    write_number(json, "reloads", health->reloads);
    ct_writer_key(json, "positions");
    ct_writer_open(json, '{');
    write_number(json, "committed", health->committed);
    write_number(json, "judged", health->judged);
    ct_writer_key(json, "behind_s");
    ct_writer_seconds(json, health->behind_usec);
    ct_writer_close(json, '}');
    write_tape(json, &health->tape);
    write_pipeline(json, health);
    write_store(&body, desk, health);
    ct_writer_key(json, "counters");
    ct_writer_open(json, '{');
    if (desk->options.counters) {
        desk->options.counters(desk->options.context, one_counter, json);
    }
    ct_writer_close(json, '}');
    ct_writer_close(json, '}');
    ct_out_char(&body.out, '\n');
    ct_answer_reply(&body, reply, CT_TYPE_JSON);
    free(health);
}

/* ---- reload --------------------------------------------------------------------------------------------------------
 */

/* 422 with what is wrong and where: nothing has changed. */
static void refuse_reload(const struct ct_error *err, enum ct_status status, struct ct_reply *reply)
{
    struct ct_answer body;
    ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
    struct ct_writer *json = &body.json;
    ct_writer_open(json, '{');
    ct_writer_key(json, "error");
    ct_writer_open(json, '{');
    ct_writer_key(json, "code");
    ct_writer_text(json, status == CT_BAD_RULES ? "bad_rules" : "bad_configuration");
    ct_writer_key(json, "message");
    ct_writer_text(json, err->text[0] ? err->text : ct_status_text(status));
    ct_writer_key(json, "file");
    ct_writer_text(json, err->file[0] ? err->file : NULL);
    write_number(json, "line", err->line);
    write_number(json, "column", err->column);
    ct_writer_close(json, '}');
    ct_writer_close(json, '}');
    ct_out_char(&body.out, '\n');
    ct_answer_reply(&body, reply, CT_TYPE_JSON);
    reply->status = reply->status == 200 ? 422 : reply->status;
}

void ct_desk_reload(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    struct ct_desk *desk = context;
    struct ct_error err = {0};
    struct ct_answer body;
    char hash[65] = "";
    if (!ct_desk_no_query(request, reply)) {
        return;
    }
    if (!desk->options.reload) {
        ct_reply_error(reply, 501, "no_reload", "this tap has no files to load again");
        return;
    }
    enum ct_status status = desk->options.reload(desk->options.context, hash, &err);
    if (status == CT_IO || status == CT_NO_MEMORY || status == CT_LIMIT) {
        ct_desk_fail(reply, status, &err);
        return;
    }
    if (status != CT_OK) {
        refuse_reload(&err, status, reply);
        return;
    }
    ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
    ct_writer_open(&body.json, '{');
    ct_writer_key(&body.json, "reloaded");
    ct_writer_bool(&body.json, true);
    write_hash(&body.json, "setup_hash", hash);
    ct_writer_close(&body.json, '}');
    ct_out_char(&body.out, '\n');
    ct_answer_reply(&body, reply, CT_TYPE_JSON);
}
