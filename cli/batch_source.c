/* batch_source.c - the inputs of a batch, one after the other: opened, told apart, read twice where a parser has to see
 * all of it first, and closed; and what is refused on the way. Called by batch_read.c with the lock held. See batch.h.
 */
#include "cli/batch_state.h"
#include "cli/zones.h"

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
    struct ct_batch_refusal refusal; /* first: ct_batch_by_place sorts these, too */
    uint64_t piece;
};

int ct_batch_by_place(const void *left, const void *right)
{
    const struct ct_batch_refusal *a = left, *b = right;
    if (a->input != b->input) {
        return a->input < b->input ? -1 : 1;
    }
    if (a->offset != b->offset) {
        return a->offset < b->offset ? -1 : 1;
    }
    int order = strcmp(a->reason, b->reason);
    return order ? order : strcmp(a->detail, b->detail);
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
    qsort(all, w->refusal_count, sizeof *all, ct_batch_by_place);
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

void ct_batch_refuse_here(struct ct_worker *w, const char *reason, uint64_t offset, uint64_t line, const char *detail)
{
    struct ct_refusal refusal = {.reason = reason, .offset = offset, .line = line};
    snprintf(refusal.detail, sizeof refusal.detail, "%.199s", detail);
    ct_batch_refuse(w, &refusal);
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
    free(s->options);
    s->zone = NULL;
    s->options = NULL;
    s->carry_len = 0;
}

static void tell_trouble(struct ct_worker *w, struct ct_batch_source *s)
{
    if (s->trouble) {
        ct_batch_refuse_here(w, s->trouble, s->offset + s->carry_len, 0, s->trouble_text);
    }
    s->trouble = NULL;
}

/* Reads until carry holds `want` bytes or the input ends; a broken stream ends it, refused by name. */
enum ct_status ct_batch_source_fill(struct ct_worker *w, struct ct_batch_source *s, size_t want)
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
            s->trouble = status == CT_REFUSED ? "truncated" : "unreadable";
            (void)snprintf(s->trouble_text, sizeof s->trouble_text, "%.199s", err.text);
            if (!s->scanning) {
                tell_trouble(w, s);
            }
            s->end = true;
        } else if (got == 0) {
            s->end = true;
        }
        s->carry_len += got;
    }
    return CT_OK;
}

void ct_batch_source_drop(struct ct_batch_source *s, size_t bytes)
{
    memmove(s->carry, s->carry + bytes, s->carry_len - bytes);
    s->carry_len -= bytes;
    s->offset += bytes;
}

static void lay_options(struct ct_batch_source *s, const struct ct_option_value *options, size_t count)
{
    if (count) {
        memcpy(s->options + s->config.option_count, options, count * sizeof *options);
        s->config.option_count += count;
    }
}

/* How this file is written: of options of one name a parser takes the first. false = out of memory. */
static bool lay_writings(struct ct_batch_source *s, const struct ct_batch_options *options, const char *path)
{
    size_t most = options->format_option_count;
    for (size_t i = 0; i < options->writing_count; i++) {
        most += options->writings[i].option_count;
    }
    s->options = malloc((most + 1) * sizeof *s->options);
    s->config.options = s->options;
    if (!s->options) {
        return false;
    }
    for (size_t i = options->writing_count; i-- > 0;) {
        const struct ct_input_writing *writing = &options->writings[i];
        if (ct_input_fits(writing->files, path)) {
            lay_options(s, writing->options, writing->option_count);
            s->parser = s->parser ? s->parser : writing->format;
        }
    }
    lay_options(s, options->format_options, options->format_option_count);
    s->parser = s->parser ? s->parser : options->format;
    return true;
}

static bool zone_bytes(struct ct_batch_source *s, struct ct_error *err)
{
    ct_span zone = CT_SPAN_NONE;
    for (size_t i = 0; i < s->config.option_count && !zone.len; i++) {
        zone = ct_span_is(s->config.options[i].name, "zone") ? s->config.options[i].value : zone;
    }
    size_t len;
    if (zone.len && ct_zone_needs_file(zone)) {
        s->zone = ct_zone_file(zone, &len, err);
        if (!s->zone) {
            return false;
        }
        s->config.zone_tzif = (ct_span){s->zone, len};
    }
    return true;
}

