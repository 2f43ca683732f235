/* alarm_file.c - the file of alarms, written and read. See alarm_file.h. */
#include "plugin/gate/alarm_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsers/json_tree.h"
#include "plugin/gate/desk_answer.h"
#include "plugin/tape/placed.h"
#include "sinks/alarms.h"

#define HEAD "{\"file\":\"convtap alarms\",\"version\":1,\"check\":\"%016" PRIx64 "\"}\n"
enum { HEAD_BYTES = 70 };

void ct_alarm_kept_done(struct ct_alarm_kept *kept)
{
    ct_alarm_book_done(&kept->book);
    ct_outbox_done(&kept->outbox);
}

/* ---- writing ---- */

/* Whole millionths and times as texts: a number of JSON goes through a double on its way back. */
static void write_micro(struct ct_writer *json, const char *key, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    ct_writer_key(json, key);
    ct_writer_text(json, text);
}

static void write_text(struct ct_writer *json, const char *key, const char *text)
{
    ct_writer_key(json, key);
    ct_writer_string(json, ct_span_of(text));
}

static void write_count(struct ct_writer *json, const char *key, uint64_t count)
{
    ct_writer_key(json, key);
    ct_writer_wide(json, (ct_wide)(count < (uint64_t)CT_JSON_COUNT_MAX ? count : (uint64_t)CT_JSON_COUNT_MAX));
}

static void write_reading(struct ct_writer *json, const struct ct_alarm_reading *reading)
{
    ct_writer_open(json, '{');
    write_text(json, "condition", reading->condition);
    write_text(json, "kpi", reading->kpi->id);
    write_text(json, "key", reading->key);
    write_micro(json, "value", reading->value_micro);
    write_count(json, "n", reading->n);
    if (reading->has_before) {
        write_micro(json, "before", reading->before_micro);
    }
    ct_writer_close(json, '}');
}

static void write_entry(struct ct_writer *json, const struct ct_alarm_entry *entry)
{
    ct_writer_open(json, '{');
    write_text(json, "name", entry->name);
    write_text(json, "by", entry->by);
    write_text(json, "slice", entry->slice);
    write_text(json, "kpi", entry->kpi);
    write_text(json, "severity", ct_alarm_severity_text(entry->severity));
    write_text(json, "state", ct_alarm_phase_text(entry->phase));
    write_text(json, "end", ct_alarm_end_text(entry->end));
    write_count(json, "held", entry->held);
    write_count(json, "hold", entry->hold);
    write_micro(json, "since", entry->since);
    write_micro(json, "raised_at", entry->raised_at);
    write_micro(json, "cleared_at", entry->cleared_at);
    write_micro(json, "judged_at", entry->judged_at);
    write_micro(json, "known_at", entry->known_at);
    ct_writer_key(json, "because");
    ct_writer_open(json, '[');
    for (unsigned i = 0; i < entry->reading_count; i++) {
        write_reading(json, &entry->readings[i]);
    }
    ct_writer_close(json, ']');
    ct_writer_close(json, '}');
}

static void write_letter(struct ct_writer *json, const struct ct_letter *letter)
{
    ct_writer_open(json, '{');
    write_text(json, "id", letter->id);
    ct_writer_key(json, "body");
    ct_writer_string(json, (ct_span){letter->body, letter->len});
    write_micro(json, "written_at", letter->written_at);
    write_count(json, "attempts", letter->attempts);
    ct_writer_close(json, '}');
}

static void write_body(struct ct_writer *json, const struct ct_alarm_kept *kept)
{
    ct_writer_open(json, '{');
    ct_writer_key(json, "entries");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < kept->book.count; i++) {
        write_entry(json, &kept->book.entries[i]);
    }
    ct_writer_close(json, ']');
    ct_writer_key(json, "past");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < kept->book.past_count; i++) {
        write_entry(json, &kept->book.past[i]);
    }
    ct_writer_close(json, ']');
    ct_writer_key(json, "outbox");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < kept->outbox.count; i++) {
        write_letter(json, &kept->outbox.letters[i]);
    }
    ct_writer_close(json, ']');
    write_count(json, "full", kept->book.full);
    write_count(json, "delivered", kept->outbox.delivered);
    write_count(json, "failed", kept->outbox.failed);
    write_count(json, "given_up", kept->outbox.given_up);
    write_count(json, "dropped", kept->outbox.dropped);
    ct_writer_close(json, '}');
}

enum ct_status ct_alarm_file_write(const char *path, const struct ct_alarm_kept *kept, struct ct_error *err)
{
    struct ct_answer body;
    ct_answer_begin(&body, CT_ALARM_FILE_BYTES_MAX);
    write_body(&body.json, kept);
    ct_out_char(&body.out, '\n');
    if (!ct_answer_end(&body)) {
        return ct_error_set(err, CT_NO_MEMORY, "%s: no memory for what is to be kept of alarms", path);
    }
    char head[HEAD_BYTES + 16];
    int head_len = snprintf(head, sizeof head, HEAD, ct_hash((ct_span){body.bytes, body.len}, 0));
    const ct_span pieces[] = {{head, (size_t)head_len}, {body.bytes, body.len}};
    enum ct_status status = ct_placed_write(path, pieces, 2, err);
    free(body.bytes);
    return status;
}

