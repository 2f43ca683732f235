/* relay_cases_http.h - the cases of relay_cases.h that are HTTP/1.1: bodies, pipelining, upgrades refused, events. */
#ifndef CT_RELAY_CASES_HTTP_H
#define CT_RELAY_CASES_HTTP_H

#include "relay_cases.h"

/* One request of the client and its answer; `said` and `answer` are what is read of them, NULL = nothing. */
struct wire_exchange {
    const char *name, *request, *said, *response, *answer, *target;
    const char *drops[3];
    bool close; /* the gateway ends the connection */
    bool egress;
};

#define WIRE_JSON "Content-Type: application/json\r\n"
#define POST_HI                                                                                                        \
    "POST /api/messages?key=secret HTTP/1.1\r\nHost: g\r\n" WIRE_JSON "Content-Length: 13\r\n\r\n{\"text\":\"hi\"}"
#define SAID_HI "{\"text\":\"hi\"}"
#define OK_YO "HTTP/1.1 200 OK\r\n" WIRE_JSON "Content-Length: 13\r\n\r\n{\"text\":\"yo\"}"
#define SAID_YO "{\"text\":\"yo\"}"
#define API "POST /api/messages"
#define GRAPH "POST /v19.0/123/messages HTTP/1.1\r\nHost: g\r\n" WIRE_JSON "Content-Length: 13\r\n\r\n{\"text\":\"hi\"}"

