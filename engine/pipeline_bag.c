/* pipeline_bag.c - open conversations in memory: begun, found by tenant and id, added to, read back, forgotten. Called
 * by pipeline.c and pipeline_judge.c. The index is a table of self-adjusting trees: whoever chooses conversation ids so
 * that they meet in one place of the table still pays and costs no more than the logarithm of their number.
 */
#include "engine/pipeline_state.h"

#include <stdlib.h>

enum {
    PIECE_HEAD = 4,
    SAME_MAX = 1024,
    BUCKETS_MIN = 1024,
    BUCKETS_MAX = 1 << 28,
    LINE_BYTES = 64,
    EXPECTED_LINES = 4
};

_Static_assert(sizeof(struct ct_bag) <= 192, "an open conversation's record is one small piece");

bool ct_bytes_room(struct ct_bytes *bytes, size_t capacity)
{
    if (capacity > bytes->capacity) {
        capacity += capacity / 2 + 256;
        char *at = malloc(capacity);
        if (!at) {
            return false;
        }
        free(bytes->at);
        bytes->at = at;
        bytes->capacity = capacity;
    }
    return true;
}

/* ---- bytes in a chain of pieces ------------------------------------------------------------------------------ */

static char *piece_at(const struct ct_pipeline *p, uint32_t piece)
{
    return ct_slab_at(&p->slab, piece);
}

static uint32_t next_piece(const struct ct_pipeline *p, uint32_t piece)
{
    uint32_t next;
    memcpy(&next, piece_at(p, piece), PIECE_HEAD);
    return next;
}

static void set_next(const struct ct_pipeline *p, uint32_t piece, uint32_t next)
{
    memcpy(piece_at(p, piece), &next, PIECE_HEAD);
}

static void give_pieces(struct ct_pipeline *p, uint32_t piece)
{
    while (piece) {
        uint32_t next = next_piece(p, piece);
        ct_slab_give(&p->slab, piece);
        piece = next;
    }
}

/* Pieces for `len` more bytes, chained; *bytes = their sizes. A conversation's pieces grow with it. */
static bool take_pieces(struct ct_pipeline *p, size_t held, size_t len, uint32_t *first, size_t *bytes)
{
    uint32_t last = 0;
    *first = 0;
    *bytes = 0;
    while (len) {
        size_t size = len + PIECE_HEAD > held / 8 ? len + PIECE_HEAD : held / 8;
        size = ct_slab_class(size < CT_SLAB_PIECE_MAX ? size : CT_SLAB_PIECE_MAX);
        uint32_t piece = ct_slab_take(&p->slab, size);
        if (!piece) {
            give_pieces(p, *first);
            return false;
        }
        set_next(p, piece, 0);
        if (last) {
            set_next(p, last, piece);
        } else {
            *first = piece;
        }
        last = piece;
        *bytes += size;
        held += size;
        len -= len < size - PIECE_HEAD ? len : size - PIECE_HEAD;
    }
    return true;
}

static bool add_bytes(struct ct_pipeline *p, struct ct_bag *bag, const char *data, size_t len)
{
    size_t room = bag->last_piece ? ct_slab_size(&p->slab, bag->last_piece) - PIECE_HEAD - bag->last_used : 0,
           taken = 0;
    uint32_t more = 0;
    if (len > room && !take_pieces(p, bag->piece_bytes, len - room, &more, &taken)) {
        return false;
    }
    bag->piece_bytes += (uint32_t)taken;
    bag->bytes += (uint32_t)len;
    p->held_bytes += taken;
    size_t part = len < room ? len : room;
    if (part) {
        memcpy(piece_at(p, bag->last_piece) + PIECE_HEAD + bag->last_used, data, part);
        bag->last_used += (uint32_t)part;
    }
    if (more && bag->last_piece) {
        set_next(p, bag->last_piece, more);
    } else if (more) {
        bag->first_piece = more;
    }
    for (len -= part, data += part; len; len -= part, data += part) {
        part = ct_slab_size(&p->slab, more) - PIECE_HEAD;
        part = len < part ? len : part;
        memcpy(piece_at(p, more) + PIECE_HEAD, data, part);
        bag->last_piece = more;
        bag->last_used = (uint32_t)part;
        more = next_piece(p, more);
    }
    return true;
}

