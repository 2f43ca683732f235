/* outcome.c - one outcome for each closed conversation, and why: docs/outcomes.md in code.
 *
 * Reads the sorted evidence and the facts of the messages; fills the outcome part of the record's head. The outcomes
 * are a partition, decided in the order of enum ct_outcome; a positive word and a negative one are settled by which
 * came last, and on one message the negative one wins ("thanks, but it does not work").
 */
#include "engine/conversation_state.h"

/* The newest (or first) evidence of each kind, as indexes; CT_NO_INDEX = none. */
struct reading {
    uint32_t requested, announced, performed; /* first */
    uint32_t asked_again, announced_again;    /* newest request and announcement */
    uint32_t refused, offered, failed, returned;
    uint32_t failed_try; /* newest failure that the platform or a tool tells of: somebody was called */
    uint32_t confirmed;  /* newest strong positive: confirmation, positive survey */
    uint32_t implied;    /* newest weak positive, after an answer of the bot or a person */
    uint32_t negative;   /* newest negative that nothing mended */
    uint32_t label_resolved, label_unresolved;
    uint32_t closed;
    uint32_t first_answer;            /* message index of the first answer (bot or person) */
    uint32_t first_agent, last_agent; /* message indexes */
    uint32_t last_user, last_bot;     /* message indexes with content */
};

static uint32_t message_of(const struct ct_conversation *c, uint32_t evidence)
{
    return ct_evidence_of(c)[evidence].message;
}

