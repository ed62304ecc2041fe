"""Training of the one-stage network on simulated hands."""

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
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, smooth_l1_loss

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, counted
from napari_jsn.networks import augmentation
from napari_jsn.networks.inputs import LeftOut
from napari_jsn.networks.task import TrainingTask, adamw_cosine, use_bfloat16
from napari_jsn.scoring.grades import HIGHEST, nearest_grade
from napari_jsn.scoring.one_stage.canvas import CANVAS, NORMALISATION, hand_box, pixel_of_fit
from napari_jsn.scoring.one_stage.grader import sites_on_maps
from napari_jsn.scoring.one_stage.network import (
    ARCHITECTURES,
    HandNet,
    PixelOutputs,
    build_hand_net,
    with_coordinates,
)
from napari_jsn.scoring.one_stage.targets import IGNORED, circle_targets, of_pixels, smoothed
from napari_jsn.scoring.training.batches import WIDTH_MM
from napari_jsn.scoring.training.region_crops import HandBatch, region_crops, region_loss
from napari_jsn.scoring.training.simulated_patients import (
    CHUNK,
    simulated_chunk,
    simulated_hand_erosions,
    simulated_hand_images,
)
from napari_jsn.scoring.training.task import POOL, VALIDATION, about_simulation

#: Radius of the circles and distance of the background in mm; probability that moves to the neighbouring grades.
INNER_MM, OUTER_MM, MOVED = 4.0, 8.0, 0.1
#: Hands in a batch, and joint images of hands in an epoch.
_BATCH, _HANDS = 4, 480
#: Rows and columns of a part of the canvas, share of the batches of whole hands, largest distance of a part's middle
#: from that of the joints, in pixels.
PART, _WHOLE, _JITTER = (480, 416), 0.25, 28.0
#: Share of the last epochs in which all hands are whole, as they are when they are scored.
_LAST = 0.15
#: Weights of the losses of the widths and of the eroded pixels, and of an eroded pixel in the latter.
_WIDTHS, _AREAS, _ERODED = 1.0, 2.0, 4.0
#: Highest learning rates from random weights, and of the networks of regions alone.
_RATE, _RATE_REGIONS = 1.5e-3, 3e-4
#: Weight of the background in the loss of the joint map.
_BACKGROUND = 0.05
#: Standard deviations of the shift (across and along the hand) in mm, the rotation in degrees, and the logarithm of the
#: size of a hand: its box is that of all tissue, which on real radiographs has more or less of the forearm.
_SHIFT_MM, _TURN, _SIZE = np.array([4.0, 8.0]), 6.0, 0.08


