#!/usr/bin/env python3
"""Alarms in audits and live: raised once and cleared once over runs and restarts, signed, delivered whatever the receiver does first."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time

from drive import ROOT, Case, convtap, line, main
from openapi_check import load
from tap import Tap, eventually
from websocket import WebSocket

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of the same length").decode()


class Receiver:
    """Takes what is posted. `faults`: what it does first: a status, "slow", "reset", "redirect", "half" (breaks off in its answer).
    `tls`: (certificate, key): it speaks https, under the name localhost."""

    def __init__(self, faults=(), tls=None):
        self.faults, self.requests, self.taken = list(faults), [], []
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with outer.lock:
                    outer.requests.append((dict((k.lower(), v) for k, v in self.headers.items()), body, self.path))
                    fault = outer.faults.pop(0) if outer.faults else 200
                    if fault == 200:
                        outer.taken.append(outer.requests[-1])
                if fault == "slow":
                    time.sleep(2)
                    return
                if fault == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    return
                if fault == "half":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe first of it")
                    self.wfile.flush()
                    self.close_connection = True
                    return
                self.send_response(302 if fault == "redirect" else fault)
                if fault == "redirect":
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args):
                pass

            def finish_request(self, request, client):
                if not tls:
                    return super().finish_request(request, client)
                with context.wrap_socket(request, server_side=True) as request:  # in its own thread: a silent peer holds nobody up
                    super().finish_request(request, client)

        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"{'https://localhost' if tls else 'http://127.0.0.1'}:{self.server.server_address[1]}/hook?to=ops"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def messages(self):
        with self.lock:
            return [json.loads(body) for _, body, _ in self.taken]


def survey(number, day, good, channel="web"):
    """A conversation whose customer answers a survey."""
    stamp = f"2026-03-{day:02d}T10:{number % 60:02d}:"
    return line(conversation_id=f"d{day}-{number}", user_id=f"u{number}", channel=channel, messages=[
        {"role": "user", "text": "Hola, ¿dónde está mi pedido 4471?", "ts": stamp + "00Z"},
        {"role": "bot", "text": "Tu pedido 4471 llega mañana. ¿Te ayudo con algo más?", "ts": stamp + "04Z"},
        {"role": "user", "text": "No, gracias", "ts": stamp + "20Z"},
        {"role": "system", "text": "", "ts": stamp + "30Z", "event": {"type": "feedback", "kind": "csat", "value": 5 if good else 1, "scale": 5}}])


def day_of(day, good, count=40, channel="web"):
    return b"".join(survey(n, day, n < good, channel) for n in range(count))


CONFIG = """default_alarms: no
alarms:
  csat_low:
    when: csat < 70
    severity: critical
    action: {en: Read them., es: Léalas.}
