"""Subscriptions of `convtap serve`: gateways of all four kinds that drop the connection, start slowly, refuse and talk nonsense.
What they said must be on the tape once, and judged as if the connection had never broken."""
import json
import os
import re
import subprocess
import threading
import time
import urllib.parse

from drive import Case, convtap, main
from gate_receive import make_certificate
from gateway import Gateway
from tap import Tap, eventually
from websocket import BINARY, TEXT

SECRET = "s3cret-of-the-gateway"


def native(conversation, number, role, text):
    return json.dumps({"conversation_id": conversation, "id": f"{conversation}-{number}", "role": role, "text": text,
                       "ts": f"2026-03-01T10:00:{number:02d}Z"})


class Subscribe(Case):
    def setUp(self):
        super().setUp()
        self.gateways, self.tap = [], None

    def tearDown(self):
        if self.tap:
            self.tap.kill()
        for gateway in self.gateways:
            gateway.stop()
        super().tearDown()

    def gateway(self, handler, tls=None):
        self.gateways.append(Gateway(handler, tls))
        return self.gateways[-1].address

    def once(self, peer):
        """Whether it is the first connection; later ones are let stand."""
        first = not getattr(self, "seen", False)
        self.seen = True
        if not first:
            peer.upgrade()
            peer.linger()
        return first

    def serve(self, kind, url, format="convtap", secret=None, subscriptions=None, **more):
        with open(self.path("secret"), "w", encoding="utf-8") as f:
            f.write(secret or "")
        os.chmod(self.path("secret"), 0o600)
        config = {"serve": {"store": "convtap.db", "tape": {"folder": "tape"}, "intake": {"listen": "127.0.0.1:0"},
                            "desk": {"listen": "127.0.0.1:0"}},
                  "sources": {"chat": {"format": format}},
                  "subscriptions": [{"source": "chat", "kind": kind, **one} for one in subscriptions or
                                    [{"url": url, **({"secret_file": "secret"} if secret else {}), **more}]]}
        with open(self.path("convtap.yaml"), "w", encoding="utf-8") as f:
            json.dump(config, f)
        self.tap = Tap("--config", self.path("convtap.yaml"))
        return self.tap

    def counter(self, name, label=""):
        text = self.tap.ask("desk", "/metrics")[1].decode()
        found = re.search(rf"^convtap_(?:\w+_)?{name}(?:_total)?{re.escape(label)} (\d+)", text, re.M)
        return int(found.group(1)) if found else 0

    def drops(self, reason):
        text = self.tap.ask("desk", "/metrics")[1].decode()
        found = re.search(rf'^\w*drop\w*\{{[^}}]*reason="{reason}"[^}}]*\}} (\d+)', text, re.M)
        return int(found.group(1)) if found else 0

    def wait_messages(self, count):
        eventually(lambda: self.counter("subscription_messages") >= count, f"{count} messages")

    def end(self, status=0):
        """Stops; every conversation's record by id. status 1: some of what is on the tape is no message."""
        self.assertEqual(self.tap.stop(), 0)
        self.assertNotIn(SECRET, self.tap.said())
        replay = convtap("replay", "--close", "--conversations", self.path("records.jsonl"), self.path("tape"))
        self.assertEqual(replay.status, status, replay.err)
        with open(self.path("records.jsonl"), encoding="utf-8") as f:
            records = [json.loads(row) for row in f]
        return {record["conversation_id"]: record for record in records}

    def said(self, record):
        return record["counts"]["user"], record["counts"]["bot"]


