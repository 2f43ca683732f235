/* frame.c - cuts a byte stream into lines or JSON values; holds positions, never bytes.
 *
 * The value scanner knows strings and brackets and no more: what is between them is the parser's to
 * judge, record by record. Only where the structure itself is lost (something other than a comma
 * between two elements) is the rest of the file refused, once.
 * Called by whoever reads a file, a tape or a socket and by the golden runner and the fuzz target.
 */
#include "parsers/frame.h"

#include "parsers/json_scan.h"

#include <stdio.h>

enum state {
    AT_START,   /* nothing read yet: a byte order mark may come */
    AT_LINE,    /* lines mode */
    AT_TOP,     /* between top-level values */
    AFTER_TOP,  /* behind a top-level value of one line: if the line ends here, these are JSON lines */
    AT_FIRST,   /* behind '[' */
    AT_ELEMENT, /* behind a comma */
    AT_COMMA,   /* behind an element */
    IN_RECORD,
    IN_WRAPPER, /* in a top-level object, looking for an array key */
    DEAD        /* structure lost: the rest is passed over */
};

/* Bytes of a key that may be looked at across two buffers; no array key is longer. */
#define KEY_BYTES_MAX 256

/* ---- positions -------------------------------------------------------------------------- */

/* `from` bytes of this buffer were consumed before, `to` are now. */
static void count_lines(struct ct_framer *framer, ct_span bytes, size_t from, size_t to)
{
    while (from < to) {
        const char *end = memchr(bytes.at + from, '\n', to - from);
        if (end == NULL)
            return;
        framer->line++;
        from = (size_t)(end - bytes.at) + 1;
    }
}

static void advance(struct ct_framer *framer, ct_span bytes, size_t *pos, size_t to)
{
    count_lines(framer, bytes, *pos, to);
    framer->offset += to - *pos;
    *pos = to;
}

static enum ct_status refuse(struct ct_refusal *refusal, const char *reason, uint64_t offset, uint64_t line)
{
    memset(refusal, 0, sizeof(*refusal));
    refusal->reason = reason;
    refusal->offset = offset;
    refusal->line = line;
    return CT_REFUSED;
}

static enum ct_status refuse_long(const struct ct_framer *framer, struct ct_refusal *refusal)
{
    enum ct_status status = refuse(refusal, "record_too_long", framer->record_offset, framer->record_line);
    snprintf(refusal->detail, sizeof(refusal->detail), "more than %zu bytes", framer->max_record_bytes);
    return status;
}

static enum ct_status refuse_truncated(const struct ct_framer *framer, bool in_record, struct ct_refusal *refusal)
{
    enum ct_status status = refuse(refusal, "truncated", framer->offset, framer->line);
    if (in_record)
        snprintf(refusal->detail, sizeof(refusal->detail), "the value that begins at byte %llu, line %llu has no end",
                 (unsigned long long)framer->record_offset, (unsigned long long)framer->record_line);
    else
        snprintf(refusal->detail, sizeof(refusal->detail), "the array or object around the records has no end");
    return status;
}

/* ---- scanning --------------------------------------------------------------------------- */

/* Inside a string: its end, or the buffer's. Returns the position behind what was seen. */
static size_t scan_string(struct ct_framer *framer, ct_span bytes, size_t at)
{
    while (at < bytes.len && framer->in_string) {
        if (framer->in_escape) {
            framer->in_escape = false;
            at++;
            continue;
        }
        at = (size_t)(ct_json_quote(bytes.at + at, bytes.at + bytes.len) - bytes.at);
        if (at >= bytes.len)
            break;
        if (bytes.at[at] == '\\')
            framer->in_escape = true;
        else
            framer->in_string = false;
        at++;
    }
    return at;
}

/* One value from `at`, which may be its middle. True = *end is behind it. */
static bool scan_value(struct ct_framer *framer, ct_span bytes, size_t at, size_t *end)
{
    if (framer->scalar) {
        while (at < bytes.len && strchr(" \t\r\n,]}", bytes.at[at]) == NULL)
            at++;
        *end = at;
        return at < bytes.len;
    }
    while (at < bytes.len) {
        if (framer->in_string) {
            at = scan_string(framer, bytes, at);
            if (framer->in_string)
                break;
            if (framer->depth == 0) {
                *end = at;
                return true;
            }
            continue;
        }
        char c = bytes.at[at];
        if (c == '"') {
            framer->in_string = true;
        } else if (c == '{' || c == '[') {
            framer->depth++;
        } else if (c == '}' || c == ']') {
            if (--framer->depth == 0) {
                *end = at + 1;
                return true;
            }
        }
        at++;
    }
    *end = bytes.len;
    return false;
}

