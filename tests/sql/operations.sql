-- operations.sql - who resolved what, and how long it took.
-- A figure is a row: numerator, denominator; where it is kept apart by a key, that comes first.

--: automation_rate
SELECT coalesce(sum(resolved = 1 AND NOT escalated), 0), count(*) FROM answered;
--: automation_rate.confirmed
SELECT coalesce(sum(resolved = 1 AND NOT escalated AND outcome <> 'resolved_implied'), 0), count(*) FROM answered;
--: automation_rate.upper
SELECT coalesce(sum(NOT escalated AND (resolved = 1 OR outcome = 'silent')), 0), count(*) FROM answered;
--: automation_rate.durable
SELECT coalesce(sum(resolved = 1 AND NOT escalated AND coalesce(next_us > 7 * 86400000000, 1)), 0), count(*)
FROM answered WHERE known AND age_us >= 7 * 86400000000;
--: containment_rate
SELECT coalesce(sum(NOT escalated), 0), count(*) FROM answered;
--: escalation_rate
SELECT sum(escalated), count(*) FROM engaged;
--: escalation_rate.requested
SELECT sum(requested), count(*) FROM engaged;
--: escalation_rate.offered
SELECT sum(offered), count(*) FROM engaged;
--: escalation_rate.announced
SELECT sum(announced), count(*) FROM engaged;
--: escalation_rate.failed
SELECT sum(failed), count(*) FROM engaged;
--: escalation_rate.success
SELECT sum(escalated), count(*) FROM engaged WHERE requested;
--: escalation_rate.resolved
SELECT sum(resolved), count(*) FROM engaged WHERE escalated AND resolved IS NOT NULL;

--: fcr
SELECT sum(resolved = 1 AND coalesce(next_us > 7 * 86400000000, 1) AND coalesce(previous_us > 7 * 86400000000, 1)), count(*)
FROM engaged WHERE known AND age_us >= 7 * 86400000000;
--: fcr.{1d,3d,7d,14d,30d}
SELECT sum(resolved = 1 AND coalesce(next_us > {days} * 86400000000, 1) AND coalesce(previous_us > {days} * 86400000000, 1)), count(*)
FROM engaged WHERE known AND age_us >= {days} * 86400000000;
--: fcr.returned
SELECT sum(coalesce(next_us <= 7 * 86400000000, 0)), count(*) FROM engaged WHERE known AND age_us >= 7 * 86400000000;
--: fcr.{back_1d,back_3d,back_7d,back_14d,back_30d}
SELECT sum(coalesce(next_us <= {days} * 86400000000, 0)), count(*) FROM engaged WHERE known AND age_us >= {days} * 86400000000 AND resolved = 1;

--: aht
SELECT sum(total_us), count(total_us) FROM engaged WHERE timed;
--: aht percentiles
SELECT total_us FROM engaged WHERE total_us IS NOT NULL AND timed;
--: aht.ai
SELECT sum(ai_us), count(ai_us) FROM engaged WHERE ai_wrote AND timed;
--: aht.ai percentiles
SELECT ai_us FROM engaged WHERE ai_us IS NOT NULL AND ai_wrote AND timed;
--: aht.human
SELECT sum(human_us), count(human_us) FROM engaged WHERE escalated AND timed;
--: aht.human percentiles
SELECT human_us FROM engaged WHERE human_us IS NOT NULL AND escalated AND timed;

--: ai_accuracy
SELECT sum(correct), sum(judged) FROM engaged WHERE basis = 'labelled';
--: fallback_rate
SELECT sum(fallbacks), sum(bot_messages) FROM counted;
--: fallback_rate.corrected
SELECT sum(wrong_answers), sum(bot_messages) FROM counted;
