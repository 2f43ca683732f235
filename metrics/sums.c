/* sums.c - folds one record into an empty state of every metric and reads each KPI's head: no percentiles, no
 * intervals; between two conversations that alone is cleared which one can have written to. See sums.h; called for each
 * record that goes into a store.
 */
#include "metrics/sums.h"

#include <assert.h>
#include <stdlib.h>

#include "metrics/adoption.h"
#include "metrics/channels.h"
#include "metrics/cost.h"
#include "metrics/kpi.h"
#include "metrics/kpi_catalogue.h"
#include "metrics/satisfaction.h"
#include "metrics/spread.h"

enum { NAME_BYTES = 128 }; /* of an id, a key in brackets and what it is */

static const struct {
    const char *numerator, *denominator;
} names[] = {
#define CT_KPI(symbol, id, ...) {id ".numerator", id ".denominator"},
#include "metrics/kpis.def"
#undef CT_KPI
};
enum { KPI_COUNT = sizeof names / sizeof *names, SUMS_MAX = 2 * KPI_COUNT };

#define OTHER_SCALES(kind)                                                                                             \
    offsetof(struct ct_satisfaction, survey[kind].scale[1]),                                                           \
        offsetof(struct ct_satisfaction, survey[kind]) + sizeof(struct ct_survey)
/* What folding one conversation into an empty state does not write to. A table by name fills from its first entry on,
 * and a conversation is under one name of each; customer bases are counted from events, months' fees by fold_open. */
static const struct {
    enum ct_metric_index metric;
    size_t from, to; /* in the state; a metric's in rising order */
} untouched[] = {
    {CT_METRIC_cost, offsetof(struct ct_cost, currency[1]), sizeof(struct ct_cost)},
    {CT_METRIC_satisfaction, OTHER_SCALES(CT_SCORE_CSAT)},
    {CT_METRIC_satisfaction, OTHER_SCALES(CT_SCORE_NPS)},
    {CT_METRIC_satisfaction, OTHER_SCALES(CT_SCORE_CES)},
    {CT_METRIC_satisfaction, OTHER_SCALES(CT_SCORE_CSS)},
    {CT_METRIC_channels, offsetof(struct ct_channels, channel[1]), sizeof(struct ct_channels)},
    {CT_METRIC_adoption, offsetof(struct ct_adoption, base), sizeof(struct ct_adoption)},
};
#undef OTHER_SCALES
enum { UNTOUCHED_COUNT = sizeof untouched / sizeof *untouched, PARTS_MAX = 64 };

/* Of the states, what a conversation may have written to. */
struct part {
    size_t at, bytes; /* bytes 0: a struct ct_spread, which is nearly all bins and knows which are not empty */
};

struct ct_sums {
    size_t state_bytes, record_capacity;
    size_t state_at[CT_METRIC_COUNT];
    size_t part_count;
    struct part part[PARTS_MAX]; /* in rising order */
    unsigned char *state;        /* of every metric, one after the other */
    struct ct_record *record;    /* the copy without the marks */
    size_t count;
    struct ct_sum out[SUMS_MAX];
    char keyed[SUMS_MAX][NAME_BYTES]; /* names that hold a key */
};

/* Has a single conversation anything to give to it, and does a row read it? */
static bool counts(unsigned metric)
{
    return ct_metrics[metric]->fold && !ct_metrics[metric]->apart;
}

/* One part where it follows upon the last one. */
static void add_bytes(struct ct_sums *sums, size_t at, size_t bytes)
{
    struct part *last = sums->part_count ? &sums->part[sums->part_count - 1] : NULL;
    if (last && last->bytes && last->at + last->bytes == at) {
        last->bytes += bytes;
    } else if (bytes) {
        assert(sums->part_count < PARTS_MAX);
        sums->part[sums->part_count++] = (struct part){at, bytes};
    }
}

/* `room` = the state's bytes with the gap behind them. */
static void add_state(struct ct_sums *sums, enum ct_metric_index index, size_t room)
{
    const struct ct_metric *metric = ct_metrics[index];
    size_t base = sums->state_at[index], at = 0;
    for (size_t i = 0; i < metric->spread_count; i++) {
        add_bytes(sums, base + at, metric->spreads[i] - at);
        assert(sums->part_count < PARTS_MAX);
        sums->part[sums->part_count++] = (struct part){base + metric->spreads[i], 0};
        at = metric->spreads[i] + sizeof(struct ct_spread);
    }
    for (size_t i = 0; i < UNTOUCHED_COUNT; i++) {
        if (untouched[i].metric == index) {
            assert(metric->spread_count == 0);
            add_bytes(sums, base + at, untouched[i].from - at);
            at = untouched[i].to;
        }
    }
    add_bytes(sums, base + at, room - at);
}