"""


class Alarms(Case):
    def setUp(self):
        super().setUp()
        self.tap = self.receiver = None
        self.addCleanup(lambda: self.tap and self.tap.process.poll() is None and self.tap.kill())
        self.addCleanup(lambda: self.receiver and self.receiver.close())
        self.secret = self.write("secret", (SECRET + "\n").encode())
        os.chmod(self.secret, 0o600)

    def audit(self, *args, status=0, config=CONFIG, extra=""):
        done = convtap("audit", "--config", self.write("c.yaml", (config + extra).encode()), *args)
        self.assertNotRegex(done.err, r"AddressSanitizer|LeakSanitizer|runtime error:")
        self.assertEqual(done.status, status, done.err[-3000:])
        return done

    def alarms(self, *args, **more):
        return self.audit("--json", *args, **more).json()["alarms"]

    def keys(self):
        return f"alarm_secret_file: {self.secret}\n"

    def assert_signed(self, headers, body, secret=SECRET):
        key = base64.b64decode(secret[6:])
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        due = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        self.assertIn(due, headers["webhook-signature"].split(" "))
        self.assertLess(abs(time.time() - int(headers["webhook-timestamp"])), 60)
        self.assertEqual(headers["content-type"], "application/json")
        self.assertEqual(json.loads(body)["data"]["id"], headers["webhook-id"])

    def certificate(self, signer, names, expired=False):
        """(certificate, key, authority) of a server with these names, signed by an authority of that name; made as they are asked for."""
        if not shutil.which("openssl"):
            self.skipTest("no openssl program")
        def run(*words):
            subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder)
        new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        authority, key = self.path(signer + ".pem"), self.path(signer + ".key")
        if not os.path.exists(authority):
            run(*new, "-x509", "-days", "2", "-keyout", key, "-out", authority, "-subj", f"/CN={signer}", "-addext", "keyUsage=keyCertSign")
            self.write("ca.cnf", b"[ca]\ndefault_ca=a\n[a]\ndatabase=index\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nrand_serial=yes\n"
                                 b"copy_extensions=copy\nunique_subject=no\n[p]\ncommonName=supplied\n")
            self.write("index", b"")
        self.made = getattr(self, "made", 0) + 1
        own, own_key, wish = (self.path(f"server{self.made}.{kind}") for kind in ("pem", "key", "csr"))
        run(*new, "-keyout", own_key, "-out", wish, "-subj", "/CN=receiver", "-addext", "subjectAltName=" + names)
        run("ca", "-batch", "-config", "ca.cnf", "-cert", authority, "-keyfile", key, "-in", wish, "-out", own, "-notext",
            *(("-startdate", "20200101000000Z", "-enddate", "20200201000000Z") if expired else ("-days", "2")))
        return own, own_key, authority

    # ---- audits

    def test_raised_and_cleared_once_over_nights(self):
        self.receiver = Receiver()
        state, told = self.path("state.json"), []
        for day, good in [(1, 36), (2, 20), (3, 20), (4, 21), (4, 21), (5, 36), (6, 36), (7, 10)]:
            path = self.write(f"day{day}.jsonl", day_of(day, good))
            self.audit("--alarm-state", state, "--alarm-url", self.receiver.url, path, extra=self.keys())
            told.append([m["type"] for m in self.receiver.messages()])
        raised, cleared = "alarm.raised", "alarm.cleared"
        self.assertEqual([len(t) for t in told], [0, 1, 1, 1, 1, 2, 2, 3])
        self.assertEqual(told[-1], [raised, cleared, raised])
        for headers, body, where in self.receiver.taken:
            self.assertEqual(where, "/hook?to=ops")
            self.assert_signed(headers, body)
        first = self.receiver.messages()[0]["data"]["alarm"]
        self.assertEqual(first["because"], [{"condition": "csat < 70", "kpi": "csat", "key": "1-5", "unit": "percent", "value": 50.0, "n": 40}])
        self.assertEqual((first["name"], first["severity"], first["state"], first["slice"], first["kpi"]), ("csat_low", "critical", "raised", None, None))
        self.assertEqual(first["action"], {"en": "Read them.", "es": "Léalas."})
        self.assertEqual(len({h["webhook-id"] for h, _, _ in self.receiver.taken}), 3)
        self.assertEqual(oct(os.stat(state).st_mode & 0o777), "0o600")

    def test_a_receiver_that_fails_first(self):
        self.receiver = Receiver([500, "reset", "redirect", 503])
        path = self.write("bad.jsonl", day_of(2, 10))
        done = self.audit("--alarm-state", self.path("s"), "--alarm-url", self.receiver.url, path, extra=self.keys())
        self.assertEqual([m["type"] for m in self.receiver.messages()], ["alarm.raised"])
        self.assertEqual(len({h["webhook-id"] for h, _, _ in self.receiver.requests}), 1)
        self.assertEqual({where for _, _, where in self.receiver.requests}, {"/hook?to=ops"})  # no redirect is followed
        self.assertEqual(len(self.receiver.requests), 5)
        self.assertEqual(done.err.count("event=alarm_not_delivered"), 4)
        for headers, body, _ in self.receiver.requests:
            self.assert_signed(headers, body)

    def test_undelivered_is_said_and_kept_for_the_next_run(self):
        self.receiver = Receiver(["slow"])
        state = self.path("s")
        path = self.write("bad.jsonl", day_of(2, 10))
        begin = time.monotonic()
        done = self.audit("--alarm-state", state, "--alarm-url", self.receiver.url, path, extra=self.keys() + "alarm_patience: 500ms\n")
        self.assertLess(time.monotonic() - begin, 30)
        self.assertIn("1 alarm message not delivered", done.err)
        self.assertEqual(self.receiver.messages(), [])
        first = self.receiver.requests[0]
        self.audit("--alarm-state", state, "--alarm-url", self.receiver.url, path, extra=self.keys())  # the same figures: no other alarm
        self.assertEqual(len(self.receiver.messages()), 1)
        self.assertEqual(self.receiver.taken[0][0]["webhook-id"], first[0]["webhook-id"])
        self.assertEqual(self.receiver.taken[0][1], first[1])
        self.audit("--alarm-state", state, "--alarm-url", self.receiver.url, path, extra=self.keys())
        self.assertEqual(len(self.receiver.requests), 2)

    # ---- over TLS

    def audit_tls(self, state, authority, patience="30s", url=None):
        extra = self.keys() + f"alarm_patience: {patience}\n" + (f"alarm_authorities: {authority}\n" if authority else "")
        path = self.write("bad.jsonl", day_of(2, 10))
        return self.audit("--alarm-state", state, "--alarm-url", url or self.receiver.url, path, extra=extra)

    def test_https_to_a_receiver_of_a_known_authority(self):
        """With what can go wrong there, too: each is another attempt with the same message under the same id, and one is taken."""
        own, key, authority = self.certificate("authority", "DNS:localhost")
        self.receiver = Receiver(["half", 503, "reset", "redirect"], tls=(own, key))
        done = self.audit_tls(self.path("s"), authority)
        self.assertEqual([m["type"] for m in self.receiver.messages()], ["alarm.raised"])
        self.assertEqual(len(self.receiver.requests), 5)
        self.assertEqual(len({(h["webhook-id"], body) for h, body, _ in self.receiver.requests}), 1)
        for headers, body, where in self.receiver.requests:
            self.assert_signed(headers, body)
            self.assertEqual((where, headers["host"]), ("/hook?to=ops", self.receiver.url[8:].split("/")[0]))
        self.assertEqual(re.findall(r"event=alarm_not_delivered .*reason=(\S+) status=(\d+)", done.err),
                         [("forward_broken", "0"), ("refused", "503"), ("forward_broken", "0"), ("refused", "302")])
        self.audit_tls(self.path("s"), authority)  # it stands: nothing more is told
        self.assertEqual(len(self.receiver.requests), 5)

    def test_https_by_address(self):
        own, key, authority = self.certificate("authority", "IP:127.0.0.1")
        self.receiver = Receiver(tls=(own, key))
        self.audit_tls(self.path("s"), authority, url=self.receiver.url.replace("localhost", "127.0.0.1"))
        self.assertEqual(len(self.receiver.messages()), 1)

    def test_https_to_whom_nobody_vouches_for(self):
        """Not a byte of a message goes to one whose authority is not known, whose name is another, or whose certificate is over; it
        waits, and goes out once when the way is right again."""
        other = self.certificate("other", "DNS:localhost")[2]
        for names, trusted, reason in [("DNS:localhost", other, "forward_untrusted"), ("DNS:elsewhere.example,IP:127.0.0.1", None, "forward_wrong_name"),
                                       ("DNS:localhost", None, "forward_expired")]:
            own, key, authority = self.certificate("authority", names, expired=reason == "forward_expired")
            self.receiver, state = Receiver(tls=(own, key)), self.path(f"state{self.made}")
            done = self.audit_tls(state, trusted or authority, patience="700ms")
            self.assertIn("1 alarm message not delivered", done.err)
            self.assertRegex(done.err, f"event=alarm_not_delivered .*reason={reason} status=0")
            self.assertEqual(self.receiver.requests, [])
            self.receiver.close()
            own, key, authority = self.certificate("authority", "DNS:localhost")
            self.receiver = Receiver(tls=(own, key))
            self.audit_tls(state, authority)
            self.assertEqual([m["type"] for m in self.receiver.messages()], ["alarm.raised"])
            self.assertEqual(len(self.receiver.requests), 1)
            self.receiver.close()
        self.audit_tls(state, authority)  # taken: not told again, so nobody has to be there
        self.receiver = Receiver()  # one that speaks no TLS
        done = self.audit_tls(self.path("plain"), authority, "700ms", url=self.receiver.url.replace("http:", "https:"))
        self.assertRegex(done.err, "event=alarm_not_delivered .*reason=forward_no_tls status=0")
        self.assertEqual(self.receiver.requests, [])

    def test_two_secrets_while_they_are_rotated(self):
        self.receiver = Receiver()
        with open(self.secret, "w") as f:
            f.write(OTHER + "\n" + SECRET + "\n")
        path = self.write("bad.jsonl", day_of(2, 10))
        self.audit("--alarm-state", self.path("s"), "--alarm-url", self.receiver.url, path, extra=self.keys())
        headers, body, _ = self.receiver.taken[0]
        self.assert_signed(headers, body, SECRET)
        self.assert_signed(headers, body, OTHER)

    def test_hold_gap_slices_and_few_cases(self):
        config = """default_alarms: no
