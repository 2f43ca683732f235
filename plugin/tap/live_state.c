/* live_state.c - open and packed states. Called by live.c, under its lock. */
#include "plugin/tap/live_state.h"

#include <stdlib.h>

void ct_live_bytes_unref(struct ct_live_bytes *bytes)
{
    if (bytes && --bytes->refs == 0) {
        free(bytes->packed.at);
        free(bytes);
    }
}

static void out_of_date(struct ct_live_state *state)
{
    for (size_t part = 0; part < CT_LIVE_PARTS_MAX; part++) {
        ct_live_bytes_unref(state->packed[part]);
        state->packed[part] = NULL;
    }
}

static void drop_open(struct ct_live_state *state)
{
    ct_kpis_free(state->total);
    state->total = NULL;
    for (size_t i = 0; i < CT_LIVE_FIELDS_MAX; i++) {
        ct_slices_free(state->slices[i]);
        state->slices[i] = NULL;
    }
}

bool ct_live_state_is_open(const struct ct_live_state *state)
{
    return state->total != NULL;
}

size_t ct_live_state_sets(const struct ct_live_state *state)
{
    size_t sets = state->total != NULL;
    for (size_t i = 0; i < CT_LIVE_FIELDS_MAX && state->slices[i]; i++) {
        sets += ct_slices_count(state->slices[i]);
    }
    return sets;
}

void ct_live_state_clear(struct ct_live_state *state)
{
    drop_open(state);
    out_of_date(state);
    memset(state, 0, sizeof *state);
    state->number = CT_LIVE_NUMBER_NONE;
}

static enum ct_status open_state(struct ct_live_state *state, const struct ct_live_shape *shape)
{
    if (state->total) {
        return CT_OK;
    }
    enum ct_status status = CT_OK;
    struct ct_kpi_set *total = ct_kpis_new();
    if (!total) {
        return CT_NO_MEMORY;
    }
    for (size_t i = 0; i < shape->field_count && status == CT_OK; i++) {
        state->slices[i] = ct_slices_new(shape->fields[i], shape->slices_max);
        status = state->slices[i] ? CT_OK : CT_NO_MEMORY;
        if (status == CT_OK) {
            ct_slices_zone(state->slices[i], shape->zone);
        }
        if (status == CT_OK && state->packed[1 + i]) {
            status = ct_slices_merge_packed(state->slices[i], state->packed[1 + i]->packed.at, shape->scratch);
        }
    }
    if (status == CT_OK && state->packed[0]) {
        (void)ct_kpis_merge_packed(total, state->packed[0]->packed.at, shape->scratch);
    }
    state->total = total;
    if (status != CT_OK) {
        drop_open(state); /* the bytes still have everything */
    }
    return status;
}

enum ct_status ct_live_state_add(struct ct_live_state *state, const struct ct_live_shape *shape,
                                 const struct ct_record *record, struct ct_kpi_set **sets, size_t *count)
{
    enum ct_status status = open_state(state, shape);
    if (status != CT_OK) {
        return status;
    }
    out_of_date(state);
    state->conversations++;
    sets[(*count)++] = state->total;
    for (size_t i = 0; i < shape->field_count; i++) {
        struct ct_kpi_set *set = ct_slices_set_for(state->slices[i], record);
        if (set) {
            sets[(*count)++] = set;
        }
        status = set ? status : CT_NO_MEMORY;
    }
    return status;
}

enum ct_status ct_live_state_take(struct ct_live_state *state, const struct ct_live_shape *shape,
                                  const struct ct_record *record, const struct ct_kpi_set *alone)
{
    if (state->conversations == 0) {
        return CT_OK; /* it was folded before this tap began: nothing to give back */
    }
    enum ct_status status = open_state(state, shape);
    if (status != CT_OK) {
        return status;
    }
    out_of_date(state);
    ct_kpis_subtract(state->total, alone);
    state->conversations--;
    for (size_t i = 0; i < shape->field_count; i++) {
        ct_slices_subtract(state->slices[i], record, alone);
    }
    return CT_OK;
}

static enum ct_status pack(const struct ct_live_state *state, size_t part, struct ct_live_bytes **out)
{
    struct ct_live_bytes *bytes = calloc(1, sizeof *bytes);
    if (!bytes) {
        return CT_NO_MEMORY;
    }
    enum ct_status status = part == 0 ? ct_kpis_pack(state->total, &bytes->packed)
                                      : ct_slices_pack(state->slices[part - 1], &bytes->packed);
    if (status != CT_OK) {
        free(bytes->packed.at);
        free(bytes);
        return status;
    }
    unsigned char *exact = realloc(bytes->packed.at, bytes->packed.len);
    bytes->packed.at = exact ? exact : bytes->packed.at;
    bytes->refs = 1;
    *out = bytes;
    return CT_OK;
}

enum ct_status ct_live_state_bytes(struct ct_live_state *state, size_t part, struct ct_live_bytes **out)
{
    *out = NULL;
    if (!state->packed[part] && state->total) {
        enum ct_status status = pack(state, part, &state->packed[part]);
        if (status != CT_OK) {
            return status;
        }
    }
    if (state->packed[part]) {
        *out = state->packed[part];
        (*out)->refs++;
    }
    return CT_OK;
}

void ct_live_state_close(struct ct_live_state *state, const struct ct_live_shape *shape)
{
    for (size_t part = 0; part <= shape->field_count; part++) {
        struct ct_live_bytes *bytes;
        if (ct_live_state_bytes(state, part, &bytes) != CT_OK) {
            return;
        }
        ct_live_bytes_unref(bytes);
    }
    drop_open(state);
}
