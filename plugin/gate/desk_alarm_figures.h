/* desk_alarm_figures.h - the figures that an alarm looks at: a live window's where that has them, else a range's of the
 * store. Private to desk_alarms.c and its thread.
 */
#ifndef CT_DESK_ALARM_FIGURES_H
#define CT_DESK_ALARM_FIGURES_H

#include "metrics/alarm.h"
#include "plugin/gate/desk.h"

#define CT_ALARM_GOT_MAP(X)                                                                                            \
    X(GOT, "", "")                                                                                                     \
    X(GOT_LATER, "", "") /* a range was counted a short while ago, and takes its time */                               \
    X(GOT_NO_STORE, "it needs a store (serve.store): customers, or a period before",                                   \
      "necesita un almacén (serve.store): clientes, o un periodo anterior")                                            \
    X(GOT_TOO_LARGE, "its window has too many conversations or events: choose a shorter one",                          \
      "su ventana tiene demasiadas conversaciones o eventos: elija una más corta")                                     \
    X(GOT_NOTHING, "its figures could not be read: the log says why",                                                  \
      "no se pudieron leer sus cifras: el registro dice por qué")
enum ct_alarm_got {
#define X(name, en, es) CT_ALARM_##name,
    CT_ALARM_GOT_MAP(X)
#undef X
};
/* Both languages. */
const char *const *ct_alarm_got_text(enum ct_alarm_got got);

struct ct_alarm_view {
    const struct ct_block *total, *slices;
    size_t slice_count;
};

struct ct_desk;
struct ct_alarm_figures;
struct ct_alarm_figures *ct_alarm_figures_new(struct ct_desk *desk) CT_MUST_USE; /* NULL = out of memory */
/* Whose alarms they are for, and on which terms; before the first evaluation, and never in one. They have to outlive
 * what evaluates by them. false = out of memory: as before. */
CT_MUST_USE bool ct_alarm_figures_reterm(struct ct_alarm_figures *figures, const struct ct_desk_terms *terms);
void ct_alarm_figures_free(struct ct_alarm_figures *figures); /* NULL allowed */
/* One evaluation: alarms that look at the same share it. */
void ct_alarm_figures_begin(struct ct_alarm_figures *figures, ct_usec now);
/* Valid until the end. */
enum ct_alarm_got ct_alarm_figures_get(struct ct_alarm_figures *figures, const struct ct_alarm *alarm,
                                       struct ct_alarm_view *out);
void ct_alarm_figures_end(struct ct_alarm_figures *figures);

#endif
