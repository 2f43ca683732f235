/* background.h - a thread whose work can wait, beside those that serve. Called by the judge, the tape's keeper and the
 * alarms' thread.
 */
#ifndef CT_BACKGROUND_H
#define CT_BACKGROUND_H

/* The calling thread gives way to others: `nicer`, from 0 to 19, is added to its nice value. Without effect where the
 * system knows nothing of it. */
void ct_background_thread(int nicer);
/* Who waits for this processor has it first: to be called after every 10 to 50 us of work. A third of a microsecond
 * where nobody does. Where somebody always does, this thread still gets its share. */
void ct_background_give_way(void);

#endif
