"""The cost model, end to end: the worked example of docs/cost.md, and generated conversations whose costs are worked out again
here, in Python's decimal arithmetic, from the model and the exported records: the same to the last digit, whatever the threads,
the order of the files, the time zone of the machine and the way that they were cut into slices."""
import contextlib
import datetime
import hashlib
import json
import os
import random
import re
import sqlite3
import unittest
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

from drive import ROOT, Case, convtap, line, main, undated
from tap import Tap, eventually

NANO = Decimal("0.000000001")
UTC = datetime.timezone.utc


def nano(value):
    """A fraction (or decimal), rounded half to even to nine decimals: as a Decimal."""
    value = Fraction(value)
    whole, rest = divmod(value.numerator * 10 ** 9, value.denominator)
    twice = 2 * rest
    if twice > value.denominator or (twice == value.denominator and whole % 2):
        whole += 1
    with localcontext() as context:
        context.prec = 60
        return Decimal(whole) * NANO


def plain(value):
    """As the program writes amounts."""
    text = format(Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def figures(answer):
    return {row["id"]: row for row in answer["kpis"]}


def exact(row):
    """numerator / denominator of a figure in units, as a fraction."""
    return Fraction(str(row["numerator"])) / Fraction(str(row["denominator"]))


class Worked(Case):
    """docs/cost.md says what comes out."""

    def setUp(self):
        super().setUp()
        with open(os.path.join(ROOT, "docs", "cost.md"), encoding="utf-8") as page:
            self.page = page.read()
        self.model = self.write("cost.yaml", re.search(r"```yaml\n(.*?)```", self.page, re.S).group(1).encode())
        self.talks = self.write("talks.jsonl", re.search(r"```jsonl\n(.*?)```", self.page, re.S).group(1).encode())

    def test_conversations(self):
        done = convtap("audit", "--cost-model", self.model, "--conversations", "-", self.talks)
        self.survived(done)
        records = {r["conversation_id"]: r for r in map(json.loads, done.out.splitlines())}
        rows = re.findall(r"^\| ([abcd]) \| (\w+) \|.*\| ([-0-9.]+) \|$", self.page, re.M)
        self.assertEqual(len(rows), 17)
        for name, part, amount in rows:
            record = records[name]
            got = record["cost"]["amount"] if part == "cost" else record["cost_parts"][part]
            self.assertEqual(got, amount, f"{name} {part}")
        self.assertEqual({r["cost_parts"]["human_price"] for r in records.values()}, {"2.418"})
        self.assertEqual({r["cost"]["currency"] for r in records.values()}, {"EUR"})

    def test_figures(self):
        done = convtap("audit", "--cost-model", self.model, "--json", "--no-hash", self.talks)
        self.survived(done)
        found = figures(done.json())
        rows = re.findall(r"^\| `(cost_per_interaction[a-z_.]*)` \| .*\| ([-0-9.]+) \|$", self.page, re.M)
        self.assertEqual(len(rows), 11)
        for name, amount in rows:
            self.assertEqual(plain(nano(Decimal(str(found[name]["value"])))), amount, name)

    def test_every_key_is_documented(self):
        """The keys that the reader knows are those that the page has, and the example uses them."""
        known = set()
        for name in ("", "_channels", "_people", "_tokens"):
            with open(os.path.join(ROOT, "engine", f"cost_model{name}.c"), encoding="utf-8") as source:
                for names in re.findall(r"keys\[\] = \{(.*?)\}", source.read(), re.S):
                    known.update(re.findall(r'"(\w+)"', names))
        known.update({"default", "free_in_window", "per"})
        self.assertGreater(len(known), 35)
        with open(os.path.join(ROOT, "docs", "example-cost.yaml"), encoding="utf-8") as source:
            example = source.read()
        for key in sorted(known):
            self.assertRegex(self.page, rf"[`{{ ,.]{key}\b", f"docs/cost.md says nothing of {key}")
            if key not in ("per_minute", "per_conversation", "phone", "window", "rate"):
                self.assertRegex(example, rf"\b{key}\b", f"docs/example-cost.yaml does not use {key}")

    def test_explain_shows_the_parts(self):
        done = convtap("explain", "--cost-model", self.model, "c", self.talks)
        self.survived(done)
        out = " ".join(done.out.decode().split())
        self.assertIn("1.838683333 EUR: said by the source 0.00405, channel 0.0018, people 1.830833333, fixed, without the month's "
                      "share 0.002; people alone would have cost 2.418", out)


class Refused(Case):
    """A wrong model ends the run before anything is read, with the place and what is due."""

    def test_bad_models(self):
        cases = [
            ("currency: EUR\nchannels: {web: {per_day: 1}}\n", "2:18", "unknown key 'per_day'"),
            ("currency: EUR\nfixed: {monthly: 0.0000000001}\n", "2:18", "more than 9 decimals"),
            ("currency: EUR\nfixed: {monthly: -3}\n", "2:18", "may not be below 0"),
            ("currency: EUR\nchannels: {whatsapp: {categories: {marketing: {QQ: 1}}}}\n", "2:48", "no country"),
            ("currency: EUR\ntokens:\n- {model: a, to: 2026-02-01, input: 1, output: 1}\n- {model: a, input: 1, output: 1}\n", "4:11",
             "two prices at one time"),
        ]
        talk = self.write("talk.jsonl", line(conversation_id="a", messages=[{"role": "user", "text": "hola"}]))
        for text, place, says in cases:
            with self.subTest(text):
                model = self.write("bad.yaml", text.encode())
                done = convtap("audit", "--cost-model", model, talk)
                self.survived(done)
                self.assertEqual(done.status, 2)
                self.assertIn(f"{model}:{place}", done.err)
                self.assertIn(says, done.err)
                self.assertEqual(done.out, b"")


MODEL = """
currency: EUR
rates: {USD: [{to: 2026-02-01, rate: 0.91}, {from: 2026-02-01, rate: 0.887}]}
tokens:
  - {model: 'm*', to: 2026-02-15, input: 1.1, cached: 0.3, output: 7.7}
  - {model: 'm*', from: 2026-02-15, to: 2026-03-20, input: 0.9, output: 6.13}
channels:
  whatsapp:
    - {to: 2026-02-01, per_window: 0.037}
    - from: 2026-02-01
      categories:
        marketing: {default: 0.061, ES: 0.0509, MX: 0.0361}
        utility: {ES: 0.0166, MX: 0.0084, free_in_window: true}
        service: 0
      uncategorised: utility
  default: {per_conversation: 0.0013, per_user_message: 0.00007, per_bot_message: 0.00011}
human_price: [{to: 2026-03-01, per_conversation: 3.9}, {from: 2026-03-01, per_conversation: 4.1}]
fixed:
  per_conversation: 0.0021
  monthly: [{name: a, amount: 333.33}, {name: b, from: 2026-03, amount: 77.777777777}]
  shared_by: %s
"""
MONTHLY = {"2026-01": Decimal("333.33"), "2026-02": Decimal("333.33"), "2026-03": Decimal("411.107777777")}
COUNTRIES = {"+34600": "ES", "+52551": "MX", "+33612": "FR"}


def day(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


def talk(chance, number):
    """A conversation, and what it costs: parts worked out here from the messages."""
    start = day("2026-01-01") + datetime.timedelta(seconds=chance.randrange(90 * 86400))
    channel = chance.choice(["whatsapp", "web", "app"])
    prefix = chance.choice(sorted(COUNTRIES))
    country = chance.choice([None, None, "ES", "MX"])
    at, messages, spoken = start, [], False
    parts = {"source": Decimal(0), "tokens": Decimal(0), "channel": Decimal(0), "fixed": Decimal("0.0021")}
    window, wrote, unpriced, resolved = None, None, 0, chance.random() < 0.5
    for turn in range(chance.randrange(2, 7)):
        role = chance.choice(["user", "bot"]) if turn else chance.choice(["user", "user", "bot"])
        message = {"role": role, "text": f"{chance.choice(['pedido', 'factura', 'envío'])} {number} {turn}", "ts": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        spoken |= role == "user"
        if role == "bot":
            unpriced += bot_costs(chance, message, at, parts)
        if channel != "whatsapp":
            parts["channel"] += Decimal("0.00007" if role == "user" else "0.00011")
        elif at < day("2026-02-01"):
            if window is None or at - window >= datetime.timedelta(hours=24):
                window, parts["channel"] = at, parts["channel"] + Decimal("0.037")
        elif role == "bot":
            where = country or COUNTRIES[prefix]
            unpriced += charge_category(chance, message, where, wrote is not None and at - wrote < datetime.timedelta(hours=24), parts)
        if role == "user":
            wrote = at
        messages.append(message)
        at += datetime.timedelta(seconds=chance.choice([3, 40, 900, 3600 * 20, 3600 * 25]))
    if channel != "whatsapp":
        parts["channel"] += Decimal("0.0013")
    whole = {"conversation_id": f"c{number}", "user_id": f"{prefix}{number:06d}", "channel": channel, "messages": messages}
    if country:
        whole["country"] = country
    if resolved:  # an explicit label decides
        messages.append({"role": "system", "text": "", "ts": messages[-1]["ts"], "event": {"type": "label", "name": "resolved", "value": True}})
    return whole, {"parts": parts, "engaged": spoken, "unpriced": unpriced, "start": start, "channel": channel,
                   "ai": any(m["role"] == "bot" for m in messages)}


def bot_costs(chance, message, at, parts):
    """Tokens or a stated amount; returns how many had no price."""
    kind = chance.random()
    if kind < 0.3:
        amount = Decimal(chance.randrange(1, 99999)) / Decimal(10 ** 6)
        currency = chance.choice(["EUR", "USD"])
        message["cost"] = {"amount": format(amount, "f"), "currency": currency}
        rate = Decimal(1) if currency == "EUR" else Decimal("0.91") if at < day("2026-02-01") else Decimal("0.887")
        parts["source"] += nano(Fraction(amount) * Fraction(rate))
        return 0
    if kind < 0.5:
        return 0
    counts = {"input": chance.randrange(5000), "output": chance.randrange(900)}
    counts["cached"] = chance.randrange(counts["input"] + 1)
    message["tokens"] = {**counts, "model": chance.choice(["m1", "m-long"])}
    if at < day("2026-02-15"):
        prices = ("1.1", "0.3", "7.7")
    elif at < day("2026-03-20"):
        prices = ("0.9", "0.9", "6.13")
    else:
        return 1
    amounts = (counts["input"] - counts["cached"], counts["cached"], counts["output"])
    parts["tokens"] += nano(sum(n * Fraction(p) for n, p in zip(amounts, prices)) / 10 ** 6)
    return 0


def charge_category(chance, message, where, answers, parts):
    category = chance.choice([None, "marketing", "utility", "other"])
    if category:
        message["category"] = category
    else:
        category = "service" if answers else "utility"
    prices = {"marketing": {"ES": "0.0509", "MX": "0.0361", "FR": "0.061"}, "utility": {"ES": "0.0166", "MX": "0.0084"},
              "service": {"ES": "0", "MX": "0", "FR": "0"}}.get(category)
    if category == "utility" and answers:
        return 0
    if prices is None or where not in prices:
        return 1
    parts["channel"] += Decimal(prices[where])
    return 0


class Recomputed(Case):
    """A few hundred conversations of a quarter, worked out again."""

    COUNT = 400

    def setUp(self):
        super().setUp()
        chance = random.Random(20260401)
        self.talks, self.truth = [], {}
        for number in range(self.COUNT):
            whole, truth = talk(chance, number)
            self.talks.append(line(**whole))
            self.truth[whole["conversation_id"]] = truth
        self.input = self.write("talks.jsonl", b"".join(self.talks))
        self.model = self.write("cost.yaml", (MODEL % "conversations").encode())

    def records(self, *arguments):
        done = convtap("audit", "--cost-model", self.model, "--conversations", "-", *arguments, self.input)
        self.survived(done)
        return {r["conversation_id"]: r for r in map(json.loads, done.out.splitlines())}

    def figures(self, *arguments, model=None):
        done = convtap("audit", "--cost-model", model or self.model, "--json", "--no-hash", *arguments, self.input)
        self.survived(done)
        return done.json()

    def test_records_to_the_last_digit(self):
        records = self.records()
        self.assertEqual(len(records), self.COUNT)
        unpriced = 0
        for name, truth in self.truth.items():
            parts, record = truth["parts"], records[name]
            self.assertEqual(record["cost"]["amount"], plain(sum(parts.values())), name)
            for part, amount in parts.items():
                self.assertEqual(record["cost_parts"][part], plain(amount), f"{name} {part}")
            self.assertEqual(record["cost_parts"]["human_price"], "3.9" if truth["start"] < day("2026-03-01") else "4.1")
            unpriced += truth["unpriced"]
        self.assertGreater(unpriced, 50)
        self.assertEqual(self.figures()["drops"].get("cost_unpriced"), unpriced)

    def shared(self, records, keep=lambda record: True, by_ai=False, part=None):
        """Own costs and shares of the month's fees of those kept, as exact amounts; and how many."""
        def bears(record):
            return record["outcome"] != "not_engaged" and (self.truth[record["conversation_id"]]["ai"] or not by_ai)
        months, kept, own, share, count = {}, {}, Decimal(0), Decimal(0), 0
        for record in records.values():
            month = record["started_at"][:7]
            if bears(record):
                months[month] = months.get(month, 0) + 1
            if record["outcome"] == "not_engaged" or not keep(record):
                continue
            own, count = own + Decimal(record["cost"]["amount"]), count + 1
            if bears(record):
                kept[month] = kept.get(month, 0) + 1
        for month, n in kept.items():
            fee = MONTHLY[month] if part is None else part(month)
            share += nano(Fraction(fee) * n / months[month])
        return own, share, count

    def check(self, rows, records, keep=lambda record: True, **how):
        own, share, count = self.shared(records, keep, **how)
        self.assertEqual(exact(rows["cost_per_interaction.total"]), Fraction(own + share))
        self.assertEqual(exact(rows["cost_per_interaction"]), Fraction(own + share) / count)
        self.assertEqual(rows["cost_per_interaction"]["n"], count)
        own_fixed = Decimal("0.0021") * count
        self.assertEqual(exact(rows["cost_per_interaction.fixed"]), Fraction(own_fixed + share))
        return own, share

    def test_figures_with_the_months_fees(self):
        records = self.records()
        rows = figures(self.figures())
        _, share = self.check(rows, records)
        self.assertEqual(share, sum(MONTHLY.values()))  # all of it, and no more
        resolved = [r for r in records.values() if r["outcome"] != "not_engaged" and r["resolved"] and not r["escalated"]]
        row = rows["cost_per_interaction.resolved"]
        self.assertEqual(row["denominator"], len(resolved))
        for part in ("tokens", "channel", "source", "human"):
            engaged = [r for r in records.values() if r["outcome"] != "not_engaged"]
            self.assertEqual(exact(rows[f"cost_per_interaction.{part}"]), sum(Fraction(r["cost_parts"][part]) for r in engaged))

    def test_savings(self):
        records, rows = self.records(), figures(self.figures())
        def saved(record):
            return record["resolved"] is True and not record["escalated"] and record["response_s"]["first"] is not None
        own, share, count = self.shared(records, saved)
        price = sum(Decimal(r["cost_parts"]["human_price"]) for r in records.values() if r["outcome"] != "not_engaged" and saved(r))
        self.assertGreater(count, 50)
        self.assertEqual(exact(rows["cost_per_interaction.savings"]), Fraction(price - own - share))
        self.assertEqual(rows["cost_per_interaction.savings_each"]["denominator"], count)
        ratio = rows["cost_per_interaction.savings_share"]
        self.assertEqual(Fraction(str(ratio["numerator"])) / Fraction(str(ratio["denominator"])), Fraction(price - own - share) / Fraction(price))

    def test_slices_share_what_all_bear(self):
        records, answer = self.records(), self.figures("--group-by", "channel")
        slices = {}
        for row in answer["kpis"]:
            for part in row.get("slices", []) if row["id"].startswith("cost_per_interaction") else []:
                slices.setdefault(part["key"], {})[row["id"]] = part
        self.assertEqual(sorted(slices), ["app", "web", "whatsapp"])
        total = Fraction(0)
        for channel, rows in slices.items():
            _, share = self.check(rows, records, lambda record: record["channel"] == channel)
            total += Fraction(share)
        self.assertLessEqual(abs(total - Fraction(sum(MONTHLY.values()))), Fraction(9, 2 * 10 ** 9))

    def test_a_filter_takes_nothing_from_the_others(self):
        """What --where leaves bears what its slice does; a period its own months."""
        rows = figures(self.figures("--where", "channel=web"))
        self.check(rows, self.records(), lambda record: record["channel"] == "web")
        records = {name: r for name, r in self.records().items() if r["started_at"] >= "2026-02-01"}
        self.check(figures(self.figures("--from", "2026-02-01T00:00:00Z", "--to", "2026-03-16T12:00:00Z")),
                   {name: r for name, r in records.items() if r["started_at"] < "2026-03-16T12:00:00"},
                   part=lambda month: nano(Fraction(MONTHLY[month]) / (2 if month == "2026-03" else 1)))

    def test_says_which_model(self):
        want = hashlib.sha256((MODEL % "conversations").encode()).hexdigest()
        self.assertEqual(self.figures()["cost_model_hash"], want)
        self.assertNotIn("cost_model_hash", convtap("audit", "--json", "--no-hash", self.input).json())

    def test_only_the_ais_share(self):
        model = self.write("ai.yaml", (MODEL % "ai_conversations").encode())
        self.check(figures(self.figures(model=model)), self.records(), by_ai=True)

    def test_same_bytes(self):
        want = undated(convtap("audit", "--cost-model", self.model, "--json", "--no-hash", "--threads", "1", self.input).out)
        shuffled = list(self.talks)
        random.Random(5).shuffle(shuffled)
        for index, half in enumerate((shuffled[:150], shuffled[150:])):
            self.write(f"parts/{index}.jsonl", b"".join(half))
        for threads, zone, paths in (("4", "Asia/Kolkata", [self.input]), ("3", "America/New_York", [self.path("parts")])):
            done = convtap("audit", "--cost-model", self.model, "--json", "--no-hash", "--threads", threads, *paths, env={"TZ": zone, "LC_ALL": "de_DE.UTF-8"})
            self.survived(done)
            got, first = json.loads(undated(done.out)), json.loads(want)
            self.assertEqual(got["kpis"], first["kpis"])


LIVE = """cost_model: cost.yaml
return_window: 1d
serve:
  tick: 100ms
  intake: {listen: "127.0.0.1:0"}
  desk: {listen: "127.0.0.1:0"}
sources:
  archive: {format: convtap}
"""


class Live(Case):
    """The same conversations through the live tap: an audit, a replay of the tape and a range of the API share the same fees."""

    def test_audit_replay_and_range_agree(self):
        chance = random.Random(7)
        talks = [talk(chance, number)[0] for number in range(60)]
        source = self.write("talks.jsonl", b"".join(line(**whole) for whole in talks))
        self.write("cost.yaml", (MODEL % "conversations").encode())
        tap = Tap("--config", self.write("convtap.yaml", LIVE.encode()))
        try:
            for whole in talks:
                tap.push("archive", whole)
            tap.settled()
            span = tap.get("/api/v1/kpis?from=2026-01-01T00:00:00Z&to=2026-04-01T00:00:00Z&by=channel")
            march = tap.get("/api/v1/kpis?from=2026-03-01T00:00:00Z&to=2026-03-16T12:00:00Z")
        finally:
            status = tap.stop()
        self.assertEqual(status, 0, tap.said())
        os.unlink(self.path("cost.yaml"))  # a replay has its model from the tape
        replay = convtap("replay", "--json", "--return-window", "1d", self.path("tape"))
        self.survived(replay)
        model = self.write("again.yaml", (MODEL % "conversations").encode())
        audit = convtap("audit", "--json", "--no-hash", "--return-window", "1d", "--cost-model", model, "--group-by", "channel", source)
        self.survived(audit)
        want, replayed, ranged = figures(audit.json()), figures(replay.json()), figures(span)
        compared = 0
        for name, row in want.items():
            if not name.startswith("cost_per_interaction") or name.endswith(".durable"):
                continue
            for other in (replayed, ranged):
                for key in ("value", "numerator", "denominator"):
                    self.assertEqual(other[name][key], row[key], f"{name} {key}")
                    compared += 1
            for mine, theirs in zip(row["slices"], ranged[name]["slices"], strict=True):
                self.assertEqual((mine["key"], mine["value"]), (theirs["key"], theirs["value"]), name)
        self.assertGreater(compared, 60)
        # 15.5 days of 31, of conversations that begin in them
        own = Decimal("0.0021") * figures(march)["cost_per_interaction"]["n"]
        self.assertEqual(exact(figures(march)["cost_per_interaction.fixed"]), Fraction(own + nano(Fraction(MONTHLY["2026-03"]) / 2)))


DELIVERED = """currency: EUR
channels:
  whatsapp:
    categories: {marketing: 0.05, utility: {default: 0.02, free_in_window: true}, service: 0}
    uncategorised: utility
"""
DELIVERED_LIVE = """cost_model: cost.yaml
idle: 1s
serve:
  tick: 100ms
  store: store.db
  intake: {listen: "127.0.0.1:0"}
  desk: {listen: "127.0.0.1:0"}
sources:
  wa: {format: whatsapp_cloud, options: {number: "880011", categories: {promo: marketing}}}
"""
CUSTOMERS = {"free": "34600000001", "charged": "34600000002", "failed": "34600000003", "unsaid": "34600000004"}


def sent(customer, template, identity):
    """What the bot posts, and what the platform answers."""
    return [{"messaging_product": "whatsapp", "to": customer, "type": "template", "template": {
                "name": template, "components": [{"type": "body", "parameters": [{"type": "text", "text": "algo nuevo"}]}]}},
            {"messaging_product": "whatsapp", "contacts": [{"input": customer, "wa_id": customer}], "messages": [{"id": identity}]}]


def notified(**value):
    return {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"phone_number_id": "880011"}, **value}}]}]}


