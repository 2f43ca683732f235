"""The benchmark's job in plain Python: json, re, unicodedata. Called by bench/run: peer_python.py RULES.json INPUT"""
import json
import re
import sys
import unicodedata
from datetime import datetime
from decimal import Decimal

rules = [(r["id"], r["role"], r["emits"], re.compile(r["pattern"]).search) for r in json.load(open(sys.argv[1], encoding="utf-8"))]
hits = dict.fromkeys((r[0] for r in rules), 0)
seen, channels = {}, {}
cost, fallbacks, answers, waited = Decimal(0), 0, 0, 0.0


class Conversation:
    __slots__ = ("person", "asked", "good", "bad", "at", "role")

    def __init__(self):
        self.person = self.asked = False
        self.good = self.bad = self.at = 0.0
        self.role = None


for line in open(sys.argv[2], encoding="utf-8"):
    m = json.loads(line)
    c = seen.get(m["conversation_id"])
    if c is None:
        c = seen[m["conversation_id"]] = Conversation()
        channels[m["channel"]] = channels.get(m["channel"], 0) + 1
    role, at = m["role"], datetime.fromisoformat(m["ts"].replace("Z", "+00:00")).timestamp()
    text = m["text"].lower()
    if not text.isascii():
        text = "".join(ch for ch in unicodedata.normalize("NFD", text) if not unicodedata.combining(ch))
    for name, who, emits, search in rules:
        if (who is None or who == role) and search(text):
            hits[name] += 1
            if emits == "user.human_request":
                c.asked = True
            elif emits in ("user.thanks", "user.resolved"):
                c.good = at
            elif emits in ("user.not_resolved", "user.wrong_answer"):
                c.bad = at
            elif emits == "bot.fallback":
                fallbacks += 1
    event = m.get("event")
    if role == "agent" or (event and event["type"] == "handoff" and event.get("phase", "accepted") == "accepted") \
            or any(t["name"].startswith("transfer_to_human") for t in m.get("tool_calls", ())):
        c.person = True
    if "cost" in m:
        cost += Decimal(m["cost"]["amount"])
    if role == "bot" and c.role == "user":
        answers += 1
        waited += at - c.at
    c.at, c.role = at, role

print(json.dumps({"conversations": len(seen), "escalated": sum(c.person for c in seen.values()), "asked": sum(c.asked for c in seen.values()),
                  "resolved": sum(not c.person and c.good > c.bad for c in seen.values()), "fallbacks": fallbacks, "cost": str(cost),
                  "channels": dict(sorted(channels.items())), "answers": answers, "response_s": waited / answers if answers else None, "hits": hits}))
