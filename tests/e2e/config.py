#!/usr/bin/env python3
"""The configuration file: strict, merged in the order default, file, command line, and it does what the options do."""
import gzip
import json
import os
import re

from drive import ROOT, Case, convtap, good_conversation, line, main

KEYS = ["format", "format_options", "rules", "handoff_tools", "handoff_phrases", "competitors", "csat_positive_of_5",
        "csat_positive_of_10", "cost_model", "announced", "idle", "idle_by_channel", "idle_person", "idle_cap", "return_window",
        "return_topic", "as_of", "zone", "max_record", "memory", "group_by", "where", "from", "to", "cadence", "compare",
        "segments", "targets", "profile", "lang", "threads", "churn_window", "renewal_window", "onboarding_sla", "kickoff_complete",
        "activation_window", "activation_actions", "trial_length", "usage_interval", "weekly_active_events", "breadth_modules",
        "licence_weeks", "health_weights", "engagement_weights", "labels", "scorecard"]


def shown(text):
    """The scalar keys that `config show` prints: {key: (value, origin)}."""
    found = {}
    for row in text.decode("utf-8").splitlines():
        match = re.match(r"( *[\w' -]+): +(.*?) +# (.*)$", row)
        if match:
            found[match.group(1).strip().strip("'")] = (match.group(2), match.group(3))
    return found


def chat(name, *texts, channel="web", tools=(), gap=5):
    """Message-a-line: customer and bot in turn, `gap` seconds apart; the last one calls the tools."""
    rows = b""
    for n, text in enumerate(texts):
        at = n * gap
        fields = {"conversation_id": name, "user_id": "u-" + name, "channel": channel, "role": "bot" if n % 2 else "user", "text": text,
                  "ts": f"2026-03-{1 + at // 86400:02d}T{at // 3600 % 24:02d}:{at // 60 % 60:02d}:{at % 60:02d}Z"}
        if tools and n == len(texts) - 1:
            fields["tool_calls"] = list(tools)
        rows += line(**fields)
    return rows


