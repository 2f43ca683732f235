/* cost_country.h - countries as price lists name them: ISO 3166-1 alpha-2 codes, and the calling codes of telephone
 * numbers (ITU-T E.164) that say where a customer of a telephone channel is from.
 */
#ifndef CT_COST_COUNTRY_H
#define CT_COST_COUNTRY_H

#include "engine/ct.h"

/* Two letters in one number; 0 = not known. */
typedef uint16_t ct_country;
#define CT_COUNTRY_NONE ((ct_country)0)

/* Two letters, in either case, that are assigned to a country; CT_COUNTRY_NONE = they are not. */
ct_country ct_country_from(ct_span text);

/* One more prefix than the built-in ones: digits behind the +. */
struct ct_country_prefix {
    ct_span digits;
    ct_country country;
};

/* Where a telephone number is from, by its longest known prefix; `own` before the built-in ones of equal length. The
 * number may stand behind a scheme ("whatsapp:+34600..."), begin with +, 00 or the calling code itself, have spaces,
 * dots, hyphens and brackets in it, and end at an @ ("34600111222@s.whatsapp.net"): 8 to 15 digits. Anything else, and
 * numbers of no country (satellites, toll-free), gives CT_COUNTRY_NONE. */
ct_country ct_country_of_phone(ct_span user_id, const struct ct_country_prefix *own, size_t own_count);

#endif
