#!/usr/bin/env python3
"""Every KPI a second time, in SQL: what `convtap audit --json` says is held against queries (tests/sql) over the records
that it exports, the transcripts and the business events: numerators, denominators and values to the last digit,
percentiles within the 1 % that is promised."""
import decimal
import fractions
import glob
import json
import os
import sys

import drive
import generated

try:
    import sql_database
except ImportError:  # a Python without SQLite
    sys.exit(drive.SKIPPED)

# KPIs without a query, and why.
WITHOUT = {
    "ai_accuracy.inferred": "a record says one basis alone, and the labelled one wins",
    "ai_accuracy.marked": "marks of people are another input: e2e quality", "ai_accuracy.source": "a record says neither source apart",
    "iqs": "a scorecard of rules: e2e quality", "iqs.judged": "as iqs",
    "fallback_rate.no_data": "a record counts what was not understood alone",
    "csat.response_rate": "that a survey was asked is not in the record", "nps.response_rate": "as csat.response_rate",
    "ces.response_rate": "as csat.response_rate",
    "css": "a record has no css answer", "css.mean": "as css",
    "customer_feedback": "comments are known by number inside, and a record has the text of one",
    "feedback_response_rate": "as customer_feedback",
    "first_response_time.human": "when a handoff began is not in the record",
    "resolution_time": "when it was resolved is not in the record",
    "complaint_resolution_time": "when the complaint was made is not in the record",
    "average_wait_time.abandoned": "the wait of one who left is not in the record", "average_wait_time.abandonment": "as average_wait_time.abandoned",
    "sentiment": "by polarity of evidence, which is not in the record", "sentiment.positive_messages": "as sentiment",
    "sentiment.negative_messages": "as sentiment",
    "cost_per_interaction.channel": "needs a cost model: e2e.cost", "cost_per_interaction.tokens": "needs a cost model", "cost_per_interaction.human": "needs a cost model",
    "cost_per_interaction.fixed": "needs a cost model", "cost_per_interaction.savings": "needs a cost model",
    "cost_per_interaction.savings_net": "needs a cost model", "cost_per_interaction.savings_each": "needs a cost model",
    "cost_per_interaction.savings_share": "needs a cost model",
    "ai_influenced_churn.difference": "worked out here from the two rates",
    "customer_health_score": "six factors with weights: kpis_business.py and the paper fixtures", "customer_health_score.factors": "as customer_health_score",
    "license_utilization": "weeks in order of size: kpis_lifecycle.py and the paper fixtures",
}
SCALES = {"money": 10**9, "seconds": 10**6, "days": 86400 * 10**6}  # of a figure's unit in the tables' units
PRODUCTS = ("clv", "clv.historic", "clv.predictive")
# Shares of money: both parts are amounts.
PARTS_OF_MONEY = ("churn_rate.revenue", "grr", "nrr", "nrr.recurring", "contraction_rate", "expansion_rate", "expansion_rate.recurring",
                  "realized_roi")


