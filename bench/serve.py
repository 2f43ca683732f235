"""A `convtap serve` of its own for a measurement, and what it costs. Used by bench/ingest_run and bench/tap_run. Standard
library only."""
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request


def cpu_seconds(pid):
    """Time on a processor of all threads; schedstat, as the ticks of stat are 10 ms."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
        except OSError:
            pass
    return total / 1e9


def thread_seconds(pid):
    """The same by thread, in the order in which they were started."""
    out = []
    for task in sorted(os.listdir(f"/proc/{pid}/task"), key=int):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            out.append(int(f.read().split()[0]) / 1e9)
    return out


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def raise_descriptors():
    """For this program and what it starts: thousands of connections."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Serve:
    """convtap serve in a folder of its own, every address chosen by the system; closed with `with`."""

    def __init__(self, convtap, rules=None, store=True, relay=None, tape="", extra=""):
        self.folder = tempfile.mkdtemp(prefix="convtap-bench-")
        config = os.path.join(self.folder, "convtap.yaml")
        with open(config, "w", encoding="utf-8") as f:
            if rules:
                f.write(f"rules: {json.dumps(os.path.abspath(rules))}\n")
            f.write(f"serve:\n  store: {'convtap.db' if store else 'none'}\n  intake: {{listen: \"127.0.0.1:0\"}}\n"
                    f"  desk: {{listen: \"127.0.0.1:0\"}}\n{extra}")
            f.write(f"  tape: {{folder: tape{', ' + tape if tape else ''}}}\n")
            f.write("sources:\n  web: {format: convtap, channel: web}\n")
            if relay:
                f.write(f"relays:\n  - {{source: web, listen: \"127.0.0.1:0\", upstream: \"{relay}\", connections: 20000}}\n")
        self.log = open(os.path.join(self.folder, "log"), "w+", encoding="utf-8")
        self.child = subprocess.Popen([convtap, "serve", "--config", config], stderr=self.log)
        self.pid = self.child.pid
        self.at = {}
        for _ in range(600):
            lines = open(self.log.name, encoding="utf-8").read().splitlines()
            if "convtap: ready" in lines:
                break
            if self.child.poll() is not None:
                sys.exit("convtap serve did not start:\n" + "\n".join(lines))
            time.sleep(0.05)
        for line in lines:
            words = line.split()
            if words[:1] == ["convtap:"] and words[1] in ("intake", "desk"):
                self.at[words[1]] = words[2].removeprefix("http://")
            elif words[:2] == ["convtap:", "relay"]:
                self.at["relay"] = words[3]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(120)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.at['desk']}{path}", timeout=60) as answer:
            return json.loads(answer.read())

    def status(self):
        return self.get("/api/v1/status")

    def settle(self, seconds=600):
        """Waits until all that is on the tape is judged and stored; the status then."""
        until, due = time.monotonic() + seconds, self.status()["positions"]["committed"]
        while time.monotonic() < until:
            status = self.status()
            if status["positions"]["judged"] >= due:
                return status
            time.sleep(0.02)
        sys.exit("convtap serve did not come to rest")
