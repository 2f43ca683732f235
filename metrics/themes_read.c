/* themes_read.c - sorted lines to findings (themes.h). What belongs together comes together, so one of each is open at
 * a time; of questions the most-asked badly are kept, of themes and groups a bounded number.
 */
#include "metrics/themes.h"

#include <stdlib.h>

#include "metrics/sentiment.h"
#include "metrics/statistics.h"
#include "metrics/themes_line.h"

struct list {
    void *at;
    size_t count, capacity;
};

/* Room for one more, zeroed; NULL = out of memory. */
static void *push(struct list *list, size_t bytes)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        void *more = realloc(list->at, capacity * bytes);
        if (!more) {
            return NULL;
        }
        list->at = more;
        list->capacity = capacity;
    }
    void *new = (char *)list->at + list->count++ *bytes;
    memset(new, 0, bytes);
    return new;
}

/* Texts of one element, on the heap: it may be dropped again. */
struct held_example {
    char *id, *quote;
};
struct held {
    char *name, *topic; /* topic or words; a question's topic */
    struct held_example examples[CT_THEME_EXAMPLES];
};
struct theme_entry {
    struct held held;
    struct ct_theme theme;
};
struct topic_entry {
    struct held held;
    struct ct_theme_topic topic;
};
struct question_entry {
    struct held held;
    struct ct_theme_question question;
};

struct group {
    char *key;
    struct ct_themes themes;
    struct list items, topics, questions; /* of the entries above */
    void *made[3];                        /* the arrays that the findings borrow */
};

struct ct_themes_reader {
    struct list groups;
    struct ct_themes *made;
    uint64_t left_out;
    char *left_key;                 /* of the group that was left out last */
    struct question_entry question; /* the one that is open */
    bool asked;
};

struct ct_themes_reader *ct_themes_reader_new(void)
{
    return calloc(1, sizeof(struct ct_themes_reader));
}

static void held_done(struct held *held)
{
    free(held->name);
    free(held->topic);
    for (unsigned i = 0; i < CT_THEME_EXAMPLES; i++) {
        free(held->examples[i].id);
        free(held->examples[i].quote);
    }
}

static void list_done(struct list *list, size_t bytes) /* every entry begins with its texts */
{
    for (size_t i = 0; i < list->count; i++) {
        held_done((struct held *)(void *)((char *)list->at + i * bytes));
    }
    free(list->at);
}

void ct_themes_reader_free(struct ct_themes_reader *r)
{
    if (!r) {
        return;
    }
    for (size_t i = 0; i < r->groups.count; i++) {
        struct group *g = &((struct group *)r->groups.at)[i];
        list_done(&g->items, sizeof(struct theme_entry));
        list_done(&g->topics, sizeof(struct topic_entry));
        list_done(&g->questions, sizeof(struct question_entry));
        for (size_t m = 0; m < sizeof g->made / sizeof *g->made; m++) {
            free(g->made[m]);
        }
        free(g->key);
    }
    held_done(&r->question.held);
    free(r->groups.at);
    free(r->left_key);
    free(r->made);
    free(r);
}

/* ---- taking a line apart ---------------------------------------------------------------------------------------- */

static unsigned take_byte(ct_span *line)
{
    unsigned byte = line->len ? (unsigned char)line->at[0] : 0;
    size_t used = line->len ? 1 : 0;
    *line = (ct_span){line->at + used, line->len - used};
    return byte;
}

static ct_span take_text(ct_span *line)
{
    const char *end = line->len ? memchr(line->at, 0, line->len) : NULL;
    size_t len = end ? (size_t)(end - line->at) : line->len, used = end ? len + 1 : len;
    ct_span text = {line->at, len};
    *line = (ct_span){line->at + used, line->len - used};
    return text;
}

static void skip_place(ct_span *line)
{
    size_t used = line->len < 16 ? line->len : 16;
    *line = (ct_span){line->at + used, line->len - used};
}

