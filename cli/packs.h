/* packs.h - the rule packs of a folder, read and hashed: every subcommand that needs rules begins here. */
#ifndef CT_PACKS_H
#define CT_PACKS_H

#include "engine/rules.h"

struct ct_packs {
    struct ct_pack_source *sources; /* sorted by file name */
    size_t count;
    char hash[65]; /* hex SHA-256 over the files' bytes in that order (`cat DIR/...*.yaml | sha256sum`) */
    char *folder;  /* where they were found */
};

/* Every *.yaml and *.json of a folder (not of those in it; hidden files left out). `folder` NULL = the packs that
 * convtap came with: $CONVTAP_RULES, else <program's folder>/../share/convtap/rules, else the source tree's.
 * CT_NOT_FOUND: no such folder, or no pack in it; CT_IO; CT_LIMIT: a file too large; CT_NO_MEMORY. Whatever the
 * status, ct_packs_done may follow. */
enum ct_status ct_packs_load(const char *folder, struct ct_packs *out, struct ct_error *err) CT_MUST_USE;
/* Another pack behind those of the folder, which the hash then covers too; `name` is for messages, the bytes are
 * copied. CT_NO_MEMORY. */
enum ct_status ct_packs_add(struct ct_packs *packs, const char *name, ct_span bytes, struct ct_error *err) CT_MUST_USE;
void ct_packs_done(struct ct_packs *packs);

/* Reads and loads in one go; options may be NULL. NULL = *err says why (the first problem). */
struct ct_ruleset *ct_packs_ruleset(const char *folder, const struct ct_load_options *options, struct ct_error *err);

#endif
