/* head.c - what of an HTTP head is of interest (head.h). Called by eyes.c. */
#include "plugin/relay/head.h"

#include <stdlib.h>
#include <strings.h>

static const char *const field_names[CT_HEAD_FIELDS] = {
    [CT_HEAD_TYPE] = "content-type",
    [CT_HEAD_ENCODING] = "content-encoding",
    [CT_HEAD_EXTENSIONS] = "sec-websocket-extensions",
    [CT_HEAD_UPGRADE] = "upgrade",
};

struct ct_head *ct_head_new(size_t max)
{
    struct ct_head *head = malloc(sizeof *head);
    if (head) {
        head->bytes = head->url_len = head->name_len = 0;
        head->max = max;
        head->in_value = false;
        head->field = CT_HEAD_FIELDS;
        memset(head->lengths, 0, sizeof head->lengths);
    }
    return head;
}

static bool grows(struct ct_head *head, size_t len)
{
    head->bytes += len;
    return head->bytes <= head->max;
}

/* As much of a piece as there is room for. */
static void add(char *to, size_t *len, size_t room, ct_span piece)
{
    size_t more = piece.len < room - *len ? piece.len : room - *len;
    memcpy(to + *len, piece.at, more);
    *len += more;
}

bool ct_head_url(struct ct_head *head, ct_span piece)
{
    add(head->url, &head->url_len, sizeof head->url, piece);
    return grows(head, piece.len);
}

bool ct_head_name(struct ct_head *head, ct_span piece)
{
    if (head->in_value) {
        head->in_value = false;
        head->name_len = 0;
    }
    add(head->name, &head->name_len, sizeof head->name, piece);
    return grows(head, piece.len);
}

/* The name is whole: which field is it. */
static void begin_value(struct ct_head *head)
{
    head->in_value = true;
    head->field = CT_HEAD_FIELDS;
    for (unsigned i = 0; i < CT_HEAD_FIELDS; i++) {
        if (head->name_len == strlen(field_names[i]) && strncasecmp(head->name, field_names[i], head->name_len) == 0) {
            head->field = (enum ct_head_field)i;
        }
    }
    if (head->field != CT_HEAD_FIELDS && head->lengths[head->field] > 0) {
        add(head->values[head->field], &head->lengths[head->field], CT_HEAD_VALUE_MAX, CT_SPAN_LIT(","));
    }
}

bool ct_head_value(struct ct_head *head, ct_span piece)
{
    if (!head->in_value) {
        begin_value(head);
    }
    if (head->field != CT_HEAD_FIELDS) {
        if (piece.len > CT_HEAD_VALUE_MAX - head->lengths[head->field]) {
            return false; /* half of it would say something else */
        }
        add(head->values[head->field], &head->lengths[head->field], CT_HEAD_VALUE_MAX, piece);
    }
    return grows(head, piece.len);
}
