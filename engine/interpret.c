/* interpret.c - what the rules make of one message, in their order: platform events, patterns, context, value, count,
 * repeat (there is no fixpoint: it always ends). Called by ct_conversation_append; leaves evidence behind.
 */
#include "engine/conversation_state.h"
#include "engine/word.h"

enum {
    LANGUAGE_TEXTS = 4,       /* customer messages that are enough to tell the language ... */
    LANGUAGE_WORDS = 4,       /* ... and small words in them that are, if no other language has half as many */
    COMMENT_WORDS = 4,        /* of an answer to a survey that is more than its score */
    LATE_WORDS_BYTES_MAX = 12 /* of a late answer in words: "excelente", "muy bien" */
};

/* ---- emitting -------------------------------------------------------------------------------------------------- */

/* Where a rule's signal comes from, on the message that is being appended. */
struct origin {
    uint16_t rule; /* UINT16_MAX = built-in fact */
    uint8_t level;
    uint32_t begin, end;
    uint32_t because;
    int8_t polarity;
};

static uint32_t emit(struct ct_conversation *c, uint16_t signal, struct origin origin)
{
    uint32_t index = c->evidence.count;
    struct ct_evidence *e = ct_vector_push(&c->evidence, sizeof *e, CT_CONVERSATION_EVIDENCE_ROOM);
    if (!e) {
        c->failed = true;
        return CT_NO_INDEX;
    }
    uint32_t message = c->facts.count - 1;
    const struct ct_fact *fact = &ct_facts(c)[message];
    *e = (struct ct_evidence){.message = message,
                              .begin = origin.begin,
                              .end = origin.end,
                              .signal = signal,
                              .rule = origin.rule,
                              .because = origin.because,
                              .level = origin.level,
                              .polarity = origin.polarity};
    if (origin.level > c->rules->scoring_level) { /* tried in the shadow: no other rule may lean on it */
        return index;
    }
    c->seen[signal] = (struct ct_seen){index, message, fact->turn, fact->ts};
    switch (c->rules->signals[signal].means) {
    case CT_MEANS_HUMAN_REQUESTED:
    case CT_MEANS_HANDOFF_ANNOUNCED:
    case CT_MEANS_HANDOFF_PERFORMED:
        c->person_expected = true;
        break;
    case CT_MEANS_HUMAN_REFUSED:
        c->person_expected &= c->head.agent_messages > 0;
        break;
    case CT_MEANS_HANDOFF_RETURNED:
        c->person_expected = false;
        break;
    default:
        break;
    }
    if (c->asked_in[signal] & 1) {
        c->context_question = message;
    }
    if (c->asked_in[signal] & 2) {
        c->value_question = message;
    }
    return index;
}

static bool on_this_message(const struct ct_conversation *c, uint16_t signal)
{
    return c->seen[signal].evidence != CT_NO_INDEX && c->seen[signal].message == c->facts.count - 1;
}

/* The bounds every rule may carry. */
static bool in_bounds(const struct ct_conversation *c, const struct ct_rule *rule, const struct ct_fact *fact)
{
    if (rule->min_user_turn && c->head.user_messages < rule->min_user_turn) {
        return false;
    }
    if (rule->max_user_turn && c->head.user_messages > rule->max_user_turn) {
        return false;
    }
    if (rule->within_first != CT_USEC_NONE && fact->ts != CT_USEC_NONE && c->head.started_at != CT_USEC_NONE &&
        ct_usec_between(c->head.started_at, fact->ts) > rule->within_first) {
        return false;
    }
    return true; /* within.last needs the end: see too_early() */
}

static bool role_fits(const struct ct_rule *rule, enum ct_role role)
{
    return rule->role == CT_ROLE_UNKNOWN || rule->role == role;
}

/* ---- the rule kinds, in the order of docs/rules.md ----------------------------------------------------------------
 */

static int fold_letter(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter + 32 : letter;
}

static bool equal_fold(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (fold_letter(a[i]) != fold_letter(b[i])) {
            return false;
        }
    }
    return true;
}

/* `*` at either end of the wanted name stands for anything. */
static bool name_fits(ct_span want, ct_span name)
{
    bool head = want.len && want.at[0] == '*', tail = want.len > 1 && want.at[want.len - 1] == '*';
    ct_span middle = {want.at + head, want.len - head - tail};
    if (middle.len > name.len || (!head && !tail && middle.len != name.len)) {
        return false;
    }
    size_t first = 0, last = head ? name.len - middle.len : 0;
    if (head && !tail) {
        first = last;
    }
    for (size_t at = first; at <= last; at++) {
        if (equal_fold(name.at + at, middle.at, middle.len)) {
            return true;
        }
    }
    return false;
}

