/* store_sums.c - hourly sums: what each conversation gave to them is kept with it as a blob, so that a newer revision
 * takes exactly that out again. Sums are kept modulo 2^64: adding and taking out are then exact whatever came between,
 * and ct_store_check names a sum whose true value has left 64 bits. Called by store_put.c, store.c and store_check.c.
 */
#include "sinks/store_state.h"

#include <stdlib.h>

enum { HOURS_MAX = 2048 /* of a group in memory; more go to the table before the commit */ };

ct_usec ct_store_hour_of(ct_usec at)
{
    ct_usec into = at % CT_USEC_PER_HOUR;
    into += into < 0 ? CT_USEC_PER_HOUR : 0;
    return at < INT64_MIN + CT_USEC_PER_HOUR ? INT64_MIN + CT_USEC_PER_HOUR : at - into;
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

void ct_store_measures_done(struct ct_store_measures *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->name[i]);
    }
    free(m->name);
    free(m->next);
    free(m->slot);
    memset(m, 0, sizeof *m);
}

const char *ct_store_measure_name(const struct ct_store_measures *m, uint64_t number)
{
    return number < m->count ? m->name[number] : NULL;
}

static uint32_t *slot_of(const struct ct_store_measures *m, const char *name)
{
    size_t at = (size_t)ct_hash(ct_span_of(name), 0x5E) & (m->slots - 1);
    while (m->slot[at] && strcmp(m->name[m->slot[at]], name) != 0) {
        at = (at + 1) & (m->slots - 1);
    }
    return &m->slot[at];
}

static bool numbers_room(struct ct_store_measures *m, size_t count)
{
    size_t capacity = count + count / 2 + 64;
    char **name = realloc(m->name, capacity * sizeof *name);
    m->name = name ? name : m->name;
    uint32_t *next = name ? realloc(m->next, capacity * sizeof *next) : NULL;
    m->next = next ? next : m->next;
    if (!next) {
        return false;
    }
    memset(name + m->capacity, 0, (capacity - m->capacity) * sizeof *name);
    memset(next + m->capacity, 0, (capacity - m->capacity) * sizeof *next);
    m->capacity = capacity;
    return true;
}

static bool measures_room(struct ct_store_measures *m, size_t count)
{
    if (count > m->capacity && !numbers_room(m, count)) {
        return false;
    }
    if (2 * count > m->slots) {
        size_t slots = m->slots ? m->slots : 256;
        while (2 * count > slots) {
            slots *= 2;
        }
        uint32_t *slot = calloc(slots, sizeof *slot);
        if (!slot) {
            return false;
        }
        free(m->slot);
        m->slot = slot;
        m->slots = slots;
        for (size_t i = 1; i < m->count; i++) {
            if (m->name[i]) {
                *slot_of(m, m->name[i]) = (uint32_t)i;
            }
        }
    }
    return true;
}

static bool measure_add(struct ct_store_measures *m, size_t number, const char *name)
{
    if (!measures_room(m, number + 1 > m->count ? number + 1 : m->count)) {
        return false;
    }
    if (!(m->name[number] = strdup(name))) {
        return false;
    }
    m->count = number + 1 > m->count ? number + 1 : m->count;
    *slot_of(m, name) = (uint32_t)number;
    return true;
}

enum ct_status ct_store_measures_load(struct ct_store *store, struct ct_error *err)
{
    enum { NUMBERS_MAX = 1 << 24 }; /* a damaged file must not make the table a giant */
    sqlite3_stmt *statement;
    ct_store_measures_done(&store->measures);
    enum ct_status status =
        ct_store_prepare(store, "SELECT measure,name FROM measure ORDER BY measure", &statement, err);
    int code = SQLITE_DONE;
    bool room = status == CT_OK && measures_room(&store->measures, 1);
    store->measures.count = room;
    while (status == CT_OK && room && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t number = sqlite3_column_int64(statement, 0);
        const char *name = (const char *)sqlite3_column_text(statement, 1);
        if (number > 0 && number < NUMBERS_MAX && name) {
            room = measure_add(&store->measures, (size_t)number, name);
        }
    }
    if (status == CT_OK) {
        sqlite3_finalize(statement);
        code = room ? code : SQLITE_NOMEM;
        status = code == SQLITE_DONE ? CT_OK : ct_store_fail(store, code, "read", err);
    }
    return status;
}

