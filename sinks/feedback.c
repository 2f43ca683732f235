/* feedback.c - themes as JSON and as text. Called by `convtap feedback` and `convtap audit --json`. */
#include "sinks/feedback.h"

#include <stdio.h>

#include "sinks/format.h"

enum { BUSIEST = 5, THEMES_SHOWN = 15, TOPICS_SHOWN = 15 };

/* ---- words ------------------------------------------------------------------------------------------------------ */

static const char *const band_texts[CT_BAND_COUNT] = {
#define X(name, text) text,
    CT_BAND_MAP(X)
#undef X
};

const char *ct_feedback_band(enum ct_band band, enum ct_lang lang)
{
    static const char *const names[CT_LANG_COUNT][CT_BAND_COUNT] = {
        {"good score", "middling score", "bad score", "no score"},
        {"buena nota", "nota media", "mala nota", "sin nota"}};
    return names[lang][band];
}

const char *ct_feedback_sentiment(const char *sentiment, enum ct_lang lang)
{
    static const struct {
        const char *text, *name[CT_LANG_COUNT];
    } names[] = {{"positive", {"positive", "positivo"}},
                 {"negative", {"negative", "negativo"}},
                 {"mixed", {"mixed", "mixto"}},
                 {"none", {"neutral", "neutro"}}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(sentiment, names[i].text) == 0) {
            return names[i].name[lang];
        }
    }
    return sentiment;
}

const char *ct_feedback_weekday(unsigned weekday, enum ct_lang lang)
{
    static const char *const names[CT_LANG_COUNT][CT_THEME_WEEKDAYS] = {
        {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}, {"lun", "mar", "mié", "jue", "vie", "sáb", "dom"}};
    return names[lang][weekday % CT_THEME_WEEKDAYS];
}

void ct_feedback_share(uint64_t part, uint64_t whole, enum ct_lang lang, char *out)
{
    char number[CT_FORMAT_BYTES];
    if (!whole) {
        (void)snprintf(out, CT_FEEDBACK_BYTES, "-");
        return;
    }
    ct_format_decimal((ct_wide)part * 100, (ct_wide)whole, 1, lang, number);
    (void)snprintf(out, CT_FEEDBACK_BYTES, "%.40s %%", number);
}

void ct_feedback_change(const struct ct_theme_topic *topic, enum ct_lang lang, char *out)
{
    const struct ct_change *change = &topic->change;
    char number[CT_FORMAT_BYTES];
    if (change->verdict == CT_CHANGE_NONE) {
        out[0] = '\0';
        return;
    }
    ct_format_decimal(change->difference_micro, 1000000, 1, lang, number);
    const char *word = change->verdict == CT_CHANGE_UP     ? (lang ? "sube" : "up")
                       : change->verdict == CT_CHANGE_DOWN ? (lang ? "baja" : "down")
                                                           : (lang ? "sin cambio real" : "no real change");
    (void)snprintf(out, CT_FEEDBACK_BYTES, "%s%.40s pp, %s", change->difference_micro > 0 ? "+" : "", number, word);
}

