"""What is in the package, in the manner of lintian: paths, modes, owners, control fields, pages, unit, bill."""

import gzip
import hashlib
import json
import pathlib
import re
import shutil
import stat
import subprocess
import tarfile

import pytest

import build_package
import elf
from conftest import EPOCH, VERSION

MODES = {"usr/bin/bartizan": 0o755, "DEBIAN/postinst": 0o755, "DEBIAN/prerm": 0o755, "DEBIAN/postrm": 0o755}


def fields(unpacked):
    text = (unpacked / "DEBIAN" / "control").read_text()
    return dict(re.findall(r"^([A-Za-z-]+): (.*)$", text, re.MULTILINE))


def files(unpacked):
    return sorted(str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file())


def test_control(unpacked):
    control = fields(unpacked)
    assert control["Package"] == "bartizan" and control["Version"] == VERSION
    assert "@" not in control["Depends"] and "@" not in control["Installed-Size"]
    for library in ("libc6", "libssl3", "libpq5", "libstdc++6"):
        assert re.search(rf"(^|, ){re.escape(library)} \(>= [^)]+\)", control["Depends"]), library
    description = (unpacked / "DEBIAN" / "control").read_text().split("Description: ")[1].splitlines()
    assert len(description[0]) <= 60 and not description[0].lower().startswith(("a ", "the ", "bartizan"))
    assert all(line.startswith(" ") and len(line) <= 80 for line in description[1:])
    size = sum((path.stat().st_size + 1023) // 1024 for path in unpacked.rglob("*")
               if path.is_file() and "DEBIAN" not in path.parts)
    assert int(control["Installed-Size"]) == size


def test_files_are_where_debian_wants_them(unpacked):
    allowed = re.compile(r"^(DEBIAN/|etc/bartizan/|usr/bin/bartizan$|usr/lib/systemd/system/|usr/lib/sysusers\.d/|"
                         r"usr/share/(man/man[15]|doc/bartizan|bash-completion/completions|zsh/vendor-completions|"
                         r"fish/vendor_completions\.d)/)")
    assert [name for name in files(unpacked) if not allowed.match(name)] == []
    for name in ("usr/share/doc/bartizan/copyright", "usr/share/doc/bartizan/changelog.gz",
                 "usr/share/doc/bartizan/sbom.spdx.json", "usr/share/man/man1/bartizan.1.gz",
                 "usr/share/man/man5/bartizan.toml.5.gz", "usr/share/man/man1/bartizan-import.1.gz"):
        assert name in files(unpacked)


def test_modes_owners_and_times(package):
    listing = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package)], check=True, capture_output=True).stdout
    import io

    with tarfile.open(fileobj=io.BytesIO(listing)) as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "root", "root"), name
            assert member.mtime == EPOCH, name
            assert member.isdir() or member.isreg(), f"{name}: neither a file nor a folder"
            assert member.mode == (0o755 if member.isdir() else MODES.get(name, 0o644)), name


def test_checksums_and_conffiles(unpacked):
    conffiles = (unpacked / "DEBIAN" / "conffiles").read_text().split()
    assert conffiles == list(build_package.CONFIGURATION_FILES)
    listed = dict(reversed(line.split("  ", 1)) for line in (unpacked / "DEBIAN" / "md5sums").read_text().splitlines())
    expected = [name for name in files(unpacked) if not name.startswith("DEBIAN/") and f"/{name}" not in conffiles]
    assert sorted(listed) == expected
    for name, digest in listed.items():
        assert hashlib.md5((unpacked / name).read_bytes()).hexdigest() == digest


def test_maintainer_scripts(unpacked):
    for name in ("postinst", "prerm", "postrm"):
        script = unpacked / "DEBIAN" / name
        text = script.read_text()
        assert text.startswith("#!/bin/sh\n") and "set -e" in text
        subprocess.run(["sh", "-n", str(script)], check=True)
        assert subprocess.run(["sh", str(script), "nonsense"], capture_output=True).returncode == 1
    # A gateway is not started before somebody has looked at its configuration.
    assert not re.search(r"systemctl[^\n]*\b(start|enable)\b", (unpacked / "DEBIAN" / "postinst").read_text())
    assert "/var/lib/bartizan" not in re.sub(r"#.*", "", (unpacked / "DEBIAN" / "postrm").read_text())


def test_program(unpacked):
    program = unpacked / "usr/bin/bartizan"
    said = subprocess.run([str(program), "--version"], check=True, capture_output=True, text=True, env={})
    assert said.stdout.startswith("bartizan ")
    headers = subprocess.run(["readelf", "-Wdl", str(program)], check=True, capture_output=True, text=True).stdout
    assert "BIND_NOW" in headers or "NOW" in headers, "no full RELRO"
    assert "GNU_RELRO" in headers and "PIE" in headers
    assert re.search(r"GNU_STACK\s.*RW\s", headers), "an executable stack"
    assert "RUNPATH" not in headers and "RPATH" not in headers


