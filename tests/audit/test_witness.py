"""bartizan-witness signs what grows and nothing else; bartizan-verify counts on it.

    python3 test_witness.py BIN_DIRECTORY
"""
import os
import shutil
import subprocess
import sys
import tempfile

BIN = sys.argv[1]
FAILED = []


def run(program, *arguments, text=None):
    done = subprocess.run([os.path.join(BIN, program), *map(str, arguments)], capture_output=True, text=True, input=text)
    return done.returncode, done.stdout, done.stderr


def check(condition, *what):
    if not condition:
        FAILED.append(what)
        print("FAILED:", *what)


def key_of(key, tree):
    import base64
    import hashlib
    name, _, encoded = key.split("+", 2)
    name += "/" + tree
    identifier = hashlib.sha256(name.encode() + b"\n" + base64.b64decode(encoded)).digest()[:4]
    return f"{name}+{identifier.hex()}+{encoded}"


def read(path):
    return open(path, encoding="utf-8").read()


def main():
    scratch = tempfile.mkdtemp(prefix="bartizan-witness-")
    try:
        scenarios(scratch)
    finally:
        shutil.rmtree(scratch)
    print("FAILED" if FAILED else "ok")
    return 1 if FAILED else 0


def scenarios(scratch):
    code, witness_key, err = run("bartizan-witness", "keygen", "witness.example/w1", scratch + "/w1.key")
    witness_key = witness_key.strip()
    check(code == 0 and os.stat(scratch + "/w1.key").st_mode & 0o777 == 0o600, "keygen", err)
    check(run("bartizan-witness", "keygen", "w", scratch + "/w1.key")[0] == 3, "a key is never overwritten")
    log = scratch + "/log"
    _, out, _ = run("audit_write_log", log, 700)
    secret, key = out.split()
    system = key_of(key, "system")
    state = scratch + "/state"

    def ask(body, log_key=system):
        code, out, err = run("bartizan-witness", "add-checkpoint", "--key", scratch + "/w1.key", "--state", state,
                             "--log", log_key, text=body)
        status = int(err.strip().split("\n")[-1])
        check((code == 0) == (status == 200), "exit code", code, status)
        return status, out

    first = read(log + "/tree/system/checkpoint")
    size = int(first.split("\n")[1])
    for body in ("", "old", "old 0", "old 0\n", "old 00\n\n" + first, "old -1\n\n" + first, "old 0\nnot base64\n\n" + first,
                 "old 0\n" + "A" * 43 + "=\n" * 1 + first, "old 0\n\n" + first.split("\n\n")[0]):
        check(ask(body)[0] == 400, "malformed", body)
    check(ask(f"old {size + 1}\n\n" + first)[0] == 400, "an old size beyond the checkpoint")
    check(ask("old 0\n\n" + first, key_of(key, "t-acme"))[0] == 404, "an unknown log")
    check(ask("old 0\n\n" + first.replace("\n" + str(size) + "\n", "\n" + str(size + 1) + "\n"))[0] == 403, "a changed checkpoint")
    check(ask("old 5\n\n" + first) == (409, "0\n"), "an old size that was never seen")
    proof_line = "A" * 43 + "=\n"
    check(ask("old 0\n" + proof_line + "\n" + first)[0] == 422, "a proof from nothing")
    status, line = ask("old 0\n\n" + first)
    check(status == 200 and line.startswith("\u2014 witness.example/w1 "), "the first checkpoint", status, line)
    check(ask(f"old {size}\n\n" + first)[0] == 200, "the same again")
    open(log + "/tree/system/checkpoint", "a", encoding="utf-8").write(line)
    code, out, _ = run("bartizan-verify", "log", "--key", key, "--witness", witness_key, log)
    check(code == 0 and "witness witness.example/w1: cosigned" in out, "a cosigned log", out)

    shutil.copytree(log, scratch + "/older")
    run("audit_write_log", log, 400, secret)
    second = read(log + "/tree/system/checkpoint")
    _, growth, _ = run("audit_write_log", "growth", log, key, "system", size)
    lines = growth.splitlines(keepends=True)
    check(ask("old 0\n\n" + second) == (409, f"{size}\n"), "a client that forgot")
    for n in range(len(lines)):
        check(ask(f"old {size}\n" + "".join(lines[:n] + lines[n + 1:]) + "\n" + second)[0] == 422, "without hash", n)
    code, out, _ = run("bartizan-verify", "log", "--key", key, "--witness", witness_key, log)
    check(code == 1 and "has cosigned no checkpoint" in out, "not cosigned yet", out)
    status, line = ask(f"old {size}\n" + growth + "\n" + second)
    check(status == 200, "growth", status)
    newer = second.split("\n")[1]
    check(ask(f"old {size}\n\n" + first) == (409, newer + "\n"), "an older copy of the log")

    # The same key signs another continuation, shorter and longer than the first.
    run("audit_write_log", scratch + "/older", 900, secret)
    forked = read(scratch + "/older/tree/system/checkpoint")
    check(int(forked.split("\n")[1]) > int(newer), "the fork is longer")
    _, growth, _ = run("audit_write_log", "growth", scratch + "/older", key, "system", newer)
    check(ask(f"old {newer}\n" + growth + "\n" + forked)[0] == 422, "a fork")

    shutil.copytree(state, scratch + "/kept")
    keys(log, secret, key, system, state, scratch, ask, newer)
    shutil.rmtree(state)
    shutil.copytree(scratch + "/kept", state)

    # Somebody changes what the witness remembers.
    (name,) = [name for name in os.listdir(state) if name.endswith(".checkpoint")]
    text = read(f"{state}/{name}")
    open(f"{state}/{name}", "w", encoding="utf-8").write(text.replace(newer, "1", 1))
    check(ask(f"old 1\n\n" + forked)[0] == 500, "a changed memory")
    for arguments in ([], ["add-checkpoint"], ["add-checkpoint", "--key", "x"], ["keygen", "two words", scratch + "/x"]):
        check(run("bartizan-witness", *arguments, text="")[0] == 2, "usage", arguments)


