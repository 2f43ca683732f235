/* themes.c - themes of a batch: lines through the sorter to the reader. See themes.h. */
#include "cli/themes.h"

enum ct_status ct_made_themes_begin(struct ct_batch_options *batch, const struct ct_config *config, bool quotes)
{
    batch->themes = ct_sorter_new(0);
    batch->theme_options = (struct ct_themes_options){.by = config->group ? &config->group_by : NULL, .quotes = quotes};
    batch->conversation.keep_comments = quotes;
    batch->conversation.keep_questions = !batch->db; /* a store keeps no words of a customer */
    return batch->themes ? CT_OK : CT_NO_MEMORY;
}

static bool take(void *context, const char *bytes, size_t len)
{
    return ct_themes_take(context, (ct_span){bytes, len});
}

enum ct_status ct_made_themes_read(struct ct_made_themes *made, const struct ct_batch_options *batch,
                                   const struct ct_batch_result *result, struct ct_error *err)
{
    const struct ct_themes_options *options = &batch->theme_options;
    *made = (struct ct_made_themes){.reader = ct_themes_reader_new()};
    if (!made->reader) {
        return CT_NO_MEMORY;
    }
    enum ct_status status = ct_sorter_merge(batch->themes, take, made->reader, err);
    if (status == CT_OK && !ct_themes_end(made->reader, result->compared, &made->findings)) {
        status = CT_NO_MEMORY;
    }
    made->findings.group_by = options->by ? ct_slice_by_text(options->by, made->group_by) : NULL;
    made->findings.quotes = options->quotes;
    made->findings.scored = result->terms.scorecard != NULL;
    made->findings.zone = result->terms.zone;
    made->findings.from = result->terms.period_given ? result->terms.from : CT_USEC_NONE;
    made->findings.to = result->terms.period_given ? result->terms.to : CT_USEC_NONE;
    made->findings.before_from = result->compared ? result->terms_before.from : CT_USEC_NONE;
    made->findings.before_to = result->compared ? result->terms_before.to : CT_USEC_NONE;
    return status;
}

void ct_made_themes_done(struct ct_made_themes *made)
{
    ct_themes_reader_free(made->reader);
    *made = (struct ct_made_themes){0};
}
