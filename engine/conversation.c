/* conversation.c - a conversation's life: begin, append (duplicates, times, turns, cost), close. Called by the pipeline
 * for each message in event order. The rules on each message are interpret.c's, the decision at close outcome.c's, the
 * record record.c's.
 */
#include "engine/business.h"
#include "engine/conversation_state.h"
#include "engine/fold.h"

#include <stdlib.h>

enum { TEXT_KEPT_BYTES = 1024, KNOWN_KEPT = 4096 };

void *ct_vector_push(struct ct_vector *vector, size_t size, uint32_t max)
{
    if (vector->count == vector->capacity) {
        uint32_t capacity = vector->capacity ? vector->capacity * 2 : 32;
        if (vector->count >= max) {
            return NULL;
        }
        void *at = realloc(vector->at, capacity * size);
        if (!at) {
            return NULL;
        }
        vector->at = at;
        vector->capacity = capacity;
    }
    return (char *)vector->at + size * vector->count++;
}

/* ---- life ---------------------------------------------------------------------------------------------------- */

static void find_ranges(struct ct_conversation *c)
{
    struct {
        uint32_t *begin, *end;
    } range[] = {[CT_RULE_CONTEXT] = {&c->context_begin, &c->context_end},
                 [CT_RULE_VALUE] = {&c->value_begin, &c->value_end},
                 [CT_RULE_COUNT] = {&c->count_begin, &c->count_end},
                 [CT_RULE_REPEAT] = {&c->repeat_begin, &c->repeat_end},
                 [CT_RULE_EVENT] = {&c->event_begin, &c->event_end}};
    for (uint32_t i = 0; i < c->rules->rule_count; i++) {
        enum ct_rule_kind kind = c->rules->rules[i].kind;
        if (kind == CT_RULE_PATTERN) {
            continue;
        }
        if (*range[kind].end == 0) {
            *range[kind].begin = i;
        }
        *range[kind].end = i + 1;
    }
}

struct ct_conversation *ct_conversation_new(const struct ct_ruleset *rules, struct ct_matcher *matcher,
                                            const struct ct_conversation_options *options)
{
    struct ct_conversation *c = calloc(1, sizeof *c);
    if (!c) {
        return NULL;
    }
    c->rules = rules;
    c->matcher = matcher;
    if (options) {
        c->options = *options;
    }
    if (c->options.idle_cap_usec <= 0) {
        c->options.idle_cap_usec = 30 * CT_USEC_PER_MINUTE;
    }
    ct_arena_init(&c->arena, 1024, 1u << 20);
    c->seen = calloc(rules->signal_count + 1, sizeof *c->seen);
    c->asked_in = calloc(rules->signal_count + 1, 1);
    c->language_counts = calloc(rules->pack_count + 1, sizeof *c->language_counts);
    if (!c->seen || !c->asked_in || !c->language_counts) {
        ct_conversation_free(c);
        return NULL;
    }
    find_ranges(c);
    for (size_t i = 0; i < rules->signal_count; i++) {
        c->seen[i].evidence = CT_NO_INDEX;
    }
    for (int kind = 0; kind < CT_SCORE_COUNT; kind++) {
        c->score_signal[kind] = UINT16_MAX;
    }
    for (uint32_t i = 0; i < rules->rule_count; i++) {
        const struct ct_rule *rule = &rules->rules[i];
        if (rule->kind == CT_RULE_CONTEXT) {
            c->asked_in[rule->after.signal] |= 1;
        } else if (rule->kind == CT_RULE_VALUE) {
            c->asked_in[rule->after.signal] |= 2;
            if (c->score_signal[rule->score] == UINT16_MAX) {
                c->score_signal[rule->score] = rule->emit;
            }
        }
    }
    ct_conversation_begin(c, 1);
    return c;
}

void ct_conversation_free(struct ct_conversation *c)
{
    if (!c) {
        return;
    }
    ct_arena_done(&c->arena);
    free(c->seen);
    free(c->asked_in);
    free(c->language_counts);
    free(c->facts.at);
    free(c->evidence.at);
    free(c->tokens.at);
    free(c->responses.at);
    free(c->sent.at);
    free(c->known);
    free(c->record);
    ct_folder_free(c->folder);
    free(c);
}

