"""A disk under the program that is slow, fails, is full or read-only on command: faulty_disk.c, preloaded."""
from __future__ import annotations

import functools
from pathlib import Path

from processes import run


@functools.lru_cache(maxsize=None)
def _library(folder: Path) -> Path:
    library = folder / "faulty_disk.so"
    run(["cc", "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).parent / "faulty_disk.c", "-ldl"])
    library.chmod(0o755)
    return library


class Disk:
    """Orders to the preloaded library: "slow MILLISECONDS", "fail", "full", "readonly" or nothing. `environment` is
    for the program whose audit folder it is."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "disk.order"
        self.becomes("")
        self.environment = {"LD_PRELOAD": str(_library(folder)), "FAULTY_DISK": str(self._file),
                            "FAULTY_BELOW": "/audit/"}

    def becomes(self, order: str) -> None:
        beside = self._file.with_suffix(".new")
        beside.write_text(order)
        beside.chmod(0o644)
        beside.rename(self._file)
