/* yaml_tree.h - a YAML (or JSON) text as a tree in which every node knows its line and column.
 *
 * Used by the rule packs (ruleset_load.c), the configuration file and the cost model: all three want the same
 * thing, strict reading with file:line:column for each problem, and all problems in one go. What libyaml gives
 * is events; this makes nodes of them, refuses what nobody needs (tags, several documents, bombs) and offers
 * typed getters that report and go on.
 *
 * Plain scalars are never guessed into types: `no`, `1.0` and `0x1F` are texts until a getter asks for more, so a
 * word list may contain `no` and `on`.
 */
#ifndef CT_YAML_TREE_H
#define CT_YAML_TREE_H

#include "engine/arena.h"
#include "engine/ct.h"

/* Limits; beyond them the text is refused. Nodes count aliases as if they were written out. */
#define CT_YAML_BYTES_MAX ((size_t)4 << 20)
#define CT_YAML_DEPTH_MAX 32
#define CT_YAML_NODES_MAX 400000
#define CT_YAML_ALIASES_MAX 1000

enum ct_yaml_kind { CT_YAML_SCALAR, CT_YAML_LIST, CT_YAML_MAP };

struct ct_yaml_node {
    enum ct_yaml_kind kind;
    bool plain;            /* a scalar written without quotes */
    uint32_t line, column; /* of its first byte, 1-based; column in bytes */
    uint32_t begin;        /* offset of its first byte in ct_yaml.source */
    uint32_t weight;       /* nodes below and including it, aliases written out */
    ct_span text;          /* scalar: its value, NUL-terminated (not counted); may contain any valid UTF-8 but NUL */
    uint32_t count;        /* list: items; map: pairs */
    const struct ct_yaml_node *const *items; /* list: count; map: 2 * count: key, value, ... (keys are scalars) */
};

static inline const struct ct_yaml_node *ct_yaml_item(const struct ct_yaml_node *list, uint32_t i)
{
    return list->items[i];
}
static inline const struct ct_yaml_node *ct_yaml_key(const struct ct_yaml_node *map, uint32_t i)
{
    return map->items[2 * (size_t)i];
}
static inline const struct ct_yaml_node *ct_yaml_value(const struct ct_yaml_node *map, uint32_t i)
{
    return map->items[2 * (size_t)i + 1];
}

/* Where problems go; one for all files of a load. Set the first three, zero the rest. */
struct ct_yaml_report {
    enum ct_status status; /* of an error: CT_BAD_RULES, CT_BAD_CONFIG */
    void *context;
    void (*problem)(void *context, char severity, const struct ct_error *problem); /* may be NULL */
    struct ct_error *first; /* may be NULL; gets the first error */
    uint32_t errors, warnings;
    bool no_memory; /* an allocation failed: give up, the status is CT_NO_MEMORY */
};

struct ct_yaml {
    ct_span file;   /* for messages; borrowed */
    ct_span source; /* the bytes, without a byte order mark; borrowed for as long as this is used */
    struct ct_yaml_report *report;
    struct ct_arena *arena;          /* the nodes and their texts live here */
    const struct ct_yaml_node *root; /* NULL = an empty document (nothing but comments) */
};

/* Fills *yaml. false = refused, reported. Duplicate keys are errors too, but do not stop the reading: the tree has
 * the first of them, and report->errors has risen. */
CT_MUST_USE bool ct_yaml_parse(struct ct_yaml *yaml, struct ct_arena *arena, ct_span file, ct_span bytes,
                               struct ct_yaml_report *report);

/* ---- problems --------------------------------------------------------------------------- */

/* A problem at a node (NULL = the file as a whole). severity 'e' or 'w'. */
void ct_yaml_problem(const struct ct_yaml *yaml, char severity, const struct ct_yaml_node *at, const char *format, ...)
    CT_PRINTF(4, 5);
/* The same at byte `offset` of a scalar's text: exact where the text stands in the source as it is (plain or
 * single-quoted on one line), else the node's begin. */
void ct_yaml_problem_in(const struct ct_yaml *yaml, char severity, const struct ct_yaml_node *at, size_t offset,
                        const char *format, ...) CT_PRINTF(5, 6);
/* Line and column of byte `offset` of a scalar's text, as above. */
void ct_yaml_position(const struct ct_yaml *yaml, const struct ct_yaml_node *at, size_t offset, uint32_t *line,
                      uint32_t *column);
/* Notes a failed allocation. Always false, so that `return ct_yaml_no_memory(report)` reads well. */
bool ct_yaml_no_memory(struct ct_yaml_report *report);

/* ---- typed getters (yaml_value.c) ------------------------------------------------------- */
/* Each takes the node that ct_yaml_find gave: NULL is no problem and returns false without a word, so that
 *     ct_yaml_int(yaml, ct_yaml_find(map, "level"), "level", 1, 4, &level)
 * leaves the default where the key is absent. A node of another type or out of range is reported, *out stays as it
 * was, and false comes back. `what` names the value in messages. */

/* The value of a key; NULL = absent, or `map` is NULL or no map. */
const struct ct_yaml_node *ct_yaml_find(const struct ct_yaml_node *map, const char *key);
/* Same, and its absence is an error at `map`. */
const struct ct_yaml_node *ct_yaml_need(const struct ct_yaml *yaml, const struct ct_yaml_node *map, const char *key,
                                        const char *what);
/* Reports each key that is not among the names (NULL-terminated list), with the nearest known one. */
bool ct_yaml_check_keys(const struct ct_yaml *yaml, const struct ct_yaml_node *map, const char *const *names,
                        const char *what);

bool ct_yaml_is_map(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what);
bool ct_yaml_is_list(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what);
/* A scalar that says nothing: `null`, `~` or nothing at all, unquoted. */
bool ct_yaml_is_null(const struct ct_yaml_node *node);
/* Any scalar that is not empty. */
bool ct_yaml_text(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what, ct_span *out);
/* A decimal whole number in min..max. */
bool ct_yaml_int(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what, int64_t min,
                 int64_t max, int64_t *out);
/* true or false. */
bool ct_yaml_flag(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what, bool *out);
/* "90s", "30m", "1h30m", "7d", "2w", "250ms", "10us"; a bare 0. */
bool ct_yaml_duration(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what, ct_usec min,
                      ct_usec max, ct_usec *out);
/* "512", "64K", "10M", "2G", "1T" (powers of 1024, optional B or iB behind). */
bool ct_yaml_bytes(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what, uint64_t min,
                   uint64_t max, uint64_t *out);
/* Decimal money, in nano-units (ct_money_parse); never below `min`. */
bool ct_yaml_money(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what, ct_nano min,
                   ct_nano *out);
/* One of `count` names; *out its index. Names that are empty are never matched or shown. */
bool ct_yaml_choice(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what,
                    const char *const *names, unsigned count, unsigned *out);

/* The same texts without a node: for options of the command line and the environment. */
CT_MUST_USE bool ct_duration_parse(ct_span text, ct_usec *out);
CT_MUST_USE bool ct_bytes_parse(ct_span text, uint64_t *out);

#endif
