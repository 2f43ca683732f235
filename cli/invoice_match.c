/* invoice_match.c - sorts conversations and the bill's rows by id and goes through both. See invoice_match.h. */
#include "cli/invoice_match.h"

#include <stdlib.h>

#include "cli/sorter.h"
#include "sinks/writer.h"

const char *ct_verdict_text(enum ct_verdict_of_bill verdict)
{
    static const char *const texts[] = {
#define X(symbol, text, en, es) text,
        CT_VERDICT_MAP(X)
#undef X
    };
    return texts[verdict];
}

const char *ct_verdict_sentence(enum ct_verdict_of_bill verdict, enum ct_lang lang)
{
    static const char *const sentences[][CT_LANG_COUNT] = {
#define X(symbol, text, en, es) {en, es},
        CT_VERDICT_MAP(X)
#undef X
    };
    return sentences[verdict][lang];
}

bool ct_verdict_disputes(enum ct_verdict_of_bill verdict)
{
    return verdict == CT_VERDICT_NOT_RESOLVED || verdict == CT_VERDICT_TWICE || verdict == CT_VERDICT_UNKNOWN ||
           verdict == CT_VERDICT_TOO_EARLY || verdict == CT_VERDICT_OTHER_PERIOD;
}

/* Of one id conversations come first, the one that speaks most for the bill at their head, then credits, then what is
 * billed. */
enum kind { KIND_CONVERSATION, KIND_CREDIT, KIND_BILLED };
enum rank { RANK_DUE, RANK_OTHER_PERIOD, RANK_YOUNG, RANK_LEFT, RANK_NOT_RESOLVED };

/* A line of the sorter: this, the id, the evidence. Every byte of it is set. */
struct head {
    uint32_t id_len, evidence_len;
    uint32_t kind, rank;
    uint32_t place, why, outcome, provisional;
    uint32_t session, agent_messages;
    ct_usec counted_at, settles_at, started_at, ended_at, next_any_usec;
    ct_nano amount;
    uint64_t line;
};

struct group { /* of one id */
    bool open, known;
    struct ct_text id, evidence;
    struct head best;
    uint64_t sessions, credits, billed;
};

struct ct_invoice_match {
    struct ct_invoice_terms terms;
    struct ct_sorter *sorter;
    struct ct_sorter_run *run;
    struct ct_text tie, line, evidence;
    struct group group;
    enum ct_status (*entry)(void *context, const struct ct_invoice_entry *entry);
    void *context;
    struct ct_invoice_sums *sums;
    enum ct_status status; /* why the merge was stopped */
};

struct ct_invoice_match *ct_invoice_match_new(const struct ct_invoice_terms *terms)
{
    struct ct_invoice_match *match = calloc(1, sizeof *match);
    if (match) {
        match->terms = *terms;
        match->sorter = ct_sorter_new(0);
        match->run = match->sorter ? ct_sorter_run_new(match->sorter) : NULL;
    }
    if (match && !match->run) {
        ct_invoice_match_free(match);
        return NULL;
    }
    return match;
}

void ct_invoice_match_free(struct ct_invoice_match *match)
{
    if (match) {
        struct ct_error ignored = {0};
        (void)!ct_sorter_run_done(match->run, &ignored);
        ct_sorter_free(match->sorter);
        free(match->tie.at);
        free(match->line.at);
        free(match->evidence.at);
        free(match->group.id.at);
        free(match->group.evidence.at);
        free(match);
    }
}

/* ---- in -----------------------------------------------------------------------------------------------------------
 */

static bool add_number(struct ct_text *text, uint64_t value)
{
    char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)(value >> (56 - 8 * i));
    }
    return ct_text_add(text, bytes, sizeof bytes);
}

