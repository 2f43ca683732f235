/* ingest_sink.c - the peer that the ingest is measured beside: a bare libwebsockets server on its libuv loop that
 * counts messages and does nothing else. Prints "listening ADDRESS"; ends with its input. */
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static unsigned long long messages;
static struct lws_context *context;

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_RECEIVE && lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi))
        messages++;
    return 0;
}

static void on_input(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    char line[64];
    if (!fgets(line, sizeof(line), stdin)) {
        uv_stop(poll->loop);
        return;
    }
    printf("%llu\n", messages);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct lws_protocols protocols[] = {
        {.name = "http", .callback = lws_callback_http_dummy}, {.name = "convtap.v1", .callback = on_event}, {0}};
    uv_loop_t loop;
    void *loops[1] = {&loop};
    uv_poll_t input;
    uv_loop_init(&loop);
    uv_poll_init(&loop, &input, 0);
    uv_poll_start(&input, UV_READABLE, on_input);
    lws_set_log_level(0, NULL);
    struct lws_context_creation_info info = {
        .port = 0,
        .iface = "127.0.0.1",
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBUV,
        .foreign_loops = loops,
        .gid = -1,
        .uid = -1,
        /* The first argument is the library's read buffer; its default is 4,096. */
        .pt_serv_buf_size = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0,
    };
    context = lws_create_context(&info);
    if (!context) {
        fprintf(stderr, "no context\n");
        return 2;
    }
    printf("listening 127.0.0.1:%d\n", lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
    fflush(stdout);
    uv_run(&loop, UV_RUN_DEFAULT);
    return 0;
}