static void take_quality(ct_span *line, struct ct_theme_quality *quality)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++) {
        number = number << 8 | take_byte(line);
    }
    quality->n += number > 0;
    quality->sum += number > 0 ? (int64_t)number - 1 : 0;
}

static char *copied(ct_span text)
{
    char *copy = malloc(text.len + 1);
    if (copy) {
        memcpy(copy, text.len ? text.at : "", text.len);
        copy[text.len] = '\0';
    }
    return copy;
}

static bool keep_example(struct held *held, unsigned *count, ct_span id, ct_span quote)
{
    if (*count == CT_THEME_EXAMPLES) {
        return true;
    }
    struct held_example *to = &held->examples[(*count)++];
    to->id = copied(id);
    to->quote = copied(quote);
    return to->id && to->quote;
}

/* ---- questions: a bounded heap would do, twenty are as quickly gone through ------------------------------------- */

/* Is a worse than b: asked more often badly, then more often, then first in byte order? */
static bool worse(const struct question_entry *a, const struct question_entry *b)
{
    if (a->question.bad != b->question.bad) {
        return a->question.bad > b->question.bad;
    }
    if (a->question.asked != b->question.asked) {
        return a->question.asked > b->question.asked;
    }
    return strcmp(a->held.name, b->held.name) < 0;
}

/* The open question is complete: it stays if it is among the worst. */
static bool close_question(struct ct_themes_reader *r, struct group *g)
{
    struct question_entry *open = &r->question;
    if (!r->asked) {
        return true;
    }
    r->asked = false;
    g->themes.question_kinds++;
    struct question_entry *list = g->questions.at, *place = NULL;
    bool good = true;
    if (open->question.bad > 0 && g->questions.count < CT_THEMES_QUESTIONS_MAX) {
        place = push(&g->questions, sizeof *place);
        good = place != NULL;
    } else if (open->question.bad > 0) {
        place = &list[0];
        for (size_t i = 1; i < g->questions.count; i++) {
            place = worse(place, &list[i]) ? &list[i] : place;
        }
        if (worse(open, place)) {
            held_done(&place->held);
        } else {
            place = NULL;
        }
    }
    if (place) {
        *place = *open;
    } else {
        held_done(&open->held);
    }
    memset(open, 0, sizeof *open);
    return good;
}

static bool take_question(struct ct_themes_reader *r, struct group *g, ct_span line)
{
    struct question_entry *open = &r->question;
    ct_span words = take_text(&line);
    if (r->asked && !ct_span_eq(words, ct_span_of(open->held.name)) && !close_question(r, g)) {
        return false;
    }
    (void)take_byte(&line);
    skip_place(&line);
    unsigned bad = take_byte(&line);
    ct_span topic = take_text(&line), id = take_text(&line);
    if (!r->asked) {
        r->asked = true;
        open->held.name = copied(words);
        open->held.topic = copied(topic);
        if (!open->held.name || !open->held.topic) {
            return false;
        }
    }
    open->question.asked++;
    open->question.bad += bad;
    return keep_example(&open->held, &open->question.example_count, id, CT_SPAN_NONE);
}

/* ---- the other sections ----------------------------------------------------------------------------------------- */

static bool take_topic(struct group *g, ct_span line)
{
    struct topic_entry *last = g->topics.count ? (struct topic_entry *)g->topics.at + g->topics.count - 1 : NULL;
    ct_span name = take_text(&line);
    if (!last || !ct_span_eq(name, ct_span_of(last->held.name))) {
        last = push(&g->topics, sizeof *last);
        if (!last || !(last->held.name = copied(name))) {
            return false;
        }
    }
    if (take_byte(&line)) {
        last->topic.before++;
    } else {
        last->topic.now++;
    }
    return true;
}

