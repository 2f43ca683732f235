#!/usr/bin/env python3
"""libprotocol_convtap.so in a libwebsockets server that is not convtap's own: the example host, with the plugin as installed."""
import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
import threading
import time

from drive import convtap, main
from installed import BUILD, Installed
from tap import PATIENCE
from websocket import BINARY, PING, TEXT, Closed, Refused, WebSocket, dial, frame

HOST = os.path.join(BUILD, "convtap_host")
CONFIG = """idle: %(idle)s
idle_person: %(idle)s
serve:
  tick: 100ms
  intake: {message: %(message)s, origins: ["https://desk.example"], connections: 300}
%(more)ssources:
  webchat: {format: convtap, channel: web, bot: Nube}
"""
TOKENS = b"gateway ingest 0123456789abcdef-in\nboard read 0123456789abcdef-out\n"


def said(conversation, n, role="user", text="hola", **more):
    return json.dumps({"conversation_id": conversation, "user_id": "u-" + conversation, "role": role, "text": text,
                       "id": f"{conversation}-{n}", **more})


def ended(conversation):
    return said(conversation, "end", "system", "", event={"type": "close"})


class Host:
    """The example host; a server that somebody else wrote."""

    def __init__(self, plugins, config, **more):
        command = [HOST, "--port", "0", "--plugins", plugins, "--config", config]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env={**os.environ, "CONVTAP_RULES": ""}, **more)
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        first = self.process.stdout.readline().decode()
        found = re.match(r"listening on (\S+)", first)
        self.address = found and found.group(1)

    def _read(self):
        for row in self.process.stderr:
            self.lines.append(row.decode("utf-8", "replace").rstrip("\n"))

    def wait(self):
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        text = "\n".join(self.lines)
        if re.search(r"Sanitizer|runtime error:", text):
            raise AssertionError(text[-6000:])
        return status

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        return self.wait()


class Socket(WebSocket):
    """One that the test closes at its end, whatever became of it."""

    every = []

    def __init__(self, address, **more):
        Socket.every.append(self)
        self.sock = None
        super().__init__(address, timeout=PATIENCE, **more)


class Sender:
    """A gateway that keeps what is not acknowledged."""

    def __init__(self, address, stream="bot-7", **more):
        self.socket = Socket(address, **more)
        hello = {"source": "webchat", **({"stream": stream} if stream else {})}
        self.socket.send(json.dumps({"hello": hello}))
        self.welcome = json.loads(self.socket.receive())["welcome"]
        self.next, self.acked = self.welcome["next"], self.welcome["next"] - 1

    def send(self, *texts):
        for text in texts:
            self.socket.send(text)
            self.next += 1

    def acknowledged(self, up_to=None):
        """Reads until everything sent is acknowledged."""
        while self.acked < (self.next - 1 if up_to is None else up_to):
            answer = json.loads(self.socket.receive())
            if "ack" in answer:
                if answer["ack"] <= self.acked:
                    raise AssertionError(f"{answer} after {self.acked}")
                self.acked = answer["ack"]


