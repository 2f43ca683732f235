/* config_command.h - `convtap config show` and `convtap config check`, named by main.c for the man page. */
#ifndef CT_CONFIG_COMMAND_H
#define CT_CONFIG_COMMAND_H

#include "cli/options.h"

extern const struct ct_command ct_config_show_command, ct_config_check_command;

#endif
