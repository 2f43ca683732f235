#!/usr/bin/env python3
"""`convtap replay`: the same tape gives the same bytes; what it says, what it leaves out, what it does with damage."""
import glob
import json
import os
import shutil

from drive import ROOT, Case, convtap, line, main
from tap import Tap, eventually

CONFIG = """idle: 3s
idle_person: 3s
return_window: 1d
cost_model: cost.yaml
serve:
  tick: 100ms
  tape: {segment: 1M, compress: %s}
  intake: {listen: "127.0.0.1:0"}
  desk: {listen: "127.0.0.1:0"}
sources:
  webchat: {format: convtap, channel: web}
  archive: {format: convtap, tenant: t2}
"""
COST = "currency: EUR\nhuman: {per_minute: 0.5}\nchannels: {default: {per_message: 0.01}}\n"


def whole(name, user, day):
    """A conversation a line, with times."""
    stamp = f"2026-03-{day:02d}T10:00:"
    return {"conversation_id": name, "user_id": user, "messages": [
        {"role": "user", "text": "¿Dónde está mi pedido?", "ts": stamp + "00Z"},
        {"role": "bot", "text": "Llega mañana. ¿Te ayudo con algo más?", "ts": stamp + "04Z"},
        {"role": "user", "text": "No, gracias", "ts": stamp + "20Z"}]}


