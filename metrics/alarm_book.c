/* alarm_book.c - what stands between evaluations: raised once, cleared once. See alarm.h. Called by alarm.c. */
#include <stdlib.h>

#include "metrics/alarm_parts.h"

void ct_alarm_text(char *out, size_t room, const char *first, const char *second)
{
    const char *const parts[] = {first, second};
    size_t len = 0;
    for (unsigned i = 0; i < 2; i++) {
        for (const char *c = parts[i]; *c && len + 1 < room; c++) {
            out[len++] = *c;
        }
    }
    while (len > 0 && len + 1 == room && ((unsigned char)out[len - 1] & 0xc0) == 0x80) {
        len--; /* not within a character */
    }
    out[len] = '\0';
}

void ct_alarm_book_done(struct ct_alarm_book *book)
{
    free(book->entries);
    free(book->past);
    *book = (struct ct_alarm_book){0};
}

/* The bytes of a key, cut where it is longer than an entry's: as slices cut theirs, far before. */
static void copy_key(char out[CT_ALARM_SLICE_BYTES], ct_span key)
{
    size_t len = key.len < CT_ALARM_SLICE_BYTES ? key.len : CT_ALARM_SLICE_BYTES - 1;
    bool text = ct_utf8_valid((ct_span){key.at, len}, NULL); /* else no file could have it back as it was */
    memset(out, 0, CT_ALARM_SLICE_BYTES);
    for (size_t i = 0; i < len; i++) {
        out[i] = !key.at[i] ? ' ' : text || (unsigned char)key.at[i] < 0x80 ? key.at[i] : '?';
    }
}

struct place {
    const char *name, *by, *slice, *kpi;
};

static int compare(const struct ct_alarm_entry *entry, const struct place *place)
{
    int order = strcmp(entry->name, place->name);
    order = order ? order : strcmp(entry->by, place->by);
    order = order ? order : strcmp(entry->slice, place->slice);
    return order ? order : strcmp(entry->kpi, place->kpi);
}

/* Where the entry stands, or would; *found says which. */
static size_t find(const struct ct_alarm_book *book, const struct place *place, bool *found)
{
    size_t low = 0, high = book->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&book->entries[middle], place) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = low < book->count && compare(&book->entries[low], place) == 0;
    return low;
}

static void remove_at(struct ct_alarm_book *book, size_t index)
{
    book->count--;
    memmove(&book->entries[index], &book->entries[index + 1], (book->count - index) * sizeof *book->entries);
}

/* Room for one at `index`. CT_LIMIT, CT_NO_MEMORY. */
static enum ct_status make_room(struct ct_alarm_book *book, size_t index)
{
    if (book->count == CT_ALARM_ENTRIES_MAX) {
        return CT_LIMIT;
    }
    if (book->count == book->capacity) {
        size_t capacity = book->capacity ? 2 * book->capacity : 16;
        struct ct_alarm_entry *grown = realloc(book->entries, capacity * sizeof *grown);
        if (!grown) {
            return CT_NO_MEMORY;
        }
        book->entries = grown;
        book->capacity = capacity;
    }
    memmove(&book->entries[index + 1], &book->entries[index], (book->count - index) * sizeof *book->entries);
    book->count++;
    return CT_OK;
}

/* In front of the past ones; the oldest goes where there are too many. */
static enum ct_status put_past(struct ct_alarm_book *book, const struct ct_alarm_entry *entry)
{
    if (!book->past) {
        book->past = calloc(CT_ALARM_PAST_MAX, sizeof *book->past);
        if (!book->past) {
            return CT_NO_MEMORY;
        }
    }
    size_t kept = book->past_count < CT_ALARM_PAST_MAX ? book->past_count : CT_ALARM_PAST_MAX - 1;
    memmove(&book->past[1], &book->past[0], kept * sizeof *book->past);
    book->past[0] = *entry;
    book->past_count = kept + 1;
    return CT_OK;
}

static void tell(const struct ct_alarm_ear *ear, const struct ct_alarm_entry *entry)
{
    if (ear && ear->turned) {
        ear->turned(ear->context, entry);
    }
}

