/* explain_show.c - lays a conversation out for reading; see explain_show.h. */
#include "cli/explain_show.h"

#include "cli/explain_words.h"
#include "sinks/format.h"

#include <inttypes.h>
#include <stdio.h>

enum { TEXT_SHOWN_BYTES = 4000 };

struct view {
    struct ct_sheet *sheet;
    const struct ct_ruleset *rules;
    const struct ct_record *record;
    const struct ct_evidence *evidence;
    const struct ct_shown_message *messages;
    size_t count;
    size_t text_column;
};

static const char *who(enum ct_role role)
{
    return role == CT_ROLE_USER ? "customer" : ct_role_text(role);
}

static const char *duration(ct_usec usec, char *out)
{
    (void)ct_format_duration(usec, CT_LANG_EN, out);
    return out;
}

/* ---- evidence ---------------------------------------------------------------------------------------------------- */

static void show_rule(const struct view *v, const struct ct_evidence *e)
{
    if (e->rule >= v->rules->rule_count) {
        ct_sheet_text(v->sheet, CT_INK_DIM, "a fact of the platform");
        return;
    }
    const struct ct_rule *rule = &v->rules->rules[e->rule];
    const struct ct_pack *pack = &v->rules->packs[rule->pack];
    ct_sheet_span(v->sheet, CT_INK_DIM, rule->id);
    ct_sheet_format(v->sheet, CT_INK_DIM, "@%u (%.*s %.*s, line %u)", rule->rev, (int)pack->name.len, pack->name.at,
                    (int)pack->version.len, pack->version.at, rule->line);
}

/* The quoted words, what they mean, and which signal and rule say so. */
static void show_evidence(const struct view *v, const struct ct_evidence *e, bool quoted)
{
    struct ct_sheet *sheet = v->sheet;
    const struct ct_signal *signal = &v->rules->signals[e->signal];
    const char *words = ct_meaning_words(signal->means, CT_LANG_EN);
    ct_span text = e->message < v->count ? v->messages[e->message].text : CT_SPAN_NONE;
    if (quoted && e->end > e->begin && e->end <= text.len) {
        ct_sheet_quote(sheet, (ct_span){text.at + e->begin, e->end - e->begin});
        ct_sheet_text(sheet, CT_INK_PLAIN, " ");
    }
    if (words) {
        ct_sheet_text(sheet, CT_INK_PLAIN, words);
        ct_sheet_text(sheet, CT_INK_PLAIN, ": ");
    }
    ct_sheet_span(sheet, CT_INK_MARK, signal->name);
    ct_sheet_text(sheet, CT_INK_DIM, " by ");
    show_rule(v, e);
    if (e->because < v->record->evidence.count) {
        const struct ct_evidence *because = &v->evidence[e->because];
        ct_sheet_text(sheet, CT_INK_DIM, ", because of ");
        ct_sheet_span(sheet, CT_INK_DIM, v->rules->signals[because->signal].name);
        ct_sheet_format(sheet, CT_INK_DIM, " in message %u", because->message + 1);
    }
    if (e->level > v->rules->scoring_level) {
        ct_sheet_format(sheet, CT_INK_DIM, "; only tried (level %u): moves nothing", e->level);
    }
}