/* An id so that nothing in it can be taken for its end, and the order of ids stays that of their bytes. */
static bool add_id(struct ct_text *text, ct_span id)
{
    size_t from = 0;
    for (size_t i = 0; i < id.len; i++) {
        if ((unsigned char)id.at[i] <= 1) {
            if (!ct_text_add(text, id.at + from, i - from) || !ct_text_add(text, id.at[i] ? "\1\2" : "\1\1", 2)) {
                return false;
            }
            from = i + 1;
        }
    }
    return ct_text_add(text, id.at + from, id.len - from) && ct_text_add(text, "", 1);
}

static enum ct_status put(struct ct_invoice_match *match, const struct head *head, ct_span id, struct ct_error *err)
{
    struct ct_text *tie = &match->tie, *line = &match->line;
    uint64_t time = head->kind == KIND_CONVERSATION ? (uint64_t)head->started_at ^ (UINT64_C(1) << 63) : head->line;
    tie->len = line->len = 0;
    const char kinds[] = {(char)head->kind, (char)head->rank};
    if (!add_id(tie, id) || !ct_text_add(tie, kinds, sizeof kinds) || !add_number(tie, time) ||
        !add_number(tie, head->session) || !ct_text_add(line, (const char *)head, sizeof *head) ||
        !ct_text_add(line, id.at, id.len) || !ct_text_add(line, match->evidence.at, head->evidence_len)) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    return ct_sorter_put(match->run, 0, (ct_span){tie->at, tie->len}, (ct_span){line->at, line->len}, err);
}

static void write_rule(struct ct_writer *json, const struct ct_ruleset *rules, uint16_t index)
{
    char text[512];
    ct_writer_key(json, "rule");
    if (index >= rules->rule_count) { /* a built-in fact */
        ct_writer_null(json);
        return;
    }
    const struct ct_rule *rule = &rules->rules[index];
    int len = snprintf(text, sizeof text, "%.*s@%u", rule->id.len < 400 ? (int)rule->id.len : 400, rule->id.at,
                       (unsigned)rule->rev);
    ct_writer_string(json, (ct_span){text, (size_t)len});
}

/* What decided the outcome, down to message and rule. */
static bool write_evidence(struct ct_text *out_text, const struct ct_ruleset *rules, const struct ct_record *record)
{
    const struct ct_evidence *evidence = ct_record_array(record, record->evidence);
    const uint32_t *decided = ct_record_array(record, record->decided_by);
    struct ct_out out;
    struct ct_writer json;
    out_text->len = 0;
    ct_out_init(&out, ct_text_add, out_text);
    ct_writer_init(&json, &out);
    ct_writer_open(&json, '[');
    for (uint32_t i = 0; i < record->decided_by.count; i++) {
        if (decided[i] >= record->evidence.count) {
            continue;
        }
        const struct ct_evidence *one = &evidence[decided[i]];
        ct_writer_open(&json, '{');
        ct_writer_key(&json, "message");
        ct_writer_wide(&json, one->message);
        ct_writer_key(&json, "begin");
        ct_writer_wide(&json, one->begin);
        ct_writer_key(&json, "end");
        ct_writer_wide(&json, one->end);
        ct_writer_key(&json, "signal");
        if (one->signal < rules->signal_count) {
            ct_writer_string(&json, rules->signals[one->signal].name);
        } else {
            ct_writer_null(&json);
        }
        write_rule(&json, rules, one->rule);
        ct_writer_close(&json, '}');
    }
    ct_writer_close(&json, ']');
    return ct_out_done(&out) == CT_OK;
}

static enum rank rank_of(const struct ct_invoice_terms *terms, const struct ct_standing *standing)
{
    if (standing->place == CT_STAND_LEFT) {
        return standing->why == CT_WHY_YOUNG ? RANK_YOUNG : RANK_LEFT;
    }
    if (standing->place != CT_STAND_HIT) {
        return RANK_NOT_RESOLVED;
    }
    bool open = terms->from == CT_USEC_NONE && terms->to == CT_USEC_NONE;
    if (standing->counted_at == CT_USEC_NONE) {
        return open ? RANK_DUE : RANK_LEFT;
    }
    bool inside = (terms->from == CT_USEC_NONE || standing->counted_at >= terms->from) &&
                  (terms->to == CT_USEC_NONE || standing->counted_at < terms->to);
    return inside ? RANK_DUE : RANK_OTHER_PERIOD;
}

