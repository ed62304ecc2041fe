"""Learning to register two visits of a joint: network, loss and data, as training asks for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module

from napari_jsn.common.errors import InputError
from napari_jsn.registration.network.architectures import ARCHITECTURES, KINDS, build
from napari_jsn.registration.network.default import PoseNet
from napari_jsn.registration.network.training.data import (
    SIDE,
    Visits,
    distances_px,
    joint_images,
    real_visits,
    simulated_visits,
    some_of,
)
from napari_jsn.registration.network.training.loss import composed_loss, learned_from_looks
from napari_jsn.registration.network.training.motion import Amounts, Sources, make_pairs
from napari_jsn.segmentation.training import public_joints
from napari_jsn.segmentation.training.data import LabelledJoint

#: Fixed and moving image, their masks, the maps of both bones, and for which pairs these are true.
Batch = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]

NORMALISATION = "to a square of 128 px by its border; each bone less its mean, by its deviation, inside its mask"
#: Share of the groups (joints, patients) that choose the best epoch, and the pairs made of them.
_VALIDATION, _VALIDATION_PAIRS, _VALIDATION_SEED = 0.1, 128, 11
#: Shares of a batch: two visits of a real joint, and simulated joints where there are real ones too.
_REAL_VISITS, _SIMULATED = 0.2, 0.3
#: How many simulated pairs there are, and what they are drawn with.
_POOL, _POOL_SEED = 700, 4
#: Batches of an epoch.
_BATCHES = 100


class RegistrationTask:
    """Maps of both bones between visits.

    What is learned from: joint images that are moved by known motions, simulated joints at two visits, whose motion
    is known too, and two visits of real joints, of which only the images tell.

    Parameters
    ----------
    joints : iterable of LabelledJoint
        Real joint images with masks; those of one group show one joint at several visits. None: simulated ones only.
    preset : {"default", "paper"}
        ``paper`` is the network and the recipe of Wang et al. 2023, for a GPU: without any truth.
    simulated : int
        How many simulated pairs to mix in; 0 for none.
    source, terms : str
        What the card says of the real images.
    cache : path, optional
        Where simulated images are kept.

    Raises
    ------
    InputError
        If there is no such preset, or nothing to learn from.
    """

    name = "registration"
    presets = tuple(ARCHITECTURES)

    def __init__(
        self,
        joints: Iterable[LabelledJoint] = (),
        preset: str = "default",
        simulated: int = _POOL,
        source: str = "images of the user",
        terms: str = "as the user has them",
        cache: Path | None = None,
    ) -> None:
        if preset not in ARCHITECTURES:
            raise InputError(f"There is no preset {preset!r}. Choose one of: {', '.join(ARCHITECTURES)}.", "preset")
        self.preset, self._source, self._terms = preset, source, terms
        self.paper = preset == "paper"
        self.epochs: int = 500 if self.paper else 30
        self.ema: float | None = None if self.paper else 0.997
        self.patience = 60 if self.paper else 20
        self._batch = 80 if self.paper else 16
        self._amounts = Amounts()
        joints = list(joints)
        pools = [real_visits(joints)] if joints else []
        if simulated:
            pools.append(simulated_visits(simulated, _POOL_SEED, cache))
        chosen_on = next((k for k, pool in enumerate(pools) if len(set(pool.groups)) > 1), None)
        if chosen_on is None:
            raise InputError("Images of one joint alone are too few to learn from. Give some of another.", "data")
        pools[chosen_on], self._validation = pools[chosen_on].split(_VALIDATION)
        self._real = pools[0] if joints else None
        self._drawn = pools[-1] if simulated else None
        self._kept: list[Batch] | None = None

    @classmethod
    def from_folder(cls, folder: Path | str | None, preset: str = "default") -> RegistrationTask:
        """Learn from the images of a folder, see :func:`~napari_jsn.registration.network.training.data.joint_images`.

        None: from simulated ones alone. Of the public joints those meant for testing are left out.
        """
        if folder is None:
            return cls(preset=preset)
        found = joint_images(Path(folder))
        if public_joints.are_public(each.group for each in found):
            return cls(found, preset, source=public_joints.SOURCE, terms=public_joints.TERMS)
        return cls(found, preset)

    def network(self) -> Module:
        """With random weights."""
        return build(self.preset)

    def optimizer(self, network: Module, epochs: int) -> tuple[torch.optim.Optimizer, Any]:
        """AdamW, its rate rising at first and then falling as a cosine; or the paper's Adam, slower on a plateau."""
        if self.paper:
            adam = torch.optim.Adam(network.parameters(), lr=1e-3)
            return adam, torch.optim.lr_scheduler.ReduceLROnPlateau(adam)
        optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3)

        def rate(epoch: int) -> float:
            return min(1.0, (epoch + 1) / 2) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * epoch / max(1, epochs))))

        return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)

    def training_batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """Pairs made anew."""
        rng = np.random.default_rng([seed, epoch, 3])
        for _ in range(_BATCHES):
            yield self._made(self._choose(rng), rng)

    def _choose(self, rng: np.random.Generator) -> list[tuple[Visits, int, bool]]:
        """Of each pair of a batch: where from, which image or pair, and whether it is two visits."""
        chosen: list[tuple[Visits, int, bool]] = []
        for _ in range(self._batch):
            drawn = self._drawn is not None and (self._real is None or rng.random() < _SIMULATED)
            pool = self._drawn if drawn else self._real
            assert pool is not None
            share = 0.6 if drawn else _REAL_VISITS / (1 - _SIMULATED)
            two = len(pool.pairs) > 0 and (self.paper or rng.random() < share)
            chosen.append((pool, int(rng.integers(len(pool.pairs) if two else len(pool))), two))
        return chosen

    def _made(self, chosen: list[tuple[Visits, int, bool]], rng: np.random.Generator) -> Batch:
        """A batch of what was chosen, moved and exposed by chance."""
        chance = torch.Generator().manual_seed(int(rng.integers(2**62)))
        sides: list[list[NDArray[Any]]] = [[], [], [], []]
        between, known = np.tile(np.eye(3, dtype=np.float32), (len(chosen), 2, 1, 1)), np.ones(len(chosen), bool)
        for k, (pool, number, two) in enumerate(chosen):
            pair = (number, number)
            if two:
                pair = tuple(pool.pairs[number])
                between[k], known[k] = pool.between[number], not np.isnan(pool.between[number]).any()
                if rng.random() < 0.5:
                    pair, between[k] = pair[::-1], np.linalg.inv(between[k]) if known[k] else between[k]
            for place, at in enumerate(pair):
                sides[2 * place].append(pool.images[at])
                sides[2 * place + 1].append(pool.outside[at])
        between[~known] = np.eye(3)
        grey = [torch.from_numpy(np.stack(sides[k])).float() / 255 for k in (0, 2)]
        outside = [torch.from_numpy(distances_px(np.stack(sides[k]))) for k in (1, 3)]
        fixed, moving = (Sources(*each) for each in zip(grey, outside, strict=True))
        pairs = make_pairs(fixed, moving, torch.from_numpy(between), chance, self._amounts)
        return (*pairs, torch.from_numpy(known))

    def validation_batches(self) -> list[Batch]:
        """Pairs of known motion made of images that are never learned from; always the same."""
        if self._kept is None:
            rng = np.random.default_rng(_VALIDATION_SEED)
            count = min(_VALIDATION_PAIRS, 8 * len(self._validation))
            chosen = [(self._validation, int(k), False) for k in rng.integers(len(self._validation), size=count)]
            self._kept = [self._made(chosen[first : first + 64], rng) for first in range(0, count, 64)]
        return self._kept

    def loss(self, network: Module, batch: Batch) -> Tensor:
        """The paper's: how unlike the transformed and the fixed image are (Eq. 6).

        In the default preset how far each bone's points lie from where they should, where that is known, with how
        unlike the images are beside it.
        """
        if isinstance(network, PoseNet):
            return learned_from_looks(network, batch, torch.is_grad_enabled())
        return composed_loss(network(*batch[:4]), batch).mean()

    def measures(self, network: Module, batch: Batch) -> dict[str, Tensor]:
        """Of each pair: how near to the truth, and the loss before and after (Eq. 6).

        ``near`` is 1 where the bones' points are at their place, and a half where they lie 1 px off.
        """
        with torch.no_grad():
            maps = network(*batch[:4])
        still = torch.eye(3).to(maps).expand_as(maps)
        error = error_px(maps, batch[4], batch[2])
        losses = {"original_loss": composed_loss(still, batch), "transformed_loss": composed_loss(maps, batch)}
        return {"near": 1 / (1 + error), "error_px": error, **losses}

    def example(self, network: Module, index: int) -> dict[str, NDArray[Any]]:
        """A validation pair: the fixed image, the moving one transformed onto it, and the loss spectrum."""
        from napari_jsn.registration.network.training.loss import composed

        batch = self.validation_batches()[index // 64]
        one = tuple(part[index % 64 : index % 64 + 1] for part in batch)
        device = next(network.parameters()).device
        with torch.no_grad():
            maps = network(*(part.to(device) for part in one[:4])).cpu()
        transformed = composed(maps, one[1], one[2])[0]
        fixed = one[0][0, 0]
        spectrum = (fixed - transformed).square()
        return {"fixed": fixed.numpy(), "transformed": transformed.numpy(), "spectrum": spectrum.numpy()}

    def card(self) -> dict[str, Any]:
        """What a model card says of network and data."""
        data = []
        if self._real is not None:
            images = {"images": len(self._real), "joints": len(set(self._real.groups)), "visits": len(self._real.pairs)}
            data.append({"source": self._source, "terms": self._terms, **images})
        if self._drawn is not None:
            images = {"images": len(self._drawn), "visits": len(self._drawn.pairs)}
            data.append({"source": "simulator of napari-jsn", "terms": "BSD-3-Clause", **images})
        architecture = {key: list(v) if isinstance(v, tuple) else v for key, v in ARCHITECTURES[self.preset].items()}
        kind = KINDS[ARCHITECTURES[self.preset]["kind"]]
        learned = (
            "loss between the transformed and the fixed image (Wang et al. 2023, Eq. 6) alone, no truth"
            if self.paper
            else "known motion put into real and simulated images, true motion between simulated visits, and the "
            "correlation of the transformed with the fixed image; two visits of real joints by that correlation alone"
        )
        return {
            "architecture": {"class": f"{kind.__module__}.{kind.__name__}", **architecture},
            "input_size_px": [SIDE, SIDE],
            "normalisation": NORMALISATION,
            "supervision": learned,
            "training_data": data,
            "validation": {"images": len(self._validation), "joints": len(set(self._validation.groups))},
        }


def validation_groups(groups: Iterable[str]) -> set[str]:
    """Which of the joints that a training is given choose the best epoch, and are not learned from."""
    return some_of(groups, _VALIDATION)


def error_px(maps: Tensor, truth: Tensor, masks: Tensor) -> Tensor:
    """Mean distance (B,) between where two sets of maps take the bones' points, in pixels."""
    side = masks.shape[-1]
    at = torch.arange(1.5, side, 4).to(maps)
    points = torch.stack([*torch.meshgrid(at, at, indexing="xy"), torch.ones(len(at), len(at)).to(maps)], -1)
    apart = ((maps - truth)[:, :, None, :2] @ points.flatten(0, 1)[..., None])[..., 0].norm(dim=-1)
    weight = masks[:, :, 1::4, 1::4].flatten(2)
    return ((apart * weight).sum(2) / weight.sum(2).clamp_min(1e-3)).mean(1)