static bool take_item(struct group *g, ct_span line)
{
    struct theme_entry *last = g->items.count ? (struct theme_entry *)g->items.at + g->items.count - 1 : NULL;
    enum ct_band band = (enum ct_band)(take_byte(&line) % CT_BAND_COUNT);
    enum ct_feeling feeling = (enum ct_feeling)(take_byte(&line) % CT_FEELING_COUNT);
    ct_span topic = take_text(&line);
    if (!last || last->theme.band != band || last->theme.sentiment != ct_feeling_text(feeling) ||
        !ct_span_eq(topic, ct_span_of(last->held.name))) {
        last = push(&g->items, sizeof *last);
        if (!last || !(last->held.name = copied(topic))) {
            return false;
        }
        last->theme.band = band;
        last->theme.sentiment = ct_feeling_text(feeling);
    }
    (void)take_byte(&line);
    skip_place(&line);
    last->theme.items++;
    last->theme.comments += take_byte(&line);
    ct_span id = take_text(&line), quote = take_text(&line);
    take_quality(&line, &last->theme.quality);
    return keep_example(&last->held, &last->theme.example_count, id, quote);
}

static void take_hour(struct group *g, ct_span line)
{
    unsigned weekday = take_byte(&line), hour = take_byte(&line);
    if (weekday < CT_THEME_WEEKDAYS && hour < CT_THEME_HOURS) {
        g->themes.hours[weekday][hour]++;
    } else {
        g->themes.untimed++;
    }
}

static struct group *last_group(const struct ct_themes_reader *r)
{
    return r->groups.count ? (struct group *)r->groups.at + r->groups.count - 1 : NULL;
}

/* The group of the line, made if it is new; NULL with *left where it is one too many. */
static struct group *group_of(struct ct_themes_reader *r, ct_span key, bool *left)
{
    struct group *g = last_group(r);
    *left = false;
    if (g && ct_span_eq(key, ct_span_of(g->key))) {
        return g;
    }
    if (g && !close_question(r, g)) {
        return NULL;
    }
    if (r->groups.count == CT_THEMES_GROUPS_MAX + 1) { /* and the whole */
        if (r->left_key && ct_span_eq(key, ct_span_of(r->left_key))) {
            *left = true;
            return NULL;
        }
        free(r->left_key);
        r->left_key = copied(key);
        r->left_out++;
        *left = r->left_key != NULL;
        return NULL;
    }
    g = push(&r->groups, sizeof *g);
    return g && (g->key = copied(key)) ? g : NULL;
}

bool ct_themes_take(struct ct_themes_reader *r, ct_span line)
{
    bool left;
    struct group *g = group_of(r, take_text(&line), &left);
    if (!g) {
        return left;
    }
    switch (take_byte(&line)) {
    case CT_THEME_CONVERSATION:
        if (take_byte(&line)) {
            g->themes.conversations_before++;
        } else {
            g->themes.conversations++;
            take_quality(&line, &g->themes.quality);
        }
        return true;
    case CT_THEME_HOUR:
        take_hour(g, line);
        return true;
    case CT_THEME_TOPIC:
        return take_topic(g, line);
    case CT_THEME_QUESTION:
        return take_question(r, g, line);
    default:
        return take_item(g, line);
    }
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static int by_items(const void *left, const void *right)
{
    const struct theme_entry *a = left, *b = right;
    if (a->theme.items != b->theme.items) {
        return a->theme.items > b->theme.items ? -1 : 1;
    }
    if (a->theme.band != b->theme.band) {
        return a->theme.band < b->theme.band ? -1 : 1;
    }
    int order = strcmp(a->theme.sentiment, b->theme.sentiment);
    return order ? order : strcmp(a->held.name, b->held.name);
}

static int by_conversations(const void *left, const void *right)
{
    const struct topic_entry *a = left, *b = right;
    if (a->topic.now != b->topic.now) {
        return a->topic.now > b->topic.now ? -1 : 1;
    }
    return strcmp(a->held.name, b->held.name);
}

static int by_badness(const void *left, const void *right)
{
    return worse(left, right) ? -1 : 1;
}

static void show_examples(const struct held *held, struct ct_theme_example *out, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        out[i] = (struct ct_theme_example){ct_span_of(held->examples[i].id), ct_span_of(held->examples[i].quote)};
    }
}

