"""Drives gate_host, the small program around a gate: its path comes in the environment as GATE_HOST."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import websocket

HOST = os.environ.get("GATE_HOST", "")
INGEST, READ, ADMIN = "ingest-token-0123456789", "read-token-0123456789abc", "admin-token-0123456789ab"


class Gate:
    """A running gate_host."""

    def __init__(self, *args, **options):
        command = [HOST, *args]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = self.process.stdout.readline().decode()
        if not first.startswith("listening "):
            self.error = self.process.stderr.read().decode()
            self.process.wait()
            self.address = None
        else:
            self.address = first.split()[1]

    def say(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().strip()

    def json(self, command):
        return json.loads(self.say(command))

    def dump(self):
        """What the intake has: (source, stream, sequence, direction, target, format, bytes)."""
        rows = []
        for row in self.json("dump"):
            source, stream, sequence, direction, target, kind, data = row.split("|")
            rows.append((source, stream, int(sequence), int(direction), target, kind, bytes.fromhex(data)))
        return rows

    def drops(self):
        return self.json("drops")

    def stop(self):
        """Status and what was said on stderr."""
        if self.process.poll() is None:
            self.say("stop")
        self.process.stdin.close()
        error = self.process.stderr.read().decode()
        self.process.wait(timeout=60)
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.returncode, error


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="convtap-gate-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def tokens(self):
        path = os.path.join(self.folder, "tokens")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"# who\ngateway ingest {INGEST}\ndashboard read {READ}\nboss admin {ADMIN}\n")
        os.chmod(path, 0o600)
        return path

    def gate(self, *args, **options):
        gate = Gate(*args, **options)
        self.assertIsNotNone(gate.address, getattr(gate, "error", ""))
        self.addCleanup(self.finish, gate)
        return gate

    def finish(self, gate):
        status, error = gate.stop()
        self.assertNotRegex(error, r"AddressSanitizer|LeakSanitizer|runtime error:|ThreadSanitizer")
        self.assertEqual(status, 0, error)

    def http(self, gate, request, tls=None, timeout=10):
        """One request as raw bytes; status, headers and body of its one answer."""
        with websocket.dial(gate.address, timeout, tls) as sock:
            sock.sendall(request)
            return self.answer(sock, request.startswith(b"HEAD"))

    @staticmethod
    def answer(sock, bodiless=False):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = sock.recv(65536)
            if not piece:
                return None, {}, data
            data += piece
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        size = 0 if bodiless else int(headers.get("content-length", 0))
        while len(body) < size:
            piece = sock.recv(65536)
            if not piece:
                break
            body += piece
        return int(lines[0].split()[1]), headers, body

    def post(self, gate, path, body, headers=(), token=INGEST):
        lines = [f"POST {path} HTTP/1.1", f"Host: {gate.address}", f"Content-Length: {len(body)}", *headers]
        if token:
            lines.append("Authorization: Bearer " + token)
        return self.http(gate, ("\r\n".join(lines) + "\r\n\r\n").encode() + body)


def main():
    if not HOST or not os.access(HOST, os.X_OK):
        sys.exit("GATE_HOST: the path of gate_host is due")
    unittest.main(verbosity=2)
