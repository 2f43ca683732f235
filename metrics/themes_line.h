/* themes_line.h - what themes.c writes and themes_read.c reads: sections of lines, in the order they sort. */
#ifndef CT_THEMES_LINE_H
#define CT_THEMES_LINE_H

enum {
    CT_THEME_CONVERSATION = 'C',
    CT_THEME_HOUR = 'H',
    CT_THEME_TOPIC = 'P',
    CT_THEME_QUESTION = 'Q',
    CT_THEME_ITEM = 'T',
    CT_THEME_TEXT_BYTES = 1100, /* of one text: longer than what a record keeps of any */
    CT_THEME_LINE_BYTES = 4 * (CT_THEME_TEXT_BYTES + 1) + 72
};

#endif
