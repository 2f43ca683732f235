/* demo_show.c - what `convtap demo` says while it goes on: a line every few seconds, of figures that it asks the desk's
 * API for as anybody could. See demo.h.
 */
#include "cli/demo.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

enum { FIRST_USEC = 3000000, EVERY_USEC = 5000000 };

struct ct_demo_show {
    struct ct_demo_loop *loop;
    struct ct_demo_poster *desk;
    double open, closed;
};

static double number_in(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void show_figure(const cJSON *kpi, const char *id, const char *name)
{
    const char *is = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(kpi, "id"));
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(kpi, "value");
    const char *unit = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(kpi, "unit"));
    if (is && strcmp(is, id) == 0 && cJSON_IsNumber(value)) {
        bool percent = unit && strcmp(unit, "percent") == 0;
        printf("  %s %.1f%s (%.0f of %.0f)", name, value->valuedouble, percent ? " %" : "", number_in(kpi, "numerator"),
               number_in(kpi, "denominator"));
    }
}

static void on_figures(void *to, unsigned status, ct_span body)
{
    struct ct_demo_show *show = to;
    cJSON *answer = status == 200 ? cJSON_ParseWithLength(body.at, body.len) : NULL;
    const cJSON *kpi;
    if (answer) {
        printf("open %3.0f  closed %4.0f", show->open, show->closed);
        cJSON_ArrayForEach(kpi, cJSON_GetObjectItemCaseSensitive(answer, "kpis"))
        {
            show_figure(kpi, "automation_rate", "automated");
            show_figure(kpi, "escalation_rate", "escalated");
            show_figure(kpi, "csat", "CSAT");
        }
        printf("\n");
        (void)fflush(stdout);
    }
    cJSON_Delete(answer);
}

static void on_status(void *to, unsigned status, ct_span body)
{
    struct ct_demo_show *show = to;
    cJSON *answer = status == 200 ? cJSON_ParseWithLength(body.at, body.len) : NULL;
    const cJSON *conversations = cJSON_GetObjectItemCaseSensitive(answer, "conversations");
    show->open = number_in(conversations, "open") - number_in(conversations, "open_published");
    show->closed = number_in(conversations, "published");
    cJSON_Delete(answer);
    if (status == 200) {
        ct_demo_post(show->desk, "GET /api/v1/kpis?window=1h&id=automation_rate,escalation_rate,csat HTTP/1.1\r\n",
                     CT_SPAN_NONE, on_figures, show);
    }
}

static void ask(void *to)
{
    struct ct_demo_show *show = to;
    ct_demo_post(show->desk, "GET /api/v1/status HTTP/1.1\r\n", CT_SPAN_NONE, on_status, show);
    (void)ct_demo_timer(show->loop, EVERY_USEC, ask, show);
}

struct ct_demo_show *ct_demo_show_new(struct ct_demo_loop *loop, const char *desk)
{
    struct ct_demo_show *show = calloc(1, sizeof *show);
    if (show) {
        show->loop = loop;
        show->desk = ct_demo_poster_new(loop, desk);
        if (!show->desk || !ct_demo_timer(loop, FIRST_USEC, ask, show)) {
            ct_demo_show_free(show);
            return NULL;
        }
    }
    return show;
}

void ct_demo_show_free(struct ct_demo_show *show)
{
    if (show) {
        ct_demo_poster_free(show->desk);
        free(show);
    }
}

size_t ct_demo_show_waiting(const struct ct_demo_show *show)
{
    return ct_demo_poster_waiting(show->desk);
}
