#!/usr/bin/env python3
"""Human marks and scorecards: precision, recall, kappa, corrections and the quality score, recomputed with exact fractions from
the exported records and the very files that the program read; and what is refused, counted and never changed."""
import json
import os
import random
import shutil
from datetime import datetime
from decimal import Decimal, getcontext
from fractions import Fraction

from drive import ROOT, Case, convtap, line, main

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


class Quality(Case):
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
        card = self.write("greets.yaml", b"criteria: [{name: greets, rule: {signal: bot.greeting}}]\n")
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


if __name__ == "__main__":
    main()
