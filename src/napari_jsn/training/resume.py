"""The resume file: the whole state of a training after its last full epoch."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from napari_jsn.common.errors import InputError

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

    from napari_jsn.networks.task import Task

#: Key of what identifies a training in its resume file.
RUN = "napari_jsn"
SUFFIX = ".ckpt"


class AtomicCheckpoints(TorchCheckpointIO):
    """Reads and writes resume files; a kill at any moment leaves the former or the new one, never half of it."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write under another name first."""
        import torch

        path = Path(path)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(checkpoint, part)
            os.replace(part, path)
        except (OSError, RuntimeError) as error:  # torch tells a full disk as a RuntimeError
            told = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise InputError(
                f"{path} could not be written: {told}. Make room there, then go on with --resume if the file exists, "
                "or name another folder.",
                "out",
            ) from error
        finally:
            part.unlink(missing_ok=True)

    def load_checkpoint(self, path: Any, *args: Any, **options: Any) -> dict[str, Any]:
        """Tensors and plain values only: a resume file from elsewhere can run no code."""
        import torch

        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return state


class ResumeFile(Checkpoint):
    """Write the resume file after every epoch."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Called last in an epoch, after validation."""
        trainer.save_checkpoint(self.path)


def read_run(path: str | os.PathLike[str], task: Task | None = None) -> dict[str, Any]:
    """What a resume file says of its training: task, preset, architecture, epochs, seed, ...

    Raises
    ------
    InputError
        If the file is not one, or is one of another task, preset or network than ``task``.
    """
    path = Path(path)
    try:
        run = AtomicCheckpoints().load_checkpoint(path)[RUN]
    except FileNotFoundError as error:
        raise InputError(f"There is no resume file {path}. Leave it out to start anew.", "resume") from error
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, ValueError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} is no resume file of napari-jsn, or is damaged. Start anew.", "resume") from error
    if task is not None:
        for entry, wanted in identity(task).items():
            if run[entry] != wanted:
                raise InputError(
                    f"{path.name} belongs to another training: its {entry} is {run[entry]!r}, not {wanted!r}.", "resume"
                )
    return dict(run)


def identity(task: Task) -> dict[str, Any]:
    """What must be equal for a training to go on."""
    about = task.card()
    return {"task": task.name, "preset": task.preset, "architecture": about.get("architecture")}
