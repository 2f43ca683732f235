/* topic.c - what a conversation is about, out of the signals that mean a topic (docs/rules.md). Called at close, when
 * the evidence is sorted; moves no outcome.
 *
 * A topic's name is its signal's behind the first dot, so that packs of several languages, or a tenant's own, speak of
 * one topic by the same name. The record's topic is the one that most messages speak of; of equal ones the one that
 * came first; of two that came on one message at one place the first in byte order.
 */
#include "engine/conversation_state.h"

#include <stdlib.h>

enum { FEW = 64, TOPICS_BYTES = 1024 };

struct mention {
    ct_span name;
    uint32_t message, place; /* place: in the sorted evidence, but the same for all that begin at one byte */
};

static ct_span name_of(const struct ct_signal *signal)
{
    const char *dot = memchr(signal->name.at, '.', signal->name.len);
    size_t skip = dot ? (size_t)(dot - signal->name.at) + 1 : 0;
    return skip < signal->name.len ? (ct_span){signal->name.at + skip, signal->name.len - skip} : signal->name;
}

static int by_bytes(ct_span a, ct_span b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *left, const void *right)
{
    const struct mention *a = left, *b = right;
    int order = by_bytes(a->name, b->name);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

static bool counts(const struct ct_conversation *c, const struct ct_evidence *e)
{
    return e->level <= c->rules->scoring_level && c->rules->signals[e->signal].means == CT_MEANS_TOPIC;
}

static void collect(const struct ct_conversation *c, struct mention *out)
{
    const struct ct_evidence *all = ct_evidence_of(c);
    uint32_t count = 0, place = 0;
    for (uint32_t i = 0; i < c->evidence.count; i++) {
        bool same = i > 0 && all[i].message == all[i - 1].message && all[i].begin == all[i - 1].begin;
        place = same ? place : i;
        if (counts(c, &all[i])) {
            out[count++] = (struct mention){name_of(&c->rules->signals[all[i].signal]), all[i].message, place};
        }
    }
}

/* Of sorted mentions: the names into `text` (what is beyond TOPICS_BYTES is left out, whole names), the one most
 * mentioned into *most. Returns the text's length. */
static size_t list(const struct mention *mentions, uint32_t count, char *text, ct_span *most)
{
    size_t len = 0;
    uint32_t most_messages = 0, most_place = 0;
    for (uint32_t from = 0, to; from < count; from = to) {
        uint32_t messages = 0;
        for (to = from; to < count && ct_span_eq(mentions[to].name, mentions[from].name); to++) {
            messages += to == from || mentions[to].message != mentions[to - 1].message;
        }
        if (messages > most_messages || (messages == most_messages && mentions[from].place < most_place)) {
            *most = mentions[from].name;
            most_messages = messages;
            most_place = mentions[from].place;
        }
        if (len + 1 + mentions[from].name.len <= TOPICS_BYTES) {
            if (len) {
                text[len++] = ' ';
            }
            memcpy(text + len, mentions[from].name.at, mentions[from].name.len);
            len += mentions[from].name.len;
        }
    }
    return len;
}

void ct_topics_settle(struct ct_conversation *c)
{
    struct mention few[FEW], *mentions = few;
    char text[TOPICS_BYTES];
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->evidence.count; i++) {
        count += counts(c, &ct_evidence_of(c)[i]);
    }
    if (count == 0) {
        return;
    }
    if (count > FEW && !(mentions = malloc(count * sizeof *mentions))) {
        c->failed = true;
        return;
    }
    collect(c, mentions);
    qsort(mentions, count, sizeof *mentions, by_name);
    ct_span most = CT_SPAN_NONE;
    size_t len = list(mentions, count, text, &most);
    bool ok;
    c->text[CT_TEXT_TOPIC] = most; /* of the rule set, like a language that was told */
    c->text[CT_TEXT_TOPICS] = ct_arena_copy(&c->arena, (ct_span){text, len}, &ok);
    c->failed |= !ok;
    if (mentions != few) {
        free(mentions);
    }
}
