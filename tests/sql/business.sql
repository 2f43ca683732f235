-- business.sql - customers won, kept and lost, and what they bring. Amounts in billionths, by currency.

--: churn_rate
SELECT sum(lost) + sum(won_lost), sum(at_start) FROM account;
--: churn_rate.base
SELECT sum(lost), sum(at_start) FROM account;
--: retention_rate
-- (customers at the end - won) / customers at the start
SELECT sum(at_end) - sum(won), sum(at_start) FROM account;
--: churn_rate.revenue keyed
SELECT currency, sum(churned), sum(start) FROM revenue GROUP BY 1;
--: mrr keyed sum
SELECT currency, sum(finish) FROM revenue GROUP BY 1;
--: mrr.start keyed sum
SELECT currency, sum(start) FROM revenue GROUP BY 1;
--: mrr.per_customer keyed
SELECT currency, sum(finish), sum(finish > 0) FROM revenue GROUP BY 1;
--: mrr.new keyed sum
SELECT currency, sum(fresh) FROM revenue GROUP BY 1;
--: mrr.churned keyed sum
SELECT currency, sum(churned) FROM revenue GROUP BY 1;
--: mrr.contraction keyed sum
SELECT currency, sum(contraction) FROM revenue GROUP BY 1;
--: expansion_mrr keyed sum
SELECT currency, sum(amount) FROM (SELECT currency, upgrade AS amount FROM revenue UNION ALL SELECT currency, amount FROM one_off) GROUP BY 1;
--: expansion_mrr.recurring keyed sum
SELECT currency, sum(upgrade) FROM revenue GROUP BY 1;
--: expansion_mrr.one_off keyed sum
SELECT currency, sum(amount) FROM one_off GROUP BY 1;
--: grr keyed
SELECT currency, sum(start) - sum(contraction) - sum(churned), sum(start) FROM revenue GROUP BY 1;
--: contraction_rate keyed
SELECT currency, sum(contraction), sum(start) FROM revenue GROUP BY 1;
--: nrr keyed
SELECT currency, sum(start) - sum(contraction) - sum(churned) + sum(upgrade)
       + coalesce((SELECT sum(amount) FROM one_off o WHERE o.currency IS r.currency AND of_base), 0), sum(start) FROM revenue r GROUP BY 1;
--: nrr.recurring keyed
SELECT currency, sum(start) - sum(contraction) - sum(churned) + sum(upgrade), sum(start) FROM revenue r GROUP BY 1;
--: expansion_rate keyed
SELECT currency, sum(upgrade) + coalesce((SELECT sum(amount) FROM one_off o WHERE o.currency IS r.currency AND of_base), 0), sum(start) FROM revenue r GROUP BY 1;
--: expansion_rate.recurring keyed
SELECT currency, sum(upgrade), sum(start) FROM revenue r GROUP BY 1;

--: clv.purchase_value keyed
SELECT currency, sum(amount), count(DISTINCT customer || ' ' || order_key) FROM purchase, term WHERE kept AND at_us >= begin_us AND at_us < end_us GROUP BY 1;
--: clv.lifetime
SELECT sum(lifetime_us), count(*) FROM account WHERE in_period AND begin_known;
--: clv keyed value
-- average purchase x purchases / (customers x time) x lifetime; five factors, so that it stays exact: (a x b) / (c x d x e)
SELECT currency, sum(amount), (SELECT sum(lifetime_us) FROM account WHERE in_period AND begin_known),
       (SELECT sum(in_period) FROM account), end_us - begin_us, (SELECT count(*) FROM account WHERE in_period AND begin_known)
FROM purchase, term WHERE kept AND at_us >= begin_us AND at_us < end_us GROUP BY 1;
--: clv.historic keyed value
-- all purchases x average margin / customers who bought
SELECT currency, sum(amount), sum(CASE WHEN margin IS NOT NULL THEN (amount / 10000000) * (margin / 1000000) END), sum(CASE WHEN margin IS NOT NULL THEN amount / 10000000 END) * 1000,
       count(DISTINCT customer), 1
FROM purchase, term WHERE kept AND at_us < end_us GROUP BY 1;
--: clv.predictive keyed value
-- transactions per customer and month x average order x (length x customers at the start / lost)
SELECT currency, sum(amount), (SELECT sum(at_start) FROM account), (SELECT sum(in_period) FROM account), (SELECT sum(lost) FROM account), 1
FROM purchase, term WHERE kept AND at_us >= begin_us AND at_us < end_us GROUP BY 1;
--: customer_retention_cost keyed
SELECT currency, sum(amount), (SELECT sum(in_period) FROM account) FROM event, term
WHERE event = 'cost' AND (name = 'retention' OR name LIKE 'retention.%' OR name LIKE 'retention/%') AND at_us >= begin_us AND at_us < end_us GROUP BY 1;
--: referral_rate
SELECT (SELECT count(*) FROM account a WHERE in_period AND EXISTS (SELECT 1 FROM event e, term WHERE e.customer = a.customer AND event = 'referral' AND at_us >= begin_us AND at_us < end_us)),
       (SELECT sum(in_period) FROM account)
