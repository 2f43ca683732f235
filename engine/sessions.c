/* sessions.c - a conversation's messages in event order, without copies, cut into sessions, each judged. See
 * sessions.h; called by cli/batch_close.c and pipeline.c.
 */
#include "engine/sessions.h"

#include <stdlib.h>

#include "engine/stored_pack.h"

void ct_sessions_done(struct ct_sessions *s)
{
    free(s->order);
    free(s->times);
    free(s->calls);
    ct_deliveries_done(&s->deliveries);
    *s = (struct ct_sessions){0};
}

bool ct_sessions_room(struct ct_sessions *s, size_t count)
{
    if (count > s->order_capacity) {
        size_t capacity = s->order_capacity ? s->order_capacity : 64;
        while (capacity < count) {
            capacity *= 2;
        }
        const struct ct_stored **order = realloc(s->order, capacity * sizeof *order);
        s->order = order ? order : s->order;
        ct_usec *times = realloc(s->times, capacity * sizeof *times);
        s->times = times ? times : s->times;
        if (!order || !times) {
            return false;
        }
        s->order_capacity = capacity;
    }
    return true;
}

/* ---- one message ---------------------------------------------------------------------------------------------------
 */

static const struct ct_message *message_of(const struct ct_stored *read)
{
    return &((const struct ct_sessions_read *)(const void *)read)->message;
}

static enum ct_role role_of(const struct ct_sessions *s, size_t at)
{
    return s->are_read ? message_of(s->order[at])->role : ct_stored_role(s->order[at]);
}

static enum ct_event_type event_of(const struct ct_sessions *s, size_t at)
{
    return s->are_read ? message_of(s->order[at])->event.type : ct_stored_event(s->order[at]);
}

static bool calls_room(struct ct_sessions *s, size_t count)
{
    if (count > s->call_capacity) {
        struct ct_tool_call *more = realloc(s->calls, count * sizeof *more);
        if (!more) {
            return false;
        }
        s->calls = more;
        s->call_capacity = count;
    }
    return true;
}

/* The message itself where it was read already, else read into *into. NULL = out of memory. */
static const struct ct_message *read_back(struct ct_sessions *s, const struct ct_stored *stored,
                                          struct ct_message *into)
{
    const struct ct_message *read = s->are_read ? message_of(stored) : NULL;
    const bool packed = read && read->tool_call_count && !read->tool_calls;
    if (read && !packed) {
        return read;
    }
    if (!calls_room(s, read ? read->tool_call_count : ct_stored_call_count(stored))) {
        return NULL;
    }
    if (read) {
        *into = *read;
        into->tool_calls = s->calls;
        (void)ct_stored_unpack_calls(((const struct ct_sessions_read *)(const void *)stored)->packed_calls,
                                     into->tool_call_count, s->calls);
    } else {
        ct_stored_read(stored, into, s->calls);
    }
    return into;
}

/* ---- event order --------------------------------------------------------------------------------------------------
 */

static int compare_places(const struct ct_stored *a, const struct ct_stored *b)
{
    if (a->input != b->input) {
        return a->input < b->input ? -1 : 1;
    }
    if (a->offset != b->offset) {
        return a->offset < b->offset ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

static int by_place(const void *left, const void *right)
{
    return compare_places(*(const struct ct_stored *const *)left, *(const struct ct_stored *const *)right);
}

struct timed {
    ct_usec ts;
    const struct ct_stored *stored;
};

static int by_time(const void *left, const void *right)
{
    const struct timed *a = left, *b = right;
    if (a->ts != b->ts) {
        return a->ts < b->ts ? -1 : 1;
    }
    return compare_places(a->stored, b->stored);
}

static void put_in_place(struct ct_sessions *s, size_t count)
{
    bool placed = true;
    for (size_t i = 1; i < count && placed; i++) {
        placed = compare_places(s->order[i - 1], s->order[i]) < 0;
    }
    if (!placed) {
        qsort(s->order, count, sizeof(const struct ct_stored *), by_place);
    }
}

static bool speaks(enum ct_role role)
{
    return role == CT_ROLE_USER || role == CT_ROLE_BOT || role == CT_ROLE_AGENT;
}

/* Time first, then place. One untimed word of a speaker, and the source's own order is all there is; a system's or
 * tool's message without a time stays behind the one it followed. */
static bool put_in_order(struct ct_sessions *s, size_t count)
{
    bool timed = true, ordered = true;
    put_in_place(s, count);
    ct_usec last = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        ct_usec ts = s->order[i]->ts;
        timed &= ts != CT_USEC_NONE || !speaks(role_of(s, i));
        ts = ts == CT_USEC_NONE ? last : ts;
        ordered &= ts >= last;
        s->times[i] = last = ts;
    }
    if (!timed || ordered) {
        return true;
    }
    struct timed *all = malloc(count * sizeof *all);
    if (!all) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        all[i] = (struct timed){s->times[i], s->order[i]};
    }
    qsort(all, count, sizeof *all, by_time);
    for (size_t i = 0; i < count; i++) {
        s->order[i] = all[i].stored;
    }
    free(all);
    return true;
}

