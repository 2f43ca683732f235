/* explain_records.c - explains from a record: no texts, but each signal's message and bytes, what decided and what
 * lost. */
#include "cli/explain_records.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/explain_words.h"

enum { LINE_BYTES_MAX = 256 << 20 };

static const char *text_of(const cJSON *item, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, key);
    return cJSON_IsString(value) ? value->valuestring : "";
}

/* A count of a record; 0 where it is none. */
static uint32_t number_of(const cJSON *item, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, key);
    bool fits = cJSON_IsNumber(value) && value->valuedouble >= 0 && value->valuedouble < UINT32_MAX - 1.0;
    return fits ? (uint32_t)value->valuedouble : 0;
}

static void show_evidence(struct ct_sheet *sheet, const cJSON *e)
{
    const cJSON *because = cJSON_GetObjectItemCaseSensitive(e, "because");
    ct_sheet_format(sheet, CT_INK_PLAIN, "message %u", number_of(e, "message") + 1);
    if (number_of(e, "end")) {
        ct_sheet_format(sheet, CT_INK_DIM, ", bytes %u-%u", number_of(e, "begin"), number_of(e, "end"));
    }
    ct_sheet_text(sheet, CT_INK_PLAIN, ": ");
    ct_sheet_text(sheet, CT_INK_MARK, text_of(e, "signal"));
    if (*text_of(e, "rule")) {
        ct_sheet_text(sheet, CT_INK_DIM, " by ");
        ct_sheet_text(sheet, CT_INK_DIM, text_of(e, "rule"));
        ct_sheet_text(sheet, CT_INK_DIM, ", ");
        ct_sheet_text(sheet, CT_INK_DIM, text_of(e, "pack"));
    } else {
        ct_sheet_text(sheet, CT_INK_DIM, ", a fact of the platform");
    }
    if (cJSON_IsObject(because)) {
        ct_sheet_text(sheet, CT_INK_DIM, ", because of ");
        ct_sheet_text(sheet, CT_INK_DIM, text_of(because, "signal"));
        ct_sheet_format(sheet, CT_INK_DIM, " in message %u", number_of(because, "message") + 1);
    }
    ct_sheet_line(sheet);
}

/* The n-th element; a chain of pointers is what cJSON has. */
static const cJSON *evidence_at(const cJSON *evidence, const cJSON *reference)
{
    const cJSON *place = cJSON_GetObjectItemCaseSensitive(reference, "evidence");
    return cJSON_IsNumber(place) ? cJSON_GetArrayItem(evidence, place->valueint) : NULL;
}

static enum ct_outcome outcome_from(const char *text)
{
    for (int i = 0; i < CT_OUTCOME_COUNT; i++) {
        if (strcmp(text, ct_outcome_text((enum ct_outcome)i)) == 0) {
            return (enum ct_outcome)i;
        }
    }
    return CT_OUTCOME_COUNT;
}

static void show_field(struct ct_sheet *sheet, const cJSON *record, const char *name, const char *key)
{
    if (*text_of(record, key)) {
        ct_sheet_text(sheet, CT_INK_PLAIN, sheet->column ? ", " : "");
        ct_sheet_format(sheet, CT_INK_DIM, "%s ", name);
        ct_sheet_text(sheet, CT_INK_PLAIN, text_of(record, key));
    }
}

static void show_head(struct ct_sheet *sheet, const cJSON *record)
{
    ct_sheet_text(sheet, CT_INK_BOLD, "Conversation ");
    ct_sheet_text(sheet, CT_INK_BOLD, text_of(record, "conversation_id"));
    if (number_of(record, "session") > 1) {
        ct_sheet_format(sheet, CT_INK_BOLD, ", session %u", number_of(record, "session"));
    }
    ct_sheet_line(sheet);
    show_field(sheet, record, "customer", "user_id");
    show_field(sheet, record, "channel", "channel");
    show_field(sheet, record, "language", "language");
    show_field(sheet, record, "bot", "bot");
    show_field(sheet, record, "tenant", "tenant");
    show_field(sheet, record, "from", "started_at");
    show_field(sheet, record, "to", "ended_at");
    ct_sheet_line(sheet);
    ct_sheet_line(sheet);
}

static void show_why_not(struct ct_sheet *sheet, const cJSON *record)
{
    const cJSON *item, *escalation = cJSON_GetObjectItemCaseSensitive(record, "escalation");
    struct ct_verdict_facts facts = {
        .outcome = outcome_from(text_of(record, "outcome")),
        .abandoned_at =
            strcmp(text_of(record, "abandoned_at"), "question") == 0 ? CT_ABANDONED_QUESTION : CT_ABANDONED_NOT,
        .announced = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(escalation, "announced"))};
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(record, "beaten"))
    {
        enum ct_outcome lost = outcome_from(text_of(item, "outcome"));
        if (lost < CT_OUTCOME_COUNT) {
            facts.spoke[lost] = number_of(item, "message") + 1;
        }
    }
    const cJSON *decided = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(record, "decided_by"), 0);
    facts.decided = decided ? number_of(decided, "message") + 1 : 0;
    if (facts.outcome < CT_OUTCOME_COUNT) {
        ct_sheet_why_not(sheet, &facts);
    }
}