static enum ct_status number_new(struct ct_store *store, const char *name, uint32_t *number, struct ct_error *err)
{
    struct ct_store_measures *m = &store->measures;
    sqlite3_stmt *put = store->statement[CT_STATEMENT_MEASURE];
    *number = (uint32_t)m->count;
    sqlite3_bind_int64(put, 1, *number);
    sqlite3_bind_text(put, 2, name, -1, SQLITE_STATIC);
    enum ct_status status = ct_store_step(store, put, err);
    sqlite3_clear_bindings(put);
    if (status == CT_OK && !measure_add(m, *number, name)) {
        return ct_store_fail(store, SQLITE_NOMEM, "write", err);
    }
    return status;
}

/* Conversations name their measures in the same order (the catalogue's), so the one that followed `last` before is
 * tried first. */
static enum ct_status number_of(struct ct_store *store, const char *name, uint32_t last, uint32_t *number,
                                struct ct_error *err)
{
    struct ct_store_measures *m = &store->measures;
    *number = m->next[last];
    if (*number && strcmp(m->name[*number], name) == 0) {
        return CT_OK;
    }
    *number = *slot_of(m, name);
    enum ct_status status = *number ? CT_OK : number_new(store, name, number, err);
    if (status == CT_OK) {
        m->next[last] = *number;
    }
    return status;
}

/* ---- blobs ------------------------------------------------------------------------------------------------------ */

static size_t varint(char *out, uint64_t value)
{
    size_t len = 0;
    for (; value >= 128; value >>= 7) {
        out[len++] = (char)(value | 128);
    }
    out[len++] = (char)value;
    return len;
}

static bool read_varint(ct_span *blob, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && blob->len; shift += 7) {
        unsigned char byte = (unsigned char)*blob->at++;
        blob->len--;
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            return true;
        }
    }
    return false;
}

bool ct_store_sums_next(ct_span *blob, uint64_t *number, int64_t *value, bool *bad)
{
    uint64_t folded;
    *bad = false;
    if (blob->len == 0) {
        return false;
    }
    if (!read_varint(blob, number) || !read_varint(blob, &folded)) {
        *bad = true;
        return false;
    }
    *value = (int64_t)((folded >> 1) ^ (UINT64_C(0) - (folded & 1)));
    return true;
}

enum ct_status ct_store_sums_pack(struct ct_store *store, const struct ct_store_sum *sums, size_t count,
                                  struct ct_error *err)
{
    enum { PAIR_BYTES = 20 }; /* two varints of 64 bits */
    struct ct_store_buffer *out = &store->sums;
    uint32_t number = 0;
    out->len = 0;
    if (!ct_store_buffer_room(out, count * PAIR_BYTES)) {
        return ct_store_fail(store, SQLITE_NOMEM, "write", err);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t value = (uint64_t)sums[i].value;
        if (value == 0) {
            continue;
        }
        enum ct_status status = number_of(store, sums[i].measure, number, &number, err);
        if (status != CT_OK) {
            return status;
        }
        out->len += varint(out->bytes + out->len, number);
        out->len += varint(out->bytes + out->len, (value << 1) ^ (sums[i].value < 0 ? UINT64_MAX : 0));
    }
    return CT_OK;
}

/* ---- hours ------------------------------------------------------------------------------------------------------ */

void ct_store_sums_forget(struct ct_store *store)
{
    for (size_t i = 0; i < store->hour_count; i++) {
        if (store->hours[i].capacity) {
            memset(store->hours[i].delta, 0, store->hours[i].capacity * sizeof(uint64_t));
        }
    }
    store->hour_count = 0;
}

/* The newest first: conversations come nearly in order of time. */
static struct ct_store_hour *hour_find(struct ct_store *store, ct_usec hour, ct_span channel)
{
    for (size_t i = store->hour_count; i-- > 0;) {
        struct ct_store_hour *h = &store->hours[i];
        if (h->hour == hour && ct_span_eq((ct_span){h->channel, h->channel_len}, channel)) {
            return h;
        }
    }
    return NULL;
}

static struct ct_store_hour *hour_new(struct ct_store *store, ct_usec hour, ct_span channel)
{
    if (store->hour_count == store->hour_made) {
        size_t made = store->hour_made ? 2 * store->hour_made : 16;
        struct ct_store_hour *hours = realloc(store->hours, made * sizeof *hours);
        if (!hours) {
            return NULL;
        }
        memset(hours + store->hour_made, 0, (made - store->hour_made) * sizeof *hours);
        store->hours = hours;
        store->hour_made = made;
    }
    struct ct_store_hour *h = &store->hours[store->hour_count];
    if (channel.len > h->channel_capacity) {
        char *more = realloc(h->channel, channel.len);
        if (!more) {
            return NULL;
        }
        h->channel = more;
        h->channel_capacity = channel.len;
    }
    if (channel.len) {
        memcpy(h->channel, channel.at, channel.len);
    }
    h->channel_len = channel.len;
    h->hour = hour;
    store->hour_count++;
    return h;
}

