/* settings.h - everything that can be set, one row each. From a row come the key of the configuration file, the option
 * of the command line, their checks, the defaults, --help, the man page, `convtap config show` and
 * docs/configuration.md.
 *
 * The rows stand by section: the keys of the file itself, and those of the maps in it (`serve`, `serve.tape`, an entry
 * of `sources` ...), which CT_SECTION_MAP lists.
 *
 * X(a, SYMBOL, member, to, KIND, OPTION, key, option, argument, min, max, fallback, help)
 *   a         passed through
 *   member    where struct ct_session_arguments keeps what the command line says
 *   to        what it becomes in the section's struct (config.h)
 *   KIND      CT_SETTING_KIND_MAP: how a value is written
 *   OPTION    TEXT: an option, the last one given counts; LIST: an option that may be repeated; NONE: file only
 *   key       in the file; a map's rows are its entries
 *   argument  as --help shows it; of a CHOICE or CHOICES the names, divided by '|'
 *   min, max  in the kind's unit (microseconds, bytes, a count); of an ADDRESS the smallest port, and 1 where
 * unix:/path will do; 0, 0 = any fallback  IS("the default as a person writes it"; of a list its entries divided by '
 * '), UNSET: then the help says what happens; NEEDED: there is none, the key has to be there
 */
#ifndef CT_SETTINGS_H
#define CT_SETTINGS_H

#include "cli/options.h"
#include "metrics/profile.h"
#include "metrics/terms.h"

#define CT_SETTING_TIME_MAX (3650 * CT_USEC_PER_DAY)

/* X(NAME, what it is in docs/configuration.md) */
#define CT_SETTING_KIND_MAP(X)                                                                                         \
    X(PATH, "path, relative to the file's folder")                                                                     \
    X(FORMAT, "format (`convtap formats`)")                                                                            \
    X(OPTIONS, "map of option: text, list or map")                                                                     \
    X(TOOLS, "list of names, `*` at either end")                                                                       \
    X(PHRASES, "list of texts")                                                                                        \
    X(ANNOUNCED, "`auto`, `always` or `never`")                                                                        \
    X(DURATION, "time: `90s`, `30m`, `24h`, `7d`")                                                                     \
    X(IDLES, "map of channel: time")                                                                                   \
    X(TIME, "`newest`, or a time such as `2026-11-21T10:00:00Z`")                                                      \
    X(BYTES, "size: `512K`, `16M`, `1G`")                                                                              \
    X(FIELD, "field, or two: `channel,language`")                                                                      \
    X(FILTERS, "list of `field=value,value` or `field!=value`")                                                        \
    X(MOMENT, "date, or time: `2026-11-01`, `2026-11-21T10:00:00Z`")                                                   \
    X(COMPARE, "`none`, `previous`, or a period: `2026-10-01/2026-11-01`")                                             \
    X(TARGETS, "map of KPI: `'>= 90'`, `'<= 5m'` or `none`")                                                           \
    X(WEIGHTS, "map of input: points, 100 in all")                                                                     \
    X(LANG, "`en` or `es`")                                                                                            \
    X(THREADS, "`auto`, or a number")                                                                                  \
    X(TEXT, "text")                                                                                                    \
    X(FLAG, "`yes` or `no`")                                                                                           \
    X(NUMBER, "number")                                                                                                \
    X(FILE_OR_NONE, "path, relative to the file's folder, or `none`")                                                  \
    X(VARIABLE, "name of an environment variable")                                                                     \
    X(ADDRESS, "address: `127.0.0.1:7801`, `[::1]:7801`, `localhost:7801`")                                            \
    X(URL, "URL")                                                                                                      \
    X(ZONE, "`UTC`, an offset such as `+02:00`, or a zone such as `Europe/Madrid`")                                    \
    X(CHOICE, "one of")                                                                                                \
    X(CHOICES, "list of")                                                                                              \
    X(FIELDS, "list of fields")                                                                                        \
    X(TEXTS, "list of texts")                                                                                          \
    X(PATHS, "list of paths, relative to the file's folder")                                                           \
    X(CONDITIONS, "condition, or list of conditions: `csat < 70`, `aht up 20%`, `fcr down`, `any target missed`")      \
    X(WINDOW, "`1m`, `5m`, `1h`, `today`, or a span of time such as `7d`")                                             \
    X(WORDS, "map of language (`en`, `es`): text")
enum ct_setting_kind {
#define X(name, text) CT_SETTING_##name,
    CT_SETTING_KIND_MAP(X)
#undef X
};

/* How inputs are written. */
#define CT_INPUT_SETTING_MAP(X, a)                                                                                     \
    X(a, FORMAT, format, format, FORMAT, TEXT, "format", "format", "NAME", 0, 0, UNSET,                                \
      "How the inputs are written (convtap formats lists them); told from the content by default.")                    \
    X(a, FORMAT_OPTIONS, format_options, format_options, OPTIONS, LIST, "format_options", "format-option",             \
      "[FILES:]NAME=VALUE", 0, 0, UNSET,                                                                               \
      "An option of the format, such as zone=Europe/Madrid, or of some files alone, such as 'crm*.csv:order=dmy'; "    \
      "may "                                                                                                           \
      "be repeated. Who is the bot, an agent, the customer is said here where the format does not say it.")

