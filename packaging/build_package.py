#!/usr/bin/python3
"""Packs a built program as a Debian package, with dpkg-deb alone. The same input gives the same bytes, wherever and
under whatever umask, locale and time zone it runs.

  build_package.py --program build/package-tree/bin/bartizan --version 0.1.0 --epoch 1700000000 --out build/package
"""

import argparse
import datetime
import email.utils
import gzip
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import elf  # noqa: E402
import sbom  # noqa: E402

MAINTAINER = "The Bartizan maintainers <maintainers@bartizan.invalid>"
CONFIGURATION_FILES = ("/etc/bartizan/bartizan.toml",)
SHELLS = {
    "bash": "usr/share/bash-completion/completions/bartizan",
    "zsh": "usr/share/zsh/vendor-completions/_bartizan",
    "fish": "usr/share/fish/vendor_completions.d/bartizan.fish",
}


class Tree:
    """The package's files below a folder, each with the mode that it will have."""

    def __init__(self, root):
        self.root = root

    def add(self, path, content, mode=0o644):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        target.chmod(mode)

    def add_compressed(self, path, content):
        self.add(path + ".gz", gzip.compress(content.encode(), 9, mtime=0))

    def files(self):
        return sorted(path for path in self.root.rglob("*") if path.is_file())

    def finish(self, epoch):
        """Modes of folders and all times; the umask has no say."""
        for path in [*self.root.rglob("*"), self.root]:
            if path.is_dir():
                path.chmod(0o755)
            os.utime(path, (epoch, epoch), follow_symlinks=False)


def printed_by(program, *arguments):
    """What the program prints; it meets no configuration or environment of the builder's."""
    return subprocess.run([str(program), *arguments], check=True, capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}).stdout


def changelog(version, epoch):
    date = email.utils.format_datetime(datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc))
    return (f"bartizan ({version}) unstable; urgency=medium\n\n  * Made from the sources of this version; what changed "
            f"stands in\n    CHANGELOG.md there.\n\n -- {MAINTAINER}  {date}\n")


def fill(tree, program, version, epoch):
    tree.add("usr/bin/bartizan", program.read_bytes(), 0o755)
    for unit in ("bartizan.service", "bartizan.socket"):
        tree.add(f"usr/lib/systemd/system/{unit}", (HERE / unit).read_bytes())
    tree.add("usr/lib/sysusers.d/bartizan.conf", (HERE / "bartizan.sysusers").read_bytes())
    tree.add("etc/bartizan/bartizan.toml", (HERE / "bartizan.toml").read_bytes())
    for page in printed_by(program, "manual").split():
        tree.add_compressed(f"usr/share/man/man{page.rsplit('.', 1)[1]}/{page}", printed_by(program, "manual", page))
    for shell, path in SHELLS.items():
        tree.add(path, printed_by(program, "completion", shell))
    tree.add("usr/share/doc/bartizan/copyright", (HERE / "debian" / "copyright").read_bytes())
    tree.add_compressed("usr/share/doc/bartizan/changelog", changelog(version, epoch))


def control(tree, version, architecture, linked):
    kibibytes = sum((path.stat().st_size + 1023) // 1024 for path in tree.files())
    text = (HERE / "debian" / "control.in").read_text(encoding="utf-8")
    for name, value in {"VERSION": version, "ARCHITECTURE": architecture, "MAINTAINER": MAINTAINER,
                        "INSTALLED_SIZE": str(kibibytes),
                        "DEPENDS": ", ".join(elf.dependency(package) for package in linked)}.items():
        text = text.replace(f"@{name}@", value)
    return text


def add_control_files(tree, version, architecture, linked):
    sums = "".join(f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(tree.root)}\n"
                   for path in tree.files() if f"/{path.relative_to(tree.root)}" not in CONFIGURATION_FILES)
    text = control(tree, version, architecture, linked)
    tree.add("DEBIAN/control", text)
    tree.add("DEBIAN/md5sums", sums)
    tree.add("DEBIAN/conffiles", "".join(f"{path}\n" for path in CONFIGURATION_FILES))
    for script in ("postinst", "prerm", "postrm"):
        tree.add(f"DEBIAN/{script}", (HERE / "debian" / script).read_bytes(), 0o755)


def build(program, version, epoch, out, dependencies=""):
    """Returns the package's file."""
    architecture = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
    owners = elf.Owners()
    linked = elf.linked_packages(program, owners)
    bill = sbom.document(version, program, epoch, linked, sbom.compiled_in(dependencies, owners))
    out.mkdir(parents=True, exist_ok=True)
    name = f"bartizan_{version}_{architecture}"
    with tempfile.TemporaryDirectory(prefix="bartizan-package-") as folder:
        tree = Tree(pathlib.Path(folder) / "root")
        tree.root.mkdir()
        fill(tree, program, version, epoch)
        tree.add("usr/share/doc/bartizan/sbom.spdx.json", bill)
        add_control_files(tree, version, architecture, linked)
        tree.finish(epoch)
        made = pathlib.Path(folder) / f"{name}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "-z6", "--threads-max=1", "--build", str(tree.root),
                        str(made)], check=True, stdout=subprocess.DEVNULL,
                       env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": str(epoch)})
        shutil.copyfile(made, out / made.name)
    (out / f"{name}.spdx.json").write_text(bill, encoding="utf-8")
    return out / f"{name}.deb"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--epoch", type=int, required=True, help="SOURCE_DATE_EPOCH: seconds since 1970")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--dependencies", type=pathlib.Path, help="listing of `ninja -t deps`, for the SBOM")
    arguments = parser.parse_args()
    listing = arguments.dependencies.read_text(encoding="utf-8", errors="replace") if arguments.dependencies else ""
    try:
        print(build(arguments.program, arguments.version, arguments.epoch, arguments.out, listing))
    except elf.NotPacked as error:
        sys.exit(f"build_package.py: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"build_package.py: {error}\n{error.stderr or ''}")


if __name__ == "__main__":
    main()
