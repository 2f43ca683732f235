#!/usr/bin/env python3
"""Human marks and scorecards: precision, recall, kappa, corrections and the quality score, recomputed with exact fractions from
the exported records and the very files that the program read; and what is refused, counted and never changed."""
import contextlib
import csv
import json
import os
import random
import shutil
import sqlite3
from datetime import datetime
from decimal import Decimal, getcontext
from fractions import Fraction

from drive import ROOT, Case, convtap, line, main
from openapi_check import Checker
from tap import Tap, eventually

getcontext().prec = 50
Z = Decimal("1.959963984540054")
OUTCOMES = ("not_engaged", "escalated", "escalation_failed", "resolved_confirmed", "unresolved", "resolved_implied", "silent",
            "abandoned")
CARD = b"""criteria:
  - {name: resolved, weight: 3, rule: {resolved: true}}
  - {name: quick, weight: 2, rule: {first_response: '<= 25s'}}
  - {name: greeting, weight: 1, mark: greeting}
  - {name: understood, weight: 2, rule: {all: [{fallbacks: '== 0'}, {not: {signal: user.complaint}}]}, mark: understood}
  - {name: alone, weight: 1, when: {outcome: [silent, abandoned, resolved_confirmed]}, rule: {escalated: false}}
"""


def stamp(seconds):
    return f"2026-03-{1 + seconds // 86400:02d}T{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def talks(count, chance):
    """Conversations of known kinds, two hours apart; name -> kind."""
    lines, kinds = [], {}
    for i in range(count):
        name, kind, now = f"c{i}", chance.choice(("yes", "no", "human", "silent", "complain")), 7200 * i
        kinds[name] = kind
        said = [("user", chance.choice(("where is my order?", "I want to cancel my invoice", "the app does not work"))),
                ("bot", "Your order is on the way. Did that solve it?")]
        said += {"yes": [("user", "yes, thanks")], "silent": [],
                 "no": [("user", "no, still not working"), ("bot", "Sorry, I did not understand that.")],
                 "human": [("user", "I want to speak to a human"), ("bot", "I am transferring you to an agent"),
                           ("agent", "Hi, this is Ana, how can I help?"), ("user", "thank you")],
                 "complain": [("user", "this is unacceptable, I want to file a complaint")]}[kind]
        messages = []
        for role, text in said:
            now += chance.randint(2, 50)
            messages.append({"role": role, "text": text, "ts": stamp(now)})
        lines.append(line(conversation_id=name, user_id=f"u{chance.randrange(400)}", channel="web", messages=messages))
    return lines, kinds


def marks(kinds, chance):
    """One line a marked conversation, with what a person might get wrong, too."""
    lines = []
    for name, kind in kinds.items():
        if chance.random() < 0.4:
            continue
        mark = {"conversation_id": name, "at": "2026-04-01T00:00:00Z", "by": "ana",
                "outcome": chance.choice(OUTCOMES), "escalated": (kind == "human") == (chance.random() < 0.9),
                "resolved": (kind in ("yes", "human")) == (chance.random() < 0.85),
                "complaint": (kind == "complain") == (chance.random() < 0.9),
                "topic": chance.choice(("billing", "technical", "delivery", "none")),
                "criteria": {"greeting": chance.choice((0, 0.25, 1)), "understood": chance.choice((0, 1, 0.125))},
                "signals": {"user.human_request": chance.random() < 0.5}}
        for key in ("outcome", "escalated", "resolved", "topic", "criteria"):
            if chance.random() < 0.15:
                del mark[key]
        lines.append(mark)
    return lines


def wilson(k, n):
    k, n = Decimal(k), Decimal(n)
    half = Z * (k * (n - k) / n + Z * Z / 4).sqrt()
    return [100 * (k + Z * Z / 2 + sign * half) / (n + Z * Z) for sign in (-1, 1)]


