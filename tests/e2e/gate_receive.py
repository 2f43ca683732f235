"""What comes in through the gate: convtap.v1, POST /ingest, webhooks and their forwarding. Acknowledgements follow the
commit, a reconnecting sender loses nothing and counts nothing twice."""
import base64
import gzip
import hashlib
import hmac
import http.server
import json
import threading
import time

import gate_drive
import websocket
from gate_drive import INGEST
from websocket import Closed, WebSocket


def hello(ws, **fields):
    ws.send(json.dumps({"hello": fields}))
    return json.loads(ws.receive())


class Ingest(gate_drive.Case):
    def until_ack(self, ws, number):
        while True:
            said = json.loads(ws.receive())
            if said.get("ack") == number:
                return
            self.assertLess(said.get("ack", 0), number)

    def test_acks_follow_the_commit(self):
        door = self.gate("--open")
        ws = WebSocket(door.address)
        self.assertEqual(hello(ws, source="a", stream="s")["welcome"]["next"], 1)
        door.say("hold")
        for i in range(10):
            ws.send(f"m{i}")
        ws.sock.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            ws.receive()
        ws.sock.settimeout(10)
        door.say("commit")
        self.assertEqual(json.loads(ws.receive()), {"ack": 1})
        door.say("go")
        self.until_ack(ws, 10)
        self.assertEqual([r[6] for r in door.dump()], [f"m{i}".encode() for i in range(10)])
        ws.close()

    def test_resume_without_loss_or_double_count(self):
        door = self.gate("--open")
        door.say("hold")
        ws = WebSocket(door.address)
        hello(ws, source="a", stream="bot-7", direction="out", format="convtap")
        for i in range(20):
            ws.send(f"m{i}")
        while len(door.dump()) < 20:
            time.sleep(0.01)
        ws.drop()
        door.say("go")
        again = WebSocket(door.address)
        self.assertEqual(hello(again, source="a", stream="bot-7", direction="out", format="convtap")["welcome"]["next"], 21)
        again.send("m20")
        self.until_ack(again, 21)
        rows = door.dump()
        self.assertEqual([(r[2], r[6]) for r in rows], [(i + 1, f"m{i}".encode()) for i in range(21)])
        self.assertEqual({(r[0], r[1], r[3], r[5]) for r in rows}, {("a", "bot-7", 2, "convtap")})
        newer = WebSocket(door.address)
        self.assertEqual(hello(newer, source="a", stream="bot-7")["welcome"]["next"], 22)
        with self.assertRaises(Closed) as caught:
            again.receive()
        self.assertEqual((caught.exception.code, caught.exception.reason), (1008, "stream taken over"))
        again.sock.close()
        other = WebSocket(door.address)
        self.assertEqual(hello(other, source="b", stream="bot-7")["welcome"]["next"], 1)
        newer.send("m21")
        self.until_ack(newer, 22)
        newer.close()
        other.close()

    def test_unnamed_stream(self):
        door = self.gate("--open")
        first, second = WebSocket(door.address), WebSocket(door.address)
        for ws in (first, second):
            self.assertEqual(hello(ws, source="a")["welcome"]["next"], 1)
            ws.send("x")
            self.until_ack(ws, 1)
            ws.close()
        rows = door.dump()
        self.assertEqual([r[2] for r in rows], [0, 0])
        self.assertNotEqual(rows[0][1], rows[1][1])

    def test_refused_payloads_take_their_number(self):
        door = self.gate("--open", payload_max=100)
        ws = WebSocket(door.address)
        self.assertEqual(hello(ws, source="a", stream="s")["welcome"]["max_message"], 100)
        ws.send("one")
        ws.send("x" * 101)
        ws.send("")
        ws.send("four")
        said = []
        while not said or said[-1].get("ack") != 4:
            said.append(json.loads(ws.receive()))
        self.assertIn({"refused": {"sequence": 2, "reason": "too_long"}}, said)
        self.assertIn({"refused": {"sequence": 3, "reason": "empty"}}, said)
        self.assertEqual([(r[2], r[6]) for r in door.dump()], [(1, b"one"), (2, b""), (3, b""), (4, b"four")])
        ws.close()

    def test_bad_hello(self):
        door = self.gate("--open")
        for bad in ("", "x", "[]", "{}", '{"hello":1}', '{"hello":{}}', '{"hello":{"source":""}}',
                    '{"hello":{"source":"a","stream":1}}', '{"hello":{"source":"a","what":"b"}}',
                    '{"hello":{"source":"a","format":"nope"}}', '{"hello":{"source":"a","direction":"up"}}',
                    '{"hello":{"source":"a\\u0001"}}', "[" * 500, '{"hello":{"source":"' + "a" * 5000 + '"}}', b"\x00\x01"):
            ws = WebSocket(door.address)
            ws.send(bad)
            self.assertIn("bad_hello", ws.receive())
            with self.assertRaises(Closed) as caught:
                ws.receive()
            self.assertEqual(caught.exception.code, 1008, bad)
            ws.sock.close()
        self.assertEqual(door.dump(), [])

    def test_backpressure(self):
        door = self.gate("--open", patience_msec=1000)
        ws = WebSocket(door.address)
        hello(ws, source="a", stream="s")
        door.say("full")
        ws.send("first")
        time.sleep(0.1)
        threading.Thread(target=lambda: [ws.send("y" * 1000) for _ in range(3000)], daemon=True).start()
        time.sleep(0.4)
        door.say("fine")
        self.until_ack(ws, 3001)
        self.assertEqual(len(door.dump()), 3001)
        door.say("broken")
        ws.send("lost?")
        with self.assertRaises(Closed) as caught:
            ws.receive()
        self.assertEqual((caught.exception.code, caught.exception.reason), (1013, "try again"))
        self.assertEqual(door.drops()["gate_intake_full"], 1)
        ws.sock.close()
        door.say("fine")
        ws = WebSocket(door.address)
        self.assertEqual(hello(ws, source="a", stream="s")["welcome"]["next"], 3002)
        ws.close()

    def test_post(self):
        door = self.gate(tokens=self.tokens(), payload_max=1000, patience_msec=800)
        status, _, body = self.post(door, "/ingest/web", b'{"a":1}\n\n{"b":2}\r\n{"c":3}', ["X-Convtap-Stream: s", "X-Convtap-Sequence: 1"])
        self.assertEqual((status, json.loads(body)), (200, {"taken": 3, "next": 4, "refused": 0}))
        again = self.post(door, "/ingest/web", b'{"a":1}\n\n{"b":2}\r\n{"c":3}\n{"d":4}', ["X-Convtap-Stream: s", "X-Convtap-Sequence: 1"])
        self.assertEqual((again[0], json.loads(again[2])["next"]), (200, 5))
        gap = self.post(door, "/ingest/web", b"{}", ["X-Convtap-Stream: s", "X-Convtap-Sequence: 9"])
        self.assertEqual((gap[0], json.loads(gap[2])["next"]), (409, 5))
        packed = gzip.compress(b'[{"e":5}, {"f":[6,7]},"' + b"x" * 2000 + b'"]')
        status, _, body = self.post(door, "/ingest/web", packed, ["Content-Type: application/json", "Content-Encoding: gzip",
                                                                  "X-Convtap-Direction: in", "X-Convtap-Format: openai"])
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(body), {"taken": 2, "next": None, "refused": 1, "refusals": [{"line": 1, "reason": "too_long"}]})
        rows = door.dump()
        self.assertEqual([(r[2], r[6]) for r in rows], [(1, b'{"a":1}'), (2, b'{"b":2}'), (3, b'{"c":3}'), (4, b'{"d":4}'),
                                                        (0, b'{"e":5}'), (0, b'{"f":[6,7]}')])
        self.assertEqual((rows[-1][3], rows[-1][5]), (1, "openai"))
        bomb = gzip.compress(b"x" * (40 << 20))
        for headers, data, due in ((["Content-Encoding: gzip"], bomb, 413), (["Content-Encoding: gzip"], b"no gzip", 400),
                                   (["Content-Encoding: gzip"], gzip.compress(b"a")[:-4], 400), (["Content-Encoding: br"], b"", 415),
                                   (["Content-Type: image/png"], b"", 415), (["X-Convtap-Sequence: 1"], b"a", 400),
                                   (["X-Convtap-Format: nope"], b"a", 400), (["X-Convtap-Direction: up"], b"a", 400),
                                   (["X-Convtap-Stream: s", "X-Convtap-Sequence: x"], b"a", 400)):
            self.assertEqual(self.post(door, "/ingest/web", data, headers)[0], due, headers)
        self.assertEqual(self.post(door, "/ingest/", b"a")[0], 404)
        self.assertEqual(self.post(door, "/ingest/web", b"a", token=None)[0], 401)
        door.say("hold")
        status, headers, _ = self.post(door, "/ingest/web", b"late")
        self.assertEqual((status, headers["retry-after"]), (503, "1"))
        door.say("go")
        door.say("full")
        self.assertEqual(self.post(door, "/ingest/web", b"full")[0], 503)
        door.say("fine")

    def test_tls_and_tape(self):
        certificate, key = make_certificate(self)
        door = self.gate("--open", certificate=certificate, key=key, tape=self.folder + "/tape")
        ws = WebSocket(door.address, tls=certificate, headers=[])
        hello(ws, source="a", stream="s")
        for i in range(500):
            ws.send(f"message {i} " + "x" * 400)
        self.until_ack(ws, 500)
        self.assertEqual(ws.close(), 1000)