enum ct_status ct_invoice_match_record(struct ct_invoice_match *match, const struct ct_ruleset *rules,
                                       const struct ct_record *record, struct ct_error *err)
{
    struct ct_standing standing;
    struct head head;
    ct_definition_place(match->terms.definition, record, &standing);
    if (!write_evidence(&match->evidence, rules, record)) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    ct_span id = ct_record_text(record, CT_TEXT_CONVERSATION_ID);
    memset(&head, 0, sizeof head);
    head.id_len = (uint32_t)id.len;
    head.evidence_len = (uint32_t)match->evidence.len;
    head.kind = KIND_CONVERSATION;
    head.rank = rank_of(&match->terms, &standing);
    if (head.rank == RANK_LEFT && standing.place == CT_STAND_HIT) {
        standing.place = CT_STAND_LEFT; /* resolved, but in which period? */
        standing.why = CT_WHY_UNTIMED;
    }
    head.place = standing.place;
    head.why = standing.why;
    head.provisional = standing.provisional;
    head.counted_at = standing.counted_at;
    head.settles_at = standing.settles_at;
    head.outcome = record->outcome;
    head.session = record->session;
    head.agent_messages = record->agent_messages;
    head.started_at = record->started_at;
    head.ended_at = record->ended_at;
    head.next_any_usec = record->next_any_usec;
    return put(match, &head, id, err);
}

enum ct_status ct_invoice_match_bill(struct ct_invoice_match *match, const struct ct_bill_row *row,
                                     struct ct_error *err)
{
    struct head head;
    memset(&head, 0, sizeof head);
    head.id_len = (uint32_t)row->id.len;
    head.amount = row->has_amount ? row->amount : match->terms.price;
    head.kind = head.amount < 0 ? KIND_CREDIT : KIND_BILLED;
    head.line = row->line;
    return put(match, &head, row->id, err);
}

/* ---- out ----------------------------------------------------------------------------------------------------------
 */

static bool emit(struct ct_invoice_match *match, enum ct_verdict_of_bill verdict, ct_nano amount, uint64_t line)
{
    const struct group *group = &match->group;
    const struct head *best = &group->best;
    struct ct_invoice_total *total = &match->sums->verdict[verdict];
    total->count++;
    total->amount += amount;
    if (verdict == CT_VERDICT_AGREED) {
        return true;
    }
    struct ct_invoice_entry entry = {
        .verdict = verdict, .id = {group->id.at, group->id.len}, .amount = amount, .line = line, .known = group->known};
    if (group->known) {
        entry.place = (enum ct_stand)best->place;
        entry.why = (enum ct_why)best->why;
        entry.provisional = best->provisional;
        entry.counted_at = best->counted_at;
        entry.settles_at = best->settles_at;
        entry.started_at = best->started_at;
        entry.ended_at = best->ended_at;
        entry.next_any_usec = best->next_any_usec;
        entry.session = best->session;
        entry.sessions = group->sessions;
        entry.outcome = (uint8_t)best->outcome;
        entry.agent_messages = best->agent_messages;
        entry.evidence = (ct_span){group->evidence.at, group->evidence.len};
    }
    match->status = match->entry(match->context, &entry);
    return match->status == CT_OK;
}

static bool end_group(struct ct_invoice_match *match)
{
    struct group *group = &match->group;
    struct ct_invoice_sums *sums = match->sums;
    bool good = true;
    if (!group->open || !group->known) {
        return true;
    }
    sums->conversations++;
    sums->pending += group->best.rank == RANK_YOUNG;
    if (group->best.rank == RANK_DUE) {
        sums->due.count++;
        sums->due.amount += match->terms.price;
        sums->provisional += group->best.provisional;
        if (!match->terms.has_bill || group->billed == 0) {
            good = emit(match, match->terms.has_bill ? CT_VERDICT_NOT_BILLED : CT_VERDICT_DUE, match->terms.price, 0);
        }
    }
    return good;
}

