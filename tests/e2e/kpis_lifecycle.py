#!/usr/bin/env python3
"""The customer's lifecycle from a file of business events: each KPI of it against a value worked out by hand, in the zone
Europe/Madrid, whose clocks go forward on 29 March 2026."""
import csv
import io
import json
import random
import re

import drive
from drive import Case, convtap, line, main
from tap import Tap, eventually

SERVE = b"""segments: [smb]
zone: Europe/Madrid
onboarding_sla: 2d
serve:
  tick: 100ms
  zone: Europe/Madrid
  intake: {listen: "127.0.0.1:0"}
  desk: {listen: "127.0.0.1:0"}
sources:
  product: {format: business, options: {zone: Europe/Madrid}}
"""

MARCH = ["--zone", "Europe/Madrid", "--format-option", "zone=Europe/Madrid", "--from", "2026-03-01", "--to", "2026-04-01", "--as-of", "2026-04-02T00:00:00Z"]


def event(kind, user, at, **fields):
    return line(event=kind, user_id=user, at=at, **fields)


def onboarding():
    """Due 10 March: a in time, b on its last second, c at midnight after it. d has no due date and no start. e to g: start to
    first value 2, 4 and 9 days by the clock on the wall (e: noon to noon over the night that has an hour less)."""
    for user, at in (("a", "2026-03-09T10:00:00+01:00"), ("b", "2026-03-10T23:59:59+01:00"), ("c", "2026-03-11T00:00:00+01:00")):
        yield event("milestone", user, at, name="onboarded", due="2026-03-10")
    yield event("milestone", "d", "2026-03-10T10:00:00Z", name="onboarded")
    yield event("milestone", "e", "2026-03-28T12:00:00+01:00", name="project_started")
    yield event("milestone", "e", "2026-03-30T12:00:00+02:00", name="first_value")
    yield event("milestone", "f", "2026-03-20T12:00:00+01:00", name="project_started")
    yield event("milestone", "f", "2026-03-24T12:00:00+01:00", name="first_value")
    yield event("milestone", "g", "2026-02-22T12:00:00+01:00", name="project_started")
    yield event("milestone", "g", "2026-03-03T12:00:00+01:00", name="first_value")
    # Go-live: 9 days (g), 28 days (h, over the change).
    yield event("milestone", "g", "2026-03-03T12:00:00+01:00", name="go_live")
    yield event("milestone", "h", "2026-03-01T12:00:00+01:00", name="project_started")
    yield event("milestone", "h", "2026-03-29T12:00:00+02:00", name="go_live")
    # Kickoffs: 18 of 20, 17 of 20, none.
    for user, count in (("k1", 18), ("k2", 17)):
        yield event("checklist", user, "2026-03-02T09:00:00Z", count=count, of=20)
    for user in ("k1", "k2", "k3"):
        yield event("milestone", user, "2026-03-02T10:00:00Z", name="kickoff")


def activation():
    """New on 24 March, noon: the window ends at noon of the 31st, after the change 167 hours later. n1 has its third key
    action a second before, n2 at noon. n3 came on 30 March: its window is open until 6 April, noon."""
    for user, third in (("n1", "2026-03-31T11:59:59+02:00"), ("n2", "2026-03-31T12:00:00+02:00")):
        yield event("customer_won", user, "2026-03-24T12:00:00+01:00")
        yield event("feature_used", user, "2026-03-24T12:00:00+01:00", name="invoices", count=2, key_action=True)
        yield event("feature_used", user, third, name="invoices", key_action=True)
    yield event("customer_won", "n3", "2026-03-30T12:00:00+02:00")
    # Trials: t1 converted, and so is a new account from the 17th on, without key actions; t2 not, t3 runs to 14 April.
    for user in ("t1", "t2"):
        yield event("trial_started", user, "2026-03-02T10:00:00Z", due="2026-03-16")
    yield event("trial_converted", "t1", "2026-03-17T10:00:00Z")
    yield event("trial_started", "t3", "2026-03-31T10:00:00Z", due="2026-04-14T23:59:59Z")


