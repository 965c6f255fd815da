"""Zip packages with equal bytes for equal parts: the container of several formats.

Entries keep the order they are given in, and have one time and no compression: deflated bytes differ between builds of
zlib, and the current time between two runs.
"""

import io
import zipfile
from collections.abc import Iterable

ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold


def pack(parts: Iterable[tuple[str, bytes]]) -> bytes:
    """The package of these (name, content) parts, in this order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, content in parts:
            entry = zipfile.ZipInfo(name, date_time=ZIP_TIME)
            entry.create_system = 3  # else the operating system's own number
            entry.external_attr = 0o600 << 16
            package.writestr(entry, content)
    return out.getvalue()


def own_strings(package: zipfile.ZipFile) -> list[str]:
    """The strings that the zip itself holds: the names of entries, their comments and its own."""
    comments = [package.comment, *(entry.comment for entry in package.infolist())]
    return [*package.namelist(), *(text.decode("utf-8", "replace") for text in comments if text)]