/* Among very many conversations each piece waits for memory, one after the other: the next may come while this one is
 * copied. What is behind its first lines the processor sees coming by itself. */
static void expect_piece(const struct ct_pipeline *p, uint32_t piece)
{
    for (int line = 0; piece && line < EXPECTED_LINES; line++) {
        __builtin_prefetch(piece_at(p, piece) + line * LINE_BYTES);
    }
}

/* The first `len` bytes. */
static void copy_bytes(const struct ct_pipeline *p, const struct ct_bag *bag, char *out, size_t len)
{
    for (uint32_t piece = bag->first_piece, next; len; piece = next) {
        size_t part = ct_slab_size(&p->slab, piece) - PIECE_HEAD;
        next = next_piece(p, piece);
        expect_piece(p, next);
        part = len < part ? len : part;
        memcpy(out, piece_at(p, piece) + PIECE_HEAD, part);
        out += part;
        len -= part;
    }
}

/* ---- index ---------------------------------------------------------------------------------------------------- */

bool ct_bag_key_make(struct ct_pipeline *p, ct_span tenant, ct_span conversation_id, uint64_t hash,
                     struct ct_bag_key *out)
{
    if (!ct_bytes_room(&p->key, tenant.len + conversation_id.len + 2 * CT_STORED_SPAN_EXTRA)) {
        return false;
    }
    char *end = ct_stored_put_span(ct_stored_put_span(p->key.at, tenant), conversation_id);
    *out = (struct ct_bag_key){hash, {p->key.at, (size_t)(end - p->key.at)}};
    return true;
}

/* By the high bits: the order of buckets is the order of hashes, so that trees can be split and joined. */
static uint32_t bucket_of(const struct ct_pipeline *p, uint64_t hash)
{
    return (uint32_t)(hash >> 32) >> (__builtin_clz(p->bucket_count) + 1);
}

/* By hash, then key. Keys say their own lengths, so none is the beginning of another. */
static int compare(const struct ct_pipeline *p, const struct ct_bag_key *key, const struct ct_bag *bag)
{
    if (key->hash != bag->hash) {
        return key->hash < bag->hash ? -1 : 1;
    }
    size_t len = key->key.len < bag->key_bytes ? key->key.len : bag->key_bytes;
    const char *at = key->key.at;
    for (uint32_t piece = bag->first_piece; len; piece = next_piece(p, piece)) {
        size_t part = ct_slab_size(&p->slab, piece) - PIECE_HEAD;
        part = len < part ? len : part;
        int order = memcmp(at, piece_at(p, piece) + PIECE_HEAD, part);
        if (order) {
            return order;
        }
        at += part;
        len -= part;
    }
    return 0;
}

/* Brings the bag that has the key, or a neighbour of where it would be, to the top of its tree (Sleator and Tarjan's
 * top-down splay). *order = of the key to that bag. */
static uint32_t splay(struct ct_pipeline *p, uint32_t top, const struct ct_bag_key *key, int *order)
{
    uint32_t low = 0, high = 0, *low_end = &low, *high_end = &high;
    for (;;) {
        struct ct_bag *bag = ct_bag_at(p, top);
        *order = compare(p, key, bag);
        if (*order == 0) {
            break;
        }
        bool down_left = *order < 0;
        uint32_t *side = down_left ? &bag->left : &bag->right;
        if (!*side) {
            break;
        }
        struct ct_bag *child = ct_bag_at(p, *side);
        int next = compare(p, key, child);
        if (next != 0 && (next < 0) == down_left) { /* twice the same way: turn first */
            uint32_t child_name = *side;
            *side = down_left ? child->right : child->left;
            *(down_left ? &child->right : &child->left) = top;
            top = child_name;
            bag = child;
            side = down_left ? &bag->left : &bag->right;
            if (!*side) {
                *order = next;
                break;
            }
        }
        if (down_left) {
            *high_end = top;
            high_end = &bag->left;
        } else {
            *low_end = top;
            low_end = &bag->right;
        }
        top = *side;
    }
    struct ct_bag *bag = ct_bag_at(p, top);
    *low_end = bag->left;
    *high_end = bag->right;
    bag->left = low;
    bag->right = high;
    return top;
}