struct ct_sums *ct_sums_new(void)
{
    struct ct_sums *sums = calloc(1, sizeof *sums);
    for (unsigned i = 0; sums && i < CT_METRIC_COUNT; i++) {
        size_t room = counts(i) ? (ct_metrics[i]->state_bytes + 15) / 16 * 16 : 0;
        sums->state_at[i] = sums->state_bytes;
        sums->state_bytes += room;
        if (room) {
            add_state(sums, (enum ct_metric_index)i, room);
        }
    }
    if (sums && !(sums->state = aligned_alloc(16, sums->state_bytes))) {
        free(sums);
        return NULL;
    }
    if (sums) {
        memset(sums->state, 0, sums->state_bytes);
    }
    return sums;
}

void ct_sums_free(struct ct_sums *sums)
{
    if (sums) {
        free(sums->state);
        free(sums->record);
        free(sums);
    }
}

static bool copy_unmarked(struct ct_sums *sums, const struct ct_record *record)
{
    if (record->bytes > sums->record_capacity) {
        struct ct_record *more = realloc(sums->record, record->bytes);
        if (!more) {
            return false;
        }
        sums->record = more;
        sums->record_capacity = record->bytes;
    }
    ct_record_unmark(memcpy(sums->record, record, record->bytes));
    return true;
}

/* "id[key].numerator" from "id.numerator". Ids are ours and short, keys at most CT_FIGURE_KEY_BYTES. */
static const char *with_key(char *out, const char *id, const char *key, const char *name)
{
    size_t id_len = strlen(id), key_len = strlen(key), tail = strlen(name + id_len) + 1;
    if (id_len + key_len + 2 + tail > NAME_BYTES) {
        return name; /* cannot be: a catalogue's id would have to be longer than 70 bytes */
    }
    memcpy(out, id, id_len);
    out[id_len] = '[';
    memcpy(out + id_len + 1, key, key_len);
    out[id_len + 1 + key_len] = ']';
    memcpy(out + id_len + 2 + key_len, name + id_len, tail);
    return out;
}

static void add(struct ct_sums *sums, const char *id, const char *key, const char *name, ct_wide value)
{
    if ((int64_t)(uint64_t)value == 0) {
        return;
    }
    size_t at = sums->count++;
    sums->out[at].measure = *key ? with_key(sums->keyed[at], id, key, name) : name;
    sums->out[at].value = (int64_t)(uint64_t)value;
}

static void read_head(struct ct_sums *sums, size_t index, const struct ct_kpi *kpi)
{
    const struct ct_kpi_source *source = &ct_kpi_sources[index];
    struct ct_reading reading;
    if (!counts(source->metric) || kpi->kind == CT_KPI_PRODUCT || kpi->kind == CT_KPI_DIFFERENCE) {
        return; /* a product's parts, and a difference's, do not add up */
    }
    memset(&reading, 0, sizeof reading);
    if (!source->read(sums->state + sums->state_at[source->metric], 0, &reading)) {
        return;
    }
    const struct ct_moments *moments = reading.spread ? &reading.spread->moments : reading.moments;
    ct_wide numerator = reading.numerator, denominator = reading.denominator;
    if (kpi->kind == CT_KPI_MEAN || kpi->kind == CT_KPI_MEDIAN) {
        numerator = moments ? moments->sum : 0;
        denominator = moments ? (ct_wide)moments->n : 0;
    } else if (kpi->kind == CT_KPI_SCORE) {
        numerator = (ct_wide)reading.promoters - (ct_wide)reading.detractors;
    } else if (kpi->kind == CT_KPI_SUM) {
        denominator = 0;
    }
    add(sums, kpi->id, reading.key, names[index].numerator, numerator);
    add(sums, kpi->id, kpi->kind == CT_KPI_SHARES ? "" : reading.key, names[index].denominator, denominator);
}

static void clear(struct ct_sums *sums)
{
    for (size_t i = 0; i < sums->part_count; i++) {
        const struct part *part = &sums->part[i];
        if (part->bytes) {
            memset(sums->state + part->at, 0, part->bytes);
        } else {
            ct_spread_clear((struct ct_spread *)(void *)(sums->state + part->at));
        }
    }
}

enum ct_status ct_sums_of(struct ct_sums *sums, const struct ct_record *record, const struct ct_sum **out,
                          size_t *count)
{
    size_t kpi_count;
    const struct ct_kpi *kpis = ct_kpi_catalogue(&kpi_count);
    if (!copy_unmarked(sums, record)) {
        return CT_NO_MEMORY;
    }
    clear(sums);
    for (unsigned i = 0; i < CT_METRIC_COUNT; i++) {
        if (counts(i)) {
            unsigned char *state = sums->state + sums->state_at[i];
            if (ct_metrics[i]->zero) {
                ct_metrics[i]->zero(state);
            }
            ct_metrics[i]->fold(state, sums->record);
        }
    }
    sums->count = 0;
    for (size_t i = 0; i < kpi_count; i++) {
        read_head(sums, i, &kpis[i]);
    }
    *out = sums->out;
    *count = sums->count;
    return CT_OK;
}
