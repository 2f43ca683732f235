/* tally.c - what a closed conversation counts of its signals: fallbacks, complaints, judged answers, feelings. Called
 * by outcome.c, whose decision reads only the order of the evidence.
 */
#include "engine/conversation_state.h"

/* Does it say how the customer feels? 1, 0, -1. Politeness and asking twice say nothing of that. */
static int feeling(const struct ct_conversation *c, const struct ct_evidence *e)
{
    const struct ct_signal *signal = &c->rules->signals[e->signal];
    const struct ct_fact *fact = &ct_facts(c)[e->message];
    if (fact->role != CT_ROLE_USER || !fact->content || signal->means == CT_MEANS_THANKS ||
        signal->means == CT_MEANS_REPEAT) {
        return 0;
    }
    return signal->polarity ? signal->polarity : e->polarity;
}

/* A message counts once either way. */
static void count_feelings(struct ct_conversation *c)
{
    struct ct_record *head = &c->head;
    uint32_t good = CT_NO_INDEX, bad = CT_NO_INDEX;
    for (uint32_t i = 0; i < c->evidence.count; i++) {
        const struct ct_evidence *e = &ct_evidence_of(c)[i];
        int felt = e->level <= c->rules->scoring_level ? feeling(c, e) : 0;
        if (felt > 0 && good != e->message) {
            good = e->message;
            head->positive_messages++;
        } else if (felt < 0 && bad != e->message) {
            bad = e->message;
            head->negative_messages++;
        }
    }
}

static void count_signals(struct ct_conversation *c)
{
    struct ct_record *head = &c->head;
    uint32_t last[CT_MEANS_COUNT]; /* a message counts once for a meaning, whatever the number of rules */
    memset(last, 0xFF, sizeof last);
    for (uint32_t i = 0; i < c->evidence.count; i++) {
        const struct ct_evidence *e = &ct_evidence_of(c)[i];
        enum ct_meaning means = ct_means(c, e);
        if (e->level > c->rules->scoring_level || last[means] == e->message) {
            continue;
        }
        last[means] = e->message;
        ct_usec ts = ct_facts(c)[e->message].ts;
        switch (means) {
        case CT_MEANS_FALLBACK:
            head->fallbacks++;
            break;
        case CT_MEANS_NO_DATA:
            head->no_data++;
            break;
        case CT_MEANS_WRONG_ANSWER:
            head->wrong_answers++;
            break;
        case CT_MEANS_REPEAT:
            head->repeats++;
            break;
        case CT_MEANS_COMPLAINT:
            if (!head->complaint) {
                head->complaint_at = ts;
            }
            head->complaint = true;
            break;
        case CT_MEANS_INSULT:
            head->insult = true;
            break;
        case CT_MEANS_POSITIVE:
            head->positive = true;
            break;
        case CT_MEANS_NEGATIVE:
            head->negative = true;
            break;
        case CT_MEANS_REOPENED:
            head->reopened = true;
            break;
        case CT_MEANS_CLOSED:
            head->closed_by_event = true;
            break;
        case CT_MEANS_CONFIRMED:
            head->confirmed_said = true;
            break;
        case CT_MEANS_SURVEY_CSAT:
            head->survey_asked[CT_SCORE_CSAT] = true;
            break;
        case CT_MEANS_SURVEY_NPS:
            head->survey_asked[CT_SCORE_NPS] = true;
            break;
        case CT_MEANS_SURVEY_CES:
            head->survey_asked[CT_SCORE_CES] = true;
            break;
        case CT_MEANS_SURVEY_CSS:
            head->survey_asked[CT_SCORE_CSS] = true;
            break;
        case CT_MEANS_LABEL_CORRECT:
            head->judged++;
            head->judged_correct++;
            break;
        case CT_MEANS_LABEL_INCORRECT:
            head->judged++;
            break;
        default:
            break;
        }
    }
}

void ct_tally(struct ct_conversation *c)
{
    count_signals(c);
    count_feelings(c);
}
