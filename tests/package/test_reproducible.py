"""Packing the same program twice gives the same bytes, whatever the builder's surroundings are."""

import os
import pathlib
import shutil
import subprocess
import sys

from conftest import EPOCH, ROOT, VERSION


def pack(program, out, umask, **environment):
    # Elsewhere, as another clone would be: the packer's own folder must not matter.
    script = out.parent / f"packaging-{umask:o}"
    shutil.copytree(ROOT / "packaging", script, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-B", str(script / "build_package.py"), "--program", str(program), "--version", VERSION,
                    "--epoch", str(EPOCH), "--out", str(out)], check=True, umask=umask, cwd=out.parent,
                   env={"PATH": os.environ["PATH"], **environment})
    (made,) = out.glob("*.deb")
    (bill,) = out.glob("*.spdx.json")
    return made.read_bytes(), bill.read_bytes()


def test_twice_the_same(program, tmp_path):
    first = pack(program, tmp_path / "a", 0o022, LC_ALL="C", TZ="UTC", PYTHONHASHSEED="1")
    second = pack(program, tmp_path / "b", 0o077, LC_ALL="C.UTF-8", TZ="Asia/Tokyo", PYTHONHASHSEED="2",
                  BARTIZAN_DATA="/nonexistent", COLUMNS="40")
    assert first == second


def test_another_time_is_another_package(program, tmp_path):
    """So the comparison above can fail."""
    import build_package

    one = build_package.build(program, VERSION, EPOCH, tmp_path / "a").read_bytes()
    assert one != build_package.build(program, VERSION, EPOCH + 1, tmp_path / "b").read_bytes()


def test_no_path_or_host_of_the_builder(package, unpacked):
    here = str(pathlib.Path.home())
    for path in unpacked.rglob("*"):
        if path.is_file() and path.name != "bartizan":
            text = path.read_bytes()
            assert str(ROOT).encode() not in text or len(str(ROOT)) < 4, path
            assert here == "/" or here.encode() + b"/" not in text, path
