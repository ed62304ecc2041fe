"""Fine-tune a network on the grades of another reader on another detector: how much of its loss is recovered.

The other reader has other limits between the grades, and the other detector another curve, more blur and more noise.
Both are simulated: the figure says how well a network adapts, not how well it does with real readers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.errors import run_module
from napari_jsn.evaluation.scoring.figures import figures
from napari_jsn.evaluation.scoring.simulated import graded_sites
from napari_jsn.networks.task import split_groups
from napari_jsn.scoring.grades import HIGHEST, Mark
from napari_jsn.scoring.training.simulated_patients import MARKS, GradedPatients, simulated_patients
from napari_jsn.scoring.training.task import ScoringTask
from napari_jsn.scoring.two_stage.grader import TwoStageGrader
from napari_jsn.training.epoch import Epoch
from napari_jsn.training.train import train

#: Shares of the healthy width below which the other reader gives the grades 1, 2 and 3. The textbook's are narrower.
_NARROWED = (0.99, 0.88, 0.66)
#: Erosion that the other reader gives for each grade: discrete erosions do not count.
_ERODED = (0, 0, 1, 2, 4, 5)
#: Exponent of the grey levels, standard deviation in pixels of the blur, and that of the noise in grey levels.
_CURVE, _BLUR, _NOISE = 0.65, 0.8, 5.0
#: Seeds of the patients that are learned, and of those that are tested.
_LEARNED, _TESTED = 60_000, 60_002


@dataclass(frozen=True)
class Adapted:
    """Balanced accuracy, mean of both kinds, on patients that were not learned.

    Attributes
    ----------
    own : float
        Of the first network by the grades and images that it was made for.
    before, after : float
        By those of the other reader, before and after it learned from them.
    patients : int
        That it learned from, those that chose the best epoch included.
    seconds : float
        Of the training.
    """

    own: float
    before: float
    after: float
    patients: int
    seconds: float

    @property
    def recovered(self) -> float:
        """Share of the loss that is recovered."""
        return (self.after - self.before) / (self.own - self.before)


def by_another_reader(patients: GradedPatients, seed: int = 0) -> GradedPatients:
    """Return patients with the grades of another reader, on images of another detector."""
    rng = np.random.default_rng(seed)
    images = 255 * (patients.images / np.float32(255)) ** _CURVE
    images = ndimage.gaussian_filter(images, (0, 0, 0, _BLUR, _BLUR))
    images += rng.normal(0, _NOISE, images.shape).astype(np.float32)
    grades = patients.grades.copy()
    known = grades[..., 0] >= 0
    share = patients.widths[..., 0] / patients.widths[..., 1]
    narrowed = np.sum([share < limit for limit in _NARROWED], 0)
    marked = np.isin(patients.marks, [MARKS.index(mark) for mark in (Mark.LUXATION, Mark.ANKYLOSIS)])
    subluxed = patients.marks == MARKS.index(Mark.SUBLUXATION)
    narrowed = np.where(marked, 4, np.where(subluxed, 3, narrowed))
    grades[..., 0] = np.where(known, narrowed, -1)
    grades[..., 1] = np.where(known, np.array(_ERODED)[grades[..., 1].clip(0)], -1)
    shown: NDArray[np.uint8] = np.rint(images.clip(0, 255)).astype(np.uint8)
    unknown = np.full_like(patients.widths, np.nan)  # a reader states grades only
    return replace(
        patients, images=shown * patients.there[..., None, None], grades=grades, widths=unknown, erosions=None
    )


def adapt(
    model: str,
    out: Path,
    count: int = 40,
    epochs: int | None = None,
    cache: Path | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Adapted:
    """Train a network on patients of another reader and return its figures before and after.

    Parameters
    ----------
    model : str
        Name or file.
    out : Path
        Folder of the new model; a training that was stopped there goes on.
    count : int
        Patients to learn from.
    epochs : int, optional
    cache : Path, optional
    on_epoch : callable, optional
        See :func:`napari_jsn.training.train.train`.
    """
    learned, tested = (simulated_patients(count, seed, "uniform", cache) for seed in (_LEARNED, _TESTED))
    other = by_another_reader(learned)
    held_out = split_groups(other.names, 0.2)
    validated = np.array([name in held_out for name in other.names])
    task: Any = ScoringTask(patients=(other.part(~validated), other.part(validated)), source="another simulated reader")
    resume = out / "scoring-another.ckpt"
    trained = train(
        task, epochs, "cpu", out, "another", resume if resume.is_file() else None,
        None if resume.is_file() else model, on_epoch=on_epoch, replace=True,
    )  # fmt: skip
    assert trained.path is not None
    read = by_another_reader(tested, 1)
    first, new = TwoStageGrader(model, "cpu"), TwoStageGrader(str(trained.path), "cpu")
    return Adapted(
        balanced(tested, first), balanced(read, first), balanced(read, new), count, float(trained.card["seconds"])
    )


def balanced(patients: GradedPatients, grader: TwoStageGrader) -> float:
    """Return the balanced accuracy, mean of both kinds."""
    found = graded_sites(patients, grader)
    return float(np.mean([figures(found[kind])["balanced"] for kind in HIGHEST]))


def adapted_line(found: Adapted) -> str:
    """Return a sentence for a page."""
    return (
        f"Fine-tuned on {found.patients} simulated patients of another reader (other limits between grades, another "
        f"detector) in {found.seconds / 60:.0f} minutes: balanced accuracy, mean of both kinds: {found.own:.3f} for "
        f"its own reader, {found.before:.3f} for the other one before and {found.after:.3f} after: "
        f"{100 * found.recovered:.0f} % of the loss recovered."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and print."""
    parser = argparse.ArgumentParser("python -m napari_jsn.training.another_reader", description=__doc__)
    parser.add_argument("--model", default="default", help="name of the model, or path of its .safetensors file")
    parser.add_argument("--patients", type=int, default=40, help="patients to learn from")
    parser.add_argument("--epochs", type=int, help="number of epochs; by default that of the task")
    parser.add_argument("--out", type=Path, default=Path("output/another-reader"), help="folder of the new model")
    parser.add_argument("--cache", type=Path, help="folder of the simulated patients; by default the cache")
    options = parser.parse_args(arguments)
    found = adapt(
        options.model, options.out, options.patients, options.epochs, options.cache,
        lambda epoch: print({key: round(value, 4) for key, value in epoch.history[-1].items()}, flush=True),
    )  # fmt: skip
    print(adapted_line(found))
    return 0


if __name__ == "__main__":
    run_module(main)
