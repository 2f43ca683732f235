/* openmetrics_accept.c - which form of the metrics page is asked for. Called by the desk for GET /metrics. */
#include <strings.h>

#include "sinks/openmetrics.h"

const char *ct_openmetrics_type(enum ct_openmetrics_form form)
{
    return form == CT_OPENMETRICS_1_0 ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                      : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- Accept ----------------------------------------------------------------------------------------------------- */

static ct_span trimmed(ct_span text)
{
    while (text.len && (*text.at == ' ' || *text.at == '\t')) {
        text.at++;
        text.len--;
    }
    while (text.len && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* The part before `sign`; *rest is what follows it. */
static ct_span cut(ct_span *rest, char sign)
{
    const char *at = rest->len ? memchr(rest->at, sign, rest->len) : NULL;
    ct_span head = {rest->at, at ? (size_t)(at - rest->at) : rest->len};
    rest->len -= head.len + (at != NULL);
    rest->at = at ? at + 1 : NULL;
    return trimmed(head);
}

static bool is_word(ct_span text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

/* "0.25" in thousandths; 1000 where it is not a quality. */
static unsigned quality(ct_span text)
{
    unsigned value = 0, digit = 100;
    if (text.len == 0 || (text.at[0] != '0' && text.at[0] != '1')) {
        return 1000;
    }
    value = text.at[0] == '1' ? 1000 : 0;
    for (size_t i = 2; i < text.len && text.at[1] == '.' && text.at[i] >= '0' && text.at[i] <= '9'; i++) {
        value += (unsigned)(text.at[i] - '0') * digit;
        digit /= 10;
    }
    return value < 1000 ? value : 1000;
}

enum ct_openmetrics_form ct_openmetrics_accept(ct_span accept)
{
    unsigned open = 0, classic = 0;
    while (accept.len) {
        ct_span range = cut(&accept, ',');
        ct_span type = cut(&range, ';');
        unsigned wanted = 1000;
        while (range.len) {
            ct_span value = cut(&range, ';');
            ct_span name = cut(&value, '=');
            wanted = is_word(name, "q") ? quality(trimmed(value)) : wanted;
        }
        if (is_word(type, "application/openmetrics-text")) {
            open = wanted > open ? wanted : open;
        } else if (is_word(type, "text/plain")) {
            classic = wanted > classic ? wanted : classic;
        }
    }
    return open > 0 && open >= classic ? CT_OPENMETRICS_1_0 : CT_OPENMETRICS_CLASSIC;
}