/* What can change a record. */
#define CT_SETUP_SETTING_MAP(X, a)                                                                                     \
    X(a, RULES, rules, rules, PATH, TEXT, "rules", "rules", "DIR", 0, 0, UNSET,                                        \
      "Folder of rule packs (*.yaml); by default those that convtap came with.")                                       \
    X(a, HANDOFF_TOOLS, handoff_tools, handoff_tools, TOOLS, NONE, "handoff_tools", NULL, NULL, 0, 0, UNSET,           \
      "Tools whose call is a handoff to a person, beside those that the rules know. Becomes a rule, and so part of "   \
      "the rules_hash.")                                                                                               \
    X(a, HANDOFF_PHRASES, handoff_phrases, handoff_phrases, PHRASES, NONE, "handoff_phrases", NULL, NULL, 0, 0, UNSET, \
      "What the bot says when a person is coming, beside what the rules know; case and accents do not matter. "        \
      "Becomes a rule, and so part of the rules_hash.")                                                                \
    X(a, COMPETITORS, competitors, competitors, PHRASES, NONE, "competitors", NULL, NULL, 0, 0, UNSET,                 \
      "Names of competitors: a customer's message that holds one is of the topic competitor; case and accents do not " \
      "matter. Becomes a rule, and so part of the rules_hash.")                                                        \
    X(a, CSAT_POSITIVE_OF_5, csat_positive_of_5, terms.csat_positive_of_5, NUMBER, NONE, "csat_positive_of_5", NULL,   \
      NULL, 1, 5, IS("4"),                                                                                             \
      "The least positive answer to a CSAT or CSS on a scale from 1 to 5. Becomes part of the rules_hash.")            \
    X(a, CSAT_POSITIVE_OF_10, csat_positive_of_10, terms.csat_positive_of_10, NUMBER, NONE, "csat_positive_of_10",     \
      NULL, NULL, 1, 10, IS("6"), "The same on a scale that ends at 10.")                                              \
    X(a, COST_MODEL, cost_model, cost_model, PATH, TEXT, "cost_model", "cost-model", "FILE", 0, 0, UNSET,              \
      "Prices of tokens, channels and people (YAML); without it only costs that the input states are counted.")        \
    X(a, ANNOUNCED, announced, announced, ANNOUNCED, TEXT, "announced", "announced", "auto|always|never", 0, 0,        \
      IS("auto"),                                                                                                      \
      "Does the bot's word that a person is coming count as a handoff? auto: only where the conversation shows no "    \
      "tool calls or handoff events.")                                                                                 \
    X(a, IDLE, idle, idle_usec, DURATION, LIST, "idle", "idle", "[CHANNEL=]TIME", CT_USEC_PER_SECOND,                  \
      CT_SETTING_TIME_MAX, IS("30m"),                                                                                  \
      "Silence that ends a conversation where the source does not say it: 30m, or for one channel whatsapp=24h; may "  \
      "be repeated.")                                                                                                  \
    X(a, IDLE_BY_CHANNEL, idle_by_channel, idle, IDLES, NONE, "idle_by_channel", "idle", NULL, CT_USEC_PER_SECOND,     \
      CT_SETTING_TIME_MAX, UNSET, "The same for single channels; on the command line --idle CHANNEL=TIME.")            \
    X(a, IDLE_PERSON, idle_person, idle_person_usec, DURATION, TEXT, "idle_person", "idle-person", "TIME", 0,          \
      CT_SETTING_TIME_MAX, IS("24h"), "The same while a person is expected or has joined.")                            \
    X(a, IDLE_CAP, idle_cap, idle_cap_usec, DURATION, TEXT, "idle_cap", "idle-cap", "TIME", CT_USEC_PER_SECOND,        \
      CT_SETTING_TIME_MAX, IS("30m"), "Handling time: of a customer's silence no more than this is counted.")

/* What figures are made of, and with. */
#define CT_FIGURE_SETTING_MAP(X, a)                                                                                    \
    X(a, RETURN_WINDOW, return_window, terms.return_window_usec, DURATION, TEXT, "return_window", "return-window",     \
      "TIME", CT_USEC_PER_SECOND, CT_SETTING_TIME_MAX, IS("7d"),                                                       \
      "A customer who is back within this time was not served at first contact.")                                      \
    X(a, RETURN_TOPIC, return_topic, terms.return_topic, CHOICE, TEXT, "return_topic", "return-topic", "same|any", 0,  \
      0, IS("same"),                                                                                                   \
      "Who comes back about something else has not come back: same. Where the topics of either conversation are not "  \
      "known, they count as the same. any: every contact counts.")                                                     \
    X(a, AS_OF, as_of, terms.as_of, TIME, TEXT, "as_of", "as-of", "TIME", 0, 0, IS("newest"),                          \
      "The moment the figures speak for: younger conversations are not yet mature for FCR. newest: that of the "       \
      "newest message, so that the same input gives the same figures on any day.")                                     \
    X(a, ZONE, zone, zone_name, ZONE, TEXT, "zone", "zone", "ZONE", 0, 0, IS("UTC"),                                   \
      "Of the hours, days, weeks, months and quarters that figures are counted by, and of dates.")                     \
    X(a, MAX_RECORD, max_record, max_record_bytes, BYTES, TEXT, "max_record", "max-record", "SIZE", 1024, 1 << 30,     \
      IS("16M"), "A longer line or JSON element is refused.")                                                          \
    X(a, MEMORY, memory, memory_bytes, BYTES, TEXT, "memory", "memory", "SIZE", 65536, (int64_t)1 << 40, IS("48M"),    \
      "What may wait in memory before a temporary file (in TMPDIR) is used.")

/* What audit and explain both need. */
#define CT_SESSION_SETTING_MAP(X, a) CT_INPUT_SETTING_MAP(X, a) CT_SETUP_SETTING_MAP(X, a) CT_FIGURE_SETTING_MAP(X, a)

/* What only audit needs. */
#define CT_AUDIT_SETTING_MAP(X, a)                                                                                     \
    X(a, GROUP_BY, group_by, group_by, FIELD, TEXT, "group_by", "group-by", "FIELD[,FIELD]", 0, 0, UNSET,              \
      "Also each KPI by channel, language, bot, bot_version, tenant, outcome, reason, topic, intent, product, "        \
      "country, segment, hour, weekday, day, week, month or quarter, or by a pair of these.")                          \
    X(a, WHERE, where, filters, FILTERS, LIST, "where", "where", "FIELD=VALUE[,VALUE...]", 0, 0, UNSET,                \
      "Only conversations whose field (those of group_by) is one of the values, or with != none of them, are "         \
      "counted; may be repeated, and then all have to hold. Who came back is told from all conversations.")            \
    X(a, FROM, from, from_text, MOMENT, TEXT, "from", "from", "DATE", 0, 0, UNSET,                                     \
      "Only conversations that start then or later are counted; business figures speak for the period from then on. "  \
      "A date is its first moment in the zone.")                                                                       \
    X(a, TO, to, to_text, MOMENT, TEXT, "to", "to", "DATE", 0, 0, UNSET,                                               \
      "The period's end: the first moment, or date, that is no longer in it. Without it as_of.")                       \
    X(a, CADENCE, cadence, cadence, CHOICE, TEXT, "cadence", "cadence", "none|weekly|monthly|quarterly", 0, 0,         \
      IS("none"),                                                                                                      \
      "A review: the last whole week, month or quarter before as_of against the one before, what belongs to such a "   \
      "review first.")                                                                                                 \
    X(a, COMPARE, compare, compare_text, COMPARE, TEXT, "compare", "compare", "previous|FROM/TO", 0, 0, IS("none"),    \
      "Each figure also against that of another period, with a test: previous is as long a period just before; where " \
      "none was asked for the calendar month of as_of is compared.")                                                   \
    X(a, SEGMENTS, segments, segments, TEXTS, LIST, "segments", "segment", "NAME", 0, 0, UNSET,                        \
      "Whose targets count where those of a KPI differ: smb, mid_market, enterprise, b2b_saas, year_1 ...; may be "    \
      "repeated, the first that a KPI knows counts. In slices by segment each has its own.")                           \
    X(a, TARGETS, targets, targets, TARGETS, NONE, "targets", NULL, NULL, 0, 0, UNSET,                                 \
      "What KPIs are held against, by id (convtap kpis): in the KPI's unit, or none to take its default target away.") \
    X(a, PROFILE, profile, profile, CHOICE, TEXT, "profile", "profile", CT_PROFILE_NAMES, 0, 0, IS("convtap"),         \
      "Whose definitions count: KPIs that the profile defines (docs/profiles.md) take its value, all others stay "     \
      "convtap's.")                                                                                                    \
    X(a, LANG, lang, lang, LANG, TEXT, "lang", "lang", "en|es", 0, 0, IS("en"),                                        \
      "Language of the table, the CSV file and the report.")                                                           \
    X(a, THREADS, threads, threads, THREADS, TEXT, "threads", "threads", "N", 1, 256, IS("auto"),                      \
      "Threads; the result is the same for any number. auto: one a processor.")

