/* themes.c - what each conversation gives to the themes, as lines that sort (themes.h).
 *
 * A line: group NUL section, then by section (numbers are bytes, texts end with NUL):
 *   C  period | quality                                                         an engaged conversation
 *   H  weekday hour                                                             when it started (7 0: not known)
 *   P  topic period                                                             it speaks of this topic
 *   Q  words well time hash | bad topic id                                      its first question
 *   T  band sentiment topic plain time hash | comments id quote quality         what it has to say
 * What stands before | is the order of the lines, so examples come out in it; `well` and `plain` are 1 where it did not
 * end badly and where there is no comment; a quality is its score and one, 0 = none. The whole is the group of the
 * empty key.
 */
#include "metrics/themes.h"

#include "engine/calendar.h"
#include "metrics/account.h"
#include "metrics/iqs.h"
#include "metrics/marks.h"
#include "metrics/satisfaction.h"
#include "metrics/sentiment.h"
#include "metrics/slice_key.h"
#include "metrics/themes_line.h"

struct pen {
    char line[CT_THEME_LINE_BYTES];
    size_t len;
};

static void put_byte(struct pen *pen, unsigned byte)
{
    pen->line[pen->len++] = (char)byte;
}

static void put_text(struct pen *pen, ct_span text)
{
    size_t most = CT_THEME_TEXT_BYTES, len = text.len < most ? text.len : most;
    while (len < text.len && len > 0 && ((unsigned char)text.at[len] & 0xC0) == 0x80) {
        len--;
    }
    if (len) {
        memcpy(pen->line + pen->len, text.at, len);
    }
    pen->len += len;
    put_byte(pen, 0);
}

/* The highest byte first: they sort as numbers. */
static void put_number(struct pen *pen, uint64_t number)
{
    for (int shift = 56; shift >= 0; shift -= 8) {
        put_byte(pen, number >> shift & 0xFF);
    }
}

/* In the order of time: the sign bit turned. Not known comes last. */
static void put_place(struct pen *pen, ct_usec time, uint64_t hash)
{
    put_number(pen, time == CT_USEC_NONE ? UINT64_MAX : (uint64_t)time ^ (uint64_t)1 << 63);
    put_number(pen, hash);
}

/* ---- bands ------------------------------------------------------------------------------------------------------ */

static enum ct_band band_of_score(enum ct_score_kind kind, const struct ct_score *score)
{
    int64_t value = ct_score_usual(score), twice = 2 * value, middle = (int64_t)score->scale_min + score->scale_max;
    switch (kind) {
    case CT_SCORE_NPS:
        return value >= 9 ? CT_BAND_GOOD : value <= 6 ? CT_BAND_BAD : CT_BAND_MIDDLE;
    case CT_SCORE_CES:
        return twice < middle ? CT_BAND_GOOD : twice > middle ? CT_BAND_BAD : CT_BAND_MIDDLE;
    default:
        return ct_score_positive(score) ? CT_BAND_GOOD : twice < middle ? CT_BAND_BAD : CT_BAND_MIDDLE;
    }
}

static enum ct_band band_of(const struct ct_record *record)
{
    static const enum ct_score_kind order[] = {CT_SCORE_CSAT, CT_SCORE_CSS, CT_SCORE_NPS, CT_SCORE_CES};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (record->score[order[i]].present) {
            return band_of_score(order[i], &record->score[order[i]]);
        }
    }
    return CT_BAND_NONE;
}

/* ---- one conversation ------------------------------------------------------------------------------------------- */

struct writing {
    const struct ct_themes_options *options;
    ct_themes_put *put;
    void *context;
    char group[2 * CT_SLICE_KEY_BYTES + 4];
    bool good;
};

static void begin(struct writing *w, struct pen *pen, char section)
{
    pen->len = 0;
    put_text(pen, ct_span_of(w->group));
    put_byte(pen, (unsigned char)section);
}

static void hand_over(struct writing *w, const struct pen *pen)
{
    w->good = w->good && w->put(w->context, (ct_span){pen->line, pen->len});
}

