/* language.h - an index of the packs' function words, made with the program and shared like it.
 */
#ifndef CT_LANGUAGE_H
#define CT_LANGUAGE_H

#include "engine/rules.h"

struct ct_language_index;
/* Borrows the words of `rules`. NULL = out of memory. */
struct ct_language_index *ct_language_index_new(const struct ct_ruleset *rules);
void ct_language_index_free(struct ct_language_index *index); /* NULL allowed */

/* The index of a program; NULL = the program has none. Defined where programs are (match_program.c). */
const struct ct_language_index *ct_program_language(const struct ct_program *program);

#endif