def seats():
    """Bought on 10 February: day 30 is 12 March, which ends at 23:00 UTC. In use then 35 of 50. Weeks before April: 4-10,
    11-17, 18-24, 25-31 March; seats s-0 to s-9 in all of them, s-10 to s-14 in the last two."""
    yield event("customer_won", "s", "2026-02-10T10:00:00Z")
    yield event("seats_bought", "s", "2026-02-10T10:00:00Z", count=50)
    yield event("seats_active", "s", "2026-03-12T22:59:59Z", count=35)
    yield event("seats_active", "s", "2026-03-12T23:00:00Z", count=50)
    yield event("seats_bought", "q", "2026-01-10T10:00:00Z", count=20)
    for week, day in enumerate((4, 11, 18, 25)):
        for seat in range(15 if week > 1 else 10):
            yield event("seats_active", "q", f"2026-03-{day:02d}T10:00:00Z", count=1, ref=f"s-{seat}")


def outcomes():
    """o1 in its first year reached both goals, o2 missed one of two; o3, in its second year, did, by its newest measurement;
    o4 is of unknown age. ROI: 300000 of 120000 a year, and 30000 of 12 x 2500."""
    yield event("customer", "o1", "2026-03-01T00:00:00Z", since="2025-03-31T12:00:00+02:00")
    yield event("outcome", "o1", "2026-03-30T12:00:00+02:00", name="cost", value="10.0", goal="10")
    yield event("outcome", "o1", "2026-03-30T12:00:00+02:00", name="time", reached=True)
    yield event("customer", "o2", "2026-03-01T00:00:00Z", since="2025-06-01")
    yield event("outcome", "o2", "2026-03-10T12:00:00Z", name="cost", value="12", goal="10")
    yield event("outcome", "o2", "2026-03-10T12:00:00Z", name="time", value="9.999999999", goal="10")
    yield event("customer", "o3", "2026-03-01T00:00:00Z", since="2025-03-20T12:00:00+01:00")
    yield event("outcome", "o3", "2026-03-02T12:00:00Z", name="cost", reached=False)
    yield event("outcome", "o3", "2026-03-20T00:00:00+01:00", name="cost", reached=True)
    yield event("outcome", "o4", "2026-03-20T12:00:00Z", name="cost", reached=False)
    yield event("benefit", "o4", "2026-03-20T12:00:00Z", amount="300000", currency="EUR")
    yield event("cost", "o4", "2026-01-20T12:00:00Z", amount="120000", currency="EUR", name="account")
    yield event("benefit", "p", "2026-03-20T12:00:00Z", amount="30000", currency="EUR")
    yield event("subscription", "p", "2026-01-20T12:00:00Z", amount="2500", currency="EUR", name="base")


def usage():
    """Customers u1 to u4 (and no others: this is a file of its own). Dates are Madrid's: 22:30 UTC on 24 March is the 24th
    still, 22:30 UTC on 30 March the 31st already. Week: 25-31 March."""
    for i in range(1, 5):
        yield event("customer", f"u{i}", "2026-02-01T00:00:00Z")
    yield event("session", "u1", "2026-03-24T22:30:00Z", duration="10m")  # the week before, 23:30
    yield event("session", "u1", "2026-03-30T22:30:00Z", duration="20m")  # the 31st, 00:30
    yield event("session", "u2", "2026-03-25T10:00:00Z", duration="30m")
    for name in ("invoices", "stock", "reports"):
        yield event("feature_used", "u2", "2026-03-26T10:00:00Z", name=name, count=2, key_action=True)
    yield event("feature_used", "u3", "2026-02-28T23:30:00Z", name="invoices")  # 1 March, 00:30
    yield event("programme", "u1", "2026-03-05T10:00:00Z", name="loyalty")
    yield event("programme", "u2", "2026-03-05T10:00:00Z", name="loyalty")
    yield event("programme", "u2", "2026-03-06T10:00:00Z", name="education")
    yield event("programme", "u1", "2026-03-07T10:00:00Z", name="loyalty", joined=False)