alarms:
  a: {when: csat < 70, clear: 'csat >= 75', hold: 2, by: channel}
  few: {when: csat < 70, at_least: 41, by: channel}
"""
        state, seen = self.path("s"), []
        for day, web, app in [(1, 20, 36), (2, 20, 36), (3, 29, 20), (4, 30, None), (5, 30, 20), (6, 30, 29)]:
            rows = day_of(day, web, channel="web") + (day_of(day, app, channel="app").replace(b'"d', b'"a') if app is not None else b"")
            path = self.write(f"{day}.jsonl", rows)
            self.assertEqual(self.alarms("--alarm-state", state, "--group-by", "language", path, config=config),
                             seen.append(self.alarms("--alarm-state", state, path, config=config)) or seen[-1])  # again: the same
        states = [{(a["name"], a["slice"]["key"]): a["state"] for a in night} for night in seen]
        self.assertEqual(states, [
            {("a", "web"): "holding"},
            {("a", "web"): "raised"},
            {("a", "web"): "raised", ("a", "app"): "holding"},   # web at 72.5: neither bad nor good again
            {("a", "web"): "cleared", ("a", "app"): "holding"},  # 75; app was not there
            {("a", "app"): "raised"},
            {("a", "app"): "raised"}])

    def test_defaults_targets_changes_and_both_languages(self):
        one, two = self.write("w1.jsonl", day_of(3, 38)), self.write("w2.jsonl", day_of(10, 20))
        found = {(a["name"], a.get("kpi")): a for a in self.alarms(one, two, config="alarms: {up: {when: csat down}}\n")}
        self.assertEqual(found[("up", None)]["state"], "not_judged")
        self.assertIn("--compare", found[("up", None)]["reason"]["en"])
        self.assertEqual(found[("target_missed", "csat")]["because"][0]["condition"], "target >= 85")
        week = ["--from", "2026-03-09", "--to", "2026-03-16", "--compare", "previous"]
        found = {(a["name"], a.get("kpi")): a for a in self.alarms(*week, one, two, config="alarms: {up: {when: csat down}}\n")}
        self.assertEqual((found[("up", None)]["because"][0]["before"], found[("up", None)]["because"][0]["value"]), (95.0, 50.0))
        self.assertEqual(self.alarms(one, two, config="default_alarms: no\n"), [])
        quiet = self.alarms(*week, one, two, config="alarms: {target_missed: {enabled: no}}\n")
        self.assertNotIn("target_missed", [a["name"] for a in quiet])
        for lang, head, word in [("en", "Alarms", "raised"), ("es", "Alarmas", "activa")]:
            report = self.path(lang + ".html")
            table = self.audit("--lang", lang, "--report", report, two).out.decode()
            self.assertRegex(table, rf"(?s){head} .*csat_low .*{word} 2026-03-10.*csat 50[.,]0 % \(csat < 70, n 40\)")
            with open(report, encoding="utf-8") as f:
                page = f.read()
            self.assertIn({"en": "Read them.", "es": "Léalas."}[lang], table)
            self.assertRegex(page, rf'(?s)<section id="alarms"><h2>{head}.*csat_low.*csat &lt; 70')

    def test_exit_status(self):
        bad, good = self.write("bad.jsonl", day_of(2, 10)), self.write("good.jsonl", day_of(2, 40))
        self.audit(bad)
        self.audit("--fail-on-alarm", bad, status=4)
        self.audit("--fail-on-alarm", good)

    def test_what_is_no_state_is_refused(self):
        path, state = self.write("bad.jsonl", day_of(2, 10)), self.path("s")
        self.audit("--alarm-state", state, path)
        with open(state, "rb") as f:
            whole = f.read()
        damaged = [b"", b"\n", whole[:-1], whole[:200], whole.replace(b'"raised"', b'"cleared"'), whole + b"x", b"{}\n{}\n", b"\xff" * 100,
                   path.encode(), whole.replace(b'"version":1', b'"version":2')]
        for wrong in damaged:
            with open(state, "wb") as f:
                f.write(wrong)
            done = self.audit("--alarm-state", state, path, status=2)
            self.assertRegex(done.err, r"--alarm-state: \S+: this (is not a|file of) .*move it away", wrong)
            with open(state, "rb") as f:
                self.assertEqual(f.read(), wrong)  # left alone
        done = self.audit("--alarm-state", self.path("no", "such", "folder"), path, status=3)
        self.assertIn("cannot write", done.err)

    def test_what_does_not_go_together(self):
        path = self.write("bad.jsonl", day_of(2, 10))
        url = "http://127.0.0.1:9/x"
        for args, extra, said in [(["--alarm-url", url], self.keys(), "needs --alarm-state"),
                                  (["--alarm-url", url, "--alarm-state", "s"], "", "alarm_secret_file or alarm_secret_env"),
                                  (["--alarm-url", "ws://127.0.0.1/x", "--alarm-state", "s"], self.keys(), "http:// or https://"),
                                  (["--alarm-url", url, "--alarm-state", self.path("s")], "alarm_secret_env: NO_SUCH_SECRET\n", "NO_SUCH_SECRET")]:
            self.assertIn(said, self.audit(*args, path, status=2, extra=extra).err)
        with open(self.secret, "w") as f:
            f.write("not a secret\n")
        done = self.audit("--alarm-url", url, "--alarm-state", self.path("s"), path, status=2, extra=self.keys())
        self.assertIn("whsec_", done.err)
        self.assertNotIn("not a secret", done.err)

    def test_places_of_mistakes(self):
        done = self.audit(self.write("x.jsonl", b""), status=2, config="alarms:\n  a:\n    when:\n      - csat < 70\n      - cast < 70\n")
        self.assertRegex(done.err, r'c\.yaml:5:9: error: when: "cast < 70": there is no KPI "cast"; convtap kpis lists them')
        done = self.audit(self.write("x.jsonl", b""), status=2, config="alarms:\n  a: {severity: info}\n")
        self.assertRegex(done.err, r"c\.yaml:2:\d+: error: a: an alarm without a condition")

    # ---- live

    def start(self, more="", every="100ms"):
        config = CONFIG.replace("csat < 70", "csat < 70\n    window: 1h\n    at_least: 5\n    hold: 2") + more + f"""idle: 1s
