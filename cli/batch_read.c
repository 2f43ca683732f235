/* batch_read.c - the first stage: pieces of the input are taken in turn, parsed side by side, and their messages put
 * where their conversations wait. See batch.h.
 */
#include "cli/batch_state.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- what a parser emits
 * ---------------------------------------------------------------------------------------------- */

static enum ct_status on_message(void *context, const struct ct_message *m)
{
    struct ct_worker *w = context;
    bool delivery = m->event.type == CT_EVENT_DELIVERY; /* of another message, and none itself */
    w->counts[w->input].messages += !delivery;
    if (w->batch->each) {
        return delivery ? CT_OK : w->batch->each->message(w->batch->each->context, m);
    }
    uint32_t bytes = ct_stored_bytes(m);
    if (!bytes) {
        return CT_LIMIT;
    }
    if (w->held_capacity - w->held_len < bytes) {
        size_t capacity = w->held_capacity ? w->held_capacity * 2 : 65536;
        while (capacity - w->held_len < bytes) {
            capacity *= 2;
        }
        char *held = realloc(w->held, capacity);
        if (!held) {
            return CT_NO_MEMORY;
        }
        w->held = held;
        w->held_capacity = capacity;
    }
    struct ct_place place = {.input = w->input, .offset = w->record_offset, .index = w->held_index++};
    ct_stored_write(w->held + w->held_len, bytes, m, &place);
    w->held_len += bytes;
    w->held_count++;
    return CT_OK;
}

static enum ct_status on_business(void *context, const struct ct_business_event *event)
{
    struct ct_worker *w = context;
    const struct ct_parse_out *each = w->batch->each;
    w->counts[w->input].events++;
    if (!each) {
        return ct_batch_take_event(w, event);
    }
    return each->business ? each->business(each->context, event) : CT_OK;
}

static enum ct_status on_end(void *context, ct_span conversation_id)
{
    struct ct_worker *w = context;
    if (w->batch->each) {
        return w->batch->each->end(w->batch->each->context, conversation_id);
    }
    if (!w->held_count) {
        return CT_OK;
    }
    if (!ct_sessions_room(&w->sessions, w->held_count)) {
        return CT_NO_MEMORY;
    }
    size_t count = 0;
    for (size_t at = 0; at < w->held_len;) {
        const struct ct_stored *stored = (const struct ct_stored *)(const void *)(w->held + at);
        w->sessions.order[count++] = stored;
        at += stored->bytes;
    }
    enum ct_status status = ct_batch_close_one(w, count, true);
    w->held_len = 0;
    w->held_count = 0;
    return status;
}

static void on_refuse(void *context, const struct ct_refusal *refusal)
{
    struct ct_worker *w = context;
    if (w->batch->each) {
        w->batch->each->refuse(w->batch->each->context, refusal);
    }
    ct_batch_refuse(w, refusal);
}

struct ct_parse_out ct_batch_out(struct ct_worker *w)
{
    return (struct ct_parse_out){
        .context = w, .message = on_message, .end = on_end, .refuse = on_refuse, .business = on_business};
}

/* What was emitted without an end waits with its conversation. */
static enum ct_status put_held(struct ct_worker *w)
{
    unsigned partitions = ct_spill_partitions(w->batch->messages);
    for (size_t at = 0; at < w->held_len;) {
        const struct ct_stored *stored = (const struct ct_stored *)(const void *)(w->held + at);
        unsigned partition = (unsigned)((stored->conversation_hash >> 32) % partitions);
        enum ct_status status = ct_spill_put(w->messages, partition, stored, stored->bytes, &w->error);
        if (status != CT_OK) {
            return status;
        }
        at += stored->bytes;
    }
    w->held_len = 0;
    w->held_count = 0;
    return CT_OK;
}

static enum ct_status parse_frame(struct ct_worker *w, const struct ct_parser *parser, void *state,
                                  const struct ct_frame *frame)
{
    struct ct_parse_out out = ct_batch_out(w);
    w->record_offset = frame->offset;
    w->held_index = 0;
    ct_arena_reset(&w->scratch);
    enum ct_status status = parser->record(state, frame, &w->scratch, &out);
    if (status == CT_REFUSED) { /* said already */
        status = CT_OK;
    }
    return status == CT_OK && !w->batch->each ? put_held(w) : status;
}

/* ---- pieces
 * ------------------------------------------------------------------------------------------------------------ */

static bool piece_room(struct ct_worker *w, size_t bytes)
{
    if (bytes > w->piece_capacity) {
        char *piece = realloc(w->piece, bytes);
        if (!piece) {
            return false;
        }
        w->piece = piece;
        w->piece_capacity = bytes;
    }
    return true;
}