void ct_bag_expect(const struct ct_pipeline *p, uint64_t hash)
{
    if (p->bucket_count) {
        __builtin_prefetch(&p->buckets[bucket_of(p, hash)]);
    }
}

uint32_t ct_bag_find(struct ct_pipeline *p, const struct ct_bag_key *key)
{
    uint32_t *root = p->bucket_count ? &p->buckets[bucket_of(p, key->hash)] : NULL;
    int order = 1;
    if (!root || !*root) {
        return 0;
    }
    /* Among very many conversations each step waits for memory: what will be wanted is asked for at once. */
    const struct ct_bag *bag = ct_bag_at(p, *root);
    __builtin_prefetch((const char *)bag + 64);
    __builtin_prefetch((const char *)bag + sizeof *bag - 1);
    if (bag->hash == key->hash) {
        const char *first = piece_at(p, bag->first_piece);
        __builtin_prefetch(first);
        __builtin_prefetch(first + 64);
        __builtin_prefetch(piece_at(p, bag->last_piece) + PIECE_HEAD + bag->last_used);
        if (compare(p, key, bag) == 0) {
            return *root;
        }
    }
    *root = splay(p, *root, key, &order);
    return order == 0 ? *root : 0;
}

static void insert(struct ct_pipeline *p, const struct ct_bag_key *key, uint32_t name)
{
    uint32_t *root = &p->buckets[bucket_of(p, key->hash)];
    struct ct_bag *bag = ct_bag_at(p, name);
    bag->left = bag->right = 0;
    if (*root) {
        int order;
        uint32_t top = splay(p, *root, key, &order);
        struct ct_bag *other = ct_bag_at(p, top);
        if (order < 0) {
            bag->left = other->left;
            bag->right = top;
            other->left = 0;
        } else {
            bag->right = other->right;
            bag->left = top;
            other->right = 0;
        }
    }
    *root = name;
}

/* The bag's own key, in scratch: which has held it when the bag began, and never shrinks. */
static struct ct_bag_key own_key(struct ct_pipeline *p, const struct ct_bag *bag)
{
    copy_bytes(p, bag, p->key.at, bag->key_bytes);
    return (struct ct_bag_key){bag->hash, {p->key.at, bag->key_bytes}};
}

static void take_out(struct ct_pipeline *p, const struct ct_bag_key *key, uint32_t name)
{
    uint32_t *root = &p->buckets[bucket_of(p, key->hash)];
    struct ct_bag *bag = ct_bag_at(p, name);
    int order;
    if (*root != name) {
        *root = splay(p, *root, key, &order);
    }
    if (!bag->left) {
        *root = bag->right;
    } else {
        uint32_t top = splay(p, bag->left, key, &order); /* all of them are before it: its last comes up */
        ct_bag_at(p, top)->right = bag->right;
        *root = top;
    }
}

