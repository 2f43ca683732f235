/* man.h - the manual page convtap(1) in roff, from the same rows as --help. `convtap help --man` writes it. */
#ifndef CT_MAN_H
#define CT_MAN_H

#include "cli/options.h"

/* The whole page to standard output: `commands` are those that run, sub-subcommands among them. Returns the exit
 * status. */
int ct_man_write(const struct ct_command *const *commands, size_t count);
/* One command's part; called by ct_options_parse, which knows the rows, when ct_man_write runs the command. */
void ct_man_command(const struct ct_command *command, const struct ct_cli_option *options);

#endif
