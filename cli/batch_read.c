/* batch_read.c - the first stage: pieces of the input are taken in turn, parsed side by side, and their messages put
 * where their conversations wait. See batch.h.
 */
#include "cli/batch_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- refusals ------------------------------------------------------------------------------------------------------
 */

void ct_batch_count_reason(struct ct_worker *w, const char *reason, uint64_t count)
{
    for (size_t i = 0; i < w->reason_count; i++) {
        if (strcmp(w->reasons[i].name, reason) == 0) {
            w->reasons[i].count += count;
            return;
        }
    }
    if (w->reason_count < CT_REASONS_MAX) {
        w->reasons[w->reason_count++] = (struct ct_reason){reason, count};
    } else {
        w->reasons[CT_REASONS_MAX - 1].count += count; /* cannot be: reasons are constants of the parsers */
    }
}

struct placed_refusal {
    struct ct_batch_refusal refusal;
    uint64_t piece;
};

static int by_place(const void *left, const void *right)
{
    const struct placed_refusal *a = left, *b = right;
    if (a->refusal.input != b->refusal.input) {
        return a->refusal.input < b->refusal.input ? -1 : 1;
    }
    if (a->refusal.offset != b->refusal.offset) {
        return a->refusal.offset < b->refusal.offset ? -1 : 1;
    }
    int order = strcmp(a->refusal.reason, b->refusal.reason);
    return order ? order : strcmp(a->refusal.detail, b->refusal.detail);
}

/* Keeps the first ones by place: the same ones whatever the threads. */
static void trim_refusals(struct ct_worker *w)
{
    struct placed_refusal *all = malloc(w->refusal_count * sizeof *all);
    if (!all) {
        w->refusal_count = CT_BATCH_REFUSALS_MAX; /* any will do when memory is out */
        return;
    }
    for (size_t i = 0; i < w->refusal_count; i++) {
        all[i] = (struct placed_refusal){w->refusals[i], w->refusal_piece[i]};
    }
    qsort(all, w->refusal_count, sizeof *all, by_place);
    for (size_t i = 0; i < CT_BATCH_REFUSALS_MAX; i++) {
        w->refusals[i] = all[i].refusal;
        w->refusal_piece[i] = all[i].piece;
    }
    w->refusal_count = CT_BATCH_REFUSALS_MAX;
    free(all);
}

void ct_batch_refuse(struct ct_worker *w, const struct ct_refusal *refusal)
{
    w->counts[w->input].refused++;
    ct_batch_count_reason(w, refusal->reason, 1);
    if (w->refusal_count == w->refusal_capacity) {
        size_t capacity = w->refusal_capacity ? w->refusal_capacity * 2 : 16;
        struct ct_batch_refusal *refusals = realloc(w->refusals, capacity * sizeof *refusals);
        w->refusals = refusals ? refusals : w->refusals;
        uint64_t *pieces = realloc(w->refusal_piece, capacity * sizeof *pieces);
        w->refusal_piece = pieces ? pieces : w->refusal_piece;
        if (!refusals || !pieces) {
            return; /* counted all the same */
        }
        w->refusal_capacity = capacity;
    }
    struct ct_batch_refusal *kept = &w->refusals[w->refusal_count];
    *kept = (struct ct_batch_refusal){
        .input = w->input, .offset = refusal->offset, .line = refusal->line, .reason = refusal->reason};
    memcpy(kept->detail, refusal->detail, sizeof kept->detail);
    kept->detail[sizeof kept->detail - 1] = '\0';
    w->refusal_piece[w->refusal_count++] = w->piece_framed ? 0 : w->piece_number;
    if (w->refusal_count >= 2 * CT_BATCH_REFUSALS_MAX) {
        trim_refusals(w);
    }
}

static void refuse_here(struct ct_worker *w, const char *reason, uint64_t offset, uint64_t line, const char *detail)
{
    struct ct_refusal refusal = {.reason = reason, .offset = offset, .line = line};
    snprintf(refusal.detail, sizeof refusal.detail, "%.199s", detail);
    ct_batch_refuse(w, &refusal);
}

/* ---- what a parser emits
 * ---------------------------------------------------------------------------------------------- */

