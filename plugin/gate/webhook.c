/* webhook.c - receives what platforms call: checks, records, answers or passes on. */
#include "plugin/gate/webhook.h"

#include "plugin/gate/forward.h"
#include "plugin/gate/signature.h"

#include <stdio.h>
#include <stdlib.h>

#define CHALLENGE_MAX 1024

struct hook {
    struct ct_webhook_options options;
    struct ct_webhooks *all;
    struct ct_forward *forward;
    char path[320];
    char target[340];
    char header[128]; /* in lower case */
};

struct ct_webhooks {
    const struct ct_intake *intake;
    ct_usec (*now)(void);
    size_t count;
    struct hook *hooks;
    struct ct_route *routes;
};

bool ct_webhook_kind_from(ct_span text, enum ct_webhook_kind *out)
{
#define X(name, word)                                                                                                  \
    if (ct_span_is(text, word)) {                                                                                      \
        *out = CT_WEBHOOK_##name;                                                                                      \
        return true;                                                                                                   \
    }
    CT_WEBHOOK_MAP(X)
#undef X
    return false;
}

static void drop(const struct hook *hook, const char *reason)
{
    hook->all->intake->drop(hook->all->intake->context, reason, 1);
}

static enum ct_signature check(const struct hook *hook, const struct ct_request *request)
{
    const struct ct_webhook_options *o = &hook->options;
    char one[1024], two[64], three[256];
#define HEADER(name, scratch) ct_request_header(request, name, scratch, sizeof(scratch))
    switch (o->kind) {
    case CT_WEBHOOK_NONE:
        return CT_SIGNATURE_FINE;
    case CT_WEBHOOK_WHATSAPP:
        return ct_signature_hub(o->secrets, HEADER("x-hub-signature-256", one), request->body);
    case CT_WEBHOOK_STANDARD:
        return ct_signature_standard(o->secrets, HEADER("webhook-id", three), HEADER("webhook-timestamp", two),
                                     HEADER("webhook-signature", one), request->body, hook->all->now(), o->tolerance);
    case CT_WEBHOOK_CHATWOOT:
        return ct_signature_chatwoot(o->secrets, HEADER("x-chatwoot-timestamp", two),
                                     HEADER("x-chatwoot-signature", one), request->body, hook->all->now(),
                                     o->tolerance);
    case CT_WEBHOOK_SECRET:
        return ct_signature_secret(o->secrets, HEADER(hook->header, one));
    }
#undef HEADER
    return CT_SIGNATURE_WRONG;
}

/* Meta asks once, when the webhook is set up: the token it was told, then its challenge back. */
static void answer_challenge(const struct hook *hook, const struct ct_request *request, struct ct_reply *reply)
{
    char mode[32], token[512], challenge[CHALLENGE_MAX];
    ct_span mode_is, token_is, challenge_is;
    bool bad;
    bool asked = ct_request_parameter(request, "hub.mode", mode, sizeof(mode), &mode_is, &bad) &&
                 ct_span_is(mode_is, "subscribe") &&
                 ct_request_parameter(request, "hub.verify_token", token, sizeof(token), &token_is, &bad) &&
                 ct_request_parameter(request, "hub.challenge", challenge, sizeof(challenge), &challenge_is, &bad);
    if (!asked || !hook->options.verify_token || !ct_equal_secret(token_is, ct_span_of(hook->options.verify_token))) {
        drop(hook, "webhook_challenge_refused");
        ct_reply_error(reply, 403, "challenge_refused", "this is not the token that was agreed on");
        return;
    }
    reply->body = malloc(challenge_is.len + 1);
    if (!reply->body) {
        ct_reply_error(reply, 503, "busy", "out of memory");
        return;
    }
    memcpy(reply->body, challenge_is.at, challenge_is.len);
    reply->len = challenge_is.len;
    reply->status = 200;
    reply->type = "text/plain; charset=utf-8";
}

