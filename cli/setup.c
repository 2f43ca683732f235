/* setup.c - packs and unpacks a setup. See setup.h; setups.c makes rules of it.
 *
 * Layout, numbers little-endian: "CTSETUP1"; packs: u32 count, each text file, text bytes; u8 announced; i64 idle cap,
 * i64 idle while a person is expected; u32 count of idles, each text channel, i64; u64 longest record; u8 cost model or
 * not, text file, text bytes; u32 count of sources, each text name, format, channel, bot, tenant, zone's TZif, u32
 * count of options, each text name, text value. A text: u32 bytes, then those.
 */
#include "cli/setup.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/packs.h"
#include "cli/zones.h"

static const char magic[8] = {'C', 'T', 'S', 'E', 'T', 'U', 'P', '1'};
enum { COUNT_MAX = 4096 };

/* ---- packing ---------------------------------------------------------------------------- */

struct packer {
    char *bytes;
    size_t len, room;
    bool no_memory;
};

static void put_bytes(struct packer *p, const void *at, size_t len)
{
    if (p->room - p->len < len) {
        size_t room = p->room ? p->room : 65536;
        while (room - p->len < len) {
            room *= 2;
        }
        char *grown = p->no_memory ? NULL : realloc(p->bytes, room);
        if (!grown) {
            p->no_memory = true;
            return;
        }
        p->bytes = grown;
        p->room = room;
    }
    if (len) {
        memcpy(p->bytes + p->len, at, len);
        p->len += len;
    }
}

static void put_number(struct packer *p, uint64_t value, size_t bytes)
{
    unsigned char out[8];
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (unsigned char)(value >> (8 * i));
    }
    put_bytes(p, out, bytes);
}

static void put_text(struct packer *p, ct_span text)
{
    put_number(p, text.len, 4);
    put_bytes(p, text.at, text.len);
}

static void put_source(struct packer *p, const struct ct_setup_source *source)
{
    put_text(p, source->name);
    put_text(p, source->format);
    put_text(p, source->channel);
    put_text(p, source->bot);
    put_text(p, source->tenant);
    put_text(p, source->zone_tzif);
    put_number(p, source->option_count, 4);
    for (size_t i = 0; i < source->option_count; i++) {
        put_text(p, source->options[i].name);
        put_text(p, source->options[i].value);
    }
}

enum ct_status ct_setup_pack(const struct ct_setup_parts *parts, char **packed, size_t *len, struct ct_error *err)
{
    struct packer p = {0};
    put_bytes(&p, magic, sizeof magic);
    put_number(&p, parts->pack_count, 4);
    for (size_t i = 0; i < parts->pack_count; i++) {
        put_text(&p, parts->packs[i].file);
        put_text(&p, parts->packs[i].bytes);
    }
    put_number(&p, (uint64_t)parts->announced, 1);
    put_number(&p, (uint64_t)parts->idle_cap_usec, 8);
    put_number(&p, (uint64_t)parts->idle_person_usec, 8);
    put_number(&p, parts->idle_count, 4);
    for (size_t i = 0; i < parts->idle_count; i++) {
        put_text(&p, parts->idle[i].channel);
        put_number(&p, (uint64_t)parts->idle[i].usec, 8);
    }
    put_number(&p, parts->max_record_bytes, 8);
    put_number(&p, parts->has_cost, 1);
    put_text(&p, parts->cost_file);
    put_text(&p, parts->cost);
    put_number(&p, parts->source_count, 4);
    for (size_t i = 0; i < parts->source_count; i++) {
        put_source(&p, &parts->sources[i]);
    }
    *packed = NULL;
    *len = 0;
    if (p.no_memory || p.len > CT_TAPE_BYTES_MAX) {
        free(p.bytes);
        return p.no_memory ? ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY))
                           : ct_error_set(err, CT_LIMIT, "rules and options are larger than %u bytes",
                                          (unsigned)CT_TAPE_BYTES_MAX);
    }
    *packed = p.bytes;
    *len = p.len;
    return CT_OK;
}

/* ---- unpacking -------------------------------------------------------------------------- */

struct unpacker {
    ct_span rest;
    struct ct_arena *arena;
    bool bad, no_memory;
};

static uint64_t get_number(struct unpacker *u, size_t bytes)
{
    uint64_t value = 0;
    if (u->bad || u->rest.len < bytes) {
        u->bad = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)(unsigned char)u->rest.at[i] << (8 * i);
    }
    u->rest = (ct_span){u->rest.at + bytes, u->rest.len - bytes};
    return value;
}

