#!/usr/bin/env python3
"""The list of KPIs that was asked for, held against the program: every id is in the catalogue with its names, unit, direction
and targets, and every worked example comes out exactly from conversations and events made for it. Skipped where the list is
not at hand."""
import csv
import datetime
import decimal
import html
import json
import os
import re
import sys

import drive
from drive import line

LIST = os.path.join(drive.SHARED, "spec", "kpis.json")
MARCH = ("2026-03-01", "2026-04-01")  # the period of an example, where it needs no other
# What the list calls a unit, where the program has a shorter word; what is counted by theme or by sentiment is a list there.
UNITS = {"points -100..100": "points", "points 1..7": "points", "points 0..100": "points", "list": "count", "share": "percent"}
OTHER_UNITS = {"sentiment": "percent"}  # counts, shown as the share that each is of all
# Targets that the list words as a part of a KPI, and the variant that is this part; year_1 also stands under a variant.
TARGETS = {("feature_breadth", "accounts_with_3_modules_percent"): ("feature_breadth.share", "all")}


def at(day=1, hour=10, month=3, second=0):
    return f"2026-{month:02d}-{day:02d}T{hour:02d}:{second // 60:02d}:{second % 60:02d}Z"


def talk(name, *messages, user=None, **fields):
    return line(conversation_id=name, user_id=user or "u-" + name, channel="web", messages=list(messages), **fields)


def said(role, text, ts, **fields):
    return {"role": role, "text": text, "ts": ts, **fields}


def judged(name, resolved, day=2):
    return talk(name, said("user", "¿Dónde está mi pedido 4471?", at(day)), said("bot", "Tu pedido 4471 llega mañana.", at(day, second=4)),
                {"role": "system", "text": "", "ts": at(day, second=9), "event": {"type": "label", "name": "resolved", "value": resolved}})


def answered(name, kind, value, scale):
    return talk(name, said("user", "¿Dónde está mi pedido 4471?", at(2)), said("bot", "Llega mañana.", at(2, second=4)),
                {"role": "user", "text": "", "ts": at(2, second=9),
                 "event": {"type": "feedback", "kind": kind, "value": value, "scale": scale}})


def event(kind, user, when, **fields):
    return line(event=kind, user_id=user, at=when, **fields)


# ---- what each example says, as input -------------------------------------------------------------------------------------


def automation_rate(resolved_without_human, conversations):
    return [judged(f"c{i}", i < resolved_without_human) for i in range(conversations)]


def fcr(closed_after_first_interaction, cases):
    return [judged(f"c{i}", i < closed_after_first_interaction) for i in range(cases)] + [judged("late", True, day=29)]


def csat(positive, answers):
    return [answered(f"c{i}", "csat", 5 if i < positive else 2, 5) for i in range(answers)]


def nps(promoters, passives, detractors):
    values = [9] * promoters + [7] * passives + [3] * detractors
    return [answered(f"c{i}", "nps", value, 10) for i, value in enumerate(values)]


def ces(scores):
    return [answered(f"c{i}", "ces", score, 7) for i, score in enumerate(scores)]


def complaint_resolution_time(raised, resolved):
    return [event("complaint_raised", "u", raised, ref="k1"), event("complaint_resolved", "u", resolved, ref="k1")]


def average_wait_time(total_wait_minutes, attended):
    each, lines = total_wait_minutes * 60 // attended, []
    for i in range(attended):
        lines.append(talk(f"c{i}", said("user", "Quiero hablar con una persona", at(2)),
                          {"role": "system", "text": "", "ts": at(2), "event": {"type": "handoff", "phase": "requested", "by": "user"}},
                          said("agent", "Hola, soy Ana.", at(2, second=each))))
    return lines


def churn_rate(lost, at_start):
    return ([event("customer", f"u{i}", at(1, month=2)) for i in range(at_start)] +
            [event("customer_lost", f"u{i}", at(10)) for i in range(lost)])


def retention_rate(at_end, won, at_start):
    lost = at_start + won - at_end
    return churn_rate(lost, at_start) + [event("customer_won", f"n{i}", at(12)) for i in range(won)]


def mrr(customers, average_revenue):
    return [event("subscription", f"u{i}", at(1, month=2), amount=str(average_revenue), currency="EUR", name="base")
            for i in range(customers)]


def onboarding_on_time_rate(on_time, onboarded):
    lines = []
    for i in range(onboarded):
        lines.append(event("milestone", f"u{i}", at(1, month=2), name="project_started"))
        lines.append(event("milestone", f"u{i}", at(10), name="onboarded", due=at(12 if i < on_time else 8)))
    return lines


