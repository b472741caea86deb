"""Which Debian packages a program needs: its shared libraries, as the dynamic loader finds them, and the packages
whose files they are. Asks dpkg's records and the loader; the network is never asked."""

import collections
import os
import pathlib
import re
import subprocess

Package = collections.namedtuple("Package", "name version architecture source source_version maintainer")


class NotPacked(Exception):
    """A file that no package holds: what is packed here would need something that a package cannot name."""


def direct_libraries(program):
    """The sonames in the program's own dynamic section."""
    listing = subprocess.run(["readelf", "--dynamic", "--wide", str(program)], check=True, capture_output=True, text=True,
                             env={**os.environ, "LC_ALL": "C"}).stdout
    return re.findall(r"\(NEEDED\)\s+Shared library: \[([^\]]+)\]", listing)


def library_files(program):
    """{soname: file} of everything that the loader brings in."""
    listing = subprocess.run(["ldd", str(program)], check=True, capture_output=True, text=True,
                             env={**os.environ, "LC_ALL": "C"}).stdout
    found = dict(re.findall(r"^\s+(\S+) => (/\S+) \(0x", listing, re.MULTILINE))
    if missing := re.findall(r"^\s+(\S+) => not found", listing, re.MULTILINE):
        raise NotPacked(f"the loader does not find {', '.join(missing)}")
    return found


class Owners:
    """Files to installed packages. Reads dpkg's lists once; later questions cost nothing."""

    def __init__(self, info="/var/lib/dpkg/info"):
        self._owner = {}
        for listing in sorted(pathlib.Path(info).glob("*.list")):
            name = listing.name.removesuffix(".list")
            for line in listing.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
                self._owner.setdefault(line, name)
        self._packages = {}

    def name_of(self, file):
        """A package's name as dpkg says it (libc6:amd64), or None. With and without merged /usr."""
        for path in (str(file), os.path.realpath(file)):
            for candidate in (path, path.removeprefix("/usr"), "/usr" + path):
                if candidate in self._owner:
                    return self._owner[candidate]
        return None

    def package(self, name):
        if name not in self._packages:
            fields = ("${Package}", "${Version}", "${Architecture}", "${source:Package}", "${source:Version}", "${Maintainer}")
            shown = subprocess.run(["dpkg-query", "--show", "--showformat", "\\t".join(fields), name], check=True,
                                   capture_output=True, text=True).stdout
            self._packages[name] = Package(*shown.split("\t"))
        return self._packages[name]


def linked_packages(program, owners):
    """The packages of the libraries that the program itself names, by name."""
    files = library_files(program)
    found = {}
    for soname in direct_libraries(program):
        if soname.startswith(("ld-linux", "linux-vdso")):
            continue
        name = owners.name_of(files[soname])
        if name is None:
            raise NotPacked(f"no Debian package holds {files[soname]}")
        package = owners.package(name)
        found[package.name] = package
    return [found[name] for name in sorted(found)]


def dependency(package):
    """The version that it was built against is the oldest that is known to do; epochs and upstream parts count."""
    upstream = package.version.rsplit("-", 1)[0] if "-" in package.version else package.version
    return f"{package.name} (>= {upstream})"