void ct_conversation_begin(struct ct_conversation *c, uint32_t session)
{
    for (uint32_t i = 0; i < c->evidence.count; i++) { /* only what was touched: a set may have thousands of signals */
        c->seen[ct_evidence_of(c)[i].signal].evidence = CT_NO_INDEX;
    }
    ct_arena_reset(&c->arena);
    ct_matcher_begin(c->matcher);
    if (c->known_capacity > KNOWN_KEPT && c->known_count < c->known_capacity / 16) {
        free(c->known); /* one giant must not make every conversation after it clear a giant's table */
        c->known = NULL;
        c->known_capacity = c->known_count = 0;
    }
    c->session = session;
    memset(c->text, 0, sizeof c->text);
    c->facts.count = c->evidence.count = c->tokens.count = c->responses.count = c->sent.count = 0;
    if (c->known_count) {
        memset(c->known, 0, c->known_capacity * sizeof *c->known);
        c->known_count = 0;
    }
    memset(c->language_counts, 0, (c->rules->pack_count + 1) * sizeof *c->language_counts);
    c->language_texts = 0;
    c->content_hash = c->id_hash = c->user_hash = c->tenant_hash = 0;
    c->turn = 0;
    c->last_speaker = CT_ROLE_UNKNOWN;
    c->context_question = c->value_question = CT_NO_INDEX;
    c->pending = false;
    c->pending_since = CT_USEC_NONE;
    c->pending_count = 0;
    c->open_comments = 0;
    c->facts_seen = c->untimed = c->failed = c->person_expected = false;
    memset(&c->head, 0, sizeof c->head);
    ct_cost_begin(&c->cost);
    struct ct_record *head = &c->head;
    head->started_at = head->ended_at = CT_USEC_NONE;
    head->asked_at = CT_USEC_NONE;
    head->requested_at = head->joined_at = head->wait_usec = head->queue_abandoned_usec = CT_USEC_NONE;
    head->resolved_at = head->complaint_at = CT_USEC_NONE;
    head->first_response_usec = head->human_first_response_usec = CT_USEC_NONE;
    head->ai_handling_usec = head->human_handling_usec = head->total_handling_usec = CT_USEC_NONE;
    head->next_contact_usec = head->next_any_usec = head->previous_any_usec = CT_USEC_NONE;
    head->resolved = head->first_contact = CT_NULL;
}

/* ---- duplicates ------------------------------------------------------------------------------------------------ */

/* What comes with a text: two events of one second are two, though neither says a word. */
static uint64_t mixed(uint64_t key, const struct ct_message *m)
{
    for (size_t i = 0; i < m->tool_call_count; i++) {
        key = ct_hash(m->tool_calls[i].id, ct_hash(m->tool_calls[i].name, key));
    }
    if (m->event.type != CT_EVENT_NONE) {
        uint64_t parts[3] = {key, m->event.type, m->event.phase};
        key = ct_hash((ct_span){(const char *)parts, sizeof parts}, 0xE4);
        key = ct_hash(m->event.value, ct_hash(m->event.name, ct_hash(m->event.by, key)));
    }
    return key;
}

/* A key that two copies of one message share; 0 = this message cannot be told from a repetition. */
static uint64_t message_key(const struct ct_message *m, uint64_t text_hash)
{
    uint64_t key = 0;
    if (m->id.len) {
        key = ct_hash(m->id, 0x1D);
    } else if (m->ts != CT_USEC_NONE) {
        uint64_t parts[3] = {(uint64_t)m->ts, m->role, text_hash};
        key = mixed(ct_hash((ct_span){(const char *)parts, sizeof parts}, 0x7E), m);
    } else {
        return 0;
    }
    return key ? key : 1;
}

/* true = new. */
static bool remember(struct ct_conversation *c, uint64_t key)
{
    if (c->known_count * 2 >= c->known_capacity) {
        uint32_t capacity = c->known_capacity ? c->known_capacity * 2 : 64;
        uint64_t *known = calloc(capacity, sizeof *known);
        if (!known) {
            c->failed = true;
            return true;
        }
        for (uint32_t i = 0; i < c->known_capacity; i++) {
            if (c->known[i]) {
                uint32_t at = (uint32_t)c->known[i] & (capacity - 1);
                while (known[at]) {
                    at = (at + 1) & (capacity - 1);
                }
                known[at] = c->known[i];
            }
        }
        free(c->known);
        c->known = known;
        c->known_capacity = capacity;
    }
    uint32_t at = (uint32_t)key & (c->known_capacity - 1);
    while (c->known[at]) {
        if (c->known[at] == key) {
            return false;
        }
        at = (at + 1) & (c->known_capacity - 1);
    }
    c->known[at] = key;
    c->known_count++;
    return true;
}

