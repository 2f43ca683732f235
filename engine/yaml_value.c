/* yaml_value.c - typed values out of a tree: whole numbers, durations, sizes, choices. See yaml_tree.h.
 *
 * Every getter reports what it expected, what stands there and where, and leaves the caller's default alone.
 */
#include "engine/yaml_tree.h"

#include <stdio.h>
#include <stdlib.h>

const struct ct_yaml_node *ct_yaml_find(const struct ct_yaml_node *map, const char *key)
{
    if (map == NULL || map->kind != CT_YAML_MAP) {
        return NULL;
    }
    for (uint32_t i = 0; i < map->count; i++) {
        if (ct_span_is(ct_yaml_key(map, i)->text, key)) {
            return ct_yaml_value(map, i);
        }
    }
    return NULL;
}

const struct ct_yaml_node *ct_yaml_need(const struct ct_yaml *yaml, const struct ct_yaml_node *map, const char *key,
                                        const char *what)
{
    const struct ct_yaml_node *value = ct_yaml_find(map, key);
    if (value == NULL) {
        ct_yaml_problem(yaml, 'e', map, "%s has no '%s'", what, key);
    }
    return value;
}

/* ---- keys ------------------------------------------------------------------------------- */

/* Edits (insert, delete, change, swap of neighbours) from one word to the other; words over 31 bytes are "far". */
static unsigned edit_distance(ct_span a, ct_span b)
{
    enum { MOST = 31 };
    unsigned rows[3][MOST + 1];
    if (a.len > MOST || b.len > MOST) {
        return MOST;
    }
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.len; j++) {
        last[j] = (unsigned)j;
        before[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned change = last[j - 1] + (a.at[i - 1] != b.at[j - 1]);
            unsigned best = last[j] + 1 < now[j - 1] + 1 ? last[j] + 1 : now[j - 1] + 1;
            best = change < best ? change : best;
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1] &&
                before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            now[j] = best;
        }
        unsigned *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b.len];
}

/* "a, b, c" of a NULL-terminated list, cut where it does not fit. */
static void join_names(const char *const *names, char *out, size_t room)
{
    size_t used = 0;
    out[0] = '\0';
    for (; *names != NULL && used < room; names++) {
        if ((*names)[0] == '\0') {
            continue;
        }
        int n = snprintf(out + used, room - used, "%s%s", used ? ", " : "", *names);
        used += n > 0 ? (size_t)n : 0;
    }
}

bool ct_yaml_check_keys(const struct ct_yaml *yaml, const struct ct_yaml_node *map, const char *const *names,
                        const char *what)
{
    enum { SHOWN_MAX = 50 };
    uint32_t unknown = 0;
    if (map == NULL || map->kind != CT_YAML_MAP) {
        return true;
    }
    for (uint32_t i = 0; i < map->count; i++) {
        const struct ct_yaml_node *key = ct_yaml_key(map, i);
        const char *nearest = NULL;
        unsigned least = 3;
        bool known = false;
        for (const char *const *name = names; *name != NULL && !known; name++) {
            known = ct_span_is(key->text, *name);
            unsigned distance = edit_distance(key->text, ct_span_of(*name));
            if (distance < least && distance < strlen(*name)) {
                least = distance;
                nearest = *name;
            }
        }
        if (known) {
            continue;
        }
        if (++unknown > SHOWN_MAX) {
            ct_yaml_problem(yaml, 'e', key, "more than %d unknown keys in %s: the rest is not looked at", SHOWN_MAX,
                            what);
            return false;
        }
        if (nearest != NULL) {
            ct_yaml_problem(yaml, 'e', key, "unknown key '%.100s' in %s; did you mean '%s'?", key->text.at, what,
                            nearest);
        } else {
            char list[512];
            join_names(names, list, sizeof list);
            ct_yaml_problem(yaml, 'e', key, "unknown key '%.100s' in %s; it knows: %s", key->text.at, what, list);
        }
    }
    return unknown == 0;
}

/* ---- what a node is --------------------------------------------------------------------- */

static const char *kind_text(const struct ct_yaml_node *node)
{
    static const char *const texts[] = {"a single value", "a list", "a map"};
    return ct_yaml_is_null(node) ? "nothing" : texts[node->kind];
}

bool ct_yaml_is_null(const struct ct_yaml_node *node)
{
    return node->kind == CT_YAML_SCALAR && node->plain &&
           (node->text.len == 0 || ct_span_is(node->text, "~") || ct_span_is(node->text, "null"));
}

