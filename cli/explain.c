/* explain.c - `convtap explain ID`: one conversation with every signal at its place, what decided its outcome, and what
 * lost and why. The work is an ordinary audit's; this only looks on (batch.h, ct_batch_watch), so what is shown is what
 * counted.
 */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/explain_records.h"
#include "cli/explain_show.h"
#include "cli/session.h"
#include "sinks/records.h"

static const struct ct_command *const self = &ct_command_explain;

enum { TEXT_KEPT_BYTES = 65536 }; /* what the rules look at */

/* The messages of one record. */
struct shown {
    uint64_t conversation_hash, content_hash;
    struct ct_shown_message *messages;
    size_t count, capacity;
};

struct watching {
    const struct ct_ruleset *rules;
    struct shown open; /* explain runs on one thread: one conversation is open at a time */
    struct shown *closed;
    size_t closed_count;
    char **records; /* flat records, copied */
    size_t record_count;
    bool failed;
};

/* ---- looking on ----------------------------------------------------------------------------------------------------
 */

static char *note_of(const struct ct_message *m)
{
    static const char *const events[] = {
#define X(name, text) [CT_EVENT_##name] = text,
        CT_EVENT_MAP(X)
#undef X
    };
    static const char *const phases[] = {
#define X(name, text) [CT_PHASE_##name] = text,
        CT_PHASE_MAP(X)
#undef X
    };
    char *note = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&note, &len);
    if (!to) {
        return NULL;
    }
    for (size_t i = 0; i < m->tool_call_count && i < 20; i++) {
        fprintf(to, "%s%.*s", i ? ", " : "[calls ", (int)m->tool_calls[i].name.len, m->tool_calls[i].name.at);
    }
    if (m->tool_call_count > 20) {
        fprintf(to, " and %zu more", m->tool_call_count - 20);
    }
    if (m->tool_call_count) {
        fputc(']', to);
    }
    if (m->event.type != CT_EVENT_NONE) {
        fprintf(to, "%s[%s", m->tool_call_count ? " " : "", events[m->event.type]);
        if (m->event.phase != CT_PHASE_NONE) {
            fprintf(to, " %s", phases[m->event.phase]);
        }
        if (m->event.name.len) {
            fprintf(to, " %.*s", (int)m->event.name.len, m->event.name.at);
        }
        if (m->event.value.len) {
            fprintf(to, " = %.*s", (int)m->event.value.len, m->event.value.at);
        }
        if (m->event.by.len) {
            fprintf(to, " by %.*s", (int)m->event.by.len, m->event.by.at);
        }
        fputc(']', to);
    }
    return fclose(to) == 0 ? note : NULL;
}

static void on_message(void *context, unsigned worker, const struct ct_message *m)
{
    struct watching *w = context;
    struct shown *open = &w->open;
    (void)worker;
    if (open->count == open->capacity) {
        size_t capacity = open->capacity ? open->capacity * 2 : 64;
        struct ct_shown_message *messages = realloc(open->messages, capacity * sizeof *messages);
        if (!messages) {
            w->failed = true;
            return;
        }
        open->messages = messages;
        open->capacity = capacity;
    }
    size_t kept = m->text.len < TEXT_KEPT_BYTES ? m->text.len : TEXT_KEPT_BYTES;
    char *text = malloc(kept + 1), *note = note_of(m);
    if (!text || !note) {
        free(text);
        free(note);
        w->failed = true;
        return;
    }
    memcpy(text, m->text.len ? m->text.at : "", kept);
    open->messages[open->count++] = (struct ct_shown_message){
        .role = m->role, .ts = m->ts, .text = {text, kept}, .text_len = m->text.len, .note = note};
}

static void shown_done(struct shown *shown)
{
    for (size_t i = 0; i < shown->count; i++) {
        free((char *)(uintptr_t)shown->messages[i].text.at);
        free(shown->messages[i].note);
    }
    free(shown->messages);
    *shown = (struct shown){0};
}

static void on_closed(void *context, unsigned worker, const struct ct_record *record)
{
    struct watching *w = context;
    (void)worker;
    struct shown *closed = realloc(w->closed, (w->closed_count + 1) * sizeof *closed);
    if (!closed) {
        w->failed = true;
        shown_done(&w->open);
        return;
    }
    w->closed = closed;
    w->closed[w->closed_count] = w->open;
    w->closed[w->closed_count].conversation_hash = record->conversation_hash;
    w->closed[w->closed_count++].content_hash = record->content_hash;
    w->open = (struct shown){0};
}

