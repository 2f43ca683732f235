#!/usr/bin/env python3
"""libconvtap as somebody else uses it: installed, found by CMake and pkg-config, its tap replayed and compared."""
import json
import os
import re
import shutil
import stat
import subprocess
import sys

from drive import ROOT, Done, convtap, main
from installed import BUILD, COMPILER, SANITIZE, Installed, listing, run

CONFIG = b"""idle: 7d
idle_person: 7d
serve: {tick: 100ms}
sources:
  webchat: {format: convtap, channel: web, bot: Nube}
"""
API = {"ct_tap_open", "ct_tap_push", "ct_tap_push_from", "ct_tap_sync", "ct_tap_close", "ct_tap_version"}


def exported(path):
    rows = run("nm", "-D", "--defined-only", path).splitlines()
    names = {row.split()[-1].split("@")[0] for row in rows}
    return {name for name in names if not re.match(r"__(asan|ubsan|tsan|odr_asan|start___asan|stop___asan)", name)}


class Embed(Installed):
    def flags(self):
        return f"-fsanitize={SANITIZE}" if SANITIZE else ""

    def build_with_cmake(self):
        compilers = {"CMAKE_C_COMPILER": COMPILER, "CMAKE_C_FLAGS": self.flags(), "CMAKE_CXX_FLAGS": self.flags()}
        run("cmake", "-S", os.path.join(ROOT, "tests", "install"), "-B", self.path("build"), f"-DCMAKE_PREFIX_PATH={self.prefix}",
            *[f"-D{k}={v}" for k, v in compilers.items()])
        run("cmake", "--build", self.path("build"))
        return self.path("build", "gateway")

    def build_with_pkg_config(self):
        run("make", "-C", os.path.join(ROOT, "tests", "install"), f"OUT={self.folder}", f"CC={COMPILER}", f"CFLAGS=-g {self.flags()}",
            env={"PKG_CONFIG_PATH": os.path.join(self.lib, "pkgconfig")})
        return self.path("gateway")

    def go(self, program, *args, status=0):
        """Runs the gateway; what it said on standard output, and on standard error."""
        done = Done(subprocess.run([program, *args], capture_output=True, timeout=240, check=False, cwd=self.folder,
                                   env={**os.environ, "LD_LIBRARY_PATH": self.lib, "CONVTAP_RULES": ""}))
        self.assertEqual(done.status, status, done.out.decode() + done.err)
        self.assertNotRegex(done.err, r"Sanitizer|runtime error:")
        return done.out.decode(), done.err

    def dump(self, name):
        done = convtap("db", "dump", self.path(name))
        self.survived(done)
        self.assertEqual(done.status, 0, done.err)
        return done.out

    def records(self, name="convtap.db"):
        rows = [json.loads(row) for row in self.dump(name).splitlines()]
        return {row["record"]["conversation_id"]: row["record"] for row in rows if "record" in row}

    def assert_replays(self):
        done = convtap("replay", "--db", self.path("replay.db"), self.path("tape"))
        self.survived(done)
        self.assertEqual(self.dump("convtap.db"), self.dump("replay.db"))
        os.remove(self.path("replay.db"))

    def drive(self, program, go_on=True):
        config = self.write("convtap.yaml", CONFIG)
        os.umask(0o022)
        out, _ = self.go(program, "first", config)
        self.assertRegex(out, r"second tap: .*(tape|convtap\.db).*: another process writes it")
        records = self.records()
        self.assertEqual(set(records), {f"{letter}-{n}" for letter in "ab" for n in range(50)})
        self.assertEqual({(r["counts"]["user"], r["counts"]["bot"], r["channel"], r["bot"]) for r in records.values()},
                         {(2, 1, "web", "Nube")})
        self.assertEqual({r["rules_hash"] for r in records.values()}, {self.rules_hash})
        self.assert_replays()
        for name in ("tape", "tape/state", "convtap.db"):
            self.assertEqual(stat.S_IMODE(os.stat(self.path(name)).st_mode) & 0o077, 0, name)
        if not go_on:
            return
        self.go(program, "second", config)
        records = self.records()
        self.assertEqual(len(records), 102)
        self.assertEqual((records["long"]["counts"]["user"], records["long"]["counts"]["bot"]), (2, 1))
        self.assertEqual(records["long"]["outcome"], self.outcome_of_audit())
        self.assertTrue(records["late"]["started_at"].startswith("2026-02-02T02:40:00"), records["late"]["started_at"])
        self.assert_replays()
        checked = convtap("db", "check", self.path("convtap.db"))
        self.assertEqual(checked.status, 0, checked.err)

    def outcome_of_audit(self):
        """What a transcript of the same conversation is judged as."""
        rows = [("user", "hola"), ("bot", "¿En qué te ayudo?"), ("user", "quiero hablar con una persona")]
        text = "".join(json.dumps({"conversation_id": "long", "user_id": "u-long", "role": role, "text": said, "ts": f"2026-03-01T10:00:0{n}Z"}) + "\n"
                       for n, (role, said) in enumerate(rows))
        path = self.write("long.jsonl", text.encode())
        done = convtap("audit", "--quiet", "--conversations", "-", path)
        return json.loads(done.out)["outcome"]

    def test_built_with_cmake(self):
        program = self.build_with_cmake()
        self.drive(program)
        cxx = self.write("cxx/convtap.yaml", CONFIG)
        self.go(self.path("build", "gateway_cxx"), cxx)
        done = convtap("replay", "--close", "--json", self.path("cxx", "tape"))
        self.assertEqual(sum(done.json()["outcomes"].values()), 1)

    def test_built_with_pkg_config(self):
        self.drive(self.build_with_pkg_config(), go_on=False)
        said = run("pkg-config", "--define-prefix", "--cflags", "--libs", "convtap", env={"PKG_CONFIG_PATH": os.path.join(self.lib, "pkgconfig")})
        paths = [os.path.realpath(word[2:]) for word in said.split() if word.startswith(("-I", "-L"))]
        self.assertEqual(paths, [os.path.realpath(os.path.join(self.prefix, "include")), os.path.realpath(self.lib)])

    def test_what_cannot_be_opened_is_named(self):
        program = self.build_with_pkg_config()
        bad = self.write("bad.yaml", b"idle: 7d\nserve:\n  tick: soon\n")
        out, err = self.go(program, "open", bad, status=3)
        self.assertRegex(out, r"problem: .*bad\.yaml:3:9: .*soon")
        self.assertIn("bad.yaml:3:9: error:", err)
        out, _ = self.go(program, "open", self.path("none.yaml"), status=3)
        self.assertRegex(out, r"problem: .*none\.yaml: No such file")
        self.write("rules/own.yaml", b"pack: own\nversion: 1.0.0\nsignals: {own.a: {means: topic, role: user}}\nrules:\n  - {id: own.a, emit: own.a, role: user, any: ['(a']}\n")
        out, err = self.go(program, "open", self.write("rules.yaml", b"rules: rules\n"), status=3)
        self.assertRegex(out, r"problem: .*own\.yaml:5:\d+: ")
        self.assertRegex(err, r"own\.yaml:5:\d+: error:")
        self.write("file", b"")
        out, _ = self.go(program, "open", self.write("place.yaml", b"serve: {tape: {folder: file/tape}}\n"), status=3)
        self.assertRegex(out, r"problem: .*file/tape")
        out, _ = self.go(program, "open", self.write("store.yaml", b"serve: {store: file/convtap.db}\n"), status=3)
        self.assertRegex(out, r"problem: .*file/convtap\.db")
        self.go(program, "open", self.write("good.yaml", CONFIG))

    def test_a_full_disk(self):
        config = self.write("convtap.yaml", CONFIG.replace(b"tick: 100ms", b"tick: 100ms, tape: {buffer: 1M}"))
        out, _ = self.go(self.build_with_pkg_config(), "full", config)
        taken = int(re.search(r"taken (\d+)", out).group(1))
        self.assertGreater(taken, 1000)
        self.assertEqual({name: r["counts"]["user"] for name, r in self.records().items()}, {"full": taken})
        self.assert_replays()

    def test_what_is_installed(self):
        found = listing(self.prefix)
        lib = os.path.relpath(self.lib, self.prefix)
        for name in ("bin/convtap", f"{lib}/libconvtap.so", f"{lib}/libconvtap.so.0", "include/convtap.h", f"{lib}/pkgconfig/convtap.pc",
                     f"{lib}/cmake/convtap/convtap-config.cmake", f"{lib}/cmake/convtap/convtap-config-version.cmake",
                     "share/convtap/rules/core.yaml", "share/convtap/openapi.json", "share/man/man1/convtap.1"):
            self.assertIn(name, found)
        self.assertEqual({name for name in found if name.startswith(f"{lib}/convtap/lws/")}, {f"{lib}/convtap/lws/libprotocol_convtap.so"})
        self.assertEqual(exported(os.path.join(self.lib, "libconvtap.so")), API)
        self.assertEqual(exported(os.path.join(self.lib, "convtap", "lws", "libprotocol_convtap.so")), {"convtap"})
        with open(os.path.join(self.prefix, "include", "convtap.h"), encoding="utf-8") as f:
            self.assertEqual(set(re.findall(r"\b(ct_tap_\w+)\(", re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S))), API)
        for name in sorted(found):  # no text of the installation knows where it was built or first installed
            if name.endswith((".pc", ".cmake", ".h", ".1", ".json")):
                with open(os.path.join(self.prefix, name), encoding="utf-8") as f:
                    text = f.read()
                self.assertNotIn(BUILD, text, name)
                self.assertNotIn(self.place, text, name)

    def test_program_finds_its_own_packs(self):
        done = Done(subprocess.run([os.path.join(self.prefix, "bin", "convtap"), "audit", "--quiet", "--conversations", "-", "-"],
                                   input=b'{"conversation_id":"c","role":"user","text":"hola"}\n', capture_output=True, timeout=240, check=False,
                                   env={**os.environ, "CONVTAP_RULES": ""}))
        self.survived(done)
        self.assertEqual(json.loads(done.out)["rules_hash"], self.rules_hash)

    def test_loaded_at_run_time(self):
        """By a program that is linked with none of it: here Python."""
        if SANITIZE:
            self.skipTest("a sanitized library wants a sanitized program")
        script = """
import ctypes, sys
lib = ctypes.CDLL(sys.argv[1])
lib.ct_tap_open.restype = ctypes.c_void_p
for name in ("ct_tap_push", "ct_tap_sync", "ct_tap_close"):
    getattr(lib, name).argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_int, ctypes.c_int64][: 6 if name == "ct_tap_push" else 1]
tap = lib.ct_tap_open(None, None, 0)
text = b'{"conversation_id":"c","role":"user","text":"hola"}\\n{"conversation_id":"c","role":"system","text":"","event":{"type":"close"}}\\n'
assert lib.ct_tap_push(tap, text, len(text), b"convtap", 1, 0) == 0 and lib.ct_tap_sync(tap) == 0
lib.ct_tap_close(tap)
"""
        run(sys.executable, "-c", script, os.path.join(self.lib, "libconvtap.so"), folder=self.folder, env={"CONVTAP_RULES": ""})
        self.assertEqual({name: r["rules_hash"] for name, r in self.records().items()}, {"c": self.rules_hash})


if __name__ == "__main__":
    for tool in ("cmake", "make", "pkg-config", "nm"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is due")
    if not BUILD:
        sys.exit("CT_BUILD is not set: the build tree is due")
    main()
