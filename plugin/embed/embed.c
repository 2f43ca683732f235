/* embed.c - libconvtap: the tap inside somebody else's program; see convtap.h. Composes rooms as cli/serve.c does,
 * without a door.
 */
#include "plugin/embed/convtap.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/serve_tap.h"

#define CT_PUBLIC __attribute__((visibility("default")))
#define TIME_USEC_MAX ((int64_t)253402300799999999) /* the end of 9999: one slip may not end every conversation */

struct ct_tap_handle {
    struct ct_config config;
    struct ct_setups *setups;
    struct ct_tap *tap;
    char setup_hash[65];
};

/* For messages about a configuration, which name the program that reads it. */
static const struct ct_command self = {.name = "embedded", .summary = ""};

static void say_problem(const struct ct_error *err, enum ct_status status, char *problem, size_t problem_bytes)
{
    const char *text = err->text[0] ? err->text : ct_status_text(status);
    if (problem && problem_bytes && err->line) {
        snprintf(problem, problem_bytes, "%s:%u:%u: %s", err->file, err->line, err->column, text);
    } else if (problem && problem_bytes) {
        snprintf(problem, problem_bytes, "%s", text);
    }
}

CT_PUBLIC struct ct_tap_handle *ct_tap_open(const char *config, char *problem, size_t problem_bytes)
{
    struct ct_session_arguments arguments = CT_SESSION_DEFAULTS;
    struct ct_error err = {0};
    struct ct_tap_handle *handle = calloc(1, sizeof *handle);
    if (!handle) {
        say_problem(&err, CT_NO_MEMORY, problem, problem_bytes);
        return NULL;
    }
    arguments.config = config && *config ? config : NULL;
    enum ct_status status = ct_config_open(&handle->config, &self, &arguments) < 0 ? CT_OK : CT_BAD_CONFIG;
    if (status != CT_OK) {
        err = handle->config.first;
    } else if ((handle->setups = ct_setups_new()) == NULL) {
        status = CT_NO_MEMORY;
    } else {
        status = ct_serve_tap_start(&handle->config, handle->setups, &(struct ct_serve_tap_calls){0},
                                    handle->setup_hash, &handle->tap, &err);
    }
    if (status != CT_OK) {
        say_problem(&err, status, problem, problem_bytes);
        ct_tap_close(handle);
        return NULL;
    }
    return handle;
}

CT_PUBLIC enum ct_tap_result ct_tap_push_from(struct ct_tap_handle *handle, const char *source, const char *stream,
                                              const void *bytes, size_t length, const char *format,
                                              enum ct_tap_direction direction, int64_t time_usec)
{
    static const enum ct_direction directions[] = {CT_DIRECTION_NONE, CT_DIRECTION_IN, CT_DIRECTION_OUT};
    if (!handle || !bytes || !length || length > CT_TAPE_BYTES_MAX || (unsigned)direction > CT_TAP_OUT ||
        time_usec < 0 || time_usec > TIME_USEC_MAX || (format && *format && !ct_parser_find(ct_span_of(format))) ||
        (source && (!*source || strlen(source) > UINT8_MAX)) || (stream && strlen(stream) > UINT8_MAX)) {
        return CT_TAP_INVALID;
    }
    const struct ct_tape_entry entry = {.kind = CT_TAPE_DATA,
                                        .direction = directions[direction],
                                        .at = time_usec ? time_usec : ct_serve_now(),
                                        .source = source ? ct_span_of(source) : CT_SPAN_LIT("embedded"),
                                        .format = ct_span_of(format),
                                        .stream = ct_span_of(stream),
                                        .bytes = {bytes, length}};
    const struct ct_intake *intake = ct_tap_intake(handle->tap);
    switch (intake->append(intake->context, &entry, NULL)) {
    case CT_OK:
        return CT_TAP_TAKEN;
    case CT_STOP:
        return CT_TAP_CLOSING;
    case CT_IO:
        return CT_TAP_FAILED;
    default:
        return CT_TAP_FULL;
    }
}

CT_PUBLIC enum ct_tap_result ct_tap_push(struct ct_tap_handle *handle, const void *bytes, size_t length,
                                         const char *format, enum ct_tap_direction direction, int64_t time_usec)
{
    return ct_tap_push_from(handle, NULL, NULL, bytes, length, format, direction, time_usec);
}

CT_PUBLIC int ct_tap_sync(struct ct_tap_handle *handle)
{
    return handle && ct_tap_settle(handle->tap) == CT_OK ? 0 : -1;
}

CT_PUBLIC void ct_tap_close(struct ct_tap_handle *handle)
{
    if (handle) {
        ct_tap_stop(handle->tap);
        ct_setups_free(handle->setups);
        ct_config_close(&handle->config);
        free(handle);
    }
}

CT_PUBLIC const char *ct_tap_version(void)
{
    return CT_VERSION;
}
