-- lifecycle.sql - from a project's start to the use of what was bought. Days are dates of UTC; `last` is the last date of
-- the period that is known.

--= known_end
CREATE TEMP TABLE known_end AS SELECT begin_us, end_us, as_of_us, min(end_us, as_of_us + 1) AS until_us, (min(end_us, as_of_us + 1) - 1) / 86400000000 AS last FROM term;
--= customer_now
-- Customers at that end.
CREATE TEMP TABLE customer_now AS
SELECT DISTINCT customer FROM spell, known_end WHERE from_us < until_us AND to_us >= until_us;
--= milestone
-- Of each name the first one.
CREATE TEMP TABLE milestone AS SELECT customer, name, min(at_us) AS at_us, due_us FROM event WHERE event = 'milestone' GROUP BY customer, name;
--= started
CREATE TEMP TABLE started AS
SELECT customer, coalesce((SELECT at_us FROM milestone m WHERE m.customer = k.customer AND name = 'project_started'),
                          (SELECT CASE WHEN min(from_us) > -9000000000000000000 THEN min(from_us) END FROM spell s WHERE s.customer = k.customer)) AS start_us
FROM (SELECT DISTINCT customer FROM event WHERE customer IS NOT NULL) k;

--: onboarding_on_time_rate
SELECT sum(coalesce(at_us <= due_us, at_us <= start_us + 30 * 86400000000)), count(*)
FROM milestone m JOIN started USING (customer), known_end
WHERE name = 'onboarded' AND at_us >= begin_us AND at_us < until_us AND (due_us IS NOT NULL OR at_us / 86400000000 >= start_us / 86400000000);
--: time_to_first_value percentiles
SELECT max(at_us - start_us, 0) FROM milestone JOIN started USING (customer), known_end
WHERE name = 'first_value' AND at_us >= begin_us AND at_us < until_us AND at_us / 86400000000 >= start_us / 86400000000;
--: time_to_first_value.week percentiles
SELECT max(at_us - start_us, 0) FROM milestone JOIN started USING (customer), known_end
WHERE name = 'first_value' AND at_us / 86400000000 > last - 7 AND at_us < until_us AND at_us / 86400000000 >= start_us / 86400000000;
--: time_to_first_value.week_before percentiles
SELECT max(at_us - start_us, 0) FROM milestone JOIN started USING (customer), known_end
WHERE name = 'first_value' AND at_us / 86400000000 BETWEEN last - 13 AND last - 7 AND at_us / 86400000000 >= start_us / 86400000000;
--: time_to_first_value.cohort percentiles
SELECT max(at_us - start_us, 0) FROM milestone JOIN started USING (customer), known_end
WHERE name = 'first_value' AND start_us >= begin_us AND start_us < end_us AND at_us <= as_of_us AND at_us / 86400000000 >= start_us / 86400000000;
--: time_to_live percentiles
SELECT max(at_us - start_us, 0) FROM milestone JOIN started USING (customer), known_end
WHERE name = 'go_live' AND at_us >= begin_us AND at_us < until_us AND at_us / 86400000000 >= start_us / 86400000000;
--: kickoff_readiness
-- The newest state of each list that is not younger than the kickoff; SQLite gives the row of the max.
WITH list AS (
    SELECT m.customer, m.at_us AS kickoff_us, e.name, max(e.at_us), e.count AS done, e.of_count AS items
    FROM milestone m JOIN event e ON e.customer = m.customer AND e.event = 'checklist' AND e.at_us <= m.at_us WHERE m.name = 'kickoff' GROUP BY m.customer, e.name
)
SELECT sum(coalesce((SELECT sum(done) * 100 >= sum(items) * 90 FROM list l WHERE l.customer = m.customer), 0)), count(*)
FROM milestone m, known_end WHERE name = 'kickoff' AND at_us >= begin_us AND at_us < until_us;
--: activation_rate
SELECT sum((SELECT sum(coalesce(count, 1)) FROM event e WHERE e.customer = s.customer AND event = 'feature_used' AND flag = 1
            AND at_us >= from_us AND at_us < from_us + 7 * 86400000000) >= 3), count(*)
FROM spell s, known_end WHERE from_us >= begin_us AND from_us < end_us AND from_us + 7 * 86400000000 <= as_of_us;
--: trial_conversion_rate
-- One trial a customer: converted by trial_converted, or where none is known by the first subscription after it.
SELECT sum(EXISTS (SELECT 1 FROM event c WHERE c.customer = t.customer AND c.event = 'trial_converted' AND c.at_us >= t.at_us)
           OR (NOT EXISTS (SELECT 1 FROM event c WHERE c.customer = t.customer AND c.event = 'trial_converted')
               AND (SELECT min(c.at_us) FROM event c WHERE c.customer = t.customer AND c.event = 'subscription' AND c.amount > 0) >= t.at_us)), count(*)
FROM event t, known_end WHERE event = 'trial_started' AND at_us >= begin_us AND at_us < until_us;

