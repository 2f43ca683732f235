/* members.c - JSON as far as the transports need it. The state machines call it. */
#include "plugin/subscribe/members.h"

#include <stdio.h>

bool ct_members_read(ct_span text, struct ct_arena *scratch, const struct ct_json_fields *fields,
                     struct ct_member *found)
{
    struct ct_json json;
    struct ct_json_walk walk = {0};
    memset(found, 0, fields->count * sizeof *found);
    ct_json_init(&json, text, scratch);
    if (ct_json_peek(&json) != CT_JSON_OBJECT || !ct_json_object(&json, NULL))
        return false;
    for (int field; (field = ct_json_next(&json, &walk, fields)) != CT_JSON_LAST;) {
        struct ct_member unasked, *member = field >= 0 ? &found[field] : &unasked;
        member->kind = ct_json_peek(&json);
        bool fine = field < 0                        ? ct_json_skip(&json)
                    : member->kind == CT_JSON_STRING ? ct_json_string(&json, NULL, &member->text)
                                                     : ct_json_raw(&json, &member->text);
        if (!fine)
            return false;
    }
    return json.status == CT_OK && ct_json_end(&json);
}

int64_t ct_member_count(const struct ct_member *member, int64_t least, int64_t most, int64_t fallback)
{
    int64_t value = 0;
    if (member->kind != CT_JSON_NUMBER || member->text.len == 0 || member->text.len > 18)
        return fallback;
    for (size_t i = 0; i < member->text.len; i++) {
        char c = member->text.at[i];
        if (c == '.' && i > 0)
            break; /* 25000.0 */
        if (c < '0' || c > '9')
            return fallback;
        value = 10 * value + (c - '0');
    }
    return value < least ? least : value > most ? most : value;
}

bool ct_member_is(const struct ct_member *member, const char *text)
{
    return member->kind == CT_JSON_STRING && ct_span_is(member->text, text);
}

size_t ct_members_quote(ct_span text, char *out, size_t room)
{
    size_t len = 0;
    if (room < 3)
        return 0;
    out[len++] = '"';
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (len + 8 > room)
            return 0;
        if (c == '"' || c == '\\') {
            out[len++] = '\\';
            out[len++] = (char)c;
        } else if (c < 0x20) {
            len += (size_t)snprintf(out + len, room - len, "\\u%04x", c);
        } else {
            out[len++] = (char)c;
        }
    }
    out[len++] = '"';
    return len;
}
