#!/usr/bin/env python3
"""Same input, same bytes out: for any number of threads, order of the files, time zone, locale and compression."""
import gzip
import json
import os
import random
import subprocess

from drive import ROOT, Case, convtap, line, main, undated

QUESTIONS = ["¿Dónde está mi pedido {n}?", "Where is my order {n}?", "Onde está o meu pedido {n}?", "Quiero hablar con una persona",
             "I want to talk to a human", "gracias", "thanks", "obrigado", "no me sirve", "that's not what I asked", "cancela el pedido {n}"]
ANSWERS = ["Tu pedido {n} llega mañana.", "Order {n} arrives tomorrow. Anything else?", "Perdona, no te he entendido.",
           "Sorry, I didn't understand that.", "Te paso con un compañero.", "Do 1 a 5, como avalia o atendimento?"]


def archive(seed, files):
    """Files' bytes: both native shapes, times out of order, returning customers, the odd bad line, doubled messages."""
    chance = random.Random(seed)
    made = []
    for number in range(files):
        rows = []
        for index in range(60):
            name, user = f"f{number}-c{index}", f"u{chance.randrange(40)}"
            start = chance.randrange(28 * 86400)
            messages = []
            for turn in range(chance.randrange(1, 7)):
                at = start + turn * chance.randrange(1, 90)
                stamp = f"2026-02-{1 + at // 86400:02d}T{at // 3600 % 24:02d}:{at // 60 % 60:02d}:{at % 60:02d}Z"
                bot = turn % 2 == 1
                entry = {"role": "bot" if bot else "user", "ts": stamp, "id": f"{name}-{turn}",
                         "text": chance.choice(ANSWERS if bot else QUESTIONS).format(n=chance.randrange(9999))}
                if bot and chance.random() < 0.5:
                    entry["tokens"] = {"input": chance.randrange(900), "cached": 0, "output": chance.randrange(200), "model": "m-1"}
                    entry["cost"] = {"amount": f"0.00{chance.randrange(1, 9999):04d}", "currency": "EUR"}
                if bot and chance.random() < 0.1:
                    entry["event"] = {"type": "handoff", "phase": "accepted", "by": "bot"}
                messages.append(entry)
            if index % 17 == 3:
                messages.append(dict(messages[-1]))
            if number % 2:
                rows.append(line(conversation_id=name, user_id=user, channel=chance.choice(["web", "whatsapp"]), messages=messages))
            else:
                rows += [line(conversation_id=name, user_id=user, channel="web", **m) for m in messages]
        if number % 3 == 0:
            rows.insert(len(rows) // 2, b'{"conversation_id":"x","role":"user"\n')
        made.append(b"".join(rows))
    return made


def events(seed):
    """What the shop and the account system say of the same customers; some of it twice, one line broken."""
    chance = random.Random(seed)
    rows = [line(event="customer_base", at="2026-02-01T00:00:00Z", count=900), b'{"event":"renewed"\n']
    for number in range(40):
        user = f"u{number}"
        rows.append(line(event="customer", user_id=user, at="2026-01-01T00:00:00Z", segment=chance.choice(["smb", "enterprise"])))
        rows.append(line(event="purchase", user_id=user, at=f"2026-02-{chance.randrange(1, 29):02d}T10:00:00Z", currency="EUR",
                         amount=f"{chance.randrange(1, 500)}.{chance.randrange(100):02d}"))
        if chance.random() < 0.3:
            rows.append(line(event="customer_lost", user_id=user, at=f"2026-02-{chance.randrange(1, 29):02d}T18:00:00Z"))
    return rows + chance.sample(rows[2:], 5)


class SameBytes(Case):
    def setUp(self):
        super().setUp()
        self.sources = [self.write(f"in/part{n}.jsonl", body) for n, body in enumerate(archive(7, 6))]
        told = events(7)
        self.sources += [self.write("in/shop.jsonl", b"".join(told[0::2])), self.write("in/accounts.jsonl", b"".join(told[1::2]))]

    def audit(self, *inputs, threads=1, env=None):
        records = self.path("records.jsonl")
        done = convtap("audit", "--json", "--threads", threads, "--conversations", records, *inputs, env=env)
        self.survived(done)
        self.assertIn(done.status, (0, 1), done.err)
        with open(records, "rb") as f:
            return undated(done.out), f.read()

    def same(self, what, got, want):
        self.assertEqual(got[1].decode("utf-8"), want[1].decode("utf-8"), f"the conversations differ: {what}")
        self.assertEqual(got[0].decode("utf-8"), want[0].decode("utf-8"), f"the KPIs differ: {what}")

    def test_there_is_something_to_compare(self):
        kpis, records = self.audit(*self.sources)
        self.assertGreater(records.count(b"\n"), 300)
        self.assertIn(b'"automation_rate"', kpis)
        churn = next(kpi for kpi in json.loads(kpis)["kpis"] if kpi["id"] == "churn_rate")
        self.assertGreater(churn["numerator"], 3)
        self.assertIn(b'"duplicate_event"', kpis)

    def test_threads(self):
        want = self.audit(*self.sources, threads=1)
        for threads in (2, 7):
            self.same(f"{threads} threads", self.audit(*self.sources, threads=threads), want)

    def test_a_rule_that_hits_its_limit(self):
        """It is left out of the rest of that conversation alone, whatever else the same thread has read."""
        with open(os.path.join(ROOT, "rules", "core.yaml"), "rb") as f:
            self.write("bad/core.yaml", f.read())
        self.write("bad/bad.yaml", b"pack: bad\nversion: 1.0.0\nextends: core\nrules:\n  - id: bad.thanks\n    implements: thanks\n"
                                   b"    any: ['(?:a|b|ab)*[cd]']\n    tests: {pos: ['abc'], neg: ['zz']}\n")
        rows = []
        for n in range(16):  # thanks before and behind what is too much for the rule: once, or until it is left out
            texts = ["abc"] + ["ab" * 6000] * (1 + n % 4) + ["abd"]
            rows += [line(conversation_id=f"e{n}", user_id=f"u{n}", role="user", text=text, id=f"e{n}-{i}", ts=f"2026-02-01T00:{n:02d}:{i:02d}Z")
                     for i, text in enumerate(texts)]
        body = self.write("evil.jsonl", b"".join(rows))
        pack = self.path("bad")
        want = self.audit("--rules", pack, body)
        self.assertEqual(json.loads(want[0])["drops"], {"rule_error": 4 * (1 + 2 + 3 + 3)})
        records = {record["conversation_id"]: record for record in map(json.loads, want[1].splitlines())}
        fired = {name: [e["message"] for e in record["evidence"] if e.get("rule") == "bad.thanks@1"] for name, record in records.items()}
        self.assertEqual({len(at) for name, at in fired.items() if int(name[1:]) % 4 < 2}, {2}, fired)
        self.assertEqual({tuple(at) for name, at in fired.items() if int(name[1:]) % 4 >= 2}, {(0,)}, fired)
        for threads in (2, 5):
            self.same(f"{threads} threads", self.audit("--rules", pack, body, threads=threads), want)

    def test_a_run_again(self):
        self.same("again", self.audit(*self.sources, threads=2), self.audit(*self.sources, threads=2))

    def test_order_of_the_files(self):
        want = self.audit(*self.sources)
        for seed in range(3):
            shuffled = list(self.sources)
            random.Random(seed).shuffle(shuffled)
            self.same(f"order {seed}", self.audit(*shuffled, threads=1 + seed), want)

    def test_a_folder_is_its_files(self):
        self.assertEqual(self.audit(self.path("in"))[1], self.audit(*self.sources)[1])

    def test_time_zone_and_locale(self):
        want = self.audit(*self.sources)
        for env in ({"TZ": "Asia/Kolkata"}, {"TZ": "America/Sao_Paulo", "LC_ALL": "C"}, {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"},
                    {"LC_ALL": "C.UTF-8", "TZ": "UTC"}, {"LC_ALL": "tr_TR.UTF-8"}):
            self.same(str(env), self.audit(*self.sources, env=env), want)

    def test_compressed_is_plain(self):
        """What is read is the same, though its name and its bytes on disk are others."""
        want = self.audit(*self.sources)[1]
        packed = []
        for source in self.sources:
            with open(source, "rb") as f:
                body = f.read()
            name = os.path.basename(source)
            half = len(body) // 2
            # Two gzip members one after the other are one stream too.
            packed.append(self.write(f"gz/{name}.gz", gzip.compress(body[:half], mtime=0) + gzip.compress(body[half:], mtime=0)))
        self.assertEqual(self.audit(*packed, threads=2)[1], want)

    def test_zstandard_is_plain(self):
        want = self.audit(*self.sources)[1]
        packed = []
        for source in self.sources:
            target = self.path("zst-" + os.path.basename(source) + ".zst")
            try:
                subprocess.run(["zstd", "-q", "-o", target, source], check=True)
            except FileNotFoundError:
                self.skipTest("no zstd program here")
            packed.append(target)
        self.assertEqual(self.audit(*packed, threads=2)[1], want)

    def test_messages_in_any_order_in_a_file(self):
        """With times on all messages, the order of the lines in a message-a-line file decides nothing."""
        with open(self.sources[2], "rb") as f:
            rows = [row for row in f.read().splitlines(keepends=True)]
        want = self.audit(self.write("lines.jsonl", b"".join(rows)))[1]
        # A message whose time another one of its conversation has keeps its place by the file's order: keep those together.
        stamps = {}
        for row in rows:
            key = row[row.index(b'"ts"'):][:30] + row[:40]
            stamps.setdefault(key, []).append(row)
        groups = list(stamps.values())
        random.Random(3).shuffle(groups)
        got = self.audit(self.write("lines.jsonl", b"".join(row for group in groups for row in group)))[1]
        self.assertEqual(got.decode("utf-8"), want.decode("utf-8"))


if __name__ == "__main__":
    main()
