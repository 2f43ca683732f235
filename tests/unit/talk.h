/* talk.h - tells a conversation line by line to ct_conversation and looks at what came of it. The rules are the shipped
 * core and a toy language of a few fixed phrases, so that nothing here depends on how well a real language's patterns
 * do.
 */
#ifndef TALK_H
#define TALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/conversation.h"
#include "engine/cost.h"

static const char toy[] =
    "pack: toy\nversion: 1.0.0\nlanguage: xx\nextends: core\n"
    "signals:\n"
    "  bot.shadow_survey: {role: bot, means: survey_csat}\n"
    "  user.early: {role: user}\n"
    "  user.late: {role: user}\n"
    "  user.second: {role: user}\n"
    "  user.many: {role: user}\n"
    "  user.word: {role: user}\n"
    "score_words: {excellent: 5, awful: 1}\n"
    "rules:\n"
    "  - {id: toy.human, implements: human_request, any: ['\\bhuman please\\b']}\n"
    "  - {id: toy.refuse, implements: human_refused, any: ['\\bno human\\b']}\n"
    "  - {id: toy.thanks, implements: thanks, any: ['\\bthanks\\b']}\n"
    "  - {id: toy.yes, implements: affirm, any: ['^yes\\b']}\n"
    "  - {id: toy.no, implements: deny, any: ['^no\\b']}\n"
    "  - {id: toy.bye, implements: goodbye, any: ['\\bbye\\b']}\n"
    "  - {id: toy.wrong, implements: wrong_answer, any: ['\\bwrong\\b']}\n"
    "  - {id: toy.resolved, implements: resolved, any: ['\\bit works\\b']}\n"
    "  - {id: toy.broken, implements: not_resolved, any: ['\\bdoes not work\\b']}\n"
    "  - {id: toy.all, implements: no_more, any: ['\\bthat is all\\b']}\n"
    "  - {id: toy.lost, implements: fallback, any: ['\\bpardon\\b']}\n"
    "  - {id: toy.handoff, implements: handoff, any: ['\\btransferring you\\b']}\n"
    "  - {id: toy.offer, implements: handoff_offer, any: ['\\bwant a human\\b']}\n"
    "  - {id: toy.nobody, implements: handoff_failed, any: ['\\bnobody is free\\b']}\n"
    "  - {id: toy.csat, implements: survey_csat, any: ['\\brate us\\b']}\n"
    "  - {id: toy.nps, implements: survey_nps, any: ['\\brecommend us\\b']}\n"
    "  - {id: toy.ces, implements: survey_ces, any: ['\\bhow hard\\b']}\n"
    "  - {id: toy.more, implements: closing_question, any: ['\\banything else\\b']}\n"
    "  - {id: toy.solved, implements: solved_question, any: ['\\bdid it help\\b']}\n"
    "  - {id: toy.form, implements: form_question, any: ['\\byour name\\b']}\n"
    "  - {id: toy.shadow, emit: user.human_request, role: user, level: 4, any: ['\\bshadow\\b']}\n"
    "  - {id: toy.shadow_csat, emit: bot.survey_csat, role: bot, level: 3, any: ['\\bgrade\\b']}\n"
    "  - {id: toy.early, emit: user.early, role: user, within: {first: 1m}, any: ['\\bmark\\b']}\n"
    "  - {id: toy.late, emit: user.late, role: user, within: {last: 1m}, any: ['\\bmark\\b']}\n"
    "  - {id: toy.second, emit: user.second, role: user, turn: {min_user: 2, max_user: 2}, any: ['\\bmark\\b']}\n"
    "  - {id: toy.word, emit: user.word, role: user, any: ['\\bword\\b']}\n"
    "  - {id: toy.many, signal: user.word, at_least: 3, within_turns: 4, emit: user.many}\n";

static struct ct_ruleset *rules;
static struct ct_matcher *matcher;
static struct ct_conversation *conversation;

static char *read_core(size_t *len)
{
    FILE *file = fopen(CT_SOURCE_DIR "/rules/core.yaml", "re");
    char *bytes = malloc(1 << 20);
    assert_non_null(file);
    assert_non_null(bytes);
    *len = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

/* The toy, and a pack of the test's own where there is one. */
static int load_with(ct_span own)
{
    size_t len;
    struct ct_error err = {0};
    char *core = read_core(&len);
    struct ct_pack_source packs[] = {{CT_SPAN_LIT("core.yaml"), {core, len}},
                                     {CT_SPAN_LIT("toy.yaml"), {toy, sizeof toy - 1}},
                                     {CT_SPAN_LIT("own.yaml"), own}};
    rules = ct_ruleset_load(packs, own.len ? 3 : 2, NULL, &err);
    free(core);
    if (!rules) {
        print_error("%s:%u: %s\n", err.file, err.line, err.text);
        return -1;
    }
    matcher = ct_matcher_new(rules);
    return matcher ? 0 : -1;
}

static inline int load(void **state)
{
    (void)state;
    return load_with(CT_SPAN_NONE);
}

static int unload(void **state)
{
    (void)state;
    ct_conversation_free(conversation);
    ct_matcher_free(matcher);
    ct_ruleset_unref(rules);
    return 0;
}

/* ---- telling ---- */

#define T0 ((ct_usec)1772323200 * CT_USEC_PER_SECOND) /* 2026-03-01T00:00:00Z */
enum { UNTIMED = -1 };

static enum ct_handoff_phase phase_from(const char *text, size_t len)
{
    static const char *const names[] = {
#define X(name, text) text,
        CT_PHASE_MAP(X)
#undef X
    };
    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++) {
        if (ct_span_is((ct_span){text, len}, names[i])) {
            return (enum ct_handoff_phase)i;
        }
    }
    fail_msg("no phase %.*s", (int)len, text);
    return CT_PHASE_NONE;
}

