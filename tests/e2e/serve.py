#!/usr/bin/env python3
"""The live tap from end to end: what is pushed is on the tape, judged, shown and stored, whatever ends the process in between."""
import hashlib
import hmac
import http.client
import http.server
import json
import os
import signal
import stat
import threading

from drive import ROOT, Case, convtap, main
from tap import Tap, eventually
from websocket import Closed, WebSocket

CONFIG = """idle: %(idle)s
idle_person: %(idle)s
rules: %(rules)s
serve:
  tick: 100ms
  intake: {listen: "127.0.0.1:0"}
  desk: {listen: "127.0.0.1:0"}
sources:
  webchat: {format: convtap, channel: web, bot: Nube}
"""


def talk(name, *texts, user=None, close=False):
    """Customer and bot in turn, without times: they have those of their arrival."""
    rows = [{"conversation_id": name, "user_id": user or "u-" + name, "role": "bot" if n % 2 else "user", "text": text, "id": f"{name}-{n}"}
            for n, text in enumerate(texts)]
    if close:
        rows.append({"conversation_id": name, "role": "system", "text": "", "id": name + "-end", "event": {"type": "close"}})
    return rows


SOLVED = ("¿Dónde está mi pedido?", "Llega mañana. ¿Te ayudo con algo más?", "No, gracias, todo bien")
PERSON = ("quiero hablar con una persona", "Te paso con un agente")


