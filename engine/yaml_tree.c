/* yaml_tree.c - libyaml's events to a tree of nodes, with limits. See yaml_tree.h.
 *
 * Iterative: the stack of open lists and maps is bounded by CT_YAML_DEPTH_MAX, so hostile nesting cannot exhaust
 * ours. An alias shares the node it names; its weight is added to the total, so that a "billion laughs" is refused
 * by arithmetic before anybody walks it. Called by ruleset_load.c and by the readers of configuration files.
 */
#include "engine/yaml_tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

enum { ANCHORS_MAX = 1000 };

struct anchor {
    ct_span name;
    const struct ct_yaml_node *node; /* NULL while it is still open: an alias to it would be a cycle */
    unsigned depth;                  /* of the open node, to find it again when it ends */
};

/* An open list or map: its children are pending[first..]. */
struct open_node {
    struct ct_yaml_node *node;
    size_t first;
    int32_t anchor; /* index, -1 = none */
};

struct reader {
    struct ct_yaml *yaml;
    yaml_parser_t parser;
    uint32_t *line_starts; /* byte offset of each line */
    size_t line_count;
    size_t cursor_char, cursor_byte; /* libyaml counts characters; this walks along to know bytes */
    const struct ct_yaml_node **pending;
    size_t pending_count, pending_room;
    struct open_node open[CT_YAML_DEPTH_MAX];
    unsigned depth;
    struct anchor anchors[ANCHORS_MAX];
    uint32_t anchor_count, alias_count;
    uint64_t weight;
};

