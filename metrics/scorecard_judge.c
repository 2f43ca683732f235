/* scorecard_judge.c - criteria over one record: true, false, or not to be said. Called by iqs.c, and by who
 * tells which criteria a rule set leaves open. */
#include "metrics/scorecard.h"
#include "metrics/terms.h"

static enum ct_tri tri(bool value)
{
    return value ? CT_TRUE : CT_FALSE;
}

static enum ct_tri flag_of(enum ct_check_flag flag, const struct ct_record *r)
{
    switch (flag) {
    case CT_CHECK_RESOLVED:
        return (enum ct_tri)r->resolved;
    case CT_CHECK_ESCALATED:
        return tri(r->escalated);
    case CT_CHECK_REQUESTED:
        return tri(r->requested);
    case CT_CHECK_FAILED:
        return tri(r->failed);
    case CT_CHECK_COMPLAINT:
        return tri(r->complaint);
    case CT_CHECK_INSULT:
        return tri(r->insult);
    case CT_CHECK_POSITIVE:
        return tri(r->positive);
    case CT_CHECK_NEGATIVE:
        return tri(r->negative);
    case CT_CHECK_REOPENED:
        return tri(r->reopened);
    case CT_CHECK_ANSWERED:
        return tri(r->ai_answered);
    case CT_CHECK_FIRST_CONTACT:
        return (enum ct_tri)r->first_contact;
    case CT_CHECK_FLAGS:
        break;
    }
    return CT_NULL;
}

/* Of one who left the queue as long as it was waited. */
static ct_usec waited(const struct ct_record *r)
{
    return r->wait_usec != CT_USEC_NONE ? r->wait_usec : r->queue_abandoned_usec;
}

static ct_usec took(const struct ct_record *r)
{
    return r->started_at != CT_USEC_NONE && r->resolved_at != CT_USEC_NONE && r->resolved_at >= r->started_at
               ? r->resolved_at - r->started_at
               : CT_USEC_NONE;
}

static int64_t score_of(const struct ct_record *r, enum ct_score_kind kind)
{
    return r->score[kind].present ? ct_score_usual(&r->score[kind]) : CT_USEC_NONE;
}

/* CT_USEC_NONE = not known. */
static int64_t number_of(enum ct_check_number number, const struct ct_record *r)
{
    switch (number) {
    case CT_CHECK_FIRST_RESPONSE:
        return r->first_response_usec;
    case CT_CHECK_HUMAN_FIRST_RESPONSE:
        return r->human_first_response_usec;
    case CT_CHECK_HUMAN_WAIT:
        return waited(r);
    case CT_CHECK_AI_HANDLING:
        return r->ai_handling_usec;
    case CT_CHECK_HUMAN_HANDLING:
        return r->human_handling_usec;
    case CT_CHECK_HANDLING:
        return r->total_handling_usec;
    case CT_CHECK_RESOLUTION:
        return took(r);
    case CT_CHECK_FALLBACKS:
        return r->fallbacks;
    case CT_CHECK_NO_DATA:
        return r->no_data;
    case CT_CHECK_WRONG:
        return r->wrong_answers;
    case CT_CHECK_REPEATS:
        return r->repeats;
    case CT_CHECK_UNANSWERED:
        return r->unanswered;
    case CT_CHECK_USER_MESSAGES:
        return r->user_messages;
    case CT_CHECK_BOT_MESSAGES:
        return r->bot_messages;
    case CT_CHECK_AGENT_MESSAGES:
        return r->agent_messages;
    case CT_CHECK_MESSAGES:
        return r->message_count;
    case CT_CHECK_NEGATIVE_MESSAGES:
        return r->negative_messages;
    case CT_CHECK_CSAT:
        return score_of(r, CT_SCORE_CSAT);
    case CT_CHECK_NPS:
        return score_of(r, CT_SCORE_NPS);
    case CT_CHECK_CES:
        return score_of(r, CT_SCORE_CES);
    case CT_CHECK_CSS:
        return score_of(r, CT_SCORE_CSS);
    case CT_CHECK_NUMBERS:
        break;
    }
    return CT_USEC_NONE;
}

