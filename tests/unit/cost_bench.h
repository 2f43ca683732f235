/* cost_bench.h - a cost model from a text, and a conversation told to it message by message, as conversation.c does. */
#ifndef CT_COST_BENCH_H
#define CT_COST_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/cost.h"

static struct ct_cost_model *cost_load(const char *text)
{
    struct ct_error err = {.text = ""};
    struct ct_cost_model *out = ct_cost_model_load(CT_SPAN_LIT("cost.yaml"), ct_span_of(text), &err);
    if (!out) {
        print_error("%u:%u %s\n%s", err.line, err.column, err.text, text);
    }
    assert_non_null(out);
    return out;
}

struct cost_talk {
    const struct ct_cost_model *model;
    struct ct_cost_sum sum;
    struct ct_cost_conversation c;
    struct ct_cost_sent sent[64];
};

static void cost_begin(struct cost_talk *talk, const struct ct_cost_model *model, const char *channel)
{
    *talk = (struct cost_talk){
        .model = model,
        .c = {.channel = ct_span_of(channel), .started_at = CT_USEC_NONE, .human_handling_usec = CT_USEC_NONE}};
    ct_cost_begin(&talk->sum);
}

static ct_usec cost_time(const char *text)
{
    ct_usec out = CT_USEC_NONE;
    assert_true(!text || ct_time_parse(ct_span_of(text), &out));
    return out;
}

/* A message that is sent; any of the texts may be NULL. */
static inline void cost_say(struct cost_talk *talk, enum ct_role role, const char *at, const char *category,
                            const char *country)
{
    struct ct_message m;
    ct_message_init(&m);
    m.role = role;
    m.text = CT_SPAN_LIT("x");
    m.ts = cost_time(at);
    m.category = ct_span_of(category);
    m.country = ct_span_of(country);
    if (talk->c.started_at == CT_USEC_NONE) {
        talk->c.started_at = m.ts;
    }
    if (ct_cost_message(talk->model, &talk->sum, &m, &talk->sent[talk->c.sent_count])) {
        talk->c.sent_count++;
    }
}

static void cost_end(struct cost_talk *talk)
{
    talk->c.sent = talk->sent;
    ct_cost_close(talk->model, &talk->sum, &talk->c);
}

/* A file that is refused, and where. */
struct cost_bad {
    const char *text;
    uint32_t line, column;
    const char *says; /* a part of it */
};
static void cost_refuses(const struct cost_bad *bad)
{
    struct ct_error err = {.text = ""};
    struct ct_cost_model *model = ct_cost_model_load(CT_SPAN_LIT("cost.yaml"), ct_span_of(bad->text), &err);
    print_message("%s  -> %u:%u %s\n", bad->text, err.line, err.column, err.text);
    assert_null(model);
    assert_int_equal(err.status, CT_BAD_CONFIG);
    assert_int_equal(err.line, bad->line);
    assert_int_equal(err.column, bad->column);
    assert_non_null(strstr(err.text, bad->says));
}

#endif
