/* comparison.h - the figures of one period against those of another: how far apart they are, and whether that is more
 * than chance.
 *
 * Rates by Newcombe's interval of the difference, means by Welch's, NPS by the variance of its answers (statistics.h);
 * medians, sums, quotients, proportions and products have a difference that nothing can be tested by. Figures of a key
 * (currency, scale, channel) are held against those of the same key. Both samples are taken for independent: a customer
 * who is in both makes them less so (docs/statistics.md). Called by the program for --compare.
 */
#ifndef CT_COMPARISON_H
#define CT_COMPARISON_H

#include "engine/figure.h"

/* Sets `change` of each figure of `now`. */
void ct_compare_blocks(struct ct_block *now, const struct ct_block *before);
/* The same for slices, by their keys; one that was not there before has no change. */
void ct_compare_slices(struct ct_block *now, size_t count, const struct ct_block *before, size_t before_count);

#endif
