/* profile.h - KPIs by other authorities' definitions: who stands in the numerator and the denominator of a rate, or
 * what a conversation gives to a mean, and why.
 *
 * The rows are in profiles.def. `convtap` is the catalogue itself: its rows there say of one conversation what the
 * metrics count, so that every other definition can be held against it conversation by conversation (`convtap kpis
 * compare`); a test holds them against the figures. Definitions look at marked records (ct_customer_mark) and change
 * none.
 */
#ifndef CT_PROFILE_H
#define CT_PROFILE_H

#include "engine/figure.h"

/* X(NAME, text, name) */
#define CT_PROFILE_MAP(X)                                                                                              \
    X(CONVTAP, "convtap", "convtap")                                                                                   \
    X(COPILOT_STUDIO, "copilot-studio", "Microsoft Copilot Studio")                                                    \
    X(INTERCOM, "intercom", "Intercom Fin")                                                                            \
    X(ZENDESK, "zendesk", "Zendesk")                                                                                   \
    X(ADA, "ada", "Ada")                                                                                               \
    X(GOOGLE_CX, "google-cx", "Google Conversational Agents (Dialogflow CX)")                                          \
    X(AMAZON_CONNECT, "amazon-connect", "Amazon Connect and Lex")                                                      \
    X(CHATWOOT, "chatwoot", "Chatwoot")                                                                                \
    X(SQM, "sqm", "SQM Group")
enum ct_profile {
#define X(symbol, text, name) CT_PROFILE_##symbol,
    CT_PROFILE_MAP(X)
#undef X
        CT_PROFILE_COUNT
};
#define CT_PROFILE_NAMES                                                                                               \
    "convtap|copilot-studio|intercom|zendesk|ada|google-cx|amazon-connect|chatwoot|sqm" /* a test compares them */
const char *ct_profile_text(enum ct_profile profile);                                   /* "copilot-studio" */
const char *ct_profile_name(enum ct_profile profile);                                   /* "Microsoft Copilot Studio" */
CT_MUST_USE bool ct_profile_from(ct_span text, enum ct_profile *out);

/* Where a conversation stands in a definition. */
enum ct_stand {
    CT_STAND_OUT,  /* not its matter */
    CT_STAND_LEFT, /* its matter, but it cannot be counted, or not yet: left out of the denominator, and counted as such
                    */
    CT_STAND_BASE, /* in the denominator alone */
    CT_STAND_HIT   /* in both; of a mean: its value counts */
};
const char *ct_stand_text(enum ct_stand place); /* "out", "left_out", "denominator", "numerator" */