size_t ct_feedback_busiest(const struct ct_themes *themes, unsigned *out, size_t most)
{
    size_t count = 0;
    for (unsigned i = 0; i < CT_THEME_WEEKDAYS * CT_THEME_HOURS; i++) {
        uint64_t here = themes->hours[i / CT_THEME_HOURS][i % CT_THEME_HOURS];
        size_t at = count;
        while (at > 0 && here > themes->hours[out[at - 1] / CT_THEME_HOURS][out[at - 1] % CT_THEME_HOURS]) {
            at--;
        }
        if (!here || at >= most) {
            continue;
        }
        count += count < most;
        for (size_t move = count - 1; move > at; move--) {
            out[move] = out[move - 1];
        }
        out[at] = i;
    }
    return count;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static void key_count(struct ct_writer *json, const char *key, uint64_t count)
{
    ct_writer_key(json, key);
    ct_writer_wide(json, (ct_wide)count);
}

static void key_span(struct ct_writer *json, const char *key, ct_span text)
{
    ct_writer_key(json, key);
    if (text.len) {
        ct_writer_string(json, text);
    } else {
        ct_writer_null(json);
    }
}

static void key_share(struct ct_writer *json, const char *key, uint64_t part, uint64_t whole)
{
    ct_writer_key(json, key);
    if (whole) {
        ct_writer_decimal(json, (ct_wide)part * 100, (ct_wide)whole, 6);
    } else {
        ct_writer_null(json);
    }
}

static void key_micro(struct ct_writer *json, const char *key, int64_t micro)
{
    ct_writer_key(json, key);
    ct_writer_decimal(json, micro, 1000000, 6);
}

static void json_examples(struct ct_writer *json, const struct ct_theme_example *examples, unsigned count, bool quotes)
{
    ct_writer_key(json, "examples");
    ct_writer_open(json, '[');
    for (unsigned i = 0; i < count; i++) {
        ct_writer_open(json, '{');
        key_span(json, "id", examples[i].id);
        if (quotes) {
            key_span(json, "quote", examples[i].quote);
        }
        ct_writer_close(json, '}');
    }
    ct_writer_close(json, ']');
}

/* Absent without a scorecard. */
static void json_quality(struct ct_writer *json, const struct ct_theme_quality *quality, bool scored)
{
    if (!scored) {
        return;
    }
    ct_writer_key(json, "iqs");
    ct_writer_open(json, '{');
    ct_writer_key(json, "value");
    if (quality->n) {
        ct_writer_decimal(json, quality->sum, (ct_wide)quality->n * 1000000, 6);
    } else {
        ct_writer_null(json);
    }
    key_count(json, "n", quality->n);
    ct_writer_close(json, '}');
}

static void json_theme(struct ct_writer *json, const struct ct_theme *theme, const struct ct_feedback_findings *f)
{
    ct_writer_open(json, '{');
    ct_writer_key(json, "score");
    ct_writer_text(json, band_texts[theme->band]);
    ct_writer_key(json, "sentiment");
    ct_writer_text(json, theme->sentiment);
    key_span(json, "topic", theme->topic);
    key_count(json, "items", theme->items);
    key_count(json, "comments", theme->comments);
    json_quality(json, &theme->quality, f->scored);
    json_examples(json, theme->examples, theme->example_count, f->quotes);
    ct_writer_close(json, '}');
}

static void json_topic(struct ct_writer *json, const struct ct_theme_topic *topic, const struct ct_themes *themes)
{
    ct_writer_open(json, '{');
    key_span(json, "topic", topic->topic);
    key_count(json, "conversations", topic->now);
    key_share(json, "share", topic->now, themes->conversations);
    if (topic->change.verdict != CT_CHANGE_NONE) {
        key_count(json, "before", topic->before);
        key_share(json, "share_before", topic->before, themes->conversations_before);
        ct_writer_key(json, "change");
        ct_writer_open(json, '{');
        ct_writer_key(json, "verdict");
        ct_writer_text(json, ct_change_text(topic->change.verdict));
        key_micro(json, "difference", topic->change.difference_micro);
        key_micro(json, "low", topic->change.low_micro);
        key_micro(json, "high", topic->change.high_micro);
        ct_writer_close(json, '}');
    }
    ct_writer_close(json, '}');
}

static void json_question(struct ct_writer *json, const struct ct_theme_question *question, bool quotes)
{
    ct_writer_open(json, '{');
    if (quotes) {
        key_span(json, "words", question->words);
    }
    key_span(json, "topic", question->topic);
    key_count(json, "asked", question->asked);
    key_count(json, "bad", question->bad);
    key_share(json, "bad_share", question->bad, question->asked);
    json_examples(json, question->examples, question->example_count, false);
    ct_writer_close(json, '}');
}

static void json_hours(struct ct_writer *json, const struct ct_themes *themes)
{
    ct_writer_key(json, "hours");
    ct_writer_open(json, '{');
    ct_writer_key(json, "by_weekday");
    ct_writer_open(json, '[');
    for (unsigned day = 0; day < CT_THEME_WEEKDAYS; day++) {
        ct_writer_open(json, '[');
        for (unsigned hour = 0; hour < CT_THEME_HOURS; hour++) {
            ct_writer_wide(json, (ct_wide)themes->hours[day][hour]);
        }
        ct_writer_close(json, ']');
    }
    ct_writer_close(json, ']');
    unsigned busiest[BUSIEST];
    size_t count = ct_feedback_busiest(themes, busiest, BUSIEST);
    ct_writer_key(json, "busiest");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        ct_writer_open(json, '{');
        key_count(json, "weekday", busiest[i] / CT_THEME_HOURS + 1);
        key_count(json, "hour", busiest[i] % CT_THEME_HOURS);
        key_count(json, "conversations", themes->hours[busiest[i] / CT_THEME_HOURS][busiest[i] % CT_THEME_HOURS]);
        ct_writer_close(json, '}');
    }
    ct_writer_close(json, ']');
    key_count(json, "untimed", themes->untimed);
    ct_writer_close(json, '}');
}

