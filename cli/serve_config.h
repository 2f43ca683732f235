/* serve_config.h - what the live tap's configuration needs of this machine: files, secrets, zones, addresses. */
#ifndef CT_SERVE_CONFIG_H
#define CT_SERVE_CONFIG_H

#include "cli/config.h"
#include "plugin/gate/access.h"

/* Looks at all of it and names every problem (ct_config_wrong: config->errors rises). */
void ct_serve_config_check(struct ct_config *config);
/* The tokens of the file and of CONVTAP_TOKENS; there may be none. */
enum ct_status ct_serve_access(const struct ct_config *config, struct ct_access **out,
                               struct ct_error *err) CT_MUST_USE;
/* The zone of the live tap's days: serve.zone, else the file's; NULL = UTC. Belongs to the config. */
enum ct_status ct_serve_zone(struct ct_config *config, const struct ct_zone **zone, struct ct_error *err) CT_MUST_USE;
/* May one come in at this door without a token? */
bool ct_serve_is_open(const struct ct_door_settings *door, struct ct_access *access);

/* Is it a source of the struct ct_config? Where none is configured each name is one, its format told from the content.
 */
bool ct_serve_knows(void *config, ct_span source);

/* Names each key of the live tap that `is` has otherwise than `was`, of those that a reload changes or of those that it
 * cannot change; how many. Keys of the setup are neither: what they come to is compared as a whole. */
enum ct_serve_keys { CT_SERVE_KEYS_RELOADED, CT_SERVE_KEYS_OF_A_RESTART };
size_t ct_serve_config_differs(const struct ct_config *was, const struct ct_config *is, enum ct_serve_keys which,
                               void (*key)(void *context, const char *name), void *context);

#endif
