#!/usr/bin/env python3
"""Topics, feedback themes and what hangs on them, through the program: competitors and thresholds from the configuration, FCR by
topic, surveys, complaints across conversations, `convtap feedback` and the sections of audit."""
import json
import random

from drive import ALL_PACKS, Case, convtap, line, main


def chat(name, *texts, user=None, day=1, hour=10, month=11, channel="web", **last):
    """Customer and bot in turn, a minute apart; `last` = an event of the customer's at the end."""
    messages = []
    for i, text in enumerate(texts):
        messages.append({"role": "bot" if i % 2 else "user", "text": text, "ts": f"2026-{month:02d}-{day:02d}T{hour:02d}:{i:02d}:00Z"})
    if last:
        messages.append({"role": "user", "text": "", "ts": f"2026-{month:02d}-{day:02d}T{hour:02d}:{len(texts):02d}:00Z", "event": last})
    fields = {"conversation_id": name, "channel": channel, "messages": messages}
    return line(**fields, **({"user_id": user} if user else {}))


def rated(name, score, text="", kind="csat", scale=5, **more):
    return chat(name, "¿Dónde está mi pedido 12?", "Llega mañana.", type="feedback", kind=kind, value=score, scale=scale, text=text, **more)


class Feedback(Case):
    def feedback(self, *args, content=None):
        done = convtap("feedback", "--json", *args, *([self.write("a.jsonl", content)] if content else []))
        self.assertEqual(done.status, 0, done.err)
        return done.json()

    def kpis(self, *args):
        done = convtap("audit", "--json", "--no-hash", *args)
        self.assertEqual(done.status, 0, done.err)
        return {k["id"]: k for k in done.json()["kpis"]}

    def records(self, *args, env=None):
        done = convtap("audit", "--conversations", "-", *args, env=env)
        self.assertEqual(done.status, 0, done.err)
        return {r["conversation_id"]: r for r in map(json.loads, done.out.splitlines())}

    def test_topics_in_three_languages(self):
        source = self.write("a.jsonl", chat("es", "Hola, quiero devolver unos zapatos", "Claro", "y me cobraron dos veces", "Lo miro") +
                            chat("en", "The app keeps crashing", "Sorry", "and my app does not load", "I see", "I want a refund", "ok") +
                            chat("pt", "Onde está o meu pedido?", "A caminho") + chat("none", "Buenas", "Hola, ¿en qué te ayudo?"))
        records = self.records(source, env=ALL_PACKS)
        self.assertEqual((records["es"]["topic"], records["es"]["topics"]), ("return", "billing return"))
        self.assertEqual((records["en"]["topic"], records["en"]["topics"]), ("technical", "return technical"))
        self.assertIn("delivery", records["pt"]["topics"].split())
        self.assertNotIn("topic", records["none"])

    def test_competitors_come_from_the_configuration(self):
        source = self.write("a.jsonl", chat("a", "En  ÁCME me sale más barato", "Vaya") + chat("b", "Es la acmeria", "Vaya") +
                            chat("c", "hola", "Acme es otra empresa"))
        config = self.write("c.yaml", b"competitors: ['Acme', 'Globex Corp.']\n")
        told = self.records("--config", config, source)
        self.assertIn("competitor", told["a"]["topics"].split())
        self.assertEqual([e["rule"] for e in told["a"]["evidence"] if e["signal"] == "topic.competitor"], ["configuration.competitor@1"])
        self.assertNotIn("competitor", told["b"].get("topics", "").split())
        self.assertNotIn("competitor", told["c"].get("topics", "").split())
        self.assertNotIn("competitor", self.records(source)["a"].get("topics", "").split())
        self.assertEqual(self.kpis("--config", config, source)["sentiment.competitors"]["numerator"], 1)

    def test_who_comes_back_about_something_else_has_not_come_back(self):
        done = ["Gracias, ya quedó resuelto", "De nada"]
        source = self.write("a.jsonl",
                            chat("a", "¿Dónde está mi paquete?", "Llega hoy", *done, user="u1", day=1) +
                            chat("b", "Olvidé mi contraseña", "Hecho", *done, user="u1", day=3) +
                            chat("c", "¿Dónde está mi paquete?", "Llega hoy", *done, user="u2", day=1) +
                            chat("d", "Mi paquete no ha llegado", "Llega hoy", *done, user="u2", day=3) +
                            chat("end", "hola", "hola", user="u3", day=28))
        self.assertEqual((self.kpis(source)["fcr"]["numerator"], self.kpis(source)["fcr"]["denominator"]), (2, 4))
        any_topic = self.kpis("--return-topic", "any", source)["fcr"]
        self.assertEqual((any_topic["numerator"], any_topic["denominator"]), (0, 4))
        self.assertEqual(convtap("audit", "--return-topic", "other", source).status, 2)

    def test_what_a_positive_answer_is(self):
        source = self.write("a.jsonl", b"".join(rated(f"c{i}", i) for i in range(1, 6)) +
                            b"".join(rated(f"t{i}", i, scale=10) for i in (5, 6, 9)))
        plain = self.kpis(source)["csat"]
        self.assertEqual((plain["numerator"], plain["denominator"]), (2, 5))
        config = self.write("c.yaml", b"csat_positive_of_5: 5\ncsat_positive_of_10: 9\n")
        strict = self.kpis("--config", config, source)["csat"]
        self.assertEqual((strict["numerator"], strict["denominator"]), (1, 5))
        for wrong in ("csat_positive_of_5: 6\n", "csat_positive_of_10: 0\n"):
            self.assertEqual(convtap("audit", "--config", self.write("w.yaml", wrong.encode()), source).status, 2)

    def test_css_stands_apart_from_csat(self):
        kpis = self.kpis(self.write("a.jsonl", rated("a", 5, kind="css") + rated("b", 1, kind="css") + rated("c", 5)))
        self.assertEqual((kpis["css"]["value"], kpis["csat"]["value"]), (50.0, 100.0))

    def test_a_complaint_resolved_in_a_later_conversation(self):
        # kpis.json: raised 2026-11-16T10:00:00Z, resolved 2026-11-18T10:00:00Z
        source = self.write("a.jsonl",
                            chat("a", "Quiero poner una queja formal, mi paquete no ha llegado, es una vergüenza", "Lo siento", user="u", day=16) +
                            line(conversation_id="b", user_id="u", channel="web", messages=[
                                {"role": "user", "text": "¿Y mi paquete?", "ts": "2026-11-18T09:58:00Z"},
                                {"role": "bot", "text": "Entregado. ¿Se resolvió tu problema?", "ts": "2026-11-18T09:59:00Z"},
                                {"role": "user", "text": "Sí, ya me llegó, gracias", "ts": "2026-11-18T10:00:00Z"}]))
        records = self.records(source)
        self.assertTrue(records["a"]["complaint"] and records["b"]["resolved"])
        time = self.kpis(source)["complaint_resolution_time"]
        self.assertEqual((time["value"], time["denominator"]), (172800.0, 1))

    def test_themes(self):
        content = b"".join(rated(f"bad{i}", 1, "llegó roto y tarde", day=3, hour=9) for i in range(4)) + rated("good", 5, day=4, hour=20)
        said = self.feedback(content=content)
        self.assertEqual([(t["score"], t["sentiment"], t["topic"], t["items"], t["comments"]) for t in said["themes"]],
                         [("bad", "negative", "delivery", 4, 4), ("good", "positive", "delivery", 1, 0)])
        self.assertEqual([sorted(e) for e in said["themes"][0]["examples"]], [["id"]] * 3)
        self.assertEqual(said["hours"]["busiest"][0], {"weekday": 2, "hour": 9, "conversations": 4})
        self.assertEqual(self.feedback("--zone", "America/Bogota", content=content)["hours"]["busiest"][0]["hour"], 4)
        self.assertNotIn("roto", json.dumps(said))
        self.assertNotIn("words", json.dumps(said))
        quoted = self.feedback("--quotes", content=content)
        self.assertEqual(quoted["themes"][1]["examples"], [{"id": "good", "quote": None}])
        self.assertEqual({e["quote"] for e in quoted["themes"][0]["examples"]}, {"llegó roto y tarde"})
        kpis = self.kpis(self.path("a.jsonl"))
        self.assertEqual((kpis["customer_feedback"]["value"], kpis["feedback_response_rate"]["value"]), (4.0, 0.0))

    def test_questions_that_end_badly(self):
        bad = b"".join(chat(f"b{i}", q, "No te he entendido") for i, q in enumerate(
            ["¿Cómo cambio la talla del pedido 55?", "Hola, cambio de talla: ¿cómo, del pedido A7?", "talla... ¿cómo cambio? pedido 9"]))
        good = chat("g", "¿Cómo cambio la talla de mi pedido 1?", "En tu cuenta. ¿Algo más?", "no, gracias")
        said = self.feedback("--quotes", content=bad + good + chat("x", "¿Abren el domingo?", "Sí", "gracias"))
        self.assertEqual(len(said["questions"]), 1)
        worst = said["questions"][0]
        self.assertEqual((worst["asked"], worst["bad"], worst["bad_share"]), (4, 3, 75.0))
        self.assertEqual({e["id"] for e in worst["examples"]}, {"b0", "b1", "b2"})
        self.assertIn("talla", worst["words"].split())
        self.assertEqual(said["different_questions"], 2)

    def test_what_is_new(self):
        was = b"".join(chat(f"w{i}", "¿Dónde está mi paquete?" if i < 60 else "¿Abren hoy?", "ok", month=10, day=1 + i % 28) for i in range(100))
        now = b"".join(chat(f"n{i}", "Olvidé mi contraseña" if i < 40 else "¿Dónde está mi paquete?", "ok", day=1 + i % 28) for i in range(100))
        said = self.feedback("--from", "2026-11-01", "--to", "2026-12-01", "--compare", "previous", content=was + now)
        topics = {t["topic"]: t for t in said["topics"]}
        self.assertEqual((said["conversations"], said["conversations_before"]), (100, 100))
        self.assertEqual(topics["account"]["change"]["verdict"], "up")
        self.assertEqual((topics["account"]["share"], topics["account"]["share_before"]), (40.0, 0.0))
        self.assertEqual(topics["delivery"]["change"]["verdict"], "no_change")
        text = convtap("feedback", "--from", "2026-11-01", "--to", "2026-12-01", "--compare", "previous", self.path("a.jsonl"))
        self.assertIn("no real change", text.out.decode())
        self.assertIn("sin cambio real", convtap("feedback", "--lang", "es", "--from", "2026-11-01", "--to", "2026-12-01", "--compare",
                                                 "previous", self.path("a.jsonl")).out.decode())

    def test_the_same_bytes(self):
        dice = random.Random(4)
        texts = ["¿Dónde está mi paquete?", "Quiero un reembolso", "My invoice is wrong", "quero cancelar meu pedido", "hola", "la app no funciona"]
        rows = [chat(f"c{i}", dice.choice(texts), dice.choice(["ok", "No te he entendido"]), dice.choice(texts), user=f"u{i % 40}",
                     day=1 + i % 28, hour=i % 24, channel=dice.choice(["web", "app"]), type="feedback", kind="csat",
                     value=dice.randrange(1, 6), text=dice.choice(["", "bien", "mal"])) for i in range(400)]
        first = None
        for threads, parts in ((1, 1), (2, 3), (7, 5)):
            dice.shuffle(rows)
            folder = self.path(f"p{parts}")
            for p in range(parts):
                self.write(f"p{parts}/{p}.jsonl", b"".join(rows[p::parts]))
            for extra in ((), ("--memory", "64K")):
                done = convtap("feedback", "--json", "--quotes", "--group-by", "channel,topic", "--threads", threads, *extra, folder)
                self.assertEqual(done.status, 0, done.err)
                first = first or done.out
                self.assertEqual(done.out, first)

    def test_groups(self):
        said = self.feedback("--group-by", "channel", content=chat("a", "hola", "hola", channel="web") + chat("b", "la app no funciona", "ok", channel="app"))
        self.assertEqual([(g["key"], g["conversations"]) for g in said["groups"]], [("app", 1), ("web", 1)])
        self.assertEqual(said["groups"][0]["topics"][0]["topic"], "technical")

    def test_in_audit(self):
        source = self.write("a.jsonl", rated("<u>1", 1, "no <script> por favor", day=2) + chat("q", "¿Cómo cambio la talla?", "No te he entendido"))
        plain = convtap("audit", "--json", source).json()
        self.assertNotIn("feedback", plain)
        page = self.path("r.html")
        done = convtap("audit", "--json", "--feedback", "--report", page, "--quiet", source)
        self.assertEqual(done.status, 0, done.err)
        said = done.json()["feedback"]
        self.assertEqual(said["themes"][0]["items"], 1)
        self.assertEqual(said["questions"][0]["bad"], 1)
        with open(page, encoding="utf-8") as file:
            html = file.read()
        self.assertIn("What customers say", html)
        self.assertIn("&lt;u&gt;1", html)
        for word in ("<u>", "script>", "por favor", "talla"):
            self.assertFalse(word in html, word)
        self.assertEqual({k: v for k, v in done.json().items() if k not in ("feedback", "generated_at")},
                         {k: v for k, v in plain.items() if k != "generated_at"})

    def test_bad_use(self):
        self.assertEqual(convtap("feedback").status, 2)
        self.assertEqual(convtap("feedback", self.path("missing")).status, 1)
        hostile = chat("a\u001b[2J", "¿la app\u0007 no funciona?", "No te he entendido", type="feedback", kind="csat", value=1, text="\u009bx\u001b]0;y")
        done = convtap("feedback", "--quotes", self.write("h.jsonl", hostile + b"{broken\n"))
        self.assertEqual(done.status, 1)
        self.assertNotIn(b"\x1b", done.out)
        self.assertNotIn(b"\xc2\x9b", done.out)


if __name__ == "__main__":
    main()
