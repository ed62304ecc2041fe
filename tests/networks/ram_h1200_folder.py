"""A folder of the layout of RAM-H1200 with simulated hands and their bones."""

import json
from itertools import groupby

from skimage.io import imsave
from skimage.util import img_as_ubyte

from napari_jsn.networks.ram_h1200 import BONES_FILE
from napari_jsn.simulation.hand import simulate

NAMES = {"train": "HUH_001_20200101_1_L", "val": "HUH_002_20200101_1_R", "test": "HUH_003_20200101_1_L"}


def run_lengths(mask):
    """Return the numbers of pixels of runs, from the first pixels that are not of the mask, column after column."""
    flat = mask.T.ravel().tolist()
    runs = [(value, len(list(each))) for value, each in groupby(flat)]
    return [count for _, count in (runs if not runs[0][0] else [(False, 0), *runs])]


def as_text(counts):
    """Return run lengths as the text of COCO."""
    found = []
    for k, count in enumerate(counts):
        value = count - (counts[k - 2] if k > 2 else 0)
        more = True
        while more:
            code = value & 31
            value >>= 5
            more = value != (-1 if code & 16 else 0)
            found.append(chr(48 + (code | 32 if more else code)))
    return "".join(found)


def segmentation_of(mask, form="text"):
    counts = run_lengths(mask)
    return {"size": list(mask.shape), "counts": as_text(counts) if form == "text" else counts}


def make_folder(folder, place="Segmentation"):
    """Write one simulated hand into each part; return them by part."""
    made = {}
    simulated = simulate(3, 1, 11, "left", (720, 540), spacing_mm=0.4)
    for (split, name), one in zip(NAMES.items(), simulated, strict=True):
        part = folder / place / split
        part.mkdir(parents=True)
        mirror = slice(None, None, -1 if name.endswith("R") else 1)
        imsave(part / f"{name}.bmp", img_as_ubyte(one.radiograph().pixels[:, mirror]))
        masks = {bone: one.bone_mask(side, bone)[:, mirror] for side, bone in one.bones}
        categories = [{"id": k, "name": bone} for k, bone in enumerate(["Ring", *masks])]
        forms = ("text", "numbers")
        annotations = [
            {"id": k, "image_id": 7, "category_id": k + 1, "segmentation": segmentation_of(mask, forms[k % 2])}
            for k, mask in enumerate(masks.values())
        ]
        images = [{"id": 7, "file_name": f"{name}.bmp"}]
        content = {"images": images, "categories": categories, "annotations": annotations}
        (part / BONES_FILE).write_text(json.dumps(content))
        made[split] = one
    return made