/* Thresholds and weights of business figures, in the file alone. */
#define CT_WEIGHT_SAID(name, key, weight) key " " #weight ", "
#define CT_TERMS_SETTING_MAP(X, a)                                                                                     \
    X(a, CHURN_WINDOW, churn_window, terms.churn_window_usec, DURATION, NONE, "churn_window", NULL, NULL,              \
      CT_USEC_PER_HOUR, CT_SETTING_TIME_MAX, IS("30d"),                                                                \
      "A customer lost within this time of a conversation left after it.")                                             \
    X(a, RENEWAL_WINDOW, renewal_window, terms.renewal_window_usec, DURATION, NONE, "renewal_window", NULL, NULL, 0,   \
      CT_SETTING_TIME_MAX, IS("30d"), "So long after it was due a contract may still be renewed.")                     \
    X(a, ONBOARDING_SLA, onboarding_sla, terms.onboarding_usec, DURATION, NONE, "onboarding_sla", NULL, NULL,          \
      CT_USEC_PER_HOUR, CT_SETTING_TIME_MAX, IS("30d"),                                                                \
      "An account is to be onboarded within this time of its start, where the milestone has no due date.")             \
    X(a, KICKOFF_COMPLETE, kickoff_complete, terms.kickoff_percent, NUMBER, NONE, "kickoff_complete", NULL, NULL, 1,   \
      100, IS("90"), "Per cent of its checklist that an account has to have done before its kickoff.")                 \
    X(a, ACTIVATION_WINDOW, activation_window, terms.activation_usec, DURATION, NONE, "activation_window", NULL, NULL, \
      CT_USEC_PER_HOUR, CT_SETTING_TIME_MAX, IS("7d"),                                                                 \
      "A new account is activated by activation_actions key actions within this time, by the clock of the zone.")      \
    X(a, ACTIVATION_ACTIONS, activation_actions, terms.activation_actions, NUMBER, NONE, "activation_actions", NULL,   \
      NULL, 1, 1000000, IS("3"), "See activation_window.")                                                             \
    X(a, TRIAL_LENGTH, trial_length, terms.trial_usec, DURATION, NONE, "trial_length", NULL, NULL, CT_USEC_PER_HOUR,   \
      CT_SETTING_TIME_MAX, IS("30d"), "How long a trial runs that does not say when it ends.")                         \
    X(a, USAGE_INTERVAL, usage_interval, terms.usage_interval, CHOICE, NONE, "usage_interval", NULL,                   \
      "daily|weekly|monthly", 0, 0, IS("monthly"),                                                                     \
      "The product usage rate counts who used it in the day, the week or the month that ends the period.")             \
    X(a, WEEKLY_ACTIVE_EVENTS, weekly_active_events, terms.weekly_events, NUMBER, NONE, "weekly_active_events", NULL,  \
      NULL, 1, 1000000, IS("1"), "An account with so many actions in a week was active in it.")                        \
    X(a, BREADTH_MODULES, breadth_modules, terms.breadth_modules, NUMBER, NONE, "breadth_modules", NULL, NULL, 1, 256, \
      IS("3"), "Modules that an account has to use to count as using the product broadly.")                            \
    X(a, LICENCE_WEEKS, licence_weeks, terms.licence_weeks, NUMBER, NONE, "licence_weeks", NULL, NULL, 1,              \
      CT_LICENCE_WEEKS, IS("3"), "A seat active in so many of the last four weeks is in sustained use.")               \
    X(a, HEALTH_WEIGHTS, health_weights, terms.health_weights, WEIGHTS, NONE, "health_weights", NULL, NULL, 0,         \
      CT_WEIGHTS_TOTAL, UNSET,                                                                                         \
      "Of the customer health score. By default " CT_HEALTH_MAP(CT_WEIGHT_SAID) "100 in all.")                         \
    X(a, ENGAGEMENT_WEIGHTS, engagement_weights, terms.engagement_weights, WEIGHTS, NONE, "engagement_weights", NULL,  \
      NULL, 0, CT_WEIGHTS_TOTAL, UNSET,                                                                                \
      "Of the customer engagement score. By default " CT_ENGAGEMENT_MAP(CT_WEIGHT_SAID) "100 in all.")

/* What people found, and what makes a good conversation. */
#define CT_QUALITY_SETTING_MAP(X, a)                                                                                   \
    X(a, LABELS, labels, labels, PATHS, LIST, "labels", "labels", "FILE", 0, 0, UNSET,                                 \
      "Human marks of conversations (JSON lines, docs/quality.md): AI accuracy, the rules' own precision and recall, " \
      "KPIs corrected for their error, criteria of the scorecard. They change no conversation's record. May be "       \
      "repeated.")                                                                                                     \
    X(a, SCORECARD, scorecard, scorecard, PATH, TEXT, "scorecard", "scorecard", "FILE", 0, 0, UNSET,                   \
      "Weighted criteria (YAML, docs/quality.md) of the internal quality score (iqs).")

