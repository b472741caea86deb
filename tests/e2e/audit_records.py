"""What a provable audit log holds, read from its files as anybody could: no code of the program's.

A record is flattened to the words of the gateway: event, identity, tag, status, sqlstate, rows, relations, ...
"""
from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path

_WIDTH = 256


def _tile_path(number: int) -> str:
    """tlog-tiles: groups of three digits, all but the last with an x in front."""
    text = f"{number % 1000:03}"
    while number >= 1000:
        number //= 1000
        text = f"x{number % 1000:03}/{text}"
    return text


def _bundle(tree: Path, number: int, width: int) -> bytes:
    full = tree / "tile" / "entries" / _tile_path(number)
    if width < _WIDTH:
        partial = full.with_name(full.name + ".p") / str(width)
        if partial.exists():
            return partial.read_bytes()
    try:
        return full.read_bytes()
    except FileNotFoundError:  # cold
        frame = full.with_name(full.name + ".zst").read_bytes()
        return subprocess.run(["zstd", "-dcq"], input=frame, capture_output=True, check=True).stdout


def entries(tree: Path) -> list[bytes]:
    """Those below the published checkpoint, as they stand there."""
    checkpoint = tree / "checkpoint"
    if not checkpoint.exists():
        return []
    size = int(checkpoint.read_text().split("\n")[1])
    found = []
    for number in range((size + _WIDTH - 1) // _WIDTH):
        width = min(_WIDTH, size - number * _WIDTH)
        data = _bundle(tree, number, width)
        at = 0
        for _ in range(width):
            length, = struct.unpack_from(">H", data, at)
            found.append(data[at + 2:at + 2 + length])
            at += 2 + length
    return found


def _once(members: list[tuple]) -> dict:
    """A name that stands twice would mean one thing to one reader and another to the next."""
    names = [name for name, _ in members]
    assert len(set(names)) == len(names), f"members named twice: {names}"
    return dict(members)


def _flat(record: dict) -> dict:
    own = record["unmapped"]["bartizan"]
    actor = record.get("actor", record)
    where = record.get("database") or record.get("service") or {}
    source = record.get("src_endpoint", {})
    out = {key: value for key, value in own.items() if key != "outcome"}
    out |= {"ticket": int(record["metadata"]["uid"]), "tenant": record["metadata"].get("tenant_uid"),
            "identity": actor.get("user", {}).get("name"), "session": actor.get("session", {}).get("uid"),
            "depot": where.get("name"), "digest": record.get("query_info", {}).get("uid"),
            "operation": record.get("api", {}).get("operation"),
            "address": f"{source.get('ip')}:{source.get('port')}", "sqlstate": record.get("status_code")}
    return out | own["outcome"]


def of(target) -> list[dict]:
    """Begin and outcome of each audited event as one, of the provable log or of the basic one."""
    files = sorted(target.audit_folder.glob("*.jsonl"))
    joined: dict[tuple, dict] = {}
    for file in files:
        for line in file.read_text().splitlines():
            record = json.loads(line, object_pairs_hook=_once)
            joined.setdefault((file.name, record["ticket"]), {}).update(record)
    return list(joined.values()) if files else records(target.audit_folder)


def records(log: Path) -> list[dict]:
    """Of all trees, by ticket. While the log goes on, a tree may be read at a moment between two files: again then."""
    for attempt in range(5):
        try:
            found = [json.loads(entry, object_pairs_hook=_once) for tree in sorted((log / "tree").glob("*"))
                     for entry in entries(tree) if entry.startswith(b"{")]
            return sorted((_flat(record) for record in found), key=lambda record: record["ticket"])
        except (FileNotFoundError, struct.error):
            if attempt == 4:
                raise
    return []