class Raw(Subscribe):
    def test_drops_and_replays(self):
        """Three connections, each cut without a word; each repeats what went before."""
        rows = [native("r1", n, "user" if n % 2 else "bot", f"row {n}") for n in range(1, 10)]
        seen, lock = [], threading.Lock()

        def handler(peer):
            with lock:
                seen.append(peer)
                turn = len(seen)
            self.assertEqual(peer.headers["authorization"], "Bearer " + SECRET)
            self.assertEqual(peer.headers["origin"], "https://desk.example")
            self.assertEqual(peer.headers["sec-websocket-protocol"], "events.v1")
            self.assertEqual(peer.path, "/stream?all=1")
            peer.upgrade("events.v1")
            self.assertEqual(peer.receive(), '{"follow":"all"}')
            for row in rows[:3 * turn]:
                peer.send(row)
            if turn < 3:
                peer.cut()
            else:
                peer.linger()
        address = self.gateway(handler)
        self.serve("raw", f"ws://{address}/stream?all=1", secret=SECRET, origin="https://desk.example", subprotocol="events.v1",
                   identifier='{"follow":"all"}')
        self.wait_messages(3 + 6 + 9)
        self.assertEqual(self.counter("subscription_connects"), 3)
        records = self.end()
        self.assertEqual(list(records), ["r1"])
        self.assertEqual(self.said(records["r1"]), (5, 4))

    def test_nonsense(self):
        """What is no message is counted by name, and what stands between it comes through."""
        def handler(peer):
            if self.once(peer):
                peer.upgrade()
                peer.send(b"\xff\xfe", TEXT)
                peer.send(b"\x00\x9f", BINARY)
                peer.send("{" * 70000)
                peer.send("")
                peer.send("x" * (1 << 20) + "x")
                peer.send("not a message")
                row = native("n1", 1, "user", "hola").encode()
                peer.send(row[:10], TEXT, final=False)
                peer.send(b"", 9)
                peer.send(row[10:], 0)
                peer.send(native("n1", 2, "bot", "buenas").encode(), BINARY)
                peer.linger()
        self.serve("raw", f"http://{self.gateway(handler)}")
        self.wait_messages(4)
        for reason in ("subscription_not_utf8", "subscription_binary", "subscription_too_long"):
            eventually(lambda: self.drops(reason) == 1, reason)
        self.tap.settled()
        records = self.end(1)
        self.assertEqual(self.said(records["n1"]), (1, 1))
        self.assertEqual(len(records), 1)

    def test_refused_and_late(self):
        """A gateway that is not there yet, then busy, then well."""
        turns = []

        def handler(peer):
            turns.append(peer)
            if len(turns) == 1:
                peer.raw(b"SSH-2.0-OpenSSH\r\n")
            elif len(turns) == 2:
                peer.answer(503, "busy")
            else:
                peer.upgrade()
                peer.send(native("l1", 1, "user", "hola"))
                peer.linger()
        self.serve("raw", f"ws://{self.gateway(handler)}/")
        self.wait_messages(1)
        self.assertEqual(self.counter("subscription_failures"), 2)
        self.assertIn("l1", self.end())

    def test_tls(self):
        """Of three to the same gateway only the one that trusts its certificate, and one that does not ask, get through."""
        certificate, key = make_certificate(self)
        other = self.path("other")
        os.mkdir(other)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=other.example", "-addext", "subjectAltName=DNS:other.example", "-keyout", other + "/key.pem",
                        "-out", other + "/cert.pem"], check=True, capture_output=True)
        paths = []

        def handler(peer):
            paths.append(peer.path)
            peer.upgrade()
            peer.send(native("t" + peer.path[1:], 1, "user", "hola"))
            peer.linger()
        good, wrong = self.gateway(handler, (certificate, key)), self.gateway(handler, (other + "/cert.pem", other + "/key.pem"))
        named = good.replace("127.0.0.1", "localhost")
        asked = [(f"wss://{good}/address", {"authorities": certificate}), (f"wss://{named}/name", {"authorities": certificate}),
                 (f"wss://{wrong}/lax", {"verify": False}),
                 (f"wss://{good}/unknown", {}), (f"wss://{wrong}/othername", {"authorities": other + "/cert.pem"}),
                 (f"wss://{wrong.replace('127.0.0.1', 'localhost')}/otherhost", {"authorities": other + "/cert.pem"})]
        self.serve("raw", asked[0][0], subscriptions=[{"url": url, **more} for url, more in asked])
        self.wait_messages(3)
        eventually(lambda: self.counter("subscription_failures") >= 3, "refusals")
        self.assertEqual(sorted(self.end()), ["taddress", "tlax", "tname"])
        self.assertEqual(sorted(set(paths)), ["/address", "/lax", "/name"])


