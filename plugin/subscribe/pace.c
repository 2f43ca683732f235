/* pace.c - waits between attempts. line.c asks. */
#include "plugin/subscribe/pace.h"

ct_usec ct_pace_wait(ct_usec least, ct_usec most, uint32_t attempts, uint32_t random)
{
    ct_usec wait = least < most ? least : most;
    for (uint32_t i = 1; i < attempts && wait < most; i++)
        wait = wait > most / 2 ? most : 2 * wait;
    ct_usec half = wait / 2;
    return wait - half + (ct_usec)((double)half * ((double)random / (double)UINT32_MAX));
}
