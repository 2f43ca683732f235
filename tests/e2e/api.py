#!/usr/bin/env python3
"""The desk of a running tap: every answer as docs/openapi.json describes it, figures as an audit has them, the live feed."""
import http.client
import json
import os
import re
import sys
import time
import urllib.parse

from drive import PROGRAM, ROOT, SKIPPED, Case, convtap, main
from openapi_check import load
from tap import Tap, eventually
from websocket import Closed, Refused, WebSocket

CONFIG = """idle: 30m
serve:
  tick: 100ms
  intake: {listen: "127.0.0.1:0"}
  desk: {listen: "127.0.0.1:0"}
sources:
  chat: {format: convtap}
"""
CHANNELS = ("web", "whatsapp")


def conversation(number, last="No, gracias", user=None, day=1):
    """A whole conversation as one line; its times are in March 2026."""
    stamp = f"2026-03-{day:02d}T10:{number % 60:02d}:"
    return {"conversation_id": f"c{number}", "user_id": user or f"u{number}", "channel": CHANNELS[number % 2], "messages": [
        {"role": "user", "text": "Hola, ¿dónde está mi pedido 4471?", "ts": stamp + "00Z"},
        {"role": "bot", "text": "Tu pedido 4471 llega mañana. ¿Te ayudo con algo más?", "ts": stamp + "04Z"},
        {"role": "user", "text": last, "ts": stamp + "20Z"}]}


