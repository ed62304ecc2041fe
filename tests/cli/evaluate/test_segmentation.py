import json
import tempfile

import numpy as np
import pytest
from PIL import Image

from napari_jsn.cli import main
from napari_jsn.common.output_folder import problems_of_set
from napari_jsn.common.run_record import file_sha256
from napari_jsn.evaluation.segmentation import report
from napari_jsn.networks import weights
from napari_jsn.networks.inputs import content_hash
from napari_jsn.segmentation.unetpp import build_bone_net


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A model with random weights."""
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(tmp_path / "models"))
    arguments = {"features": (4,) * 6, "fold": 2}
    about = dict.fromkeys(weights.FIELDS, "")
    about |= {"task": "segmentation", "name": "tiny", "architecture": arguments, "input_size_px": [64, 64]}
    about["figures"] = {"dsc": {"mean": 0.5}}
    weights.save(tmp_path / "models", build_bone_net(arguments).state_dict(), about)
    return "tiny"


def run(*words):
    with pytest.raises(SystemExit) as left:
        main(["evaluate", "segmentation", *map(str, words)])
    return left.value.code


def test_a_folder_is_evaluated_into_a_table_a_page_and_pictures(tmp_path, tiny, capsys):
    image = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    labels = np.zeros((64, 64), np.uint8)
    labels[:30, 20:40], labels[34:, 20:40] = 1, 2
    (tmp_path / "data").mkdir()
    Image.fromarray(image).save(tmp_path / "data" / "a.png")
    Image.fromarray(labels).save(tmp_path / "data" / "a_mask.png")
    page, out = tmp_path / "page.md", tmp_path / "out"
    page.write_text("# Segmentation\n")
    given = ["--data", tmp_path / "data", "--simulated", 2, "--damaged", 3, "--model", tiny]
    assert run(*given, "--out", out, "--page", page, "--card") == 0
    assert "| **real** | 1 |" in capsys.readouterr().out
    written = page.read_text()
    assert "| **simulated** | 2 |" in written and "| **simulated, damaged** | 3 |" in written
    assert "difficulty version 1, SHA-256" in written and "difficulty version 3, SHA-256" in written
    assert "real: 1 images of 1 joints; the lowest DSC of an image is 0." in written and str(tmp_path) not in written
    assert {path.name for path in out.iterdir()} >= {
        "segmentation.md",
        "real-worst.png",
        "simulated-best.png",
        "simulated-damaged-worst.png",
    }
    record, digest = json.loads((out / "run.json").read_text()), file_sha256(weights.find("segmentation", tiny))
    assert record["models"] == {"segmentation": {"name": "tiny", "sha256": digest}} and problems_of_set(out) == []
    _, card = weights.load("segmentation", tiny)
    assert card["figures"]["dsc"] == {"mean": 0.5}
    assert card["figures"]["never_learned_from"]["simulated"]["images"] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--simulated", "0", "--damaged", "0"], "--data: There are no images to measure"),
        (["--model", "none"], "--model: There is no segmentation model 'none'"),
    ],
)
def test_what_cannot_be_evaluated_is_reported(tmp_path, tiny, capsys, words, message):
    assert run("--out", tmp_path / "out", *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def write_joint(folder, name, seed):
    labels = np.zeros((64, 64), np.uint8)
    labels[:30, 20:40], labels[34:, 20:40] = 1, 2
    folder.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (64, 64)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / f"{name}.png")
    Image.fromarray(labels).save(folder / f"{name}_mask.png")
    return content_hash(pixels.astype(np.float32) / 255)


@pytest.mark.parametrize(("known", "kept"), [(True, "best"), (False, "best"), (True, "last")])
@pytest.mark.parametrize(("trained", "validated"), [(4, 0), (2, 1), (0, 4), (0, 0)])
def test_images_that_a_model_learned_from_are_named_and_not_called_new(
    tmp_path, tiny, capsys, trained, validated, known, kept
):
    hashes = [write_joint(tmp_path / "data", f"copy{k}", k) for k in range(4)]
    _, about = weights.load("segmentation", tiny)
    images = {"trained_on": hashes[:trained], "validated_on": hashes[trained : trained + validated]}
    about["images"] = {**images, "all_known": known}
    about["epochs"] = {"trained": 2, "asked": 2, "best": 2, "kept": kept}
    state = weights.load("segmentation", tiny)[0]
    weights.save(tmp_path / "models", state, {key: value for key, value in about.items() if key != weights.CARD_HASH})
    none = ["--simulated", 0, "--damaged", 0]
    assert run("--data", tmp_path / "data", *none, "--model", tiny, "--out", tmp_path / "o", "--card") == 0
    printed, new = capsys.readouterr().out, 4 - trained - validated
    assert (f"was trained on {trained} (copy0" in printed) == (trained > 0)
    chose, kept_last = validated > 0 and kept == "best", validated > 0 and kept == "last"
    assert (f"best epoch of the model was chosen on {validated} (copy{trained}" in printed) == chose
    assert (f"was validated on {validated} (copy{trained}" in printed) == kept_last == ("kept its last" in printed)
    assert ("real, chose the best epoch" in printed, "real, validated on" in printed) == (chose, kept_last)
    assert (f"never learned from {new} (" in printed) == (new > 0 and known)
    assert ("does not state whether it was trained on" in printed) == (new > 0 and not known)
    figures = weights.load("segmentation", tiny)[1]["figures"]["never_learned_from"]
    assert figures.get("real", {}).get("images", 0) == (new if known else 0) and len(figures) <= 2


def test_a_card_that_cannot_be_written_is_reported_before_the_computation(tmp_path, tiny, capsys, monkeypatch):
    opened = tempfile.TemporaryFile

    def refuse(*args, dir=None, **options):
        if dir == tmp_path / "models":
            raise OSError(30, "Read-only file system")
        return opened(*args, dir=dir, **options)

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(report, "evaluate_segmentation", lambda *_, **__: pytest.fail("the computation has begun"))
    assert run("--out", tmp_path / "out", "--simulated", 1, "--model", tiny, "--card") == 2
    assert "--model: " in (message := capsys.readouterr().err) and "models cannot be written to" in message
