"""The bill of materials: every installed package, as cyclonedx-py finds it, and every model of the registry.

Models are components of the type that CycloneDX has for them, with their licences, and one file each with its SHA-256.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from transcribe import registry

ROOT = Path(__file__).parent.parent


def packages() -> dict[str, Any]:
    """The packages of this environment. No paths in it, and the same each time."""
    command = [
        "-m",
        "cyclonedx_py",
        "environment",
        "--pyproject",
        "pyproject.toml",
        "--output-reproducible",
        "--short-PURLs",
    ]
    done = subprocess.run(
        [sys.executable, *command, "--sv", "1.6", sys.executable], cwd=ROOT, capture_output=True, check=True
    )
    bill: dict[str, Any] = json.loads(done.stdout)
    return bill


def model(entry: registry.Entry) -> dict[str, Any]:
    """A set of weights."""
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{entry.name}",
        "name": entry.name,
        "version": entry.revision,
        "description": entry.use,
        "licenses": [{"license": {"name": entry.licence}}],
        "properties": [{"name": "transcribe:upstream", "value": entry.upstream}],
        "components": [
            {
                "type": "file",
                "bom-ref": f"model:{entry.name}/{file.path}",
                "name": file.path,
                "hashes": [{"alg": "SHA-256", "content": file.sha256}],
            }
            for file in entry.files
            if file.sha256
        ],
    }


def main() -> None:
    """Write it, if it is valid."""
    if len(sys.argv) != 2:
        sys.exit("scripts/sbom FILE")
    bill = packages()
    bill["components"] += [model(entry) for entry in registry.load()]
    text = json.dumps(bill, indent=1, sort_keys=True) + "\n"
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        sys.exit(f"the bill is no valid CycloneDX: {fault}")
    Path(sys.argv[1]).write_text(text, encoding="utf-8")
    kinds = [part["type"] for part in bill["components"]]
    print(f"{kinds.count('library')} packages, {kinds.count('machine-learning-model')} models: {sys.argv[1]}")


if __name__ == "__main__":
    main()