/* "!close" "!reopen" "!handoff:failed" "!tool:name" "!label:resolved=true" "!feedback:csat=4/5" "!media" "!by:user" */
static void read_mark(struct ct_message *m, struct ct_tool_call *call, const char *mark, size_t len)
{
    const char *colon = memchr(mark, ':', len), *equals = memchr(mark, '=', len), *end = mark + len;
    const char *slash = equals ? memchr(equals, '/', (size_t)(end - equals)) : NULL;
    ct_span kind = {mark, colon ? (size_t)(colon - mark) : len};
    ct_span name = colon ? (ct_span){colon + 1, (size_t)((equals ? equals : end) - colon - 1)} : CT_SPAN_NONE;
    ct_span value = equals ? (ct_span){equals + 1, (size_t)((slash ? slash : end) - equals - 1)} : CT_SPAN_NONE;
    if (ct_span_is(kind, "tool")) {
        call->name = name;
        m->tool_calls = call;
        m->tool_call_count = 1;
    } else if (ct_span_is(kind, "by")) {
        m->event.by = name;
    } else if (ct_span_is(kind, "handoff")) {
        m->event.type = CT_EVENT_HANDOFF;
        m->event.phase = phase_from(name.at, name.len);
    } else if (ct_span_is(kind, "media")) {
        m->event.type = CT_EVENT_OTHER;
        m->event.name = kind;
    } else {
        m->event.type = ct_span_is(kind, "close")    ? CT_EVENT_CLOSE
                        : ct_span_is(kind, "reopen") ? CT_EVENT_REOPEN
                        : ct_span_is(kind, "label")  ? CT_EVENT_LABEL
                                                     : CT_EVENT_FEEDBACK;
        m->event.name = name;
        m->event.value = value;
        m->event.scale_max = slash ? atoi(slash + 1) : 0;
    }
}

static unsigned duplicates;

/* "u+5 !mark hello": role (u b a s t), seconds since the line before ("u?" = no time), marks, text. */
static void tell(const char *line, size_t len, ct_usec *now)
{
    static const char roles[] = "?ubast";
    struct ct_message m;
    struct ct_tool_call call = {0};
    const char *at = line + 1, *end = line + len;
    bool duplicate;
    ct_message_init(&m);
    m.conversation_id = CT_SPAN_LIT("c");
    m.role = (enum ct_role)(strchr(roles, *line) - roles);
    if (at < end && *at == '+') {
        char *rest;
        *now += (ct_usec)(strtod(at + 1, &rest) * 1e6);
        at = rest;
    }
    m.ts = *now;
    if (at < end && *at == '?') {
        m.ts = CT_USEC_NONE;
        at++;
    }
    at += at < end;
    while (at < end && *at == '!') {
        const char *space = memchr(at, ' ', (size_t)(end - at));
        read_mark(&m, &call, at + 1, (size_t)((space ? space : end) - at - 1));
        at = space ? space + 1 : end;
    }
    m.text = (ct_span){at, (size_t)(end - at)};
    assert_int_equal(ct_conversation_append(conversation, &m, &duplicate), CT_OK);
    duplicates += duplicate;
}

static const struct ct_record *talk_with(const struct ct_conversation_options *options, const char *text)
{
    ct_usec now = T0;
    ct_conversation_free(conversation);
    conversation = ct_conversation_new(rules, matcher, options);
    assert_non_null(conversation);
    duplicates = 0;
    while (*text) {
        size_t len = strcspn(text, "\n");
        tell(text, len, &now);
        text += len + (text[len] == '\n');
    }
    const struct ct_record *record = ct_conversation_close(conversation);
    assert_non_null(record);
    return record;
}

static const struct ct_record *talk(const char *text)
{
    return talk_with(NULL, text);
}

static inline void expect(const char *text, enum ct_outcome outcome, enum ct_tri resolved)
{
    const struct ct_record *record = talk(text);
    if (record->outcome != outcome || record->resolved != resolved) {
        fail_msg("%s\nis %s, resolved %d; %s and %d are due", text, ct_outcome_text((enum ct_outcome)record->outcome),
                 record->resolved, ct_outcome_text(outcome), resolved);
    }
}

static inline bool has(const struct ct_record *record, const char *signal)
{
    const uint16_t *signals = ct_record_array(record, record->signals);
    int index = ct_ruleset_signal(rules, ct_span_of(signal));
    assert_true(index >= 0);
    for (uint32_t i = 0; i < record->signals.count; i++) {
        if (signals[i] == index) {
            return true;
        }
    }
    return false;
}

static inline double seconds(ct_usec usec)
{
    return usec == CT_USEC_NONE ? -1 : (double)usec / 1e6;
}
#define assert_seconds(usec, want) assert_true(seconds(usec) == (double)(want))

/* The first evidence that decided. */
static inline const struct ct_evidence *decided(const struct ct_record *record)
{
    const struct ct_evidence *all = ct_record_array(record, record->evidence);
    const uint32_t *by = ct_record_array(record, record->decided_by);
    return record->decided_by.count ? &all[by[0]] : NULL;
}

/* The message (0-based) that spoke for an outcome that lost; -1 = none. */
static inline int beaten(const struct ct_record *record, enum ct_outcome outcome)
{
    const struct ct_evidence *all = ct_record_array(record, record->evidence);
    const struct ct_beaten *list = ct_record_array(record, record->beaten);
    for (uint32_t i = 0; i < record->beaten.count; i++) {
        if (list[i].outcome == outcome) {
            return (int)all[list[i].evidence].message;
        }
    }
    return -1;
}

#endif
