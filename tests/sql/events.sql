-- events.sql - business events without repetitions; who is a customer when (`spell`); what each subscription brings
-- (`running`); the state of each customer over the period (`account`). docs/business-events.md says the rules in words.

-- The part of the period that is known: until as_of, or its own end (`until_us` is no longer in it). One that has not begun
-- then is none: NULL.
CREATE TABLE known AS
SELECT CASE WHEN until_us > begin_us THEN begin_us END AS begin_us, CASE WHEN until_us > begin_us THEN until_us END AS until_us, end_us
FROM (SELECT *, min(end_us, coalesce(as_of_us + 1, end_us)) AS until_us FROM term);

-- Events with one id (of a tenant) are one; without an id those that are the same in everything. Of what is later than as_of only
-- that something will be due is known.
CREATE TABLE event AS
SELECT event_line.* FROM event_line
JOIN (SELECT min(rowid) AS first FROM event_line GROUP BY CASE WHEN id IS NULL THEN line ELSE 'id ' || coalesce(tenant, '') || ' ' || id END) ON event_line.rowid = first, term
WHERE event = 'renewal_due' OR coalesce(at_us <= as_of_us, 1);
CREATE INDEX event_customer ON event (customer, event, at_us);

-- Orders that were not cancelled, whenever, are purchases.
CREATE TABLE purchase AS
SELECT p.rowid AS line, p.*, coalesce(p.ref, 'line ' || p.rowid) AS order_key,
       p.ref IS NULL OR NOT EXISTS (SELECT 1 FROM event c WHERE c.customer = p.customer AND c.event = 'order_cancelled' AND c.ref = p.ref) AS kept
FROM event p WHERE event = 'purchase';

-- ---- subscriptions: each name as its newest event says, and none after customer_lost

CREATE TABLE subscription AS
SELECT rowid AS line, customer, coalesce(name, '') AS name, at_us, amount, currency, coalesce(flag, 0) AS add_on,
       lead(at_us) OVER (PARTITION BY customer, coalesce(name, '') ORDER BY at_us) AS next_us,
       (SELECT min(l.at_us) FROM event l WHERE l.customer = s.customer AND l.event = 'customer_lost' AND l.at_us >= s.at_us) AS lost_us
FROM event s WHERE event = 'subscription';
-- From when to when it runs.
CREATE TABLE running AS
SELECT customer, name, amount, currency, add_on, at_us AS from_us, min(coalesce(next_us, 9000000000000000000), coalesce(lost_us, 9000000000000000000)) AS to_us
FROM subscription WHERE amount > 0;

-- ---- spells as a customer

-- Moments at which somebody becomes one, or ends being one. An end by subscriptions: one stops (that ran, or was never heard
-- of before), and none is known to run any more.
CREATE TABLE moment AS
WITH at AS (
    SELECT customer, at_us,
           max(event IN ('customer', 'customer_won', 'trial_converted', 'renewed') OR (event = 'subscription' AND amount > 0)
               OR (event = 'purchase' AND rowid IN (SELECT line FROM purchase WHERE kept))) AS begins,
           max(event = 'customer_lost') AS lost,
           max(event = 'subscription' AND amount = 0
               AND (rowid IN (SELECT line FROM subscription s WHERE NOT EXISTS (SELECT 1 FROM subscription b WHERE b.customer = s.customer AND b.name = s.name AND b.at_us < s.at_us))
                    OR EXISTS (SELECT 1 FROM running r WHERE r.customer = event.customer AND r.name = coalesce(event.name, '') AND r.to_us = event.at_us))) AS stops
    FROM event WHERE customer IS NOT NULL GROUP BY customer, at_us
)
SELECT customer, at_us, CASE WHEN lost THEN 0 WHEN begins THEN 1 ELSE 0 END AS one FROM at
WHERE begins OR lost OR (stops AND NOT EXISTS (SELECT 1 FROM running r WHERE r.customer = at.customer AND r.from_us <= at.at_us AND r.to_us > at.at_us));

-- The first thing that says anything of a customer. Where it can only be said of one who is one already, it was one since before
-- everything, unless a `since` says since when: one that comes up to the first loss and not after it was said to be won.
CREATE TABLE first AS
WITH said AS (
    SELECT customer, min(at_us) AS at_us, min(CASE WHEN event = 'customer_lost' THEN at_us END) AS lost_us,
           min(CASE WHEN event IN ('customer_won', 'trial_converted') THEN at_us END) AS won_us
    FROM event
    WHERE event IN ('customer', 'customer_won', 'trial_converted', 'customer_lost', 'renewal_due', 'renewed', 'expansion', 'subscription')
       OR rowid IN (SELECT line FROM purchase WHERE kept)
    GROUP BY customer
)
SELECT f.customer, f.at_us,
       (SELECT min(e.since_us) FROM event e WHERE e.customer = f.customer AND e.event = 'customer' AND e.since_us <= e.at_us
        AND e.at_us <= coalesce(lost_us, e.at_us) AND e.at_us <= coalesce(won_us, e.at_us)) AS since_us,
       max((e.event = 'customer' AND e.since_us IS NULL) OR e.event IN ('customer_lost', 'renewal_due', 'renewed', 'expansion') OR (e.event = 'subscription' AND e.amount = 0))
       AND coalesce(won_us > f.at_us, 1) AS presumed
