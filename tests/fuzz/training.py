"""Spoil training folders at random, read them, and count what vanishes: every image is used, or named with a reason."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from napari_jsn import InputError
from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.mean_hand import mean_hand
from napari_jsn.localization.training.public_hands import read_hands
from napari_jsn.registration.network.training.data import read_visits
from napari_jsn.segmentation.training.folder import Scan, read_joint_folder

SIDE = 64


@dataclass
class Joint:
    """An image and its mask to write; a fault changes them, or writes other files."""

    folder: Path
    stem: str
    image: np.ndarray
    labels: np.ndarray
    image_kind: str = ".png"
    mask: str | None = "_mask.png"

    @property
    def path(self) -> Path:
        """The file of the image."""
        return self.folder / f"{self.stem}{self.image_kind}"

    def save(self, ending: str, values: np.ndarray) -> None:
        """Write a file beside the image."""
        Image.fromarray(np.asarray(values, np.uint8)).save(self.folder / f"{self.stem}{ending}")

    def write(self) -> None:
        """Write image and mask."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.save(self.image_kind, self.image)
        if self.mask is not None:
            self.save(self.mask, self.labels)


Spoil = Callable[[Joint, np.random.Generator], None]
#: How a joint is spoilt, and the words of the reason; empty where the image must still be used.
FAULTS: dict[str, tuple[Spoil, str]] = {}


def fault(words: str = "") -> Callable[[Spoil], Spoil]:
    """Register a function that spoils a joint, after it was written."""

    def register(spoil: Spoil) -> Spoil:
        FAULTS[spoil.__name__] = spoil, words
        return spoil

    return register


@fault("no mask|mask without|while others")
def mask_missing(joint: Joint, rng: np.random.Generator) -> None:
    (joint.folder / f"{joint.stem}{joint.mask}").unlink()


@fault("empty")
def mask_empty(joint: Joint, rng: np.random.Generator) -> None:
    joint.save(joint.mask, 0 * joint.labels)


@fault("bone only")
def one_class(joint: Joint, rng: np.random.Generator) -> None:
    kept = int(rng.integers(1, 3))
    joint.save(joint.mask, np.where(joint.labels == kept, kept, 0))


@fault("black and white")
def white_mask(joint: Joint, rng: np.random.Generator) -> None:
    joint.save(joint.mask, 255 * (joint.labels > 0))


@fault("the values")
def grey_labels(joint: Joint, rng: np.random.Generator) -> None:
    joint.save(joint.mask, np.array([0, *rng.choice([60, 100, 128, 200], 2, replace=False)])[joint.labels])


@fault("above")
def exchanged(joint: Joint, rng: np.random.Generator) -> None:
    joint.save(joint.mask, np.array([0, 2, 1])[joint.labels])


@fault("above")
def mask_upside_down(joint: Joint, rng: np.random.Generator) -> None:
    joint.save(joint.mask, joint.labels[::-1])


@fault("shape")
def other_size(joint: Joint, rng: np.random.Generator) -> None:
    joint.save(joint.mask, joint.labels[:: int(rng.integers(2, 4))])