static bool is_array_key(const struct ct_framer *framer, ct_span key)
{
    for (const char *const *name = framer->array_keys; name && *name; name++)
        if (ct_span_is(key, *name))
            return true;
    return false;
}

/* Is a name of an array key anywhere in it? */
static bool has_array_key(const struct ct_framer *framer, ct_span bytes)
{
    for (const char *const *name = framer->array_keys; name && *name; name++)
        if (memmem(bytes.at, bytes.len, *name, strlen(*name)) != NULL)
            return true;
    return false;
}

/* Behind the object that begins at `at`, where all of it is there and it is a record for sure, as most are; 0 = look
 * closer. */
static size_t plain_object_end(const struct ct_framer *framer, ct_span bytes, size_t at)
{
#if defined(__SSE2__)
    struct ct_json_brackets walk = {0};
    uint32_t depth = 0;
    for (size_t from = at; from < bytes.len && !walk.stray; from += 64) {
        char tail[64];
        const char *block = bytes.at + from;
        uint64_t closing;
        if (bytes.len - from < sizeof tail) {
            memset(tail, ' ', sizeof tail);
            memcpy(tail, block, bytes.len - from);
            block = tail;
        }
        for (uint64_t left = ct_json_brackets(&walk, block, &closing); left && !walk.stray; left &= left - 1) {
            size_t here = from + (size_t)__builtin_ctzll(left);
            if (closing & left & -left) {
                if (--depth == 0)
                    return here + 1;
            } else if (++depth == 2 && bytes.at[here] == '[' &&
                       has_array_key(framer, (ct_span){bytes.at + at, here - at})) {
                return 0;
            }
        }
    }
#else
    (void)framer, (void)bytes, (void)at;
#endif
    return 0;
}

enum wrapper { WRAPPER_MORE, WRAPPER_ARRAY, WRAPPER_END };

/* The members of a top-level object from `at`; framer->depth is 1 between them. */
static enum wrapper scan_wrapper(struct ct_framer *framer, ct_span bytes, size_t at, size_t *end)
{
    while (at < bytes.len) {
        if (framer->in_string) {
            at = scan_string(framer, bytes, at);
            if (!framer->in_string && framer->in_key) {
                framer->in_key = false;
                framer->key_matches =
                    is_array_key(framer, (ct_span){bytes.at + framer->key_at + 1, at - framer->key_at - 2});
            }
            continue;
        }
        char c = bytes.at[at++];
        if (c == '"') {
            framer->in_string = true;
            framer->in_key = framer->depth == 1 && framer->key_due;
            framer->key_at = at - 1;
        } else if (c == '[' && framer->depth == 1 && framer->key_matches) {
            framer->key_matches = false;
            *end = at;
            return WRAPPER_ARRAY;
        } else if (c == '{' || c == '[') {
            framer->depth++;
        } else if (c == '}' || c == ']') {
            if (--framer->depth == 0) {
                *end = at;
                return WRAPPER_END;
            }
        } else if (framer->depth == 1 && (c == ',' || c == ':')) {
            framer->key_due = c == ',';
            framer->key_matches = framer->key_matches && c == ':';
        }
    }
    *end = bytes.len;
    return WRAPPER_MORE;
}

/* ---- lines ------------------------------------------------------------------------------ */

static bool is_blank(const char *at, size_t len)
{
    const char *end = at + len;
    return ct_json_space(at, end) == end;
}