static void put_hour(struct writing *w, const struct ct_record *record, const struct ct_zone *zone)
{
    struct pen pen;
    begin(w, &pen, CT_THEME_HOUR);
    if (record->started_at == CT_USEC_NONE) {
        put_byte(&pen, CT_THEME_WEEKDAYS);
        put_byte(&pen, 0);
    } else {
        ct_usec local = ct_zone_local(zone, record->started_at);
        int64_t days = local / CT_USEC_PER_DAY - (local % CT_USEC_PER_DAY < 0);
        put_byte(&pen, ct_weekday_of_days(days));
        put_byte(&pen, (unsigned)((local - days * CT_USEC_PER_DAY) / CT_USEC_PER_HOUR));
    }
    hand_over(w, &pen);
}

static void put_topics(struct writing *w, const struct ct_record *record, bool before)
{
    ct_span topics = ct_record_text(record, CT_TEXT_TOPICS);
    while (topics.len) {
        const char *space = memchr(topics.at, ' ', topics.len);
        size_t len = space ? (size_t)(space - topics.at) : topics.len, used = space ? len + 1 : len;
        struct pen pen;
        begin(w, &pen, CT_THEME_TOPIC);
        put_text(&pen, (ct_span){topics.at, len});
        put_byte(&pen, before);
        hand_over(w, &pen);
        topics = (ct_span){topics.at + used, topics.len - used};
    }
}

static bool is_bad(int outcome)
{
    return outcome == CT_OUTCOME_UNRESOLVED || outcome == CT_OUTCOME_ESCALATED ||
           outcome == CT_OUTCOME_ESCALATION_FAILED || outcome == CT_OUTCOME_ABANDONED;
}

/* Where people said how it ended, or whether it was answered right, that counts. */
static bool ended_badly(const struct ct_record *record, const struct ct_terms *terms)
{
    const struct ct_marked *marked = ct_marks_find(terms->marks, record);
    if (marked) {
        const struct ct_mark_truth truth = ct_marks_truth(terms->marks, marked);
        uint64_t judged = 0, correct = 0;
        bool answers = ct_marks_accuracy(terms->marks, marked, &judged, &correct);
        if (answers || truth.outcome >= 0 || truth.resolved != CT_NULL || truth.escalated != CT_NULL) {
            return correct < judged || is_bad(truth.outcome) || truth.resolved == CT_FALSE ||
                   truth.escalated == CT_TRUE;
        }
    }
    return is_bad(record->outcome) || record->fallbacks > 0;
}

static void put_question(struct writing *w, const struct ct_record *record, const struct ct_terms *terms)
{
    ct_span words = ct_record_text(record, CT_TEXT_QUESTION);
    struct pen pen;
    if (!words.len) {
        return;
    }
    bool bad = ended_badly(record, terms);
    begin(w, &pen, CT_THEME_QUESTION);
    put_text(&pen, words);
    put_byte(&pen, !bad);
    put_place(&pen, record->started_at, record->conversation_hash);
    put_byte(&pen, bad);
    put_text(&pen, ct_record_text(record, CT_TEXT_TOPIC));
    put_text(&pen, ct_record_text(record, CT_TEXT_CONVERSATION_ID));
    hand_over(w, &pen);
}

struct item {
    enum ct_band band;
    enum ct_feeling feeling;
    ct_span topic, id, quote;
    bool comment;
    uint64_t quality; /* as lines have it */
    ct_usec at;
    uint64_t hash;
};

static void put_item(struct writing *w, const struct item *item)
{
    struct pen pen;
    begin(w, &pen, CT_THEME_ITEM);
    put_byte(&pen, item->band);
    put_byte(&pen, item->feeling);
    put_text(&pen, item->topic);
    put_byte(&pen, !item->comment);
    put_place(&pen, item->at, item->hash);
    put_byte(&pen, item->comment);
    put_text(&pen, item->id);
    put_text(&pen, w->options->quotes ? item->quote : CT_SPAN_NONE);
    put_number(&pen, item->quality);
    hand_over(w, &pen);
}

