import numpy as np
import pytest
from PIL import Image

from napari_jsn import InputError
from napari_jsn.anatomy import JOINTS
from napari_jsn.joint import Joint
from napari_jsn.localization.mean_hand import mean_hand
from napari_jsn.localization.training import data, transfer
from napari_jsn.localization.training import task as module
from napari_jsn.localization.training.data import LabelledRadiograph, TrainingHand, draw_chunk
from napari_jsn.simulation.damage.difficulty import difficulty


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Batches of one scene, and no time for drawing."""
    monkeypatch.setattr(module, "_SCENES", 1)
    monkeypatch.setattr(module, "_BATCH", 1)
    drawn = []

    def draw(seed, count, version):
        drawn.append(version)
        return [made_hand(seed + k) for k in range(count)]

    monkeypatch.setattr(data, "draw_chunk", draw)
    return drawn


def made_hand(seed=0):
    points = 1.4 * mean_hand() + (115, 120)
    image = np.random.default_rng(seed).integers(30, 50, (330, 235)).astype(np.uint8)
    for x, y in np.rint(points).astype(int):
        image[y - 3 : y + 4, x - 3 : x + 4] = 250
    return TrainingHand(image, points, group=str(seed), name=str(seed))


def real_hand(points, side="L"):
    return LabelledRadiograph(made_hand().image.astype(np.float32) / 255, points, side, 2.0)


@pytest.mark.parametrize(
    ("shift", "named", "expected"),
    [((0, 0), "L", 0.0), ((6, 8), "L", 5.0), ((0, -3), "L", 1.5), ((0, 0), "R", np.inf)],
)
def test_the_error_of_a_joint_is_its_distance_in_mm(monkeypatch, shift, named, expected):
    points = made_hand().points.copy()
    points[0] = np.nan  # not known
    places = made_hand().points + shift
    found = [Joint.around(JOINTS[k], named, (places[k, 1], places[k, 0]), (1.0, 0.0), 30.0) for k in range(13)]
    monkeypatch.setattr(transfer, "find_joints_many", lambda images, **_: [found for _ in images])
    (errors,) = transfer.transfer([made_hand(0), made_hand(1)], [real_hand(points)], 1, 0)
    assert np.isnan(errors[0])
    np.testing.assert_allclose(errors[1:13], expected, atol=1e-6)
    assert errors[13] == np.inf  # not found


def test_a_training_is_repeated_by_its_seed():
    real = [real_hand(made_hand().points)]
    found = {}

    def weights_of(seed):
        transfer.transfer([made_hand(0), made_hand(1)], real, 2, seed)
        return found.pop("weights")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer.weights, "save", lambda folder, weights, about: found.update(weights=weights) or "none")
        patch.setattr(transfer, "find_joints_many", lambda images, **_: [[]])
        first, again, other = weights_of(0), weights_of(0), weights_of(1)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not all(np.array_equal(first[name], other[name]) for name in first)


def test_the_command_prints_a_row_for_each_training_and_set(tmp_path, capsys, small):
    lines = ["file,side,joint,x,y"]
    for k in range(2):
        one = made_hand(k)
        Image.fromarray(one.image).save(tmp_path / f"{k}.png")
        lines += [f"{k}.png,L,{joint},{x},{y}" for joint, (x, y) in zip(JOINTS, one.points, strict=True)]
    (tmp_path / "joints.csv").write_text("\n".join(lines))
    words = ["--difficulty", "1", "3", "--hands", "2", "--steps", "1", "--seeds", "1", "--processes", "1"]
    transfer.main(["--data", str(tmp_path), *words, "--cache", str(tmp_path / "cache")])
    first, second, _, *table = capsys.readouterr().out.splitlines()
    assert "difficulty version 1, SHA-256" in first and "difficulty version 3, SHA-256" in second
    rows = [row.strip("| ").split(" | ") for row in table[2:]]
    assert small == [1, 3]
    assert [row[:5] for row in rows] == [
        [version, "1", kind, "2", "28"] for version in ("1", "3") for kind in ("own radiographs", "all")
    ]


def test_a_folder_without_hands_is_refused(tmp_path):
    with pytest.raises(InputError, match="joints"):
        transfer.main(["--data", str(tmp_path)])


def test_hands_with_damage_have_no_place_for_the_joints_of_a_missing_finger(monkeypatch):
    monkeypatch.setitem(difficulty(3).content["artefacts"], "missing_finger", 1.0)
    uniform, natural = draw_chunk(3, 2, 3)
    for hand in (uniform, natural):
        missing = np.isnan(hand.points).any(axis=1)
        assert 0 < missing.sum() < 5 and hand.points.shape == (14, 2)
    assert uniform.image.shape == natural.image.shape and not np.array_equal(uniform.image, natural.image)


@pytest.mark.parametrize(("version", "children"), [(3, 0), (5, 5)])
def test_each_patient_is_drawn_once_and_a_quarter_of_version_5_are_children(monkeypatch, version, children):
    drawn = []

    def simulate(patients, visits, seed, *, grades, skipped_visits=0, ages=None, **options):
        drawn.extend((number, grades, ages) for number in range(skipped_visits, patients))
        return iter(())

    monkeypatch.setattr("napari_jsn.simulation.hand.simulate", simulate)
    draw_chunk(3, 20, version)
    assert [number for number, *_ in drawn] == list(range(20))
    assert [ages for *_, ages in drawn if ages] == [(7.0, 18.0)] * children
    assert sum(grades == "uniform" for _, grades, _ in drawn) == (20 - children + 1) // 2
