"""RFC 6962 section 2.1 written straight from its definitions, sharing nothing with the program:
the reference that src/audit/test/data/merkle.txt comes from and that other tests check against.

    python3 rfc6962.py > ../../src/audit/test/data/merkle.txt
"""
import hashlib


def sha256(data):
    return hashlib.sha256(data).digest()


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves):
    """leaves are leaf hashes."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:]))


def leaf(entry):
    return sha256(b"\x00" + entry)


def path(m, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return path(m, leaves[:k]) + [mth(leaves[k:])]
    return path(m - k, leaves[k:]) + [mth(leaves[:k])]


def subproof(m, leaves, whole):
    n = len(leaves)
    if m == n:
        return [] if whole else [mth(leaves)]
    k = split(n)
    if m <= k:
        return subproof(m, leaves[:k], whole) + [mth(leaves[k:])]
    return subproof(m - k, leaves[k:], False) + [mth(leaves[:k])]


def consistency(m, leaves):
    return subproof(m, leaves, True) if m else []


def entry(i):
    """The i-th entry of the test tree."""
    return b"entry %d" % i


def main():
    print("# size root sha256(inclusion proofs of all indices) sha256(consistency proofs of all older sizes)")
    sizes = list(range(0, 70)) + [96, 127, 128, 129, 255, 256, 257, 300]
    for n in sizes:
        leaves = [leaf(entry(i)) for i in range(n)]
        inclusion = sha256(b"".join(b"".join(path(i, leaves)) for i in range(n)))
        consistent = sha256(b"".join(b"".join(consistency(m, leaves)) for m in range(n + 1)))
        print(n, mth(leaves).hex(), inclusion.hex(), consistent.hex())


if __name__ == "__main__":
    main()