static const struct wire_exchange wire_exchanges[] = {
    {"post and answer", POST_HI, SAID_HI, OK_YO, SAID_YO, API, {0}, false, false},
    {"absolute form",
     "POST http://g:80/api/messages?x HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\nhi",
     "hi",
     OK_YO,
     SAID_YO,
     API,
     {0},
     false,
     false},
    {"absolute form without a path",
     "POST http://g HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\nhi",
     "hi",
     OK_YO,
     SAID_YO,
     "POST /",
     {0},
     false,
     false},
    {"chunked both ways",
     "POST /api/messages HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: "
     "chunked\r\n\r\n3\r\n{\"t\r\nA;ext=1\r\next\":\"hi\"}\r\n0\r\n\r\n",
     SAID_HI,
     "HTTP/1.1 200 OK\r\n" WIRE_JSON "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\nc\r\n\"text\":\"yo\"}\r\n00\r\n\r\n",
     SAID_YO,
     API,
     {0},
     false,
     false},
    {"chunked with trailers",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\nD\r\n{\"text\":\"yo\"}\r\n0\r\nX-Sum: "
     "1\r\nContent-Type: text/html\r\n\r\n",
     SAID_YO,
     API,
     {0},
     false,
     false},
    {"until the end of the connection",
     POST_HI,
     SAID_HI,
     "HTTP/1.0 200 OK\r\n" WIRE_JSON "\r\n{\"text\":\"yo\"}",
     SAID_YO,
     API,
     {0},
     true,
     false},
    {"cut before its length",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 200 OK\r\n" WIRE_JSON "Content-Length: 50\r\n\r\n{\"text\":\"yo\"}",
     NULL,
     API,
     {"relay_cut"},
     true,
     false},
    {"cut in a chunk",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 200 OK\r\n" WIRE_JSON "Transfer-Encoding: chunked\r\n\r\nFF\r\n{\"text\":\"yo\"}",
     NULL,
     API,
     {"relay_cut"},
     true,
     false},
    {"cut in the head", POST_HI, SAID_HI, "HTTP/1.1 200 OK\r\nContent-Le", NULL, API, {0}, true, false},
    {"no answer at all", POST_HI, SAID_HI, "", NULL, API, {0}, true, false},
    {"head",
     "HEAD /api/messages HTTP/1.1\r\nHost: g\r\n\r\n",
     NULL,
     "HTTP/1.1 200 OK\r\n" WIRE_JSON "Content-Length: 500\r\n\r\n",
     NULL,
     "",
     {0},
     false,
     false},
    {"no content", POST_HI, SAID_HI, "HTTP/1.1 204 No Content\r\n\r\n", NULL, API, {0}, false, false},
    {"not modified",
     "GET /api/messages HTTP/1.1\r\nHost: g\r\nIf-None-Match: \"1\"\r\n\r\n",
     NULL,
     "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n",
     NULL,
     "",
     {0},
     false,
     false},
    {"continue",
     "POST /api/messages HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n{\"text\":\"hi\"}",
     SAID_HI,
     "HTTP/1.1 100 Continue\r\n\r\n" OK_YO,
     SAID_YO,
     API,
     {0},
     false,
     false},
    {"early hints twice",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" OK_YO,
     SAID_YO,
     API,
     {0},
     false,
     false},
    {"an error of the gateway",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 500 Oops\r\n" WIRE_JSON "Content-Length: 13\r\n\r\n{\"text\":\"no\"}",
     NULL,
     API,
     {"relay_error_answer"},
     false,
     false},
    {"redirect",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 2\r\n\r\nno",
     NULL,
     API,
     {0},
     false,
     false},
    {"a page",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 6\r\n\r\n<html>",
     NULL,
     API,
     {"relay_other_type"},
     false,
     false},
    {"a picture without a length",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n",
     NULL,
     API,
     {"relay_other_type"},
     true,
     false},
    {"an empty page",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n",
     NULL,
     API,
     {0},
     false,
     false},
    {"a form",
     "POST /api/messages HTTP/1.1\r\nHost: g\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
     "9\r\n\r\nBody=hola",
     "Body=hola",
     OK_YO,
     SAID_YO,
     API,
     {0},
     false,
     false},
    {"problem+json",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 200 OK\r\ncontent-type: application/ld+JSON ;q=1\r\nCONTENT-LENGTH:2\r\n\r\n{}",
     "{}",
     API,
     {0},
     false,
     false},
    {"not UTF-8",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 200 OK\r\n" WIRE_JSON "Content-Length: 4\r\n\r\n\"\xff\xfe\"",
     NULL,
     API,
     {"relay_not_utf8"},
     false,
     false},
    {"an encoding that we do not undo",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 200 OK\r\n" WIRE_JSON "Content-Encoding: br\r\nContent-Length: 4\r\n\r\n\x8b\x01\x80X",
     NULL,
     API,
     {"relay_unknown_encoding"},
     false,
     false},
    {"said to be gzip",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 200 OK\r\n" WIRE_JSON "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nplai",
     NULL,
     API,
     {"relay_bad_deflate"},
     false,
     false},
    {"identity",
     POST_HI,
     SAID_HI,
     "HTTP/1.1 200 OK\r\n" WIRE_JSON "Content-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}",
     "{}",
     API,
     {0},
     false,
     false},
    {"upgrade refused",
     "GET /ws HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
     NULL,
     "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno",
     NULL,
     "",
     {"relay_error_answer"},
     false,
     false},
    {"upgrade to HTTP/2 ignored",
     "GET /a HTTP/1.1\r\nHost: g\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
     NULL,
     OK_YO,
     SAID_YO,
     "GET /a",
     {0},
     false,
     false},
    {"another protocol",
     "GET /x HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: tls\r\n\r\n",
     NULL,
     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tls\r\n\r\n\x16\x03\x01",
     NULL,
     "",
     {"relay_unknown_protocol"},
     false,
     false},
    {"another protocol that nobody asked for",
     "GET /x HTTP/1.1\r\nHost: g\r\n\r\n",
     NULL,
     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01x",
     NULL,
     "",
     {"relay_unknown_protocol"},
     false,
     false},
    {"an extension that we do not know",
     WIRE_UPGRADE,
     NULL,
     WIRE_SWITCH "Sec-WebSocket-Extensions: x-shout\r\n\r\n",
     NULL,
     "",
     {"relay_unknown_extension"},
     false,
     false},
    {"a parameter that we do not know",
     WIRE_UPGRADE,
     NULL,
     WIRE_SWITCH "Sec-WebSocket-Extensions: permessage-deflate; level=9\r\n\r\n",
     NULL,
     "",
     {"relay_unknown_extension"},
     false,
     false},
    {"window bits that there are not",
     WIRE_UPGRADE,
     NULL,
     WIRE_SWITCH "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=16\r\n\r\n",
     NULL,
     "",
     {"relay_unknown_extension"},
     false,
     false},
    {"a tunnel",
     "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
     NULL,
     "HTTP/1.1 200 Connected\r\n\r\n\x16\x03\x01",
     NULL,
     "",
     {"relay_unknown_protocol"},
     false,
     false},
    {"a tunnel refused",
     "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
     NULL,
     "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n",
     NULL,
     "",
     {"relay_error_answer"},
     false,
     false},
    {"not HTTP at all",
     "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
     NULL,
     "\x15\x03\x03",
     NULL,
     "",
     {"relay_bad_http"},
     false,
     false},
    {"HTTP/2 without asking",
     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
     NULL,
     "x",
     NULL,
     "",
     {"relay_bad_http"},
     false,
     false},
    {"garbage for an answer", POST_HI, SAID_HI, "what?\r\n\r\n", NULL, API, {"relay_bad_http"}, false, false},
    {"two lengths",
     "POST /api/messages HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
     NULL,
     OK_YO,
     NULL,
     API,
     {"relay_bad_http"},
     false,
     false},
    {"a length that is none",
     "POST /api/messages HTTP/1.1\r\nHost: g\r\nContent-Length: two\r\n\r\nab",
     NULL,
     OK_YO,
     NULL,
     API,
     {"relay_bad_http"},
     false,
     false},
    {"egress taken", GRAPH, SAID_HI, OK_YO, SAID_YO, "POST /v19.0/123/messages", {0}, false, true},
    {"egress created, no body",
     GRAPH,
     SAID_HI,
     "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
     NULL,
     "POST /v19.0/123/messages",
     {0},
     false,
     true},
    {"egress refused",
     GRAPH,
     NULL,
     "HTTP/1.1 400 Bad\r\n" WIRE_JSON "Content-Length: 13\r\n\r\n{\"error\":131}",
     NULL,
     "",
     {"egress_refused"},
     false,
     true},
    {"egress sent elsewhere",
     GRAPH,
     NULL,
     "HTTP/1.1 307 There\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n",
     NULL,
     "",
     {"egress_refused"},
     false,
     true},
    {"egress not answered", GRAPH, NULL, "", NULL, "", {"relay_unanswered"}, true, true},
    {"egress asks for what came",
     "GET /updates HTTP/1.1\r\nHost: g\r\n\r\n",
     NULL,
     OK_YO,
     SAID_YO,
     "GET /updates",
     {0},
     false,
     true},
};

static inline void wire_http(wire_run *run, void *context)
{
    for (size_t i = 0; i < sizeof wire_exchanges / sizeof *wire_exchanges; i++) {
        const struct wire_exchange *x = &wire_exchanges[i];
        struct wire_case *one = wire_new("%s", x->name);
        one->egress = x->egress;
        one->target = x->target;
        wire_c(one, x->request);
        wire_g(one, x->response);
        if (x->said)
            wire_said_text(one, true, x->said);
        if (x->answer)
            wire_said_text(one, false, x->answer);
        for (size_t d = 0; d < 3 && x->drops[d]; d++)
            wire_drop(one, x->drops[d]);
        if (x->close)
            wire_end(one, false);
        wire_done(one, run, context);
    }
}

/* A text by gzip (bits 31), zlib (15) or raw deflate, as a whole answer. */
static inline void wire_encoded(wire_run *run, void *context)
{
    static const char *const names[] = {"gzip", "deflate", "x-gzip"};
    for (int i = 0; i < 3; i++) {
        struct wire_case *one = wire_new("content-encoding %s", names[i]);
        struct wire_bytes text = wire_text(3000);
        char packed[4096], head[256];
        z_stream z = {0};
        if (deflateInit2(&z, 9, Z_DEFLATED, i == 1 ? 15 : 31, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            abort();
        z.next_in = (Bytef *)text.at;
        z.avail_in = (uInt)text.len;
        z.next_out = (Bytef *)packed;
        z.avail_out = sizeof packed;
        if (deflate(&z, Z_FINISH) != Z_STREAM_END)
            abort();
        size_t len = sizeof packed - z.avail_out;
        deflateEnd(&z);
        wire_c(one, "GET /poll HTTP/1.1\r\nHost: g\r\nAccept-Encoding: gzip\r\n\r\n");
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
                 names[i], len);
        wire_g(one, head);
        wire_send(one, false, packed, len);
        one->target = "GET /poll";
        wire_says(one, false, text.at, text.len);
        free(text.at);
        wire_done(one, run, context);
    }
}

static inline void wire_streams(wire_run *run, void *context)
{
    struct wire_case *one = wire_new("server-sent events");
    one->target = "GET /events";
    wire_c(one, "GET /events HTTP/1.1\r\nHost: g\r\nAccept: text/event-stream\r\n\r\n");
    wire_g(one,
           "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n");
    wire_g(one, "22\r\n\xef\xbb\xbf: hello\n\ndata: {\"a\":1}\nid: 1\n\ne\r\n");
    wire_said_text(one, false, "{\"a\":1}");
    wire_g(one, "1d\r\nvent: x\r\ndata:one\r\ndata\r\ndata\r\n");
    wire_g(one, "1b\r\n:  three\rdatax: no\r\rdata:u\n\r\n2\r\n\n\n\r\n");
    wire_said_text(one, false, "one\n\n three");
    wire_said_text(one, false, "u");
    wire_g(one, "9\r\ndata: cut\r\n0\r\n\r\n");
    wire_drop(one, "relay_cut");
    wire_c(one, POST_HI);
    wire_g(one, OK_YO);
    one->target = API;
    wire_said_text(one, true, SAID_HI);
    wire_said_text(one, false, SAID_YO);
    wire_done(one, run, context);

    one = wire_new("server-sent events until the end, an event too long");
    one->target = "GET /events";
    one->message_max = 10;
    wire_c(one, "GET /events HTTP/1.1\r\nHost: g\r\n\r\n");
    wire_g(one, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    wire_g(one, "data: 0123456789\n\n");
    wire_said_text(one, false, "0123456789");
    wire_g(one, "data: 01234567890\ndata: more\n\n");
    wire_drop(one, "relay_too_long");
    wire_g(one, "data: again\r\r");
    wire_said_text(one, false, "again");
    wire_end(one, false);
    wire_done(one, run, context);

    one = wire_new("a bot's model answers in events");
    one->target = "POST /v1/chat/completions";
    one->egress = true;
    wire_c(one, "POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nContent-Length: 15\r\n\r\n{\"stream\":true}");
    wire_g(one,
           "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {\"delta\":\"Ho\"}\n\ndata: [DONE]\n\n");
    wire_said_text(one, true, "{\"stream\":true}");
    wire_said_text(one, false, "{\"delta\":\"Ho\"}");
    wire_said_text(one, false, "[DONE]");
    wire_end(one, false);
    wire_done(one, run, context);

    one = wire_new("long polling on a connection that is kept");
    for (int i = 0; i < 4; i++) {
        one->target = "GET /poll";
        wire_c(one, "GET /poll?transport=polling HTTP/1.1\r\nHost: g\r\n\r\n");
        wire_g(one, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: 10\r\n\r\n");
        wire_g(one, "42[\"hi\",1]");
        wire_said_text(one, false, "42[\"hi\",1]");
    }
    wire_done(one, run, context);

    one = wire_new("requests in a row, answered in a row");
    wire_c(one, POST_HI POST_HI "\r\nGET /poll HTTP/1.1\r\nHost: g\r\n\r\n" POST_HI);
    one->target = API;
    for (int i = 0; i < 3; i++)
        wire_said_text(one, true, SAID_HI);
    wire_g(one, OK_YO "HTTP/1.1 204 No\r\n\r\n" OK_YO OK_YO);
    wire_said_text(one, false, SAID_YO);
    one->target = "GET /poll";
    wire_said_text(one, false, SAID_YO);
    one->target = API;
    wire_said_text(one, false, SAID_YO);
    wire_done(one, run, context);

    one = wire_new("egress: requests in a row, one of them refused");
    one->egress = true;
    one->target = "POST /v19.0/123/messages";
    wire_c(one, GRAPH GRAPH GRAPH);
    wire_g(one, OK_YO "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n" OK_YO);
    for (int i = 0; i < 2; i++) {
        wire_said_text(one, true, SAID_HI);
        wire_said_text(one, false, SAID_YO);
    }
    wire_drop(one, "egress_refused");
    wire_done(one, run, context);

    one = wire_new("egress: the answer comes before the request is whole");
    one->egress = true;
    one->target = "POST /v19.0/123/messages";
    wire_c(one, "POST /v19.0/123/messages HTTP/1.1\r\nHost: g\r\nContent-Length: 13\r\n\r\n{\"text\"");
    wire_g(one, OK_YO);
    wire_c(one, ":\"hi\"}");
    wire_said_text(one, true, SAID_HI);
    wire_said_text(one, false, SAID_YO);
    wire_done(one, run, context);

    one = wire_new("frames before the answer to the upgrade");
    wire_c(one, WIRE_UPGRADE);
    one->target = "GET /ws";
    wire_message(one, true, "early");
    wire_g(one, WIRE_SWITCH "\r\n\x81\x02yo");
    wire_said_text(one, false, "yo");
    wire_message(one, true, "later");
    wire_close_both(one);
    wire_done(one, run, context);

    one = wire_new("a request behind an upgrade that is refused");
    wire_c(one, WIRE_UPGRADE POST_HI);
    wire_g(one, "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n" OK_YO);
    wire_drop(one, "relay_error_answer");
    one->target = API;
    wire_said_text(one, true, SAID_HI);
    wire_said_text(one, false, SAID_YO);
    wire_done(one, run, context);

    one = wire_new("a body longer than a message may be, and the next one");
    one->message_max = 12;
    one->target = API;
    wire_c(one, POST_HI);
    wire_drop(one, "relay_too_long");
    wire_g(one, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    wire_said_text(one, false, "{}");
    wire_done(one, run, context);

    one = wire_new("a head that is too long");
    struct wire_bytes long_head = {0};
    wire_add(&long_head, "GET / HTTP/1.1\r\nCookie: ", 24);
    for (int i = 0; i < 7000; i++)
        wire_add(&long_head, "0123456789", 10);
    wire_add(&long_head, "\r\n\r\n", 4);
    wire_send(one, true, long_head.at, long_head.len);
    free(long_head.at);
    wire_drop(one, "relay_head_too_long");
    wire_g(one, OK_YO);
    wire_done(one, run, context);
}

static inline void wire_every(wire_run *run, void *context, bool huge)
{
    wire_sizes(run, context, huge);
    wire_closes(run, context);
    wire_fragmented(run, context);
    wire_deflated(run, context);
    wire_odd_frames(run, context);
    wire_http(run, context);
    wire_encoded(run, context);
    wire_streams(run, context);
}

#endif