static bool number_piece(struct ct_worker *w, struct ct_batch_input *input)
{
    if (input->piece_count == input->piece_capacity) {
        size_t capacity = input->piece_capacity ? input->piece_capacity * 2 : 16;
        uint32_t *lines = realloc(input->piece_lines, capacity * sizeof *lines);
        if (!lines) {
            return false;
        }
        input->piece_lines = lines;
        input->piece_capacity = capacity;
    }
    w->piece_number = input->piece_count;
    input->piece_lines[input->piece_count++] = 0;
    return true;
}

/* The first `bytes` of what was read become the worker's piece: the two change buffers, and only the beginning of the
 * next line is copied. */
static enum ct_status hand_out(struct ct_worker *w, struct ct_batch_source *s, size_t bytes)
{
    size_t rest = s->carry_len - bytes;
    if (!piece_room(w, rest + 1)) {
        return CT_NO_MEMORY;
    }
    memcpy(w->piece, s->carry + bytes, rest);
    char *buffer = w->piece;
    size_t capacity = w->piece_capacity;
    w->piece = s->carry;
    w->piece_capacity = s->carry_capacity;
    w->piece_len = bytes;
    w->piece_offset = s->offset;
    s->carry = buffer;
    s->carry_capacity = capacity;
    s->carry_len = rest;
    s->offset += bytes;
    return CT_OK;
}

/* Whole lines for the worker: framing them is its own work. CT_NOT_FOUND = this input has no more. */
static enum ct_status take_lines(struct ct_worker *w, struct ct_batch_source *s)
{
    size_t want = CT_PIECE_BYTES;
    w->piece_skipped = 0;
    for (;;) {
        enum ct_status status = ct_batch_source_fill(w, s, want);
        if (status != CT_OK) {
            return status;
        }
        if (!s->carry_len) {
            return CT_NOT_FOUND;
        }
        const char *last = memrchr(s->carry, '\n', s->carry_len);
        size_t bytes = s->end ? s->carry_len : last ? (size_t)(last - s->carry) + 1 : 0;
        if (s->skipping) { /* the rest of a line that was refused */
            const char *first = memchr(s->carry, '\n', s->carry_len);
            s->skipping = !first && !s->end;
            w->piece_skipped += first != NULL;
            ct_batch_source_drop(s, first ? (size_t)(first - s->carry) + 1 : s->carry_len);
            continue;
        }
        if (bytes) {
            return hand_out(w, s, bytes);
        }
        if (s->carry_len > w->batch->options->max_record_bytes) {
            char detail[120];
            snprintf(detail, sizeof detail, "a line longer than %zu bytes", w->batch->options->max_record_bytes);
            ct_batch_refuse_here(w, "record_too_long", s->offset, 1 + w->piece_skipped, detail);
            s->skipping = true;
            want = CT_PIECE_BYTES;
            continue;
        }
        want = s->carry_len * 2 > CT_PIECE_BYTES ? s->carry_len * 2 : CT_PIECE_BYTES;
    }
}

/* Copies one value into the worker's piece. CT_STOP = the piece is full. */
static enum ct_status keep_frame(struct ct_worker *w, struct ct_batch_source *s, const struct ct_frame *frame)
{
    (void)s;
    if (w->frame_count == w->frame_capacity) {
        size_t capacity = w->frame_capacity ? w->frame_capacity * 2 : 64;
        struct ct_frame *frames = realloc(w->frames, capacity * sizeof *frames);
        if (!frames) {
            return CT_NO_MEMORY;
        }
        w->frames = frames;
        w->frame_capacity = capacity;
    }
    size_t at = w->piece_len;
    if (!piece_room(w, at + frame->bytes.len + 1)) {
        return CT_NO_MEMORY;
    }
    memcpy(w->piece + at, frame->bytes.at, frame->bytes.len);
    w->piece_len += frame->bytes.len;
    w->frames[w->frame_count] = *frame;
    w->frames[w->frame_count++].bytes.at = (const char *)at; /* an offset: the piece may still move */
    return w->piece_len < CT_PIECE_BYTES / 2 ? CT_OK : CT_STOP;
}

/* Some whole values for the worker, framed here because only the stream knows where they end. */
static enum ct_status take_values(struct ct_worker *w, struct ct_batch_source *s)
{
    uint64_t line = s->framer.line;
    w->piece_len = 0;
    w->frame_count = 0;
    enum ct_status status = ct_batch_source_frames(w, s, &s->framer, true, keep_frame);
    if (status != CT_OK && status != CT_STOP) {
        return status;
    }
    w->batch->inputs[s->input].piece_lines[w->piece_number] = (uint32_t)(s->framer.line - line);
    return w->frame_count ? CT_OK : CT_NOT_FOUND;
}

static enum ct_status take_frame(struct ct_worker *w, struct ct_batch_source *s, const struct ct_frame *frame)
{
    return parse_frame(w, s->parser, s->parser_state, frame);
}