bool ct_conversation_knows(const struct ct_conversation *c, const struct ct_message *m)
{
    uint64_t key = message_key(m, ct_hash(m->text, 0xC0));
    if (!key || !c->known_capacity) {
        return false;
    }
    uint32_t at = (uint32_t)key & (c->known_capacity - 1);
    while (c->known[at] && c->known[at] != key) {
        at = (at + 1) & (c->known_capacity - 1);
    }
    return c->known[at] == key;
}

/* ---- appending --------------------------------------------------------------------------------------------------- */

static void keep_text(struct ct_conversation *c, enum ct_text_field field, ct_span text)
{
    if (c->text[field].len == 0 && text.len) {
        bool ok;
        size_t len = text.len;
        if (len > TEXT_KEPT_BYTES) { /* cut between two characters */
            for (len = TEXT_KEPT_BYTES; len > 0 && ((unsigned char)text.at[len] & 0xC0) == 0x80; len--) {
            }
        }
        c->text[field] = ct_arena_copy(&c->arena, (ct_span){text.at, len}, &ok);
        c->failed |= !ok;
    }
}

void ct_conversation_comment(struct ct_conversation *c, ct_span text)
{
    if (!text.len) {
        return;
    }
    c->head.comments++;
    c->open_comments++;
    if (c->options.keep_comments) {
        keep_text(c, CT_TEXT_COMMENT, text);
    }
}

static void keep_identity(struct ct_conversation *c, const struct ct_message *m)
{
    c->id_hash = c->id_hash ? c->id_hash : ct_hash(m->conversation_id, 0x1D);
    c->user_hash = c->user_hash || !m->user_id.len ? c->user_hash : ct_hash(m->user_id, CT_USER_SEED);
    c->tenant_hash = c->tenant_hash || !m->tenant.len ? c->tenant_hash : ct_hash(m->tenant, CT_TENANT_SEED);
    keep_text(c, CT_TEXT_CONVERSATION_ID, m->conversation_id);
    keep_text(c, CT_TEXT_USER_ID, m->user_id);
    keep_text(c, CT_TEXT_CHANNEL, m->channel);
    keep_text(c, CT_TEXT_LANGUAGE, m->language);
    keep_text(c, CT_TEXT_BOT, m->bot);
    keep_text(c, CT_TEXT_BOT_VERSION, m->bot_version);
    keep_text(c, CT_TEXT_TENANT, m->tenant);
    keep_text(c, CT_TEXT_SEGMENT, m->segment);
    keep_text(c, CT_TEXT_PRODUCT, m->product);
    keep_text(c, CT_TEXT_COUNTRY, m->country);
    keep_text(c, CT_TEXT_INTENT, m->intent);
}

/* Who wanted the person, in the record's words. An offer, a failure or a return says nothing about that. */
static void keep_handoff(struct ct_conversation *c, const struct ct_event *event)
{
    keep_text(c, CT_TEXT_REASON, event->reason);
    if (event->phase == CT_PHASE_REQUESTED || event->phase == CT_PHASE_ANNOUNCED || event->phase == CT_PHASE_ACCEPTED ||
        event->phase == CT_PHASE_NONE) {
        keep_text(c, CT_TEXT_ESCALATED_BY, ct_span_is(event->by, "user") ? CT_SPAN_LIT("customer") : event->by);
    }
}

static void note_time(struct ct_conversation *c, const struct ct_message *m)
{
    bool speaks = m->role == CT_ROLE_USER || m->role == CT_ROLE_BOT || m->role == CT_ROLE_AGENT;
    if (m->ts == CT_USEC_NONE) {
        c->untimed |= speaks;
        return;
    }
    if (c->head.started_at == CT_USEC_NONE || m->ts < c->head.started_at) {
        c->head.started_at = m->ts;
    }
    if (c->head.ended_at == CT_USEC_NONE || m->ts > c->head.ended_at) {
        c->head.ended_at = m->ts;
    }
}