class Lifecycle(Case):

    def audit(self, lines, *args):
        done = convtap("audit", "--json", *MARCH, *args, self.write("events.jsonl", b"".join(lines)))
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        return {kpi["id"]: kpi for kpi in done.json()["kpis"]}

    def expect(self, kpis, kpi, value, numerator=None, denominator=None, **more):
        found = kpis[kpi]
        self.assertIsNotNone(found["value"], kpi)
        self.assertAlmostEqual(float(found["value"]), value, places=1, msg=f"{kpi}: {found}")
        if numerator is not None:
            self.assertEqual((float(found["numerator"]), float(found["denominator"])), (numerator, denominator), kpi)
        for key, want in more.items():
            self.assertEqual(found.get(key), want, f"{kpi}: {found}")

    def test_onboarding(self):
        kpis = self.audit(onboarding())
        self.expect(kpis, "onboarding_on_time_rate", 66.7, 2, 3, left_out=1)
        self.expect(kpis, "time_to_first_value", 4, n=3, unit="days")
        self.expect(kpis, "time_to_first_value.week", 2, n=1)
        self.expect(kpis, "time_to_first_value.week_before", 4, n=1)
        self.expect(kpis, "time_to_first_value.cohort", 2, n=2, left_out=1)  # e and f; h has none yet
        self.expect(kpis, "time_to_live", 9, n=2)
        self.expect(kpis, "kickoff_readiness", 33.3, 1, 3)

    def test_onboarding_by_another_sla(self):
        path = self.write("c.yaml", b"onboarding_sla: 2d\nkickoff_complete: 85\n")
        lines = [event("milestone", "x", "2026-03-28T12:00:00+01:00", name="project_started"),
                 event("milestone", "x", "2026-03-30T12:00:00+02:00", name="onboarded"),
                 event("milestone", "y", "2026-03-28T12:00:00+01:00", name="project_started"),
                 event("milestone", "y", "2026-03-30T12:00:01+02:00", name="onboarded")]
        kpis = self.audit([*onboarding(), *lines], "--config", path)
        self.expect(kpis, "onboarding_on_time_rate", 60, 3, 5)
        self.expect(kpis, "kickoff_readiness", 66.7, 2, 3)

    def test_activation_and_trials(self):
        kpis = self.audit(activation())
        self.expect(kpis, "activation_rate", 33.3, 1, 3)
        self.assertEqual(kpis["activation_rate"]["provisional"], 1)
        self.assertTrue(kpis["activation_rate"]["settles_at"].startswith("2026-04-06T10:00:00"), kpis["activation_rate"])
        self.expect(kpis, "trial_conversion_rate", 33.3, 1, 3)
        self.assertEqual(kpis["trial_conversion_rate"]["provisional"], 1)

    def test_seats(self):
        kpis = self.audit(seats())
        self.expect(kpis, "seat_utilization_d30", 70, 35, 50, status="met")
        # s reported in one week only; q: ten seats in four weeks, five in two.
        self.expect(kpis, "license_utilization", 50, 10, 20, left_out=1, status="missed")

    def test_outcomes_and_returns(self):
        kpis = self.audit(outcomes())
        self.expect(kpis, "outcome_achieved_rate", 50, 2, 4)
        self.expect(kpis, "outcome_achieved_rate.year_1", 50, 1, 2, left_out=1)
        self.expect(kpis, "outcome_achieved_rate.year_2", 100, 1, 1, status="met")
        # 330000 - 150000 = 180000 of 150000
        self.expect(kpis, "realized_roi", 120, 180000, 150000)
        self.assertIsNone(kpis["realized_roi"].get("low"))
        kpis = self.audit(outcomes(), "--segment", "enterprise")
        self.expect(kpis, "realized_roi", 120, status="missed")

    def test_usage(self):
        kpis = self.audit(usage())
        self.expect(kpis, "active_users", 3, unit="count")
        self.expect(kpis, "active_users.weekly", 2)
        self.expect(kpis, "active_users.daily", 1)
        self.expect(kpis, "stickiness", 0.214, 3, 14, unit="ratio")  # 1 + 2 days of 7 x 2
        self.expect(kpis, "product_usage_rate", 75, 3, 4)
        self.expect(kpis, "product_usage_rate.weekly", 50, 2, 4)
        self.expect(kpis, "product_usage_rate.daily", 25, 1, 4)
        self.expect(kpis, "weekly_active_rate", 50, 2, 4)
        self.expect(kpis, "weekly_active_rate.week_before", 25, 1, 4)
        # Whole weeks of March: 4-10 ... 25-31. With use: u1 in two of them, u2 in one with 6 key actions.
        self.expect(kpis, "usage_depth", 2, 6, 3, unit="actions per week per active account")
        self.expect(kpis, "feature_breadth", 1, 4, 4, unit="modules per account")
        self.expect(kpis, "feature_breadth.share", 25, 1, 4, status="missed")
        self.expect(kpis, "time_in_app", 1200, 3600, 3, unit="seconds")
        self.expect(kpis, "time_in_app.per_customer", 1800, 3600, 2)
        self.expect(kpis, "engagement_score", 25, 100, 4)
        self.expect(kpis, "engagement_score.loyalty", 25, 1, 4)
        self.expect(kpis, "engagement_score.education", 25, 1, 4)
        weighed = self.audit(usage(), "--config", self.write("w.yaml", b"engagement_weights: {usage: 60, education: 40}\n"
                                                                       b"usage_interval: daily\nweekly_active_events: 2\n"))
        self.expect(weighed, "engagement_score", 40, 160, 4)
        self.expect(weighed, "product_usage_rate", 25, 1, 4)
        self.expect(weighed, "weekly_active_rate", 25, 1, 4)

    def test_days_are_the_zones(self):
        """By UTC the session of 22:30 on 30 March is of the 30th: nobody was there on the 31st."""
        done = convtap("audit", "--json", "--zone", "UTC", *MARCH[4:], self.write("events.jsonl", b"".join(usage())))
        kpis = {kpi["id"]: kpi for kpi in done.json()["kpis"]}
        self.expect(kpis, "active_users.daily", 0)
        self.expect(kpis, "product_usage_rate.daily", 0, 0, 4)

    def test_the_same_bytes_in_any_order(self):
        lines = [*onboarding(), *activation(), *seats(), *outcomes(), *usage()]
        random.Random(7).shuffle(lines)
        half = len(lines) // 2
        first, second = self.write("1.jsonl", b"".join(lines[:half])), self.write("2.jsonl", b"".join(lines[half:] + lines[:5]))
        runs = [convtap("audit", "--csv", "-", *MARCH, "--threads", threads, *files)
                for threads, files in ((1, (first, second)), (4, (first, second)), (3, (second, first)))]
        self.assertEqual({run.status for run in runs}, {0}, runs[0].err)
        self.assertEqual(len({run.out for run in runs}), 1)

    def test_live(self):
        """The same figures of a range over the store of the live tap, held against the same targets."""
        tap = Tap("--config", self.write("convtap.yaml", SERVE))
        self.addCleanup(lambda: tap.process.poll() is None and tap.kill())
        events = [*onboarding(), *seats(), *outcomes()]
        tap.push("product", *(json.loads(row) for row in events))
        where = "/api/v1/kpis?from=2026-02-28T23:00:00Z&to=2026-03-31T22:00:00Z"
        live = eventually(lambda: (lambda found: found.get("outcome_achieved_rate", {}).get("denominator") == 4 and found)(
            {kpi["id"]: kpi for kpi in tap.get(where)["kpis"]}), "the events")
        audited = self.audit(events, "--as-of", "newest", "--config", self.write("audit.yaml", b"onboarding_sla: 2d\n"), "--segment", "smb")
        for kpi, found in audited.items():
            if kpi.split(".")[0] in ("onboarding_on_time_rate", "time_to_live", "time_to_first_value", "kickoff_readiness",
                                     "seat_utilization_d30", "outcome_achieved_rate", "realized_roi"):
                self.assertEqual((live[kpi]["value"], live[kpi].get("target"), live[kpi].get("status")),
                                 (found["value"], found.get("target"), found.get("status")), kpi)
        self.assertEqual(live["onboarding_on_time_rate"]["status"], "missed")
        self.assertEqual(tap.stop(), 0)

    def test_printed(self):
        """Each form that a person reads says the units."""
        path = self.write("events.jsonl", b"".join([*onboarding(), *activation(), *seats(), *outcomes(), *usage()]))
        report = self.path("report.html")
        table = convtap("audit", *MARCH, "--report", report, "--no-colour", path)
        self.assertEqual(table.status, 0, table.err)
        text = table.out.decode("utf-8")
        for words in ("Time to first value", "Realised ROI", "Active users", "Breadth of functionality"):
            self.assertIn(words, text)
        rows = list(csv.DictReader(io.StringIO(convtap("audit", *MARCH, "--lang", "es", "--csv", "-", path).out.decode("utf-8-sig"))))
        by_id = {row["id"]: row for row in rows if row["slice"] == "(all)" and not row["key"]}
        self.assertEqual((by_id["time_to_live"]["unit"], by_id["time_to_live"]["n"]), ("days", "2"))
        self.assertEqual(by_id["feature_breadth"]["name"], "Amplitud de funcionalidad")
        self.assertEqual(by_id["stickiness"]["unit"], "ratio")
        roi = [row for row in rows if row["id"] == "realized_roi"]
        self.assertEqual([(row["key"], float(row["numerator"]), float(row["denominator"])) for row in roi], [("EUR", 180000, 150000)])
        with open(report, encoding="utf-8") as f:
            page = f.read()
        self.assertRegex(page, re.compile("Time to go-live"))


if __name__ == "__main__":
    main()
