/* verdict.c - meanings and reasons in words; see verdict.h. The reasons follow engine/outcome.c. */
#include "sinks/verdict.h"

#include <stdio.h>

#include "sinks/format.h"

const char *ct_meaning_words(enum ct_meaning meaning, enum ct_lang lang)
{
    static const char *const words[CT_MEANS_COUNT][CT_LANG_COUNT] = {
        [CT_MEANS_HUMAN_REQUESTED] = {"asks for a person", "pide una persona"},
        [CT_MEANS_HUMAN_REFUSED] = {"wants no person", "no quiere una persona"},
        [CT_MEANS_HANDOFF_OFFERED] = {"offers a person", "ofrece una persona"},
        [CT_MEANS_HANDOFF_ANNOUNCED] = {"says that a person is coming", "dice que viene una persona"},
        [CT_MEANS_HANDOFF_PERFORMED] = {"hands over to a person", "pasa a una persona"},
        [CT_MEANS_HANDOFF_FAILED] = {"no person can come", "no puede venir ninguna persona"},
        [CT_MEANS_HANDOFF_RETURNED] = {"given back to the bot", "devuelta al bot"},
        [CT_MEANS_FALLBACK] = {"the bot did not understand", "el bot no entendió"},
        [CT_MEANS_NO_DATA] = {"the bot has no answer", "el bot no tiene respuesta"},
        [CT_MEANS_WRONG_ANSWER] = {"says the answer is wrong", "dice que la respuesta es errónea"},
        [CT_MEANS_REPEAT] = {"asks the same again", "pregunta lo mismo otra vez"},
        [CT_MEANS_CLOSING_QUESTION] = {"asks whether there is anything else", "pregunta si hay algo más"},
        [CT_MEANS_SOLVED_QUESTION] = {"asks whether that solved it", "pregunta si eso lo resolvió"},
        [CT_MEANS_CONFIRMED] = {"confirms that it is solved", "confirma que está resuelto"},
        [CT_MEANS_NO_MORE] = {"needs nothing else", "no necesita nada más"},
        [CT_MEANS_RESOLVED_SAID] = {"says it is solved", "dice que está resuelto"},
        [CT_MEANS_NOT_RESOLVED] = {"not solved", "no resuelto"},
        [CT_MEANS_THANKS] = {"thanks", "da las gracias"},
        [CT_MEANS_AFFIRM] = {"says yes", "dice que sí"},
        [CT_MEANS_DENY] = {"says no", "dice que no"},
        [CT_MEANS_GREETING] = {"greets", "saluda"},
        [CT_MEANS_GOODBYE] = {"says goodbye", "se despide"},
        [CT_MEANS_COMPLAINT] = {"complains", "se queja"},
        [CT_MEANS_INSULT] = {"insults", "insulta"},
        [CT_MEANS_POSITIVE] = {"is pleased", "está contento"},
        [CT_MEANS_NEGATIVE] = {"is displeased", "está descontento"},
        [CT_MEANS_SURVEY_CSAT] = {"asks for a satisfaction score", "pide una nota de satisfacción"},
        [CT_MEANS_SURVEY_NPS] = {"asks whether one would recommend it", "pregunta si lo recomendaría"},
        [CT_MEANS_SURVEY_CES] = {"asks how easy it was", "pregunta si fue fácil"},
        [CT_MEANS_SCORE] = {"gives a score", "da una nota"},
        [CT_MEANS_SCORE_UNREADABLE] = {"answers the survey, but not with one score of its scale",
                                       "responde a la encuesta, pero no con una sola nota de su escala"},
        [CT_MEANS_FORM_QUESTION] = {"asks for a datum", "pide un dato"},
        [CT_MEANS_CLOSED] = {"closed", "cerrada"},
        [CT_MEANS_REOPENED] = {"opened again", "abierta de nuevo"},
        [CT_MEANS_LABEL_RESOLVED] = {"labelled as resolved", "etiquetada como resuelta"},
        [CT_MEANS_LABEL_UNRESOLVED] = {"labelled as not resolved", "etiquetada como no resuelta"},
        [CT_MEANS_LABEL_CORRECT] = {"the answer is judged right", "la respuesta se juzga correcta"},
        [CT_MEANS_LABEL_INCORRECT] = {"the answer is judged wrong", "la respuesta se juzga incorrecta"},
    };
    return meaning < CT_MEANS_COUNT ? words[meaning][lang] : NULL;
}

const char *ct_outcome_words(enum ct_outcome outcome, enum ct_lang lang)
{
    static const char *const texts[CT_OUTCOME_COUNT][CT_LANG_COUNT] = {
        [CT_OUTCOME_NOT_ENGAGED] = {"the customer wrote nothing", "el cliente no escribió nada"},
        [CT_OUTCOME_ESCALATED] = {"a person took part", "intervino una persona"},
        [CT_OUTCOME_ESCALATION_FAILED] = {"a person was asked for or announced, and none came",
                                          "se pidió o anunció una persona, y no vino ninguna"},
        [CT_OUTCOME_RESOLVED_CONFIRMED] = {"the customer, a score or a label confirmed it",
                                           "lo confirmó el cliente, una nota o una etiqueta"},
        [CT_OUTCOME_UNRESOLVED] = {"the last word on it is negative", "lo último que se dijo es negativo"},
        [CT_OUTCOME_RESOLVED_IMPLIED] = {"something positive was said after an answer, and nothing negative after that",
                                         "tras una respuesta se dijo algo positivo, y después nada negativo"},
        [CT_OUTCOME_SILENT] = {"the customer was answered, and left without a word either way",
                               "al cliente se le respondió y se fue sin decir nada en un sentido u otro"},
        [CT_OUTCOME_ABANDONED] = {"the customer left before it came to an end",
                                  "el cliente se fue antes de que terminara"}};
    return outcome < CT_OUTCOME_COUNT ? texts[outcome][lang] : "";
}

