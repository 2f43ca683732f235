#!/usr/bin/env python3
"""Business events through the live tap: taken in by both doors, kept once whatever is sent again and whenever the tap is killed, given
back by a replay, and counted by the API as an audit of the same input counts them."""
import json
import os
import random
import sqlite3
import threading
import urllib.parse

from drive import convtap, main
from tapped import Tapped
from websocket import WebSocket

CONFIG = """idle: 30m
%(top)sserve:
  tick: 100ms
  state: 300ms
%(serve)s  tape: {segment: 64K}
  intake: {listen: "127.0.0.1:0"}
  desk: {listen: "127.0.0.1:0"}
sources:
  chat: {format: convtap}
  crm: {format: business}
  shop: {format: business, tenant: shop}
"""
CUSTOMERS = 90
CHANNELS = ("web", "whatsapp", "phone")


def day(number, hour=9):
    """A moment of 2026: day 0 is 1 January."""
    month, rest = 1, number
    for length in (31, 28, 31, 30, 31, 30, 31):
        if rest < length:
            break
        month, rest = month + 1, rest - length
    return f"2026-{month:02d}-{rest + 1:02d}T{hour:02d}:00:00Z"


def story(pick, number):
    """A customer's events and conversations, January to May."""
    user, events, talks = f"c{number}", [], []

    def tell(event, at, **more):
        events.append({"event": event, "at": day(at, pick.randrange(24)), "user_id": user, **more})
    start = pick.randrange(60)
    tell("customer_won", start, id=f"won-{number}", segment=pick.choice(("smb", "enterprise")))
    for name in ("base", "plus")[:pick.randrange(3)]:
        tell("subscription", start, name=name, amount=pick.randrange(10, 900) / 10, currency=pick.choice(("EUR", "USD")), add_on=name == "plus")
    if pick.random() < 0.4:
        tell("subscription", start + 40, name="base", amount=pick.randrange(0, 900) / 10, currency="EUR")
    for order in range(pick.randrange(5)):
        at = start + pick.randrange(80)
        tell("purchase", at, ref=f"o{number}-{order}", amount=pick.randrange(500, 90000) / 100, currency="EUR", margin=0.4)
        if pick.random() < 0.3:
            tell(pick.choice(("order_cancelled", "order_returned")), at + 3, ref=f"o{number}-{order}")
    for _ in range(pick.randrange(12)):
        tell("feature_used", start + pick.randrange(90), name=pick.choice(("crm", "billing", "mail")), key_action=pick.random() < 0.5)
    if pick.random() < 0.5:
        tell("renewal_due", start + 90, ref="k1", due=day(start + 90)[:10])
        if pick.random() < 0.6:
            tell("renewed", start + 85, ref="k1")
    if pick.random() < 0.4:
        tell("survey", start + 30, name="csat", score=pick.randrange(1, 6), scale=5, id=f"s{number}")
    if pick.random() < 0.3:
        tell("customer_lost", start + 50 + pick.randrange(40), reason="price")
    for talk in range(pick.randrange(4)):
        stamp = day(start + 5 + 17 * talk, 10)[:-4]
        talks.append({"conversation_id": f"t{number}-{talk}", "user_id": user, "channel": pick.choice(CHANNELS), "messages": [
            {"role": "user", "text": "Hola, ¿dónde está mi pedido 4471?", "ts": stamp + ":00Z"},
            {"role": "bot", "text": "Tu pedido 4471 llega mañana. ¿Te ayudo con algo más?", "ts": stamp + ":04Z"},
            {"role": "user", "text": pick.choice(("No, gracias", "No me sirve", "Quiero hablar con una persona")), "ts": stamp + ":20Z"}]})
    return events, talks


def world(seed):
    pick, events, talks = random.Random(seed), [], []
    for number in range(CUSTOMERS):
        more, said = story(pick, number)
        events += more
        talks += said
    for month in range(5):
        events.append({"event": "customer_base", "at": day(30 * month), "count": 200 + month, "id": f"base-{month}"})
        events.append({"event": "cost", "at": day(30 * month + 3), "name": "retention", "amount": 120.5, "currency": "EUR"})
    pick.shuffle(events)
    pick.shuffle(talks)
    return events, talks


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8")