static bool event_fits(const struct ct_rule *rule, const struct ct_message *m)
{
    if (rule->tool_count) {
        for (size_t call = 0; call < m->tool_call_count; call++) {
            for (uint16_t i = 0; i < rule->tool_count; i++) {
                if (name_fits(rule->tools[i], m->tool_calls[call].name)) {
                    return true;
                }
            }
        }
        return false;
    }
    if (m->event.type == CT_EVENT_NONE || m->event.type != rule->event) {
        return false;
    }
    if (rule->phase != CT_PHASE_NONE && m->event.phase != rule->phase) {
        return false;
    }
    if (rule->event_name.len && !ct_span_eq(rule->event_name, m->event.name)) {
        return false;
    }
    for (uint16_t i = 0; i < rule->event_value_count; i++) {
        if (rule->event_values[i].len == m->event.value.len &&
            equal_fold(rule->event_values[i].at, m->event.value.at, m->event.value.len)) {
            return true;
        }
    }
    return rule->event_value_count == 0;
}

/* Does a CSAT score say that it went well? 1, 0 or -1: docs/outcomes.md. NPS and CES speak of other things. */
static int8_t polarity_of(enum ct_score_kind kind, const struct ct_score *score)
{
    int64_t span = (int64_t)score->scale_max - score->scale_min, above = ct_score_usual(score) - score->scale_min;
    if (kind != CT_SCORE_CSAT && kind != CT_SCORE_CSS) {
        return 0;
    }
    if (score->positive_from) {
        return ct_score_positive(score) ? 1 : above * 4 <= span ? -1 : 0;
    }
    if (score->scale_max == 10 ? score->scale_min + above >= 6 : above * 4 >= span * 3) {
        return 1;
    }
    return above * 4 <= span ? -1 : 0;
}

/* `score` in the rule's scale; returns its polarity. Taken over field by field: a record's padding stays zero, the same
 * messages make the same bytes. */
static int8_t take_score(struct ct_conversation *c, enum ct_score_kind kind, struct ct_score score, bool better_low)
{
    bool usually_low = kind == CT_SCORE_CES;
    score.turned = better_low != usually_low;
    if (kind == CT_SCORE_CSAT || kind == CT_SCORE_CSS) {
        score.positive_from = score.scale_max == 5 && score.scale_min == 1 ? c->rules->positive_of_5
                              : score.scale_max == 10                      ? c->rules->positive_of_10
                                                                           : 0;
    }
    int8_t polarity = polarity_of(kind, &score);
    struct ct_score *kept = &c->head.score[kind];
    kept->present = score.present;
    kept->turned = score.turned;
    kept->positive_from = score.positive_from;
    kept->value = score.value;
    kept->scale_min = score.scale_min;
    kept->scale_max = score.scale_max;
    kept->ts = score.ts;
    c->head.positive |= polarity > 0;
    c->head.negative |= polarity < 0;
    return polarity;
}

static bool integer_of(ct_span text, int32_t *out)
{
    ct_nano amount;
    if (!ct_money_parse(text, &amount) || amount % CT_NANO_PER_UNIT || amount / CT_NANO_PER_UNIT > 1000 ||
        amount / CT_NANO_PER_UNIT < -1000) {
        return false;
    }
    *out = (int32_t)(amount / CT_NANO_PER_UNIT);
    return true;
}

/* A score that the platform reports as a fact needs no survey before it. */
static void read_feedback(struct ct_conversation *c, const struct ct_message *m)
{
    enum ct_score_kind kind;
    int32_t value, low, high;
    if (!ct_score_kind_from(m->event.name, &kind) || !m->event.value.len) {
        return;
    }
    ct_score_kind_scale(kind, &low, &high);
    low = m->event.scale_min >= 0 ? m->event.scale_min : low;
    high = m->event.scale_max ? m->event.scale_max : high;
    struct origin origin = {.rule = UINT16_MAX, .level = 1, .because = CT_NO_INDEX};
    c->head.survey_asked[kind] = true;
    if (!integer_of(m->event.value, &value) || low >= high || value < low || value > high) {
        int unreadable = ct_ruleset_signal(c->rules, CT_SPAN_LIT("score.unreadable"));
        if (unreadable >= 0) {
            emit(c, (uint16_t)unreadable, origin);
        }
        return;
    }
    struct ct_score score = {.present = true, .value = value, .scale_min = low, .scale_max = high, .ts = m->ts};
    origin.polarity = take_score(c, kind, score, kind == CT_SCORE_CES);
    if (c->score_signal[kind] != UINT16_MAX) {
        emit(c, c->score_signal[kind], origin);
    }
}