class Config(Case):
    def config(self, text, name="convtap.yaml"):
        return self.write(name, text.encode("utf-8"))

    def show(self, *args):
        done = convtap("config", "show", *args)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        return done.out

    def records(self, *args):
        done = convtap("audit", "--conversations", "-", *args)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        return {r["conversation_id"]: r for r in map(json.loads, done.out.splitlines())}

    # ---- show

    def test_every_key_is_shown_with_its_default(self):
        found = shown(self.show())
        self.assertEqual(list(found)[:len(KEYS)], KEYS)
        sections = ["inputs", "sources", "relays", "webhooks", "subscriptions"]
        self.assertEqual([key for key in found if key in sections], sections)
        self.assertEqual(list(found)[-4:], ["severity", "window", "en", "es"])  # alarms: those that convtap came with
        self.assertEqual({origin for _, origin in found.values()}, {"default"})
        self.assertEqual(found["idle_person"][0], "24h")
        self.assertEqual(found["threads"][0], "auto")

    def test_command_line_wins_over_file_wins_over_default(self):
        path = self.config("idle: 10m\nreturn_window: 3d\nidle_by_channel: {whatsapp: 24h, sms: 2h}\n")
        found = shown(self.show("--config", path, "--return-window", "14d", "--idle", "sms=1h", "--idle", "web=5m"))
        self.assertEqual(found["idle"], ("10m", path + ":1"))
        self.assertEqual(found["return_window"], ("14d", "command line"))
        self.assertEqual(found["whatsapp"], ("24h", path + ":3"))
        self.assertEqual(found["sms"], ("1h", "command line"))
        self.assertEqual(found["web"], ("5m", "command line"))
        self.assertEqual(found["idle_cap"], ("30m", "default"))

    def test_what_is_shown_is_a_configuration(self):
        text = ("format: csv\nformat_options: {roles: {'Agente 1': agent}, order: dmy}\nidle_by_channel: {\"it's: #1\": 2h, '': 1h}\n"
                .replace(", '': 1h", "") +
                "targets: {csat: '>= 90', aht: '<= 5m', fcr: none}\nhandoff_tools: [\"it's*\", '*#x']\n"
                "handoff_phrases: ['un momento: \"ya\"']\nas_of: 2026-03-01T00:00:00Z\nlang: es\nthreads: 3\n")
        once = self.show("--config", self.config(text))
        again = self.show("--config", self.write("again.yaml", once))
        strip = lambda shown_text: [re.sub(rb" *# (default|/.*:\d+)$", b"", row) for row in shown_text.splitlines()]
        self.assertEqual(strip(once), strip(again))

    def test_the_page_and_the_example_are_up_to_date(self):
        with open(os.path.join(ROOT, "docs", "configuration.md"), "rb") as f:
            self.assertEqual(f.read(), self.show("--markdown"), "convtap config show --markdown > docs/configuration.md")
        example = os.path.join(ROOT, "docs", "example-config.yaml")
        done = convtap("config", "check", example)
        self.assertEqual(done.status, 0, done.err)
        with open(example, encoding="utf-8") as f:
            keys = re.findall(r"^(\w+):", f.read(), re.M)
        self.assertEqual(sorted(keys), sorted(KEYS), "the example has every key")

    # ---- mistakes

    def test_mistakes_are_named_with_their_place(self):
        for text, place, words in (
                ("formt: csv\n", "1:1", "did you mean 'format'?"),
                ("# x\nidle: 20x\n", "2:7", "not a time"),
                ("idle: 0\n", "1:7", "too short"),
                ("serve:\n  store: no\n", "2:10", "./no is a file of that name"),
                ("idle_by_channel: {web: 1}\n", "1:24", "not a time"),
                ("targets: {cst: '>= 1'}\n", "1:11", "did you mean"),
                ("targets: {csat: 90}\n", "1:17", "not a target"),
                ("targets: {aht: '>= 5m'}\n", "1:16", "bad figures"),
                ("targets: {csat: '>= 1e-9'}\n", "1:17", "not a target"),
                ("format: whatsap\n", "1:9", "whatsapp"),
                ("format: csv\nformat_options: {order: ymdh}\n", "2:25", "dmy"),
                ("format: csv\nformat_options: {bot: Ana}\n", "2:18", "unknown key"),
                ("format_options: {bot: [a;b]}\n", "1:24", "divides"),
                ("handoff_tools: x\n", "1:16", "a list"),
                ("handoff_tools: ['*']\n", "1:17", "every tool"),
                ("handoff_phrases: ['...']\n", "1:19", "no word"),
                ("threads: 0\n", "1:10", "1 to 256"),
                ("engagement_weights: {loyalty: 60, education: 30}\n", "1:31", "90, not 100"),
                ("engagement_weights: {loyalty: 101}\n", "1:31", "0 to 100"),
                ("health_weights: {usage: 5.5, spend: 94.5}\n", "1:25", "0 to 100"),
                ("health_weights: {usge: 100}\n", "1:18", "did you mean 'usage'?"),
                ("usage_interval: hourly\n", "1:17", "daily|weekly|monthly"),
                ("licence_weeks: 5\n", "1:16", "1 to 4"),
                ("lang: fr\n", "1:7", "en or es"),
                ("group_by: weather\n", "1:11", "channel"),
                ("announced: [auto]\n", "1:12", "text"),
                ("max_record: 1Q\n", "1:13", "size"),
                ("as_of: tomorrow\n", "1:8", "newest"),
                ("rules: ''\n", "1:8", "empty"),
                ("idle: 1m\nidle: 2m\n", "2:1", "idle"),
                ("- idle\n", "1:1", "map"),
                ("idle: [\n", "", ""),
                ("idle: \"\\0\"\n", "", "")):
            path = self.config(text)
            for args in (["config", "check", path], ["config", "show", "--config", path], ["audit", "--config", path, "-"]):
                done = convtap(*args, stdin=good_conversation("c"))
                self.survived(done)
                self.assertEqual(done.status, 2, f"{text!r} {args}: {done.err}")
                self.assertIn(f"{path}:{place}", done.err, text)
                self.assertIn(words, done.err, text)
                self.assertEqual(done.out, b"", text)

    def test_all_mistakes_of_a_file_are_named_at_once(self):
        done = convtap("config", "check", self.config("formt: 1\nidle: x\ntargets: {csat: x, zzzzzz: 1}\n"))
        self.assertEqual(done.status, 2)
        self.assertEqual(len(re.findall(r": error: ", done.err)), 4, done.err)

    def test_a_bad_value_is_an_error_though_the_command_line_replaces_it(self):
        done = convtap("config", "show", "--config", self.config("idle: x\n"), "--idle", "5m")
        self.assertEqual(done.status, 2, done.err)

    def test_mistakes_on_the_command_line(self):
        for args in (["--idle", "x"], ["--idle", "=5m"], ["--idle-cap", "0"], ["--format-option", "zone"], ["--format-option", "=x"],
                     ["--format", "csv", "--format-option", "bot=x"], ["--format-option", "order=x"], ["--threads", "257"],
                     ["--threads", "-1"], ["--threads", "99999999999999999999"], ["--max-record", "0"], ["--memory", "1X"], ["--lang", ""],
                     ["--as-of", "2026-13-01"], ["--announced", "maybe"], ["--config", self.path("nowhere.yaml")], ["--config", self.folder],
                     ["--config"]):
            done = convtap("audit", "-", *args, stdin=good_conversation("c"))
            self.survived(done)
            self.assertEqual(done.status, 2, f"{args}: {done.err}")
            self.assertIn(args[0], done.err)

    def test_check_looks_at_what_the_file_names(self):
        self.write("rules/broken.yaml", b"pack: broken\nversion: 1.0.0\nrules:\n  - id: x\n    nonsense: true\n")
        self.write("prices.yaml", b"currency: EUR\nnonsense: 1\n")
        done = convtap("config", "check", self.config("rules: rules\ncost_model: prices.yaml\n"))
        self.survived(done)
        self.assertEqual(done.status, 2)
        self.assertRegex(done.err, r"broken\.yaml:\d+:\d+")
        self.assertRegex(done.err, r"prices\.yaml:2:1")

    # ---- what it does

    def test_same_as_the_options(self):
        source = self.write("a.jsonl", chat("a", "Hola", "¿Qué tal?", "¿Sigues ahí?", "Sí", gap=1200))
        path = self.config("idle: 10m\nidle_cap: 1m\nreturn_window: 1d\ngroup_by: channel\nlang: es\n")
        by_file = convtap("audit", "--json", "--config", path, source)
        by_option = convtap("audit", "--json", "--idle", "10m", "--idle-cap", "1m", "--return-window", "1d", "--group-by", "channel", source)
        plain = convtap("audit", "--json", source)
        self.assertEqual(by_file.out, by_option.out)
        self.assertNotEqual(by_file.out, plain.out)
        self.assertEqual(sum(by_file.json()["outcomes"].values()), 4)
        self.assertEqual(sum(plain.json()["outcomes"].values()), 1)

    def test_idle_cap(self):
        source = self.write("a.jsonl", chat("a", "Hola", "¿Qué tal?", "¿Sigues ahí?", "Sí", gap=600))
        handled = lambda *args: self.records(source, *args)["a"]["handling_s"]["ai"]
        self.assertEqual(handled(), 1800)
        self.assertEqual(handled("--idle-cap", "1m"), 1260)
        self.assertEqual(handled("--config", self.config("idle_cap: 1m\n")), 1260)

    def test_paths_are_relative_to_the_file(self):
        self.write("conf/prices.yaml", b"currency: EUR\nfixed: {per_conversation: 0.25}\n")
        path = self.config("cost_model: prices.yaml\n", "conf/c.yaml")
        source = self.write("a.jsonl", good_conversation("c"))
        self.assertEqual(self.records("--config", path, source)["c"]["cost"], {"amount": "0.25", "currency": "EUR"})

    def test_handoff_tools_and_phrases_are_rules(self):
        source = self.write("a.jsonl", chat("tool", "mi coche", "un momento", tools=["my_transfer_tool"]) +
                            chat("phrase", "mi coche", "Enseguida: le ATIENDE  peritación.") + chat("longer", "mi coche", "le atiende peritaciones"))
        plain = self.records(source)
        path = self.config("handoff_tools: [my_transfer*]\nhandoff_phrases: ['Le atiende Peritación']\n")
        told = self.records("--config", path, source)
        self.assertEqual({k: r["escalated"] for k, r in plain.items()}, {"tool": False, "phrase": False, "longer": False})
        self.assertEqual({k: r["escalated"] for k, r in told.items()}, {"tool": True, "phrase": True, "longer": False})
        self.assertEqual([e["rule"] for e in told["tool"]["evidence"]], ["configuration.handoff_tool@1"])
        self.assertEqual([e["rule"] for e in told["phrase"]["evidence"]], ["configuration.handoff_phrase@1"])
        self.assertNotEqual(plain["tool"]["rules_hash"], told["tool"]["rules_hash"])
        other = self.records("--config", self.config("handoff_tools: [my_transfer_tool]\n"), source)
        self.assertNotEqual(other["tool"]["rules_hash"], told["tool"]["rules_hash"])
        explained = convtap("explain", "tool", "--config", path, source)
        self.assertEqual(explained.status, 0, explained.err)
        self.assertIn(b"configuration.handoff_tool@1", explained.out)

    def test_targets_are_what_figures_are_held_against(self):
        source = self.write("a.jsonl", good_conversation("c"))
        path = self.config("targets: {automation_rate: '>= 12.5 %', aht: '<= 2s', fcr: none}\ngroup_by: channel\n")
        done = convtap("audit", "--json", "--config", path, source)
        self.assertEqual(done.status, 0, done.err)
        kpis = {k["id"]: k for k in done.json()["kpis"]}
        self.assertEqual((kpis["automation_rate"]["target"], kpis["automation_rate"]["status"]), ([">=", 12.5], "met"))
        self.assertEqual((kpis["aht"]["target"], kpis["aht"]["status"]), (["<=", 2.0], "missed"))
        self.assertEqual([(s["target"], s["status"]) for s in kpis["aht"]["slices"]], [(["<=", 2.0], "missed")])
        self.assertIsNone(kpis["fcr"].get("target"))

    def test_who_is_the_bot(self):
        self.write("chat.txt", "\n".join(["12/03/2026, 10:00 - Lucía: hola", "12/03/2026, 10:01 - Nube Virtual: dime",
                                          "12/03/2026, 10:02 - Marta: soy Marta, te ayudo yo"]).encode("utf-8") + b"\n")
        path = self.config("format: whatsapp\nformat_options: {order: dmy, bot: ['Nube*'], agent: [Marta], customer: [Lucía]}\n")
        counts = [r["counts"] for r in self.records("--config", path, self.path("chat.txt")).values()]
        self.assertEqual([(c["user"], c["bot"], c["agent"]) for c in counts], [(1, 1, 1)])

    # ---- the live tap

    def checked(self, text, status=2, env=None):
        path = self.config(text)
        done = convtap("config", "check", path, env=env)
        self.survived(done)
        self.assertEqual(done.status, status, done.err)
        return done.err.replace(path, "FILE")

    def secret(self, name, content=b"0123456789abcdef", mode=0o600):
        path = self.write(name, content)
        os.chmod(path, mode)
        return path

    def starts(self, *arguments):
        """first message's time of each conversation"""
        done = convtap("audit", "--conversations", "-", *arguments)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        return {r["conversation_id"]: r["started_at"] for r in map(json.loads, done.out.splitlines())}

    def test_each_table_has_its_own_columns(self):
        """Two tables of other people's names, dates in another order: told by the file's name, whatever the order of files."""
        ours = self.write("crm-march.csv", "Case,Body,Who,When\nc1,hola,Cliente,03/04/2026 10:00\nc1,buenas,Robot,03/04/2026 10:01\n".encode())
        packed = self.write("old/crm-march.csv.gz", gzip.compress(b"Case,Body,Who,When\nc2,hola,Cliente,05/06/2026 10:00\n"))
        theirs = self.write("us.csv", b"Ticket;Text;Author;Date\nt1;hello;Customer;03/04/2026 10:00\nt1;hi;Bot;03/04/2026 10:01\n")
        path = self.config("format: csv\ninputs:\n"
                           "  - {files: '*.csv', options: {order: dmy, map: {conversation_id: Case, text: Body, role: Who, ts: When}}}\n"
                           "  - {files: 'crm-*.csv', options: {roles: {Cliente: user, Robot: bot}}}\n"
                           "  - {files: us.csv, options: {order: mdy, map: {conversation_id: Ticket, text: Text, role: Author, ts: Date}}}\n")
        want = {"c1": "2026-04-03T10:00:00Z", "c2": "2026-06-05T10:00:00Z", "t1": "2026-03-04T10:00:00Z"}
        for paths in ((ours, packed, theirs), (theirs, packed, ours)):
            self.assertEqual(self.starts("--config", path, *paths), want)
        # the command line comes last; a folder's name tells one from the other
        self.assertEqual(self.starts("--config", path, "--format-option", "old/*.csv:order=mdy", ours, packed, theirs),
                         {**want, "c2": "2026-05-06T10:00:00Z"})
        self.assertEqual(self.starts("--config", path, "--format-option", packed + ":order=mdy", ours, packed, theirs),
                         {**want, "c2": "2026-05-06T10:00:00Z"})

    def test_a_format_by_name(self):
        talk = self.write("talk.log", b"user: hello\nassistant: hi\n")
        other = self.write("talk.jsonl", line(conversation_id="j", messages=[{"role": "user", "text": "hola"}]))
        path = self.config("inputs: [{files: '*.log', format: text}]\n")
        self.assertEqual(sorted(self.starts("--config", path, talk, other)), ["j", "talk.log#1"])

    def test_mistakes_in_names_of_inputs(self):
        table = self.write("a.csv", b"conversation_id,text,role\nc1,hola,user\n")
        for option, says in (("b*.csv:order=dmy", "none of the inputs has that name"), ("a.csv:ordr=dmy", 'no option "ordr"'),
                             ("a.csv:order=ymdh", "none of dmy"), (":order=dmy", "it is empty")):
            done = convtap("audit", "--format-option", option, table)
            self.assertEqual(done.status, 2, option)
            self.assertIn(says.replace("no option", "no format has an option"), done.err)
        for text, place, says in (("inputs:\n  - {format: csv}\n", "2:5", '"files" is needed'),
                                  ("inputs:\n  - {files: a, options: {nope: 1}}\n", "2:26", "unknown key 'nope'"),
                                  ("inputs:\n  - {files: b, format: whatsapp, options: {map: {a: b}}}\n", "2:44", "unknown key 'map'"),
                                  ("inputs: {files: a}\n", "1:9", "list")):
            path = self.config(text)
            done = convtap("audit", "--config", path, table)
            self.assertEqual(done.status, 2, text)
            self.assertIn(f"{path}:{place}", done.err)
            self.assertIn(says, done.err)
        path = self.config("inputs: [{files: elsewhere.csv, options: {order: dmy}}]\n")  # for another day
        self.assertEqual(convtap("audit", "--config", path, table).status, 0)

    def test_sections_are_shown_as_a_configuration(self):
        self.secret("hook.secret")
        text = ("serve:\n  tape: {folder: t, keep: 0}\n  slices: [bot]\n  desk: {listen: '127.0.0.1:0', origins: ['https://a.example']}\n"
                "sources:\n  web.chat: {channel: web}\n  wa: {format: csv, options: {roles: {Agente: agent}}}\n  bare:\n"
                "relays:\n  - {source: web.chat, listen: 'unix:/tmp/x', upstream: 'gw:3000', read: [events], paths: [/ws, /chat]}\n"
                "webhooks:\n  - {source: wa, signature: secret, secret_file: hook.secret, verify_token_env: HOOK_TOKEN}\n"
                "subscriptions:\n  - {source: bare, kind: socketio, url: 'wss://gw.example/socket.io/'}\n")
        done = convtap("config", "show", "--config", self.config(text), env={"HOOK_TOKEN": "very-secret-token"})
        self.assertEqual(done.status, 0, done.err)
        self.assertNotIn(b"very-secret-token", done.out)
        self.assertNotIn(b"0123456789abcdef", done.out)
        self.assertRegex(done.out.decode(), r"verify_token_env: HOOK_TOKEN +# .*convtap.yaml:\d+ \(set\)")
        again = self.show("--config", self.write("again.yaml", done.out))
        strip = lambda shown_text: [re.sub(rb" *# .*$", b"", row) for row in shown_text.splitlines()]
        self.assertEqual(strip(done.out), strip(again))
        self.assertRegex(done.out.decode(), r"folder: " + re.escape(self.path("t")))

    def test_every_mistake_of_the_live_tap_at_once(self):
        err = self.checked("serve:\n  tpae: {}\n  tick: 5h\n  tape: {compress: maybe, commit_frames: -1}\n  intake: {listen: here}\n"
                           "  slices: [colour]\nsources:\n  'a b': {}\n  ok: {format: nope, options: {}}\nrelays:\n  - {source: other, listen: '127.0.0.1:99999'}\n"
                           "  - {source: ok}\nwebhooks:\n  - {source: ok, signature: sha}\nsubscriptions: {}\n")
        for place in ["FILE:2:3: error: ", "FILE:3:9: error: tick", "FILE:4:20: error: compress", "FILE:4:42: error: commit_frames",
                      "FILE:5:20: error: listen", "FILE:6:12: error: slices", "FILE:8:3: error: ", "FILE:9:16: error: format",
                      "FILE:11:29: error: listen", "FILE:12:5: error: relays: the key \"listen\"", "FILE:12:5: error: relays: the key \"upstream\"",
                      "FILE:11:14: error: there is no source \"other\"", "FILE:14:29: error: signature", "FILE:15:16: error: "]:
            self.assertIn(place, err)
        self.assertNotIn("FILE:11:5", err)
        self.assertIn("14 errors in the configuration", err)
        self.assertIn("did you mean", err.split("FILE:2:3")[1].split("\n")[0])

    def test_two_that_want_one_address(self):
        err = self.checked("serve: {intake: {listen: '127.0.0.1:7000'}}\nsources: {a: {}}\n"
                           "relays:\n  - {source: a, listen: '0.0.0.0:7000', upstream: 'gw:1'}\n  - {source: a, listen: 'localhost:7802', upstream: 'gw:1'}\n")
        self.assertIn("FILE:4:25: error: 0.0.0.0:7000: the intake listens there already", err)
        self.assertIn("FILE:5:25: error: localhost:7802: the desk listens there already", err)
        self.checked("serve: {intake: {listen: '127.0.0.1:0'}, desk: {listen: '127.0.0.1:0'}}\n", status=0)

    def test_beyond_this_machine_only_with_tokens(self):
        text = "serve: {desk: {listen: '0.0.0.0:7802'}}\n"
        self.assertIn("FILE:1:24: error: 0.0.0.0:7802 can be reached from other machines", self.checked(text))
        self.checked(text, status=0, env={"CONVTAP_TOKENS": "me read 0123456789abcdef"})
        self.assertIn("open: yes is for", self.checked("serve: {desk: {listen: '0.0.0.0:7802', open: yes}}\n",
                                                       env={"CONVTAP_TOKENS": "me read 0123456789abcdef"}))
        err = self.checked("serve: {tokens: t}\n")
        self.assertRegex(err, r"FILE:1:17: error: tokens: .*")

    def test_secrets(self):
        def hook(keys):
            return "sources: {a: {}}\nwebhooks:\n  - {source: a, signature: whatsapp, %s}\n" % keys
        self.secret("s", mode=0o604)
        err = self.checked(hook("secret_file: s"))
        self.assertIn("chmod o-rwx", err)
        self.secret("s", b"one-secret-in-a-file\nits-successor\n")
        self.checked(hook("secret_file: s"), status=0)
        self.secret("s", b"\n")
        self.assertIn("is empty", self.checked(hook("secret_file: s")))
        self.assertIn("not set", self.checked(hook("secret_env: NOT_THERE")))
        self.checked(hook("secret_env: HOOK"), status=0, env={"HOOK": "abcdefghijklmnop"})
        self.assertIn("one of them", self.checked(hook("secret_env: HOOK, secret_file: s"), env={"HOOK": "abcdefghijklmnop"}))
        self.assertIn("needs secret_file or secret_env", self.checked(hook("forward: 'http://127.0.0.1:1/'")))
        err = self.checked(hook("secret: abcdefghijklmnop"))
        self.assertIn("FILE:3:", err)
        self.assertNotIn("abcdefghijklmnop", err)
        self.assertIn("a password has no place", self.checked(hook("secret_env: HOOK, forward: 'http://me:pw@h/'"), env={"HOOK": "abcdefghijklmnop"}))

    def test_audit_is_as_strict_about_the_live_tap(self):
        source = self.write("a.jsonl", good_conversation("c"))
        done = convtap("audit", "--config", self.config("serve: {tick: never}\n"), source)
        self.survived(done)
        self.assertEqual(done.status, 2)
        self.assertIn("1:15: error: tick", done.err)

    # ---- the manual page

    def test_manual_page(self):
        done = convtap("help", "--man")
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        page = done.out.decode("utf-8")
        for word in [".TH CONVTAP 1", "convtap audit", "convtap rules check", "convtap config show", r"\fB\-\-idle\-cap\fR", r"\fBhandoff_tools\fR"]:
            self.assertIn(word, page)
        self.assertIsNone(re.search(r"^[.'](?!(TH|SH|SS|TP|PP|B|nf|fi)\b)", page, re.M))


if __name__ == "__main__":
    main()