/* a stands on a later message than b (b may be none) */
static bool later(const struct ct_conversation *c, uint32_t a, uint32_t b)
{
    return a != CT_NO_INDEX && (b == CT_NO_INDEX || message_of(c, a) > message_of(c, b));
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void read_messages(const struct ct_conversation *c, struct reading *r)
{
    for (uint32_t i = 0; i < c->facts.count; i++) {
        const struct ct_fact *fact = &ct_facts(c)[i];
        if (fact->role == CT_ROLE_USER && fact->content) {
            r->last_user = i;
        } else if (fact->role == CT_ROLE_BOT && fact->content) {
            r->last_bot = i;
            if (fact->answer && r->first_answer == CT_NO_INDEX) {
                r->first_answer = i;
            }
        } else if (fact->role == CT_ROLE_AGENT) {
            if (r->first_agent == CT_NO_INDEX) {
                r->first_agent = i;
            }
            r->last_agent = i;
            if (r->first_answer == CT_NO_INDEX && r->last_user != CT_NO_INDEX) {
                r->first_answer = i;
            }
        }
    }
}

/* A wrong answer or a loop of fallbacks is mended when the customer goes on for two turns without complaint. */
static bool mended(const struct ct_conversation *c, uint32_t evidence)
{
    enum ct_meaning means = ct_means(c, &ct_evidence_of(c)[evidence]);
    bool can_mend = means == CT_MEANS_WRONG_ANSWER || ct_facts(c)[message_of(c, evidence)].role == CT_ROLE_BOT;
    return can_mend && c->turn >= ct_facts(c)[message_of(c, evidence)].turn + 2;
}

static void read_one(const struct ct_conversation *c, struct reading *r, uint32_t i)
{
    const struct ct_evidence *e = &ct_evidence_of(c)[i];
    bool after_answer = r->first_answer != CT_NO_INDEX && e->message > r->first_answer;
    bool by_customer = ct_facts(c)[e->message].role == CT_ROLE_USER && e->end > e->begin;
    switch (ct_means(c, e)) {
    case CT_MEANS_HUMAN_REQUESTED:
        if (r->requested == CT_NO_INDEX) {
            r->requested = i;
        }
        r->asked_again = i;
        break;
    case CT_MEANS_HUMAN_REFUSED:
        r->refused = i;
        break;
    case CT_MEANS_HANDOFF_OFFERED:
        r->offered = i;
        break;
    case CT_MEANS_HANDOFF_ANNOUNCED:
        if (r->announced == CT_NO_INDEX) {
            r->announced = i;
        }
        r->announced_again = i;
        break;
    case CT_MEANS_HANDOFF_PERFORMED:
        if (r->performed == CT_NO_INDEX) {
            r->performed = i;
        }
        break;
    case CT_MEANS_HANDOFF_FAILED:
        r->failed = i;
        if (ct_facts(c)[e->message].role == CT_ROLE_SYSTEM || ct_facts(c)[e->message].role == CT_ROLE_TOOL) {
            r->failed_try = i;
        }
        break;
    case CT_MEANS_HANDOFF_RETURNED:
        r->returned = i;
        break;
    case CT_MEANS_CONFIRMED:
        r->confirmed = i;
        break;
    case CT_MEANS_SCORE:
        r->confirmed = e->polarity > 0 ? i : r->confirmed;
        r->negative = e->polarity < 0 ? i : r->negative;
        break;
    case CT_MEANS_LABEL_CORRECT: /* a thumb may stand on the answer itself */
        if (after_answer || e->message == r->first_answer) {
            r->implied = i;
        }
        break;
    case CT_MEANS_THANKS:
    case CT_MEANS_RESOLVED_SAID:
    case CT_MEANS_NO_MORE:
    case CT_MEANS_POSITIVE:
        if (after_answer) {
            r->implied = i;
        }
        break;
    case CT_MEANS_NOT_RESOLVED:
    case CT_MEANS_WRONG_ANSWER:
    case CT_MEANS_NEGATIVE:
        if (by_customer && !after_answer) { /* "it does not work", said before any answer, is the problem itself */
            break;
        }
        r->negative = mended(c, i) ? r->negative : i;
        break;
    case CT_MEANS_LABEL_INCORRECT:
        r->negative = mended(c, i) ? r->negative : i;
        break;
    case CT_MEANS_LABEL_RESOLVED:
        r->label_resolved = i;
        break;
    case CT_MEANS_LABEL_UNRESOLVED:
        r->label_unresolved = i;
        break;
    case CT_MEANS_CLOSED:
        r->closed = i;
        break;
    default:
        break;
    }
}

/* ---- the person ----------------------------------------------------------------------------------------------------
 */

/* The customer asked for a person, and all that follows is a message of the bot with nothing in it: something was done
 * there that the source does not show. */
static bool silent_act_after_request(const struct ct_conversation *c, const struct reading *r)
{
    uint32_t last = c->facts.count - 1;
    if (r->asked_again == CT_NO_INDEX || message_of(c, r->asked_again) != r->last_user || last == r->last_user) {
        return false;
    }
    for (uint32_t i = r->last_user + 1; i <= last; i++) {
        if (ct_facts(c)[i].content && ct_facts(c)[i].role != CT_ROLE_TOOL) {
            return false;
        }
    }
    return ct_facts(c)[last].role == CT_ROLE_BOT || ct_facts(c)[last].role == CT_ROLE_TOOL;
}

/* Where the source shows no platform facts at all, the bot's word is the only trace of a handoff. An announcement
 * counts unless it came to nothing: the bot says that nobody came, offers a person again, the customer declines, or the
 * conversation ends with the customer asking once more. Where tool calls or handoff events are visible, the fact itself
 * is demanded, and an announcement without one is a person who never came. */
static bool presumed(const struct ct_conversation *c, const struct reading *r)
{
    if (c->options.announced == CT_ANNOUNCED_NEVER || (c->options.announced == CT_ANNOUNCED_AUTO && c->facts_seen)) {
        return false;
    }
    if (r->announced == CT_NO_INDEX) {
        return silent_act_after_request(c, r);
    }
    bool asks_on = later(c, r->asked_again, r->announced_again) && message_of(c, r->asked_again) == r->last_user;
    return !later(c, r->failed, r->announced_again) && !later(c, r->refused, r->announced_again) &&
           !later(c, r->offered, r->announced_again) && (!asks_on || silent_act_after_request(c, r));
}

static ct_usec ts_of(const struct ct_conversation *c, uint32_t evidence)
{
    return evidence == CT_NO_INDEX ? CT_USEC_NONE : ct_facts(c)[message_of(c, evidence)].ts;
}

static ct_usec first_known(ct_usec a, ct_usec b)
{
    return a == CT_USEC_NONE ? b : b == CT_USEC_NONE || a < b ? a : b;
}

static void read_person(struct ct_conversation *c, const struct reading *r)
{
    struct ct_record *head = &c->head;
    head->requested = r->requested != CT_NO_INDEX;
    head->offered = r->offered != CT_NO_INDEX;
    head->announced = r->announced != CT_NO_INDEX;
    head->refused = r->refused != CT_NO_INDEX;
    head->failed = r->failed != CT_NO_INDEX;
    head->human_joined = r->first_agent != CT_NO_INDEX;
    head->performed =
        head->human_joined || (r->performed != CT_NO_INDEX && !later(c, r->failed, r->performed)) || presumed(c, r);
    head->escalated = head->performed;
    head->requested_at =
        first_known(first_known(ts_of(c, r->requested), ts_of(c, r->announced)), ts_of(c, r->performed));
    ct_usec agent_at = r->first_agent == CT_NO_INDEX ? CT_USEC_NONE : ct_facts(c)[r->first_agent].ts;
    head->joined_at = agent_at != CT_USEC_NONE ? agent_at : ts_of(c, r->performed);
    if (agent_at != CT_USEC_NONE && head->requested_at != CT_USEC_NONE && agent_at >= head->requested_at) {
        head->wait_usec = ct_usec_between(head->requested_at, agent_at);
        head->human_first_response_usec = head->wait_usec;
    } else if (!head->human_joined && head->performed && head->requested_at != CT_USEC_NONE &&
               r->last_user != CT_NO_INDEX && r->returned == CT_NO_INDEX && head->ended_at != CT_USEC_NONE) {
        head->queue_abandoned_usec = ct_usec_between(head->requested_at, head->ended_at);
    }
    if (!c->text[CT_TEXT_ESCALATED_BY].len && (head->escalated || head->requested)) {
        bool before = r->performed == CT_NO_INDEX || !later(c, r->requested, r->performed);
        c->text[CT_TEXT_ESCALATED_BY] = head->requested && before               ? CT_SPAN_LIT("customer")
                                        : head->announced || head->bot_involved ? CT_SPAN_LIT("bot")
                                                                                : CT_SPAN_LIT("agent");
    }
}

/* ---- times ----------------------------------------------------------------------------------------------------------
 */

/* Sum of the gaps between `from` and `to` (message indexes), a customer's silence cut at the idle cap. */
static ct_usec handled(const struct ct_conversation *c, uint32_t from, uint32_t to)
{
    ct_usec sum = 0;
    for (uint32_t i = from + 1; i <= to; i++) {
        const struct ct_fact *fact = &ct_facts(c)[i];
        ct_usec gap = ct_usec_between(ct_facts(c)[i - 1].ts, fact->ts);
        if (gap <= 0) {
            continue;
        }
        bool customer = fact->role == CT_ROLE_USER || fact->role == CT_ROLE_SYSTEM;
        gap = customer && gap > c->options.idle_cap_usec ? c->options.idle_cap_usec : gap;
        if (__builtin_add_overflow(sum, gap, &sum)) {
            return INT64_MAX;
        }
    }
    return sum;
}

static void read_times(struct ct_conversation *c, const struct reading *r)
{
    struct ct_record *head = &c->head;
    uint32_t first_user = CT_NO_INDEX, last = CT_NO_INDEX;
    for (uint32_t i = 0; i < c->facts.count; i++) {
        const struct ct_fact *fact = &ct_facts(c)[i];
        if (fact->role == CT_ROLE_USER && fact->content && first_user == CT_NO_INDEX) {
            first_user = i;
            head->asked_at = fact->ts;
        }
        if (fact->role == CT_ROLE_USER || fact->role == CT_ROLE_BOT || fact->role == CT_ROLE_AGENT) {
            last = i;
        }
        if (fact->answer && head->first_response_usec == CT_USEC_NONE && first_user != CT_NO_INDEX &&
            ct_facts(c)[first_user].ts != CT_USEC_NONE && fact->ts >= ct_facts(c)[first_user].ts) {
            head->first_response_usec = ct_usec_between(ct_facts(c)[first_user].ts, fact->ts);
        }
    }
    head->timed = !c->untimed && head->started_at != CT_USEC_NONE;
    if (!head->timed || first_user == CT_NO_INDEX || last < first_user) {
        return;
    }
    for (uint32_t i = first_user; i <= last;
         i++) { /* a tool's message without a time stands where the one before does */
        if (ct_facts(c)[i].ts == CT_USEC_NONE) {
            ct_facts(c)[i].ts = ct_facts(c)[i - 1].ts;
        }
    }
    head->total_handling_usec = handled(c, first_user, last);
    uint32_t ai_end = last;
    if (r->first_agent != CT_NO_INDEX && r->first_agent <= last) {
        uint32_t from = r->first_agent < first_user ? first_user : r->first_agent;
        head->human_handling_usec = handled(c, from, last);
        ai_end = from;
        uint32_t asked = r->performed != CT_NO_INDEX   ? message_of(c, r->performed)
                         : r->announced != CT_NO_INDEX ? message_of(c, r->announced_again)
                         : r->requested != CT_NO_INDEX ? message_of(c, r->requested)
                                                       : from;
        if (asked < ai_end) {
            ai_end = asked; /* waiting for the person is nobody's handling */
        }
    } else if (r->performed != CT_NO_INDEX && message_of(c, r->performed) < last) {
        ai_end = message_of(c, r->performed);
    }
    if (head->bot_involved) {
        head->ai_handling_usec = ai_end == last        ? head->total_handling_usec
                                 : ai_end > first_user ? handled(c, first_user, ai_end)
                                                       : 0;
    }
}

/* Each AI answer counts as right unless a rule says otherwise: it was a fallback, or the customer's next turn corrected
 * it, rejected it, or asked the same again. Published apart from labelled accuracy. */
static void read_inferred(struct ct_conversation *c)
{
    struct ct_record *head = &c->head;
    uint32_t e = 0, answered_turn = 0;
    bool open = false, wrong = false;
    for (uint32_t i = 0; i <= c->facts.count; i++) {
        bool end = i == c->facts.count;
        const struct ct_fact *fact = end ? NULL : &ct_facts(c)[i];
        /* what is said after a person spoke, or a turn later, is about something else */
        bool past = !end && (fact->role == CT_ROLE_AGENT || fact->turn > answered_turn + 1);
        if (end || fact->answer || (open && past)) {
            if (open) {
                head->inferred++;
                head->inferred_correct += !wrong;
            }
            open = !end && fact->answer;
            wrong = false;
            answered_turn = end ? 0 : fact->turn;
        }
        for (; !end && e < c->evidence.count && ct_evidence_of(c)[e].message == i; e++) {
            enum ct_meaning means = ct_means(c, &ct_evidence_of(c)[e]);
            bool counts = ct_evidence_of(c)[e].level <= c->rules->scoring_level;
            wrong |=
                counts && (means == CT_MEANS_FALLBACK || means == CT_MEANS_WRONG_ANSWER || means == CT_MEANS_REPEAT ||
                           means == CT_MEANS_NOT_RESOLVED || means == CT_MEANS_LABEL_INCORRECT);
        }
    }
}

/* ---- the decision
 * ------------------------------------------------------------------------------------------------------ */

static void decided_by(struct ct_verdict *verdict, uint32_t evidence)
{
    if (evidence != CT_NO_INDEX && verdict->decided_count < 4) {
        verdict->decided[verdict->decided_count++] = evidence;
    }
}

static void beat(struct ct_verdict *verdict, const struct ct_record *head, enum ct_outcome outcome, uint32_t evidence)
{
    if (head->outcome != outcome && evidence != CT_NO_INDEX && verdict->beaten_count < CT_OUTCOME_COUNT) {
        verdict->beaten[verdict->beaten_count++] =
            (struct ct_beaten){.outcome = (uint8_t)outcome, .evidence = evidence};
    }
}

static bool counts(const struct ct_conversation *c, const struct ct_evidence *e)
{
    return e->level <= c->rules->scoring_level;
}

/* Did the customer's last message ask for no answer: "ok", "adios", a score? */
static bool took_leave(const struct ct_conversation *c, const struct reading *r)
{
    for (uint32_t i = 0; i < c->evidence.count; i++) {
        const struct ct_evidence *e = &ct_evidence_of(c)[i];
        enum ct_meaning means = ct_means(c, e);
        if (e->message == r->last_user && counts(c, e) &&
            (means == CT_MEANS_GOODBYE || means == CT_MEANS_AFFIRM || means == CT_MEANS_DENY ||
             means == CT_MEANS_THANKS || means == CT_MEANS_SCORE || means == CT_MEANS_SCORE_UNREADABLE)) {
            return true;
        }
    }
    return false;
}

/* Was every answer of the bot a fallback? (Facts and evidence are both in message order.) */
static bool only_fallbacks(const struct ct_conversation *c)
{
    uint32_t e = 0;
    for (uint32_t i = 0; i < c->facts.count; i++) {
        bool fallback = false;
        for (; e < c->evidence.count && ct_evidence_of(c)[e].message <= i; e++) {
            const struct ct_evidence *at = &ct_evidence_of(c)[e];
            fallback |= at->message == i && counts(c, at) && ct_means(c, at) == CT_MEANS_FALLBACK;
        }
        if (ct_facts(c)[i].answer && !fallback) {
            return false;
        }
    }
    return c->head.fallbacks > 0;
}

/* Silent, or abandoned, and where: nothing was said either way. */
static enum ct_outcome left_without_a_word(struct ct_conversation *c, const struct reading *r)
{
    bool form = false;
    for (uint32_t i = 0; i < c->evidence.count; i++) {
        const struct ct_evidence *e = &ct_evidence_of(c)[i];
        form |= e->message == r->last_bot && counts(c, e) && ct_means(c, e) == CT_MEANS_FORM_QUESTION;
    }
    if (r->first_answer == CT_NO_INDEX || (c->pending && !took_leave(c, r)) || only_fallbacks(c)) {
        c->head.abandoned_at = CT_ABANDONED_BOT;
        return CT_OUTCOME_ABANDONED;
    }
    if (form && !c->pending) {
        c->head.abandoned_at = CT_ABANDONED_QUESTION;
        return CT_OUTCOME_ABANDONED;
    }
    return CT_OUTCOME_SILENT;
}

/* The word that stands for what came of a conversation where nobody took over, and of the person's part otherwise. */
static enum ct_tri resolved_by_person(const struct ct_conversation *c, const struct reading *r, uint32_t *why)
{
    uint32_t from = r->first_agent != CT_NO_INDEX ? r->first_agent : message_of(c, r->performed);
    uint32_t good = later(c, r->confirmed, r->implied) ? r->confirmed : r->implied;
    if (good != CT_NO_INDEX && message_of(c, good) > from && later(c, good, r->negative)) {
        *why = good;
        return CT_TRUE;
    }
    if (r->negative != CT_NO_INDEX && message_of(c, r->negative) > from) {
        *why = r->negative;
        return CT_FALSE;
    }
    if (r->closed != CT_NO_INDEX && r->first_agent != CT_NO_INDEX && message_of(c, r->closed) > from) {
        *why = r->closed;
        return CT_TRUE;
    }
    return CT_NULL;
}

static void decide(struct ct_conversation *c, const struct reading *r, struct ct_verdict *verdict)
{
    struct ct_record *head = &c->head;
    uint32_t why = CT_NO_INDEX;
    /* A refusal takes back the request before it, and an announcement that nobody has followed yet. */
    bool requested = r->requested != CT_NO_INDEX && !later(c, r->refused, r->asked_again);
    bool announced = r->announced != CT_NO_INDEX && !later(c, r->refused, r->announced_again);
    bool begun = r->performed != CT_NO_INDEX || r->failed_try != CT_NO_INDEX;
    bool tried = begun && !later(c, r->refused, r->failed); /* and failed */
    uint32_t label = later(c, r->label_resolved, r->label_unresolved) ? r->label_resolved : r->label_unresolved;
    bool labelled_good = label != CT_NO_INDEX && label == r->label_resolved;
    bool labelled_bad = label != CT_NO_INDEX && !labelled_good;
    uint32_t confirmed = labelled_good ? label : r->confirmed;
    uint32_t negative = labelled_bad ? label : r->negative;
    uint32_t positive = later(c, r->confirmed, r->implied) ? r->confirmed : r->implied;

    head->engaged = r->last_user != CT_NO_INDEX;
    if (!head->engaged) {
        head->outcome = CT_OUTCOME_NOT_ENGAGED;
    } else if (head->escalated) {
        head->outcome = CT_OUTCOME_ESCALATED;
        why = r->performed != CT_NO_INDEX ? r->performed : r->announced;
        if (why == CT_NO_INDEX && !head->human_joined) {
            why = r->asked_again; /* presumed: see silent_act_after_request */
        }
        uint32_t person = CT_NO_INDEX;
        if (head->human_joined || r->performed != CT_NO_INDEX) {
            head->resolved = (uint8_t)resolved_by_person(c, r, &person);
        }
        decided_by(verdict, why);
        why = person;
    } else if (requested || announced || tried) {
        head->outcome = CT_OUTCOME_ESCALATION_FAILED;
        head->resolved = CT_FALSE;
        why = requested                     ? r->requested
              : announced                   ? r->announced
              : r->performed != CT_NO_INDEX ? r->performed
                                            : r->failed_try;
        if (later(c, r->failed, why)) {
            decided_by(verdict, why);
            why = r->failed;
        }
        if (r->last_user != CT_NO_INDEX && message_of(c, why) + 1 >= r->last_user) {
            head->abandoned_at = CT_ABANDONED_QUEUE;
            if (head->requested_at != CT_USEC_NONE && head->ended_at != CT_USEC_NONE) {
                head->queue_abandoned_usec = ct_usec_between(head->requested_at, head->ended_at);
            }
        }
    } else if (!labelled_bad && (labelled_good || later(c, confirmed, negative))) {
        head->outcome = CT_OUTCOME_RESOLVED_CONFIRMED;
        head->resolved = CT_TRUE;
        why = confirmed;
    } else if (labelled_bad || (negative != CT_NO_INDEX && !later(c, positive, negative))) {
        head->outcome = CT_OUTCOME_UNRESOLVED;
        head->resolved = CT_FALSE;
        why = negative;
    } else if (positive != CT_NO_INDEX) {
        head->outcome = CT_OUTCOME_RESOLVED_IMPLIED;
        head->resolved = CT_TRUE;
        why = positive;
    } else {
        head->outcome = (uint8_t)left_without_a_word(c, r);
        head->resolved = head->outcome == CT_OUTCOME_ABANDONED ? CT_FALSE : CT_NULL;
    }
    decided_by(verdict, why);

    /* An explicit label decides `resolved` over everything inferred, whoever took part. */
    if (label != CT_NO_INDEX) {
        head->label_decided = true;
        head->resolved = labelled_good ? CT_TRUE : CT_FALSE;
        if (label != why) {
            decided_by(verdict, label);
        }
        why = label;
    }
    if (head->resolved == CT_TRUE) {
        head->resolved_at = ts_of(c, why);
        if (head->resolved_at == CT_USEC_NONE) { /* the label has no time of its own: it speaks of the whole */
            head->resolved_at = head->ended_at;
        }
    }
    beat(verdict, head, CT_OUTCOME_ESCALATED, r->performed);
    beat(verdict, head, CT_OUTCOME_ESCALATION_FAILED,
         r->requested != CT_NO_INDEX   ? r->requested
         : r->announced != CT_NO_INDEX ? r->announced
                                       : r->failed_try);
    beat(verdict, head, CT_OUTCOME_RESOLVED_CONFIRMED, confirmed);
    beat(verdict, head, CT_OUTCOME_UNRESOLVED, negative);
    beat(verdict, head, CT_OUTCOME_RESOLVED_IMPLIED, r->implied);
}

void ct_outcome_decide(struct ct_conversation *c, struct ct_verdict *verdict)
{
    struct reading r;
    memset(&r, 0xFF, sizeof r); /* every index CT_NO_INDEX */
    read_messages(c, &r);
    ct_tally(c);
    for (uint32_t i = 0; i < c->evidence.count; i++) {
        if (ct_evidence_of(c)[i].level <= c->rules->scoring_level) {
            read_one(c, &r, i);
        }
    }
    c->head.message_count = c->facts.count;
    c->head.unanswered = c->pending_count;
    read_person(c, &r);
    read_times(c, &r);
    read_inferred(c);
    decide(c, &r, verdict);
}