/* A stateful parser reads its whole input in order, under the lock: its work is small beside the rules'. */
static enum ct_status parse_in_order(struct ct_worker *w, struct ct_batch_source *s)
{
    enum ct_status status = ct_batch_source_frames(w, s, &s->framer, true, take_frame);
    if (status == CT_OK && s->parser->finish) {
        struct ct_parse_out out = ct_batch_out(w);
        w->held_index = UINT32_MAX / 2; /* behind every message of the last record */
        status = s->parser->finish(s->parser_state, &w->scratch, &out);
        status = status == CT_REFUSED ? CT_OK : status;
        if (status == CT_OK && !w->batch->each) {
            status = put_held(w);
        }
    }
    return status;
}

/* The next piece, whatever its input. CT_NOT_FOUND = all is read, or, with *wait, others have to be done first. */
static enum ct_status take_piece(struct ct_worker *w, struct ct_framer *framer, bool *wait)
{
    struct ct_batch *b = w->batch;
    struct ct_batch_source *s = &b->source;
    for (;;) {
        enum ct_status status;
        if (s->exhausted) {
            *wait = true;
            return CT_NOT_FOUND;
        }
        if (!s->reader) {
            status = ct_batch_source_next(w);
            if (status != CT_OK) {
                return status;
            }
        }
        w->input = s->input;
        if (!number_piece(w, &b->inputs[s->input])) {
            return CT_NO_MEMORY;
        }
        /* The framer may find that what began as values are lines, and then the next pieces are lines. */
        w->piece_framed = s->parser->stateful || b->each || s->framer.mode != CT_FRAME_LINES;
        if (s->parser->stateful || b->each) {
            status = parse_in_order(w, s);
            if (status == CT_OK) {
                status = CT_NOT_FOUND;
            }
        } else {
            status = w->piece_framed ? take_values(w, s) : take_lines(w, s);
        }
        if (status == CT_OK) {
            *framer = s->framer;
            s->users++;
            return CT_OK;
        }
        if (status != CT_NOT_FOUND) {
            return status;
        }
        if (s->users) { /* others still parse with this input's state: the last of them closes it */
            s->exhausted = true;
            *wait = true;
            return CT_NOT_FOUND;
        }
        ct_batch_source_close(b);
    }
}

static enum ct_status parse_piece(struct ct_worker *w, struct ct_framer *framer, const struct ct_parser *parser,
                                  void *state)
{
    enum ct_status status = CT_OK;
    if (w->piece_framed) {
        for (size_t i = 0; i < w->frame_count && status == CT_OK; i++) {
            struct ct_frame frame = w->frames[i];
            frame.bytes.at = w->piece + (size_t)(uintptr_t)frame.bytes.at;
            status = parse_frame(w, parser, state, &frame);
        }
        return status;
    }
    framer->offset = w->piece_offset;
    framer->line = 1 + w->piece_skipped;
    framer->scanned = 0;
    size_t at = 0;
    while (status == CT_OK) {
        size_t consumed;
        struct ct_frame frame;
        struct ct_refusal refusal;
        enum ct_status next =
            ct_framer_next(framer, (ct_span){w->piece + at, w->piece_len - at}, true, &consumed, &frame, &refusal);
        at += consumed;
        if (next == CT_OK) {
            status = parse_frame(w, parser, state, &frame);
        } else if (next == CT_REFUSED) {
            ct_batch_refuse(w, &refusal);
        } else {
            break;
        }
    }
    return status;
}

void ct_batch_read(struct ct_worker *w)
{
    struct ct_batch *b = w->batch;
    struct ct_framer framer;
    for (;;) {
        pthread_mutex_lock(&b->lock);
        enum ct_status status = CT_NOT_FOUND;
        bool wait = true;
        while (wait && !atomic_load(&b->stop)) {
            wait = false;
            status = take_piece(w, &framer, &wait);
            if (wait) {
                pthread_cond_wait(&b->changed, &b->lock);
            }
        }
        if (status != CT_OK && status != CT_NOT_FOUND) {
            atomic_store(&b->stop, true); /* under the lock: nobody goes on with a source that is half open */
        }
        const struct ct_parser *parser = b->source.parser;
        void *state = b->source.parser_state;
        if (b->options->progress && status == CT_OK) {
            b->options->progress(b->options->progress_context, "reading",
                                 b->disk_done + ct_reader_disk_bytes(b->source.reader), b->disk_total);
        }
        pthread_mutex_unlock(&b->lock);
        if (status != CT_OK) {
            if (status != CT_NOT_FOUND) {
                ct_batch_fail(w, status, &w->error);
            }
            return;
        }
        status = parse_piece(w, &framer, parser, state);
        pthread_mutex_lock(&b->lock);
        if (!w->piece_framed) {
            b->inputs[w->input].piece_lines[w->piece_number] = (uint32_t)(framer.line - 1);
        }
        if (--b->source.users == 0 && b->source.exhausted) {
            b->source.exhausted = false;
            ct_batch_source_close(b);
            pthread_cond_broadcast(&b->changed);
        }
        pthread_mutex_unlock(&b->lock);
        if (status != CT_OK) {
            ct_batch_fail(w, status, &w->error);
            return;
        }
    }
}