static void json_group(struct ct_writer *json, const struct ct_themes *themes, const struct ct_feedback_findings *f)
{
    key_count(json, "conversations", themes->conversations);
    if (f->compared) {
        key_count(json, "conversations_before", themes->conversations_before);
    }
    json_quality(json, &themes->quality, f->scored);
    ct_writer_key(json, "themes");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < themes->theme_count; i++) {
        json_theme(json, &themes->themes[i], f);
    }
    ct_writer_close(json, ']');
    key_count(json, "themes_left_out", themes->themes_left_out);
    ct_writer_key(json, "topics");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < themes->topic_count; i++) {
        json_topic(json, &themes->topics[i], themes);
    }
    ct_writer_close(json, ']');
    ct_writer_key(json, "questions");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < themes->question_count; i++) {
        json_question(json, &themes->questions[i], f->quotes);
    }
    ct_writer_close(json, ']');
    key_count(json, "different_questions", themes->question_kinds);
    json_hours(json, themes);
}

void ct_feedback_json(struct ct_writer *json, const struct ct_feedback_findings *f)
{
    ct_writer_open(json, '{');
    json_group(json, &f->groups[0], f);
    if (f->group_by) {
        ct_writer_key(json, "group_by");
        ct_writer_text(json, f->group_by);
        ct_writer_key(json, "groups");
        ct_writer_open(json, '[');
        for (size_t i = 1; i < f->group_count; i++) {
            ct_writer_open(json, '{');
            ct_writer_key(json, "key");
            ct_writer_string(json, f->groups[i].key);
            json_group(json, &f->groups[i], f);
            ct_writer_close(json, '}');
        }
        ct_writer_close(json, ']');
        key_count(json, "groups_left_out", f->groups_left_out);
    }
    ct_writer_close(json, '}');
}

/* ---- text ------------------------------------------------------------------------------------------------------- */

static const char *word(enum ct_lang lang, const char *en, const char *es)
{
    return lang == CT_LANG_ES ? es : en;
}

/* Of the input: nothing that a terminal would act on. */
static void put_clean(struct ct_out *out, ct_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool c1 = c == 0xC2 && i + 1 < text.len && (unsigned char)text.at[i + 1] < 0xA0;
        ct_out_char(out, c < 0x20 || c == 0x7F || c1 ? '?' : (char)c);
        i += c1;
    }
}

static void put_padded(struct ct_out *out, const char *text, size_t columns)
{
    size_t width = ct_text_width(ct_span_of(text));
    ct_out_text(out, text);
    ct_out_fill(out, " ", width < columns ? columns - width : 1);
}

