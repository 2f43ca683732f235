"""`convtap kpis invoice`: a bill per resolution against one's own transcripts. Every verdict by hand, and bills that mean harm."""
import gzip
import json
import os
import random
import sys

from drive import Case, convtap, line, main

from profiles import ACCEPTED, ANSWER, ASK, talk

CONFIRMED = [ASK, ANSWER, ("bot", "Did that solve your problem?", 6), ("user", "Yes, thanks!", 20)]
SILENT = [ASK, ANSWER]


def corpus():
    """By Zendesk's definition: c1 c2 s1 s2 are due; back came back after 2 days (what it came back with, again, is due); un is not
    resolved; pe had a person; young's 72 hours have not passed; late counts in April."""
    return [
        talk("c1", 2, CONFIRMED, "u1"),
        talk("c2", 3, CONFIRMED, "u2"),
        talk("s1", 4, SILENT, "u3"),
        talk("s2", 4, SILENT, "u4"),
        talk("back", 5, SILENT, "u5"),
        talk("again", 7, SILENT, "u5"),
        talk("un", 6, [ASK, ANSWER, ("user", "That is wrong, it does not help me at all", 30)], "u6"),
        talk("pe", 7, [ASK, ANSWER, ("user", "I want to talk to a person", 30), ("system", ACCEPTED, 60), ("agent", "Hello, done.", 90)], "u7"),
        talk("late", 29, CONFIRMED, "u8"),
        talk("young", 31, CONFIRMED, "u9"),
    ]


