/* classify.c - `convtap classify`: one text a line in, its signals and their evidence out, in the same order. */
#include "cli/commands.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/packs.h"
#include "engine/match.h"
#include "engine/score.h"
#include "parsers/json_reader.h"

enum { LINE_BYTES_MAX = 16 << 20 }; /* a power of two, as the buffer grows */

static const struct ct_command *const self = &ct_command_classify;

struct row {
    ct_span id; /* as written */
    ct_span text, role, language;
};

enum { FIELD_ID, FIELD_TEXT, FIELD_ROLE, FIELD_LANGUAGE, FIELD_COUNT };

static bool read_row(struct ct_json *json, struct row *row)
{
    static const ct_span names[FIELD_COUNT] = {[FIELD_ID] = CT_JSON_NAME("id"),
                                               [FIELD_TEXT] = CT_JSON_NAME("text"),
                                               [FIELD_ROLE] = CT_JSON_NAME("role"),
                                               [FIELD_LANGUAGE] = CT_JSON_NAME("language")};
    static const struct ct_json_fields fields = {names, FIELD_COUNT};
    struct ct_json_walk walk = {0};
    ct_span key;
    *row = (struct row){0};
    if (!ct_json_object(json, "the line")) {
        return false;
    }
    while (ct_json_key(json, &walk, &key)) {
        bool ok = false;
        switch (ct_json_field(json, &walk, key, &fields)) {
        case FIELD_ID:
            ok = ct_json_raw(json, &row->id);
            break;
        case FIELD_TEXT:
            ok = ct_json_string(json, "text", &row->text);
            break;
        case FIELD_ROLE:
            ok = ct_json_string(json, "role", &row->role);
            break;
        case FIELD_LANGUAGE:
            ok = ct_json_string_or_null(json, "language", &row->language);
            break;
        default:
            ok = json->status == CT_OK && ct_json_skip(json);
            break;
        }
        if (!ok) {
            return false;
        }
    }
    if (json->status == CT_OK && (!walk.seen || !row->id.len)) {
        return ct_json_fail(json, "missing_field", NULL, "id", NULL);
    }
    return json->status == CT_OK && ct_json_end(json);
}

static ct_span language_of(const struct ct_ruleset *rules, struct ct_matcher *matcher, const struct row *row,
                           uint32_t *counts)
{
    ct_span best = row->language;
    uint32_t most = 0;
    if (best.len || !row->text.len) {
        return best;
    }
    memset(counts, 0, (rules->pack_count + 1) * sizeof *counts);
    ct_language_count(rules, ct_matcher_key(matcher), counts);
    for (size_t i = 0; i < rules->pack_count; i++) {
        if (counts[i] > most) {
            most = counts[i];
            best = rules->packs[i].language;
        }
    }
    return best;
}

static cJSON *span_item(ct_span span)
{
    char *text = strndup(span.len ? span.at : "", span.len);
    cJSON *item = text ? cJSON_CreateString(text) : NULL;
    free(text);
    return item;
}