static void put_examples(struct ct_out *out, const struct ct_theme_example *examples, unsigned count, bool quotes)
{
    for (unsigned i = 0; i < count; i++) {
        ct_out_text(out, quotes ? "\n        " : i ? ", " : "");
        put_clean(out, examples[i].id);
        if (quotes && examples[i].quote.len) {
            ct_out_text(out, ": \"");
            put_clean(out, examples[i].quote);
            ct_out_char(out, '"');
        }
    }
}

void ct_feedback_quality(const struct ct_theme_quality *quality, enum ct_lang lang, char *out)
{
    char number[CT_FORMAT_BYTES];
    if (!quality->n) {
        (void)snprintf(out, CT_FEEDBACK_BYTES, "-");
        return;
    }
    ct_format_decimal(quality->sum, (ct_wide)quality->n * 1000000, 1, lang, number);
    (void)snprintf(out, CT_FEEDBACK_BYTES, "%.40s %%", number);
}

static void text_themes(struct ct_out *out, const struct ct_themes *themes, const struct ct_feedback_findings *f,
                        enum ct_lang lang)
{
    ct_out_format(out, "\n%s%s\n", word(lang, "Themes: score, sentiment, ", "Temas: nota, sentimiento, "),
                  f->scored ? word(lang, "quality score, topic", "nota de calidad, tema")
                            : word(lang, "topic", "tema"));
    for (size_t i = 0; i < themes->theme_count && i < THEMES_SHOWN; i++) {
        const struct ct_theme *theme = &themes->themes[i];
        char count[CT_FORMAT_BYTES];
        ct_format_count((ct_wide)theme->items, lang, count);
        ct_out_fill(out, " ", strlen(count) < 8 ? 8 - strlen(count) : 0);
        ct_out_text(out, count);
        ct_out_text(out, "  ");
        put_padded(out, ct_feedback_band(theme->band, lang), 16);
        put_padded(out, ct_feedback_sentiment(theme->sentiment, lang), 10);
        if (f->scored) {
            char quality[CT_FEEDBACK_BYTES];
            ct_feedback_quality(&theme->quality, lang, quality);
            put_padded(out, quality, 10);
        }
        put_clean(out, theme->topic.len ? theme->topic : ct_span_of(word(lang, "(no topic)", "(sin tema)")));
        ct_out_text(out, "  [");
        put_examples(out, theme->examples, theme->example_count, f->quotes);
        ct_out_text(out, "]\n");
    }
    uint64_t more =
        themes->themes_left_out + (themes->theme_count > THEMES_SHOWN ? themes->theme_count - THEMES_SHOWN : 0);
    if (more) {
        ct_out_format(out, "          %s\n", word(lang, "... and more; --json has them", "... y más; --json los da"));
    }
}

static void text_topics(struct ct_out *out, const struct ct_themes *themes, enum ct_lang lang)
{
    ct_out_format(out, "\n%s\n", word(lang, "Topics", "De qué se habla"));
    for (size_t i = 0; i < themes->topic_count && i < TOPICS_SHOWN; i++) {
        const struct ct_theme_topic *topic = &themes->topics[i];
        char count[CT_FORMAT_BYTES], share[CT_FEEDBACK_BYTES], change[CT_FEEDBACK_BYTES], name[48];
        ct_format_count((ct_wide)topic->now, lang, count);
        ct_feedback_share(topic->now, themes->conversations, lang, share);
        ct_feedback_change(topic, lang, change);
        (void)snprintf(name, sizeof name, "%.*s", (int)(topic->topic.len < 40 ? topic->topic.len : 40),
                       topic->topic.at);
        ct_out_fill(out, " ", strlen(count) < 8 ? 8 - strlen(count) : 0);
        ct_out_text(out, count);
        ct_out_text(out, "  ");
        put_padded(out, name, 18);
        put_padded(out, share, change[0] ? 10 : 1);
        ct_out_text(out, change);
        ct_out_char(out, '\n');
    }
}

