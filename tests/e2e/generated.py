"""Made-up conversations and business events with everything that is odd about real ones; the same ones each time."""
import datetime
import random

import drive

BEGIN = datetime.datetime(2026, 1, 20, tzinfo=datetime.timezone.utc)
DAYS = 100  # to 30 April
SEGMENTS = ("smb", "mid_market", "enterprise", None)

ASKS = {"es": ("¿Dónde está mi pedido 4471?", "Quiero cancelar mi pedido", "La factura sale doble", "Quiero devolver los zapatos",
               "No puedo entrar en mi cuenta", "La aplicación da un error al abrir", "Esto es una vergüenza, quiero poner una reclamación",
               "Sois unos inútiles, mi paquete llegó roto", "Os sugiero que añadáis un filtro de tallas", "¿A qué hora abren?"),
        "en": ("Where is my order 4471?", "I want to cancel my order", "I was charged twice on my invoice", "I would like to return the shoes",
               "I cannot log in to my account", "The app crashes when I open it", "This is unacceptable, I want to file a complaint",
               "You are useless, my parcel arrived broken", "You should add a size filter", "What time do you open?")}
ANSWERS = {"es": ("Llega mañana. ¿Te ayudo con algo más?", "Lo reviso ahora mismo.", "Abrimos a las nueve."),
           "en": ("It arrives tomorrow. Is there anything else I can help with?", "I am checking it now.", "We open at nine.")}
FALLBACKS = {"es": "Perdona, no te he entendido.", "en": "Sorry, I did not understand that."}
ENDS = {"es": ("No, gracias", "Sí, solucionado, gracias", "No me sirve de nada", "Eso no es lo que pregunté", "Vale"),
        "en": ("No, thanks", "Yes, that solved it, thank you", "That does not help me at all", "That is not what I asked", "Ok")}
PERSONS = {"es": "Quiero hablar con una persona", "en": "I want to talk to a person"}


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{at.microsecond:06d}".rstrip("0") if at.microsecond else "") + "Z"


class Talks:
    """Conversations in the native format, two languages, four channels, some without times or customers."""

    def __init__(self, seed, count):
        self.random, self.count = random.Random(seed), count

    def customer(self):
        r = self.random.random()
        return None if r < 0.1 else f"c{int(self.random.expovariate(0.04))}"

    def say(self, messages, role, text, **more):
        self.at += datetime.timedelta(microseconds=self.random.choice((900000, 2500000, 4000000, 61000000, 350000123)))
        messages.append({"role": role, "text": text, "ts": stamp(self.at), **more})

    def turn(self, messages, lang):
        self.say(messages, "user", self.random.choice(ASKS[lang]))
        if self.random.random() < 0.15:
            self.say(messages, "user", "?" if self.random.random() < 0.5 else self.random.choice(ASKS[lang]))
        r = self.random.random()
        if r < 0.12:
            self.say(messages, "bot", FALLBACKS[lang])
        elif r < 0.94:
            cost = {"cost": {"amount": f"0.{self.random.randrange(1, 10**6):06d}", "currency": self.currency}} if self.currency else {}
            self.say(messages, "bot", self.random.choice(ANSWERS[lang]), **cost)
            if self.random.random() < 0.1:
                self.say(messages, "bot", self.random.choice(ANSWERS[lang]))

    def finish(self, messages, lang):
        r = self.random.random()
        if r < 0.6:
            self.say(messages, "user", self.random.choice(ENDS[lang]))
        elif r < 0.75:
            self.say(messages, "user", PERSONS[lang])
            if self.random.random() < 0.7:
                self.say(messages, "system", "", event={"type": "handoff", "phase": "requested", "by": "user"})
                if self.random.random() < 0.7:
                    self.say(messages, "agent", "Hola, soy Ana." if lang == "es" else "Hi, this is Ana.")
                    self.say(messages, "user", self.random.choice(ENDS[lang]))
        if self.random.random() < 0.3:
            kind, scale, low = self.random.choice((("csat", 5, 1), ("csat", 5, 1), ("csat", 10, 1), ("nps", 10, 0), ("ces", 7, 1)))
            self.say(messages, "user", "", event={"type": "feedback", "kind": kind, "value": self.random.randint(low, scale), "scale": scale})
        if self.random.random() < 0.12:
            self.say(messages, "system", "", event={"type": "label", "name": "resolved", "value": self.random.random() < 0.5})

    def __iter__(self):
        for i in range(self.count):
            lang = self.random.choice(("es", "en"))
            self.at = BEGIN + datetime.timedelta(seconds=self.random.randrange(DAYS * 86400), microseconds=i)
            self.currency = self.random.choice((None, "EUR", "EUR", "USD"))
            messages = []
            if self.random.random() < 0.2:
                self.say(messages, "bot", "Hola, ¿en qué te ayudo?" if lang == "es" else "Hello, how can I help you?")
            if self.random.random() > 0.05:
                for _ in range(self.random.choice((1, 1, 2, 3))):
                    self.turn(messages, lang)
                self.finish(messages, lang)
                if self.random.random() < 0.08:  # the same id again, hours later: another session
                    self.at += datetime.timedelta(hours=30)
                    self.turn(messages, lang)
            if not messages:
                continue
            if self.random.random() < 0.07:
                for m in messages if self.random.random() < 0.6 else [self.random.choice(messages)]:  # all of them, or one
                    del m["ts"]
            talk = {"conversation_id": f"k{i}", "channel": self.random.choice(("web", "whatsapp", "app", None)), "messages": messages,
                    "user_id": self.customer(), "segment": self.random.choice(SEGMENTS), "bot": self.random.choice(("nova", "iris", None))}
            yield {key: value for key, value in talk.items() if value is not None}


