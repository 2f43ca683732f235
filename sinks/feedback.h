/* feedback.h - themes of qualitative feedback, as a JSON object, and as text for people. The report's section is
 * report_feedback.c's.
 */
#ifndef CT_SINK_FEEDBACK_H
#define CT_SINK_FEEDBACK_H

#include "engine/themes.h"
#include "sinks/writer.h"

/* One object: the value of the key "feedback", or all that `convtap feedback --json` prints. */
void ct_feedback_json(struct ct_writer *json, const struct ct_feedback_findings *findings);
/* Lines of plain text; control characters of the input are shown as '?'. */
void ct_feedback_text(struct ct_out *out, const struct ct_feedback_findings *findings, enum ct_lang lang);

/* ---- what text and report share ---- */
const char *ct_feedback_band(enum ct_band band, enum ct_lang lang);          /* "good score" */
const char *ct_feedback_sentiment(const char *sentiment, enum ct_lang lang); /* "positive" */
const char *ct_feedback_weekday(unsigned weekday, enum ct_lang lang);        /* "Mon" */
/* "12.3 %"; "+3.2 pp, up", "no real change"; out has CT_FEEDBACK_BYTES. */
enum { CT_FEEDBACK_BYTES = 96 };
void ct_feedback_share(uint64_t part, uint64_t whole, enum ct_lang lang, char *out);
/* "87.5 %", the mean; a dash where none has a score. */
void ct_feedback_quality(const struct ct_theme_quality *quality, enum ct_lang lang, char *out);
void ct_feedback_change(const struct ct_theme_topic *topic, enum ct_lang lang, char *out);
/* The hours of the week with most conversations, at most `most`: index weekday * 24 + hour. Returns how many. */
size_t ct_feedback_busiest(const struct ct_themes *themes, unsigned *out, size_t most);

#endif
