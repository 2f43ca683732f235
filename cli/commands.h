/* commands.h - the subcommands, each in a file of its own; main.c looks them up by name. */
#ifndef CT_COMMANDS_H
#define CT_COMMANDS_H

#include "cli/options.h"

extern const struct ct_command ct_command_audit, ct_command_classify, ct_command_explain, ct_command_kpis,
    ct_command_formats, ct_command_config, ct_command_serve, ct_command_replay, ct_command_demo, ct_command_feedback;
extern const struct ct_command ct_command_db, ct_db_check, ct_db_dump, ct_db_info;

#endif
