#!/usr/bin/env python3
"""Periods in a zone, slices by time and by pairs, filters, comparisons, reviews: numbers worked out by hand."""
import os

from drive import Case, convtap, line, main

MADRID = "/usr/share/zoneinfo/Europe/Madrid"


def talk(name, when, user="u1", good=True, **more):
    """A conversation of 20 s from `when` (UTC, to the second): resolved, or not."""
    end = "No, gracias" if good else "no me sirve de nada"
    hour, minute = when[:17], when[:17]
    return line(conversation_id=name, user_id=user, **{"channel": "web", **more}, messages=[
        {"role": "user", "text": "Hola, ¿dónde está mi pedido 4471?", "ts": hour + "00Z"},
        {"role": "bot", "text": "Tu pedido 4471 llega mañana. ¿Te ayudo con algo más?", "ts": minute + "04Z"},
        {"role": "user", "text": end, "ts": minute + "20Z"},
    ])


def kpi(answer, name):
    return next(k for k in answer["kpis"] if k["id"] == name)


def counts(answer):
    return [(s["key"], s["conversations"]) for s in answer["slices"]]


class Periods(Case):
    def audit(self, *args, status=0):
        done = convtap("audit", "--json", *args)
        self.survived(done)
        self.assertEqual(done.status, status, done.err)
        return done.json() if status == 0 else done

    def hourly(self, first, hours):
        """One conversation an hour from the UTC day and hour `first` = (month, day, hour) on, within one month."""
        month, day, hour = first
        lines = []
        for i in range(hours):
            at = hour + i
            lines.append(talk(f"h{i}", f"2026-{month:02d}-{day + at // 24:02d}T{at % 24:02d}:30:00", user=f"u{i}"))
        return b"".join(lines)

    @staticmethod
    def needs_madrid(case):
        if not os.path.exists(MADRID):
            case.skipTest("no tz database here")

    def test_a_day_of_23_hours_and_one_of_25(self):
        self.needs_madrid(self)
        for first, name, hours in (((3, 28, 12), "2026-03-29", 23), ((10, 24, 12), "2026-10-25", 25)):
            path = self.write("hours.jsonl", self.hourly(first, 60))
            answer = self.audit("--zone", "Europe/Madrid", "--group-by", "day", path)
            self.assertEqual(dict(counts(answer))[name], hours)
            self.assertEqual(sum(dict(counts(answer)).values()), 60)
            only = self.audit("--zone", "Europe/Madrid", "--from", name, "--to", f"{name[:8]}{int(name[8:]) + 1:02d}", path)
            self.assertEqual(only["totals"]["conversations"], hours)
            self.assertEqual(only["drops"], {"outside_period": 60 - hours})
            utc = self.audit("--group-by", "day", path)
            self.assertEqual(dict(counts(utc))[name], 24)

    def test_hours_by_the_clock(self):
        """The hour that comes twice holds two, the one that never comes none."""
        self.needs_madrid(self)
        path = self.write("hours.jsonl", self.hourly((10, 24, 22), 25))
        hours = dict(counts(self.audit("--zone", "Europe/Madrid", "--group-by", "hour", path)))
        self.assertEqual((len(hours), hours["02"], hours["03"]), (24, 2, 1))
        path = self.write("hours.jsonl", self.hourly((3, 28, 23), 23))
        hours = dict(counts(self.audit("--zone", "Europe/Madrid", "--group-by", "hour", path)))
        self.assertEqual((len(hours), "02" in hours, hours["03"]), (23, False, 1))

    def test_weeks_and_quarters_at_a_years_end(self):
        days = ["2026-12-27", "2026-12-28", "2026-12-31", "2027-01-01", "2027-01-03", "2027-01-04"]
        path = self.write("a.jsonl", b"".join(talk(d, d + "T12:00:00", user=d) for d in days))
        self.assertEqual(counts(self.audit("--group-by", "week", path)), [("2026-W52", 1), ("2026-W53", 4), ("2027-W01", 1)])
        self.assertEqual(counts(self.audit("--group-by", "quarter", path)), [("2026-Q4", 3), ("2027-Q1", 3)])
        self.assertEqual(counts(self.audit("--group-by", "quarter", "--zone=-14:00", path)), [("2026-Q4", 4), ("2027-Q1", 2)])
        self.assertEqual(counts(self.audit("--group-by", "quarter", "--zone", "+14:00", path)), [("2026-Q4", 2), ("2027-Q1", 4)])

    def test_pairs_and_filters(self):
        rows = [("a", "whatsapp", "es"), ("b", "whatsapp", "en"), ("c", "web", "es"), ("d", "whatsapp", "es")]
        path = self.write("a.jsonl", b"".join(talk(n, "2026-03-02T10:00:00", user=n, channel=c, language=l) for n, c, l in rows))
        answer = self.audit("--group-by", "channel,language", path)
        self.assertEqual(answer["group_by"], "channel,language")
        self.assertEqual(counts(answer), [({"channel": "web", "language": "es"}, 1), ({"channel": "whatsapp", "language": "en"}, 1),
                                          ({"channel": "whatsapp", "language": "es"}, 2)])
        self.assertIn("whatsapp / es", convtap("audit", "--group-by", "channel,language", path).out.decode())
        self.assertIn("whatsapp / es,fcr,", convtap("audit", "--csv", "-", "--group-by", "channel,language", path).out.decode())
        for where, n in ((["channel=whatsapp"], 3), (["channel=whatsapp,web"], 4), (["channel!=whatsapp"], 1),
                         (["channel=whatsapp", "language=es"], 2), (["language!=en,fr"], 3), (["hour=10"], 4), (["hour=11"], 0)):
            args = [a for w in where for a in ("--where", w)]
            answer = self.audit(*args, path)
            self.assertEqual((answer["totals"]["conversations"], answer["where"]), (n, where))
            self.assertEqual(answer["drops"], {"filtered_out": 4 - n} if n < 4 else {})
        config = self.write("c.yaml", b"where: ['channel=web']\nzone: '+01:00'\n")
        self.assertEqual(self.audit("--config", config, path)["totals"]["conversations"], 1)
        self.assertEqual(self.audit("--config", config, "--where", "language=en", path)["totals"]["conversations"], 1)
        lines = convtap("audit", "--conversations", "-", "--where", "channel=web", path)
        self.assertEqual(lines.out.count(b"\n"), 1)

    def test_who_came_back_is_told_from_everything(self):
        """The return is on another channel: filtered to the first one, it is still a return."""
        path = self.write("a.jsonl", talk("a", "2026-03-02T10:00:00", channel="web") + talk("b", "2026-03-04T10:00:00", channel="phone")
                          + talk("z", "2026-04-30T10:00:00", user="other", channel="phone"))
        fcr = kpi(self.audit("--where", "channel=web", path), "fcr")
        self.assertEqual((fcr["numerator"], fcr["denominator"]), (0, 1))
        fcr = kpi(self.audit("--from", "2026-03-02", "--to", "2026-03-03", path), "fcr")
        self.assertEqual((fcr["numerator"], fcr["denominator"]), (0, 1))
        curve = {d: kpi(self.audit(path), f"fcr.back_{d}d") for d in (1, 3, 7, 14, 30)}
        self.assertEqual([(c["numerator"], c["denominator"]) for c in curve.values()], [(0, 2), (1, 2), (1, 2), (1, 2), (1, 2)])

    def test_what_is_provisional(self):
        """As of 10 March: of two first contacts (1 and 8 March) one settles on the 15th; the three-day point on the 11th."""
        path = self.write("a.jsonl", talk("a", "2026-03-01T10:00:00", user="a") + talk("b", "2026-03-08T10:00:00", user="b"))
        answer = self.audit("--as-of", "2026-03-10T10:00:00Z", path)
        fcr, three, one = kpi(answer, "fcr"), kpi(answer, "fcr.3d"), kpi(answer, "fcr.1d")
        self.assertEqual((fcr["denominator"], fcr["provisional"], fcr["settles_at"]), (1, 1, "2026-03-15T10:00:20Z"))
        self.assertEqual((three["denominator"], three["provisional"], three["settles_at"]), (1, 1, "2026-03-11T10:00:20Z"))
        self.assertEqual((one["denominator"], "provisional" in one), (2, False))
        self.assertEqual(kpi(answer, "automation_rate.durable")["settles_at"], "2026-03-15T10:00:20Z")
        table = convtap("audit", "--as-of", "2026-03-10T10:00:00Z", "--lang", "es", path).out.decode()
        self.assertIn("provisional hasta el 2026-03-15", table)
        self.assertNotIn("provisional", kpi(self.audit("--as-of", "2026-03-16T10:00:00Z", path), "fcr"))

    def two_months(self, now, before):
        """`now` and `before` = (resolved, all) conversations in November and October."""
        rows = []
        for month, (good, total) in ((11, now), (10, before)):
            for i in range(total):
                rows.append(talk(f"m{month}-{i}", f"2026-{month}-{1 + i % 28:02d}T{i // 28:02d}:00:00", user=f"{month}-{i}", good=i < good))
        return self.write("months.jsonl", b"".join(rows))

    def test_verdicts(self):
        """Newcombe's own example: 56 of 70 against 48 of 80 differ by 5.24 to 33.39 points; 5 of 56 and 0 of 29 do not."""
        path = self.two_months((56, 70), (48, 80))
        args = ("--from", "2026-11-01", "--to", "2026-12-01", "--compare", "previous")
        answer = self.audit(*args, path)
        change = kpi(answer, "automation_rate")["change"]
        self.assertEqual((change["verdict"], change["better"], change["difference"], change["before"], change["before_n"]),
                         ("up", True, 20.0, 60.0, 80))
        self.assertEqual((round(change["low"], 2), round(change["high"], 2)), (5.24, 33.39))
        self.assertEqual(answer["compared_with"], {"from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z", "conversations": 80})
        named = self.audit("--from", "2026-11-01", "--to", "2026-12-01", "--compare", "2026-10-01/2026-11-01", path)
        self.assertEqual(named["kpis"], answer["kpis"])
        self.assertEqual(self.audit("--compare", "previous", path)["kpis"], answer["kpis"])
        turned = kpi(self.audit("--from", "2026-10-01", "--to", "2026-11-01", "--compare", "2026-11-01/2026-12-01", path), "automation_rate")
        self.assertEqual((turned["change"]["verdict"], turned["change"]["better"], round(turned["change"]["high"], 2)), ("down", False, -5.24))
        table = convtap("audit", *args, path).out.decode()
        self.assertRegex(table, r"Automation rate .*\+20\.0 pp, up: better")
        self.assertIn("Period: 2026-11-01 to 2026-11-30 (UTC)\n  against 2026-10-01 to 2026-10-31", table)
        self.assertIn("sube: mejor", convtap("audit", "--lang", "es", *args, path).out.decode())
        path = self.two_months((5, 56), (0, 29))
        change = kpi(self.audit(*args, path), "automation_rate")["change"]
        self.assertEqual((change["verdict"], round(change["low"], 2), round(change["high"], 2)), ("no_change", -3.81, 19.26))
        self.assertRegex(convtap("audit", "--lang", "es", *args, path).out.decode(), r"Tasa de resolución automática .*sin cambio real")
        slices = kpi(self.audit(*args, "--group-by", "channel", path), "automation_rate")["slices"]
        self.assertEqual(slices[0]["change"]["verdict"], "no_change")

    def test_reviews(self):
        """As of Wednesday 18 November 2026: last week's, last month's, last quarter's whole period, and the one before."""
        path = self.two_months((20, 56), (20, 56))
        want = {"weekly": ("2026-11-09", "2026-11-16", "2026-11-02", ["operations", "experience"]),
                "monthly": ("2026-10-01", "2026-11-01", "2026-09-01", ["business", "adoption", "cost"]),
                "quarterly": ("2026-07-01", "2026-10-01", "2026-04-01", None)}
        for cadence, (start, end, before, families) in want.items():
            answer = self.audit("--cadence", cadence, "--as-of", "2026-11-18T09:00:00Z", path)
            self.assertEqual(answer["counted"], {"from": start + "T00:00:00Z", "to": end + "T00:00:00Z"})
            self.assertEqual((answer["compared_with"]["from"], answer["compared_with"]["to"]), (before + "T00:00:00Z", start + "T00:00:00Z"))
            self.assertEqual(answer["cadence"], cadence)
            self.assertTrue(families is None and len(answer["families"]) == 6 or answer["families"] == families)
        table = convtap("audit", "--cadence", "monthly", "--as-of", "2026-11-18T09:00:00Z", path).out.decode()
        self.assertIn("Monthly review: 2026-10-01 to 2026-10-31 (UTC)\n  against 2026-09-01 to 2026-09-30", table)
        self.assertLess(table.index("\nAdoption "), table.index("\nOperations "))
        on_the_edge = self.audit("--cadence", "weekly", "--as-of", "2026-11-16T00:00:00Z", path)
        self.assertEqual(on_the_edge["counted"]["from"], "2026-11-09T00:00:00Z")

    def test_business_by_month(self):
        """Won in January and February, one lost in March: each month's churn is its own."""
        events = b"".join([line(event="customer_won", user_id="a", at="2026-01-10T00:00:00Z"),
                           line(event="customer_won", user_id="b", at="2026-02-10T00:00:00Z"),
                           line(event="customer_lost", user_id="a", at="2026-03-10T00:00:00Z")])
        path, talks = self.write("events.jsonl", events), self.write("talks.jsonl", talk("t", "2026-04-02T10:00:00", user="b"))
        answer = self.audit("--group-by", "month", path, talks)
        churn = {s["key"]: (s["numerator"], s["denominator"]) for s in kpi(answer, "churn_rate")["slices"]}
        self.assertEqual(churn, {"2026-01": (0, 0), "2026-02": (0, 1), "2026-03": (1, 2), "2026-04": (0, 1)})
        self.assertEqual([(s["key"], s["conversations"], s["business"]["events"]) for s in answer["slices"]],
                         [("2026-01", 0, 1), ("2026-02", 0, 1), ("2026-03", 0, 1), ("2026-04", 1, 0)])
        self.assertEqual(answer["business"]["from"], "2026-04-01T00:00:00Z")
        march = kpi(self.audit("--from", "2026-03-01", "--to", "2026-04-01", "--compare", "previous", path, talks), "churn_rate")
        self.assertEqual((march["numerator"], march["denominator"], march["change"]["before"]), (1, 2, 0.0))

    def test_the_same_bytes(self):
        """Threads and the machine's own zone change nothing."""
        path = self.two_months((56, 70), (48, 80))
        args = ("audit", "--json", "--cadence", "monthly", "--zone", "+01:00", "--group-by", "week", path)
        first = convtap(*args, "--threads", "1", "--as-of", "2026-12-05T00:00:00Z").out
        self.assertEqual(convtap(*args, "--threads", "4", "--as-of", "2026-12-05T00:00:00Z", env={"TZ": "Asia/Tokyo"}).out, first)

    def test_what_is_refused(self):
        path = self.write("a.jsonl", talk("a", "2026-03-02T10:00:00"))
        for args in (["--zone", "Mars/Base"], ["--zone", "CET"], ["--from", "yesterday"], ["--from", "2026-02-30"], ["--where", "channel"],
                     ["--from", "2026-03-02", "--to", "2026-03-02"], ["--where", "colour=red"], ["--where", "outcome=happy"],
                     ["--group-by", "day,month"], ["--group-by", "channel,"], ["--group-by", "channel,channel"], ["--compare", "yes"],
                     ["--compare", "2026-03-02/2026-03-01"], ["--cadence", "daily"], ["--cadence", "weekly", "--from", "2026-03-01"],
                     ["--to", "2026-03-03", "--compare", "previous"]):
            done = self.audit(*args, path, status=2)
            self.assertEqual(done.out, b"", args)
            self.assertTrue(done.err, args)
        config = self.write("c.yaml", b"zone: UTC\nfrom: 2026-13-01\n")
        self.assertIn(f"{config}:2:", self.audit("--config", config, path, status=2).err)
        empty = self.audit("--from", "2030-01-01", path)
        self.assertEqual((empty["totals"]["conversations"], kpi(empty, "fcr")["value"]), (0, None))


if __name__ == "__main__":
    main()
