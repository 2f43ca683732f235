#!/usr/bin/env python3
"""A reload changes all that can change while the tap runs, at once and whole: terms, targets, monthly fees, alarms, tokens, sources; what
is wrong with a file changes nothing, and nothing that was seen is lost."""
import json
import os
import threading
import time

from alarms import Receiver, SECRET
from drive import main
from serve import SOLVED, talk
from tap import Tap, eventually
from tapped import Tapped
from websocket import Closed, Refused, WebSocket

BASE = """idle: 1s
rules: ~
cost_model: cost.yaml
alarm_webhook: %(url)s
alarm_secret_env: ALARM_SECRET
serve:
  tick: 100ms
  alarm_every: %(every)s
  tokens: %(tokens)s
  intake: {listen: "127.0.0.1:%(port)s"}
  desk: {listen: "127.0.0.1:0"}
sources: {%(sources)s}
%(more)s"""
COST = """currency: EUR
fixed:
  monthly:
    - {name: platform, amount: "%s", from: 2020-01}
"""
BOSS, READER, OTHER = "boss-0123456789abcdef", "reader-0123456789abcdef", "other-0123456789abcdef"


def bearer(token):
    return {"Authorization": "Bearer " + token}


class Reload(Tapped):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.headers = {}

    def put(self, fee="100", every="100ms", tokens="~", port=0, sources="webchat: {channel: web}", more="default_alarms: no\n", url=None):
        self.write("cost.yaml", (COST % fee).encode())
        text = BASE % {"every": every, "tokens": tokens, "port": port, "sources": sources, "more": more, "url": url or self.receiver.url}
        return self.write("convtap.yaml", text.encode())

    def begin(self, **how):
        self.tap = Tap("--config", self.put(**how), env={"ALARM_SECRET": SECRET}, folder=self.folder)
        self.taps.append(self.tap)

    def reload(self, refused=None):
        """By the signal; waits for its line, and gives it."""
        what = "event=reload_refused" if refused else "event=reloaded changed="
        said = lambda: [row for row in self.tap.lines if what in row]  # noqa: E731
        before = len(said())
        self.tap.hang_up()
        found = eventually(lambda: said()[before:], what)
        if refused:
            self.assertRegex(self.tap.said(), refused)
        return found[-1]

    def ask(self, path):
        return self.tap.get(path, headers=self.headers)

    def kpis(self, question):
        return {k["id"]: k for k in self.ask("/api/v1/kpis?" + question)["kpis"]}

    def today(self):
        now = time.time()
        stamp = lambda at: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))  # noqa: E731
        return f"from={stamp(now - 3600)}&to={stamp(now + 3600)}"

    def settle(self, count):
        eventually(lambda: self.ask("/api/v1/kpis?window=1h")["totals"]["conversations"] == count, f"{count} conversations")

    # ---- figures

    def test_terms_targets_and_fees(self):
        self.begin()
        self.tap.push("webchat", *talk("one", *SOLVED, user="ana", close=True))
        self.settle(1)
        time.sleep(2.5)
        self.tap.push("webchat", *talk("two", *SOLVED, user="ana", close=True))
        self.settle(2)
        question = self.today()
        eventually(lambda: self.ask("/api/v1/kpis?" + question)["totals"]["conversations"] == 2, "both in the store")
        before = self.kpis(question)
        window = self.ask("/api/v1/kpis?window=1h")
        for kpis in (before, {k["id"]: k for k in window["kpis"]}):
            self.assertNotIn("target", kpis["automation_rate"])
        setup = self.ask("/api/v1/status")["setup_hash"]
        self.put(fee="100", more="default_alarms: no\nreturn_window: 1s\ntargets: {automation_rate: '>= 12.5'}\n")
        self.assertIn("changed=yes", self.reload())
        after, live = self.kpis(question), {k["id"]: k for k in self.ask("/api/v1/kpis?window=1h")["kpis"]}
        for figure in (after["automation_rate"], live["automation_rate"]):
            self.assertEqual(figure["target"], [">=", 12.5])
        # who is back within the window is known once it has passed: of a week nothing yet, of a second that nobody was
        self.assertEqual([(k["fcr"]["numerator"], k["fcr"]["denominator"]) for k in (before, after)], [(0, 0), (1, 1)])
        self.assertEqual(self.ask("/api/v1/status")["setup_hash"], setup)  # colours figures: not on the tape
        # the month's fee: is shared out by ranges, and is part of the prices on the tape
        cost = self.kpis(question)["cost_per_interaction"]
        self.put(fee="900", more="default_alarms: no\nreturn_window: 1s\ntargets: {automation_rate: '>= 12.5'}\n")
        self.assertIn("changed=yes", self.reload())
        dearer = self.kpis(question)["cost_per_interaction"]
        self.assertEqual(round(dearer["value"] / cost["value"]), 9, (cost, dearer))
        self.assertIn("changed=no", self.reload())
        self.assertNotIn("restart_needed", self.tap.said())
        self.assertEqual(self.tap.stop(), 0)
        self.assert_live_is_replay()

    # ---- what is wrong changes nothing

    def test_a_bad_file_changes_nothing(self):
        good = "default_alarms: no\ntargets: {csat: '>= 77'}\n"
        self.begin(more=good)
        state = lambda: (self.ask("/api/v1/status")["setup_hash"], self.kpis("window=1h")["csat"].get("target"))  # noqa: E731
        before = eventually(lambda: state()[0] and state(), "the first setup")
        tokens = self.write("tokens", f"boss admin {BOSS}\nboss2 admin short\n".encode())
        os.chmod(tokens, 0o600)
        bad = [(dict(more="targets: {csat: '>= 5', nonsense: '>= 1'}\n"), r"convtap\.yaml:\d+:\d+: .*nonsense"),
               (dict(more="targets: {csat: '>= 5'}\nalarms: {a: {when: cast < 70}}\n"), r'convtap\.yaml:\d+:\d+: .*there is no KPI \\?.cast'),
               (dict(fee="-1", more="targets: {csat: '>= 5'}\n"), r"cost\.yaml:\d+:\d+: "),
               (dict(tokens="tokens", more="targets: {csat: '>= 5'}\n"), r"tokens: \S*tokens:2: token of boss2: 16 to 512 .* makes one"),
               (dict(url="https://", more="targets: {csat: '>= 5'}\n"), r"convtap\.yaml:\d+:\d+: .*alarm_webhook: "),
               (dict(more="targets: {csat: '>= 5'}\nreturn_window: never\n"), r"convtap\.yaml:\d+:\d+: .*return_window"),
               (dict(sources="webchat: {format: nothing}", more="targets: {csat: '>= 5'}\n"), r"convtap\.yaml:\d+:\d+: ")]
        for n, (how, said) in enumerate(bad):
            self.put(**how)
            self.assertRegex(self.reload(refused=said), r"level=error .*kept=" + before[0][:16])
            self.assertEqual(state(), before, how)
            status, body = self.tap.ask("desk", "/api/v1/reload", b"")
            self.assertGreaterEqual(status, 400, body)
            page = self.tap.ask("desk", "/metrics")[1].decode()
            self.assertIn(f"convtap_reloads_refused_total {2 * n + 2}\n", page)
        self.assertNotIn("short", self.tap.said())
        self.assertEqual(self.tap.ask("intake", "/ingest/other", b"{}\n")[0], 404)
        # good again, with a source more, and what only a restart can change said by name
        self.put(more="default_alarms: no\ntargets: {csat: '>= 5'}\nzone: '+01:00'\n", port=1, sources="webchat: {channel: web}, other: {channel: app}")
        self.reload()
        self.assertEqual(sorted(row.split(" key=")[1].split(" ")[0] for row in self.tap.lines if "restart_needed" in row), ["serve.intake.listen", "zone"])
        self.assertEqual(state()[1], [">=", 5.0])
        self.tap.push("other", *talk("elsewhere", *SOLVED, close=True))
        self.settle(1)
        self.assertEqual(self.tap.stop(), 0)
        rows = [json.loads(row) for row in self.db("dump", "convtap.db").splitlines()]
        self.assertEqual([r["record"]["channel"] for r in rows if r.get("record", {}).get("conversation_id") == "elsewhere"], ["app"])
        self.assert_live_is_replay()

    # ---- alarms

    def standing(self):
        return {a["name"]: a for a in self.ask("/api/v1/alarms")["current"] if a["state"] == "raised"}

    def test_alarms(self):
        alarms = "default_alarms: no\nalarms:\n  busy: {when: automation_rate >= 0, window: 1h, at_least: 1, severity: %s, action: {en: '%s'}}\n"
        gone = "  gone: {when: automation_rate >= 0, window: 1h, at_least: 1, action: {en: 'Words of the one that goes.'}}\n"
        self.begin(more=alarms % ("info", "First words.") + gone)
        self.tap.push("webchat", *talk("one", *SOLVED, close=True))
        eventually(lambda: len(self.standing()) == 2, "both alarms")
        eventually(lambda: len(self.receiver.messages()) == 2, "their messages")
        first = self.standing()["busy"]
        # one stays, with other words, one goes, one comes; and another receiver takes what there is to tell from now on
        second = Receiver()
        self.addCleanup(second.close)
        new = "  fresh: {when: automation_rate >= 1, window: 5m, at_least: 1, by: channel}\n"
        self.put(more=alarms % ("critical", "Second words.") + new, every="1h", url=second.url)
        self.reload()
        eventually(lambda: sorted(self.standing()) == ["busy", "fresh"], "the one that came, at once")
        after = self.standing()["busy"]
        self.assertEqual((after["raised_at"], after["severity"], after["action"]["en"]), (first["raised_at"], "critical", "Second words."))
        self.assertEqual(self.tap.said().count("event=alarm name=busy state=raised"), 1)
        past = {a["name"]: a for a in self.ask("/api/v1/alarms")["past"]}
        self.assertEqual({name: a["cleared_by"] for name, a in past.items()}, {"gone": "removed"})
        eventually(lambda: len(second.messages()) == 2, "what changed, at the other receiver")
        told = {m["data"]["alarm"]["name"]: m for m in second.messages()}
        self.assertEqual({name: m["type"] for name, m in told.items()}, {"gone": "alarm.cleared", "fresh": "alarm.raised"})
        self.assertEqual(told["gone"]["data"]["alarm"]["action"]["en"], "Words of the one that goes.")
        self.assertEqual(len(self.receiver.messages()), 2)
        # without a receiver what is to be told waits; with one again it goes out
        with open(self.put(more="default_alarms: no\n", every="1h"), encoding="utf-8") as f:
            text = f.read()
        self.write("convtap.yaml", text.replace("alarm_webhook: " + self.receiver.url, "alarm_webhook: ~").replace("alarm_secret_env: ALARM_SECRET\n", "").encode())
        self.reload()
        eventually(lambda: not self.standing(), "the end of all")
        self.assertEqual(self.ask("/api/v1/alarms")["delivery"]["webhook"], False)
        self.assertEqual(sorted(a["cleared_by"] for a in self.ask("/api/v1/alarms")["past"]), ["removed"] * 3)
        self.assertEqual(self.tap.stop(), 0)

    def test_a_receiver_that_is_trusted_after_a_reload(self):
        """What could not be delivered goes out at once when the way is mended, not after the wait that had grown."""
        import alarms
        own, key, authority = alarms.Alarms.certificate(self, "authority", "DNS:localhost")
        secure = Receiver(tls=(own, key))
        self.addCleanup(secure.close)
        busy = "default_alarms: no\nalarms:\n  busy: {when: automation_rate >= 0, window: 1h, at_least: 1}\n"
        self.begin(more=busy, url=secure.url)
        self.tap.push("webchat", *talk("one", *SOLVED, close=True))
        eventually(lambda: self.tap.said().count("reason=forward_untrusted") >= 2, "two attempts")
        self.assertEqual(secure.requests, [])
        self.put(more=busy + f"alarm_authorities: {authority}\n", url=secure.url)
        self.reload()
        eventually(lambda: secure.messages(), "the message", patience=20)
        time.sleep(0.5)
        self.assertEqual([m["type"] for m in secure.messages()], ["alarm.raised"])
        self.assertEqual(self.tap.stop(), 0)

    # ---- tokens

    def feed(self, token=None):
        feed = WebSocket(self.tap.address("desk").split("//")[1], protocols=("convtap.feed.v1",), path="/?window=1m", token=token)
        self.addCleanup(feed.sock.close)
        return feed

    def closed(self, feed):
        with self.assertRaises(Closed) as closed:
            while True:
                feed.receive()
        return closed.exception.code

    def tokens(self, *rows):
        os.chmod(self.write("tokens", "".join(row + "\n" for row in rows).encode()), 0o600)

    def test_tokens(self):
        self.begin()
        nobody = self.feed()
        self.assertEqual(json.loads(nobody.receive())["type"], "hello")
        self.tokens(f"boss admin {BOSS}", f"reader read {READER}")
        self.put(tokens="tokens")
        self.headers = bearer(READER)
        self.reload()
        self.assertEqual(self.closed(nobody), 1008)  # it came without one
        self.assertEqual(self.tap.ask("desk", "/api/v1/status")[0], 401)
        self.assertEqual(self.tap.ask("desk", "/api/v1/status", headers=bearer(OTHER))[0], 401)
        self.assertEqual(self.tap.ask("intake", "/ingest/webchat", b"{}\n", bearer(READER))[0], 403)
        reader, boss = self.feed(READER), self.feed(BOSS)
        for feed in (reader, boss):
            self.assertEqual(json.loads(feed.receive())["type"], "hello")
        # one goes, one stays, one comes; the file alone is other
        self.tokens(f"boss admin {BOSS}", f"other read,ingest {OTHER}")
        self.headers = bearer(OTHER)
        self.assertEqual(self.tap.ask("desk", "/api/v1/reload", b"", bearer(OTHER))[0], 401)
        self.assertEqual(self.tap.ask("desk", "/api/v1/reload", b"", bearer(BOSS))[0], 200)
        self.assertEqual(self.closed(reader), 1008)
        self.tap.push("webchat", *talk("one", *SOLVED, close=True), headers=bearer(OTHER))
        while json.loads(boss.receive())["type"] != "conversation":
            pass
        self.assertIn("gate_token_withdrawn", json.dumps(self.ask("/api/v1/drops")))
        with self.assertRaises(Refused):
            self.feed(READER)
        # a file that others may read: refused, and those that are let in are the same
        os.chmod(self.path("tokens"), 0o644)
        self.reload(refused=r"chmod 600")
        self.assertEqual(len(self.ask("/api/v1/kpis?window=1h")["kpis"]) > 0, True)
        # none any more: open again, as at first
        self.put()
        self.headers = {}
        self.reload()
        self.settle(1)
        boss.send("what nobody says here")
        self.assertIn(self.closed(boss), (1002, 1003, 1008))
        self.assertNotIn(READER, self.tap.said())
        self.assertEqual(self.tap.stop(), 0)

    # ---- while messages come

    def test_nothing_is_lost_meanwhile(self):
        self.begin()
        stop, pushed, refused = threading.Event(), [], []

        def push():
            while not stop.is_set() and not refused:
                name = f"c{len(pushed)}"
                try:
                    self.tap.push("webchat", *talk(name, *SOLVED, close=True), headers=bearer(BOSS))
                    pushed.append(name)
                except (AssertionError, OSError) as no:
                    refused.append((name, repr(no)))

        self.tokens(f"boss admin {BOSS}")
        pushing = threading.Thread(target=push)
        pushing.start()
        self.headers = bearer(BOSS)
        for n in range(12):
            alarm = f"alarms:\n  n{n % 3}: {{when: automation_rate >= 0, window: 1h, at_least: 1, action: {{en: 'Number {n}.'}}}}\n"
            self.put(fee=str(n), tokens="tokens" if n % 2 else "~", more="default_alarms: no\n" + alarm + f"return_window: {n + 1}d\n")
            self.assertIn("changed=yes", self.reload())
            self.kpis(self.today() + "&id=cost_per_interaction")
            self.ask("/api/v1/alarms")
        stop.set()
        pushing.join()
        self.assertEqual(refused, [])
        self.settle(len(pushed))
        self.assertEqual(self.tap.stop(), 0)
        self.assertEqual(sorted(r[0] for r in self.sql("convtap.db", "SELECT conversation_id FROM conversation")), sorted(pushed))
        self.assert_live_is_replay()


if __name__ == "__main__":
    main()
