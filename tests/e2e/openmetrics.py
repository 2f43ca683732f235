#!/usr/bin/env python3
"""The metrics page, line by line: the OpenMetrics 1.0 grammar by a strict reader of our own, and both forms by promtool.

The page comes from the program of the unit test tap.openmetrics (CT_OPENMETRICS_PAGE, or beside CONVTAP), from fixture records.
promtool comes from CT_PROMTOOL, from PATH, or out of Debian's package `prometheus`, unpacked into the build folder's cache and never
installed; without any of them that part says "skipped".

Other tests import check_openmetrics, check_classic and promtool for pages that they fetched themselves.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from decimal import Decimal

from drive import PROGRAM, SKIPPED

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?\Z")
# Of the types that we use: how a sample's name follows from its family's.
ENDINGS = {"gauge": "", "counter": "_total", "info": "_info"}
FORBIDDEN_ENDINGS = ("_total", "_created", "_bucket", "_count", "_sum", "_info")


class BadPage(Exception):
    """What is wrong, with the line's number."""


def unescape(text, number, quotes):
    """The text behind its escapes; only those of the format are allowed."""
    out, at = [], 0
    while at < len(text):
        if text[at] == "\\":
            pair = text[at:at + 2]
            if pair not in ("\\\\", "\\n") and not (quotes and pair == '\\"'):
                raise BadPage(f"line {number}: escape {pair!r}")
            out.append("\n" if pair == "\\n" else pair[1])
            at += 2
        elif text[at] == '"' and quotes:
            raise BadPage(f"line {number}: a quote that is not escaped")
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def read_sample(line, number):
    """(name, labels, value) of `name{label="value",...} value`."""
    match = re.match(r"[a-zA-Z_:][a-zA-Z0-9_:]*", line)
    if not match:
        raise BadPage(f"line {number}: no name: {line!r}")
    name, at, labels = match.group(0), match.end(), {}
    if line[at:at + 1] == "{":
        at += 1
        while True:
            match = re.compile(r'([^="{},]+)="((?:[^"\\\n]|\\.)*)"').match(line, at)
            if not match or not LABEL.match(match.group(1)) or match.group(1).startswith("__"):
                raise BadPage(f"line {number}: no label at {line[at:]!r}")
            if match.group(1) in labels:
                raise BadPage(f"line {number}: label {match.group(1)} twice")
            labels[match.group(1)] = unescape(match.group(2), number, True)
            at = match.end()
            if line[at:at + 1] == "}":
                at += 1
                break
            if line[at:at + 1] != ",":
                raise BadPage(f"line {number}: after a label: {line[at:]!r}")
            at += 1
    if line[at:at + 1] != " " or not NUMBER.match(line[at + 1:]):
        raise BadPage(f"line {number}: no value: {line[at:]!r}")
    return name, labels, Decimal(line[at + 1:])


def check_openmetrics(data):
    """Reads a page of bytes; {family: {"type", "unit", "help", "samples": {labels: value}}}. BadPage where it is not one."""
    text = data.decode("utf-8")
    if "\r" in text or not text.endswith("\n# EOF\n") and text != "# EOF\n":
        raise BadPage("does not end with # EOF and a line feed")
    families, current = {}, None
    lines = text.split("\n")[:-1]
    for number, line in enumerate(lines, 1):
        if line == "# EOF":
            if number != len(lines):
                raise BadPage(f"line {number}: # EOF before the end")
            continue
        meta = re.match(r"# (TYPE|UNIT|HELP) ([^ ]+) (.*)\Z", line)
        if meta:
            word, name, rest = meta.groups()
            if not NAME.match(name):
                raise BadPage(f"line {number}: family {name!r}")
            if current is None or current["name"] != name:
                if name in families:
                    raise BadPage(f"line {number}: family {name} begins again")
                current = families[name] = {"name": name, "samples": {}}
            if word.lower() in current or current["samples"]:
                raise BadPage(f"line {number}: {word} of {name} twice, or after its samples")
            current[word.lower()] = unescape(rest, number, True) if word == "HELP" else rest
            continue
        if not line or line.startswith("#"):
            raise BadPage(f"line {number}: {line!r}")
        name, labels, value = read_sample(line, number)
        if current is None or "type" not in current or "help" not in current:
            raise BadPage(f"line {number}: {name} before the type and help of its family")
        kind = current["type"]
        if kind not in ENDINGS or name != current["name"] + ENDINGS[kind]:
            raise BadPage(f"line {number}: {name} in the {kind} {current['name']}")
        if kind == "info" and value != 1 or kind == "counter" and value < 0:
            raise BadPage(f"line {number}: a {kind} of {value}")
        key = tuple(sorted((k, v) for k, v in labels.items() if v))  # an empty label is no label
        if key in current["samples"]:
            raise BadPage(f"line {number}: {name} {key} twice")
        current["samples"][key] = value
    names = set()
    for name, family in families.items():
        unit = family.get("unit")
        if unit is not None and not name.endswith("_" + unit):
            raise BadPage(f"{name}: does not end with its unit {unit}")
        if name.endswith(FORBIDDEN_ENDINGS):
            raise BadPage(f"{name}: an ending that the format keeps for itself")
        sample = name + ENDINGS[family["type"]]
        if sample in names:
            raise BadPage(f"{sample}: of two families")
        names.add(sample)
    return families


