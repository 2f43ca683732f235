/* explain_records.h - explains a conversation from its record alone. Called by explain.c. */
#ifndef CT_EXPLAIN_RECORDS_H
#define CT_EXPLAIN_RECORDS_H

#include "cli/options.h"

/* Looks the id up in a file of records (JSON lines, as audit --conversations writes them). Returns the exit status. */
int ct_explain_records(const struct ct_command *command, const char *path, const char *id, bool json);

#endif
