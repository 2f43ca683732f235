/* correction.h - a share that was counted by rules which err, with their measured error taken out. */
#ifndef CT_CORRECTION_H
#define CT_CORRECTION_H

#include "engine/quality.h"

/* Fills status, num, den, low_micro, high_micro and clipped* of a correction from its counts (tp, fp, fn, tn) and
 * raw_num of raw_den cases.
 *
 * The estimate is that of W. J. Rogan and B. Gladen, American Journal of Epidemiology 107 (1978) 71-76:
 * (raw + specificity - 1) / (sensitivity + specificity - 1), an exact fraction. The interval is that of Zs. Lang and
 * J. Reiczigel, Preventive Veterinary Medicine 113 (2014) 13-22, which takes in that sensitivity and specificity are
 * themselves estimates: worked out in whole millionths of millionths. Both suppose that the marked conversations are a
 * random sample, and their interval that it is independent of the counted ones. */
void ct_correction_fill(struct ct_quality_correction *c);

#endif