/* Who waits for whom: response times, answers, turns. */
static void note_turns(struct ct_conversation *c, const struct ct_message *m, struct ct_fact *fact)
{
    switch (m->role) {
    case CT_ROLE_USER:
        if (!fact->content) { /* a thumb, a closed window: nothing that waits for an answer */
            break;
        }
        c->head.user_messages++;
        c->head.questions += m->text.len && memchr(m->text.at, '?', m->text.len);
        if (c->last_speaker != CT_ROLE_USER) {
            c->turn++;
        }
        c->pending = true;
        c->pending_count++;
        c->pending_since = m->ts;
        break;
    case CT_ROLE_BOT:
    case CT_ROLE_AGENT:
        if (m->role == CT_ROLE_BOT) {
            c->head.bot_messages++;
            c->head.bot_involved = true;
        } else {
            c->head.agent_messages++;
            c->person_expected = true;
        }
        if (fact->content) {
            c->head.comments_answered += c->open_comments;
            c->open_comments = 0;
        }
        if (!fact->content || !c->pending) {
            break;
        }
        if (m->role == CT_ROLE_BOT) {
            fact->answer = true;
            c->head.ai_answered = true;
            if (m->ts != CT_USEC_NONE && c->pending_since != CT_USEC_NONE && m->ts >= c->pending_since) {
                ct_usec *response = ct_vector_push(&c->responses, sizeof *response, CT_CONVERSATION_MESSAGES_MAX);
                if (response) {
                    *response = ct_usec_between(c->pending_since, m->ts);
                } else {
                    c->failed = true;
                }
            }
        }
        c->pending = false;
        c->pending_count = 0;
        break;
    case CT_ROLE_TOOL:
        c->head.tool_messages++;
        break;
    default:
        c->head.system_messages++;
        break;
    }
    if ((m->role == CT_ROLE_USER || m->role == CT_ROLE_BOT || m->role == CT_ROLE_AGENT) && fact->content) {
        c->last_speaker = (uint8_t)m->role;
    }
    fact->turn = c->turn;
}

static void add_tokens(int64_t *sum, int64_t count)
{
    if (count > 0 && __builtin_add_overflow(*sum, count, sum)) {
        *sum = INT64_MAX;
    }
}

static void note_tokens(struct ct_record *head, const struct ct_tokens *tokens)
{
    add_tokens(&head->tokens_input, tokens->input);
    add_tokens(&head->tokens_cached, tokens->cached);
    add_tokens(&head->tokens_output, tokens->output);
}

/* What each message costs by itself, and what the channel's fees will be worked out from. */
static void note_cost(struct ct_conversation *c, const struct ct_message *m)
{
    struct ct_cost_sent sent, *kept;
    if (ct_cost_message(c->options.cost, &c->cost, m, &sent)) {
        kept = ct_vector_push(&c->sent, sizeof *kept, CT_CONVERSATION_MESSAGES_MAX);
        if (kept) {
            *kept = sent;
        } else {
            c->failed = true;
        }
    }
}

enum ct_status ct_conversation_append(struct ct_conversation *c, const struct ct_message *m, bool *duplicate)
{
    if (duplicate) {
        *duplicate = false;
    }
    if (c->facts.count >= CT_CONVERSATION_MESSAGES_MAX || c->evidence.count >= CT_CONVERSATION_EVIDENCE_MAX) {
        return CT_LIMIT;
    }
    uint64_t text_hash = ct_hash(m->text, 0xC0);
    uint64_t key = message_key(m, text_hash);
    if (key && !remember(c, key)) {
        if (duplicate) {
            *duplicate = true;
        }
        return CT_OK;
    }
    uint64_t parts[4] = {c->content_hash, (uint64_t)m->ts, m->role, text_hash};
    c->content_hash = mixed(ct_hash((ct_span){(const char *)parts, sizeof parts}, 0xC0), m);

    keep_identity(c, m);
    if (m->event.type == CT_EVENT_HANDOFF) {
        keep_handoff(c, &m->event);
    }
    if (m->event.type == CT_EVENT_FEEDBACK) {
        ct_conversation_comment(c, m->event.text);
    }
    c->facts_seen |= m->tool_call_count > 0 || m->event.type == CT_EVENT_HANDOFF;
    note_time(c, m);

    struct ct_fact *fact = ct_vector_push(&c->facts, sizeof *fact, CT_CONVERSATION_MESSAGES_MAX);
    if (!fact) {
        c->failed = true;
        return CT_NO_MEMORY;
    }
    bool media = m->event.type == CT_EVENT_OTHER && ct_span_is(m->event.name, "media");
    *fact = (struct ct_fact){.ts = m->ts,
                             .role = (uint8_t)m->role,
                             .content = m->text.len > 0 || media,
                             .evidence_begin = c->evidence.count};
    note_turns(c, m, fact);
    note_tokens(&c->head, &m->tokens);
    note_cost(c, m);

    ct_interpret(c, m);
    return c->failed ? CT_NO_MEMORY : CT_OK;
}

/* ---- closing -------------------------------------------------------------------------------------------------------
 */

static int by_place(const void *left, const void *right, void *context)
{
    const struct ct_evidence *all = context;
    uint32_t ai = *(const uint32_t *)left, bi = *(const uint32_t *)right;
    const struct ct_evidence *a = &all[ai], *b = &all[bi];
    if (a->message != b->message) {
        return a->message < b->message ? -1 : 1;
    }
    if (a->begin != b->begin) {
        return a->begin < b->begin ? -1 : 1;
    }
    return ai < bi ? -1 : ai > bi; /* as emitted */
}

