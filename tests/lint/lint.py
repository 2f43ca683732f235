#!/usr/bin/env python3
"""The house's rules that a machine can check. ctest runs each by name; selftest.py shows that each can fail.

  lint.py --list                 the checks' names
  lint.py CHECK [ROOT]           includes | names | calls | sizes | heads | globals
  lint.py globals ARCHIVE...     mutable globals in the libraries of the rooms below cli/ and plugin/

A check prints `file:line: what` for each finding and exits 1 where there is one. A line may be excused by a comment
`lint-allow: CALL because ...` on the same line; the reason is not optional.
"""
import os
import re
import subprocess
import sys

ROOMS_BELOW = ("engine", "parsers", "metrics", "sinks")
SKIPPED_FOLDERS = {".git", "build", "out", "node_modules", "__pycache__"}

# ISO C and POSIX headers that mean "libc" here.
LIBC = set("""assert ctype errno float inttypes iso646 limits math stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib
stdnoreturn string strings threads pthread wchar wctype time unistd fcntl endian byteswap signal sys/types sys/param sys/uio""".split())
COMPILER = re.compile(r"^[a-z]+intrin\.h$|^arm_neon\.h$")  # the compiler's own, behind an #if
# What each room may include: its own and other rooms' headers, and libraries. cli and plugin compose everything.
MAY_INCLUDE = {
    "engine": ({"engine"}, {"pcre2.h", "yaml.h", "utf8proc.h"}),
    "parsers": ({"engine", "parsers"}, {"cjson/cJSON.h", "cJSON.h"}),
    "metrics": ({"engine", "metrics"}, set()),
    "sinks": ({"engine", "sinks"}, {"sqlite3.h", "libpq-fe.h"}),
}
ONLY_PLUGIN = re.compile(r"^libwebsockets")
PEERS = {"bench/ingest_sink.c"}  # the bare server that the tap is measured against

FORBIDDEN_NAMES = {"util", "utils", "common", "misc", "helper", "helpers", "core"}
NAMES_EXCEPTED = {"rules/core.yaml"}  # the language-neutral rule pack: named so by the pack format

# Everywhere: calls that overflow, cannot report an error, or are not reentrant.
BANNED = set("""strcpy strcat stpcpy sprintf vsprintf gets strtok atoi atol atoll atof alloca tmpnam mktemp tempnam
scanf sscanf fscanf vsscanf rand srand setlocale localtime gmtime ctime asctime strerror_l system""".split())
# A test writes into its own buffers under the sanitizers, and changes the locale to show that nothing follows it; a
# measurement is not shipped either.
TESTS_MAY = set("strcpy strcat stpcpy sprintf atoi atol atoll setlocale".split())
# Below cli/ and plugin/: nobody asks what time it is, logs, ends the program or opens a file.
BELOW = set("""fopen fdopen freopen open openat creat opendir fopen64 popen tmpfile mkstemp
time clock clock_gettime gettimeofday timespec_get localtime_r gmtime_r mktime strftime
printf vprintf puts putchar perror syslog getenv secure_getenv exit _exit quick_exit abort signal sleep usleep nanosleep""".split())
# Binary floating point and the locale's decimal comma have no business near money and times.
FLOATS = {"strtod", "strtof", "strtold"}
STREAMS = {"stdout", "stderr", "stdin"}

LINES_ASK = 600  # a file over this asks to be two
LINES_MOST = 900  # and over this it is refused


def files(root, *suffixes):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS and not f.startswith("build"))
        for name in sorted(names):
            if not suffixes or name.endswith(suffixes):
                path = os.path.join(folder, name)
                yield os.path.relpath(path, root).replace(os.sep, "/"), path


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def code_only(text):
    """The C text with comments and literals blanked, line numbers kept."""
    def blank(match):
        piece = match.group(0)
        return piece[0] + re.sub(r"[^\n]", " ", piece[1:-1]) + piece[-1] if piece[0] in "\"'" else re.sub(r"[^\n]", " ", piece)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def room_of(path):
    return path.split("/", 1)[0] if "/" in path else ""


