#!/usr/bin/env python3
"""Where one conversation ends and the next begins, what is a copy, what explain says: on inputs small enough to know by heart."""
import gzip
import json
import os
import random
import subprocess

from drive import PROGRAM, Case, convtap, line, main


def at(minutes, day=1):
    """Minutes after ten o'clock, as RFC 3339."""
    seconds = round(minutes * 60)
    return f"2026-03-{day + (10 * 3600 + seconds) // 86400:02d}T{(10 * 3600 + seconds) // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"


def said(name, role, minutes, text=None, **more):
    """One message a line."""
    fields = {"conversation_id": name, "user_id": "u-" + name, "role": role}
    if minutes is not None:
        fields["ts"] = at(minutes)
    if text is not None:
        fields["text"] = text
    return line(**fields, **more)


class Conversations(Case):
    def records(self, *inputs, options=(), status=0):
        out = self.path("records.jsonl")
        done = convtap("audit", "--json", *options, "--conversations", out, *inputs)
        self.survived(done)
        self.assertEqual(done.status, status, done.err)
        self.answer, self.err = done.json(), done.err
        with open(out, "rb") as f:
            self.bytes = f.read()
        return [json.loads(row) for row in self.bytes.splitlines()]

    def sessions(self, *rows, options=(), status=0):
        """How many messages of the customer, the bot and a person each session has."""
        records = self.records(self.write("in.jsonl", b"".join(rows)), options=options, status=status)
        return [(r.get("session", 1), r["counts"]["user"], r["counts"]["bot"], r["counts"]["agent"]) for r in records]

    # ---- where a conversation ends

    def test_half_an_hour_of_silence(self):
        rows = [said("c", "user", 0, "hola"), said("c", "bot", 1, "dime"), said("c", "user", 31, "mi pedido")]
        self.assertEqual(self.sessions(*rows), [(1, 2, 1, 0)])  # 30 min: still the same
        rows[2] = said("c", "user", 31.1, "mi pedido")
        self.assertEqual(self.sessions(*rows), [(1, 1, 1, 0), (2, 1, 0, 0)])
        self.assertEqual(self.sessions(*rows, options=("--idle", "31m")), [(1, 2, 1, 0)])

    def test_idle_by_channel(self):
        rows = [said(name, "user", minute, "hola", channel=channel)
                for name, channel in (("w", "whatsapp"), ("e", "web")) for minute in (0, 20)]
        options = ("--idle", "whatsapp=1h", "--idle", "10m")
        self.assertEqual(sorted(self.sessions(*rows, options=options)), [(1, 1, 0, 0), (1, 2, 0, 0), (2, 1, 0, 0)])

    def test_waiting_for_a_person(self):
        """Who waits for a person is still there hours later; a day later no more."""
        ask = [said("c", "user", 0, "quiero hablar con una persona"), said("c", "bot", 1, "De acuerdo.")]
        self.assertEqual(self.sessions(*ask, said("c", "agent", 600, "Soy Ana")), [(1, 1, 1, 1)])
        self.assertEqual(self.sessions(*ask, said("c", "agent", 1442, "Soy Ana")), [(1, 1, 1, 0), (2, 0, 0, 1)])
        self.assertEqual(self.sessions(*ask, said("c", "agent", 600, "Soy Ana"), options=("--idle-person", "2h")),
                         [(1, 1, 1, 0), (2, 0, 0, 1)])

    def test_closed_and_written_again(self):
        begin = [said("c", "user", 0, "hola"), said("c", "bot", 1, "dime"), said("c", "system", 2, event={"type": "close"})]
        self.assertEqual(self.sessions(*begin, said("c", "user", 3, "otra cosa")), [(1, 1, 1, 0), (2, 1, 0, 0)])
        self.assertEqual(self.sessions(*begin, said("c", "bot", 3, "gracias por escribir")), [(1, 1, 2, 0)])
        # who closes twice opens nothing
        self.assertEqual(self.sessions(*begin, said("c", "user", 3, event={"type": "close", "by": "user"})), [(1, 1, 1, 0)])
        # reopened by the platform: the same one
        reopened = [*begin, said("c", "system", 600, event={"type": "reopen"}), said("c", "user", 601, "sigue igual")]
        self.assertEqual(self.sessions(*reopened), [(1, 2, 1, 0)])

    def test_survey_answered_after_the_close(self):
        rows = [said("c", "user", 0, "hola"), said("c", "bot", 1, "Llega hoy."),
                said("c", "bot", 2, "Del 1 al 5, ¿cómo valoras la atención?"), said("c", "system", 2, event={"type": "close"})]
        # soon, or hours later: the score is of this conversation; what comes then is another one
        for minutes in (3, 300):
            answered = [*rows, said("c", "user", minutes, "4"), said("c", "user", minutes + 1, "otra cosa: mi factura")]
            self.assertEqual(self.sessions(*answered), [(1, 2, 2, 0), (2, 1, 0, 0)])
            records = {r.get("session", 1): r for r in self.records(self.path("in.jsonl"))}
            self.assertEqual(records[1]["csat"]["score"], 4)
            self.assertIsNone(records[2]["csat"])
        # hours later and no score: nobody answered
        self.assertEqual(self.sessions(*rows, said("c", "user", 300, "quiero cambiar de tarifa")), [(1, 1, 2, 0), (2, 1, 0, 0)])

    def test_a_late_fact_moves_no_end(self):
        """Feedback days later belongs to the conversation, and the customer's next message still begins another."""
        rows = [said("c", "user", 0, "hola"), said("c", "bot", 1, "Llega hoy."),
                said("c", "system", 3000, event={"type": "feedback", "kind": "csat", "value": 5, "scale": 5}),
                said("c", "user", 3001, "otra cosa")]
        self.assertEqual(self.sessions(*rows), [(1, 1, 1, 0), (2, 1, 0, 0)])
        # a remark of the system after the silence opens nothing; one right before the customer does
        rows[2] = said("c", "system", 60, "El cliente se ha desconectado")
        self.assertEqual(self.sessions(*rows), [(1, 1, 1, 0), (2, 1, 0, 0)])
        first = min(self.records(self.path("in.jsonl")), key=lambda r: r["started_at"])
        self.assertEqual(first["ended_at"], at(60))
        rows[2] = said("c", "system", 2999, "El cliente ha vuelto")
        self.assertEqual(self.sessions(*rows), [(1, 1, 1, 0), (2, 1, 0, 0)])
        last = max(self.records(self.path("in.jsonl")), key=lambda r: r["started_at"])
        self.assertEqual(last["started_at"], at(2999))

    def test_whole_in_its_source(self):
        """A conversation a line is taken at its word, whatever the silence in it."""
        row = line(conversation_id="c", messages=[{"role": "user", "text": "a", "ts": at(0)}, {"role": "user", "text": "b", "ts": at(9000)}])
        self.assertEqual(self.sessions(row), [(1, 2, 0, 0)])

    # ---- order, copies

    def chat(self, name, seed):
        chance = random.Random(seed)
        rows, minute = [], chance.randrange(600)
        for turn in range(12):
            minute += chance.choice((0.05, 0.5, 2, 45))
            rows.append(said(name, ("user", "bot")[turn % 2], minute, chance.choice(
                ("hola", "gracias", "no me sirve", "perdona, no te he entendido", "¿algo más?", "quiero hablar con una persona"))))
        return rows

    def test_any_order_of_lines(self):
        rows = [row for n in range(30) for row in self.chat(f"c{n}", n)]
        self.records(self.write("in.jsonl", b"".join(rows)))
        want = self.bytes
        for seed in (1, 2):
            random.Random(seed).shuffle(rows)
            self.records(self.write("in.jsonl", b"".join(rows)), options=("--threads", 2, "--memory", "64K"))
            self.assertEqual(self.bytes, want)
        # across files, packed, from standard input
        half = len(rows) // 2
        packed = self.write("b/x.jsonl.gz", gzip.compress(b"".join(rows[:half])))
        self.records(packed, self.write("a/y.jsonl", b"".join(rows[half:])), options=("--threads", 7))
        self.assertEqual(self.bytes, want)
        done = convtap("audit", "--conversations", "-", "-", stdin=b"".join(rows))
        self.assertEqual(done.out, want)

    def test_the_same_twice(self):
        rows = b"".join(row for n in range(5) for row in self.chat(f"c{n}", n))
        whole = b"".join(line(conversation_id=f"w{n}", messages=[{"role": "user", "text": "hola"}, {"role": "bot", "text": "dime"}])
                         for n in range(4))
        loose = b"".join(said("n", role, None, "ok") for role in ("user", "user", "bot"))
        source = self.write("in.jsonl", rows + whole + loose)
        self.records(source)
        want = self.bytes
        self.assertEqual(self.answer["drops"], {})
        # by two paths: one file
        os.symlink(source, self.path("link.jsonl"))
        self.records(source, self.path("link.jsonl"), self.folder + "/./in.jsonl")
        self.assertEqual(self.bytes, want)
        self.assertEqual(len(self.answer["inputs"]), 1)
        os.unlink(self.path("link.jsonl"))
        # a copy: every message twice, and each counted as what it is
        copy = self.write("copy.jsonl", rows + whole + loose)
        for threads in (1, 7):
            self.records(source, copy, options=("--threads", threads))
            self.assertEqual(self.bytes, want)
            self.assertEqual(self.answer["drops"], {"duplicate_conversation": 4, "duplicate_message": 60 + 3})

    def test_a_message_again_after_the_close(self):
        """A copy that comes in after the close, at the same second, opens no second session."""
        row = [said("c", "user", 0, "hola"), said("c", "system", 0, event={"type": "close"})]
        one, two = self.write("a.jsonl", b"".join(row)), self.write("b.jsonl", b"".join(row))
        self.assertEqual(len(self.records(one, two)), 1)
        self.assertEqual(self.answer["drops"], {"duplicate_message": 2})

    def test_tenants_do_not_share(self):
        rows = [line(conversation_id="c", user_id="u", tenant=tenant, role="user", text="hola", ts=at(minute))
                for tenant in ("a", "b") for minute in (0, 1)]
        self.assertEqual(sorted((r["tenant"], r["counts"]["user"]) for r in self.records(self.write("in.jsonl", b"".join(rows)))),
                         [("a", 2), ("b", 2)])

    # ---- limits

    def test_too_many_messages(self):
        rows = [said("c", "user", n / 60000, "x") for n in range(3)]
        body = b"".join(b'{"conversation_id":"c","role":"user","ts":"2026-03-01T10:%02d:%02d.%03dZ","text":"x"}\n'
                        % (n // 60000, n // 1000 % 60, n % 1000) for n in range(100007))
        records = self.records(self.write("in.jsonl", body + b"".join(said("c", "user", 600, "otra vez") for _ in rows[:1])), status=1)
        self.assertEqual([r["counts"]["user"] for r in records], [100000, 1])
        self.assertEqual(self.answer["drops"], {"conversation_too_long": 1})
        self.assertRegex(self.err, r"conversation_too_long: 7 messages")

    def test_many_tool_calls(self):
        """The call that counts may be the last of a thousand."""
        calls = ["look_up"] * 1023 + ["transfer_to_human_agents"]
        row = [said("c", "user", 0, "hola"), said("c", "bot", 1, "voy", tool_calls=calls)]
        self.assertTrue(self.records(self.write("in.jsonl", b"".join(row)))[0]["escalated"])

    def test_a_giant_text(self):
        text = "palabra " * 1300000
        row = [said("c", "user", 0, "quiero hablar con una persona " + text), said("c", "bot", 1, "ok"), said("c", "user", 2, text + "gracias")]
        record = self.records(self.write("in.jsonl", b"".join(row)))[0]
        self.assertTrue(record["escalation"]["requested"])
        done = convtap("explain", "c", self.path("in.jsonl"))
        self.survived(done)
        self.assertEqual(done.status, 0)
        self.assertLess(len(done.out), 20000)

    def test_strange_times(self):
        rows = [line(conversation_id=name, role="user", text="hola", ts=ts) for name, ts in (
            ("c", "0001-01-01T00:00:00Z"), ("c", "9999-12-31T23:59:59.999999Z"), ("d", "9999-12-31T23:59:59Z"), ("d", "0000-01-01T00:00:00+14:00"))]
        self.assertEqual(len(self.records(self.write("in.jsonl", b"".join(rows)))), 4)

    def test_lines_are_numbered_through(self):
        """A refusal names its line, however long the lines before it were and in whatever piece it stands."""
        filler = b"".join(said("c", "user", n / 100, "x" * 200) for n in range(9000))  # over a piece
        rows = filler + b"x" * (3 << 20) + b"\n" + said("c", "user", 99, "a") + b"bad\n" + filler + b"y" * (3 << 20) + b"\nbad\n"
        want = ["9001", "9003", "18004", "18005"]
        for threads in (1, 7):
            done = convtap("audit", "--json", "--max-record", "1M", "--threads", threads, self.write("in.jsonl", rows))
            self.assertEqual(done.status, 1, done.err)
            got = [row.split(":")[1].split(" ")[0] for row in done.err.splitlines() if "in.jsonl" in row]
            self.assertEqual(got, want, done.err)

    def test_a_long_first_line(self):
        """A first line beyond what detection looks at: the file is still one of lines, and each keeps its number."""
        rows = [said("c", "user", n, "x" * 90000) for n in range(20)]
        body = b"".join(row + b"bad\n" for row in rows)
        for threads in (1, 7):
            done = convtap("audit", "--json", "--threads", threads, self.write("in.jsonl", body))
            self.assertEqual(done.status, 1, done.err)
            self.assertEqual(done.json()["inputs"][0]["messages"], 20)
            got = [row.split(":")[1].split(" ")[0] for row in done.err.splitlines() if "in.jsonl" in row]
            self.assertEqual(got, [str(2 * n + 2) for n in range(20)])

    def test_a_zstandard_block(self):
        """A block larger than what is read at once is not taken for a cut."""
        rows = b"".join(said("c", "user", n / 100, f"hola {n}") for n in range(900))
        source = self.write("in.jsonl", rows)
        try:
            subprocess.run(["zstd", "-q", "--no-check", source, "-o", self.path("in.zst")], check=True)
        except FileNotFoundError:
            self.skipTest("no zstd program here")
        self.assertGreater(len(rows), 65536)
        self.assertEqual(self.records(self.path("in.zst"))[0]["counts"]["user"], 900)
        with open(self.path("in.zst"), "rb") as f:
            cut = self.write("cut.zst", f.read()[:-20])
        self.records(cut, status=1)
        self.assertEqual(self.answer["drops"].get("truncated"), 1)

    def test_a_folder_that_holds_itself(self):
        self.write("in/a.jsonl", said("c", "user", 0, "hola"))
        for name in ("x", "y"):
            os.symlink(self.path("in"), self.path("in", name))
        self.assertEqual(len(self.records(self.path("in"))), 1)
        self.assertEqual(len(self.answer["inputs"]), 1)

    # ---- no room

    def test_no_room_for_temporary_files(self):
        """Where memory ends and TMPDIR cannot be written, that is said, with status 3."""
        source = self.write("in.jsonl", b"".join(row for n in range(4000) for row in self.chat(f"c{n}", n)))
        for options in (("--memory", "64K"), ("--memory", "64K", "--conversations", self.path("out"))):
            for threads in (1, 7):
                done = convtap("audit", "--json", "--threads", threads, *options, source, env={"TMPDIR": self.path("nowhere")})
                self.survived(done)
                self.assertEqual(done.status, 3, done.err)
                self.assertIn("TMPDIR", done.err)
        self.assertFalse(os.path.exists(self.path("out")))
        # the same file, too large to be written there: the limit on a file's size stands for a full disk
        limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 64; exec "$@"', "sh"]
        done = convtap("audit", "--json", "--memory", "64K", source, before=limited)
        self.survived(done)
        self.assertEqual(done.status, 3, done.err)

    def test_everything_through_the_temporary_file(self):
        source = self.write("in.jsonl", b"".join(row for n in range(3000) for row in self.chat(f"c{n}", n)))
        self.records(source)
        want = self.bytes
        for threads in (1, 2, 7):
            self.records(source, options=("--memory", "64K", "--threads", threads))
            self.assertEqual(self.bytes, want)


class Explain(Case):
    ROWS = [
        said("shop-7", "user", 0, "¿Dónde está mi pedido 4471?", channel="web"),
        said("shop-7", "bot", 0.1, "Perdona, no te he entendido."),
        said("shop-7", "user", 0.5, "quiero hablar con una persona"),
        said("shop-7", "bot", 0.6, "Tu pedido llega hoy."),
        said("shop-7", "user", 1, "gracias"),
    ]

    def setUp(self):
        super().setUp()
        self.source = self.write("in.jsonl", b"".join(self.ROWS))

    def explain(self, *args, status=0, env=None):
        done = convtap("explain", *args, env=env)
        self.survived(done)
        self.assertEqual(done.status, status, done.err)
        return " ".join(done.out.decode("utf-8").split())  # wrapping is the terminal's affair

    def test_what_decided_and_what_lost(self):
        text = self.explain("shop-7", self.source)
        self.assertIn("Conversation shop-7", text)
        self.assertRegex(text, r'"hablar con una persona" asks for a person: user\.human_request by es\.human_request\.\S+@\d')
        self.assertRegex(text, r'"no te he entendido" the bot did not understand: bot\.fallback by es\.fallback\S*@\d')
        self.assertIn("Outcome escalation_failed: a person was asked for or announced, and none came", text)
        self.assertRegex(text, r'Because message 3, "hablar con una persona" asks for a person')
        self.assertIn("resolved_implied message 5 speaks for it, but escalation_failed comes first in the order", text)
        self.assertIn("escalated no person took part", text)
        self.assertIn("Resolved no", text)

    def test_from_records(self):
        out = self.path("records.jsonl")
        self.assertEqual(convtap("audit", "--conversations", out, self.source).status, 0)
        text = self.explain("shop-7", "--records", out)
        self.assertRegex(text, r"message 3, bytes 7-29: user\.human_request by es\.human_request\.\S+@\d, es@")
        self.assertIn("Outcome escalation_failed:", text)
        self.assertRegex(text, r"Because message 3, bytes 7-29: user\.human_request")
        self.assertIn("resolved_implied message 5 speaks for it, but escalation_failed comes first in the order", text)
        # --json gives the record itself, from either
        with open(out, "rb") as f:
            record = f.read()
        self.assertEqual(convtap("explain", "shop-7", "--json", "--records", out).out, record)
        self.assertEqual(convtap("explain", "shop-7", "--json", self.source).out, record)
        self.explain("shop-8", "--records", out, status=1)
        self.explain("shop-7", "--records", self.path("nowhere"), status=2)
        # a record file that is none, and lines that are none
        odd = self.write("odd.jsonl", b'{"shop-7":\n{"conversation_id":"shop-7","evidence":7,"decided_by":[1,{"evidence":1e99}],"beaten":{"a":1}}\n' + record)
        self.assertIn("escalation_failed", self.explain("shop-7", "--records", odd, status=1))

    def test_no_such_conversation(self):
        self.explain("shop-8", self.source, status=1)

    def test_a_bad_line_beside_it(self):
        self.write("in.jsonl", b"".join(self.ROWS) + b"bad\n")
        self.assertIn("escalation_failed", self.explain("shop-7", self.source, status=1))

    def test_each_session_has_its_own_messages(self):
        rows = self.ROWS + [said("shop-7", "user", 2000, "obrigado, tudo certo")]
        text = self.explain("shop-7", self.write("in.jsonl", b"".join(rows)))
        one, two = text.split("Conversation shop-7, session 2")
        self.assertNotIn("obrigado", one)
        self.assertIn("obrigado", two)

    def test_one_id_three_conversations(self):
        """The same id a line three times: two of them are one; each is shown with its own messages."""
        lines = [line(conversation_id="c", messages=[{"role": "user", "text": word}, {"role": "bot", "text": "hm"}]) for word in ("uno", "dos", "uno")]
        text = self.explain("c", self.write("in.jsonl", b"".join(lines)))
        self.assertEqual((text.count("uno"), text.count("dos"), text.count("Conversation c")), (1, 1, 2))

    def test_nothing_steers_the_terminal(self):
        row = said("c", "user", 0, "a\x1b[2Jb\x07c\u202ed\u009be")
        done = convtap("explain", "c", self.write("in.jsonl", row))
        self.assertEqual(done.status, 0)
        text = done.out.decode("utf-8")
        for bad in ("\x1b", "\x07", "\u202e", "\u009b"):
            self.assertNotIn(bad, text)
        self.assertIn("a\ufffd[2Jb\ufffdc\ufffdd\ufffde", text)

    def test_it_fits_the_page(self):
        row = said("c", "user", 0, "palabra " * 200) + said("c", "bot", 1, "x" * 300 + " y\nz")
        done = convtap("explain", "c", self.write("in.jsonl", row))
        for text in done.out.decode("utf-8").splitlines():
            self.assertTrue(len(text) <= 100 or "xxx" in text, text)


if __name__ == "__main__":
    main()
