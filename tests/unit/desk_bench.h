/* desk_bench.h - a desk over a real tap with its tape and store in a scratch folder, and a clock that stands still. The
 * rules are the shipped core and a few fixed phrases. Every answer is kept and held against docs/openapi.json at the
 * end.
 */
#ifndef DESK_BENCH_H
#define DESK_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugin/gate/desk_state.h"
#include "plugin/gate/gate_state.h"
#include "sinks/records.h"

#define NOON (INT64_C(1795262400) * CT_USEC_PER_SECOND) /* 2026-11-21T12:00:00Z */

static const char bench_pack[] = "pack: toy\nversion: 1.0.0\nlanguage: xx\nextends: core\n"
                                 "rules:\n"
                                 "  - {id: toy.human, implements: human_request, any: ['\\bhuman please\\b']}\n"
                                 "  - {id: toy.thanks, implements: thanks, any: ['\\bthanks\\b']}\n"
                                 "  - {id: toy.broken, implements: not_resolved, any: ['\\bdoes not work\\b']}\n"
                                 "  - {id: toy.handoff, implements: handoff, any: ['\\btransferring you\\b']}\n";

struct bench_owner { /* of a setup */
    struct ct_setup setup;
    struct ct_feed_source source;
};

static struct {
    char folder[64], store[80], tape[80];
    struct ct_ruleset *rules;
    char *core;
    struct ct_tap *tap;
    struct ct_desk *desk;
    FILE *answers;
    enum ct_status reload_status;
    _Atomic ct_usec now;
    _Atomic unsigned wakes;
} bench;

static inline ct_usec bench_now(void)
{
    return atomic_load(&bench.now);
}

/* ---- the tap's setup ---- */

static inline void bench_load_rules(void)
{
    struct ct_error err = {0};
    FILE *file = fopen(CT_SOURCE_DIR "/rules/core.yaml", "re");
    bench.core = malloc(1 << 20);
    assert_non_null(file);
    assert_non_null(bench.core);
    size_t len = fread(bench.core, 1, 1 << 20, file);
    fclose(file);
    const struct ct_pack_source packs[] = {{CT_SPAN_LIT("rules/core.yaml"), {bench.core, len}},
                                           {CT_SPAN_LIT("rules/toy.yaml"), {bench_pack, sizeof bench_pack - 1}}};
    const struct ct_load_options options = {
        .hash_hex = CT_SPAN_LIT("5ca1ab1e00000000000000000000000000000000000000000000000000000000")};
    bench.rules = ct_ruleset_load(packs, 2, &options, &err);
    if (!bench.rules) {
        fail_msg("%s:%u: %s", err.file, err.line, err.text);
    }
}

static inline void bench_setup_done(struct ct_setup *setup)
{
    ct_ruleset_unref(setup->rules);
    free(setup->owner);
}

static inline enum ct_status bench_setup_open(void *context, ct_span packed, struct ct_feed_setup *out,
                                              struct ct_error *err)
{
    struct bench_owner *owner = calloc(1, sizeof *owner);
    (void)context;
    (void)packed;
    (void)err;
    assert_non_null(owner);
    owner->setup = (struct ct_setup){.rules = ct_ruleset_ref(bench.rules),
                                     .conversation = {.idle_cap_usec = 30 * CT_USEC_PER_MINUTE},
                                     .silence = {.person_usec = CT_USEC_PER_HOUR},
                                     .hash = "5e7500000000000000000000000000000000000000000000000000000000cafe",
                                     .done = bench_setup_done,
                                     .owner = owner,
                                     .references = 1};
    owner->source =
        (struct ct_feed_source){.name = CT_SPAN_LIT("chat"), .parser = ct_parser_find(CT_SPAN_LIT("convtap"))};
    *out = (struct ct_feed_setup){
        .setup = &owner->setup, .sources = &owner->source, .source_count = 1, .max_record_bytes = 1 << 20};
    return CT_OK;
}

/* ---- the desk's surroundings ---- */

static inline struct ct_ruleset *bench_rules(void *context, const char *hash)
{
    (void)context;
    return strcmp(hash, bench.rules->hash) == 0 ? ct_ruleset_ref(bench.rules) : NULL;
}

static inline enum ct_status bench_reload(void *context, char *hash, struct ct_error *err)
{
    (void)context;
    memcpy(hash, "5e7500000000000000000000000000000000000000000000000000000000cafe", 65);
    if (bench.reload_status != CT_OK) {
        (void)ct_error_set(err, bench.reload_status, "the rule \"x\" has no pattern");
        (void)snprintf(err->file, sizeof err->file, "rules/x.yaml");
        err->line = 12;
        err->column = 3;
    }
    return bench.reload_status;
}

static inline void bench_counters(void *context,
                                  void (*one)(void *to, const char *name, const char *help, uint64_t value), void *to)
{
    (void)context;
    one(to, "relay_connections_total", "Connections through the relay.", 7);
    one(to, "gate_open_connections", "Connections to the doors.", 2);
}

static inline void bench_wake(void *context)
{
    (void)context;
    atomic_fetch_add(&bench.wakes, 1);
}