static bool write_row(const struct ct_ruleset *rules, const struct row *row, ct_span language,
                      const struct ct_hit *hits, size_t hit_count, uint8_t *seen)
{
    cJSON *line = cJSON_CreateObject(), *signals = cJSON_CreateArray(), *evidence = cJSON_CreateArray();
    char *id = strndup(row->id.at, row->id.len);
    bool ok = line && signals && evidence && id;
    if (ok) {
        cJSON_AddItemToObject(line, "id", cJSON_CreateRaw(id));
        cJSON_AddItemToObject(line, "language", language.len ? span_item(language) : cJSON_CreateNull());
        memset(seen, 0, rules->signal_count);
        for (size_t i = 0; i < hit_count; i++) {
            seen[rules->rules[hits[i].rule].emit] = 1;
        }
        for (size_t s = 0; s < rules->signal_count; s++) {
            if (seen[s]) {
                cJSON_AddItemToArray(signals, span_item(rules->signals[s].name));
            }
        }
        for (size_t i = 0; i < hit_count; i++) {
            const struct ct_rule *rule = &rules->rules[hits[i].rule];
            cJSON *item = cJSON_CreateObject();
            char name[320];
            snprintf(name, sizeof name, "%.*s@%u", (int)(rule->id.len > 256 ? 256 : rule->id.len), rule->id.at,
                     rule->rev);
            cJSON_AddItemToObject(item, "signal", span_item(rules->signals[rule->emit].name));
            cJSON_AddStringToObject(item, "rule", name);
            cJSON_AddNumberToObject(item, "begin", hits[i].begin);
            cJSON_AddNumberToObject(item, "end", hits[i].end);
            cJSON_AddItemToArray(evidence, item);
        }
        cJSON_AddItemToObject(line, "signals", signals);
        cJSON_AddItemToObject(line, "evidence", evidence);
        char *text = cJSON_PrintUnformatted(line);
        ok = text && fputs(text, stdout) >= 0 && fputc('\n', stdout) != EOF;
        free(text);
    }
    free(id);
    cJSON_Delete(line);
    return ok;
}

/* A single text stands in the middle of no conversation: bounds on turns are tried as the first of the customer's. */
static size_t in_bounds(const struct ct_ruleset *rules, const struct ct_hit *hits, size_t count, struct ct_hit *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (rules->rules[hits[i].rule].min_user_turn <= 1) {
            out[kept++] = hits[i];
        }
    }
    return kept;
}

/* ---- lines ------------------------------------------------------------------------------ */

struct line {
    char *at;
    size_t len, capacity;
    uint64_t offset, number, bytes; /* bytes with the line end, and those that were not kept */
    bool too_long;
};

/* The next line of standard input without its line end; of one that is too long, nothing is kept. false = the end, or
 * *no_memory. */
static bool next_line(struct line *line, bool *no_memory)
{
    int c;
    line->offset += line->bytes;
    line->number++;
    line->len = line->bytes = 0;
    line->too_long = false;
    while ((c = getc_unlocked(stdin)) != EOF) {
        line->bytes++;
        if (c == '\n') {
            break;
        }
        if (line->too_long) {
            continue;
        }
        if (line->len == line->capacity) {
            size_t capacity = line->capacity ? 2 * line->capacity : 4096;
            if (line->len >= LINE_BYTES_MAX) {
                line->too_long = true;
                line->len = 0;
                continue;
            }
            char *at = realloc(line->at, capacity);
            if (!at) {
                *no_memory = true;
                return false;
            }
            line->at = at;
            line->capacity = capacity;
        }
        line->at[line->len++] = (char)c;
    }
    if (line->len && line->at[line->len - 1] == '\r') {
        line->len--;
    }
    return line->bytes > 0;
}

/* ---- the run ---------------------------------------------------------------------------- */

struct classifier {
    const struct ct_ruleset *rules;
    struct ct_matcher *matcher;
    struct ct_arena scratch;
    uint32_t *counts; /* of words, by language */
    uint8_t *seen;    /* signals */
    struct ct_hit *kept;
    uint64_t refused;
};

static void refuse(struct classifier *c, const struct line *line, uint64_t offset, const char *reason,
                   const char *detail)
{
    fprintf(stderr, "line %" PRIu64 " (byte %" PRIu64 "): %s%s%s\n", line->number, offset, reason, *detail ? ": " : "",
            detail);
    c->refused++;
}