static void run_events(struct ct_conversation *c, const struct ct_message *m, const struct ct_fact *fact)
{
    for (uint32_t i = c->event_begin; i < c->event_end; i++) {
        const struct ct_rule *rule = &c->rules->rules[i];
        if (event_fits(rule, m) && role_fits(rule, m->role) && in_bounds(c, rule, fact)) {
            emit(c, rule->emit, (struct origin){.rule = (uint16_t)i, .level = rule->level, .because = CT_NO_INDEX});
        }
    }
    if (m->event.type == CT_EVENT_FEEDBACK) {
        read_feedback(c, m);
    }
}

static void run_patterns(struct ct_conversation *c, const struct ct_message *m, const struct ct_fact *fact)
{
    const struct ct_hit *hits;
    size_t count = ct_matcher_run(c->matcher, m->role, m->text, &hits);
    for (size_t i = 0; i < count; i++) {
        const struct ct_rule *rule = &c->rules->rules[hits[i].rule];
        if (in_bounds(c, rule, fact)) {
            emit(c, rule->emit,
                 (struct origin){.rule = (uint16_t)hits[i].rule,
                                 .level = rule->level,
                                 .begin = hits[i].begin,
                                 .end = hits[i].end,
                                 .because = CT_NO_INDEX});
        }
    }
}

/* Is the question of `after` still standing for message number `message`? Only the newest question of its kind can
 * be. */
static bool standing(const struct ct_conversation *c, const struct ct_after *after, uint32_t newest, uint32_t message,
                     uint32_t turn, ct_usec ts)
{
    const struct ct_seen *seen = &c->seen[after->signal];
    if (seen->evidence == CT_NO_INDEX || seen->message != newest || seen->message >= message) {
        return false;
    }
    if (after->role != CT_ROLE_UNKNOWN && ct_facts(c)[seen->message].role != after->role) {
        return false;
    }
    if (after->max_turns && turn - seen->turn > after->max_turns) {
        return false;
    }
    return after->max_age == CT_USEC_NONE || ts == CT_USEC_NONE || seen->ts == CT_USEC_NONE ||
           ct_usec_between(seen->ts, ts) <= after->max_age;
}

static bool standing_here(const struct ct_conversation *c, const struct ct_after *after, uint32_t newest,
                          const struct ct_fact *fact)
{
    return standing(c, after, newest, c->facts.count - 1, fact->turn, fact->ts);
}

/* For a message of the customer that would come next. */
static bool standing_next(const struct ct_conversation *c, const struct ct_after *after, ct_usec ts)
{
    uint32_t turn = c->turn + (c->last_speaker != CT_ROLE_USER);
    return standing(c, after, c->value_question, c->facts.count, turn, ts);
}

bool ct_conversation_survey_open(const struct ct_conversation *c)
{
    for (uint32_t i = c->value_begin; i < c->value_end; i++) {
        if (c->rules->rules[i].level <= c->rules->scoring_level &&
            standing_next(c, &c->rules->rules[i].after, CT_USEC_NONE)) {
            return true;
        }
    }
    return false;
}

bool ct_conversation_answers_survey(struct ct_conversation *c, const struct ct_message *m)
{
    if (m->role != CT_ROLE_USER || !m->text.len || c->value_question == CT_NO_INDEX) {
        return false;
    }
    bool folded = false;
    for (uint32_t i = c->value_begin; i < c->value_end; i++) {
        struct ct_rule rule = c->rules->rules[i];
        int32_t value;
        uint32_t begin, end;
        if (rule.level > c->rules->scoring_level || !standing_next(c, &rule.after, m->ts)) {
            continue;
        }
        if (!folded) {
            const struct ct_hit *hits;
            (void)ct_matcher_run(c->matcher, m->role, m->text, &hits);
            folded = true;
        }
        if (m->text.len > LATE_WORDS_BYTES_MAX) { /* "good morning" is no score hours later */
            rule.from &= ~(unsigned)CT_FROM_WORDS;
        }
        if (ct_score_read(c->rules, &rule, m->text, ct_matcher_folded(c->matcher), &value, &begin, &end) ==
            CT_SCORE_READ) {
            return true;
        }
    }
    return false;
}

