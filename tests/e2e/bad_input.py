#!/usr/bin/env python3
"""Bad input is normal input: each is refused by name, position and count, the rest is audited, exit status 1, nothing crashes."""
import gzip
import json
import os
import re
import shutil
import subprocess

import drive
from drive import Case, convtap, good_conversation, line, main

with open(os.path.join(drive.ROOT, "engine", "drop.def"), encoding="utf-8") as f:
    EXPLAINED = set(re.findall(r"^CT_DROP\((\w+),", f.read(), re.M))
GOOD = [good_conversation("good-1", "ana"), good_conversation("good-2", "luis", 2)]


def message(**fields):
    whole = {"conversation_id": "bad-1", "role": "user", "text": "hola", "ts": "2026-03-01T10:00:00Z"}
    whole.update(fields)
    return line(**{k: v for k, v in whole.items() if v is not None})


class BadInput(Case):
    def refused(self, name, content, reasons, count=1, line_number=2, conversations=2):
        """A file `name` in a folder with a good neighbour; `reasons`: any of these names. The refusal's own line number too."""
        self.write("in/" + name, content)
        self.write("in/neighbour.jsonl", good_conversation("neighbour", "eva", 3))
        done = convtap("audit", "--json", self.path("in"))
        self.survived(done)
        self.assertEqual(done.status, 1, f"{name}: {done.err}")
        answer = done.json()
        by_name = {os.path.basename(i["path"]): i for i in answer["inputs"]}
        self.assertEqual(by_name["neighbour.jsonl"]["conversations"], 1)
        self.assertEqual(by_name["neighbour.jsonl"]["refused"], 0)
        self.assertIn(name, by_name, "the file is not among the inputs")
        self.assertEqual(by_name[name]["refused"], count, f"{by_name[name]}\n{done.err}")
        self.assertEqual(by_name[name]["conversations"], conversations, f"{by_name[name]}\n{done.err}")
        self.assertLessEqual(set(answer["drops"]), EXPLAINED)
        dropped = [r for r in reasons if answer["drops"].get(r)]
        self.assertTrue(dropped, f"{name}: none of {reasons} in {answer['drops']}\n{done.err}")
        self.assertEqual(answer["drops"][dropped[0]], count)
        said = [l for l in done.err.splitlines() if name in l and dropped[0] in l]
        self.assertTrue(said, f"{name} and {dropped[0]} are not named together in:\n{done.err}")
        if line_number is not None:
            places = [l for l in said if re.search(rf"(?<!\d){line_number}(?!\d)", l)]
            self.assertTrue(places, f"line {line_number} is not said:\n{done.err}")
        return answer

    def test_truncated(self):
        whole = GOOD[1]
        self.refused("truncated.jsonl", GOOD[0] + whole[: len(whole) // 2], ["truncated", "bad_json"], conversations=1)

    def test_truncated_gzip(self):
        body = gzip.compress(b"".join(good_conversation(f"z{n}", f"u{n}", 1 + n % 28) for n in range(2000)), mtime=0)
        self.write("in/cut.jsonl.gz", body[: len(body) // 2])
        self.write("in/neighbour.jsonl", good_conversation("neighbour"))
        done = convtap("audit", "--json", self.path("in"))
        self.survived(done)
        self.assertEqual(done.status, 1, done.err)
        by_name = {os.path.basename(i["path"]): i for i in done.json()["inputs"]}
        self.assertEqual(by_name["neighbour.jsonl"]["conversations"], 1)
        self.assertGreaterEqual(by_name["cut.jsonl.gz"]["refused"], 1)
        self.assertIn("cut.jsonl.gz", done.err)

    def test_not_gzip_at_all(self):
        self.write("in/noise.jsonl.gz", b"\x1f\x8bnoise that is no gzip stream")
        self.write("in/neighbour.jsonl", good_conversation("neighbour"))
        done = convtap("audit", "--json", self.path("in"))
        self.survived(done)
        self.assertEqual(done.status, 1, done.err)
        self.assertIn("noise.jsonl.gz", done.err)
        self.assertEqual(sum(done.json()["outcomes"].values()), 1)

    def test_invalid_utf8(self):
        bad = message().replace(b"hola", b"ho\xff\xfela")
        self.refused("utf8.jsonl", GOOD[0] + bad + GOOD[1], ["invalid_utf8"])

    def test_overlong_utf8_and_surrogates(self):
        bad = message().replace(b"hola", b"ho\xc0\xafla") + message().replace(b"hola", b"ho\xed\xa0\x80la")
        self.refused("overlong.jsonl", GOOD[0] + bad + GOOD[1], ["invalid_utf8"], count=2)

    def test_line_of_50_megabytes(self):
        bad = message(text="x" * (50 << 20))
        self.refused("long.jsonl", GOOD[0] + bad + GOOD[1], ["record_too_long"])

    def test_line_of_50_megabytes_without_an_end(self):
        bad = message(text="x" * (50 << 20))[:-3]
        self.refused("endless.jsonl", GOOD[0] + bad, ["record_too_long", "truncated"], conversations=1)

    def test_deep_nesting(self):
        bad = message().rstrip(b"\n")[:-1] + b', "meta": ' + b"[" * 100000 + b"]" * 100000 + b"}\n"
        self.refused("deep.jsonl", GOOD[0] + bad + GOOD[1], ["too_deep"])

    def test_duplicate_keys(self):
        bad = message().rstrip(b"\n")[:-1] + b', "role": "bot"}\n'
        self.refused("twice.jsonl", GOOD[0] + bad + GOOD[1], ["duplicate_key"])

    def test_missing_field(self):
        self.refused("missing.jsonl", GOOD[0] + message(role=None) + GOOD[1], ["missing_field"])

    def test_wrong_type(self):
        self.refused("type.jsonl", GOOD[0] + message(text=5) + GOOD[1], ["wrong_type"])

    def test_number_beyond_2_to_53(self):
        tokens = {"input": (1 << 53) + 1, "cached": 0, "output": 1, "model": "m"}
        self.refused("number.jsonl", GOOD[0] + message(role="bot", tokens=tokens) + GOOD[1], ["number_out_of_range"])

    def test_bad_time(self):
        self.refused("time.jsonl", GOOD[0] + message(ts="2026-13-01T10:00:00Z") + GOOD[1], ["bad_time"])

    def test_not_json(self):
        self.refused("prose.jsonl", GOOD[0] + b"this is not JSON\n" + GOOD[1], ["bad_json"])

    def test_every_kind_in_one_file_is_counted(self):
        bad = [message(role=None), message(text=5), message().replace(b"hola", b"\xff"), b"{\n", message(role=None)]
        self.write("all.jsonl", GOOD[0] + b"".join(bad) + GOOD[1])
        done = convtap("audit", "--json", self.path("all.jsonl"))
        self.survived(done)
        self.assertEqual(done.status, 1)
        answer = done.json()
        self.assertEqual(answer["inputs"][0]["refused"], 5, done.err)
        self.assertEqual(answer["inputs"][0]["conversations"], 2)
        self.assertEqual(answer["drops"].get("missing_field"), 2, answer["drops"])

    def test_empty_file(self):
        self.write("in/empty.jsonl", b"")
        self.write("in/neighbour.jsonl", good_conversation("neighbour"))
        done = convtap("audit", "--json", self.path("in"))
        self.survived(done)
        self.assertEqual(done.status, 1, done.err)
        self.assertIn("empty.jsonl", done.err)
        answer = done.json()
        by_name = {os.path.basename(i["path"]): i for i in answer["inputs"]}
        self.assertGreaterEqual(by_name["empty.jsonl"]["refused"], 1)
        self.assertEqual(by_name["neighbour.jsonl"]["conversations"], 1)

    def test_dangling_link_in_a_folder(self):
        self.write("in/neighbour.jsonl", good_conversation("neighbour"))
        os.symlink(self.path("nowhere.jsonl"), self.path("in", "dangling.jsonl"))
        done = convtap("audit", "--json", self.path("in"))
        self.survived(done)
        self.assertEqual(done.status, 1, done.err)
        self.assertIn("dangling.jsonl", done.err)
        self.assertEqual(sum(done.json()["outcomes"].values()), 1)

    def test_unreadable_file_in_a_folder(self):
        self.write("in/neighbour.jsonl", good_conversation("neighbour"))
        os.chmod(self.write("in/locked.jsonl", good_conversation("locked")), 0)
        before = []
        if os.geteuid() == 0:  # nothing is locked for root
            before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            able = shutil.which("setpriv") and subprocess.run([*before, drive.PROGRAM, "help"], capture_output=True, check=False).returncode == 0
            if not able:
                self.skipTest("root, and another user cannot run the program here")
        done = convtap("audit", "--json", self.path("in"), before=before)
        self.survived(done)
        self.assertEqual(done.status, 1, done.err)
        self.assertIn("locked.jsonl", done.err)
        self.assertEqual(sum(done.json()["outcomes"].values()), 1)

    def test_a_file_that_is_not_there(self):
        neighbour = self.write("neighbour.jsonl", good_conversation("neighbour"))
        done = convtap("audit", "--json", self.path("nowhere.jsonl"), neighbour)
        self.survived(done)
        self.assertEqual(done.status, 1, done.err)
        self.assertIn("nowhere.jsonl", done.err)
        self.assertEqual(sum(done.json()["outcomes"].values()), 1)

    def test_all_bytes_cut_anywhere(self):
        """A file cut at any place: never a crash, never a conversation out of nothing."""
        whole = b"".join(GOOD)
        for cut in range(1, len(whole), 41):
            done = convtap("audit", "--json", self.write("cut.jsonl", whole[:cut]))
            self.survived(done)
            self.assertIn(done.status, (0, 1))
            self.assertLessEqual(sum(done.json()["outcomes"].values()), 2)

    def test_nul_and_controls_in_text(self):
        body = GOOD[0] + message().replace(b"hola", b"ho\\u0000la") + message().replace(b"hola", b"ho\nla") + GOOD[1]
        done = convtap("audit", "--json", self.write("nul.jsonl", body))
        self.survived(done)
        self.assertEqual(done.status, 1, done.err)
        self.assertGreaterEqual(done.json()["inputs"][0]["refused"], 2)
        self.assertEqual(json.loads(done.out)["inputs"][0]["conversations"], 2)


if __name__ == "__main__":
    main()
