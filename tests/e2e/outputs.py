#!/usr/bin/env python3
"""What a run writes: all files or none, nothing replaced that must not be, one thing on standard output."""
import os
import re
import stat
import subprocess

from drive import PROGRAM, Case, convtap, good_conversation, main


class Outputs(Case):
    def setUp(self):
        super().setUp()
        self.source = self.write("a.jsonl", b"".join(good_conversation(f"c{n}", day=1 + n % 28) for n in range(300)))

    def test_together(self):
        paths = [self.path(n) for n in ("c.jsonl", "k.csv", "r.html")]
        done = convtap("audit", "--json", "--conversations", paths[0], "--csv", paths[1], "--report", paths[2], self.source)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(sum(done.json()["outcomes"].values()), 300)
        for path, alone in zip(paths, ("--conversations", "--csv", "--report")):
            with open(path, "rb") as f:
                together = f.read()
            self.assertEqual(together, convtap("audit", alone, "-", self.source).out, alone)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.jsonl", "c.jsonl", "k.csv", "r.html"])

    def test_all_or_none(self):
        self.write("file", b"")
        for bad in (self.path("file", "below.csv"), self.path("nowhere", "k.csv"), self.folder, ""):
            done = convtap("audit", "--conversations", self.path("c.jsonl"), "--csv", bad, "--report", self.path("r.html"), self.source)
            self.survived(done)
            self.assertEqual(done.status, 3, f"{bad}: {done.err}")
            self.assertEqual(done.out, b"")
            self.assertEqual(sorted(os.listdir(self.folder)), ["a.jsonl", "file"])

    def test_no_room(self):
        """A file that may not grow: nothing in its place, the other's place untouched."""
        self.write("k.csv", b"before")
        done = convtap("audit", "--csv", self.path("k.csv"), "--report", self.path("r.html"), "--threads", 1, self.source,
                       before=("sh", "-c", 'trap "" XFSZ; ulimit -f 4; exec "$@"', "sh"))
        self.survived(done)
        self.assertEqual(done.status, 3, done.err)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.jsonl", "k.csv"])
        with open(self.path("k.csv"), "rb") as f:
            self.assertEqual(f.read(), b"before")

    def test_one_thing_on_standard_output(self):
        for args in (["--json", "--csv", "-"], ["--csv", "-", "--report", "-"], ["--conversations", "-", "--json"]):
            done = convtap("audit", *args, self.source)
            self.survived(done)
            self.assertEqual(done.status, 2, f"{args}: {done.err}")
            self.assertEqual(done.out, b"")
        done = convtap("audit", "--csv", "-", self.source)
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(len({row.count(b",") > 2 for row in done.out.splitlines()}), 1, "the table stands among the rows")

    def test_two_results_in_one_file(self):
        done = convtap("audit", "--csv", self.path("x"), "--report", self.path("x"), self.source)
        self.survived(done)
        self.assertEqual(done.status, 2, done.err)
        self.write("x", b"before")
        os.symlink("x", self.path("link"))
        done = convtap("audit", "--csv", self.path("x"), "--report", self.path("link"), self.source)
        self.survived(done)
        self.assertEqual(done.status, 2, done.err)
        with open(self.path("x"), "rb") as f:
            self.assertEqual(f.read(), b"before")

    def test_the_input_is_not_replaced(self):
        os.symlink(self.source, self.path("link"))
        with open(self.source, "rb") as f:
            before = f.read()
        for path in (self.source, self.path("link"), self.path(".", "a.jsonl")):
            done = convtap("audit", "--conversations", path, self.source)
            self.survived(done)
            self.assertEqual(done.status, 2, done.err)
            with open(self.source, "rb") as f:
                self.assertEqual(f.read(), before)

    def test_a_link_stays_and_a_pipe_is_written_to(self):
        self.write("real.csv", b"old")
        os.chmod(self.path("real.csv"), 0o640)
        os.symlink("real.csv", self.path("link.csv"))
        done = convtap("audit", "--csv", self.path("link.csv"), self.source)
        self.assertEqual(done.status, 0, done.err)
        self.assertTrue(os.path.islink(self.path("link.csv")))
        self.assertEqual(stat.S_IMODE(os.stat(self.path("real.csv")).st_mode), 0o640)
        os.mkfifo(self.path("pipe"))
        with subprocess.Popen(["cat", self.path("pipe")], stdout=subprocess.PIPE) as reader:
            done = convtap("audit", "--csv", self.path("pipe"), self.source)
            got = reader.stdout.read()
        self.assertEqual(done.status, 0, done.err)
        with open(self.path("real.csv"), "rb") as f:
            self.assertEqual(got, f.read())
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("pipe")).st_mode))

    def test_a_link_to_a_file_that_is_not_there_yet(self):
        """Chains, relative and absolute: what they lead to is written, the links stay, nothing else is left behind."""
        os.mkdir(self.path("results"))
        os.symlink("results/k.csv", self.path("relative"))
        os.symlink(self.path("relative"), self.path("chain"))
        done = convtap("audit", "--csv", self.path("chain"), self.source)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        self.assertTrue(os.path.islink(self.path("relative")) and os.path.islink(self.path("chain")))
        self.assertEqual(os.listdir(self.path("results")), ["k.csv"])
        with open(self.path("results", "k.csv"), "rb") as f:
            self.assertEqual(f.read(), convtap("audit", "--csv", "-", self.source).out)
        before = sorted(os.listdir(self.folder))
        os.symlink("round", self.path("round"))
        os.symlink("nowhere/k.csv", self.path("lost"))
        for name in ("round", "lost"):
            done = convtap("audit", "--csv", self.path(name), self.source)
            self.survived(done)
            self.assertEqual(done.status, 3, f"{name}: {done.err}")
            self.assertTrue(os.path.islink(self.path(name)))
        self.assertEqual(sorted(os.listdir(self.folder)), sorted([*before, "round", "lost"]))

    def test_devices(self):
        """/dev/full takes nothing: status 3 by any way to it. /dev/null takes all. Both are devices afterwards."""
        os.symlink("/dev/full", self.path("full"))
        for option in ("--conversations", "--csv", "--report"):
            for path in ("/dev/full", self.path("full")):
                done = convtap("audit", option, path, self.source)
                self.survived(done)
                self.assertEqual(done.status, 3, f"{option} {path}: {done.err}")
                self.assertEqual(done.out, b"")
                self.assertIn("No space left on device", done.err)
        done = convtap("audit", "--csv", self.path("k.csv"), "--report", "/dev/full", self.source)
        self.assertEqual(done.status, 3, done.err)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.jsonl", "full"])
        done = convtap("audit", "--conversations", "/dev/null", "--csv", "/dev/null", "--report", "/dev/null", self.source)
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        for device in ("/dev/full", "/dev/null"):
            self.assertTrue(stat.S_ISCHR(os.stat(device).st_mode), device)
        self.assertTrue(os.path.islink(self.path("full")))
        for args in (["--json"], []):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([PROGRAM, "audit", *args, self.source], stdout=full, stderr=subprocess.PIPE, timeout=240, check=False)
            self.assertEqual(done.returncode, 3, f"{args}: {done.stderr[-2000:]!r}")

    def test_a_full_file_system(self):
        """A file system of 64 KiB: status 3, the earlier result untouched, nothing half written beside it."""
        mounted = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec",
                   'mount -t tmpfs -o size=64k tmpfs "$1"; printf before >"$1/c.jsonl"; folder=$1; shift; '
                   'code=0; "$@" || code=$?; echo "code $code: $(ls -A "$folder"): $(cat "$folder/c.jsonl")" >&2; exit "$code"', "sh")
        os.mkdir(self.path("small"))
        try:
            able = subprocess.run([*mounted, self.path("small"), "true"], capture_output=True, check=False, timeout=60).returncode == 0
        except FileNotFoundError:
            able = False
        if not able:
            self.skipTest("no file system can be mounted here")
        done = convtap("audit", "--conversations", self.path("small", "c.jsonl"), "--report", self.path("r.html"), self.source,
                       before=(*mounted, self.path("small")))
        self.survived(done)
        self.assertEqual(done.status, 3, done.err)
        self.assertIn("code 3: c.jsonl: before", done.err)
        self.assertIn("No space left on device", done.err)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.jsonl", "small"])

    def test_closed_pipe(self):
        """The reader of standard output is gone: status 3, and no death by a signal."""
        for args in (["--json"], [], ["--conversations", "-"]):
            read, write = os.pipe()
            os.close(read)
            done = subprocess.run([PROGRAM, "audit", *args, self.source], stdout=write, stderr=subprocess.PIPE, timeout=240, check=False)
            os.close(write)
            self.assertEqual(done.returncode, 3, f"{args}: {done.stderr[-2000:]!r}")

    def test_options(self):
        plain = convtap("audit", "--json", self.source)
        self.assertEqual(convtap("audit", "--json", "--", self.source).out, plain.out)
        self.assertEqual(convtap("audit", f"--threads=2", "--json", self.source).out, plain.out)
        for args in (["--json=1"], ["--report"], ["-x"], ["--idle-persn", "5m"]):
            done = convtap("audit", self.source, *args)
            self.survived(done)
            self.assertEqual(done.status, 2, f"{args}: {done.err}")
        self.assertIn("--idle-person", convtap("audit", "--idle-persn", "5m", self.source).err)
        spanish = convtap("audit", "--lang", "es", self.source)
        self.assertIn("Tasa".encode(), spanish.out)
        self.assertNotIn(b"\x1b", spanish.out)
        self.assertIn("─".encode(), spanish.out)
        self.assertNotRegex(convtap("audit", "--ascii", self.source).out.decode("utf-8"), r"[─·…█▁-▉✓✗]")

    def test_what_was_left_out_is_explained(self):
        """Each name with what it means and what to do about it, in the report's language, within the terminal's width."""
        bad = self.write("bad.jsonl", b'{"conversation_id":"a","id":"1","role":"user","text":"hola","ts":"soon"}\n{bad\n' + good_conversation("b"))
        said = {"en": ("a time is not in a form that the format has", "name the form in the format options"),
                "es": ("una hora no está en ninguna forma que el formato tenga", "indique la forma en las opciones de formato")}
        for lang, (means, remedy) in said.items():
            done = convtap("audit", "--lang", lang, "--report", self.path(f"{lang}.html"), bad)
            self.assertEqual(done.status, 1, done.err)
            rows = done.out.decode("utf-8").splitlines()
            self.assertLessEqual(max(map(len, rows)), 100)
            at = next(i for i, row in enumerate(rows) if re.match(r"  bad_time +1$", row))
            told = " ".join(" ".join(rows[at + 1:at + 4]).split())
            self.assertRegex(told, f"^{re.escape(means)} → .*{re.escape(remedy)}")
            with open(self.path(f"{lang}.html"), encoding="utf-8") as f:
                page = f.read()
            self.assertIn(means, page)
            self.assertIn(remedy, page)

    def test_classify_refuses_a_line_too_long_and_goes_on(self):
        good = b'{"id":1,"text":"gracias","role":"user"}\n'
        done = convtap("classify", stdin=good + b"x" * (40 << 20) + b"\n\r\n" + good)
        self.survived(done)
        self.assertEqual(done.status, 1, done.err)
        self.assertEqual(len(done.out.splitlines()), 2)
        self.assertIn("line 2 (byte 40): record_too_long", done.err)

    def test_help_fits_a_terminal(self):
        for words in (["audit"], ["explain"], ["classify"], ["kpis"], ["formats"], ["config"], ["config", "show"], ["config", "check"]):
            done = convtap(*words, "--help")
            self.assertEqual(done.status, 0, done.err)
            self.assertEqual([row for row in done.out.decode().splitlines() if len(row) > 80], [], words)
            self.assertEqual(convtap("help", *words).out, done.out, words)


if __name__ == "__main__":
    main()
