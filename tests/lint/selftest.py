#!/usr/bin/env python3
"""Shows that each lint fails on a bad example, passes a good one, and says where. Run by ctest."""
import os
import subprocess
import sys
import tempfile

LINT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lint.py")
HEAD = "/* %s - an example. */\n"

# check, file, its text (below the head comment where it is C), what the finding must say; None = no finding.
CASES = [
    ("includes", "engine/a.c", '#include "engine/ct.h"\n#include <pcre2.h>\n#include <string.h>\n', None),
    ("includes", "engine/a.c", "#include <emmintrin.h>\n", None),
    ("includes", "engine/a.c", '#include "parsers/parser.h"\n', "engine/a.c:2:"),
    ("includes", "engine/a.c", "#include <cjson/cJSON.h>\n", "cJSON.h"),
    ("includes", "engine/a.c", '#include "ct.h"\n', 'as "engine/ct.h"'),
    ("includes", "parsers/a.c", '#include "engine/ct.h"\n#include "parsers/frame.h"\n#include <cjson/cJSON.h>\n', None),
    ("includes", "parsers/a.c", '#include "metrics/metric.h"\n', "metrics/metric.h"),
    ("includes", "metrics/a.h", '#include "sinks/report.h"\n', "sinks/report.h"),
    ("includes", "metrics/a.h", "#include <sqlite3.h>\n", "sqlite3.h"),
    ("includes", "sinks/a.c", "#include <sqlite3.h>\n", None),
    ("includes", "sinks/a.c", '#  include "parsers/parser.h"\n', "parsers/parser.h"),
    ("includes", "sinks/a.c", "#include <sys/socket.h>\n", "sys/socket.h"),
    ("includes", "cli/a.c", '#include "sinks/a.h"\n#include "parsers/parser.h"\n#include <zstd.h>\n', None),
    ("includes", "cli/a.c", "#include <libwebsockets.h>\n", "only plugin/"),
    ("includes", "tests/unit/a.c", "#include <libwebsockets.h>\n", "only plugin/"),
    ("includes", "plugin/a.c", "#include <libwebsockets.h>\n", None),
    ("names", "engine/arena.c", "", None),
    ("names", "engine/utils.c", "", "utils.c"),
    ("names", "engine/string_util.h", "", "string_util.h"),
    ("names", "parsers/common/x.c", "", "common"),
    ("names", "docs/misc.md", "", "misc.md"),
    ("names", "sinks/core.c", "", "core.c"),
    ("names", "rules/core.yaml", "pack: x\n", None),
    ("names", "rules/more/core.yaml", "pack: x\n", "core.yaml"),
    ("names", "docs/a.md", "look into /ho" "me/somebody/x\n", "docs/a.md:1: a path of one machine"),
    ("names", "docs/a.md", "see https://example.org/home/page and build/work/x\n", None),
    ("calls", "engine/a.c", "int a(void) { return snprintf(x, 2, y); }\n", None),
    ("calls", "engine/a.c", '/* fopen(x) */ const char *a = "time(NULL) printf(";\n', None),
    ("calls", "engine/a.c", "void a(void) { b->open(x); c.time(1); my_printf(2); }\n", None),
    ("calls", "engine/a.c", "void a(void) { fopen(x, y); }\n", "fopen(): not in engine/"),
    ("calls", "parsers/a.c", "\nlong a(void) { return time (NULL); }\n", "parsers/a.c:3: time()"),
    ("calls", "metrics/a.c", "void a(void) { clock_gettime(0, &t); }\n", "clock_gettime"),
    ("calls", "metrics/a.c", "void a(void) { printf(x); }\n", "printf"),
    ("calls", "metrics/a.c", "void a(void) { fprintf(stdout, x); }\n", "stdout"),
    ("calls", "sinks/a.c", "void a(FILE *f) { fprintf(f, x); }\n", None),
    ("calls", "sinks/a.c", "void a(void) { fprintf(stderr, x); }\n", "stderr"),
    ("calls", "sinks/a.c", "void a(void) { fopen(x, y); }\n", "fopen"),
    ("calls", "engine/a.c", "double a(void) { return strtod(x, &y); }\n", "strtod"),
    ("calls", "cli/a.c", "void a(void) { fopen(x, y); time(NULL); printf(z); }\n", None),
    ("calls", "cli/a.c", "void a(void) { strcpy(x, y); }\n", "strcpy"),
    ("calls", "cli/a.c", "int a(void) { return atoi(x); }\n", "atoi"),
    ("calls", "plugin/a.c", "void a(void) { sprintf(x, y); }\n", "sprintf"),
    ("calls", "tests/unit/a.c", "void a(void) { gets(x); }\n", "gets"),
    ("calls", "tests/unit/a.c", "void a(void) { strcpy(x, y); setlocale(LC_ALL, z); }\n", None),
    ("calls", "bench/a.c", "void a(void) { strtok(x, y); }\n", "strtok"),
    ("calls", "engine/a.c", "void a(void) { abort(); } /* lint-allow: abort because it shows how */\n", None),
    ("calls", "engine/a.c", "void a(void) { abort(); } /* lint-allow: abort */\n", "abort"),
    ("sizes", "engine/a.c", "int x;\n" * 700, None),
    ("sizes", "engine/a.c", "int x;\n" * 1000, "make it two"),
    ("heads", "engine/a.c", "int x;\n", None),
    ("heads", "engine/b.c", None, "head comment"),
]
GLOBALS = [
    ("const int a = 1; const char *const b[] = {\"x\", \"y\"}; int f(void) { int c = 1; return c; }", None),
    ("int counter; int f(void) { return counter; }", "counter"),
    ("static int seen = 3; int f(void) { return seen++; }", "seen"),
    ("int f(void) { static int calls; return calls++; }", "calls"),
    ("static __thread int mine; int f(void) { return mine++; }", "mine"),
]


def run(*args):
    done = subprocess.run([sys.executable, LINT, *args], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def judge(what, code, said, want):
    good = (code == 0) if want is None else (code == 1 and want in said)
    if not good:
        print(f"FAILED {what}: wanted {'no finding' if want is None else want!r}, exit status {code}:\n{said}")
    return good


def main():
    bad = 0
    for check, path, text, want in CASES:
        with tempfile.TemporaryDirectory() as root:
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full))
            with open(full, "w", encoding="utf-8") as f:
                if text is None:
                    f.write("int x;\n")
                elif path.endswith((".c", ".h")):
                    f.write(HEAD % os.path.basename(path) + text)
                else:
                    f.write(text)
            bad += not judge(f"{check} on {path}", *run(check, root), want)
    for text, want in GLOBALS:
        with tempfile.TemporaryDirectory() as root:
            source, object_file, archive = (os.path.join(root, n) for n in ("a.c", "a.o", "a.a"))
            with open(source, "w", encoding="utf-8") as f:
                f.write(text + "\n")
            subprocess.run([os.environ.get("CC", "cc"), "-fPIC", "-O0", "-c", source, "-o", object_file], check=True)
            subprocess.run(["ar", "rcs", archive, object_file], check=True)
            bad += not judge(f"globals on {text}", *run("globals", archive), want)
    with tempfile.TemporaryDirectory() as root:  # a lint that looks at nothing must not pass
        bad += not judge("an empty tree", *run("calls", root), "nothing to look at")
    print(f"{len(CASES) + len(GLOBALS) + 1} examples, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