class BusinessLive(Tapped):
    def begin(self, serve="", top=""):
        self.write("convtap.yaml", (CONFIG % {"serve": serve, "top": top}).encode())
        return self.start()

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def dump(self, store):
        done = convtap("db", "dump", self.path(store))
        self.assertEqual(done.status, 0, done.err)
        return done.out

    # ---- the doors

    def test_both_doors(self):
        tap = self.begin()
        events = [{"event": "customer_won", "at": day(1), "user_id": "a", "id": "e1"},
                  {"event": "purchase", "at": day(2), "user_id": "a", "amount": "12.50", "currency": "EUR", "ref": "o1"},
                  {"event": "customer_base", "at": day(3), "count": 7}]
        tap.push("crm", *events)
        tap.push("crm", events[1])  # delivered again
        tap.push("shop", events[1])  # of another tenant: another event
        status, answer = tap.ask("intake", "/ingest/crm", json.dumps({"events": [events[0]]}).encode() + b"\n")
        self.assertEqual(status, 200, answer)
        socket = WebSocket(tap.address("intake").split("//")[1])
        socket.send(json.dumps({"hello": {"source": "chat", "stream": "s", "format": "business"}}))
        self.addCleanup(socket.sock.close)
        self.assertIn("welcome", socket.receive())
        socket.send(json.dumps({"event": "customer_lost", "at": day(9), "user_id": "a", "reason": "price"}))
        self.assertEqual(json.loads(socket.receive()), {"ack": 1})  # behind the tape's commit, as of any payload
        tap.push("crm", {"event": "moved_house", "at": day(9), "user_id": "a"}, {"event": "purchase", "at": "yesterday", "user_id": "a"})
        tap.settled()
        drops = {d["reason"]: d for d in tap.get("/api/v1/drops")["drops"]}
        self.assertEqual((drops["unknown_event"]["count"], drops["bad_time"]["count"]), (1, 1))
        self.assertTrue(all(d["means"] and d["remedy"] for d in drops.values()), drops)
        self.assertEqual(tap.get("/api/v1/status")["conversations"]["business_events"], 7)
        self.assertEqual(tap.stop(), 0)
        self.looked_at(tap)
        rows = self.sql("convtap.db", "SELECT tenant,user_id,type,amount_nano,count FROM business_event ORDER BY at,tenant")
        self.assertEqual(rows, [("", "a", "customer_won", None, None), ("", "a", "purchase", 12500000000, None),
                                ("shop", "a", "purchase", 12500000000, None), ("", "", "customer_base", None, 7),
                                ("", "a", "customer_lost", None, None)])
        info = convtap("db", "info", "--json", self.path("convtap.db")).json()
        self.assertEqual((info["business_events"], info["conversations"]), (5, 0))

    def test_without_a_store_they_are_named(self):
        tap = self.begin(serve="  store: none\n")
        tap.push("crm", {"event": "customer_won", "at": day(1), "user_id": "a"}, {"event": "customer_base", "at": day(3), "count": 7})
        tap.settled()
        drops = {d["reason"]: d["count"] for d in tap.get("/api/v1/drops")["drops"]}
        self.assertEqual(drops, {"business_event_not_stored": 2})
        self.assertEqual(tap.stop(), 0)
        done = convtap("replay", "--db", self.path("made.db"), self.path("tape"))  # the tape has them all the same
        self.survived(done)
        self.assertEqual(self.sql("made.db", "SELECT count(*) FROM business_event"), [(2,)])

    def test_a_store_of_the_first_version(self):
        self.write("convtap.yaml", (CONFIG % {"serve": "", "top": ""}).encode())
        old = sqlite3.connect(self.path("convtap.db"))
        old.executescript("CREATE TABLE meta(key TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT, WITHOUT ROWID;"
                          f"PRAGMA application_id={0x43545031};PRAGMA user_version=1;")
        old.close()
        before = self.read("convtap.db")
        for args in (("serve", "--config", self.path("convtap.yaml"), "--store", self.path("convtap.db"), "--tape", self.path("tape")),
                     ("db", "info", self.path("convtap.db")), ("audit", "--db", self.path("convtap.db"), self.write("t.jsonl", b"{}\n"))):
            done = convtap(*args)
            self.survived(done)
            self.assertIn("made by an older convtap (schema 1", done.err)
            self.assertIn("Move it away", done.err)
            self.assertEqual(done.status, 2, done.err)
        self.assertEqual(self.read("convtap.db"), before)

    # ---- none lost, none doubled, and the same figures

    def test_killed_replayed_and_audited(self):
        events, talks = world(7)
        tap, pick = self.begin(), random.Random(5)
        waiting = [("crm", events[i:i + 25]) for i in range(0, len(events), 25)] + [("chat", talks[i:i + 20]) for i in range(0, len(talks), 20)]
        pick.shuffle(waiting)
        kills = 0
        while waiting:
            source, batch = waiting.pop()
            trouble = pick.random()
            if source == "crm" and trouble < 0.15:  # in the middle of it: the sender does not know, and sends it again
                def push(tap=tap, batch=batch):
                    try:
                        tap.push("crm", *batch)
                    except (AssertionError, OSError):
                        pass
                sender = threading.Thread(target=push)
                sender.start()
                tap.kill()
                sender.join()
                waiting.append((source, batch))
            else:
                tap.push(source, *batch)
                if trouble > 0.9:
                    tap.kill()
                elif trouble > 0.8:
                    self.assertEqual(tap.stop(), 0)
            if trouble < 0.15 and source == "crm" or trouble > 0.8:
                kills += 1
                if kills == 3:
                    os.remove(self.path("tape", "state"))
                tap = self.start()
        for again in range(0, len(events), 3):  # a third of it once more
            tap.push("crm", *events[again:again + 1])
        tap.settled()
        self.assertGreater(kills, 3)
        transcripts, happened = self.write("talks.jsonl", lines(talks)), self.write("events.jsonl", lines(events + events[::2]))
        self.figures(tap, transcripts, happened)
        self.assertEqual(tap.stop(), 0)
        self.looked_at(tap)
        self.survived(convtap("replay", "--db", self.path("made.db"), self.path("tape")))
        done = convtap("audit", "--quiet", "--json", "--db", self.path("audited.db"), transcripts, happened)
        self.survived(done)
        live = self.dump("convtap.db")
        self.assertEqual(live.count(b'{"event":'), len({json.dumps(e, sort_keys=True) for e in events}))
        self.assertEqual(self.dump("made.db"), live)
        self.assertEqual(self.dump("audited.db"), live)
        for store in ("convtap.db", "made.db", "audited.db"):
            self.assertEqual(convtap("db", "check", self.path(store)).out, b"sound\n")
        again = self.write("dumped.jsonl", b"".join(row for row in live.splitlines(True) if row.startswith(b'{"event":')))
        self.survived(convtap("audit", "--quiet", "--json", "--db", self.path("again.db"), transcripts, again))
        self.assertEqual(self.dump("again.db"), live)  # what is dumped can be put into another store

    def figures(self, tap, *inputs):
        """The API's ranges against an audit of the same input."""
        config = self.path("convtap.yaml")
        asked = [("2026-02-01", "2026-03-01", {}, ()), ("2026-03-01", "2026-04-01", {"by": "channel"}, ("--group-by", "channel")),
                 ("2026-01-01", "2026-06-01", {"by": "segment,channel"}, ("--group-by", "segment,channel")),
                 ("2026-02-01", "2026-05-01", {"by": "month"}, ("--group-by", "month")),
                 ("2026-03-01", "2026-04-01", {"compare": "previous"}, ("--compare", "previous")),
                 ("2026-02-01", "2026-04-01", {"where": "segment=smb;channel=web,phone", "by": "week"},
                  ("--where", "segment=smb", "--where", "channel=web,phone", "--group-by", "week"))]
        for begin, end, query, args in asked:
            done = convtap("audit", "--config", config, "--json", "--from", begin, "--to", end, *args, *inputs)
            self.survived(done)
            audit = done.json()
            said = tap.get("/api/v1/kpis?" + urllib.parse.urlencode({"from": begin + "T00:00:00Z", "to": end + "T00:00:00Z", **query}))
            self.assertEqual(said["window"]["as_of"], audit["generated_at"])
            for member in ("period", "totals", "outcomes", "business", "group_by", "slices", "compared_with"):
                self.assertEqual(said.get(member), audit.get(member), f"{member} of {query}")
            ours = {k["id"]: k for k in said["kpis"]}
            theirs = {k["id"]: k for k in audit["kpis"]}
            self.assertEqual(list(ours), list(theirs))
            for name, figure in theirs.items():
                self.assertEqual(ours[name], figure, f"{name} of {query}")
            valued = {k for k, v in ours.items() if v["value"] is not None}
            self.assertLessEqual({"mrr", "clv", "active_users", "fcr"}, valued)
            if begin != "2026-01-01":  # somebody was a customer when it began
                self.assertLessEqual({"churn_rate", "retention_rate", "nrr", "grr"}, valued)
        window = {k["id"]: k for k in tap.get("/api/v1/kpis?window=today")["kpis"]}
        self.assertEqual((window["churn_rate"]["value"], window["churn_rate"]["reason"]), (None, "needs_customers"))
        self.assertNotIn("convtap_churn_rate", tap.ask("desk", "/metrics")[1].decode())


if __name__ == "__main__":
    main()
