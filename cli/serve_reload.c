/* serve_reload.c - rules and configuration again, while the tap runs: all of it or nothing. Called on SIGHUP (serve.c)
 * and by POST /api/v1/reload (the desk's thread).
 *
 * Everything that can fail comes first: the file is read and checked, prices, secrets and tokens are read, the setup is
 * packed. Then the setup goes onto the tape, the last that may be refused; then the rest is in force.
 */
#include "cli/serve.h"

#include <stdlib.h>

#include "cli/packs.h"

/* What is to take the place of what is in force. */
struct fresh {
    struct ct_serve_terms *terms;
    struct ct_access *access; /* NULL = taken */
    char *packed;
    size_t len;
    char hash[65];
};

static void name_key(void *context, const char *name)
{
    (void)context;
    ct_serve_log("level=warn event=restart_needed key=%s text=\"the file has another value; the one before stays in "
                 "force until a restart\"",
                 name);
}

static void name_reloaded(void *context, const char *name)
{
    (void)context;
    ct_serve_log("level=info event=reloaded_key key=%s", name);
}

/* The file as it is now. What is wrong has been said on standard error, and *err says the first of it. */
static enum ct_status read_again(struct ct_serve *serve, struct fresh *fresh, struct ct_error *err)
{
    const struct ct_zone *zone;
    int code = ct_serve_terms_open(serve->command, serve->arguments, &fresh->terms);
    if (!fresh->terms) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    struct ct_config *config = &fresh->terms->config;
    if (code >= 0) {
        enum ct_status status = code == CT_EXIT_OUTPUT ? CT_NO_MEMORY : CT_BAD_CONFIG;
        if (config->first.text[0]) {
            *err = config->first;
            return status;
        }
        return ct_error_set(err, status, "the configuration cannot be read; the log says why");
    }
    enum ct_status status = ct_serve_zone(serve->config, &zone, err); /* what days are counted by stays */
    status = status == CT_OK ? ct_serve_terms_settle(fresh->terms, zone, err) : status;
    status = status == CT_OK ? ct_serve_access(config, &fresh->access, err) : status;
    status = status == CT_OK ? ct_setup_of_config(config, &fresh->packed, &fresh->len, err) : status;
    if (status == CT_OK) {
        status = ct_packs_hash(&(struct ct_pack_source){.bytes = {fresh->packed, fresh->len}}, 1, fresh->hash, err);
    }
    return status;
}

static enum ct_status take_again(struct ct_serve *serve, bool *changed, struct ct_error *err)
{
    struct fresh fresh = {0};
    enum ct_status status = read_again(serve, &fresh, err);
    bool setup = status == CT_OK && strcmp(fresh.hash, serve->setup_hash) != 0;
    if (setup) {
        status = ct_tap_setup(serve->tap, (ct_span){fresh.packed, fresh.len}, err);
    }
    if (status == CT_OK) {
        const struct ct_config *config = &fresh.terms->config;
        bool tokens = !ct_access_same(fresh.access, serve->access);
        size_t keys =
            ct_serve_config_differs(&serve->terms->config, config, CT_SERVE_KEYS_RELOADED, name_reloaded, NULL);
        (void)ct_serve_config_differs(serve->config, config, CT_SERVE_KEYS_OF_A_RESTART, name_key, NULL);
        *changed = setup || tokens || keys > 0;
        memcpy(serve->setup_hash, fresh.hash, sizeof fresh.hash);
        if (tokens) {
            ct_access_replace(serve->access, fresh.access);
            fresh.access = NULL;
            ct_serve_log("level=info event=tokens_reloaded tokens=%zu", ct_access_count(serve->access));
        }
        ct_serve_doors_reterm(serve, fresh.terms); /* also where no key differs: files that they name may */
        fresh.terms = NULL;
    }
    ct_access_close(fresh.access);
    ct_serve_terms_unref(fresh.terms);
    free(fresh.packed);
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
        atomic_fetch_add(&serve->reloads_refused, 1);
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