/* What becomes of alarms (section `alarms`). */
#define CT_ALARMING_SETTING_MAP(X, a)                                                                                  \
    X(a, DEFAULT_ALARMS, default_alarms, default_alarms, FLAG, NONE, "default_alarms", NULL, NULL, 0, 0, IS("yes"),    \
      "no: none of the alarms that convtap came with but those that the file names again.")                            \
    X(a, ALARM_STATE, alarm_state, alarm_state, PATH, TEXT, "alarm_state", "alarm-state", "FILE", 0, 0, UNSET,         \
      "What audits keep of alarms between runs, so that a state that lasts is one alarm: made where it is missing. "   \
      "Without it each run begins with none.")                                                                         \
    X(a, ALARM_WEBHOOK, alarm_webhook, alarm_webhook, URL, TEXT, "alarm_webhook", "alarm-url", "URL", 0, 0, UNSET,     \
      "Where an alarm that is raised or cleared is posted to as JSON, signed as Standard Webhooks; an audit needs "    \
      "alarm_state for it.")                                                                                           \
    X(a, ALARM_SECRET_FILE, alarm_secret_file, alarm_secret_file, PATH, NONE, "alarm_secret_file", NULL, NULL, 0, 0,   \
      UNSET,                                                                                                           \
      "File that holds the secret it is signed with (whsec_ and base64), not readable by others; several, a "          \
      "line each, while they are rotated.")                                                                            \
    X(a, ALARM_SECRET_ENV, alarm_secret_env, alarm_secret_env, VARIABLE, NONE, "alarm_secret_env", NULL, NULL, 0, 0,   \
      UNSET, "Or the environment's variable that does.")                                                               \
    X(a, ALARM_AUTHORITIES, alarm_authorities, alarm_authorities, PATH, NONE, "alarm_authorities", NULL, NULL, 0, 0,   \
      UNSET, "PEM file of who may have signed the receiver's certificate; without it the system's.")                   \
    X(a, ALARM_PATIENCE, alarm_patience, alarm_patience_usec, DURATION, NONE, "alarm_patience", NULL, NULL, 100000,    \
      CT_USEC_PER_HOUR, IS("30s"),                                                                                     \
      "How long an audit tries to deliver before it ends; what is undelivered then waits in alarm_state for the "      \
      "next.")

#define CT_SETTING_MAP(X, a)                                                                                           \
    CT_SESSION_SETTING_MAP(X, a)                                                                                       \
    CT_AUDIT_SETTING_MAP(X, a) CT_TERMS_SETTING_MAP(X, a) CT_QUALITY_SETTING_MAP(X, a) CT_ALARMING_SETTING_MAP(X, a)

/* ---- the live tap: keys of the maps under `serve`, and of the entries of sources, relays, webhooks, subscriptions
 * ---- */

#define CT_SERVE_SETTING_MAP(X, a)                                                                                     \
    X(a, SERVE_STORE, store, store, FILE_OR_NONE, TEXT, "store", "store", "FILE", 0, 0, IS("convtap.db"),              \
      "SQLite file of closed conversations; none: figures of live windows only.")                                      \
    X(a, SERVE_ZONE, zone, zone, ZONE, NONE, "zone", NULL, NULL, 0, 0, UNSET,                                          \
      "Whose midnight \"today\" begins at, and whose days and hours the API counts by; by default the file's zone.")   \
    X(a, SERVE_TICK, tick, tick_usec, DURATION, NONE, "tick", NULL, NULL, 100000, CT_USEC_PER_MINUTE, IS("1s"),        \
      "How often time passes on the tape: conversations close by it.")                                                 \
    X(a, SERVE_STATE, state, state_usec, DURATION, NONE, "state", NULL, NULL, 100000, CT_USEC_PER_HOUR, IS("1m"),      \
      "How often it is noted which conversations are open, so that a start after a crash has less to read again.")     \
    X(a, SERVE_SLICES, slices, slices, FIELDS, NONE, "slices", NULL, NULL, 0, 0, IS("channel language"),               \
      "Fields by which live windows can also be had.")                                                                 \
    X(a, SERVE_OPEN, open_conversations, open_max, NUMBER, NONE, "open_conversations", NULL, NULL, 1, 100000000,       \
      IS("1000000"), "More open conversations than this: the one silent longest is closed early, and counted.")        \
    X(a, SERVE_OPEN_MEMORY, open_memory, memory_max, BYTES, NONE, "open_memory", NULL, NULL, 1 << 20,                  \
      (int64_t)1 << 44, IS("4G"), "What open conversations may take together; as open_conversations.")                 \
    X(a, SERVE_CONVERSATION, conversation_size, conversation_bytes_max, BYTES, NONE, "conversation_size", NULL, NULL,  \
      65536, 1 << 30, IS("16M"), "Of one conversation's messages; later ones are left out, and counted.")              \
    X(a, SERVE_TOKENS, tokens, tokens, PATH, NONE, "tokens", NULL, NULL, 0, 0, UNSET,                                  \
      "File of bearer tokens, a line each: NAME SCOPE[,SCOPE] TOKEN (ingest, read, admin), not readable by others. "   \
      "The environment's CONVTAP_TOKENS holds the same, lines divided by ';'.")                                        \
    X(a, SERVE_ALARM_EVERY, alarm_every, alarm_every_usec, DURATION, NONE, "alarm_every", NULL, NULL, 100000,          \
      CT_USEC_PER_DAY, IS("1m"), "How often alarms are evaluated.")                                                    \
    X(a, SERVE_DASHBOARD, dashboard, dashboard, FLAG, NONE, "dashboard", NULL, NULL, 0, 0, IS("yes"),                  \
      "Whether the desk shows the dashboard at /; no: a page that names the addresses of the API.")                    \
    X(a, SERVE_ALARM_STATE, serve_alarm_state, alarm_state, PATH, NONE, "alarm_state", NULL, NULL, 0, 0, UNSET,        \
      "What is kept of alarms over a restart; by default alarms.json in the tape's folder.")