--= use
CREATE TEMP TABLE use AS
SELECT customer, at_us, at_us / 86400000000 AS day, event, name, CASE WHEN event = 'session' THEN 1 ELSE coalesce(count, 1) END AS actions,
       event = 'feature_used' AND flag = 1 AS key_action, duration_us
FROM event WHERE event IN ('session', 'feature_used') AND customer IS NOT NULL;
--= month_begin
-- From the same day of the month before the day that follows (31 March: all of March; 15 March: from 16 February).
CREATE TEMP TABLE month_begin AS
SELECT CAST(strftime('%s', next, 'unixepoch', 'start of month', '-1 month') AS INTEGER) / 86400
       + min(CAST(strftime('%d', next, 'unixepoch') AS INTEGER), CAST(strftime('%d', next, 'unixepoch', 'start of month', '-1 day') AS INTEGER)) - 1 AS day
FROM (SELECT (last + 1) * 86400 AS next FROM known_end);
--: active_users
SELECT count(DISTINCT customer), 1 FROM use, known_end, month_begin WHERE use.day >= month_begin.day AND at_us < until_us;
--: active_users.weekly
SELECT count(DISTINCT customer), 1 FROM use, known_end WHERE day > last - 7 AND at_us < until_us;
--: active_users.daily
SELECT count(DISTINCT customer), 1 FROM use, known_end WHERE day = last AND at_us < until_us;
--: product_usage_rate
SELECT sum(customer IN (SELECT customer FROM use, known_end, month_begin WHERE use.day >= month_begin.day AND at_us < until_us)), count(*) FROM customer_now;
--: product_usage_rate.monthly
SELECT sum(customer IN (SELECT customer FROM use, known_end, month_begin WHERE use.day >= month_begin.day AND at_us < until_us)), count(*) FROM customer_now;
--: product_usage_rate.weekly
SELECT sum(customer IN (SELECT customer FROM use, known_end WHERE day > last - 7 AND at_us < until_us)), count(*) FROM customer_now;
--: product_usage_rate.daily
SELECT sum(customer IN (SELECT customer FROM use, known_end WHERE day = last AND at_us < until_us)), count(*) FROM customer_now;
--: weekly_active_rate
SELECT sum(coalesce((SELECT sum(actions) FROM use, known_end WHERE use.customer = c.customer AND day > last - 7 AND at_us < until_us), 0) >= 1), count(*) FROM customer_now c;
--: weekly_active_rate.week_before
SELECT sum(EXISTS (SELECT 1 FROM use WHERE use.customer = s.customer AND day BETWEEN last - 13 AND last - 7 AND actions > 0)), count(*)
FROM (SELECT DISTINCT customer, last FROM spell, known_end WHERE from_us < (last - 6) * 86400000000 AND to_us >= (last - 6) * 86400000000) s;
--: stickiness
SELECT count(DISTINCT customer || ' ' || day), 7 * count(DISTINCT customer) FROM use, known_end WHERE day > last - 7 AND at_us < until_us;
--: usage_depth
-- Whole weeks of the period, counted back from its last date.
SELECT sum(keys), count(*) FROM (
    SELECT sum(CASE WHEN key_action THEN actions ELSE 0 END) AS keys FROM use, known_end
    WHERE at_us < until_us AND (last - day) / 7 < max((last + 1 - begin_us / 86400000000) / 7, 1) GROUP BY customer, (last - day) / 7);
--: feature_breadth
SELECT sum(modules), count(*) FROM (SELECT (SELECT count(DISTINCT name) FROM use, known_end WHERE use.customer = c.customer AND event = 'feature_used' AND at_us >= begin_us AND at_us < until_us) AS modules FROM customer_now c);
--: feature_breadth.share
SELECT sum(modules >= 3), count(*) FROM (SELECT (SELECT count(DISTINCT name) FROM use, known_end WHERE use.customer = c.customer AND event = 'feature_used' AND at_us >= begin_us AND at_us < until_us) AS modules FROM customer_now c);
--: time_in_app
SELECT sum(duration_us), count(duration_us) FROM use, known_end WHERE event = 'session' AND at_us >= begin_us AND at_us < until_us;
--: time_in_app percentiles
SELECT duration_us FROM use, known_end WHERE event = 'session' AND at_us >= begin_us AND at_us < until_us AND duration_us IS NOT NULL;
--: time_in_app.per_customer
SELECT sum(duration_us), count(DISTINCT customer) FROM use, known_end WHERE event = 'session' AND at_us >= begin_us AND at_us < until_us AND duration_us IS NOT NULL;

