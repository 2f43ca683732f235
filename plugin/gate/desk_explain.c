/* desk_explain.c - explains a record from its JSON, the one form that open and stored conversations share; see
 * desk_explain.h. Called by desk_conversations.c. */
#include "plugin/gate/desk_explain.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "sinks/verdict.h"

enum { EVIDENCE_MOST = 1000 }; /* explained in words; the record beside it has all */

struct explaining {
    struct ct_writer *json;
    const struct ct_ruleset *rules;
    const cJSON *record;
    const cJSON **evidence; /* by index */
    uint32_t count;
    enum ct_lang lang;
};

static const char *text_of(const cJSON *item, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, key);
    return cJSON_IsString(value) ? value->valuestring : "";
}

static bool number_of(const cJSON *item, const char *key, uint32_t *out)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, key);
    bool fits = cJSON_IsNumber(value) && value->valuedouble >= 0 && value->valuedouble < UINT32_MAX - 1.0;
    *out = fits ? (uint32_t)value->valuedouble : 0;
    return fits;
}

static enum ct_outcome outcome_from(const char *text)
{
    int i = 0;
    while (i < CT_OUTCOME_COUNT && strcmp(text, ct_outcome_text((enum ct_outcome)i)) != 0) {
        i++;
    }
    return (enum ct_outcome)i;
}

/* ---- one piece of evidence -----------------------------------------------------------------------------------------
 */

/* "es.user.thanks@2" -> its rule; NULL = not at hand. */
static const struct ct_rule *rule_of(const struct explaining *x, const char *named)
{
    const char *at = strrchr(named, '@');
    ct_span id = {named, at ? (size_t)(at - named) : strlen(named)};
    for (size_t i = 0; x->rules && id.len && i < x->rules->rule_count; i++) {
        if (ct_span_eq(x->rules->rules[i].id, id)) {
            return &x->rules->rules[i];
        }
    }
    return NULL;
}

static const char *meaning_of(const struct explaining *x, const char *signal)
{
    int index = x->rules ? ct_ruleset_signal(x->rules, ct_span_of(signal)) : -1;
    return index < 0 ? NULL : ct_meaning_words(x->rules->signals[index].means, x->lang);
}

/* "message 4, bytes 3-17: asks for a person (user.human_request) by es.user.human@1, es@1.2" */
static void write_words(struct explaining *x, const cJSON *e, const char *meaning)
{
    const cJSON *because = cJSON_GetObjectItemCaseSensitive(e, "because");
    const char *signal = text_of(e, "signal"), *rule = text_of(e, "rule"), *pack = text_of(e, "pack");
    char words[1200], place[64] = "", follows[400] = "", by[500];
    bool es = x->lang == CT_LANG_ES;
    uint32_t message, begin, end, before;
    (void)number_of(e, "message", &message);
    (void)number_of(e, "begin", &begin);
    if (number_of(e, "end", &end) && end) {
        (void)snprintf(place, sizeof place, ", bytes %u-%u", begin, end); /* the same word in both */
    }
    if (number_of(because, "message", &before)) {
        (void)snprintf(follows, sizeof follows,
                       es ? ", por %.300s en el mensaje %u" : ", because of %.300s in message %u",
                       text_of(because, "signal"), before + 1);
    }
    if (*rule) {
        (void)snprintf(by, sizeof by, es ? "por %.300s, %.150s" : "by %.300s, %.150s", rule, pack);
    } else {
        (void)snprintf(by, sizeof by, "%s", es ? "un hecho de la plataforma" : "a fact of the platform");
    }
    if (meaning) {
        (void)snprintf(words, sizeof words, "%s %u%s: %s (%.150s), %s%s", es ? "mensaje" : "message", message + 1,
                       place, meaning, signal, by, follows);
    } else {
        (void)snprintf(words, sizeof words, "%s %u%s: %.150s, %s%s", es ? "mensaje" : "message", message + 1, place,
                       signal, by, follows);
    }
    ct_writer_key(x->json, "words");
    ct_writer_text(x->json, words);
}