/* ---- reading ---- */

static enum ct_status refused(const char *path, const char *what, struct ct_error *err)
{
    return ct_error_set(err, CT_REFUSED,
                        "%s: %s; move it away, and alarms begin anew (what lasts is then told once more)", path, what);
}

static enum ct_status read_bytes(const char *path, char **bytes, size_t *len, struct ct_error *err)
{
    struct stat info;
    *bytes = NULL;
    *len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? CT_NOT_FOUND : ct_error_set(err, CT_IO, "%s: cannot read (%s)", path, strerror(errno));
    }
    enum ct_status status = CT_OK;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || (size_t)info.st_size > CT_ALARM_FILE_BYTES_MAX) {
        status = refused(path, "this is not a file of alarms", err);
    } else if (!(*bytes = malloc((size_t)info.st_size + 1))) {
        status = ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    while (status == CT_OK && *len < (size_t)info.st_size) {
        ssize_t got = read(fd, *bytes + *len, (size_t)info.st_size - *len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            status = ct_error_set(err, CT_IO, "%s: cannot read (%s)", path, strerror(errno));
        }
        if (got <= 0) {
            break;
        }
        *len += (size_t)got;
    }
    close(fd);
    return status;
}

/* What is read until something is wrong with it; then `tree` says so, or bad. */
struct source {
    struct ct_json_tree tree;
    bool bad;
};

static void read_text(struct source *s, const cJSON *object, const char *name, char *out, size_t room)
{
    ct_span text = ct_json_tree_string(&s->tree, object, name);
    s->bad |= text.len >= room;
    size_t len = text.len < room ? text.len : room - 1;
    if (len) {
        memcpy(out, text.at, len);
    }
    out[len] = '\0';
}

static int64_t read_micro(struct source *s, const cJSON *object, const char *name)
{
    char text[24], *end;
    read_text(s, object, name, text, sizeof text);
    errno = 0;
    long long value = strtoll(text, &end, 10);
    s->bad |= text[0] == '\0' || *end || errno;
    return value;
}

static uint64_t read_count(struct source *s, const cJSON *object, const char *name)
{
    return (uint64_t)ct_json_tree_count(&s->tree, object, name, 0);
}

static void read_reading(struct source *s, const cJSON *object, struct ct_alarm_entry *entry)
{
    char id[CT_ALARM_KPI_BYTES];
    if (entry->reading_count == CT_ALARM_READINGS_MAX || !cJSON_IsObject(object)) {
        s->bad = true;
        return;
    }
    struct ct_alarm_reading *reading = &entry->readings[entry->reading_count];
    read_text(s, object, "condition", reading->condition, sizeof reading->condition);
    read_text(s, object, "kpi", id, sizeof id);
    read_text(s, object, "key", reading->key, sizeof reading->key);
    reading->kpi = ct_kpi_find(ct_span_of(id));
    reading->value_micro = read_micro(s, object, "value");
    reading->n = read_count(s, object, "n");
    reading->has_before = ct_json_tree_get(&s->tree, object, "before") != NULL;
    if (reading->has_before) {
        reading->before_micro = read_micro(s, object, "before");
    }
    entry->reading_count += reading->kpi != NULL; /* one that an older version knew */
}

static void read_entry(struct source *s, const cJSON *object, struct ct_alarm_entry *entry)
{
    char severity[16], phase[16], end[16];
    const cJSON *item;
    memset(entry, 0, sizeof *entry);
    read_text(s, object, "name", entry->name, sizeof entry->name);
    read_text(s, object, "by", entry->by, sizeof entry->by);
    read_text(s, object, "slice", entry->slice, sizeof entry->slice);
    read_text(s, object, "kpi", entry->kpi, sizeof entry->kpi);
    read_text(s, object, "severity", severity, sizeof severity);
    read_text(s, object, "state", phase, sizeof phase);
    read_text(s, object, "end", end, sizeof end);
    s->bad |= !ct_alarm_severity_from(ct_span_of(severity), &entry->severity);
    s->bad |= !ct_alarm_phase_from(ct_span_of(phase), &entry->phase);
    s->bad |= !ct_alarm_end_from(ct_span_of(end), &entry->end);
    entry->held = (uint32_t)read_count(s, object, "held");
    entry->hold = (uint32_t)read_count(s, object, "hold");
    entry->since = read_micro(s, object, "since");
    entry->raised_at = read_micro(s, object, "raised_at");
    entry->cleared_at = read_micro(s, object, "cleared_at");
    entry->judged_at = read_micro(s, object, "judged_at");
    entry->known_at = read_micro(s, object, "known_at");
    cJSON_ArrayForEach(item, ct_json_tree_array(&s->tree, object, "because"))
    {
        read_reading(s, item, entry);
    }
}