static enum ct_status next_line(struct ct_framer *framer, ct_span bytes, bool last, size_t *pos, struct ct_frame *frame,
                                struct ct_refusal *refusal)
{
    for (;;) {
        size_t from = *pos + framer->scanned;
        const char *end = from < bytes.len ? memchr(bytes.at + from, '\n', bytes.len - from) : NULL;
        size_t stop = end ? (size_t)(end - bytes.at) : bytes.len;
        size_t len = stop - *pos;
        bool whole = end != NULL || (last && len > 0);
        framer->scanned = 0;
        if (!framer->skipping && len > framer->max_record_bytes) {
            framer->record_offset = framer->offset;
            framer->record_line = framer->line;
            framer->skipping = !whole;
            advance(framer, bytes, pos, end ? stop + 1 : stop);
            return refuse_long(framer, refusal);
        }
        if (!whole && !framer->skipping) {
            framer->scanned = len;
            return CT_NOT_FOUND;
        }
        struct ct_frame line = {{bytes.at + *pos, len}, framer->offset, framer->line, 0, NULL};
        framer->offset += len + (end != NULL);
        framer->line += end != NULL;
        *pos = end ? stop + 1 : stop;
        if (framer->skipping) {
            framer->skipping = end == NULL;
            if (end == NULL)
                return CT_NOT_FOUND;
            continue;
        }
        if (framer->skip_blank && (len == 0 || *line.bytes.at <= ' ') && is_blank(line.bytes.at, len))
            continue;
        if (len > 0 && line.bytes.at[len - 1] == '\r')
            line.bytes.len--;
        *frame = line;
        return CT_OK;
    }
}

/* ---- values ----------------------------------------------------------------------------- */

/* `c` is the record's first byte: a string, an array, an object, or else a number or a word. */
static void begin_record(struct ct_framer *framer, int after, char c)
{
    framer->record_part = framer->record_line == framer->line ? framer->record_part + 1 : 0;
    framer->record_offset = framer->offset;
    framer->record_line = framer->line;
    framer->state = IN_RECORD;
    framer->after = after;
    framer->scanned = 0;
    framer->depth = 0;
    framer->in_string = framer->in_escape = framer->skipping = false;
    framer->scalar = c != '{' && c != '[' && c != '"';
}

static void begin_wrapper(struct ct_framer *framer)
{
    begin_record(framer, AFTER_TOP, '{');
    framer->state = IN_WRAPPER;
    framer->depth = 1;
    framer->scanned = 1;
    framer->wrapper_held = true;
    framer->wrapper_found = framer->in_key = framer->key_matches = false;
    framer->key_due = true;
}

/* The record [*pos, end) is whole: hands it over, or refuses it where it is too long. */
static enum ct_status finish_record(struct ct_framer *framer, ct_span bytes, size_t end, size_t *pos,
                                    struct ct_frame *frame, struct ct_refusal *refusal)
{
    bool skipped = framer->skipping;
    struct ct_frame record = {
        {bytes.at + *pos, end - *pos}, framer->record_offset, framer->record_line, framer->record_part, NULL};
    advance(framer, bytes, pos, end);
    framer->state = framer->after;
    if (framer->state == AFTER_TOP && framer->line != framer->record_line)
        framer->state = AT_TOP;
    framer->scanned = 0;
    framer->skipping = false;
    if (skipped)
        return CT_NOT_FOUND;
    if (record.bytes.len > framer->max_record_bytes)
        return refuse_long(framer, refusal);
    *frame = record;
    return CT_OK;
}

/* CT_NOT_FOUND with framer->state changed means: go on. */
static enum ct_status in_record(struct ct_framer *framer, ct_span bytes, bool last, size_t *pos, struct ct_frame *frame,
                                struct ct_refusal *refusal)
{
    size_t end = 0, from = *pos + framer->scanned;
    framer->scanned = 0;
    bool whole = scan_value(framer, bytes, from, &end);
    if (whole || (last && framer->scalar))
        return finish_record(framer, bytes, end, pos, frame, refusal);
    if (framer->skipping) {
        advance(framer, bytes, pos, end);
    } else if (end - *pos > framer->max_record_bytes) {
        framer->skipping = true;
        advance(framer, bytes, pos, end);
        return refuse_long(framer, refusal);
    } else if (!last) {
        framer->scanned = end - *pos;
        return CT_NOT_FOUND;
    }
    if (!last)
        return CT_NOT_FOUND;
    bool told = framer->skipping;
    advance(framer, bytes, pos, bytes.len);
    framer->state = DEAD;
    return told ? CT_NOT_FOUND : refuse_truncated(framer, true, refusal);
}

