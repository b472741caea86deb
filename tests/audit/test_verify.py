"""bartizan-verify against logs written by the server's code, then harmed in every way we could think of.

    python3 test_verify.py BIN_DIRECTORY
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

BIN = sys.argv[1]
FAILED = []


def run(program, *arguments):
    done = subprocess.run([os.path.join(BIN, program), *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def check(condition, what, output=""):
    if not condition:
        FAILED.append(what)
        print("FAILED:", what, output, sep="\n")


def verifies(log, key, *more):
    return run("bartizan-verify", "log", "--key", key, *more, log)


def files_of(log):
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(log, "tree")) for name in names)


def copy(log, scratch, name):
    target = os.path.join(scratch, name)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(log, target)
    return target


def referenced(log):
    """Files that the published checkpoints rest on: all full tiles, and partial ones of the right width."""
    out = []
    for tree in sorted(os.listdir(os.path.join(log, "tree"))):
        root = os.path.join(log, "tree", tree)
        size = int(open(os.path.join(root, "checkpoint")).read().split("\n")[1])
        out.append(os.path.join(root, "checkpoint"))
        for level in range(3):
            for path in (f"tile/{level}", *(["tile/entries"] if level == 0 else [])):
                hashes = size >> (8 * level)
                for n in range(hashes // 256):
                    out.append(os.path.join(root, path, f"{n:03}"))
                if hashes % 256:
                    out.append(os.path.join(root, path, f"{hashes // 256:03}.p", str(hashes % 256)))
    return [path for path in out if os.path.exists(path)]


def main():
    random.seed(6962)
    scratch = tempfile.mkdtemp(prefix="bartizan-verify-")
    try:
        scenarios(scratch)
    finally:
        shutil.rmtree(scratch)
    print("FAILED" if FAILED else "ok", len(FAILED))
    return 1 if FAILED else 0


def scenarios(scratch):
    log = os.path.join(scratch, "log")
    code, out = run("audit_write_log", log, 3000)
    check(code == 0, "writing", out)
    secret, key = out.split()
    older = copy(log, scratch, "older")
    code, out = verifies(log, key)
    check(code == 0 and "VERIFIED" in out and "records: 3000 in 3 trees" in out and "limit:" in out, "a sound log", out)
    code, out = run("audit_write_log", log, 900, secret)
    check(code == 0, "writing more", out)
    anchors = [part for tree in ("system", "t-acme") for part in ("--against", os.path.join(older, "tree", tree, "checkpoint"))]
    code, out = verifies(log, key, *anchors)
    check(code == 0 and "records: 3900" in out, "a log that grew", out)
    flip(log, key, scratch)
    drop(log, key, scratch)
    roll_back(log, older, key)
    tail(older, log, key, scratch)
    fork(older, log, secret, key, scratch)
    counts(log, secret, key, scratch)
    keys(log, older, secret, key, scratch)
    records(log, key, scratch)
    prune(log, secret, key, scratch)
    compressed(log, secret, key, scratch)
    growth(log, older, key)
    usage(log, key)


def prune(log, secret, key, scratch):
    """Records are gone, with the log's word for it; without it, or beyond it, they are missing."""
    target = copy(log, scratch, "prune")
    code, out = run("audit_write_log", "prune", target, secret, "t-acme", "32503680000")
    kept = int(out)
    check(code == 0 and kept >= 1024 and kept % 256 == 0, "pruning", out)
    bundles = os.path.join(target, "tree", "t-acme", "tile", "entries")
    check(sorted(name for name in os.listdir(bundles) if name.isdigit()) == [], "bundles are gone", os.listdir(bundles))
    code, out = verifies(target, key)
    check(code == 0 and f"below index {kept} were pruned" in out, "a pruned log", out)
    code, out = verifies(target, key, "--against", os.path.join(log, "tree", "t-acme", "checkpoint"))
    check(code == 0, "a pruned log against its checkpoint", out)
    statement = os.path.join(target, "tree", "t-acme", "pruned")
    text = open(statement).read()
    for harmed in ("", text.replace(f"\n{kept}\n", f"\n{kept + 256}\n"), text.replace("t-acme", "t-beta", 1)):
        open(statement, "w").write(harmed)
        code, out = verifies(target, key)
        check(code == 1 and "not signed by the log's key" in out, "a statement that was changed", out)
    os.remove(statement)
    code, out = verifies(target, key)
    check(code == 1 and "index 0: the bundle of records" in out, "no statement", out)
    open(statement, "w").write(text)
    tile = os.path.join(target, "tree", "t-acme", "tile", "0", "001")
    hashes = bytearray(open(tile, "rb").read())
    hashes[7] ^= 1
    open(tile, "wb").write(hashes)
    code, out = verifies(target, key)
    check(code == 1 and "index" in out, "a hash of a pruned record still counts", out)


