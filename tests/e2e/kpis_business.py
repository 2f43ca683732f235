#!/usr/bin/env python3
"""Customers, revenue, orders and churn from files of business events, beside transcripts: each KPI against a value worked
out by hand."""
import random

from drive import ALL_PACKS, Case, convtap, line, main

MARCH = ["--from", "2026-03-01", "--to", "2026-04-01", "--as-of", "2026-04-01T00:00:00Z"]


def event(kind, user, at, **fields):
    return line(event=kind, user_id=user, at=at, **fields)


def talk(user, day, answer="No, gracias"):
    """A conversation with the AI: resolved, or with a last word that it was not."""
    stamp = f"{day}T10:00:"
    return line(conversation_id=f"{user}-{day}", user_id=user, channel="web", messages=[
        {"role": "user", "text": "Hola, ¿dónde está mi pedido?", "ts": stamp + "00Z"},
        {"role": "bot", "text": "Llega mañana. ¿Te ayudo con algo más?", "ts": stamp + "05Z"},
        {"role": "user", "text": answer, "ts": stamp + "20Z"}])


def customers():
    """1000 at the start, 64 of them lost; 5 won, 1 of them lost again: 65 lost; at the end 936 and 4."""
    for i in range(1000):
        yield event("customer", f"c{i}", "2026-02-01T00:00:00Z", since="2025-02-01")
        if i < 64:
            yield event("customer_lost", f"c{i}", "2026-03-31T23:59:59Z")
    for i in range(5):
        yield event("customer_won", f"w{i}", "2026-03-01T00:00:00Z")
    yield event("customer_lost", "w0", "2026-03-20T00:00:00Z")
    yield event("customer_lost", "w0", "2026-03-21T00:00:00Z")
    # Renewals: three due, one early, one too late; one whose window is open. Referrals of two, and of a stranger.
    for i, renewed in ((100, "2026-01-15"), (101, "2026-04-30"), (102, None)):
        yield event("renewal_due", f"c{i}", "2026-01-01T00:00:00Z", due="2026-03-01T12:00:00Z")
        if renewed:
            yield event("renewed", f"c{i}", renewed + "T00:00:00Z")
    yield event("renewal_due", "c103", "2026-03-20T00:00:00Z")
    for user in ("c200", "c201", "c201", "stranger"):
        yield event("referral", user, f"2026-03-1{len(user)}T00:00:00Z")
    yield event("reference", "c300", "2026-02-01T00:00:00Z", agreed=True)
    yield event("reference", "c301", "2026-02-01T00:00:00Z", agreed=True)
    yield event("reference", "c301", "2026-03-02T00:00:00Z", agreed=False)
    for amount, name, at in (("5000", "retention", "2026-03-01"), ("30.05", "retention.training", "2026-03-31"),
                             ("77", "service", "2026-03-05"), ("77", "retention", "2026-04-01")):
        yield line(event="cost", at=at, amount=amount, currency="EUR", name=name)


def subscriptions():
    """EUR: start 400. a as it was, b contracts by 20, c leaves, d grows by 35 and buys 15 beside, e is new. USD: one, 50."""
    for user in "abcd":
        yield event("subscription", user, "2026-01-01T00:00:00Z", amount="100", currency="EUR", name="base")
    yield event("subscription", "b", "2026-03-02T00:00:00Z", amount="80", currency="EUR", name="base")
    yield event("subscription", "c", "2026-03-02T00:00:00Z", amount="0", currency="EUR", name="base")
    yield event("subscription", "d", "2026-03-02T00:00:00Z", amount="35", currency="EUR", name="more", add_on=True)
    yield event("expansion", "d", "2026-03-03T00:00:00Z", amount="15", currency="EUR")
    yield event("subscription", "e", "2026-03-31T23:59:59Z", amount="200", currency="EUR", name="base")
    yield event("subscription", "f", "2026-01-31T00:00:00Z", amount="50", currency="USD", name="base")


