-- conversations.sql - who came back (`contact`), and the conversations that are counted (`counted`).

-- Contacts: the customer wrote something, every message has a time, and who it was is known.
CREATE TABLE contact AS
SELECT rowid AS conversation, customer, started_us, ended_us,
       ' ' || replace(replace(replace(' ' || coalesce(topics, '') || ' ', ' complaint ', ' '), ' suggestion ', ' '), ' competitor ', ' ') || ' ' AS about,
       conversation_id || '#' || session AS name
FROM conversation WHERE outcome <> 'not_engaged' AND timed AND customer IS NOT NULL;
CREATE INDEX contact_customer ON contact (customer, started_us);

-- Subjects of a conversation, one a row. Complaints, suggestions and competitors are ways to speak, no subjects.
CREATE TABLE subject AS
WITH RECURSIVE cut (conversation, word, rest) AS (
    SELECT conversation, NULL, trim(about) || ' ' FROM contact
    UNION ALL
    SELECT conversation, substr(rest, 1, instr(rest, ' ') - 1), ltrim(substr(rest, instr(rest, ' ') + 1)) FROM cut WHERE trim(rest) <> ''
)
SELECT conversation, word FROM cut WHERE word IS NOT NULL AND word NOT IN ('', 'complaint', 'suggestion', 'competitor');
CREATE INDEX subject_of ON subject (conversation, word);

-- Two contacts of a customer, one after the other, that may be about the same thing: a subject in common, or not known of one.
CREATE TABLE pair AS
SELECT a.conversation AS earlier, b.conversation AS later, max(b.started_us - a.ended_us, 0) AS gap_us
FROM contact a JOIN contact b ON a.customer = b.customer AND (a.started_us, a.name) < (b.started_us, b.name)
WHERE NOT EXISTS (SELECT 1 FROM subject WHERE conversation = a.conversation)
   OR NOT EXISTS (SELECT 1 FROM subject WHERE conversation = b.conversation)
   OR EXISTS (SELECT 1 FROM subject x JOIN subject y ON x.word = y.word WHERE x.conversation = a.conversation AND y.conversation = b.conversation);

CREATE TABLE counted AS
SELECT c.*, c.rowid AS number,
       EXISTS (SELECT 1 FROM message u JOIN message b ON b.conversation = u.conversation AND b.n > u.n AND b.role = 'bot'
               WHERE u.conversation = c.rowid AND u.role = 'user') AS ai_answered,
       c.bot_messages > 0 AS ai_wrote,
       as_of_us - c.ended_us AS age_us,
       CASE WHEN k.conversation IS NULL THEN 0 ELSE 1 END AS known,
       (SELECT min(gap_us) FROM pair WHERE earlier = c.rowid) AS next_us,
       (SELECT min(gap_us) FROM pair WHERE later = c.rowid) AS previous_us
FROM conversation c JOIN term LEFT JOIN contact k ON k.conversation = c.rowid
WHERE (NOT asked OR (c.started_us >= begin_us AND c.started_us < end_us))
  AND (of_channel IS NULL OR coalesce(c.channel, '(none)') = of_channel);

CREATE TABLE engaged AS SELECT * FROM counted WHERE outcome <> 'not_engaged';
-- The base of automation: the AI answered.
CREATE TABLE answered AS SELECT * FROM engaged WHERE ai_answered;
-- Answers of surveys, in conversations and beside them; of a kind and a scale.
CREATE TABLE answer AS
SELECT 'csat' AS kind, csat AS score, csat_min AS low, csat_max AS high FROM counted WHERE csat IS NOT NULL
UNION ALL SELECT 'nps', nps, nps_min, nps_max FROM counted WHERE nps IS NOT NULL
UNION ALL SELECT 'ces', ces, ces_min, ces_max FROM counted WHERE ces IS NOT NULL
UNION ALL
SELECT name, score, coalesce(scale_min, CASE WHEN name = 'nps' AND coalesce(scale_max, 10) = 10 THEN 0 ELSE 1 END),
       coalesce(scale_max, CASE name WHEN 'nps' THEN 10 WHEN 'ces' THEN 7 ELSE 5 END)
FROM event, term WHERE event = 'survey' AND at_us >= begin_us AND at_us < end_us;
