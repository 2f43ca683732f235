/* records.h - a conversation's record as one JSON object a line (`--conversations FILE`). */
#ifndef CT_RECORDS_H
#define CT_RECORDS_H

#include "sinks/writer.h"

/* One object and a newline, fields in the contract's order. `rules` is the set that made the record. */
void ct_records_write(struct ct_out *out, const struct ct_ruleset *rules, const struct ct_record *record);

/* "id@revision", the id cut at 255 bytes. Returns its length; no NUL. */
enum { CT_RULE_NAME_BYTES = 256 + CT_DECIMAL_BYTES };
size_t ct_records_rule_name(const struct ct_rule *rule, char out[CT_RULE_NAME_BYTES]);

/* One of the record's texts under `key`; null where it is empty. */
void ct_records_field(struct ct_writer *json, const struct ct_record *record, const char *key,
                      enum ct_text_field field);
/* "cost": {"amount","currency"}, null where it is not known. */
void ct_records_cost(struct ct_writer *json, const struct ct_record *record);
/* A survey's answer under `key`: {"score","scale","min"}, null where there is none. */
void ct_records_score(struct ct_writer *json, const char *key, const struct ct_score *score);

#endif
