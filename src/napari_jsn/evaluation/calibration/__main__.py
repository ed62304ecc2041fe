"""Make one of the shipped cards, or print the commands that make all of them.

Without NAME, the commands of all cards are printed in the order in which they must run: each card depends on those
before it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from importlib import import_module
from importlib.resources import files

PROGRAM = "python -m napari_jsn.evaluation.calibration"
#: Cards that this command makes: name, module (with ``add_options`` and ``main``) and help.
CARDS = {
    "hand-shape": ("hand_shape", "statistics of the shape of hands, for the simulator"),
    "refined": ("refined", "uncertainty of the registration method refined"),
    "network": ("network", "uncertainty of a registration network, in the card of the model"),
    "width-margins": ("width_margins", "uncertainty of the joint space width"),
    "repositioning": ("repositioning", "uncertainty of a narrowing between two visits, from whole hands"),
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
    ("models/registration-refined.json", ("command",)),
    ("models/registration-default.json", ("figures", "uncertainty_fitted_on", "command")),
    ("models/width-margins.json", ("command",)),
    ("models/progression-repositioning.json", ("command",)),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the card named in the arguments, or print the commands of all cards."""
    parser = argparse.ArgumentParser(PROGRAM, description=__doc__)
    subparsers = parser.add_subparsers(dest="name", metavar="NAME")
    modules = {}
    for name, (module, text) in CARDS.items():
        modules[name] = import_module(f"napari_jsn.evaluation.calibration.{module}")
        modules[name].add_options(subparsers.add_parser(name, help=text, description=modules[name].__doc__))
    options = parser.parse_args(arguments)
    if options.name is None:
        print("\n".join(commands()))
    else:
        modules[options.name].main(options)


def commands() -> list[str]:
    """Return the commands that made the shipped cards, in the order in which they must run."""
    found = []
    for path, keys in RECORDS:
        value = json.loads(files("napari_jsn").joinpath(path).read_text("utf-8"))
        for key in keys:
            value = value[key]
        found.append(str(value))
    return found


if __name__ == "__main__":
    main()
