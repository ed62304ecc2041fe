"""Base of the training tasks: the interface that training uses, and what all tasks share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar
from zlib import crc32

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.networks.inputs import Inputs, LeftOut, with_left_out

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import Module
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LambdaLR, LRScheduler


#: The last learning rate as a share of the highest.
_LAST_RATE = 0.01


class Task(Protocol):
    """The network, loss and data of one capability, in plain torch.

    Nine attributes are optional: ``ema``, the decay per step of an exponential moving average of the weights (the
    average is then validated and saved); ``patience``, the number of epochs without a better figure after which
    training stops (None: never); ``keep_last``, whether the weights of the last epoch are saved instead of those
    of the best one; ``batches_of_epoch``, the number of training batches; ``half``, whether weights are saved with 16
    bits; ``calibration``, which returns further entries of the card from the trained network; and ``fine_tuned``, which
    is set before training: whether it starts from the weights of a trained model. Two more state what a training is
    resumed with: ``inputs`` (:class:`~napari_jsn.networks.inputs.Inputs`), the real images, whose hashes the card
    keeps; and ``simulated``, the number of simulated ones.
    """

    name: str  #: such as ``"segmentation"``
    preset: str
    epochs: int  #: of the preset

    def network(self) -> Module:
        """Return a network with random weights, drawn from torch's generator."""

    def optimizer(self, network: Module, epochs: int) -> tuple[Optimizer, LRScheduler | None]:
        """Return the optimizer, and the scheduler that sets its learning rate after every epoch.

        A ``ReduceLROnPlateau`` scheduler gets the mean training loss of the epoch.
        """

    def training_batches(self, epoch: int, seed: int) -> Iterable[Any]:
        """Return the batches of an epoch, counted from 0; always the same for one epoch and seed."""

    def validation_batches(self) -> Iterable[Any]:
        """Return the batches that are never trained on, always the same."""

    def loss(self, network: Module, batch: Any) -> Tensor:
        """Return the mean loss over the batch."""

    def measures(self, network: Module, batch: Any) -> dict[str, Tensor]:
        """Return figures (B,) of each sample; the first one decides which epoch is best: higher is better."""

    def example(self, network: Module, index: int) -> dict[str, NDArray[Any]]:
        """Return 2-D images of one validation sample to show: ``image``, ``truth`` and ``found``."""

    def card(self) -> dict[str, Any]:
        """Return architecture, input size, normalisation, and training data with source and terms."""


class TrainingTask:
    """Base of the tasks: presets, data from a folder, the pieces of a model card.

    Parameters
    ----------
    preset : str
        One of ``architectures``.
    source, terms : str
        Source of the real images and their terms of use, for the model card.

    Raises
    ------
    InputError
        If there is no such preset.
    """

    name: ClassVar[str]
    architectures: ClassVar[Mapping[str, dict[str, Any]]]  #: arguments of the network of each preset
    side: ClassVar[int]  #: of the network's square images, in pixels
    normalisation: ClassVar[str]  #: for the card, in words

    def __init__(self, preset: str, source: str, terms: str) -> None:
        check_preset(preset, self.architectures)
        self.preset: str = preset
        self._source, self._terms = source, terms
        self.inputs: Inputs = Inputs()
        self.simulated: int = 0

    @classmethod
    def from_folder(
        cls,
        folder: Path | str | None,
        preset: str = "default",
        groups: Path | str | None = None,
        progress: Progress | None = None,
        layout: Path | str | None = None,
        **options: Any,
    ) -> Self:
        """Make a task that trains on the images of a folder, or on simulated ones alone where it is None.

        Of public data sets, the images that are kept for testing are left out. ``groups`` is a table of the patients,
        see :func:`~napari_jsn.networks.patients.read_groups`. A training of scoring takes a table of readers' scores
        instead, and ``layout`` is its layout. The progress is updated while images are simulated. Other options are
        arguments of the class.
        """
        options["progress"] = progress
        if folder is None:
            if groups is not None:
                raise InputError("A table of patients belongs to a folder of images. Give the folder too.", "data")
            return cls(preset=preset, **options)
        table = None if groups is None else Path(groups)
        reading = {} if layout is None else {"layout": layout}
        arguments, left_out, notes = cls._read_folder(Path(folder), table, **reading)
        try:
            task = cls(preset=preset, **arguments, **options)
        except InputError as error:
            raise with_left_out(error, left_out, notes) from error
        task.inputs = replace(
            task.inputs,
            left_out=tuple(left_out),
            notes=(*notes, *task.inputs.notes),
            folder=str(Path(folder).absolute()),
            groups="" if table is None else str(table.absolute()),
            layout=_absolute_layout(layout),
        )
        return task

    @classmethod
    def _read_folder(cls, folder: Path, groups: Path | None) -> tuple[dict[str, Any], list[LeftOut], list[str]]:
        """Return the arguments of the class that the folder determines, what is left out of it, and notes."""
        raise NotImplementedError

    def _card(
        self,
        network: type[Module],
        real: Mapping[str, int],
        simulated: Mapping[str, int],
        validation: Mapping[str, Any],
        **more: str,
    ) -> dict[str, Any]:
        """Return the card; ``real`` and ``simulated`` count the images of each kind, and are empty without any."""
        arguments = self.architectures[self.preset].items()
        architecture = {key: list(value) if isinstance(value, tuple) else value for key, value in arguments}
        data = [{"source": self._source, "terms": self._terms, **real}] if real else []
        if simulated:
            data.append({"source": "simulator of napari-jsn", "terms": "BSD-3-Clause", **simulated})
        return {
            "architecture": {"class": f"{network.__module__}.{network.__name__}", **architecture},
            "input_size_px": [self.side, self.side],
            "normalisation": self.normalisation,
            **more,
            "training_data": data,
            "validation": dict(validation),
        }