class Cable(Subscribe):
    IDENTIFIER = '{"channel":"RoomChannel","pubsub_token":"' + SECRET + '","account_id":2,"user_id":7}'

    def event(self, number, user, text):
        return json.dumps({"identifier": self.IDENTIFIER, "message": {"event": "message.created", "data": {
            "id": number, "content": text, "account_id": 2, "inbox_id": 3, "conversation_id": 77, "message_type": 0 if user else 1,
            "content_type": "text", "content_attributes": {}, "created_at": 1775117400 + number, "private": False,
            "sender": {"id": 88, "type": "contact"} if user else {"id": 5, "type": "agent_bot"}}}})

    def test_chatwoot(self):
        turns = []

        def handler(peer):
            turns.append(peer)
            self.assertEqual(peer.headers["sec-websocket-protocol"], "actioncable-v1-json")
            peer.upgrade("actioncable-v1-json")
            time.sleep(0.3)  # a slow start
            peer.send('{"type":"welcome"}')
            command = json.loads(peer.receive())
            self.assertEqual(command, {"command": "subscribe", "identifier": self.IDENTIFIER})
            peer.send(json.dumps({"type": "ping", "message": 1}))
            peer.send(json.dumps({"identifier": self.IDENTIFIER, "type": "confirm_subscription"}))
            for n in range(1, 2 * len(turns) + 1):
                peer.send(self.event(n, n % 2, f"row {n}"))
                peer.send(json.dumps({"type": "ping", "message": n}))
            if len(turns) == 1:
                peer.cut()
            elif len(turns) == 2:
                peer.send('{"type":"disconnect","reason":"server_restart","reconnect":true}')
            peer.linger()
        self.serve("actioncable", f"ws://{self.gateway(handler)}/cable", "chatwoot", identifier=self.IDENTIFIER)
        self.wait_messages(2 + 4 + 6)
        self.assertEqual(self.said(self.end()["77"]), (3, 3))
        self.assertEqual(len(turns), 3)

    def test_rejected_and_ended(self):
        turns = []

        def handler(peer):
            turns.append(peer.path)
            peer.upgrade("actioncable-v1-json")
            peer.send('{"type":"welcome"}')
            peer.receive()
            peer.send('{"type":"reject_subscription"}' if peer.path == "/rejected"
                      else '{"type":"disconnect","reason":"unauthorized","reconnect":false}')
            peer.linger()
        address = self.gateway(handler)
        self.serve("actioncable", "", subscriptions=[{"url": f"ws://{address}/{path}", "identifier": "{}"} for path in ("rejected", "ended")])
        eventually(lambda: self.counter("subscription_failures") == 2, "two failures")
        time.sleep(1.5)  # longer than the usual wait
        self.assertEqual(sorted(turns), ["/ended", "/rejected"])
        self.assertIn('problem="actioncable: the subscription is rejected; is the identifier right?"', self.tap.said())
        self.assertIn('problem="actioncable: disconnected (unauthorized); it asks not to come again"', self.tap.said())
        self.assertEqual(self.end(), {})


