/* dashboard.h - the dashboard's files (web/), embedded by cmake/embed.cmake and served as they are. They hold no figure
 * and need no token: a page asks the API for figures like anybody. Called by desk.c.
 */
#ifndef CT_DASHBOARD_H
#define CT_DASHBOARD_H

#include "plugin/gate/gate.h"

struct ct_dashboard_file {
    const char *name; /* "index.html" */
    const char *type; /* "text/html; charset=utf-8" */
    const char *etag; /* of the bytes, with its quotes */
    const unsigned char *bytes;
    size_t len;
};
/* Made from web/ when the program is built, by name. */
extern const struct ct_dashboard_file ct_dashboard_files[];
extern const size_t ct_dashboard_file_count;

/* A route's handler: "/" is index.html, "/dashboard/NAME" each of the others; GET and HEAD. `context` is not read. */
void ct_dashboard_serve(void *context, const struct ct_request *request, struct ct_reply *reply);

#endif