def _absolute_layout(layout: Path | str | None) -> str:
    """Return the name of a layout, or the absolute path of its file; empty for None."""
    if layout is None:
        return ""
    return str(Path(layout).absolute()) if Path(layout).suffix else str(layout)


def check_preset(preset: str, presets: Iterable[str]) -> None:
    """Check that there is a preset of that name.

    Raises
    ------
    InputError
        If there is none; the message lists the choices.
    """
    presets = tuple(presets)
    if preset not in presets:
        raise InputError(f"There is no preset {preset!r}. Choose one of: {', '.join(presets)}.", "preset")


def split_groups(groups: Iterable[str], share: float) -> set[str]:
    """Choose about ``share`` of the groups (patients) for validation, always the same ones."""
    ordered = sorted(set(groups), key=lambda group: (crc32(group.encode()), group))
    return set(ordered[: max(1, round(share * len(ordered)))])


class _Splittable(Protocol):
    @property
    def groups(self) -> tuple[str, ...]: ...

    def split(self, share: float) -> tuple[Self, Self]: ...


Part = TypeVar("Part", bound=_Splittable)


def split_validation(parts: list[Part], share: float) -> tuple[list[Part], Part]:
    """Take validation images from the first part that has more than one group.

    The real images come first, so they choose the best epoch where there are enough of them.

    Returns
    -------
    parts : list
        With the validation images removed.
    validation

    Raises
    ------
    InputError
        If no part has more than one group.
    """
    for k, part in enumerate(parts):
        if len(set(part.groups)) > 1:
            training, validation = part.split(share)
            return [*parts[:k], training, *parts[k + 1 :]], validation
    raise InputError(
        "All images are one group (one patient), which is too few to train on. Add images of another patient.", "data"
    )


def cosine_rate(epoch: int, epochs: int, rising: int = 0) -> float:
    """Return the learning rate of an epoch, counted from 0, as a share of the highest.

    It rises linearly over ``rising`` epochs, then falls as a cosine.
    """
    if epoch < rising:
        return (epoch + 1) / (rising + 1)
    progress = (epoch - rising) / max(1, epochs - rising)
    return _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * progress))


def adamw_cosine(
    network: Module, rate: float, epochs: int, most_rising: int, faster: Iterable[Module] = (), factor: float = 1.0
) -> tuple[Optimizer, LambdaLR]:
    """Return AdamW and a scheduler: :func:`cosine_rate` that rises for up to ``most_rising`` epochs.

    The weights of the layers ``faster``, which are parts of the network, have ``factor`` times the rate.
    """
    import torch

    fast = [each for layer in faster for each in layer.parameters()]
    known = set(map(id, fast))
    groups: list[dict[str, Any]] = [{"params": [each for each in network.parameters() if id(each) not in known]}]
    if fast:
        groups.append({"params": fast, "lr": factor * rate})
    optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=1e-3)
    rising = max(1, min(most_rising, epochs // 4))
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: cosine_rate(epoch, epochs, rising))


def use_bfloat16(device: torch.device) -> bool:
    """Return whether to compute in 16 bits: in training, where the processor does so natively in half the time."""
    import torch

    if not torch.is_grad_enabled():
        return False
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    features: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(features.get("avx512_bf16") or features.get("amx_bf16"))
