#!/usr/bin/env python3
"""The rules of metrics/account.h once more, written from its words: who is a customer when, won, lost, and how recurring
revenue moves, held against `convtap audit --json` over random events. Times lie on midnights, so that what coincides with
what, and with the period's ends, is tried as well."""
import datetime
import decimal
import json
import random

import drive

LONG_AGO, NEVER = -(10**9), 10**9  # days
KINDS = ("customer", "customer_won", "customer_lost", "trial_started", "trial_converted", "renewed", "renewal_due", "purchase", "order_cancelled",
         "subscription", "subscription", "subscription", "subscription", "expansion", "feature_used", "session")
GAINS = ("customer", "customer_won", "trial_converted", "renewed")
OF_OLD = ("customer_lost", "renewal_due", "renewed", "expansion")


def date(day):
    """Days after 1 January 2026 as a time."""

    return (datetime.date(2026, 1, 1) + datetime.timedelta(day)).isoformat() + "T00:00:00Z"


def customer(rng, most):
    """One customer's events: (day, kind, fields)."""
    made, taken = [], set()
    for n in range(rng.randint(1, most)):
        kind, day, fields = rng.choice(KINDS), rng.randrange(120), {}
        if kind == "customer" and rng.random() < 0.5:
            fields["since"] = day - rng.choice((0, 1, 5, 20, 60, 300))
        elif kind == "subscription":
            name = rng.choice(("base", "plus", "more"))
            if (name, day) in taken:
                continue  # of two at one moment none is the newest
            taken.add((name, day))
            fields = {"name": name, "amount": rng.choice((0, 0, 10, 25, 40)), "currency": rng.choice(("EUR", "EUR", "EUR", "USD"))}
        elif kind in ("purchase", "order_cancelled"):
            fields = {"ref": f"o{rng.randrange(3)}", **({"amount": 5, "currency": "EUR"} if kind == "purchase" else {})}
        elif kind == "expansion":
            fields = {"amount": 7, "currency": rng.choice(("EUR", "USD"))}
        elif kind == "feature_used":
            fields = {"name": "stock"}
        elif kind == "session":
            fields = {"duration_s": 60}
        made.append((day, kind, fields))
    return made


def lines(user, events):
    for n, (day, kind, fields) in enumerate(events):
        texts = {key: str(value) if key == "amount" else date(value) if key == "since" else value for key, value in fields.items()}
        yield drive.line(event=kind, user_id=user, at=date(day), id=f"{user}-{n}", **texts)


def spells_of(events, cancelled):
    """[(from, to)], and the moments after which no subscription runs any more are told by `running` of each moment."""
    def gains(kind, f):
        return kind in GAINS or (kind == "purchase" and f["ref"] not in cancelled) or (kind == "subscription" and f["amount"] > 0)

    def of_old(kind, f):
        return kind in OF_OLD or (kind == "customer" and "since" not in f) or (kind == "subscription" and f["amount"] == 0)

    days = sorted({day for day, _, _ in events})
    of_day = {day: [(kind, f) for at, kind, f in events if at == day] for day in days}
    telling = [day for day in days if any(gains(*e) or of_old(*e) for e in of_day[day])]
    if not telling:
        return []
    first = telling[0]
    lost = min((day for day, kind, _ in events if kind == "customer_lost"), default=NEVER)
    won = min((day for day, kind, _ in events if kind in ("customer_won", "trial_converted")), default=NEVER)
    since = [f["since"] for day, kind, f in events if kind == "customer" and "since" in f and day <= min(lost, won)]
    began = None  # of the spell that runs
    if since:
        began = min(min(since), first)
    elif any(of_old(*e) for e in of_day[first]) and won > first:
        began = LONG_AGO
    spells, amounts = [], {}
    for day in days:
        said = [f["since"] for kind, f in of_day[day] if kind == "customer" and "since" in f]
        gained, stopped = any(gains(*e) for e in of_day[day]), False
        for kind, f in of_day[day]:
            if kind == "subscription":
                stopped |= f["amount"] == 0 and amounts.get(f["name"], 1) > 0
                amounts[f["name"]] = f["amount"]
        if gained and began is None:
            began = max(min([*said, day]), spells[-1][1] if spells else LONG_AGO)
        elif began is not None and spells and said:
            began = max(min([*said, began]), spells[-1][1])
        left = any(kind == "customer_lost" for kind, _ in of_day[day])
        if began is not None and (left or (stopped and not gained and not any(amounts.values()))):
            spells.append((began, day))
            began = None
        if left:
            amounts = dict.fromkeys(amounts, 0)
    return spells + ([(began, NEVER)] if began is not None else [])


