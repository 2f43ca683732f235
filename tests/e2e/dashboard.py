#!/usr/bin/env python3
"""The dashboard in a real browser, in front of a real tap: a tile for every KPI of the catalogue, what the API says on it, what
happens as it happens, both languages, tokens, and nothing from customers read as markup. Skipped where no Chromium is installed."""
import http.client
import json
import os
import sys
import tempfile
import urllib.parse

import browser
from api import CONFIG, conversation
from drive import SKIPPED, Case, main
from tap import Tap, eventually

HOSTILE = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>'
TURNED = "we\u202eb"  # what stands behind it is read from the right, where nothing keeps it apart
TOKEN = "a-token-of-the-desk-0001"
TILES = "[...document.querySelectorAll('#families [data-kpi]')].map((e) => e.dataset.kpi)"


class Dashboard(Case):
    def setUp(self):
        super().setUp()
        self.tap = self.browser = None
        self.addCleanup(lambda: self.tap and self.tap.kill())
        self.addCleanup(lambda: self.browser and self.browser.close())

    def start(self, extra="", tokens=None, dashboard="yes"):
        config = CONFIG.replace("  tick:", f"  dashboard: {dashboard}\n  alarm_every: 200ms\n  tick:") + extra
        if tokens:
            path = self.write("tokens", tokens)
            os.chmod(path, 0o600)
            config = config.replace("  tick:", "  tokens: tokens\n  tick:")
        self.tap = Tap("--config", self.write("convtap.yaml", config.encode()), folder=self.folder)
        self.home = self.tap.address("desk") + "/"

    def look(self, languages="en"):
        profile = tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        self.addCleanup(profile.cleanup)
        self.browser = browser.Browser(profile.name, languages)
        self.browser.open(self.home)
        return self.browser

    def text(self, selector):
        return self.browser.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def clean(self):
        """No complaint of the page, and nothing asked of anybody else."""
        self.assertEqual(self.browser.complaints, [])
        for address in self.browser.asked + self.browser.sockets:
            if address.startswith("data:"):  # the browser's own picture in a field
                continue
            self.assertEqual(urllib.parse.urlsplit(address).netloc, urllib.parse.urlsplit(self.home).netloc, address)

    def test_what_a_person_sees(self):
        self.start("default_alarms: no\nalarms:\n  held: {when: containment_rate > 1, at_least: 5, action: {en: Look at them., es: Mírelas.}}\n")
        first = [conversation(n) for n in range(6)]
        first[1]["conversation_id"] = first[1]["user_id"] = HOSTILE
        first[1]["channel"] = "<b>web</b>"
        first[3]["channel"] = TURNED
        self.tap.push("chat", *first)
        self.tap.ask("intake", "/ingest/chat", b"{no\n", {"Content-Type": "application/x-ndjson"})  # refused, and named below
        eventually(lambda: len(self.tap.get("/api/v1/conversations")["conversations"]) == 6, "six stored")
        page = self.look()
        page.sees("document.querySelectorAll('#families .tile').length > 50")
        catalogue = self.tap.get("/api/v1/kpis/catalogue")
        heads = [kpi["id"] for kpi in catalogue["kpis"] if not kpi["parent"]]
        self.assertEqual(sorted(page.run(TILES)), sorted(heads))

        # A value on the page is the API's; one without says why.
        own = {kpi["id"]: kpi for kpi in self.tap.get("/api/v1/kpis?window=today")["kpis"]}
        rate = own["automation_rate"]
        self.assertEqual(self.text("[data-kpi=automation_rate] .big"), f"{rate['value']:.1f} %")
        self.assertIn(f"between {rate['low']:.1f} % and {rate['high']:.1f} %", self.text("[data-kpi=automation_rate]"))
        self.assertIn(f"{rate['numerator']} of {rate['denominator']}", self.text("[data-kpi=automation_rate]"))
        self.assertEqual(self.text("[data-kpi=fcr] .big"), "–")
        self.assertIn("choose days", self.text("[data-kpi=fcr]"))
        tiles = self.text("#families")
        for reason in {kpi["reason"] for kpi in own.values() if kpi.get("reason")}:
            self.assertNotIn(reason, tiles)

        # Whatever can be pressed or chosen has a name for who does not see it.
        self.assertEqual(page.run("""[...document.querySelectorAll('button, select, input')].filter((e) => e.checkVisibility()
            && !(e.innerText || e.ariaLabel || [...e.labels ?? []].some((label) => label.innerText.trim()))).map((e) => e.outerHTML)"""), [])

        # What customers write is text, and stays it.
        self.assertIn(HOSTILE, self.text("#latest"))
        self.assertEqual(page.run("[document.images.length, document.scripts.length, window.broken ?? null]"), [1, 1, None])

        places = page.run(f"[...[...document.querySelectorAll('#latest small')].find((e) => e.textContent.includes({json.dumps(TURNED)})).children].map((e) => e.getBoundingClientRect().left)")
        self.assertGreater(len(places), 3)
        self.assertEqual(places, sorted(places))

        # Another closes: it is there, and counted, without a reload.
        page.run("window.stayed = true")
        self.tap.push("chat", conversation(40, day=2))
        page.sees("document.querySelector('#latest').innerText.includes('c40')", "the conversation on the page")
        page.sees("document.querySelector('#facts dd').innerText === '7'", "seven of them")
        self.assertTrue(page.run("window.stayed"))

        page.sees("document.querySelector('#alarms').innerText.includes('Look at them.')", "the alarm, with what to do")
        self.assertIn("Containment rate", self.text("#alarms"))

        # What is drawn again and again neither folds what was unfolded, nor reads out alarms that are the same.
        page.sees("document.querySelector('#health summary')", "what was left out")
        page.run("""(() => { const fold = document.querySelector('#health details'); fold.open = true; fold.firstElementChild.focus(); fold.seen = true; window.alarms = 0;
            new MutationObserver((all) => { window.alarms += all.length; }).observe(document.querySelector('#alarms'), {childList: true, subtree: true}); })()""")
        page.run("document.querySelector('#filled').click()")
        page.run("document.querySelector('#filled').click()")
        self.assertEqual(page.run("""[document.querySelector('#health details').seen ?? null, document.querySelector('#health details').open,
            document.activeElement === document.querySelector('#health summary'), window.alarms]"""), [None, True, True, 0])

        # A figure down to its conversations, and one of them down to message and rule.
        page.click("[data-kpi=automation_rate] button")
        page.sees("document.querySelector('#sheet').open")
        sheet = self.text("#sheet")
        kpi = next(one for one in catalogue["kpis"] if one["id"] == "automation_rate")
        for words in (kpi["formula"]["en"], kpi["help"]["en"], "Zendesk", kpi["definitions"][-1]["formula"]["en"]):
            self.assertIn(words, sheet)
        variants = [one["id"] for one in catalogue["kpis"] if one["parent"] == "automation_rate"]
        self.assertEqual(page.run("[...document.querySelectorAll('#sheet .notes [data-kpi]')].map((e) => e.dataset.kpi)"), variants)
        page.click("[data-part=numerator]")
        numerator = self.tap.get("/api/v1/kpis?window=today&id=automation_rate")["kpis"][0]["numerator"]
        page.sees(f"document.querySelectorAll('#sheet .row').length === {numerator}", f"{numerator} conversations")
        page.run("[...document.querySelectorAll('#sheet .row')].find((e) => e.innerText.includes('c40')).click()")
        page.sees("document.querySelector('#sheet .deciding')")
        record = self.tap.get("/api/v1/conversations/c40")["conversations"][0]["explained"]["because"][0]
        for words in (record["means"], record["rule"], f"{record['file']}:{record['line']}", f"Message {record['message'] + 1}"):
            self.assertIn(words, self.text("#sheet"))
        page.click("#back")  # to the list, and on to the figure
        page.sees("document.querySelector('#sheet-title').innerText.includes('numerator')")
        page.run("document.querySelector('#es').click()")  # all is drawn anew, also the tile that this began with
        page.press("Escape")
        page.sees("!document.querySelector('#sheet').open")
        page.sees("document.activeElement === document.querySelector('[data-kpi=automation_rate] button')", "the keyboard back where it was")
        numbers = "[[1000, 'count'], [90, 'percent'], [1000, 'percent'], [2.5, 'days']].map(([n, unit]) => m.target(['>=', n], {unit}))"
        self.assertEqual(page.run(f"import('./dashboard/format.js').then((m) => {numbers})"), ["≥ 1.000", "≥ 90 %", "≥ 1.000 %", "≥ 2,5 días"])

        # The other language, remembered; a zone that was chosen elsewhere, and that is none here, is not.
        spanish = next(family["name"]["es"] for family in catalogue["families"] if family["id"] == "operations")
        page.sees(f"document.querySelector('#family-operations h2').innerText === {json.dumps(spanish)}")
        self.assertIn(kpi["name"]["es"], self.text("[data-kpi=automation_rate]"))
        self.assertRegex(self.text("[data-kpi=automation_rate] .big"), r"^\d+,\d %$")
        page.run("localStorage.setItem('convtap.view', JSON.stringify({...JSON.parse(localStorage.getItem('convtap.view')), zone: 'No/Where'}))")
        page.open(self.home)
        page.sees("document.documentElement.lang === 'es' && document.querySelectorAll('#families .tile').length > 50")

        self.assertTrue(self.text("#span").endswith("· UTC"), self.text("#span"))
        for one in self.tap.get("/api/v1/drops?lang=es")["drops"]:
            page.sees(f"document.querySelector('#health').textContent.includes({json.dumps(one['means'])})", one["means"])

        page.sees("document.querySelector('#latest button')")
        page.run("document.querySelector('#latest button').click()")
        newest = self.tap.get("/api/v1/conversations?limit=1")["conversations"][0]["conversation_id"]
        said = self.tap.get(f"/api/v1/conversations/{newest}?lang=es")["conversations"][0]["explained"]
        self.assertNotEqual(said, self.tap.get(f"/api/v1/conversations/{newest}")["conversations"][0]["explained"])
        for words in filter(None, [said["outcome"]["words"]] + [one["words"] for one in said["why_not"]] + [one["means"] for one in said["evidence"]]):
            page.sees(f"document.querySelector('#sheet').innerText.includes({json.dumps(words)})", words)
        page.press("Escape")

        # A slice, a range, a keyboard: the same figures as the API's.
        page.run("(() => { const e = document.querySelector('#by'); e.value = 'channel'; e.dispatchEvent(new Event('change', {bubbles: true})); })()")
        page.sees("[...document.querySelector('#key').options].some((e) => e.value === '=whatsapp' || e.value === '=web')")
        page.run("(() => { const e = document.querySelector('#key'); e.value = '=<b>web</b>'; e.dispatchEvent(new Event('change', {bubbles: true})); })()")
        page.sees("document.querySelector('#facts dd').innerText === '1'", "the slice of one conversation")
        page.run("(() => { for (const [id, at] of [['from', '2026-03-01T00:00'], ['to', '2026-04-01T00:00']]) { const e = document.querySelector('#' + id); e.value = at; e.dispatchEvent(new Event('change', {bubbles: true})); } })()")
        page.run("document.querySelector('[data-period=own]').focus()")
        page.press("Enter")
        page.sees("document.querySelector('#span').innerText.startsWith('Conversaciones iniciadas')", "the range")
        range_ = "/api/v1/kpis?from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z&id=recurrence,fcr"
        recurrence = self.tap.get(range_)["kpis"]
        page.run("(() => { const e = document.querySelector('#by'); e.value = ''; e.dispatchEvent(new Event('change', {bubbles: true})); })()")
        for one in recurrence:
            shown = "–" if one["value"] is None else f"{one['value']:.1f} %".replace(".", ",")
            page.sees(f"document.querySelector('[data-kpi={one['id']}] .big').innerText === {json.dumps(shown)}", f"{one['id']}: {shown}")
        self.clean()
        self.assertEqual(self.tap.stop(), 0)
        page.sees("document.querySelector('#state').className.includes('away')", "that the tap is gone")

    def test_token(self):
        self.start(tokens=f"me read {TOKEN}\nfeeder ingest an-ingest-token-000001\n".encode())
        self.tap.push("chat", conversation(1), headers={"Authorization": "Bearer an-ingest-token-000001"})
        page = self.look("es")
        page.sees("document.querySelector('#door').open")
        self.assertIn("permiso", self.text("#door"))
        self.assertEqual(page.run(TILES), [])
        for _ in range(2):
            page.press("Escape")
        page.sees("document.querySelector('#door').open", "that there is no way around it")
        for token in ("not-a-token-of-it-0000", TOKEN):
            page.run("document.querySelector('#token').focus()")
            page.type(token)
            page.press("Enter")
            if token != TOKEN:
                page.sees("document.querySelector('#refused').innerText")
        page.sees("!document.querySelector('#door').open && document.querySelectorAll('#families .tile').length > 50")
        page.sees("document.querySelector('#state').className === 'state live'", "the feed, by the same token")
        self.assertEqual(page.run("[Object.values(sessionStorage), JSON.stringify(localStorage).includes('token-of'), document.cookie]"), [[TOKEN], False, ""])
        # What the API refuses is said in its words, and goes when it is mended.
        for field, said in (("bot", "bot"), ("", "")):
            page.run(f"(() => {{ const e = document.querySelector('#by'); e.value = '{field}'; e.dispatchEvent(new Event('change', {{bubbles: true}})); }})()")
            page.sees(f"document.querySelector('#trouble').hidden === {json.dumps(not field)} && document.querySelector('#trouble').innerText.includes('{said}')")
        self.assertEqual([one for one in page.complaints if "401" not in one and "400" not in one], [])
        self.assertEqual(self.tap.stop(), 0)

    def test_files(self):
        """Files as files: types, tags, policy; only GET and HEAD; and none where it is switched off."""
        self.start()
        status, body = self.tap.ask("desk", "/")
        self.assertEqual(status, 200)
        names = [name for name in os.listdir(os.path.join(os.path.dirname(__file__), "..", "..", "web")) if not name.endswith((".md", ".html"))]
        self.assertGreater(len(names), 5)
        types = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
        for path, kind in [("/", "text/html")] + [("/dashboard/" + name, types[name.rsplit(".", 1)[1]]) for name in names]:
            status, headers = self.head(path)
            self.assertEqual((status, headers["Content-Type"], headers["Cache-Control"]), (200, kind + "; charset=utf-8", "no-cache"), path)
            policy = headers["Content-Security-Policy"]
            for rule in ("default-src 'none'", "script-src 'self'", "connect-src 'self'", "trusted-types 'none'", "frame-ancestors 'none'"):
                self.assertIn(rule, policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(self.head(path, {"If-None-Match": headers["ETag"]})[0], 304)
        for path, status in (("/dashboard/", 404), ("/dashboard/index.html", 404), ("/dashboard/no.js", 404), ("/dashboard/..%2fREADME.md", 400), ("/?x=1", 400)):
            self.assertEqual(self.tap.ask("desk", path)[0], status, path)
        self.assertEqual(self.tap.ask("desk", "/dashboard/main.js", b"", method="POST")[0], 405)
        self.assertEqual(self.tap.ask("desk", "/", headers={"Host": "evil.example"})[0], 421)
        self.assertEqual(self.tap.stop(), 0)
        self.start(dashboard="no")
        self.assertIn(b"/api/v1/conversations", self.tap.ask("desk", "/")[1])
        self.assertEqual(self.tap.ask("desk", "/dashboard/main.js")[0], 404)

    def head(self, path, headers=None):
        where = urllib.parse.urlsplit(self.tap.address("desk"))
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
        try:
            connection.request("HEAD", path, headers=headers or {})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers
        finally:
            connection.close()


if __name__ == "__main__":
    if not browser.PROGRAM:
        print("skipped: no Chromium is installed")
        sys.exit(SKIPPED)
    main()
