/* alarms.h - alarms as JSON, as lines of the table and as a section of the report. */
#ifndef CT_ALARMS_H
#define CT_ALARMS_H

#include "engine/alarm.h"
#include "sinks/report_parts.h"
#include "sinks/table_parts.h"
#include "sinks/writer.h"

/* One alarm as it stands: what the API lists, the feed tells and a webhook posts. */
void ct_alarm_json(struct ct_writer *json, const struct ct_alarm_entry *entry);
/* What an audit says, as an array: raised and holding ones, those cleared in this evaluation, those not judged. */
void ct_alarms_json(struct ct_writer *json, const struct ct_alarm_findings *alarms);
/* The message of a change: {"type": "alarm.raised", "timestamp": ..., "data": {"id": ..., "alarm": {...}}}. */
void ct_alarm_message(struct ct_writer *json, const struct ct_alarm_entry *entry);
/* "csat 62.5 % (csat < 70, n 120)", one after the other. */
#define CT_ALARM_BECAUSE_BYTES 1600
size_t ct_alarm_because(const struct ct_alarm_entry *entry, enum ct_lang lang, char out[CT_ALARM_BECAUSE_BYTES]);

/* Sections; nothing where nothing is to be said. */
void ct_table_alarms(const struct ct_table *t, const struct ct_findings *findings);
void ct_page_alarms(const struct ct_page *page, const struct ct_findings *findings);

#endif
