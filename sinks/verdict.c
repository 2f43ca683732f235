/* verdict.c - meanings and reasons in words; see verdict.h. The reasons follow engine/outcome.c. */
#include "sinks/verdict.h"

#include <stdio.h>

const char *ct_meaning_words(enum ct_meaning meaning)
{
    static const char *const words[CT_MEANS_COUNT] = {
        [CT_MEANS_HUMAN_REQUESTED] = "asks for a person",
        [CT_MEANS_HUMAN_REFUSED] = "wants no person",
        [CT_MEANS_HANDOFF_OFFERED] = "offers a person",
        [CT_MEANS_HANDOFF_ANNOUNCED] = "says that a person is coming",
        [CT_MEANS_HANDOFF_PERFORMED] = "hands over to a person",
        [CT_MEANS_HANDOFF_FAILED] = "no person can come",
        [CT_MEANS_HANDOFF_RETURNED] = "given back to the bot",
        [CT_MEANS_FALLBACK] = "the bot did not understand",
        [CT_MEANS_NO_DATA] = "the bot has no answer",
        [CT_MEANS_WRONG_ANSWER] = "says the answer is wrong",
        [CT_MEANS_REPEAT] = "asks the same again",
        [CT_MEANS_CLOSING_QUESTION] = "asks whether there is anything else",
        [CT_MEANS_SOLVED_QUESTION] = "asks whether that solved it",
        [CT_MEANS_CONFIRMED] = "confirms that it is solved",
        [CT_MEANS_NO_MORE] = "needs nothing else",
        [CT_MEANS_RESOLVED_SAID] = "says it is solved",
        [CT_MEANS_NOT_RESOLVED] = "not solved",
        [CT_MEANS_THANKS] = "thanks",
        [CT_MEANS_AFFIRM] = "says yes",
        [CT_MEANS_DENY] = "says no",
        [CT_MEANS_GREETING] = "greets",
        [CT_MEANS_GOODBYE] = "says goodbye",
        [CT_MEANS_COMPLAINT] = "complains",
        [CT_MEANS_INSULT] = "insults",
        [CT_MEANS_POSITIVE] = "is pleased",
        [CT_MEANS_NEGATIVE] = "is displeased",
        [CT_MEANS_SURVEY_CSAT] = "asks for a satisfaction score",
        [CT_MEANS_SURVEY_NPS] = "asks whether one would recommend it",
        [CT_MEANS_SURVEY_CES] = "asks how easy it was",
        [CT_MEANS_SCORE] = "gives a score",
        [CT_MEANS_SCORE_UNREADABLE] = "answers the survey, but not with one score of its scale",
        [CT_MEANS_FORM_QUESTION] = "asks for a datum",
        [CT_MEANS_CLOSED] = "closed",
        [CT_MEANS_REOPENED] = "opened again",
        [CT_MEANS_LABEL_RESOLVED] = "labelled as resolved",
        [CT_MEANS_LABEL_UNRESOLVED] = "labelled as not resolved",
        [CT_MEANS_LABEL_CORRECT] = "the answer is judged right",
        [CT_MEANS_LABEL_INCORRECT] = "the answer is judged wrong",
    };
    return meaning < CT_MEANS_COUNT ? words[meaning] : NULL;
}

const char *ct_outcome_words(enum ct_outcome outcome)
{
    static const char *const texts[CT_OUTCOME_COUNT] = {
        [CT_OUTCOME_NOT_ENGAGED] = "the customer wrote nothing",
        [CT_OUTCOME_ESCALATED] = "a person took part",
        [CT_OUTCOME_ESCALATION_FAILED] = "a person was asked for or announced, and none came",
        [CT_OUTCOME_RESOLVED_CONFIRMED] = "the customer, a score or a label confirmed it",
        [CT_OUTCOME_UNRESOLVED] = "the last word on it is negative",
        [CT_OUTCOME_RESOLVED_IMPLIED] = "something positive was said after an answer, and nothing negative after that",
        [CT_OUTCOME_SILENT] = "the customer was answered, and left without a word either way",
        [CT_OUTCOME_ABANDONED] = "the customer left before it came to an end"};
    return outcome < CT_OUTCOME_COUNT ? texts[outcome] : "";
}

