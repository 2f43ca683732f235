"""convtap as it is installed, for the end-to-end tests: into a folder of its own, and moved from there. Standard library only."""
import hashlib
import os
import subprocess

from drive import Case

BUILD = os.environ.get("CT_BUILD", "")
SANITIZE = os.environ.get("CT_SANITIZE", "")
COMPILER = os.environ.get("CT_CC", "cc")


def run(*command, env=None, status=0, folder=None):
    """Runs a command that has to end with this status; what it said, both streams."""
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240, check=False,
                          env={**os.environ, **(env or {})}, cwd=folder)
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode != status:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}\n{said[-6000:]}")
    return said


def listing(folder):
    found = set()
    for at, _, names in os.walk(folder):
        found |= {os.path.relpath(os.path.join(at, name), folder) for name in names}
    return found


class Installed(Case):
    """One installation for all tests of a class: installed in one place and moved to another, with a rule pack changed, so that
    nothing can be found in the build tree or the source tree instead."""

    @classmethod
    def setUpClass(cls):
        import shutil
        import tempfile
        cls.place = tempfile.mkdtemp(prefix="convtap-installed-")
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        before, cls.prefix = os.path.join(cls.place, "before"), os.path.join(cls.place, "moved", "here")
        run("cmake", "--install", BUILD, "--prefix", before)
        os.makedirs(os.path.dirname(cls.prefix))
        os.rename(before, cls.prefix)
        packs = os.path.join(cls.prefix, "share", "convtap", "rules")
        with open(os.path.join(packs, "core.yaml"), "ab") as f:
            f.write(b"\n# of this installation\n")
        whole = hashlib.sha256()
        for name in sorted(os.listdir(packs)):
            with open(os.path.join(packs, name), "rb") as f:
                whole.update(f.read())
        cls.rules_hash = whole.hexdigest()
        cls.lib = os.path.dirname(next(os.path.join(cls.prefix, name) for name in sorted(listing(cls.prefix))
                                       if name.endswith("/libconvtap.so")))