bool ct_yaml_no_memory(struct ct_yaml_report *report)
{
    if (!report->no_memory && report->errors == 0 && report->first != NULL) {
        (void)ct_error_set(report->first, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    report->no_memory = true;
    return false;
}

/* ---- problems --------------------------------------------------------------------------- */

static void report_at(const struct ct_yaml *yaml, char severity, uint32_t line, uint32_t column, uint64_t offset,
                      const char *format, va_list args)
{
    struct ct_yaml_report *report = yaml->report;
    if (report->no_memory) { /* what is found missing now may just not have been kept */
        return;
    }
    struct ct_error error = {
        .status = severity == 'e' ? report->status : CT_OK, .line = line, .column = column, .offset = offset};
    size_t len = yaml->file.len < sizeof error.file ? yaml->file.len : sizeof error.file - 1;
    if (len > 0) {
        memcpy(error.file, yaml->file.at, len);
    }
    vsnprintf(error.text, sizeof error.text, format, args);
    if (severity == 'e') {
        if (report->errors++ == 0 && report->first != NULL) {
            *report->first = error;
        }
    } else {
        report->warnings++;
    }
    if (report->problem != NULL) {
        report->problem(report->context, severity, &error);
    }
}

void ct_yaml_problem(const struct ct_yaml *yaml, char severity, const struct ct_yaml_node *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report_at(yaml, severity, at ? at->line : 0, at ? at->column : 0, at ? at->begin : 0, format, args);
    va_end(args);
}

void ct_yaml_position(const struct ct_yaml *yaml, const struct ct_yaml_node *at, size_t offset, uint32_t *line,
                      uint32_t *column)
{
    *line = at->line;
    *column = at->column;
    const char *source = yaml->source.at + at->begin;
    size_t left = yaml->source.len - at->begin;
    size_t i = 0;
    bool quoted = !at->plain && left > 0 && source[0] == '\'';
    if (!at->plain && !quoted) {
        return;
    }
    if (quoted) {
        i = 1;
    }
    /* Follow the text through the source; where they part (a folded line, an escape), the node's begin stands. */
    for (size_t t = 0; t < offset; t++, i++) {
        if (i >= left || t >= at->text.len || source[i] != at->text.at[t] || source[i] == '\n' || source[i] == '\r') {
            return;
        }
        if (quoted && source[i] == '\'') {
            i++;
        }
    }
    *column = at->column + (uint32_t)i;
}

void ct_yaml_problem_in(const struct ct_yaml *yaml, char severity, const struct ct_yaml_node *at, size_t offset,
                        const char *format, ...)
{
    uint32_t line, column;
    ct_yaml_position(yaml, at, offset, &line, &column);
    va_list args;
    va_start(args, format);
    report_at(yaml, severity, line, column, (uint64_t)at->begin + (column - at->column), format, args);
    va_end(args);
}

CT_PRINTF(3, 4)
static bool refuse(struct reader *r, const yaml_mark_t *mark, const char *format, ...);

/* ---- positions -------------------------------------------------------------------------- */

/* Bytes of the character that begins with this byte, in valid UTF-8. */
static size_t char_bytes(unsigned char lead)
{
    return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* Length of the line break at `at` as libyaml knows them (CR, LF, CRLF, NEL, LS, PS); 0 = none. */
static size_t break_bytes(const char *at, size_t left)
{
    if (at[0] == '\r') {
        return left > 1 && at[1] == '\n' ? 2 : 1;
    }
    if (at[0] == '\n') {
        return 1;
    }
    if (left > 1 && memcmp(at, "\xC2\x85", 2) == 0) {
        return 2;
    }
    if (left > 2 && (memcmp(at, "\xE2\x80\xA8", 3) == 0 || memcmp(at, "\xE2\x80\xA9", 3) == 0)) {
        return 3;
    }
    return 0;
}

static bool index_lines(struct reader *r)
{
    ct_span source = r->yaml->source;
    for (int pass = 0; pass < 2; pass++) {
        size_t lines = 1;
        if (pass == 1) {
            r->line_starts[0] = 0;
        }
        for (size_t i = 0; i < source.len;) {
            size_t skip = break_bytes(source.at + i, source.len - i);
            i += skip ? skip : 1;
            if (skip && pass == 1) {
                r->line_starts[lines] = (uint32_t)i;
            }
            lines += skip != 0;
        }
        if (pass == 0) {
            r->line_starts = malloc(lines * sizeof *r->line_starts);
            if (r->line_starts == NULL) {
                return ct_yaml_no_memory(r->yaml->report);
            }
            r->line_count = lines;
        }
    }
    return true;
}

/* Byte offset of a mark. Marks come in rising order, save a few: then the walk goes back. */
static size_t mark_byte(struct reader *r, const yaml_mark_t *mark)
{
    ct_span source = r->yaml->source;
    while (r->cursor_char < mark->index && r->cursor_byte < source.len) {
        r->cursor_byte += char_bytes((unsigned char)source.at[r->cursor_byte]);
        r->cursor_char++;
    }
    while (r->cursor_char > mark->index && r->cursor_byte > 0) {
        do {
            r->cursor_byte--;
        } while (r->cursor_byte > 0 && ((unsigned char)source.at[r->cursor_byte] & 0xC0) == 0x80);
        r->cursor_char--;
    }
    return r->cursor_byte;
}

static void locate(struct reader *r, const yaml_mark_t *mark, uint32_t *line, uint32_t *column, uint32_t *begin)
{
    size_t byte = mark_byte(r, mark);
    size_t row = mark->line < r->line_count ? mark->line : r->line_count - 1;
    *begin = (uint32_t)byte;
    *line = (uint32_t)row + 1;
    *column = byte >= r->line_starts[row] ? (uint32_t)(byte - r->line_starts[row]) + 1 : 1;
}

static bool refuse(struct reader *r, const yaml_mark_t *mark, const char *format, ...)
{
    uint32_t line = 0, column = 0, begin = 0;
    if (mark != NULL) {
        locate(r, mark, &line, &column, &begin);
    }
    va_list args;
    va_start(args, format);
    report_at(r->yaml, 'e', line, column, begin, format, args);
    va_end(args);
    return false;
}

/* ---- nodes ------------------------------------------------------------------------------ */

static bool push(struct reader *r, const struct ct_yaml_node *node)
{
    if (r->pending_count == r->pending_room) {
        size_t room = r->pending_room ? 2 * r->pending_room : 256;
        const struct ct_yaml_node **grown = realloc(r->pending, room * sizeof *grown);
        if (grown == NULL) {
            return ct_yaml_no_memory(r->yaml->report);
        }
        r->pending = grown;
        r->pending_room = room;
    }
    r->pending[r->pending_count++] = node;
    return true;
}

/* Every finished node comes here: the root, a list's item, a map's key or value. */
static bool place(struct reader *r, const struct ct_yaml_node *node)
{
    if (r->depth == 0) {
        r->yaml->root = node;
        return true;
    }
    struct open_node *parent = &r->open[r->depth - 1];
    bool is_key = parent->node->kind == CT_YAML_MAP && (r->pending_count - parent->first) % 2 == 0;
    if (is_key && node->kind != CT_YAML_SCALAR) {
        ct_yaml_problem(r->yaml, 'e', node, "a key has to be a word, not a list or a map");
        return false;
    }
    return push(r, node);
}

static bool add_weight(struct reader *r, const yaml_mark_t *mark, uint64_t weight)
{
    r->weight += weight;
    return r->weight <= CT_YAML_NODES_MAX ||
           refuse(r, mark, "more than %d values (aliases counted as if written out)", CT_YAML_NODES_MAX);
}

static struct ct_yaml_node *new_node(struct reader *r, enum ct_yaml_kind kind, const yaml_event_t *event)
{
    if (!add_weight(r, &event->start_mark, 1)) {
        return NULL;
    }
    struct ct_yaml_node *node = ct_arena_zalloc(r->yaml->arena, sizeof *node);
    if (node == NULL) {
        (void)ct_yaml_no_memory(r->yaml->report);
        return NULL;
    }
    node->kind = kind;
    node->weight = 1;
    locate(r, &event->start_mark, &node->line, &node->column, &node->begin);
    return node;
}

/* Remembers an anchor; -1 = none, -2 = refused. */
static int32_t new_anchor(struct reader *r, const yaml_char_t *name, const yaml_mark_t *mark,
                          const struct ct_yaml_node *node)
{
    if (name == NULL) {
        return -1;
    }
    if (r->anchor_count == ANCHORS_MAX) {
        (void)refuse(r, mark, "more than %d anchors", ANCHORS_MAX);
        return -2;
    }
    bool ok = true;
    struct anchor *anchor = &r->anchors[r->anchor_count];
    anchor->name = ct_arena_copy(r->yaml->arena, ct_span_of((const char *)name), &ok);
    anchor->node = node;
    if (!ok) {
        (void)ct_yaml_no_memory(r->yaml->report);
        return -2;
    }
    return (int32_t)r->anchor_count++;
}

static bool check_tag(struct reader *r, const yaml_char_t *tag, const yaml_mark_t *mark)
{
    return tag == NULL || strcmp((const char *)tag, "!") == 0 ||
           refuse(r, mark, "tags ('%.60s') are not used here", (const char *)tag);
}

static bool on_scalar(struct reader *r, const yaml_event_t *event)
{
    const yaml_mark_t *mark = &event->start_mark;
    if (!check_tag(r, event->data.scalar.tag, mark)) {
        return false;
    }
    struct ct_yaml_node *node = new_node(r, CT_YAML_SCALAR, event);
    if (node == NULL) {
        return false;
    }
    ct_span text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    size_t bad;
    if (!ct_utf8_valid(text, &bad)) { /* "\0" and the like in double quotes */
        return refuse(r, mark, "a text may not hold the character NUL");
    }
    bool ok = true;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = ct_arena_copy(r->yaml->arena, text, &ok);
    if (!ok) {
        return ct_yaml_no_memory(r->yaml->report);
    }
    return new_anchor(r, event->data.scalar.anchor, mark, node) != -2 && place(r, node);
}

static bool on_alias(struct reader *r, const yaml_event_t *event)
{
    const yaml_mark_t *mark = &event->start_mark;
    const char *name = (const char *)event->data.alias.anchor;
    if (++r->alias_count > CT_YAML_ALIASES_MAX) {
        return refuse(r, mark, "more than %d aliases", CT_YAML_ALIASES_MAX);
    }
    for (uint32_t i = r->anchor_count; i-- > 0;) { /* newest first: an anchor may be used again */
        const struct anchor *anchor = &r->anchors[i];
        if (!ct_span_is(anchor->name, name)) {
            continue;
        }
        if (anchor->node == NULL) {
            return refuse(r, mark, "alias '*%.60s' stands inside what it names", name);
        }
        return add_weight(r, mark, anchor->node->weight) && place(r, anchor->node);
    }
    return refuse(r, mark, "no anchor '&%.60s' before this alias", name);
}

static bool on_start(struct reader *r, enum ct_yaml_kind kind, const yaml_event_t *event)
{
    const yaml_mark_t *mark = &event->start_mark;
    bool map = kind == CT_YAML_MAP;
    if (!check_tag(r, map ? event->data.mapping_start.tag : event->data.sequence_start.tag, mark)) {
        return false;
    }
    if (r->depth == CT_YAML_DEPTH_MAX) {
        return refuse(r, mark, "nested deeper than %d", CT_YAML_DEPTH_MAX);
    }
    struct ct_yaml_node *node = new_node(r, kind, event);
    if (node == NULL) {
        return false;
    }
    int32_t anchor =
        new_anchor(r, map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor, mark, NULL);
    r->open[r->depth++] = (struct open_node){node, r->pending_count, anchor};
    return anchor != -2;
}

static int compare_keys(const void *left, const void *right)
{
    const struct ct_yaml_node *a = ((const struct ct_yaml_node *const *)left)[0];
    const struct ct_yaml_node *b = ((const struct ct_yaml_node *const *)right)[0];
    size_t len = a->text.len < b->text.len ? a->text.len : b->text.len;
    int order = memcmp(a->text.at, b->text.at, len);
    if (order == 0) {
        order = (a->text.len > b->text.len) - (a->text.len < b->text.len);
    }
    return order != 0 ? order : (a->begin > b->begin) - (a->begin < b->begin);
}

/* Duplicates are found in a sorted copy: a quadratic search would be a gift to hostile files. */
static bool check_duplicates(struct reader *r, const struct ct_yaml_node *map)
{
    if (map->count < 2) {
        return true;
    }
    size_t bytes = 2 * (size_t)map->count * sizeof map->items[0];
    const struct ct_yaml_node **sorted = malloc(bytes);
    if (sorted == NULL) {
        return ct_yaml_no_memory(r->yaml->report);
    }
    memcpy(sorted, map->items, bytes);
    qsort(sorted, map->count, 2 * sizeof map->items[0], compare_keys);
    for (uint32_t i = 1; i < map->count; i++) {
        const struct ct_yaml_node *before = sorted[2 * (i - 1)], *key = sorted[2 * i];
        if (ct_span_eq(before->text, key->text)) {
            ct_yaml_problem(r->yaml, 'e', key, "key '%.100s' stands here twice (first at line %u)", key->text.at,
                            before->line);
        }
    }
    free(sorted);
    return true;
}

static bool on_end(struct reader *r)
{
    struct open_node top = r->open[--r->depth];
    size_t count = r->pending_count - top.first;
    const struct ct_yaml_node **items = ct_arena_alloc(r->yaml->arena, count * sizeof *items);
    if (items == NULL) {
        return ct_yaml_no_memory(r->yaml->report);
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = r->pending[top.first + i];
        top.node->weight += items[i]->weight; /* bounded: the total is */
    }
    r->pending_count = top.first;
    top.node->items = items;
    top.node->count = (uint32_t)(top.node->kind == CT_YAML_MAP ? count / 2 : count);
    if (top.anchor >= 0) {
        r->anchors[top.anchor].node = top.node;
    }
    if (top.node->kind == CT_YAML_MAP && !check_duplicates(r, top.node)) {
        return false;
    }
    return place(r, top.node);
}

static bool on_event(struct reader *r, const yaml_event_t *event, bool *seen_document)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (*seen_document) {
            return refuse(r, &event->start_mark, "a second document ('---'): one file, one document");
        }
        *seen_document = true;
        return true;
    case YAML_SCALAR_EVENT:
        return on_scalar(r, event);
    case YAML_ALIAS_EVENT:
        return on_alias(r, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(r, CT_YAML_LIST, event);
    case YAML_MAPPING_START_EVENT:
        return on_start(r, CT_YAML_MAP, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(r);
    default:
        return true;
    }
}

static bool parser_error(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "not readable";
    if (p->error == YAML_MEMORY_ERROR) {
        return ct_yaml_no_memory(r->yaml->report);
    }
    if (p->error == YAML_READER_ERROR) { /* it knows a byte offset only */
        size_t line = 0;
        while (line + 1 < r->line_count && r->line_starts[line + 1] <= p->problem_offset) {
            line++;
        }
        struct ct_yaml_node at = {.line = (uint32_t)line + 1,
                                  .column = (uint32_t)(p->problem_offset - r->line_starts[line]) + 1,
                                  .begin = (uint32_t)p->problem_offset};
        ct_yaml_problem(r->yaml, 'e', &at, "not YAML: %s", problem);
        return false;
    }
    if (p->context != NULL) { /* at the end libyaml may be a line ahead of the file */
        size_t line = p->context_mark.line < r->line_count ? p->context_mark.line + 1 : r->line_count;
        return refuse(r, &p->problem_mark, "not YAML: %s (%s, line %zu)", problem, p->context, line);
    }
    return refuse(r, &p->problem_mark, "not YAML: %s", problem);
}

static bool read_events(struct reader *r)
{
    bool seen_document = false;
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r->parser, &event)) {
            return parser_error(r);
        }
        bool end = event.type == YAML_STREAM_END_EVENT;
        bool ok = on_event(r, &event, &seen_document);
        yaml_event_delete(&event);
        if (!ok || end) {
            return ok;
        }
    }
}

