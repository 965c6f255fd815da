"""The command on clusters of one's own."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from transcribe import console
from transcribe.batch import cluster_folder, dask_settings
from transcribe.cli.common import AsJson

app = typer.Typer()


@app.command("cluster")
def cluster_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder, readable by you alone.")],
    as_json: AsJson = False,
) -> None:
    """What makes machines one cluster that only holders of the folder may send work to."""
    cluster_folder.make(folder)
    until = cluster_folder.good_until(folder).date().isoformat()
    dask = f"DASK_CONFIG={shlex.quote(str(folder.absolute()))} dask"
    closed = f"--no-dashboard --dashboard-address {dask_settings.HTTP_ADDRESS}"
    scheduler = f"{dask} scheduler {closed}"
    worker = f"{dask} worker tls://HOST:8786 --nthreads {dask_settings.THREADS} {closed}"
    console.say(as_json, {"folder": str(folder), "good_until": until, "scheduler": scheduler, "worker": worker},
                f"{folder} is good until {until}. Whoever holds it can run code on this cluster's machines: copy it",
                "to the same path on each, readable by you alone (scp -rp). Then, on one of them:",
                f"  {scheduler}",
                "and on each that is to work, with the first one's address for HOST:",
                f"  {worker}",
                f"Next: transcribe run STUDY --cluster tls://HOST:8786 --certificates {folder}")  # fmt: skip