--: engagement_score.loyalty
SELECT sum(coalesce((SELECT coalesce(flag, 1) FROM event e, known_end WHERE e.customer = c.customer AND event = 'programme' AND name = 'loyalty' AND at_us < until_us ORDER BY at_us DESC LIMIT 1), 0)), count(*)
FROM customer_now c WHERE EXISTS (SELECT 1 FROM event WHERE event = 'programme' AND name = 'loyalty');
--: engagement_score.education
SELECT sum(coalesce((SELECT coalesce(flag, 1) FROM event e, known_end WHERE e.customer = c.customer AND event = 'programme' AND name = 'education' AND at_us < until_us ORDER BY at_us DESC LIMIT 1), 0)), count(*)
FROM customer_now c WHERE EXISTS (SELECT 1 FROM event WHERE event = 'programme' AND name = 'education');
--: engagement_score
-- The default weights: 50 for the loyalty programme, 50 for education.
SELECT sum(50 * coalesce((SELECT coalesce(flag, 1) FROM event e, known_end WHERE e.customer = c.customer AND event = 'programme' AND name = 'loyalty' AND at_us < until_us ORDER BY at_us DESC LIMIT 1), 0)
         + 50 * coalesce((SELECT coalesce(flag, 1) FROM event e, known_end WHERE e.customer = c.customer AND event = 'programme' AND name = 'education' AND at_us < until_us ORDER BY at_us DESC LIMIT 1), 0)), count(*)
FROM customer_now c WHERE EXISTS (SELECT 1 FROM event WHERE event = 'programme' AND name IN ('loyalty', 'education'));

--= achieved
-- Of each outcome the newest of the period; all of an account's have to be reached.
CREATE TEMP TABLE achieved AS
SELECT customer, min(reached) AS reached, max(at_us) AS at_us FROM (
    SELECT customer, name, max(at_us) AS at_us, coalesce(flag, value >= goal) AS reached
    FROM event, known_end WHERE event = 'outcome' AND event.at_us >= begin_us AND event.at_us < until_us GROUP BY customer, name) GROUP BY customer;
--= age
-- Since it first became a customer, else since the project's start; in years begun.
CREATE TEMP TABLE age AS
SELECT a.*, CASE WHEN date(at_us / 1000000, 'unixepoch') < day THEN NULL WHEN date(at_us / 1000000, 'unixepoch') < date(day, '+1 year') THEN 1 WHEN date(at_us / 1000000, 'unixepoch') < date(day, '+2 years') THEN 2 END AS year
FROM achieved a JOIN (SELECT customer, date((CASE WHEN begin_us > -9000000000000000000 THEN begin_us ELSE project_us END) / 1000000, 'unixepoch') AS day
    FROM (SELECT k.customer, coalesce((SELECT min(from_us) FROM spell s WHERE s.customer = k.customer), -9000000000000000000) AS begin_us,
                 (SELECT at_us FROM milestone m WHERE m.customer = k.customer AND name = 'project_started') AS project_us FROM achieved k)) USING (customer);
--: outcome_achieved_rate
SELECT sum(reached), count(*) FROM achieved;
--: outcome_achieved_rate.year_1
SELECT sum(reached), count(*) FROM age WHERE year = 1;
--: outcome_achieved_rate.year_2
SELECT sum(reached), count(*) FROM age WHERE year = 2;
--: realized_roi keyed
-- Annual benefit of the period (newest of each name) against the newest cost `account`, else twelve times the MRR.
WITH gain AS (
    SELECT customer, currency, sum(amount) AS benefit FROM (
        SELECT customer, name, currency, max(at_us), amount FROM event, known_end WHERE event = 'benefit' AND at_us >= begin_us AND at_us < until_us GROUP BY customer, name)
    GROUP BY customer, currency
), paid AS (
    SELECT g.*, coalesce((SELECT amount FROM event e, known_end WHERE e.customer = g.customer AND event = 'cost' AND name = 'account' AND e.currency IS g.currency AND at_us < until_us ORDER BY at_us DESC LIMIT 1),
                         (SELECT 12 * finish FROM revenue r WHERE r.customer = g.customer AND r.currency IS g.currency AND finish > 0)) AS cost FROM gain g
)
SELECT currency, sum(benefit) - sum(cost), sum(cost) FROM paid WHERE cost IS NOT NULL GROUP BY 1;
--: seat_utilization_d30
-- Seats reported by number; day 0 is the date when it became a customer, else when it first bought.
WITH zero AS (
    SELECT b.customer, coalesce((SELECT CASE WHEN min(from_us) > -9000000000000000000 THEN min(from_us) END FROM spell s WHERE s.customer = b.customer), b.first_us) / 86400000000 AS day
    FROM (SELECT customer, min(at_us) AS first_us FROM event WHERE event = 'seats_bought' GROUP BY customer) b
), case_ AS (
    SELECT customer, day * 86400000000 AS zero_us, (day + 31) * 86400000000 AS end30_us FROM zero, known_end
    WHERE (day + 31) * 86400000000 > begin_us AND (day + 31) * 86400000000 <= end_us AND (day + 31) * 86400000000 <= as_of_us + 1
), seats AS (
    SELECT c.customer, (SELECT count FROM event e WHERE e.customer = c.customer AND event = 'seats_bought' AND at_us < end30_us ORDER BY at_us DESC LIMIT 1) AS bought,
           (SELECT count FROM event e WHERE e.customer = c.customer AND event = 'seats_active' AND at_us < end30_us AND at_us >= zero_us ORDER BY at_us DESC LIMIT 1) AS active
    FROM case_ c
)
SELECT sum(min(active, bought)), sum(bought) FROM seats WHERE active IS NOT NULL AND bought > 0;