/* The evidence of a signal on the message that is being appended; CT_NO_INDEX = none. */
static uint32_t here(const struct ct_conversation *c, const struct ct_fact *fact, uint16_t signal, bool shadow_too)
{
    for (uint32_t i = fact->evidence_begin; i < c->evidence.count; i++) {
        const struct ct_evidence *e = &ct_evidence_of(c)[i];
        if (e->signal == signal && (shadow_too || e->level <= c->rules->scoring_level)) {
            return i;
        }
    }
    return CT_NO_INDEX;
}

static void run_context(struct ct_conversation *c, const struct ct_message *m, const struct ct_fact *fact)
{
    uint32_t question = c->context_question; /* an answer may itself be a question: it does not answer itself */
    for (uint32_t i = c->context_begin; i < c->context_end; i++) {
        const struct ct_rule *rule = &c->rules->rules[i];
        bool all = role_fits(rule, m->role) && rule->if_count > 0 && standing_here(c, &rule->after, question, fact) &&
                   in_bounds(c, rule, fact);
        for (uint16_t s = 0; all && s < rule->if_count; s++) {
            /* A rule that emits what it looks for raises it from the shadow: "that's all" counts under the closing
             * question only. */
            all = here(c, fact, rule->if_signals[s], rule->if_signals[s] == rule->emit) != CT_NO_INDEX;
        }
        if (all) {
            uint16_t first = rule->if_signals[0];
            const struct ct_evidence *answer = &ct_evidence_of(c)[here(c, fact, first, first == rule->emit)];
            emit(c, rule->emit,
                 (struct origin){.rule = (uint16_t)i,
                                 .level = rule->level,
                                 .begin = answer->begin,
                                 .end = answer->end,
                                 .because = c->seen[rule->after.signal].evidence});
        }
    }
}

static size_t words_in(ct_span folded)
{
    size_t count = 0, at = 0;
    ct_span word;
    while (ct_word_next(folded, &at, &word)) {
        count++;
    }
    return count;
}

static void run_values(struct ct_conversation *c, const struct ct_message *m, const struct ct_fact *fact)
{
    if (m->role != CT_ROLE_USER || !m->text.len || c->value_question == CT_NO_INDEX) {
        return;
    }
    ct_span folded = ct_matcher_folded(c->matcher);
    uint32_t question = c->value_question;
    for (uint32_t i = c->value_begin; i < c->value_end; i++) {
        const struct ct_rule *rule = &c->rules->rules[i];
        if (!in_bounds(c, rule, fact) || !standing_here(c, &rule->after, question, fact)) {
            continue;
        }
        bool scored = rule->level <= c->rules->scoring_level;
        int32_t value;
        uint32_t begin, end;
        struct origin origin = {
            .rule = (uint16_t)i, .level = rule->level, .because = c->seen[rule->after.signal].evidence};
        switch (ct_score_read(c->rules, rule, m->text, folded, &value, &begin, &end)) {
        case CT_SCORE_READ:
            origin.begin = begin;
            origin.end = end;
            if (scored) {
                struct ct_score score = {.present = true,
                                         .value = value,
                                         .scale_min = rule->scale_min,
                                         .scale_max = rule->scale_max,
                                         .ts = m->ts};
                origin.polarity = take_score(c, rule->score, score, rule->better_low);
            }
            emit(c, rule->emit, origin);
            if (scored && words_in(folded) >= COMMENT_WORDS) { /* "4, but it took you a week": said, not only scored */
                ct_conversation_comment(c, m->text);
            }
            if (scored) {
                c->seen[rule->after.signal].evidence = CT_NO_INDEX; /* answered: the next digit is no rating */
            }
            break;
        case CT_SCORE_UNREADABLE: {
            int unreadable = ct_ruleset_signal(c->rules, CT_SPAN_LIT("score.unreadable"));
            if (unreadable >= 0) {
                origin.end = (uint32_t)m->text.len;
                emit(c, (uint16_t)unreadable, origin);
            }
            break;
        }
        case CT_SCORE_ABSENT:
            break;
        }
    }
}