static bool is_kind(const struct ct_yaml *yaml, const struct ct_yaml_node *node, enum ct_yaml_kind kind,
                    const char *what, const char *wanted)
{
    if (node == NULL) {
        return false;
    }
    if (node->kind != kind) {
        ct_yaml_problem(yaml, 'e', node, "%s has to be %s, here is %s", what, wanted, kind_text(node));
        return false;
    }
    return true;
}

bool ct_yaml_is_map(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what)
{
    return is_kind(yaml, node, CT_YAML_MAP, what, "a map (key: value)");
}

bool ct_yaml_is_list(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what)
{
    return is_kind(yaml, node, CT_YAML_LIST, what, "a list");
}

bool ct_yaml_text(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what, ct_span *out)
{
    if (!is_kind(yaml, node, CT_YAML_SCALAR, what, "a text")) {
        return false;
    }
    if (node->text.len == 0) {
        ct_yaml_problem(yaml, 'e', node, "%s is empty", what);
        return false;
    }
    *out = node->text;
    return true;
}

/* ---- numbers ---------------------------------------------------------------------------- */

static bool parse_int(ct_span text, int64_t *out)
{
    size_t i = text.len > 0 && (text.at[0] == '-' || text.at[0] == '+');
    bool negative = i == 1 && text.at[0] == '-';
    int64_t value = 0;
    if (i == text.len) {
        return false;
    }
    for (; i < text.len; i++) {
        int digit = text.at[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_add_overflow(value, (int64_t)digit, &value)) {
            return false;
        }
    }
    *out = negative ? -value : value;
    return true;
}

bool ct_yaml_int(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what, int64_t min,
                 int64_t max, int64_t *out)
{
    int64_t value;
    if (!is_kind(yaml, node, CT_YAML_SCALAR, what, "a whole number")) {
        return false;
    }
    if (!parse_int(node->text, &value)) {
        ct_yaml_problem(yaml, 'e', node, "%s has to be a whole number, here is '%.60s'", what, node->text.at);
        return false;
    }
    if (value < min || value > max) {
        ct_yaml_problem(yaml, 'e', node, "%s is %lld, but has to be from %lld to %lld", what, (long long)value,
                        (long long)min, (long long)max);
        return false;
    }
    *out = value;
    return true;
}

bool ct_yaml_flag(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what, bool *out)
{
    if (!is_kind(yaml, node, CT_YAML_SCALAR, what, "true or false")) {
        return false;
    }
    if (!ct_span_is(node->text, "true") && !ct_span_is(node->text, "false")) {
        ct_yaml_problem(yaml, 'e', node, "%s has to be true or false, here is '%.60s'", what, node->text.at);
        return false;
    }
    *out = ct_span_is(node->text, "true");
    return true;
}

bool ct_yaml_money(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what, ct_nano min,
                   ct_nano *out)
{
    ct_nano value;
    if (!is_kind(yaml, node, CT_YAML_SCALAR, what, "an amount")) {
        return false;
    }
    if (!ct_money_parse(node->text, &value)) {
        ct_yaml_problem(yaml, 'e', node, "%s has to be a decimal amount such as 0.0025, here is '%.60s'", what,
                        node->text.at);
        return false;
    }
    if (value < min) {
        char least[32];
        (void)ct_money_format(min, least);
        ct_yaml_problem(yaml, 'e', node, "%s is %.60s, but may not be below %s", what, node->text.at, least);
        return false;
    }
    *out = value;
    return true;
}

/* Digits at *i to *out; false = none, or too many. */
static bool take_digits(ct_span text, size_t *i, int64_t *out)
{
    size_t begin = *i;
    int64_t value = 0;
    for (; *i < text.len && text.at[*i] >= '0' && text.at[*i] <= '9'; (*i)++) {
        if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_add_overflow(value, (int64_t)(text.at[*i] - '0'), &value)) {
            return false;
        }
    }
    *out = value;
    return *i > begin;
}

