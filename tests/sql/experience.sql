-- experience.sql - what customers say of it, and how long they wait.

--: csat keyed
SELECT low || '-' || high, sum(2 * score > low + high), count(*) FROM answer WHERE kind = 'csat' GROUP BY 1;
--: csat.mean keyed
SELECT low || '-' || high, sum(score), count(*) FROM answer WHERE kind = 'csat' GROUP BY 1;
--: nps keyed
SELECT low || '-' || high, sum(score >= 9) - sum(score <= 6), count(*) FROM answer WHERE kind = 'nps' AND high = 10 GROUP BY 1;
--: nps.promoters keyed
SELECT low || '-' || high, sum(score >= 9), count(*) FROM answer WHERE kind = 'nps' AND high = 10 GROUP BY 1;
--: nps.detractors keyed
SELECT low || '-' || high, sum(score <= 6), count(*) FROM answer WHERE kind = 'nps' AND high = 10 GROUP BY 1;
--: ces keyed
SELECT low || '-' || high, sum(score), count(*) FROM answer WHERE kind = 'ces' GROUP BY 1;
--: ces.easy keyed
SELECT low || '-' || high, sum(2 * score < low + high), count(*) FROM answer WHERE kind = 'ces' GROUP BY 1;

--: response_time
-- Each answer of the AI, from the customer's message that it follows (the last one, where there are several in a row), where
-- every message of the conversation has a time. A second message of the AI in a row is no answer.
WITH answer AS (
    SELECT m.at_us, (SELECT max(u.n) FROM message u WHERE u.conversation = m.conversation AND u.n < m.n AND u.role = 'user'
                     AND NOT EXISTS (SELECT 1 FROM message b WHERE b.conversation = m.conversation AND b.n > u.n AND b.n < m.n AND b.role IN ('bot', 'agent'))) AS asked,
           m.conversation
    FROM message m JOIN engaged c ON c.number = m.conversation WHERE m.role = 'bot' AND c.timed
)
SELECT sum(a.at_us - u.at_us), count(a.at_us - u.at_us) FROM answer a JOIN message u ON u.conversation = a.conversation AND u.n = a.asked;
--: response_time.unanswered
-- After the last message of the bot or a person nobody answers any more.
SELECT sum(NOT EXISTS (SELECT 1 FROM message b WHERE b.conversation = m.conversation AND b.n > m.n AND b.role IN ('bot', 'agent'))), count(*)
FROM message m JOIN engaged c ON c.number = m.conversation WHERE m.role = 'user';
--: first_response_time
SELECT sum(first_response_us), count(first_response_us) FROM engaged WHERE timed;
--: first_response_time percentiles
SELECT first_response_us FROM engaged WHERE first_response_us IS NOT NULL AND timed;
--: first_response_time.unanswered
SELECT sum(NOT EXISTS (SELECT 1 FROM message u JOIN message b ON b.conversation = u.conversation AND b.n > u.n AND b.role IN ('bot', 'agent')
                       WHERE u.conversation = c.number AND u.role = 'user')), count(*) FROM engaged c;
--: average_wait_time
SELECT sum(wait_us), count(wait_us) FROM engaged WHERE escalated AND timed;
--: average_wait_time percentiles
SELECT wait_us FROM engaged WHERE escalated AND wait_us IS NOT NULL AND timed;
--: sentiment.questions
SELECT sum(instr(m.text, '?') > 0 OR instr(m.text, '¿') > 0), count(*) FROM message m JOIN engaged c ON c.number = m.conversation WHERE m.role = 'user';
--: sentiment.{technical,suggestions,competitors}
SELECT sum(' ' || coalesce(topics, '') || ' ' LIKE '% {topic} %'), count(*) FROM engaged;
--: incident_rate
SELECT sum(complaint), count(*) FROM engaged;
--: incident_rate.insults
SELECT sum(EXISTS (SELECT 1 FROM signal s WHERE s.conversation = c.number AND s.signal = 'user.insult')), count(*) FROM engaged c;