def lang_reiczigel(k, n, tp, fn, tn, fp):
    k, n, tp, fn, tn, fp = map(Decimal, (k, n, tp, fn, tn, fp))
    s, c, m = (tp + 1) / (tp + fn + 2), (tn + 1) / (tn + fp + 2), n + Z * Z
    a = (k + Z * Z / 2) / m
    p = (a + c - 1) / (s + c - 1)
    vs, vc = s * (1 - s) / (tp + fn + 2), c * (1 - c) / (tn + fp + 2)
    shift = 2 * Z * Z * (p * vs - (1 - p) * vc)
    error = ((a * (1 - a) / m + p * p * vs + (1 - p) ** 2 * vc) / (s + c - 1) ** 2).sqrt()
    return [min(max(100 * (p + shift + sign * Z * error), Decimal(0)), Decimal(100)) for sign in (-1, 1)]


def confusion(pairs):
    """(found, marked), None = not said -> tp, fp, fn, tn, unknown."""
    known = [(f, m) for f, m in pairs if m is not None]
    return tuple(sum(1 for f, m in known if f is not None and (bool(f), bool(m)) == which)
                 for which in ((True, True), (True, False), (False, True), (False, False))) + (
        sum(1 for f, m in known if f is None),)


def kappa(pairs):
    n = len(pairs)
    agreed = Fraction(sum(1 for f, m in pairs if f == m), n)
    chance = sum(Fraction(sum(1 for f, _ in pairs if f == v) * sum(1 for _, m in pairs if m == v), n * n)
                 for v in {v for pair in pairs for v in pair})
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def resolved_by(mark):
    if "resolved" in mark:
        return mark["resolved"]
    return {"resolved_confirmed": True, "resolved_implied": True, "unresolved": False, "abandoned": False,
            "escalation_failed": False}.get(mark.get("outcome"))


def escalated_by(mark):
    if "escalated" in mark:
        return mark["escalated"]
    return None if "outcome" not in mark else mark["outcome"] == "escalated"


class Talks(Case):
    """Three hundred conversations, with marks and a scorecard."""

    def setUp(self):
        super().setUp()
        chance = random.Random(7)
        self.lines, kinds = talks(300, chance)
        self.marks = marks(kinds, chance)
        self.input = self.write("in/talks.jsonl", b"".join(self.lines))
        self.labels = self.write("labels.jsonl", b"".join(line(**m) for m in self.marks))
        self.card = self.write("card.yaml", CARD)

    def audit(self, *args, status=0):
        done = convtap("audit", "--json", *args)
        self.survived(done)
        self.assertEqual(done.status, status, done.err)
        return done.json()