WHERE EXISTS (SELECT 1 FROM event, term WHERE event = 'referral' AND at_us < end_us);
--: referenceable_accounts
SELECT sum((SELECT coalesce(flag, 1) FROM event e, term WHERE e.customer = a.customer AND event = 'reference' AND at_us < end_us ORDER BY at_us DESC LIMIT 1) = 1), count(*)
FROM account a WHERE at_end AND EXISTS (SELECT 1 FROM event, term WHERE event = 'reference' AND at_us < end_us);
--: attach_rate
SELECT sum(EXISTS (SELECT 1 FROM running r, term WHERE r.customer = a.customer AND add_on AND from_us < end_us AND to_us >= end_us)), count(*)
FROM account a WHERE at_end AND EXISTS (SELECT 1 FROM subscription);

--: renewal_rate.contracts
-- Due in the period; renewed from 90 days before to 30 days after. (One due date a contract.)
WITH due AS (SELECT customer, coalesce(due_us, at_us) AS due_us, coalesce(ref, name) AS contract FROM event WHERE event = 'renewal_due')
SELECT sum(EXISTS (SELECT 1 FROM event e WHERE e.customer = due.customer AND e.event = 'renewed' AND coalesce(coalesce(e.ref, e.name) = contract, 1)
                   AND e.at_us >= due.due_us - 90 * 86400000000 AND e.at_us <= due.due_us + 30 * 86400000000)), count(*)
FROM due, term WHERE due.due_us >= begin_us AND due.due_us < end_us;
--: renewal_rate
WITH due AS (SELECT customer, coalesce(due_us, at_us) AS due_us, coalesce(ref, name) AS contract FROM event WHERE event = 'renewal_due')
SELECT count(DISTINCT CASE WHEN EXISTS (SELECT 1 FROM event e WHERE e.customer = due.customer AND e.event = 'renewed' AND coalesce(coalesce(e.ref, e.name) = contract, 1)
                   AND e.at_us >= due.due_us - 90 * 86400000000 AND e.at_us <= due.due_us + 30 * 86400000000) THEN customer END), count(DISTINCT customer)
FROM due, term WHERE due.due_us >= begin_us AND due.due_us < end_us;

-- ---- churn after contact with the AI
--= talk
-- Conversations of the period with the AI, begun while a customer, and timed: the window is counted from their end.
CREATE TEMP TABLE talk AS
SELECT c.customer, c.started_us, c.ended_us, c.outcome FROM engaged c, term
WHERE ai_wrote AND timed AND started_us >= begin_us AND started_us < end_us AND started_us <= as_of_us
  AND EXISTS (SELECT 1 FROM spell s WHERE s.customer = c.customer AND s.from_us <= c.started_us AND s.to_us > c.started_us);
--= talker
-- Watched for 30 days after the last one. Lost: from such a conversation's beginning to 30 days after its end.
CREATE TEMP TABLE talker AS
SELECT t.customer, max(t.ended_us) AS last_us,
       (SELECT min(s.to_us) FROM spell s JOIN talk x ON x.customer = s.customer AND s.to_us >= x.started_us AND s.to_us <= x.ended_us + 30 * 86400000000
        WHERE s.customer = t.customer) AS lost_us
FROM talk t GROUP BY t.customer;
--: ai_influenced_churn
SELECT sum(lost_us IS NOT NULL), count(*) FROM talker, term WHERE last_us + 30 * 86400000000 <= as_of_us;
--: ai_influenced_churn.outcome keyed
SELECT (SELECT outcome FROM talk x WHERE x.customer = t.customer AND x.started_us <= coalesce(lost_us, 9e18) ORDER BY x.started_us DESC LIMIT 1), sum(lost_us IS NOT NULL), count(*)
FROM talker t, term WHERE last_us + 30 * 86400000000 <= as_of_us GROUP BY 1;
--: ai_influenced_churn.without
WITH quiet AS (
    SELECT a.customer, CASE WHEN at_start THEN begin_us ELSE (SELECT min(from_us) FROM spell s WHERE s.customer = a.customer AND from_us >= begin_us) END AS since_us
    FROM account a, term WHERE in_period AND a.customer NOT IN (SELECT customer FROM engaged WHERE ai_wrote AND customer IS NOT NULL AND (started_us IS NULL OR (started_us >= begin_us AND started_us < end_us AND started_us <= as_of_us)))
)
SELECT sum(EXISTS (SELECT 1 FROM spell s WHERE s.customer = q.customer AND s.to_us >= since_us AND s.to_us <= since_us + 30 * 86400000000)), count(*)
FROM quiet q, term WHERE since_us + 30 * 86400000000 <= as_of_us;
