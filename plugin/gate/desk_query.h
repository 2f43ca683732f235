/* desk_query.h - the parameters of a request to the desk, read strictly: an unknown, doubled, empty or malformed one is
 * refused by its name, everything has a maximum.
 */
#ifndef CT_DESK_QUERY_H
#define CT_DESK_QUERY_H

#include "engine/figure.h"
#include "plugin/gate/gate.h"

#define CT_QUERY_BYTES 4096 /* of a whole query */
#define CT_QUERY_PARAMETERS 16

struct ct_query {
    const char *const *names;           /* NULL-terminated */
    ct_span value[CT_QUERY_PARAMETERS]; /* parallel to names, decoded; at NULL = not given */
    char scratch[CT_QUERY_BYTES];
    /* The first thing that is wrong, as answered: "unknown_parameter", ... and what a person reads. */
    const char *code;
    char problem[320];
};

/* names: at most CT_QUERY_PARAMETERS, NULL-terminated, constant. false = refused: code and problem. */
bool ct_query_read(struct ct_query *query, ct_span text, const char *const *names) CT_MUST_USE;
/* The value; at NULL where it is not given. `name` is one of the names. */
ct_span ct_query_value(const struct ct_query *query, const char *name);
/* The rest: true with *out left as it is where the parameter is not given; false = refused. */
bool ct_query_time(struct ct_query *query, const char *name, ct_usec *out) CT_MUST_USE;
bool ct_query_number(struct ct_query *query, const char *name, uint64_t least, uint64_t most,
                     uint64_t *out) CT_MUST_USE;
/* `lang`: en or es. */
bool ct_query_lang(struct ct_query *query, enum ct_lang *out) CT_MUST_USE;
/* Refuses `name` with a sentence; always false. */
bool ct_query_refuse(struct ct_query *query, const char *name, const char *format, ...) CT_PRINTF(3, 4);
/* 400 with the problem. */
void ct_query_answer(const struct ct_query *query, struct ct_reply *reply);

#endif