static ct_span get_text(struct unpacker *u)
{
    size_t len = (size_t)get_number(u, 4);
    if (u->bad || len > u->rest.len) {
        u->bad = true;
        return CT_SPAN_NONE;
    }
    ct_span text = {u->rest.at, len};
    u->rest = (ct_span){u->rest.at + len, u->rest.len - len};
    return text;
}

/* A name or a value: text that a person wrote. */
static ct_span get_word(struct unpacker *u)
{
    ct_span text = get_text(u);
    u->bad |= !ct_utf8_valid(text, NULL);
    return text;
}

/* A span of time that a configuration may have. */
static ct_usec get_time(struct unpacker *u)
{
    uint64_t value = get_number(u, 8);
    u->bad |= value > (uint64_t)CT_SETTING_TIME_MAX;
    return u->bad ? 0 : (ct_usec)value;
}

/* How many follow, each of at least `least` bytes, and room for them. */
static void *get_array(struct unpacker *u, size_t least, size_t size, size_t *count)
{
    *count = (size_t)get_number(u, 4);
    u->bad |= *count > COUNT_MAX || *count > u->rest.len / least;
    if (u->bad) {
        *count = 0;
        return NULL;
    }
    void *array = ct_arena_zalloc(u->arena, (*count + 1) * size);
    u->no_memory |= !array;
    u->bad |= !array;
    *count = array ? *count : 0;
    return array;
}

static void get_source(struct unpacker *u, struct ct_setup_source *source)
{
    source->name = get_word(u);
    source->format = get_word(u);
    source->channel = get_word(u);
    source->bot = get_word(u);
    source->tenant = get_word(u);
    source->zone_tzif = get_text(u);
    source->options = get_array(u, 8, sizeof *source->options, &source->option_count);
    for (size_t i = 0; i < source->option_count; i++) {
        source->options[i].name = get_word(u);
        source->options[i].value = get_word(u);
    }
}

static void get_parts(struct unpacker *u, struct ct_setup_parts *parts)
{
    parts->packs = get_array(u, 8, sizeof *parts->packs, &parts->pack_count);
    for (size_t i = 0; i < parts->pack_count; i++) {
        parts->packs[i].file = get_word(u);
        parts->packs[i].bytes = get_text(u);
    }
    uint64_t announced = get_number(u, 1);
    u->bad |= announced > CT_ANNOUNCED_NEVER;
    parts->announced = u->bad ? CT_ANNOUNCED_AUTO : (enum ct_announced)announced;
    parts->idle_cap_usec = get_time(u);
    parts->idle_person_usec = get_time(u);
    parts->idle = get_array(u, 12, sizeof *parts->idle, &parts->idle_count);
    for (size_t i = 0; i < parts->idle_count; i++) {
        parts->idle[i].channel = get_word(u);
        parts->idle[i].usec = get_time(u);
    }
    parts->max_record_bytes = (size_t)get_number(u, 8);
    u->bad |= parts->max_record_bytes > (size_t)1 << 30;
    uint64_t has_cost = get_number(u, 1);
    u->bad |= has_cost > 1;
    parts->has_cost = has_cost == 1;
    parts->cost_file = get_word(u);
    parts->cost = get_text(u);
    parts->sources = get_array(u, 28, sizeof *parts->sources, &parts->source_count);
    for (size_t i = 0; i < parts->source_count; i++) {
        get_source(u, &parts->sources[i]);
    }
}

enum ct_status ct_setup_unpack(ct_span packed, struct ct_arena *arena, struct ct_setup_parts *parts,
                               struct ct_error *err)
{
    struct unpacker u = {.rest = packed, .arena = arena};
    *parts = (struct ct_setup_parts){0};
    bool begins = packed.len >= sizeof magic && memcmp(packed.at, magic, sizeof magic - 1) == 0;
    if (begins && packed.at[sizeof magic - 1] != magic[sizeof magic - 1]) {
        return ct_error_set(err, CT_BAD_CONFIG, "the setup is of another version than this convtap (%s) reads",
                            CT_VERSION);
    }
    if (begins) {
        u.rest = (ct_span){packed.at + sizeof magic, packed.len - sizeof magic};
        get_parts(&u, parts);
    }
    if (u.no_memory) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    if (!begins || u.bad || u.rest.len) {
        return ct_error_set(err, CT_BAD_CONFIG, "the setup is damaged: %s",
                            !begins ? "it does not begin as one"
                            : u.bad ? "it is cut or holds what none has"
                                    : "something follows it");
    }
    return CT_OK;
}