def check_classic(data, families):
    """The classic form has the same samples with the same values."""
    samples, typed = {}, {}
    for number, line in enumerate(data.decode("utf-8").split("\n")[:-1], 1):
        meta = re.match(r"# (TYPE|HELP) ([^ ]+) (.*)\Z", line)
        if meta:
            if meta.group(1) == "TYPE":
                typed[meta.group(2)] = meta.group(3)
            else:
                unescape(meta.group(3), number, False)
            continue
        name, labels, value = read_sample(line, number)
        if name not in typed:
            raise BadPage(f"line {number}: {name} has no type")
        samples[(name, tuple(sorted(labels.items())))] = value
    want = {(f["name"] + ENDINGS[f["type"]], key): v for f in families.values() for key, v in f["samples"].items()}
    samples = {(name, tuple(l for l in key if l[1])): v for (name, key), v in samples.items()}
    if samples != want:
        raise BadPage(f"the forms differ: {sorted(set(samples.items()) ^ set(want.items()))[:5]}")
    for family in families.values():
        kind = "gauge" if family["type"] == "info" else family["type"]
        if typed.get(family["name"] + ENDINGS[family["type"]]) != kind:
            raise BadPage(f"{family['name']}: other type in the classic form")


def promtool():
    """The program's path; None where there is no way to have it."""
    found = os.environ.get("CT_PROMTOOL") or shutil.which("promtool")
    if found:
        return found
    cache = os.path.join(os.path.dirname(os.path.abspath(PROGRAM)) if PROGRAM else tempfile.gettempdir(), "cache", "promtool")
    found = os.path.join(cache, "usr", "bin", "promtool")
    if os.path.exists(found):
        return found
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(["apt-get", "download", "prometheus"], cwd=folder, capture_output=True, timeout=120, check=True)
            packages = [n for n in os.listdir(folder) if n.endswith(".deb")]
            unpacked = os.path.join(folder, "unpacked")
            subprocess.run(["dpkg-deb", "-x", packages[0], unpacked], cwd=folder, capture_output=True, timeout=120, check=True)
            os.makedirs(os.path.dirname(found), exist_ok=True)
            shutil.copy2(os.path.join(unpacked, "usr", "bin", "promtool"), found + ".new")
            os.replace(found + ".new", found)
        except (OSError, IndexError, subprocess.SubprocessError):
            return None
    return found


def promtool_says(tool, openmetrics, classic):
    """What promtool has against the pages; "" where nothing. OpenMetrics is read by Prometheus' own reader of it, which wants times."""
    said = []
    done = subprocess.run([tool, "check", "metrics"], input=classic, capture_output=True, timeout=120, check=False)
    if done.returncode != 0 or done.stdout.strip() or done.stderr.strip():
        said.append(f"check metrics: {done.returncode} {done.stdout[:2000]!r} {done.stderr[:2000]!r}")
    with tempfile.TemporaryDirectory() as folder:
        dated = os.path.join(folder, "dated.txt")
        with open(dated, "w", encoding="utf-8", newline="\n") as out:
            for line in openmetrics.decode("utf-8").split("\n")[:-1]:
                out.write(line + ("\n" if line.startswith("#") else " 1795258800\n"))
        done = subprocess.run([tool, "tsdb", "create-blocks-from", "openmetrics", dated, os.path.join(folder, "blocks")],
                              capture_output=True, timeout=120, check=False)
        if done.returncode != 0:
            said.append(f"tsdb create-blocks-from: {done.returncode} {done.stderr[:2000]!r}")
    return "\n".join(said)