/* A copy of a whole file, under another name, brings the messages of an untimed conversation once more, and nothing in
 * them tells so; but the whole of what one input says is then the same as what another one said. Drops it; returns how
 * many are left. */
static size_t drop_copies(struct ct_sessions *s, size_t count, uint64_t *duplicates)
{
    size_t kept = 0, part_count = 0;
    uint64_t *parts = NULL; /* what each input said, by hash */
    bool timed = true;
    if (s->order[0]->input == s->order[count - 1]->input) {
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        timed &= s->order[i]->ts != CT_USEC_NONE || !speaks(role_of(s, i));
    }
    if (timed) {
        return count;
    }
    for (size_t from = 0, to; from < count; from = to) {
        uint64_t hash = 0;
        for (to = from; to < count && s->order[to]->input == s->order[from]->input; to++) {
            const struct ct_stored *stored = s->order[to];
            uint64_t head[3] = {hash, stored->flags, (uint64_t)stored->ts};
            hash = ct_hash((ct_span){(const char *)head, sizeof head}, 0xF11E);
            hash = ct_hash((ct_span){(const char *)(stored + 1), stored->bytes - sizeof *stored}, hash);
        }
        bool copy = false;
        for (size_t i = 0; i < part_count && !copy; i++) {
            copy = parts[i] == hash;
        }
        uint64_t *more = copy ? NULL : realloc(parts, (part_count + 1) * sizeof *parts);
        if (more) {
            parts = more;
            parts[part_count++] = hash;
        }
        if (copy) {
            *duplicates += to - from;
        } else {
            memmove(s->order + kept, s->order + from, (to - from) * sizeof *s->order);
            kept += to - from;
        }
    }
    free(parts);
    return kept;
}

/* ---- sessions
 * -------------------------------------------------------------------------------------------------------- */

/* The session that goes on. */
struct run {
    struct ct_conversation *conversation;
    const struct ct_silence *silence;
    const struct ct_sessions_out *out;
    size_t count;
    uint32_t session;              /* 1, 2, ... */
    const struct ct_stored *first; /* of the session */
    ct_usec last;
    ct_span channel;
    bool closed;
    const struct ct_stored *over_first; /* messages that the session has no room for */
    uint64_t over;
};

/* What a message is to the conversation so far. */
enum place {
    GOES_ON,
    BELATED, /* belongs to it, but says nothing about when it ended: a rating, a remark of the system */
    BEGINS   /* another session */
};

static ct_usec between(ct_usec from, ct_usec to)
{
    ct_usec gap;
    return __builtin_sub_overflow(to, from, &gap) ? INT64_MAX : gap;
}

/* A system's or a tool's message after the silence opens a session only where somebody speaks soon after it. */
static bool opens_nothing(struct ct_sessions *s, size_t at, size_t count, ct_usec idle)
{
    const struct ct_stored *message = s->order[at];
    if (speaks(role_of(s, at))) {
        return false;
    }
    for (s->speaker = s->speaker > at ? s->speaker : at + 1; s->speaker < count; s->speaker++) {
        const struct ct_stored *next = s->order[s->speaker];
        if (speaks(role_of(s, s->speaker))) {
            return next->ts != CT_USEC_NONE && between(message->ts, next->ts) > idle;
        }
    }
    return true;
}

/* After silence, or when the customer writes after a close, another session begins; an answer to a survey still belongs
 * to the conversation that it is about, and so does what the platform says about it later. */
static enum place place_of(struct ct_sessions *s, const struct run *run, size_t at, const struct ct_message *m)
{
    struct ct_conversation *c = run->conversation;
    if (m->event.type == CT_EVENT_FEEDBACK || m->event.type == CT_EVENT_LABEL || m->event.type == CT_EVENT_CLOSE) {
        return BELATED;
    }
    if (m->event.type == CT_EVENT_REOPEN) {
        return GOES_ON;
    }
    ct_usec idle = ct_silence_of(run->silence, run->channel, ct_conversation_person_expected(c));
    bool silence = m->ts != CT_USEC_NONE && run->last != CT_USEC_NONE && between(run->last, m->ts) > idle;
    bool again = run->closed && m->role == CT_ROLE_USER;
    if (!silence && !again) {
        return GOES_ON;
    }
    if (ct_conversation_knows(c, m) || ct_conversation_answers_survey(c, m) ||
        (silence && opens_nothing(s, at, run->count, idle))) {
        return BELATED;
    }
    return !silence && ct_conversation_survey_open(c) ? GOES_ON : BEGINS;
}