static inline void bench_publish(void *context, const struct ct_published *published)
{
    (void)context;
    if (bench.desk) {
        ct_desk_published(bench.desk, published);
    }
}

static inline int bench_remove(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline void bench_begin(bool (*send)(struct ct_gate_connection *, ct_span),
                               size_t (*waiting)(const struct ct_gate_connection *))
{
    struct ct_error err = {0};
    static const enum ct_slice_field fields[] = {CT_SLICE_CHANNEL, CT_SLICE_LANGUAGE};
    memset(&bench, 0, sizeof bench);
    atomic_store(&bench.now, NOON);
    (void)snprintf(bench.folder, sizeof bench.folder, "/tmp/convtap-desk-XXXXXX");
    assert_non_null(mkdtemp(bench.folder));
    (void)snprintf(bench.store, sizeof bench.store, "%s/store.db", bench.folder);
    (void)snprintf(bench.tape, sizeof bench.tape, "%s/tape", bench.folder);
    char path[96];
    (void)snprintf(path, sizeof path, "%s/answers", bench.folder);
    bench.answers = fopen(path, "we");
    assert_non_null(bench.answers);
    bench_load_rules();
    const struct ct_tap_options tap = {
        .tape = {.folder = bench.tape, .commit_usec = 1000, .now = bench_now},
        .store = bench.store,
        .setups = {NULL, bench_setup_open},
        .setup = CT_SPAN_LIT("toy"),
        .live = {.fields = fields, .field_count = 2},
        .tick_usec = 5000,
        .now = bench_now,
        .on_publish = bench_publish,
    };
    if (ct_tap_start(&tap, &bench.tap, &err) != CT_OK) {
        fail_msg("%s", err.text);
    }
    static const char openapi[] = "{\"openapi\":\"3.1.0\"}";
    const struct ct_desk_options desk = {.tap = bench.tap,
                                         .store = bench.store,
                                         .openapi = {openapi, sizeof openapi - 1},
                                         .rules = bench_rules,
                                         .reload = bench_reload,
                                         .counters = bench_counters,
                                         .send = send,
                                         .waiting = waiting,
                                         .wake = bench_wake};
    bench.desk = ct_desk_new(&desk);
    assert_non_null(bench.desk);
    assert_int_equal(ct_tap_settle(bench.tap), CT_OK);
}

static inline void bench_end(void)
{
    struct ct_desk *desk = bench.desk;
    ct_desk_close(desk);
    ct_tap_stop(bench.tap);
    bench.desk = NULL;
    ct_desk_free(desk);
    ct_ruleset_unref(bench.rules);
    free(bench.core);
    if (bench.answers) {
        fclose(bench.answers);
    }
    nftw(bench.folder, bench_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* As a test's setup and teardown, where nobody listens to the feed. */
static inline int bench_setup(void **state)
{
    (void)state;
    bench_begin(NULL, NULL);
    return 0;
}

static inline int bench_teardown(void **state)
{
    (void)state;
    bench_end();
    return 0;
}

/* ---- what is said to the tap ---- */

static inline void bench_push(const char *line)
{
    const struct ct_intake *intake = ct_tap_intake(bench.tap);
    const struct ct_tape_entry entry = {
        .kind = CT_TAPE_DATA, .at = bench_now(), .source = CT_SPAN_LIT("chat"), .bytes = ct_span_of(line)};
    assert_int_equal(intake->append(intake->context, &entry, NULL), CT_OK);
}

/* A whole conversation of three messages that began `ago` before the clock's time. */
static inline void bench_whole(const char *id, const char *user, const char *channel, ct_usec ago, const char *bot,
                               const char *last)
{
    char line[2048], at[3][40];
    for (int i = 0; i < 3; i++) {
        ct_time_format(bench_now() - ago + i * 4 * CT_USEC_PER_SECOND, at[i]);
    }
    (void)snprintf(line, sizeof line,
                   "{\"conversation_id\":\"%s\",\"user_id\":\"%s\",\"channel\":\"%s\",\"messages\":["
                   "{\"role\":\"user\",\"text\":\"where is my order\",\"ts\":\"%s\"},"
                   "{\"role\":\"bot\",\"text\":\"%s\",\"ts\":\"%s\"},"
                   "{\"role\":\"user\",\"text\":\"%s\",\"ts\":\"%s\"}]}\n",
                   id, user, channel, at[0], bot, at[1], last, at[2]);
    bench_push(line);
}

/* One message of a conversation that stays open. */
static inline void bench_message(const char *id, const char *role, const char *text)
{
    char line[1024], at[40];
    ct_time_format(bench_now(), at);
    (void)snprintf(
        line, sizeof line,
        "{\"conversation_id\":\"%s\",\"user_id\":\"u-%s\",\"channel\":\"web\",\"role\":\"%s\",\"text\":\"%s\","
        "\"ts\":\"%s\"}\n",
        id, id, role, text, at);
    bench_push(line);
}

static inline void bench_settle(void)
{
    assert_int_equal(ct_tap_settle(bench.tap), CT_OK);
}

/* ---- asking ---- */

struct bench_answer {
    int status;
    char type[80], etag[48], *body; /* freed by bench_forget */
    size_t len;
    cJSON *json; /* NULL = none */
};

static inline const struct ct_route *bench_route(enum ct_method method, ct_span path)
{
    size_t count;
    const struct ct_route *routes = ct_desk_routes(bench.desk, &count), *best = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(routes[i].path);
        bool below = routes[i].path[len - 1] == '/';
        bool fits =
            below ? path.len >= len && memcmp(path.at, routes[i].path, len) == 0 : ct_span_is(path, routes[i].path);
        if (fits && (routes[i].methods & method) && (!best || len > strlen(best->path))) {
            best = &routes[i];
        }
    }
    assert_non_null(best);
    return best;
}

static inline void bench_note(const char *method, const char *path, const struct bench_answer *answer)
{
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "method", method);
    cJSON_AddStringToObject(line, "path", path);
    cJSON_AddNumberToObject(line, "status", answer->status);
    cJSON_AddStringToObject(line, "type", answer->type);
    cJSON_AddStringToObject(line, "body", answer->body ? answer->body : "");
    char *text = cJSON_PrintUnformatted(line);
    fprintf(bench.answers, "%s\n", text);
    free(text);
    cJSON_Delete(line);
}

/* `header` "accept: text/plain" or NULL. */
static inline struct bench_answer bench_ask_with(enum ct_method method, const char *target, const char *header)
{
    struct ct_head head = {0};
    struct ct_gate_connection wire = {.head = &head};
    char headers[256] = "";
    const char *question = strchr(target, '?');
    ct_span path = {target, question ? (size_t)(question - target) : strlen(target)};
    if (header) {
        const char *colon = strchr(header, ':');
        (void)snprintf(headers, sizeof headers, "%.*s%c%s", (int)(colon - header), header, 0, colon + 2);
        head.text = headers;
        head.headers = 1;
        head.name_len[0] = (uint16_t)(colon - header);
        head.value_at[0] = (uint16_t)(colon - header + 1);
        head.value_len[0] = (uint16_t)strlen(colon + 2);
    }
    const struct ct_route *route = bench_route(method, path);
    size_t prefix = strlen(route->path);
    const struct ct_request request = {.method = method,
                                       .path = path,
                                       .rest = {path.at + prefix, path.len - prefix},
                                       .query = question ? ct_span_of(question + 1) : CT_SPAN_NONE,
                                       .wire = &wire};
    struct ct_reply reply = {0};
    route->handle(route->context, &request, &reply);
    struct bench_answer answer = {.status = reply.status, .body = reply.body, .len = reply.len};
    (void)snprintf(answer.type, sizeof answer.type, "%s", reply.type ? reply.type : "");
    memcpy(answer.etag, reply.etag, sizeof answer.etag);
    if (strcmp(answer.type, "application/json") == 0) {
        answer.json = cJSON_ParseWithLength(answer.body, answer.len);
        assert_non_null(answer.json);
    }
    bench_note(method == CT_METHOD_POST ? "post" : "get", target, &answer);
    return answer;
}

static inline struct bench_answer bench_get(const char *target)
{
    return bench_ask_with(CT_METHOD_GET, target, NULL);
}

static inline void bench_forget(struct bench_answer *answer)
{
    cJSON_Delete(answer->json);
    free(answer->body);
    *answer = (struct bench_answer){0};
}

/* "a.b.0.c" in a JSON value; NULL = not there. Keys with dots cannot be asked for. */
static inline const cJSON *bench_at(const cJSON *item, const char *path)
{
    char key[80];
    while (item && *path) {
        size_t len = strcspn(path, ".");
        assert_true(len < sizeof key);
        memcpy(key, path, len);
        key[len] = '\0';
        item = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, (int)strtol(key, NULL, 10))
                                   : cJSON_GetObjectItemCaseSensitive(item, key);
        path += len + (path[len] == '.');
    }
    return item;
}

static inline const char *bench_text(const cJSON *item, const char *path)
{
    const cJSON *found = bench_at(item, path);
    return cJSON_IsString(found) ? found->valuestring : "(none)";
}

static inline double bench_number(const cJSON *item, const char *path)
{
    const cJSON *found = bench_at(item, path);
    assert_true(cJSON_IsNumber(found));
    return found->valuedouble;
}

/* The figure of a KPI in an answer or a message of the feed; NULL = not there. */
static inline const cJSON *bench_kpi(const cJSON *json, const char *id)
{
    const cJSON *kpi;
    cJSON_ArrayForEach(kpi, bench_at(json, "kpis"))
    {
        if (strcmp(bench_text(kpi, "id"), id) == 0) {
            return kpi;
        }
    }
    return NULL;
}

/* Holds all answers so far against docs/openapi.json; the checker says what does not fit. */
static inline void bench_check_answers(void)
{
    char path[96];
    int status = -1;
    (void)snprintf(path, sizeof path, "%s/answers", bench.folder);
    fclose(bench.answers);
    bench.answers = NULL;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execlp("python3", "python3", "-B", CT_SOURCE_DIR "/tests/e2e/openapi_check.py",
               CT_SOURCE_DIR "/docs/openapi.json", path, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
