/* labels.h - the words by which files call the two sides ("Cliente", "Atendente", "assistant"), and comparing names
 * the way people write them. Called by whatsapp.c, text.c, csv.c.
 */
#ifndef CT_LABELS_H
#define CT_LABELS_H

#include "engine/ct.h"

enum { CT_LABEL_KEY_MAX = 128, CT_LABEL_MAX = 64 };

/* The comparison key of a name: ASCII letters lower-case, Latin-1 accents and combining marks off, every run of
 * other ASCII characters one space, none at the ends; other scripts stay as they are. At most CT_LABEL_KEY_MAX bytes
 * are written (a longer name is cut). Returns the length. */
size_t ct_label_key(ct_span name, char *out);
/* The role that a label such as "Usuario", "Assistant" or "Agente (Ana)" names; UNKNOWN = none. A number or a
 * parenthesis at its end is not looked at. */
enum ct_role ct_label_role(ct_span label);
/* A participant's name that says by itself that it is an automat or a business ("Soporte Acme", "PizzaBot"). */
bool ct_label_is_business(ct_span name);

/* Names that options give: "Ana López; Acme*", separated by ';', '*' at either end stands for anything. */
struct ct_label_set {
    struct ct_label_entry {
        char key[CT_LABEL_KEY_MAX];
        uint8_t len;
        uint8_t role;              /* enum ct_role */
        bool open_begin, open_end; /* '*' stood there */
    } entry[CT_LABEL_MAX];
    size_t count;
};
/* Adds the list's names with this role. false = more than CT_LABEL_MAX in all, or an empty name. */
CT_MUST_USE bool ct_label_set_add(struct ct_label_set *set, ct_span list, char separator, enum ct_role role);
/* The first that matches; UNKNOWN = none. */
enum ct_role ct_label_set_role(const struct ct_label_set *set, ct_span name);

#endif
