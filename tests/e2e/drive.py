"""Drives the real program for the end-to-end tests: the binary comes in the environment as CONVTAP. Standard library only."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SHARED = os.environ.get("CT_SHARED") or os.path.join(ROOT, "..", "shared")
PROGRAM = os.environ.get("CONVTAP", "")
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
ALL_PACKS = {"CONVTAP_RULES": ""}  # for `env`: every language, where CMakeLists.txt gives the test but one


class Done:
    """What a run of the program gave."""

    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.out)


def convtap(*args, stdin=b"", env=None, before=(), timeout=240):
    """Runs `convtap ARGS`; `env` is added to a plain environment; `before` is a command that runs it."""
    plain = {k: v for k, v in os.environ.items() if k not in ("TZ", "LANG", "LC_ALL", "LANGUAGE")}
    plain.update(env or {})
    command = [*before, PROGRAM, *map(str, args)]
    return Done(subprocess.run(command, input=stdin, capture_output=True, env=plain, timeout=timeout, check=False))


def undated(json_bytes):
    """The answer without the one thing in it that the clock decides."""
    return re.sub(rb'"generated_at":\s*"[^"]*"', b'"generated_at":""', json_bytes)


def line(**fields):
    return (json.dumps(fields, ensure_ascii=False) + "\n").encode("utf-8")


def good_conversation(name, user="u1", day=1):
    """A whole conversation as one line."""
    stamp = f"2026-03-{day:02d}T10:00:"
    return line(conversation_id=name, user_id=user, channel="web", messages=[
        {"role": "user", "text": "Hola, ¿dónde está mi pedido 4471?", "ts": stamp + "00Z"},
        {"role": "bot", "text": "Tu pedido 4471 llega mañana. ¿Te ayudo con algo más?", "ts": stamp + "04Z"},
        {"role": "user", "text": "No, gracias", "ts": stamp + "20Z"},
    ])


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="convtap-e2e-")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content):
        full = self.path(name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as f:
            f.write(content)
        return full

    def survived(self, done):
        """No run may end by a signal or with a sanitizer's report."""
        self.assertIn(done.status, (0, 1, 2, 3), f"ended with {done.status}:\n{done.err[-4000:]}")
        self.assertNotRegex(done.err, r"AddressSanitizer|LeakSanitizer|runtime error:|ThreadSanitizer", done.err[-4000:])


def main():
    if not PROGRAM:
        sys.exit("CONVTAP is not set: the path of the program is due")
    if not os.access(PROGRAM, os.X_OK):
        sys.exit(f"{PROGRAM}: no such program")
    unittest.main(verbosity=2)
