"""Training of the two-stage networks: loss, figures and data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module

from napari_jsn import simulation
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.networks.cached_arrays import hash_of_code
from napari_jsn.networks.inputs import Inputs, LeftOut, UsedImage, content_hash
from napari_jsn.networks.ram_h1200 import SOURCE, SPLITS, TERMS
from napari_jsn.networks.task import TrainingTask, adamw_cosine, split_groups
from napari_jsn.scoring.crops.site_image import SIDE
from napari_jsn.scoring.grades import HIGHEST, KINDS, nearest_grade
from napari_jsn.scoring.training.augment import STRONG, USUAL, textures_of
from napari_jsn.scoring.training.batches import Batch, batch_of
from napari_jsn.scoring.training.calibration import calibration
from napari_jsn.scoring.training.loss import patient_loss
from napari_jsn.scoring.training.own_scores import ScoredRadiographs, read_scored, table_in
from napari_jsn.scoring.training.ram_h1200_hands import LEARNED, is_ram_h1200, read_ram_h1200
from napari_jsn.scoring.training.simulated_patients import DIFFICULTY, GradedPatients, simulated_patients
from napari_jsn.scoring.training.undamaged import SOURCE as UNDAMAGED
from napari_jsn.scoring.training.undamaged import is_undamaged, read_undamaged
from napari_jsn.scoring.two_stage.network import (
    ARCHITECTURES,
    NORMALISATION,
    TOKENS,
    PatientNet,
    build_patient_net,
)
from napari_jsn.scoring.two_stage.ordinal import grade_probabilities
from napari_jsn.simulation.damage.difficulty import difficulty

#: The sentence that every card and every output of a network trained on simulated hands alone carries.
DISCLAIMER = "Learned on simulated hands. Not validated on patients. Not a medical device."

#: The same of a network that learned on scored radiographs of the user.
LEARNED_ON_GIVEN = "Learned on scored radiographs of the user. Not validated on other patients. Not a medical device."

#: Simulated patients to train on, by the sampling of their grades, and the seeds of the first ones.
POOL = {"uniform": (200, 70_005), "natural": (40, 75_001)}
#: Those that choose the best epoch.
VALIDATION = {"uniform": (20, 69_000), "natural": (20, 68_000)}
#: Those to whose grades temperatures are fitted, and to whose totals their errors are: more, because a patient has one
#: total only, and as among patients.
CALIBRATION = {"uniform": (20, 69_000), "natural": (80, 68_000)}
TOTALS = {"natural": (160, 68_000)}
#: Highest learning rates: on simulated patients, and on given ones, for which trained weights are a good start.
_RATE, _RATE_GIVEN = 1.5e-3, 5e-4
#: Highest rate of trained networks on simulated patients.
_RATE_MORE = 6e-4
#: Highest rate of a trained network on given patients, and how much faster its last layers learn: a few patients show
#: where a reader's limits between the grades are, but not what features are good.
_RATE_FINE, _LAST_FASTER = 2.5e-4, 30.0
#: Exponent of the rarity of a grade that is its weight in the loss, and most rarity that counts: with more of it the
#: totals of patients of whom most joints are sound are too high.
_RARITY, _RAREST = 0.5, 4.0
#: Decay of the averaged weights and number of epochs on given patients, of whom an epoch has few batches.
_EMA_GIVEN, _EPOCHS_GIVEN = 0.95, 20
#: Share of the given patients that choose the best epoch.
_HELD_OUT = 0.2
#: Patients in a batch, batches of an epoch of simulated patients, and share of them with an undamaged hand as well.
_BATCH, _BATCHES, _UNDAMAGED = 4, 56, 0.5
#: Share of the loss of the joints that are graded alone: the erosion of a single joint is then graded more alike on two
#: radiographs. Narrowing is not graded without the other joints, which show the patient's healthy width.
_ALONE = {"erosion": 0.5}


class ScoringTask(TrainingTask):
    """Train the networks for narrowing and erosion on patients with grades.

    Parameters
    ----------
    preset : {"default"}
    patients : tuple of (GradedPatients, GradedPatients), optional
        To train on, and to choose the best epoch; by default simulated ones.
    simulated : mapping of sampling to (number, first seed), optional
        Simulated patients to train on, by default :data:`POOL`; not used where patients are given.
    source, terms : str
        What the card says of real radiographs.
    cache : path, optional
        Where simulated patients are kept.
    progress : Progress, optional
        Updated while patients are simulated, before the first batch.
    learned : str
        Statement of the card of a network that learned on given patients.
    undamaged : GradedPatients, optional
        Real hands without damage, which are learned beside the simulated patients; their texture is also added to
        simulated joints of all grades.
    kind : {"jsn", "erosion"}, optional
        Train the network for this kind only; the other one stays as it is in the model of the start.
    validated : ScoredRadiographs, optional
        The radiographs of the given patients who choose the best epoch, with the scores of their readers.
    """

    name = "scoring"
    architectures: ClassVar[Mapping[str, dict[str, Any]]] = ARCHITECTURES
    side: ClassVar[int] = SIDE
    normalisation: ClassVar[str] = NORMALISATION
    ema: float = 0.99
    epochs: int = 45
    patience: int = 45
    half: bool = True
    fine_tuned: bool = False
    keep_last: bool = True  # the figures of 40 patients differ by chance; those of the averaged last epoch are good

    def __init__(
        self,
        preset: str = "default",
        patients: tuple[GradedPatients, GradedPatients] | None = None,
        simulated: Mapping[str, tuple[int, int]] | None = None,
        source: str = "radiographs of the user",
        terms: str = "as the user has them",
        cache: Path | None = None,
        progress: Progress | None = None,
        learned: str = LEARNED_ON_GIVEN,
        undamaged: GradedPatients | None = None,
        kind: str | None = None,
        validated: ScoredRadiographs | None = None,
    ) -> None:
        if kind not in (None, *HIGHEST):
            raise InputError(f"There is no kind {kind!r} to train. Choose one of: {', '.join(HIGHEST)}.", "kind")
        self.kind: str | None = kind
        self.validated: ScoredRadiographs | None = validated
        self._kinds = tuple(HIGHEST) if kind is None else (kind,)
        super().__init__(preset, source, terms)
        self._learned = learned
        self._given, self._simulated, self._cache = patients, dict(simulated or POOL), cache
        self._progress, self._undamaged = progress, undamaged
        if patients is not None:
            self.ema, self.epochs = _EMA_GIVEN, _EPOCHS_GIVEN
            self._check_grades(patients)
            used = tuple(each for part, one in enumerate(patients) for each in _used(one, part == 1))
            self.inputs = Inputs(used, notes=self._missing_grades(patients[0]))
        elif undamaged is not None:
            self.inputs = Inputs(tuple(_used(undamaged, False)))

    def _check_grades(self, patients: tuple[GradedPatients, GradedPatients]) -> None:
        """Refuse patients without a grade of the kinds that are trained."""
        for part, use in zip(patients, ("train", "validate"), strict=True):
            having = [kind for kind in HIGHEST if _has_grades(part, kind)]
            if self.kind is not None and self.kind not in having:
                other = f", or choose {having[0]}" if having else ""
                raise InputError(
                    f"No joint of the patients to {use} on has a grade of {KINDS[self.kind]}. Give a table with such "
                    f"grades{other}.",
                    "kind",
                )
            if not having:
                raise InputError(
                    f"No joint of the patients to {use} on has a grade. Give a table with their grades.", "scores"
                )

    def _missing_grades(self, patients: GradedPatients) -> tuple[str, ...]:
        """Return a note where both networks are trained and no joint has a grade of one kind."""
        return tuple(
            f"No joint to train on has a grade of {KINDS[kind]}, so its network learns no grades. Train the other "
            f"network alone (--kind {other} --start MODEL) to keep this one as it is."
            for kind, other in zip(HIGHEST, reversed(HIGHEST), strict=True)
            if self.kind is None and not _has_grades(patients, kind)
        )

    @classmethod
    def _read_folder(
        cls, folder: Path, groups: Path | None, layout: Path | str = "auto"
    ) -> tuple[dict[str, Any], list[LeftOut], list[str]]:
        """Read scored radiographs; see :func:`~napari_jsn.scoring.training.own_scores.read_scored`."""
        if groups is None and is_ram_h1200(folder):
            sets = [read_ram_h1200(folder, split) for split in SPLITS[:2]]
            return (
                {
                    "patients": tuple(each.patients for each in sets),
                    "validated": sets[1],
                    "source": SOURCE,
                    "terms": TERMS,
                    "learned": LEARNED,
                },
                [one for each in sets for one in each.left_out],
                list(dict.fromkeys(note for each in sets for note in each.notes)),
            )
        groups = groups or table_in(folder)
        if groups is None and is_undamaged(folder):
            undamaged, left_out = read_undamaged(folder)
            return {"undamaged": undamaged, "source": UNDAMAGED}, left_out, []
        if groups is None:
            raise InputError(
                "Scores of the radiographs are needed. Give their table with --scores, or as scores.csv in the folder.",
                "scores",
            )
        read = read_scored(folder, groups, layout)
        held_out = split_groups(read.patients.names, _HELD_OUT)
        validated = np.array([name in held_out for name in read.patients.names])
        if validated.all() or not validated.any():
            raise InputError(
                "All scored radiographs are of one patient, which is too few to train on. Add another patient.", "data"
            )
        tested = read.part(validated)
        return (
            {"patients": (read.patients.part(~validated), tested.patients), "validated": tested},
            list(read.left_out),
            list(read.notes),
        )

    @cached_property
    def _trained_on(self) -> list[GradedPatients]:
        return [self._given[0]] if self._given is not None else self._simulate(self._simulated)

    @cached_property
    def _grade_weights(self) -> dict[str, Tensor]:
        """Weight of each grade in the loss: 1 on simulated patients, else the root of its rarity; 1 on average."""
        if self._given is None:
            return {kind: torch.ones(highest + 1) for kind, highest in HIGHEST.items()}
        batches, found = _in_order([self._given[0]]), {}
        for kind in HIGHEST:
            count = torch.stack([getattr(each, kind)[each.there].sum(0) for each in batches]).sum(0)
            weight = (count.max() / count.clamp_min(1)).clamp(max=_RAREST) ** _RARITY
            found[kind] = weight * count.sum().clamp_min(1) / (weight * count).sum().clamp_min(1)
        return found

    def _simulate(self, kinds: Mapping[str, tuple[int, int]]) -> list[GradedPatients]:
        return [
            simulated_patients(count, seed, grades, self._cache, self._progress)
            for grades, (count, seed) in kinds.items()
        ]

    def _held_out(self, kinds: Mapping[str, tuple[int, int]]) -> list[GradedPatients]:
        return [self._given[1]] if self._given is not None else self._simulate(kinds)

    @cached_property
    def _textures(self) -> Tensor | None:
        """Fine structure of real joints."""
        if self._undamaged is None:
            return None
        return textures_of(torch.from_numpy(self._undamaged.images[self._undamaged.there]))

    def network(self) -> PatientNet:
        """Return networks with random weights."""
        return build_patient_net(self.architectures[self.preset])

    def optimizer(
        self, network: Module, epochs: int
    ) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
        """Return AdamW, whose rate rises for up to two epochs and then falls as a cosine."""
        if self.kind is not None and not self.fine_tuned:
            raise InputError("One kind alone is trained from the weights of a model. Give it with --start.", "start")
        for kind, each in network.kinds.items():  # type: ignore[operator,union-attr]  # a ModuleDict
            each.requires_grad_(kind in self._kinds)
        if self._given is None or not self.fine_tuned:
            simulated = _RATE_MORE if self.fine_tuned else _RATE
            return adamw_cosine(network, simulated if self._given is None else _RATE_GIVEN, epochs, most_rising=2)
        last = [network.kinds[kind].head[-1] for kind in self._kinds]  # type: ignore[index,union-attr]
        return adamw_cosine(network, _RATE_FINE, epochs, 2, last, _LAST_FASTER)

    @property
    def batches_of_epoch(self) -> int:
        """Number of training batches."""
        return _BATCHES if self._given is None else max(1, len(self._given[0]) // _BATCH)

    def training_batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """Draw the patients of an epoch in a new order, with random changes of their images."""
        rng = np.random.default_rng([seed, epoch, 3])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        which = [(patients, k) for patients in self._trained_on for k in range(len(patients))]
        count = self.batches_of_epoch * min(_BATCH, len(which))
        order = np.concatenate([rng.permutation(len(which)) for _ in range(-(-count // len(which)))])[:count]
        for each in np.split(order, self.batches_of_epoch):
            chosen = [which[k] for k in each]
            if self._undamaged is not None and rng.random() < _UNDAMAGED:
                chosen.append((self._undamaged, int(rng.integers(len(self._undamaged)))))
            strong = self.kind == "erosion"
            twice = strong and self._given is None
            yield batch_of(chosen, rng, generator, self._textures, STRONG if strong else USUAL, twice)

    @cached_property
    def _validation_batches(self) -> list[Batch]:
        return _in_order(self._held_out(VALIDATION))

    def validation_batches(self) -> list[Batch]:
        """Return patients that are not trained on, always the same."""
        return self._validation_batches

    def loss(self, network: Module, batch: Batch) -> Tensor:
        """Return the loss of the kinds that are trained; see :func:`~napari_jsn.scoring.training.loss.patient_loss`."""
        weights = {kind: self._grade_weights[kind] for kind in self._kinds}
        return patient_loss(network, batch, weights, _ALONE if self._given is None else {})  # too few to learn both

    def measures(self, network: Module, batch: Batch) -> dict[str, Tensor]:
        """Return the shares of the joints of a patient with the right grade and within one grade, of both kinds.

        The shares of a kind are NaN where no joint of the patient has a grade of it; ``exact`` is the mean of the kinds
        that have grades.
        """
        with torch.no_grad():
            found = network(batch.images, batch.there)
        figures: dict[str, Tensor] = {}
        for kind in HIGHEST:
            targets = getattr(batch, kind)
            away = (nearest_grade(grade_probabilities(found[kind].logits.float())) - targets.argmax(-1)).abs()
            graded = batch.there & (targets.sum(-1) > 0)
            count = graded.sum(1)  # 0 / 0 is NaN
            figures[f"exact_{kind}"] = ((away == 0) & graded).sum(1) / count
            figures[f"within_one_{kind}"] = ((away <= 1) & graded).sum(1) / count
        exact = torch.stack([figures[f"exact_{kind}"] for kind in HIGHEST]).nanmean(0)
        return {"exact": exact, **figures}

    def example(self, network: Module, index: int) -> dict[str, NDArray[Any]]:
        """Return the joints of a validation patient as one picture, with the true grades and those found as labels."""
        batch = self.validation_batches()[index // _BATCH]
        row = index % _BATCH
        device = next(network.parameters()).device
        with torch.no_grad():
            found = network(batch.images[row : row + 1].to(device), batch.there[row : row + 1].to(device))
        image = _mosaic(batch.images[row].numpy())
        truth = batch.jsn[row].argmax(-1).numpy()
        grades = nearest_grade(grade_probabilities(found["jsn"].logits[0].cpu().float())).numpy()
        shown = (image - image.min()) / max(float(np.ptp(image)), 1e-6)
        return {"image": shown, "truth": _labels(truth), "found": _labels(grades)}

    def calibration(self, network: Module) -> dict[str, Any]:
        """Return temperatures and the errors of totals, fitted to patients that are not trained on."""
        return calibration(network, *(_in_order(self._held_out(kinds)) for kinds in (CALIBRATION, TOTALS)))

    def card(self) -> dict[str, Any]:
        """Return what a model card says of network and data."""
        real: dict[str, int] = {}
        simulated: dict[str, int] = {}
        if self._given is not None:
            real = {"patients": len(set(self._given[0].names)), "visits": len(self._given[0])}
        else:
            simulated = {f"patients, {grades}": count for grades, (count, _) in self._simulated.items()}
            if self._undamaged is not None:
                real = {"hands": len(self._undamaged), "joints": int(self._undamaged.there.sum())}
        count = sum(count for count, _ in VALIDATION.values()) if self._given is None else len(self._given[1])
        first = about_simulation() if self._given is None else {"statement": self._learned}
        first = first if self.kind is None else {**first, "trained_kind": self.kind}
        return {**first, **self._card(PatientNet, real, simulated, {"patients": count})}


def about_simulation() -> dict[str, Any]:
    """Return what the card of a network that learned damage on simulated hands states first: that, and how made."""
    used = difficulty(DIFFICULTY)
    return {
        "statement": DISCLAIMER,
        "difficulty": {"version": used.version, "sha256": used.sha256},
        "simulator": hash_of_code(simulation),
    }


def _has_grades(patients: GradedPatients, kind: str) -> bool:
    """Return whether a joint with an image has a grade of a kind."""
    return bool(((patients.grades[..., list(HIGHEST).index(kind)] >= 0) & patients.there).any())


def _in_order(parts: list[GradedPatients]) -> list[Batch]:
    """Return all patients in batches, without change."""
    return [
        batch_of([(patients, k) for k in range(first, min(first + _BATCH, len(patients)))])
        for patients in parts
        for first in range(0, len(patients), _BATCH)
    ]


def _used(patients: GradedPatients, validated: bool) -> list[UsedImage]:
    """Return the visits of patients as images of a training."""
    return [
        UsedImage(
            f"{name}, {k + 1}", content_hash(patients.images[k]), content_hash(patients.grades[k]), name, validated
        )
        for k, name in enumerate(patients.names)
    ]


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