/* ---- from the configuration ------------------------------------------------------------- */

static ct_span base_name(ct_span path)
{
    const char *slash = path.len ? memrchr(path.at, '/', path.len) : NULL;
    return slash ? (ct_span){slash + 1, (size_t)(path.at + path.len - slash) - 1} : path;
}

/* The zone of option "zone", where it needs the tz database. */
static enum ct_status read_zone(const struct ct_source_settings *from, struct ct_arena *arena,
                                struct ct_setup_source *to, struct ct_error *err)
{
    for (size_t i = 0; i < from->option_count; i++) {
        const struct ct_option_value *option = &from->options[i];
        if (!ct_span_is(option->name, "zone") || !ct_zone_needs_file(option->value)) {
            continue;
        }
        size_t len;
        bool copied = true;
        char *bytes = ct_zone_file(option->value, &len, err);
        if (!bytes) {
            return CT_BAD_CONFIG;
        }
        to->zone_tzif = ct_arena_copy(arena, (ct_span){bytes, len}, &copied);
        free(bytes);
        if (!copied) {
            return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
        }
    }
    return CT_OK;
}

static enum ct_status read_sources(const struct ct_config *config, struct ct_arena *arena, struct ct_setup_parts *parts,
                                   struct ct_error *err)
{
    const struct ct_config_group *group = &config->groups[CT_SECTION_SOURCE];
    enum ct_status status = CT_OK;
    parts->sources = ct_arena_zalloc(arena, (group->count + 1) * sizeof *parts->sources);
    if (!parts->sources) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    for (size_t i = 0; i < group->count && status == CT_OK; i++) {
        const struct ct_source_settings *from = group->items[i].to;
        struct ct_setup_source *to = &parts->sources[parts->source_count++];
        *to = (struct ct_setup_source){.name = ct_span_of(from->name),
                                       .format = ct_span_of(from->format->name),
                                       .channel = ct_span_of(from->channel),
                                       .bot = ct_span_of(from->bot),
                                       .tenant = ct_span_of(from->tenant),
                                       .options = (struct ct_option_value *)(uintptr_t)from->options,
                                       .option_count = from->option_count};
        status = read_zone(from, arena, to, err);
    }
    return status;
}

enum ct_status ct_setup_of_config(const struct ct_config *config, char **packed, size_t *len, struct ct_error *err)
{
    struct ct_packs packs;
    struct ct_arena arena;
    char *cost = NULL;
    size_t cost_len = 0;
    *packed = NULL;
    ct_arena_init(&arena, 0, 0);
    enum ct_status status = ct_config_packs(config, config->rules, &packs, err);
    struct ct_setup_parts parts = {.packs = packs.sources,
                                   .pack_count = packs.count,
                                   .announced = config->announced,
                                   .idle_cap_usec = config->idle_cap_usec,
                                   .idle_person_usec = config->idle_person_usec,
                                   .idle = config->idle,
                                   .idle_count = config->idle_count,
                                   .max_record_bytes = config->max_record_bytes,
                                   .has_cost = config->cost_model != NULL};
    struct ct_pack_source *named = calloc(packs.count + 1, sizeof *named);
    if (status == CT_OK && !named) {
        status = ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    for (size_t i = 0; status == CT_OK && i < packs.count; i++) {
        named[i] = (struct ct_pack_source){base_name(packs.sources[i].file), packs.sources[i].bytes};
    }
    parts.packs = named;
    if (status == CT_OK && config->cost_model) {
        cost = ct_file_read(config->cost_model, CT_COST_FILE_BYTES_MAX, &cost_len, err);
        status = cost ? CT_OK : CT_BAD_CONFIG;
        parts.cost_file = base_name(ct_span_of(config->cost_model));
        parts.cost = (ct_span){cost, cost_len};
    }
    if (status == CT_OK) {
        status = read_sources(config, &arena, &parts, err);
    }
    if (status == CT_OK) {
        status = ct_setup_pack(&parts, packed, len, err);
    }
    free(cost);
    free(named);
    ct_packs_done(&packs);
    ct_arena_done(&arena);
    return status;
}
