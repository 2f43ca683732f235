#!/usr/bin/env python3
"""A wall clock that is set back and forth while the tap runs, while it is down and where it is killed: what is stored live is what a
replay stores. Wants CLOCK_SHIFT_LIBRARY (tests/e2e/clock_shift.c); not under a sanitizer, which wants to be loaded first."""
import os
import sys

from drive import PROGRAM, SKIPPED, main
from tap import Tap
from tapped import Tapped

LIBRARY = os.environ.get("CLOCK_SHIFT_LIBRARY", "")
CONFIG = """idle: 20s
idle_person: 20s
serve:
  tick: 100ms
  state: 200ms
  tape: {segment: 64K}
  intake: {listen: "127.0.0.1:0"}
  desk: {listen: "127.0.0.1:0"}
sources:
  webchat: {format: convtap, channel: web}
"""


class Clock(Tapped):
    def shift(self, seconds):
        self.write("shift", str(seconds).encode())

    def begin(self):
        self.taps.append(Tap("--config", self.path("convtap.yaml"), env={"LD_PRELOAD": LIBRARY, "CLOCK_SHIFT": self.path("shift")}))
        return self.taps[-1]

    def say(self, tap, name, text, close=False):
        rows = [{"conversation_id": name, "user_id": "u", "role": "user", "text": text, "id": f"{name}-{text}"}]
        if close:
            rows.append({"conversation_id": name, "role": "system", "text": "", "id": f"{name}-{text}-end", "event": {"type": "close"}})
        tap.push("webchat", *rows)
        tap.settled()

    def test_set_back_and_forth(self):
        self.write("convtap.yaml", CONFIG.encode())
        tap = None
        for turn, (seconds, end) in enumerate([(0, "stop"), (3600, "stop"), (-3600, "kill"), (0, "kill"), (7200, "stop"), (30, "kill"), (-86400, "stop"), (7300, "stop")]):
            self.shift(seconds)
            tap = self.begin()
            self.say(tap, f"early{turn}", "hola", close=True)
            self.say(tap, f"stays{turn}", "sigo aquí")
            self.shift(seconds + 19)
            self.say(tap, f"stays{turn}", "todavía")
            self.shift(seconds - 40)
            self.say(tap, f"back{turn}", "otra vez", close=True)
            self.shift(seconds + 60)
            self.say(tap, f"late{turn}", "adiós", close=True)
            if end == "kill":
                tap.kill()
            else:
                self.assertEqual(tap.stop(), 0, tap.said())
            self.looked_at(tap)
        tap = self.begin()
        tap.settled()
        self.assertEqual(tap.stop(), 0)
        self.assertGreater(len(self.sql("convtap.db", "SELECT 1 FROM conversation")), 20)
        self.assert_live_is_replay()

    def test_set_back_while_nothing_is_open(self):
        """Conversations that are whole at once: a restart has nothing to read again, only the state file knows how late it was."""
        self.write("convtap.yaml", CONFIG.encode())
        for turn, seconds in enumerate([0, 3600, -3600, 60, 7200]):
            self.shift(seconds)
            tap = self.begin()
            tap.push("webchat", {"conversation_id": f"whole{turn}", "user_id": "u", "messages": [{"role": "user", "text": "hola"}, {"role": "bot", "text": "buenas"}]})
            tap.settled()
            self.assertEqual(tap.open(), 0)
            self.assertEqual(tap.stop(), 0, tap.said())
            self.looked_at(tap)
        self.assertEqual(len(self.sql("convtap.db", "SELECT 1 FROM conversation")), 5)
        self.assert_live_is_replay()


if __name__ == "__main__":
    with open(PROGRAM, "rb") as f:
        if not LIBRARY or b"__asan_init" in f.read():
            print("skipped: no library to shift the clock with, or a sanitizer's build")
            sys.exit(SKIPPED)
    main()
