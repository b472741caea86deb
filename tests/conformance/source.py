"""PostgreSQL's own test sources and the programs made from them, cached outside the checkout.

The source package is fetched through a private apt root (own sources.list with deb-src, own lists), so that
the system's configuration is never touched. Its version may lag behind the server's: results are compared
with a direct run, not with the expected files.
"""
from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from processes import run

MAJOR = "15"
_PACKAGE = f"postgresql-{MAJOR}"


def cache_folder() -> Path:
    """$BARTIZAN_CACHE, or bartizan in the user's cache folder."""
    named = os.environ.get("BARTIZAN_CACHE")
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bartizan"
    base.mkdir(parents=True, exist_ok=True)
    return base


def pg_config(option: str) -> Path:
    """Of this major version, whatever else is installed."""
    program = Path(f"/usr/lib/postgresql/{MAJOR}/bin/pg_config")
    return Path(run([program if program.exists() else "pg_config", option]).stdout.strip())


def missing_packages() -> list[str]:
    """Packages that bootstrap installs and this needs."""
    wanted = {f"postgresql-server-dev-{MAJOR}": Path(f"/usr/lib/postgresql/{MAJOR}/lib/pgxs/src/test/regress/pg_regress"),
              "libpq-dev": Path("/usr/include/postgresql/libpq-fe.h"), "dpkg-dev": Path("/usr/bin/dpkg-source"),
              "gcc": Path("/usr/bin/cc")}
    return [package for package, path in wanted.items() if not path.exists()]


def _debian_mirrors() -> list[tuple[str, str]]:
    """(uri, suite) of the system's own Debian sources, deb822 and one-line, in their order."""
    found = []
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for path in files:
        text = path.read_text() if path.is_file() else ""
        if path.suffix == ".sources":
            for stanza in re.split(r"\n\s*\n", text):
                fields = dict(re.findall(r"^([A-Za-z-]+):\s*(.*)$", stanza, re.M))
                found += [(u, s) for u in fields.get("URIs", "").split() for s in fields.get("Suites", "").split()]
        else:
            for line in text.splitlines():
                words = re.sub(r"\[.*?\]", "", line.split("#")[0]).split()
                if len(words) >= 3 and words[0] == "deb":
                    found.append((words[1], words[2]))
    return [pair for pair in dict.fromkeys(found) if "debian.org" in pair[0] or "/debian" in pair[0]]


def _apt_options(root: Path) -> list[str]:
    for folder in ("lists/partial", "cache/archives/partial", "etc"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    lines = [f"deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {uri} {suite} main"
             for uri, suite in _debian_mirrors()]
    (root / "etc/sources.list").write_text("\n".join(lines) + "\n")
    settings = {"Dir::Etc::sourcelist": root / "etc/sources.list", "Dir::Etc::sourceparts": "-", "Dir::State::lists": root / "lists",
                "Dir::Cache": root / "cache", "APT::Sandbox::User": "root", "Acquire::Retries": "3"}
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def source_tree() -> Path:
    """The unpacked source, fetched at the first call. Tries the newest version first: a mirror may have lost
    the files of a version that its lists still name."""
    cache = cache_folder()
    unpacked = cache / f"{_PACKAGE}-source"
    if unpacked.exists():
        return unpacked
    options = _apt_options(cache / "apt")
    run(["apt-get", *options, "update"], timeout=300)
    shown = run(["apt-cache", *options, "showsrc", _PACKAGE]).stdout
    versions = sorted(set(re.findall(r"^Version: (\S+)$", shown, re.M)), reverse=True,
                      key=lambda v: [int(n) for n in re.findall(r"\d+", v)])
    downloads, failures = cache / "downloads", []
    downloads.mkdir(exist_ok=True)
    for version in versions:
        got = run(["apt-get", *options, "source", "--download-only", f"{_PACKAGE}={version}"], cwd=downloads,
                  check=False, timeout=600)
        if got.returncode == 0:
            break
        failures.append(f"{version}: {got.stderr.strip().splitlines()[-1]}")
    else:
        raise RuntimeError(f"no source of {_PACKAGE} can be had: {failures or 'the lists name none'}")
    description = next(downloads.glob(f"{_PACKAGE}_{version}*.dsc"))
    shutil.rmtree(cache / "unpacking", ignore_errors=True)
    run(["dpkg-source", "-x", description, cache / "unpacking"], timeout=300)
    (cache / "unpacking").rename(unpacked)
    return unpacked


def modules_folder() -> Path:
    """regress.so, compiled, with the server's refint.so and autoinc.so beside it."""
    folder = cache_folder() / "dl"
    if not (folder / "regress.so").exists():
        folder.mkdir(exist_ok=True)
        for name in ("refint.so", "autoinc.so"):
            shutil.copy(pg_config("--pkglibdir") / name, folder / name)
        run(["cc", "-O1", "-fPIC", "-shared", "-w", f"-I{pg_config('--includedir-server')}",
             source_tree() / "src/test/regress/regress.c", "-o", folder / "regress.so"], timeout=120)
    return folder


def libpq_pipeline() -> Path:
    program = cache_folder() / "libpq_pipeline"
    if not program.exists():
        server, client = pg_config("--includedir-server"), pg_config("--includedir")
        run(["cc", "-O1", "-w", "-DFRONTEND", f"-I{server}", f"-I{client}", f"-I{server}/../internal",
             source_tree() / "src/test/modules/libpq_pipeline/libpq_pipeline.c", "-o", program,
             f"-L{pg_config('--libdir')}", f"-L{pg_config('--pkglibdir')}", f"-L/usr/lib/postgresql/{MAJOR}/lib",
             "-lpgcommon", "-lpgport", "-lpq", "-lm"], timeout=120)
    return program


def pg_regress() -> Path:
    return pg_config("--pkglibdir") / "pgxs/src/test/regress/pg_regress"