class Replay(Case):
    def record(self, compress="no"):
        """A tape with conversations that come back, come late, stay open, and one that cannot be read."""
        self.write("cost.yaml", COST.encode())
        path = self.write("convtap.yaml", (CONFIG % compress).encode())
        tap = Tap("--config", path)
        try:
            for n in range(30):
                tap.push("archive", whole(f"w{n}", f"u{n % 7}", 1 + n % 20))
            tap.push("webchat", {"conversation_id": "a", "user_id": "u1", "role": "user", "text": "hola", "id": "1", "ts": "2026-03-05T10:00:00Z"},
                     {"conversation_id": "a", "role": "bot", "text": "¿En qué puedo ayudarte?", "id": "2", "ts": "2026-03-05T10:00:00.400Z"},
                     {"conversation_id": "a", "role": "system", "text": "", "id": "3", "ts": "2026-03-05T10:00:01Z", "event": {"type": "close"}},
                     {"conversation_id": "bad", "role": {}, "text": "x"})
            tap.settled()
            # late, and earlier than all that came before: another revision, which begins earlier
            tap.push("webchat", {"conversation_id": "a", "user_id": "u1", "role": "user", "text": "¿hay alguien?", "id": "0", "ts": "2026-03-05T09:59:59.600Z"})
            eventually(lambda: tap.open() == 0, "silence")
            tap.settled()
        finally:
            status = tap.stop()
        self.assertEqual(status, 0, tap.said())

    def replay(self, *args, status=1, tapes=("tape",), env=None):
        done = convtap("replay", *args, *[self.path(tape) for tape in tapes], env=env)
        self.survived(done)
        self.assertEqual(done.status, status, done.err)
        return done

    def dump(self, name):
        done = convtap("db", "dump", self.path(name))
        self.assertEqual(done.status, 0, done.err)
        return done.out

    def test_the_same_bytes_each_time(self):
        self.record()
        forms = [self.replay("--json", "--return-window", "2d", "--conversations", self.path("1.jsonl"), "--db", self.path("1.db"), "--csv", self.path("1.csv")).out,
                 self.replay("--json", "--return-window", "2d", "--conversations", self.path("2.jsonl"), "--db", self.path("2.db"), "--csv", self.path("2.csv"), "--threads", "1",
                             env={"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8"}).out]
        self.assertEqual(forms[0], forms[1])
        for kind in ["jsonl", "csv"]:
            with open(self.path("1." + kind), "rb") as a, open(self.path("2." + kind), "rb") as b:
                self.assertEqual(a.read(), b.read(), kind)
        self.assertEqual(self.dump("1.db"), self.dump("2.db"))
        self.assertEqual(self.dump("1.db"), self.dump("convtap.db"))
        before = self.dump("1.db")
        self.replay("--quiet", "--db", self.path("1.db"))  # again into the same store: nothing new
        self.assertEqual(self.dump("1.db"), before)
        with open(self.path("1.jsonl"), "rb") as f:
            records = [json.loads(row) for row in f]
        self.assertEqual(len(records), 31)
        late = [r for r in records if r["conversation_id"] == "a"]
        self.assertEqual([(r["started_at"], r["counts"]["user"]) for r in late], [("2026-03-05T09:59:59.600Z", 2)])
        self.assertEqual({r["cost"]["currency"] for r in records}, {"EUR"})
        info = convtap("db", "info", self.path("1.db"))
        self.assertEqual(info.status, 0, info.err)
        found = json.loads(forms[0])
        self.assertEqual(sum(found["outcomes"].values()), 31)
        self.assertEqual(found["drops"]["wrong_type"], 1)
        # customers are marked as an audit marks them
        self.assertTrue(any(r["first_contact"] is False for r in records) and any(r["first_contact"] for r in records))

    def test_an_audit_of_the_same_transcripts_finds_the_same(self):
        self.record()
        self.write("in.jsonl", b"".join(line(**{"tenant": "t2", **whole(f"w{n}", f"u{n % 7}", 1 + n % 20)}) for n in range(30)))
        self.write("audit.yaml", b"cost_model: cost.yaml\nidle: 3s\nreturn_window: 1d\n")
        audit = convtap("audit", "--config", self.path("audit.yaml"), "--conversations", "-", self.path("in.jsonl"))
        self.assertEqual(audit.status, 0, audit.err)
        replay = self.replay("--quiet", "--return-window", "1d", "--as-of", "2026-03-20T10:00:20Z", "--conversations", "-")
        pick = lambda out: sorted(row for row in out.splitlines() if b'"conversation_id":"w' in row)
        self.assertEqual(len(pick(audit.out)), 30)
        self.assertEqual(pick(audit.out), pick(replay.out))

    def test_the_setup_on_the_tape_needs_no_file(self):
        self.record()
        os.unlink(self.path("cost.yaml"))
        os.unlink(self.path("convtap.yaml"))
        with_rules = self.replay("--json").out
        moved = shutil.move(self.path("tape"), self.path("elsewhere"))
        again = self.replay("--json", tapes=["elsewhere"], env={"CONVTAP_RULES": self.path("nothing-here")}).out
        self.assertEqual(with_rules.replace(self.path("tape").encode(), moved.encode()), again)

    def test_another_configuration_instead(self):
        self.record()
        path = self.write("other.yaml", b"idle: 3s\nannounced: never\n")
        done = self.replay("--quiet", "--conversations", "-", "--config", path)
        records = [json.loads(row) for row in done.out.splitlines()]
        self.assertEqual(len(records), 31)
        self.assertEqual({r["cost"] for r in records}, {None})
        self.assertEqual({r["tenant"] for r in records if r["conversation_id"].startswith("w")}, {"t2"})  # sources stay
        path = self.write("sources.yaml", b"idle: 3s\nsources: {archive: {tenant: other}, webchat: {}}\n")
        done = self.replay("--quiet", "--conversations", "-", "--config", path)
        self.assertEqual({r["tenant"] for r in map(json.loads, done.out.splitlines())}, {"other", None})
        broken = convtap("replay", "--config", self.write("bad.yaml", b"idle: never\n"), self.path("tape"))
        self.assertEqual(broken.status, 2)
        self.assertIn("bad.yaml:1:7: error", broken.err)

    def test_compressed_and_damaged_tapes(self):
        self.record(compress="yes")
        segments = sorted(glob.glob(self.path("tape", "*.tape*")))
        self.assertTrue(segments)
        good = self.replay("--json")
        shutil.copytree(self.path("tape"), self.path("hurt"))
        last = sorted(glob.glob(self.path("hurt", "*.tape")))[-1]
        with open(last, "r+b") as f:
            size = os.path.getsize(last)
            for at in range(size // 2, size, max(1, size // 8)):
                f.seek(at)
                byte = f.read(1)
                f.seek(at)
                f.write(bytes([byte[0] ^ 0x5A]))
        done = self.replay("--json", tapes=["hurt"])
        self.assertIn("tape_damaged", done.json()["drops"])
        self.assertNotEqual(done.out, good.out)
        shutil.copytree(self.path("tape"), self.path("cut"))
        last = sorted(glob.glob(self.path("cut", "*.tape")))[-1]
        with open(last, "r+b") as f:
            f.truncate(os.path.getsize(last) - 7)
        self.replay("--quiet", "--json", tapes=["cut"])

    def test_what_is_no_tape(self):
        self.write("empty/x", b"")
        self.write("file", b"not a folder")
        for args in [[], [self.path("nowhere")], [self.path("file")]]:
            done = convtap("replay", *args)
            self.survived(done)
            self.assertIn(done.status, (2, 3), done.err)
            self.assertTrue(done.err)
        done = convtap("replay", "--json", "--conversations", "-", self.path("empty"))
        self.survived(done)
        self.assertEqual(done.status, 2)
        self.assertIn("both want standard output", done.err)

    def test_two_tapes_are_two(self):
        self.record()
        shutil.copytree(self.path("tape"), self.path("copy"))
        done = self.replay("--json", tapes=["tape", "copy"])
        self.assertEqual(sum(done.json()["outcomes"].values()), 31)  # the same conversations: each counts once
        self.assertEqual(len(done.json()["inputs"]), 2)


if __name__ == "__main__":
    main()