bool ct_duration_parse(ct_span text, ct_usec *out)
{
    static const struct {
        const char *name;
        ct_usec usec;
    } units[] = {
        {"us", 1},
        {"ms", 1000},
        {"s", CT_USEC_PER_SECOND},
        {"m", CT_USEC_PER_MINUTE},
        {"h", CT_USEC_PER_HOUR},
        {"d", CT_USEC_PER_DAY},
        {"w", 7 * CT_USEC_PER_DAY},
    };
    const size_t unit_count = sizeof units / sizeof units[0];
    ct_usec total = 0, last_unit = INT64_MAX;
    if (ct_span_is(text, "0")) {
        *out = 0;
        return true;
    }
    for (size_t i = 0; i < text.len || last_unit == INT64_MAX;) {
        int64_t amount;
        if (!take_digits(text, &i, &amount)) {
            return false;
        }
        size_t begin = i;
        while (i < text.len && text.at[i] >= 'a' && text.at[i] <= 'z') {
            i++;
        }
        size_t u = 0;
        while (u < unit_count && !ct_span_eq(ct_span_of(units[u].name), (ct_span){text.at + begin, i - begin})) {
            u++;
        }
        /* "1h30m": each unit smaller than the one before, so that "30m1h" and "1m1m" are mistakes */
        if (u == unit_count || units[u].usec >= last_unit || __builtin_mul_overflow(amount, units[u].usec, &amount) ||
            __builtin_add_overflow(total, amount, &total)) {
            return false;
        }
        last_unit = units[u].usec;
    }
    *out = total;
    return true;
}

bool ct_bytes_parse(ct_span text, uint64_t *out)
{
    size_t i = 0;
    int64_t amount;
    if (!take_digits(text, &i, &amount)) {
        return false;
    }
    static const char letters[] = "KMGT";
    uint64_t value = (uint64_t)amount;
    if (i < text.len && strchr(letters, text.at[i]) != NULL) {
        unsigned power = (unsigned)(strchr(letters, text.at[i]) - letters) + 1;
        if (__builtin_mul_overflow(value, (uint64_t)1 << (10 * power), &value)) {
            return false;
        }
        i++;
        ct_span rest = {text.at + i, text.len - i};
        if (ct_span_is(rest, "B") || ct_span_is(rest, "iB")) {
            i = text.len;
        }
    }
    if (i != text.len) {
        return false;
    }
    *out = value;
    return true;
}

bool ct_yaml_duration(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what, ct_usec min,
                      ct_usec max, ct_usec *out)
{
    ct_usec value;
    if (!is_kind(yaml, node, CT_YAML_SCALAR, what, "a time such as 30m")) {
        return false;
    }
    if (!ct_duration_parse(node->text, &value)) {
        ct_yaml_problem(yaml, 'e', node, "%s has to be a time such as 90s, 30m, 24h or 7d, here is '%.60s'", what,
                        node->text.at);
        return false;
    }
    if (value < min || value > max) {
        ct_yaml_problem(yaml, 'e', node, "%s is %.60s, which is too %s", what, node->text.at,
                        value < min ? "short" : "long");
        return false;
    }
    *out = value;
    return true;
}

bool ct_yaml_bytes(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what, uint64_t min,
                   uint64_t max, uint64_t *out)
{
    uint64_t value;
    if (!is_kind(yaml, node, CT_YAML_SCALAR, what, "a size such as 64K")) {
        return false;
    }
    if (!ct_bytes_parse(node->text, &value)) {
        ct_yaml_problem(yaml, 'e', node, "%s has to be a size such as 512, 64K or 10M, here is '%.60s'", what,
                        node->text.at);
        return false;
    }
    if (value < min || value > max) {
        ct_yaml_problem(yaml, 'e', node, "%s is %.60s, which is too %s", what, node->text.at,
                        value < min ? "small" : "large");
        return false;
    }
    *out = value;
    return true;
}

bool ct_yaml_choice(const struct ct_yaml *yaml, const struct ct_yaml_node *node, const char *what,
                    const char *const *names, unsigned count, unsigned *out)
{
    if (!is_kind(yaml, node, CT_YAML_SCALAR, what, "a word")) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (names[i][0] != '\0' && ct_span_is(node->text, names[i])) {
            *out = i;
            return true;
        }
    }
    char list[640];
    size_t used = 0;
    list[0] = '\0';
    for (unsigned i = 0; i < count && used < sizeof list; i++) {
        if (names[i][0] != '\0') {
            int n = snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", names[i]);
            used += n > 0 ? (size_t)n : 0;
        }
    }
    ct_yaml_problem(yaml, 'e', node, "%s '%.60s' is none of: %s", what, node->text.at, list);
    return false;
}