static void handle(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    const struct hook *hook = context;
    if (request->method != CT_METHOD_POST) {
        answer_challenge(hook, request, reply);
        return;
    }
    char at[512];
    ct_span host = ct_request_header(request, "host", at, sizeof(at));
    if (hook->options.kind == CT_WEBHOOK_NONE && host.len && !ct_host_is_loopback(host)) {
        /* Whatever the gate asks of others, nothing is asked here: a web page could come in under a name of its own. */
        drop(hook, "gate_foreign_host");
        ct_reply_error(reply, 421, "foreign_host", "a webhook without a signature is only reached as localhost");
        return;
    }
    enum ct_signature signature = check(hook, request);
    if (signature != CT_SIGNATURE_FINE) {
        static const char *const counted[] = {"", "webhook_signature_missing", "webhook_signature_malformed",
                                              "webhook_signature_wrong", "webhook_signature_stale"};
        drop(hook, counted[signature]);
        ct_reply_error(reply, 401, ct_signature_text(signature), "the request's signature is not what it should be");
        return;
    }
    struct ct_tape_entry entry = {.kind = CT_TAPE_DATA,
                                  .direction = CT_DIRECTION_IN,
                                  .at = hook->all->now(),
                                  .source = ct_span_of(hook->options.source),
                                  .target = ct_span_of(hook->target),
                                  .bytes = request->body};
    uint64_t end = 0;
    const struct ct_intake *intake = hook->all->intake;
    enum ct_status status = request->body.len ? intake->append(intake->context, &entry, &end) : CT_OK;
    if (status != CT_OK)
        drop(hook, "webhook_not_recorded");
    if (hook->forward) { /* our own failure is no reason to keep it from the receiver */
        ct_forward_request(hook->forward, request, status == CT_OK ? end : 0, reply);
        return;
    }
    if (status != CT_OK) {
        ct_reply_error(reply, 503, "not_recorded", "the tape takes no more just now: send it again");
        memcpy(reply->retry_after, "5", 2);
        return;
    }
    reply->status = 200;
    reply->type = "application/json";
    reply->body = malloc(4);
    if (reply->body) {
        memcpy(reply->body, "{}\n", 3);
        reply->len = 3;
    }
    reply->after_position = end;
}

static bool is_header_name(const char *name)
{
    return *name && strlen(name) < 128 &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(name);
}

static enum ct_status check_options(const struct ct_webhook_options *o, bool loopback, struct ct_error *err)
{
    const char *source = o->source ? o->source : "";
    if (!*source || strlen(source) > 255 || strchr(source, '/'))
        return ct_error_set(err, CT_BAD_CONFIG, "webhook \"%.255s\": a source's name has 1 to 255 bytes and no /",
                            source);
    if (o->kind == CT_WEBHOOK_NONE && !loopback)
        return ct_error_set(
            err, CT_BAD_CONFIG,
            "webhook %s: without a signature anybody could write here: name its kind and secret, or listen "
            "on 127.0.0.1",
            source);
    if (o->kind != CT_WEBHOOK_NONE && (!o->secrets || !o->secrets[0]))
        return ct_error_set(err, CT_BAD_CONFIG, "webhook %s: a secret is due", source);
    for (const char *const *secret = o->secrets; secret && *secret; secret++) {
        if (o->kind == CT_WEBHOOK_STANDARD && !ct_signature_is_standard_secret(*secret))
            return ct_error_set(err, CT_BAD_CONFIG, "webhook %s: its secret is whsec_ with 16 to 128 bytes in base64",
                                source);
        if (strlen(*secret) < 8)
            return ct_error_set(err, CT_BAD_CONFIG, "webhook %s: a secret has at least 8 characters", source);
    }
    if (o->header && !is_header_name(o->header))
        return ct_error_set(err, CT_BAD_CONFIG, "webhook %s: \"%.100s\" is no header's name", source, o->header);
    if (o->path && (o->path[0] != '/' || strlen(o->path) > 300 || o->path[strlen(o->path) - 1] == '/'))
        return ct_error_set(err, CT_BAD_CONFIG, "webhook %s: a path begins with / and does not end with it", source);
    return CT_OK;
}