/* false = standard output cannot be written. */
static bool classify_line(struct classifier *c, const struct line *line)
{
    struct ct_frame frame = {.bytes = {line->at, line->len}, .offset = line->offset, .line = line->number};
    struct ct_refusal refusal;
    struct ct_json json;
    struct row row;
    enum ct_role role = CT_ROLE_UNKNOWN;
    ct_arena_reset(&c->scratch);
    ct_json_init(&json, frame.bytes, &c->scratch);
    if (read_row(&json, &row)) {
        role = ct_role_from(row.role);
        if (role == CT_ROLE_UNKNOWN) {
            (void)!ct_json_fail(&json, "wrong_type", NULL, "role", "user, bot, agent, system or tool");
        }
    }
    if (json.status != CT_OK) {
        ct_json_refusal(&json, &frame, &refusal);
        refuse(c, line, refusal.offset, refusal.reason, refusal.detail);
        return true;
    }
    const struct ct_hit *hits = NULL;
    ct_matcher_begin(c->matcher);
    size_t hit_count = row.text.len ? ct_matcher_run(c->matcher, role, row.text, &hits) : 0;
    ct_span language = language_of(c->rules, c->matcher, &row, c->counts);
    hit_count = in_bounds(c->rules, hits, hit_count, c->kept);
    return write_row(c->rules, &row, language, c->kept, hit_count, c->seen);
}

static int classify_all(struct classifier *c)
{
    struct line line = {0};
    bool no_memory = false, good = true;
    while (good && next_line(&line, &no_memory)) {
        if (line.too_long) {
            refuse(c, &line, line.offset, "record_too_long", "a line of more than 16 MiB");
        } else if (line.len) {
            good = classify_line(c, &line);
        }
    }
    free(line.at);
    if (no_memory) {
        return ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
    }
    if (!good || fflush(stdout) != 0) {
        return ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output: %s", strerror(errno));
    }
    if (ferror(stdin)) {
        return ct_options_fail(self, CT_EXIT_REFUSED, "cannot read standard input: %s", strerror(errno));
    }
    return c->refused ? CT_EXIT_REFUSED : CT_EXIT_DONE;
}

static int classify(const struct ct_ruleset *rules)
{
    struct classifier c = {.rules = rules,
                           .matcher = ct_matcher_new(rules),
                           .counts = calloc(rules->pack_count + 1, sizeof *c.counts),
                           .seen = calloc(rules->signal_count + 1, 1),
                           .kept = calloc(rules->rule_count + 1, sizeof *c.kept)};
    ct_arena_init(&c.scratch, 65536, 0);
    int code = c.matcher && c.counts && c.seen && c.kept ? classify_all(&c)
                                                         : ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
    ct_arena_done(&c.scratch);
    ct_matcher_free(c.matcher);
    free(c.counts);
    free(c.seen);
    free(c.kept);
    return code;
}

static int run(int argc, char **argv)
{
    const char *folder = NULL;
    const struct ct_cli_option options[] = {{"rules", "DIR", CT_OPT_TEXT, &folder, 0, 0,
                                             "Folder of rule packs (*.yaml); by default those that convtap came with."},
                                            {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count;
    struct ct_error err = {0};
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0 && word_count) {
        code = ct_options_fail(self, CT_EXIT_USAGE, "reads standard input; \"%s\" is one word too many", words[0]);
    }
    free(words);
    if (code >= 0) {
        return code;
    }
    struct ct_ruleset *rules = ct_packs_ruleset(folder, NULL, &err);
    if (!rules) {
        return ct_options_error(self, err.status == CT_NO_MEMORY ? CT_EXIT_OUTPUT : CT_EXIT_USAGE, &err);
    }
    code = classify(rules);
    ct_ruleset_unref(rules);
    return code;
}

const struct ct_command ct_command_classify = {
    .name = "classify",
    .arguments = "",
    .summary = "Reads texts as JSON lines and writes the signals that the pattern rules put on each.",
    .details = "In:   {\"id\":1,\"text\":\"quiero hablar con alguien\",\"role\":\"user\"}\n"
               "Out:  {\"id\":1,\"language\":\"es\",\"signals\":[\"user.human_request\"],\"evidence\":[...]}\n\n"
               "One object a line, in the same order. In the evidence, begin and end are byte offsets in the text. "
               "Rules that\n"
               "need a conversation around them do not run.",
    .run = run,
};