def compressed(log, secret, key, scratch):
    """Cold bundles are what they were; a byte of them that changed is found with its index, and pruning takes them."""
    target = copy(log, scratch, "compressed")
    code, out = run("audit_write_log", "compress", target, key)
    records, plain, stored = map(int, out.split())
    check(code == 0 and records >= 3000 and 4 * stored < plain, "compressing", out)
    bundles = os.path.join(target, "tree", "t-acme", "tile", "entries")
    check(all(name.endswith((".zst", ".p")) for name in os.listdir(bundles)), "plain bundles are gone", os.listdir(bundles))
    code, out = verifies(target, key, "--against", os.path.join(log, "tree", "t-acme", "checkpoint"))
    check(code == 0 and "records: 3900" in out, "a compressed log", out)
    frame = os.path.join(bundles, "002.zst")
    original = open(frame, "rb").read()
    for at in {0, 5, len(original) - 1, *(random.randrange(len(original)) for _ in range(40))}:
        harmed = bytearray(original)
        harmed[at] ^= 1 << random.randrange(8)
        open(frame, "wb").write(harmed)
        code, out = verifies(target, key)
        # A bit of the frame's header may mean nothing to its content.
        same = subprocess.run(["zstd", "-dcq"], input=harmed, capture_output=True)
        unharmed = subprocess.run(["zstd", "-dcq"], input=original, capture_output=True, check=True).stdout
        if not (same.returncode == 0 and same.stdout == unharmed):
            check(code == 1 and "t-acme index 512: the bundle of records" in out, f"a frame's byte {at}", out)
    for harmed in (b"", original[:-1], original + b"x", original + original, open(os.path.join(bundles, "001.zst"), "rb").read()):
        open(frame, "wb").write(harmed)
        code, out = verifies(target, key)
        check(code == 1 and "t-acme index 512:" in out, f"a frame of {len(harmed)} bytes", out)
    os.remove(frame)
    code, out = verifies(target, key)
    check(code == 1 and "t-acme index 512: the bundle of records" in out, "without a frame", out)
    open(frame, "wb").write(original)
    # The log goes on over compressed bundles, and is pruned.
    code, out = run("audit_write_log", target, 600, secret)
    check(code == 0, "writing on", out)
    code, out = verifies(target, key)
    check(code == 0 and "records: 4500" in out, "a compressed log that grew", out)
    code, out = run("audit_write_log", "prune", target, secret, "t-acme", "32503680000")
    check(code == 0 and int(out) >= 1280, "pruning compressed bundles", out)
    check([name for name in os.listdir(bundles) if not name.endswith(".p")] == [], "frames are gone", os.listdir(bundles))
    code, out = verifies(target, key)
    check(code == 0 and "were pruned" in out, "a compressed and pruned log", out)


def flip(log, key, scratch):
    """One byte of any file that counts."""
    target = copy(log, scratch, "flip")
    for path in referenced(target):
        original = open(path, "rb").read()
        for at in {0, len(original) - 1, random.randrange(len(original))}:
            harmed = bytearray(original)
            harmed[at] ^= 1 << random.randrange(8)
            open(path, "wb").write(harmed)
            code, out = verifies(target, key)
            named = "index" in out or path.endswith("checkpoint")
            check(code == 1 and "NOT VERIFIED" in out and named, f"flip {path} at {at}", out)
            if "/entries/" in path and "the record is not" in out:
                # The record's own index, reckoned from the place in the bundle.
                start, index = 0, 256 * int(path.split("/entries/")[1].split(".")[0].replace("/", "").replace("x", ""))
                while start + 2 + int.from_bytes(original[start:start + 2], "big") <= at:
                    start += 2 + int.from_bytes(original[start:start + 2], "big")
                    index += 1
                if at >= start + 2:
                    check(f"index {index}:" in out, f"flip {path} at {at}: index {index}", out)
        open(path, "wb").write(original)
    code, out = verifies(target, key)
    check(code == 0, "flipped back", out)