def status(customer, identity, name, when, **pricing):
    more = {"pricing": {"pricing_model": "PMP", **pricing}} if pricing else {}
    return notified(statuses=[{"id": identity, "status": name, "timestamp": str(when), "recipient_id": customer, **more}])


class Delivered(Case):
    """What WhatsApp itself says of each message goes before the option `categories`, and that before what the model takes."""

    WHEN = 1774000000
    WANT = {"free": "0", "charged": "0.05", "failed": "0", "unsaid": "0.05"}

    def setUp(self):
        super().setUp()
        self.model = self.write("cost.yaml", DELIVERED.encode())
        self.bot, self.hook = [], []
        for name, customer in CUSTOMERS.items():
            self.bot += sent(customer, "promo", f"wamid.{name}")
        free, charged, failed = (CUSTOMERS[n] for n in ("free", "charged", "failed"))
        self.early = [status(free, "wamid.free", "sent", self.WHEN + 1, category="marketing", type="free_entry_point"),
                      status(charged, "wamid.charged", "sent", self.WHEN + 1, billable=True, category="utility"),
                      status(failed, "wamid.failed", "sent", self.WHEN + 1, billable=True, category="marketing")]
        self.late = [status(charged, "wamid.charged", "delivered", self.WHEN + 7200, billable=True, category="marketing"),
                     status(free, "wamid.free", "delivered", self.WHEN + 7200),
                     status(failed, "wamid.failed", "failed", self.WHEN + 7200)]
        self.unknown = status("34600000099", "wamid.nobody", "delivered", self.WHEN, billable=True, category="utility")

    def costs(self, done):
        self.survived(done)
        return {r["conversation_id"].split(":")[1]: r["cost"]["amount"] for r in map(json.loads, done.out.splitlines())}

    def test_any_order_of_files(self):
        want = {CUSTOMERS[name]: amount for name, amount in self.WANT.items()}
        chance = random.Random(3)
        for a, b in (("a-bot", "b-hook"), ("b-bot", "a-hook")):
            notices = self.early + self.late + self.late[:2]
            chance.shuffle(notices)
            paths = [self.write(f"{a}.jsonl", b"".join(line(**m) for m in self.bot)),
                     self.write(f"{b}.jsonl", b"".join(line(**m) for m in notices + [self.unknown]))]
            arguments = ("--cost-model", self.model, "--format-option", "number=880011", "--format-option", "categories=promo=marketing")
            self.assertEqual(self.costs(convtap("audit", *arguments, "--conversations", "-", "--threads", "2", *paths)), want)
            answer = convtap("audit", *arguments, "--json", "--no-hash", *paths).json()
            self.assertEqual(answer["drops"], {"delivery_unmatched": 1})
            self.assertEqual(sorted(i["messages"] for i in answer["inputs"]), [0, 4])
            for path in paths:
                os.unlink(path)

    def test_live_and_late(self):
        """Two hours' statuses come after the conversations' silence: revisions, and the tape gives the same again."""
        tap = Tap("--config", self.write("convtap.yaml", DELIVERED_LIVE.encode()))
        try:
            tap.push("wa", *self.bot, *self.early)
            eventually(lambda: len(self.stored()) == 4, "four conversations")
            first = {name: row[1] for name, row in self.stored().items()}
            self.assertEqual(first, {"free": "0", "charged": "0.02", "failed": "0.05", "unsaid": "0.05"})
            tap.push("wa", *self.late)
            eventually(lambda: {row[0] for name, row in self.stored().items() if name in ("charged", "failed")} == {2}, "two revisions")
            tap.settled()
        finally:
            stopped = tap.stop()
        self.assertEqual(stopped, 0, tap.said())
        self.assertEqual(self.stored(), {"free": (1, "0"), "charged": (2, "0.05"), "failed": (2, "0"), "unsaid": (1, "0.05")})
        done = convtap("replay", "--conversations", "-", self.path("tape"))
        self.assertEqual(self.costs(done), {CUSTOMERS[name]: amount for name, amount in self.WANT.items()})

    def stored(self):
        """revision and cost of each conversation in the store"""
        with contextlib.closing(sqlite3.connect(f"file:{self.path('store.db')}?mode=ro", uri=True)) as store:
            rows = store.execute("SELECT revision, json FROM conversation").fetchall()
        names = {customer: name for name, customer in CUSTOMERS.items()}
        records = [(revision, json.loads(text)) for revision, text in rows]
        return {names[r["user_id"]]: (revision, r["cost"]["amount"]) for revision, r in records}


if __name__ == "__main__":
    main()
