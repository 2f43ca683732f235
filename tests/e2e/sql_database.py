"""The second computation: conversations' records, transcripts and business events in SQLite (tests/sql), and what the
queries there say of each KPI. Written from the definitions; it shares no code with the program."""
import datetime
import decimal
import fractions
import gzip
import json
import os
import re
import sqlite3

import drive

SQL = os.path.join(drive.ROOT, "tests", "sql")
STAMP = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?)?(Z|z|[+-]\d\d:\d\d)?$")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
FILES = ("operations", "experience", "adoption", "business", "lifecycle", "cost")
TOPICS = {"technical": "technical", "suggestions": "suggestion", "competitors": "competitor"}


def micros(text, last_moment=False):
    """Microseconds since 1970 of a time as JSON has it; a date is its first moment, or for `due` its last."""
    if text is None:
        return None
    day, clock, part, zone = STAMP.match(text).groups()
    zone = "+00:00" if zone in (None, "Z", "z") else zone
    whole = datetime.datetime.fromisoformat(f"{day}T{clock or '00:00:00'}{zone}") - EPOCH
    us = (whole.days * 86400 + whole.seconds) * 1000000 + int(((part or "") + "000000")[:6])
    return us + 86400 * 1000000 - 1 if last_moment and clock is None else us


def scaled(value, scale):
    """A decimal number in whole parts of one `scale`th, exactly."""
    if value is None:
        return None
    whole = decimal.Decimal(str(value)) * scale
    assert whole == whole.to_integral_value(), f"{value} is no whole number of 1/{scale}"
    return int(whole)


def read_lines(path):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as f:
        return [json.loads(text, parse_float=decimal.Decimal) for text in f if text.strip()]


class Database:
    """One data set, in memory, for one period after the other."""

    def __init__(self, records, transcripts=(), events=()):
        self.db = sqlite3.connect(":memory:")
        self.script("schema")
        self.newest = 0
        self.sessions = {}
        for record in records:
            self.put_record(record)
        for talk in transcripts:
            self.put_messages(talk)
        for event in events:
            self.put_event(event)

    def script(self, name):
        with open(os.path.join(SQL, name + ".sql"), encoding="utf-8") as f:
            self.db.executescript(f.read())

    def put(self, table, row):
        return self.db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values())).lastrowid

    @staticmethod
    def customer(tenant, user):
        return None if user in (None, "") else f"{tenant or ''}\x1f{user}"

    def put_record(self, r):
        money, counts, accuracy, handling = r["cost"] or {}, r["counts"], r["accuracy"], r["handling_s"]
        row = {key: r.get(key) for key in ("conversation_id", "tenant", "channel", "language", "segment", "topics", "outcome", "abandoned_at")}
        row |= {"session": r.get("session", 1), "customer": self.customer(r["tenant"], r["user_id"]),
                "started_us": micros(r["started_at"]), "timed": r["started_at"] is not None, "ended_us": micros(r["ended_at"]), "resolved": r["resolved"],
                "escalated": r["escalated"], "complaint": r["complaint"], "comment": r["feedback"].get("comment"),
                "wait_us": scaled(r["escalation"]["wait_s"], 1000000), "first_response_us": scaled(r["response_s"]["first"], 1000000),
                "user_messages": counts["user"], "bot_messages": counts["bot"], "agent_messages": counts["agent"],
                "fallbacks": counts["fallback"], "wrong_answers": counts["wrong_answer"],
                "cost": scaled(money.get("amount"), 10**9), "currency": money.get("currency"),
                "cost_source": scaled(r.get("cost_parts", {}).get("source", money.get("amount")), 10**9)}
        row |= {part + "_us": scaled(handling[part], 1000000) for part in ("ai", "human", "total")}
        row |= {key: accuracy[key] for key in ("judged", "correct", "basis")}
        row |= {key: r["escalation"][key] for key in ("requested", "offered", "announced", "failed")}
        for kind in ("csat", "nps", "ces"):
            if r[kind]:
                usual = 0 if kind == "nps" and r[kind]["scale"] == 10 else 1
                row |= {kind: r[kind]["score"], kind + "_min": r[kind].get("min", usual), kind + "_max": r[kind]["scale"]}
        n = self.put("conversation", row)
        self.sessions.setdefault((r["tenant"], r["conversation_id"]), []).append((row["started_us"], row["ended_us"], n))
        for found in r["evidence"]:
            self.put("signal", {"conversation": n, "message": found["message"], "signal": found["signal"]})

    def put_messages(self, talk):
        """The messages with words of a conversation, each in the session that its time falls into."""
        sessions = self.sessions.get((talk.get("tenant"), talk["conversation_id"]), [])
        timed = [(micros(m.get("ts")), m) for m in talk["messages"]]
        if all(at is not None for at, _ in timed):
            timed.sort(key=lambda pair: pair[0])  # as time has it; without, as the file has it
        else:
            self.db.executemany("UPDATE conversation SET timed = 0 WHERE rowid = ?", [(s[2],) for s in sessions])
        for n, (at, m) in enumerate(timed):
            self.newest = max(self.newest, at or 0)
            if m["role"] in ("user", "bot", "agent") and m.get("text") and "event" not in m:
                inside = [s for s in sessions if s[0] is None or at is None or s[0] <= at <= s[1]]
                if inside:
                    self.put("message", {"conversation": inside[0][2], "n": n, "role": m["role"], "text": m["text"], "at_us": at})

    def put_event(self, e):
        flag = next((e[key] for key in ("flag", "add_on", "key_action", "reached", "agreed", "joined") if key in e), None)
        row = {key: e.get(key) for key in ("event", "tenant", "user_id", "id", "ref", "name", "segment", "version", "text", "currency", "count", "score", "scale_min")}
        row |= {"at_us": micros(e["at"]), "since_us": micros(e.get("since")), "due_us": micros(e.get("due"), last_moment=True),
                "of_count": e.get("of"), "scale_max": e.get("scale_max", e.get("scale")), "duration_us": scaled(e.get("duration_s"), 1000000),
                "flag": flag, "customer": self.customer(e.get("tenant"), e.get("user_id")), "line": json.dumps(e, sort_keys=True, default=str)}
        row |= {key: scaled(e.get(key), 10**9) for key in ("amount", "margin", "value", "goal")}
        if e["event"] != "renewal_due":
            self.newest = max(self.newest, row["at_us"])
        self.put("event_line", row)

    def prepare(self, begin, end, as_of, asked=True, channel=None):
        """Everything that the queries stand on, for a period; texts or microseconds."""
        self.db.execute("DELETE FROM term")
        for kind, name in self.db.execute("SELECT type, name FROM sqlite_master WHERE type = 'table' UNION ALL SELECT type, name FROM sqlite_temp_master WHERE type = 'table'").fetchall():
            if name not in ("term", "conversation", "signal", "message", "event_line"):
                self.db.execute(f"DROP {kind} {name}")
        self.put("term", {"begin_us": micros(begin), "end_us": micros(end), "as_of_us": micros(as_of) if isinstance(as_of, str) else as_of, "asked": asked, "of_channel": channel})
        self.script("events")
        self.script("conversations")

    def figures(self, files=FILES):
        """{id: {key: (numerator, denominator or None)}} and {id: sorted values} of those with percentiles; a figure without
        a case has None."""
        found, values = {}, {}
        for name in files:
            for heading, text in statements(name):
                if heading.startswith("="):
                    self.db.execute(text)
                    continue
                names, *how = heading.split()
                for kpi, filled in each(names, text):
                    rows = self.db.execute(filled).fetchall()
                    if "percentiles" in how:
                        values[kpi] = sorted(row[0] for row in rows)
                    else:
                        found[kpi] = {(row[0] if "keyed" in how else None): ratio(row["keyed" in how:], how) for row in rows}
        return found, values


