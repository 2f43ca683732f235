"""The gate over real sockets: what it refuses and by which name, and how it answers."""
import json
import socket
import struct
import time

import gate_drive
import websocket
from gate_drive import ADMIN, INGEST, READ
from websocket import Closed, Refused, WebSocket, frame


class Handshake(gate_drive.Case):
    def setUp(self):
        super().setUp()
        self.door = self.gate(tokens=self.tokens(), origin="https://desk.example")

    def refused(self, status, name, **how):
        how.setdefault("token", INGEST)
        with self.assertRaises(Refused) as caught:
            WebSocket(self.door.address, **how)
        self.assertEqual(caught.exception.status, status, caught.exception)
        self.assertIn("error", json.loads(caught.exception.body))
        if name:
            self.assertGreaterEqual(self.door.drops().get(name, 0), 1, name)
        return caught.exception

    def test_accepted(self):
        for headers in ((), ["Origin: https://desk.example"], [f"Origin: http://{self.door.address}"]):
            ws = WebSocket(self.door.address, token=INGEST, headers=headers)
            self.assertEqual(ws.protocol, "convtap.v1")
            self.assertNotIn("Sec-WebSocket-Extensions", ws.head)
            self.assertEqual(ws.close(), 1000)

    def test_bearer_as_subprotocol(self):
        ws = WebSocket(self.door.address, protocols=("convtap.v1", "bearer." + INGEST))
        self.assertEqual(ws.protocol, "convtap.v1")
        self.assertNotIn(INGEST, ws.head)
        ws.close()
        self.refused(401, "gate_bad_token", token=None, protocols=("convtap.v1", "bearer." + INGEST[:-1] + "x"))

    def test_refusals(self):
        self.refused(400, "gate_upgrade_refused", upgrade="h2c")
        self.refused(400, "gate_upgrade_refused", upgrade="foo")
        self.refused(400, "gate_upgrade_refused", method="POST")
        self.refused(426, "gate_upgrade_refused", version="8")
        self.refused(400, "gate_upgrade_refused", key="short")
        self.refused(400, "gate_upgrade_refused", replace=lambda r: r.replace(b"Connection: Upgrade\r\n", b""))
        self.refused(400, "gate_unknown_protocol", protocols=("chat",))
        self.refused(400, "gate_unknown_protocol", protocols=())
        self.refused(403, "gate_foreign_origin", headers=["Origin: https://evil.example"])
        self.refused(403, "gate_foreign_origin", headers=["Origin: null"])
        self.assertIn("WWW-Authenticate", self.refused(401, "gate_no_token", token=None).head)
        self.refused(401, "gate_bad_token", token="x" * 23)
        self.refused(403, "gate_no_scope", token=READ)
        self.refused(401, "gate_token_in_query", token=None, path="/?access_token=" + INGEST)
        WebSocket(self.door.address, token=ADMIN).close()

    def test_h2c_with_settings(self):
        status, _, _ = self.http(self.door, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                                            b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
        self.assertEqual(status, 400)
        status, _, _ = self.http(self.door, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.assertEqual(status, 400)

    def closes(self, data, code, name):
        ws = WebSocket(self.door.address, token=INGEST)
        ws.raw(data)
        with self.assertRaises(Closed) as caught:
            ws.receive()
        ws.sock.close()
        self.assertEqual(caught.exception.code, code)
        self.assertGreaterEqual(self.door.drops().get(name, 0), 1, name)

    def test_frames(self):
        hello = b'{"hello":{"source":"a"}}'
        self.closes(frame(1, hello, mask=None), 1002, "gate_unmasked")
        self.closes(frame(9, b"", mask=None), 1002, "gate_unmasked")
        self.closes(frame(1, hello, rsv=0x40), 1002, "gate_bad_frame")
        self.closes(frame(3, b""), 1002, "gate_bad_frame")
        self.closes(frame(11, b""), 1002, "gate_bad_frame")
        self.closes(frame(0, b"x"), 1002, "gate_bad_frame")
        self.closes(frame(1, b"a", final=False) + frame(1, b"b"), 1002, "gate_bad_frame")
        self.closes(frame(9, b"", final=False), 1002, "gate_bad_frame")
        self.closes(frame(9, b"x" * 126), 1002, "gate_bad_frame")
        self.closes(frame(8, b"x"), 1002, "gate_bad_frame")
        self.closes(frame(8, struct.pack("!H", 1005)), 1002, "gate_bad_frame")
        self.closes(frame(8, struct.pack("!H", 1000) + b"\xff"), 1007, "gate_bad_utf8")
        self.closes(b"\x81\xfe\x00\x05\0\0\0\0hello", 1002, "gate_bad_frame")
        self.closes(frame(1, b"\xc3\x28"), 1007, "gate_bad_utf8")
        self.closes(frame(1, b"\xed\xa0\x80"), 1007, "gate_bad_utf8")
        self.closes(frame(1, b"a\xc3", final=False) + frame(0, b"("), 1007, "gate_bad_utf8")
        self.closes(b"\x81\xff" + struct.pack("!Q", 5 << 20) + b"\0\0\0\0", 1009, "gate_message_too_big")
        self.closes(b"\x81\xff" + struct.pack("!Q", 1 << 63) + b"\0\0\0\0", 1002, "gate_bad_frame")
        big = b"x" * (3 << 20)
        self.closes(frame(2, big, final=False) + frame(0, big), 1009, "gate_message_too_big")

    def test_ping_between_fragments_and_close_codes(self):
        ws = WebSocket(self.door.address, token=INGEST)
        ws.raw(frame(1, b'{"hello":', final=False) + frame(9, b"are you there") + frame(0, b'{"source":"a"}}'))
        self.assertEqual(ws.frame(), (10, b"are you there"))
        self.assertIn("welcome", ws.receive())
        self.assertEqual(ws.close(4321), 4321)

    def test_every_split(self):
        data = frame(1, b'{"hello":{"source":"a","stream":"split"}}') + frame(1, b"x" * 300, mask=b"\xaa\xbb\xcc\xdd")
        for at in range(1, len(data), 7):
            ws = WebSocket(self.door.address, token=INGEST)
            ws.raw(data[:at])
            time.sleep(0.002)
            ws.raw(data[at:])
            self.assertIn("welcome", ws.receive())
            self.assertIn("ack", ws.receive())
            ws.drop()


class Http(gate_drive.Case):
    def setUp(self):
        super().setUp()
        self.door = self.gate(tokens=self.tokens())

    def get(self, head, *more):
        return self.http(self.door, "\r\n".join([head, "Host: a", *more]).encode() + b"\r\n\r\n")

    def test_answers(self):
        status, headers, body = self.get("GET /echo/a%20b//c?x=1&p=%C3%A9+z HTTP/1.1", "X-Test: one", "x-test: two")
        self.assertEqual((status, body.decode()), (200, "1|/echo/a b/c|a b/c|one, two|é z|fine|"))
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertEqual(headers["cache-control"], "no-store")
        self.assertIn("default-src 'none'", headers["content-security-policy"])
        status, headers, body = self.get("HEAD /echo/x HTTP/1.1")
        self.assertEqual((status, body), (200, b""))
        self.assertGreater(int(headers["content-length"]), 0)

    def test_refusals(self):
        self.assertEqual(self.get("GET /nothing HTTP/1.1")[0], 404)
        status, headers, _ = self.get("DELETE /echo/ HTTP/1.1")
        self.assertEqual((status, headers["allow"]), (405, "GET, HEAD, POST"))
        self.assertEqual(self.get("PATCH /echo/ HTTP/1.1")[0], 405)
        status, headers, body = self.get("GET /read HTTP/1.1")
        self.assertEqual((status, headers["www-authenticate"]), (401, 'Bearer realm="convtap"'))
        self.assertEqual(json.loads(body)["error"]["code"], "no_token")
        self.assertEqual(self.get("GET /read HTTP/1.1", "Authorization: Bearer " + INGEST)[0], 403)
        self.assertEqual(self.get("GET /read HTTP/1.1", "Authorization: Bearer " + READ)[0], 200)
        self.assertEqual(self.get("GET /read HTTP/1.1", "Authorization: Basic " + READ)[0], 401)
        self.assertEqual(self.get("GET /read?token=" + READ + " HTTP/1.1")[0], 401)
        self.assertEqual(self.get("GET /echo/ HTTP/1.1", "Origin: http://evil.example")[0], 403)
        self.assertEqual(self.get("GET /echo/../read HTTP/1.1")[0], 400)
        self.assertEqual(self.get("GET /echo/%2e%2e/read HTTP/1.1")[0], 400)
        self.assertEqual(self.get("GET /echo/%00 HTTP/1.1")[0], 400)
        self.assertEqual(self.get("GET /echo/%zz HTTP/1.1")[0], 400)
        self.assertEqual(self.get("GET /echo/%ff HTTP/1.1")[0], 400)
        self.assertEqual(self.get("GET /" + "x" * 20000 + " HTTP/1.1")[0], 414)
        self.assertEqual(self.get("GET /echo/ HTTP/1.1", "X: " + "x" * 20000)[0], 431)
        self.assertEqual(self.get("GET /echo/ HTTP/1.1", *[f"H{i}: x" for i in range(120)])[0], 431)
        self.assertEqual(self.get("GET /echo/ HTTP/1.1", "Host: b")[0], 400)
        self.assertEqual(self.http(self.door, b"GET /echo/ HTTP/1.1\r\n\r\n")[0], 400)
        self.assertEqual(self.get("POST /echo/ HTTP/1.1", "Content-Length: 2000000")[0], 413)
        self.assertEqual(self.get("POST /echo/ HTTP/1.1", "Content-Length: 2", "Expect: tea")[0], 417)
        self.assertEqual(self.get("GET /read HTTP/1.1", "Authorization: Bearer " + READ, "Content-Length: 5")[0], 413)
        for bad in (b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
                    b"GET /echo/ HTTP/1.1\r\nHost : a\r\n\r\n", b"\x00" * 64, b"GET /echo/\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
                    b"POST /echo/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                    b"POST /echo/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    b"POST /echo/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                    b"POST /echo/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
            self.assertEqual(self.http(self.door, bad)[0], 400, bad)

    def test_bodies(self):
        head = b"POST /echo/ HTTP/1.1\r\nHost: a\r\n"
        status, _, body = self.http(self.door, head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: x\r\n\r\n")
        self.assertEqual((status, body[-7:]), (200, b"abcdefg"))
        many = b"".join(b"10000\r\n" + b"x" * 65536 + b"\r\n" for _ in range(17)) + b"0\r\n\r\n"
        self.assertEqual(self.http(self.door, head + b"Transfer-Encoding: chunked\r\n\r\n" + many)[0], 413)
        with websocket.dial(self.door.address) as sock:
            sock.sendall(head + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(sock.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
            sock.sendall(b"he")
            time.sleep(0.05)
            sock.sendall(b"llo")
            self.assertEqual(self.answer(sock)[2][-5:], b"hello")
            sock.sendall(b"\r\n" + head + b"Content-Length: 2\r\n\r\nok" + head + b"Content-Length: 2\r\n\r\nno")
            self.assertEqual(self.answer(sock)[2][-2:], b"ok")
        with websocket.dial(self.door.address) as sock:
            sock.sendall((head + b"Content-Length: 1\r\n\r\nz") * 50)
            data = b""
            while data.count(b"HTTP/1.1 200 OK") < 50 or not data.endswith(b"z"):
                data += sock.recv(65536)
        status, headers, _ = self.http(self.door, b"GET /echo/ HTTP/1.0\r\n\r\n")
        self.assertEqual((status, headers["connection"]), (200, "close"))

    def test_every_split(self):
        data = b"POST /echo/q?p=1 HTTP/1.1\r\nHost: a\r\nX-Test: t\r\nContent-Length: 3\r\n\r\nabc"
        for at in range(1, len(data), 3):
            with websocket.dial(self.door.address) as sock:
                sock.sendall(data[:at])
                time.sleep(0.001)
                sock.sendall(data[at:])
                self.assertEqual(self.answer(sock)[2], b"2|/echo/q|q|t|1|fine|abc")


class Time(gate_drive.Case):
    def test_drip_and_idle(self):
        door = self.gate("--open", header_msec=400, idle_msec=1200)
        with websocket.dial(door.address) as sock:
            began = time.monotonic()
            try:
                for byte in b"GET /echo/ HTTP/1.1\r\nHost: a\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy":
                    sock.sendall(bytes([byte]))
                    time.sleep(0.02)
            except OSError:
                pass
            self.assertLess(time.monotonic() - began, 5)
        with websocket.dial(door.address) as sock:
            self.assertEqual(sock.recv(1), b"")  # said nothing
        ws = WebSocket(door.address)
        began = time.monotonic()
        with self.assertRaises((Closed, OSError)):
            ws.receive(answer_pings=False)
        self.assertGreater(time.monotonic() - began, 0.5)
        ws.sock.close()
        drops = door.drops()
        self.assertEqual((drops["gate_header_timeout"], drops["gate_dead_peer"]), (1, 1))
        ws = WebSocket(door.address)  # one that answers stays
        for _ in range(4):
            self.assertEqual(ws.frame(), (9, b""))
            ws.raw(frame(10))
        self.assertEqual(ws.close(), 1000)

    def test_slow_reader(self):
        door = self.gate("--open", idle_msec=1500)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(10)
        sock.connect(websocket.address_of(door.address))
        request = b"POST /echo/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900000
        try:
            for _ in range(8):
                sock.sendall(request)
        except OSError:
            pass
        deadline = time.monotonic() + 10
        while door.json("stats")["open"] and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(door.json("stats")["open"], 0)
        self.assertEqual(door.drops()["gate_slow_peer"], 1)
        sock.close()

    def test_rate_and_many(self):
        door = self.gate("--open", rate=50, connections=1100)
        ws = WebSocket(door.address)
        ws.send('{"hello":{"source":"a","stream":"r"}}')
        with self.assertRaises((Closed, OSError)) as caught:
            for _ in range(200):
                ws.send("x")
            while True:
                ws.receive()
        if isinstance(caught.exception, Closed):
            self.assertEqual(caught.exception.code, 1008)
        ws.sock.close()
        self.assertGreaterEqual(door.drops()["gate_rate"], 1)
        with websocket.dial(door.address) as sock:
            sock.sendall(b"GET /echo/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 60)
            data = b""
            while piece := sock.recv(65536):
                data += piece
            self.assertIn(b"HTTP/1.1 429", data)
            self.assertIn(b"Retry-After", data)
        socks = [websocket.dial(door.address) for _ in range(1000)]
        for i, sock in enumerate(socks):
            if i % 3 == 0:
                sock.sendall(b"GET /ec")
        for i, sock in enumerate(socks):
            if i % 2:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        deadline = time.monotonic() + 20
        while door.json("stats")["open"] and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(door.json("stats")["open"], 0)

    def test_connections_max(self):
        door = self.gate("--open", connections=3)
        held = [WebSocket(door.address) for _ in range(3)]
        with websocket.dial(door.address) as sock:
            self.assertEqual(self.answer(sock)[0], 503)
        self.assertEqual(door.drops()["gate_connections_max"], 1)
        for ws in held:
            ws.close()

    def test_going_away(self):
        door = gate_drive.Gate("--open")
        ws = WebSocket(door.address)
        door.say("stop")
        with self.assertRaises(Closed) as caught:
            ws.receive()
        self.assertEqual(caught.exception.code, 1001)
        ws.raw(frame(8, struct.pack("!H", 1001)))
        ws.sock.close()
        self.finish(door)

    def test_foreign_host_and_addresses(self):
        door = self.gate("--open")
        self.assertEqual(self.http(door, b"GET /echo/ HTTP/1.1\r\nHost: evil.example:80\r\n\r\n")[0], 421)
        self.assertEqual(self.http(door, b"GET /echo/ HTTP/1.1\r\nHost: localhost:80\r\n\r\n")[0], 200)
        for options in ({"listen": "0.0.0.0:0"}, {"listen": "nonsense"}, {"listen": "127.0.0.1:99999"},
                        {"listen": door.address}):
            refused = gate_drive.Gate("--open" if options["listen"] != "0.0.0.0:0" else "--forget", **options)
            self.assertIsNone(refused.address)
            self.assertTrue(refused.error.strip())
            refused.process.stdin.close(), refused.process.stdout.close(), refused.process.stderr.close()


if __name__ == "__main__":
    gate_drive.main()