static enum ct_status in_wrapper(struct ct_framer *framer, ct_span bytes, bool last, size_t *pos,
                                 struct ct_frame *frame, struct ct_refusal *refusal)
{
    size_t end = 0, from = *pos + framer->scanned;
    bool begun = framer->wrapper_held && framer->scanned == 1;
    framer->scanned = 0;
    if (begun && (end = plain_object_end(framer, bytes, *pos)) > 0)
        return finish_record(framer, bytes, end, pos, frame, refusal);
    framer->key_at += *pos;
    switch (scan_wrapper(framer, bytes, from, &end)) {
    case WRAPPER_ARRAY:
        advance(framer, bytes, pos, end);
        /* The object around them is no record: the first one inside takes its place on the line. */
        if (!framer->wrapper_found && framer->record_part-- == 0)
            framer->record_line = framer->record_part = 0;
        framer->wrapper_found = framer->wrapped = true;
        framer->wrapper_held = false;
        framer->state = AT_FIRST;
        return CT_NOT_FOUND;
    case WRAPPER_END:
        if (framer->wrapper_held)
            return finish_record(framer, bytes, end, pos, frame, refusal);
        advance(framer, bytes, pos, end);
        framer->state = AT_TOP;
        return framer->wrapper_found ? CT_NOT_FOUND : refuse_long(framer, refusal);
    case WRAPPER_MORE:
        break;
    }
    if (last) {
        bool held = framer->wrapper_held;
        advance(framer, bytes, pos, bytes.len);
        framer->state = DEAD;
        return refuse_truncated(framer, held, refusal);
    }
    if (framer->wrapper_held && end - *pos > framer->max_record_bytes)
        framer->wrapper_held = false;
    size_t keep = framer->wrapper_held ? *pos : end;
    if (!framer->wrapper_held && end - framer->key_at > KEY_BYTES_MAX)
        framer->in_key = false;
    if (framer->in_key && framer->key_at < keep)
        keep = framer->key_at;
    advance(framer, bytes, pos, keep);
    framer->scanned = end - keep;
    framer->key_at = framer->key_at >= keep ? framer->key_at - keep : 0;
    return CT_NOT_FOUND;
}

static enum ct_status lose(struct ct_framer *framer, const char *note, struct ct_refusal *refusal)
{
    framer->state = DEAD;
    (void)refuse(refusal, "bad_json", framer->offset, framer->line);
    snprintf(refusal->detail, sizeof(refusal->detail), "%s; the rest of the input is left out", note);
    return CT_REFUSED;
}

/* One step between records, at a byte that is not white space. */
static enum ct_status between(struct ct_framer *framer, ct_span bytes, size_t *pos, struct ct_refusal *refusal)
{
    char c = bytes.at[*pos];
    bool opens = c == '{' || c == '[' || c == '"' || c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
    switch (framer->state) {
    case AT_TOP:
        if (c == '[') {
            advance(framer, bytes, pos, *pos + 1);
            framer->wrapped = false;
            framer->state = AT_FIRST;
        } else if (c == '{' && framer->array_keys) {
            begin_wrapper(framer);
        } else if (opens) {
            begin_record(framer, AFTER_TOP, c);
        } else {
            return lose(framer, "no value begins here", refusal);
        }
        return CT_OK;
    case AT_COMMA:
        if (c == ',') {
            advance(framer, bytes, pos, *pos + 1);
            framer->state = AT_ELEMENT;
            return CT_OK;
        }
        break;
    default:
        if (opens) {
            begin_record(framer, AT_COMMA, c);
            return CT_OK;
        }
        break;
    }
    if (c != ']' || framer->state == AT_ELEMENT)
        return lose(framer, framer->state == AT_COMMA ? "a comma or ] is due" : "an element is due", refusal);
    advance(framer, bytes, pos, *pos + 1);
    framer->state = framer->wrapped ? IN_WRAPPER : AT_TOP;
    framer->depth = 1;
    framer->scanned = 0;
    framer->key_due = framer->in_key = framer->key_matches = false;
    return CT_OK;
}

