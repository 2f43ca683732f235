/* serve_reload.c - rules and configuration again, while the tap runs: all of it or nothing. Called on SIGHUP (serve.c)
 * and by POST /api/v1/reload (the desk's thread).
 */
#include "cli/serve.h"

#include <stdlib.h>

#include "cli/packs.h"

static void name_key(void *context, const char *name)
{
    (void)context;
    ct_serve_log("level=warn event=restart_needed key=%s text=\"the file has another value; the one before stays in "
                 "force until a restart\"",
                 name);
}

/* The file as it is now, packed. What is wrong has been said on standard error, and *err says the first of it. */
static enum ct_status read_again(struct ct_serve *serve, char **packed, size_t *len, struct ct_error *err)
{
    struct ct_config config;
    *packed = NULL;
    int code = ct_config_open(&config, serve->command, serve->arguments);
    if (code < 0) {
        uint32_t before = config.errors;
        ct_serve_config_check(&config);
        code = config.errors > before ? CT_EXIT_USAGE : -1;
    }
    enum ct_status status = CT_OK;
    if (code >= 0) {
        status = code == CT_EXIT_OUTPUT ? CT_NO_MEMORY : CT_BAD_CONFIG;
        if (config.first.text[0] && err) {
            *err = config.first;
        } else {
            (void)ct_error_set(err, status, "the configuration cannot be read; the log says why");
        }
    }
    if (status == CT_OK) {
        status = ct_setup_of_config(&config, packed, len, err);
    }
    if (status == CT_OK) {
        (void)ct_serve_config_differs(&serve->config, &config, name_key, NULL);
    }
    ct_config_close(&config);
    return status;
}

static enum ct_status take_again(struct ct_serve *serve, bool *changed, struct ct_error *err)
{
    char *packed, hash[65];
    size_t len;
    enum ct_status status = read_again(serve, &packed, &len, err);
    if (status == CT_OK) {
        status = ct_packs_hash(&(struct ct_pack_source){.bytes = {packed, len}}, 1, hash, err);
    }
    if (status == CT_OK && strcmp(hash, serve->setup_hash) != 0) {
        status = ct_tap_setup(serve->tap, (ct_span){packed, len}, err);
        *changed = status == CT_OK;
    }
    if (status == CT_OK) {
        memcpy(serve->setup_hash, hash, sizeof hash);
    }
    free(packed);
    return status;
}

enum ct_status ct_serve_reload(void *context, char *setup_hash, struct ct_error *err)
{
    struct ct_serve *serve = context;
    struct ct_error own = {0};
    bool changed = false;
    char text[1024], place[320] = "";
    pthread_mutex_lock(&serve->reload_lock);
    enum ct_status status = take_again(serve, &changed, &own);
    if (setup_hash) {
        memcpy(setup_hash, serve->setup_hash, sizeof serve->setup_hash);
    }
    if (status == CT_OK) {
        ct_serve_log("level=info event=reloaded changed=%s setup=%.16s", changed ? "yes" : "no", serve->setup_hash);
    } else {
        if (own.file[0] && own.line) {
            (void)snprintf(place, sizeof place, "%s:%u:%u: ", own.file, own.line, own.column);
        }
        ct_serve_log("level=error event=reload_refused text=\"%s%s\" kept=%.16s", place,
                     ct_serve_quoted(own.text, text, sizeof text), serve->setup_hash);
    }
    pthread_mutex_unlock(&serve->reload_lock);
    if (err) {
        *err = own;
    }
    return status;
}