def revenue_at(events, day):
    """By currency, just before a day."""
    running = {}
    for at in sorted({at for at, _, _ in events if at < day}):
        for _, kind, f in (e for e in events if e[0] == at and e[1] == "subscription"):
            running[f["name"]] = (f["currency"], f["amount"])
        if any(e[0] == at and e[1] == "customer_lost" for e in events):
            running = {}
    sums = {}
    for currency, amount in running.values():
        sums[currency] = sums.get(currency, 0) + amount
    return {currency: amount for currency, amount in sums.items() if amount}


class Totals(dict):
    def add(self, key, by=1):
        self[key] = self.get(key, 0) + by


def account(total, events, begin, end, as_of):
    # What is later than as_of has not been heard, but that a contract will be due.
    events = [e for e in events if e[0] <= as_of or e[1] == "renewal_due"]
    cancelled = {f["ref"] for _, kind, f in events if kind == "order_cancelled"}
    spells = spells_of(events, cancelled)
    at_start = any(a < begin <= b for a, b in spells)
    at_end = any(a < end <= b for a, b in spells)
    left = any(begin <= b < end for a, b in spells if a < end)
    total.add("at_start", at_start)
    total.add("at_end", at_end)
    total.add("lost", at_start and left)
    total.add("won", at_end and not (at_start and not left))
    total.add("won_lost", not at_start and left)
    in_period = any(a < end and b >= begin for a, b in spells)
    if in_period and spells[0][0] != LONG_AGO:
        total.add("lived")
        total.add("days", sum(min(b, end) - a for a, b in spells if a < end))
    start, finish = revenue_at(events, begin), revenue_at(events, end)
    for currency in {*start, *finish}:
        a, b = start.get(currency, 0), finish.get(currency, 0)
        churned = a if at_start and left else 0
        fresh = b if (at_start and left) or not start else 0
        moved = 0 if churned or fresh else b - a
        for key, amount in (("start", a), ("end", b), ("churned", churned), ("fresh", fresh), ("contraction", max(-moved, 0)), ("upgrade", max(moved, 0))):
            total.add((key, currency), amount)
        assert a - churned - max(-moved, 0) + max(moved, 0) + fresh == b, (events, a, b)
    for day, kind, f in events:
        if kind == "expansion" and begin <= day < end and any(a <= day <= b for a, b in spells):
            total.add(("one_off", f["currency"]), f["amount"])


