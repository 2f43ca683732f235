-- schema.sql - the tables that the figures are computed from: conversations as `convtap audit --conversations` writes them,
-- the transcripts' own messages, and business events as they are in JSON lines.
--
-- Times are whole microseconds since 1970 (UTC), durations microseconds, amounts whole billionths: nothing is ever
-- rounded. Texts that are not known are NULL. A customer is tenant and user_id together.

CREATE TABLE term (          -- one row: what the figures are for
    begin_us INTEGER,        -- the period of business figures, [begin_us, end_us)
    end_us INTEGER,
    as_of_us INTEGER,        -- the newest moment that is known
    asked INTEGER,           -- was the period asked for? then conversations outside of it are not counted either
    of_channel TEXT          -- conversations of this channel alone; NULL = all
);

CREATE TABLE conversation (
    conversation_id TEXT, session INTEGER, customer TEXT, tenant TEXT, channel TEXT, language TEXT, segment TEXT, topics TEXT,
    started_us INTEGER, ended_us INTEGER, -- first and last message that has a time
    timed INTEGER,           -- has every message one? Else nothing is measured by them
    outcome TEXT, abandoned_at TEXT,
    resolved INTEGER,        -- 1, 0, NULL = not known
    escalated INTEGER, requested INTEGER, offered INTEGER, announced INTEGER, failed INTEGER,
    wait_us INTEGER,
    complaint INTEGER, comment TEXT,
    user_messages INTEGER, bot_messages INTEGER, agent_messages INTEGER,
    fallbacks INTEGER, wrong_answers INTEGER,
    first_response_us INTEGER,
    ai_us INTEGER, human_us INTEGER, total_us INTEGER, -- handling
    judged INTEGER, correct INTEGER, basis TEXT,
    csat INTEGER, csat_min INTEGER, csat_max INTEGER,
    nps INTEGER, nps_min INTEGER, nps_max INTEGER,
    ces INTEGER, ces_min INTEGER, ces_max INTEGER,
    cost INTEGER, currency TEXT, cost_source INTEGER
);

CREATE TABLE signal (        -- what stands in a conversation, message by message
    conversation INTEGER,    -- conversation.rowid
    message INTEGER, signal TEXT
);

CREATE TABLE message (       -- messages that were written, of the sessions of `conversation`
    conversation INTEGER, n INTEGER, role TEXT, text TEXT, at_us INTEGER
);
CREATE INDEX message_of ON message (conversation, n);

CREATE TABLE event_line (    -- as they were read, what came twice included
    event TEXT, at_us INTEGER, tenant TEXT, user_id TEXT, id TEXT, ref TEXT, name TEXT, segment TEXT, version TEXT, text TEXT,
    currency TEXT, amount INTEGER, margin INTEGER, value INTEGER, goal INTEGER,
    count INTEGER, of_count INTEGER, score INTEGER, scale_min INTEGER, scale_max INTEGER,
    since_us INTEGER, due_us INTEGER, duration_us INTEGER, flag INTEGER,
    customer TEXT, line TEXT -- the whole of it, keys in order
);
