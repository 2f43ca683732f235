#!/usr/bin/env python3
"""Transcripts and business events through one audit: both formats, compressed, in many files, with bad lines; whose events meet whose
conversations, which period is counted, and the same bytes whatever the order, the threads and the cuts."""
import gzip
import json
import os
import random
import sqlite3
import unittest

from drive import Case, convtap, good_conversation, line, main, undated


def event(kind, user=None, at="2026-03-05T10:00:00Z", **more):
    fields = {"event": kind, "at": at, **more}
    if user is not None:
        fields["user_id"] = user
    return line(**fields)


def history(seed, customers=60):
    """Who came, paid, used and left, from January to March."""
    chance = random.Random(seed)
    rows = [event("customer_base", at="2026-03-01T00:00:00Z", count=customers * 3),
            event("cost", at="2026-03-02T00:00:00Z", amount="1500.25", currency="EUR", name="retention")]
    for number in range(customers):
        user = f"u{number}"
        day = chance.randrange(1, 28)
        rows.append(event("customer_won", user, f"2026-01-{day:02d}T08:00:00Z", segment=chance.choice(["smb", "enterprise"])))
        rows.append(event("subscription", user, f"2026-01-{day:02d}T08:00:00Z", amount=f"{chance.randrange(10, 900)}.{chance.randrange(100):02d}",
                          currency=chance.choice(["EUR", "EUR", "USD"]), name="base", id=f"s-{number}"))
        if chance.random() < 0.3:
            rows.append(event("customer_lost", user, f"2026-03-{chance.randrange(1, 29):02d}T09:00:00Z", reason="price"))
        for _ in range(chance.randrange(4)):
            rows.append(event("feature_used", user, f"2026-03-{chance.randrange(1, 29):02d}T{chance.randrange(24):02d}:30:00Z", name="crm",
                              count=chance.randrange(1, 5)))
        if chance.random() < 0.2:
            rows.append(event("survey", user, f"2026-03-{chance.randrange(1, 29):02d}T12:00:00Z", name="nps", score=chance.randrange(11), id=f"n-{number}"))
    chance.shuffle(rows)
    return rows


def chats(seed, count=80):
    chance = random.Random(seed)
    return b"".join(good_conversation(f"c{n}", f"u{chance.randrange(90)}", chance.randrange(1, 29)) for n in range(count))