static void text_questions(struct ct_out *out, const struct ct_themes *themes, bool quotes, enum ct_lang lang)
{
    ct_out_format(out, "\n%s\n",
                  word(lang, "First questions that ended badly: unresolved, escalated, abandoned or not understood",
                       "Primeras preguntas que acabaron mal: sin resolver, escaladas, abandonadas o sin entender"));
    for (size_t i = 0; i < themes->question_count; i++) {
        const struct ct_theme_question *question = &themes->questions[i];
        char bad[CT_FORMAT_BYTES], asked[CT_FORMAT_BYTES], share[CT_FEEDBACK_BYTES];
        ct_format_count((ct_wide)question->bad, lang, bad);
        ct_format_count((ct_wide)question->asked, lang, asked);
        ct_feedback_share(question->bad, question->asked, lang, share);
        ct_out_fill(out, " ", strlen(bad) < 8 ? 8 - strlen(bad) : 0);
        ct_out_format(out, "%s / %s  %s  ", bad, asked, share);
        put_clean(out, question->topic.len ? question->topic : ct_span_of(word(lang, "(no topic)", "(sin tema)")));
        if (quotes) {
            ct_out_text(out, "  {");
            put_clean(out, question->words);
            ct_out_char(out, '}');
        }
        ct_out_text(out, "  [");
        put_examples(out, question->examples, question->example_count, false);
        ct_out_text(out, "]\n");
    }
}

static void text_hours(struct ct_out *out, const struct ct_themes *themes, enum ct_lang lang)
{
    unsigned busiest[BUSIEST];
    size_t count = ct_feedback_busiest(themes, busiest, BUSIEST);
    ct_out_format(out, "\n%s\n", word(lang, "Busiest hours", "Horas de más actividad"));
    for (size_t i = 0; i < count; i++) {
        unsigned day = busiest[i] / CT_THEME_HOURS, hour = busiest[i] % CT_THEME_HOURS;
        char number[CT_FORMAT_BYTES];
        ct_format_count((ct_wide)themes->hours[day][hour], lang, number);
        ct_out_fill(out, " ", strlen(number) < 8 ? 8 - strlen(number) : 0);
        ct_out_format(out, "%s  %s %02u:00\n", number, ct_feedback_weekday(day, lang), hour);
    }
    if (themes->untimed) {
        ct_out_format(out, "          %s: %llu\n", word(lang, "without a time", "sin hora"),
                      (unsigned long long)themes->untimed);
    }
}

void ct_feedback_text(struct ct_out *out, const struct ct_feedback_findings *f, enum ct_lang lang)
{
    for (size_t i = 0; i < f->group_count; i++) {
        const struct ct_themes *themes = &f->groups[i];
        char count[CT_FORMAT_BYTES];
        ct_format_count((ct_wide)themes->conversations, lang, count);
        if (i) {
            ct_out_format(out, "\n==== %s: ", f->group_by);
            put_clean(out, themes->key);
            ct_out_text(out, "\n");
        }
        ct_out_format(
            out, "%s %s\n", count,
            word(lang, "conversations in which the customer wrote", "conversaciones en que escribió el cliente"));
        if (f->scored) {
            char quality[CT_FEEDBACK_BYTES];
            ct_feedback_quality(&themes->quality, lang, quality);
            ct_format_count((ct_wide)themes->quality.n, lang, count);
            ct_out_format(out, "%s: %s (%s %s)\n", word(lang, "quality score", "nota de calidad"), quality, count,
                          word(lang, "of them", "de ellas"));
        }
        text_themes(out, themes, f, lang);
        text_topics(out, themes, lang);
        text_questions(out, themes, f->quotes, lang);
        text_hours(out, themes, lang);
    }
    if (f->groups_left_out) {
        ct_out_format(out, "\n%llu %s\n", (unsigned long long)f->groups_left_out,
                      word(lang, "more groups left out", "grupos más quedan fuera"));
    }
}
