"""Make the sample data: the hands that the package ships, and the study in sample/.

``python tools/make_samples.py``; takes a minute. The same version of the simulator makes the same files.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from napari_jsn.export.simulated.writer import FilmWriter
from napari_jsn.simulation.hand import simulate

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "src" / "napari_jsn" / "samples"
SAMPLE = ROOT / "sample"


def make(folder: Path, seed: int, lossy_ratio: float, **options: Any) -> None:
    """Simulate one patient into a folder of its own; the ratio keeps what is lost below the film's own noise."""
    shutil.rmtree(folder, ignore_errors=True)
    key = ("sample", str(seed), *(f"{name}={value}" for name, value in sorted(options.items())))
    with FilmWriter(folder, key=key, lossy_ratio=lossy_ratio) as writer:
        for film in simulate(patients=1, seed=seed, **options):
            writer.add(film)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder.relative_to(ROOT)}: {writer.films} films, {size / 1e6:.1f} MB")


def main() -> None:
    """Make all of it; sample/ holds the shipped hand, beside its script. The seeds draw patients who get worse."""
    make(SHIPPED / "hand_pair", seed=8, lossy_ratio=8, visits=2, hands="left")
    make(SHIPPED / "both_hands", seed=5, lossy_ratio=12, visits=4, hands="together", shape=(1446, 2144), spacing_mm=0.2)
    for path in (SHIPPED / "hand_pair").iterdir():
        if path.is_dir():
            shutil.rmtree(SAMPLE / path.name, ignore_errors=True)
            shutil.copytree(path, SAMPLE / path.name)
        else:
            shutil.copy(path, SAMPLE)


if __name__ == "__main__":
    main()