/* One line a signal; the other rules that say the same behind it. */
static void show_evidence_of(const struct view *v, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++) {
        const struct ct_evidence *e = &v->evidence[i];
        bool said = false, more = false;
        for (uint32_t before = begin; before < i && !said; before++) {
            said = v->evidence[before].signal == e->signal && v->evidence[before].level == e->level;
        }
        if (said) {
            continue;
        }
        ct_sheet_column(v->sheet, v->text_column);
        ct_sheet_text(v->sheet, CT_INK_MARK, ">");
        ct_sheet_column(v->sheet, v->text_column + 2);
        show_evidence(v, e, true);
        for (uint32_t next = i + 1; next < end; next++) {
            if (v->evidence[next].signal == e->signal && v->evidence[next].level == e->level) {
                ct_sheet_text(v->sheet, CT_INK_DIM, more ? ", " : "; also by ");
                show_rule(v, &v->evidence[next]);
                more = true;
            }
        }
        ct_sheet_line(v->sheet);
    }
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static void show_message(const struct view *v, uint32_t index, const char *clock)
{
    struct ct_sheet *sheet = v->sheet;
    const struct ct_shown_message *m = &v->messages[index];
    char number[16];
    int digits = snprintf(number, sizeof number, "%u", index + 1);
    ct_sheet_column(sheet, digits < 4 ? 4 - (size_t)digits : 0);
    ct_sheet_text(sheet, CT_INK_DIM, number);
    ct_sheet_column(sheet, 6);
    if (v->text_column > 16) {
        ct_sheet_text(sheet, CT_INK_DIM, *clock ? clock : "-");
        ct_sheet_column(sheet, 16);
    }
    ct_sheet_text(sheet, m->role == CT_ROLE_USER ? CT_INK_BOLD : CT_INK_PLAIN, who(m->role));
    ct_sheet_column(sheet, v->text_column);
    size_t shown = m->text.len;
    if (shown > TEXT_SHOWN_BYTES) {
        for (shown = TEXT_SHOWN_BYTES; shown > 0 && ((unsigned char)m->text.at[shown] & 0xC0) == 0x80; shown--) {
        }
    }
    ct_sheet_span(sheet, CT_INK_PLAIN, (ct_span){m->text.at, shown});
    if (shown < m->text_len) {
        ct_sheet_format(sheet, CT_INK_DIM, " [and %zu bytes more]", m->text_len - shown);
    }
    if (*m->note) {
        ct_sheet_text(sheet, CT_INK_PLAIN, shown ? " " : "");
        ct_sheet_text(sheet, CT_INK_DIM, m->note);
    }
    ct_sheet_line(sheet);
}

static void show_messages(const struct view *v)
{
    char day[32] = "", text[32];
    uint32_t e = 0;
    for (uint32_t i = 0; i < v->count; i++) {
        const char *clock = "";
        if (v->messages[i].ts != CT_USEC_NONE) {
            ct_time_format(v->messages[i].ts, text);
            text[10] = text[19] = '\0'; /* day, then clock: fractions of a second are for machines */
            clock = text + 11;
            if (*day && strcmp(day, text) != 0) {
                ct_sheet_column(v->sheet, 6);
                ct_sheet_text(v->sheet, CT_INK_DIM, text);
                ct_sheet_line(v->sheet);
            }
            memcpy(day, text, sizeof day);
        }
        show_message(v, i, clock);
        uint32_t begin = e;
        while (e < v->record->evidence.count && v->evidence[e].message == i) {
            e++;
        }
        show_evidence_of(v, begin, e);
    }
}

/* ---- the verdict ------------------------------------------------------------------------------------------------- */

static void show_field(const struct view *v, const char *name, enum ct_text_field field)
{
    ct_span value = ct_record_text(v->record, field);
    if (value.len) {
        if (v->sheet->column > v->sheet->indent) {
            ct_sheet_text(v->sheet, CT_INK_PLAIN, ", ");
        }
        ct_sheet_text(v->sheet, CT_INK_DIM, name);
        ct_sheet_text(v->sheet, CT_INK_PLAIN, " ");
        ct_sheet_span(v->sheet, CT_INK_PLAIN, value);
    }
}

static void show_head(const struct view *v)
{
    struct ct_sheet *sheet = v->sheet;
    const struct ct_record *record = v->record;
    char text[CT_FORMAT_BYTES];
    ct_sheet_text(sheet, CT_INK_BOLD, "Conversation ");
    ct_sheet_span(sheet, CT_INK_BOLD, ct_record_text(record, CT_TEXT_CONVERSATION_ID));
    if (record->session > 1) {
        ct_sheet_format(sheet, CT_INK_BOLD, ", session %u", record->session);
    }
    ct_sheet_line(sheet);
    show_field(v, "customer", CT_TEXT_USER_ID);
    show_field(v, "channel", CT_TEXT_CHANNEL);
    show_field(v, "language", CT_TEXT_LANGUAGE);
    show_field(v, "bot", CT_TEXT_BOT);
    show_field(v, "tenant", CT_TEXT_TENANT);
    if (sheet->column) {
        ct_sheet_line(sheet);
    }
    if (record->started_at != CT_USEC_NONE) {
        ct_time_format(record->started_at, text);
        text[10] = ' ';
        text[19] = '\0';
        ct_sheet_format(sheet, CT_INK_PLAIN, "%s UTC", text);
        ct_sheet_format(sheet, CT_INK_PLAIN, ", lasting %s, ", duration(record->ended_at - record->started_at, text));
    }
    ct_sheet_format(sheet, CT_INK_PLAIN, "%u message%s%s", record->message_count, record->message_count == 1 ? "" : "s",
                    record->timed ? "" : ", not all of them with a time");
    ct_sheet_line(sheet);
    ct_sheet_line(sheet);
}

