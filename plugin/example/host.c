/* host.c - a libwebsockets server of its own that loads libprotocol_convtap.so: an example to start from.
 *
 *     convtap_host --port 7810 --plugins /usr/local/lib/convtap/lws --config convtap.yaml
 *
 * The folder must hold that one file: the library stops loading at the first one that it cannot use. Prints the address
 * that it listens on, and ends at SIGTERM or SIGINT.
 */
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* The vhost's first protocol, of plain HTTP: here it only refuses every upgrade but WebSocket's (h2c is on by default).
 */
static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    if (reason == LWS_CALLBACK_HTTP_CONFIRM_UPGRADE) {
        return !in || strcmp(in, "websocket") != 0;
    }
    return lws_callback_http_dummy(wsi, reason, user, in, len);
}

struct found {
    const struct lws_protocols *protocols[8]; /* ends with NULL */
    size_t count;
};

static int take_plugin(struct lws_plugin *plugin, void *user)
{
    struct found *found = user;
    const lws_plugin_protocol_t *has = (const void *)plugin->hdr;
    for (int i = 0; i < has->count_protocols && found->count < 7; i++) {
        found->protocols[found->count++] = &has->protocols[i];
    }
    return 0;
}

static void stop(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

/* Listens until it is stopped. */
static int serve(struct lws_context_creation_info *info)
{
    uv_loop_t loop;
    uv_signal_t ends[2];
    void *loops[] = {&loop};
    static const int numbers[] = {SIGTERM, SIGINT};
    uv_loop_init(&loop);
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&loop, &ends[i]);
        uv_signal_start(&ends[i], stop, numbers[i]);
    }
    info->foreign_loops = loops;
    struct lws_context *context = lws_create_context(info);
    struct lws_vhost *vhost = context ? lws_get_vhost_by_name(context, "default") : NULL;
    /* Asked here and not left to the loop: where the plugin could not begin (it said why) nothing would be recorded. */
    bool ready = vhost && lws_protocol_init(context) == 0;
    if (ready) {
        printf("listening on 127.0.0.1:%d\n", lws_get_vhost_listen_port(vhost));
        fflush(stdout);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    for (int i = 0; i < 2; i++) {
        uv_close((uv_handle_t *)&ends[i], NULL);
    }
    if (context) { /* twice, as it has to be with a loop of one's own: its handles close in between */
        lws_context_destroy(context);
        uv_run(&loop, UV_RUN_DEFAULT);
        lws_context_destroy(context);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return ready ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct lws_protocols http = {.name = "http", .callback = on_http};
    static const lws_retry_bo_t idle = {.secs_since_valid_ping = 30, .secs_since_valid_hangup = 60};
    const char *folders[] = {".", NULL}, *config = "";
    struct lws_context_creation_info info = {.port = 7810, .iface = "127.0.0.1", .gid = -1, .uid = -1};
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value && strcmp(argv[i], "--port") == 0) {
            info.port = (int)strtol(value, NULL, 10);
        } else if (value && strcmp(argv[i], "--plugins") == 0) {
            folders[0] = value;
        } else if (value && strcmp(argv[i], "--config") == 0) {
            config = value;
        } else {
            fprintf(stderr, "usage: %s [--port N] [--plugins FOLDER] [--config FILE]\n", argv[0]);
            return 2;
        }
    }
    lws_set_log_level(LLL_ERR | LLL_WARN | LLL_NOTICE, NULL);

    struct lws_plugin *plugins = NULL;
    struct found found = {.protocols = {&http}, .count = 1};
    if (lws_plugins_init(&plugins, folders, "lws_protocol_plugin", NULL, take_plugin, &found) != 0 ||
        found.count == 1) {
        fprintf(stderr, "%s: no plugin to be loaded from %s\n", argv[0], folders[0]);
        return 1;
    }
    /* The plugin is enabled on the vhost, with its one option. */
    const struct lws_protocol_vhost_options option = {NULL, NULL, "config", config};
    const struct lws_protocol_vhost_options enabled = {NULL, &option, "convtap.v1", ""};
    info.pprotocols = found.protocols;
    info.pvo = &enabled;
    info.retry_and_idle_policy = &idle; /* a peer that answers no ping is dropped */
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_VALIDATE_UTF8;
    int code = serve(&info);
    lws_plugins_destroy(&plugins, NULL, NULL);
    return code;
}