/* "" is what a configuration has where nothing was said. */
static const char *said(const char *text)
{
    return text && *text ? text : NULL;
}

static enum ct_status make_hook(struct ct_webhooks *all, size_t index, const struct ct_webhook_options *options,
                                bool loopback, struct ct_error *err)
{
    struct hook *hook = &all->hooks[index];
    hook->options = *options;
    hook->options.header = said(options->header);
    hook->options.verify_token = said(options->verify_token);
    hook->options.path = said(options->path);
    hook->options.forward = said(options->forward);
    hook->options.authority = said(options->authority);
    options = &hook->options;
    hook->all = all;
    enum ct_status status = check_options(options, loopback, err);
    if (status != CT_OK)
        return status;
    if (hook->options.tolerance <= 0)
        hook->options.tolerance = 5 * CT_USEC_PER_MINUTE;
    if (options->path)
        snprintf(hook->path, sizeof(hook->path), "%s", options->path);
    else
        snprintf(hook->path, sizeof(hook->path), "/webhook/%s", options->source);
    /* By its source, whatever its path: what a parser knows it by. */
    snprintf(hook->target, sizeof(hook->target), "POST /webhook/%s", options->source);
    snprintf(hook->header, sizeof(hook->header), "%s", options->header ? options->header : "x-webhook-secret");
    for (char *at = hook->header; *at; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
    if (options->forward) {
        hook->forward = ct_forward_new(options->forward, options->authority, options->forward_usec, all->intake->drop,
                                       all->intake->context, err);
        if (!hook->forward)
            return CT_BAD_CONFIG;
    }
    all->routes[index] = (struct ct_route){
        .path = hook->path,
        .methods = CT_METHOD_POST | (options->kind == CT_WEBHOOK_WHATSAPP ? (unsigned)CT_METHOD_GET : 0),
        .scope = CT_SCOPE_NONE, /* the signature is what lets it in */
        .body_max = options->body_max ? options->body_max : 4u << 20,
        .handle = handle,
        .context = hook};
    for (size_t i = 0; i < index; i++)
        if (strcmp(all->hooks[i].path, hook->path) == 0)
            return ct_error_set(err, CT_BAD_CONFIG, "webhook %s: %s is taken by %s", options->source, hook->path,
                                all->hooks[i].options.source);
    return CT_OK;
}

struct ct_webhooks *ct_webhooks_new(const struct ct_webhook_options *options, size_t count,
                                    const struct ct_intake *intake, ct_usec (*now)(void), bool loopback,
                                    struct ct_error *err)
{
    struct ct_webhooks *all = calloc(1, sizeof(*all));
    if (all) {
        all->hooks = calloc(count + 1, sizeof(*all->hooks));
        all->routes = calloc(count + 1, sizeof(*all->routes));
        all->count = count;
        all->intake = intake;
        all->now = now;
    }
    enum ct_status status =
        all && all->hooks && all->routes ? CT_OK : ct_error_set(err, CT_NO_MEMORY, "no memory for webhooks");
    for (size_t i = 0; i < count && status == CT_OK; i++)
        status = make_hook(all, i, &options[i], loopback, err);
    if (status != CT_OK) {
        ct_webhooks_free(all);
        return NULL;
    }
    return all;
}

void ct_webhooks_free(struct ct_webhooks *webhooks)
{
    if (!webhooks)
        return;
    for (size_t i = 0; webhooks->hooks && i < webhooks->count; i++)
        ct_forward_free(webhooks->hooks[i].forward);
    free(webhooks->hooks);
    free(webhooks->routes);
    free(webhooks);
}

const struct ct_route *ct_webhooks_routes(const struct ct_webhooks *webhooks, size_t *count)
{
    *count = webhooks->count;
    return webhooks->routes;
}