def orders():
    """30 days of March, two customers for 720 days so far, each with 3 purchases of 50: 50 x 3 x 24 = 3600."""
    for user in ("x", "y"):
        yield event("customer_won", user, "2024-04-10T00:00:00Z")
        for day in (1, 10, 30):
            yield event("purchase", user, f"2026-03-{day:02d}T00:00:00Z", amount="50", currency="EUR", margin="0.4", ref=f"{user}{day}")
            yield event("order_delivered", user, f"2026-03-{day:02d}T12:00:00Z", ref=f"{user}{day}")
    yield event("order_returned", "x", "2026-03-12T00:00:00Z", ref="x1")
    yield event("customer_won", "z", "2024-04-10T00:00:00Z")
    yield event("purchase", "z", "2026-03-05T00:00:00Z", amount="999", currency="EUR", ref="z1")
    yield event("order_cancelled", "z", "2026-04-05T00:00:00Z", ref="z1")
    yield event("purchase", "z", "2026-03-06T00:00:00Z", amount="998", currency="EUR", ref="z2")
    yield event("order_cancelled", "z", "2026-03-07T00:00:00Z", ref="z2")


def talks():
    """As of 1 May. Ten talked on 5 March: four lost in 30 days (three of them after a bad end), one on the 31st day; two
    talked on 3 April as well and are not settled. Of twenty others two are lost by 31 March."""
    for i in range(10):
        user = f"t{i}"
        yield event("customer", user, "2026-02-01T00:00:00Z", since="2025-02-01")
        if i < 4:
            yield event("customer_lost", user, "2026-04-04T10:00:20Z" if i == 0 else "2026-03-15T00:00:00Z")
    yield event("customer_lost", "t4", "2026-04-04T10:00:21Z")
    for i in range(20):
        yield event("customer", f"q{i}", "2026-02-01T00:00:00Z", since="2025-02-01")
    yield event("customer_lost", "q0", "2026-03-31T00:00:00Z")
    yield event("customer_lost", "q1", "2026-03-02T00:00:00Z")
    yield event("customer_lost", "q2", "2026-03-31T00:00:01Z")


