/* background.h - a thread whose work can wait, as it is safe on the tape, beside those that serve. Called by the judge
 * and the tape's keeper.
 */
#ifndef CT_BACKGROUND_H
#define CT_BACKGROUND_H

/* The calling thread gives way to others. `nice` from 0 to 19. Without effect where the system knows nothing of it. */
void ct_background_thread(int nice);
/* A moment for whoever waits for this processor. Costs a few microseconds: after each tenth of a millisecond of work or
 * so, not more often. */
void ct_background_rest(void);

#endif
