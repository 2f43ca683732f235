"""Traffic for the live tap's hard tests: the same conversations for the same seed, sent over ingest (WebSocket and POST) and signed
webhooks by senders that keep books of what was acknowledged. Standard library only.

A lane is one sender's endless list of payloads; a sender pushes its lane's payloads in order, and goes on where the tap says after
each break. What the tap must come to in the end follows from the lanes alone.
"""
import collections
import datetime
import hashlib
import hmac
import http.client
import json
import os
import random
import select
import struct
import threading
import time

from websocket import Closed, Refused, WebSocket, frame, TEXT

SECRET = b"the-app-secret-0123"
BEGIN = 1774000000  # seconds: when the first conversation of a lane begins
ASKS = ["¿Dónde está mi pedido 4471?", "No puedo entrar en mi cuenta", "I want my money back", "La factura está mal, es una vergüenza",
        "Quiero hablar con una persona", "hola", "Can you change my address?", "¿Cuánto tarda el envío?", "This is useless", "sí", "no", "gracias"]
ANSWERS = ["Llega mañana. ¿Te ayudo con algo más?", "No he entendido, ¿puedes repetirlo?", "Te paso con un agente", "I have sent you a link.",
           "¿En qué puedo ayudarte?", "Lo siento mucho. Lo miro ahora mismo.", "Done. Anything else?"]
SURVEY = "Del 1 al 5, ¿cómo valoras la atención?"


def stamp(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Lane:
    """Payloads of one sender, made as they are asked for, and what they amount to."""

    def __init__(self, seed, name, at_once=6, one_in_a_line=0.1):
        self.name, self.at_once, self.one_in_a_line = name, at_once, one_in_a_line
        self.random = random.Random(f"{seed} {name}")
        self.payloads = []
        self.counts = collections.defaultdict(collections.Counter)  # of a conversation: messages by role, copies left out
        self.running, self.begun, self.late, self.ending = [], 0, [], False

    def _script(self):
        """A conversation's messages in order of time."""
        r, name = self.random, f"{self.name}-{self.begun}"
        at, rows = BEGIN + self.begun * 5, []
        self.begun += 1

        def say(role, text, **more):
            nonlocal at
            rows.append({"conversation_id": name, "user_id": f"{self.name}-u{self.begun % 40}", "role": role, "text": text,
                         "ts": stamp(at), "id": f"{name}-{len(rows)}", **more})
            at += r.randint(1, 15)

        for _ in range(r.randint(1, 5)):
            say("user", r.choice(ASKS))
            say("bot", r.choice(ANSWERS))
        if r.random() < 0.3:
            say("agent", "Soy Marta, ¿en qué te ayudo?")
            say("user", r.choice(ASKS))
        survey = r.random()
        if survey < 0.3:
            say("bot", SURVEY)
        if r.random() < 0.6:
            say("system", "", event={"type": "close"})
            if survey < 0.2:
                say("user", str(r.randint(1, 5)))
            if r.random() < 0.25:  # it comes back, at once or after a long silence
                at += r.choice([30, 8000])
                say("user", r.choice(ASKS))
                say("bot", r.choice(ANSWERS))
                if r.random() < 0.5:
                    say("system", "", event={"type": "close"})
        return rows

    def _order(self, rows):
        """As they come: swapped, twice, late."""
        r, out = self.random, list(rows)
        for n in range(len(out) - 1):
            if r.random() < 0.06:
                out[n], out[n + 1] = out[n + 1], out[n]
        if r.random() < 0.1 and len(out) > 3:
            out.append(out.pop(r.randrange(len(out) - 1)))
        return [row for row in out for _ in range(2 if r.random() < 0.05 else 1)]

    def _make(self):
        r = self.random
        while len(self.running) < self.at_once and not self.ending:
            rows = self._script()
            for row in rows:
                self.counts[row["conversation_id"]][row["role"]] += 1
            if r.random() < self.one_in_a_line:
                whole = {"conversation_id": rows[0]["conversation_id"], "user_id": rows[0]["user_id"]}
                keep = ("role", "text", "ts", "id", "event")
                whole["messages"] = [{key: row[key] for key in keep if key in row} for row in rows]
                self.payloads.append(json.dumps(whole, ensure_ascii=False).encode())
            else:
                self.running.append(self._order(rows))
        if self.running:
            talk = r.choice(self.running)
            self.payloads.append(json.dumps(talk.pop(0), ensure_ascii=False).encode())
            if not talk:
                self.running.remove(talk)

    def more(self, upto):
        """Payloads up to this many, where there are so many before the end."""
        while len(self.payloads) < upto and (self.running or not self.ending):
            self._make()
        return min(upto, len(self.payloads))

    def end(self):
        """No conversation begins any more; the ones that run go on to their end."""
        self.ending = True

    def whole(self):
        return self.ending and not self.running


class HookLane(Lane):
    """WhatsApp's webhook bodies: a few messages each, each customer's next to each other."""

    def _make(self):
        if self.ending:
            return
        r = self.random
        customer, messages = f"346{int(hashlib.sha256(self.name.encode()).hexdigest(), 16) % 100:02d}{self.begun // 3:06d}", []
        for n in range(r.randint(1, 3)):
            messages.append({"from": customer, "id": f"wamid.{self.name}.{self.begun}.{n}", "timestamp": str(BEGIN + self.begun * 4 + n),
                             "type": "text", "text": {"body": r.choice(ASKS)}})
        self.begun += 1
        self.counts[f"880011:{customer}"]["user"] += len(messages)
        if r.random() < 0.1:
            messages.append(messages[0])
        self.payloads.append(json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [
            {"field": "messages", "value": {"messaging_product": "whatsapp",
                                            "metadata": {"display_phone_number": "34910000000", "phone_number_id": "880011"},
                                            "contacts": [{"profile": {"name": "L"}, "wa_id": customer}], "messages": messages}}]}]},
            ensure_ascii=False).encode())


