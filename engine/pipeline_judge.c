/* pipeline_judge.c - an open conversation's messages to records, and what of them is new, other than it was, or no
 * more. Called by pipeline.c when a conversation closes.
 *
 * Nothing is kept of what was published but how many messages it was made of: what stood there is made once more from
 * these. A rule that ran into a limit makes the next conversation start with a matcher of its own, so that no verdict
 * depends on what went before.
 */
#include "engine/pipeline_state.h"

#include <stdlib.h>

enum { SCRATCH_KEPT = 4 << 20 };

struct tally { /* what was left out, by name */
    uint64_t duplicates, over, unpriced, unconverted, undated, unmatched, rule_errors;
};

struct judging {
    const struct ct_bench *bench;
    struct ct_pile *pile;
    struct tally tally;
    struct ct_sessions_end end;
    const struct ct_pipeline_sink *sink; /* told of each message; NULL = nobody is: who looks on waits for it */
};

/* ---- setups ------------------------------------------------------------------------------------------------------ */

static bool bench_tools(struct ct_bench *bench)
{
    struct ct_matcher *matcher = ct_matcher_new(bench->setup->rules);
    struct ct_conversation *conversation =
        matcher ? ct_conversation_new(bench->setup->rules, matcher, &bench->setup->conversation) : NULL;
    if (!conversation) {
        ct_matcher_free(matcher);
        return false;
    }
    ct_conversation_free(bench->conversation);
    ct_matcher_free(bench->matcher);
    bench->matcher = matcher;
    bench->conversation = conversation;
    return true;
}

static void bench_done(struct ct_bench *bench)
{
    ct_conversation_free(bench->conversation);
    ct_matcher_free(bench->matcher);
    ct_setup_unref(bench->setup);
    *bench = (struct ct_bench){0};
}

/* As long as a survey's rules take an answer, but not more than a day. */
static ct_usec survey_usec(const struct ct_ruleset *rules)
{
    ct_usec longest = 0;
    for (uint32_t i = 0; i < rules->rule_count; i++) {
        const struct ct_rule *rule = &rules->rules[i];
        if (rule->kind == CT_RULE_VALUE) {
            ct_usec age = rule->after.max_age == CT_USEC_NONE ? CT_USEC_PER_DAY : rule->after.max_age;
            longest = age > longest ? age : longest;
        }
    }
    return longest < CT_USEC_PER_DAY ? longest : CT_USEC_PER_DAY;
}

enum ct_status ct_bench_open(struct ct_pipeline *p, struct ct_setup *setup)
{
    uint32_t at = 0;
    while (at < p->bench_count && p->benches[at].setup && p->benches[at].setup != setup) {
        at++;
    }
    for (uint32_t i = 0; i < p->bench_count; i++) { /* conversations may be open under it from before */
        at = p->benches[i].setup == setup ? i : at;
    }
    if (at == p->bench_count) {
        if (at > UINT16_MAX) {
            return CT_LIMIT;
        }
        struct ct_bench *benches = realloc(p->benches, (at + 1) * sizeof *benches);
        if (!benches) {
            return CT_NO_MEMORY;
        }
        p->benches = benches;
        p->benches[p->bench_count++] = (struct ct_bench){0};
    }
    struct ct_bench *bench = &p->benches[at];
    if (!bench->setup) {
        bench->setup = setup;
        bench->survey_usec = survey_usec(setup->rules);
        if (!bench_tools(bench)) {
            *bench = (struct ct_bench){0};
            return CT_NO_MEMORY;
        }
        ct_setup_ref(setup);
    }
    uint32_t last = p->bench;
    p->bench = at + 1;
    if (last && last != p->bench && !p->benches[last - 1].bags) {
        bench_done(&p->benches[last - 1]);
    }
    return CT_OK;
}

void ct_bench_leave(struct ct_pipeline *p, uint32_t at)
{
    if (--p->benches[at].bags == 0 && at + 1 != p->bench) {
        bench_done(&p->benches[at]);
    }
}

