/* audit_alarms.h - alarms over the figures of an audit: what was kept is read before the work, evaluated on the
 * figures, kept again, and delivered before the run ends. Used by audit.c, replay.c and publication.c.
 */
#ifndef CT_AUDIT_ALARMS_H
#define CT_AUDIT_ALARMS_H

#include "cli/config.h"
#include "cli/findings.h"
#include "cli/options.h"
#include "cli/secrets.h"
#include "plugin/gate/alarm_file.h"

struct ct_audit_alarms { /* all zero before it is opened */
    const struct ct_command *command;
    const struct ct_config *config;
    const char *state; /* file; NULL = nothing is kept */
    struct ct_alarm_kept kept;
    struct ct_secrets secrets;
    struct ct_courier *courier;                  /* NULL = nothing is delivered */
    enum ct_slice_field also[CT_BATCH_ALSO_MAX]; /* of the alarms, beside the run's own */
    size_t also_count;
    struct ct_alarm_unjudged *unjudged; /* as many as there are alarms */
    struct ct_alarm_findings findings;
    enum ct_status failed; /* of a message that could not be written down */
};

/* Reads what was kept (where `keeps`; else the run stands for itself), the secret, and looks at the webhook's address:
 * -1, or the exit status (said). ct_audit_alarms_close may follow in any case. */
int ct_audit_alarms_open(struct ct_audit_alarms *alarms, const struct ct_command *command,
                         const struct ct_config *config, bool keeps) CT_MUST_USE;
/* Evaluates them; made->findings.alarms = what to say. CT_NO_MEMORY. */
enum ct_status ct_audit_alarms_judge(struct ct_audit_alarms *alarms, struct ct_made_findings *made) CT_MUST_USE;
/* Keeps and delivers: -1, or the exit status (said). */
int ct_audit_alarms_keep(struct ct_audit_alarms *alarms, bool quiet) CT_MUST_USE;
bool ct_audit_alarms_raised(const struct ct_audit_alarms *alarms);
void ct_audit_alarms_close(struct ct_audit_alarms *alarms);

#endif
