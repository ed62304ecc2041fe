"""The command ``napari-jsn evaluate``: measure the accuracy of a model on images with a known truth."""

from __future__ import annotations

import typer

from napari_jsn.cli.evaluate.clinical import clinical
from napari_jsn.cli.evaluate.localization import localization
from napari_jsn.cli.evaluate.registration import registration
from napari_jsn.cli.evaluate.scoring import scoring
from napari_jsn.cli.evaluate.segmentation import segmentation
from napari_jsn.cli.messages import with_verbosity

app: typer.Typer = typer.Typer(
    help="Measure the accuracy of a model on images with a known truth.", no_args_is_help=True
)


@app.callback()
def _common() -> None:
    pass


app.command()(with_verbosity(clinical, "evaluate"))
app.command()(with_verbosity(registration, "evaluate"))
app.command()(with_verbosity(localization, "evaluate"))
app.command()(with_verbosity(segmentation, "evaluate"))
app.command()(with_verbosity(scoring, "evaluate"))