FROM said f JOIN event e ON e.customer = f.customer AND e.at_us = f.at_us GROUP BY f.customer;
INSERT INTO moment SELECT customer, -9000000000000000000, 1 FROM first WHERE presumed OR since_us IS NOT NULL;

CREATE TABLE spell AS
WITH changes AS (
    SELECT customer, at_us, one FROM (
        SELECT *, coalesce(lag(one) OVER (PARTITION BY customer ORDER BY at_us), 0) AS before FROM moment) WHERE one <> before
), spells AS (
    SELECT customer, at_us AS from_us, one, coalesce(lead(at_us) OVER (PARTITION BY customer ORDER BY at_us), 9000000000000000000) AS to_us,
           lag(at_us) OVER (PARTITION BY customer ORDER BY at_us) AS ended_us
    FROM changes
)
-- In a later one, `since` of an event within it sets its beginning back, not before the end of the one before.
SELECT customer, to_us,
       CASE WHEN ended_us IS NULL THEN coalesce((SELECT min(f.since_us, f.at_us) FROM first f WHERE f.customer = s.customer), from_us)
            ELSE max(ended_us, min(from_us, coalesce((SELECT min(e.since_us) FROM event e WHERE e.customer = s.customer AND e.event = 'customer'
                                                      AND e.since_us <= e.at_us AND e.at_us >= s.from_us AND e.at_us < s.to_us), from_us))) END AS from_us
FROM spells s WHERE one = 1;

-- ---- the period

CREATE TABLE account AS
WITH heard AS (SELECT DISTINCT customer FROM event WHERE customer IS NOT NULL),
ends AS (
    SELECT k.customer,
           EXISTS (SELECT 1 FROM spell s WHERE s.customer = k.customer AND s.from_us < begin_us AND s.to_us >= begin_us) AS at_start,
           EXISTS (SELECT 1 FROM spell s WHERE s.customer = k.customer AND s.from_us < until_us AND s.to_us >= until_us) AS at_end,
           EXISTS (SELECT 1 FROM spell s WHERE s.customer = k.customer AND s.to_us >= begin_us AND s.to_us < until_us) AS left_in_it,
           EXISTS (SELECT 1 FROM spell s WHERE s.customer = k.customer AND s.from_us >= begin_us AND s.from_us < until_us) AS came_in_it,
           (SELECT min(from_us) FROM spell s WHERE s.customer = k.customer) AS began_us,
           (SELECT sum(min(s.to_us, end_us) - s.from_us) FROM spell s WHERE s.customer = k.customer AND s.from_us < until_us) AS lifetime_us
    FROM heard k, known
)
SELECT customer, at_start, at_end, began_us,
       at_start AND left_in_it AS lost,
       at_end AND NOT (at_start AND NOT left_in_it) AS won,
       NOT at_start AND left_in_it AS won_lost,
       at_start OR at_end OR came_in_it AS in_period,
       began_us > -9000000000000000000 AND began_us < until_us AS begin_known, lifetime_us
FROM ends, known;
CREATE UNIQUE INDEX account_customer ON account (customer);

-- Monthly recurring revenue of each customer and currency at the period's two ends, and how the one became the other.
CREATE TABLE revenue AS
WITH ends AS (
    SELECT customer, currency,
           sum(CASE WHEN from_us < begin_us AND to_us >= begin_us THEN amount ELSE 0 END) AS start,
           sum(CASE WHEN from_us < until_us AND to_us >= until_us THEN amount ELSE 0 END) AS finish
    FROM running, known GROUP BY customer, currency
)
SELECT e.*, a.lost,
       CASE WHEN a.lost THEN start ELSE 0 END AS churned,
       CASE WHEN a.lost OR NOT payer THEN finish ELSE 0 END AS fresh,
       CASE WHEN NOT a.lost AND payer THEN max(start - finish, 0) ELSE 0 END AS contraction,
       CASE WHEN NOT a.lost AND payer THEN max(finish - start, 0) ELSE 0 END AS upgrade
FROM (SELECT *, max(start) OVER (PARTITION BY customer) > 0 AS payer FROM ends) e JOIN account a USING (customer);
-- Revenue beside subscriptions, of who was a customer then. It belongs to MRR at the start of its own currency (there are no rates).
CREATE TABLE one_off AS
SELECT e.customer, e.currency, e.amount, EXISTS (SELECT 1 FROM revenue r WHERE r.customer = e.customer AND r.currency IS e.currency AND r.start > 0) AS of_base
FROM event e, known
WHERE e.event = 'expansion' AND e.at_us >= begin_us AND e.at_us < until_us
  AND EXISTS (SELECT 1 FROM spell s WHERE s.customer = e.customer AND s.from_us <= e.at_us AND s.to_us > e.at_us);
