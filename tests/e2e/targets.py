"""The three kinds of target by name, for pytest, the conformance run and the bench alike."""
from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import bartizan
import pgbouncer
import processes
from certificates import Certificates
from postgres import Cluster

NAMES = ("bartizan", "pgbouncer", "postgres")


class Direct:
    """PostgreSQL itself where a gateway could stand. `shares`, here and in the gateways: one server connection
    serves many sessions by turns."""

    shares = False

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.child = cluster.child

    def protect(self, database: str, user: str, password: str) -> None:
        """Nothing to do."""

    def endpoint(self, base=None):
        return base or self.cluster.endpoint()

    def stop(self) -> None:
        """The cluster is stopped by its owner."""


def start(name: str, folder: Path, cluster: Cluster, **options):
    """A target in front of `cluster`; has endpoint(base), child and stop()."""
    home = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder))
    home.chmod(0o755)
    processes.give(home)
    if name == "postgres":
        return Direct(cluster)
    return {"pgbouncer": pgbouncer.PgBouncer, "bartizan": bartizan.Bartizan}[name](home, cluster, **options)


def missing(name: str) -> str | None:
    """Why this target cannot be started here, or None."""
    if name == "bartizan" and not bartizan.program().exists():
        return f"{bartizan.program()} is not built (BARTIZAN_BIN names another)"
    if name == "pgbouncer" and not pgbouncer.program():
        return "pgbouncer is not installed"
    return None


@contextlib.contextmanager
def cluster_in_own_folder(**options):
    """A cluster in a temporary folder; both are gone afterwards. Yields (folder, cluster)."""
    folder = processes.make_folder()
    try:
        cluster = Cluster(folder, Certificates(folder), **options)
        try:
            yield folder, cluster
        finally:
            cluster.stop()
    finally:
        processes.remove_folder(folder)