static void write_copy(struct ct_writer *json, const cJSON *item, const char *key)
{
    const char *text = text_of(item, key);
    ct_writer_key(json, key);
    ct_writer_text(json, *text ? text : NULL);
}

static void write_evidence(struct explaining *x, uint32_t index)
{
    static const char *const numbers[] = {"message", "begin", "end"};
    const cJSON *e = x->evidence[index], *because = cJSON_GetObjectItemCaseSensitive(e, "because");
    const char *meaning = meaning_of(x, text_of(e, "signal"));
    const struct ct_rule *rule = rule_of(x, text_of(e, "rule"));
    uint32_t number;
    ct_writer_open(x->json, '{');
    ct_writer_key(x->json, "evidence");
    ct_writer_wide(x->json, index);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        (void)number_of(e, numbers[i], &number);
        ct_writer_key(x->json, numbers[i]);
        ct_writer_wide(x->json, number);
    }
    write_copy(x->json, e, "signal");
    ct_writer_key(x->json, "means");
    ct_writer_text(x->json, meaning);
    write_copy(x->json, e, "rule");
    write_copy(x->json, e, "pack");
    ct_writer_key(x->json, "file");
    if (rule && rule->pack < x->rules->pack_count) {
        ct_writer_string(x->json, x->rules->packs[rule->pack].file);
        ct_writer_key(x->json, "line");
        ct_writer_wide(x->json, rule->line);
    } else {
        ct_writer_null(x->json);
        ct_writer_key(x->json, "line");
        ct_writer_null(x->json);
    }
    ct_writer_key(x->json, "because");
    if (number_of(because, "evidence", &number)) {
        ct_writer_wide(x->json, number);
    } else {
        ct_writer_null(x->json);
    }
    write_words(x, e, meaning);
    ct_writer_close(x->json, '}');
}

/* ---- the verdict ---------------------------------------------------------------------------------------------------
 */

static void write_outcome(struct explaining *x)
{
    enum ct_outcome outcome = outcome_from(text_of(x->record, "outcome"));
    const cJSON *item, *decided = cJSON_GetObjectItemCaseSensitive(x->record, "decided_by");
    uint32_t index;
    bool any = false;
    ct_writer_key(x->json, "outcome");
    ct_writer_open(x->json, '{');
    ct_writer_key(x->json, "is");
    ct_writer_text(x->json, text_of(x->record, "outcome"));
    ct_writer_key(x->json, "words");
    ct_writer_text(x->json, ct_outcome_words(outcome, x->lang));
    ct_writer_close(x->json, '}');
    ct_writer_key(x->json, "because");
    ct_writer_open(x->json, '[');
    cJSON_ArrayForEach(item, decided)
    {
        if (number_of(item, "evidence", &index) && index < x->count) {
            write_evidence(x, index);
            any = true;
        }
    }
    ct_writer_close(x->json, ']');
    ct_writer_key(x->json, "because_words");
    ct_writer_text(x->json, any                     ? NULL
                            : x->lang == CT_LANG_ES ? "ninguna señal lo decide: así quedó la conversación"
                                                    : "no signal decides it: it is how the conversation was left");
}