def keys(log, secret, key, system, state, scratch, ask, known):
    """The witness follows the log's keys from one to the next, and to no other."""
    def tell(note, log_key=system, folder=state):
        code, out, err = run("bartizan-witness", "add-key", "--key", scratch + "/w1.key", "--state", folder, "--log", log_key,
                             text=note)
        status = int(err.strip().split("\n")[-1])
        check((code == 0) == (status == 200), "exit code", code, status)
        return status

    rival = scratch + "/rival"
    shutil.copytree(log, rival)
    _, out, _ = run("audit_write_log", "rotate", log, secret, 0)
    second, second_key = out.split()
    note = read(log + "/keys/2")
    run("audit_write_log", "rotate", rival, secret, 0)
    other = read(rival + "/keys/2")
    run("audit_write_log", log, 50, second)
    newest = read(log + "/tree/system/checkpoint")
    _, growth, _ = run("audit_write_log", "growth", log, second_key, "system", known)
    request = f"old {known}\n" + growth + "\n" + newest
    check(ask(request)[0] == 403, "a key that the witness was not told of")
    for body in ("", "nothing", note.split("\n\n")[0]):
        check(tell(body) == 400, "malformed", body)
    for at in (30, len(note) // 2, len(note) - 9):
        check(tell(note[:at] + chr(ord(note[at]) ^ 1) + note[at + 1:]) in (400, 403, 404), "a changed note", at)
    half = note.rstrip("\n").rsplit("\n", 1)[0] + "\n"
    check(tell(half) == 403, "signed by the key before alone")
    fresh = scratch + "/fresh"
    check(tell(note) == 200 and tell(note) == 200, "the true one, twice")
    check(tell(other) == 409, "another second key, signed by the old one as well")
    status, line = ask(request)
    check(status == 200, "what the second key has signed", status)
    _, out, _ = run("audit_write_log", "rotate", log, second, 0)
    third, third_key = out.split()
    check(tell(read(log + "/keys/3"), system, fresh) == 409, "a key whose beginning is not known here")
    check(tell(read(log + "/keys/3")) == 200, "the third")
    check(ask(f"old {newest.split(chr(10))[1]}\n\n" + newest)[0] == 403, "the second key after its time")
    check(tell(read(log + "/keys/3"), key_of(third_key, "system"), scratch + "/late") == 200, "a witness that came late")


if __name__ == "__main__":
    sys.exit(main())
