/* kpi_amount.c - an amount in a KPI's unit, as people write it: for targets and alarms. See kpi.h. */
#include "engine/yaml_tree.h"
#include "metrics/kpi.h"

bool ct_kpi_amount_from(const struct ct_kpi *kpi, ct_span text, int64_t *micro)
{
    bool time = kpi->unit == CT_UNIT_SECONDS || kpi->unit == CT_UNIT_DAYS;
    int64_t part = kpi->unit == CT_UNIT_DAYS ? CT_USEC_PER_DAY / CT_USEC_PER_SECOND : 1;
    ct_nano nano;
    ct_usec usec;
    if (kpi->unit == CT_UNIT_PERCENT && text.len > 0 && text.at[text.len - 1] == '%') {
        text.len--;
        while (text.len > 0 && text.at[text.len - 1] == ' ') {
            text.len--;
        }
    }
    if (time && !ct_span_is(text, "0") && ct_duration_parse(text, &usec)) {
        *micro = usec / part;
        return usec % part == 0;
    }
    if (!ct_money_parse(text, &nano) || nano % 1000 != 0) {
        return false;
    }
    *micro = nano / 1000;
    return true;
}