bool ct_yaml_parse(struct ct_yaml *yaml, struct ct_arena *arena, ct_span file, ct_span bytes,
                   struct ct_yaml_report *report)
{
    *yaml = (struct ct_yaml){.file = file, .source = bytes, .report = report, .arena = arena};
    if (bytes.len > CT_YAML_BYTES_MAX) {
        ct_yaml_problem(yaml, 'e', NULL, "larger than %zu bytes", CT_YAML_BYTES_MAX);
        return false;
    }
    if (bytes.len >= 3 && memcmp(bytes.at, "\xEF\xBB\xBF", 3) == 0) {
        yaml->source = (ct_span){bytes.at + 3, bytes.len - 3};
    }
    struct reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return ct_yaml_no_memory(report);
    }
    r->yaml = yaml;
    bool ok = index_lines(r);
    size_t bad = 0;
    if (ok && !ct_utf8_valid(yaml->source, &bad)) {
        size_t line = 0;
        while (line + 1 < r->line_count && r->line_starts[line + 1] <= bad) {
            line++;
        }
        struct ct_yaml_node at = {
            .line = (uint32_t)line + 1, .column = (uint32_t)(bad - r->line_starts[line]) + 1, .begin = (uint32_t)bad};
        ct_yaml_problem(yaml, 'e', &at, "not UTF-8 text");
        ok = false;
    }
    if (ok && !yaml_parser_initialize(&r->parser)) {
        ok = ct_yaml_no_memory(report);
    } else if (ok) {
        yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&r->parser, (const unsigned char *)(yaml->source.len ? yaml->source.at : ""),
                                     yaml->source.len);
        ok = read_events(r);
        yaml_parser_delete(&r->parser);
    }
    if (!ok) {
        yaml->root = NULL;
    }
    free(r->pending);
    free(r->line_starts);
    free(r);
    return ok;
}
