#!/usr/bin/env python3
"""Disks that are full, read-only or forget: the tap says so by name and counts, never ends by itself, and leaves no gap unnamed."""
import glob
import json
import os
import resource
import shutil
import signal
import subprocess
import time

from drive import convtap, main
from tap import eventually
from tapped import Tapped
from traffic import tape_frames

CONFIG = """idle: 60s
idle_person: 60s
serve:
  tick: 100ms
  state: 300ms
  store: %(store)s
  tape: {folder: %(tape)s, segment: 64K, compress: %(compress)s, buffer: 4M}
  intake: {listen: "127.0.0.1:0"}
  desk: {listen: "127.0.0.1:0"}
sources:
  webchat: {format: convtap, channel: web}
"""
BAD = b"-----no record\n"


def talk(name, size=0, close=True):
    """A conversation as lines; `size`: of a long text in it."""
    rows = [{"conversation_id": name, "user_id": "u-" + name, "role": "user", "text": "¿Dónde está mi pedido?" + "x" * size, "id": name + "-0", "ts": "2026-03-01T10:00:00Z"},
            {"conversation_id": name, "role": "bot", "text": "Llega mañana. ¿Algo más?", "id": name + "-1", "ts": "2026-03-01T10:00:05Z"}]
    if close:
        rows.append({"conversation_id": name, "role": "system", "text": "", "id": name + "-2", "ts": "2026-03-01T10:00:06Z", "event": {"type": "close"}})
    return rows