enum ct_status ct_store_sums_apply(struct ct_store *store, ct_span blob, ct_usec published, ct_span channel, bool out,
                                   struct ct_error *err)
{
    uint64_t number;
    int64_t value;
    bool bad;
    ct_usec hour = ct_store_hour_of(published);
    struct ct_store_hour *h = hour_find(store, hour, channel);
    if (!h && store->hour_count >= HOURS_MAX) {
        enum ct_status status = ct_store_sums_flush(store, err);
        if (status != CT_OK) {
            return status;
        }
    }
    if (!h && !(h = hour_new(store, hour, channel))) {
        return ct_store_fail(store, SQLITE_NOMEM, "write", err);
    }
    while (ct_store_sums_next(&blob, &number, &value, &bad)) {
        if (number == 0 || number >= store->measures.count) {
            bad = true;
            break;
        }
        if (number >= h->capacity) {
            size_t capacity = store->measures.capacity;
            uint64_t *delta = realloc(h->delta, capacity * sizeof *delta);
            if (!delta) {
                return ct_store_fail(store, SQLITE_NOMEM, "write", err);
            }
            memset(delta + h->capacity, 0, (capacity - h->capacity) * sizeof *delta);
            h->delta = delta;
            h->capacity = capacity;
        }
        h->delta[number] += out ? UINT64_C(0) - (uint64_t)value : (uint64_t)value;
    }
    return bad ? ct_store_fail(store, SQLITE_CORRUPT, "write", err) : CT_OK;
}

/* ---- into the table --------------------------------------------------------------------------------------------- */

/* SQL's own addition makes a float of what leaves 64 bits. */
static void add_wrapped(sqlite3_context *context, int count, sqlite3_value **value)
{
    struct ct_store *store = sqlite3_user_data(context);
    (void)count;
    uint64_t sum = (uint64_t)sqlite3_value_int64(value[0]) + (uint64_t)sqlite3_value_int64(value[1]);
    store->sum_emptied |= sum == 0;
    sqlite3_result_int64(context, (int64_t)sum);
}

int ct_store_sums_begin(struct ct_store *store)
{
    return sqlite3_create_function_v2(store->db, "add_wrapped", 2, SQLITE_UTF8 | SQLITE_DIRECTONLY, store, add_wrapped,
                                      NULL, NULL, NULL);
}

/* Of one measure in one hour of one channel. */
struct due {
    const struct ct_store_hour *hour;
    const char *name;
    uint64_t delta;
};

static void bind_key(sqlite3_stmt *s, int first, const struct due *due)
{
    sqlite3_bind_text(s, first, due->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, first + 1, due->hour->hour);
    ct_store_bind_span(s, first + 2, (ct_span){due->hour->channel, due->hour->channel_len});
}

/* One statement for all of them. A sum that is zero has no row. */
static enum ct_status add(struct ct_store *store, enum ct_store_statement which, const struct due *due, size_t count,
                          struct ct_error *err)
{
    sqlite3_stmt *s = store->statement[which], *forget = store->statement[CT_STATEMENT_FORGET_SUM];
    for (size_t i = 0; i < count; i++) {
        int first = 1 + 4 * (int)i;
        bind_key(s, first, &due[i]);
        sqlite3_bind_int64(s, first + 3, (int64_t)due[i].delta);
    }
    store->sum_emptied = false;
    enum ct_status status = ct_store_step(store, s, err);
    for (size_t i = 0; i < count && store->sum_emptied && status == CT_OK; i++) {
        bind_key(forget, 1, &due[i]);
        status = ct_store_step(store, forget, err);
    }
    return status;
}

enum ct_status ct_store_sums_flush(struct ct_store *store, struct ct_error *err)
{
    struct due due[CT_STORE_SUM_ROWS];
    size_t count = 0;
    enum ct_status status = CT_OK;
    for (size_t i = 0; i < store->hour_count && status == CT_OK; i++) {
        const struct ct_store_hour *h = &store->hours[i];
        for (size_t number = 1; number < h->capacity && status == CT_OK; number++) {
            const char *name = h->delta[number] ? ct_store_measure_name(&store->measures, number) : NULL;
            if (!name) {
                continue;
            }
            due[count++] = (struct due){h, name, h->delta[number]};
            if (count == CT_STORE_SUM_ROWS) {
                status = add(store, CT_STATEMENT_ADD_SUMS, due, count, err);
                count = 0;
            }
        }
    }
    for (size_t i = 0; i < count && status == CT_OK; i++) {
        status = add(store, CT_STATEMENT_ADD_SUM, &due[i], 1, err);
    }
    if (status == CT_OK) {
        ct_store_sums_forget(store);
    }
    return status;
}
