#!/usr/bin/env python3
"""Live equals audit: what a mixed run stored (ingest, webhook and relay at once; reloads, broken connections, copies, messages out of
order) is what a replay of its tape stores. MINUTES=10 for the long form (make soak)."""
import http.server
import json
import os
import random
import shutil
import socketserver
import sys
import threading
import time

from drive import ROOT, main
from tapped import Tapped
from traffic import SECRET, HookLane, HookSender, HttpSender, Lane, Place, PostSender, SocketSender

SEED = int(os.environ.get("SEED", "1"))
MINUTES = float(os.environ.get("MINUTES", "0.2"))

CONFIG = """idle: %(idle)s
idle_person: 5s
rules: rules
serve:
  tick: 100ms
  state: 500ms
  tape: {segment: 128K, compress: yes}
  intake: {listen: "127.0.0.1:0"}
  desk: {listen: "127.0.0.1:0"}
sources:
  webchat: {format: convtap, channel: %(channel)s}
  quick: {format: convtap, tenant: shop}
  whatsapp: {format: whatsapp_cloud, channel: whatsapp}
relays:
  - {source: quick, listen: "127.0.0.1:0", upstream: "127.0.0.1:%(gateway)d", read: [http], paths: [/chat]}
webhooks:
  - {source: whatsapp, signature: whatsapp, secret_file: hook.secret, verify_token_env: HOOK_VERIFY}
"""
RULE = """pack: own
version: 1.0.0
extends: core
signals: {own.parcel: {means: topic, role: user}}
rules:
  - {id: own.parcel, emit: own.parcel, role: user, any: ['\\b%s\\b']}
"""


class Gateway(http.server.BaseHTTPRequestHandler):
    """Answers what it was sent with the bot's word, under the same conversation."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        row = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = row["conversation_id"]
        answer = json.dumps({"conversation_id": name, "role": "bot", "text": "Llega mañana. ¿Algo más?", "id": row.get("id", "") + "-a"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Quiet(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


class RelaySender(HttpSender):
    """A customer's browser at the relay, one request after another; no one acknowledges anything here."""

    def talk(self, address):
        if self.lane.more(self.acked + 1) <= self.acked:
            return
        self.sent = self.acked + 1
        status, answer = self.post(address, "/chat", self.lane.payloads[self.acked], {"Content-Type": "application/json"})
        if status != 200:
            self.problems.append(f"{self.lane.name}: {status} {answer[:200]!r}")
        self.acked += 1
        time.sleep(self.pace * self.random.random())


class SameLive(Tapped):

    def setting(self, number, gateway):
        """The file and the rules in their `number`-th form; two of each come and go."""
        secret = self.write("hook.secret", SECRET + b"\n")
        os.chmod(secret, 0o600)
        if not os.path.isdir(self.path("rules")):
            os.makedirs(self.path("rules"))
            for name in os.listdir(os.path.join(ROOT, "rules")):
                if name.endswith(".yaml"):
                    shutil.copy(os.path.join(ROOT, "rules", name), self.path("rules", name))
        self.write("rules/zz_own.yaml", (RULE % ("pedido" if number & 1 else "factura")).encode())
        self.write("convtap.yaml", (CONFIG % {"gateway": gateway, "idle": "2s" if number & 2 else "3s", "channel": "web" if number & 4 else "chat"}).encode())

    def traffic(self, intake, relay):
        pace = {"pace": 0.03 if MINUTES < 1 else 0.15}
        hard = [SocketSender(Lane(SEED, "gate-a", at_once=60), intake, "webchat", **pace), SocketSender(Lane(SEED, "gate-b"), intake, "quick", **pace),
                PostSender(Lane(SEED, "batch-a", at_once=30), intake, "webchat", **pace), PostSender(Lane(SEED, "batch-b"), intake, "quick", **pace),
                HookSender(HookLane(SEED, "hook"), intake, "whatsapp", **pace)]
        # the relay and a second gateway speak in the same conversations as lane gate-b: they carry the same ids
        soft = [RelaySender(Lane(SEED, "gate-b", one_in_a_line=0), relay, "quick"), RelaySender(Lane(SEED, "browser", one_in_a_line=0), relay, "quick")]
        for sender in hard[:2]:
            sender.hiccups = 0.05
        return hard, soft

    def test_the_store_is_what_a_replay_stores(self):
        gateway = Quiet(("127.0.0.1", 0), Gateway)
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        self.addCleanup(gateway.server_close)
        self.addCleanup(gateway.shutdown)
        self.setting(0, gateway.server_address[1])
        tap = self.start()
        self.place, relay = Place(), Place()
        hard, soft = self.traffic(self.place, relay)
        self.place.set(tap.address("intake").split("//")[1])
        relay.set(tap.address("relay quick"))
        for sender in hard + soft:
            sender.start()
        pick, end, reloads = random.Random(SEED), time.monotonic() + MINUTES * 60, 0
        while time.monotonic() < end:
            time.sleep(min(pick.uniform(0.3, 2.5 if MINUTES < 1 else 10), max(0.0, end - time.monotonic())))
            reloads += 1
            self.setting(reloads, gateway.server_address[1])
            tap.hang_up()
        # ended under load: what was acknowledged by then is judged, and the exit status says so
        relay.stop()
        self.place.set(None)
        status = tap.stop()
        self.place.stop()
        for sender in hard + soft:
            sender.join(60)
            self.assertEqual(sender.problems if sender in hard else [], [])
        self.assertEqual(status, 0, tap.said())
        self.assertGreaterEqual(tap.said().count("event=reloaded changed=yes"), reloads // 2)
        self.looked_at(tap)
        acked = {s.lane.name: s.acked for s in hard}
        self.assertGreater(sum(s.breaks for s in hard[:2]), 0)
        done = self.replay("--close", "--conversations", self.path("all.jsonl"), self.path("tape"))
        self.assert_live_is_replay()
        tap = self.start()  # it finds what was open, and silence ends it
        tap.settled()
        time.sleep(4)
        self.assertEqual(tap.stop(), 0, tap.said())
        self.looked_at(tap)
        self.assert_live_is_replay()
        rows = self.sql("convtap.db", "SELECT revision, final, channel FROM conversation")
        self.assertGreater(sum(r[0] > 1 for r in rows), 10)
        self.assertEqual({r[1] for r in rows}, {0, 1})
        self.assertTrue({"web", "chat", "whatsapp"} <= {r[2] for r in rows} or reloads < 8)
        self.assertGreater(len(set(self.sql("convtap.db", "SELECT rules_hash FROM conversation"))), 1)
        self.assert_acknowledged_is_judged(hard, acked)
        print(f"{MINUTES:g} min, {reloads} reloads, {sum(acked.values())} acknowledged, {sum(s.acked for s in soft)} through the relay, "
              f"{sum(s.breaks for s in hard)} broken connections, {len(rows)} conversations, revisions up to {max(r[0] for r in rows)}; {done.err.strip()}",
              file=sys.stderr)

    def assert_acknowledged_is_judged(self, senders, acked):
        """Every conversation of whose messages one was acknowledged came out of the tape."""
        found = set()
        with open(self.path("all.jsonl"), encoding="utf-8") as f:
            for row in f:
                found.add(json.loads(row)["conversation_id"])
        for sender in senders:
            if isinstance(sender, HookSender):
                continue
            said = {json.loads(payload)["conversation_id"] for payload in sender.lane.payloads[:acked[sender.lane.name]]}
            self.assertEqual(said - found, set())


if __name__ == "__main__":
    main()