class Place:
    """Where the tap is at the moment; None while it is not."""

    def __init__(self):
        self.condition, self.address, self.over = threading.Condition(), None, False

    def set(self, address):
        with self.condition:
            self.address = address
            self.condition.notify_all()

    def stop(self):
        with self.condition:
            self.over = True
            self.condition.notify_all()

    def get(self):
        """Waits for it; None = it is over."""
        with self.condition:
            self.condition.wait_for(lambda: self.address or self.over)
            return None if self.over else self.address


GONE = (OSError, EOFError, Closed, Refused, http.client.HTTPException)


class Sender(threading.Thread):
    """Sends its lane, from the beginning or from where the tap stands. `problems`: what must not be."""

    def __init__(self, lane, place, source, pace=0.03, window=200, random_seed=1):
        super().__init__(daemon=True)
        self.lane, self.place, self.source, self.pace, self.window = lane, place, source, pace, window
        self.acked = self.sent = self.breaks = 0
        self.problems = []
        self.random = random.Random(f"pace {random_seed} {lane.name}")  # not the lane's: what is sent does not hang on it
        self.hiccups = 0.0  # chance a batch that the sender itself breaks the connection

    def left(self):
        """Is there something to send, now or later?"""
        return not (self.lane.whole() and self.acked >= len(self.lane.payloads))

    def run(self):
        try:
            while self.left():
                address = self.place.get()
                if address is None:
                    return
                try:
                    self.talk(address)
                except GONE:
                    self.breaks += 1
                    time.sleep(0.01)
        except Exception as problem:  # of this test: not to be lost with the thread
            self.problems.append(f"{self.lane.name}: {type(problem).__name__} {problem}")

    def stands(self, upto):
        """The tap says that it has everything up to here."""
        if upto < self.acked:
            self.problems.append(f"{self.lane.name}: {self.acked} were acknowledged, after the break the tap has {upto}")
        if upto > self.sent:
            self.problems.append(f"{self.lane.name}: {self.sent} were sent, the tap has {upto}")
        self.acked = max(self.acked, upto)