class Figures(drive.Case):

    def audit(self, files, *args, status=0):
        done = drive.convtap("audit", "--json", "--no-hash", *args, *files)
        self.survived(done)
        self.assertLessEqual(done.status, status, done.err)
        return json.loads(done.out, parse_float=decimal.Decimal)["kpis"]

    def same(self, kpi, part, wanted, where):
        """A figure, or a part of it, against numerator and denominator."""
        note = f"{where}: {kpi} {part.get('key', part.get('leader', part.get('currency', '')))}: {part}, by SQL {wanted}"
        if wanted is None:
            self.assertIsNone(part["value"], note)
            return
        self.assertIsNotNone(part["value"], note)
        numerator, denominator = (fractions.Fraction(number) for number in wanted)
        scale = SCALES.get(part["unit"], 1)
        percent = 100 if part["unit"] == "percent" or kpi == "nps" else 1
        self.assertEqual(fractions.Fraction(part["value"]), sql_database.rounded(numerator / denominator / scale * percent, 9 if part["unit"] == "money" else 6), note)
        if kpi in PRODUCTS:  # a fraction of its own, of which the value alone is the same
            return
        of, per = (10**9, 10**9) if kpi in PARTS_OF_MONEY else (scale, 1)
        self.assertEqual(fractions.Fraction(part["numerator"]), sql_database.rounded(numerator / of, 9), note)
        self.assertEqual(fractions.Fraction(part["denominator"]), sql_database.rounded(denominator / per, 9), note)

    def compare(self, database, kpis, where, files=sql_database.FILES):
        figures, percentiles = database.figures(files)
        self.assertTrue(figures)
        if "adoption_rate.known" in figures and figures["adoption_rate"][None] is None:
            figures["adoption_rate"] = figures["adoption_rate.known"]  # no base is stated
        cases = 0
        if "ai_influenced_churn" in figures:
            talked, quiet = figures["ai_influenced_churn"][None], figures["ai_influenced_churn.without"][None]
            found = next(kpi["value"] for kpi in kpis if kpi["id"] == "ai_influenced_churn.difference")
            wanted = None if not talked or not quiet else sql_database.rounded((fractions.Fraction(*talked) - fractions.Fraction(*quiet)) * 100, 6)
            self.assertEqual(None if found is None else fractions.Fraction(found), wanted, where)
        for head in kpis:
            kpi = head["id"]
            for name, value in head.get("percentiles", {}).items() if kpi in percentiles and percentiles[kpi] else ():
                self.near(percentiles[kpi], int(name[1:]), value, head, where)
            if kpi in percentiles and kpi not in figures:
                self.assertEqual(head["value"] is None, not percentiles[kpi], (where, head))
                if percentiles[kpi]:
                    self.assertEqual(head["n"], len(percentiles[kpi]), (where, head))
                    self.near(percentiles[kpi], 50, head["value"], head, where)
                    cases += 1
            if kpi not in figures:
                continue
            rows = figures[kpi]
            if None in rows:
                with self.subTest(where=where, kpi=kpi):
                    self.same(kpi, head, rows[None], where)
                    cases += rows[None] is not None
                continue
            rows = {key: row for key, row in rows.items() if row is not None and key is not None}
            named = {part.get("key", part.get("scale", part.get("leader", part.get("currency")))): part
                     for part in head.get("parts") or head.get("by") or [head] if part["value"] is not None}
            with self.subTest(where=where, kpi=kpi):
                self.assertEqual({k for k in named}, {k for k in rows}, f"{where}: {kpi}: {head} by SQL {rows}")
                for key, row in rows.items():
                    self.same(kpi, named[key], row, where)
                    cases += 1
        return cases

    def near(self, values, percent, found, head, where):
        """Nearest rank, within 1 %."""
        exact = values[max(-(-len(values) * percent // 100), 1) - 1] / SCALES.get(head["unit"], 1)
        with self.subTest(where=where, kpi=head["id"], percentile=percent):
            self.assertLessEqual(abs(float(found) - exact), 0.01 * exact + 1e-6, f"{where}: p{percent} of {head}: {exact}")

    def test_every_kpi_has_a_query_or_a_reason(self):
        known = {kpi["id"] for kpi in drive.convtap("kpis", "--json").json()["kpis"]}
        queries = sql_database.has_sql()
        self.assertEqual(known - queries - set(WITHOUT), set())
        self.assertEqual((queries | set(WITHOUT)) - known, set())
        self.assertEqual(queries & set(WITHOUT), set())

    def test_generated(self):
        talks, events = list(generated.Talks(4471, 700)), generated.Events(93, 160).all()
        files = [generated.written(self, "chats.jsonl", talks), generated.written(self, "events.jsonl", events)]
        records = self.path("records.jsonl")
        self.audit(files, "--conversations", records)
        database = sql_database.Database(sql_database.read_lines(records), talks, events)
        for begin, end, as_of in (("2026-03-01", "2026-04-01", "2026-05-10T00:00:00Z"), ("2026-02-01", "2026-03-01", "2026-03-01T00:00:00Z"),
                                  ("2026-04-01", "2026-05-01", "2026-04-20T12:00:00Z"), ("2026-02-01", "2026-05-01", "2026-06-10T00:00:00Z")):
            database.prepare(begin, end, as_of)
            kpis = self.audit(files, "--from", begin, "--to", end, "--as-of", as_of)
            self.assertGreater(self.compare(database, kpis, f"{begin} to {end} as of {as_of}"), 90)
        self.by_channel(database, files)
        self.by_month(database, files)

    def slices(self, kpis, key):
        """The figures of one slice, as if it were all."""
        found = [{**{name: of for name, of in part.items() if name != "key"}, "id": kpi["id"]}
                 for kpi in kpis for part in kpi.get("slices", []) if part["key"] == key]
        self.assertTrue(found, key)
        return found

    def by_channel(self, database, files):
        as_of = "2026-06-10T00:00:00Z"
        kpis = self.audit(files, "--from", "2026-02-01", "--to", "2026-05-01", "--as-of", as_of, "--group-by", "channel")
        for channel in ("web", "whatsapp", "app"):
            database.prepare("2026-02-01", "2026-05-01", as_of, channel=channel)
            self.assertGreater(self.compare(database, self.slices(kpis, channel), "channel " + channel, ("operations", "cost")), 30)

    def by_month(self, database, files):
        as_of = "2026-06-10T00:00:00Z"
        kpis = self.audit(files, "--from", "2026-02-01", "--to", "2026-05-01", "--as-of", as_of, "--group-by", "month")
        for begin, end in (("2026-02-01", "2026-03-01"), ("2026-03-01", "2026-04-01"), ("2026-04-01", "2026-05-01")):
            database.prepare(begin, end, as_of)
            self.assertGreater(self.compare(database, self.slices(kpis, begin[:7]), "month " + begin), 90)

    def test_shared_data(self):
        folder = os.path.join(drive.SHARED, "data", "dev", "conversations")
        paths = sorted(p for p in glob.glob(os.path.join(folder, "*.jsonl.gz")) if ".labels." not in p)
        if not paths:
            self.skipTest("no shared data")
        records = self.path("records.jsonl")
        for path in paths:
            kpis = self.audit([path], "--conversations", records, status=1)  # one of them has a conversation without messages
            talks = sql_database.read_lines(path)
            database = sql_database.Database(sql_database.read_lines(records), talks)
            database.prepare(*sql_database.month_of(database.newest), database.newest or None, asked=False)
            self.assertGreater(self.compare(database, kpis, os.path.basename(path), ("operations", "experience", "adoption", "cost")), 12)



if __name__ == "__main__":
    drive.main()