class Quality(Talks):
    def records(self, *args):
        done = convtap("audit", "--conversations", "-", *args)
        self.survived(done)
        return {r["conversation_id"]: r for r in map(json.loads, done.out.splitlines())}

    def near(self, is_, due, note):
        self.assertLessEqual(abs(Decimal(str(is_)) - Decimal(str(due))), Decimal("0.000002"), note)

    def exact(self, is_, due, note):
        self.assertEqual(Decimal(str(is_)), (Decimal(due.numerator) / Decimal(due.denominator)).quantize(Decimal("0.000001")),
                         note)

    def row(self, quality, subject, key=None):
        found = [r for r in quality["rules"] if (r["subject"], r["key"]) == (subject, key)]
        self.assertEqual(len(found), 1, (subject, key))
        return found[0]

    def compare(self, row, pairs):
        tp, fp, fn, tn, unknown = confusion(pairs)
        self.assertEqual((row["true_positive"], row["false_positive"], row["false_negative"], row["true_negative"],
                          row["unknown"]), (tp, fp, fn, tn, unknown), row)
        for name, of in (("precision", tp + fp), ("recall", tp + fn)):
            if not of:
                self.assertIsNone(row[name])
                continue
            self.exact(row[name]["value"], Fraction(100 * tp, of), row)
            low, high = wilson(tp, of)
            self.near(row[name]["low"], low, row)
            self.near(row[name]["high"], high, row)
        due = kappa([(bool(f), bool(m)) for f, m in pairs if f is not None and m is not None])
        if due is None:
            self.assertIsNone(row["kappa"])
        else:
            self.exact(row["kappa"], due, row)

    def test_rules_against_marks(self):
        quality = self.audit("--labels", self.labels, self.input)["quality"]
        records = self.records(self.input)
        both = [(records[m["conversation_id"]], m) for m in self.marks]
        self.assertEqual(quality["marked_conversations"], len(both))
        self.assertGreater(len(both), 150)
        self.compare(self.row(quality, "resolved"), [(r["resolved"], resolved_by(m)) for r, m in both])
        self.compare(self.row(quality, "escalated"), [(r["escalated"], escalated_by(m)) for r, m in both])
        self.compare(self.row(quality, "complaint"), [(r["complaint"], m["complaint"]) for r, m in both])
        self.compare(self.row(quality, "signal", "user.human_request"),
                     [("user.human_request" in r["signals"], m["signals"]["user.human_request"]) for r, m in both])
        for subject, field in (("outcome", "outcome"), ("topic", "topic")):
            pairs = [(r[field] or "none", m[field]) for r, m in both if field in m]
            whole = self.row(quality, subject)
            self.assertEqual((whole["n"], whole["agreed"]), (len(pairs), sum(f == m for f, m in pairs)))
            self.exact(whole["kappa"], kappa(pairs), subject)
            for key in {v for pair in pairs for v in pair}:
                self.compare(self.row(quality, subject, key), [(f == key, m == key) for f, m in pairs])

    def test_corrections(self):
        answer = self.audit("--return-topic", "any", "--labels", self.labels, self.input)
        records = self.records("--return-topic", "any", self.input)
        both = [(records[m["conversation_id"]], m) for m in self.marks]
        figures = {k["id"]: k for k in answer["kpis"]}

        def automated(mark):
            escalated, resolved = escalated_by(mark), resolved_by(mark)
            if escalated is True or resolved is False:
                return False
            return True if (escalated, resolved) == (False, True) else None

        def back(record):
            """Within 7 days of another contact of the same customer, before or after."""
            own = [r for r in records.values() if r["user_id"] == record["user_id"] and r is not record]
            return any(abs(moment(a["started_at"]) - moment(b["ended_at"])) <= 7 * 86400
                       for r in own for a, b in ((r, record), (record, r)) if a["started_at"] > b["started_at"])

        def first(record, mark):
            resolved = resolved_by(mark)
            return False if resolved and back(record) else resolved

        mature = [(r, m) for r, m in both if r["first_contact"] is not None]
        due = {"fcr": [(r["first_contact"], first(r, m)) for r, m in mature],
               "automation_rate": [(r["resolved"] is True and not r["escalated"], automated(m)) for r, m in both],
               "escalation_rate": [(r["escalated"], escalated_by(m)) for r, m in both],
               "incident_rate": [(r["complaint"], m["complaint"]) for r, m in both]}
        done = 0
        for given in answer["quality"]["corrections"]:
            raw, (tp, fp, fn, tn, _) = figures[given["kpi"]], confusion(due[given["kpi"]])
            self.assertEqual((given["true_positive"], given["false_positive"], given["false_negative"],
                              given["true_negative"]), (tp, fp, fn, tn), given)
            k, n = raw["numerator"], raw["denominator"]
            self.assertEqual((given["raw"]["numerator"], given["raw"]["denominator"]), (k, n))
            self.assertEqual(given["status"], "corrected")
            sensitivity, specificity = Fraction(tp, tp + fn), Fraction(tn, tn + fp)
            value = (Fraction(k, n) + specificity - 1) / (sensitivity + specificity - 1)
            self.exact(given["corrected"]["value"], min(max(100 * value, Fraction(0)), Fraction(100)), given)
            low, high = lang_reiczigel(k, n, tp, fn, tn, fp)
            self.near(given["corrected"]["low"], low, given)
            self.near(given["corrected"]["high"], high, given)
            self.assertIn("random sample", answer["quality"]["assumption"])
            done += 1
        self.assertEqual(done, 4)

    def test_score(self):
        answer = self.audit("--labels", self.labels, "--scorecard", self.card, self.input)
        iqs = next(k for k in answer["kpis"] if k["id"] == "iqs")
        scored = {m["conversation_id"]: m.get("criteria", {}) for m in self.marks}
        scores, parts, unjudged = [], {}, {}
        for name, r in self.records(self.input).items():
            first, given = r["response_s"]["first"], scored.get(name, {})
            understood = r["counts"]["fallback"] == 0 and "user.complaint" not in r["signals"]
            alone = None if r["outcome"] not in ("silent", "abandoned", "resolved_confirmed") else not r["escalated"]
            judged = {"resolved": (3, r["resolved"]), "quick": (2, None if first is None else first <= 25),
                      "greeting": (1, given.get("greeting")), "understood": (2, given.get("understood", understood)),
                      "alone": (1, alone)}
            known = [(w, Fraction(str(float(v)))) for w, v in judged.values() if v is not None]
            scores.append(round(100000000 * sum(w * v for w, v in known) / sum(w for w, _ in known)))
            for key, (_, value) in judged.items():
                if value is None:
                    unjudged[key] = unjudged.get(key, 0) + 1
                else:
                    parts.setdefault(key, []).append(Fraction(str(float(value))))
        self.assertEqual(iqs["n"], len(scores))
        self.exact(iqs["value"], Fraction(sum(scores), 1000000 * len(scores)), iqs)
        self.assertEqual([p["key"] for p in iqs["parts"]], sorted(parts))
        for part in iqs["parts"]:
            values = parts[part["key"]]
            self.assertEqual(part["n"], len(values))
            self.assertEqual(part.get("left_out", 0), unjudged.get(part["key"], 0), part)
            self.exact(part["value"], 100 * sum(values) / len(values), part)

    def test_records_stay(self):
        """Marks measure the rules: no record and no figure but those of marks is another."""
        self.assertEqual(self.records(self.input), self.records("--labels", self.labels, self.input))
        plain, marked = self.audit(self.input), self.audit("--labels", self.labels, self.input)
        self.assertNotIn("quality", plain)
        self.assertEqual([k for k in plain["kpis"]], [k for k in marked["kpis"]])

    def test_same_bytes(self):
        """Whatever the threads, the order of inputs and of marks."""
        half = len(self.lines) // 2
        parts = [self.write("a.jsonl", b"".join(self.lines[:half])), self.write("b.jsonl", b"".join(self.lines[half:]))]
        again = [dict(m, by="bea", resolved=not m.get("resolved", False)) for m in self.marks[:20]]
        both = [line(**m) for m in self.marks + again]
        forth = self.write("forth.jsonl", b"".join(both))
        back = [self.write("back1.jsonl", b"".join(both[::-2])), self.write("back2.jsonl", b"".join(both[-2::-2]))]
        runs = []
        for threads, inputs, labels in ((1, parts, [forth]), (4, parts[::-1], back), (3, parts, back[::-1])):
            named = [w for path in labels for w in ("--labels", path)]
            done = convtap("rules", "quality", "--json", "--threads", threads, *named, "--scorecard", self.card, *inputs)
            self.survived(done)
            self.assertEqual(done.status, 0, done.err)
            runs.append(done.out + b"".join(sorted(done.err.encode().splitlines(True))))
            figures = self.audit("--threads", threads, *named, "--scorecard", self.card, *inputs)
            runs[-1] += json.dumps([figures["kpis"], figures["drops"], figures["quality"]]).encode()
            self.assertGreater(figures["drops"]["label_conflict"], 0)
        self.assertEqual(runs[0], runs[1])
        self.assertEqual(runs[0], runs[2])

    def test_bad_lines(self):
        bad = self.write("bad.jsonl", b'{"conversation_id":"c1"}\n{broken\n' + line(conversation_id="c2", outcome="won") +
                         line(conversation_id="nobody", resolved=True) + line(conversation_id="c3", escalated=False))
        done = convtap("audit", "--json", "--labels", bad, self.input)
        self.survived(done)
        self.assertEqual(done.status, 1)
        for text in ("bad.jsonl:1 (byte 0): missing_field", "bad.jsonl:2 (byte 25): bad_json",
                     "bad.jsonl:3 (byte 33): unknown_outcome"):
            self.assertIn(text, done.err)
        self.assertEqual(done.json()["drops"], {"label_refused": 3, "label_without_conversation": 1})
        self.assertEqual(done.json()["quality"]["marked_conversations"], 1)
        self.assertEqual({c["status"] for c in done.json()["quality"]["corrections"]}, {"too_few_marks"})
        self.assertTrue(all(c["corrected"] is None for c in done.json()["quality"]["corrections"]))

    def test_bad_files(self):
        for args, says in ((("--labels", self.path("none.jsonl")), "none.jsonl"),
                           (("--scorecard", self.path("none.yaml")), "none.yaml"),
                           (("--scorecard", self.write("bad.yaml", b"criteria:\n  - {name: a, rule: {resolvd: true}}\n")),
                            "bad.yaml:2:22")):
            done = convtap("audit", *args, self.input)
            self.survived(done)
            self.assertEqual(done.status, 2, done.err)
            self.assertIn(says, done.err)
        done = convtap("rules", "quality", self.input)
        self.assertEqual(done.status, 2)
        self.assertIn("--labels", done.err)

    def test_configuration(self):
        """Paths of a file are relative to its folder; the scorecard of the documentation is sound."""
        config = self.write("etc/convtap.yaml", b"labels: [../labels.jsonl]\nscorecard: ../card.yaml\n")
        answer = self.audit("--config", config, self.input)
        self.assertEqual(answer["quality"], self.audit("--labels", self.labels, self.input)["quality"])
        self.assertEqual(convtap("config", "check", config).status, 0)
        self.write("card.yaml", b"criteria: []\n")
        done = convtap("config", "check", config)
        self.assertEqual(done.status, 2)
        self.assertIn("card.yaml:1:11", done.err)
        example = os.path.join(ROOT, "docs", "example-scorecard.yaml")
        answer = self.audit("--labels", self.labels, "--scorecard", example, self.input)
        self.assertIsNotNone(next(k for k in answer["kpis"] if k["id"] == "iqs")["value"])

    def test_signal_of_ones_own(self):
        """The pack that the documentation shows, as a criterion."""
        with open(os.path.join(ROOT, "docs", "quality.md"), encoding="utf-8") as f:
            pack = f.read().split("```yaml\n")[1].split("```")[0]
        rules = self.path("rules")
        shutil.copytree(os.path.join(ROOT, "rules"), rules)
        self.write("rules/ours.yaml", pack.encode())
        self.assertEqual(convtap("rules", "test", "--rules", rules).status, 0)
        card = self.write("greets.yaml", b"criteria: [{name: greets, rule: {signal: bot.welcome}}]\n")
        talks = [line(conversation_id=f"g{i}", channel="web", messages=[{"role": "user", "text": "hi"}, {"role": "bot", "text": text}])
                 for i, text in enumerate(("Hello, how can I help?", "Hola, dime", "What do you want?", "Ola!"))]
        path = self.write("greet.jsonl", b"".join(talks))
        iqs = next(k for k in self.audit("--rules", rules, "--scorecard", card, path)["kpis"] if k["id"] == "iqs")
        self.assertEqual((iqs["value"], iqs["n"]), (75.0, 4))
        self.assertEqual(convtap("audit", "--scorecard", card, path).status, 2)  # rules without that signal

    def test_people_read_it(self):
        for lang, says in (("en", ("The rules against human marks", "corrected", "random sample")),
                           ("es", ("Las reglas frente a marcas humanas", "corregida", "muestra al azar"))):
            report = self.path(f"{lang}.html")
            done = convtap("audit", "--lang", lang, "--labels", self.labels, "--report", report, self.input)
            self.survived(done)
            with open(report, encoding="utf-8") as f:
                page = f.read()
            for text in says:
                self.assertIn(text, done.out.decode("utf-8"))
                self.assertIn(text, page)