class OneStageTask(TrainingTask):
    """Train a U-Net over whole hands, and the networks that grade the regions around their joints.

    From random weights all are trained. A training that starts from a trained model goes on with the networks of
    regions alone: the grades improve longest, and an epoch then takes a fraction of the time.

    Parameters
    ----------
    preset : {"one-stage", "paper"}
    hands : tuple of (HandBatch, HandBatch), optional
        To train on, and to choose the best epoch; by default simulated ones.
    source, terms : str
        What the card says of real radiographs.
    cache : path, optional
    progress : Progress, optional
        Not used: hands are simulated as they are needed.
    """

    name = "scoring"
    architectures: ClassVar[Mapping[str, dict[str, Any]]] = ARCHITECTURES
    side: ClassVar[int] = CANVAS[0]
    normalisation: ClassVar[str] = NORMALISATION
    ema: float = 0.99
    epochs: int = 42
    patience: int = 42
    half: bool = True
    keep_last: bool = True  # as long as few joints are marked, the figures do not tell a good epoch

    def __init__(
        self,
        preset: str = "one-stage",
        hands: tuple[HandBatch, HandBatch] | None = None,
        source: str = "radiographs of the user",
        terms: str = "as the user has them",
        cache: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(preset, source, terms)
        self._given, self._cache, self._progress = hands, cache, progress
        self._last = self.epochs  # the first epoch of whole hands alone
        self.fine_tuned: bool = False

    @classmethod
    def _read_folder(
        cls, folder: Path, groups: Path | None, layout: Path | str = "auto"
    ) -> tuple[dict[str, Any], list[LeftOut], list[str]]:
        """Refuse a folder."""
        raise InputError(
            "The one-stage network is trained on simulated hands only. Choose the preset default for your own scores.",
            "preset",
        )

    @cached_property
    def _validation(self) -> list[HandBatch]:
        if self._given is not None:
            whole = self._given[1]
        else:
            seeds = [(seed, grades) for grades, (_, seed) in VALIDATION.items()]
            for seed, grades in counted(seeds, len(seeds), "Simulating patients", self._progress):
                simulated_hand_images(seed, grades, self._cache)
            rng = np.random.default_rng(5)
            whole = _drawn(seeds, 40, rng, None, self._cache)
        return [HandBatch(*(each[k : k + _BATCH] for each in whole)) for k in range(0, len(whole.images), _BATCH)]

    def network(self) -> HandNet:
        """Return a network with random weights."""
        return build_hand_net(self.architectures[self.preset])

    def optimizer(
        self, network: Module, epochs: int
    ) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
        """Return AdamW, whose rate rises for up to two epochs and then falls as a cosine."""
        self._last = round((1 - _LAST) * epochs)
        return adamw_cosine(network, _RATE_REGIONS if self.fine_tuned else _RATE, epochs, most_rising=2)

    @property
    def batches_of_epoch(self) -> int:
        """Number of training batches."""
        return max(1, (_HANDS if self._given is None else len(self._given[0].images)) // _BATCH)

    def training_batches(self, epoch: int, seed: int) -> Iterator[HandBatch]:
        """Draw hands with random changes, some chunks of patients in each epoch."""
        whole = _WHOLE if epoch < self._last and not self.fine_tuned else 1.0
        rng = np.random.default_rng([seed, epoch, 4])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        if self._given is not None:
            hands = self._given[0]
            order = rng.permutation(len(hands.images))
            for first in range(0, max(1, len(order) - _BATCH + 1), _BATCH):
                yield HandBatch(*(each[order[first : first + _BATCH]] for each in hands))
            return
        chunks = [(seed + k, grades) for grades, (count, seed) in POOL.items() for k in range(count // CHUNK)]
        for _ in range(max(1, self.batches_of_epoch * _BATCH // (2 * CHUNK))):
            chosen = chunks[int(rng.integers(len(chunks)))]
            yield from _batches(_drawn([chosen], 2 * CHUNK, rng, generator, self._cache), rng, whole)

    def validation_batches(self) -> list[HandBatch]:
        """Return hands that are not trained on, always the same."""
        return self._validation

    def loss(self, network: Any, batch: HandBatch) -> Tensor:
        """Return the sum of the losses of the U-Net and of the regions; of the latter alone in a further training."""
        generator = None
        if torch.is_grad_enabled():
            generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        graded = region_loss(network, region_crops(batch, generator))
        return graded if self.fine_tuned else graded + self._unet_loss(network, batch)

    def _unet_loss(self, network: Any, batch: HandBatch) -> Tensor:
        """Return the sum of the losses of the joint map, the map of narrowing, the eroded pixels and the widths."""
        with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=use_bfloat16(batch.images.device)):
            given = with_coordinates(batch.images, batch.origin).contiguous(memory_format=torch.channels_last)
            found = network.unet(given)
        size = (batch.images.shape[-2], batch.images.shape[-1])
        joints = circle_targets(batch.centres, INNER_MM / batch.pixel_mm, OUTER_MM / batch.pixel_mm, size)
        weights = torch.tensor([_BACKGROUND] + [1.0] * len(JOINTS), device=joints.device)
        total = cross_entropy(found.joint.float(), joints, weights, ignore_index=IGNORED)
        inside = joints > 0
        targets = of_pixels(joints, smoothed(batch.jsn, HIGHEST["jsn"], MOVED))
        graded = of_pixels(joints, (batch.jsn >= 0) | (batch.erosion >= 0))
        logs = torch.log_softmax(found.narrowing.movedim(1, -1)[inside].float(), -1)
        total = total - (targets * logs).sum() / targets.sum().clamp_min(1)
        known = of_pixels(joints, batch.widths)
        measured = torch.isfinite(known) & graded[:, None]
        if measured.any():
            widths = found.widths.movedim(1, -1)[inside].float()
            total = total + _WIDTHS * smooth_l1_loss(widths[measured], known[measured], beta=0.2)
        drawn = (joints != 0) & torch.isfinite(batch.eroded)
        if drawn.any():
            weight = torch.tensor(_ERODED, device=joints.device)
            logits, truth = found.eroded[:, 0][drawn].float(), batch.eroded[drawn]
            total = total + _AREAS * binary_cross_entropy_with_logits(logits, truth, pos_weight=weight)
        return total

    def measures(self, network: Module, batch: HandBatch) -> dict[str, Tensor]:
        """Return the share of a hand's joints with the right grade, of both kinds, and of those placed within 3 mm."""
        with torch.no_grad():
            found = network(with_coordinates(batch.images, batch.origin).contiguous(memory_format=torch.channels_last))
        figures: dict[str, list[float]] = {"exact": [], "placed": [], "exact_jsn": [], "exact_erosion": []}
        for k in range(len(batch.images)):
            classes = PixelOutputs(*(each[k : k + 1] for each in found)).classes()
            mm = float(batch.pixel_mm[k])
            places, grades = sites_on_maps(classes, INNER_MM / mm)
            away = [
                np.hypot(*(np.array(places.get(joint, (np.inf, np.inf))) - batch.centres[k, j].cpu().numpy()))
                for j, joint in enumerate(JOINTS)
            ]
            figures["placed"].append(float(np.mean(np.array(away) * mm <= 3.0)))
            for kind in HIGHEST:
                truth = getattr(batch, kind)[k].tolist()
                right = [
                    joint in grades[kind] and int(nearest_grade(grades[kind][joint])) == true
                    for joint, true in zip(JOINTS, truth, strict=True)
                    if true >= 0
                ]
                figures[f"exact_{kind}"].append(float(np.mean(right)) if right else np.nan)
            of_kinds = [figures[f"exact_{kind}"][-1] for kind in HIGHEST]
            figures["exact"].append(float(np.mean([each for each in of_kinds if np.isfinite(each)] or [np.nan])))
        return {name: torch.tensor(values) for name, values in figures.items()}

    def example(self, network: Any, index: int) -> dict[str, NDArray[Any]]:
        """Return a validation hand with the true joints and those found as labels."""
        batch, row = self.validation_batches()[index // _BATCH], index % _BATCH
        one = HandBatch(*(each[row : row + 1] for each in batch))
        device = next(network.parameters()).device
        with torch.no_grad():
            found = network.unet(with_coordinates(one.images.to(device))).joint[0].argmax(0).cpu().numpy()
        size = (one.images.shape[-2], one.images.shape[-1])
        truth = circle_targets(one.centres, INNER_MM / one.pixel_mm, OUTER_MM / one.pixel_mm, size)[0].clamp_min(0)
        return {
            "image": one.images[0].numpy(), "truth": truth.numpy().astype(np.uint8), "found": found.astype(np.uint8)
        }  # fmt: skip

    def calibration(self, network: Module) -> dict[str, Any]:
        """Return temperatures, confusion matrices and the errors of totals; nothing where hands are given."""
        from napari_jsn.scoring.training.whole_hands import one_stage_calibration

        return (
            {} if self._given is not None else one_stage_calibration(network, self.card(), self._cache, self._progress)
        )

    def card(self) -> dict[str, Any]:
        """Return what a model card says of network and data."""
        real: dict[str, int] = {}
        simulated: dict[str, int] = {}
        if self._given is None:
            simulated = {f"patients, {grades}": count for grades, (count, _) in POOL.items()}
        else:
            real = {"hands": len(self._given[0].images)}
        first = about_simulation() if self._given is None else {}
        constants = {"inner_mm": INNER_MM, "outer_mm": OUTER_MM, "moved": MOVED}
        validation = {"hands": sum(len(each.images) for each in self.validation_batches())}
        return {**first, **constants, **self._card(HandNet, real, simulated, validation)}


def _batches(hands: HandBatch, rng: np.random.Generator, whole: float) -> Iterator[HandBatch]:
    """Yield batches of hands: a share of them whole, of the others the parts that have the joints, which is faster."""
    for k in range(0, len(hands.images) - _BATCH + 1, _BATCH):
        batch = HandBatch(*(each[k : k + _BATCH] for each in hands))
        yield batch if rng.random() < whole else part_of_canvas(batch, rng)


def part_of_canvas(hands: HandBatch, rng: np.random.Generator) -> HandBatch:
    """Return the parts of hands around the middle of their joints.

    A network that learned from such parts alone does not find the joints of whole hands: its layers weigh channels by
    their mean over the image.
    """
    rows, cols = PART
    middle = (hands.centres.amin(1) + hands.centres.amax(1)) / 2 + torch.from_numpy(rng.uniform(-_JITTER, _JITTER, 2))
    parts, origins = [], []
    for planes, (x, y) in zip(torch.stack([hands.images, hands.eroded], 1), middle.tolist(), strict=True):
        left = int(np.clip(round(x - cols / 2), 0, planes.shape[-1] - cols))
        top = int(np.clip(round(y - rows / 2), 0, planes.shape[-2] - rows))
        parts.append(planes[:, top : top + rows, left : left + cols])
        origins.append((left, top))
    origin = torch.tensor(origins, dtype=hands.centres.dtype)
    images, eroded = torch.stack(parts, 1)
    return hands._replace(images=images, eroded=eroded, centres=hands.centres - origin[:, None], origin=origin)


def _drawn(
    chunks: list[tuple[int, str]],
    count: int,
    rng: np.random.Generator,
    generator: torch.Generator | None,
    cache: Path | None,
) -> HandBatch:
    """Return hands of chunks of simulated patients on the canvas, in random order; changed if there is a generator."""
    parts = []
    for seed, grades in chunks:
        hands, sites = simulated_hand_images(seed, grades, cache), simulated_chunk(seed, grades, cache)
        erosions = (
            np.full_like(hands["images"], 0) if generator is None else simulated_hand_erosions(seed, grades, cache)
        )
        each = (hands["images"], erosions, hands["centres"], sites["grades"], sites["widths"][..., :2])
        parts.append((*(part.reshape(-1, *part.shape[2:]) for part in each), np.repeat(hands["spacing_mm"], 2)))
    images, erosions, centres, truth, widths, spacing = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = rng.permutation(len(images))[:count]
    drawn = [
        place_hand(images[k], erosions[k], centres[k], float(spacing[k]), rng, generator is not None) for k in order
    ]
    planes, eroded = torch.stack([each[0] for each in drawn]), torch.stack([each[1] for each in drawn])
    if generator is None:
        eroded.fill_(torch.nan)
    else:
        changed = augmentation.change_exposure(planes[:, None], generator, 0.2, (0.85, 1.15), 0.05)
        planes = augmentation.add_noise(changed, generator, 0.03)[:, 0]
    grades_of = torch.from_numpy(truth[order]).long()
    places = torch.from_numpy(np.stack([each[2] for each in drawn]).astype(np.float32))
    return HandBatch(
        planes,
        eroded,
        places,
        grades_of[..., 0],
        grades_of[..., 1],
        torch.from_numpy(widths[order]).float().clamp(*WIDTH_MM),
        torch.tensor([each[3] for each in drawn], dtype=torch.float32),
        torch.zeros(len(planes), 2),
    )


def place_hand(
    image: NDArray[np.uint8],
    erosions: NDArray[np.uint8],
    centres: NDArray[np.float32],
    spacing_mm: float,
    rng: np.random.Generator,
    change: bool,
) -> tuple[Tensor, Tensor, NDArray[np.float64], float]:
    """Return a hand and its erosions on the canvas, the places of its joints there, and the size of a pixel in mm.

    Without change it lies there as :func:`~napari_jsn.scoring.one_stage.canvas.hand_canvas` places it.
    """
    from scipy import ndimage

    shift, turn, size = (
        _SHIFT_MM * rng.standard_normal(2),
        _TURN * rng.standard_normal(),
        _SIZE * rng.standard_normal(),
    )
    if not change:
        shift, turn, size = np.zeros(2), 0.0, 0.0
    pixels = image.astype(np.float32) / np.float32(255)
    top, left, bottom, right = hand_box(pixels)
    pixel_mm = spacing_mm * pixel_of_fit(bottom - top, right - left) * float(np.exp(size))
    step = pixel_mm / spacing_mm
    angle = np.deg2rad(turn)
    linear = step * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([left + right - 1, top + bottom - 1]) / 2 + shift / spacing_mm
    offset = middle - linear @ ((CANVAS[1] - 1) / 2, (CANVAS[0] - 1) / 2)
    swap = linear[::-1, ::-1]  # (row, col)
    smooth = ndimage.gaussian_filter(pixels, 0.3 * step)
    drawn = ndimage.affine_transform(smooth, swap, offset[::-1], CANVAS, order=1)
    drawn = (drawn / max(float(np.percentile(drawn, 99.8)), 1e-6)).clip(0, 1)
    eroded = ndimage.affine_transform(erosions.astype(np.float32) / 255, swap, offset[::-1], CANVAS, order=1)
    places = np.asarray(np.linalg.solve(linear, (centres - offset).T).T, np.float64)
    return torch.from_numpy(drawn.astype(np.float32)), torch.from_numpy(eroded), places, pixel_mm
