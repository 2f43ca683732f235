/* alarm_condition.c - reads an alarm's condition: "csat < 70", "churn up 20%", "csat down", "any target missed". See
 * alarm.h. Called by the program's configuration.
 */
#include <stdarg.h>
#include <stdio.h>

#include "metrics/alarm.h"

static bool wrong(char *problem, const char *format, ...) CT_PRINTF(2, 3);
static bool wrong(char *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(problem, CT_ALARM_PROBLEM_BYTES, format, args);
    va_end(args);
    return false;
}

static ct_span trimmed(ct_span text)
{
    while (text.len && text.at[0] == ' ') {
        text = (ct_span){text.at + 1, text.len - 1};
    }
    while (text.len && text.at[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

/* The head of `rest` up to a space or a sign of comparison; *rest = what is behind it. */
static ct_span take_word(ct_span *rest)
{
    size_t len = 0;
    while (len < rest->len && rest->at[len] != ' ' && rest->at[len] != '<' && rest->at[len] != '>') {
        len++;
    }
    ct_span word = {rest->at, len};
    *rest = trimmed((ct_span){rest->at + len, rest->len - len});
    return word;
}

/* "<", "<=", ">", ">=" at the head. */
static bool take_op(ct_span *rest, enum ct_alarm_op *out)
{
    if (rest->len == 0 || (rest->at[0] != '<' && rest->at[0] != '>')) {
        return false;
    }
    bool below = rest->at[0] == '<', equal = rest->len > 1 && rest->at[1] == '=';
    *out = below ? (equal ? CT_ALARM_AT_MOST : CT_ALARM_BELOW) : (equal ? CT_ALARM_AT_LEAST : CT_ALARM_ABOVE);
    *rest = trimmed((ct_span){rest->at + 1 + equal, rest->len - 1 - equal});
    return true;
}

static bool ends_in(ct_span *text, const char *tail)
{
    size_t len = strlen(tail);
    if (text->len <= len || memcmp(text->at + text->len - len, tail, len) != 0) {
        return false;
    }
    *text = trimmed((ct_span){text->at, text->len - len});
    return true;
}

bool ct_alarm_has_interval(const struct ct_kpi *kpi)
{
    enum ct_kpi_kind kind = kpi->kind;
    return kind == CT_KPI_RATIO || kind == CT_KPI_SHARES || kind == CT_KPI_MEAN || kind == CT_KPI_SCORE ||
           kind == CT_KPI_DIFFERENCE;
}

/* Behind "up" or "down": nothing, "20%", "> 20%", "10", "10 points". */
static bool read_moved(ct_span rest, struct ct_alarm_condition *c, char *problem)
{
    enum ct_alarm_op op;
    if (rest.len == 0) {
        c->form = CT_ALARM_FORM_CHANGE;
        return ct_alarm_has_interval(c->kpi) ||
               wrong(problem,
                     "\"%.80s\": there is no test for a change of %s (%s); say by how much, as in \"%s %s 20%%\"",
                     c->text, c->kpi->id, ct_kpi_kind_text(c->kpi->kind), c->kpi->id, c->up ? "up" : "down");
    }
    c->form = CT_ALARM_FORM_MOVED;
    if (take_op(&rest, &op)) {
        if (op != CT_ALARM_ABOVE && op != CT_ALARM_AT_LEAST) {
            return wrong(problem, "\"%.80s\": how far it moved is said by > or >=", c->text);
        }
        c->more = op == CT_ALARM_ABOVE;
    }
    c->relative = ends_in(&rest, "%");
    ct_nano nano;
    bool good;
    if (c->relative) {
        good = ct_money_parse(rest, &nano) && nano % 1000 == 0;
        c->micro = good ? nano / 1000 : 0;
    } else {
        (void)!(ends_in(&rest, "points") || ends_in(&rest, "pp"));
        good = ct_kpi_amount_from(c->kpi, rest, &c->micro);
    }
    return (good && c->micro >= 0) ||
           wrong(problem, "\"%.80s\": by how much? As in \"%s up 20%%\", or \"%s up 10\" (unit: %s)", c->text,
                 c->kpi->id, c->kpi->id, ct_unit_text(c->kpi->unit));
}

bool ct_alarm_condition_from(const char *text, struct ct_alarm_condition *c, char problem[CT_ALARM_PROBLEM_BYTES])
{
    ct_span rest = trimmed(ct_span_of(text));
    *c = (struct ct_alarm_condition){.text = text};
    if (strlen(text) >= CT_ALARM_CONDITION_BYTES) {
        return wrong(problem, "\"%.40s...\" is longer than %d bytes", text, CT_ALARM_CONDITION_BYTES - 1);
    }
    if (ct_span_is(rest, "any target missed")) {
        c->form = CT_ALARM_FORM_TARGET;
        return true;
    }
    ct_span id = take_word(&rest);
    c->kpi = ct_kpi_find(id);
    if (!c->kpi) {
        return wrong(problem, "\"%.80s\": there is no KPI \"%.*s\"; convtap kpis lists them", text,
                     id.len < 60 ? (int)id.len : 60, id.at);
    }
    if (take_op(&rest, &c->op)) {
        c->form = CT_ALARM_FORM_VALUE;
        return ct_kpi_amount_from(c->kpi, rest, &c->micro) ||
               wrong(problem, "\"%.80s\": \"%.*s\" is not an amount in the unit of %s (%s)", text,
                     rest.len < 40 ? (int)rest.len : 40, rest.at, c->kpi->id, ct_unit_text(c->kpi->unit));
    }
    ct_span way = take_word(&rest);
    c->up = ct_span_is(way, "up");
    if (!c->up && !ct_span_is(way, "down")) {
        return wrong(problem,
                     "\"%.80s\" is no condition such as \"%s < 70\", \"%s up 20%%\", \"%s down\" or \"any target "
                     "missed\"",
                     text, c->kpi->id, c->kpi->id, c->kpi->id);
    }
    return read_moved(rest, c, problem);
}

bool ct_alarm_condition_compares(const struct ct_alarm_condition *condition)
{
    return condition->form == CT_ALARM_FORM_MOVED || condition->form == CT_ALARM_FORM_CHANGE;
}