class Business(Case):
    def audit(self, *args, status=0):
        done = convtap("audit", "--quiet", "--json", *args)
        self.survived(done)
        self.assertEqual(done.status, status, done.err)
        return done.json(), done

    @staticmethod
    def kpi(found, name):
        return next(k for k in found["kpis"] if k["id"] == name)

    def source(self, found, name):
        return next(i for i in found["inputs"] if os.path.basename(i["path"]) == name)

    def test_events_stand_beside_transcripts(self):
        chat = self.write("chats.jsonl", good_conversation("c1", "u1"))
        log = self.write("events.jsonl", event("customer_won", "u1") + event("customer_base", count=4) + event("customer_won", "u2"))
        found, _ = self.audit(chat, log)
        self.assertEqual([(i["messages"], i["conversations"], i["events"]) for i in found["inputs"]], [(3, 1, 0), (0, 0, 3)])
        self.assertEqual(found["totals"]["conversations"], 1)

    def test_events_alone(self):
        found, _ = self.audit(self.write("events.jsonl", event("customer_won", "u1")))
        self.assertEqual(found["totals"]["conversations"], 0)
        self.assertEqual(found["drops"], {})

    def test_who_is_whose(self):
        """Churn counts customers by their id, and those who talked to the AI among them."""
        rows = b"".join(event("customer", f"u{n}", "2026-02-01T00:00:00Z") for n in range(10))
        rows += event("customer_lost", "u0", "2026-03-20T00:00:00Z") + event("customer_lost", "u9", "2026-03-20T00:00:00Z")
        found, _ = self.audit(self.write("events.jsonl", rows), self.write("chats.jsonl", good_conversation("c1", "u0", 10)))
        churn = self.kpi(found, "churn_rate")
        self.assertEqual((churn["numerator"], churn["denominator"]), (2, 10))

    def test_period_is_the_month_of_the_newest_time(self):
        rows = event("customer", "u1", "2026-01-01T00:00:00Z") + event("customer", "u2", "2026-01-01T00:00:00Z")
        rows += event("customer_lost", "u1", "2026-02-10T00:00:00Z")
        february, _ = self.audit(self.write("events.jsonl", rows))
        self.assertEqual(self.kpi(february, "churn_rate")["numerator"], 1)
        march, _ = self.audit(self.write("events.jsonl", rows + event("feature_used", "u2", "2026-03-01T00:00:00Z", name="x")))
        self.assertEqual(self.kpi(march, "churn_rate")["numerator"], 0)
        self.assertEqual(self.kpi(march, "churn_rate")["denominator"], 1)
        # What is due next year does not make it next year.
        due, _ = self.audit(self.write("events.jsonl", rows + event("renewal_due", "u2", "2027-05-01T00:00:00Z")))
        self.assertEqual(self.kpi(due, "churn_rate")["numerator"], 1)

    def test_one_event_counts_once(self):
        first = event("subscription", "u1", amount="10", currency="EUR", name="base", id="e-1")
        other = event("subscription", "u1", "2026-03-06T00:00:00Z", amount="99", currency="EUR", name="base", id="e-1")
        plain = event("feature_used", "u1", name="crm")
        found, _ = self.audit(self.write("a.jsonl", first + plain + first), self.write("b.jsonl", other + plain))
        self.assertEqual(found["drops"], {"duplicate_event": 3})
        mrr = self.kpi(found, "mrr")
        self.assertEqual(float(mrr["value"]), 10.0)  # of two with one id the earlier stays

    def test_bad_lines_by_name(self):
        rows = event("customer_won", "u1") + event("customer_wonn", "u1") + event("customer_won") + b'{"event":"renewed"\n'
        rows += event("purchase", "u1", amount="12,5") + event("checklist", "u1", count=3, of=2) + event("customer_won", "u3")
        log = self.write("events.jsonl", rows)
        found, done = self.audit(log, status=1)
        self.assertEqual(found["drops"], {"bad_number": 1, "missing_field": 1, "number_out_of_range": 1, "truncated": 1, "unknown_event": 1})
        self.assertEqual((found["inputs"][0]["events"], found["inputs"][0]["refused"]), (2, 5))
        for place in (":2 (byte ", ":3 (byte ", ":4 (byte ", ":5 (byte ", ":6 (byte "):
            self.assertIn("events.jsonl" + place, done.err)

    def test_table(self):
        table = ("Momento;Quién;Cuánto;Nº\n01/03/2026;u1;1.200,50;P-1\n02/03/2026;u1;99,50;P-2\n31/12/2025;u1;5;P-0\n"
                 "03/03/2026;u2;nada;P-3\n").encode()
        options = []
        for option in ("event=purchase", "columns=at=Momento,user_id=Quién,amount=Cuánto,ref=Nº", "decimal=comma", "order=dmy",
                       "currency=EUR"):
            options += ["--format-option", option]
        chat = self.write("chats.jsonl", good_conversation("c1", "u1", 20))
        found, done = self.audit(chat, self.write("ventas.csv", table), *options, "--zone", "Europe/Madrid", status=1)
        self.assertEqual((found["inputs"][1]["events"], found["inputs"][1]["refused"]), (3, 1))
        self.assertIn("ventas.csv:5", done.err)
        self.assertIn("column 3 (amount)", done.err)
        repeat = self.kpi(found, "purchase_recurrence")
        self.assertEqual((repeat["numerator"], repeat["denominator"]), (1, 1))  # of March, from Madrid's midnight on
        self.assertEqual(found["inputs"][0]["conversations"], 1)

    def test_table_with_names_of_its_own(self):
        table = b"tipo,fecha,cliente\nalta,2026-02-01,u1\nalta,2026-02-02,u2\nbaja,2026-03-05,u1\nllamada,2026-03-06,u2\n"
        found, _ = self.audit(self.write("crm.csv", table), "--format-option", "events=alta=customer_won,baja=customer_lost,llamada=ignore")
        churn = self.kpi(found, "churn_rate")
        self.assertEqual((churn["numerator"], churn["denominator"]), (1, 2))

    def test_both_forms_say_the_same(self):
        rows = history(5)
        as_lines, _ = self.audit(self.write("events.jsonl", b"".join(rows)))
        keys = ["event", "at", "user_id", "id", "amount", "currency", "name", "segment", "reason", "count", "score"]
        table = ",".join(keys) + "\n"
        for row in rows:
            fields = json.loads(row)
            self.assertLessEqual(set(fields), set(keys))
            table += ",".join(str(fields.get(key, "")) for key in keys) + "\n"
        as_table, _ = self.audit(self.write("events.csv", table.encode()))
        self.assertEqual(as_table["kpis"], as_lines["kpis"])
        self.assertGreater(self.kpi(as_lines, "churn_rate")["numerator"], 5)

    @staticmethod
    def read(path):
        with open(path, "rb") as f:
            return f.read()

    def same(self, *inputs, threads=1):
        records = self.path("records.jsonl")
        done = convtap("audit", "--json", "--no-hash", "--threads", threads, "--conversations", records, *inputs)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        found = json.loads(undated(done.out))
        return json.dumps([found["kpis"], found["totals"], found["drops"]]), self.read(records)

    def test_same_bytes(self):
        rows, talk = history(9), chats(4)
        want = self.same(self.write("chats.jsonl", talk), self.write("events.jsonl", b"".join(rows)))
        self.assertIn('"churn_rate"', want[0])
        for seed in range(4):
            chance = random.Random(seed)
            shuffled = list(rows)
            chance.shuffle(shuffled)
            cuts = sorted(chance.randrange(len(rows)) for _ in range(5))
            files = [self.write(f"part{n}-{seed}.jsonl", b"".join(shuffled[a:b]))
                     for n, (a, b) in enumerate(zip([0, *cuts], [*cuts, len(rows)])) if a < b]
            files.append(self.write(f"chats-{seed}.jsonl.gz", gzip.compress(talk, mtime=0)))
            files[0] = self.write(f"part0-{seed}.jsonl.gz", gzip.compress(self.read(files[0]), mtime=0))
            chance.shuffle(files)
            self.assertEqual(self.same(*files, threads=1 + seed * 2), want)

    def test_more_than_fits_in_memory(self):
        rows = b"".join(event("feature_used", f"u{n % 5000}", f"2026-03-{1 + n % 28:02d}T{n % 24:02d}:{n % 60:02d}:{n // 1000:02d}Z", name=f"module {n % 9}",
                              ref="x" * 200) for n in range(40000))
        log = self.write("events.jsonl", rows)
        roomy, _ = self.audit(log)
        tight, _ = self.audit(log, "--memory", "16M", "--threads", "2")
        self.assertEqual(tight["kpis"], roomy["kpis"])
        self.assertGreater(self.kpi(roomy, "active_users")["numerator"], 1000)

    def test_store(self):
        rows = history(3)
        log, chat = self.write("events.jsonl", b"".join(rows + rows[:10])), self.write("chats.jsonl", chats(1))
        dumps = []
        for name, inputs, threads in (("a.db", (log, chat), 1), ("b.db", (chat, log), 3)):
            self.audit(*inputs, "--db", self.path(name), "--threads", threads)
            again, _ = self.audit(*inputs, "--db", self.path(name))  # a second time adds nothing
            self.assertEqual(again["drops"], {"duplicate_event": 10})
            db = sqlite3.connect(self.path(name))
            self.assertEqual(db.execute("SELECT count(*) FROM business_event").fetchone()[0], len(rows))
            db.close()
            dumps.append(convtap("db", "dump", self.path(name)).out)
        self.assertEqual(dumps[0], dumps[1])

    def test_other_commands_pass_events_over(self):
        log, chat = self.write("events.jsonl", event("customer_won", "u1") * 1), self.write("chats.jsonl", good_conversation("c1", "u1"))
        done = convtap("explain", "c1", chat, log)
        self.assertEqual(done.status, 0, done.err)
        self.assertIn(b"resolved", done.out)
        done = convtap("explain", "nobody", chat, log)
        self.assertEqual(done.status, 1)
        self.assertIn("business events have no messages", done.err)
        done = convtap("rules", "profile", "--messages", "10", "--top", "1", log, chat)
        self.assertEqual(done.status, 0, done.err)
        self.assertIn("1 business events passed over", done.err)
        names = {f["name"] for f in convtap("formats", "--json").json()["formats"]}
        self.assertLessEqual({"business", "business_csv"}, names)


if __name__ == "__main__":
    main()