class Plugin(Installed):
    def setUp(self):
        super().setUp()
        self.hosts = []
        self.addCleanup(lambda: [host.kill() for host in self.hosts if host.process.poll() is None])
        self.addCleanup(self.close_sockets)

    def close_sockets(self):
        for socket in Socket.every:
            if socket.sock:
                socket.sock.close()
        Socket.every.clear()

    def config(self, idle="7d", message="64K", more=""):
        return self.write("convtap.yaml", (CONFIG % {"idle": idle, "message": message, "more": more}).encode())

    def start(self, config=None, listening=True, **more):
        host = Host(os.path.join(self.lib, "convtap", "lws"), config or self.config(), cwd=self.folder, **more)
        self.hosts.append(host)
        if listening and not host.address:
            host.wait()
            self.fail("\n".join(host.lines))
        return host

    def dump(self, name="convtap.db"):
        done = convtap("db", "dump", self.path(name))
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        return done.out

    def records(self):
        rows = [json.loads(row) for row in self.dump().splitlines()]
        return {row["record"]["conversation_id"]: row["record"] for row in rows if "record" in row}

    def assert_replays(self):
        done = convtap("replay", "--db", self.path("replay.db"), self.path("tape"))
        self.survived(done)
        self.assertEqual(self.dump(), self.dump("replay.db"))

    def refused(self, host, status, **more):
        with self.assertRaises(Refused) as caught:
            Socket(host.address, **more)
        self.assertEqual(caught.exception.status, status, caught.exception.head)

    def closed(self, socket):
        """The code that the peer closes with."""
        with self.assertRaises(Closed) as caught:
            while True:
                socket.receive()
        return caught.exception.code

    # ---- the way through

    def test_hello_ack_resume(self):
        host = self.start()
        sender = Sender(host.address)
        self.assertEqual(sender.socket.protocol, "convtap.v1")
        self.assertEqual(sender.welcome, {"next": 1, "max_message": 65536})
        sender.send(said("c", 1), said("c", 2, "bot", "¿Algo más?"))
        sender.acknowledged()
        self.assertEqual(sender.socket.close(), 1000)
        sender = Sender(host.address)
        self.assertEqual(sender.next, 3)
        sender.send(said("c", 3, text="no, gracias"), ended("c"))
        sender.acknowledged()
        self.assertEqual(Sender(host.address, "another").next, 1)
        self.assertEqual(Sender(host.address, None).next, 1)
        self.assertEqual(host.stop(), 0)
        records = self.records()
        self.assertEqual(list(records), ["c"])
        counts = records["c"]["counts"]
        self.assertEqual((counts["user"], counts["bot"], records["c"]["channel"], records["c"]["bot"]), (2, 1, "web", "Nube"))
        self.assertEqual(records["c"]["rules_hash"], self.rules_hash)
        self.assert_replays()
        # A conversation that was open, and the stream's number, go on after a stop.
        host = self.start()
        sender = Sender(host.address)
        self.assertEqual(sender.next, 5)
        self.assertEqual(host.stop(signal.SIGINT), 0)

    def test_killed_and_started_again(self):
        conversations = [f"k-{n}" for n in range(60)]
        todo = [text for name in conversations for text in (said(name, 1), said(name, 2, "bot", "¿Algo más?"), ended(name))]
        acked = 0
        for turn in range(4):
            host = self.start()
            sender = Sender(host.address)
            self.assertGreater(sender.next, acked)  # nothing acknowledged is asked for again
            rest = todo[sender.next - 1:]
            if turn < 3:
                sender.send(*rest[:45])
                sender.acknowledged(sender.acked + 1 + 10 * turn)
                acked = sender.acked
                host.kill()
                sender.socket.sock.close()
            else:
                sender.send(*rest)
                sender.acknowledged()
                self.assertEqual(host.stop(), 0)
        self.assertEqual({name: (r["counts"]["user"], r["counts"]["bot"]) for name, r in self.records().items()},
                         {name: (1, 1) for name in conversations})
        self.assert_replays()

    def test_many_connections_at_once(self):
        host = self.start()
        senders = [Sender(host.address, f"bot-{n}") for n in range(200)]
        for n, sender in enumerate(senders):
            sender.send(said(f"m-{n}", 1))
        for n, sender in enumerate(senders):
            sender.send(said(f"m-{n}", 2, "bot", "¿Algo más?"), ended(f"m-{n}"))
        for sender in senders:
            sender.acknowledged()
            self.assertEqual(sender.acked, 3)
        for sender in senders[:100]:
            sender.socket.drop()
        more = [Sender(host.address, f"more-{n}") for n in range(100)]
        refused = 0
        for n in range(150):
            try:
                more.append(Sender(host.address, f"yet-{n}"))
            except Refused as refusal:
                self.assertEqual(refusal.status, 503)
                refused += 1
        self.assertEqual((len(more), refused), (200, 50))
        self.assertEqual(host.stop(), 0)
        self.assertEqual({(r["counts"]["user"], r["counts"]["bot"]) for r in self.records().values()}, {(1, 1)})
        self.assertEqual(len(self.records()), 200)
        self.assert_replays()

    # ---- who may

    def test_tokens(self):
        tokens = self.write("tokens", TOKENS)
        os.chmod(tokens, 0o600)
        host = self.start(self.config(more="  tokens: tokens\n"))
        for token, status in ((None, 401), ("0123456789abcdef-no", 401), ("0123456789abcdef-out", 403), ("x" * 3000, 401)):
            self.refused(host, 401 if status == 401 else 403, token=token)
        self.refused(host, 401, path="/?token=0123456789abcdef-in")
        sender = Sender(host.address, token="0123456789abcdef-in")
        sender.send(said("c", 1), ended("c"))
        sender.acknowledged()
        self.assertEqual(host.stop(), 0)
        self.assertEqual(list(self.records()), ["c"])
        self.assertNotIn("0123456789abcdef", "\n".join(host.lines))

    def test_what_is_no_upgrade_of_ours(self):
        host = self.start()
        self.refused(host, 400, version="8")
        self.refused(host, 400, method="POST", headers=("Content-Length: 0",))
        self.refused(host, 403, headers=("Origin: https://evil.example",))
        self.refused(host, 403, headers=("Origin: https://desk.example.evil.example",))
        self.refused(host, 403, replace=lambda request: re.sub(rb"Host: \S+", b"Host: rebound.example", request))
        for odd in ({"upgrade": "h2c", "headers": ("HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",)}, {"protocols": ("no.such",)}):
            try:
                socket = Socket(host.address, **odd)
                self.fail(f"{odd}: {socket.head}")
            except (Refused, Closed, ConnectionError):
                pass
        dial(host.address).close()
        raw = dial(host.address)
        raw.sendall(os.urandom(512) + b"\r\n\r\n")
        raw.close()
        self.assertEqual(Sender(host.address, headers=("Origin: https://desk.example",)).next, 1)
        self.assertEqual(Sender(host.address, headers=(f"Origin: http://{host.address}",)).next, 1)
        self.assertEqual(host.stop(), 0)

    def test_hello(self):
        host = self.start()
        for first in ("{}", "nonsense", '{"hello":{"source":"elsewhere"}}', '{"hello":{"source":"webchat","format":"none"}}', b"\x00\x01", "x" * 5000):
            socket = Socket(host.address)
            socket.send(first)
            self.assertEqual(json.loads(socket.receive())["error"]["code"], "bad_hello")
            self.assertEqual(self.closed(socket), 1008)
        self.assertEqual(host.stop(), 0)

    # ---- messages

    def test_fragments_and_sizes(self):
        host = self.start()
        sender = Sender(host.address)
        text = said("f", 1, text="ñandú " * 3000).encode()
        pieces = [text[i:i + 700] for i in range(0, len(text), 700)]
        sender.socket.raw(frame(TEXT, pieces[0], final=False))
        for piece in pieces[1:-1]:
            sender.socket.raw(frame(0, piece, final=False) + frame(PING, b"still there?"))
        sender.socket.raw(frame(0, pieces[-1]))
        sender.next += 1
        sender.acknowledged()
        sender.send(said("f", 2, text="x" * 60000))
        sender.socket.send(said("f", 3).encode(), BINARY)
        sender.next += 1
        sender.acknowledged()
        sender.socket.raw(b"".join(frame(TEXT, said("f", n).encode()) for n in range(4, 104)))  # many in one segment
        sender.next += 100
        sender.acknowledged()
        for one in (frame(TEXT, said("f", 104).encode()), frame(TEXT, ended("f").encode())):
            for byte in one:
                sender.socket.raw(bytes([byte]))
        sender.next += 2
        sender.acknowledged()
        self.assertEqual(host.stop(), 0)
        self.assertEqual(self.records()["f"]["counts"]["user"], 104)
        self.assert_replays()

    def test_an_empty_message_takes_its_number(self):
        host = self.start()
        for stream, pieces in (("whole", [frame(TEXT, b"")]), ("pieces", [frame(TEXT, b"", final=False), frame(0, b"")])):
            sender = Sender(host.address, stream)
            sender.send(said("e-" + stream, 1))
            sender.acknowledged()
            sender.socket.raw(b"".join(pieces))
            sender.send(ended("e-" + stream))
            answers = []
            while not answers or answers[-1] != {"ack": 3}:
                answers.append(json.loads(sender.socket.receive()))
            self.assertIn({"refused": {"sequence": 2, "reason": "empty"}}, answers)
        self.assertEqual(host.stop(), 0)
        self.assertEqual(len(self.records()), 2)

    def test_too_long_and_malformed(self):
        host = self.start()
        whole, pieces, utf8 = Sender(host.address, "a"), Sender(host.address, "b"), Sender(host.address, "c")
        whole.socket.raw(frame(TEXT, b"x" * 65537))  # a little too long: it has its number all the same
        refused = json.loads(whole.socket.receive())["refused"]
        self.assertEqual((refused["sequence"], refused["reason"]), (1, "too_long"))
        whole.socket.raw(frame(TEXT, b"x" * (2 * 65536 + 1)))
        self.assertEqual(self.closed(whole.socket), 1009)
        pieces.socket.raw(frame(TEXT, b"x" * 80000, final=False) + frame(0, b"x" * 80000))
        self.assertEqual(self.closed(pieces.socket), 1009)
        utf8.socket.raw(frame(TEXT, b"\xff\xfe"))
        self.assertEqual(self.closed(utf8.socket), 1007)
        small = self.start(self.write("small/convtap.yaml", (CONFIG % {"idle": "7d", "message": "2K", "more": ""}).encode()))
        sender = Sender(small.address)
        sender.socket.send("x" * 2049)  # less than the library reads at a time
        self.assertIn("refused", json.loads(sender.socket.receive()))
        for stream, next_number in (("a", 2), ("b", 1), ("c", 1)):
            self.assertEqual(Sender(host.address, stream).next, next_number)
        self.assertEqual((host.stop(), small.stop()), (0, 0))

    def test_the_newer_connection_has_the_stream(self):
        host = self.start()
        older = Sender(host.address)
        older.send(said("t", 1))
        older.acknowledged()
        newer = Sender(host.address)
        self.assertEqual(newer.next, 2)
        self.assertEqual(self.closed(older.socket), 1008)
        newer.send(said("t", 2), ended("t"))
        newer.acknowledged()
        self.assertEqual(host.stop(), 0)
        self.assertEqual(self.records()["t"]["counts"]["user"], 2)

    # ---- when the disk does not take it

    def test_backpressure(self):
        """No file of the host's may grow: nothing is acknowledged; once it may, everything is, in order and once."""
        host = self.start(self.config(more="  tape: {buffer: 1M}\n"), preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
        sender = Sender(host.address)
        sender.send(said("b", 0))
        sender.acknowledged()
        resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        names = [f"b-{n}" for n in range(40)]
        texts = [text for name in names for text in (said(name, 1, note="x" * 30000), said(name, 2, "bot"), ended(name))]
        pushing = threading.Thread(target=sender.socket.raw, args=(b"".join(frame(TEXT, text.encode()) for text in texts),))
        pushing.start()
        self.assertEqual(select.select([sender.socket.sock], [], [], 1)[0], [])
        sender.next += len(texts)
        other = Sender(host.address, "other")  # the server itself goes on
        self.assertEqual(other.next, 1)
        resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        sender.acknowledged()
        pushing.join()
        self.assertEqual(host.stop(), 0)
        self.assertEqual({name: (r["counts"]["user"], r["counts"]["bot"]) for name, r in self.records().items()},
                         {name: (1, 1) for name in names})
        self.assert_replays()

    def test_patience_ends(self):
        host = self.start(self.config(more="  tape: {buffer: 1M}\n"), preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
        sender = Sender(host.address)
        resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        begun = time.monotonic()
        rows = b"".join(frame(TEXT, said("p", n, note="x" * 30000).encode()) for n in range(40))
        threading.Thread(target=sender.socket.raw, args=(rows,), daemon=True).start()
        self.assertEqual(self.closed(sender.socket), 1013)
        self.assertGreater(time.monotonic() - begun, 4)
        resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        sender = Sender(host.address)  # and comes again
        sender.send(*[said("p", n) for n in range(sender.next - 1, 40)], ended("p"))
        sender.acknowledged()
        self.assertEqual(host.stop(), 0)
        self.assertEqual(self.records()["p"]["counts"]["user"], 40)

    # ---- what it does not start with

    def test_one_tap_a_tape_folder(self):
        first = self.start()
        second = self.start(first.process.args[-1], listening=False)
        self.assertIsNone(second.address)
        self.assertEqual(second.wait(), 1)
        self.assertRegex("\n".join(second.lines), r"convtap: .*another process writes it")
        self.assertEqual(Sender(first.address).next, 1)
        self.assertEqual(first.stop(), 0)
        self.assertEqual(self.start().stop(), 0)

    def test_bad_configuration(self):
        host = self.start(self.write("bad.yaml", b"serve:\n  tick: soon\n"), listening=False)
        self.assertIsNone(host.address)
        self.assertEqual(host.wait(), 1)
        self.assertRegex("\n".join(host.lines), r"convtap: .*bad\.yaml:2:9: ")
        empty = Host(self.folder, "")
        self.hosts.append(empty)
        self.assertIsNone(empty.address)
        self.assertEqual(empty.wait(), 1)
        self.assertIn("no plugin to be loaded", "\n".join(empty.lines))


if __name__ == "__main__":
    if not BUILD:
        sys.exit("CT_BUILD is not set: the build tree is due")
    main()
