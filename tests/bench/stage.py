"""What is measured: one cluster with its tables, and the targets in front of it. How CPU and memory are read."""
from __future__ import annotations

import re
import resource
from pathlib import Path

import pgbouncer
import targets
from endpoint import Endpoint
from processes import clean_environment, cpu_seconds, descendants, run

POOL_SIZE = 20
# Debian's 1.18 carries no prepared statements in transaction mode, so those cells are measured in session mode.
SESSION_ROW = "pgbouncer (session)"
CLUSTER = {"shared_buffers": "256MB", "autovacuum": "off",
           "settings": "jit = off\nmax_connections = 600\nmax_wal_size = '4GB'\nauthentication_timeout = 60"}


class Stage:
    """Started by the constructor, gone after stop(). The cluster belongs to the caller."""

    def __init__(self, folder: Path, cluster, names: list[str], *, scale: int, pool_mode: str, sessions: int) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # for the targets as well, which inherit it
        self.folder, self.cluster = folder, cluster
        self.warm: dict[str, int] = {}  # how many clients at once each target has seen
        self.running = {name: self._start(name, pool_mode, sessions) for name in names}
        if "pgbouncer" in names and pool_mode == "transaction" and not pgbouncer.keeps_prepared_statements():
            self.running[SESSION_ROW] = self._start("pgbouncer", "session", sessions)
        self.pass_file = folder / "bench.pass"
        lines = [t.endpoint().pass_file_line() for t in self.running.values()] + [cluster.endpoint().pass_file_line()]
        self.pass_file.write_text("\n".join(lines) + "\n")
        self.pass_file.chmod(0o600)
        self.pgbench(cluster.endpoint(), "-i", "-q", "-s", str(scale), timeout=900)
        cluster.admin("vacuum analyze", "checkpoint")

    def _start(self, name: str, pool_mode: str, sessions: int):
        size = POOL_SIZE if pool_mode == "transaction" else 300
        options = {"pool_mode": pool_mode, "pool_size": size, "queue_timeout": "60s"} if name != "postgres" else {}
        if name == "pgbouncer":
            options["max_clients"] = sessions + 1000
        return targets.start(name, self.folder, self.cluster, **options)

    def row_of(self, name: str, mode: str) -> str:
        """Which of the running targets serves this mode for `name`."""
        return SESSION_ROW if name == "pgbouncer" and mode == "prepared" and SESSION_ROW in self.running else name

    def environment(self, endpoint: Endpoint) -> dict:
        return clean_environment(PGPASSFILE=str(self.pass_file), **endpoint.environment())

    def pgbench(self, endpoint: Endpoint, *arguments: str, timeout: float = 180) -> str:
        return run([self.cluster.bin / "pgbench", *arguments], env=self.environment(endpoint), timeout=timeout).stdout

    def cpu(self, row: str) -> tuple[float, float]:
        """Seconds that the target's and the server's process trees have used. A backend's time reaches the postmaster's
        account when it has ended, for which pooled ones need not be waited: they are counted alive."""
        self.cluster.admin("select pg_sleep(0.05)")
        return cpu_seconds(self.running[row].child.pid), cpu_seconds(self.cluster.child.pid)

    def spent(self, row: str, before: tuple[float, float]) -> tuple[float | None, float]:
        """(of the proxy, of the server) since `before`; PostgreSQL itself has no proxy."""
        after = self.cpu(row)
        return (None if row == "postgres" else after[0] - before[0]), after[1] - before[1]

    def pss_kib(self, row: str) -> int:
        """Proportional set size of the target's process tree."""
        total = 0
        for pid in descendants(self.running[row].child.pid):
            try:
                total += int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])
            except (OSError, TypeError):
                pass  # it has ended meanwhile
        return total

    def stop(self) -> None:
        for target in self.running.values():
            target.stop()


def take_turns(names: list[str], round_: int) -> list[str]:
    """Every target is first, second and third equally often."""
    shift = round_ % len(names)
    return names[shift:] + names[:shift]