/* Any of them. One that the rule set does not have leaves it open. */
static enum ct_tri has_signal(const struct ct_check *check, const struct ct_record *record,
                              const struct ct_bindings *bindings)
{
    enum ct_tri result = CT_FALSE;
    for (size_t i = 0; i < check->signal_count; i++) {
        enum ct_tri one = ct_bindings_card_signal(bindings, record, check->signals[i]);
        if (one == CT_TRUE) {
            return CT_TRUE;
        }
        result = one == CT_NULL ? CT_NULL : result;
    }
    return result;
}

/* Of ALL one false decides, of ANY one true; else one that is not known leaves it open. */
static enum ct_tri judge_parts(const struct ct_check *check, const struct ct_record *record,
                               const struct ct_bindings *bindings)
{
    enum ct_tri decides = check->kind == CT_CHECK_ALL ? CT_FALSE : CT_TRUE;
    enum ct_tri result = check->kind == CT_CHECK_ALL ? CT_TRUE : CT_FALSE;
    for (size_t i = 0; i < check->part_count; i++) {
        enum ct_tri part = ct_check_judge(check->parts[i], record, bindings);
        if (part == decides) {
            return decides;
        }
        result = part == CT_NULL ? CT_NULL : result;
    }
    return result;
}

enum ct_tri ct_check_judge(const struct ct_check *check, const struct ct_record *record,
                           const struct ct_bindings *bindings)
{
    enum ct_tri found;
    int64_t number;
    switch (check->kind) {
    case CT_CHECK_SIGNAL:
        return has_signal(check, record, bindings);
    case CT_CHECK_OUTCOME:
        return tri(check->outcomes >> record->outcome & 1);
    case CT_CHECK_FLAG:
        found = flag_of(check->flag, record);
        return found == CT_NULL ? CT_NULL : tri((found == CT_TRUE) == check->wanted);
    case CT_CHECK_NUMBER:
        number = number_of(check->number, record);
        return number == CT_USEC_NONE ? CT_NULL : tri(number >= check->low && number <= check->high);
    case CT_CHECK_ALL:
    case CT_CHECK_ANY:
        return judge_parts(check, record, bindings);
    case CT_CHECK_NOT:
        found = ct_check_judge(check->parts[0], record, bindings);
        return found == CT_NULL ? CT_NULL : tri(found == CT_FALSE);
    }
    return CT_NULL;
}

int64_t ct_criterion_score(const struct ct_criterion *criterion, const struct ct_record *record,
                           const struct ct_terms *terms, const struct ct_marked *marked)
{
    if (criterion->when && ct_check_judge(criterion->when, record, terms->bindings) != CT_TRUE) {
        return -1;
    }
    const struct ct_mark *mark =
        marked && criterion->mark.len ? ct_marks_of(terms->marks, marked, CT_MARK_CRITERION, criterion->mark) : NULL;
    if (mark) {
        return mark->value;
    }
    enum ct_tri found = criterion->rule ? ct_check_judge(criterion->rule, record, terms->bindings) : CT_NULL;
    return found == CT_NULL ? -1 : found == CT_TRUE ? CT_CRITERION_ONE : 0;
}

static bool names(const struct ct_check *check, size_t index)
{
    bool found = false;
    for (size_t i = 0; check && check->kind == CT_CHECK_SIGNAL && i < check->signal_count && !found; i++) {
        found = check->signals[i] == index;
    }
    for (size_t i = 0; check && i < check->part_count && !found; i++) {
        found = names(check->parts[i], index);
    }
    return found;
}

void ct_scorecard_missing(const struct ct_scorecard *card, const struct ct_binding *binding,
                          void (*one)(void *context, const struct ct_criterion *criterion, ct_span signal),
                          void *context)
{
    for (size_t i = 0; i < card->count && binding->card_missing; i++) {
        const struct ct_criterion *criterion = &card->criteria[i];
        for (size_t j = 0; j < card->signals.count; j++) {
            if (binding->card[j] < 0 && (names(criterion->rule, j) || names(criterion->when, j))) {
                one(context, criterion, card->signals.at[j]);
            }
        }
    }
}