class Accounts(drive.Case):

    def audit(self, made, begin, end, as_of):
        path = self.write("events.jsonl", b"".join(text for user, events in made.items() for text in lines(user, events)))
        done = drive.convtap("audit", "--json", "--no-hash", "--from", date(begin), "--to", date(end), "--as-of", date(as_of), path)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        kpis = {kpi["id"]: kpi for kpi in json.loads(done.out, parse_float=decimal.Decimal)["kpis"]}
        found = Totals(at_start=kpis["retention_rate"]["denominator"], lost=kpis["churn_rate.base"]["numerator"], kept=kpis["retention_rate"]["numerator"],
                       won_lost=kpis["churn_rate"]["numerator"] - kpis["churn_rate.base"]["numerator"],
                       lived=kpis["clv.lifetime"]["denominator"], days=kpis["clv.lifetime"]["numerator"])
        for key, kpi in (("start", "mrr.start"), ("end", "mrr"), ("churned", "mrr.churned"), ("fresh", "mrr.new"), ("contraction", "mrr.contraction"),
                         ("upgrade", "expansion_mrr.recurring"), ("one_off", "expansion_mrr.one_off")):
            for part in kpis[kpi].get("parts") or [kpis[kpi]]:
                if part["value"]:
                    found[key, part.get("currency")] = part["value"]
        return found

    def wanted(self, made, begin, end, as_of):
        total = Totals()
        for events in made.values():
            account(total, events, begin, end, as_of)
        self.assertEqual(total["at_start"] - total["lost"] + total["won"], total["at_end"])
        total["kept"] = total.pop("at_end") - total.pop("won")
        if not total["at_start"]:
            total.update(lost=0, kept=0, won_lost=0)  # no base, no figure
        return {key: value for key, value in total.items() if value}

    def agree(self, made, *when):
        found = self.audit(made, *when)
        return {key: value for key, value in found.items() if value}, self.wanted(made, *when)

    def test_random_events(self):
        for seed, most in ((1, 4), (2, 8), (3, 16), (4, 3), (5, 30)):
            rng = random.Random(seed)
            made = {f"u{i}": customer(rng, most) for i in range(400)}
            made = {user: events for user, events in made.items() if events}
            for when in ((31, 59, 400), (59, 60, 400), (10, 110, 64 if most > 8 else 400)):
                found, wanted = self.agree(made, *when)
                if found != wanted:
                    self.explain(made, when, f"seed {seed}: {found} by the rules {wanted}")

    def test_nothing_after_as_of(self):
        """Every KPI is the same to the byte, whether or not the input holds what came after as_of."""
        rng, other = random.Random(6), random.Random(7)
        made = {f"u{i}": customer(rng, 12) for i in range(120)}
        args = ("--json", "--no-hash", "--from", date(31), "--to", date(59), "--as-of", date(45), "--group-by", "week")
        chats = self.write("chats.jsonl", b"".join(
            drive.line(conversation_id=f"k{i}", user_id=f"u{i}", messages=[{"role": "user", "text": "hola", "ts": date(40)}, {"role": "bot", "text": "dime", "ts": date(40)}])
            for i in range(0, 120, 3)))
        beside = [drive.line(event=kind, user_id=f"u{other.randrange(120)}", at=date(other.randrange(31, 70)), id=f"x{n}", **fields)
                  for n, (kind, fields) in enumerate([("reference", {}), ("referral", {}), ("benefit", {"amount": "9", "currency": "EUR"}),
                                                      ("cost", {"amount": "2", "currency": "EUR", "name": "retention"}), ("survey", {"name": "nps", "score": 9}),
                                                      ("outcome", {"reached": True}), ("seats_bought", {"count": 5}), ("order_delivered", {"ref": "o1"}),
                                                      ("order_returned", {"ref": "o1"}), ("feedback", {"text": "bien", "ref": "f1"}),
                                                      ("feedback_answered", {"ref": "f1"}), ("complaint_raised", {"ref": "q1"}), ("complaint_resolved", {"ref": "q1"}),
                                                      ("milestone", {"name": "go_live"}), ("programme", {"name": "loyalty"})] * 16)]
        base = [drive.line(event="customer_base", at=date(day), count=count) for day, count in ((33, 900), (50, 5))]
        every = [text for user, events in made.items() for text in lines(user, events)] + beside + base
        known = [text for text in every if json.loads(text)["at"] <= date(45) or json.loads(text)["event"] == "renewal_due"]
        self.assertLess(len(known), len(every))
        found = []
        for n, part in enumerate((every, known)):
            path = self.write(f"events{n}.jsonl", b"".join(part))
            done = drive.convtap("audit", *args, chats, path)
            self.survived(done)
            self.assertEqual(done.status, 0, done.err)
            found.append(done.json()["kpis"])
        self.assertEqual(found[0], found[1])
        with_value = {kpi["id"] for kpi in found[0] if kpi["value"] is not None}
        self.assertGreaterEqual(with_value, {"churn_rate", "mrr", "nrr", "clv", "adoption_rate", "customer_health_score", "customer_retention_cost", "referral_rate",
                                             "referenceable_accounts", "return_rate", "feedback_response_rate", "renewal_rate"})

    def explain(self, made, when, note):
        """A customer on whom they differ, beside one who makes a base: looked for by halves."""
        base = {"base": [(0, "customer_won", {})]}
        users = sorted(made)
        while len(users) > 1:
            half = users[:len(users) // 2]
            found, wanted = self.agree({**base, **{user: made[user] for user in half}}, *when)
            users = half if found != wanted else users[len(users) // 2:]
        events = sorted(made[users[0]], key=lambda e: e[0])
        found, wanted = self.agree({**base, users[0]: events}, *when)
        self.fail(f"{note}\nperiod {date(when[0])} to {date(when[1])} as of {date(when[2])}: {found} by the rules {wanted}\n" + "\n".join(map(str, events)))


if __name__ == "__main__":
    drive.main()