class SocketSender(Sender):
    def talk(self, address):
        ws = WebSocket(address, timeout=30)
        try:
            ws.send(json.dumps({"hello": {"source": self.source, "stream": self.lane.name}}))
            at = json.loads(ws.receive())["welcome"]["next"] - 1
            self.stands(at)
            while self.left():
                upto = self.lane.more(min(at + self.random.randint(1, 40), self.acked + self.window))
                if upto > at:
                    self.sent = max(self.sent, upto)
                    ws.raw(b"".join(frame(TEXT, payload) for payload in self.lane.payloads[at:upto]))
                    at = upto
                if self.random.random() < self.hiccups:
                    self.breaks += 1
                    ws.drop()
                    return
                until = time.monotonic() + self.pace * self.random.random() * 2
                while ws.buffer or select.select([ws.sock], [], [], max(0.0, until - time.monotonic()))[0]:
                    said = json.loads(ws.receive())
                    if "ack" in said:
                        if said["ack"] > at:
                            self.problems.append(f"{self.lane.name}: {said['ack']} acknowledged of {at}")
                        self.acked = max(self.acked, said["ack"])
                    else:
                        self.problems.append(f"{self.lane.name}: {said}")
            ws.close()
        finally:
            ws.sock.close()


class HttpSender(Sender):
    def post(self, address, path, body, headers):
        host, port = address.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


class PostSender(HttpSender):
    """Batches with numbers; what was not answered is sent again, now and then what was answered, too."""

    def talk(self, address):
        first = self.acked
        if self.random.random() < 0.05:
            first = max(0, first - 5)
        upto = self.lane.more(self.acked + self.random.randint(1, 40))
        if upto <= first:
            return
        self.sent = max(self.sent, upto)
        status, answer = self.post(address, f"/ingest/{self.source}", b"\n".join(self.lane.payloads[first:upto]) + b"\n", {
            "Content-Type": "application/x-ndjson", "X-Convtap-Stream": self.lane.name, "X-Convtap-Sequence": str(first + 1)})
        if status == 200:
            self.stands(json.loads(answer)["next"] - 1)
            if self.acked < upto:
                self.problems.append(f"{self.lane.name}: {upto} sent, answered {answer[:200]!r}")
        elif status != 503:
            self.problems.append(f"{self.lane.name}: {status} {answer[:300]!r}")
        time.sleep(self.pace * self.random.random() * 2)


class HookSender(HttpSender):
    """One after another until 200, as platforms do it."""

    def talk(self, address):
        if self.lane.more(self.acked + 1) <= self.acked:
            return
        body = self.lane.payloads[self.acked]
        self.sent = self.acked + 1
        status, answer = self.post(address, f"/webhook/{self.source}", body, {
            "Content-Type": "application/json", "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()})
        if status == 200:
            self.acked += 1
        elif status != 503:
            self.problems.append(f"{self.lane.name}: {status} {answer[:300]!r}")
        time.sleep(self.pace * self.random.random() * 0.5)


def tape_frames(folder):
    """(position, kind, at, sequence, [source, format, stream, target], bytes) of each frame of a tape that is not compressed, as
    docs/tape.md has it; the checksums are the program's to look at (`convtap replay` counts damage)."""
    names = sorted(name for name in os.listdir(folder) if name.endswith(".tape"))
    bases = [int(name[:16], 16) for name in names] + [1 << 63]
    for number, name in enumerate(names):
        with open(os.path.join(folder, name), "rb") as f:
            data = f.read()
        at = 80
        while at + 36 <= len(data) and bases[number] + at - 80 < bases[number + 1]:
            length, _, kind, _, *sizes, _, when, sequence, _ = struct.unpack_from("<II6BHqQI", data, at)
            if length < 36 or at + length > len(data):
                break
            rest, fields, behind = data[at + 36:at + length], [], 0
            for size in sizes:
                fields.append(rest[behind:behind + size].decode())
                behind += size
            yield bases[number] + at - 80, kind, when, sequence, fields, rest[behind:]
            at += length