/* A raised one becomes a past one; one that was never raised goes without a word. */
static enum ct_status end(struct ct_alarm_book *book, size_t index, ct_usec at, enum ct_alarm_end why,
                          const struct ct_alarm_ear *ear)
{
    struct ct_alarm_entry entry = book->entries[index];
    if (entry.phase == CT_ALARM_RAISED) {
        entry.phase = CT_ALARM_CLEARED;
        entry.cleared_at = at;
        entry.end = why;
        enum ct_status status = put_past(book, &entry);
        if (status != CT_OK) {
            return status;
        }
        tell(ear, &entry);
    }
    remove_at(book, index);
    return CT_OK;
}

static void take_words(struct ct_alarm_entry *entry, const struct ct_alarm *alarm)
{
    entry->severity = alarm->severity;
    entry->hold = alarm->hold;
    memcpy(entry->action, alarm->action, sizeof entry->action);
}

static bool is_forgotten(const struct ct_alarm *alarm, const struct ct_alarm_entry *entry, ct_usec at)
{
    return at - entry->known_at > alarm->forget_usec;
}

/* An entry that is there, by what was said of it. */
static enum ct_status go_on(struct ct_alarm_book *book, size_t index, const struct ct_alarm *alarm,
                            const struct ct_alarm_said *said, ct_usec at, const struct ct_alarm_ear *ear)
{
    struct ct_alarm_entry *entry = &book->entries[index];
    bool again = entry->held > 0 && at == entry->judged_at;
    entry->pass = book->pass;
    take_words(entry, alarm);
    if (at < entry->judged_at && entry->held > 0) {
        return CT_OK; /* that is known better already */
    }
    entry->judged_at = at;
    if (said->holds != CT_ALARM_UNKNOWN || said->over != CT_ALARM_UNKNOWN) {
        entry->known_at = at;
    } else if (is_forgotten(alarm, entry, at)) {
        return end(book, index, at, CT_ALARM_END_NO_DATA, ear);
    }
    if (entry->phase == CT_ALARM_HOLDING && said->holds == CT_ALARM_FALSE) {
        return end(book, index, at, CT_ALARM_END_CONDITION, ear);
    }
    if (entry->phase == CT_ALARM_RAISED && said->holds != CT_ALARM_TRUE && said->over == CT_ALARM_TRUE) {
        return end(book, index, at, CT_ALARM_END_CONDITION, ear);
    }
    if (said->holds == CT_ALARM_TRUE) {
        entry->held += !again && entry->held < UINT32_MAX;
        entry->reading_count = said->reading_count;
        memcpy(entry->readings, said->readings, said->reading_count * sizeof *said->readings);
    }
    if (entry->phase == CT_ALARM_HOLDING && entry->held >= alarm->hold) {
        entry->phase = CT_ALARM_RAISED;
        entry->raised_at = at;
        tell(ear, entry);
    }
    return CT_OK;
}

enum ct_status ct_alarm_book_take(struct ct_alarm_book *book, const struct ct_alarm *alarm,
                                  const struct ct_block *slice, const char *kpi, const struct ct_alarm_said *said,
                                  ct_usec at, const struct ct_alarm_ear *ear)
{
    char key[CT_ALARM_SLICE_BYTES] = "";
    bool found;
    if (slice) {
        copy_key(key, slice->key);
    }
    const struct place place = {alarm->name, slice ? ct_slice_field_text(alarm->by) : "", key, kpi};
    size_t index = find(book, &place, &found);
    if (!found) {
        if (said->holds != CT_ALARM_TRUE) {
            return CT_OK;
        }
        enum ct_status status = make_room(book, index);
        if (status != CT_OK) {
            book->full += status == CT_LIMIT;
            return status == CT_LIMIT ? CT_OK : status;
        }
        struct ct_alarm_entry *entry = &book->entries[index];
        memset(entry, 0, sizeof *entry);
        ct_alarm_text(entry->name, sizeof entry->name, place.name, "");
        ct_alarm_text(entry->by, sizeof entry->by, place.by, "");
        ct_alarm_text(entry->kpi, sizeof entry->kpi, place.kpi, "");
        memcpy(entry->slice, key, sizeof entry->slice);
        entry->phase = CT_ALARM_HOLDING;
        entry->since = entry->known_at = entry->judged_at = at;
        entry->raised_at = entry->cleared_at = CT_USEC_NONE;
    }
    return go_on(book, index, alarm, said, at, ear);
}