#define CT_TAPE_SETTING_MAP(X, a)                                                                                      \
    X(a, TAPE_FOLDER, tape, folder, PATH, TEXT, "folder", "tape", "DIR", 0, 0, IS("tape"),                             \
      "Folder of the tape; made where it is missing.")                                                                 \
    X(a, TAPE_COMMIT, commit, commit_usec, DURATION, NONE, "commit", NULL, NULL, 1000, 10 * CT_USEC_PER_SECOND,        \
      IS("20ms"), "What was seen is safe on the disk after at most this long; senders are acknowledged then.")         \
    X(a, TAPE_COMMIT_FRAMES, commit_frames, commit_frames, NUMBER, NONE, "commit_frames", NULL, NULL, 1, 1000000,      \
      IS("200"), "Or after so many things seen.")                                                                      \
    X(a, TAPE_SEGMENT, segment, segment_bytes, BYTES, NONE, "segment", NULL, NULL, 1 << 16, (int64_t)1 << 34,          \
      IS("64M"), "Size of one file of the tape.")                                                                      \
    X(a, TAPE_KEEP, keep, keep_usec, DURATION, NONE, "keep", NULL, NULL, 0, CT_SETTING_TIME_MAX, IS("30d"),            \
      "Files of the tape older than this are removed, but for what open conversations need; 0: kept.")                 \
    X(a, TAPE_KEEP_SIZE, keep_size, keep_bytes, BYTES, NONE, "keep_size", NULL, NULL, 0, (int64_t)1 << 50, IS("20G"),  \
      "And the oldest ones where all take more than this; 0: no limit.")                                               \
    X(a, TAPE_COMPRESS, compress, compress, FLAG, NONE, "compress", NULL, NULL, 0, 0, IS("yes"),                       \
      "Files of the tape that are full are compressed (zstd).")                                                        \
    X(a, TAPE_BUFFER, buffer, buffer_bytes, BYTES, NONE, "buffer", NULL, NULL, 1 << 20, (int64_t)1 << 36, IS("64M"),   \
      "What may wait in memory for the disk; beyond it senders are told to try again, and a relay's copy is counted "  \
      "as lost.")