static enum ct_status read_entries(struct source *s, const char *name, struct ct_alarm_kept *kept)
{
    enum ct_status status = CT_OK;
    const cJSON *item;
    struct ct_alarm_entry *entry = malloc(sizeof *entry);
    if (!entry) {
        return CT_NO_MEMORY;
    }
    cJSON_ArrayForEach(item, ct_json_tree_array(&s->tree, s->tree.root, name))
    {
        read_entry(s, item, entry);
        s->bad |= (entry->phase == CT_ALARM_CLEARED) != (strcmp(name, "past") == 0);
        if (s->bad || (status = ct_alarm_book_add(&kept->book, entry)) != CT_OK) {
            break;
        }
    }
    free(entry);
    return status;
}

static enum ct_status read_outbox(struct source *s, struct ct_outbox *outbox)
{
    enum ct_status status = CT_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, ct_json_tree_array(&s->tree, s->tree.root, "outbox"))
    {
        char id[CT_OUTBOX_ID_BYTES];
        read_text(s, item, "id", id, sizeof id);
        ct_span body = ct_json_tree_string(&s->tree, item, "body");
        ct_usec written_at = read_micro(s, item, "written_at");
        uint64_t attempts = read_count(s, item, "attempts");
        s->bad |= !id[0] || !body.len || outbox->count == CT_OUTBOX_MAX;
        if (s->bad || (status = ct_outbox_put(outbox, id, body, written_at)) != CT_OK) {
            break;
        }
        outbox->letters[outbox->count - 1].attempts = (uint32_t)attempts;
    }
    outbox->delivered = read_count(s, s->tree.root, "delivered");
    outbox->failed = read_count(s, s->tree.root, "failed");
    outbox->given_up = read_count(s, s->tree.root, "given_up");
    outbox->dropped = read_count(s, s->tree.root, "dropped");
    outbox->changed = false;
    return status;
}

static enum ct_status read_kept(const char *path, ct_span body, struct ct_alarm_kept *kept, struct ct_error *err)
{
    struct ct_arena scratch;
    struct source s = {.bad = false};
    enum ct_status status = CT_OK;
    ct_arena_init(&scratch, 0, 0);
    if (!ct_json_tree_read(&s.tree, body, &scratch)) {
        status = s.tree.json.status == CT_NO_MEMORY ? CT_NO_MEMORY : CT_REFUSED;
    } else {
        status = read_entries(&s, "entries", kept);
        status = status == CT_OK && !s.bad ? read_entries(&s, "past", kept) : status;
        status = status == CT_OK && !s.bad ? read_outbox(&s, &kept->outbox) : status;
        kept->book.full = read_count(&s, s.tree.root, "full");
        if (status == CT_OK && (s.bad || s.tree.json.status != CT_OK)) {
            status = CT_REFUSED;
        }
    }
    ct_json_tree_done(&s.tree);
    ct_arena_done(&scratch);
    return status == CT_OK          ? CT_OK
           : status == CT_NO_MEMORY ? ct_error_set(err, status, "out of memory")
                                    : refused(path, "this file of alarms is of another version, or damaged", err);
}

enum ct_status ct_alarm_file_read(const char *path, struct ct_alarm_kept *kept, struct ct_error *err)
{
    char *bytes, head[HEAD_BYTES + 16];
    size_t len;
    enum ct_status status = read_bytes(path, &bytes, &len, err);
    if (status == CT_OK) {
        const char *end = memchr(bytes, '\n', len);
        ct_span first = {bytes, end ? (size_t)(end - bytes) + 1 : len};
        ct_span body = {bytes + first.len, len - first.len};
        int head_len = snprintf(head, sizeof head, HEAD, ct_hash(body, 0));
        if (first.len < 24 || memcmp(first.at, head, 24) != 0) {
            status = refused(path, "this is not a file of alarms", err);
        } else if (!ct_span_eq(first, (ct_span){head, (size_t)head_len})) {
            status = refused(path, "this file of alarms is of another version, or damaged", err);
        } else {
            status = read_kept(path, body, kept, err);
        }
    }
    free(bytes);
    return status;
}

enum ct_status ct_alarm_post(struct ct_outbox *outbox, const struct ct_alarm_entry *entry, ct_usec now)
{
    char id[CT_ALARM_ID_BYTES];
    struct ct_answer body;
    ct_alarm_id(entry, id);
    ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
    ct_alarm_message(&body.json, entry);
    if (!ct_answer_end(&body)) {
        return CT_NO_MEMORY;
    }
    enum ct_status status = ct_outbox_put(outbox, id, (ct_span){body.bytes, body.len}, now);
    free(body.bytes);
    return status;
}