static const char *left(const struct ct_verdict_facts *facts)
{
    return facts->abandoned_at == CT_ABANDONED_QUESTION ? "the customer left in the middle of the bot's questions"
                                                        : "the customer left without an answer that helped";
}

/* Nothing spoke for `lost`. */
static const char *nothing_for(const struct ct_verdict_facts *facts, enum ct_outcome lost)
{
    switch (lost) {
    case CT_OUTCOME_ESCALATED:
        return facts->announced ? "a person was announced, but none is seen to have come" : "no person took part";
    case CT_OUTCOME_ESCALATION_FAILED:
        return facts->outcome == CT_OUTCOME_ESCALATED ? "a person did take part"
                                                      : "nobody asked for a person, and none was announced";
    case CT_OUTCOME_RESOLVED_CONFIRMED:
        return "no yes to \"did that solve it?\", no good score, no label";
    case CT_OUTCOME_UNRESOLVED:
        return "nothing negative was left standing";
    case CT_OUTCOME_RESOLVED_IMPLIED:
        return "no thanks, no \"it works\", no \"nothing else\" after an answer";
    case CT_OUTCOME_SILENT:
        return facts->outcome == CT_OUTCOME_ABANDONED ? left(facts) : "only where nothing else is said";
    case CT_OUTCOME_ABANDONED:
        return facts->outcome == CT_OUTCOME_SILENT ? "the customer had been answered"
                                                   : "only where nothing else is said";
    default:
        return "the customer wrote";
    }
}

/* Message `spoke` speaks for `lost`: what is stronger? */
static const char *stronger(const struct ct_verdict_facts *facts, enum ct_outcome lost, uint32_t spoke)
{
    if (lost == CT_OUTCOME_ESCALATED) {
        return "but the handoff failed after that, and nobody came";
    }
    if (lost == CT_OUTCOME_ESCALATION_FAILED) {
        return facts->outcome == CT_OUTCOME_ESCALATED ? "but a person did take part" : "but the customer took it back";
    }
    if (lost == CT_OUTCOME_UNRESOLVED && facts->outcome > CT_OUTCOME_ESCALATION_FAILED) {
        return facts->decided > spoke ? "but something positive came later" : "but a label decides";
    }
    if (facts->outcome == CT_OUTCOME_UNRESOLVED) {
        return facts->decided > spoke   ? "but something negative came later"
               : facts->decided < spoke ? "but a label decides"
                                        : "but the same message is negative, and that counts for more";
    }
    return NULL;
}

bool ct_verdict_why_not(const struct ct_verdict_facts *facts, enum ct_outcome lost, char *text, size_t capacity)
{
    uint32_t spoke = facts->spoke[lost];
    bool trivial =
        !spoke && (lost == CT_OUTCOME_NOT_ENGAGED || (lost >= CT_OUTCOME_SILENT && facts->outcome < CT_OUTCOME_SILENT));
    if (lost == facts->outcome || trivial || (facts->outcome == CT_OUTCOME_NOT_ENGAGED && !spoke)) {
        return false;
    }
    if (!spoke) {
        (void)snprintf(text, capacity, "%s", nothing_for(facts, lost));
        return true;
    }
    const char *reason = stronger(facts, lost, spoke);
    if (reason) {
        (void)snprintf(text, capacity, "message %u speaks for it, %s", spoke, reason);
    } else {
        (void)snprintf(text, capacity, "message %u speaks for it, but %s comes first in the order", spoke,
                       ct_outcome_text(facts->outcome));
    }
    return true;
}