enum ct_status ct_alarm_book_unseen(struct ct_alarm_book *book, const struct ct_alarm *alarm, ct_usec at,
                                    const struct ct_alarm_ear *ear)
{
    enum ct_status status = CT_OK;
    for (size_t i = 0; i < book->count && status == CT_OK;) {
        struct ct_alarm_entry *entry = &book->entries[i];
        size_t count = book->count;
        if (strcmp(entry->name, alarm->name) == 0 && entry->pass != book->pass && at >= entry->judged_at) {
            bool other_way = strcmp(entry->by, alarm->sliced ? ct_slice_field_text(alarm->by) : "") != 0;
            entry->judged_at = at;
            take_words(entry, alarm);
            if (other_way || is_forgotten(alarm, entry, at)) {
                status = end(book, i, at, other_way ? CT_ALARM_END_REMOVED : CT_ALARM_END_NO_DATA, ear);
            }
        }
        i += book->count == count;
    }
    return status;
}

enum ct_status ct_alarm_book_settle(struct ct_alarm_book *book, const struct ct_alarm *alarms, size_t count, ct_usec at,
                                    const struct ct_alarm_ear *ear)
{
    enum ct_status status = CT_OK;
    for (size_t i = 0; i < book->count && status == CT_OK;) {
        const struct ct_alarm *alarm = NULL;
        for (size_t a = 0; a < count && !alarm; a++) {
            alarm = strcmp(alarms[a].name, book->entries[i].name) == 0 ? &alarms[a] : NULL;
        }
        if (alarm) {
            take_words(&book->entries[i++], alarm);
        } else {
            status = end(book, i, at, CT_ALARM_END_REMOVED, ear);
        }
    }
    for (size_t i = 0; i < book->past_count; i++) {
        for (size_t a = 0; a < count; a++) {
            if (strcmp(alarms[a].name, book->past[i].name) == 0) {
                memcpy(book->past[i].action, alarms[a].action, sizeof book->past[i].action);
            }
        }
    }
    return status;
}

static void reword(struct ct_alarm_entry *entry, const struct ct_alarm *alarms, size_t count)
{
    memset(entry->action, 0, sizeof entry->action);
    for (size_t a = 0; a < count; a++) {
        if (strcmp(alarms[a].name, entry->name) == 0) {
            memcpy(entry->action, alarms[a].action, sizeof entry->action);
        }
    }
}

void ct_alarm_book_reword(struct ct_alarm_book *book, const struct ct_alarm *alarms, size_t count)
{
    for (size_t i = 0; i < book->count; i++) {
        reword(&book->entries[i], alarms, count);
    }
    for (size_t i = 0; i < book->past_count; i++) {
        reword(&book->past[i], alarms, count);
    }
}

enum ct_status ct_alarm_book_add(struct ct_alarm_book *book, const struct ct_alarm_entry *entry)
{
    bool found;
    if (entry->phase == CT_ALARM_CLEARED) {
        if (book->past_count == CT_ALARM_PAST_MAX) {
            return CT_LIMIT;
        }
        if (!book->past && !(book->past = calloc(CT_ALARM_PAST_MAX, sizeof *book->past))) {
            return CT_NO_MEMORY;
        }
        book->past[book->past_count++] = *entry;
        return CT_OK;
    }
    const struct place place = {entry->name, entry->by, entry->slice, entry->kpi};
    size_t index = find(book, &place, &found);
    if (found) {
        return CT_LIMIT; /* twice: whoever wrote that was not us */
    }
    enum ct_status status = make_room(book, index);
    if (status == CT_OK) {
        book->entries[index] = *entry;
        book->entries[index].pass = 0;
    }
    return status;
}

void ct_alarm_book_findings(const struct ct_alarm_book *book, struct ct_alarm_findings *out)
{
    out->entries = book->entries;
    out->count = book->count;
    out->past = book->past;
    out->past_count = book->past_count;
}
