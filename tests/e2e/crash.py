#!/usr/bin/env python3
"""kill -9 under load, again and again: no acknowledged message lost, none counted twice, the tape readable, and the state after the
restarts that of a run that nobody interrupted. ROUNDS=50 for the long form (make soak), SEED for another order of things."""
import json
import os
import random
import signal
import subprocess
import sys
import time

from drive import PROGRAM, main
from tapped import ENV, ROWS, Tapped
from traffic import SECRET, HookLane, HookSender, Lane, Place, PostSender, SocketSender, tape_frames

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SEED = int(os.environ.get("SEED", "1"))
IDLE = os.environ.get("IDLE", "90s")  # longer than any break that a sender can have in the middle of a conversation

CONFIG = """idle: %(idle)s
idle_person: %(idle)s
serve:
  tick: 100ms
%(state)s  tape: {segment: %(segment)s, compress: no}
  intake: {listen: "127.0.0.1:0"}
  desk: {listen: "127.0.0.1:0"}
sources:
  webchat: {format: convtap, channel: web}
  whatsapp: {format: whatsapp_cloud, channel: whatsapp}
%(spare)swebhooks:
  - {source: whatsapp, signature: whatsapp, secret_file: hook.secret, verify_token_env: HOOK_VERIFY}
"""


class Crash(Tapped):
    spares = 0

    def config(self, spares=0):
        """`spares`: sources that nothing comes from: a reload has something to take that changes no record."""
        secret = self.write("hook.secret", SECRET + b"\n")
        os.chmod(secret, 0o600)
        spare = "".join(f"  spare{n}: {{format: convtap}}\n" for n in range(spares))
        text = CONFIG % {"idle": IDLE, "segment": "64K", "spare": spare, "state": "  state: 200ms\n"}
        self.write("convtap.yaml.new", text.encode())
        os.replace(self.path("convtap.yaml.new"), self.path("convtap.yaml"))
        return self.path("convtap.yaml")

    def senders(self, place, **more):
        return [SocketSender(Lane(SEED, "gate-a"), place, "webchat", **more), SocketSender(Lane(SEED, "gate-b"), place, "webchat", **more),
                PostSender(Lane(SEED, "batch-a"), place, "webchat", **more), PostSender(Lane(SEED, "batch-b"), place, "webchat", **more),
                HookSender(HookLane(SEED, "hook"), place, "whatsapp", **more)]

    # ---- one round

    def kill_at_the_start(self, pick):
        """While it recovers, or just after."""
        process = subprocess.Popen([PROGRAM, "serve", "--config", self.path("convtap.yaml")], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **ENV})
        time.sleep(pick.random() * 0.3)
        process.kill()
        said = process.communicate()[1].decode("utf-8", "replace")
        self.assertNotRegex(said, r"AddressSanitizer|LeakSanitizer|runtime error:|error:", said[-3000:])

    def round(self, pick, how):
        if how == "start":
            self.kill_at_the_start(pick)
            return
        tap = self.start()
        self.place.set(tap.address("intake").split("//")[1])
        time.sleep(0.2 + pick.random() * 1.2)
        if how == "reload":
            self.spares += 1
            self.config(self.spares % 7)
            tap.hang_up()
            time.sleep(pick.random() * 0.08)
        elif how == "stop":  # killed while it stops
            tap.process.send_signal(signal.SIGTERM)
            time.sleep(pick.random() * 0.1)
        self.place.set(None)
        tap.kill()
        self.looked_at(tap)

    # ---- the end

    def finish(self, senders):
        tap = self.start()
        self.place.set(tap.address("intake").split("//")[1])
        for sender in senders:
            sender.lane.end()
        for sender in senders:
            sender.join(240)
            self.assertFalse(sender.is_alive(), f"{sender.lane.name}: {sender.acked} of {len(sender.lane.payloads)}")
            self.assertEqual(sender.problems, [])
            self.assertEqual(sender.acked, len(sender.lane.payloads))
        tap.settled()
        drops = {row["reason"]: row["count"] for row in tap.get("/api/v1/drops")["drops"]}
        self.assertEqual(tap.stop(), 0, tap.said())
        self.looked_at(tap)
        return drops

    def assert_on_the_tape_once(self, senders):
        """Each numbered payload of each lane stands on the tape once, in its place, as it was."""
        lanes = {s.lane.name: s.lane for s in senders}
        expected = dict.fromkeys(lanes, 1)
        for position, kind, _, sequence, names, payload in tape_frames(self.path("tape")):
            if kind == 1 and sequence:
                lane = lanes[names[2]]
                self.assertEqual(sequence, expected[names[2]], f"{names[2]} at {position}")
                self.assertEqual(payload, lane.payloads[sequence - 1], f"{names[2]} {sequence} at {position}")
                expected[names[2]] += 1
        for sender in senders:
            if not isinstance(sender, HookSender):
                self.assertEqual(expected[sender.lane.name], len(sender.lane.payloads) + 1)

    def assert_counted_once(self, senders):
        self.replay("--close", "--conversations", self.path("all.jsonl"), "--db", self.path("closed.db"), self.path("tape"))
        found = {}
        with open(self.path("all.jsonl"), encoding="utf-8") as f:
            for row in f:
                record = json.loads(row)
                counts = found.setdefault(record["conversation_id"], dict.fromkeys(("user", "bot", "agent"), 0))
                for role in counts:
                    counts[role] += record["counts"][role]
        expected = {name: {role: counts[role] for role in ("user", "bot", "agent")}
                    for s in senders for name, counts in s.lane.counts.items()}
        wrong = {name: (expected.get(name), found.get(name)) for name in {*expected, *found} if expected.get(name) != found.get(name)}
        self.assertEqual(wrong, {}, "expected, found")

    def calm(self, senders):
        """The same payloads into a tap that nobody interrupts: what comes of them, all taken as closed at the end."""
        folder = self.path("calm")
        os.makedirs(folder)
        place = Place()
        tap = self.start("--tape", os.path.join(folder, "tape"), "--store", os.path.join(folder, "convtap.db"))
        again = self.senders(place, pace=0.002)
        for sender, first in zip(again, senders):
            sender.lane.more(len(first.lane.payloads))
            sender.lane.payloads = first.lane.payloads  # and not one more
            sender.lane.ending, sender.lane.running = True, []
        place.set(tap.address("intake").split("//")[1])
        for sender in again:
            sender.start()
        for sender in again:
            sender.join(240)
            self.assertEqual((sender.problems, sender.breaks, sender.acked), ([], 0, len(sender.lane.payloads)))
        tap.settled()
        self.assertEqual(tap.stop(), 0)
        self.replay("--close", "--db", os.path.join(folder, "closed.db"), os.path.join(folder, "tape"))
        self.assert_same_dumps("closed.db", "calm/closed.db")
        # live, too: of what both had closed by then
        closed = "SELECT conversation_id, session, started_at, content_hash, json FROM conversation"
        killed, whole = (dict((row[:3], row[3:]) for row in self.sql(name, closed)) for name in ("convtap.db", "calm/convtap.db"))
        both = killed.keys() & whole.keys()
        self.assertGreater(len(both), len(killed) // 4)
        ended = {name for s in senders for name, counts in s.lane.counts.items() if counts["system"] == 1}
        self.assertEqual({k for k in both if k[0] in ended and killed[k] != whole[k] and self.last_is_close(k[0], senders)}, set())

    def last_is_close(self, name, senders):
        """Nothing came of it after its close, so that its record is the same whenever one looks."""
        for sender in senders:
            rows = [json.loads(p) for p in sender.lane.payloads if f'"{name}"'.encode() in p] if name.startswith(sender.lane.name) else []
            if rows:
                return "event" in rows[-1]
        return False

    def test_killed_again_and_again(self):
        self.config()
        pick = random.Random(SEED)
        self.place = Place()
        senders = self.senders(self.place)
        for sender in senders:
            sender.start()
        began = time.monotonic()
        for number in range(ROUNDS):
            how = ("load", "reload", "start", "stop", "load")[number % 5] if ROUNDS < 10 else pick.choice(["load"] * 3 + ["reload", "start", "stop"])
            self.round(pick, how)
            if ROUNDS >= 10:
                print(f"round {number + 1}: {how}, {sum(s.acked for s in senders)} acknowledged", file=sys.stderr, flush=True)
            for sender in senders:
                self.assertEqual(sender.problems, [])
        drops = self.finish(senders)
        acked, breaks = sum(s.acked for s in senders), sum(s.breaks for s in senders)
        self.assertGreater(acked, 20 * ROUNDS)
        self.assertGreater(breaks, ROUNDS // 2)
        self.assertEqual({"wrong_type", "tape_damaged", "conversation_too_long"} & set(drops), set())
        self.assert_on_the_tape_once(senders)
        self.assert_counted_once(senders)
        self.assert_live_is_replay()
        self.assert_nothing_left_to_do()
        self.calm(senders)
        print(f"{ROUNDS} kills in {time.monotonic() - began:.0f} s: {acked} payloads acknowledged, {breaks} broken connections, "
              f"{len(self.sql('closed.db', ROWS))} conversations", file=sys.stderr)


if __name__ == "__main__":
    main()
