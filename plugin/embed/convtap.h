/* convtap.h - the tap inside a program of one's own: libconvtap.
 *
 *     struct ct_tap_handle *tap = ct_tap_open("convtap.yaml", problem, sizeof problem);
 *     ct_tap_push(tap, bytes, length, "convtap", CT_TAP_IN, 0);
 *     ct_tap_close(tap);
 *
 * What is pushed goes onto the tape, through the rules and into the store that the configuration names (docs/serve.md);
 * nothing listens on a port. `convtap replay`, `convtap db` and `convtap audit --db` read what comes of it. One tap a
 * tape folder; any number of threads may push. Link with -lconvtap (pkg-config convtap, or CMake's
 * find_package(convtap)).
 */
#ifndef CONVTAP_H
#define CONVTAP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ct_tap_handle;

/* Which way the bytes went. */
enum ct_tap_direction {
    CT_TAP_UNKNOWN = 0,
    CT_TAP_IN = 1, /* from the customer's side towards the bot */
    CT_TAP_OUT = 2 /* from the bot towards the customer */
};

/* What became of a push. */
enum ct_tap_result {
    CT_TAP_TAKEN = 0,   /* it waits for the tape: ct_tap_sync says when it is safe */
    CT_TAP_FULL = 1,    /* the tape's buffer is full: the disk is too slow, or fails; try again */
    CT_TAP_FAILED = 2,  /* the disk refuses; try again later */
    CT_TAP_INVALID = 3, /* no bytes, more than 32 MiB, a name of over 255, a time before 1970 or behind 9999, or a
                           format that nobody knows */
    CT_TAP_CLOSING = 4  /* ct_tap_close has begun */
};

/* `config` is a configuration file, NULL = the defaults (tape and store in the current folder); its doors, relays,
 * webhooks and subscriptions are for `convtap serve` and left alone. NULL = it did not work: `problem` (may be NULL)
 * says why, with file and line, cut to problem_bytes. What is wrong with a configuration or rules is also said in full
 * on standard error. The threads that it starts take no signals; what it writes is the user's own alone (0600). */
struct ct_tap_handle *ct_tap_open(const char *config, char *problem, size_t problem_bytes);

/* A payload: one or more messages in `format` ("convtap", "whatsapp_cloud", ...; `convtap formats` lists them; NULL =
 * the source's own, as configured, or told from the bytes). The bytes are copied; what is in them that cannot be read
 * is counted later, by name, when they are judged. time_usec: when it came, in microseconds since 1970 UTC; 0 = now.
 * Any thread; never waits for the disk. */
enum ct_tap_result ct_tap_push(struct ct_tap_handle *tap, const void *bytes, size_t length, const char *format,
                               enum ct_tap_direction direction, int64_t time_usec);
/* The same, of one connection among several: `source` (as under `sources` of the configuration; NULL = "embedded") and
 * `stream` (NULL = none) name it. A payload whose messages name no conversation belongs to that of its stream. */
enum ct_tap_result ct_tap_push_from(struct ct_tap_handle *tap, const char *source, const char *stream,
                                    const void *bytes, size_t length, const char *format,
                                    enum ct_tap_direction direction, int64_t time_usec);

/* Returns when everything that was pushed before is on the disk, judged, and in the store: 0. -1 at once where tape or
 * store fail: what the tape took is judged when they work again, or at the next start. Any thread. */
int ct_tap_sync(struct ct_tap_handle *tap);

/* Commits and judges what came; conversations that are open go on when the tap is opened again. No other thread may use
 * the handle any more. NULL is allowed. */
void ct_tap_close(struct ct_tap_handle *tap);

/* "0.1.0" */
const char *ct_tap_version(void);

#ifdef __cplusplus
}
#endif

#endif
