"""What a folder is searched for: recordings by their names, in the order in which a person counts them."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

# A file named on the command line is taken whatever it is called.
SUFFIXES = frozenset(
    ".wav .mp3 .m4a .m4b .mp4 .m4v .mov .aac .flac .ogg .oga .opus .webm .mkv .avi .wma .wmv .asf .amr .3gp .3g2 .aif "
    ".aiff .aifc .caf .au .w64 .mp2 .mpg .mpeg .ts .dss .ds2 .awb .mts .m2ts .m2t .qta .mka .wv .ape .tta .vob .dv "
    ".mxf .m4r .spx .3ga".split()
)


def media_files(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The files named, and those with a media suffix in the folders named (with all below), each folder's in order."""
    found: list[Path] = []
    for path in paths:
        found += in_order(one for one in _inside(path) if _is_media(one)) if _is_folder(path) else [path]
    return tuple(found)


def left(paths: tuple[Path, ...], ours: Path) -> int:
    """How many files in the folders named are no recordings by their names; those of a study, `ours`, do not count."""
    others = (one for path in paths if _is_folder(path) for one in _inside(path) if not _is_media(one))
    return sum(not one.resolve().is_relative_to(ours.resolve()) for one in others)


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Sorted by path, a number as a number: P2 before P10."""
    return sorted(paths, key=lambda path: ([_counted(part) for part in path.parts], str(path)))


def _counted(name: str) -> list[str | int]:
    return [int(piece) if number % 2 else piece for number, piece in enumerate(re.split(r"(\d+)", name))]


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - a path too long for the system is no folder; `Path.is_dir` raises


def _inside(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if os.path.isfile(path))  # noqa: PTH113 - as above
    return [path for path in files if not path.name.startswith(".")]


def _is_media(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES
