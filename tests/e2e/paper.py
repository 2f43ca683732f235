#!/usr/bin/env python3
"""Every KPI against what was worked out on paper (fixtures/paper/march/README.md), to the last digit; percentiles within
the 1 % that is promised."""
import decimal
import json
import os
import re

import drive

CASE = os.path.join(drive.ROOT, "fixtures", "paper", "march")
NO_WORKING = {}  # KPIs that the paper leaves out, and why: none
ARGS = ("--from", "2026-03-01", "--to", "2026-04-01", "--as-of", "2026-04-10T00:00:00Z", "--zone", "UTC")


class Paper(drive.Case):

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(CASE, "expected.json"), encoding="utf-8") as f:
            cls.wanted = json.load(f)
        with open(os.path.join(CASE, "README.md"), encoding="utf-8") as f:
            cls.paper = {row[1]: row for row in re.finditer(r"^\| `([^`]+)` \| ([^|]*)\| ([^|]*)\| ([^|]*)\|", f.read(), re.M)}
        done = drive.convtap("audit", "--json", *ARGS, "--cost-model", os.path.join(CASE, "cost.yaml"), "--scorecard", os.path.join(CASE, "scorecard.yaml"),
                             "--labels", os.path.join(CASE, "labels.jsonl"), os.path.join(CASE, "chats.jsonl"), os.path.join(CASE, "events.jsonl"))
        assert done.status == 0, done.err
        cls.found = {kpi["id"]: kpi for kpi in json.loads(done.out, parse_float=decimal.Decimal)["kpis"]}
        cls.kinds = {kpi["id"]: kpi["kind"] for kpi in drive.convtap("kpis", "--json").json()["kpis"]}

    def test_the_paper_has_every_kpi(self):
        self.assertEqual(set(self.kinds), set(self.wanted) | set(NO_WORKING))
        self.assertEqual(set(self.wanted), set(self.paper))
        self.assertEqual(set(self.found), set(self.kinds))

    def test_paper_and_list_say_the_same(self):
        for kpi, wanted in self.wanted.items():
            cells = [self.paper[kpi][n].strip() for n in (2, 3, 4)]
            self.assertEqual(cells, [wanted.get("numerator", ""), wanted.get("denominator", ""),
                                     "-" if "value" in wanted and wanted["value"] is None else wanted.get("value", "")], kpi)

    def test_every_figure(self):
        for kpi, wanted in self.wanted.items():
            with self.subTest(kpi=kpi):
                found = self.found[kpi]
                for name in ("numerator", "denominator"):
                    if name in wanted:
                        self.assertEqual(decimal.Decimal(found[name]), decimal.Decimal(wanted[name]), (name, found))
                if "value" not in wanted:
                    continue
                if wanted["value"] is None:
                    self.assertIsNone(found["value"], found)
                elif self.kinds[kpi] == "median":
                    self.assertAlmostEqual(float(found["value"]), float(wanted["value"]), delta=0.01 * float(wanted["value"]), msg=found)
                else:
                    self.assertEqual(decimal.Decimal(found["value"]), decimal.Decimal(wanted["value"]), found)

    def test_every_part(self):
        for kpi, wanted in self.wanted.items():
            if "parts" in wanted:
                with self.subTest(kpi=kpi):
                    found = {part["key"]: {name: decimal.Decimal(part[name]) for name in ("numerator", "denominator")} for part in self.found[kpi]["parts"]}
                    self.assertEqual(found, {key: {name: decimal.Decimal(value) for name, value in part.items()} for key, part in wanted["parts"].items()})


if __name__ == "__main__":
    drive.main()