static void run_counts(struct ct_conversation *c, const struct ct_message *m, const struct ct_fact *fact)
{
    for (uint32_t i = c->count_begin; i < c->count_end; i++) {
        const struct ct_rule *rule = &c->rules->rules[i];
        if (!on_this_message(c, rule->count_signal) || !role_fits(rule, m->role) || !in_bounds(c, rule, fact)) {
            continue;
        }
        uint32_t found = 0, last_message = CT_NO_INDEX, first = CT_NO_INDEX;
        for (uint32_t at = c->evidence.count; at-- > 0 && found < rule->at_least;) {
            const struct ct_evidence *e = &ct_evidence_of(c)[at];
            if (rule->within_turns && fact->turn - ct_facts(c)[e->message].turn >= rule->within_turns) {
                break;
            }
            if (e->signal == rule->count_signal && e->message != last_message && e->level <= c->rules->scoring_level) {
                found++;
                last_message = e->message;
                first = at;
            }
        }
        if (found >= rule->at_least) { /* because of where the loop began */
            emit(c, rule->emit, (struct origin){.rule = (uint16_t)i, .level = rule->level, .because = first});
        }
    }
}

static void run_repeats(struct ct_conversation *c, const struct ct_message *m, const struct ct_fact *fact)
{
    if (c->repeat_begin == c->repeat_end || !m->text.len || m->role != CT_ROLE_USER) {
        return;
    }
    struct ct_repeat_entry entry = {.message = c->facts.count - 1};
    ct_tokens_of(ct_matcher_text(c->matcher), &entry.tokens);
    for (uint32_t i = c->repeat_begin; i < c->repeat_end; i++) {
        const struct ct_rule *rule = &c->rules->rules[i];
        if (!role_fits(rule, m->role) || !in_bounds(c, rule, fact)) {
            continue;
        }
        const struct ct_repeat_entry *before = c->tokens.at;
        for (uint32_t back = 0; back < c->tokens.count && back < rule->within_messages; back++) {
            const struct ct_repeat_entry *earlier = &before[c->tokens.count - 1 - back];
            if (ct_tokens_similar(&earlier->tokens, &entry.tokens, rule->similarity_percent)) {
                emit(c, rule->emit,
                     (struct origin){.rule = (uint16_t)i,
                                     .level = rule->level,
                                     .end = (uint32_t)m->text.len,
                                     .because = CT_NO_INDEX});
                break;
            }
        }
    }
    struct ct_repeat_entry *slot = ct_vector_push(&c->tokens, sizeof *slot, CT_CONVERSATION_MESSAGES_MAX);
    if (!slot) {
        c->failed = true;
        return;
    }
    *slot = entry;
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

/* Counts each language's small words in the customer's first messages, until one is clearly ahead. */
static void hear_language(struct ct_conversation *c)
{
    uint32_t first = 0, second = 0;
    ct_language_count(c->rules, ct_matcher_key(c->matcher), c->language_counts);
    for (size_t i = 0; i < c->rules->pack_count; i++) {
        uint32_t count = c->language_counts[i];
        second = count > first ? first : count > second ? count : second;
        first = count > first ? count : first;
    }
    bool clear = first >= LANGUAGE_WORDS && first > 2 * second;
    c->language_texts = clear ? LANGUAGE_TEXTS : c->language_texts + 1;
}

void ct_interpret(struct ct_conversation *c, const struct ct_message *m)
{
    const struct ct_fact fact = ct_facts(c)[c->facts.count - 1];
    if (m->event.type != CT_EVENT_NONE || m->tool_call_count) {
        run_events(c, m, &fact);
    }
    if (m->text.len) {
        run_patterns(c, m, &fact);
        if (m->role == CT_ROLE_USER && !c->text[CT_TEXT_LANGUAGE].len && c->language_texts < LANGUAGE_TEXTS) {
            hear_language(c);
        }
    }
    if (c->evidence.count > fact.evidence_begin && c->context_question != CT_NO_INDEX) {
        run_context(c, m, &fact);
    }
    run_values(c, m, &fact);
    if (c->evidence.count > fact.evidence_begin) {
        run_counts(c, m, &fact);
    }
    run_repeats(c, m, &fact);
    if (m->role == CT_ROLE_USER && m->text.len) {
        ct_question_take(c, m);
    }
}
