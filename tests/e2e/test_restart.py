"""A restart under a service manager that holds the wire port: nobody who connects meanwhile is refused."""
from __future__ import annotations

import socket
import threading
import time

import psycopg
import pytest

from bartizan import Bartizan
from processes import make_folder, remove_folder, wait_for

pytestmark = pytest.mark.gateway
_DRAIN_SECONDS = 3


@pytest.fixture
def held(target_name, cluster):
    """A gateway on a socket that outlives it."""
    if target_name != "bartizan":
        pytest.skip("only Bartizan takes sockets from a service manager")
    folder = make_folder()
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        gateway = Bartizan(folder, cluster, held=listening, limits=f'drain_timeout = "{_DRAIN_SECONDS}s"')
        yield gateway
        gateway.stop()
    remove_folder(folder)


class _Callers(threading.Thread):
    """Connects, asks, disconnects, one after the other, until told to end. `failures` says what went wrong."""

    def __init__(self, conninfo: dict) -> None:
        super().__init__(daemon=True)
        self._conninfo, self._ended = conninfo, threading.Event()
        self.answers, self.failures, self.slowest = 0, [], 0.0

    def run(self) -> None:
        while not self._ended.is_set():
            begun = time.monotonic()
            try:
                with psycopg.connect(**self._conninfo) as connection:
                    connection.execute("select 1")
            except psycopg.errors.AdminShutdown:
                pass  # it was connected when its gateway ended: told so, and free to call again
            except psycopg.Error as error:
                self.failures.append(str(error))
            else:
                self.answers += 1
                self.slowest = max(self.slowest, time.monotonic() - begun)

    def end(self) -> None:
        self._ended.set()
        self.join()


def test_who_connects_during_a_restart_waits_and_is_served(held, cluster):
    conninfo = held.endpoint(cluster.endpoint()).libpq(connect_timeout=60)
    callers = [_Callers(conninfo) for _ in range(4)]
    for caller in callers:
        caller.start()
    wait_for(lambda: all(caller.answers for caller in callers), 20, "answers before the restart")
    with psycopg.connect(**conninfo) as worker:
        worker.execute("select 1")  # in a transaction: the gateway waits for it
        stopping = threading.Thread(target=held.stop)
        stopping.start()
        time.sleep(_DRAIN_SECONDS / 3)
        assert stopping.is_alive(), "the gateway did not wait for a transaction"
        assert worker.execute("select 2").fetchone() == (2,)
        worker.commit()
        stopping.join()
    before = [caller.answers for caller in callers]
    held.start()
    wait_for(lambda: all(caller.answers > some + 1 for caller, some in zip(callers, before)), 20,
             "answers after the restart")
    for caller in callers:
        caller.end()
    assert not [failure for caller in callers for failure in caller.failures]
    assert max(caller.slowest for caller in callers) > _DRAIN_SECONDS / 3, "nobody called during the restart"


def test_the_log_of_the_start_says_whose_socket_it_is(held):
    assert "the service manager's" in held.child.log_text()
