"""The software bill of materials: SPDX 2.3 JSON, of what the program is linked with and what was compiled into it.
Everything comes from dpkg's records and the compiler's dependency lists; times from SOURCE_DATE_EPOCH."""

import datetime
import hashlib
import json
import re


def _purl(package):
    version = package.version.replace(":", "%3A").replace("+", "%2B").replace("~", "~")
    return f"pkg:deb/debian/{package.name}@{version}?arch={package.architecture}"


def _identifier(prefix, name):
    return "SPDXRef-" + prefix + "-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def _debian(package, identifier):
    return {
        "SPDXID": identifier,
        "name": package.name,
        "versionInfo": package.version,
        "supplier": "Person: " + package.maintainer if "@" in package.maintainer else "NOASSERTION",
        "sourceInfo": f"built from Debian's source package {package.source} {package.source_version}",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": f"see /usr/share/doc/{package.name}/copyright",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": _purl(package)}],
    }


def document(version, program, epoch, linked, compiled_in):
    """linked, compiled_in: lists of elf.Package. The same input gives the same text."""
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    own = "SPDXRef-bartizan"
    packages = [{
        "SPDXID": own,
        "name": "bartizan",
        "versionInfo": version,
        "supplier": "NOASSERTION",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "The Bartizan authors",
        "primaryPackagePurpose": "APPLICATION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
        "comment": "The checksum is that of /usr/bin/bartizan.",
    }]
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": own}]
    for package in linked:
        identifier = _identifier("linked", package.name)
        packages.append(_debian(package, identifier))
        relations.append({"spdxElementId": own, "relationshipType": "DYNAMIC_LINK", "relatedSpdxElement": identifier})
    for package in compiled_in:
        identifier = _identifier("compiled", package.name)
        packages.append(_debian(package, identifier))
        relations.append({"spdxElementId": own, "relationshipType": "STATIC_LINK", "relatedSpdxElement": identifier,
                          "comment": "its headers were compiled in"})
    body = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"bartizan-{version}",
        "creationInfo": {"created": created, "creators": ["Tool: bartizan packaging/sbom.py"]},
        "packages": packages,
        "relationships": relations,
    }
    # The name space tells documents apart: by what they say.
    mark = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    body["documentNamespace"] = f"https://spdx.org/spdxdocs/bartizan-{version}-{mark}"
    return json.dumps(body, indent=2, sort_keys=True) + "\n"


def compiled_in(dependencies, owners):
    """The packages of the system headers in `ninja -t deps`'s listing, compiler's own and C library's apart."""
    names = set()
    for line in set(dependencies.splitlines()):
        path = line.strip()
        if line.startswith("    /usr/") and (name := owners.name_of(path)):
            names.add(name)
    packages = {}
    for name in names:
        package = owners.package(name)
        if package.source not in ("glibc", "linux") and not package.source.startswith(("gcc-", "llvm-toolchain-")):
            packages[package.name] = package
    return [packages[name] for name in sorted(packages)]