static const char *say(enum ct_lang lang, const char *en, const char *es)
{
    return lang == CT_LANG_ES ? es : en;
}

static const char *left(const struct ct_verdict_facts *facts, enum ct_lang lang)
{
    return facts->abandoned_at == CT_ABANDONED_QUESTION
               ? say(lang, "the customer left in the middle of the bot's questions",
                     "el cliente se fue en mitad de las preguntas del bot")
               : say(lang, "the customer left without an answer that helped",
                     "el cliente se fue sin una respuesta que le sirviera");
}

/* Nothing spoke for `lost`. */
static const char *nothing_for(const struct ct_verdict_facts *facts, enum ct_outcome lost, enum ct_lang lang)
{
    switch (lost) {
    case CT_OUTCOME_ESCALATED:
        return facts->announced ? say(lang, "a person was announced, but none is seen to have come",
                                      "se anunció una persona, pero no consta que viniera ninguna")
                                : say(lang, "no person took part", "no intervino ninguna persona");
    case CT_OUTCOME_ESCALATION_FAILED:
        return facts->outcome == CT_OUTCOME_ESCALATED ? say(lang, "a person did take part", "sí intervino una persona")
                                                      : say(lang, "nobody asked for a person, and none was announced",
                                                            "nadie pidió una persona ni se anunció ninguna");
    case CT_OUTCOME_RESOLVED_CONFIRMED:
        return say(lang, "no yes to \"did that solve it?\", no good score, no label",
                   "ni un sí a «¿lo resolvió?», ni una buena nota, ni una etiqueta");
    case CT_OUTCOME_UNRESOLVED:
        return say(lang, "nothing negative was left standing", "no quedó nada negativo en pie");
    case CT_OUTCOME_RESOLVED_IMPLIED:
        return say(lang, "no thanks, no \"it works\", no \"nothing else\" after an answer",
                   "ni gracias, ni «funciona», ni «nada más» tras una respuesta");
    case CT_OUTCOME_SILENT:
        return facts->outcome == CT_OUTCOME_ABANDONED
                   ? left(facts, lang)
                   : say(lang, "only where nothing else is said", "solo donde no se dice nada más");
    case CT_OUTCOME_ABANDONED:
        return facts->outcome == CT_OUTCOME_SILENT
                   ? say(lang, "the customer had been answered", "al cliente se le había respondido")
                   : say(lang, "only where nothing else is said", "solo donde no se dice nada más");
    default:
        return say(lang, "the customer wrote", "el cliente escribió");
    }
}

/* Message `spoke` speaks for `lost`: what is stronger? */
static const char *stronger(const struct ct_verdict_facts *facts, enum ct_outcome lost, uint32_t spoke,
                            enum ct_lang lang)
{
    if (lost == CT_OUTCOME_ESCALATED) {
        return say(lang, "but the handoff failed after that, and nobody came",
                   "pero después falló el traspaso y no vino nadie");
    }
    if (lost == CT_OUTCOME_ESCALATION_FAILED) {
        return facts->outcome == CT_OUTCOME_ESCALATED
                   ? say(lang, "but a person did take part", "pero sí intervino una persona")
                   : say(lang, "but the customer took it back", "pero el cliente se desdijo");
    }
    if (lost == CT_OUTCOME_UNRESOLVED && facts->outcome > CT_OUTCOME_ESCALATION_FAILED) {
        return facts->decided > spoke
                   ? say(lang, "but something positive came later", "pero después vino algo positivo")
                   : say(lang, "but a label decides", "pero decide una etiqueta");
    }
    if (facts->outcome == CT_OUTCOME_UNRESOLVED) {
        return facts->decided > spoke
                   ? say(lang, "but something negative came later", "pero después vino algo negativo")
               : facts->decided < spoke ? say(lang, "but a label decides", "pero decide una etiqueta")
                                        : say(lang, "but the same message is negative, and that counts for more",
                                              "pero ese mismo mensaje es negativo, y eso pesa más");
    }
    return NULL;
}

bool ct_verdict_why_not(const struct ct_verdict_facts *facts, enum ct_outcome lost, enum ct_lang lang, char *text,
                        size_t capacity)
{
    uint32_t spoke = facts->spoke[lost];
    bool trivial =
        !spoke && (lost == CT_OUTCOME_NOT_ENGAGED || (lost >= CT_OUTCOME_SILENT && facts->outcome < CT_OUTCOME_SILENT));
    if (lost == facts->outcome || trivial || (facts->outcome == CT_OUTCOME_NOT_ENGAGED && !spoke)) {
        return false;
    }
    if (!spoke) {
        (void)snprintf(text, capacity, "%s", nothing_for(facts, lost, lang));
        return true;
    }
    const char *reason = stronger(facts, lost, spoke, lang);
    if (reason) {
        (void)snprintf(text, capacity,
                       lang == CT_LANG_ES ? "el mensaje %u habla a su favor, %s" : "message %u speaks for it, %s",
                       spoke, reason);
    } else {
        (void)snprintf(text, capacity,
                       lang == CT_LANG_ES ? "el mensaje %u habla a su favor, pero %s va antes en el orden"
                                          : "message %u speaks for it, but %s comes first in the order",
                       spoke,
                       lang == CT_LANG_ES ? ct_format_outcome(facts->outcome, lang) : ct_outcome_text(facts->outcome));
    }
    return true;
}
