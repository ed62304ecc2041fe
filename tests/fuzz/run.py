"""Plant faults into simulated radiographs at random, measure them, and count what goes wrong: ``make fuzz``."""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

import napari_jsn as jsn
from napari_jsn.anatomy import MEASURED_JOINTS
from tests.fuzz.faults import FAULTS, Fault, patient

#: A figure that differs by more from that of the sound radiographs must be explained, in mm.
LIMIT_MM = 0.06
MOST_SECONDS, MOST_GB = 10.0, 1.5
#: Number of simulated patients that the faults are planted into.
PATIENTS = 12


@dataclass(frozen=True)
class Case:
    """One case: its number, the faults, what went wrong (empty where nothing did), and the time of the processor."""

    number: int
    faults: tuple[Fault, ...]
    problems: tuple[str, ...]
    refused: str
    seconds: float

    def __str__(self) -> str:
        planted = ", ".join(each.name for each in self.faults) or "no fault"
        return f"{self.number} ({planted}; {self.seconds:.1f} s): {'; '.join(self.problems) or 'as it must be'}"


def run_case(number: int, patients: int = PATIENTS, joints: Sequence[str] = MEASURED_JOINTS) -> Case:
    """Plant 0 to 3 faults, measure the patient, and compare with the same patient without them.

    Parameters
    ----------
    number : int
        Of the case; it decides everything that is random.
    patients : int
        Number of different patients.
    joints : sequence of str, optional
        The joints to measure; by default those that are measured by default.
    """
    rng = np.random.default_rng([2026, number])
    seed = 700 + number % patients
    faults = tuple(FAULTS[k] for k in rng.permutation(len(FAULTS))[: int(rng.integers(4))])
    files = patient(seed)
    stored = [each for each in faults if each.is_of_storage][:1]  # two of them do not go together
    faults = (*(each for each in faults if not each.is_of_storage), *stored)
    for each in faults:
        each.plant(files, rng)
    sound = sound_figures(seed, joints)
    problems: list[str] = []
    refused = ""
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            file.write(Path(folder))
        start = _processor_seconds()
        try:
            found = jsn.measure(folder, joints=joints)
            problems += _differences(found, faults, sound)
        except jsn.InputError as error:
            refused = str(error)
            if not any(each.is_named(refused) for each in faults):
                problems.append(f"refused without a word of a fault: {refused.replace(folder, '')}")
        except Exception:  # a traceback is what this searches for
            problems.append(f"traceback: {traceback.format_exc().splitlines()[-1]}")
    seconds = _processor_seconds() - start
    return Case(number, faults, tuple(problems), refused, seconds)


@lru_cache(maxsize=PATIENTS)
def sound_figures(seed: int, joints: Sequence[str]) -> dict[tuple[str, str], float]:
    """Return the narrowing in mm of each joint of the sound radiographs."""
    with tempfile.TemporaryDirectory() as folder:
        for file in patient(seed):
            file.write(Path(folder))
        return _figures(jsn.measure(folder, joints=joints))


def _figures(found: jsn.Progression) -> dict[tuple[str, str], float]:
    table = found.table()
    return {(row.side, row.joint): row.jsn_mm for row in table.itertuples() if np.isfinite(row.jsn_mm)}


def _differences(found: jsn.Progression, faults: tuple[Fault, ...], sound: dict[tuple[str, str], float]) -> list[str]:
    table = found.table()
    said = "\n".join(found.notes)
    problems = []
    changed = [each for each in faults if not each.harmless]
    if len(table) == 0 and not any(each.is_named(said) for each in faults):
        problems.append(f"no figure, and no note names a fault: {said!r}")
    for row in table[table.reliable].itertuples():
        expected = sound.get((row.side, row.joint), float("nan"))
        in_mm = row.jsn_mm if np.isfinite(row.jsn_mm) else row.jsn_px  # never silently in another unit
        wrong = not abs(in_mm - expected) <= LIMIT_MM
        if wrong and not any(each.is_named(f"{said}\n{row.reason}") for each in changed or faults):
            problems.append(f"{row.side} {row.joint}: {in_mm:+.2f} instead of {expected:+.2f}, reliable")
    return problems


def _processor_seconds() -> float:
    """Return the seconds of the processor that this process and its children took; those of a clock vary with load."""
    return sum(os.times()[:4])


def _saved(path: Path | None) -> dict[int, dict[str, str]]:
    """Return the cases of a CSV file by number."""
    if path is None or not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {int(row["number"]): row for row in csv.DictReader(file)}


def main() -> int:
    """Run many cases and print what went wrong; return 1 if anything did."""
    import resource

    parser = argparse.ArgumentParser("python -m tests.fuzz.run", description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--save", type=Path, help="CSV file for the cases; a run continues after those in it")
    options = parser.parse_args()
    done = _saved(options.save)
    numbers = range(options.first, options.first + options.count)
    for number in numbers:
        if number in done:
            continue
        case = run_case(number)
        peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        done[number] = {
            "number": str(number),
            "faults": ", ".join(each.name for each in case.faults),
            "problems": "; ".join(case.problems),
            "refused": case.refused,
            "seconds": f"{case.seconds:.2f}",
            "peak_gb": f"{peak_gb:.3f}",
        }
        if case.problems or case.seconds > MOST_SECONDS:
            print(case, flush=True)
        if options.save is not None:
            with options.save.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(done[number]))
                writer.writeheader()
                writer.writerows(done.values())
    rows = [done[number] for number in numbers]
    bad = [row for row in rows if row["problems"] or float(row["seconds"]) > MOST_SECONDS]
    peak_gb = max(float(row["peak_gb"]) for row in rows)
    print(
        f"{len(rows)} cases, {sum(bool(row['refused']) for row in rows)} refused, {len(bad)} with problems; slowest "
        f"{max(float(row['seconds']) for row in rows):.1f} s of the processor, peak memory of all {peak_gb:.2f} GB"
    )
    if bad:
        kinds = Counter(name for row in bad for name in row["faults"].split(", "))
        print("Faults in these:", ", ".join(f"{name} {count}" for name, count in kinds.most_common()))
    return 1 if bad or peak_gb > MOST_GB else 0


if __name__ == "__main__":
    sys.exit(main())