def activation_rate(activated, new_accounts):
    lines = [event("customer_won", f"u{i}", at(2)) for i in range(new_accounts)]
    for i in range(activated):
        lines += [event("feature_used", f"u{i}", at(3 + n), name="reports", key_action=True) for n in range(3)]
    return lines


def seat_utilization_d30(active, bought):
    return [event("customer_won", "u", at(10, month=2)), event("seats_bought", "u", at(10, month=2), count=bought),
            event("seats_active", "u", at(11), count=active)]


def outcome_achieved_rate(achieved, evaluated):
    return [event("outcome", f"u{i}", at(10), name="cost down", value="12" if i < achieved else "4", goal="10") for i in range(evaluated)]


def realized_roi(benefit, cost):
    return [event("benefit", "u", at(10), amount=str(benefit), currency="EUR"),
            event("cost", "u", at(10), amount=str(cost), currency="EUR", name="account")]


def clv(purchase_value, frequency_per_month=None, lifetime_months=None, frequency_per_year=None, lifetime_years=None):
    """A month of 30 days, or a year of 365: one customer, as long a customer as is said, who bought so often in it."""
    days, times, lifetime = (30, frequency_per_month, lifetime_months) if frequency_per_month else (365, frequency_per_year, lifetime_years)
    end = datetime.date(2026, 4, 1)
    lines = [event("customer_won", "u", f"{end - datetime.timedelta(days * lifetime)}T00:00:00Z")]
    for i in range(times):
        lines.append(event("purchase", "u", f"{end - datetime.timedelta(2 + 3 * i)}T12:00:00Z", amount=str(purchase_value), currency="EUR"))
    return lines, (str(end - datetime.timedelta(days)), str(end))


EXAMPLES = {f.__name__: f for f in (automation_rate, fcr, csat, nps, ces, complaint_resolution_time, average_wait_time, churn_rate,
                                    retention_rate, mrr, onboarding_on_time_rate, activation_rate, seat_utilization_d30,
                                    outcome_achieved_rate, realized_roi, clv)}
PERIODS = {"complaint_resolution_time": ("2026-11-01", "2026-12-01")}


def decimals(found, digits=1):
    """The value as the list writes it: at so many decimals, half to even, from numerator and denominator where they say it."""
    quantum = decimal.Decimal(1).scaleb(-digits)
    return decimal.Decimal(found).quantize(quantum, decimal.ROUND_HALF_EVEN)


