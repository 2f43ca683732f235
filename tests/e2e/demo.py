#!/usr/bin/env python3
"""`convtap demo`: the simulated world through relay, webhook and egress relay, what is stored of it, and the conversations' own expectations."""
import collections
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.request

from drive import PROGRAM, Case, convtap, main

CLOSED_LEAST = 40  # of each channel, on the slowest machine with sanitizers
AGREE_LEAST = 0.95


class Running:
    """A demo whose output is read while it goes on."""

    def __init__(self, *args, env=None):
        self.lines, self.errors = [], []
        self.process = subprocess.Popen([PROGRAM, "demo", *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env={**os.environ, **(env or {})})
        self.readers = [threading.Thread(target=self.read, args=pair)
                        for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def read(stream, lines):
        for line in stream:
            lines.append(line.decode("utf-8"))

    def address(self, name):
        """The address behind a name in the first lines."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for line in list(self.lines):
                found = re.match(rf"  {name} +\w+://(\S+?)(?:/\S*)?\s", line)
                if found:
                    return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError("no address: " + "".join(self.lines + self.errors))

    def wait(self):
        status = self.process.wait(timeout=120)
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return status, "".join(self.lines), "".join(self.errors)


def ask(address, path):
    with urllib.request.urlopen(f"http://{address}{path}", timeout=20) as answer:
        return json.load(answer)


class Demo(Case):
    def ended(self, running):
        status, out, err = running.wait()
        self.assertEqual(status, 0, out[-2000:] + err[-4000:])
        self.assertNotRegex(err, r"AddressSanitizer|LeakSanitizer|runtime error:|ThreadSanitizer")
        return out

    def rows(self, store):
        done = convtap("db", "dump", store)
        self.assertEqual(done.status, 0, done.err)
        return done.out, [row["record"] for row in map(json.loads, done.out.splitlines()) if "record" in row]

    def test_both_channels_are_seen_stored_and_replayed(self):
        folder = self.path("kept")
        running = Running("--seconds", 6, "--speed", 200, "--keep", folder)
        desk, drops, seen = running.address("desk"), None, []
        for name in ("intake", "relay"):
            self.assertRegex(running.address(name), r"^127\.0\.0\.1:\d+$")
        while running.process.poll() is None:
            try:
                drops = ask(desk, "/api/v1/drops")["drops"]
                seen.append(ask(desk, "/api/v1/status")["counters"]["relay_messages_in_total"])
            except OSError:
                pass  # it has stopped
            time.sleep(0.1)
        out = self.ended(running)
        self.assertEqual(drops, [], "something of the demonstration was dropped")
        self.assertGreater(seen[-1], 0)
        self.assertEqual(seen, sorted(seen), "a counter fell")
        self.assertNotIn("broke off", out)
        self.assertRegex(out, r"open +\d+  closed +\d+  automated [\d.]+ %.*escalated [\d.]+ %")
        dump, records = self.rows(os.path.join(folder, "convtap.db"))
        self.assertRegex(out, rf"(?m)^{len(records):,} conversations · ")  # the table is of what was stored
        channels = collections.Counter(r["channel"] for r in records)
        self.assertEqual(set(channels), {"web", "whatsapp"})
        self.assertGreater(min(channels.values()), CLOSED_LEAST, channels)
        for record in records:  # both sides of each: a platform's webhook and the bot's own request, or a relay's two directions
            self.assertGreater(record["counts"]["user"], 0, record)
            self.assertGreater(record["counts"]["bot"], 0, record)
        for channel in channels:
            self.assertGreater(sum(r["counts"]["agent"] for r in records if r["channel"] == channel), 0, channel)
        self.assertGreater(sum(1 for r in records if r["csat"]), 0)
        self.assertGreaterEqual(len({r["outcome"] for r in records}), 6)
        done = convtap("replay", "--quiet", "--db", self.path("replayed.db"), os.path.join(folder, "tape"))
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(self.rows(self.path("replayed.db"))[0], dump)
        checked = convtap("config", "check", os.path.join(folder, "convtap.yaml"))
        self.assertEqual(checked.status, 0, checked.err)

    def test_ends_at_a_signal_and_leaves_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                temporary = self.path(f"temporary-{number}")
                os.makedirs(temporary)
                running = Running("--speed", 100, env={"TMPDIR": temporary})
                running.address("desk")
                self.assertEqual(len(os.listdir(temporary)), 1)
                time.sleep(0.5)
                running.process.send_signal(number)
                self.ended(running)
                self.assertEqual(os.listdir(temporary), [])

    def test_a_folder_that_holds_something_is_not_touched(self):
        self.write("mine/notes.txt", b"mine")
        done = convtap("demo", "--seconds", 1, "--keep", self.path("mine"))
        self.survived(done)
        self.assertEqual(done.status, 3, done.err)
        self.assertEqual(os.listdir(self.path("mine")), ["notes.txt"])

    def test_usage(self):
        for args in (["--speed", 0], ["--seconds", "soon"], ["--port", 70000], ["more"]):
            self.assertEqual(convtap("demo", *args).status, 2, args)

    # ---- the conversations themselves

    def transcripts(self, **env):
        done = convtap("demo", "--transcripts", env=env)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        return done.out

    def test_transcripts_are_the_same_anywhere(self):
        self.assertEqual(self.transcripts(), self.transcripts(TZ="Asia/Tokyo", LC_ALL="C", LANG="de_DE.UTF-8"))

    def test_transcripts_are_many_and_different(self):
        talks = [json.loads(row) for row in self.transcripts().splitlines()]
        texts = {tuple((m["role"], m["text"]) for m in talk["messages"]) for talk in talks}
        languages = collections.Counter(talk["language"] for talk in talks)
        self.assertGreaterEqual(len(texts), 300)
        self.assertEqual(len(texts), len(talks))
        self.assertGreaterEqual(languages["es"], 180)
        self.assertGreaterEqual(languages["en"], 120)
        self.assertEqual(len({talk["bot"] for talk in talks}), 6)
        self.assertTrue(all(2 <= len(talk["messages"]) <= 14 for talk in talks))
        self.assertNotRegex("".join(m["text"] for talk in talks for m in talk["messages"]), r"[{}]")

    def test_transcripts_end_as_they_were_written_to(self):
        path = self.write("talks.jsonl", self.transcripts())
        done = convtap("audit", "--quiet", "--conversations", self.path("records.jsonl"), path)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        with open(self.path("records.jsonl"), encoding="utf-8") as file:
            outcomes = {row["conversation_id"]: row["outcome"] for row in map(json.loads, file)}
        with open(path, encoding="utf-8") as file:
            expected = {row["conversation_id"]: row["expect"] for row in map(json.loads, file) if "expect" in row}
        self.assertGreaterEqual(len(expected), 300)
        self.assertEqual(outcomes.keys() & expected.keys(), expected.keys())
        wrong = {name: f"{want}, not {outcomes[name]}" for name, want in expected.items()
                 if outcomes[name] != want and not (want == "resolved" and outcomes[name].startswith("resolved_"))}
        self.assertGreaterEqual(1 - len(wrong) / len(expected), AGREE_LEAST, json.dumps(wrong, indent=1))


if __name__ == "__main__":
    main()