SERVE = """rules: %s
labels: [labels.jsonl]
scorecard: card.yaml
default_alarms: no
serve:
  tick: 100ms
  tape: {segment: 1M}
  intake: {listen: "127.0.0.1:0"}
  desk: {listen: "127.0.0.1:0"}
sources:
  archive: {format: convtap}
"""
MARCH = "/api/v1/kpis?from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z"
OF_QUALITY = ("iqs", "iqs.judged", "ai_accuracy", "ai_accuracy.marked", "automation_rate", "escalation_rate", "fcr", "incident_rate")
# Signals of its own, in a pack that is read before all others: every number after them is another.
OURS = b"""pack: aaa
version: 1.0.0
extends: core
signals:
  bot.welcome: {role: bot}
  user.order: {role: user}
rules:
  - id: aaa.welcome
    emit: bot.welcome
    any: ['^\\W*your order']
    tests: {pos: ['Your order is on the way'], neg: ['On the way']}
  - id: aaa.order
    emit: user.order
    any: ['order']
    tests: {pos: ['where is my order?'], neg: ['the app does not work']}
"""
CARD_OF_TWO = CARD + b"  - {name: welcome, weight: 2, rule: {signal: bot.welcome}}\n  - {name: order, when: {signal: user.order}, mark: greeting, rule: {resolved: true}}\n"