/* Where a person took part or was to come, a handoff decides the outcome, and something else whether it was resolved.
 */
static bool is_about_outcome(const struct view *v, const struct ct_evidence *e)
{
    enum ct_meaning means = v->rules->signals[e->signal].means;
    bool handoff = means == CT_MEANS_HUMAN_REQUESTED || means == CT_MEANS_HANDOFF_ANNOUNCED ||
                   means == CT_MEANS_HANDOFF_PERFORMED || means == CT_MEANS_HANDOFF_FAILED;
    return handoff || v->record->outcome > CT_OUTCOME_ESCALATION_FAILED;
}

/* The evidence that decided the outcome, or else what came of it, each with `name` before the first. false = none. */
static bool show_decided_by(const struct view *v, const char *name, bool outcome)
{
    const uint32_t *decided = ct_record_array(v->record, v->record->decided_by);
    bool any = false;
    for (uint32_t i = 0; i < v->record->decided_by.count; i++) {
        const struct ct_evidence *e = &v->evidence[decided[i]];
        if (is_about_outcome(v, e) == outcome) {
            ct_sheet_name(v->sheet, any ? "" : name);
            ct_sheet_format(v->sheet, CT_INK_PLAIN, "message %u, ", e->message + 1);
            show_evidence(v, e, true);
            ct_sheet_line(v->sheet);
            any = true;
        }
    }
    return any;
}

static void show_decided(const struct view *v)
{
    bool agent = v->record->outcome == CT_OUTCOME_ESCALATED && v->record->human_joined;
    const char *name = "Because";
    for (uint32_t i = 0; i < v->count && agent; i++) { /* a person's own words are no signal's evidence */
        if (v->messages[i].role == CT_ROLE_AGENT) {
            ct_sheet_name(v->sheet, name);
            ct_sheet_format(v->sheet, CT_INK_PLAIN, "message %u: a person wrote", i + 1);
            ct_sheet_line(v->sheet);
            agent = false;
            name = "";
        }
    }
    if (!show_decided_by(v, name, true) && *name) {
        ct_sheet_name(v->sheet, name);
        ct_sheet_text(v->sheet, CT_INK_PLAIN, "no signal decides it: it is how the conversation was left");
        ct_sheet_line(v->sheet);
    }
}

static void show_why_not(const struct view *v)
{
    const struct ct_record *record = v->record;
    const struct ct_beaten *beaten = ct_record_array(record, record->beaten);
    const uint32_t *decided = ct_record_array(record, record->decided_by);
    struct ct_verdict_facts facts = {.outcome = (enum ct_outcome)record->outcome,
                                     .abandoned_at = (enum ct_abandoned_at)record->abandoned_at,
                                     .announced = record->announced};
    for (uint32_t i = 0; i < record->beaten.count; i++) {
        facts.spoke[beaten[i].outcome] = v->evidence[beaten[i].evidence].message + 1;
    }
    if (record->decided_by.count) {
        facts.decided = v->evidence[decided[0]].message + 1;
    }
    ct_sheet_why_not(v->sheet, &facts);
}

static void show_time(const struct view *v, const char *name, ct_usec usec)
{
    char text[CT_FORMAT_BYTES];
    if (usec != CT_USEC_NONE) {
        ct_sheet_text(v->sheet, CT_INK_PLAIN, v->sheet->column > v->sheet->indent ? ", " : "");
        ct_sheet_format(v->sheet, CT_INK_PLAIN, "%s %s", name, duration(usec, text));
    }
}

static void show_scores(const struct view *v)
{
    static const char *const kinds[CT_SCORE_COUNT] = {"CSAT", "NPS", "CES", "CSS"};
    bool any = false;
    for (int i = 0; i < CT_SCORE_COUNT; i++) {
        const struct ct_score *score = &v->record->score[i];
        if (score->present) {
            if (!any) {
                ct_sheet_name(v->sheet, "Scores");
            }
            ct_sheet_format(v->sheet, CT_INK_PLAIN, "%s%s %d on a scale of %d to %d", any ? ", " : "", kinds[i],
                            score->value, score->scale_min, score->scale_max);
            any = true;
        }
    }
    if (any) {
        ct_sheet_line(v->sheet);
    }
}

