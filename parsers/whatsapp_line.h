/* whatsapp_line.h - what one line of an exported WhatsApp chat is: its header (date, time, name) and its kind.
 * Pure functions of the line; called by whatsapp.c in its first pass and in its second.
 */
#ifndef CT_WHATSAPP_LINE_H
#define CT_WHATSAPP_LINE_H

#include "parsers/localtime.h"

/* How the header ends; a file has one style, and lines of another one are text that somebody pasted. */
enum ct_whatsapp_style {
    CT_WHATSAPP_BRACKET, /* iOS: "[13/06/18, 21:25:15] Ana: hola" */
    CT_WHATSAPP_DASH,    /* Android: "13/6/18, 21:25 - Ana: hola" */
    CT_WHATSAPP_COLON,   /* old iOS: "13.06.18 21.25.15: Ana: hola" */
    CT_WHATSAPP_BARE,    /* "13. 6. 2018. 21:25:15 Ana: hola" */
    CT_WHATSAPP_STYLE_COUNT
};

enum ct_whatsapp_kind {
    CT_WHATSAPP_TEXT,
    CT_WHATSAPP_MEDIA,   /* a placeholder stands for a picture, a voice note, a file */
    CT_WHATSAPP_DELETED, /* "This message was deleted" */
    CT_WHATSAPP_SYSTEM   /* the app's own notice, whoever it is ascribed to */
};

struct ct_whatsapp_line {
    enum ct_whatsapp_style style;
    struct ct_local_time time;
    ct_span name; /* without "~" and invisible marks; empty = a notice without a writer */
    ct_span text; /* after the name; of a medium: its caption */
    enum ct_whatsapp_kind kind;
};

/* false = no header: the line goes on with the message before it. Spans point into `line`. The line need not be
 * valid UTF-8. */
CT_MUST_USE bool ct_whatsapp_read_line(ct_span line, struct ct_whatsapp_line *out);
/* The text without "<This message was edited>" at its end. */
ct_span ct_whatsapp_without_edit_mark(ct_span text);

#endif