class EveryWay(Talks):
    """The same conversations through audit, and through the live tap, its ranges and its tape."""

    def figures(self, answer):
        kpis = {k["id"]: {key: k.get(key) for key in ("value", "n", "numerator", "denominator", "low", "high", "left_out", "parts")}
                for k in answer["kpis"]}
        return {name: kpis[name] for name in OF_QUALITY}

    def tap(self, rules):
        config = self.write("convtap.yaml", (SERVE % rules).encode())
        return Tap("--config", config, "--store", self.path("live.db"), "--tape", self.path("tape"))

    def push(self, tap, lines):
        for at in range(0, len(lines), 100):
            tap.push("archive", *map(json.loads, lines[at:at + 100]))
        eventually(lambda: tap.open() == 0, "silence")
        tap.settled()

    def stopped(self, tap):
        self.assertEqual(tap.stop(), 0, tap.said())

    def replay(self, *args, status=0):
        done = convtap("replay", "--json", "--labels", self.labels, "--scorecard", self.card, *args, self.path("tape"))
        self.survived(done)
        self.assertEqual(done.status, status, done.err)
        return done

    def check_described(self, body):
        with open(os.path.join(ROOT, "docs", "openapi.json"), encoding="utf-8") as f:
            document = json.load(f)
        self.assertEqual(Checker(document).problems(body, {"$ref": "#/components/schemas/kpis"}), [])

    def test_one_rule_set(self):
        """Audit, range, slices, replay, feedback, kpis compare; labels that change while it runs."""
        march = ("--from", "2026-03-01", "--to", "2026-04-01")
        given = ("--labels", self.labels, "--scorecard", self.card)
        due = self.audit(*march, *given, self.input)
        self.assertGreater(due["quality"]["marked_conversations"], 150)
        self.assertTrue(all(c["status"] == "corrected" for c in due["quality"]["corrections"]))
        tap = self.tap(os.path.join(ROOT, "rules"))
        try:
            self.push(tap, self.lines)
            answer = tap.get(MARCH)
            self.check_described(answer)
            self.assertEqual(self.figures(answer), self.figures(due))
            self.assertEqual(answer["quality"], due["quality"])
            self.assertEqual(answer["scorecard"], {"name": None, "criteria": 5, "unknown_signals": []})
            by = {s["key"]: s["value"] for s in next(k for k in tap.get(MARCH + "&by=week&id=iqs")["kpis"] if k["id"] == "iqs")["slices"]}
            weekly = self.audit(*march, *given, "--group-by", "week", self.input)
            self.assertEqual(by, {s["key"]: s["value"] for s in next(k for k in weekly["kpis"] if k["id"] == "iqs")["slices"]})
            self.assertGreater(len(by), 3)
            window = {k["id"]: k for k in tap.get("/api/v1/kpis?window=1h&id=iqs,ai_accuracy")["kpis"]}
            self.assertEqual((window["iqs"]["value"], window["iqs"]["reason"]), (None, "needs_range"))
            counters = tap.get("/api/v1/status")["counters"]
            self.assertEqual((counters["labelled_conversations"], counters["labels_refused"]), (len(self.marks), 0))
            # fewer marks, a bad line, another card
            self.write("labels.jsonl", b"".join(line(**m) for m in self.marks[:90]) + b"{broken\n")
            self.write("card.yaml", CARD.replace(b"weight: 3", b"weight: 9"))
            tap.hang_up()
            eventually(lambda: tap.get("/api/v1/status")["counters"]["labels_refused"] == 1, "the reload")
            other = self.audit(*march, *given, self.input, status=1)
            answer = tap.get(MARCH)
            self.assertEqual((self.figures(answer), answer["quality"]), (self.figures(other), other["quality"]))
            self.assertNotEqual(self.figures(other)["iqs"], self.figures(due)["iqs"])
            self.assertIn("reason=bad_json", tap.said())
            # one that names what no rule has: all stays as it is
            self.write("card.yaml", b"criteria: [{name: x, rule: {signal: no.such}}]\n")
            status, body = tap.ask("desk", "/api/v1/reload", b"")
            self.assertEqual(status, 422, body)
            self.assertIn("no.such", body.decode())
            self.assertEqual(self.figures(tap.get(MARCH)), self.figures(other))
        finally:
            self.stopped(tap)
        self.labels, self.card = self.write("l.jsonl", b"".join(line(**m) for m in self.marks)), self.write("c.yaml", CARD)
        given = ("--labels", self.labels, "--scorecard", self.card)
        again = self.replay(*march).json()
        self.assertEqual((self.figures(again), again["quality"]), (self.figures(due), due["quality"]))
        said = convtap("feedback", "--json", *march, *given, self.input)
        self.assertEqual(said.status, 0, said.err)
        iqs = next(k for k in due["kpis"] if k["id"] == "iqs")
        self.assertEqual(said.json()["iqs"], {"value": iqs["value"], "n": iqs["n"]})
        compared = convtap("kpis", "compare", "--json", *march, *given, self.input).json()
        self.assertEqual((compared["iqs"]["value"], compared["iqs"]["n"], compared["quality"]), (iqs["value"], iqs["n"], due["quality"]))
        table = convtap("kpis", "compare", "--lang", "es", "--csv", self.path("c.csv"), *march, *given, self.input)
        for text in ("corregida con marcas: ", "(iqs)", "conversaciones con marcas humanas: "):
            self.assertIn(text, table.out.decode())
        with open(self.path("c.csv"), newline="", encoding="utf-8") as f:
            rows = {(r["kpi"], r["profile"]): r for r in csv.DictReader(f)}
        for c in due["quality"]["corrections"]:
            if (c["kpi"], "convtap") in rows:
                self.assertEqual([float(rows[c["kpi"], "corrected"][k]) for k in ("value", "low", "high")], [c["corrected"][k] for k in ("value", "low", "high")])
        self.assertEqual(float(rows["iqs", "convtap"]["value"]), iqs["value"])

    def test_feedback_by_people(self):
        """What people marked says which questions ended badly; each theme has the score of its own conversations."""
        said = {"a": "yes, thanks", "b": "yes, thanks", "c": "no, still not working"}
        path = self.write("talks.jsonl", b"".join(line(conversation_id=name, channel="web", messages=[
            {"role": "user", "text": "How do I change the size of my order?"}, {"role": "bot", "text": "In your account. Did that solve it?"},
            {"role": "user", "text": text}]) for name, text in said.items()))
        labels = self.write("people.jsonl", line(conversation_id="a", resolved=False) + line(conversation_id="b", correct=True) +
                            line(conversation_id="c", resolved=True, criteria={"greeting": 0.5}))
        card = self.write("half.yaml", b"criteria: [{name: g, mark: greeting}, {name: r, rule: {resolved: true}}]\n")

        def ask(*args):
            done = convtap("feedback", *args, path)
            self.survived(done)
            self.assertEqual(done.status, 0, done.err)
            return done

        bad = [(q["asked"], q["bad"], sorted(e["id"] for e in q["examples"][:1])) for q in ask("--json").json()["questions"]]
        self.assertEqual(bad, [(3, 1, ["c"])])
        marked = ask("--json", "--labels", labels, "--scorecard", card).json()
        self.assertEqual([(q["asked"], q["bad"], q["examples"][0]["id"]) for q in marked["questions"]], [(3, 1, "a")])
        self.assertEqual(marked["iqs"], {"value": 75.0, "n": 3})  # 100, 100, and 0.5 of two
        self.assertEqual(sum(t["iqs"]["n"] for t in marked["themes"]), sum(t["items"] for t in marked["themes"]))
        text = ask("--labels", labels, "--scorecard", card, "--lang", "es").out.decode()
        self.assertIn("nota de calidad: 75,0 % (3 de ellas)", text)

    def test_two_rule_sets(self):
        """Records keep the numbers of the rules that they were judged by; a scorecard's names mean the same in all of them."""
        march = ("--from", "2026-03-01", "--to", "2026-04-01")
        rules, half = self.path("rules"), len(self.lines) // 2
        shutil.copytree(os.path.join(ROOT, "rules"), rules)
        self.write("card.yaml", CARD)
        tap = self.tap(rules)
        try:
            self.push(tap, self.lines[:half])
            first = tap.get("/api/v1/status")["rules_hash"]
            self.write("rules/aaa.yaml", OURS)
            self.write("card.yaml", CARD_OF_TWO)
            tap.hang_up()
            eventually(lambda: tap.get("/api/v1/status")["rules_hash"] != first, "the new rules")
            second = tap.get("/api/v1/status")["rules_hash"]
            self.push(tap, self.lines[half:])
            answer = tap.get(MARCH)
            self.check_described(answer)
        finally:
            self.stopped(tap)
        due = self.audit(*march, "--rules", rules, "--labels", self.labels, "--scorecard", self.card, self.input)
        later = self.audit(*march, "--rules", rules, "--labels", self.labels, "--scorecard", self.card,
                           self.write("later.jsonl", b"".join(self.lines[half:])))
        parts = {name: {p["key"]: p for p in next(k for k in one["kpis"] if k["id"] == "iqs")["parts"]}
                 for name, one in (("range", answer), ("whole", due), ("later", later))}
        self.assertEqual(answer["quality"], due["quality"])  # user.human_request has another number in each
        for name in ("resolved", "quick", "greeting", "understood", "alone"):
            self.assertEqual(parts["range"][name], parts["whole"][name])
        for name, not_judged in (("welcome", half), ("order", half)):  # of the first half nothing is said, not that it failed
            part = parts["range"][name]
            self.assertEqual((part["value"], part["n"]), (parts["later"][name]["value"], parts["later"][name]["n"]))
            self.assertEqual(part["left_out"], parts["later"][name].get("left_out", 0) + not_judged)
            self.assertGreater(part["n"], 30)
        self.assertEqual(answer["scorecard"]["unknown_signals"],
                         [{"criterion": c, "signal": s, "rules_hash": first, "reason": "no_such_signal", "conversations": half}
                          for c, s in (("welcome", "bot.welcome"), ("order", "user.order"))])
        self.assertNotEqual(first, second)
        replayed = self.replay(*march)
        self.assertEqual(self.figures(replayed.json()), self.figures(answer))
        self.assertEqual(replayed.json()["quality"], answer["quality"])
        self.assertEqual(replayed.json()["drops"]["criterion_signal_unknown"], half)
        for text in (f"criterion 'welcome': the rule set {first[:12]} has no signal 'bot.welcome'", f"criterion 'order': the rule set {first[:12]}"):
            self.assertIn(text, replayed.err)
        self.assertNotIn(second[:12], replayed.err)
        self.card = self.write("no.yaml", b"criteria: [{name: x, rule: {signal: no.such}}]\n")
        self.assertIn("none of the 2 rule sets has the signal 'no.such'", self.replay(status=2).err)
        # the store knows what the numbers were, also when the rules are gone from this process
        self.write("card.yaml", CARD_OF_TWO)
        shutil.rmtree(self.path("tape"))
        tap = self.tap(rules)
        try:
            self.assertEqual({k: tap.get(MARCH)[k] for k in ("kpis", "quality", "scorecard")},
                             {k: answer[k] for k in ("kpis", "quality", "scorecard")})
            with contextlib.closing(sqlite3.connect(self.path("live.db"))) as store:  # as an older convtap left it
                names = json.loads(store.execute("SELECT value FROM meta WHERE key=?", ("signals:" + first,)).fetchone()[0])
                self.assertIn("user.human_request", names)
                store.execute("DELETE FROM meta WHERE key=?", ("signals:" + first,))
                store.commit()
            answer = tap.get(MARCH)
            self.check_described(answer)
            self.assertEqual([(u["criterion"], u["signal"], u["reason"], u["conversations"]) for u in answer["scorecard"]["unknown_signals"]],
                             [("understood", "user.complaint", "signals_not_stored", half), ("welcome", "bot.welcome", "signals_not_stored", half),
                              ("order", "user.order", "signals_not_stored", half)])
            unknown = next(r for r in answer["quality"]["rules"] if r["key"] == "user.human_request")
            self.assertEqual(unknown["n"] + unknown["unknown"], answer["quality"]["marked_conversations"])
            self.assertGreater(unknown["unknown"], 50)
        finally:
            self.stopped(tap)


if __name__ == "__main__":
    main()