enum ct_status ct_batch_source_frames(struct ct_worker *w, struct ct_batch_source *s, struct ct_framer *framer,
                                      bool refuse, ct_batch_frame *take)
{
    enum ct_status status = CT_OK;
    size_t at = 0;
    while (status == CT_OK) {
        size_t consumed;
        struct ct_frame frame;
        struct ct_refusal refusal;
        enum ct_status next =
            ct_framer_next(framer, (ct_span){s->carry + at, s->carry_len - at}, s->end, &consumed, &frame, &refusal);
        if (next == CT_OK) {
            status = take(w, s, &frame);
        } else if (next == CT_REFUSED && refuse) {
            ct_batch_refuse(w, &refusal);
        }
        at += consumed;
        if (next == CT_NOT_FOUND) {
            ct_batch_source_drop(s, at);
            at = 0;
            if (s->end) {
                break;
            }
            status = ct_batch_source_fill(w, s, s->carry_len + CT_PIECE_BYTES);
        }
    }
    ct_batch_source_drop(s, at);
    return status;
}

static enum ct_status scan_frame(struct ct_worker *w, struct ct_batch_source *s, const struct ct_frame *frame)
{
    (void)w;
    return s->parser->scan(s->parser_state, frame->bytes);
}

/* The first pass of a parser that has to see all lines before it can read one. What is refused is said in the second.
 */
static enum ct_status prescan(struct ct_worker *w, struct ct_batch_source *s)
{
    struct ct_framer framer;
    ct_framer_init(&framer, s->parser, (ct_span){s->carry, s->carry_len}, w->batch->options->max_record_bytes);
    enum ct_status status = ct_batch_source_frames(w, s, &framer, false, scan_frame);
    if (status != CT_OK && status != CT_REFUSED) {
        return status;
    }
    struct ct_parse_out out = ct_batch_out(w);
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
enum ct_status ct_batch_source_next(struct ct_worker *w)
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
            ct_batch_refuse_here(w, "unreadable", 0, 0, file->error);
            continue;
        }
        s->reader = ct_reader_open(file->path, b->options->hash_inputs, &err);
        if (!s->reader) {
            ct_batch_refuse_here(w, err.status == CT_REFUSED ? "truncated" : "unreadable", 0, 0, err.text);
            continue;
        }
        s->scanning = true; /* until it is known whether there is a second pass */
        enum ct_status status = ct_batch_source_fill(w, s, CT_HEAD_BYTES);
        if (status != CT_OK) {
            return status;
        }
        ct_span head = {s->carry, s->carry_len};
        s->config =
            (struct ct_parser_config){.source = ct_span_of(base_name(file->path)), .zone = b->options->terms.zone};
        if (!lay_writings(s, b->options, file->path)) {
            return CT_NO_MEMORY;
        }
        s->parser = s->parser ? s->parser : ct_parser_detect_as(&s->config, head);
        s->scanning = s->parser && s->parser->prescan && s->carry_len;
        if (!s->scanning) {
            tell_trouble(w, s);
        }
        if (!s->parser) {
            ct_batch_refuse_here(w, s->carry_len ? "unknown_format" : "empty_file", 0, 0,
                                 s->carry_len
                                     ? "no format fits its first bytes: name one with --format (see convtap formats)"
                                     : "nothing in it");
            ct_batch_source_close(b);
            continue;
        }
        if (!s->carry_len) {
            ct_batch_refuse_here(w, "empty_file", 0, 0, "nothing in it");
            ct_batch_source_close(b);
            continue;
        }
        if (!zone_bytes(s, &err) || !(s->parser_state = s->parser->open(&s->config, &err))) {
            w->error = err;
            return err.status ? err.status : CT_BAD_CONFIG;
        }
        ct_framer_init(&s->framer, s->parser, head, b->options->max_record_bytes);
        if (s->parser->prescan) {
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
                ct_batch_refuse_here(w, "unreadable", 0, 0, err.text);
                ct_batch_source_close(b);
                continue;
            }
            s->carry_len = 0;
            s->offset = 0;
            s->end = s->scanning = false;
            s->trouble = NULL;
            ct_framer_init(&s->framer, s->parser, head, b->options->max_record_bytes);
        }
        return CT_OK;
    }
    return CT_NOT_FOUND;
}
