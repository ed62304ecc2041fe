"""Make the sample data of the package: two simulated patients. ``sample/hand`` is a link to the first one.

Run it with ``python tools/make_samples.py``; it takes about a minute. The same version of the simulator makes the same
files.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from napari_jsn.export.simulated.writer import RadiographWriter
from napari_jsn.simulation.hand import simulate

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "src" / "napari_jsn" / "samples"


def make(folder: Path, seed: int, lossy_ratio: float, **options: Any) -> None:
    """Simulate one patient into a folder; ``lossy_ratio`` is chosen so that the loss is less than the image noise."""
    shutil.rmtree(folder, ignore_errors=True)
    key = ("sample", str(seed), *(f"{name}={value}" for name, value in sorted(options.items())))
    with RadiographWriter(folder, key=key, lossy_ratio=lossy_ratio) as writer:
        for radiograph in simulate(patients=1, seed=seed, **options):
            writer.add(radiograph)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder.relative_to(ROOT)}: {writer.radiographs} radiographs, {size / 1e6:.1f} MB")


def main() -> None:
    """Make both samples. The seeds are chosen so that joints of the patients narrow."""
    make(SHIPPED / "hand_pair", seed=8, lossy_ratio=8, visits=2, hands="left")
    make(SHIPPED / "both_hands", seed=5, lossy_ratio=12, visits=4, hands="together", shape=(1446, 2144), spacing_mm=0.2)


if __name__ == "__main__":
    main()