void ct_benches_done(struct ct_pipeline *p)
{
    for (uint32_t i = 0; i < p->bench_count; i++) {
        bench_done(&p->benches[i]);
    }
    free(p->benches);
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

static enum ct_status on_record(void *context, const struct ct_record *record, const struct ct_stored *first)
{
    struct judging *j = context;
    struct ct_pile *pile = j->pile;
    (void)first;
    if (pile->capacity - pile->len < record->bytes) {
        size_t capacity = pile->capacity + pile->capacity / 2 + record->bytes + 4096;
        char *at = realloc(pile->at, capacity);
        if (!at) {
            return CT_NO_MEMORY;
        }
        pile->at = at;
        pile->capacity = capacity;
    }
    memcpy(pile->at + pile->len, record, record->bytes);
    pile->len += record->bytes;
    pile->count++;
    j->tally.unpriced += j->bench->setup->conversation.cost ? record->unpriced : 0;
    j->tally.unconverted += record->unconverted;
    j->tally.undated += record->cost_undated;
    return CT_OK;
}

static void on_over(void *context, const struct ct_stored *first, uint64_t count)
{
    struct judging *j = context;
    (void)first;
    j->tally.over += count;
}

static void on_judged(void *context, const struct ct_message *message)
{
    const struct judging *j = context;
    (void)message;
    j->sink->judged(j->sink->context);
}

/* The first `count` messages of what was unpacked. */
static enum ct_status judge(struct ct_pipeline *p, const struct ct_bag *bag, uint32_t count, bool whole,
                            struct judging *j)
{
    struct ct_bench *bench = &p->benches[bag->setup];
    const struct ct_sessions_out out = {
        .context = j, .record = on_record, .over = on_over, .message = j->sink && j->sink->judged ? on_judged : NULL};
    struct ct_matcher_stats stats = {0};
    j->bench = bench;
    j->pile->len = j->pile->count = 0;
    if (!ct_sessions_room(&p->sessions, count)) {
        return CT_NO_MEMORY;
    }
    const struct ct_sessions_read *all = (const struct ct_sessions_read *)(const void *)p->plain.at;
    for (uint32_t i = 0; i < count; i++) {
        p->sessions.order[i] = &all[i].stored;
    }
    enum ct_status status =
        ct_sessions_close(&p->sessions, bench->conversation, &bench->setup->silence, count, whole, &out, &j->end);
    j->tally.duplicates = j->end.duplicates;
    j->tally.unmatched = j->end.unmatched;
    ct_matcher_stats(bench->matcher, &stats);
    j->tally.rule_errors = stats.rule_errors;
    if (stats.rule_errors && !bench_tools(bench) && status == CT_OK) {
        status = CT_NO_MEMORY;
    }
    return status;
}

static void trim(struct ct_pipeline *p)
{
    struct ct_bytes *const bytes[] = {&p->flat, &p->plain, &p->packed};
    struct ct_pile *const piles[] = {&p->before, &p->after};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        if (bytes[i]->capacity > SCRATCH_KEPT) {
            free(bytes[i]->at);
            *bytes[i] = (struct ct_bytes){0};
        }
    }
    for (size_t i = 0; i < sizeof piles / sizeof *piles; i++) {
        if (piles[i]->capacity > SCRATCH_KEPT) {
            free(piles[i]->at);
            *piles[i] = (struct ct_pile){0};
        }
    }
}

enum ct_status ct_bag_judge(struct ct_pipeline *p, struct ct_bag *bag)
{
    struct judging j = {.pile = &p->after};
    enum ct_status status = ct_bag_unpack(p, bag);
    return status == CT_OK ? judge(p, bag, bag->count, false, &j) : status;
}

/* ---- what was, and what is ----------------------------------------------------------------------------------------
 */

/* A session, and what tells it from its neighbours over all revisions: when it began; where sessions began together, or
 * have no time, the how-manieth it is. */
struct session {
    const struct ct_record *record;
    uint32_t index; /* in its pile */
    uint32_t rank;
    uint32_t other; /* the same session in the other pile: its index + 1; 0 = it has none */
};