def ratio(row, how):
    """Numerator and denominator; None where there is no case."""
    if "value" in how:
        a, b, c, d, e = (part or 0 for part in row)
        return (a * b, c * d * e) if c and d and e else None
    if "sum" in how:
        return (row[0] or 0, 1)
    return (row[0] or 0, row[1]) if row and row[1] else None


def each(names, text):
    """One query for several KPIs: fcr.{1d,3d} with {days}."""
    many = re.match(r"(.*)\{(.*)\}$", names)
    if not many:
        return [(names, text)]
    return [(many[1] + part, text.replace("{days}", re.sub(r"\D", "", part)).replace("{topic}", TOPICS.get(part, "")))
            for part in many[2].split(",")]


def statements(name):
    """(heading, statement) of a file: what stands under each `--:` or `--=`."""
    with open(os.path.join(SQL, name + ".sql"), encoding="utf-8") as f:
        parts = re.split(r"^--([:=].*)$", f.read(), flags=re.M)
    return [(heading.lstrip(": ").strip() if heading[0] == ":" else heading, text.strip()) for heading, text in zip(parts[1::2], parts[2::2])]


def has_sql():
    return {kpi for name in FILES for heading, text in statements(name) if not heading.startswith("=") for kpi, _ in each(heading.split()[0], text)}


def month_of(us):
    """The calendar month of a moment, as two dates; none where no time is known."""
    if not us:
        return None, None
    first = (EPOCH + datetime.timedelta(microseconds=us)).date().replace(day=1)
    return str(first), str((first + datetime.timedelta(32)).replace(day=1))


def rounded(exact, digits):
    """Half to even."""
    return fractions.Fraction(round(exact * 10**digits), 10**digits)