class SocketIo(Subscribe):
    OPEN = {"sid": "abc/1", "upgrades": ["websocket"], "pingInterval": 300, "pingTimeout": 20000, "maxPayload": 1000000}

    def event(self, user, text):
        name, body = ("user_uttered", {"message": text, "session_id": "s-1"}) if user else ("bot_uttered", {"text": text})
        return "42" + json.dumps([name, body], ensure_ascii=False)

    def talk(self, say, hear):
        """The namespace and two events."""
        self.assertEqual(hear(), '40{"token":"%s"}' % SECRET)
        say('40{"sid":"x"}')
        say(self.event(True, "¿dónde está mi pedido?"))
        say('451-["picture",{"_placeholder":true,"num":0}]')

    def query(self, peer):
        where = urllib.parse.urlsplit(peer.path)
        self.assertEqual(where.path, "/socket.io/")
        self.assertEqual(peer.headers.get("authorization"), "Bearer " + SECRET)
        query = dict(urllib.parse.parse_qsl(where.query))
        self.assertEqual(query["EIO"], "4")
        return query

    def test_upgrade(self):
        """Polling, probe, WebSocket; dropped twice."""
        turns = []

        def handler(peer):
            query = self.query(peer)
            if query["transport"] == "polling":
                peer.answer(200, "0" + json.dumps(self.OPEN), "text/plain; charset=UTF-8")
                return
            self.assertEqual(query["sid"], self.OPEN["sid"])
            peer.upgrade()
            self.assertEqual(peer.receive(), "2probe")
            peer.send("3probe")
            self.assertEqual(peer.receive(), "5")
            turns.append(peer)
            self.talk(peer.send, peer.receive)
            peer.send(b"\x01\x02", BINARY)
            peer.send("2")
            self.assertEqual(peer.receive(), "3")
            peer.send(self.event(False, "En reparto"))
            if len(turns) < 3:
                peer.cut()
            peer.linger()
        self.serve("socketio", f"http://{self.gateway(handler)}/socket.io/", "rasa_socketio", SECRET)
        self.wait_messages(6)
        self.assertEqual(self.drops("subscription_binary"), 3)
        records = self.end()
        self.assertEqual([self.said(record) for record in records.values()], [(3, 3)])

    def test_polling_alone(self):
        """The upgrade is refused: polling goes on, pings and all."""
        waiting, told, ready = [], [], threading.Condition()

        def handler(peer):
            query = self.query(peer)
            if query["transport"] == "websocket":
                peer.answer(400, '{"code":3,"message":"Bad request"}')
            elif "sid" not in query:
                peer.answer(200, "0" + json.dumps(self.OPEN), "text/plain")
            elif peer.method == "POST":
                with ready:
                    told.extend(peer.body.decode().split("\x1e"))
                    if told[-1].startswith("40"):
                        self.assertEqual(told[-1], '40{"token":"%s"}' % SECRET)
                        waiting.extend(['40{"sid":"x"}', self.event(True, "hola"), "2",
                                        '451-["picture",{"_placeholder":true,"num":0}]', "bAQI=", self.event(False, "buenas")])
                    ready.notify_all()
                peer.answer(200, "ok", "text/html")
            else:
                with ready:
                    if not ready.wait_for(lambda: waiting, 2):
                        waiting.append("6")
                    batch = waiting[:3]
                    del waiting[:3]
                peer.answer(200, "\x1e".join(batch), "text/plain", sized=len(batch) > 1)
        self.serve("socketio", f"http://{self.gateway(handler)}", "rasa_socketio", SECRET)
        self.wait_messages(2)
        eventually(lambda: "3" in told, "a pong")
        self.assertEqual(self.counter("subscription_connects"), 1)
        self.assertEqual(self.drops("subscription_binary"), 1)
        self.assertEqual([self.said(record) for record in self.end().values()], [(1, 1)])

    def test_websocket_alone(self):
        """A gateway without polling."""
        def handler(peer):
            query = self.query(peer)
            if query["transport"] == "polling":
                peer.answer(400, '{"code":0,"message":"Transport unknown"}')
                return
            peer.upgrade()
            peer.send("0" + json.dumps({**self.OPEN, "upgrades": []}))
            self.talk(peer.send, peer.receive)
            peer.linger()
        self.serve("socketio", f"ws://{self.gateway(handler)}/socket.io/", "rasa_socketio", SECRET)
        self.wait_messages(1)
        self.assertEqual([self.said(record) for record in self.end().values()], [(1, 0)])

    def test_refused(self):
        """Wrong credentials: at the namespace, and over HTTP; nobody asks again and again."""
        turns = []

        def handler(peer):
            query = self.query(peer) if "no" not in peer.path else {}
            turns.append(peer.path)
            if not query:
                peer.answer(401, "no")
            elif query["transport"] == "polling":
                peer.answer(200, "0" + json.dumps(self.OPEN))
            else:
                peer.upgrade()
                peer.receive()
                peer.send("3probe")
                peer.receive()
                peer.receive()
                peer.send('44{"message":"not authorized"}')
                peer.linger()
        address = self.gateway(handler)
        self.serve("socketio", "", "rasa_socketio", subscriptions=[{"url": f"http://{address}{path}", "secret_file": "secret"}
                                                                    for path in ("/socket.io/", "/no/")], secret=SECRET)
        eventually(lambda: self.counter("subscription_failures") == 2, "two failures")
        time.sleep(1.5)
        self.assertEqual(len(turns), 3)
        self.assertIn('problem="socketio: refused with status 401; is the secret right?"', self.tap.said())
        self.assertEqual(self.end(), {})


