/* json_tree.c - cJSON behind prechecks; see json_tree.h. */
#include "parsers/json_tree.h"

bool ct_json_tree_read(struct ct_json_tree *tree, ct_span bytes, struct ct_arena *scratch)
{
    tree->root = NULL;
    ct_json_init(&tree->json, bytes, scratch);
    if (!ct_json_check(&tree->json, CT_JSON_TREE_DEPTH, CT_JSON_TREE_VALUES))
        return false;
    /* The bytes are one valid value: what cJSON can still lack is memory. */
    tree->root = cJSON_ParseWithLengthOpts(bytes.at, bytes.len, NULL, false);
    if (tree->root == NULL)
        tree->json.status = CT_NO_MEMORY;
    return tree->root != NULL;
}

void ct_json_tree_done(struct ct_json_tree *tree)
{
    cJSON_Delete(tree->root);
    tree->root = NULL;
}

bool ct_json_tree_fail(struct ct_json_tree *tree, const char *reason, const char *name, const char *note)
{
    return ct_json_fail(&tree->json, reason, tree->json.begin, name, note);
}

void ct_json_tree_clear(struct ct_json_tree *tree)
{
    tree->json.status = CT_OK;
    tree->json.reason = NULL;
}

static enum ct_json_kind kind_of(const cJSON *item)
{
    if (cJSON_IsString(item))
        return CT_JSON_STRING;
    if (cJSON_IsNumber(item))
        return CT_JSON_NUMBER;
    if (cJSON_IsObject(item))
        return CT_JSON_OBJECT;
    if (cJSON_IsArray(item))
        return CT_JSON_ARRAY;
    if (cJSON_IsBool(item))
        return cJSON_IsTrue(item) ? CT_JSON_TRUE : CT_JSON_FALSE;
    return CT_JSON_NULL;
}

static const cJSON *wrong_type(struct ct_json_tree *tree, const cJSON *item, const char *name, const char *due)
{
    if (tree->json.status == CT_OK) {
        (void)ct_json_tree_fail(tree, "wrong_type", name, due);
        tree->json.found = kind_of(item);
    }
    return NULL;
}

const cJSON *ct_json_tree_get(struct ct_json_tree *tree, const cJSON *object, const char *name)
{
    const cJSON *found = NULL, *item;
    int keys = 0;
    if (!cJSON_IsObject(object))
        return NULL;
    cJSON_ArrayForEach(item, object)
    {
        if (++keys > CT_JSON_KEYS_MAX) {
            (void)ct_json_tree_fail(tree, "too_many_keys", NULL, "an object of more than 1024 keys");
            return NULL;
        }
        if (strcmp(item->string, name) != 0)
            continue;
        if (found != NULL) {
            (void)ct_json_tree_fail(tree, "duplicate_key", name, NULL);
            return NULL;
        }
        found = item;
    }
    return cJSON_IsNull(found) ? NULL : found;
}

const cJSON *ct_json_tree_object(struct ct_json_tree *tree, const cJSON *object, const char *name)
{
    const cJSON *item = ct_json_tree_get(tree, object, name);
    return item == NULL || cJSON_IsObject(item) ? item : wrong_type(tree, item, name, "an object");
}

const cJSON *ct_json_tree_array(struct ct_json_tree *tree, const cJSON *object, const char *name)
{
    const cJSON *item = ct_json_tree_get(tree, object, name);
    return item == NULL || cJSON_IsArray(item) ? item : wrong_type(tree, item, name, "an array");
}

ct_span ct_json_tree_string(struct ct_json_tree *tree, const cJSON *object, const char *name)
{
    const cJSON *item = ct_json_tree_get(tree, object, name);
    if (item != NULL && !cJSON_IsString(item))
        item = wrong_type(tree, item, name, "a string");
    return item ? ct_span_of(item->valuestring) : CT_SPAN_NONE;
}

int64_t ct_json_tree_count(struct ct_json_tree *tree, const cJSON *object, const char *name, int64_t fallback)
{
    const cJSON *item = ct_json_tree_get(tree, object, name);
    if (item != NULL && !cJSON_IsNumber(item))
        item = wrong_type(tree, item, name, "a number");
    if (item == NULL)
        return fallback;
    double value = item->valuedouble;
    if (!(value >= 0 && value <= (double)CT_JSON_COUNT_MAX) || value != (double)(int64_t)value) {
        (void)ct_json_tree_fail(tree, "number_out_of_range", name, "a whole number from 0 to 2^53 - 1 is due");
        return fallback;
    }
    return (int64_t)value;
}

enum ct_status ct_json_tree_refuse(struct ct_json_tree *tree, const struct ct_frame *frame,
                                   const struct ct_parse_out *out)
{
    struct ct_refusal refusal;
    if (tree->json.status != CT_REFUSED)
        return tree->json.status;
    ct_json_refusal(&tree->json, frame, &refusal);
    out->refuse(out->context, &refusal);
    ct_json_tree_clear(tree);
    return CT_OK;
}
