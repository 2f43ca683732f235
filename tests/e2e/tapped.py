"""A case with live taps of its own, and what can be said of a tap's store and tape at the end. Standard library only."""
import os
import sqlite3

from drive import Case, convtap
from tap import Tap

ENV = {"HOOK_VERIFY": "a-verify-token"}
ROWS = ("SELECT conversation_id, tenant, session, started_at, revision, final, first_published_at, published_at, first_position, "
        "last_position, content_hash FROM conversation ORDER BY 1, 2, 3, 4")
SUMS = "SELECT measure, hour, channel, value FROM sum_hour ORDER BY 1, 2, 3"
GONE = "SELECT conversation_id, tenant, session, started_at, revision, first_published_at, withdrawn_at FROM withdrawn ORDER BY 1, 2, 3, 4"


class Tapped(Case):
    def setUp(self):
        super().setUp()
        self.taps, self.place = [], None
        self.addCleanup(self.end_all)

    def end_all(self):
        if self.place:
            self.place.stop()
        for tap in self.taps:
            if tap.process.poll() is None:
                tap.process.kill()
                tap.process.wait()

    def start(self, *args):
        self.taps.append(Tap("--config", self.path("convtap.yaml"), *args, env=ENV))
        return self.taps[-1]

    def looked_at(self, tap):
        for word in ["tape_damaged", "tape_removed", "judging_interrupted", "state_refused", "state_not_written", "store_behind"]:
            self.assertNotIn(word, tap.said())

    def db(self, what, name):
        done = convtap("db", what, self.path(name))
        self.survived(done)
        self.assertEqual(done.status, 0, done.err + done.out.decode()[-2000:])
        return done.out

    def sql(self, name, query):
        with sqlite3.connect(self.path(name)) as db:
            return db.execute(query).fetchall()

    def replay(self, *args):
        done = convtap("replay", "--quiet", *args)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        return done

    def assert_same_rows(self, one, other):
        for a, b in zip(one, other):
            only = set(a) ^ set(b)
            self.assertEqual(sorted(only, key=str)[:6], [], f"{len(only)} rows differ")

    def assert_same_dumps(self, one, other):
        a, b = self.db("dump", one), self.db("dump", other)
        if a != b:
            only = set(a.splitlines()) ^ set(b.splitlines())
            self.fail(f"{one} and {other} differ in {len(only)} lines: {sorted(only)[:4]}")

    def assert_live_is_replay(self):
        if os.path.exists(self.path("replay.db")):
            os.unlink(self.path("replay.db"))
        self.assertEqual(self.db("check", "convtap.db"), b"sound\n")
        self.replay("--db", self.path("replay.db"), self.path("tape"))
        self.assert_same_dumps("convtap.db", "replay.db")
        self.assert_same_rows(*([self.sql(name, query) for query in (ROWS, SUMS, GONE)] for name in ("convtap.db", "replay.db")))

    def assert_nothing_left_to_do(self):
        before = [self.sql("convtap.db", query) for query in (ROWS, SUMS, GONE)]
        tap = self.start()
        tap.settled()
        self.assertEqual(tap.stop(), 0, tap.said())
        self.assert_same_rows([self.sql("convtap.db", query) for query in (ROWS, SUMS, GONE)], before)