static int by_beginning(const void *left, const void *right)
{
    const struct session *a = left, *b = right;
    if (a->record->started_at != b->record->started_at) {
        return a->record->started_at < b->record->started_at ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

static int by_index(const void *left, const void *right)
{
    const struct session *a = left, *b = right;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Sorted by beginning, ranked. */
static void list_sessions(const struct ct_pile *pile, struct session *out)
{
    const char *at = pile->at;
    for (uint32_t i = 0; i < pile->count; i++) {
        const struct ct_record *record = (const struct ct_record *)(const void *)at;
        out[i] = (struct session){.record = record, .index = i};
        at += record->bytes;
    }
    qsort(out, pile->count, sizeof *out, by_beginning);
    for (uint32_t i = 0; i < pile->count; i++) {
        bool together = i && out[i - 1].record->started_at == out[i].record->started_at;
        out[i].rank = out[i].record->started_at == CT_USEC_NONE ? out[i].record->session
                      : together                                ? out[i - 1].rank + 1
                                                                : 0;
    }
}

/* Finds for each session the one that it is in the other pile; then both are in order of index. */
static void pair(struct session *old, uint32_t old_count, struct session *new, uint32_t new_count)
{
    uint32_t o = 0, n = 0;
    while (o < old_count && n < new_count) {
        ct_usec a = old[o].record->started_at, b = new[n].record->started_at;
        if (a == b && old[o].rank == new[n].rank) {
            old[o].other = new[n].index + 1;
            new[n].other = old[o].index + 1;
            o++;
            n++;
        } else if (a != b ? a < b : old[o].rank < new[n].rank) {
            o++;
        } else {
            n++;
        }
    }
    qsort(old, old_count, sizeof *old, by_index);
    qsort(new, new_count, sizeof *new, by_index);
}

/* ---- publishing ----------------------------------------------------------------------------------------------------
 */

static enum ct_status say(struct ct_pipeline *p, const struct ct_bag *bag, const struct ct_record *record,
                          const struct ct_record *replaced, ct_usec first_at, bool final)
{
    const struct ct_published published = {.record = record,
                                           .replaced = replaced,
                                           .setup = p->benches[bag->setup].setup,
                                           .revision = bag->revision + 1,
                                           .final = final,
                                           .first_position = bag->first_position,
                                           .last_position = bag->last_position,
                                           .first_published_at = first_at,
                                           .published_at = p->now};
    p->publications++;
    p->revisions += bag->revision > 0;
    return p->sink.publish(p->sink.context, &published);
}

/* All of p->after, for the first time. */
static enum ct_status say_all(struct ct_pipeline *p, struct ct_bag *bag, bool final)
{
    enum ct_status status = CT_OK;
    const char *at = p->after.at;
    for (uint32_t i = 0; i < p->after.count && status == CT_OK; i++) {
        const struct ct_record *record = (const struct ct_record *)(const void *)at;
        status = say(p, bag, record, NULL, p->now, final);
        at += record->bytes;
    }
    if (status == CT_OK) {
        bag->first_published.at = p->now;
        bag->revision = 1;
        bag->sessions = p->after.count;
        bag->is_published = true;
        p->published_open++;
    }
    return status;
}

static ct_usec first_of(const struct ct_bag *bag, uint32_t session)
{
    return bag->differ ? bag->first_published.each[session] : bag->first_published.at;
}

/* First what is no more, then what is new or has changed. *said = anything was. `each` gets the sessions' first times.
 */
static enum ct_status say_sessions(struct ct_pipeline *p, const struct ct_bag *bag, const struct session *old,
                                   uint32_t old_count, const struct session *new, uint32_t new_count, bool final,
                                   ct_usec *each, bool *said)
{
    enum ct_status status = CT_OK;
    *said = false;
    for (uint32_t i = 0; i < old_count && status == CT_OK; i++) {
        if (!old[i].other) {
            status = say(p, bag, NULL, old[i].record, first_of(bag, i), final);
            *said = true;
        }
    }
    for (uint32_t i = 0; i < new_count && status == CT_OK; i++) {
        const struct ct_record *record = new[i].record, *was = new[i].other ? old[new[i].other - 1].record : NULL;
        each[i] = new[i].other ? first_of(bag, new[i].other - 1) : p->now;
        if (!was || was->bytes != record->bytes || memcmp(was, record, record->bytes) != 0) {
            status = say(p, bag, record, was, each[i], final);
            *said = true;
        }
    }
    return status;
}

/* Takes over `each`, or gives it up where all are the same. */
static void keep_first(struct ct_pipeline *p, struct ct_bag *bag, ct_usec *each, uint32_t count)
{
    bool differ = false;
    for (uint32_t i = 1; i < count; i++) {
        differ |= each[i] != each[0];
    }
    if (bag->differ) {
        p->list_bytes -= bag->sessions * sizeof *each;
        p->held_bytes -= bag->sessions * sizeof *each;
        free(bag->first_published.each);
    }
    bag->differ = differ;
    bag->sessions = count;
    if (differ) {
        bag->first_published.each = each;
        p->list_bytes += count * sizeof *each;
        p->held_bytes += count * sizeof *each;
    } else {
        bag->first_published.at = each[0];
        free(each);
    }
}

/* What p->after (all messages) says otherwise than p->before (those of the last publication). */
static enum ct_status say_changes(struct ct_pipeline *p, struct ct_bag *bag, bool final)
{
    uint32_t old_count = p->before.count, new_count = p->after.count;
    struct session *sessions = malloc(((size_t)old_count + new_count) * sizeof *sessions), *new = sessions + old_count;
    ct_usec *each = malloc(new_count * sizeof *each);
    enum ct_status status = CT_NO_MEMORY;
    if (sessions && each) {
        bool said;
        list_sessions(&p->before, sessions);
        list_sessions(&p->after, new);
        pair(sessions, old_count, new, new_count);
        status = say_sessions(p, bag, sessions, old_count, new, new_count, final, each, &said);
        if (status == CT_OK) {
            bag->revision += said;
            keep_first(p, bag, each, new_count);
            each = NULL;
        }
    }
    free(sessions);
    free(each);
    return status;
}

static void drop(const struct ct_pipeline *p, const char *reason, uint64_t was, uint64_t is)
{
    if (is > was && p->sink.drop) {
        p->sink.drop(p->sink.context, reason, is - was);
    }
}

static void drop_all(const struct ct_pipeline *p, const struct tally *was, const struct tally *is)
{
    drop(p, "duplicate_message", was->duplicates, is->duplicates);
    drop(p, "conversation_too_long", was->over, is->over);
    drop(p, "cost_unpriced", was->unpriced, is->unpriced);
    drop(p, "cost_unconverted", was->unconverted, is->unconverted);
    drop(p, "cost_undated", was->undated, is->undated);
    drop(p, "delivery_unmatched", was->unmatched, is->unmatched);
    drop(p, "rule_error", was->rule_errors, is->rule_errors);
}

/* ---- closing -------------------------------------------------------------------------------------------------------
 */

static bool waits(const struct ct_pipeline *p, const struct ct_bag *bag, ct_usec usec)
{
    return ct_usec_later(bag->last_received, usec) > p->now;
}

static enum ct_status publish(struct ct_pipeline *p, struct ct_bag *bag, const struct judging *j, bool final)
{
    struct judging was = {.pile = &p->before};
    enum ct_status status;
    if (bag->is_published) {
        status = judge(p, bag, bag->published, false, &was);
        status = status == CT_OK ? say_changes(p, bag, final) : status;
    } else {
        status = say_all(p, bag, final);
    }
    if (status == CT_OK) {
        drop_all(p, &was.tally, &j->tally);
        bag->published = bag->count;
        bag->person_expected = j->end.person_expected;
        bag->survey_open = j->end.survey_open;
        bag->delivery_open = j->end.delivery_open;
    }
    return status;
}

enum ct_status ct_bag_close(struct ct_pipeline *p, uint32_t name, enum ct_closing closing)
{
    struct ct_bag *bag = ct_bag_at(p, name);
    const struct ct_bench *bench = &p->benches[bag->setup];
    struct judging j = {.pile = &p->after,
                        .sink = &p->sink,
                        .end = {.person_expected = bag->person_expected,
                                .survey_open = bag->survey_open,
                                .delivery_open = bag->delivery_open}};
    bool news = bag->published != bag->count || closing == CT_CLOSING_WHOLE, final = closing != CT_CLOSING_EVENT;
    enum ct_bag_wait wait = CT_WAIT_SILENCE;
    enum ct_status status = CT_OK;
    if (news) {
        status = ct_bag_unpack(p, bag);
        status = status == CT_OK ? judge(p, bag, bag->count, closing == CT_CLOSING_WHOLE, &j) : status;
    }
    if (status == CT_OK && closing == CT_CLOSING_SILENCE) {
        if (j.end.person_expected && waits(p, bag, bench->setup->silence.person_usec)) {
            bag->wait = CT_WAIT_PERSON;
            trim(p);
            return CT_OK;
        }
        if (j.end.survey_open && waits(p, bag, bench->survey_usec)) {
            wait = CT_WAIT_SURVEY;
            final = false;
        }
        if (j.end.delivery_open && waits(p, bag, CT_USEC_PER_DAY)) {
            wait = CT_WAIT_DELIVERY;
            final = false;
        }
    }
    if (status == CT_OK && news) {
        status = publish(p, bag, &j, final);
    }
    trim(p);
    if (status == CT_OK && final) {
        ct_bag_end(p, name);
    } else if (status == CT_OK) {
        bag->wait = (uint8_t)wait;
    }
    return status;
}