class Serve(Case):
    def setUp(self):
        super().setUp()
        self.taps = []
        self.addCleanup(lambda: [tap.kill() for tap in self.taps if tap.process.poll() is None])

    def config(self, idle="1s", rules="~", extra=""):
        return self.write("convtap.yaml", (CONFIG % {"idle": idle, "rules": rules} + extra).encode("utf-8"))

    def start(self, *args, **more):
        self.taps.append(Tap(*args, **more))
        return self.taps[-1]

    def dump(self, name):
        done = convtap("db", "dump", self.path(name))
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        return done.out

    def stored(self, name="convtap.db"):
        rows = [json.loads(row) for row in self.dump(name).splitlines()]
        return {row["record"]["conversation_id"]: row["record"] for row in rows if "record" in row}

    def assert_replays(self, *args, name="replay.db"):
        """A replay of the tape gives what the live run stored."""
        done = convtap("replay", "--db", self.path(name), *args, self.path("tape"))
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(self.dump("convtap.db"), self.dump(name))
        return done

    # ---- the way through

    def test_push_judge_show_store_replay(self):
        tap = self.start("--config", self.config("1s"))
        self.assertEqual(tap.lines[-1], "convtap: ready")
        self.assertEqual(tap.address("tape"), self.path("tape"))
        self.assertEqual(tap.address("store"), self.path("convtap.db"))
        tap.push("webchat", *talk("solved", *SOLVED), *talk("person", *PERSON), *talk("ended", *SOLVED, close=True))
        found = eventually(lambda: (lambda kpis: kpis["totals"]["conversations"] == 3 and kpis)(tap.get("/api/v1/kpis?window=1h")), "three")
        kpis = {k["id"]: k for k in found["kpis"]}
        self.assertEqual((kpis["escalation_rate"]["denominator"], kpis["automation_rate"]["denominator"]), (3, 3))
        tap.settled()
        self.assertEqual(tap.stop(), 0)
        records = self.stored()
        self.assertEqual(sorted(records), ["ended", "person", "solved"])
        self.assertEqual({(r["channel"], r["bot"]) for r in records.values()}, {("web", "Nube")})
        self.assertEqual(records["solved"]["outcome"], "resolved_implied")
        self.assert_replays()
        for name in ["convtap.db", "tape", "tape/state"]:
            self.assertEqual(stat.S_IMODE(os.stat(self.path(name)).st_mode) & 0o077, 0, name)

    def test_unknown_sources_and_bad_bodies_are_refused_by_name(self):
        tap = self.start("--config", self.config())
        status, body = tap.ask("intake", "/ingest/elsewhere", b"{}\n")
        self.assertEqual(status, 404, body)
        tap.push("webchat", {"conversation_id": "bad", "role": 7, "text": "x"})
        tap.settled()
        drops = tap.get("/api/v1/drops")
        self.assertIn("wrong_type", json.dumps(drops))
        self.assertEqual(tap.stop(signal.SIGINT), 0)
        done = convtap("replay", "--quiet", self.path("tape"))
        self.survived(done)
        self.assertEqual(done.status, 1, done.err)

    def test_payload_too_long(self):
        """One byte over the limit is refused by its number, and the stream goes on; so is no connection lost."""
        path = self.write("limit.yaml", (CONFIG % {"idle": "1m", "rules": os.path.join(ROOT, "rules")}).replace(
            'intake: {listen: "127.0.0.1:0"}', 'intake: {listen: "127.0.0.1:0", message: 2K}').encode())
        tap = self.start("--config", path)
        ws = WebSocket(tap.address("intake").split("//")[1])
        ws.send('{"hello":{"source":"webchat","stream":"s"}}')
        self.assertEqual(json.loads(ws.receive())["welcome"], {"next": 1, "max_message": 2048})
        ws.send("x" * 2049)
        ws.send(json.dumps(talk("after", "hola")[0]))
        said = []
        while not said or said[-1].get("ack") != 2:
            said.append(json.loads(ws.receive()))
        self.assertIn({"refused": {"sequence": 1, "reason": "too_long"}}, said)
        ws.send("x" * (2048 + (64 << 10) + 1))
        with self.assertRaises(Closed) as closed:
            ws.receive()
        self.assertEqual(closed.exception.code, 1009)
        ws.drop()
        self.assertEqual(tap.stop(), 0)

    def test_figures_of_a_machine_with_nothing_set(self):
        os.makedirs(self.path("empty"))
        tap = self.start("--intake", "127.0.0.1:0", "--desk", "127.0.0.1:0", folder=self.path("empty"))
        self.assertEqual(tap.address("tape"), self.path("empty", "tape"))
        tap.push("anything", *talk("c", *SOLVED))
        tap.settled()
        self.assertEqual(tap.open(), 1)
        self.assertEqual(tap.stop(), 0)

    def test_webhook(self):
        secret = self.write("hook.secret", b"the-app-secret-0123\n")
        os.chmod(secret, 0o600)
        tap = self.start("--config", self.config("1s", extra="""  whatsapp: {format: whatsapp_cloud, channel: whatsapp}
webhooks:
  - {source: whatsapp, signature: whatsapp, secret_file: hook.secret, verify_token_env: HOOK_VERIFY}
"""), env={"HOOK_VERIFY": "a-verify-token"})
        status, body = tap.ask("intake", "/webhook/whatsapp?hub.mode=subscribe&hub.verify_token=a-verify-token&hub.challenge=421")
        self.assertEqual((status, body), (200, b"421"))
        body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
            "messaging_product": "whatsapp", "metadata": {"display_phone_number": "34910000000", "phone_number_id": "77"},
            "contacts": [{"profile": {"name": "L"}, "wa_id": "34600000001"}],
            "messages": [{"from": "34600000001", "id": "wamid.1", "timestamp": "1770000000", "type": "text", "text": {"body": "hola"}}]}}]}]}).encode()
        self.assertEqual(tap.ask("intake", "/webhook/whatsapp", body, {"X-Hub-Signature-256": "sha256=" + "0" * 64})[0], 401)
        signature = hmac.new(b"the-app-secret-0123", body, hashlib.sha256).hexdigest()
        self.assertEqual(tap.ask("intake", "/webhook/whatsapp", body, {"X-Hub-Signature-256": "sha256=" + signature})[0], 200)
        tap.settled()
        eventually(lambda: tap.open() == 0, "silence")
        tap.settled()
        self.assertEqual(tap.stop(), 0)
        self.assertEqual({r["channel"] for r in self.stored().values()}, {"whatsapp"})
        self.assertNotIn("the-app-secret", tap.said())
        self.assert_replays()

    def test_relay(self):
        class Gateway(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                answer = json.dumps({"conversation_id": "r", "user_id": "u", "role": "bot", "text": "Llega mañana. ¿Algo más?", "id": "2"}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        gateway = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        self.addCleanup(gateway.server_close)
        self.addCleanup(gateway.shutdown)
        tap = self.start("--config", self.config("1s", extra="""relays:
  - {source: webchat, listen: "127.0.0.1:0", upstream: "127.0.0.1:%d", read: [http], paths: [/chat]}
""" % gateway.server_address[1]))
        host, port = tap.address("relay webchat").rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        said = json.dumps({"conversation_id": "r", "user_id": "u", "role": "user", "text": "¿Dónde está mi pedido?", "id": "1"})
        connection.request("POST", "/chat", said.encode(), {"Content-Type": "application/json"})
        self.assertEqual(json.loads(connection.getresponse().read())["text"], "Llega mañana. ¿Algo más?")
        connection.close()
        eventually(lambda: tap.get("/api/v1/status")["conversations"]["published"] == 1, "the conversation")
        self.assertEqual(tap.get("/api/v1/status")["counters"]["relay_connections_total"], 1)
        tap.settled()
        self.assertEqual(tap.stop(), 0)
        counts = self.stored()["r"]["counts"]
        self.assertEqual((counts["user"], counts["bot"]), (1, 1))
        self.assert_replays()

    # ---- tokens

    def test_tokens(self):
        tokens = self.write("tokens", b"# people\ngateway ingest 0123456789abcdef-in\nboard read 0123456789abcdef-out\n")
        os.chmod(tokens, 0o600)
        path = self.write("convtap.yaml", (CONFIG % {"idle": "1s", "rules": "~"}).replace("  tick:", "  tokens: tokens\n  tick:").encode())
        tap = self.start("--config", path)
        self.assertNotIn("no token is asked for", tap.said())
        self.assertEqual(tap.ask("desk", "/api/v1/status")[0], 401)
        self.assertEqual(tap.ask("intake", "/ingest/webchat", b"{}\n")[0], 401)
        token = {"Authorization": "Bearer 0123456789abcdef-in"}
        tap.push("webchat", *talk("c", *SOLVED), headers=token)
        self.assertEqual(tap.ask("desk", "/api/v1/status", headers=token)[0], 403)
        tap.get("/api/v1/status", headers={"Authorization": "Bearer 0123456789abcdef-out"})
        self.assertEqual(tap.stop(), 0)
        self.assertNotIn("0123456789abcdef", tap.said())

    # ---- reload

    def rules_with(self, text):
        """The packs that convtap came with, and one more."""
        folder = self.path("rules")
        os.makedirs(folder, exist_ok=True)
        source = os.path.join(ROOT, "rules")
        for name in os.listdir(source):
            if name.endswith(".yaml"):
                with open(os.path.join(source, name), "rb") as f:
                    self.write(os.path.join("rules", name), f.read())
        self.write("rules/zz_own.yaml", text.encode("utf-8"))
        return "rules"

    def test_reload(self):
        rule = "pack: own\nversion: 1.0.0\nextends: core\nsignals: {own.parcel: {means: topic, role: user}}\nrules:\n  - {id: own.parcel, emit: own.parcel, role: user, any: ['\\b%s\\b']}\n"
        tap = self.start("--config", self.config("6s", self.rules_with(rule % "paquete")))
        tap.push("webchat", *talk("before", "mi paquete y mi caja", "¿Algo más?"))
        tap.settled()
        before = tap.get("/api/v1/status")
        # broken: refused as a whole, with its errors, and the old ones stay
        self.rules_with(rule % "(caja")
        tap.hang_up()
        eventually(lambda: "event=reload_refused" in tap.said(), "the refusal")
        self.assertIn("zz_own.yaml:6:", tap.said())
        self.config("never", "rules")
        status, body = tap.ask("desk", "/api/v1/reload", b"")
        self.assertGreaterEqual(status, 400, body)
        self.assertIn(b"idle", body)
        self.assertEqual(tap.get("/api/v1/status")["setup_hash"], before["setup_hash"])
        # other rules: conversations that begin now have them, the open one keeps its own
        self.config("6s", self.rules_with(rule % "caja"))
        status, body = tap.ask("desk", "/api/v1/reload", b"")
        self.assertEqual(status, 200, body)
        after = eventually(lambda: (lambda s: s["rules_hash"] != before["rules_hash"] and s)(tap.get("/api/v1/status")), "the new rules")
        self.assertEqual(after["reloads"], 1)
        tap.push("webchat", {"conversation_id": "before", "role": "user", "text": "la caja también", "id": "late"}, *talk("after", "mi paquete y mi caja", "¿Algo más?"))
        # nothing changed: said so; what needs a restart: named
        self.write("convtap.yaml", (CONFIG % {"idle": "6s", "rules": "rules"}).replace("tick: 100ms", "tick: 200ms").encode())
        tap.hang_up()
        eventually(lambda: "event=reloaded changed=no" in tap.said(), "the reload")
        self.assertIn("event=restart_needed key=serve.tick", tap.said())
        eventually(lambda: tap.open() == 0, "silence")
        tap.settled()
        self.assertEqual(tap.stop(), 0)
        records = self.stored()
        self.assertEqual({r["rules_hash"] for r in records.values()}, {before["rules_hash"], after["rules_hash"]})
        evidence = {name: sum(e["rule"].startswith("own.parcel") for e in r["evidence"]) for name, r in records.items()}
        self.assertEqual(evidence, {"before": 1, "after": 1})
        self.assertEqual(records["before"]["rules_hash"], before["rules_hash"])
        done = self.assert_replays()
        self.assertIn("the rules changed on the tape", done.err)
        # under other rules instead
        done = convtap("replay", "--quiet", "--conversations", "-", "--rules", os.path.join(ROOT, "rules"), self.path("tape"))
        self.survived(done)
        self.assertNotIn(b"own.parcel", done.out)
        self.assertEqual(len(done.out.splitlines()), 2)

    # ---- restart

    def test_open_conversations_go_on_after_a_stop(self):
        path = self.config("12s")
        tap = self.start("--config", path)
        tap.push("webchat", *talk("c", *SOLVED[:2]))
        tap.settled()
        self.assertEqual(tap.open(), 1)
        self.assertEqual(tap.stop(), 0)
        self.assertEqual(self.stored(), {})
        done = convtap("replay", self.path("tape"))
        self.assertIn("1 conversation is still open", done.err)
        done = convtap("replay", "--close", "--json", self.path("tape"))
        self.assertEqual(sum(done.json()["outcomes"].values()), 1)
        tap = self.start("--config", path)
        eventually(lambda: tap.open() == 1, "the open conversation")
        tap.push("webchat", {"conversation_id": "c", "user_id": "u-c", "role": "user", "text": SOLVED[2], "id": "c-2"})
        eventually(lambda: tap.open() == 0, "silence")
        tap.settled()
        self.assertEqual(tap.stop(), 0)
        self.assertEqual(self.stored()["c"]["counts"]["user"], 2)
        self.assert_replays()

    def test_killed_and_started_again(self):
        path = self.config("2s")
        for turn in range(3):
            tap = self.start("--config", path)
            for n in range(20):
                tap.push("webchat", *talk(f"c{turn}-{n}", *SOLVED))
            tap.push("webchat", {"conversation_id": "long", "role": "user", "text": f"sigo aquí {turn}", "id": f"long-{turn}"})
            tap.kill()
        tap = self.start("--config", path)
        eventually(lambda: tap.get("/api/v1/status")["conversations"]["published"] >= 1 and tap.open() == 0, "silence")
        tap.settled()
        self.assertEqual(tap.stop(), 0)
        records = self.stored()
        self.assertEqual({name for name in records if name != "long"}, {f"c{turn}-{n}" for turn in range(3) for n in range(20)})
        self.assertEqual({r["counts"]["user"] for name, r in records.items() if name != "long"}, {2})
        self.assert_replays()
        checked = convtap("db", "check", self.path("convtap.db"))
        self.assertEqual(checked.status, 0, checked.err)

    def test_nothing_acknowledged_is_lost_when_killed_under_load(self):
        path = self.config("2s")
        tap = self.start("--config", path)
        acknowledged = []

        def push(lane):
            for n in range(10000):
                try:
                    tap.push("webchat", *talk(f"c{lane}-{n}", *SOLVED[:2]))
                except (OSError, AssertionError, EOFError):
                    return
                except Exception as problem:  # http.client's own, when the peer is gone
                    if not type(problem).__module__.startswith("http."):
                        raise
                    return
                acknowledged.append(f"c{lane}-{n}")

        lanes = [threading.Thread(target=push, args=(lane,)) for lane in range(4)]
        for lane in lanes:
            lane.start()
        eventually(lambda: len(acknowledged) > 60, "a load")
        tap.kill()
        for lane in lanes:
            lane.join()
        tap = self.start("--config", path)
        eventually(lambda: tap.get("/api/v1/status")["conversations"]["published"] >= 1 and tap.open() == 0, "silence")
        tap.settled()
        self.assertEqual(tap.stop(), 0)
        records = self.stored()
        self.assertEqual(set(acknowledged) - set(records), set())
        self.assertEqual({r["counts"]["user"] for r in records.values()}, {1})
        self.assert_replays()

    # ---- what cannot be

    def test_what_cannot_start_says_why(self):
        path = self.config()
        tap = self.start("--config", path)
        busy = tap.address("desk").rsplit(":", 1)[1]
        second = convtap("serve", "--config", path)
        self.survived(second)
        self.assertEqual(second.status, 3, second.err)
        self.assertIn("another process", second.err)
        second = convtap("serve", "--config", path, "--store", "none")
        self.survived(second)
        self.assertEqual(second.status, 3, second.err)
        self.assertRegex(second.err, r"\b%d\b" % tap.process.pid)
        other = convtap("serve", "--config", path, "--tape", self.path("other"), "--store", "none", "--desk", "127.0.0.1:" + busy)
        self.survived(other)
        self.assertEqual(other.status, 3, other.err)
        self.assertIn(busy, other.err)
        self.assertEqual(tap.stop(), 0)
        self.write("nowhere", b"")
        wrong = convtap("serve", "--config", path, "--tape", self.path("nowhere", "tape"))
        self.survived(wrong)
        self.assertEqual(wrong.status, 3, wrong.err)
        for args in [["--intake", "here"], ["--config", self.path("none.yaml")], ["--rules", self.path("none")], ["word"]]:
            wrong = convtap("serve", *args)
            self.survived(wrong)
            self.assertEqual(wrong.status, 2, wrong.err)

    def test_tape_without_store(self):
        tap = self.start("--config", self.config(), "--store", "none")
        tap.push("webchat", *talk("c", *SOLVED))
        eventually(lambda: tap.get("/api/v1/kpis?window=1h")["totals"]["conversations"] == 1, "one")
        self.assertEqual(tap.stop(), 0)
        self.assertFalse(os.path.exists(self.path("convtap.db")))


if __name__ == "__main__":
    main()
