#!/usr/bin/env python3
"""The store: `audit --db` writes the same rows whatever the threads and the order, once; SQL over it gives the audit's figures."""
import glob
import json
import os
import sqlite3
from fractions import Fraction

from drive import ROOT, Case, convtap, good_conversation, line, main

DEMO = sorted(glob.glob(os.path.join(ROOT, "fixtures", "demo", "*")))


def talk(name, *texts, user="u1", hour=10, **more):
    roles = ("user", "bot")
    return line(conversation_id=name, user_id=user, channel="web", messages=[
        {"role": roles[i % 2], "text": text, "ts": f"2026-03-02T{hour:02d}:{i:02d}:00Z"} for i, text in enumerate(texts)], **more)


class Store(Case):
    def audit(self, name, *inputs, status=(0, 1), **options):
        extra = [word for key, value in options.items() for word in (f"--{key}", value)]
        done = convtap("audit", "--json", "--no-hash", "--quiet", "--db", self.path(name), *extra, *inputs)
        self.survived(done)
        self.assertIn(done.status, status, done.err)
        return done

    def db(self, what, name, status=0, *more):
        done = convtap("db", what, self.path(name), *more)
        self.survived(done)
        self.assertEqual(done.status, status, done.err)
        return done

    def dump(self, name):
        self.assertEqual(self.db("check", name).out, b"sound\n")
        return self.db("dump", name).out.decode("utf-8")

    def info(self, name):
        return self.db("info", name, 0, "--json").json()

    def sql(self, name, query, *values):
        with sqlite3.connect(self.path(name)) as db:
            return db.execute(query, values).fetchall()

    def everything(self, name):
        """Every table's every row, row numbers and all."""
        tables = ("conversation", "evidence", "sum_hour", "measure", "withdrawn", "meta")
        return {table: self.sql(name, f"SELECT * FROM {table} ORDER BY 1, 2, 3" if table in ("evidence", "sum_hour")
                                else f"SELECT * FROM {table} ORDER BY 1") for table in tables}

    def test_threads_and_order(self):
        self.audit("one.db", *DEMO, threads=1)
        want, rows = self.dump("one.db"), self.everything("one.db")
        self.assertGreater(len(rows["conversation"]), 30)
        self.assertGreater(len(rows["evidence"]), 100)
        self.audit("two.db", *reversed(DEMO), threads=2)
        self.assertEqual(self.dump("two.db"), want)
        self.assertEqual(self.everything("two.db"), rows)

    def test_a_second_run_changes_nothing(self):
        self.audit("a.db", *DEMO, threads=2)
        want, rows = self.dump("a.db"), self.everything("a.db")
        self.audit("a.db", *DEMO[::-1], threads=1)
        self.assertEqual(self.dump("a.db"), want)
        self.assertEqual(self.everything("a.db"), rows)

    def test_in_parts_as_at_once(self):
        self.audit("whole.db", *DEMO)
        for source in DEMO:
            self.audit("parts.db", source)
        self.assertEqual(self.dump("parts.db"), self.dump("whole.db"))

    def test_conversations_are_the_lines(self):
        """The stored line is the one of --conversations, but for what hangs on the customer's other conversations."""
        self.audit("a.db", *DEMO, conversations=self.path("lines"))
        with open(self.path("lines"), encoding="utf-8") as f:
            lines = [json.loads(row) for row in f]
        for row in lines:
            row["first_contact"] = None
            row.pop("session", None)
        def key(row):
            return row["conversation_id"], row["started_at"] or ""
        stored = [json.loads(row) for row, in self.sql("a.db", "SELECT json FROM conversation")]
        self.assertEqual(sorted(stored, key=key), sorted(lines, key=key))

    def test_a_grown_conversation_is_a_revision(self):
        first = self.write("first.jsonl", talk("c1", "hola", "¿En qué te ayudo?") + talk("c2", "hola", "Hola."))
        grown = self.write("grown.jsonl", talk("c1", "hola", "¿En qué te ayudo?", "Quiero hablar con una persona") + talk("c2", "hola", "Hola."))
        self.audit("a.db", first)
        before = self.sql("a.db", "SELECT row, conversation_id FROM conversation ORDER BY 1")
        self.audit("a.db", grown)
        self.assertEqual(self.sql("a.db", "SELECT row, conversation_id FROM conversation ORDER BY 1"), before)
        self.assertEqual(dict(self.sql("a.db", "SELECT conversation_id, revision FROM conversation")), {"c1": 2, "c2": 1})
        self.audit("fresh.db", grown)
        self.assertEqual(self.dump("a.db"), self.dump("fresh.db"))

    def test_sums_are_the_audits_figures(self):
        scored = b"".join(talk(f"s{i}", "hola", "Del 1 al 5, ¿cómo valoras la atención?", str(1 + i % 5), "Gracias.", user=f"u{i % 9}", hour=i % 20)
                          for i in range(40))
        done = self.audit("a.db", *DEMO, self.write("scored.jsonl", scored))
        sums = dict(self.sql("a.db", "SELECT measure, sum(value) FROM sum_hour GROUP BY measure"))
        parts_of_unit = {"seconds": 10**6, "days": 10**6, "money": 10**9}
        families = {k["id"]: k["family"] for k in convtap("kpis", "--json").json()["kpis"]}
        others = ("fcr", "csat", "nps", "ces", "css", "customer_feedback", "feedback_response_rate", "complaint_resolution_time")
        compared = 0
        for kpi in done.json()["kpis"]:
            name = kpi["id"]
            # what a customer's other conversations, or business events, count in
            counted_else = families[name] not in ("operations", "experience", "cost") or name.endswith(".durable")
            if counted_else or "currency" in kpi or (name.startswith(others) and not name.endswith(".response_rate")):
                continue
            if "leader" in kpi:
                for part in kpi["parts"]:
                    self.assertEqual(sums.get(f"{name}[{part['key']}].numerator", 0), part["numerator"], name)
                self.assertEqual(sums.get(f"{name}.denominator", 0), kpi["denominator"], name)
                continue
            for figure in kpi.get("parts", [kpi]):
                key = figure.get("scale") or figure.get("key")
                place = f"{name}[{key}]" if key else name
                scale = parts_of_unit.get(kpi["unit"], 1)
                self.assertEqual(sums.get(f"{place}.numerator", 0), Fraction(str(figure["numerator"])) * scale, place)
                self.assertEqual(sums.get(f"{place}.denominator", 0), figure["denominator"], place)
                compared += figure["denominator"] > 0
        self.assertGreater(compared, 30)
        self.assertGreater(sums["csat[1-5].denominator"], 30)

    def test_versions_of_one_conversation_in_one_run(self):
        """One id and one beginning is one row; of versions that cannot be told to be older or newer the longest stands."""
        short = self.write("short.jsonl", talk("c1", "hola", "Hola.", user="u1"))
        long = self.write("long.jsonl", talk("c1", "hola", "Hola.", "gracias", user="u2"))
        self.audit("a.db", short, long, threads=2)
        self.assertEqual(self.sql("a.db", "SELECT user_id, messages, revision FROM conversation"), [("u2", 3, 1)])
        want = self.dump("a.db")
        self.audit("a.db", long, short, threads=1)
        self.assertEqual(self.dump("a.db"), want)
        done = convtap("audit", "--db", self.path("b.db"), short, long)
        self.assertIn("--db: 1 further version", done.err)

    def test_untimed_conversations(self):
        source = self.write("untimed.jsonl", b"".join(line(conversation_id=f"c{i}", messages=[{"role": "user", "text": "hola"}]) for i in range(3)))
        self.audit("a.db", source)
        want = self.dump("a.db")
        self.audit("a.db", source)
        self.assertEqual(self.dump("a.db"), want)
        self.assertEqual(self.sql("a.db", "SELECT session, started_at, revision FROM conversation"), [(1, None, 1)] * 3)

    def test_no_clock(self):
        self.audit("a.db", *DEMO)
        self.assertEqual(self.sql("a.db", "SELECT count(*) FROM conversation WHERE published_at != ended_at AND ended_at IS NOT NULL"), [(0,)])
        info = self.info("a.db")
        self.assertEqual(info["conversations"], self.sql("a.db", "SELECT count(*) FROM conversation")[0][0])
        self.assertEqual((info["schema"], info["applied"], info["withdrawn"]), (2, 0, 0))
        text = self.db("info", "a.db").out.decode()
        self.assertIn("tape applied up to", text)

    def test_wrong_files(self):
        source = self.write("in.jsonl", good_conversation("c1"))
        with open(source, "rb") as f:
            body = f.read()
        for what in ("check", "dump", "info"):
            self.db(what, "in.jsonl", 2)
            self.db(what, "none.db", 2)
            self.assertEqual(convtap("db", what).status, 2)
        self.assertFalse(os.path.exists(self.path("none.db")))
        self.assertEqual(convtap("db").status, 2)
        self.assertEqual(convtap("db", "mend", source).status, 2)
        self.assertIn(b"check|dump|info", convtap("db", "--help").out)
        self.assertIn("input", self.audit("in.jsonl", source, status=(2,)).err)
        other = self.write("other.jsonl", good_conversation("c2"))
        self.assertIn("not a database", self.audit("other.jsonl", source, status=(2,)).err)
        self.audit("out.csv", source, status=(2,), csv=self.path("out.csv"))
        self.assertEqual(convtap("audit", "--db", "-", source).status, 2)
        self.audit("no/folder.db", source, status=(3,))
        with sqlite3.connect(self.path("theirs.db")) as db:
            db.execute("CREATE TABLE theirs(a)")
        self.assertIn("another program", self.audit("theirs.db", source, status=(2,)).err)
        with open(source, "rb") as f:
            self.assertEqual(f.read(), body)
        with open(other, "rb") as f:
            self.assertEqual(f.read(), good_conversation("c2"))

    def test_one_writer_at_a_time(self):
        source = self.write("in.jsonl", good_conversation("c1"))
        self.audit("a.db", source)
        other = sqlite3.connect(self.path("a.db-lock"), isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        done = self.audit("a.db", source, status=(3,))
        self.assertIn("another process writes it", done.err)
        self.assertIn("c1", self.dump("a.db"))  # who reads is not kept away
        other.close()
        self.audit("a.db", source)

    def test_read_only(self):
        if os.geteuid() == 0:
            self.skipTest("root may write everywhere")
        source = self.write("in.jsonl", good_conversation("c1"))
        self.audit("a.db", source)
        want = self.dump("a.db")
        os.unlink(self.path("a.db-lock"))
        os.chmod(self.folder, 0o555)
        try:
            self.assertEqual(self.dump("a.db"), want)
            self.audit("a.db", source, status=(3,))
            self.audit("new.db", source, status=(3,))
        finally:
            os.chmod(self.folder, 0o755)

    def test_findings(self):
        self.audit("a.db", *DEMO)
        self.sql("a.db", "UPDATE sum_hour SET value = value + 1 WHERE measure = 'aht.denominator'")
        self.sql("a.db", "UPDATE conversation SET outcome = 'silent' WHERE conversation_id = 'bk-001'")
        done = self.db("check", "a.db", 1)
        self.assertIn(b"hourly sum is", done.out)
        self.assertIn(b"line and columns differ", done.out)
        self.assertNotIn(b"sound", done.out)
        self.sql("a.db", "DROP TABLE measure")  # what the sums' names are kept in
        done = self.db("check", "a.db", 2)
        self.assertIn("no such table: measure", done.err)


if __name__ == "__main__":
    main()
