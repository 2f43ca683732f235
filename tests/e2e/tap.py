"""A running `convtap serve` for the end-to-end tests: started on ports of its own, asked over HTTP. Standard library only."""
import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.parse

from drive import PROGRAM

PATIENCE = 60  # seconds: generous, for a slow machine under a sanitizer


def eventually(check, what="it", patience=PATIENCE):
    """The first answer that is true."""
    end = time.monotonic() + patience
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come within {patience} s")
        time.sleep(0.03)


class Tap:
    def __init__(self, *args, env=None, folder=None):
        plain = {k: v for k, v in os.environ.items() if k not in ("TZ", "LANG", "LC_ALL", "LANGUAGE", "CONVTAP_TOKENS")}
        plain.update(env or {})
        self.process = subprocess.Popen([PROGRAM, "serve", *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env=plain, cwd=folder)
        self.lines, self.ready = [], threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.ready.wait(PATIENCE)
        if "convtap: ready" not in self.lines:
            self.kill()
            raise AssertionError("not ready: " + self.said())

    def _read(self):
        for row in self.process.stderr:
            self.lines.append(row.decode("utf-8", "replace").rstrip("\n"))
            if self.lines[-1] == "convtap: ready":
                self.ready.set()
        self.ready.set()

    def said(self):
        return "\n".join(self.lines)

    def address(self, what):
        """Of a line "convtap: WHAT ADDRESS"."""
        return re.search(rf"^convtap: {what} (\S+)", self.said(), re.M).group(1)

    def ask(self, door, path, body=None, headers=None, method=None):
        """(status, body) of the door's answer."""
        where = urllib.parse.urlsplit(self.address(door))
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=PATIENCE)
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path, headers=None):
        status, body = self.ask("desk", path, headers=headers)
        if status != 200:
            raise AssertionError(f"{path}: {status} {body[:500]!r}")
        return json.loads(body)

    def push(self, source, *messages, headers=None):
        """Messages as JSON lines to the ingest: all taken, and safe."""
        body = "".join(json.dumps(m, ensure_ascii=False) + "\n" for m in messages).encode("utf-8")
        status, answer = self.ask("intake", f"/ingest/{source}", body, {"Content-Type": "application/x-ndjson", **(headers or {})})
        if status != 200 or json.loads(answer)["taken"] != len(messages):
            raise AssertionError(f"/ingest/{source}: {status} {answer[:500]!r}")

    def settled(self):
        """Everything that came is judged."""
        def even():
            positions = self.get("/api/v1/status")["positions"]
            return positions["judged"] >= positions["committed"]
        eventually(even, "the end of judging")

    def open(self):
        return self.get("/api/v1/status")["conversations"]["open"]

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self, number=signal.SIGTERM):
        """Graceful; the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def kill(self):
        """As power goes."""
        if self.process.poll() is None:
            self.process.kill()
        return self.wait()

    def wait(self):
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stderr.close()
        if re.search(r"AddressSanitizer|LeakSanitizer|runtime error:|ThreadSanitizer", self.said()):
            raise AssertionError(self.said()[-6000:])
        return status
