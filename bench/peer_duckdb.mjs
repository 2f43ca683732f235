// The benchmark's job in DuckDB, through its Node interface. Called by bench/run:
//   node peer_duckdb.mjs RULES.json INPUT THREADS plain|literals
// One pass over the file into a temporary table (folded text; one boolean for each rule that a conversation's outcome needs),
// one pass over it for the counts of all other rules, one grouping by conversation. Of the forms tried (count FILTER, sum of
// a boolean, groups of rules behind one combined expression, CASE), the sum of a boolean was the fastest. `literals` adds
// what a patient author could write by hand: CASE WHEN contains(text, a word) OR ... THEN the expression.
import { readFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';

const [, , rulesFile, input, threads, form] = process.argv;
const rules = JSON.parse(readFileSync(rulesFile, 'utf8'));
const quote = (text) => "'" + text.replaceAll("'", "''") + "'";
const hit = (rule) => {
  let test = `regexp_matches(f, ${quote(rule.pattern)})`;
  if (form === 'literals' && rule.literals.length)
    test = `CASE WHEN ${rule.literals.map((word) => `contains(f, ${quote(word)})`).join(' OR ')} THEN ${test} ELSE false END`;
  return rule.role ? `CASE WHEN role = ${quote(rule.role)} THEN ${test} ELSE false END` : test;
};
const meanings = rules.map((rule, at) => ({ ...rule, at })).filter((rule) => rule.role);
const topics = rules.map((rule, at) => ({ ...rule, at })).filter((rule) => !rule.role);
const any = (signals) => {
  const those = meanings.filter((rule) => signals.includes(rule.emits)).map((rule) => `h${rule.at}`);
  return those.length ? `(${those.join(' OR ')})` : 'false';
};

const instance = await DuckDBInstance.create(':memory:', { threads });
const db = await instance.connect();
const rows = async (sql) => (await db.runAndReadAll(sql)).getRows();
await db.run(`CREATE TEMP TABLE m AS SELECT *, ${meanings.map((rule) => `${hit(rule)} AS h${rule.at}`).join(', ') || 'true AS h'} FROM (
  SELECT conversation_id AS c, channel, role, epoch_us(ts) AS us, cost.amount::DECIMAL(18, 9) AS cost,
    role = 'agent' OR (event.type = 'handoff' AND coalesce(event.phase, 'accepted') = 'accepted')
      OR len(list_filter(tool_calls, lambda t: starts_with(t.name, 'transfer_to_human'))) > 0 AS person,
    lower(strip_accents("text")) AS f
  FROM read_json(${quote(input)}, format = 'newline_delimited', maximum_object_size = 1048576, columns = {
    conversation_id: 'VARCHAR', channel: 'VARCHAR', role: 'VARCHAR', "text": 'VARCHAR', ts: 'TIMESTAMP',
    tool_calls: 'STRUCT(name VARCHAR)[]', cost: 'STRUCT(amount VARCHAR)', event: 'STRUCT("type" VARCHAR, phase VARCHAR)'}))`);

const hits = {};
const counted = (await rows(`SELECT ${[...meanings.map((rule) => `sum(h${rule.at}::INT)`), ...topics.map((rule) => `sum((${hit(rule)})::INT)`)].join(', ')} FROM m`))[0];
[...meanings, ...topics].forEach((rule, at) => (hits[rule.id] = Number(counted[at])));

const [conversations, escalated, asked, resolved] = (await rows(`SELECT count(*), count(*) FILTER (WHERE person), count(*) FILTER (WHERE asked),
    count(*) FILTER (WHERE NOT person AND good > bad) FROM (
  SELECT bool_or(coalesce(person, false)) AS person, bool_or(${any(['user.human_request'])}) AS asked,
    coalesce(max(us) FILTER (WHERE ${any(['user.thanks', 'user.resolved'])}), 0) AS good,
    coalesce(max(us) FILTER (WHERE ${any(['user.not_resolved', 'user.wrong_answer'])}), 0) AS bad FROM m GROUP BY c)`))[0].map(Number);
const [fallbacks, cost] = (await rows(`SELECT count(*) FILTER (WHERE ${any(['bot.fallback'])}), sum(cost)::VARCHAR FROM m`))[0];
const channels = Object.fromEntries((await rows('SELECT channel, count(DISTINCT c) FROM m GROUP BY channel ORDER BY channel')).map(([name, n]) => [name, Number(n)]));
const [answers, waited] = (await rows(`SELECT count(*), sum(us - before)::VARCHAR FROM (
  SELECT us, role, lag(us) OVER w AS before, lag(role) OVER w AS who FROM m WINDOW w AS (PARTITION BY c ORDER BY us))
  WHERE role = 'bot' AND who = 'user'`))[0];
console.log(JSON.stringify({ conversations, escalated, asked, resolved, fallbacks: Number(fallbacks), cost, channels,
  answers: Number(answers), response_s: Number(waited) / 1e6 / Number(answers), hits }));
