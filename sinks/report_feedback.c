/* report_feedback.c - the report's section of qualitative feedback: themes, topics, questions, hours. */
#include "sinks/feedback.h"
#include "sinks/report_parts.h"

enum { SHOWN = 12, BUSIEST = 5 };

static void head(const struct ct_page *page, const char *title, const char *const *columns, size_t count)
{
    ct_page_raw(page, "<h3>");
    ct_page_raw(page, title);
    ct_page_raw(page, "</h3><div class=\"scroll\"><table><thead><tr>");
    for (size_t i = 0; i < count; i++) {
        ct_page_raw(page, "<th>");
        ct_page_raw(page, columns[i]);
        ct_page_raw(page, "</th>");
    }
    ct_page_raw(page, "</tr></thead><tbody>\n");
}

static void foot(const struct ct_page *page)
{
    ct_page_raw(page, "</tbody></table></div>\n");
}

static void cell(const struct ct_page *page, ct_span text, const char *otherwise)
{
    ct_page_raw(page, "<td>");
    ct_page_span(page, text.len ? text : ct_span_of(otherwise));
    ct_page_raw(page, "</td>");
}

static void cell_count(const struct ct_page *page, uint64_t count)
{
    ct_page_raw(page, "<td class=\"r\">");
    ct_page_count(page, count);
    ct_page_raw(page, "</td>");
}

static void cell_examples(const struct ct_page *page, const struct ct_theme_example *examples, unsigned count)
{
    ct_page_raw(page, "<td>");
    for (unsigned i = 0; i < count; i++) {
        ct_page_raw(page, i ? ", " : "");
        ct_page_span(page, examples[i].id);
    }
    ct_page_raw(page, "</td>");
}

static void themes_table(const struct ct_page *page, const struct ct_themes *themes, bool scored)
{
    const char *columns[] = {ct_page_word(page, "score", "nota"),
                             ct_page_word(page, "sentiment", "sentimiento"),
                             ct_page_word(page, "topic", "tema"),
                             ct_page_word(page, "items", "casos"),
                             ct_page_word(page, "with comments", "con comentario"),
                             ct_page_word(page, "examples", "ejemplos"),
                             ct_page_word(page, "quality score", "nota de calidad")};
    head(page, ct_page_word(page, "Themes", "Temas"), columns, scored ? 7 : 6);
    for (size_t i = 0; i < themes->theme_count && i < SHOWN; i++) {
        const struct ct_theme *theme = &themes->themes[i];
        ct_page_raw(page, "<tr>");
        cell(page, ct_span_of(ct_feedback_band(theme->band, page->lang)), "");
        cell(page, ct_span_of(ct_feedback_sentiment(theme->sentiment, page->lang)), "");
        cell(page, theme->topic, "–");
        cell_count(page, theme->items);
        cell_count(page, theme->comments);
        cell_examples(page, theme->examples, theme->example_count);
        if (scored) {
            char text[CT_FEEDBACK_BYTES];
            ct_feedback_quality(&theme->quality, page->lang, text);
            cell(page, ct_span_of(text), "");
        }
        ct_page_raw(page, "</tr>\n");
    }
    foot(page);
}

static void topics_table(const struct ct_page *page, const struct ct_themes *themes, bool compared)
{
    const char *columns[] = {ct_page_word(page, "topic", "tema"), ct_page_word(page, "conversations", "conversaciones"),
                             ct_page_word(page, "share", "proporción"),
                             ct_page_word(page, "against the period before", "frente al periodo anterior")};
    head(page, ct_page_word(page, "Topics", "De qué se habla"), columns, compared ? 4 : 3);
    for (size_t i = 0; i < themes->topic_count && i < SHOWN; i++) {
        const struct ct_theme_topic *topic = &themes->topics[i];
        char text[CT_FEEDBACK_BYTES];
        ct_page_raw(page, "<tr>");
        cell(page, topic->topic, "–");
        cell_count(page, topic->now);
        ct_feedback_share(topic->now, themes->conversations, page->lang, text);
        cell(page, ct_span_of(text), "");
        if (compared) {
            ct_feedback_change(topic, page->lang, text);
            cell(page, ct_span_of(text), "");
        }
        ct_page_raw(page, "</tr>\n");
    }
    foot(page);
}

static void questions_table(const struct ct_page *page, const struct ct_themes *themes, bool quotes)
{
    const char *columns[] = {ct_page_word(page, "topic", "tema"),
                             ct_page_word(page, "asked", "veces"),
                             ct_page_word(page, "ended badly", "acabó mal"),
                             ct_page_word(page, "share", "proporción"),
                             ct_page_word(page, "examples", "ejemplos"),
                             ct_page_word(page, "words", "palabras")};
    head(page, ct_page_word(page, "First questions that ended badly", "Primeras preguntas que acabaron mal"), columns,
         quotes ? 6 : 5);
    for (size_t i = 0; i < themes->question_count && i < SHOWN; i++) {
        const struct ct_theme_question *question = &themes->questions[i];
        char text[CT_FEEDBACK_BYTES];
        ct_page_raw(page, "<tr>");
        cell(page, question->topic, "–");
        cell_count(page, question->asked);
        cell_count(page, question->bad);
        ct_feedback_share(question->bad, question->asked, page->lang, text);
        cell(page, ct_span_of(text), "");
        cell_examples(page, question->examples, question->example_count);
        if (quotes) {
            cell(page, question->words, "–");
        }
        ct_page_raw(page, "</tr>\n");
    }
    foot(page);
}

static void hours_line(const struct ct_page *page, const struct ct_themes *themes)
{
    unsigned busiest[BUSIEST];
    size_t count = ct_feedback_busiest(themes, busiest, BUSIEST);
    if (!count) {
        return;
    }
    ct_page_raw(page, "<h3>");
    ct_page_raw(page, ct_page_word(page, "Busiest hours", "Horas de más actividad"));
    ct_page_raw(page, "</h3><p>");
    for (size_t i = 0; i < count; i++) {
        unsigned day = busiest[i] / CT_THEME_HOURS, hour = busiest[i] % CT_THEME_HOURS;
        ct_page_raw(page, i ? " · " : "");
        ct_page_raw(page, ct_feedback_weekday(day, page->lang));
        ct_out_format(page->out, " %02u:00 (", hour);
        ct_page_count(page, themes->hours[day][hour]);
        ct_page_raw(page, ")");
    }
    ct_page_raw(page, "</p>\n");
}

void ct_page_feedback(const struct ct_page *page, const struct ct_findings *findings)
{
    const struct ct_feedback_findings *f = findings->feedback;
    if (!f || !f->groups[0].conversations) {
        return;
    }
    const struct ct_themes *themes = &f->groups[0];
    ct_page_raw(page, "<section><h2>");
    ct_page_raw(page, ct_page_word(page, "What customers say", "Lo que dicen los clientes"));
    ct_page_raw(page, "</h2>\n");
    themes_table(page, themes, f->scored);
    topics_table(page, themes, f->compared);
    if (themes->question_count) {
        questions_table(page, themes, f->quotes);
    }
    hours_line(page, themes);
    ct_page_raw(page, "</section>\n");
}