static void write_why_not(struct explaining *x)
{
    const cJSON *item, *escalation = cJSON_GetObjectItemCaseSensitive(x->record, "escalation");
    struct ct_verdict_facts facts = {
        .outcome = outcome_from(text_of(x->record, "outcome")),
        .abandoned_at =
            strcmp(text_of(x->record, "abandoned_at"), "question") == 0 ? CT_ABANDONED_QUESTION : CT_ABANDONED_NOT,
        .announced = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(escalation, "announced"))};
    uint32_t message;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(x->record, "beaten"))
    {
        enum ct_outcome lost = outcome_from(text_of(item, "outcome"));
        if (lost < CT_OUTCOME_COUNT && number_of(item, "message", &message)) {
            facts.spoke[lost] = message + 1;
        }
    }
    if (number_of(cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(x->record, "decided_by"), 0), "message",
                  &message)) {
        facts.decided = message + 1;
    }
    ct_writer_key(x->json, "why_not");
    ct_writer_open(x->json, '[');
    for (int i = 0; i < CT_OUTCOME_COUNT && facts.outcome < CT_OUTCOME_COUNT; i++) {
        char why[CT_VERDICT_BYTES];
        if (ct_verdict_why_not(&facts, (enum ct_outcome)i, x->lang, why, sizeof why)) {
            ct_writer_open(x->json, '{');
            ct_writer_key(x->json, "outcome");
            ct_writer_text(x->json, ct_outcome_text((enum ct_outcome)i));
            ct_writer_key(x->json, "message"); /* as evidence counts them: from 0 */
            if (facts.spoke[i]) {
                ct_writer_wide(x->json, facts.spoke[i] - 1);
            } else {
                ct_writer_null(x->json);
            }
            ct_writer_key(x->json, "words");
            ct_writer_text(x->json, why);
            ct_writer_close(x->json, '}');
        }
    }
    ct_writer_close(x->json, ']');
}

static void write_stored(struct ct_writer *json, const struct ct_explained *what)
{
    const struct ct_store_row *row = what->stored;
    ct_writer_key(json, "open");
    ct_writer_bool(json, what->open);
    ct_writer_key(json, "stored");
    if (!row) {
        ct_writer_null(json);
        return;
    }
    ct_writer_open(json, '{');
    ct_writer_key(json, "row");
    ct_writer_wide(json, (ct_wide)row->row);
    ct_writer_key(json, "revision");
    ct_writer_wide(json, row->revision);
    ct_writer_key(json, "final");
    ct_writer_bool(json, row->final);
    ct_writer_key(json, "first_published_at");
    ct_writer_time(json, row->first_published_at);
    ct_writer_key(json, "published_at");
    ct_writer_time(json, row->published_at);
    ct_writer_key(json, "first_position");
    ct_writer_wide(json, (ct_wide)row->first_position);
    ct_writer_key(json, "last_position");
    ct_writer_wide(json, (ct_wide)row->last_position);
    ct_writer_close(json, '}');
}

static bool index_evidence(struct explaining *x)
{
    const cJSON *item, *evidence = cJSON_GetObjectItemCaseSensitive(x->record, "evidence");
    int size = cJSON_GetArraySize(evidence);
    x->evidence = malloc(((size_t)size + 1) * sizeof *x->evidence);
    if (!x->evidence) {
        return false;
    }
    cJSON_ArrayForEach(item, evidence)
    {
        x->evidence[x->count++] = item;
    }
    return true;
}

bool ct_explain_write(struct ct_writer *json, const struct ct_explained *what)
{
    ct_span text = what->json;
    while (text.len && text.at[text.len - 1] == '\n') {
        text.len--;
    }
    cJSON *record = cJSON_ParseWithLength(text.at, text.len);
    struct explaining x = {.json = json, .rules = what->rules, .record = record, .lang = what->lang};
    if (!cJSON_IsObject(record) || !index_evidence(&x)) {
        cJSON_Delete(record);
        return false;
    }
    ct_writer_open(json, '{');
    write_stored(json, what);
    ct_writer_key(json, "record");
    ct_writer_raw(json, text);
    ct_writer_key(json, "explained");
    ct_writer_open(json, '{');
    write_outcome(&x);
    write_why_not(&x);
    ct_writer_key(json, "evidence");
    ct_writer_open(json, '[');
    for (uint32_t i = 0; i < x.count && i < EVIDENCE_MOST; i++) {
        write_evidence(&x, i);
    }
    ct_writer_close(json, ']');
    ct_writer_key(json, "evidence_left_out");
    ct_writer_wide(json, x.count > EVIDENCE_MOST ? x.count - EVIDENCE_MOST : 0);
    ct_writer_close(json, '}');
    ct_writer_close(json, '}');
    free(x.evidence);
    cJSON_Delete(record);
    return true;
}