def test_configuration_is_valid(unpacked):
    program = unpacked / "usr/bin/bartizan"
    subprocess.run([str(program), "config", "check", str(unpacked / "etc/bartizan/bartizan.toml")], check=True, env={})


def manual_pages(unpacked):
    return sorted((unpacked / "usr/share/man").rglob("*.gz"))


def test_manual_pages(unpacked):
    pages = manual_pages(unpacked)
    assert len(pages) >= 10
    for page in pages:
        raw = page.read_bytes()
        assert raw[4:8] == b"\0\0\0\0", f"{page.name}: gzip holds a time"
        text = gzip.decompress(raw).decode()
        assert text.startswith(".TH ") and "\n.SH NAME\n" in text


@pytest.mark.skipif(not shutil.which("man"), reason="man-db is not installed")
def test_manual_pages_render(unpacked):
    for page in manual_pages(unpacked):
        shown = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(page)], capture_output=True,
                               env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"})
        assert shown.returncode == 0 and shown.stderr == b"", (page.name, shown.stderr)
        assert len(shown.stdout) > 500


def test_completions(unpacked):
    subprocess.run(["bash", "-n", str(unpacked / build_package.SHELLS["bash"])], check=True)
    for shell in ("zsh", "fish"):
        if shutil.which(shell):
            subprocess.run([shell, "-n", str(unpacked / build_package.SHELLS[shell])], check=True)
    assert (unpacked / build_package.SHELLS["zsh"]).read_text().startswith("#compdef bartizan\n")


def unit_lines(unpacked):
    lines = (unpacked / "usr/lib/systemd/system/bartizan.service").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_unit_is_hardened(unpacked):
    lines = unit_lines(unpacked)
    for line in ("User=bartizan", "NoNewPrivileges=yes", "ProtectSystem=strict", "MemoryDenyWriteExecute=yes", "LimitCORE=0",
                 "LimitNOFILE=65536", "CapabilityBoundingSet=", "SystemCallFilter=@system-service", "PrivateDevices=yes",
                 "KillMode=mixed"):
        assert line in lines, line


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_unit_is_understood(unpacked, tmp_path):
    unit = tmp_path / "bartizan.service"
    text = (unpacked / "usr/lib/systemd/system/bartizan.service").read_text()
    # As if it were installed: the program is looked for, and the pages are.
    text = text.replace("/usr/bin/bartizan", str(unpacked / "usr/bin/bartizan"))
    unit.write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE))
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)], capture_output=True,
                          text=True)
    if "Failed to" in said.stderr and "bus" in said.stderr:
        pytest.skip("systemd-analyze needs a system manager here")
    assert said.returncode == 0 and said.stderr == "", said.stderr
    security = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
                              capture_output=True, text=True)
    assert security.returncode == 0, security.stdout[-400:]


def test_socket_unit_is_of_the_default_port(unpacked):
    text = (unpacked / "usr/lib/systemd/system/bartizan.socket").read_text()
    assert re.findall(r"^ListenStream=(.*)$", text, re.MULTILINE) == ["127.0.0.1:6432", "[::1]:6432"]
    assert "Accept=yes" not in text and "WantedBy=sockets.target" in text


def test_bill_of_materials(unpacked, program):
    bill = json.loads((unpacked / "usr/share/doc/bartizan/sbom.spdx.json").read_text())
    assert bill["spdxVersion"] == "SPDX-2.3" and bill["dataLicense"] == "CC0-1.0"
    identifiers = [package["SPDXID"] for package in bill["packages"]]
    assert len(set(identifiers)) == len(identifiers)
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name) for name in identifiers)
    own = bill["packages"][0]
    digest = hashlib.sha256((unpacked / "usr/bin/bartizan").read_bytes()).hexdigest()
    assert own["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest}]
    linked = {p["name"]: p["versionInfo"] for p in bill["packages"][1:] if p["SPDXID"].startswith("SPDXRef-linked")}
    installed = {p.name: p.version for p in elf.linked_packages(program, elf.Owners())}
    assert linked == installed and "libssl3" in linked
    for relation in bill["relationships"]:
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= {"SPDXRef-DOCUMENT", *identifiers}
    assert bill["documentNamespace"].startswith("https://spdx.org/spdxdocs/bartizan-")


def test_a_library_of_no_package_is_refused(tmp_path):
    owners = elf.Owners(info=str(tmp_path))
    with pytest.raises(elf.NotPacked):
        elf.linked_packages(pathlib.Path("/bin/bash"), owners)


def test_headers_that_were_compiled_in():
    import sbom

    listing = "a.o: #deps 3, deps mtime 1 (VALID)\n    /usr/include/CLI/CLI.hpp\n    ../src/x.hpp\n    /usr/include/stdio.h\n"
    if not pathlib.Path("/usr/include/CLI/CLI.hpp").exists():
        pytest.skip("libcli11-dev is not installed")
    assert [package.name for package in sbom.compiled_in(listing, elf.Owners())] == ["libcli11-dev"]


def test_nothing_is_set_user_id(unpacked):
    for path in unpacked.rglob("*"):
        assert not path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID) or path.is_dir()