def page_program():
    beside = os.path.join(os.path.dirname(os.path.abspath(PROGRAM)), "tests", "test_tap_openmetrics")
    return os.environ.get("CT_OPENMETRICS_PAGE") or beside


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([page_program(), folder], check=True, capture_output=True, timeout=120)
            with open(os.path.join(folder, "openmetrics.txt"), "rb") as f:
                cls.open = f.read()
            with open(os.path.join(folder, "classic.txt"), "rb") as f:
                cls.classic = f.read()

    def test_grammar(self):
        families = check_openmetrics(self.open)
        check_classic(self.classic, families)
        self.assertGreater(len(families), 200)

    def test_content(self):
        families = check_openmetrics(self.open)
        self.assertEqual(families["convtap_fcr_ratio"]["samples"], {}, "first contact has no value in a window")
        # What stands on customers or business events alone has no family here at all: neither empty nor zero.
        for name in ("churn_rate", "retention_rate", "mrr", "nrr", "clv", "active_users", "renewal_rate", "trial_conversion_rate"):
            self.assertEqual([n for n in families if re.match(rf"convtap_{name}(_|$)", n)], [], name)
        # One amount in another: both parts are money, by currency.
        share = families["convtap_cost_per_interaction_savings_share_ratio"]["samples"]
        for key, value in share.items():
            parts = [families[f"convtap_cost_per_interaction_savings_share_{part}_money"]["samples"][key] for part in ("numerator", "denominator")]
            self.assertLessEqual(abs(value - parts[0] / parts[1]), Decimal("0.000000001"))
        self.assertTrue(any("currency" in dict(key) for key in share))
        for name, family in families.items():
            self.assertTrue(family["help"] or not name.startswith("convtap_"), name)
            for key, value in family["samples"].items():
                if name.endswith("_ratio") and "savings" not in name:  # which may be a loss
                    self.assertGreaterEqual(value, 0, f"{name} {key}")
        for name, word in (("convtap_cost_per_interaction_money", "currency"), ("convtap_csat_ratio", "scale"), ("convtap_sentiment_ratio", "share"),
                           ("convtap_channel_preference_ratio", "share")):
            values = {dict(key).get(word) for key in families[name]["samples"]}
            self.assertGreater(len(values), 2, f"{name} by {word}: {values}")
        ratios = families["convtap_escalation_rate_ratio"]["samples"]
        for key, value in ratios.items():
            parts = [families["convtap_escalation_rate_" + part]["samples"][key] for part in ("numerator", "denominator")]
            self.assertLessEqual(abs(value - parts[0] / parts[1]), Decimal("0.000000001"))
        channels = {dict(key).get("channel") for key in ratios}
        for channel in ("(other)", '\\back', "((none)", None):
            self.assertIn(channel, channels)
        whole = families["convtap_window_conversations"]["samples"]
        outcomes = families["convtap_window_outcome_conversations"]["samples"]
        for window in ("1m", "5m", "1h", "today"):
            for field in ("channel", "outcome"):
                parts = [v for k, v in whole.items() if dict(k)["window"] == window and field in dict(k)]
                self.assertEqual(sum(parts), whole[(("window", window),)], f"{window} by {field}")
            parts = [v for k, v in outcomes.items() if dict(k)["window"] == window and "channel" not in dict(k)]
            self.assertEqual(sum(parts), whole[(("window", window),)])

    def test_promtool(self):
        tool = promtool()
        if not tool:
            print("skipped: no promtool, and no way to fetch it", file=sys.stderr)
            self.skipTest("no promtool")
        self.assertEqual(promtool_says(tool, self.open, self.classic), "")


class Grammar(unittest.TestCase):
    """The reader of our own refuses what is no page."""

    def test_refuses(self):
        head = "# TYPE a gauge\n# HELP a x\n"
        good = head + 'a{b="c\\"\\\\\\n"} 1.5\n# EOF\n'
        check_openmetrics(good.encode())
        for bad in (head + "a 1\n", head + "a 1\n# EOF", head + "a 1\n# EOF\na 2\n# EOF\n", head + "b 1\n# EOF\n",
                    head + "a 1\na 2\n# EOF\n", head + 'a{b="1",b="2"} 1\n# EOF\n', head + 'a{b="\\t"} 1\n# EOF\n',
                    head + 'a{b="x"y"} 1\n# EOF\n', head + "a 1,5\n# EOF\n", head + "a  1\n# EOF\n", head + "a NaN\n# EOF\n",
                    head + 'a{b=""} 1\na 1\n# EOF\n', "a 1\n# EOF\n", "# TYPE a counter\n# HELP a x\na 1\n# EOF\n",
                    "# TYPE a_total counter\n# HELP a_total x\na_total_total 1\n# EOF\n", head + 'a{1="x"} 1\n# EOF\n',
                    "# TYPE a gauge\n# UNIT a seconds\n# HELP a x\na 1\n# EOF\n", head + "\n# EOF\n", head + "a 1\r\n# EOF\n",
                    '# TYPE a gauge\n# HELP a "x"\na 1\n# EOF\n', head + "a 1\n# TYPE a gauge\n# EOF\n",
                    head + "a 1\n# TYPE b gauge\n# HELP b x\nb 1\n# TYPE a gauge\n# HELP a x\n# EOF\n", head + "a 01\n# EOF\n"):
            with self.assertRaises(BadPage, msg=bad):
                check_openmetrics(bad.encode())


if __name__ == "__main__":
    if not os.access(page_program(), os.X_OK):
        print("skipped: no program that writes a page", file=sys.stderr)
        sys.exit(SKIPPED)
    result = unittest.main(verbosity=1, exit=False).result
    sys.exit(1 if not result.wasSuccessful() else SKIPPED if result.skipped else 0)