static enum ct_status next_value(struct ct_framer *framer, ct_span bytes, bool last, size_t *pos,
                                 struct ct_frame *frame, struct ct_refusal *refusal)
{
    while (*pos + framer->scanned < bytes.len || (last && framer->scanned > 0)) {
        int before = framer->state;
        enum ct_status status;
        switch (before) {
        case DEAD:
            advance(framer, bytes, pos, bytes.len);
            return CT_NOT_FOUND;
        case IN_RECORD:
        case IN_WRAPPER:
            status = before == IN_RECORD ? in_record(framer, bytes, last, pos, frame, refusal)
                                         : in_wrapper(framer, bytes, last, pos, frame, refusal);
            if (status != CT_NOT_FOUND || framer->state == before)
                return status;
            break;
        case AFTER_TOP:
            if (bytes.at[*pos] == '\n') {
                framer->mode = CT_FRAME_LINES;
                framer->skip_blank = true;
                framer->state = AT_LINE;
                advance(framer, bytes, pos, *pos + 1);
                return next_line(framer, bytes, last, pos, frame, refusal);
            }
            if (ct_json_is_space(bytes.at[*pos]))
                advance(framer, bytes, pos, *pos + 1);
            else
                framer->state = AT_TOP;
            break;
        default: {
            const char *end = bytes.at + bytes.len;
            advance(framer, bytes, pos, (size_t)(ct_json_space(bytes.at + *pos, end) - bytes.at));
            if (*pos < bytes.len && (status = between(framer, bytes, pos, refusal)) != CT_OK)
                return status;
            break;
        }
        }
    }
    if (!last || framer->state == AT_TOP || framer->state == AFTER_TOP || framer->state == DEAD)
        return CT_NOT_FOUND;
    bool told = framer->skipping;
    framer->state = DEAD;
    framer->scanned = 0;
    return told ? CT_NOT_FOUND : refuse_truncated(framer, false, refusal);
}

/* ---- what the callers see --------------------------------------------------------------- */

enum ct_status ct_framer_next(struct ct_framer *framer, ct_span bytes, bool last, size_t *consumed,
                              struct ct_frame *frame, struct ct_refusal *refusal)
{
    size_t pos = 0;
    *consumed = 0;
    if (framer->state == AT_START) {
        size_t have = bytes.len < 3 ? bytes.len : 3;
        bool mark = have > 0 && memcmp(bytes.at, "\xEF\xBB\xBF", have) == 0;
        if (have < 3 && (mark || have == 0) && !last)
            return CT_NOT_FOUND;
        framer->state = framer->mode == CT_FRAME_LINES ? AT_LINE : AT_TOP;
        if (mark && have == 3)
            advance(framer, bytes, &pos, 3);
    }
    enum ct_status status = framer->mode == CT_FRAME_LINES ? next_line(framer, bytes, last, &pos, frame, refusal)
                                                           : next_value(framer, bytes, last, &pos, frame, refusal);
    *consumed = pos;
    return status;
}

/* Are the records lines? `head` begins with the first byte that is not white space. */
static bool head_has_lines(const struct ct_framer *framer, ct_span head)
{
    if (head.len == 0 || *head.at == '[')
        return false;
    if (*head.at != '{')
        return true;
    const char *line_end = memchr(head.at, '\n', head.len);
    if (line_end == NULL)
        return false; /* one value, or the first line is long: told apart as it comes */
    ct_span line = {head.at, (size_t)(line_end - head.at)};
    struct ct_framer probe = *framer;
    size_t end = 0;
    begin_wrapper(&probe);
    switch (scan_wrapper(&probe, line, 1, &end)) {
    case WRAPPER_ARRAY:
        return false;
    case WRAPPER_END:
        return is_blank(line.at + end, line.len - end);
    case WRAPPER_MORE:
        break;
    }
    /* A first line that is cut, before others that are whole, must not turn lines into one value. */
    const char *next = line_end + 1;
    return line.len > 1 && line.at[1] == '"' && head.at + head.len - next >= 2 && next[0] == '{' && next[1] == '"';
}

void ct_framer_init(struct ct_framer *framer, const struct ct_parser *parser, ct_span head, size_t max_record_bytes)
{
    memset(framer, 0, sizeof(*framer));
    framer->line = 1;
    framer->max_record_bytes = max_record_bytes;
    framer->array_keys = parser->array_keys;
    framer->state = AT_START;
    framer->mode = CT_FRAME_LINES;
    if (parser->framing != CT_FRAMING_JSON)
        return;
    framer->skip_blank = true;
    if (head.len >= 3 && memcmp(head.at, "\xEF\xBB\xBF", 3) == 0)
        head = (ct_span){head.at + 3, head.len - 3};
    const char *end = head.at + head.len;
    const char *first = head.len ? ct_json_space(head.at, end) : head.at;
    if (!head_has_lines(framer, (ct_span){first, (size_t)(end - first)}))
        framer->mode = CT_FRAME_VALUES;
}