class Disk(Tapped):
    def setting(self, store="convtap.db", tape="tape", compress="no"):
        return self.write("convtap.yaml", (CONFIG % {"store": store, "tape": tape, "compress": compress}).encode())

    def mount(self, name, size="4m"):
        """A small disk of its own, where that is permitted."""
        os.makedirs(self.path(name), exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.path(name)], capture_output=True, check=False)
        if done.returncode:
            self.skipTest("a file system cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.path(name)], capture_output=True, check=False)
        return self.path(name)

    def fill(self, folder):
        """Takes all the room there is; what takes it can be removed."""
        with open(os.path.join(folder, "ballast"), "wb", buffering=0) as f:
            try:
                while f.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        return os.path.join(folder, "ballast")

    def give(self, tap, name, **more):
        """(status, answer) of a conversation in a stream of its own: what is not taken can be sent again."""
        body = "".join(json.dumps(row) + "\n" for row in talk(name, **more)).encode()
        status, answer = tap.ask("intake", "/ingest/webchat", body, {"Content-Type": "application/x-ndjson", "X-Convtap-Stream": name, "X-Convtap-Sequence": "1"})
        return status, json.loads(answer)

    def push_all(self, tap, names, **more):
        for name in names:
            status, answer = self.give(tap, name, **more)
            self.assertEqual((status, answer.get("next")), (200, 4), answer)

    def reasons(self, tap):
        status, body = tap.ask("desk", "/api/v1/ready")
        answer = json.loads(body)
        self.assertEqual(status, 200 if answer["ready"] else 503)
        return {row["reason"]: row["words"] for row in answer["reasons"]}

    def drops(self, tap):
        return {row["reason"]: row["count"] for row in tap.get("/api/v1/drops")["drops"]}

    def names(self, name="convtap.db"):
        return {row[0] for row in self.sql(name, "SELECT conversation_id FROM conversation")}

    def live(self, tap):
        return tap.get("/api/v1/kpis?window=today")["totals"]["conversations"]

    def ended(self, tap, status=0):
        self.assertEqual(tap.stop(), status, tap.said())

    def same(self, store="convtap.db", tape="tape", status=0):
        """Sound, and what a replay stores."""
        self.assertEqual(self.db("check", store), b"sound\n")
        if os.path.exists(self.path("replay.db")):
            os.unlink(self.path("replay.db"))
        done = convtap("replay", "--quiet", "--db", self.path("replay.db"), self.path(tape))
        self.survived(done)
        self.assertEqual(done.status, status, done.err)
        self.assert_same_dumps(store, "replay.db")
        return done


class Full(Disk):
    # ---- full

    def test_the_tapes_disk_is_full(self):
        disk = self.mount("disk")
        self.setting(tape="disk/tape")
        tap = self.start()
        self.push_all(tap, ["before"])
        ballast = self.fill(disk)
        # what comes now is not acknowledged, and says why
        status, answer = self.give(tap, "full", size=5000)
        self.assertEqual(status, 503, answer)
        found = eventually(lambda: self.reasons(tap).get("not_recording"), "the reason")
        self.assertIn("No space left on device", found)
        self.assertEqual(tap.ask("desk", "/api/v1/health")[0], 200)
        self.assertGreater(self.drops(tap).get("gate_commit_timeout", 0), 0)
        os.unlink(ballast)
        eventually(lambda: self.give(tap, "full", size=5000)[0] == 200, "room")
        self.push_all(tap, ["full", "after"], size=5000)
        eventually(lambda: not self.reasons(tap), "the end of it")
        tap.settled()
        self.assertEqual(self.live(tap), 3)
        self.ended(tap)
        self.assertEqual(self.names(), {"before", "full", "after"})
        self.assertEqual({r[0] for r in self.sql("convtap.db", "SELECT messages FROM conversation")}, {3})
        self.same(tape="disk/tape")

    def test_stopped_while_the_tapes_disk_is_full(self):
        disk = self.mount("disk")
        self.setting(tape="disk/tape")
        tap = self.start()
        self.push_all(tap, ["before"])
        ballast = self.fill(disk)
        self.assertEqual(self.give(tap, "full", size=5000)[0], 503)
        self.ended(tap, 3)
        self.assertIn("not_settled", tap.said())
        tap = self.start()  # still full: it runs, says so, and waits for room
        self.assertIn("No space left on device", eventually(lambda: self.reasons(tap).get("not_recording"), "the reason"))
        self.assertEqual(self.give(tap, "full", size=5000)[0], 503)
        os.unlink(ballast)
        eventually(lambda: self.give(tap, "full", size=5000)[0] == 200, "room")
        tap.settled()
        self.ended(tap)
        self.assertEqual(self.names(), {"before", "full"})
        self.same(tape="disk/tape")

    def test_the_stores_disk_is_full(self):
        disk = self.mount("disk", "2m")
        self.setting(store="disk/convtap.db")
        tap = self.start()
        self.push_all(tap, ["before"])
        self.assertEqual(tap.ask("intake", "/ingest/webchat", BAD, {"Content-Type": "application/x-ndjson"})[0], 200)
        tap.settled()
        ballast = self.fill(disk)
        began, names = time.monotonic(), {f"full{n}" for n in range(60)}
        self.push_all(tap, sorted(names))  # acknowledged all the same: the tape has room
        found = eventually(lambda: self.reasons(tap).get("not_storing"), "the reason")
        self.assertRegex(found, "full|No space left|disk I/O")
        time.sleep(2.5)
        self.push_all(tap, ["more"])
        drops, took = self.drops(tap), time.monotonic() - began
        self.assertGreater(drops["judging_interrupted"], 1)
        self.assertLess(drops["judging_interrupted"], took + 3)  # once a second, not as fast as it can
        refusals = {reason: count for reason, count in drops.items() if reason in ("bad_json", "format_not_recognised", "not_json", "truncated")}
        self.assertEqual(sum(refusals.values()), 1, drops)  # counted once, however often it is judged again
        os.unlink(ballast)
        eventually(lambda: not self.reasons(tap), "the end of it")
        tap.settled()
        self.assertEqual(self.live(tap), 62)
        self.assertEqual(sum(self.drops(tap)[reason] for reason in refusals), 1)
        self.ended(tap)
        self.assertEqual(self.names("disk/convtap.db"), names | {"before", "more"})
        self.same(store="disk/convtap.db", status=1)

    def test_stopped_while_the_stores_disk_is_full(self):
        disk = self.mount("disk", "2m")
        self.setting(store="disk/convtap.db")
        tap = self.start()
        self.push_all(tap, ["before"])
        tap.settled()
        ballast = self.fill(disk)
        names = {f"full{n}" for n in range(60)}
        self.push_all(tap, sorted(names))
        eventually(lambda: self.reasons(tap), "the reason")
        self.ended(tap, 3)
        self.assertIn("not_settled", tap.said())
        os.unlink(ballast)
        tap = self.start()
        tap.settled()
        self.ended(tap)
        self.assertEqual(self.names("disk/convtap.db"), names | {"before"})
        self.same(store="disk/convtap.db")

    def test_no_file_may_grow(self):
        """RLIMIT_FSIZE for tape and store alike: an error as others, no signal."""
        self.setting()
        tap = self.start()
        self.push_all(tap, ["before"])
        tap.settled()
        resource.prlimit(tap.process.pid, resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        status, answer = self.give(tap, "held", size=3000)
        self.assertEqual(status, 503, answer)
        self.assertIn("File too large", eventually(lambda: self.reasons(tap).get("not_recording"), "the reason"))
        resource.prlimit(tap.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        eventually(lambda: self.give(tap, "held", size=3000)[0] == 200, "room")
        self.push_all(tap, ["held", "after"], size=3000)
        eventually(lambda: not self.reasons(tap), "the end of it")
        tap.settled()
        self.ended(tap)
        self.assertEqual(self.names(), {"before", "held", "after"})
        self.same()

    def test_a_second_signal_ends_it_whatever_the_disk_does(self):
        disk = self.mount("disk")
        self.setting(tape="disk/tape")
        tap = self.start()
        self.push_all(tap, ["before"])
        self.fill(disk)
        self.assertEqual(self.give(tap, "full", size=5000)[0], 503)
        tap.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        self.assertIn(tap.stop(), (3, -signal.SIGTERM), tap.said())

    # ---- read-only

    def test_read_only(self):
        disk = self.mount("disk")
        self.setting(tape="disk/tape", store="disk/convtap.db")
        tap = self.start()
        self.push_all(tap, ["before"])
        tap.settled()
        self.ended(tap)
        done = subprocess.run(["mount", "-o", "remount,ro", disk], capture_output=True, check=False)
        if done.returncode:
            self.skipTest("a file system cannot be made read-only here")
        for args, names in [([], "disk"), (["--store", self.path("other.db")], "tape"), (["--tape", self.path("other")], "convtap.db")]:
            refused = convtap("serve", "--config", self.path("convtap.yaml"), *args)
            self.survived(refused)
            self.assertEqual(refused.status, 3, refused.err)
            self.assertRegex(refused.err, "(?i)read-?only|may only be read")
            self.assertIn(names, refused.err)
        self.assertEqual(convtap("db", "check", self.path("disk/convtap.db")).out, b"sound\n")
        replayed = convtap("replay", "--quiet", "--close", "--json", self.path("disk/tape"))
        self.assertEqual(replayed.status, 0, replayed.err)


class Lost(Disk):
    # ---- bytes that are not what they were

    def record(self, count=80, size=2000, compress="no"):
        """A tape of several segments, and what it holds."""
        self.setting(compress=compress)
        tap = self.start()
        names = [f"c{n}" for n in range(count)]
        self.push_all(tap, names, size=size)
        self.push_all(tap, ["open"])
        tap.settled()
        self.ended(tap)
        return names

    def flip(self, path, at, bytes_=4):
        with open(path, "r+b") as f:
            f.seek(at)
            was = f.read(bytes_)
            f.seek(at)
            f.write(bytes(b ^ 0xA5 for b in was))

    def data_at(self, nth):
        """(file, offset) inside the bytes of the nth data frame."""
        frames = [f for f in tape_frames(self.path("tape")) if f[1] == 1]
        position = frames[nth][0]
        files = sorted(glob.glob(self.path("tape", "*.tape")))
        file = [f for f in files if int(os.path.basename(f)[:16], 16) <= position][-1]
        return file, 80 + position - int(os.path.basename(file)[:16], 16) + 60, frames[nth]

    def test_flipped_bytes(self):
        names = self.record()
        files = sorted(glob.glob(self.path("tape", "*.tape")))
        self.assertGreater(len(files), 3)
        lost = set()
        for nth in (3, 90, -4):  # in closed segments, and in the last
            file, at, frame = self.data_at(nth)
            self.flip(file, at)
            lost.add(json.loads(frame[5])["conversation_id"])
        # the state file is good: nothing that is damaged has to be read again
        tap = self.start()
        tap.settled()
        self.assertEqual(tap.open(), 81)
        self.ended(tap)
        # without state and store everything is read again: each damaged place is named and counted, the rest is there
        for name in ["tape/state", "convtap.db"]:
            os.unlink(self.path(name))
        tap = self.start()
        tap.settled()
        self.assertEqual(self.drops(tap)["tape_damaged"], 3)
        self.assertEqual(tap.said().count("event=tape_damaged"), 3)
        self.assertRegex(tap.said(), r"segment [0-9a-f]{16}\.tape: position \d+: \d+ bytes passed over: damaged")
        self.push_all(tap, ["after"])
        tap.settled()
        self.ended(tap)
        counts = dict(self.sql("convtap.db", "SELECT conversation_id, messages FROM conversation"))
        self.assertEqual({name for name in [*names, "open", "after"] if counts.get(name) != 3}, lost)
        done = self.same(status=1)
        self.assertEqual(done.err.count("bytes passed over"), 3)

    def test_flipped_bytes_in_a_compressed_segment(self):
        names = self.record(compress="yes")
        tap = self.start()  # what was closed last may wait to be compressed
        packed = eventually(lambda: len(glob.glob(self.path("tape", "*.tape"))) == 1 and glob.glob(self.path("tape", "*.zst")), "compressed segments")
        self.ended(tap)
        whole = self.names()
        packed = min(packed, key=os.path.getsize)  # not one that holds a setup
        self.flip(packed, os.path.getsize(packed) // 2, 8)
        for name in ["tape/state", "convtap.db"]:
            os.unlink(self.path(name))
        tap = self.start()
        tap.settled()
        self.assertGreaterEqual(self.drops(tap)["tape_damaged"], 1)
        self.ended(tap)
        self.assertTrue(self.names() < whole)
        self.assertGreater(len(self.names()), len(names) // 4)
        self.same(status=1)

    def test_a_torn_tail(self):
        """What a power cut leaves: cut at the last whole frame, and said."""
        self.record(10)
        last = sorted(glob.glob(self.path("tape", "*.tape")))[-1]
        with open(last, "rb") as f:
            frame = f.read()[80:]
        with open(last, "ab") as f:  # a part of a frame, and room that nothing was written to
            f.write(frame[:50] + bytes(200))
        tap = self.start()
        self.assertIn("event=tape_tail_cut bytes=250", tap.said())
        self.push_all(tap, ["after"])
        tap.settled()
        self.ended(tap)
        self.assertIn("after", self.names())
        self.same()

    # ---- the state file

    def test_without_a_state_file_or_with_a_broken_one(self):
        self.record(20)
        before = self.db("dump", "convtap.db")
        with open(self.path("tape", "state"), "rb") as f:
            good = f.read()
        broken = {"none": None, "empty": b"", "cut": good[:-5], "head": bytes([good[0] ^ 1]) + good[1:], "inside": good[:70] + bytes([good[70] ^ 4]) + good[71:],
                  "longer": good + b"x", "text": b"hello" * 100}
        for what, content in broken.items():
            if content is None:
                os.unlink(self.path("tape", "state"))
            else:
                self.write("tape/state", content)
            tap = self.start()
            tap.settled()
            self.assertEqual("event=state_refused" in tap.said(), content is not None, what)
            status, answer = self.give(tap, "c3", size=2000)  # it knows what each stream has
            self.assertEqual((status, answer["next"]), (200, 4), what)
            self.assertEqual(self.drops(tap).get("resent"), 3, what)
            self.ended(tap)
            self.assertEqual(self.db("dump", "convtap.db"), before, what)
        self.same()

    # ---- the store

    def test_a_damaged_store(self):
        self.record(60, 200)
        before = self.db("dump", "convtap.db")
        for damage in ("head", "text"):
            with open(self.path("convtap.db"), "r+b") as f:
                f.write(b"\0" * 100 if damage == "head" else b"hello there, I am no database at all" * 20)
            refused = convtap("serve", "--config", self.path("convtap.yaml"))
            self.survived(refused)
            self.assertIn(refused.status, (2, 3), refused.err)
            self.assertIn("convtap.db", refused.err)
            self.assertRegex(refused.err, "not a database|damaged|malformed")
            # taken away, it is made again from the tape
            for name in glob.glob(self.path("convtap.db*")):
                os.unlink(name)
            tap = self.start()
            tap.settled()
            self.assertIn("event=store_behind", tap.said())
            self.ended(tap)
            self.assertEqual(self.db("dump", "convtap.db"), before)
            self.same()

    def test_an_older_copy_of_the_store(self):
        self.record(10)
        shutil.copy(self.path("convtap.db"), self.path("older.db"))
        tap = self.start()
        self.push_all(tap, [f"later{n}" for n in range(10)])
        tap.settled()
        self.ended(tap)
        before = self.db("dump", "convtap.db")
        shutil.copy(self.path("older.db"), self.path("convtap.db"))
        tap = self.start()
        tap.settled()
        self.ended(tap)
        self.assertEqual(self.db("dump", "convtap.db"), before)
        self.same()

    def test_pages_of_the_store_flipped(self):
        """An error with a name, or one that `db check` finds; never the end of the process."""
        self.record(80, 200)
        size = os.path.getsize(self.path("convtap.db"))
        for at in range(4096, size - 64, 4096):
            self.flip(self.path("convtap.db"), at, 64)
        checked = convtap("db", "check", self.path("convtap.db"))
        self.survived(checked)
        self.assertIn(checked.status, (1, 2), checked.err)
        try:
            tap = self.start()
        except AssertionError as refused:
            self.assertRegex(str(refused), "malformed|damaged|not a database")
            return
        self.push_all(tap, ["after"])  # acknowledged: the tape has it
        found = eventually(lambda: self.reasons(tap), "the reason")
        self.assertRegex(" ".join(found.values()), "malformed|damaged|corrupt")
        self.assertIsNone(tap.process.poll())
        self.ended(tap, 3)
        for name in glob.glob(self.path("convtap.db*")):
            os.unlink(name)
        tap = self.start()
        tap.settled()
        self.ended(tap)
        self.assertIn("after", self.names())
        self.same()


if __name__ == "__main__":
    main()