class Catalogue(drive.Case):

    @classmethod
    def setUpClass(cls):
        with open(LIST, encoding="utf-8") as f:
            cls.wanted = json.load(f)["kpis"]
        cls.known = {kpi["id"]: kpi for kpi in drive.convtap("kpis", "--json").json()["kpis"]}

    def files(self, lines):
        """Transcripts and events each in a file of their own."""
        kinds = (("events.jsonl", True), ("chats.jsonl", False))
        made = [(name, b"".join(text for text in lines if text.startswith(b'{"event"') == of_events)) for name, of_events in kinds]
        return [self.write(name, content) for name, content in made if content]

    def audit(self, lines, period, *args):
        """The figures by id, amounts and rates as written."""
        end = period[1] + "T00:00:00Z"
        done = drive.convtap("audit", "--json", "--from", period[0], "--to", period[1], "--as-of", end, *args, *self.files(lines))
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        return {kpi["id"]: kpi for kpi in json.loads(done.out, parse_float=decimal.Decimal)["kpis"]}

    def test_there_are_as_many_as_were_asked_for(self):
        self.assertEqual(len(self.wanted), 61)
        self.assertEqual(len({kpi["id"] for kpi in self.wanted}), 61)
        self.assertEqual([kpi["id"] for kpi in self.wanted if kpi["id"] not in self.known], [])

    def test_each_is_named_and_counted_as_asked(self):
        for wanted in self.wanted:
            with self.subTest(kpi=wanted["id"]):
                found = self.known[wanted["id"]]
                for lang in ("en", "es"):
                    # The list's own name, or one that holds it: "Net Promoter Score (NPS)".
                    words = re.findall(r"\w+", wanted["name"][lang].split(" (")[0].lower())
                    has = found["name"][lang].lower()
                    self.assertTrue(any(word in has for word in words), (found["name"], wanted["name"]))
                    self.assertTrue(found["formula"][lang] and found["help"][lang], lang)
                self.assertIsNone(found["parent"])
                self.assertEqual(found["better"], wanted["better"])
                self.assertEqual(found["family"], wanted["family"])
                self.assertEqual(found["unit"], OTHER_UNITS.get(wanted["id"], UNITS.get(wanted["unit"], wanted["unit"])))

    def test_every_target_is_in_the_catalogue(self):
        seen = 0
        for wanted in self.wanted:
            for segment, target in wanted.get("targets", {}).items():
                with self.subTest(kpi=wanted["id"], segment=segment):
                    kpi, name = TARGETS.get((wanted["id"], segment), (wanted["id"], segment))
                    found = self.known[kpi]
                    self.assertEqual(found.get("target") if name == "all" else found.get("targets_by_segment", {}).get(name), target)
                    seen += 1
        self.assertGreater(seen, 30)

    def test_every_target_is_used(self):
        """Each segment that a target is for, asked for: the figures are held against it, in a period as long as it says."""
        lengths = {"monthly": "2026-03-01", "quarterly": "2026-01-01", "annual": "2025-04-01"}
        asked = {}
        for wanted in self.wanted:
            for segment, target in wanted.get("targets", {}).items():
                kpi, name = TARGETS.get((wanted["id"], segment), (wanted["id"], segment))
                stem, _, tail = name.rpartition("_")
                segment, length = (stem, tail) if tail in lengths else (("", name) if name in lengths else (name, None))
                asked.setdefault((segment, length), []).append((kpi, target))
        lines = [event("customer", "u", at(1, month=1))]
        for (segment, length), wanted in sorted(asked.items(), key=str):
            begin = lengths.get(length, "2026-03-01")
            args = ("--segment", segment) if segment not in ("", "all") else ()
            found = self.audit(lines, (begin, MARCH[1]), *args)
            for kpi, target in wanted:
                with self.subTest(kpi=kpi, segment=segment, length=length):
                    self.assertEqual([target[0], float(found[kpi].get("target", ("", 0))[1])], [target[0], target[1]])

    def test_every_worked_example_comes_out(self):
        seen = 0
        for wanted in self.wanted:
            for example in wanted.get("examples", []):
                with self.subTest(kpi=wanted["id"], example=example):
                    made = EXAMPLES[wanted["id"]](**example["in"])
                    lines, period = made if isinstance(made, tuple) else (made, PERIODS.get(wanted["id"], MARCH))
                    found = self.audit(lines, period)[wanted["id"]]
                    self.assertIsNotNone(found["value"], found)
                    self.assertEqual(decimals(found["value"]), decimals(str(example["out"])), found)
                    seen += 1
        self.assertEqual(seen, sum(len(wanted.get("examples", [])) for wanted in self.wanted))

    def test_all_are_in_an_audit_of_anything(self):
        for lines in ([judged("c", True)], [event("customer", "u", at(1))]):
            found = self.audit(lines, MARCH)
            self.assertEqual([kpi["id"] for kpi in self.wanted if kpi["id"] not in found], [])
            for kpi in found.values():
                if kpi["denominator"] == 0:
                    self.assertIsNone(kpi["value"], kpi)

    def test_the_report_names_them_in_both_languages(self):
        # Something of everything: every family has figures.
        lines = csat(3, 4) + nps(2, 1, 1) + ces([1, 7]) + average_wait_time(10, 2) + churn_rate(1, 4) + mrr(2, 5) + seat_utilization_d30(1, 2)
        lines += onboarding_on_time_rate(1, 2) + activation_rate(1, 2) + outcome_achieved_rate(1, 2)
        lines += [event("feedback", "u0", at(5), text="Falta un botón", ref="f"), event("expansion", "u1", at(5), amount="5", currency="EUR")]
        for lang in ("en", "es"):
            report = self.path(f"report-{lang}.html")
            table = drive.convtap("audit", "--from", MARCH[0], "--to", MARCH[1], "--lang", lang, "--report", report, "--csv", self.path("f.csv"),
                                  *self.files(lines))
            self.assertEqual(table.status, 0, table.err)
            with open(report, encoding="utf-8") as f:
                page = html.unescape(f.read())
            with open(self.path("f.csv"), encoding="utf-8-sig", newline="") as f:
                rows = {row["id"]: row["name"] for row in csv.DictReader(f) if row["slice"] == "(all)" and not row["key"]}
            for kpi in self.known.values():
                if kpi["id"] in {wanted["id"] for wanted in self.wanted}:
                    with self.subTest(kpi=kpi["id"], lang=lang):
                        self.assertIn(kpi["name"][lang], page)
                        self.assertEqual(rows.get(kpi["id"], kpi["name"][lang]), kpi["name"][lang])


if __name__ == "__main__":
    if not os.path.exists(LIST):
        sys.exit(drive.SKIPPED)
    drive.main()
