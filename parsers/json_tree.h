/* json_tree.h - a record as a cJSON tree, once it is known to be safe to build one.
 *
 * cJSON takes what JSON forbids (bad UTF-8, control characters, 007), cuts strings at \u0000, keeps the
 * first of two equal keys and nests 1,000 deep. So the field reader validates the bytes first, with limits
 * on depth and number of values; and the getters here are case-sensitive and refuse a key that comes twice.
 * Numbers pass through a double in cJSON: ids and money are never read from a tree.
 * Used by parsers of platforms' payloads; the tree is freed by the caller with ct_json_tree_done.
 */
#ifndef CT_JSON_TREE_H
#define CT_JSON_TREE_H

#include "parsers/json_reader.h"

#include <cjson/cJSON.h>

#define CT_JSON_TREE_DEPTH 32
#define CT_JSON_TREE_VALUES 262144 /* 64 bytes each: 16 MiB */

struct ct_json_tree {
    struct ct_json json; /* holds the failure */
    cJSON *root;
};

/* False = not valid, over a limit or out of memory: see tree->json.status and .reason. */
bool ct_json_tree_read(struct ct_json_tree *tree, ct_span bytes, struct ct_arena *scratch) CT_MUST_USE;
void ct_json_tree_done(struct ct_json_tree *tree);

/* The member of that name, NULL where there is none, it is null, or `object` is no object (NULL is none).
 * A second member of that name, or more than 1,024 members, is a failure: NULL, and json.status says so. */
const cJSON *ct_json_tree_get(struct ct_json_tree *tree, const cJSON *object, const char *name);
/* As get, for a member that has to be of a kind; another kind is "wrong_type". */
const cJSON *ct_json_tree_object(struct ct_json_tree *tree, const cJSON *object, const char *name);
const cJSON *ct_json_tree_array(struct ct_json_tree *tree, const cJSON *object, const char *name);
/* Borrowed from the tree; empty where there is none. */
ct_span ct_json_tree_string(struct ct_json_tree *tree, const cJSON *object, const char *name);
/* A whole number from 0 to CT_JSON_COUNT_MAX; `fallback` where there is none. */
int64_t ct_json_tree_count(struct ct_json_tree *tree, const cJSON *object, const char *name, int64_t fallback);

/* Refuses because of a member; always false. `name` is a constant. */
bool ct_json_tree_fail(struct ct_json_tree *tree, const char *reason, const char *name, const char *note);
/* Says a refusal of the record at `frame` to `out` and forgets it: CT_OK. Any other failure comes back as its status.
 */
enum ct_status ct_json_tree_refuse(struct ct_json_tree *tree, const struct ct_frame *frame,
                                   const struct ct_parse_out *out) CT_MUST_USE;
/* Forgets a failure that was reported. */
void ct_json_tree_clear(struct ct_json_tree *tree);

#endif