class Api(Case):
    @classmethod
    def setUpClass(cls):
        cls.checker = load(os.path.join(ROOT, "docs", "openapi.json"))

    def setUp(self):
        super().setUp()
        self.tap = None
        self.addCleanup(lambda: self.tap and self.tap.kill())

    def start(self, extra="", tokens=None):
        config = CONFIG + extra
        if tokens:
            path = self.write("tokens", tokens)
            os.chmod(path, 0o600)
            config = config.replace("  tick:", "  tokens: tokens\n  tick:")
        self.tap = Tap("--config", self.write("convtap.yaml", config.encode()), folder=self.folder)
        return self.tap

    def ask(self, path, method="GET", headers=None, status=200, body=None):
        """An answer that fits the description; JSON parsed."""
        where = urllib.parse.urlsplit(self.tap.address("desk"))
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            text = answer.read().decode("utf-8")
        finally:
            connection.close()
        self.assertEqual(answer.status, status, f"{method} {path}: {text[:500]}")
        if method != "HEAD":
            found = self.checker.answer({"method": method, "path": urllib.parse.unquote(path), "status": answer.status,
                                         "type": answer.headers.get("Content-Type", ""), "body": text})
            self.assertEqual(found, [], text[:2000])
        self.headers = answer.headers
        return json.loads(text) if text and answer.headers.get("Content-Type", "") == "application/json" else text

    def refused(self, path, status, code, method="GET", headers=None):
        self.assertEqual(self.ask(path, method, headers, status)["error"]["code"], code)

    def push(self, *conversations):
        body = "".join(json.dumps(c, ensure_ascii=False) + "\n" for c in conversations).encode("utf-8")
        status, answer = self.tap.ask("intake", "/ingest/chat", body, {"Content-Type": "application/x-ndjson"})
        self.assertEqual(status, 200, answer)
        return body

    def stored(self, count):
        eventually(lambda: self.ask("/api/v1/kpis?window=today")["totals"]["conversations"] == count, f"{count} conversations")
        eventually(lambda: len(self.ask("/api/v1/conversations?limit=1000")["conversations"]) == count, f"{count} stored")

    def feed(self, query="", token=None):
        address = urllib.parse.urlsplit(self.tap.address("desk")).netloc
        socket = WebSocket(address, "/?" + query if query else "/", ("convtap.feed.v1",), token=token, timeout=30)
        self.addCleanup(socket.sock.close)
        return socket

    def told(self, socket, until, patience=30):
        """The feed's messages up to the one that `until` is true of; each fits the description."""
        messages, end = [], time.monotonic() + patience
        while time.monotonic() < end:
            messages.append(json.loads(socket.receive()))
            self.assertEqual(self.checker.message("feed_message", messages[-1]), [])
            if until(messages[-1]):
                return messages
        raise AssertionError(f"not told: {[m['type'] for m in messages][-20:]}")

    # ---- every route

    def test_every_route_answers_as_described(self):
        self.start()
        self.push(*[conversation(n) for n in range(8)])
        self.stored(8)
        document = self.ask("/api/v1/openapi.json")
        self.assertEqual(document, self.checker.document)
        asked = {"/api/v1/conversations/{id}": "/api/v1/conversations/c3", "/dashboard/{file}": "/dashboard/main.js"}
        for path, item in document["paths"].items():
            for method in item:
                self.ask(asked.get(path, path), method.upper(), headers={"Content-Length": "0"} if method == "post" else None)
        for path in ("/api/v1/kpis?window=5m&by=channel", "/api/v1/kpis?window=1h&id=aht&lang=en", "/api/v1/kpis?by=channel",
                     "/api/v1/kpis?from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z&by=weekday", "/api/v1/conversations?channel=web"):
            self.ask(path)
        self.assertIn("openmetrics", (self.ask("/metrics", headers={"Accept": "application/openmetrics-text"}), self.headers["Content-Type"])[1])
        self.refused("/api/v1/kpis?windw=5m", 400, "unknown_parameter")
        self.refused("/api/v1/conversations/nobody", 404, "not_found")
        self.refused("/nowhere", 404, "not_found")
        self.ask("/api/v1/kpis", "POST", {"Content-Length": "0"}, 405)
        self.assertEqual(self.tap.stop(), 0)

    def test_no_text_is_served(self):
        self.start()
        self.push(conversation(1, "gracias palabrasecreta"))
        self.stored(1)
        for path in ("/api/v1/conversations/c1", "/api/v1/conversations", "/api/v1/kpis?window=5m", "/api/v1/status", "/metrics"):
            self.assertNotIn("palabrasecreta", json.dumps(self.ask(path)))

    def test_known_answers_are_not_sent_again(self):
        self.start()
        self.push(conversation(1))
        self.stored(1)

        def unchanged():  # the window may move on between two questions
            self.ask("/api/v1/kpis?window=today")
            known = {"If-None-Match": self.headers["ETag"]}
            status, body = self.tap.ask("desk", "/api/v1/kpis?window=today", headers=known)
            return status == 304 and body == b"" and known
        known = eventually(unchanged, "304")
        self.push(conversation(2))
        self.stored(2)
        self.ask("/api/v1/kpis?window=today", headers=known, status=200)

    def test_every_drop_is_said_in_words(self):
        """Whatever the program counts by name stands in the catalogue that reports and /api/v1/drops take their words from."""
        counted = set()
        for room in ("engine", "parsers", "metrics", "sinks", "cli", "plugin"):
            for folder, _, names in os.walk(os.path.join(ROOT, room)):
                for name in names:
                    if name.endswith(".c"):
                        with open(os.path.join(folder, name), encoding="utf-8") as f:
                            calls = re.findall(r"\b(?:\w*drop\w*|\w*_count_reason)\([^;{]*;", re.sub(r"strcmp\([^()]*\)", "", f.read()))
                        counted.update(word for call in calls for word in re.findall(r'"([a-z][a-z0-9]*(?:_[a-z0-9]+)+)"', call))
        with open(os.path.join(ROOT, "engine", "drop.def"), encoding="utf-8") as f:
            words = re.findall(r"^CT_DROP\((\w+),", f.read(), re.M)
        self.assertEqual(words, sorted(words))
        self.assertGreater(len(counted), 40)
        self.assertEqual(sorted(counted - set(words)), [])

    # ---- the same figures

    def test_a_range_is_what_an_audit_says(self):
        """All conversations of a file, pushed: the range over the store has the audit's figures, to the digit."""
        self.start()
        users = ("ana", "luis", "eva")
        lasts = ("No, gracias", "eso no funciona", "quiero hablar con una persona", "gracias")
        talks = [conversation(n, lasts[n % 4], users[n % 3] if n % 2 else None, 1 + n % 28) for n in range(60)]
        body = self.push(*talks)
        self.stored(60)
        done = convtap("audit", "--json", "--group-by", "channel", "--from", "2026-01-01", "--to", "2027-01-01", self.write("talks.jsonl", body))
        self.survived(done)
        audit = done.json()
        ours = self.ask("/api/v1/kpis?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z&by=channel")
        for member in ("rules_hash", "period", "totals", "kpis", "outcomes", "group_by", "slices"):
            self.assertEqual(ours[member], audit[member], member)
        self.assertGreater(next(k["denominator"] for k in ours["kpis"] if k["id"] == "fcr"), 0)

    def test_a_profile_is_what_an_audit_says(self):
        """?profile= on a range has the figures of audit --profile; a window those of its conversations alone."""
        self.start()
        lasts = ("No, gracias", "eso no funciona", "quiero hablar con una persona", "")
        body = self.push(*[conversation(n, lasts[n % 4], "ana" if n % 2 else None, 1 + n % 28) for n in range(40)])
        self.stored(40)
        path = self.write("talks.jsonl", body)
        span = "from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z"
        for profile in ("zendesk", "intercom", "sqm"):
            done = convtap("audit", "--json", "--profile", profile, "--from", "2026-01-01", "--to", "2027-01-01", path)
            self.survived(done)
            ours = self.ask(f"/api/v1/kpis?profile={profile}&{span}")
            self.assertEqual(ours["profile"], profile)
            self.assertEqual(ours["kpis"], done.json()["kpis"])
            self.assertTrue([k for k in ours["kpis"] if k.get("definition", {}).get("profile") == profile])
        window = {k["id"]: k for k in self.ask("/api/v1/kpis?window=today&profile=copilot-studio&id=automation_rate,csat,aht")["kpis"]}
        self.assertEqual(set(window), {"automation_rate", "csat", "aht"})
        self.assertEqual((window["automation_rate"]["definition"]["profile"], window["automation_rate"]["denominator"]), ("copilot-studio", 40))
        self.assertNotIn("definition", window["aht"])
        young = self.ask("/api/v1/kpis?window=today&profile=zendesk&id=automation_rate")["kpis"][0]
        self.assertEqual((young["value"], young["reason"]), (None, "needs_customers"))  # 72 hours are not over, or not known to be
        self.assertNotIn("definition", self.ask("/api/v1/kpis?window=today&id=automation_rate")["kpis"][0])
        self.refused("/api/v1/kpis?profile=nobody", 400, "bad_parameter")

    # ---- lists

    def test_pages_hold_still_while_conversations_come(self):
        self.start()
        self.push(*[conversation(n) for n in range(50)])
        self.stored(50)
        seen, cursor, more = [], "", 50
        while cursor is not None:
            page = self.ask("/api/v1/conversations?limit=7" + (f"&cursor={cursor}" if cursor else ""))
            seen += [c["conversation_id"] for c in page["conversations"]]
            cursor = page["next"]
            self.push(conversation(more))
            more += 1
            self.stored(more)
        self.assertEqual(sorted(seen), sorted(f"c{n}" for n in range(50)))

    # ---- who may what

    def test_scopes(self):
        self.start(tokens=b"gateway ingest 0123456789abcdef-in\nboard read 0123456789abcdef-out\nchief admin 0123456789abcdef-top\n")
        read, admin = ({"Authorization": "Bearer 0123456789abcdef-" + name} for name in ("out", "top"))
        ingest = {"Authorization": "Bearer 0123456789abcdef-in"}
        self.ask("/api/v1/health")
        for path, item in self.checker.document["paths"].items():
            path = path.replace("{id}", "c1")
            method = next(iter(item)).upper()
            if item[method.lower()]["security"]:  # health and the dashboard's files are open to all
                empty = {"Content-Length": "0"} if method == "POST" else {}
                self.ask(path, method, empty, 401)
                self.ask(path, method, {**ingest, **empty}, 403)
        self.ask("/api/v1/status", headers=read)
        self.ask("/api/v1/reload", "POST", {**read, "Content-Length": "0"}, 403)
        self.ask("/api/v1/reload", "POST", {**admin, "Content-Length": "0"}, 200)
        for token in (None, "0123456789abcdef-in"):
            with self.assertRaises(Refused):
                self.feed(token=token)
        self.assertEqual(json.loads(self.feed("window=1m", "0123456789abcdef-out").receive())["type"], "hello")

    # ---- the live feed

    def test_the_feed_tells_what_happens(self):
        self.start()
        feed = self.feed("window=5m&every=50")
        hello = self.told(feed, lambda m: m["type"] == "hello")
        self.assertEqual(len(hello), 1)
        self.assertEqual(hello[0]["windows"][0]["totals"]["conversations"], 0)
        self.push(*[conversation(n) for n in range(30)])
        messages = self.told(feed, lambda m: m["type"] == "kpis" and m["totals"]["conversations"] == 30)
        ids = [m["conversation"]["conversation_id"] for m in messages if m["type"] == "conversation"]
        self.assertEqual(ids, [f"c{n}" for n in range(30)])
        known = {k["id"]: k for k in hello[0]["windows"][0]["kpis"]}
        for message in messages:
            known.update({k["id"]: k for k in message.get("kpis", ())})
        self.assertEqual([known[k["id"]] for k in self.ask("/api/v1/kpis?window=5m")["kpis"]],
                         self.ask("/api/v1/kpis?window=5m")["kpis"])
        feed.send("{}")
        with self.assertRaises(Closed) as closed:
            while True:
                feed.receive()
        self.assertEqual(closed.exception.code, 1008)

    def test_the_feed_goes_on_where_it_was(self):
        self.start()
        feed = self.feed("window=1m")
        self.told(feed, lambda m: m["type"] == "hello")
        self.push(*[conversation(n) for n in range(20)])
        cursor = self.told(feed, lambda m: m["type"] == "mark")[-1]["cursor"]
        feed.sock.close()
        time.sleep(0.01)  # what is closed from here on is later than the cursor
        self.push(*[conversation(n) for n in range(20, 420)])
        self.stored(420)
        feed = self.feed("window=1m&after=" + cursor)
        told = self.told(feed, lambda m: m.get("conversation", {}).get("conversation_id") == "c419")
        self.push(conversation(420))
        told += self.told(feed, lambda m: m.get("conversation", {}).get("conversation_id") == "c420")
        ids = [m["conversation"]["conversation_id"] for m in told if m["type"] == "conversation"]
        self.assertEqual(set(ids) - {f"c{n}" for n in range(20)}, {f"c{n}" for n in range(20, 421)})
        self.assertNotIn("gap", [m["type"] for m in told])

    def test_bad_questions_to_the_feed_are_closed(self):
        self.start()
        for query in ("window=2m", "every=1", "x=1", "after=abc"):
            with self.assertRaises(Closed) as closed:
                feed = self.feed(query)
                feed.receive()
            self.assertEqual(closed.exception.code, 1008, query)

    def test_a_stop_closes_the_feed(self):
        self.start()
        feed = self.feed()
        feed.receive()
        self.assertEqual(self.tap.stop(), 0)
        with self.assertRaises(Closed) as closed:
            while True:
                feed.receive()
        self.assertEqual(closed.exception.code, 1001)


if __name__ == "__main__":
    if PROGRAM and convtap("serve", "--help").status != 0:
        print("this program has no serve")
        sys.exit(SKIPPED)
    main()
