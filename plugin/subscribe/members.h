/* members.h - the members of one JSON object that a protocol asks about; a strict reader of the whole object
 * underneath. Private to plugin/subscribe. */
#ifndef CT_MEMBERS_H
#define CT_MEMBERS_H

#include "parsers/json_reader.h"

struct ct_member {
    enum ct_json_kind kind; /* CT_JSON_BAD = not there */
    ct_span text;           /* of a string what it says, of all else its bytes; lives as `text` and `scratch` do */
};
/* Fills found[fields->count]. False: no JSON object, a field that comes twice, out of memory. */
bool ct_members_read(ct_span text, struct ct_arena *scratch, const struct ct_json_fields *fields,
                     struct ct_member *found) CT_MUST_USE;
/* A whole number, cut to least..most; `fallback` where it is none. */
int64_t ct_member_count(const struct ct_member *member, int64_t least, int64_t most, int64_t fallback);
bool ct_member_is(const struct ct_member *member, const char *text); /* a string that says this */
/* Writes `text` as a JSON string with its quotes; returns the length, 0 = it does not fit. `text` is UTF-8. */
size_t ct_members_quote(ct_span text, char *out, size_t room);

#endif