/* What the platform said of messages goes out of the order, to be laid upon them; *count = those that are left. */
static enum ct_status take_deliveries(struct ct_sessions *s, size_t *count)
{
    size_t all = *count, first = 0;
    ct_deliveries_begin(&s->deliveries);
    while (first < all && event_of(s, first) != CT_EVENT_DELIVERY) {
        first++;
    }
    if (first == all) {
        return CT_OK;
    }
    put_in_place(s, all);
    *count = 0;
    for (size_t i = 0; i < all; i++) {
        struct ct_message into;
        const struct ct_message *m = read_back(s, s->order[i], &into);
        if (!m || !ct_deliveries_note(&s->deliveries, s->order[i], m)) {
            return CT_NO_MEMORY;
        }
        if (m->event.type != CT_EVENT_DELIVERY) {
            s->order[(*count)++] = s->order[i];
        }
    }
    ct_deliveries_settle(&s->deliveries);
    return CT_OK;
}

/* As the platform's word leaves it, in *into: what never reached the customer is there, but says nothing. */
static const struct ct_message *lay_on_delivery(struct ct_sessions *s, const struct ct_stored *stored,
                                                const struct ct_message *m, struct ct_message *into)
{
    if (s->deliveries.count == 0) {
        return m;
    }
    if (m != into) {
        *into = *m;
    }
    ct_deliveries_tell(&s->deliveries, stored, into);
    bool media = into->event.type == CT_EVENT_OTHER && ct_span_is(into->event.name, "media");
    if (into->undelivered && (media || into->event.type == CT_EVENT_NONE)) {
        into->event = (struct ct_event){.type = CT_EVENT_OTHER, .name = CT_SPAN_LIT("undelivered"), .scale_min = -1};
    }
    return into;
}

static enum ct_status append(struct run *run, struct ct_sessions_end *end, const struct ct_stored *stored,
                             const struct ct_message *m)
{
    const struct ct_message *taken = m;
    struct ct_message silent;
    bool duplicate;
    if (m->undelivered) {
        silent = *m;
        silent.text = CT_SPAN_NONE;
        taken = &silent;
    }
    enum ct_status status = ct_conversation_append(run->conversation, taken, &duplicate);
    if (status == CT_LIMIT) {
        run->over_first = run->over ? run->over_first : stored;
        run->over++;
        return CT_OK;
    }
    if (status == CT_OK && duplicate) {
        end->duplicates++;
    } else if (status == CT_OK && run->out->message) {
        run->out->message(run->out->context, m);
    }
    return status;
}

static enum ct_status finish(struct run *run)
{
    if (run->over) {
        run->out->over(run->out->context, run->over_first, run->over);
        run->over = 0;
    }
    const struct ct_record *record = ct_conversation_close(run->conversation);
    return record ? run->out->record(run->out->context, record, run->first) : CT_NO_MEMORY;
}

static void begin(struct run *run, const struct ct_stored *first)
{
    ct_conversation_begin(run->conversation, ++run->session);
    run->first = first;
    run->channel = CT_SPAN_NONE;
    run->closed = false;
}

/* The message at `at` in the order, into the session that it belongs to. */
static enum ct_status take(struct ct_sessions *s, struct run *run, size_t at, bool whole, struct ct_sessions_end *end)
{
    const struct ct_stored *stored = s->order[at];
    struct ct_message into;
    const struct ct_message *m = read_back(s, stored, &into);
    if (!m) {
        return CT_NO_MEMORY;
    }
    m = lay_on_delivery(s, stored, m, &into);
    enum place place = whole || at == 0 ? GOES_ON : place_of(s, run, at, m);
    enum ct_status status = CT_OK;
    if (place == BEGINS) {
        status = finish(run);
        if (status != CT_OK) {
            return status;
        }
        begin(run, stored);
    }
    run->channel = run->channel.len ? run->channel : m->channel;
    status = append(run, end, stored, m);
    if (m->ts != CT_USEC_NONE && (run->last == CT_USEC_NONE || (place != BELATED && m->ts > run->last))) {
        run->last = m->ts;
    }
    run->closed = m->event.type == CT_EVENT_CLOSE || (run->closed && m->event.type != CT_EVENT_REOPEN);
    return status;
}

enum ct_status ct_sessions_close(struct ct_sessions *s, struct ct_conversation *conversation,
                                 const struct ct_silence *silence, size_t count, bool whole,
                                 const struct ct_sessions_out *out, struct ct_sessions_end *end)
{
    *end = (struct ct_sessions_end){0};
    if (take_deliveries(s, &count) != CT_OK || (count && !put_in_order(s, count))) {
        return CT_NO_MEMORY;
    }
    if (count == 0) {
        (void)ct_deliveries_end(&s->deliveries, &end->unmatched);
        return CT_OK;
    }
    if (!whole) {
        count = drop_copies(s, count, &end->duplicates);
    }
    struct run run = {
        .conversation = conversation, .silence = silence, .out = out, .count = count, .last = CT_USEC_NONE};
    s->speaker = 0;
    begin(&run, s->order[0]);
    for (size_t i = 0; i < count; i++) {
        enum ct_status status = take(s, &run, i, whole, end);
        if (status != CT_OK) {
            return status;
        }
    }
    end->person_expected = ct_conversation_person_expected(conversation);
    end->survey_open = ct_conversation_survey_open(conversation);
    end->delivery_open = ct_deliveries_end(&s->deliveries, &end->unmatched);
    return finish(&run);
}
