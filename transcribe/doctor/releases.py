"""Releases against their manifests. None is ever rewritten: copies of it are with others."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from transcribe import store
from transcribe.doctor.chart import Chart
from transcribe.doctor.trouble import Trouble, What
from transcribe.errors import StoreError
from transcribe.publishing import MANIFEST, read_manifest

ADVICE = "release anew under the next number, or take it from a backup"


def releases(chart: Chart) -> list[Trouble]:
    """What of the releases that lie here is not as it was written; one that was moved away as a whole is no trouble."""
    standing = chart.study.standing_releases().items()
    return [trouble for number, folder in standing for trouble in _release(chart, number, folder)]


def _release(chart: Chart, number: int, folder: Path) -> list[Trouble]:
    where = f"release/{folder.name}"
    path = folder / MANIFEST
    if not path.is_file():
        said = f"so nothing says what the release held; {ADVICE}"
        return [Trouble(what=What.MISSING, where=f"{where}/{MANIFEST}", said=said)]
    noted = _noted(chart, number)
    listed = _listed(folder)
    if listed is None or (noted and _digest(chart, path) != noted):
        said = f"the list of the release's files is not as it was written; {ADVICE}"
        return [Trouble(what=What.CHANGED, where=f"{where}/{MANIFEST}", said=said)]
    troubles = []
    for name, digest in sorted(listed.items()):
        file = folder / name
        if not file.is_file():
            said = f"it belongs to this release; {ADVICE}"
            troubles.append(Trouble(what=What.MISSING, where=f"{where}/{name}", said=said))
        elif _digest(chart, file) != digest:
            said = f"it is not as it was released; {ADVICE}"
            troubles.append(Trouble(what=What.CHANGED, where=f"{where}/{name}", said=said))
    more = sum(one.name not in listed and one.name != MANIFEST for one in folder.iterdir())
    if more:
        said = f"{more} files lie there that the gate has not seen; move them out before you pass it on"
        troubles.append(Trouble(what=What.UNKNOWN, where=where, said=said))
    return troubles


def _digest(chart: Chart, path: Path) -> str:
    """The keyed digest of a file; nothing of one that the disk does not give back."""
    with suppress(StoreError), store.reading():
        return chart.vault.digest_of_file(path)
    return ""


def _listed(folder: Path) -> Mapping[str, str] | None:
    """File name -> keyed digest; None where the manifest cannot be read, or names what lies elsewhere."""
    manifest = None
    with suppress(StoreError), store.reading():
        manifest = read_manifest(folder)
    plain = manifest is not None and all(Path(name).name == name for name in manifest.files)
    return manifest.files if manifest is not None and plain else None


def _noted(chart: Chart, number: int) -> str:
    """The manifest's digest as the journal has it; versions before 0.4 did not note any."""
    events = [e for e in chart.study.journal() if e.get("event") == "released" and e.get("release") == number]
    return str(events[-1].get("manifest", "")) if events else ""
