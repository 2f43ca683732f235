#!/usr/bin/env python3
"""Exit statuses: 0 done, 1 something in the input was refused, 2 usage or configuration, 3 could not write the output."""
import json
import os
import subprocess

from drive import ALL_PACKS, PROGRAM, Case, convtap, good_conversation, line, main


class Statuses(Case):
    def test_done(self):
        source = self.write("a.jsonl", good_conversation("c1"))
        done = convtap("audit", "--json", source)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        answer = done.json()
        self.assertEqual([i["conversations"] for i in answer["inputs"]], [1])
        self.assertEqual([i["messages"] for i in answer["inputs"]], [3])
        self.assertEqual([i["refused"] for i in answer["inputs"]], [0])
        self.assertEqual(sum(answer["outcomes"].values()), 1)

    def test_table(self):
        source = self.write("a.jsonl", good_conversation("c1"))
        done = convtap("audit", source)
        self.assertEqual(done.status, 0, done.err)
        self.assertGreater(len(done.out.splitlines()), 5)

    def test_standard_input(self):
        done = convtap("audit", "--json", "-", stdin=good_conversation("c1") + good_conversation("c2", day=2))
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(done.json()["inputs"][0]["conversations"], 2)

    def test_refused(self):
        source = self.write("a.jsonl", good_conversation("c1") + b'{"conversation_id":"c2","messages":[{"role":"user"\n')
        done = convtap("audit", "--json", source)
        self.survived(done)
        self.assertEqual(done.status, 1, done.err)
        self.assertEqual(done.json()["inputs"][0]["conversations"], 1)

    def test_usage(self):
        source = self.write("a.jsonl", good_conversation("c1"))
        for args in (["audit", "--no-such-option", source], ["no-such-subcommand"], ["audit"], ["audit", "--threads", "minus", source],
                     ["audit", "--threads", "0x", source], ["audit", "--format", "no-such-format", source],
                     ["audit", "--rules", self.path("nowhere"), source], []):
            done = convtap(*args)
            self.survived(done)
            self.assertEqual(done.status, 2, f"{args}: {done.out!r} {done.err}")
            self.assertTrue(done.err.strip(), f"{args}: says nothing")

    def test_bad_rules_are_named_with_their_place(self):
        source = self.write("a.jsonl", good_conversation("c1"))
        self.write("rules/broken.yaml", b"pack: broken\nversion: 1.0.0\nrules:\n  - id: x\n    nonsense: true\n")
        done = convtap("audit", "--rules", self.path("rules"), source)
        self.survived(done)
        self.assertEqual(done.status, 2, done.err)
        self.assertRegex(done.err, r"broken\.yaml:\d+:\d+")

    def test_output_cannot_be_written(self):
        source = self.write("a.jsonl", good_conversation("c1"))
        self.write("file", b"")
        for option in ("--conversations", "--report", "--csv"):
            done = convtap("audit", option, self.path("file", "below"), source)
            self.survived(done)
            self.assertEqual(done.status, 3, f"{option}: {done.err}")

    def test_full_device(self):
        """The disk is full: said, and status 3. Standard output only: a program may put a file in the place of another."""
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full here")
        source = self.write("a.jsonl", b"".join(good_conversation(f"c{n}", day=1 + n % 28) for n in range(500)))
        for options in (["--json"], [], ["--conversations", "-"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([PROGRAM, "audit", *options, source], stdout=full, stderr=subprocess.PIPE, timeout=240, check=False)
            self.assertEqual(done.returncode, 3, f"{options}: {done.stderr[-2000:]!r}")

    def test_help(self):
        for args in (["help"], ["--help"], ["audit", "--help"], ["classify", "--help"], ["kpis"], ["formats"]):
            done = convtap(*args)
            self.survived(done)
            self.assertEqual(done.status, 0, f"{args}: {done.err}")
            self.assertTrue(done.out.strip(), f"{args}: says nothing")

    def test_classify_answers_each_line_in_order(self):
        said = [("a", "quiero hablar con una persona"), ("b", "thanks a lot!"), ("c", "xyzzy"), ("d", "obrigado")]
        done = convtap("classify", stdin=b"".join(line(id=i, text=t, role="user") for i, t in said), env=ALL_PACKS)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        answers = [json.loads(row) for row in done.out.decode("utf-8").splitlines()]
        self.assertEqual([a["id"] for a in answers], ["a", "b", "c", "d"])
        self.assertIn("user.human_request", answers[0]["signals"])
        self.assertIn("user.thanks", answers[1]["signals"])
        self.assertEqual(answers[2]["signals"], [])
        self.assertIn("user.thanks", answers[3]["signals"])
        text = said[0][1].encode("utf-8")
        for piece in answers[0]["evidence"]:
            self.assertTrue(0 <= piece["begin"] < piece["end"] <= len(text), piece)

    def test_classify_refuses_a_bad_line_and_goes_on(self):
        done = convtap("classify", stdin=line(id=1, text="gracias", role="user") + b"not json\n" + line(id=3, text="gracias", role="user"))
        self.survived(done)
        self.assertEqual(done.status, 1, done.err)
        self.assertEqual(len(done.out.splitlines()), 2, done.out)
        self.assertRegex(done.err, r"\b2\b")


if __name__ == "__main__":
    main()