static void put_record(struct writing *w, const struct ct_record *record, const struct ct_terms *terms, bool before)
{
    struct pen pen;
    uint64_t quality = before ? 0 : (uint64_t)(ct_iqs_of(record, terms) + 1);
    begin(w, &pen, CT_THEME_CONVERSATION);
    put_byte(&pen, before);
    put_number(&pen, quality);
    hand_over(w, &pen);
    put_topics(w, record, before);
    if (before) {
        return;
    }
    put_hour(w, record, terms->zone);
    put_question(w, record, terms);
    const struct item item = {.band = band_of(record),
                              .feeling = ct_feeling_of(record),
                              .topic = ct_record_text(record, CT_TEXT_TOPIC),
                              .id = ct_record_text(record, CT_TEXT_CONVERSATION_ID),
                              .quote = ct_record_text(record, CT_TEXT_COMMENT),
                              .comment = record->comments > 0,
                              .quality = quality,
                              .at = record->started_at,
                              .hash = record->conversation_hash};
    if (item.comment || item.band != CT_BAND_NONE || item.feeling != CT_FEELING_NONE) {
        put_item(w, &item);
    }
}

static void put_event(struct writing *w, const struct ct_business *event, const struct ct_terms *terms)
{
    ct_span quote = ct_business_text(event, CT_BUSINESS_TEXT), ref = ct_business_text(event, CT_BUSINESS_REF);
    bool survey = event->type == CT_BUSINESS_SURVEY;
    enum ct_score_kind kind = CT_SCORE_CSAT;
    struct ct_score score = {.present = false};
    if ((event->type != CT_BUSINESS_FEEDBACK && !(survey && quote.len)) || !ct_terms_hold(terms, event->at) ||
        !ct_terms_know(terms, event)) {
        return;
    }
    bool scored = survey && ct_survey_score(event, terms, &kind, &score);
    const struct item item = {.band = scored ? band_of_score(kind, &score) : CT_BAND_NONE,
                              .feeling = CT_FEELING_NONE,
                              .id = ref.len ? ref : ct_business_text(event, CT_BUSINESS_ID),
                              .quote = quote,
                              .comment = true,
                              .at = event->at,
                              .hash = event->identity};
    put_item(w, &item);
}

/* ---- everything of a customer ----------------------------------------------------------------------------------- */

static void group_of(struct writing *w, const struct ct_record *record, ct_span segment, const struct ct_terms *terms)
{
    size_t len = 0;
    for (unsigned i = 0; i < w->options->by->count; i++) {
        char text[CT_SLICE_KEY_BYTES], part[CT_SLICE_KEY_BYTES];
        enum ct_slice_field field = w->options->by->field[i];
        ct_span value =
            field == CT_SLICE_SEGMENT && segment.len ? segment : ct_slice_text(field, record, terms->zone, text);
        ct_slice_part_put(part, value.len ? value : CT_SPAN_LIT("-"));
        if (i) {
            memcpy(w->group + len, " / ", 3);
            len += 3;
        }
        size_t bytes = strnlen(part, sizeof part);
        memcpy(w->group + len, part, bytes);
        len += bytes;
    }
    w->group[len] = '\0';
}

bool ct_themes_lines(const struct ct_customer *customer, const struct ct_themes_options *options, bool before,
                     ct_themes_put *put, void *context)
{
    struct writing w = {.options = options, .put = put, .context = context, .good = true};
    for (size_t i = 0; i < customer->record_count && w.good; i++) {
        const struct ct_record *record = customer->records[i];
        if (!record->engaged) {
            continue;
        }
        w.group[0] = '\0';
        put_record(&w, record, customer->terms, before);
        if (options->by) {
            group_of(&w, record, ct_customer_segment(customer), customer->terms);
            put_record(&w, record, customer->terms, before);
        }
    }
    w.group[0] = '\0';
    for (size_t i = 0; i < customer->event_count && w.good && !before; i++) {
        put_event(&w, customer->events[i], customer->terms);
    }
    return w.good;
}

bool ct_themes_event(const struct ct_business *event, const struct ct_terms *terms,
                     const struct ct_themes_options *options, ct_themes_put *put, void *context)
{
    struct writing w = {.options = options, .put = put, .context = context, .good = true};
    put_event(&w, event, terms);
    return w.good;
}
