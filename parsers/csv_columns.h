/* csv_columns.h - which column of a CSV file is what: by option map, else by the names that exports commonly use in
 * English, Spanish and Portuguese. Called by csv.c with the header record.
 */
#ifndef CT_CSV_COLUMNS_H
#define CT_CSV_COLUMNS_H

#include "engine/ct.h"

/* Field name in option map. TIME_OF_DAY stands beside a TS that is only a date. The three *_TEXT are wide rows: one
 * row a turn, a column a side. */
#define CT_CSV_FIELD_MAP(X)                                                                                            \
    X(CONVERSATION_ID, "conversation_id")                                                                              \
    X(TEXT, "text")                                                                                                    \
    X(ROLE, "role")                                                                                                    \
    X(TS, "ts")                                                                                                        \
    X(TIME_OF_DAY, "time_of_day")                                                                                      \
    X(USER_TEXT, "user_text")                                                                                          \
    X(BOT_TEXT, "bot_text")                                                                                            \
    X(AGENT_TEXT, "agent_text")                                                                                        \
    X(BOT_TS, "bot_ts")                                                                                                \
    X(USER_ID, "user_id")                                                                                              \
    X(ID, "id")                                                                                                        \
    X(CHANNEL, "channel")                                                                                              \
    X(LANGUAGE, "language")                                                                                            \
    X(BOT, "bot")                                                                                                      \
    X(BOT_VERSION, "bot_version")                                                                                      \
    X(TENANT, "tenant")                                                                                                \
    X(SEGMENT, "segment")                                                                                              \
    X(PRODUCT, "product")                                                                                              \
    X(COUNTRY, "country")                                                                                              \
    X(INTENT, "intent")                                                                                                \
    X(CATEGORY, "category") /* that a channel charges the message by: by map only, for tickets have one, too */        \
    X(MODEL, "model")                                                                                                  \
    X(TOKENS_INPUT, "tokens_input")                                                                                    \
    X(TOKENS_CACHED, "tokens_cached")                                                                                  \
    X(TOKENS_OUTPUT, "tokens_output")                                                                                  \
    X(COST, "cost")                                                                                                    \
    X(CURRENCY, "currency")                                                                                            \
    X(CSAT, "csat")                                                                                                    \
    X(NPS, "nps")                                                                                                      \
    X(CES, "ces")
enum ct_csv_field {
#define X(name, text) CT_CSV_##name,
    CT_CSV_FIELD_MAP(X)
#undef X
        CT_CSV_FIELD_COUNT
};

struct ct_csv_columns {
    int16_t column[CT_CSV_FIELD_COUNT]; /* 0-based; -1 = the file has none */
    size_t count;                       /* columns of the header */
    bool wide;
};

/* `map` = "text=Body,role=Sender"; a value that is a number is a column's position from 1 where `numbered`. `cells` =
 * the header record (any, where numbered: only their count is used). Errors: unknown field, no such column, neither
 * text and role nor a wide row's columns. */
enum ct_status ct_csv_columns_find(struct ct_csv_columns *columns, ct_span map, bool numbered, const ct_span *cells,
                                   size_t count, struct ct_error *err) CT_MUST_USE;
/* Checks what can be checked of a map before the file is seen. */
enum ct_status ct_csv_map_check(ct_span map, bool numbered, struct ct_error *err) CT_MUST_USE;
const char *ct_csv_field_name(enum ct_csv_field field);

/* For other tables' maps: the next "field=Column"; column empty where there is no "=". false = no more. */
CT_MUST_USE bool ct_csv_map_next(ct_span *map, ct_span *field, ct_span *column);
/* A column's position from 1; 0 = not a number, or too big. */
int ct_csv_position(ct_span text);
/* The first column of that name, as people write names: case, accents and punctuation do not matter. -1 = none. */
int ct_csv_column_of(ct_span name, const ct_span *cells, size_t count);

#endif