static void show(struct ct_sheet *sheet, const cJSON *record)
{
    const cJSON *evidence = cJSON_GetObjectItemCaseSensitive(record, "evidence"), *item;
    const cJSON *resolved = cJSON_GetObjectItemCaseSensitive(record, "resolved");
    const char *name = "Signals";
    show_head(sheet, record);
    cJSON_ArrayForEach(item, evidence)
    {
        ct_sheet_name(sheet, name);
        show_evidence(sheet, item);
        name = "";
    }
    ct_sheet_name(sheet, "Outcome");
    ct_sheet_text(sheet, CT_INK_BOLD, text_of(record, "outcome"));
    ct_sheet_text(sheet, CT_INK_PLAIN, ": ");
    ct_sheet_text(sheet, CT_INK_PLAIN, ct_outcome_words(outcome_from(text_of(record, "outcome")), CT_LANG_EN));
    ct_sheet_line(sheet);
    name = "Because";
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(record, "decided_by"))
    {
        const cJSON *e = evidence_at(evidence, item);
        if (e) {
            ct_sheet_name(sheet, name);
            show_evidence(sheet, e);
            name = "";
        }
    }
    if (*name) {
        ct_sheet_name(sheet, name);
        ct_sheet_text(sheet, CT_INK_PLAIN, "no signal decides it: it is how the conversation was left");
        ct_sheet_line(sheet);
    }
    show_why_not(sheet, record);
    ct_sheet_name(sheet, "Resolved");
    ct_sheet_text(sheet, CT_INK_PLAIN, cJSON_IsTrue(resolved) ? "yes" : cJSON_IsFalse(resolved) ? "no" : "not known");
    ct_sheet_line(sheet);
}

/* The next line, without its end; one over the limit is passed over and has *len 0. false = the end. */
static bool next_line(FILE *file, char **line, size_t *capacity, size_t *len, bool *too_long)
{
    int c;
    *len = 0;
    *too_long = false;
    while ((c = getc_unlocked(file)) != EOF && c != '\n') {
        if (*len >= LINE_BYTES_MAX || *too_long) {
            *too_long = true;
            continue;
        }
        if (*len + 1 >= *capacity) {
            size_t more = *capacity ? *capacity * 2 : 65536;
            char *larger = realloc(*line, more);
            if (!larger) {
                *too_long = true;
                continue;
            }
            *line = larger;
            *capacity = more;
        }
        (*line)[(*len)++] = (char)c;
    }
    if (*line) {
        (*line)[*len] = '\0';
    }
    return c != EOF || *len || *too_long;
}

/* Can the id stand in a line of JSON in no other way than as it is? Then a line without it needs no parsing. */
static bool is_plain(const char *id)
{
    size_t len = strlen(id);
    return len && strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:@+ ") == len;
}

int ct_explain_records(const struct ct_command *command, const char *path, const char *id, bool json)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char *line = NULL;
    size_t capacity = 0, len, found = 0;
    unsigned long number = 0, bad = 0;
    bool too_long, plain = is_plain(id);
    if (!file) {
        return ct_options_fail(command, CT_EXIT_USAGE, "cannot open %s: %s", path, strerror(errno));
    }
    struct ct_out out;
    struct ct_sheet sheet;
    ct_out_init_file(&out, stdout);
    ct_sheet_init(&sheet, &out);
    while (next_line(file, &line, &capacity, &len, &too_long)) {
        number++;
        if (!too_long && (!len || (plain && !memmem(line, len, id, strlen(id))))) {
            continue;
        }
        bool sound = !too_long && ct_utf8_valid((ct_span){line, len}, NULL);
        cJSON *record = sound ? cJSON_ParseWithLength(line, len) : NULL;
        if (!record) {
            bad++;
            fprintf(stderr, "%s:%lu: %s\n", path, number,
                    too_long ? "record_too_long"
                    : sound  ? "bad_json"
                             : "invalid_utf8");
        } else if (strcmp(text_of(record, "conversation_id"), id) == 0) {
            if (json) {
                ct_out_bytes(&out, line, len);
                ct_out_char(&out, '\n');
            } else {
                if (found) {
                    ct_sheet_line(&sheet);
                }
                show(&sheet, record);
            }
            found++;
        }
        cJSON_Delete(record);
    }
    bool good = !ferror(file);
    free(line);
    if (file != stdin) {
        fclose(file);
    }
    enum ct_status written = ct_out_done(&out);
    if (!good) {
        return ct_options_fail(command, CT_EXIT_USAGE, "cannot read %s", path);
    }
    if (!found) {
        return ct_options_fail(command, CT_EXIT_REFUSED, "there is no conversation \"%s\" in %s%s", id, path,
                               bad ? " (some lines are no records)" : "");
    }
    if (written != CT_OK || fflush(stdout) != 0) {
        return ct_options_fail(command, CT_EXIT_OUTPUT, "cannot write standard output");
    }
    return bad ? CT_EXIT_REFUSED : CT_EXIT_DONE;
}
