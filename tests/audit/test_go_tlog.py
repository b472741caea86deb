"""Agreement with code that is not ours: Go's golang.org/x/mod/sumdb verifies trees that Bartizan wrote.
Needs Debian's golang-go and golang-golang-x-mod-dev; without them it is skipped (exit code 77).

    python3 test_go_tlog.py BIN_DIRECTORY
"""
import os
import shutil
import subprocess
import sys
import tempfile

from test_verify import key_of

BIN = sys.argv[1]
LIBRARY = "/usr/share/gocode"


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, **more).stdout


def main():
    if not shutil.which("go") or not os.path.isdir(LIBRARY + "/src/golang.org/x/mod/sumdb/tlog"):
        print("skipped: golang-go and golang-golang-x-mod-dev are not installed")
        return 77
    scratch = tempfile.mkdtemp(prefix="bartizan-go-")
    try:
        environment = {**os.environ, "GO111MODULE": "off", "GOPATH": LIBRARY, "GOCACHE": scratch + "/cache",
                       "GOFLAGS": ""}
        program = scratch + "/verify"
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "go", "main.go")
        run("go", "build", "-o", program, source, env=environment)
        log = scratch + "/log"
        key = run(os.path.join(BIN, "audit_write_log"), log, "2500").split()[1]
        for tree, index, old in (("t-acme", 300, 259), ("t-beta%20corp", 0, 512), ("system", 830, 1)):
            run(os.path.join(BIN, "audit_write_log"), "prove", log, key, tree, str(index), scratch + "/one")
            growth = run(os.path.join(BIN, "audit_write_log"), "growth", log, key, tree, str(old))
            print(tree, run(program, f"{log}/tree/{tree}", key_of(key, tree), scratch + "/one.tlog-proof",
                            scratch + "/one.record", str(old), growth).strip())
    except subprocess.CalledProcessError as error:
        print("FAILED:", error.cmd, error.stdout, error.stderr)
        return 1
    finally:
        shutil.rmtree(scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