class Events:
    """Business events of customers c0 ... and some whom no conversation knows."""

    def __init__(self, seed, customers):
        self.random, self.customers, self.lines = random.Random(seed), customers, []

    def day(self, low=0.0, high=float(DAYS)):
        return BEGIN + datetime.timedelta(microseconds=self.random.randrange(int(low * 86400e6), int(high * 86400e6)))

    def add(self, kind, at, user=None, **fields):
        fields = {key: value for key, value in fields.items() if value is not None}
        self.lines.append({"event": kind, "at": stamp(at), **({"user_id": user} if user else {}), **fields})

    def money(self, top):
        return f"{self.random.randrange(1, top)}.{self.random.randrange(100):02d}"

    def begin(self, user):
        r = self.random.random()
        segment = self.random.choice(SEGMENTS)
        at = self.day(-200, 90)
        if r < 0.35:
            since = stamp(at - datetime.timedelta(days=self.random.randrange(900))) if self.random.random() < 0.6 else None
            self.add("customer", at, user, since=since, segment=segment)
        elif r < 0.7:
            self.add("customer_won", at, user, segment=segment)
        elif r < 0.8:
            self.add("trial_started", at, user, segment=segment)
            if self.random.random() < 0.5:
                self.add("trial_converted", at + datetime.timedelta(days=self.random.randrange(1, 40)), user)

    def money_of(self, user):
        for name in self.random.sample(("base", "plus", "support"), self.random.choice((0, 1, 1, 2, 3))):
            at, currency = self.day(-150, 80), self.random.choice(("EUR", "EUR", "EUR", "USD"))
            for _ in range(self.random.choice((1, 1, 2, 3))):
                amount = "0" if self.random.random() < 0.25 else self.money(900)
                self.add("subscription", at, user, name=name, amount=amount, currency=currency, add_on=True if name == "support" else None)
                at += datetime.timedelta(days=self.random.randrange(5, 60), seconds=self.random.randrange(86400))
        for n in range(self.random.choice((0, 0, 1, 2, 4))):
            at, ref, currency = self.day(-60), f"{user}-{n}", self.random.choice(("EUR", "EUR", "USD"))
            for _ in range(self.random.choice((1, 1, 2))):
                self.add("purchase", at, user, amount=self.money(500), currency=currency, ref=ref, name=f"p{self.random.randrange(9)}",
                         margin=self.random.choice((None, "0.4", "0.25")))
            if self.random.random() < 0.2:
                self.add("order_cancelled", at + datetime.timedelta(days=self.random.randrange(20)), user, ref=ref)
            elif self.random.random() < 0.8:
                self.add("order_delivered", at + datetime.timedelta(days=2), user, ref=ref)
                if self.random.random() < 0.3:
                    self.add("order_returned", at + datetime.timedelta(days=9), user, ref=ref)
        if self.random.random() < 0.2:
            self.add("expansion", self.day(), user, amount=self.money(300), currency="EUR")
        if self.random.random() < 0.3:
            due = self.day(10, 90)
            self.add("renewal_due", due - datetime.timedelta(days=30), user, due=stamp(due), ref="k-" + user)
            if self.random.random() < 0.6:
                self.add("renewed", due + datetime.timedelta(days=self.random.randrange(-20, 40)), user, ref="k-" + user)
        if self.random.random() < 0.3:
            self.add("customer_lost", self.day(-20), user, reason="price")
        if self.random.random() < 0.2:
            self.add("benefit", self.day(), user, amount=self.money(90000), currency="EUR")
            if self.random.random() < 0.6:
                self.add("cost", self.day(), user, amount=self.money(40000), currency=self.random.choice(("EUR", "EUR", "USD")), name="account")

    def project_of(self, user):
        at = self.day(-30, 70)
        for name in ("project_started", "kickoff", "onboarded", "first_value", "go_live"):
            if self.random.random() < 0.7:
                due = stamp(at + datetime.timedelta(days=self.random.randrange(-3, 4))) if name == "onboarded" and self.random.random() < 0.6 else None
                self.add("milestone", at, user, name=name, due=due)
            if name == "project_started" and self.random.random() < 0.7:
                self.add("checklist", at + datetime.timedelta(hours=self.random.randrange(99)), user, count=self.random.randrange(15, 21), of=20)
            at += datetime.timedelta(days=self.random.randrange(1, 15), seconds=self.random.randrange(86400))
        if self.random.random() < 0.6:
            bought = self.day(-40, 60)
            self.add("seats_bought", bought, user, count=self.random.randrange(10, 60))
            for _ in range(4):
                bought += datetime.timedelta(days=self.random.randrange(2, 12), seconds=1)
                self.add("seats_active", bought, user, count=self.random.randrange(10))
        for _ in range(self.random.choice((0, 1, 2))):
            reached = self.random.choice((None, True, False))
            value = {"value": self.money(20), "goal": "10"} if reached is None else {"reached": reached}
            self.add("outcome", self.day(), user, name=self.random.choice(("cost", "time")), **value)

    def use_of(self, user):
        for _ in range(self.random.choice((0, 0, 3, 8, 20))):
            if self.random.random() < 0.5:
                self.add("session", self.day(), user, duration_s=f"{self.random.randrange(1, 4000)}.5")
            else:
                self.add("feature_used", self.day(), user, name=self.random.choice(("stock", "reports", "invoices", "export")),
                         count=self.random.choice((None, 2, 5)), key_action=self.random.choice((None, True)))
        for name in ("loyalty", "education"):
            if self.random.random() < 0.3:
                self.add("programme", self.day(), user, name=name, joined=self.random.choice((None, True, False)))
        if self.random.random() < 0.15:
            self.add("referral", self.day(), user)
        if self.random.random() < 0.15:
            self.add("reference", self.day(), user, agreed=self.random.random() < 0.7)
        for _ in range(self.random.choice((0, 0, 1))):
            kind, low, high = self.random.choice((("csat", 1, 5), ("nps", 0, 10), ("ces", 1, 7)))
            self.add("survey", self.day(), user, name=kind, score=self.random.randint(low, high))

    def all(self):
        for i in range(self.customers):
            user = f"c{i}"
            for part in (self.begin, self.money_of, self.project_of, self.use_of):
                part(user)
        for month in ("2026-02-10", "2026-03-10", "2026-04-10"):
            at = datetime.datetime.fromisoformat(month + "T00:00:00+00:00")
            self.add("customer_base", at, count=self.random.randrange(400, 500))
            self.add("cost", at, name="retention.payroll", amount=self.money(5000), currency="EUR")
            self.add("cost", at, name="rent", amount=self.money(5000), currency="EUR")
        for n, made in enumerate(self.lines):
            if n % 3 == 0:
                made["id"] = f"e{n}"
        again = [dict(made) for made in self.lines if self.random.random() < 0.05]
        self.random.shuffle(again)
        return self.lines + again


def written(case, name, made):
    return case.write(name, b"".join(drive.line(**one) for one in made))