def drop(log, key, scratch):
    """A file that counts is gone."""
    target = copy(log, scratch, "drop")
    for path in referenced(target):
        original = open(path, "rb").read()
        os.remove(path)
        code, out = verifies(target, key)
        named = "index" in out or path.endswith("checkpoint")
        check(code == 1 and named, f"without {path}", out)
        open(path, "wb").write(original[: len(original) // 2])
        code, out = verifies(target, key)
        named = "index" in out or path.endswith("checkpoint")
        check(code == 1 and named, f"half of {path}", out)
        open(path, "wb").write(original)
    shutil.rmtree(os.path.join(target, "tree", "t-acme"))
    code, out = verifies(target, key)
    check(code == 1 and "t-acme" in out, "a tenant's tree is gone", out)


def roll_back(log, older, key):
    """An older copy of the whole log verifies by itself; a kept checkpoint tells."""
    newer = [part for tree in ("system", "t-acme") for part in ("--against", os.path.join(log, "tree", tree, "checkpoint"))]
    code, out = verifies(older, key)
    check(code == 0 and "can't tell the newest log" in out, "an older copy alone", out)
    code, out = verifies(older, key, *newer)
    check(code == 1 and "the tail was dropped" in out and "index 1000" in out, "an older copy against a newer checkpoint", out)


def tail(older, log, key, scratch):
    """One tree's tail is dropped, its older checkpoint and all: the system tree knows of what is gone."""
    cut = copy(log, scratch, "cut")
    shutil.rmtree(os.path.join(cut, "tree", "t-acme"))
    shutil.copytree(os.path.join(older, "tree", "t-acme"), os.path.join(cut, "tree", "t-acme"))
    code, out = verifies(cut, key)
    check(code == 1 and "t-acme index 1000:" in out and "the tail was dropped" in out, "a tree without its tail", out)


def fork(older, log, secret, key, scratch):
    """The same key signs another continuation."""
    other = copy(older, scratch, "fork")
    code, out = run("audit_write_log", other, 1200, secret)
    check(code == 0, "forking", out)
    code, out = verifies(other, key)
    check(code == 0, "a fork alone", out)
    code, out = verifies(other, key, "--against", os.path.join(log, "tree", "t-acme", "checkpoint"))
    check(code == 1 and "rewritten or forked at or before this index" in out and "index 1299" in out, "a fork", out)
    # One tenant's tree of the fork in the original log: the system tree knows better.
    mixed = copy(log, scratch, "mixed")
    shutil.rmtree(os.path.join(mixed, "tree", "t-acme"))
    shutil.copytree(os.path.join(other, "tree", "t-acme"), os.path.join(mixed, "tree", "t-acme"))
    code, out = verifies(mixed, key)
    check(code == 1 and "t-acme index" in out, "one tree of a fork", out)


def counts(log, secret, key, scratch):
    """The gateway's counts: what was lost between it and a tree is found, with the tree and the hour."""
    def counted(name, count, fault="", base=log):
        target = copy(base, scratch, name)
        code, out = run("audit_write_log", "counted", target, count, secret, *([fault] if fault else []))
        check(code == 0, f"counting, {fault or 'sound'}", out)
        return target, *verifies(target, key)

    sound, code, out = counted("counted", 2000)
    check(code == 0 and "counts: 15 compared" in out and "still running: 0 records" in out, "a counted log", out)
    tree = os.path.join(sound, "tree", "t-acme")
    code, out = run("bartizan-verify", "tree", "--key", key_of(key, "t-acme"), tree)
    check(code == 0 and "counts: 5 compared" in out, "a tenant's own tree with its counts", out)
    _, code, out = counted("counted-on", 700, base=sound)
    check(code == 0 and "counts: 21 compared" in out, "counts go on over a restart", out)
    target, code, out = counted("counted-drop", 2000, "drop")
    check(code == 1 and out.count("finding: ") == 1 and "log.example/test/t-acme index" in out and "records were begun" in out
          and " UTC" not in out and "Z (tickets " in out, "a record that got lost", out)
    code, out = run("bartizan-verify", "tree", "--key", key_of(key, "t-acme"), os.path.join(target, "tree", "t-acme"))
    check(code == 1 and "0 of them may still run" in out, "a tenant finds what got lost of its own", out)
    _, code, out = counted("counted-move", 2000, "move")
    check(code == 1 and out.count("finding: ") == 2 and "t-acme index" in out and "t-beta%20corp index" in out,
          "a record in another tenant's tree", out)
    _, code, out = counted("counted-silent", 2000, "silent")
    check(code == 1 and "system index" in out and "the counts of all trees make up" in out, "counts of one tree are missing", out)
    died, code, out = counted("counted-die", 2000, "die")
    check(code == 0, "a gateway that died", out)
    _, code, out = counted("counted-died", 400, base=died)
    check(code == 0, "after a gateway died", out)
    # The file of counts goes: from there on nobody has counted, and that is found once counts go on.
    os.remove(os.path.join(died, "counts"))
    _, code, out = counted("counted-gone", 400, base=died)
    check(code == 1 and "tickets before are in no count" in out, "counts with a gap", out)
    pruned = copy(sound, scratch, "counted-pruned")
    code, out = run("audit_write_log", "prune", pruned, secret, "t-acme", "32503680000")
    check(code == 0, "pruning a counted tree", out)
    code, out = verifies(pruned, key)
    check(code == 1 and "t-acme index" in out and "records were begun" in out, "young records that were pruned", out)


def keys(log, older, secret, key, scratch):
    """The log's key is replaced: from any of its keys the others are reached, and no key that is not among them."""
    target = copy(log, scratch, "keys")
    prefix = os.path.join(scratch, "before")
    code, out = run("audit_write_log", "prove", target, key, "t-acme", 700, prefix)
    check(code == 0, "proving", out)
    code, out = run("audit_write_log", "rotate", target, secret, 0)
    check(code == 0, "rotating", out)
    second, second_key = out.split()
    code, out = verifies(target, key)
    check(code == 1 and "not signed by the log's key" in out, "introduced, and not yet in force", out)
    code, out = run("audit_write_log", target, 300, second)
    check(code == 0, "writing under the second key", out)
    against = ("--against", os.path.join(older, "tree", "t-acme", "checkpoint"))
    for known in (key, second_key):
        code, out = verifies(target, known, *against)
        check(code == 0 and "records: 4200" in out, "from either key", out)
    code, out = run("audit_write_log", "rotate", target, second, 3600)
    third, third_key = out.split()
    code, out = run("audit_write_log", target, 300, third)
    check(code == 0, "writing under the third key", out)
    for known in (key, second_key, third_key):
        code, out = verifies(target, known, *against)
        check(code == 0 and "records: 4500" in out, "from each of three", out)
    note = open(os.path.join(target, "tree", "t-acme", "checkpoint")).read()
    check(note.count("\u2014 ") == 2, "the key before signs along", note)
    folder, notes = os.path.join(target, "tree", "t-acme"), os.path.join(target, "keys")
    code, out = run("bartizan-verify", "tree", "--key", key_of(key, "t-acme"), folder)
    check(code == 1, "a tenant who does not know of the keys", out)
    code, out = run("bartizan-verify", "tree", "--key", key_of(key, "t-acme"), "--keys", notes, folder)
    check(code == 0, "a tenant who follows them", out)
    code, out = run("bartizan-verify", "tree", "--key", key_of(second_key, "t-acme"), folder)
    check(code == 0, "a tenant who knows the one that signs along", out)
    tree_key = key_of(third_key, "t-acme")
    code, out = run("bartizan-verify", "record", "--key", tree_key, "--keys", notes, "--proof", prefix + ".tlog-proof",
                    prefix + ".record")
    check(code == 0, "a proof from before", out)
    old, new = (os.path.join(where, "tree", "t-acme", "checkpoint") for where in (older, target))
    code, out = run("bartizan-verify", "consistency", "--key", tree_key, "--keys", notes, "--tree", folder, old, new)
    check(code == 0 and "grew from 1000" in out, "growth over keys", out)
    # A key that nobody introduced, a note that was changed or left out, a log that went on under the old key.
    other = run("audit_write_log", os.path.join(scratch, "other"), 1)[1].split()[1]
    code, out = verifies(target, other)
    check(code == 1 and "none of those that" in out, "another key", out)
    for number in ("2", "3"):
        path = os.path.join(notes, number)
        original = open(path, "rb").read()
        for at in random.sample(range(len(original)), 25):
            harmed = bytearray(original)
            harmed[at] ^= 1
            open(path, "wb").write(harmed)
            code, out = verifies(target, key)
            check(code == 1, f"introduction {number} at {at}", out)
        open(path, "wb").write(original)
    os.rename(os.path.join(notes, "2"), os.path.join(notes, "moved"))
    code, out = verifies(target, key)
    check(code == 1, "an introduction is missing", out)
    os.rename(os.path.join(notes, "moved"), os.path.join(notes, "2"))
    stolen = copy(log, scratch, "stolen")
    code, out = run("audit_write_log", stolen, 600, secret)
    check(code == 0, "going on under the old key", out)
    shutil.copytree(notes, os.path.join(stolen, "keys"))
    for known in (key, third_key):
        code, out = verifies(stolen, known)
        check(code == 1 and "the checkpoint: it is not signed by the log's key" in out, "the old key after its time", out)


def records(log, key, scratch):
    prefix = os.path.join(scratch, "one")
    code, out = run("audit_write_log", "prove", log, key, "t-acme", 700, prefix)
    check(code == 0, "proving", out)
    tree_key = key_of(key, "t-acme")
    proof, record = prefix + ".tlog-proof", prefix + ".record"
    code, out = run("bartizan-verify", "record", "--key", tree_key, "--proof", proof, record)
    check(code == 0 and "at index 700 of" in out, "a record's proof", out)
    code, out = run("bartizan-verify", "record", "--key", key, "--proof", proof, record)
    check(code == 1, "a record's proof under another key", out)
    for path in (proof, record):
        original = open(path, "rb").read()
        for at in random.sample(range(len(original)), min(12, len(original))):
            harmed = bytearray(original)
            harmed[at] ^= 1
            open(path, "wb").write(harmed)
            code, out = run("bartizan-verify", "record", "--key", tree_key, "--proof", proof, record)
            check(code == 1, f"a record's proof, {path} at {at}", out)
        open(path, "wb").write(original)


def key_of(key, tree):
    """The log's key under a tree's origin: C2SP signed-note's key id over the other name."""
    import base64
    import hashlib
    name, _, encoded = key.split("+", 2)
    name += "/" + tree
    identifier = hashlib.sha256(name.encode() + b"\n" + base64.b64decode(encoded)).digest()[:4]
    return f"{name}+{identifier.hex()}+{encoded}"


def growth(log, older, key):
    tree_key = key_of(key, "t-acme")
    old, new = (os.path.join(where, "tree", "t-acme", "checkpoint") for where in (older, log))
    folder = os.path.join(log, "tree", "t-acme")
    code, out = run("bartizan-verify", "consistency", "--key", tree_key, old, new, "--tree", folder)
    check(code == 0 and "grew from 1000 to 1300" in out, "growth by tree", out)
    code, out = run("audit_write_log", "growth", log, key, "t-acme", 1000)
    proof = os.path.join(os.path.dirname(log), "growth")
    open(proof, "w").write(out)
    code, out = run("bartizan-verify", "consistency", "--key", tree_key, old, new, "--proof", proof)
    check(code == 0, "growth by proof", out)
    code, out = run("bartizan-verify", "consistency", "--key", tree_key, new, old, "--proof", proof)
    check(code == 1, "shrinking", out)
    lines = open(proof).read().splitlines()
    for n in range(len(lines)):
        open(proof, "w").write("".join(line + "\n" for i, line in enumerate(lines) if i != n))
        code, out = run("bartizan-verify", "consistency", "--key", tree_key, old, new, "--proof", proof)
        check(code == 1, f"growth without hash {n}", out)


def usage(log, key):
    for arguments in ([], ["log"], ["log", log], ["log", "--key", "nonsense", log], ["what", "--key", key, log],
                      ["log", "--key", key], ["record", "--key", key, log], ["log", "--key", key, "--nothing", "1", log]):
        code, out = run("bartizan-verify", *arguments)
        check(code == 2, f"usage {arguments}", out)
    code, out = run("bartizan-verify", "log", "--key", key, "/nonexistent")
    check(code == 3, "no such log", out)
    code, out = run("bartizan-verify", "--help")
    check(code == 0 and "Exit codes" in out, "help", out)


if __name__ == "__main__":
    sys.exit(main())