def make_certificate(case):
    import shutil
    import subprocess
    if not shutil.which("openssl"):
        case.skipTest("no openssl program")
    certificate, key = case.folder + "/cert.pem", case.folder + "/key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key


class Receiver(http.server.BaseHTTPRequestHandler):
    """The real receiver behind a webhook."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        if body == b"hang":
            time.sleep(30)
        answer = b"x" * 300000 if body == b"big" else b'{"thanks":1}'
        self.send_response(int(body) if body.isdigit() else 202)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


class Webhook(gate_drive.Case):
    def hub(self, body, secret=b"app-secret"):
        return ["X-Hub-Signature-256: sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()]

    def test_signatures(self):
        door = self.gate(tokens=self.tokens())
        body = b'{"object":"whatsapp_business_account"}'
        now = str(int(time.time()))
        key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

        def standard(at, signed=body):
            mac = base64.b64encode(hmac.new(key, b"msg_1." + at.encode() + b"." + signed, hashlib.sha256).digest()).decode()
            return ["webhook-id: msg_1", "webhook-timestamp: " + at, "webhook-signature: v1,AAAA v1," + mac]

        def chat(at):
            return ["X-Chatwoot-Timestamp: " + at, "X-Chatwoot-Signature: sha256=" +
                    hmac.new(b"app-secret", at.encode() + b"." + body, hashlib.sha256).hexdigest()]

        old = str(int(time.time()) - 301)
        for path, headers, due in (("wa", self.hub(body), 200), ("wa", self.hub(body, b"older-secret"), 200), ("wa", [], 401),
                                   ("wa", self.hub(body, b"wrong"), 401), ("wa", self.hub(body + b" "), 401),
                                   ("wa", ["X-Hub-Signature-256: sha256=zz"], 401), ("std", standard(now), 200),
                                   ("std", standard(old), 401), ("std", standard(now, b"other"), 401), ("chat", chat(now), 200),
                                   ("chat", chat(old), 401), ("shared", ["x-api-key: app-secret"], 200),
                                   ("shared", ["x-api-key: app-secre"], 401), ("plain", [], 200), ("other", [], 404)):
            self.assertEqual(self.post(door, "/webhook/" + path, body, headers, token=None)[0], due, (path, headers))
        rows = door.dump()
        self.assertEqual([(r[0], r[3], r[4], r[6]) for r in rows],
                         [(s, 1, "POST /webhook/" + s, body) for s in ("wa", "wa", "std", "chat", "shared", "plain")])
        drops = door.drops()
        self.assertEqual({k: v for k, v in drops.items() if k.startswith("webhook")},
                         {"webhook_signature_missing": 1, "webhook_signature_wrong": 4, "webhook_signature_malformed": 1,
                          "webhook_signature_stale": 2})

    def test_challenge(self):
        door = self.gate("--open")
        ask = b"GET /webhook/wa?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
        status, headers, body = self.http(door, ask % b"verify-me")
        self.assertEqual((status, body), (200, b"1158201444"))
        self.assertIn("text/plain", headers["content-type"])
        self.assertEqual(self.http(door, ask % b"verify-mf")[0], 403)
        self.assertEqual(self.http(door, b"GET /webhook/plain HTTP/1.1\r\nHost: localhost\r\n\r\n")[0], 405)

    def test_only_after_the_tape(self):
        door = self.gate("--open", patience_msec=600)
        door.say("hold")
        began = time.monotonic()
        self.assertEqual(self.post(door, "/webhook/plain", b"x", token=None)[0], 503)
        self.assertGreaterEqual(time.monotonic() - began, 0.5)
        door.say("go")
        self.assertEqual(self.post(door, "/webhook/plain", b"y", token=None)[0], 200)
        door.say("broken")
        self.assertEqual(self.post(door, "/webhook/plain", b"z", token=None)[0], 503)
        self.assertEqual(door.drops()["webhook_not_recorded"], 1)

    def receiver(self, tls=None):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        server.seen, server.daemon_threads, server.block_on_close = [], True, False
        if tls:
            import ssl
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def test_forward(self):
        server = self.receiver()
        door = self.gate("--open", forward=f"http://127.0.0.1:{server.server_port}/hook?x=1")
        body = bytes(range(256)) * 400
        status, headers, answer = self.post(door, "/webhook/wa", body, self.hub(body) + ["X-Odd: a, b"], token=None)
        self.assertEqual((status, answer, headers["content-type"]), (202, b'{"thanks":1}', "application/json"))
        path, seen, got = server.seen[0]
        self.assertEqual((path, got, seen["X-Odd".lower()] if "x-odd" in seen else seen.get("X-Odd")), ("/hook?x=1", body, "a, b"))
        self.assertEqual(seen.get("x-hub-signature-256"), self.hub(body)[0].split(": ")[1])
        for code in (200, 404, 500):
            self.assertEqual(self.post(door, "/webhook/plain", str(code).encode(), token=None)[0], code)
        self.assertEqual(len(self.post(door, "/webhook/plain", b"big", token=None)[2]), 300000)
        self.assertEqual(self.post(door, "/webhook/wa", body, self.hub(b"no"), token=None)[0], 401)
        seen_before = len(server.seen)
        self.assertEqual([r[6] for r in door.dump()], [body, b"200", b"404", b"500", b"big"])
        door.say("broken")  # our failure is not the receiver's
        self.assertEqual(self.post(door, "/webhook/plain", b"on", token=None)[0], 202)
        self.assertEqual(len(server.seen), seen_before + 1)
        self.assertEqual(door.drops()["webhook_not_recorded"], 1)
        door.say("fine")
        server.shutdown()
        server.server_close()
        self.assertEqual(self.post(door, "/webhook/plain", b"gone", token=None)[0], 502)
        self.assertEqual(door.drops()["forward_unreachable"], 1)

    def test_forward_hangs(self):
        server = self.receiver()
        door = self.gate("--open", forward=f"http://localhost:{server.server_port}")
        with websocket.dial(door.address) as sock:  # a sender that goes away meanwhile
            sock.sendall(b"POST /webhook/plain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nhang")
            while not server.seen:
                time.sleep(0.01)
        self.assertEqual(self.post(door, "/webhook/plain", b"hang", token=None)[0], 504)

    def test_forward_while_the_tape_does_not_confirm(self):
        server = self.receiver()
        door = self.gate("--open", forward=f"http://127.0.0.1:{server.server_port}", patience_msec=700)
        door.say("hold")
        began = time.monotonic()
        self.assertEqual(self.post(door, "/webhook/plain", b"x", token=None)[0], 202)
        self.assertGreaterEqual(time.monotonic() - began, 0.6)
        self.assertEqual(door.drops()["gate_commit_timeout"], 1)

    def test_forward_to_nowhere(self):
        for url in ("http://no-such-host.invalid/", b"http://\xff/", "http://127.0.0.1:1/"):
            door = gate_drive.Gate("--open", forward=url) if isinstance(url, str) else gate_drive.Gate("--open", "--forward", url)
            status, _, body = self.post(door, "/webhook/plain", b"x", token=None)
            self.assertIn(status, (502, 504), url)
            self.assertIn("forward_", json.loads(body)["error"]["code"])
            self.finish(door)

    def test_stop_while_forwarding(self):
        server = self.receiver()
        door = gate_drive.Gate("--open", forward=f"http://127.0.0.1:{server.server_port}")
        with websocket.dial(door.address) as sock:
            sock.sendall(b"POST /webhook/plain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nhang")
            while not server.seen:
                time.sleep(0.01)
            began = time.monotonic()
            self.finish(door)
            self.assertLess(time.monotonic() - began, 8)

    def test_forward_tls(self):
        certificate, key = make_certificate(self)
        server = self.receiver((certificate, key))
        door = self.gate("--open", forward=f"https://localhost:{server.server_port}/in", authority=certificate)
        self.assertEqual(self.post(door, "/webhook/plain", b"x", token=None)[0], 202)
        self.assertEqual(server.seen[0][0], "/in")
        doubtful = self.gate("--open", forward=f"https://localhost:{server.server_port}/in")  # signed by nobody we know
        self.assertEqual(self.post(doubtful, "/webhook/plain", b"x", token=None)[0], 502)
        self.assertEqual(len(server.seen), 1)


if __name__ == "__main__":
    gate_drive.main()