@fault("halves")
def halves(joint: Joint, rng: np.random.Generator) -> None:
    joint.save(joint.mask, np.repeat([1, 2], SIDE // 2)[:, None] * np.ones(SIDE))


@fault("colour")
def coloured_mask(joint: Joint, rng: np.random.Generator) -> None:
    joint.save(joint.mask, np.stack([80 * joint.labels, 0 * joint.labels, joint.labels], 2))


@fault("contrast|intensit")
def blank_image(joint: Joint, rng: np.random.Generator) -> None:
    joint.save(joint.image_kind, np.full_like(joint.image, rng.integers(0, 255)))


@fault("intensit")
def mask_as_image(joint: Joint, rng: np.random.Generator) -> None:
    joint.save(joint.image_kind, 100 * joint.labels)


@fault("damaged|decoded|read|known format|DICOM")
def image_cut_short(joint: Joint, rng: np.random.Generator) -> None:
    content = joint.path.read_bytes()
    joint.path.write_bytes(content[: int(rng.integers(0, len(content) * 0.6))])


@fault("damaged|decoded|read|image")
def mask_cut_short(joint: Joint, rng: np.random.Generator) -> None:
    path = joint.folder / f"{joint.stem}{joint.mask}"
    content = path.read_bytes()
    path.write_bytes(content[: int(rng.integers(0, len(content) * 0.6))])


@fault("JPEG")
def jpeg_mask(joint: Joint, rng: np.random.Generator) -> None:
    (joint.folder / f"{joint.stem}{joint.mask}").unlink()
    joint.save("_mask.jpg", joint.labels)


@fault("bone only")
def one_of_two_masks(joint: Joint, rng: np.random.Generator) -> None:
    (joint.folder / f"{joint.stem}{joint.mask}").unlink()
    which = int(rng.integers(1, 3))
    joint.save(f"_{('upper', 'lower')[which - 1]}.png", 255 * (joint.labels == which))


@fault()
def two_white_masks(joint: Joint, rng: np.random.Generator) -> None:
    (joint.folder / f"{joint.stem}{joint.mask}").unlink()
    for which, name in ((1, "upper"), (2, "lower")):
        joint.save(f"_{name if rng.random() < 0.5 else name.title()}.png", 255 * (joint.labels == which))


@fault()
def name_in_capitals(joint: Joint, rng: np.random.Generator) -> None:
    path = joint.folder / f"{joint.stem}{joint.mask}"
    path.rename(
        joint.folder / f"{joint.stem}{str(rng.choice(['_MASK.PNG', '-Labels.png', '_Bones.PNG', '.Mask.png']))}"
    )


@fault()
def copied(joint: Joint, rng: np.random.Generator) -> None:
    for ending in (joint.image_kind, joint.mask):
        source = joint.folder / f"{joint.stem}{ending}"
        (joint.folder / f"{joint.stem}copy{ending}").write_bytes(source.read_bytes())


@fault()
def strange_files(joint: Joint, rng: np.random.Generator) -> None:
    for name, content in (("notes.txt", b"x"), ("scan.gif", b"GIF89a"), (".DS_Store", b"\0"), ("no ending", b"")):
        (joint.folder / name).write_bytes(content)
    (joint.folder / "folder.png").mkdir(exist_ok=True)


@fault()
def mask_alone(joint: Joint, rng: np.random.Generator) -> None:
    joint.save("gone_mask.png", joint.labels)


def make_folder(folder: Path, rng: np.random.Generator) -> dict[Path, str]:
    """Write 3 to 9 joints, most of them spoilt; return the words of each one's reason, empty where it is used."""
    wanted = {}
    flat, deep = rng.random() < 0.3, rng.random() < 0.2
    for k in range(int(rng.integers(3, 10))):
        place = folder / "deep" if deep else folder
        joint = _draw(place if flat else place / f"P{k // 2}", f"v{k}", rng)
        joint.write()
        words = ""
        if rng.random() < 0.7:
            name = str(rng.choice(list(FAULTS)))
            spoil, words = FAULTS[name]
            spoil(joint, rng)
        wanted[joint.path] = words
    return wanted


def _draw(folder: Path, stem: str, rng: np.random.Generator) -> Joint:
    labels = np.zeros((SIDE, SIDE), np.uint8)
    left, gap = int(rng.integers(12, 22)), int(rng.integers(28, 36))
    labels[: gap - 2, left : left + 26], labels[gap + 2 :, left : left + 26] = 1, 2
    image = rng.integers(20, 60, labels.shape) + 130 * (labels > 0)
    return Joint(folder, stem, image, labels, str(rng.choice([".png", ".bmp", ".tif"])))


def joints_problems(number: int) -> list[str]:
    """Return what vanished from a spoilt folder of joint images; empty where everything is used or named."""
    rng = np.random.default_rng([7, number])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        wanted = make_folder(folder, rng)
        read = (read_joint_folder, read_visits)[number % 2] if Scan(folder).masks else read_joint_folder
        try:
            found = read(folder)
        except InputError as error:
            used = [path.name for path, words in wanted.items() if not words]
            return [f"refused, though {used} can be used: {error}"] if used else []
        except Exception:  # a traceback is what this searches for
            return [f"traceback: {traceback.format_exc().splitlines()[-1]}"]
        used = {each.name.split("/")[-1] for each in found.joints}
        reasons = {folder / each.name: each.reason for each in found.left_out}
        return _vanished(folder, wanted, used, reasons) + _split_copies(found.joints)


def _vanished(folder: Path, wanted: dict[Path, str], used: set[str], reasons: dict[Path, str]) -> list[str]:
    problems = []
    for path, words in wanted.items():
        if words and (path.stem in used or not re.search(words, reasons.get(path, ""), re.IGNORECASE)):
            problems.append(f"{path.name} must be left out ({words}): {reasons.get(path, 'used')}")
        if not words and path.stem not in used:
            problems.append(f"{path.name} can be used, but {reasons.get(path, 'vanished')}")
    masks = set(Scan(folder).masks)
    for path in folder.rglob("*"):
        known = path in wanted or path in masks or path in reasons or path.stem in used
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".txt" and not known:
            problems.append(f"{path.name} vanished")
    return problems


def _split_copies(joints: list) -> list[str]:
    patients = {each.name: each.patient for each in joints}
    return [
        f"{name} and its copy are of different patients"
        for name, patient in patients.items()
        if patients.get(f"{name}copy", patient) != patient
    ]


def hands_problems(number: int) -> list[str]:
    """Return what was not refused in a spoilt table of joints; empty where it is as it must be."""
    rng = np.random.default_rng([8, number])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        films = [f"f{k}.png" for k in range(int(rng.integers(1, 4)))]
        rows = []
        for film in films:
            Image.fromarray(rng.integers(0, 255, (300, 240)).astype(np.uint8)).save(folder / film)
            points = rng.uniform(1.0, 1.2) * mean_hand() + (120, 140) + rng.normal(0, 1.5, (14, 2))
            rows += [[film, "L", joint, x, y] for joint, (x, y) in zip(JOINTS, points, strict=True)]
        at, other = int(rng.integers(len(rows))), int(rng.integers(len(rows)))
        spoilt = str(rng.choice(["sound", "off", "twice", "swapped", "upwards", "cell", "film", "side"]))
        if spoilt == "off":
            rows[at][3 + int(rng.integers(2))] = float(rng.choice([-50, 900]))
        elif spoilt == "twice":
            rows.insert(other, list(rows[at]))
        elif spoilt == "swapped":
            other = at - at % 14 + int(rng.integers(14))
            rows[at][2], rows[other][2] = rows[other][2], rows[at][2]
            spoilt = "sound" if at == other else spoilt
        elif spoilt == "upwards":
            rows = [[*row[:4], 299 - row[4]] for row in rows]
        elif spoilt == "cell":
            rows[at][3] = str(rng.choice(["", "x", "1,5,6", "inf", "nan"]))
        elif spoilt == "film":
            rows[at][0] = "gone.png"
        elif spoilt == "side":
            rows = [[row[0], "R", *row[2:]] for row in rows]
        text = "\n".join(",".join(map(str, row)) for row in [["file", "side", "joint", "x", "y"], *rows])
        (folder / "joints.csv").write_text(text, str(rng.choice(["utf-8", "utf-8-sig", "utf-16"])))
        try:
            found = read_hands(folder)
        except InputError as error:
            message = str(error)
            named = "joints.csv" in message and re.search(r"Lines? \d", message)
            return [] if spoilt != "sound" and named else [f"{spoilt}: refused with {message}"]
        except Exception:
            return [f"{spoilt}: traceback: {traceback.format_exc().splitlines()[-1]}"]
        return [] if spoilt == "sound" and len(found.hands) == len(films) else [f"{spoilt} was taken"]


def main() -> int:
    """Read many spoilt folders, and print what went wrong; return 1 if anything did."""
    parser = argparse.ArgumentParser("python -m tests.fuzz.training", description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    options = parser.parse_args()
    bad = 0
    for number in range(options.count):
        for kind, check in (("joints", joints_problems), ("hands", hands_problems)):
            if problems := check(number):
                bad += 1
                print(f"{kind} {number}: {'; '.join(problems)}", flush=True)
    print(f"{options.count} training folders of joints and {options.count} of hands, {bad} with problems")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