static void compare(struct ct_theme_topic *topic, const struct ct_themes *themes)
{
    struct ct_change *change = &topic->change;
    uint64_t n = themes->conversations, was = themes->conversations_before;
    if (!n || !was) {
        return;
    }
    change->before_num = (ct_wide)topic->before * 100;
    change->before_den = (ct_wide)was;
    change->before_n = was;
    change->difference_micro = (int64_t)(ct_wide_divide((ct_wide)topic->now * 100000000, (ct_wide)n) -
                                         ct_wide_divide((ct_wide)topic->before * 100000000, (ct_wide)was));
    ct_newcombe(topic->now, n, topic->before, was, &change->low_micro, &change->high_micro);
    change->has_interval = true;
    change->verdict = change->low_micro > 0    ? CT_CHANGE_UP
                      : change->high_micro < 0 ? CT_CHANGE_DOWN
                                               : CT_CHANGE_NO_CHANGE;
}

static bool make_themes(struct group *g)
{
    struct theme_entry *from = g->items.at;
    if (g->items.count) {
        qsort(from, g->items.count, sizeof *from, by_items);
    }
    size_t kept = g->items.count < CT_THEMES_KEPT_MAX ? g->items.count : CT_THEMES_KEPT_MAX;
    struct ct_theme *to = calloc(kept + 1, sizeof *to);
    for (size_t i = 0; to && i < kept; i++) {
        to[i] = from[i].theme;
        to[i].topic = ct_span_of(from[i].held.name);
        show_examples(&from[i].held, to[i].examples, to[i].example_count);
    }
    g->themes.themes = g->made[0] = to;
    g->themes.theme_count = kept;
    g->themes.themes_left_out = g->items.count - kept;
    return to != NULL;
}

static bool make_topics(struct group *g, bool compared)
{
    struct topic_entry *from = g->topics.at;
    if (g->topics.count) {
        qsort(from, g->topics.count, sizeof *from, by_conversations);
    }
    struct ct_theme_topic *to = calloc(g->topics.count + 1, sizeof *to);
    for (size_t i = 0; to && i < g->topics.count; i++) {
        to[i] = from[i].topic;
        to[i].topic = ct_span_of(from[i].held.name);
        if (compared) {
            compare(&to[i], &g->themes);
        }
    }
    g->themes.topics = g->made[1] = to;
    g->themes.topic_count = g->topics.count;
    return to != NULL;
}

static bool make_questions(struct group *g)
{
    struct question_entry *from = g->questions.at;
    if (g->questions.count) {
        qsort(from, g->questions.count, sizeof *from, by_badness);
    }
    struct ct_theme_question *to = calloc(g->questions.count + 1, sizeof *to);
    for (size_t i = 0; to && i < g->questions.count; i++) {
        to[i] = from[i].question;
        to[i].words = ct_span_of(from[i].held.name);
        to[i].topic = ct_span_of(from[i].held.topic);
        show_examples(&from[i].held, to[i].examples, to[i].example_count);
    }
    g->themes.questions = g->made[2] = to;
    g->themes.question_count = g->questions.count;
    return to != NULL;
}

bool ct_themes_end(struct ct_themes_reader *r, bool compared, struct ct_feedback_findings *out)
{
    struct group *last = last_group(r);
    if (last && !close_question(r, last)) {
        return false;
    }
    size_t count = r->groups.count ? r->groups.count : 1; /* of nothing, too, there is a whole */
    r->made = calloc(count, sizeof *r->made);
    if (!r->made) {
        return false;
    }
    for (size_t i = 0; i < r->groups.count; i++) {
        struct group *g = &((struct group *)r->groups.at)[i];
        if (!make_themes(g) || !make_topics(g, compared) || !make_questions(g)) {
            return false;
        }
        g->themes.key = ct_span_of(g->key);
        r->made[i] = g->themes;
    }
    out->groups = r->made;
    out->group_count = count;
    out->groups_left_out = r->left_out;
    out->compared = compared;
    return true;
}