static enum ct_status on_message(void *context, const struct ct_message *m)
{
    struct ct_worker *w = context;
    w->counts[w->input].messages++;
    if (w->batch->each) {
        return w->batch->each->message(w->batch->each->context, m);
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

static enum ct_status on_end(void *context, ct_span conversation_id)
{
    struct ct_worker *w = context;
    if (w->batch->each) {
        return w->batch->each->end(w->batch->each->context, conversation_id);
    }
    if (!w->held_count) {
        return CT_OK;
    }
    if (!ct_batch_order_room(w, w->held_count)) {
        return CT_NO_MEMORY;
    }
    size_t count = 0;
    for (size_t at = 0; at < w->held_len;) {
        const struct ct_stored *stored = (const struct ct_stored *)(const void *)(w->held + at);
        w->order[count++] = stored;
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
    struct ct_parse_out out = {.context = w, .message = on_message, .end = on_end, .refuse = on_refuse};
    w->record_offset = frame->offset;
    w->held_index = 0;
    ct_arena_reset(&w->scratch);
    enum ct_status status = parser->record(state, frame, &w->scratch, &out);
    if (status == CT_REFUSED) { /* said already */
        status = CT_OK;
    }
    return status == CT_OK && !w->batch->each ? put_held(w) : status;
}

/* ---- the source
 * -------------------------------------------------------------------------------------------------------- */

void ct_batch_source_close(struct ct_batch *batch)
{
    struct ct_batch_source *s = &batch->source;
    if (s->reader) {
        ct_reader_hash(s->reader, batch->inputs[s->input].hash);
        batch->inputs[s->input].disk_bytes = ct_reader_disk_bytes(s->reader);
        batch->disk_done += ct_reader_disk_bytes(s->reader);
        ct_reader_close(s->reader);
        s->reader = NULL;
    }
    if (s->parser_state) {
        s->parser->close(s->parser_state);
        s->parser_state = NULL;
    }
    free(s->zone);
    s->zone = NULL;
    s->carry_len = 0;
}

/* Reads until carry holds `want` bytes or the input ends; a broken stream ends it, refused by name. */
static enum ct_status fill_carry(struct ct_worker *w, struct ct_batch_source *s, size_t want)
{
    if (want > s->carry_capacity) {
        char *carry = realloc(s->carry, want);
        if (!carry) {
            return CT_NO_MEMORY;
        }
        s->carry = carry;
        s->carry_capacity = want;
    }
    while (!s->end && s->carry_len < want) {
        size_t got;
        struct ct_error err = {0};
        enum ct_status status = ct_reader_read(s->reader, s->carry + s->carry_len, want - s->carry_len, &got, &err);
        if (status == CT_NO_MEMORY) {
            return status;
        }
        if (status != CT_OK) {
            if (!s->scanning) {
                refuse_here(w, status == CT_REFUSED ? "truncated" : "unreadable", s->offset + s->carry_len, 0,
                            err.text);
            }
            s->end = true;
        } else if (got == 0) {
            s->end = true;
        }
        s->carry_len += got;
    }
    return CT_OK;
}

static void drop_carry(struct ct_batch_source *s, size_t bytes)
{
    memmove(s->carry, s->carry + bytes, s->carry_len - bytes);
    s->carry_len -= bytes;
    s->offset += bytes;
}

static bool zone_bytes(struct ct_batch_source *s, const struct ct_batch_options *options, struct ct_error *err)
{
    for (size_t i = 0; i < options->format_option_count; i++) {
        ct_span name = options->format_options[i].value;
        if (!ct_span_is(options->format_options[i].name, "zone") || !memchr(name.at, '/', name.len) || name.len > 100 ||
            memmem(name.at, name.len, "..", 2) || name.at[0] == '/') {
            continue;
        }
        char path[160];
        size_t len;
        snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", (int)name.len, name.at);
        free(s->zone);
        s->zone = ct_file_read(path, 1 << 20, &len, err);
        if (!s->zone) {
            ct_error_set(err, CT_USAGE,
                         "time zone \"%.*s\" is not known here (no %s): install tzdata, or give an offset such "
                         "as zone=+02:00",
                         (int)name.len, name.at, path);
            return false;
        }
        s->config.zone_tzif = (ct_span){s->zone, len};
    }
    return true;
}

/* The first pass of a parser that has to see all lines before it can read one. */
static enum ct_status prescan(struct ct_worker *w, struct ct_batch_source *s)
{
    struct ct_framer framer;
    ct_framer_init(&framer, s->parser, (ct_span){s->carry, s->carry_len}, w->batch->options->max_record_bytes);
    enum ct_status status = CT_OK;
    size_t at = 0;
    while (status == CT_OK) {
        size_t consumed;
        struct ct_frame frame;
        struct ct_refusal refusal; /* said in the second pass */
        enum ct_status next =
            ct_framer_next(&framer, (ct_span){s->carry + at, s->carry_len - at}, s->end, &consumed, &frame, &refusal);
        if (next == CT_OK) {
            status = s->parser->scan(s->parser_state, frame.bytes);
        }
        at += consumed;
        if (next == CT_NOT_FOUND) {
            drop_carry(s, at);
            at = 0;
            if (s->end) {
                break;
            }
            status = fill_carry(w, s, s->carry_len + CT_HEAD_BYTES);
        }
    }
    if (status != CT_OK && status != CT_REFUSED) {
        return status;
    }
    struct ct_parse_out out = {.context = w, .message = on_message, .end = on_end, .refuse = on_refuse};
    return s->parser->scanned ? s->parser->scanned(s->parser_state, &out) : CT_OK;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* Can it be read twice? */
static bool is_seekable(const char *path)
{
    struct stat st;
    return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Opens the next input that can be read. CT_NOT_FOUND = there is none left. Called with the lock held. */
static enum ct_status open_next(struct ct_worker *w)
{
    struct ct_batch *b = w->batch;
    struct ct_batch_source *s = &b->source;
    while (b->next_input < b->list->count) {
        const struct ct_input_file *file = &b->list->files[b->next_input];
        char *carry = s->carry;
        size_t carry_capacity = s->carry_capacity;
        *s = (struct ct_batch_source){.input = b->next_input++, .carry = carry, .carry_capacity = carry_capacity};
        w->input = s->input;
        w->piece_number = 0;
        struct ct_error err = {0};
        if (file->error) {
            refuse_here(w, "unreadable", 0, 0, file->error);
            continue;
        }
        s->reader = ct_reader_open(file->path, b->options->hash_inputs, &err);
        if (!s->reader) {
            refuse_here(w, err.status == CT_REFUSED ? "truncated" : "unreadable", 0, 0, err.text);
            continue;
        }
        s->scanning = b->options->format ? b->options->format->prescan : false;
        enum ct_status status = fill_carry(w, s, CT_HEAD_BYTES);
        if (status != CT_OK) {
            return status;
        }
        ct_span head = {s->carry, s->carry_len};
        s->parser = b->options->format ? b->options->format : ct_parser_detect(head);
        if (!s->parser) {
            refuse_here(w, s->carry_len ? "unknown_format" : "empty_file", 0, 0,
                        s->carry_len ? "no format fits its first bytes: name one with --format (see convtap formats)"
                                     : "nothing in it");
            ct_batch_source_close(b);
            continue;
        }
        if (!s->carry_len) {
            refuse_here(w, "empty_file", 0, 0, "nothing in it");
            ct_batch_source_close(b);
            continue;
        }
        s->config = (struct ct_parser_config){.options = b->options->format_options,
                                              .option_count = b->options->format_option_count,
                                              .source = ct_span_of(base_name(file->path))};
        if (!zone_bytes(s, b->options, &err) || !(s->parser_state = s->parser->open(&s->config, &err))) {
            w->error = err;
            return err.status ? err.status : CT_BAD_CONFIG;
        }
        ct_framer_init(&s->framer, s->parser, head, b->options->max_record_bytes);
        if (s->parser->prescan) {
            s->scanning = true;
            status = !is_seekable(file->path) ? ct_error_set(&w->error, CT_USAGE,
                                                             "format %s has to be read twice and cannot come from a "
                                                             "pipe or standard input: write it to a file first",
                                                             s->parser->name)
                                              : prescan(w, s);
            if (status == CT_REFUSED) { /* said already: the file as a whole is ambiguous */
                ct_batch_source_close(b);
                continue;
            }
            if (status != CT_OK) {
                return status;
            }
            ct_reader_close(s->reader);
            s->reader = ct_reader_open(file->path, b->options->hash_inputs, &err);
            if (!s->reader) {
                refuse_here(w, "unreadable", 0, 0, err.text);
                ct_batch_source_close(b);
                continue;
            }
            s->carry_len = 0;
            s->offset = 0;
            s->end = s->scanning = false;
            ct_framer_init(&s->framer, s->parser, head, b->options->max_record_bytes);
        }
        return CT_OK;
    }
    return CT_NOT_FOUND;
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

/* Whole lines for the worker: framing them is its own work. CT_NOT_FOUND = this input has no more. */
static enum ct_status take_lines(struct ct_worker *w, struct ct_batch_source *s)
{
    size_t want = CT_PIECE_BYTES;
    w->piece_skipped = 0;
    for (;;) {
        enum ct_status status = fill_carry(w, s, want);
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
            drop_carry(s, first ? (size_t)(first - s->carry) + 1 : s->carry_len);
            continue;
        }
        if (bytes) {
            if (!piece_room(w, bytes)) {
                return CT_NO_MEMORY;
            }
            memcpy(w->piece, s->carry, bytes);
            w->piece_len = bytes;
            w->piece_offset = s->offset;
            drop_carry(s, bytes);
            return CT_OK;
        }
        if (s->carry_len > w->batch->options->max_record_bytes) {
            char detail[120];
            snprintf(detail, sizeof detail, "a line longer than %zu bytes", w->batch->options->max_record_bytes);
            refuse_here(w, "record_too_long", s->offset, 1 + w->piece_skipped, detail);
            s->skipping = true;
            want = CT_PIECE_BYTES;
            continue;
        }
        want = s->carry_len * 2 > CT_PIECE_BYTES ? s->carry_len * 2 : CT_PIECE_BYTES;
    }
}

/* Some whole values for the worker, framed here because only the stream knows where they end. */
static enum ct_status take_values(struct ct_worker *w, struct ct_batch_source *s)
{
    w->piece_len = 0;
    w->frame_count = 0;
    size_t done = 0;
    uint64_t line = s->framer.line;
    enum ct_status status = CT_OK;
    while (w->piece_len < CT_PIECE_BYTES / 2) {
        size_t consumed;
        struct ct_frame frame;
        struct ct_refusal refusal;
        enum ct_status next = ct_framer_next(&s->framer, (ct_span){s->carry + done, s->carry_len - done}, s->end,
                                             &consumed, &frame, &refusal);
        if (next == CT_OK) {
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
            if (!piece_room(w, at + frame.bytes.len + 1)) {
                return CT_NO_MEMORY;
            }
            memcpy(w->piece + at, frame.bytes.at, frame.bytes.len);
            w->piece_len += frame.bytes.len;
            frame.bytes = (ct_span){(const char *)at, frame.bytes.len}; /* an offset: the piece may still move */
            w->frames[w->frame_count++] = frame;
        } else if (next == CT_REFUSED) {
            ct_batch_refuse(w, &refusal);
        }
        done += consumed;
        if (next == CT_NOT_FOUND) {
            drop_carry(s, done);
            done = 0;
            if (s->end) {
                break;
            }
            status = fill_carry(w, s, s->carry_len + CT_HEAD_BYTES * 4);
            if (status != CT_OK) {
                return status;
            }
        }
    }
    drop_carry(s, done);
    w->batch->inputs[s->input].piece_lines[w->piece_number] = (uint32_t)(s->framer.line - line);
    return w->frame_count ? CT_OK : CT_NOT_FOUND;
}

/* A stateful parser reads its whole input in order, under the lock: its work is small beside the rules'. */
static enum ct_status parse_in_order(struct ct_worker *w, struct ct_batch_source *s)
{
    enum ct_status status = CT_OK;
    size_t at = 0;
    while (status == CT_OK) {
        size_t consumed;
        struct ct_frame frame;
        struct ct_refusal refusal;
        enum ct_status next = ct_framer_next(&s->framer, (ct_span){s->carry + at, s->carry_len - at}, s->end, &consumed,
                                             &frame, &refusal);
        if (next == CT_OK) {
            status = parse_frame(w, s->parser, s->parser_state, &frame);
        } else if (next == CT_REFUSED) {
            ct_batch_refuse(w, &refusal);
        }
        at += consumed;
        if (next == CT_NOT_FOUND) {
            drop_carry(s, at);
            at = 0;
            if (s->end) {
                break;
            }
            status = fill_carry(w, s, s->carry_len + CT_HEAD_BYTES);
        }
    }
    if (status == CT_OK && s->parser->finish) {
        struct ct_parse_out out = {.context = w, .message = on_message, .end = on_end, .refuse = on_refuse};
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
            status = open_next(w);
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