static void on_record(void *context, const struct ct_record *record)
{
    struct watching *w = context;
    char **records = realloc(w->records, (w->record_count + 1) * sizeof *records);
    char *copy = malloc(record->bytes);
    w->records = records ? records : w->records;
    if (!records || !copy) {
        free(copy);
        w->failed = true;
        return;
    }
    memcpy(copy, record, record->bytes);
    w->records[w->record_count++] = copy;
}

static void watching_done(struct watching *w)
{
    shown_done(&w->open);
    for (size_t i = 0; i < w->closed_count; i++) {
        shown_done(&w->closed[i]);
    }
    for (size_t i = 0; i < w->record_count; i++) {
        free(w->records[i]);
    }
    free(w->closed);
    free(w->records);
}

/* ---- showing -------------------------------------------------------------------------------------------------------
 */

static int show(const struct watching *w, bool json)
{
    struct ct_out out;
    struct ct_sheet sheet;
    ct_out_init_file(&out, stdout);
    ct_sheet_init(&sheet, &out);
    for (size_t i = 0; i < w->record_count; i++) {
        const struct ct_record *record = (const struct ct_record *)(const void *)w->records[i];
        const struct shown none = {0}, *shown = &none;
        for (size_t c = 0; c < w->closed_count && shown == &none; c++) {
            bool same = w->closed[c].conversation_hash == record->conversation_hash &&
                        w->closed[c].content_hash == record->content_hash;
            shown = same ? &w->closed[c] : shown;
        }
        if (json) {
            ct_records_write(&out, w->rules, record);
            continue;
        }
        if (i) {
            ct_sheet_line(&sheet);
        }
        ct_explain_show(&sheet, w->rules, record, shown->messages, shown->count);
    }
    return ct_out_done(&out) == CT_OK && fflush(stdout) == 0
               ? -1
               : ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output");
}

/* ---- the run
 * ------------------------------------------------------------------------------------------------------------------ */

static int explain(struct ct_session *s, const char *id, bool json)
{
    struct watching w = {.rules = s->rules};
    struct ct_batch_watch watch = {.conversation_id = ct_span_of(id),
                                   .context = &w,
                                   .message = on_message,
                                   .closed = on_closed,
                                   .record = on_record};
    struct ct_batch_result result;
    struct ct_error err = {0};
    s->batch.watch = &watch;
    enum ct_status status = ct_batch_run(&s->batch, &s->inputs, &result, &err);
    int code = -1;
    if (status != CT_OK) {
        code = ct_session_fail(self, status, &err);
    } else {
        ct_session_report(&result, 5);
        if (w.failed) {
            code = ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
        } else if (!w.record_count) {
            code = ct_options_fail(self, CT_EXIT_REFUSED, "there is no conversation \"%s\" in the input%s", id,
                                   result.events ? " (business events have no messages)" : "");
        } else {
            code = show(&w, json);
        }
        if (code < 0) {
            code = result.refused ? CT_EXIT_REFUSED : CT_EXIT_DONE;
        }
        ct_batch_done(&result);
    }
    watching_done(&w);
    return code;
}

static int run(int argc, char **argv)
{
    struct ct_session_arguments a = CT_SESSION_DEFAULTS;
    bool json = false;
    const char *records = NULL;
    const struct ct_cli_option options[] = {
        {"records", "FILE", CT_OPT_TEXT, &records, 0, 0,
         "Explain from the records that audit --conversations wrote, without the transcripts (and so without texts)."},
        {"json", NULL, CT_OPT_FLAG, &json, 0, 0, "The conversation's record as a JSON line."},
        CT_SESSION_OPTIONS(&a),
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0;
    struct ct_session session = {0};
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0 && !word_count) {
        code = ct_options_fail(self, CT_EXIT_USAGE, "which conversation? convtap explain ID INPUT...");
    }
    if (code < 0 && records) {
        code = word_count > 1 ? ct_options_fail(self, CT_EXIT_USAGE, "--records takes no other input")
                              : ct_explain_records(self, records, words[0], json);
    } else if (code < 0) {
        code = ct_session_open(&session, self, &a, words + 1, word_count - 1);
        if (code < 0) {
            code = explain(&session, words[0], json);
        }
        ct_session_close(&session);
    }
    free(words);
    return code;
}

const struct ct_command ct_command_explain = {
    .name = "explain",
    .arguments = "ID INPUT...",
    .summary = "Shows one conversation with each signal at its place, what decided its outcome, and what lost and why.",
    .details = "convtap explain ID INPUT...          from the transcripts\n"
               "convtap explain ID --records FILE    from what audit --conversations FILE wrote",
    .run = run,
};
