"""Fine-tune a network for scores on simulated patients of another reader, and print how much it recovers."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and print."""
    from napari_jsn.evaluation.scoring.another_reader import adapt, adapted_line

    parser = argparse.ArgumentParser("python -m napari_jsn.evaluation.scoring", description=__doc__)
    parser.add_argument("--model", default="default", help="name of the model, or path of its .safetensors file")
    parser.add_argument("--patients", type=int, default=40, help="patients to learn from")
    parser.add_argument("--epochs", type=int, help="number of epochs; by default that of the task")
    parser.add_argument("--out", type=Path, default=Path("output/another-reader"), help="folder of the new model")
    parser.add_argument("--cache", type=Path, help="folder of the simulated patients; by default the cache")
    options = parser.parse_args(arguments)
    found = adapt(
        options.model, options.out, options.patients, options.epochs, options.cache,
        lambda epoch: print({key: round(value, 4) for key, value in epoch.history[-1].items()}, flush=True),
    )  # fmt: skip
    print(adapted_line(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
