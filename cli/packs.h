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
 * convtap came with: $CONVTAP_RULES, else share/convtap/rules beside the bin or lib folder that this program, or the
 * library that it is part of, is installed in, else the source tree's.
 * CT_NOT_FOUND: no such folder, or no pack in it; CT_IO; CT_LIMIT: a file too large; CT_NO_MEMORY. Whatever the
 * status, ct_packs_done may follow. */
enum ct_status ct_packs_load(const char *folder, struct ct_packs *out, struct ct_error *err) CT_MUST_USE;
/* Another pack behind those of the folder, which the hash then covers too; `name` is for messages, the bytes are
 * copied. CT_NO_MEMORY. */
enum ct_status ct_packs_add(struct ct_packs *packs, const char *name, ct_span bytes, struct ct_error *err) CT_MUST_USE;
void ct_packs_done(struct ct_packs *packs);
/* Hex SHA-256 over the packs' bytes in order, and NUL. CT_NO_MEMORY. */
enum ct_status ct_packs_hash(const struct ct_pack_source *sources, size_t count, char hash[65],
                             struct ct_error *err) CT_MUST_USE;

/* A file that convtap came with: share/convtap/NAME, found as the packs are, else the source tree's docs/NAME. Heap;
 * NULL = it is not there. */
char *ct_share_read(const char *name, size_t limit_bytes, size_t *len);
/* A folder that convtap came with: <program's folder>/../share/convtap/NAME, else IN_SOURCE of the source tree. Heap;
 * NULL = out of memory. */
char *ct_share_folder(const char *name, const char *in_source);

/* Reads and loads in one go; options may be NULL. NULL = *err says why (the first problem). */
struct ct_ruleset *ct_packs_ruleset(const char *folder, const struct ct_load_options *options, struct ct_error *err);

#endif