static bool begin_group(struct ct_invoice_match *match, ct_span id)
{
    struct group *group = &match->group;
    group->open = true;
    group->known = false;
    group->sessions = group->credits = group->billed = 0;
    group->id.len = group->evidence.len = 0;
    if (!ct_text_add(&group->id, id.at, id.len)) {
        match->status = CT_NO_MEMORY;
        return false;
    }
    return true;
}

static enum ct_verdict_of_bill judge(struct ct_invoice_match *match, const struct head *billed)
{
    struct group *group = &match->group;
    if (!group->known) {
        return CT_VERDICT_UNKNOWN;
    }
    if (group->billed++ > 0) {
        return CT_VERDICT_TWICE;
    }
    switch ((enum rank)group->best.rank) {
    case RANK_DUE:
        break;
    case RANK_OTHER_PERIOD:
        return CT_VERDICT_OTHER_PERIOD;
    case RANK_YOUNG:
        return CT_VERDICT_TOO_EARLY;
    case RANK_LEFT:
        return CT_VERDICT_NOT_JUDGED;
    case RANK_NOT_RESOLVED:
        return CT_VERDICT_NOT_RESOLVED;
    }
    return billed->amount == match->terms.price ? CT_VERDICT_AGREED : CT_VERDICT_WRONG_AMOUNT;
}

static bool take_billed(struct ct_invoice_match *match, const struct head *head)
{
    struct group *group = &match->group;
    match->sums->billed.count++;
    match->sums->billed.amount += head->amount;
    if (head->kind == KIND_CREDIT) {
        group->credits++;
        return emit(match, CT_VERDICT_CREDITED, head->amount, head->line);
    }
    if (group->credits > 0) { /* what was charged and given back is no dispute */
        group->credits--;
        return emit(match, CT_VERDICT_CREDITED, head->amount, head->line);
    }
    return emit(match, judge(match, head), head->amount, head->line);
}

static bool take(void *context, const char *bytes, size_t len)
{
    struct ct_invoice_match *match = context;
    struct group *group = &match->group;
    struct head head;
    if (len < sizeof head) {
        match->status = CT_IO;
        return false;
    }
    memcpy(&head, bytes, sizeof head);
    ct_span id = {bytes + sizeof head, head.id_len};
    ct_span evidence = {id.at + id.len, head.evidence_len};
    if (!group->open || !ct_span_eq(id, (ct_span){group->id.at, group->id.len})) {
        if (!end_group(match) || !begin_group(match, id)) {
            return false;
        }
    }
    if (head.kind != KIND_CONVERSATION) {
        return take_billed(match, &head);
    }
    group->sessions++;
    if (!group->known) {
        group->known = true;
        group->best = head;
        if (!ct_text_add(&group->evidence, evidence.at, evidence.len)) {
            match->status = CT_NO_MEMORY;
            return false;
        }
    }
    return true;
}

enum ct_status ct_invoice_match_end(struct ct_invoice_match *match,
                                    enum ct_status (*entry)(void *context, const struct ct_invoice_entry *entry),
                                    void *context, struct ct_invoice_sums *sums, struct ct_error *err)
{
    memset(sums, 0, sizeof *sums);
    match->entry = entry;
    match->context = context;
    match->sums = sums;
    match->status = CT_OK;
    enum ct_status status = ct_sorter_run_done(match->run, err);
    match->run = NULL;
    if (status == CT_OK) {
        status = ct_sorter_merge(match->sorter, take, match, err);
        if (match->status != CT_OK) {
            return ct_error_set(err, match->status, "%s", ct_status_text(match->status));
        }
    }
    if (status == CT_OK && !end_group(match)) {
        status = ct_error_set(err, match->status, "%s", ct_status_text(match->status));
    }
    return status;
}
