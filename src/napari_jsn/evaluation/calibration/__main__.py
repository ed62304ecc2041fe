"""Make one of the shipped cards, or print the commands that make all of them.

Without NAME, the commands of all cards are printed in the order in which they must run: each card depends on those
before it. Comments state what the commands need.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from importlib import import_module
from importlib.resources import files

from napari_jsn.common.errors import run_module

PROGRAM = "python -m napari_jsn.evaluation.calibration"
#: Cards that this command makes: name, module (with ``add_options`` and ``main``) and help.
CARDS = {
    "hand-shape": ("hand_shape", "statistics of the shape of hands, for the simulator"),
    "refined": ("refined", "uncertainty of the registration method refined"),
    "network": ("network", "uncertainty of a registration network, in the card of the model"),
    "width-margins": ("width_margins", "uncertainty of the joint space width"),
    "repositioning": ("repositioning", "uncertainty of a narrowing between two visits, from whole hands"),
}
#: What else this command does, in the same form.
TOOLS = {
    "grade-probabilities": (
        "grade_probabilities",
        "fit temperatures and errors of totals of a network for scores again, in the card of the model",
    ),
    "one-stage-regions": (
        "one_stage_regions",
        "give a one-stage network both networks of a two-stage model, for its regions",
    ),
    "card-hashes": ("card_hashes", "write the hash of its own contents to every shipped card that was changed"),
    "weights": ("weights", "train a shipped network again, or list all"),
}
#: Where the command of each card is recorded: file in the package, and keys. A card depends on those before it: the
#: simulator uses the hand shape, the models are trained on simulated images, ``refined`` starts from the registration
#: network, widths are measured on bones that the segmentation network finds, and repositioning measures whole hands.
RECORDS = (
    ("simulation/hand_shape.json", ("command",)),
    ("models/localization-default.json", ("command",)),
    ("models/localization-default.json", ("figures", "never_learned_from", "command")),
    ("models/segmentation-default.json", ("command",)),
    ("models/segmentation-default.json", ("figures", "never_learned_from", "command")),
    ("models/registration-default.json", ("command",)),
    ("models/scoring-default.json", ("command",)),
    ("models/scoring-one-stage.json", ("command",)),
    ("models/registration-refined.json", ("command",)),
    ("models/registration-default.json", ("figures", "uncertainty_fitted_on", "command")),
    ("models/width-margins.json", ("command",)),
    ("models/progression-repositioning.json", ("command",)),
)

#: Names in the recorded commands and what they stand for: a card records the last name of a path only.
PATHS = {
    "--data finger-joints": '--data "$NAPARI_JSN_DATA/finger-joints"',
    "--page localization.md": "--page docs/localization.md",
}
#: Comments that are printed before the first command, and before a command that contains this text.
NEEDS = """\
# Run these commands in this order, in the root of a checkout. NAPARI_JSN_DATA is the folder of the real images, which
# are not part of the repository. After each training, copy its .safetensors and .json to src/napari_jsn/models/, as
# TASK-default.safetensors and TASK-default.json, before the next command: that one uses the model. (The second network
# for scores is scoring-one-stage.) A card that was changed in another way than by these commands is not read until its
# hash is written again:
# python -m napari_jsn.evaluation.calibration card-hashes\
"""
COMMENTS = {
    "train localization --data data ": """\
# data is a folder with the two folders of public hands: mkdir data; cp -r "$NAPARI_JSN_DATA"/{hands,more-hands} data\
""",
    "train scoring --data undamaged ": """\
# undamaged is a folder of that name with three folders of public hands without known damage:
# mkdir undamaged; cp -r "$NAPARI_JSN_DATA"/{hands,more-hands,adult-hands} undamaged\
""",
    "--kind erosion --start scoring-before.safetensors": """\
# scoring-before.safetensors, the start of this training, is not in the repository: the weights of both networks after
# trainings of 15 and of 30 epochs, and of the one for erosion after 30 and 30 more (with --kind erosion, images changed
# once, and in the first of them a share of 0.3 of the loss for joints graded alone). Without it, train both from random
# weights first, as by make weights-scoring.\
""",
    "calibration one-stage-regions": """\
# scoring-one-stage.safetensors is not in the repository: the U-Net after 42 epochs of an earlier network. Its command
# is in the card, under "parts". Without it, train the network from random weights, as by
# make weights-scoring-one-stage. scoring-default.safetensors is the shipped one.
# Afterwards run grade-probabilities --model one-stage.\
""",
    "--start registration-first.safetensors": """\
# registration-first.safetensors, the start of this training, is not in the repository: the weights of the same network
# after 400 batches of 32 pairs. Without it, leave --start out: the network then starts from random weights.\
""",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the card named in the arguments, or print the commands of all cards."""
    parser = argparse.ArgumentParser(PROGRAM, description=__doc__)
    subparsers = parser.add_subparsers(dest="name", metavar="NAME")
    modules = {}
    for name, (module, text) in (CARDS | TOOLS).items():
        modules[name] = import_module(f"napari_jsn.evaluation.calibration.{module}")
        modules[name].add_options(subparsers.add_parser(name, help=text, description=modules[name].__doc__))
    options = parser.parse_args(arguments)
    if options.name is None:
        print(NEEDS)
        for command in commands():
            print(*(comment for text, comment in COMMENTS.items() if text in command), command, sep="\n")
    else:
        modules[options.name].main(options)


def commands() -> list[str]:
    """Return the commands that made the shipped cards, with full paths, in the order in which they must run."""
    found = []
    for path, keys in RECORDS:
        file = files("napari_jsn").joinpath(path)
        if not file.is_file():  # a network that is not shipped
            continue
        value = json.loads(file.read_text("utf-8"))
        for key in keys:
            value = value[key]
        command = str(value)
        for name, full in PATHS.items():
            command = re.sub(rf"{re.escape(name)}(?= |$)", full, command)
        found.append(command)
    return found


if __name__ == "__main__":
    run_module(main)
