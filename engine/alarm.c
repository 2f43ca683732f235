/* alarm.c - names of what an alarm can be, and the id of a change. See alarm.h. */
#include "engine/alarm.h"

#include <inttypes.h>
#include <stdio.h>

#define X(name, text) text,
static const char *const severities[] = {CT_ALARM_SEVERITY_MAP(X)};
static const char *const phases[] = {CT_ALARM_PHASE_MAP(X)};
static const char *const ends[] = {CT_ALARM_END_MAP(X)};
#undef X

/* -1 = none of them. */
static int place_of(const char *const *texts, unsigned count, ct_span text)
{
    for (unsigned i = 0; i < count; i++) {
        if (ct_span_is(text, texts[i])) {
            return (int)i;
        }
    }
    return -1;
}

const char *ct_alarm_severity_text(enum ct_alarm_severity severity)
{
    return severities[severity];
}

bool ct_alarm_severity_from(ct_span text, enum ct_alarm_severity *out)
{
    int place = place_of(severities, CT_ALARM_SEVERITY_COUNT, text);
    *out = place < 0 ? CT_ALARM_INFO : (enum ct_alarm_severity)place;
    return place >= 0;
}

const char *ct_alarm_phase_text(enum ct_alarm_phase phase)
{
    return phases[phase];
}

bool ct_alarm_phase_from(ct_span text, enum ct_alarm_phase *out)
{
    int place = place_of(phases, CT_ALARM_PHASE_COUNT, text);
    *out = place < 0 ? CT_ALARM_HOLDING : (enum ct_alarm_phase)place;
    return place >= 0;
}

const char *ct_alarm_end_text(enum ct_alarm_end end)
{
    return ends[end];
}

bool ct_alarm_end_from(ct_span text, enum ct_alarm_end *out)
{
    int place = place_of(ends, CT_ALARM_END_COUNT, text);
    *out = place < 0 ? CT_ALARM_END_NONE : (enum ct_alarm_end)place;
    return place >= 0;
}

void ct_alarm_id(const struct ct_alarm_entry *entry, char out[CT_ALARM_ID_BYTES])
{
    const char *const texts[] = {entry->name, entry->by, entry->slice, entry->kpi, ct_alarm_phase_text(entry->phase)};
    char when[24];
    uint64_t high = 0, low = 1;
    /* With their ends, so that "ab" "c" is another than "a" "bc". */
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ct_span text = {texts[i], strlen(texts[i]) + 1};
        high = ct_hash(text, high);
        low = ct_hash(text, low);
    }
    int len = snprintf(when, sizeof when, "%" PRId64,
                       (int64_t)(entry->phase == CT_ALARM_CLEARED ? entry->cleared_at : entry->raised_at));
    high = ct_hash((ct_span){when, (size_t)len}, high);
    low = ct_hash((ct_span){when, (size_t)len}, low);
    (void)snprintf(out, CT_ALARM_ID_BYTES, "%016" PRIx64 "%016" PRIx64, high, low);
}
