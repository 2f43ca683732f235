/* extension.c - what the two sides of a WebSocket agreed on (extension.h). Called by eyes.c. */
#include "plugin/relay/extension.h"

#include <strings.h>

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next piece up to one of `ends`, trimmed; *end = which one, 0 at the end of the text. */
static ct_span piece(ct_span *rest, const char *ends, char *end)
{
    size_t i = 0;
    while (i < rest->len && (rest->at[i] == '\0' || strchr(ends, rest->at[i]) == NULL)) {
        i++;
    }
    ct_span out = {rest->at, i};
    *end = i < rest->len ? rest->at[i] : '\0';
    size_t used = i < rest->len ? i + 1 : i;
    rest->at += used;
    rest->len -= used;
    while (out.len > 0 && blank(out.at[0])) {
        out.at++;
        out.len--;
    }
    while (out.len > 0 && blank(out.at[out.len - 1])) {
        out.len--;
    }
    return out;
}

static bool is(ct_span text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

/* "8".."15", also in quotes; 0 = neither. */
static int bits(ct_span value)
{
    if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"') {
        value = (ct_span){value.at + 1, value.len - 2};
    }
    if (value.len == 1 && (value.at[0] == '8' || value.at[0] == '9')) {
        return value.at[0] - '0';
    }
    return value.len == 2 && value.at[0] == '1' && value.at[1] >= '0' && value.at[1] <= '5' ? 10 + value.at[1] - '0'
                                                                                            : 0;
}

static bool parameter(ct_span text, struct ct_extension *out)
{
    char end;
    ct_span name = piece(&text, "=", &end);
    ct_span value = piece(&text, "", &(char){0});
    if (end == '\0' && is(name, "server_no_context_takeover")) {
        out->server_takeover = false;
    } else if (end == '\0' && is(name, "client_no_context_takeover")) {
        out->client_takeover = false;
    } else if (end == '=' && is(name, "server_max_window_bits")) {
        out->server_bits = bits(value);
        return out->server_bits != 0;
    } else if (end == '=' && is(name, "client_max_window_bits")) {
        out->client_bits = bits(value);
        return out->client_bits != 0;
    } else {
        return false;
    }
    return true;
}

bool ct_extension_parse(ct_span header, struct ct_extension *out)
{
    *out =
        (struct ct_extension){.client_takeover = true, .server_takeover = true, .client_bits = 15, .server_bits = 15};
    while (header.len > 0) {
        char end;
        ct_span name = piece(&header, ",;", &end);
        if (name.len == 0 && end != ';') {
            continue;
        }
        if (!is(name, "permessage-deflate") || out->deflate) {
            return false;
        }
        out->deflate = true;
        while (end == ';') {
            if (!parameter(piece(&header, ",;", &end), out)) {
                return false;
            }
        }
    }
    return true;
}
