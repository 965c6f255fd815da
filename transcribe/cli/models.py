"""Commands on the weights of the models."""

from pathlib import Path
from typing import Annotated

import typer

from transcribe import console, weights
from transcribe.cli.common import AsJson

models = typer.Typer(no_args_is_help=True, help="The weights of the models: list, fetch, verify, path.")


@models.command("list")
def models_list(as_json: AsJson = False) -> None:
    """All models of the registry and whether they are here."""
    states = {check.name: check.state.value for check in weights.verify()}
    rows = [(e.name, states[e.name], "default" if e.default else "", f"{e.size_bytes / 1e6:.0f} MB", e.licence, e.use)
            for e in weights.entries()]  # fmt: skip
    data = [{"name": e.name, "state": states[e.name], "default": e.default, "licence": e.licence, "use": e.use,
             "upstream": e.upstream, "revision": e.revision} for e in weights.entries()]  # fmt: skip
    titles = ("name", "state", "", "size", "licence", "use")
    console.say(as_json, {"home": str(weights.home()), "models": data}, console.table(titles, rows))


@models.command("fetch")
def models_fetch(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="The default set if none.")] = None,
    from_dir: Annotated[Path | None, typer.Option("--from", help="A folder of files carried by hand.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring weights to this machine: the only command that uses the network."""
    with console.downloads() as report:
        fetched = weights.fetch(tuple(names or ()), from_dir=from_dir, on_progress=report)
    said = f"Fetched: {', '.join(fetched)}." if fetched else "All weights are here already."
    console.say(as_json, {"fetched": list(fetched), "home": str(weights.home())}, said)


@models.command("verify")
def models_verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None, as_json: AsJson = False
) -> None:
    """Read all weights that are here and compare their checksums."""
    checks = [c for c in weights.verify(tuple(names or ())) if names or c.state is not weights.State.MISSING]
    data = [{"name": c.name, "state": c.state.value, "files": list(c.files)} for c in checks]
    console.say(as_json, {"models": data}, *(f"{c.name}: {c.state.value}" for c in checks))
    if any(check.state is not weights.State.OK for check in checks):
        raise typer.Exit(6)


@models.command("path")
def models_path(name: Annotated[str, typer.Argument(metavar="NAME")], as_json: AsJson = False) -> None:
    """The folder of a model's verified weights."""
    folder = str(weights.path(name))
    console.say(as_json, {"name": name, "path": folder}, folder)