/* The two doors have the same keys. */
#define CT_DOOR_SETTING_MAP(X, a, P, arg, address)                                                                     \
    X(a, P##_LISTEN, arg, listen, ADDRESS, TEXT, "listen", #arg, "ADDRESS", 0, 0, IS(address),                         \
      "Where the " #arg " listens; port 0: any free one. An address beyond this machine needs tokens.")                \
    X(a, P##_CERTIFICATE, certificate, certificate, PATH, NONE, "certificate", NULL, NULL, 0, 0, UNSET,                \
      "PEM file of the certificate and those above it; without it plain HTTP is spoken.")                              \
    X(a, P##_KEY, key, key, PATH, NONE, "key", NULL, NULL, 0, 0, UNSET,                                                \
      "PEM file of its key, not readable by others.")                                                                  \
    X(a, P##_ORIGINS, origins, origins, TEXTS, NONE, "origins", NULL, NULL, 0, 0, UNSET,                               \
      "Origins of browsers that may ask, such as https://desk.example; without it the door's own only.")               \
    X(a, P##_CONNECTIONS, connections, connections_max, NUMBER, NONE, "connections", NULL, NULL, 1, 1000000,           \
      IS("20000"), "Connections at a time.")                                                                           \
    X(a, P##_MESSAGE, message, message_max, BYTES, NONE, "message", NULL, NULL, 1024, 32 << 20, IS("4M"),              \
      "Size of one message or request.")                                                                               \
    X(a, P##_RATE, rate, rate_max, NUMBER, NONE, "rate", NULL, NULL, 0, 1000000, IS("0"),                              \
      "Messages or requests a second of one connection; 0: no limit.")                                                 \
    X(a, P##_OPEN, open, open, CHOICE, NONE, "open", NULL, "auto|yes|no", 0, 0, IS("auto"),                            \
      "yes: no token is asked for, on an address of this machine only; auto: yes where there is no token at all.")

#define CT_INTAKE_SETTING_MAP(X, a) CT_DOOR_SETTING_MAP(X, a, INTAKE, intake, "127.0.0.1:7801")
#define CT_DESK_SETTING_MAP(X, a) CT_DOOR_SETTING_MAP(X, a, DESK, desk, "127.0.0.1:7802")

#define CT_SOURCE_SETTING_MAP(X, a)                                                                                    \
    X(a, SOURCE_FORMAT, format, format, FORMAT, NONE, "format", NULL, NULL, 0, 0, IS("convtap"),                       \
      "How its payloads are written.")                                                                                 \
    X(a, SOURCE_OPTIONS, options, options, OPTIONS, NONE, "options", NULL, NULL, 0, 0, UNSET,                          \
      "Options of the format.")                                                                                        \
    X(a, SOURCE_CHANNEL, channel, channel, TEXT, NONE, "channel", NULL, NULL, 0, 0, UNSET,                             \
      "Channel of messages that name none.")                                                                           \
    X(a, SOURCE_BOT, bot, bot, TEXT, NONE, "bot", NULL, NULL, 0, 0, UNSET, "Bot of messages that name none.")          \
    X(a, SOURCE_TENANT, tenant, tenant, TEXT, NONE, "tenant", NULL, NULL, 0, 0, UNSET,                                 \
      "Tenant of messages that name none.")

#define CT_WRITING_SETTING_MAP(X, a)                                                                                   \
    X(a, WRITING_FILES, files, files, TEXT, NONE, "files", NULL, NULL, 0, 0, NEEDED,                                   \
      "Which: the file's name, or with its last folders (crm/*.csv); '*', '?' and '[a-z]' as in a shell. .gz and "     \
      ".zst "                                                                                                          \
      "may be left out.")                                                                                              \
    X(a, WRITING_FORMAT, format, format, FORMAT, NONE, "format", NULL, NULL, 0, 0, UNSET,                              \
      "How they are written; by default as the others.")                                                               \
    X(a, WRITING_OPTIONS, options, options, OPTIONS, NONE, "options", NULL, NULL, 0, 0, UNSET,                         \
      "Options of the format, beside and before those of format_options.")

#define CT_RELAY_SETTING_MAP(X, a)                                                                                     \
    X(a, RELAY_SOURCE, source, source, TEXT, NONE, "source", NULL, NULL, 0, 0, NEEDED, "Name of a source.")            \
    X(a, RELAY_LISTEN, listen, listen, ADDRESS, NONE, "listen", NULL, NULL, 0, 1, NEEDED,                              \
      "Where it listens in the gateway's place; also unix:/path.")                                                     \
    X(a, RELAY_UPSTREAM, upstream, upstream, ADDRESS, NONE, "upstream", NULL, NULL, 1, 1, NEEDED,                      \
      "The gateway; also unix:/path.")                                                                                 \
    X(a, RELAY_CLIENT, client, client_is, CHOICE, NONE, "client", NULL, "customer|bot", 0, 0, IS("customer"),          \
      "Who connects: customers, or the bot that calls a platform's API.")                                              \
    X(a, RELAY_PATHS, paths, paths, TEXTS, NONE, "paths", NULL, NULL, 0, 0, UNSET,                                     \
      "Only requests under these paths are read; without it all.")                                                     \
    X(a, RELAY_READ, read, read, CHOICES, NONE, "read", NULL, "websocket|events|http", 0, 0,                           \
      IS("websocket events http"),                                                                                     \
      "What is read of them: frames, server-sent events, bodies of requests and responses.")                           \
    X(a, RELAY_CERTIFICATE, certificate, certificate, PATH, NONE, "certificate", NULL, NULL, 0, 0, UNSET,              \
      "PEM file: TLS is spoken with clients.")                                                                         \
    X(a, RELAY_KEY, key, key, PATH, NONE, "key", NULL, NULL, 0, 0, UNSET,                                              \
      "PEM file of its key, not readable by others.")                                                                  \
    X(a, RELAY_UPSTREAM_TLS, upstream_tls, upstream_tls, FLAG, NONE, "upstream_tls", NULL, NULL, 0, 0, IS("no"),       \
      "TLS is spoken with the gateway.")                                                                               \
    X(a, RELAY_UPSTREAM_VERIFY, upstream_verify, upstream_verify, FLAG, NONE, "upstream_verify", NULL, NULL, 0, 0,     \
      IS("yes"), "Its certificate is checked.")                                                                        \
    X(a, RELAY_UPSTREAM_AUTHORITIES, upstream_authorities, upstream_authorities, PATH, NONE, "upstream_authorities",   \
      NULL, NULL, 0, 0, UNSET, "PEM file of who may have signed it; without it the system's.")                         \
    X(a, RELAY_UPSTREAM_NAME, upstream_name, upstream_name, TEXT, NONE, "upstream_name", NULL, NULL, 0, 0, UNSET,      \
      "Name that it has to be for; without it the host of upstream.")                                                  \
    X(a, RELAY_CONNECTIONS, connections, connections_max, NUMBER, NONE, "connections", NULL, NULL, 1, 1000000,         \
      IS("10000"), "Connections at a time.")                                                                           \
    X(a, RELAY_MESSAGE, message, message_max, BYTES, NONE, "message", NULL, NULL, 1024, 32 << 20, IS("1M"),            \
      "A longer message goes through unread.")

#define CT_WEBHOOK_SETTING_MAP(X, a)                                                                                   \
    X(a, WEBHOOK_SOURCE, source, source, TEXT, NONE, "source", NULL, NULL, 0, 0, NEEDED,                               \
      "Name of a source; the path is /webhook/ and this name.")                                                        \
    X(a, WEBHOOK_SIGNATURE, signature, signature, CHOICE, NONE, "signature", NULL,                                     \
      "none|whatsapp|standard|chatwoot|secret", 0, 0, NEEDED,                                                          \
      "How it is signed: whatsapp (X-Hub-Signature-256), standard (Standard Webhooks), chatwoot, secret (the secret "  \
      "itself in a header); none: on an address of this machine only.")                                                \
    X(a, WEBHOOK_SECRET_FILE, secret_file, secret_file, PATH, NONE, "secret_file", NULL, NULL, 0, 0, UNSET,            \
      "File that holds the secret, not readable by others; several, a line each, while they are rotated.")             \
    X(a, WEBHOOK_SECRET_ENV, secret_env, secret_env, VARIABLE, NONE, "secret_env", NULL, NULL, 0, 0, UNSET,            \
      "Or the environment's variable that does.")                                                                      \
    X(a, WEBHOOK_VERIFY_FILE, verify_token_file, verify_token_file, PATH, NONE, "verify_token_file", NULL, NULL, 0, 0, \
      UNSET, "File that holds the verify token of WhatsApp's first request.")                                          \
    X(a, WEBHOOK_VERIFY_ENV, verify_token_env, verify_token_env, VARIABLE, NONE, "verify_token_env", NULL, NULL, 0, 0, \
      UNSET, "Or the environment's variable that does.")                                                               \
    X(a, WEBHOOK_HEADER, header, header, TEXT, NONE, "header", NULL, NULL, 0, 0, IS("X-Webhook-Secret"),               \
      "Of signature secret: where it stands.")                                                                         \
    X(a, WEBHOOK_FORWARD, forward, forward, URL, NONE, "forward", NULL, NULL, 0, 0, UNSET,                             \
      "Where the request is passed on to, its answer passed back.")                                                    \
    X(a, WEBHOOK_AUTHORITIES, forward_authorities, forward_authorities, PATH, NONE, "forward_authorities", NULL, NULL, \
      0, 0, UNSET, "PEM file of who may have signed its certificate; without it the system's.")                        \
    X(a, WEBHOOK_TOLERANCE, tolerance, tolerance_usec, DURATION, NONE, "tolerance", NULL, NULL, CT_USEC_PER_SECOND,    \
      CT_USEC_PER_DAY, IS("5m"), "Of signatures that say when: older or younger ones are refused.")

#define CT_SUBSCRIPTION_SETTING_MAP(X, a)                                                                              \
    X(a, SUBSCRIPTION_SOURCE, source, source, TEXT, NONE, "source", NULL, NULL, 0, 0, NEEDED, "Name of a source.")     \
    X(a, SUBSCRIPTION_KIND, kind, kind, CHOICE, NONE, "kind", NULL, "raw|actioncable|socketio|directline", 0, 0,       \
      IS("raw"), "What the gateway speaks.")                                                                           \
    X(a, SUBSCRIPTION_URL, url, url, URL, NONE, "url", NULL, NULL, 0, 0, NEEDED, "Where its stream of events is.")     \
    X(a, SUBSCRIPTION_IDENTIFIER, identifier, identifier, TEXT, NONE, "identifier", NULL, NULL, 0, 0, UNSET,           \
      "actioncable: the JSON that is subscribed to; socketio: the namespace; directline: a conversation to go on "     \
      "with; raw: a text that is sent first.")                                                                         \
    X(a, SUBSCRIPTION_SECRET_FILE, secret_file, secret_file, PATH, NONE, "secret_file", NULL, NULL, 0, 0, UNSET,       \
      "File that holds the bearer token, not readable by others.")                                                     \
    X(a, SUBSCRIPTION_SECRET_ENV, secret_env, secret_env, VARIABLE, NONE, "secret_env", NULL, NULL, 0, 0, UNSET,       \
      "Or the environment's variable that does.")                                                                      \
    X(a, SUBSCRIPTION_ORIGIN, origin, origin, TEXT, NONE, "origin", NULL, NULL, 0, 0, UNSET, "Header Origin.")         \
    X(a, SUBSCRIPTION_SUBPROTOCOL, subprotocol, subprotocol, TEXT, NONE, "subprotocol", NULL, NULL, 0, 0, UNSET,       \
      "WebSocket subprotocol.")                                                                                        \
    X(a, SUBSCRIPTION_AUTHORITIES, authorities, authorities, PATH, NONE, "authorities", NULL, NULL, 0, 0, UNSET,       \
      "PEM file of who may have signed its certificate; without it the system's.")                                     \
    X(a, SUBSCRIPTION_VERIFY, verify, verify, FLAG, NONE, "verify", NULL, NULL, 0, 0, IS("yes"),                       \
      "Its certificate is checked.")

#define CT_SLICE_FIELD_NAME(name, text) "|" text
#define CT_ALARM_SETTING_MAP(X, a)                                                                                     \
    X(a, ALARM_ENABLED, enabled, enabled, FLAG, NONE, "enabled", NULL, NULL, 0, 0, IS("yes"),                          \
      "no: it is not evaluated.")                                                                                      \
    X(a, ALARM_WHEN, when, unused, CONDITIONS, NONE, "when", NULL, NULL, 0, 0, UNSET, "All of these have to hold.")    \
    X(a, ALARM_ANY, any, unused, CONDITIONS, NONE, "any", NULL, NULL, 0, 0, UNSET,                                     \
      "One of these has to hold, besides those of when.")                                                              \
    X(a, ALARM_CLEAR, clear, unused, CONDITIONS, NONE, "clear", NULL, NULL, 0, 0, UNSET,                               \
      "It ends when all of these hold; by default when its conditions no longer do.")                                  \
    X(a, ALARM_BY, by, by, CHOICE, NONE, "by", NULL, "none" CT_SLICE_MAP(CT_SLICE_FIELD_NAME), 0, 0, IS("none"),       \
      "In each slice by this field; none: over all conversations.")                                                    \
    X(a, ALARM_SEGMENT, segment, segment, TEXT, NONE, "segment", NULL, NULL, 0, 0, UNSET,                              \
      "Of this customer segment alone.")                                                                               \
    X(a, ALARM_LEAST, at_least, at_least, NUMBER, NONE, "at_least", NULL, NULL, 0, 1000000000, IS("30"),               \
      "Cases that a figure has to stand on, and that of the period before; with fewer nothing is known.")              \
    X(a, ALARM_SURE, sure, sure, FLAG, NONE, "sure", NULL, NULL, 0, 0, IS("no"),                                       \
      "yes: the whole 95 % interval has to lie beyond the amount, not only the value.")                                \
    X(a, ALARM_HOLD, hold, hold, NUMBER, NONE, "hold", NULL, NULL, 1, 10000, IS("1"),                                  \
      "Evaluations in a row before it is raised.")                                                                     \
    X(a, ALARM_FORGET, forget, forget_usec, DURATION, NONE, "forget", NULL, NULL, CT_USEC_PER_MINUTE,                  \
      CT_SETTING_TIME_MAX, IS("7d"), "It ends where nothing was known of it for so long.")                             \
    X(a, ALARM_SEVERITY, severity, severity, CHOICE, NONE, "severity", NULL, "info|warning|critical", 0, 0,            \
      IS("warning"), "How bad it is; for who is told.")                                                                \
    X(a, ALARM_WINDOW, window, window, WINDOW, NONE, "window", NULL, NULL, 0, 0, IS("today"),                          \
      "Of convtap serve: the time up to now that its figures are of. An audit has its own period.")                    \
    X(a, ALARM_ACTION, action, unused, WORDS, NONE, "action", NULL, NULL, 0, 0, UNSET, "What to do then.")

/* X(NAME, above, SHAPE, key, struct, help): above = the section that it stands in; SHAPE = ONE map that is always
 * there, NAMED maps by name, or a LIST of maps. */
#define CT_SECTION_MAP(X)                                                                                              \
    X(WRITING, ROOT, LIST, "inputs", ct_input_writing,                                                                 \
      "How some of the files are written, by their names, for everything that reads files; `convtap serve` leaves "    \
      "it. "                                                                                                           \
      "Of two that name a file, what the later one says goes before the other.")                                       \
    X(SERVE, ROOT, ONE, "serve", ct_serve_settings, "The live tap.")                                                   \
    X(TAPE, SERVE, ONE, "tape", ct_tape_settings, "The tape: everything that was seen, to replay.")                    \
    X(INTAKE, SERVE, ONE, "intake", ct_door_settings, "The door for what comes in: /ingest/SOURCE, /webhook/SOURCE.")  \
    X(DESK, SERVE, ONE, "desk", ct_door_settings, "The door for who asks: /api/v1, /metrics, the live feed.")          \
    X(SOURCE, ROOT, NAMED, "sources", ct_source_settings,                                                              \
      "Where messages come from, by name (letters, digits, '-', '_', '.').")                                           \
    X(RELAY, ROOT, LIST, "relays", ct_relay_settings, "Reverse proxies in front of a gateway.")                        \
    X(WEBHOOK, ROOT, LIST, "webhooks", ct_webhook_settings, "Receivers of a platform's webhooks, at the intake.")      \
    X(SUBSCRIPTION, ROOT, LIST, "subscriptions", ct_subscription_settings, "Streams of events that are listened to.")  \
    X(ALARM, ROOT, NAMED, "alarms", ct_alarm_settings,                                                                 \
      "What raises an alarm, by name, in audits and live ([alarms.md](alarms.md)); an entry named as one that "        \
      "convtap "                                                                                                       \
      "came with changes that one.")
enum ct_section_id {
    CT_SECTION_ROOT,
#define X(name, ...) CT_SECTION_##name,
    CT_SECTION_MAP(X)
#undef X
        CT_SECTION_COUNT
};

/* Every row has a number of its own; those of a section stand in a row, from its _FIRST on. */
enum ct_setting_id {
#define X(a, symbol, ...) CT_SET_##symbol,
    CT_SETTING_MAP(X, ) CT_SETTING_COUNT, /* the file's own keys */
    CT_SET_ROOT_FIRST = 0,
    CT_SET_WRITING_FIRST = CT_SETTING_COUNT,
    CT_SET_WRITING_BEFORE = CT_SET_WRITING_FIRST - 1,
    CT_WRITING_SETTING_MAP(X, ) CT_SET_SERVE_FIRST,
    CT_SET_SERVE_BEFORE = CT_SET_SERVE_FIRST - 1,
    CT_SERVE_SETTING_MAP(X, ) CT_SET_TAPE_FIRST,
    CT_SET_TAPE_BEFORE = CT_SET_TAPE_FIRST - 1,
    CT_TAPE_SETTING_MAP(X, ) CT_SET_INTAKE_FIRST,
    CT_SET_INTAKE_BEFORE = CT_SET_INTAKE_FIRST - 1,
    CT_INTAKE_SETTING_MAP(X, ) CT_SET_DESK_FIRST,
    CT_SET_DESK_BEFORE = CT_SET_DESK_FIRST - 1,
    CT_DESK_SETTING_MAP(X, ) CT_SET_SOURCE_FIRST,
    CT_SET_SOURCE_BEFORE = CT_SET_SOURCE_FIRST - 1,
    CT_SOURCE_SETTING_MAP(X, ) CT_SET_RELAY_FIRST,
    CT_SET_RELAY_BEFORE = CT_SET_RELAY_FIRST - 1,
    CT_RELAY_SETTING_MAP(X, ) CT_SET_WEBHOOK_FIRST,
    CT_SET_WEBHOOK_BEFORE = CT_SET_WEBHOOK_FIRST - 1,
    CT_WEBHOOK_SETTING_MAP(X, ) CT_SET_SUBSCRIPTION_FIRST,
    CT_SET_SUBSCRIPTION_BEFORE = CT_SET_SUBSCRIPTION_FIRST - 1,
    CT_SUBSCRIPTION_SETTING_MAP(X, ) CT_SET_ALARM_FIRST,
    CT_SET_ALARM_BEFORE = CT_SET_ALARM_FIRST - 1,
    CT_ALARM_SETTING_MAP(X, ) CT_SETTING_ROWS /* of all sections */
#undef X
};

/* What the command line says, as it is written there; NULL or count 0 = nothing. All zero before parsing. */
struct ct_session_arguments {
    const char *config; /* the configuration file */
#define CT_ARGUMENT_TEXT(member) const char *member;
#define CT_ARGUMENT_LIST(member) struct ct_texts member;
#define CT_ARGUMENT_NONE(member)
#define X(a, symbol, member, to, kind, how, ...) CT_ARGUMENT_##how(member)
    CT_SETTING_MAP(X, )
    CT_SERVE_SETTING_MAP(X, )
    CT_TAPE_SETTING_MAP(X, )
    CT_INTAKE_SETTING_MAP(X, )
    CT_DESK_SETTING_MAP(X, )
#undef X
};
#define CT_SESSION_DEFAULTS                                                                                            \
    {                                                                                                                  \
        0                                                                                                              \
    }

/* Rows of struct ct_cli_option for a `struct ct_session_arguments *`. */
#define CT_FALLBACK_IS(text) text
#define CT_FALLBACK_UNSET NULL
#define CT_FALLBACK_NEEDED NULL
#define CT_FALLBACK_SAYS_IS(text) " Default " text "."
#define CT_FALLBACK_SAYS_UNSET ""
#define CT_FALLBACK_SAYS_NEEDED ""
#define CT_OPTION_ROW_TEXT(...) {__VA_ARGS__},
#define CT_OPTION_ROW_LIST(...) {__VA_ARGS__},
#define CT_OPTION_ROW_NONE(...)
#define CT_OPTION_ROW(a, symbol, member, to, kind, how, key, option, argument, min, max, fallback, help)               \
    CT_OPTION_ROW_##how(option, argument, CT_OPT_##how, &(a)->member, 0, 0, help CT_FALLBACK_SAYS_##fallback)
/* For a subcommand that opens a session, and for audit's own. */
#define CT_SESSION_OPTIONS(a)                                                                                          \
    CT_SESSION_SETTING_MAP(CT_OPTION_ROW, a)                                                                           \
    {                                                                                                                  \
        "config", "FILE", CT_OPT_TEXT, &(a)->config, 0, 0,                                                             \
            "Configuration file (YAML); options of the command line win over it. convtap config show prints every "    \
            "key."                                                                                                     \
    }
/* Every row brings its comma: what follows needs none before it. */
#define CT_AUDIT_OPTIONS(a) CT_AUDIT_SETTING_MAP(CT_OPTION_ROW, a)
#define CT_QUALITY_OPTIONS(a) CT_QUALITY_SETTING_MAP(CT_OPTION_ROW, a)
#define CT_ALARMING_OPTIONS(a) CT_ALARMING_SETTING_MAP(CT_OPTION_ROW, a)
/* For a subcommand without inputs of its own: what a setup is made of. */
#define CT_SERVE_SESSION_OPTIONS(a)                                                                                    \
    CT_SETUP_SETTING_MAP(CT_OPTION_ROW, a){                                                                            \
        "config",                                                                                                      \
        "FILE",                                                                                                        \
        CT_OPT_TEXT,                                                                                                   \
        &(a)->config,                                                                                                  \
        0,                                                                                                             \
        0,                                                                                                             \
        "Configuration file (YAML); options of the command line win over it. convtap config show prints every key."},
/* For a subcommand whose inputs say themselves how they are written. */
#define CT_FIGURE_OPTIONS(a) CT_FIGURE_SETTING_MAP(CT_OPTION_ROW, a)
/* What serve has of its own. */
#define CT_SERVE_OPTIONS(a)                                                                                            \
    CT_SERVE_SETTING_MAP(CT_OPTION_ROW, a)                                                                             \
    CT_TAPE_SETTING_MAP(CT_OPTION_ROW, a)                                                                              \
    CT_INTAKE_SETTING_MAP(CT_OPTION_ROW, a)                                                                            \
    CT_DESK_SETTING_MAP(CT_OPTION_ROW, a)

#endif
