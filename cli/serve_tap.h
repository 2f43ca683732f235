/* serve_tap.h - a tap as the configuration describes it: what `convtap serve`, the embedded library and the
 * libwebsockets plugin start alike.
 */
#ifndef CT_SERVE_TAP_H
#define CT_SERVE_TAP_H

#include "cli/config.h"
#include "cli/setup.h"
#include "plugin/tap/tap.h"

/* The callbacks of struct ct_tap_options; any of them may be NULL. */
struct ct_serve_tap_calls {
    void (*on_publish)(void *context, const struct ct_published *published);
    void (*on_commit)(void *context, uint64_t position);
    void (*log)(void *context, const char *line);
    void *context;
};
/* `config` and `setups` must outlive the tap. setup_hash: hex of what is in force, and NUL. Every problem of the rules
 * is said on standard error, *err is the first. The tap's threads take no signals. */
enum ct_status ct_serve_tap_start(struct ct_config *config, struct ct_setups *setups,
                                  const struct ct_serve_tap_calls *calls, char setup_hash[65], struct ct_tap **out,
                                  struct ct_error *err) CT_MUST_USE;
ct_usec ct_serve_now(void); /* the wall clock */

#endif