def check_includes(root):
    """Who may include whom."""
    for path, full in files(root, ".c", ".h"):
        room = room_of(path)
        if room in ("web", "fixtures"):
            continue
        for number, line in enumerate(read(full).splitlines(), 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not found:
                continue
            quoted, target = found.group(1) == '"', found.group(2)
            if ONLY_PLUGIN.match(target) and room != "plugin" and path not in PEERS:
                yield path, number, f"{target}: only plugin/ may include it"
            if room not in MAY_INCLUDE:
                continue
            rooms, libraries = MAY_INCLUDE[room]
            if quoted:
                if "/" not in target or ".." in target:
                    yield path, number, f'"{target}": name it from the root of the project, as "{room}/{target}"'
                elif room_of(target) not in rooms:
                    yield path, number, f'"{target}": {room}/ may include only {" and ".join(sorted(rooms))}'
            elif target not in libraries and target[:-2] not in LIBC and not COMPILER.match(target):
                allowed = ", ".join(sorted(libraries)) or "no library"
                yield path, number, f"<{target}>: {room}/ stands on libc and {allowed}"


def check_names(root):
    """Nothing is called util, common, misc, helpers or core; no path of somebody's machine stands in the tree."""
    for path, full in files(root):
        for part in path.split("/"):
            stem = part.split(".", 1)[0].lower()
            if FORBIDDEN_NAMES & set(re.split(r"[-_]", stem)) and path not in NAMES_EXCEPTED:
                yield path, 0, f'"{part}" says nothing: name it after what it does'
        if path.endswith((".c", ".h", ".py", ".md", ".txt", ".cmake", ".yaml", ".json", ".sh", ".mjs")) and path != "tests/lint/lint.py":
            for number, line in enumerate(read(full).splitlines(), 1):
                if re.search(r"(?<![\w.:/-])/(?:home|root|work)/\w", line):
                    yield path, number, "a path of one machine"


def check_calls(root):
    """Functions that are not called."""
    for path, full in files(root, ".c", ".h"):
        room = room_of(path)
        if room in ("web", "fixtures"):
            continue
        below = room in ROOMS_BELOW
        banned = (BANNED - TESTS_MAY if room in ("tests", "bench") else BANNED) | (BELOW | FLOATS if below else set())
        text = read(full)
        raw_lines = text.splitlines()
        for number, line in enumerate(code_only(text).splitlines(), 1):
            excused = set(re.findall(r"lint-allow: (\w+) because \w", raw_lines[number - 1]))
            # Not a member, not part of another name.
            for call in re.findall(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(", line):
                if call in banned and call not in excused:
                    where = f"not in {room}/" if call not in BANNED else "not here"
                    yield path, number, f"{call}(): {where}"
            if below:
                for stream in re.findall(r"(?<![\w.>])(stdout|stderr|stdin)\b", line):
                    if stream not in excused:
                        yield path, number, f"{stream}: a room below cli/ and plugin/ says nothing on its own"


def check_sizes(root):
    """A file over 600 lines asks to be two."""
    for path, full in files(root, ".c", ".h", ".py"):
        lines = read(full).count("\n")
        if lines > LINES_MOST:
            yield path, lines, f"{lines} lines: more than {LINES_MOST}, make it two"
        elif lines > LINES_ASK:
            print(f"{path}: {lines} lines ask to be two files (no failure before {LINES_MOST})")


def check_heads(root):
    """A C file begins with what it is: `/* name.c - what`, or for a test just what."""
    for path, full in files(root, ".c", ".h"):
        if room_of(path) in ("web", "fixtures"):
            continue
        name = path.rsplit("/", 1)[-1]
        head = r"/\* (?:\S+/)?" + re.escape(name) + r" - \S" if room_of(path) != "tests" else r"/\* [A-Z\w]"
        if not re.match(head, read(full)):
            yield path, 1, f'the head comment is due: "/* {name} - what it is"'


def check_globals(archives):
    """No mutable variable of static storage in the rooms below: the symbols of .data, .bss and thread-local storage."""
    for archive in archives:
        table = subprocess.run(["objdump", "-t", archive], capture_output=True, text=True, check=True).stdout
        member = archive
        for line in table.splitlines():
            named = re.match(r"(\S+\.o):\s+file format", line)
            if named:
                member = named.group(1)
            fields = re.match(r"[0-9a-f]+ (.{7}) (\S+)\s+[0-9a-f]+\s+(?:\.hidden |\.internal |\.protected )?(\S+)$", line)
            if not fields:
                continue
            flags, section, symbol = fields.groups()
            if "O" not in flags and not (section.startswith((".tdata", ".tbss")) and "d" not in flags):
                continue
            if re.match(r"\.(data|bss|tdata|tbss)(\.(?!rel\.ro)|$)|\*COM\*", section):
                yield member, 0, f"{symbol} is a mutable global ({section})"


CHECKS = {"includes": check_includes, "names": check_names, "calls": check_calls, "sizes": check_sizes, "heads": check_heads}


def main():
    args = sys.argv[1:]
    if args == ["--list"]:
        print("\n".join(CHECKS))
        return 0
    if not args or args[0] not in (*CHECKS, "globals"):
        sys.stderr.write(__doc__)
        return 2
    if args[0] == "globals":
        problems = list(check_globals(args[1:]))
        looked = len(args) - 1
    else:
        root = args[1] if len(args) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        looked = sum(1 for _ in files(root))
        problems = list(CHECKS[args[0]](root))
    if not looked:
        print("nothing to look at: that cannot be right")
        return 1
    for path, line, what in problems:
        print(f"{path}:{line}: {what}" if line else f"{path}: {what}")
    print(f"{args[0]}: {looked} looked at, {len(problems)} to mend")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