class Business(Case):

    def audit(self, lines, *args, transcripts=(), env=None):
        files = [self.write(name, b"".join(made)) for name, made in (("events.jsonl", list(lines)), ("chats.jsonl", transcripts)) if made]
        done = convtap("audit", "--json", *(args or MARCH), *files, env=env)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        return done.json()["kpis"]

    def expect(self, kpis, kpi, value, numerator=None, denominator=None, key=None, **more):
        heads = [k for k in kpis if k["id"] == kpi]
        self.assertTrue(heads, kpi)
        found = heads[0]
        if key:
            named = [part for k in heads for part in [k, *k.get("by", []), *k.get("parts", [])]
                     if key in (part.get("currency"), part.get("leader"), part.get("key"))]
            self.assertTrue(named, f"{kpi} has no {key}: {heads}")
            found = named[-1]
        if value is None:
            self.assertIsNone(found["value"], f"{kpi}: {found}")
            return found
        self.assertIsNotNone(found["value"], f"{kpi}: {found}")
        self.assertAlmostEqual(float(found["value"]), value, places=4, msg=f"{kpi}: {found}")
        if numerator is not None:
            self.assertEqual((float(found["numerator"]), float(found["denominator"])), (numerator, denominator), kpi)
        for name, want in more.items():
            self.assertEqual(found.get(name), want, f"{kpi}: {found}")
        return found

    def test_customers(self):
        kpis = self.audit(customers())
        self.expect(kpis, "churn_rate", 6.5, 65, 1000, low=None)  # w0 is in the numerator alone: no interval
        self.assertLess(self.expect(kpis, "churn_rate.base", 6.4, 64, 1000)["low"], 6.4)
        self.expect(kpis, "retention_rate", 93.6, 936, 1000)
        self.expect(kpis, "renewal_rate", 25, 1, 4, provisional=1)
        self.expect(kpis, "referral_rate", 200 / 1005, 2, 1005, left_out=1)
        self.expect(kpis, "referenceable_accounts", 100 / 940, 1, 940)
        self.expect(kpis, "customer_retention_cost", 5030.05 / 1005, 5030.05, 1005)
        self.expect(kpis, "attach_rate", None)  # of nobody a subscription is known

    def test_the_worked_examples(self):
        lines = [event("customer", f"u{i}", "2026-02-01T00:00:00Z") for i in range(250)]
        lines += [event("customer_lost", f"u{i}", "2026-03-01T00:00:00Z") for i in range(20)]
        self.expect(self.audit(lines), "churn_rate", 8.0, 20, 250)
        lines = [event("customer", f"u{i}", "2026-02-01T00:00:00Z") for i in range(200)]
        lines += [event("customer_lost", f"u{i}", "2026-03-01T00:00:00Z") for i in range(20)]
        lines += [event("customer_won", f"n{i}", "2026-03-01T00:00:00Z") for i in range(20)]
        self.expect(self.audit(lines), "retention_rate", 90.0, 180, 200)
        lines = [event("subscription", f"u{i}", "2026-03-01T00:00:00Z", amount=str(500 + 500 * (i % 2)), currency="EUR") for i in range(1000)]
        kpis = self.audit(lines)
        self.expect(kpis, "mrr", 750000, currency="EUR")
        self.expect(kpis, "mrr.per_customer", 750, 750000, 1000)

    def test_targets_of_a_month(self):
        lines = [event("customer", f"u{i}", "2026-02-01T00:00:00Z", segment="smb") for i in range(50)]
        lines += [event("customer_lost", "u0", "2026-03-02T00:00:00Z")]
        self.expect(self.audit(lines, *MARCH, "--segment", "smb"), "churn_rate", 2.0, 1, 50, status="met")
        self.expect(self.audit(lines, *MARCH, "--segment", "enterprise"), "churn_rate", 2.0, status="missed")

    def test_revenue(self):
        kpis = self.audit(subscriptions())
        self.expect(kpis, "mrr", 100 + 80 + 135 + 200, currency="EUR")
        self.expect(kpis, "mrr", 50, key="USD")
        self.expect(kpis, "mrr.start", 400)
        self.expect(kpis, "mrr.new", 200)
        self.expect(kpis, "mrr.churned", 100)
        self.expect(kpis, "mrr.contraction", 20)
        self.expect(kpis, "expansion_mrr", 50)
        self.expect(kpis, "expansion_mrr.recurring", 35)
        self.expect(kpis, "expansion_mrr.one_off", 15)
        self.expect(kpis, "grr", 70, 280, 400)
        self.expect(kpis, "nrr", 82.5, 330, 400)
        self.expect(kpis, "nrr.recurring", 78.75)
        self.expect(kpis, "grr", 100, key="USD")
        self.expect(kpis, "contraction_rate", 5, status="missed")  # 3 % a month
        self.expect(kpis, "expansion_rate", 12.5)
        self.expect(kpis, "churn_rate.revenue", 25, 100, 400)
        self.expect(kpis, "attach_rate", 20, 1, 5, status="missed")
        self.expect(kpis, "churn_rate", 20, 1, 5)

    def test_orders_and_lifetime_value(self):
        month = ["--from", "2026-03-01", "--to", "2026-03-31", "--as-of", "2026-03-31T00:00:00Z"]
        lines = [made for made in orders() if b'"user_id": "z"' not in made]
        kpis = self.audit(lines, *month)
        self.expect(kpis, "clv", 3600, currency="EUR")
        self.expect(kpis, "clv.lifetime", 720, unit="days")
        self.expect(kpis, "clv.purchase_value", 50)
        self.expect(kpis, "clv.historic", 60)  # 150 x 0.4
        self.expect(kpis, "clv.predictive", None)
        self.expect(self.audit(orders(), *month), "cancellation_rate", 12.5, 1, 8)
        self.expect(self.audit(orders(), *month), "purchase_recurrence", 200 / 3, 2, 3)  # z1 will be cancelled, which nobody knows yet
        kpis = self.audit(orders(), *month[:-1], "2026-04-05T00:00:00Z")
        self.expect(kpis, "clv", 2400)  # among three: z, whose orders were cancelled, bought nothing
        self.expect(kpis, "cancellation_rate", 12.5, 1, 8)
        self.expect(kpis, "return_rate", 100 / 6, 1, 6)
        self.expect(kpis, "purchase_recurrence", 100, 2, 2)

    def test_churn_after_the_ai(self):
        chats = [talk(f"t{i}", "2026-03-05", "No, eso no me sirve de nada" if i in (1, 2, 3) else "Gracias, solucionado") for i in range(10)]
        chats += [talk(f"t{i}", "2026-03-31") for i in (8, 9)]
        args = ["--from", "2026-03-01", "--to", "2026-04-01", "--as-of", "2026-04-29T00:00:00Z"]
        kpis = self.audit(talks(), *args, transcripts=chats)
        self.expect(kpis, "ai_influenced_churn", 50, 4, 8, provisional=2)
        self.assertTrue(self.expect(kpis, "ai_influenced_churn", 50)["settles_at"].startswith("2026-04-30T10:00:20"))
        self.expect(kpis, "ai_influenced_churn.without", 10, 2, 20)
        found = self.expect(kpis, "ai_influenced_churn.difference", 40)
        # Newcombe's interval of 4/8 - 2/20 from Wilson's: 0.2152 to 0.7848 and 0.0279 to 0.3010.
        self.assertAlmostEqual(found["low"], 5.16, places=1)
        self.assertAlmostEqual(found["high"], 69.4, places=1)
        self.expect(kpis, "ai_influenced_churn.outcome", 100, 3, 3, key="unresolved")
        kpis = self.audit(talks(), "--from", "2026-03-01", "--to", "2026-04-01", "--as-of", "2026-05-01T00:00:00Z",
                          "--config", self.write("c.yaml", b"churn_window: 10d\n"), transcripts=chats)
        self.expect(kpis, "ai_influenced_churn", 30, 3, 10)  # t0 stayed longer
        self.expect(kpis, "ai_influenced_churn.without", 5, 1, 20)

    def test_adoption(self):
        chats = [talk(user, "2026-03-05") for user in ("t0", "t1", "guest")] + [talk("t0", "2026-03-06"), talk("t2", "2026-02-06")]
        kpis = self.audit(talks(), transcripts=chats)
        self.expect(kpis, "adoption_rate", 100 * 3 / 31, 3, 31, key="known_customers")  # 30 and the guest
        base = [line(event="customer_base", at="2026-03-01", count=100), line(event="customer_base", at="2026-03-31", count=140),
                line(event="customer_base", at="2026-04-01", count=7)]
        kpis = self.audit([*talks(), *base], transcripts=chats)
        self.expect(kpis, "adoption_rate", 2.5, 3, 120, key="customer_base")
        self.expect(kpis, "adoption_rate.known", 100 * 3 / 31)
        self.expect(self.audit(talks()), "adoption_rate", None)  # no transcripts

    def test_topics_of_transcripts(self):
        """What conversations are about, without any event."""
        says = ("Quiero cancelar mi pedido", "I want to cancel my order", "Quiero devolver los zapatos", "¿A qué hora abren?")
        chats = []
        for i, text in enumerate(says):
            chats.append(line(conversation_id=f"k{i}", user_id=f"k{i}", channel="web", messages=[
                {"role": "user", "text": text, "ts": "2026-03-05T10:00:00Z"}, {"role": "bot", "text": "...", "ts": "2026-03-05T10:00:05Z"}]))
        kpis = self.audit([], transcripts=chats, env=ALL_PACKS)
        self.expect(kpis, "cancellation_rate.transcripts", 50, 2, 4)
        self.expect(kpis, "return_rate.transcripts", 25, 1, 4)
        self.expect(kpis, "cancellation_rate", None)

    def test_month_by_month(self):
        """Each month speaks for itself: 100 EUR in January, nothing after 10 March."""
        lines = [event("subscription", "m", "2026-01-15T00:00:00Z", amount="100", currency="EUR"),
                 event("subscription", "n", "2026-02-15T00:00:00Z", amount="30", currency="EUR"),
                 event("subscription", "m", "2026-03-10T00:00:00Z", amount="0", currency="EUR")]
        done = convtap("audit", "--json", "--group-by", "month", "--from", "2026-01-01", "--to", "2026-04-01",
                       "--as-of", "2026-04-01T00:00:00Z", self.write("m.jsonl", b"".join(lines)))
        self.assertEqual(done.status, 0, done.err)
        months = {}
        for kpi in done.json()["kpis"]:
            for part in kpi.get("slices", []):
                months.setdefault(part["key"], []).append({**part, "id": kpi["id"]})
        self.assertEqual(sorted(months), ["2026-01", "2026-02", "2026-03"])
        for month, mrr, churn, fresh in (("2026-01", 100, None, 100), ("2026-02", 130, 0, 30), ("2026-03", 30, 50, 0)):
            self.expect(months[month], "mrr", mrr)
            self.expect(months[month], "churn_rate", churn)
            self.expect(months[month], "mrr.new", fresh)
        self.expect(months["2026-03"], "grr", 100 * 30 / 130)

    def test_health(self):
        """Use in two of five weeks: 40; 1 of 2 outcomes: 50; one good talk: 100; half of what was bought before: 50; 4 of
        1-5: 75; MRR as it was: 50. (30 x 40 + 15 x 50 + 15 x 100 + 10 x 50 + 20 x 75 + 10 x 50) / 100 = 59.5."""
        lines = [event("customer", "h", "2026-02-01T00:00:00Z", since="2025-02-01"),
                 event("session", "h", "2026-03-02T00:00:00Z", duration="5m"), event("session", "h", "2026-03-29T00:00:00Z", duration="5m"),
                 event("outcome", "h", "2026-03-02T00:00:00Z", name="a", value="5", goal="5"),
                 event("outcome", "h", "2026-03-02T00:00:00Z", name="b", value="4", goal="5"),
                 event("purchase", "h", "2026-02-02T00:00:00Z", amount="80", currency="EUR"),
                 event("purchase", "h", "2026-03-02T00:00:00Z", amount="40", currency="EUR"),
                 event("survey", "h", "2026-03-02T00:00:00Z", name="csat", score=4),
                 event("subscription", "h", "2026-01-02T00:00:00Z", amount="10", currency="EUR")]
        chats = [talk("h", "2026-03-05", "Gracias, solucionado")]
        self.expect(self.audit(lines, transcripts=chats), "customer_health_score", 59.5, n=1)
        kpis = self.audit([*lines, event("customer", "i", "2026-02-01T00:00:00Z")], transcripts=chats)
        self.expect(kpis, "customer_health_score", 59.5, left_out=1)
        self.expect(kpis, "customer_health_score.factors", 40, key="usage")
        weights = self.write("w.yaml", b"health_weights: {usage: 50, spend: 50}\n")
        self.expect(self.audit(lines, *MARCH, "--config", weights, transcripts=chats), "customer_health_score", 45)

    def test_a_table_says_the_same(self):
        rows = ["event,at,customer_id,amount,currency,name"]
        for user in "abcd":
            rows.append(f"subscription,2026-01-01,{user},100,EUR,base")
        rows += ["subscription,2026-03-02,b,80,EUR,base", "subscription,2026-03-02,c,0,EUR,base", "customer_won,2026-03-05,g,,,",
                 "customer_lost,2026-03-06,g,,,"]
        done = convtap("audit", "--json", *MARCH, self.write("crm.csv", ("\n".join(rows) + "\n").encode()))
        self.assertEqual(done.status, 0, done.err)
        kpis = done.json()["kpis"]
        self.expect(kpis, "churn_rate", 50, 2, 4, low=None)
        self.expect(kpis, "grr", 70, 280, 400)

    def test_the_same_bytes_in_any_order(self):
        events = [*customers(), *subscriptions(), *orders(), *talks()]
        chats = [talk(f"t{i}", "2026-03-05") for i in range(10)]
        random.Random(4).shuffle(events)
        half = len(events) // 2
        a, b = self.write("1.jsonl", b"".join(events[:half])), self.write("2.jsonl", b"".join(events[half:] + events[:9]))
        c = self.write("3.jsonl", b"".join(chats))
        runs = [convtap("audit", "--csv", "-", *MARCH, "--threads", threads, *files, env=env)
                for threads, files, env in ((1, (a, b, c), {}), (4, (c, b, a), {"TZ": "Asia/Tokyo"}), (3, (b, c, a), {"LC_ALL": "de_DE.UTF-8"}))]
        self.assertEqual({run.status for run in runs}, {0}, runs[0].err)
        self.assertEqual(len({run.out for run in runs}), 1)


if __name__ == "__main__":
    main()
