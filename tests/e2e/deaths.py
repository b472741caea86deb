"""kill -9 at the n-th step that the program makes with its keys: deaths.c, preloaded."""
from __future__ import annotations

from pathlib import Path

from processes import run

# What is sent to PostgreSQL by a rotation, and nothing else.
_STEPS = "SKIP LOCKED|count(*) FROM ONLY|INTO bartizan.key_destructions|pg_stat_activity WHERE datname"


class Deaths:
    """`at(n)` before the program is started; `environment` is what it is started with."""

    def __init__(self, folder: Path) -> None:
        library = folder / "deaths.so"
        run(["cc", "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).parent / "deaths.c", "-ldl"])
        library.chmod(0o755)
        self._file = folder / "deaths.at"
        self.at(0)
        self.environment = {"LD_PRELOAD": str(library), "DEATHS_AT": str(self._file), "DEATHS_OF": _STEPS}

    def at(self, step: int) -> None:
        self._file.write_text(f"{step}\n")

    @property
    def count(self) -> int:
        """Steps made since the program's last start."""
        file = self._file.with_suffix(".at.count")
        return int(file.read_text() or 0) if file.exists() else 0
