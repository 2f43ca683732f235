/* courier.c - one loop, one client, one message at a time. See courier.h. outbox.c calls it. */
#include "plugin/gate/courier.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "plugin/gate/forward.h"
#include "plugin/gate/signature.h"

enum { LOOK_MSEC = 100, LINGER_TURNS = 50 };

struct ct_courier {
    struct ct_courier_options options;
    struct ct_forward *forward;
    uv_loop_t loop;
    uv_timer_t look; /* so that the loop never sleeps for long */
    bool looping, timed;
    struct lws_context *context;
    bool answered; /* of the message on its way */
    int status;
    const char *reason;
};

static void on_look(uv_timer_t *look)
{
    (void)look;
}

/* What the forward counts is counted by who asked for the delivery. */
static void no_count(void *context, const char *reason, uint64_t count)
{
    (void)context;
    (void)reason;
    (void)count;
}

static enum ct_status make_loop(struct ct_courier *courier, struct ct_error *err)
{
    void *loops[1] = {&courier->loop};
    if (uv_loop_init(&courier->loop))
        return ct_error_set(err, CT_NO_MEMORY, "no memory or no descriptors for a loop");
    courier->looping = true;
    uv_timer_init(&courier->loop, &courier->look);
    courier->timed = true;
    uv_timer_start(&courier->look, on_look, LOOK_MSEC, LOOK_MSEC);
    lws_set_log_level(0, NULL); /* what goes wrong comes back as reasons */
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .foreign_loops = loops,
        .gid = -1,
        .uid = -1,
    };
    courier->context = lws_create_context(&info);
    return courier->context ? CT_OK
                            : ct_error_set(err, CT_IO,
                                           "libwebsockets has no libuv loop (package libwebsockets-evlib-uv) or no "
                                           "memory");
}

enum ct_status ct_courier_check_url(const char *url, struct ct_error *err)
{
    struct ct_forward *forward = ct_forward_new(url, NULL, 0, no_count, NULL, err);
    enum ct_status status = forward ? CT_OK : err->status;
    ct_forward_free(forward);
    return status;
}

enum ct_status ct_courier_check_secrets(const char *const *secrets, struct ct_error *err)
{
    if (!secrets || !secrets[0])
        return ct_error_set(err, CT_BAD_CONFIG,
                            "messages of alarms are signed: a secret is due (alarm_secret_file or "
                            "alarm_secret_env)");
    for (size_t i = 0; secrets[i]; i++)
        if (!ct_signature_is_standard_secret(secrets[i]))
            return ct_error_set(
                err, CT_BAD_CONFIG,
                "the secret of alarms is not whsec_ and base64 of 16 to 128 bytes; `echo whsec_$(openssl "
                "rand -base64 32)` makes one");
    return CT_OK;
}

enum ct_status ct_courier_new(const struct ct_courier_options *options, struct ct_courier **out, struct ct_error *err)
{
    *out = NULL;
    enum ct_status status = ct_courier_check_secrets(options->secrets, err);
    if (status != CT_OK)
        return status;
    struct ct_courier *courier = calloc(1, sizeof(*courier));
    if (!courier)
        return ct_error_set(err, CT_NO_MEMORY, "no memory for a courier");
    courier->options = *options;
    courier->forward = ct_forward_new(options->url, options->authorities, options->patience, no_count, NULL, err);
    status = courier->forward ? make_loop(courier, err) : err->status;
    if (status != CT_OK) {
        ct_courier_free(courier);
        return status;
    }
    *out = courier;
    return CT_OK;
}

/* The loop and the library's context stay: of one that is ended while the process goes on, the library (4.1) closes a
 * descriptor twice, which may be somebody else's by then. */
enum ct_status ct_courier_readdress(struct ct_courier *courier, const struct ct_courier_options *options,
                                    struct ct_error *err)
{
    enum ct_status status = ct_courier_check_secrets(options->secrets, err);
    if (status != CT_OK)
        return status;
    struct ct_forward *forward =
        ct_forward_new(options->url, options->authorities, options->patience, no_count, NULL, err);
    if (!forward)
        return err->status;
    ct_forward_retire(courier->forward);
    ct_forward_free(courier->forward);
    for (int i = 0; i < LINGER_TURNS && uv_run(&courier->loop, UV_RUN_NOWAIT); i++) {
    }
    courier->forward = forward;
    courier->options = *options;
    return CT_OK;
}

void ct_courier_free(struct ct_courier *courier)
{
    if (!courier)
        return;
    if (courier->timed)
        uv_close((uv_handle_t *)&courier->look, NULL);
    if (courier->context) {
        lws_context_destroy(courier->context);
        uv_run(&courier->loop, UV_RUN_DEFAULT); /* the library's handles close, look-ups end */
        lws_context_destroy(courier->context);
    }
    if (courier->looping) {
        uv_run(&courier->loop, UV_RUN_DEFAULT);
        uv_loop_close(&courier->loop);
    }
    ct_forward_free(courier->forward);
    free(courier);
}

static void on_answer(void *context, int status, const char *reason)
{
    struct ct_courier *courier = context;
    courier->answered = true;
    courier->status = status;
    courier->reason = reason;
}

static bool put_header(char *headers, size_t room, size_t *len, const char *name, const char *value)
{
    size_t name_len = strlen(name) + 1, value_len = strlen(value) + 1;
    if (*len + name_len + value_len + 1 > room)
        return false;
    memcpy(headers + *len, name, name_len);
    memcpy(headers + *len + name_len, value, value_len);
    *len += name_len + value_len;
    headers[*len] = '\0';
    return true;
}

bool ct_courier_send(struct ct_courier *courier, const char *id, ct_span body, int *http_status, const char **reason)
{
    char stamp[24], signature[CT_SIGNATURE_STANDARD_BYTES], headers[1024];
    size_t len = 0;
    const struct ct_courier_options *o = &courier->options;
    *http_status = 0;
    (void)snprintf(stamp, sizeof(stamp), "%lld", (long long)(o->now() / CT_USEC_PER_SECOND));
    if (!ct_signature_standard_sign(o->secrets, ct_span_of(id), ct_span_of(stamp), body, signature) ||
        !put_header(headers, sizeof(headers), &len, "content-type:", "application/json") ||
        !put_header(headers, sizeof(headers), &len, "user-agent:", "convtap/" CT_VERSION) ||
        !put_header(headers, sizeof(headers), &len, "webhook-id:", id) ||
        !put_header(headers, sizeof(headers), &len, "webhook-timestamp:", stamp) ||
        !put_header(headers, sizeof(headers), &len, "webhook-signature:", signature)) {
        *reason = "cannot_sign";
        return false;
    }
    courier->answered = false;
    courier->reason = NULL;
    uv_update_time(&courier->loop);
    if (!ct_forward_post(courier->forward, courier->context, &courier->loop, headers, body, on_answer, courier)) {
        *reason = "out_of_memory";
        return false;
    }
    bool stopped = false;
    while (!courier->answered && !stopped) {
        uv_run(&courier->loop, UV_RUN_ONCE);
        stopped = o->stopping && o->stopping(o->context);
    }
    for (int i = 0; i < LINGER_TURNS && uv_run(&courier->loop, UV_RUN_NOWAIT); i++) {
    }
    *http_status = courier->answered ? courier->status : 0;
    bool good = *http_status >= 200 && *http_status < 300;
    *reason = good ? NULL : !courier->answered ? "stopped" : courier->reason ? courier->reason : "refused";
    return good;
}