serve:
  tick: 100ms
  alarm_every: {every}
  intake: {{listen: "127.0.0.1:0"}}
  desk: {{listen: "127.0.0.1:0"}}
sources:
  webchat: {{format: convtap, channel: web}}
"""
        if self.receiver:
            config += f"alarm_webhook: {self.receiver.url}\n" + self.keys()
        self.tap = Tap("--config", self.write("convtap.yaml", config.encode()), folder=self.folder)
        return self.tap

    def push(self, count, good):
        self.pushed = getattr(self, "pushed", 0) + 1
        rows = []
        for n in range(count):
            name = f"p{self.pushed}-{n}"
            rows += [{"conversation_id": name, "user_id": "u-" + name, "role": "user", "text": "¿Dónde está mi pedido?", "id": name + "1"},
                     {"conversation_id": name, "user_id": "u-" + name, "role": "bot", "text": "Llega mañana.", "id": name + "2"},
                     {"conversation_id": name, "role": "system", "text": "", "id": name + "3", "event": {"type": "feedback", "kind": "csat", "value": 5 if n < good else 1, "scale": 5}},
                     {"conversation_id": name, "role": "system", "text": "", "id": name + "4", "event": {"type": "close"}}]
        self.tap.push("webchat", *rows)

    def now(self):
        answer = self.tap.get("/api/v1/alarms")
        found = self.checker.answer({"method": "GET", "path": "/api/v1/alarms", "status": 200, "type": "application/json",
                                     "body": json.dumps(answer)})
        self.assertEqual(found, [])
        return answer

    def standing(self, name="csat_low"):
        return [a for a in self.now()["current"] if a["name"] == name and a["state"] == "raised"]

    def evaluated(self, times=3):
        """Some more evaluations have been."""
        before = self.now()["evaluations"]
        eventually(lambda: self.now()["evaluations"] >= before + times, "further evaluations")

    def gauge(self):
        status, body = self.tap.ask("desk", "/metrics")
        self.assertEqual(status, 200)
        return [row.rsplit(" ", 1)[1] for row in body.decode().splitlines() if row.startswith('convtap_alarm{name="csat_low"')]

    def test_live_one_alarm_over_evaluations_and_restarts(self):
        self.checker = load(os.path.join(ROOT, "docs", "openapi.json"))
        self.receiver = Receiver([500, "reset"])
        self.start()
        feed = WebSocket(self.tap.address("desk").split("//")[1], protocols=("convtap.feed.v1",), path="/?window=1m&channel=other")
        self.addCleanup(feed.sock.close)
        self.push(6, good=1)
        eventually(self.standing, "the alarm")
        eventually(lambda: self.receiver.messages(), "its delivery")
        self.evaluated()
        self.assertEqual(self.gauge(), ["1"])
        told = []
        while not told:
            message = json.loads(feed.receive())
            told += [message] if message["type"] == "alarm" else []
        self.assertEqual((told[0]["change"], told[0]["alarm"]["name"]), ("raised", "csat_low"))
        self.assertEqual(self.tap.said().count("event=alarm name=csat_low state=raised"), 1)
        self.assertNotIn("pedido", self.tap.said())
        self.assertEqual(self.tap.said().count("event=alarm_not_delivered"), 2)
        raised_at = self.standing()[0]["raised_at"]
        feed.drop()
        for ending in ("stop", "kill"):  # in good order, and not
            getattr(self.tap, ending)()
            self.start()
            self.tap.settled()
            eventually(self.standing, "the alarm after a restart")
            self.evaluated()
            self.assertEqual(self.standing()[0]["raised_at"], raised_at)
            self.assertNotIn("state=raised", self.tap.said())
        self.push(40, good=40)
        eventually(lambda: not self.standing(), "the end of it")
        eventually(lambda: len(self.receiver.messages()) == 2, "the word of its end")
        self.evaluated()
        self.assertEqual(self.gauge(), ["0"])
        past = self.now()["past"]
        self.assertEqual([(a["name"], a["state"], a["cleared_by"], a["raised_at"]) for a in past], [("csat_low", "cleared", "condition", raised_at)])
        self.assertEqual([m["type"] for m in self.receiver.messages()], ["alarm.raised", "alarm.cleared"])
        for headers, body, _ in self.receiver.requests:
            self.assert_signed(headers, body)
        self.assertEqual(self.now()["delivery"], {"webhook": True, "waiting": 0, "delivered": 2, "failed": 2, "given_up": 0, "dropped": 0})
        self.assertEqual(self.tap.stop(), 0, self.tap.said())

    def test_live_undelivered_survives_and_goes_out_after_a_restart(self):
        self.checker = load(os.path.join(ROOT, "docs", "openapi.json"))
        self.receiver = Receiver([500] * 1000)
        self.start()
        self.push(6, good=0)
        eventually(lambda: len(self.receiver.requests) >= 2, "two attempts")
        self.assertEqual(self.now()["delivery"]["waiting"], 1)
        begin = time.monotonic()
        self.assertEqual(self.tap.stop(), 0, self.tap.said())
        self.assertLess(time.monotonic() - begin, 20)
        self.receiver.faults = []
        self.start()
        eventually(lambda: self.receiver.messages(), "delivery after the restart")
        self.evaluated()
        self.assertEqual(len(self.receiver.messages()), 1)
        self.assertEqual(len({h["webhook-id"] for h, _, _ in self.receiver.requests}), 1)

    def test_live_ranges_of_the_store(self):
        self.checker = load(os.path.join(ROOT, "docs", "openapi.json"))
        self.start(more="""  returns: {when: recurrence > 0, window: 7d, at_least: 1, by: channel}
  moved: {when: csat down 10, window: 1h, at_least: 1}
  missed: {when: any target missed, window: today, at_least: 1}
