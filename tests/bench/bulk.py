"""Large COPY out and in and large SELECT, of narrow rows (97 bytes) and wide ones (1 KB): CPU seconds per GB of the
protocol's bytes. The client is a raw reader that looks at nothing but the end, so it does not set the pace."""
from __future__ import annotations

import functools
import time

import wire
import wire_messages as m
from stage import Stage, take_turns

_READY = m.raw("Z", b"I")
_GIB = 1 << 30
_COPY_CHUNK = 8192  # as psql sends it
_IN_SHARE = 0.5     # COPY in writes so much of what the others read
ROWS = {"narrow": 97, "wide": 1024}
WORK = [f"{what}, {width}" for what in ("COPY out", "SELECT", "COPY in") for width in ROWS]


def make_tables(stage: Stage, megabytes: int) -> None:
    for width, size in ROWS.items():
        count = megabytes * 1_000_000 // size
        stage.cluster.admin(
            f"create unlogged table public.{width} as select g as a, left(repeat(md5(g::text), 40), {size} - 1 - length(g::text)) as b "
            f"from generate_series(1, {count}) g", f"create unlogged table public.{width}_in (like public.{width})",
            f"grant all on public.{width}, public.{width}_in to app", f"vacuum analyze public.{width}")


def measure(stage: Stage, row: str, work: str) -> dict:
    what, width = work.split(", ")
    with wire.sign_in(stage.running[row].endpoint(), seconds=300) as session:
        session.value("select 1")
        data = None
        if what == "COPY in":
            session.query(f"truncate {width}_in")
            data = copy_messages(width, int(stage.cluster.admin(f"select count(*) from {width}")))
        before = stage.cpu(row)
        begin = time.monotonic()
        if data is None:
            session.send(m.query(f"copy {width} to stdout" if what == "COPY out" else f"select * from {width}"))
            size = drain(session)
        else:
            session.send(m.query(f"copy {width}_in from stdin"))
            session.read_until("CopyInResponse")
            session.send(data, seconds=300)
            session.send(m.copy_done())
            size = len(data)
            assert not [x for x in session.read_until_ready(300) if x.name == "ErrorResponse"]
        seconds = time.monotonic() - begin
        proxy, server = stage.spent(row, before)
    return {"proxy_s_per_gb": None if proxy is None else proxy * _GIB / size, "server_s_per_gb": server * _GIB / size,
            "mb_per_s": size / seconds / 1e6}


def drain(session: wire.Connection) -> int:
    """Bytes up to the ReadyForQuery that ends the reply; no row of ours holds its bytes."""
    session.socket.settimeout(300)
    block, size, tail = bytearray(1 << 18), len(session.buffer), bytes(session.buffer[-6:])
    session.buffer.clear()
    while tail != _READY:
        count = session.socket.recv_into(block)
        if not count:
            raise wire.Eof
        size += count
        tail = (tail + bytes(block[max(0, count - 6):count]))[-6:]
    return size


@functools.cache
def copy_messages(width: str, rows: int) -> bytes:
    """CopyData messages as psql would send them for rows of this width."""
    lines = []
    for number in range(int(rows * _IN_SHARE)):
        digits = str(number)
        lines.append(f"{digits}\t{(digits * 1024)[:ROWS[width] - 2 - len(digits)]}\n")
    data = "".join(lines).encode()
    return b"".join(m.copy_data(data[i:i + _COPY_CHUNK]) for i in range(0, len(data), _COPY_CHUNK))


def measure_all(stage: Stage, args, progress) -> list[dict]:
    make_tables(stage, args.bulk_mb)
    cells = []
    for work in WORK:
        runs: dict[str, list[dict]] = {name: [] for name in args.targets}
        for round_ in range(args.rounds):
            for name in take_turns(args.targets, round_):
                runs[name].append(measure(stage, name, work))
        progress(work)
        cells += [{"part": "bulk", "work": work, "target": name, **{key: [r[key] for r in runs[name]] for key in runs[name][0]}}
                  for name in args.targets]
    return cells
