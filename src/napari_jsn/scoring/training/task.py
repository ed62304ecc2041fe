"""Training of the two-stage networks: loss, figures and data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits, one_hot, smooth_l1_loss

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.networks.inputs import Inputs, LeftOut, UsedImage, content_hash
from napari_jsn.networks.task import TrainingTask, adamw_cosine, split_groups, use_bfloat16
from napari_jsn.scoring.crops.site_image import KEPT, SIDE
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.training.augment import augment, centred
from napari_jsn.scoring.training.calibration import calibration
from napari_jsn.scoring.training.own_scores import read_scored
from napari_jsn.scoring.training.ram_h1200_hands import (
    LEARNED,
    SOURCE,
    SPLITS,
    TERMS,
    is_ram_h1200,
    read_ram_h1200,
)
from napari_jsn.scoring.training.simulated_patients import MASK_STEP, GradedPatients, simulated_patients
from napari_jsn.scoring.two_stage.network import (
    ARCHITECTURES,
    BLOCK,
    NORMALISATION,
    TOKENS,
    PatientNet,
    build_patient_net,
    normalise,
)
from napari_jsn.scoring.two_stage.ordinal import grade_probabilities, ordinal_loss

#: The sentence that every card and every output of a network trained on simulated hands alone carries.
DISCLAIMER = "Learned on simulated hands. Not validated on patients. Not a medical device."

#: The same of a network that learned on scored radiographs of the user.
LEARNED_ON_GIVEN = "Learned on scored radiographs of the user. Not validated on other patients. Not a medical device."

#: Simulated patients to train on, by the sampling of their grades, and the seeds of the first ones.
POOL = {"uniform": (480, 70_000), "natural": (120, 75_000)}
#: Those that choose the best epoch.
VALIDATION = {"uniform": (20, 69_000), "natural": (20, 68_000)}
#: Highest learning rates: on simulated patients, and on given ones, for which trained weights are a good start.
_RATE, _RATE_GIVEN = 1.5e-3, 5e-4
#: Share of the given patients that choose the best epoch.
_HELD_OUT = 0.2
#: Patients in a batch.
_BATCH = 4
#: Share of the patients of whom one hand is shown, and of the joints that are left out.
_ONE_HAND, _WITHOUT = 0.3, 0.1
#: Weights of the losses of the widths and of whether a joint can be graded.
_WIDTHS, _SCORED = 1.0, 0.2
#: Weight of the loss of the eroded areas, and of an eroded block in it.
_AREAS, _ERODED = 2.0, 4.0
#: Limits of the widths that are learned, in mm.
_WIDTH_MM = (-1.0, 3.0)


class Batch(NamedTuple):
    """Patients as tensors.

    Attributes
    ----------
    images : (B, 28, 96, 96) tensor
    there : (B, 28) bool tensor
    jsn, erosion : (B, 28, K + 1) tensor
        Probability of each grade; all 0 where the grade is not known.
    scored : (B, 28) tensor
        Whether the joint can be graded; NaN where that is not known.
    widths : (B, 28, 2) tensor
        Visible and healthy width in mm, or NaN.
    areas : (B, 28, 24, 24) tensor
        Eroded share of each block of 4 x 4 pixels; NaN where it is not known.
    """

    images: Tensor
    there: Tensor
    jsn: Tensor
    erosion: Tensor
    scored: Tensor
    widths: Tensor
    areas: Tensor


class ScoringTask(TrainingTask):
    """Train the networks for narrowing and erosion on patients with grades.

    Parameters
    ----------
    preset : {"default"}
    patients : tuple of (GradedPatients, GradedPatients), optional
        To train on, and to choose the best epoch; by default simulated ones.
    simulated : mapping of sampling to (number, first seed), optional
        Simulated patients to train on.
    source, terms : str
        What the card says of real radiographs.
    cache : path, optional
        Where simulated patients are kept.
    progress : Progress, optional
        Updated while patients are simulated, before the first batch.
    learned : str
        Statement of the card of a network that learned on given patients.
    """

    name = "scoring"
    architectures: ClassVar[Mapping[str, dict[str, Any]]] = ARCHITECTURES
    side: ClassVar[int] = SIDE
    normalisation: ClassVar[str] = NORMALISATION
    ema: float = 0.99
    epochs: int = 24
    patience: int = 24
    half: bool = True

    def __init__(
        self,
        preset: str = "default",
        patients: tuple[GradedPatients, GradedPatients] | None = None,
        simulated: Mapping[str, tuple[int, int]] = POOL,
        source: str = "radiographs of the user",
        terms: str = "as the user has them",
        cache: Path | None = None,
        progress: Progress | None = None,
        learned: str = LEARNED_ON_GIVEN,
    ) -> None:
        super().__init__(preset, source, terms)
        self._learned = learned
        self._given, self._simulated, self._cache = patients, dict(simulated), cache
        self._progress = progress
        if patients is not None:
            self.inputs = Inputs(tuple(used for part, one in enumerate(patients) for used in _used(one, part == 1)))

    @classmethod
    def _read_folder(cls, folder: Path, groups: Path | None) -> tuple[dict[str, Any], list[LeftOut], list[str]]:
        """Read scored radiographs; see :func:`~napari_jsn.scoring.training.own_scores.read_scored`."""
        if groups is None and is_ram_h1200(folder):
            sets = [read_ram_h1200(folder, split) for split in SPLITS[:2]]
            return (
                {
                    "patients": tuple(each.patients for each in sets),
                    "source": SOURCE,
                    "terms": TERMS,
                    "learned": LEARNED,
                },
                [one for each in sets for one in each.left_out],
                list(dict.fromkeys(note for each in sets for note in each.notes)),
            )
        if groups is None:
            raise InputError(
                "Scores of the radiographs are needed. Give their table with --scores, or the folder of RAM-H1200.",
                "scores",
            )
        read = read_scored(folder, groups)
        held_out = split_groups(read.patients.names, _HELD_OUT)
        validated = np.array([name in held_out for name in read.patients.names])
        if validated.all() or not validated.any():
            raise InputError(
                "All scored radiographs are of one patient, which is too few to train on. Add another patient.", "data"
            )
        parts = read.patients.part(~validated), read.patients.part(validated)
        return {"patients": parts}, list(read.left_out), list(read.notes)

    @cached_property
    def _patients(self) -> tuple[list[GradedPatients], list[GradedPatients]]:
        if self._given is not None:
            return [self._given[0]], [self._given[1]]
        training, validation = (
            [
                simulated_patients(count, seed, grades, self._cache, self._progress)
                for grades, (count, seed) in kinds.items()
            ]
            for kinds in (self._simulated, VALIDATION)
        )
        return training, validation

    def network(self) -> PatientNet:
        """Return networks with random weights."""
        return build_patient_net(ARCHITECTURES[self.preset])

    def optimizer(
        self, network: Module, epochs: int
    ) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
        """Return AdamW, whose rate rises for up to two epochs and then falls as a cosine."""
        return adamw_cosine(network, _RATE if self._given is None else _RATE_GIVEN, epochs, most_rising=2)

    @property
    def batches_of_epoch(self) -> int:
        """Number of training batches."""
        return max(1, sum(map(len, self._patients[0])) // _BATCH)

    def training_batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """Draw the patients of an epoch in a new order, with random changes of their images."""
        rng = np.random.default_rng([seed, epoch, 3])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        which = [(part, k) for part, patients in enumerate(self._patients[0]) for k in range(len(patients))]
        order = rng.permutation(len(which))
        for first in range(0, max(1, len(order) - _BATCH + 1), _BATCH):
            chosen = [which[k] for k in order[first : first + _BATCH]]
            yield _batch([(self._patients[0][part], k) for part, k in chosen], rng, generator)

    @cached_property
    def _validation_batches(self) -> list[Batch]:
        return [
            _batch([(patients, k) for k in range(first, min(first + _BATCH, len(patients)))])
            for patients in self._patients[1]
            for first in range(0, len(patients), _BATCH)
        ]

    def validation_batches(self) -> list[Batch]:
        """Return patients that are not trained on, always the same."""
        return self._validation_batches

    def loss(self, network: Module, batch: Batch) -> Tensor:
        """Return the ordinal losses of both kinds, those of the widths, and of whether a joint can be graded."""
        with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=use_bfloat16(batch.images.device)):
            found = network(batch.images, batch.there)
        total = batch.images.new_zeros(())
        for kind in HIGHEST:
            logits, scored, widths = (each.float()[batch.there] for each in found[kind][:3])
            targets, can, known = (
                getattr(batch, kind)[batch.there],
                batch.scored[batch.there],
                batch.widths[batch.there],
            )
            graded = targets.sum(-1) > 0
            if graded.any():
                total = total + ordinal_loss(logits[graded], targets[graded]).mean()
            stated = torch.isfinite(can)
            if stated.any():
                total = total + _SCORED * binary_cross_entropy_with_logits(scored[stated], can[stated])
            measured = torch.isfinite(known) & graded[:, None]
            if kind == "jsn" and measured.any():
                total = total + _WIDTHS * smooth_l1_loss(widths[measured], known[measured], beta=0.2)
        areas, eroded = found["erosion"].areas.float()[batch.there], batch.areas[batch.there]
        drawn = torch.isfinite(eroded).all((1, 2))
        if drawn.any():
            weight = torch.tensor(_ERODED, device=areas.device)
            total = total + _AREAS * binary_cross_entropy_with_logits(areas[drawn], eroded[drawn], pos_weight=weight)
        return total

    def measures(self, network: Module, batch: Batch) -> dict[str, Tensor]:
        """Return the shares of the joints of a patient with the right grade and within one grade, of both kinds."""
        with torch.no_grad():
            found = network(batch.images, batch.there)
        figures: dict[str, Tensor] = {}
        for kind in HIGHEST:
            targets = getattr(batch, kind)
            away = (grade_probabilities(found[kind].logits.float()).argmax(-1) - targets.argmax(-1)).abs()
            graded = batch.there & (targets.sum(-1) > 0)
            count = graded.sum(1).clamp_min(1)
            figures[f"exact_{kind}"] = ((away == 0) & graded).sum(1) / count
            figures[f"within_one_{kind}"] = ((away <= 1) & graded).sum(1) / count
        both = (figures["exact_jsn"] + figures["exact_erosion"]) / 2
        return {"exact": both, **figures}

    def example(self, network: Module, index: int) -> dict[str, NDArray[Any]]:
        """Return the joints of a validation patient as one picture, with the true grades and those found as labels."""
        batch = self.validation_batches()[index // _BATCH]
        row = index % _BATCH
        device = next(network.parameters()).device
        with torch.no_grad():
            found = network(batch.images[row : row + 1].to(device), batch.there[row : row + 1].to(device))
        image = _mosaic(batch.images[row].numpy())
        truth = batch.jsn[row].argmax(-1).numpy()
        grades = grade_probabilities(found["jsn"].logits[0].cpu().float()).argmax(-1).numpy()
        shown = (image - image.min()) / max(float(np.ptp(image)), 1e-6)
        return {"image": shown, "truth": _labels(truth), "found": _labels(grades)}

    def calibration(self, network: Module) -> dict[str, Any]:
        """Return temperatures and the constants of totals, fitted to the validation patients."""
        return calibration(network, self.validation_batches())

    def card(self) -> dict[str, Any]:
        """Return what a model card says of network and data."""
        training, validation = self._patients
        real = {}
        simulated: dict[str, int] = {}
        if self._given is None:
            simulated = {f"patients, {grades}": count for grades, (count, _) in self._simulated.items()}
        else:
            real = {"patients": len(set(training[0].names)), "visits": len(training[0])}
        count = sum(map(len, validation))
        learned = DISCLAIMER if self._given is None else self._learned
        first = {"statement": learned}
        return {**first, **self._card(PatientNet, real, simulated, {"patients": count})}


def _used(patients: GradedPatients, validated: bool) -> list[UsedImage]:
    """Return the visits of patients as images of a training."""
    return [
        UsedImage(
            f"{name}, {k + 1}", content_hash(patients.images[k]), content_hash(patients.grades[k]), name, validated
        )
        for k, name in enumerate(patients.names)
    ]


def _batch(
    patients: list[tuple[GradedPatients, int]],
    rng: np.random.Generator | None = None,
    generator: torch.Generator | None = None,
) -> Batch:
    """Return patients as tensors, changed at random if there are random generators."""
    images = torch.from_numpy(
        np.stack([each.images[k].reshape(TOKENS, *each.images.shape[3:]) for each, k in patients])
    )
    there, grades, reasons, widths = (
        torch.from_numpy(np.stack([getattr(each, name)[k].reshape(TOKENS, -1) for each, k in patients]))
        for name in ("there", "grades", "reasons", "widths")
    )
    there = there[..., 0].clone()
    if rng is not None:
        for row in there:
            if rng.random() < _ONE_HAND:
                first = len(JOINTS) * int(rng.integers(2))
                row[first : first + len(JOINTS)] = False
            row &= torch.from_numpy(rng.random(TOKENS) >= _WITHOUT)
            if not row.any():
                row[int(rng.integers(TOKENS))] = True
    planes = torch.zeros(*there.shape, SIDE, SIDE)
    masks, drawn = _masks(patients)
    areas = torch.full((*there.shape, SIDE // BLOCK, SIDE // BLOCK), torch.nan)
    if generator is None:
        planes[there] = centred(images[there])
    else:
        planes[there], moved = augment(images[there], generator, masks[there])
        assert moved is not None
        areas[there] = avg_pool2d(moved, BLOCK)
        areas[~drawn] = torch.nan
    targets = [_targets(patients, k, kind) for k, kind in enumerate(HIGHEST)]
    scored = torch.where((grades >= 0).any(-1), 1.0, torch.where(reasons[..., 0] > 0, 0.0, torch.nan))
    return Batch(
        normalise(planes),
        there,
        targets[0],
        targets[1],
        scored,
        widths[..., :2].float().clamp(*_WIDTH_MM),
        areas,
    )


def _targets(patients: list[tuple[GradedPatients, int]], place: int, kind: str) -> Tensor:
    """Return the probability (B, 28, K + 1) of each grade of a kind; all 0 where it is not known."""
    found = []
    for each, k in patients:
        if each.soft is not None:
            found.append(torch.from_numpy(each.soft[kind][k].reshape(TOKENS, -1)).float())
            continue
        known = torch.from_numpy(each.grades[k].reshape(TOKENS, -1)[:, place]).long()
        found.append(one_hot(known.clamp_min(0), HIGHEST[kind] + 1).float() * (known >= 0)[:, None])
    return torch.stack(found)


def _masks(patients: list[tuple[GradedPatients, int]]) -> tuple[Tensor, Tensor]:
    """Return the masks of erosions (B, 28, 60, 60), and of which patients they are known (B,)."""
    nothing = np.zeros((TOKENS, KEPT // MASK_STEP, KEPT // MASK_STEP), np.uint8)
    each = [nothing if one.erosions is None else one.erosions[k].reshape(nothing.shape) for one, k in patients]
    return torch.from_numpy(np.stack(each)), torch.tensor([one.erosions is not None for one, _ in patients])


def _mosaic(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the joints (28, S, S) of a patient as one picture, a hand on two rows."""
    rows = images.reshape(4, TOKENS // 4, SIDE, SIDE)
    return rows.transpose(0, 2, 1, 3).reshape(4 * SIDE, -1)


def _labels(grades: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return a label image of the mosaic: at each joint a bar as long as its grade."""
    labels = np.zeros((TOKENS, SIDE, SIDE), np.uint8)
    for k, grade in enumerate(grades):
        labels[k, -8:-2, 2 : 2 + 12 * int(grade)] = int(grade) + 1
    return _mosaic(labels.astype(np.float32)).astype(np.uint8)