/* `within: {last}`: only what stands near the end of the conversation counts; known only now. */
static bool too_early(const struct ct_conversation *c, const struct ct_evidence *e)
{
    if (e->rule == UINT16_MAX || c->rules->rules[e->rule].within_last == CT_USEC_NONE) {
        return false;
    }
    ct_usec ts = ct_facts(c)[e->message].ts;
    return ts != CT_USEC_NONE && c->head.ended_at != CT_USEC_NONE &&
           ct_usec_between(ts, c->head.ended_at) > c->rules->rules[e->rule].within_last;
}

/* Puts the evidence in reading order, drops what came too early, and lets `because` follow. */
static bool sort_evidence(struct ct_conversation *c)
{
    uint32_t count = c->evidence.count;
    struct ct_evidence *all = ct_evidence_of(c);
    bool settled = true;
    for (uint32_t i = 0; i < count && settled; i++) {
        settled = !too_early(c, &all[i]) &&
                  (i == 0 || all[i - 1].message < all[i].message || all[i - 1].begin <= all[i].begin);
    }
    if (settled) {
        return true;
    }
    uint32_t *order = malloc(count * sizeof *order), *place = malloc(count * sizeof *place);
    struct ct_evidence *copy = malloc(count * sizeof *copy);
    bool ok = order && place && copy;
    if (ok) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < count; i++) {
            place[i] = CT_NO_INDEX;
            if (!too_early(c, &all[i])) {
                order[kept++] = i;
            }
        }
        qsort_r(order, kept, sizeof *order, by_place, all);
        for (uint32_t i = 0; i < kept; i++) {
            place[order[i]] = i;
        }
        for (uint32_t i = 0; i < kept; i++) {
            copy[i] = all[order[i]];
            if (copy[i].because != CT_NO_INDEX) {
                copy[i].because = place[copy[i].because];
            }
        }
        for (uint32_t i = 0; i < count; i++) { /* begin() must find what is dropped here, too */
            c->seen[all[i].signal].evidence = CT_NO_INDEX;
        }
        memcpy(all, copy, kept * sizeof *copy);
        c->evidence.count = kept;
    }
    free(order);
    free(place);
    free(copy);
    return ok;
}

bool ct_conversation_person_expected(const struct ct_conversation *c)
{
    return c->person_expected;
}

static void settle_language(struct ct_conversation *c)
{
    if (c->text[CT_TEXT_LANGUAGE].len) {
        return;
    }
    uint32_t best = 0;
    for (size_t i = 0; i < c->rules->pack_count; i++) {
        if (c->language_counts[i] > best) {
            best = c->language_counts[i];
            c->text[CT_TEXT_LANGUAGE] = c->rules->packs[i].language;
        }
    }
}

static void settle_cost(struct ct_conversation *c)
{
    struct ct_record *head = &c->head;
    const struct ct_cost_sum *cost = &c->cost;
    const struct ct_cost_conversation closed = {.channel = c->text[CT_TEXT_CHANNEL],
                                                .country = c->text[CT_TEXT_COUNTRY],
                                                .user_id = c->text[CT_TEXT_USER_ID],
                                                .team = c->text[CT_TEXT_REASON],
                                                .started_at = head->started_at,
                                                .human_joined = head->human_joined,
                                                .human_handling_usec = head->human_handling_usec,
                                                .sent = c->sent.at,
                                                .sent_count = c->sent.count};
    ct_cost_close(c->options.cost, &c->cost, &closed);
    head->has_cost = cost->has_cost;
    head->cost = cost->total;
    head->cost_source = cost->source;
    head->cost_tokens = cost->tokens;
    head->cost_channel = cost->channel;
    head->cost_human = cost->human;
    head->cost_fixed = cost->fixed;
    head->has_human_price = cost->has_human_price;
    head->human_price = cost->human_price;
    head->unpriced = cost->unpriced;
    head->unconverted = cost->unconverted;
    head->cost_undated = cost->undated;
    c->text[CT_TEXT_CURRENCY] = ct_span_of(cost->currency);
}

const struct ct_record *ct_conversation_close(struct ct_conversation *c)
{
    if (c->failed || !sort_evidence(c)) {
        return NULL;
    }
    settle_language(c);
    ct_topics_settle(c);
    if (c->failed) {
        return NULL;
    }
    struct ct_verdict verdict = {0};
    ct_outcome_decide(c, &verdict);
    settle_cost(c);
    return ct_record_build(c, &verdict);
}