class DirectLine(Subscribe):
    def frame(self, number, watermark):
        user = number % 2 == 1
        return json.dumps({"activities": [{
            "type": "message", "id": f"c1|{number:07d}", "timestamp": f"2026-04-02T10:00:{number:02d}.1234567Z", "channelId": "directline",
            "from": {"id": "ana" if user else "bot-1", "name": "Ana", "role": "user" if user else "bot"}, "conversation": {"id": "c1"},
            "text": f"row {number}"}], "watermark": str(watermark)})

    def test_watermark(self):
        """Started once; each new stream goes on from the last watermark, one frame of it comes twice; a token is renewed."""
        asked, streams, lock = [], [], threading.Lock()
        gateway = {}

        def handler(peer):
            bearer = peer.headers.get("authorization")
            with lock:
                asked.append((peer.method, peer.path, bearer))
            stream = f"ws://{gateway['address']}/v3/directline/conversations/c1/stream?t=stream-token-{len(streams)}"
            if peer.path == "/v3/directline/conversations":
                self.assertEqual((peer.method, bearer), ("POST", "Bearer " + SECRET))
                peer.answer(201, json.dumps({"conversationId": "c1", "token": "token-1", "expires_in": 20, "streamUrl": stream}))
            elif peer.path.startswith("/v3/directline/conversations/c1?watermark="):
                if bearer == "Bearer token-1":
                    peer.answer(403, '{"error":{"code":"TokenExpired"}}')
                else:
                    peer.answer(200, json.dumps({"conversationId": "c1", "token": "token-2", "streamUrl": stream}))
            else:
                with lock:
                    streams.append(peer.path)
                    turn = len(streams)
                self.assertIsNone(bearer)
                peer.upgrade()
                peer.send("")
                for n in range(max(1, 2 * turn - 2), 2 * turn + 1):  # the last one again
                    peer.send(self.frame(n, n))
                if turn < 3:
                    peer.cut()
                peer.linger()
        gateway["address"] = self.gateway(handler)
        self.serve("directline", f"http://{gateway['address']}/v3/directline", "botframework", SECRET)
        self.wait_messages(2 + 3 + 3)
        paths = [path for _, path, _ in asked if "watermark" in path]
        self.assertEqual(paths, ["/v3/directline/conversations/c1?watermark=2"] * 2 + ["/v3/directline/conversations/c1?watermark=4"])
        self.assertEqual([bearer for _, path, bearer in asked if "watermark" in path],
                         ["Bearer token-1", "Bearer " + SECRET, "Bearer token-2"])
        self.assertEqual(self.said(self.end()["c1"]), (3, 3))

    def test_lost_and_garbage(self):
        """The configured conversation is gone: another is started, and counted; an API that talks nonsense is asked again."""
        asked, gateway = [], {}

        def handler(peer):
            asked.append(peer.path)
            if peer.path == "/dl/conversations/old":
                peer.answer(404, "{}")
            elif peer.path == "/dl/conversations":
                first = asked.count("/dl/conversations") == 1
                peer.answer(201, "<html>" if first else json.dumps({"conversationId": "c1"}))
            elif peer.path == "/dl/conversations/c1":
                peer.answer(200, json.dumps({"conversationId": "c1", "streamUrl": f"ws://{gateway['address']}/stream"}))
            else:
                peer.upgrade()
                peer.send("nonsense")
                peer.send(self.frame(1, 1))
                peer.linger()
        gateway["address"] = self.gateway(handler)
        self.serve("directline", f"http://{gateway['address']}/dl/", "botframework", SECRET, identifier="old")
        self.wait_messages(2)
        self.assertEqual(self.drops("subscription_conversation_lost"), 1)
        self.assertEqual(self.counter("subscription_failures"), 2)
        self.assertEqual(self.said(self.end(1)["c1"]), (1, 0))


class Stopping(Subscribe):
    def test_stop_while_connecting(self):
        """A gateway that takes connections and says nothing holds up nobody."""
        def handler(peer):
            time.sleep(20)
        address = self.gateway(handler)
        self.serve("raw", f"ws://{address}/", subscriptions=[{"kind": kind, "url": f"http://{address}/", "identifier": "{}" if kind == "actioncable" else "x",
                                                              "secret_file": "secret"} for kind in ("raw", "actioncable", "socketio", "directline")],
                   secret=SECRET)
        time.sleep(0.5)
        began = time.monotonic()
        self.assertEqual(self.end(), {})
        self.assertLess(time.monotonic() - began, 10)


if __name__ == "__main__":
    main()
