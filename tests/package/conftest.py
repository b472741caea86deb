"""The package's tests. They pack a program that is built already: BARTIZAN_BIN, or the release tree's. Standard
library, dpkg and pytest; nothing of the system is changed: installing goes into a scratch root."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging"))

import build_package  # noqa: E402

VERSION = "9.8.7"
EPOCH = 1_700_000_000


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """Stripped as tools/package.sh does: packing what people get, and in seconds."""
    path = pathlib.Path(os.environ.get("BARTIZAN_BIN") or ROOT / "build" / "release" / "bin" / "bartizan")
    if not path.exists():
        pytest.skip(f"{path} is not built")
    stripped = tmp_path_factory.mktemp("program") / "bartizan"
    subprocess.run(["strip", "--strip-unneeded", "-o", str(stripped), str(path)], check=True)
    return stripped


@pytest.fixture(scope="session")
def package(program, tmp_path_factory):
    """The .deb, made once."""
    return build_package.build(program, VERSION, EPOCH, tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session")
def unpacked(package, tmp_path_factory):
    """Its files, and its control files in DEBIAN/."""
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(folder)], check=True)
    return folder