class Invoice(Case):
    def setUp(self):
        super().setUp()
        self.input = self.write("in.jsonl", b"".join(corpus()))

    def check(self, bill=None, *options, vendor="zendesk", status=0, name="bill.csv", inputs=None):
        listed = self.path("list.jsonl")
        args = ["kpis", "invoice", "--vendor", vendor, "--price", "0.99", "--currency", "USD", "--json", "--list", listed, *options]
        if bill is not None:
            args += ["--billed", self.write(name, bill)]
        done = convtap(*args, *(inputs or [self.input]))
        self.survived(done)
        self.assertEqual(done.status, status, done.err)
        if status > 1:
            return done, None
        with open(listed, "rb") as f:
            return done.json(), [json.loads(row) for row in f.read().splitlines()]

    def verdicts(self, answer):
        return {v["verdict"]: (v["rows"], v["amount"]) for v in answer["verdicts"] if v["rows"]}

    def test_what_the_bill_should_be(self):
        answer, rows = self.check(None, "--as-of", "2026-04-01T12:00:00Z")
        self.assertEqual([r["conversation_id"] for r in rows], ["again", "c1", "c2", "late", "s1", "s2"])
        self.assertEqual({r["verdict"] for r in rows}, {"due"})
        self.assertEqual(answer["due"], {"conversations": 6, "amount": "5.94"})
        self.assertEqual(answer["pending"], 1)
        by_id = {r["conversation_id"]: r for r in rows}
        self.assertEqual(by_id["s1"]["why"], "silence_resolved")
        self.assertEqual(by_id["s1"]["counted_at"], "2026-03-07T10:00:04Z")  # 72 hours after the last word
        self.assertEqual(by_id["c1"]["why"], "confirmed")
        self.assertTrue(by_id["c1"]["evidence"][0]["rule"])

    def test_the_period_is_of_when_a_resolution_counts(self):
        answer, rows = self.check(None, "--from", "2026-03-01", "--to", "2026-04-01", "--as-of", "2026-04-03T12:00:00Z")
        self.assertNotIn("late", [r["conversation_id"] for r in rows])  # its 72 hours end in April
        self.assertEqual(answer["due"]["conversations"], 5)
        answer, rows = self.check(None, "--from", "2026-04-01", "--as-of", "2026-04-03T12:00:00Z")
        self.assertEqual([r["conversation_id"] for r in rows], ["late", "young"])
        answer, rows = self.check(None, vendor="intercom")
        self.assertEqual({r["conversation_id"]: r["counted_at"] for r in rows}["s1"], "2026-03-05T10:00:04Z")  # 24 hours
        self.assertEqual({r["conversation_id"]: r["counted_at"] for r in rows}["c1"], "2026-03-02T10:00:20Z")  # the word itself
        self.assertEqual(answer["provisional"], 1)  # late, two days old, may be taken back

    def test_every_verdict(self):
        bill = (b"Conversation ID;Amount;Currency\r\nc1;0.99;USD\r\nc2;1.99;usd\r\ns1;0.99;USD\r\ns1;0.99;USD\r\n"
                b"back;0.99;USD\r\nun;0.99;USD\r\npe;0.99;USD\r\nghost;0.99;USD\r\nyoung;0.99;USD\r\nlate;0.99;USD\r\n")
        answer, rows = self.check(bill, "--from", "2026-03-01", "--to", "2026-04-01", "--as-of", "2026-04-02T00:00:00Z")
        self.assertEqual(self.verdicts(answer), {
            "agreed": (2, "1.98"), "wrong_amount": (1, "1.99"), "billed_twice": (1, "0.99"), "not_resolved": (3, "2.97"),
            "unknown_id": (1, "0.99"), "too_early": (1, "0.99"), "other_period": (1, "0.99"), "not_billed": (2, "1.98")})
        self.assertEqual(answer["billed"], {"rows": 10, "amount": "10.90"})
        self.assertEqual(answer["due"], {"conversations": 5, "amount": "4.95"})
        self.assertEqual(answer["difference"], "5.95")
        # 3 + 1 + 1 + 1 + 1 rows at 0.99, and 1.00 too much for c2.
        self.assertEqual(answer["disputed"], "7.93")
        by_id = {r["conversation_id"]: r for r in rows}
        self.assertEqual({name: by_id[name]["why"] for name in ("back", "un", "pe", "young")},
                         {"back": "back_72h", "un": "negative", "pe": "person", "young": "young"})
        self.assertEqual(by_id["back"]["next_contact_s"], 172796.0)
        self.assertEqual(by_id["pe"]["agent_messages"], 1)
        self.assertEqual(by_id["un"]["evidence"][0]["message"], 2)
        self.assertRegex(by_id["un"]["evidence"][0]["rule"], r"^[a-z]+\..+@\d+$")
        self.assertEqual((by_id["un"]["bill_line"], by_id["ghost"]["bill_line"]), (7, 9))
        self.assertEqual([r["conversation_id"] for r in rows if r["verdict"] == "not_billed"], ["again", "s2"])
        self.assertNotIn("c1", by_id)
        self.assertEqual([r["conversation_id"] for r in rows], sorted(r["conversation_id"] for r in rows))

    def test_ada_cannot_judge_silence(self):
        answer, _ = self.check(b"id\ns1\nc1\npe\n", vendor="ada")
        self.assertEqual(self.verdicts(answer)["cannot_be_judged"], (1, "0.99"))
        self.assertEqual(self.verdicts(answer)["not_resolved"], (1, "0.99"))
        self.assertEqual(self.verdicts(answer)["agreed"], (1, "0.99"))

    def test_credits(self):
        answer, rows = self.check(b"id,amount\nun,0.99\nun,-0.99\nc1,0.99\nc1,0.99\nc1,-0.99\n")
        found = self.verdicts(answer)
        self.assertEqual(found["credited"], (4, "0.00"))
        self.assertEqual(found["agreed"], (1, "0.99"))
        self.assertNotIn("not_resolved", found)
        self.assertNotIn("billed_twice", found)
        self.assertEqual(answer["billed"]["amount"], "0.99")

    def test_forms_of_the_list(self):
        want = self.check(b"id\nc1\nun\nghost\n")[0]["verdicts"]
        forms = {
            "a.csv": b"c1\nun\nghost\n",  # no header: a single column
            "b.csv": b"\xef\xbb\xbf\"id\",\"note\"\r\n\"c1\",\"two\nlines\"\r\nun,\"a \"\"quote\"\"\"\r\nghost,\r\n",
            "c.jsonl": b'{"conversation_id":"c1","amount":0.99}\n\n{"conversation_id":"un","amount":"0.99"}\n{"id":"ghost"}\n',
            "d.tsv": b"ticket_id\tprice\nc1\t$0.99\nun\t0.99 USD\nghost\t9.9e-1\n",
            "e.csv.gz": gzip.compress(b"id\nc1\nun\nghost\n"),
        }
        for name, content in forms.items():
            self.assertEqual(self.check(content, name=name)[0]["verdicts"], want, name)
        answer, _ = self.check(b"Ref,What\nc1,0.99\n", "--billed-column", "id=Ref", "--billed-column", "amount=What")
        self.assertEqual(self.verdicts(answer)["agreed"], (1, "0.99"))
        done = convtap("kpis", "invoice", "--vendor", "zendesk", "--price", "0.99", "--currency", "USD", "--json", "--billed", "-", self.input,
                       stdin=b"id\nc1\nun\nghost\n")
        self.assertEqual(done.json()["verdicts"], want)

    def test_hostile_rows_cost_themselves_alone(self):
        bill = (b"id,amount,currency\nc1,0.99,USD\n,0.99,USD\ns1,free,USD\ns2,0.99,EUR\n" + b"\xff\xfe,0.99,USD\n" + b"a\x00b,0.99,USD\n" +
                b"x" * 5000 + b",0.99,USD\n" + b"y" * 3000000 + b"\nc2,99999999999999999999,USD\n\"open,1\n")
        answer, _ = self.check(bill, status=1)
        self.assertEqual(answer["refused"], {"bad_amount": 2, "bad_id": 2, "bad_quotes": 1, "id_too_long": 1, "line_too_long": 1, "no_id": 1,
                                             "other_currency": 1})
        self.assertEqual(answer["billed"], {"rows": 1, "amount": "0.99"})
        answer, _ = self.check(b'{"id":"c1"}\n{"id":\n[1]\n{"id":["x"]}\n{"id":"\\ud800"}\n{"amount":1}\n' + b"{" * 100 + b"\n", name="j.jsonl", status=1)
        self.assertEqual(answer["billed"]["rows"], 1)
        self.assertEqual(sum(answer["refused"].values()), 6)

    def test_cut_off_and_empty(self):
        whole = gzip.compress(b"id\n" + b"".join(b"x%d\n" % i for i in range(200000)))
        answer, _ = self.check(whole[:len(whole) // 2], name="cut.gz", status=1)
        self.assertEqual(answer["refused"]["bill_cut_off"], 1)
        answer, _ = self.check(b"")
        self.assertEqual(answer["billed"], {"rows": 0, "amount": "0.00"})
        self.assertEqual(self.verdicts(answer)["not_billed"][0], answer["due"]["conversations"])

    def test_random_bytes(self):
        rng = random.Random(11)
        for i in range(12):
            content = bytes(rng.choice(b'"\n,;{}[]:\\\x00\xffc1' if i % 2 else range(256)) for _ in range(3000))
            done = convtap("kpis", "invoice", "--vendor", "ada", "--price", "1", "--currency", "EUR", "--billed", self.write(f"r{i}", content), self.input)
            self.survived(done)
            self.assertIn(done.status, (0, 1, 2), done.err)

    def test_one_id_many_times(self):
        answer, rows = self.check(b"id\n" + b"c1\n" * 50000 + b"ghost\n" * 50000)
        found = self.verdicts(answer)
        self.assertEqual((found["agreed"], found["billed_twice"], found["unknown_id"]), ((1, "0.99"), (49999, "49499.01"), (50000, "49500.00")))
        self.assertEqual(len(rows), 99999 + found["not_billed"][0])

    def test_money_is_exact(self):
        bill = b"id,amount\n" + b"".join(b"g%d,0.1\n" % i for i in range(30)) + b"c1,0.123456789\n"
        answer, _ = self.check(bill)
        self.assertEqual(answer["billed"]["amount"], "3.123456789")
        answer, _ = self.check(bill, "--price", "0.000000001")
        self.assertEqual(answer["due"]["amount"], "0.000000005")

    def test_sessions_of_one_id_are_one_charge(self):
        thread = talk("w", 2, CONFIRMED, "u1") + talk("w", 20, CONFIRMED, "u1") + talk("w", 26, SILENT, "u1") + talk("z", 31, SILENT, "u2")
        path = self.write("thread.jsonl", thread)
        answer, rows = self.check(None, inputs=[path])
        self.assertEqual(answer["due"]["conversations"], 1)
        self.assertEqual(rows[0]["sessions"], 3)
        answer, _ = self.check(b"id\nw\nw\n", inputs=[path])
        self.assertEqual(self.verdicts(answer), {"agreed": (1, "0.99"), "billed_twice": (1, "0.99")})

    def test_the_same_bytes(self):
        rng = random.Random(8)
        conversations, bill = [], []
        for i in range(2000):
            row = json.loads(rng.choice(corpus()))
            row["conversation_id"], row["user_id"] = f"c{i}", f"u{i % 700}"
            conversations.append(line(**row))
            if rng.random() < 0.6:
                bill.append(f"c{i},{rng.choice(['0.99', '0.99', '1.00', '-0.99'])}\n".encode())
        results = set()
        for threads in (1, 3):
            rng.shuffle(conversations)
            folder = self.path(f"in{threads}")
            os.makedirs(folder)
            for part in range(3):
                with open(os.path.join(folder, f"{part}.jsonl"), "wb") as f:
                    f.write(b"".join(conversations[part::3]))
            answer, rows = self.check(b"id,amount\n" + b"".join(bill), "--threads", str(threads), inputs=[folder])
            results.add(json.dumps([answer, rows]))
        self.assertEqual(len(results), 1)
        total = sum(v["rows"] for v in answer["verdicts"] if v["verdict"] != "not_billed")
        self.assertEqual(total, answer["billed"]["rows"])

    def test_bad_uses(self):
        base = ["kpis", "invoice", "--vendor", "zendesk", "--price", "0.99", "--currency", "USD"]
        bad = self.write("two.csv", b"a,b\n1,2\n")
        for args, said in (
                (["kpis", "invoice", self.input], "--vendor"),
                (["kpis", "invoice", "--vendor", "sqm", "--price", "1", "--currency", "USD", self.input], "none whose resolutions are defined"),
                (["kpis", "invoice", "--vendor", "ada", "--currency", "USD", self.input], "--price"),
                (["kpis", "invoice", "--vendor", "ada", "--price", "1", self.input], "--currency"),
                (["kpis", "invoice", "--vendor", "ada", "--price", "-1", "--currency", "USD", self.input], "no amount"),
                (base + ["--from", "yesterday", self.input], "neither a date nor a time"),
                (base + ["--from", "2026-04-01", "--to", "2026-03-01", self.input], "ends before"),
                (base + ["--billed-column", "id=x", self.input], "of --billed"),
                (base + ["--billed", bad, "--billed-column", "ids=x", self.input], "is not id=NAME"),
                (base + ["--billed", bad, "--billed-column", "id=x", self.input], "no column"),
                (base + ["--billed", bad, self.input], "which column"),
                (base + ["--billed", self.path("none.csv"), self.input], "none.csv"),
                (base + ["--billed", bad, "--list", bad, self.input], "would replace"),
                (base + ["--billed", "-", "-"], "standard input")):
            done = convtap(*args)
            self.assertEqual(done.status, 2, (args, done.err))
            self.assertIn(said, done.err)
            self.assertEqual(done.out, b"")

    def test_people_can_read_it(self):
        for lang, words in (("en", ("should be billed", "a person took part", "disputed")), ("es", ("debería facturarse", "intervino una persona", "en disputa"))):
            done = convtap("kpis", "invoice", "--vendor", "zendesk", "--price", "0.99", "--currency", "USD", "--lang", lang, "--billed",
                           self.write("b.csv", b"id\npe\nc1\n"), self.input)
            self.assertEqual(done.status, 0, done.err)
            for one in words:
                self.assertIn(one, done.out.decode())


if __name__ == "__main__":
    sys.exit(main())
