#!/usr/bin/env python3
"""sbom.py [OUT]: writes the bill of materials of pam_authy.so and the three programs as CycloneDX 1.5.

It reads only `cargo metadata` and Cargo.lock, so that the same sources give the same bytes. It
writes one file per program into OUT (target/dist), because the module has far fewer crates than its engine or authyctl.
The environment variable PLATFORM, a target triple, is x86_64-unknown-linux-gnu by default.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = {"pam_authy.so": ["module"], "pam_authyd": ["engine"], "authyctl": ["admin"], "authy-sim": ["sim"]}


def metadata(features):
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--no-default-features"]
    command += ["--filter-platform", os.environ.get("PLATFORM", "x86_64-unknown-linux-gnu")]
    if features:
        command += ["--features", ",".join(features)]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def reachable(nodes, root):
    """Returns the crates that are linked in: normal dependencies, without build and dev ones."""
    found, pending = set(), [root]
    while pending:
        node = pending.pop()
        if node in found:
            continue
        found.add(node)
        for dependency in nodes[node]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                pending.append(dependency["pkg"])
    return found


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, checksums, kind="library"):
    result = {
        "type": kind,
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    }
    if package["license"]:
        result["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = checksums.get((package["name"], package["version"]))
    if checksum:
        result["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return result


def sbom(program, features, checksums):
    data = metadata(features)
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    packages = {package["id"]: package for package in data["packages"]}
    root = data["resolve"]["root"]
    used = reachable(nodes, root)
    linked = sorted((packages[id_] for id_ in used if id_ != root), key=purl)
    subject = component(packages[root], checksums, "application") | {"name": program}
    tree = [
        {
            "ref": purl(packages[id_]),
            "dependsOn": sorted(purl(packages[d["pkg"]]) for d in nodes[id_]["deps"] if d["pkg"] in used),
        }
        for id_ in sorted(used, key=lambda id_: purl(packages[id_]))
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": subject},
        "components": [component(package, checksums) for package in linked],
        "dependencies": tree,
    }


def main():
    entry = r'name = "(.+)"\nversion = "(.+)"\nsource = .+\nchecksum = "(.+)"'
    lock = (ROOT / "Cargo.lock").read_text()
    checksums = {(name, version): checksum for name, version, checksum in re.findall(entry, lock)}
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target" / "dist")
    out.mkdir(parents=True, exist_ok=True)
    for program, features in PROGRAMS.items():
        path = out / f"{program}.cdx.json"
        path.write_text(json.dumps(sbom(program, features, checksums), indent=1) + "\n")
        print(os.path.relpath(path))


if __name__ == "__main__":
    main()
