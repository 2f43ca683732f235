/* background.h - a thread whose work can wait, beside those that serve. Called by the judge, the tape's keeper and the
 * alarms' thread.
 */
#ifndef CT_BACKGROUND_H
#define CT_BACKGROUND_H

/* The calling thread gives way to others: `nicer`, from 0 to 19, is added to its nice value. Without effect where the
 * system knows nothing of it. */
void ct_background_thread(int nicer);
/* A moment for whoever waits for this processor. Costs a few microseconds: after each tenth of a millisecond of work or
 * so, not more often. */
void ct_background_rest(void);

#endif