/* Why it stands there; where it is left out, a reader is told that first. X(NAME, text, en, es) */
#define CT_WHY_MAP(X)                                                                                                  \
    X(ANY, "every_conversation", "every conversation counts", "cuenta toda conversación")                              \
    X(NOT_ENGAGED, "not_engaged", "the customer wrote nothing", "el cliente no escribió nada")                         \
    X(NO_AI, "no_ai", "the AI took no part", "la IA no intervino")                                                     \
    X(NO_ANSWER, "no_answer", "the AI answered nothing", "la IA no respondió nada")                                    \
    X(PERSON, "person", "a person took part", "intervino una persona")                                                 \
    X(NO_PERSON, "no_person", "no person took part", "no intervino ninguna persona")                                   \
    X(PERSON_ASKED, "person_asked", "a person was asked for, announced or tried",                                      \
      "se pidió, anunció o intentó una persona")                                                                       \
    X(CONFIRMED, "confirmed", "the customer, a survey or a label said that it was resolved",                           \
      "el cliente, una encuesta o una etiqueta dijo que quedó resuelta")                                               \
    X(IMPLIED, "implied", "thanks or the like imply that it was resolved",                                             \
      "un agradecimiento o similar implica que quedó resuelta")                                                        \
    X(BY_PERSON, "resolved_by_person", "a person resolved it", "la resolvió una persona")                              \
    X(SILENCE, "silence_resolved", "silence counts as resolved", "el silencio cuenta como resuelto")                   \
    X(DROPPED, "silence_dropped", "silence counts as dropped", "el silencio cuenta como abandono")                     \
    X(SILENT, "silent", "nothing says whether it was resolved", "nada dice si quedó resuelta")                         \
    X(NEGATIVE, "negative", "the last word on it was that it is not resolved",                                         \
      "lo último que se dijo es que no quedó resuelta")                                                                \
    X(LEFT_EARLY, "left_early", "the customer left before an answer", "el cliente se fue antes de una respuesta")      \
    X(BACK_24H, "back_24h", "came back within 24 h", "volvió en menos de 24 h")                                        \
    X(BACK_72H, "back_72h", "came back within 72 h", "volvió en menos de 72 h")                                        \
    X(BACK_7D, "back_7d", "taken back: came back within 7 days", "se retira: volvió en menos de 7 días")               \
    X(BACK, "back", "came back inside the return window", "volvió dentro del plazo")                                   \
    X(WAS_24H, "return_24h", "had been there within 24 h before", "ya había venido en las 24 h anteriores")            \
    X(WAS_7D, "return_7d", "had been there within 7 days before", "ya había venido en los 7 días anteriores")          \
    X(WAS, "return", "had been there inside the return window", "ya había venido dentro del plazo")                    \
    X(FIRST, "first", "resolved, and neither back nor a return", "resuelta, sin volver ni venir de otra")              \
    X(YOUNG, "young", "its window has not passed yet", "aún no ha pasado su plazo")                                    \
    X(UNKNOWN, "customer_unknown", "the customer is not known", "no se conoce al cliente")                             \
    X(UNTIMED, "untimed", "the times are not known", "no se conocen las horas")                                        \
    X(NO_SURVEY, "no_survey", "no survey answer", "sin respuesta a la encuesta")                                       \
    X(OFF_SCALE, "off_scale", "the answer is off its scale", "la respuesta se sale de su escala")                      \
    X(SCORE_GOOD, "score_good", "the survey's answer is positive", "la respuesta a la encuesta es positiva")           \
    X(SCORE_BAD, "score_bad", "the survey's answer is not positive", "la respuesta a la encuesta no es positiva")      \
    X(SCORE, "score_itself", "the score itself counts, not whether it is positive",                                    \
      "cuenta la puntuación misma, no si es positiva")                                                                 \
    X(SCORE_TOP, "score_top", "the survey's answer is the best on its scale",                                          \
      "la respuesta a la encuesta es la mejor de su escala")                                                           \
    X(SCORE_NOT_TOP, "score_not_top", "only the best answer on the scale counts",                                      \
      "solo cuenta la mejor respuesta de la escala")                                                                   \
    X(MISUNDERSTOOD, "misunderstood", "the bot did not understand a message", "el bot no entendió un mensaje")         \
    X(CLOSED, "closed", "closed without a person counts as resolved", "cerrada sin una persona cuenta como resuelta")  \
    X(NOT_CLOSED, "not_closed", "never closed nor resolved", "ni cerrada ni resuelta")                                 \
    X(ONE_REPLY, "one_reply", "solved with at most one reply of a person",                                             \
      "resuelta con una respuesta de una persona como mucho")                                                          \
    X(MORE_REPLIES, "more_replies", "a person had to reply more than once",                                            \
      "una persona tuvo que responder más de una vez")                                                                 \
    X(CLOSED_ONCE, "closed_once", "closed once", "cerrada una sola vez")                                               \
    X(REOPENED, "reopened", "reopened", "reabierta")                                                                   \
    X(TIME, "time", "its own time", "su propio tiempo")                                                                \
    X(TIME_AI, "time_ai", "only the time with the AI counts", "solo cuenta el tiempo con la IA")                       \
    X(TIME_PERSON, "time_person", "only the person's time counts", "solo cuenta el tiempo de la persona")              \
    X(TIME_FROM_START, "time_from_start", "counted from its beginning to a person's first message",                    \
      "desde su inicio hasta el primer mensaje de una persona")                                                        \
    X(TIME_FROM_HANDOFF, "time_from_handoff", "counted from the handoff to a person's first message",                  \
      "desde el traspaso hasta el primer mensaje de una persona")                                                      \
    X(TIME_TO_CLOSE, "time_to_close", "counted from its beginning to its close", "desde su inicio hasta su cierre")
enum ct_why {
#define X(symbol, text, en, es) CT_WHY_##symbol,
    CT_WHY_MAP(X)
#undef X
        CT_WHY_COUNT
};
const char *ct_why_text(enum ct_why why);                        /* "silence_resolved" */
const char *ct_why_sentence(enum ct_why why, enum ct_lang lang); /* "silence counts as resolved" */

struct ct_standing {
    enum ct_stand place;
    enum ct_why why;
    int64_t value;      /* of a mean, where HIT: µs, points */
    bool provisional;   /* time may still bring it in, or take it back */
    ct_usec settles_at; /* when it no longer can; CT_USEC_NONE where not provisional or not known */
    ct_usec counted_at; /* when it counts: the definition's anchor; CT_USEC_NONE */
};

/* All definitions, row by row of profiles.def: convtap's first. */
const struct ct_definition *ct_definitions(size_t *count);
/* The definition that stands in for a KPI; NULL = the profile has none, and convtap's own counts. */
const struct ct_definition *ct_definition_find(enum ct_profile profile, const char *kpi);
/* Where `record` stands in a definition of ct_definitions. Pure. */
void ct_definition_place(const struct ct_definition *definition, const struct ct_record *record,
                         struct ct_standing *out);
/* Does a conversation give something else to one definition than to another? Where the kinds differ it does wherever it
 * counts at all. */
CT_MUST_USE bool ct_standings_differ(const struct ct_definition *own, const struct ct_standing *a,
                                     const struct ct_definition *other, const struct ct_standing *b);
/* How: which of the two whys explains it. */
enum ct_difference {
    CT_DIFFERENCE_ADDED,    /* counted, though convtap leaves it out for the reason in `a` */
    CT_DIFFERENCE_COUNTED,  /* counted in another way, for the reason in `b` */
    CT_DIFFERENCE_LEFT_OUT, /* left out, for the reason in `b` */
    CT_DIFFERENCE_COUNT
};
enum ct_difference ct_standings_difference(const struct ct_standing *a, const struct ct_standing *b);
/* The row that a definition's figure is printed by: the catalogue's, or one like it of the definition's kind and unit,
 * without a target. */
const struct ct_kpi *ct_definition_row(const struct ct_definition *definition);
/* The whole catalogue: KPIs, profiles and their definitions. */
void ct_profile_catalogue(struct ct_catalogue *out);
/* The part of docs/profiles.md that lists them; heap, free() it; NULL = out of memory. */
char *ct_definitions_markdown(void) CT_MUST_USE;

#endif
