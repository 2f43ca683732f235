/* talk.c - what the protocols' state machines share: how a refusal by HTTP is taken. */
#include "plugin/subscribe/talk.h"

#include <stdio.h>

void ct_talk_over_status(const struct ct_talk_do *to, const char *what, int status)
{
    char problem[120];
    enum ct_talk_over how = CT_TALK_LOST;
    if (status == 0) {
        snprintf(problem, sizeof problem, "%s: no answer", what);
    } else if (status < 300) {
        snprintf(problem, sizeof problem, "%s: the connection ended", what);
    } else {
        const char *why = status == 401 || status == 403 ? "; is the secret right?"
                          : status == 404                ? "; is the URL right?"
                                                         : "";
        /* Of what is our mistake nothing changes by asking often; 408, 429 and the gateway's own (5xx) pass. */
        bool ours = status < 500 && status != 408 && status != 425 && status != 429;
        how = ours ? CT_TALK_REFUSED : CT_TALK_LOST;
        snprintf(problem, sizeof problem, "%s: refused with status %d%s", what, status, why);
    }
    to->over(to->context, how, problem);
}