""")
        self.push(6, good=1)
        eventually(lambda: self.standing("missed"), "a target of the store's figures")
        self.assertIn("csat", [a["kpi"] for a in self.standing("missed")])
        rows = [{"conversation_id": f"again{n}", "user_id": "same", "role": "user", "text": "¿Dónde está mi pedido?", "id": f"again{n}"} for n in range(3)]
        for row in rows:
            self.tap.push("webchat", row, {"conversation_id": row["conversation_id"], "role": "system", "text": "", "id": row["id"] + "end", "event": {"type": "close"}})
        eventually(lambda: self.standing("returns"), "who came back")
        self.assertEqual([a["slice"] for a in self.standing("returns")], [{"by": "channel", "key": "web"}])
        self.assertEqual(self.now()["not_judged"], [])
        self.assertEqual(self.standing("moved"), [])

    def test_live_damaged_state_does_not_keep_the_tap_from_starting(self):
        self.checker = load(os.path.join(ROOT, "docs", "openapi.json"))
        os.makedirs(self.path("tape"))
        path = self.write("tape/alarms.json", b"not ours")
        self.start()
        self.assertIn("event=alarm_state_refused", self.tap.said())
        self.push(6, good=1)
        eventually(self.standing, "the alarm")
        self.assertEqual(self.tap.stop(), 0)
        with open(path, "rb") as f:
            self.assertEqual(f.read(), b"not ours")


if __name__ == "__main__":
    main()
