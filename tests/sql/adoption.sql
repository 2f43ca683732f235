-- adoption.sql - who uses it, and what customers buy, cancel and send back.

--: adoption_rate.known
WITH talked AS (
    SELECT customer, max(ai_wrote) AS ai FROM engaged, term
    WHERE customer IS NOT NULL AND (end_us IS NULL OR (started_us >= begin_us AND started_us < end_us AND started_us <= as_of_us)) GROUP BY customer
), everybody AS (
    SELECT customer FROM talked UNION SELECT customer FROM account WHERE in_period
)
SELECT (SELECT sum(ai) FROM talked), count(*) FROM everybody WHERE (SELECT count(*) FROM counted) > 0;
--: adoption_rate
-- Of the base that customer_base events state: the mean of each tenant's; else as adoption_rate.known.
WITH base AS (SELECT avg(count) AS mean FROM event, term WHERE event = 'customer_base' AND at_us >= begin_us AND at_us < end_us GROUP BY tenant)
SELECT count(DISTINCT CASE WHEN outcome <> 'not_engaged' AND ai_wrote AND started_us >= begin_us AND started_us < end_us AND started_us <= as_of_us THEN customer END),
       (SELECT CAST(round(sum(mean)) AS INTEGER) FROM base)
FROM counted, term WHERE (SELECT count(*) FROM base) > 0;
--: interactions_per_user
SELECT count(*), count(DISTINCT customer) FROM engaged WHERE customer IS NOT NULL;
--: recurrence
SELECT sum(times >= 2), count(*) FROM (SELECT count(*) AS times FROM engaged WHERE customer IS NOT NULL GROUP BY customer);
--: recurrence.days percentiles
SELECT gap FROM (SELECT started_us - lag(started_us) OVER (PARTITION BY customer ORDER BY started_us) AS gap
                 FROM engaged WHERE customer IS NOT NULL AND timed) WHERE gap IS NOT NULL;
--: channel_preference keyed
SELECT coalesce(channel, '(none)'), count(*), (SELECT count(*) FROM engaged) FROM engaged GROUP BY 1;
--: channel_preference.customers keyed
SELECT coalesce(channel, '(none)'), count(DISTINCT customer), (SELECT count(DISTINCT customer) FROM engaged) FROM engaged WHERE customer IS NOT NULL GROUP BY 1;
--: cancellation_rate.transcripts
SELECT sum(' ' || coalesce(topics, '') || ' ' LIKE '% cancellation %'), count(*) FROM engaged;
--: return_rate.transcripts
SELECT sum(' ' || coalesce(topics, '') || ' ' LIKE '% return %'), count(*) FROM engaged;

--: purchase_recurrence
SELECT sum(orders >= 2), count(*) FROM (
    SELECT count(DISTINCT order_key) AS orders FROM purchase, term WHERE kept AND at_us >= begin_us AND at_us < end_us GROUP BY customer);
--: cancellation_rate
SELECT (SELECT count(DISTINCT customer || ' ' || coalesce(ref, 'line ' || event.rowid)) FROM event, term WHERE event = 'order_cancelled' AND at_us >= begin_us AND at_us < end_us),
       (SELECT count(DISTINCT customer || ' ' || order_key) FROM purchase, term WHERE at_us >= begin_us AND at_us < end_us);
--: return_rate
SELECT count(DISTINCT CASE WHEN event = 'order_returned' THEN customer || ' ' || coalesce(ref, 'line ' || event.rowid) END),
       count(DISTINCT CASE WHEN event = 'order_delivered' THEN customer || ' ' || coalesce(ref, 'line ' || event.rowid) END)
FROM event, term WHERE event IN ('order_delivered', 'order_returned') AND at_us >= begin_us AND at_us < end_us;
