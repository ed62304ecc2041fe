"""Train one of the shipped networks again, or list them in the order in which they must be trained.

A training that was stopped is resumed. Nothing is done where neither the command of the card nor the code that the
training depends on has changed since the network was trained here.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import write_files
from napari_jsn.evaluation.public_images import data_folder

#: Networks that others are trained on or measured with come first; the others follow by name.
_FIRST = ("localization", "segmentation", "registration")
#: What a card calls the folder of the images, and the folders of the real images that are in it.
_FOLDERS = {
    "data": ("hands", "more-hands"),
    "finger-joints": ("finger-joints",),
    "undamaged": ("hands", "more-hands", "adult-hands"),
}
#: Entry of a card of a network that was trained in several runs: the command that trains it from scratch in one.
FROM_SCRATCH = "command_from_scratch"
#: Options of the recorded command that do not apply here, each with a value.
_DROPPED = ("--out", "--name", "--start", "--data")
_DEFAULT = "default"
#: Added to every command.
_REPLACED = "--replace"


@dataclass(frozen=True)
class Recipe:
    """How a shipped network was trained.

    Attributes
    ----------
    task : str
    model : str
        Name of the network: ``"default"``, or that of a further one of the task.
    options : tuple of str
        Of the command ``napari-jsn train``, without folders.
    data : str
        Name of the folder of real images; empty for simulated ones alone.
    """

    task: str
    model: str
    options: tuple[str, ...]
    data: str

    @property
    def name(self) -> str:
        """Name of the target: the task, for a further network with its name."""
        return self.task if self.model == _DEFAULT else f"{self.task}-{self.model}"


def recipes() -> list[Recipe]:
    """Return the recipes of all shipped networks, in the order in which they must be trained."""
    found = []
    for path in files("napari_jsn").joinpath("models").iterdir():
        content = json.loads(path.read_text("utf-8")) if path.name.endswith(".json") else {}
        words = shlex.split(str(content.get(FROM_SCRATCH) or content.get("command", "")))
        if words[:2] != ["napari-jsn", "train"]:
            continue
        kept: list[str] = []
        dropped: dict[str, str] = {}
        rest = iter(words[3:])
        for word in rest:
            if word in _DROPPED:
                dropped[word] = next(rest, "")
            elif word != _REPLACED:
                kept.append(word)
        model = path.name.removeprefix(f"{words[2]}-").removesuffix(".json")
        found.append(Recipe(words[2], model, tuple(kept), dropped.get("--data", "")))
    order = {name: k for k, name in enumerate(_FIRST)}
    return sorted(found, key=lambda one: (order.get(one.task, len(order)), one.name))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("network", nargs="?", help="name of the network; without it, all are listed")
    parser.add_argument("--out", type=Path, default=Path("output/weights"), help="folder for models and resume files")


def main(options: argparse.Namespace) -> None:
    """List the networks, or train one."""
    known = {one.name: one for one in recipes()}
    if options.network is None:
        print("# Run these in this order; each goes on where it was stopped, and does nothing if nothing has changed.")
        print("\n".join(f"make weights-{name}" for name in known))
        return
    try:
        if options.network not in known:
            raise InputError(
                f"There is no shipped network {options.network!r}. Choose one of: {', '.join(known)}.", "network"
            )
        recipe = known[options.network]
        out = options.out / recipe.name
        stamp, made = _stamp(recipe), out / "made-from.txt"
        model = out / f"{recipe.task}-{recipe.model}.safetensors"
        if model.is_file() and made.is_file() and made.read_text("utf-8") == stamp:
            print(f"{model} is up to date.")
            return
        words = training_command(recipe, out)
    except InputError as error:
        raise SystemExit(str(error)) from None
    print(shlex.join(["napari-jsn", *words]), flush=True)
    code = subprocess.run([sys.executable, "-m", "napari_jsn.cli", *words], check=False).returncode
    if code:
        raise SystemExit(code)
    write_files(out, {made.name: stamp.encode()})
    print(f"Written: {model}. Copy it and its card to src/napari_jsn/models, then run the commands of make cards.")


def training_command(recipe: Recipe, out: Path) -> list[str]:
    """Return the arguments of ``napari-jsn`` that train or resume a network in this folder.

    Raises
    ------
    InputError
        If the training needs real images that are not there.
    """
    data = ["--data", str(_images(recipe.data, out))] if recipe.data else []
    stopped = out / f"{recipe.task}-{recipe.model}.ckpt"
    if stopped.is_file():
        return ["train", recipe.task, "--resume", str(stopped), *data]
    return ["train", recipe.task, *data, *recipe.options, "--out", str(out), "--name", recipe.model, _REPLACED]


def _images(name: str, out: Path) -> Path:
    """Return the folder of the real images; several are copied into one beside the model."""
    from shutil import copytree

    parts = _FOLDERS.get(name, (name,))
    found = [data_folder() / part for part in parts]
    for folder in found:
        if not folder.is_dir():
            raise InputError(f"{folder} is missing. Set NAPARI_JSN_DATA to the folder of the real images.", "data")
    if len(found) == 1:
        return found[0]
    together = out / name
    for folder in found:
        copytree(folder, together / folder.name, dirs_exist_ok=True)
    return together


def _stamp(recipe: Recipe) -> str:
    """Return what a training depends on: its options, and the code of the simulator and of the network's package."""
    from importlib import import_module

    from napari_jsn import simulation
    from napari_jsn.networks.cached_arrays import hash_of_code

    package = import_module(f"napari_jsn.{recipe.task}")
    lines = [shlex.join(recipe.options), hash_of_code(simulation), hash_of_code(package)]
    return "\n".join(lines) + "\n"
