"""Idle server connections whose server, or the way to it, has gone without a word."""
from __future__ import annotations

import select
import socket
import threading
import time

import pytest

import wire
import wire_messages as m
from hostile_client import rows
from pooling import sessions
from postgres import USER


class Path:
    """A TCP relay to the cluster. freeze() makes the connections that stand lead nowhere, without closing them."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._frozen: set[socket.socket] = set()
        self._ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def freeze(self) -> int:
        self._frozen.update(s for pair in self._pairs for s in pair)
        return len(self._frozen) // 2

    def stop(self) -> None:
        self._ending = True
        self._thread.join(10)
        for each in (self._listener, *(s for pair in self._pairs for s in pair)):
            each.close()

    def _run(self) -> None:
        while not self._ending:
            other = {a: b for pair in self._pairs for a, b in (pair, pair[::-1])}
            readable, _, _ = select.select([self._listener, *(s for s in other if s not in self._frozen)], [], [], 0.05)
            for each in readable:
                if each is self._listener:
                    self._pairs.append((each.accept()[0], socket.create_connection(("127.0.0.1", self._to))))
                    continue
                try:
                    data = each.recv(65536)
                    if data:
                        other[each].sendall(data)
                except OSError:
                    data = b""
                if not data:
                    pair = next(p for p in self._pairs if each in p)
                    self._pairs.remove(pair)
                    for end in pair:
                        end.close()
                    break


def _pids(cluster) -> set[str]:
    return set((cluster.admin(f"select string_agg(pid::text, ',') from pg_stat_activity where usename = '{USER}'") or "").split(","))


@pytest.fixture
def path(cluster):
    made = Path(cluster.port)
    yield made
    made.stop()


@pytest.fixture
def pool(start_target, target_name, path):
    if target_name != "bartizan":
        pytest.skip("of Bartizan's own")
    return start_target(pool_mode="transaction", pool_size=3, queue_timeout="20s", server_port=path.port,
                        limits='server_check_interval = "1s"')


def test_connections_that_lead_nowhere_are_not_lent(pool, path):
    with sessions(pool, 3) as clients:
        for client in clients:
            client.query("begin")
        for client in clients:
            client.query("commit")
        assert path.freeze() >= 3
        time.sleep(9)  # three intervals, and the time that a server has for its answer
        begin = time.monotonic()
        for i, client in enumerate(clients):
            client.send(m.query(f"select {i}"))
        for i, client in enumerate(clients):
            assert rows(client.read_until_ready(5)) == [(str(i).encode(),)]
        assert time.monotonic() - begin < 4


def test_checks_disturb_nobody(pool, cluster):
    """Prepared statements outlive them, and so do the connections."""
    with sessions(pool, 3) as clients:
        for i, client in enumerate(clients):
            client.send(m.parse("s", f"select {i}, $1::int") + m.sync())
            client.read_until_ready()
        before = _pids(cluster)
        end = time.monotonic() + 4
        while time.monotonic() < end:
            for i, client in enumerate(clients):
                client.send(m.bind("", "s", ["7"]) + m.execute() + m.sync())
                assert rows(client.read_until_ready()) == [(str(i).encode(), b"7")]
            time.sleep(0.23)
        assert before and before <= _pids(cluster)
