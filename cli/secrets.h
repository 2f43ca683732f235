/* secrets.h - secrets come from files that others cannot read, or from the environment. They are never printed. */
#ifndef CT_SECRETS_H
#define CT_SECRETS_H

#include "engine/ct.h"

/* Is the file there, a file, and not open to others? *err says the remedy. Of keys of certificates, too. */
enum ct_status ct_secret_file_check(const char *path, struct ct_error *err) CT_MUST_USE;
/* Of the file, else of the variable; both NULL: *out NULL and CT_OK. Line ends behind it are left out.
 * ct_secret_free(*out). CT_BAD_CONFIG: not there, empty, too long, more than a line, or to be read by others: *err says
 * which and never the secret. */
enum ct_status ct_secret_read(const char *path, const char *variable, char **out, struct ct_error *err) CT_MUST_USE;
void ct_secret_free(char *secret); /* wipes it; NULL allowed */

/* The same where a secret may have successors while it is rotated: a line each. */
enum { CT_SECRETS_MAX = 8 };
struct ct_secrets {
    char *text;
    const char *at[CT_SECRETS_MAX + 1]; /* NULL-terminated; into text */
};
enum ct_status ct_secrets_read(const char *path, const char *variable, struct ct_secrets *out,
                               struct ct_error *err) CT_MUST_USE;
void ct_secrets_free(struct ct_secrets *secrets);

#endif