/* Puts all trees into `count` buckets. Where there is no memory for it things stay as they are. */
static void rehash(struct ct_pipeline *p, uint32_t count)
{
    uint32_t *old = p->buckets, old_count = p->bucket_count;
    uint32_t *buckets = calloc(count, sizeof *buckets);
    if (!buckets) {
        return;
    }
    p->buckets = buckets;
    p->bucket_count = count;
    for (uint32_t i = 0; i < old_count; i++) {
        uint32_t top = old[i];
        while (top) {
            struct ct_bag *bag = ct_bag_at(p, top);
            if (bag->left) { /* turned until the least is on top: no recursion, whatever the tree's depth */
                uint32_t left = bag->left;
                struct ct_bag *child = ct_bag_at(p, left);
                bag->left = child->right;
                child->right = top;
                top = left;
                continue;
            }
            uint32_t next = bag->right, *root = &p->buckets[bucket_of(p, bag->hash)];
            bag->right = 0;
            bag->left = *root; /* what comes later is greater: the new top, all others below */
            *root = top;
            top = next;
        }
    }
    free(old);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static const char *get_same(const char *at, struct ct_stored_same *out)
{
    at = ct_stored_get_span(at, &out->user_id);
    at = ct_stored_get_span(at, &out->channel);
    at = ct_stored_get_span(at, &out->language);
    return ct_stored_get_span(at, &out->bot);
}

/* What is said once beside the key, from the bag's bytes: spans into the first piece, or into scratch where they do not
 * fit there. */
static bool read_same(struct ct_pipeline *p, const struct ct_bag *bag, struct ct_stored_same *out)
{
    size_t len = bag->key_bytes + bag->same_bytes;
    const char *at = piece_at(p, bag->first_piece) + PIECE_HEAD;
    if (len > ct_slab_size(&p->slab, bag->first_piece) - PIECE_HEAD) {
        if (!ct_bytes_room(&p->same, len)) {
            return false;
        }
        copy_bytes(p, bag, p->same.at, len);
        at = p->same.at;
    }
    (void)get_same(at + bag->key_bytes, out);
    return true;
}

static void count_in(struct ct_pipeline *p, struct ct_bag *bag, uint32_t plain_bytes, size_t text_bytes)
{
    bag->count++;
    bag->plain_bytes += plain_bytes;
    bag->text_bytes += (uint32_t)text_bytes;
    p->text_bytes += text_bytes;
}

/* The key, what is said once, and the first message. */
static bool first_bytes(struct ct_pipeline *p, struct ct_bag *bag, const struct ct_bag_key *key,
                        const struct ct_message *m, uint32_t plain_bytes)
{
    struct ct_stored_same same = {.user_id = m->user_id, .channel = m->channel, .language = m->language, .bot = m->bot};
    size_t same_len = m->user_id.len + m->channel.len + m->language.len + m->bot.len, texts = 0;
    if (same_len > SAME_MAX) { /* then each message says it */
        same = (struct ct_stored_same){.user_id = CT_SPAN_NONE};
        same_len = 0;
    }
    if (!ct_bytes_room(&p->packed, key->key.len + same_len + 4 * CT_STORED_SPAN_EXTRA + ct_stored_pack_most(m))) {
        return false;
    }
    char *at = p->packed.at;
    memcpy(at, key->key.at, key->key.len);
    at += key->key.len;
    at = ct_stored_put_span(at, same.user_id);
    at = ct_stored_put_span(at, same.channel);
    at = ct_stored_put_span(at, same.language);
    at = ct_stored_put_span(at, same.bot);
    bag->key_bytes = (uint32_t)key->key.len;
    bag->same_bytes = (uint32_t)((size_t)(at - p->packed.at) - key->key.len);
    at += ct_stored_pack(at, m, &same, &bag->last_ts, &texts);
    if (!add_bytes(p, bag, p->packed.at, (size_t)(at - p->packed.at))) {
        return false;
    }
    count_in(p, bag, plain_bytes, texts + same_len + m->tenant.len + m->conversation_id.len);
    return true;
}

enum ct_status ct_bag_begin(struct ct_pipeline *p, const struct ct_bag_key *key, const struct ct_message *m,
                            uint32_t plain_bytes, uint32_t *out)
{
    for (int kind = 0; kind < CT_HEAPS; kind++) {
        if (p->heap[kind].active && !ct_heap_room(p, (enum ct_heap_kind)kind)) {
            return CT_NO_MEMORY;
        }
    }
    if (p->open >= p->bucket_count / 2 && p->bucket_count < BUCKETS_MAX) {
        rehash(p, p->bucket_count ? p->bucket_count * 2 : BUCKETS_MIN);
    }
    uint32_t name = p->bucket_count ? ct_slab_take(&p->slab, sizeof(struct ct_bag)) : 0;
    if (!name) {
        return CT_NO_MEMORY;
    }
    struct ct_bag *bag = ct_bag_at(p, name);
    *bag = (struct ct_bag){.hash = key->hash, .setup = (uint16_t)(p->bench - 1), .older = p->newest};
    p->held_bytes += sizeof *bag;
    if (!first_bytes(p, bag, key, m, plain_bytes)) {
        p->held_bytes -= sizeof *bag + bag->piece_bytes;
        ct_slab_give(&p->slab, name);
        return CT_NO_MEMORY;
    }
    insert(p, key, name);
    if (p->newest) {
        ct_bag_at(p, p->newest)->newer = name;
    } else {
        p->oldest = name;
    }
    p->newest = name;
    p->benches[bag->setup].bags++;
    p->open++;
    *out = name;
    return CT_OK;
}

enum ct_status ct_bag_append(struct ct_pipeline *p, struct ct_bag *bag, const struct ct_message *m,
                             uint32_t plain_bytes)
{
    struct ct_stored_same same = {.tenant = CT_SPAN_NONE};
    size_t texts = 0;
    ct_usec ts = bag->last_ts;
    if (!read_same(p, bag, &same) || !ct_bytes_room(&p->packed, ct_stored_pack_most(m))) {
        return CT_NO_MEMORY;
    }
    size_t len = ct_stored_pack(p->packed.at, m, &same, &ts, &texts);
    if (!add_bytes(p, bag, p->packed.at, len)) {
        return CT_NO_MEMORY;
    }
    bag->last_ts = ts;
    count_in(p, bag, plain_bytes, texts);
    return CT_OK;
}

void ct_bag_end(struct ct_pipeline *p, uint32_t name)
{
    struct ct_bag *bag = ct_bag_at(p, name);
    struct ct_bag_key key = own_key(p, bag);
    take_out(p, &key, name);
    for (int kind = 0; kind < CT_HEAPS; kind++) {
        if (p->heap[kind].active) {
            ct_heap_remove(p, (enum ct_heap_kind)kind, name);
        }
    }
    if (bag->older) {
        ct_bag_at(p, bag->older)->newer = bag->newer;
    } else {
        p->oldest = bag->newer;
    }
    if (bag->newer) {
        ct_bag_at(p, bag->newer)->older = bag->older;
    } else {
        p->newest = bag->older;
    }
    if (bag->differ) {
        p->list_bytes -= bag->sessions * sizeof(ct_usec);
        p->held_bytes -= bag->sessions * sizeof(ct_usec);
        free(bag->first_published.each);
    }
    p->published_open -= bag->is_published;
    p->text_bytes -= bag->text_bytes;
    p->held_bytes -= sizeof *bag + bag->piece_bytes;
    uint32_t bench = bag->setup;
    give_pieces(p, bag->first_piece);
    ct_slab_give(&p->slab, name);
    p->open--;
    if (p->bucket_count > BUCKETS_MIN && p->open < p->bucket_count / 16) {
        rehash(p, p->bucket_count / 4);
    }
    ct_bench_leave(p, bench);
}

/* ---- reading back ------------------------------------------------------------------------------------------------ */

enum ct_status ct_bag_unpack(struct ct_pipeline *p, struct ct_bag *bag)
{
    struct ct_stored_same same;
    ct_usec ts = 0;
    if (!ct_bytes_room(&p->flat, bag->bytes) ||
        !ct_bytes_room(&p->plain, bag->count * sizeof(struct ct_sessions_read))) {
        return CT_NO_MEMORY;
    }
    copy_bytes(p, bag, p->flat.at, bag->bytes);
    const char *at = ct_stored_get_span(p->flat.at, &same.tenant);
    at = get_same(ct_stored_get_span(at, &same.conversation_id), &same);
    struct ct_sessions_read *all = (struct ct_sessions_read *)(void *)p->plain.at;
    for (uint32_t i = 0; i < bag->count; i++) {
        at += ct_stored_unpack(at, &all[i].message, &same, &ts, &all[i].packed_calls);
        all[i].stored = (struct ct_stored){.offset = i, .ts = all[i].message.ts};
    }
    return CT_OK;
}