/* What the cost is made up of, and what people alone would have cost. */
static void show_cost_parts(const struct view *v)
{
    const struct ct_record *record = v->record;
    const struct {
        const char *name;
        ct_nano amount;
    } parts[] = {{"said by the source", record->cost_source},
                 {"tokens", record->cost_tokens},
                 {"channel", record->cost_channel},
                 {"people", record->cost_human},
                 {"fixed, without the month's share", record->cost_fixed}};
    char text[CT_FORMAT_BYTES];
    bool any = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].amount) {
            (void)ct_money_format(parts[i].amount, text);
            ct_sheet_format(v->sheet, CT_INK_PLAIN, "%s%s %s", any ? ", " : ": ", parts[i].name, text);
            any = true;
        }
    }
    if (record->has_human_price) {
        (void)ct_money_format(record->human_price, text);
        ct_sheet_format(v->sheet, CT_INK_PLAIN, "; people alone would have cost %s", text);
    }
    if (record->unpriced) {
        ct_sheet_format(v->sheet, CT_INK_PLAIN, "; without a price: %u", record->unpriced);
    }
}

static void show_numbers(const struct view *v)
{
    const struct ct_record *record = v->record;
    struct ct_sheet *sheet = v->sheet;
    char text[CT_FORMAT_BYTES];
    static const char *const tri[] = {"no", "yes", "not known"};
    ct_sheet_name(sheet, "Resolved");
    ct_sheet_format(sheet, CT_INK_PLAIN, "%s%s", tri[record->resolved],
                    record->label_decided ? ", by an explicit label of the source" : "");
    ct_sheet_line(sheet);
    (void)show_decided_by(v, "", false);
    ct_sheet_name(sheet, "First contact");
    ct_sheet_text(sheet, CT_INK_PLAIN,
                  record->first_contact == CT_TRUE   ? "yes: resolved, and the customer did not come back for it"
                  : record->first_contact == CT_NULL ? !record->has_customer ? "not known: the customer is not named"
                                                       : record->immature && record->timed
                                                           ? "not known yet: the window to come back has not passed"
                                                           : "not known"
                  : record->returned || record->is_return ? "no: the customer came back within the window"
                                                          : "no: not resolved");
    ct_sheet_line(sheet);
    show_scores(v);
    if (record->total_handling_usec != CT_USEC_NONE || record->first_response_usec != CT_USEC_NONE) {
        ct_sheet_name(sheet, "Times");
        show_time(v, "first response", record->first_response_usec);
        show_time(v, "handled by the bot", record->ai_handling_usec);
        show_time(v, "waited for a person", record->wait_usec);
        show_time(v, "handled by a person", record->human_handling_usec);
        ct_sheet_line(sheet);
    }
    if (record->has_cost) {
        ct_span currency = ct_record_text(record, CT_TEXT_CURRENCY);
        ct_money_format(record->cost, text);
        ct_sheet_name(sheet, "Cost");
        ct_sheet_format(sheet, CT_INK_PLAIN, "%s %.*s", text, (int)currency.len, currency.at);
        show_cost_parts(v);
        ct_sheet_line(sheet);
    }
}

void ct_explain_show(struct ct_sheet *sheet, const struct ct_ruleset *rules, const struct ct_record *record,
                     const struct ct_shown_message *messages, size_t count)
{
    struct view v = {.sheet = sheet,
                     .rules = rules,
                     .record = record,
                     .evidence = ct_record_array(record, record->evidence),
                     .messages = messages,
                     .count = count,
                     .text_column = record->started_at != CT_USEC_NONE ? 26 : 16};
    show_head(&v);
    show_messages(&v);
    ct_sheet_line(sheet);
    ct_sheet_name(sheet, "Outcome");
    ct_sheet_text(sheet, CT_INK_BOLD, ct_outcome_text((enum ct_outcome)record->outcome));
    ct_sheet_format(sheet, CT_INK_PLAIN, ": %s", ct_outcome_words((enum ct_outcome)record->outcome, CT_LANG_EN));
    ct_sheet_line(sheet);
    show_decided(&v);
    show_why_not(&v);
    show_numbers(&v);
}
