"""`bartizan up`: one command, an embedded PostgreSQL that is reachable through Bartizan alone, demo identities."""
from __future__ import annotations

import os
import signal
import socket
import threading
import time

import pytest

import bartizan
import wire
from processes import descendants, make_folder, remove_folder

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def up(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has an embedded PostgreSQL")
    folder = make_folder()
    started = bartizan.Embedded(folder)
    yield started
    started.stop()
    remove_folder(folder)


def test_every_demo_identity_signs_in(up):
    endpoints = up.endpoints()
    assert len(endpoints) >= 2
    for endpoint in endpoints:
        with wire.sign_in(endpoint) as connection:
            assert connection.socket.version() == "TLSv1.3"
            assert connection.value("select 40 + 2") == "42"


def test_embedded_postgresql_listens_on_no_port(up):
    """Of the whole process tree only Bartizan's own ports are open: none answers in plaintext as PostgreSQL does."""
    with wire.sign_in(up.endpoints()[0]) as connection:
        listening = connection.value("show listen_addresses")
    assert listening == ""
    ports = _listening_ports(descendants(up.child.pid))
    assert up.port in ports
    for port in ports - {up.port}:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as probe:
            probe.sendall(bytes.fromhex("0000000804d2162f"))  # SSLRequest
            probe.settimeout(2)
            try:
                assert probe.recv(1) not in (b"S", b"N"), f"port {port} speaks PostgreSQL"
            except TimeoutError:
                pass


def test_kill_9_of_postgresql_under_load_is_survived(up):
    """Clients lose their sessions with a clear error, Bartizan stays, and sign-ins work again by themselves."""
    endpoint = up.endpoints()[0]
    stop, lost, wrong = threading.Event(), [], []

    def client(number: int) -> None:
        while not stop.is_set():
            try:
                with wire.sign_in(endpoint) as connection:
                    while not stop.is_set():
                        if connection.value(f"select {number}") != str(number):
                            wrong.append(number)
            except (wire.SignInRefused, wire.Eof, OSError, AssertionError) as error:
                lost.append(str(error))
                time.sleep(0.1)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(1)
        for round_ in range(2):
            before = up.status()["embedded"]
            os.kill(before["postmaster_pid"], signal.SIGKILL)
            deadline = time.monotonic() + 60
            while True:
                now = up.status()["embedded"]
                if now["restarts"] > before["restarts"] and now["state"] == "running":
                    break
                assert time.monotonic() < deadline, now
                time.sleep(0.2)
            with wire.sign_in(endpoint) as connection:
                assert int(connection.value("select count(*) from clinic.customers")) > 1000
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert lost, "the clients noticed nothing: was there load?"
    assert not wrong, "a reply reached another client"
    assert up.child.alive()


def _listening_ports(pids: list[int]) -> set[int]:
    inodes = set()
    for pid in pids:
        try:
            for name in os.listdir(f"/proc/{pid}/fd"):
                link = os.readlink(f"/proc/{pid}/fd/{name}")
                if link.startswith("socket:["):
                    inodes.add(link[8:-1])
        except OSError:
            continue
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table) as lines:
                for line in list(lines)[1:]:
                    words = line.split()
                    if words[3] == "0A" and words[9] in inodes:
                        ports.add(int(words[1].rpartition(":")[2], 16))
        except OSError:
            continue
    return ports
