"""Learning to find joints: network, loss and data, as training asks for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module

from napari_jsn.common.errors import InputError
from napari_jsn.localization.canvas import NORMALISATION, normalise
from napari_jsn.localization.maps import CELLS, peaks, probabilities
from napari_jsn.localization.network import ARCHITECTURES, CELL, CHANNELS, SIDE, JointNet, build
from napari_jsn.localization.training import public_hands
from napari_jsn.localization.training.appearance import expose
from napari_jsn.localization.training.data import HandFilm, simulated_hands, split
from napari_jsn.localization.training.scenes import Scene, scene

#: Images, joints (B, 28, 2) in pixels or NaN, how far off they may be in pixels (B, 28), pixels a mm (B,).
Batch = tuple[Tensor, Tensor, Tensor, Tensor]

#: Simulated hands to learn from and their seed; those that help to choose the best epoch have another.
_POOL, _POOL_SEED = 1200, 10_000
_CHOOSING, _CHOOSING_SEED = 40, 9_000
#: Scenes in an epoch, in a batch, and the share of them made of the films given.
_SCENES, _BATCH, _REAL = 1024, 32, 0.3
#: Scenes that choose the best epoch, made of each film held back and of each simulated hand.
_LOOKS = (6, 2)
#: The least standard deviation of a joint's target, in cells.
_SHARPEST = 0.7
#: A joint found within this of its place is right, in mm of an average adult's hand.
_RIGHT_MM = 3.0


class LocalizationTask:
    """A small U-Net on scenes made of the films given and of simulated hands.

    Parameters
    ----------
    films : iterable of HandFilm
        Films whose joints are known; none: simulated ones only.
    preset : {"default"}
    simulated : int
        How many simulated hands to mix in; 0 for none.
    held : sequence of str
        Groups of the films that are not learned from, but choose the best epoch; by default a tenth.
    source, terms : str
        What the card says of the films.
    cache : path, optional
        Where simulated hands are kept.

    Raises
    ------
    InputError
        If there is no such preset, or nothing to learn from.
    """

    name = "localization"
    presets = tuple(ARCHITECTURES)
    ema = 0.995

    def __init__(
        self,
        films: Iterable[HandFilm] = (),
        preset: str = "default",
        simulated: int = _POOL,
        held: Iterable[str] | None = None,
        source: str = "films of the user",
        terms: str = "as the user has them",
        cache: Path | None = None,
    ) -> None:
        if preset not in ARCHITECTURES:
            raise InputError(f"There is no preset {preset!r}. Choose one of: {', '.join(ARCHITECTURES)}.", "preset")
        self.preset, self._source, self._terms = preset, source, terms
        self.epochs, self.patience = 30, 30
        films = list(films)
        if held is None:
            groups = sorted({film.group for film in films})
            held = groups[::10] if len(groups) > 1 else []
        self._real, self._held = split(films, list(held))
        self._drawn = simulated_hands(simulated, _POOL_SEED, cache) if simulated else []
        self._choosing = self._held * _LOOKS[0]
        if simulated:
            self._choosing += simulated_hands(min(_CHOOSING, simulated), _CHOOSING_SEED, cache) * _LOOKS[1]
        if not (self._real or self._drawn) or not self._choosing:
            raise InputError("Films of one hand alone are too few to learn from. Give some of another.", "data")

    @classmethod
    def from_folder(cls, folder: Path | str | None, preset: str = "default") -> LocalizationTask:
        """Learn from the films of a folder, see :func:`~napari_jsn.localization.training.public_hands.labelled_hands`.

        None: from simulated ones alone. Of the public hands some are never learned from.
        """
        if folder is None:
            return cls(preset=preset)
        films = public_hands.labelled_hands(Path(folder))
        if public_hands.are_public(films):
            source, terms = public_hands.SOURCE, public_hands.TERMS
            return cls(films, preset, held=public_hands.HELD_OUT, source=source, terms=terms)
        return cls(films, preset)

    def network(self) -> JointNet:
        """With random weights."""
        return build(ARCHITECTURES[self.preset])

    def optimizer(
        self, network: Module, epochs: int
    ) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
        """AdamW, its rate rising for some epochs and then falling as a cosine."""
        optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-3)
        rising = max(1, min(2, epochs // 4))

        def rate(epoch: int) -> float:
            if epoch < rising:
                return (epoch + 1) / (rising + 1)
            return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (epoch - rising) / max(1, epochs - rising)))

        return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)

    def training_batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """Scenes drawn anew in every epoch."""
        rng = np.random.default_rng([seed, epoch, 2])
        chance = torch.Generator().manual_seed(int(rng.integers(2**62)))
        for _ in range(max(1, _SCENES // _BATCH)):
            made = []
            for _ in range(_BATCH):
                real = self._real and (not self._drawn or rng.random() < _REAL)
                films = self._real if real else self._drawn
                made.append(scene(films, int(rng.integers(len(films))), rng))
            yield _tensors(made, chance)

    @cached_property
    def _validation(self) -> list[Batch]:
        """One hand on a film or laid upright, by turns."""
        rng, chance = np.random.default_rng(7), torch.Generator().manual_seed(7)
        kinds = ("film", "upright")
        made = [scene(self._choosing, k, rng, kinds[k // 7 % 2]) for k in range(len(self._choosing))]
        return [_tensors(made[first : first + _BATCH], chance) for first in range(0, len(made), _BATCH)]

    def validation_batches(self) -> list[Batch]:
        """Scenes of films that are never learned from, always the same."""
        return self._validation

    def loss(self, network: Module, batch: Batch) -> Tensor:
        """Cross-entropy of every joint's cell, or of its not being in view, summed over a hand's joints."""
        images, points, spread, _ = batch
        images = images.contiguous(memory_format=torch.channels_last)
        fast = torch.is_grad_enabled() and _has_bfloat16(images.device)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=fast):
            absent, maps = network(images)
        joints = (points + 0.5) / CELL - 0.5, (spread / CELL).clamp_min(_SHARPEST)
        # film by film: what one film needs stays in the processor's cache
        losses = map(_loss_of_film, absent.float(), maps.unbind(), *joints)
        return torch.stack(list(losses)).mean() * 2 / CHANNELS

    def measures(self, network: Module, batch: Batch) -> dict[str, Tensor]:
        """Share of a hand's joints that are right: found within 3 mm, or told as not in view; and two more figures.

        ``precise`` is 1 less the mean error over 4 mm (at most 1) of the joints in view, ``not_invented`` the share
        of joints out of view that are told so.
        """
        images, points, _, px_mm = batch
        with torch.no_grad():
            maps = probabilities(network(images.contiguous(memory_format=torch.channels_last)))
        found, sure = peaks(maps.flatten(0, 1).cpu())
        found, sure = found.unflatten(0, maps.shape[:2]), sure.unflatten(0, maps.shape[:2])
        points, px_mm = points.cpu(), px_mm.cpu()
        seen, told = torch.isfinite(points).all(2), sure > 0.5
        error = torch.where(seen & told, (found - points.nan_to_num()).norm(dim=2) / px_mm[:, None], math.inf)
        hand = seen.unflatten(1, (2, -1)).any(2).repeat_interleave(CHANNELS // 2, 1)
        hand = torch.where(hand.any(1, keepdim=True), hand, True)
        right = torch.where(seen, error <= _RIGHT_MM, ~told)
        near = torch.where(seen, 1 - (error / 4).clamp_max(1), 0).sum(1) / seen.sum(1).clamp_min(1)
        return {
            "right": _mean(right, hand),
            "precise": torch.where(seen.any(1), near, _mean(right, hand)),
            "not_invented": _mean(~told, ~seen),
        }

    def example(self, network: Module, index: int) -> dict[str, NDArray[Any]]:
        """A validation scene, its joints and those found, as labels: 1 to 14 a left hand's, 15 to 28 a right one's."""
        images, points = (torch.cat([batch[k] for batch in self.validation_batches()])[index] for k in (0, 1))
        device = next(network.parameters()).device
        with torch.no_grad():
            found, sure = peaks(probabilities(network(images[None].to(device)))[0].cpu())
        found[sure < 0.5] = math.nan
        image = images[0].numpy()
        shown = (image - image.min()) / max(float(np.ptp(image)), 1e-6)
        return {"image": shown, "truth": _dots(points.numpy()), "found": _dots(found.numpy())}

    def card(self) -> dict[str, Any]:
        """What a model card says of network and data."""
        data = []
        if self._real:
            hands = {"films": len(self._real), "hands": len({film.group for film in self._real})}
            data.append({"source": self._source, "terms": self._terms, **hands})
        if self._drawn:
            drawn = {"films": len(self._drawn), "hands": len(self._drawn)}
            data.append({"source": "simulator of napari-jsn", "terms": "BSD-3-Clause", **drawn})
        architecture = {key: list(v) if isinstance(v, tuple) else v for key, v in ARCHITECTURES[self.preset].items()}
        return {
            "architecture": {"class": "napari_jsn.localization.network.JointNet", **architecture},
            "input_size_px": [SIDE, SIDE],
            "normalisation": NORMALISATION,
            "training_data": data,
            "validation": {
                "scenes": len(self._choosing),
                "films never learned from": sorted(film.name for film in self._held),
            },
        }


def _loss_of_film(absent: Tensor, maps: Tensor, points: Tensor, sigma: Tensor) -> Tensor:
    """The sum over all joints; points and their spread in cells."""
    maps = maps.float()
    seen = torch.isfinite(points).all(dim=1)
    everything = torch.logaddexp(torch.logsumexp(maps, dim=(1, 2)), absent)
    at, sigma = points[seen], sigma[seen, None]
    cells = torch.arange(CELLS, device=maps.device)
    across, down = (torch.softmax(-((cells - at[:, k, None]) ** 2) / (2 * sigma**2), 1) for k in (0, 1))
    there = (torch.bmm(maps[seen], across[:, :, None])[:, :, 0] * down).sum()
    return everything.sum() - absent[~seen].sum() - there


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values & where).sum(1) / where.sum(1).clamp_min(1)


def _dots(points: NDArray[np.float32]) -> NDArray[np.uint8]:
    labels = np.zeros((SIDE, SIDE), np.uint8)
    for k, (x, y) in enumerate(points):
        if np.isfinite((x, y)).all():
            row, col = round(float(y)), round(float(x))
            labels[max(0, row - 2) : row + 3, max(0, col - 2) : col + 3] = k + 1
    return labels


def _tensors(made: list[Scene], chance: torch.Generator) -> Batch:
    images = torch.from_numpy(np.stack([each.image for each in made]))[:, None]
    film = torch.from_numpy(np.stack([each.film for each in made]))[:, None]
    points = torch.from_numpy(np.stack([each.points for each in made]).astype(np.float32))
    px_mm = torch.tensor([each.px_mm for each in made])
    spread = torch.from_numpy(np.stack([each.label_mm for each in made]).astype(np.float32)) * px_mm[:, None]
    return normalise(expose(images, chance), film), points, spread, px_mm


def _has_bfloat16(device: torch.device) -> bool:
    """Whether the processor computes in 16 bits natively: half the time, the same result."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    features: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(features.get("avx512_bf16") or features.get("amx_bf16"))
