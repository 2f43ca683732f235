"""What a hostile page, sender or network may do to a gate: names that point here, headers that do not fit, messages that
never end, connections that break off anywhere. Whatever comes, the gate goes on and gives everything back."""
import hashlib
import hmac
import os
import random
import socket
import ssl
import struct
import time
import unittest

import gate_drive
from gate_receive import make_certificate
from websocket import Closed, WebSocket, address_of, dial, frame

HANDSHAKE = (b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: convtap.v1\r\n\r\n")
HELLO = frame(1, b'{"hello":{"source":"web","stream":"s"}}')
WEBHOOK = b"POST /webhook/plain HTTP/1.1\r\nHost: %s\r\n%sContent-Length: 2\r\n\r\n{}"


class Pages(gate_drive.Case):
    def test_a_name_that_points_here(self):
        """With tokens a webhook without a signature asks for nothing: a rebound page must not be its sender."""
        door = self.gate(tokens=self.tokens())
        port = address_of(door.address)[1]
        for host, due in ((b"evil.example:%d" % port, 421), (b"evil.example", 421), (b"127.0.0.1.evil.example", 421),
                          (b"localhost:%d" % port, 200), (b"127.0.0.1:%d" % port, 200), (b"[::1]:%d" % port, 200)):
            for origin in (b"", b"Origin: http://%s\r\n" % host):
                self.assertEqual(self.http(door, WEBHOOK % (host, origin))[0], due, (host, origin))
        self.assertEqual(len(door.dump()), 6)
        self.assertEqual(door.drops()["gate_foreign_host"], 6)

    def test_a_page_elsewhere(self):
        """No Origin comes with an image or a script; browsers say whose page asks all the same."""
        door = self.gate("--open")
        ask = b"GET /echo/ HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: %s\r\nSec-Fetch-Mode: %s\r\n\r\n"
        for site, mode, due in ((b"cross-site", b"no-cors", 403), (b"cross-site", b"navigate", 200), (b"same-origin", b"cors", 200),
                                (b"none", b"navigate", 200)):
            self.assertEqual(self.http(door, ask % (site, mode))[0], due, (site, mode))


class Senders(gate_drive.Case):
    def test_headers_that_do_not_fit(self):
        """One that is too long must not pass for one that is not there."""
        door = self.gate(tokens=self.tokens())
        for header, due in (("X-Convtap-Stream: " + "s" * 300, 400), ("X-Convtap-Format: " + "f" * 300, 400),
                            ("X-Convtap-Direction: in" + "n" * 20, 400), ("X-Convtap-Sequence: " + "0" * 40 + "1", 400),
                            ("Content-Encoding: gzip" + "," * 200, 415), ("Content-Type: image/png;" + "a" * 200, 415)):
            for more in ([], ["X-Convtap-Stream: s"]):
                if "Stream" not in header or not more:
                    self.assertEqual(self.post(door, "/ingest/web", b"a\nb", [header] + more)[0], due, header)
        self.assertEqual(door.dump(), [])

    def test_messages_that_never_end(self):
        """Unfinished messages are bounded over all connections, not only each."""
        door = self.gate("--open", message_max=32 << 20)
        piece = b"x" * (1 << 20)
        socks, closed = [], 0
        for _ in range(12):
            ws = WebSocket(door.address)
            try:
                ws.send(piece, final=False)
                for _ in range(16):
                    ws.raw(frame(0, piece, final=False))
                socks.append(ws)
            except OSError:
                closed += 1
        for ws in socks:
            ws.sock.settimeout(0.3)
            try:
                ws.receive()
            except Closed as e:
                self.assertIn(e.code, (1013, None))
                closed += 1
            except OSError:
                pass
        drops = door.drops()
        self.assertGreaterEqual(drops.get("gate_bodies_full", 0), 4, drops)
        for ws in socks:
            ws.drop()
        self.goes_on(door)
        self.assertLess(door.drops()["gate_bodies_full"], 12)

    def goes_on(self, door, tls=None):
        until = time.monotonic() + 30
        while door.json("stats")["open"] and time.monotonic() < until:
            time.sleep(0.05)
        stats = door.json("stats")
        self.assertEqual((stats["open"], stats["open_websockets"]), (0, 0))
        sock = dial(door.address, tls=tls)
        with sock:
            sock.sendall(b"GET /echo/fine HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self.assertEqual(self.answer(sock)[0], 200)


class Receivers(gate_drive.Case):
    def test_statuses_that_are_none(self):
        """What the receiver behind a webhook answers becomes ours: a status that no answer has would cut the next one loose."""
        body = b"{}"
        sign = b"X-Hub-Signature-256: sha256=" + hmac.new(b"app-secret", body, hashlib.sha256).hexdigest().encode()
        ask = b"POST /webhook/wa HTTP/1.1\r\nHost: localhost\r\n" + sign + b"\r\nContent-Length: 2\r\n\r\n" + body
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        door = self.gate("--open", forward="http://127.0.0.1:%d/hook" % listener.getsockname()[1])
        for status, due in (("200", 200), ("418", 418), ("999", 502), ("199", 502), ("000", 502), ("-20", 502)):
            with dial(door.address) as sock:
                sock.sendall(ask)
                peer = listener.accept()[0]
                with peer:
                    peer.recv(65536)
                    peer.sendall(b"HTTP/1.1 %s Odd\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok" % status.encode())
                    self.assertEqual(self.answer(sock)[0], due, status)


class Breaks(Senders):
    test_headers_that_do_not_fit = test_messages_that_never_end = None

    SAID = (b"", b"G", HANDSHAKE[:40], HANDSHAKE, HANDSHAKE + HELLO, HANDSHAKE + HELLO + frame(1, b"x" * 5000)[:3000],
            HANDSHAKE + HELLO + frame(1, b"x" * 70000) * 4, HANDSHAKE + HELLO + frame(2, b"a", final=False) + frame(9, b"p") * 50,
            HANDSHAKE + HELLO + frame(1, b"x") * 200 + frame(8, b"\x03\xe8"), HANDSHAKE + frame(1, b"x", mask=None),
            b"POST /ingest/web HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + b"y" * 70000,
            b"POST /ingest/web HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\na\nb" * 20,
            b"POST /webhook/wa HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
            b"GET /echo/x HTTP/1.1\r\nHost: localhost\r\n\r\n" * 30, b"\x16\x03\x01\x02\x00\x01\x00", os.urandom(300))

    def setUp(self):
        super().setUp()
        self.kept = []
        self.addCleanup(lambda: [sock.close() for sock in self.kept])

    def cut(self, door, rounds, wrap=None, seed=7):
        """Each connection says something, perhaps waits, and goes away: closed, half closed or reset."""
        pick = random.Random(seed)
        modes = ("hold", "full", "go", "fine", "fine")
        open_now = []
        for i in range(rounds):
            if i % 20 == 0:
                door.say(pick.choice(modes))
            sock = socket.create_connection(address_of(door.address), timeout=10)
            try:
                if wrap and pick.random() < 0.6:
                    sock = wrap(sock)
                said = pick.choice(self.SAID)
                sock.settimeout(0.05)
                sock.sendall(said[:pick.randrange(len(said) + 1)] if pick.random() < 0.5 else said)
                if pick.random() < 0.2:
                    sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            if pick.random() < 0.5:
                try:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                except OSError:
                    pass
            open_now.append(sock)
            while len(open_now) > pick.randrange(1, 30):
                open_now.pop(pick.randrange(len(open_now))).close()
        for sock in open_now:
            sock.close()
        door.say("go")
        door.say("fine")

    def test_breaking_off(self):
        door = self.gate("--open", "--forget", header_msec=1000, idle_msec=2000, patience_msec=300)
        self.cut(door, 600)
        self.goes_on(door)

    def test_breaking_off_in_tls(self):
        certificate, key = make_certificate(self)
        door = self.gate("--open", "--forget", certificate=certificate, key=key, header_msec=1000, idle_msec=2000, patience_msec=300)
        context = ssl.create_default_context(cafile=certificate)

        def wrap(sock):
            return context.wrap_socket(sock, server_hostname="localhost")

        self.cut(door, 300, wrap)
        self.goes_on(door, tls=certificate)

    def test_stopping_amid_it(self):
        door = self.gate("--open", "--forget", patience_msec=300)
        for i in range(200):
            sock = dial(door.address)
            sock.sendall(self.SAID[i % len(self.SAID)])
            self.kept.append(sock)  # open until the gate has stopped, which is looked at there


if __name__ == "__main__":
    gate_drive.main()
