import numpy as np
from PIL import Image

from napari_jsn.segmentation.training.data import simulated_samples
from napari_jsn.segmentation.training.transfer import main, transfer


def test_a_network_of_simulated_joints_is_tested_on_others(tmp_path):
    simulated = simulated_samples(4, 4, tmp_path, 32, difficulty=1)
    damaged = simulated_samples(4, 4, tmp_path, 32, difficulty=3)
    assert simulated.images.shape == damaged.images.shape == (4, 1, 32, 32)
    assert not np.array_equal(simulated.images, damaged.images)
    found = transfer(simulated, damaged, 2, 0)
    assert found.shape == (4,) and ((found >= 0) & (found <= 1)).all()
    assert np.array_equal(found, transfer(simulated, damaged, 2, 0))


def test_the_command_prints_a_row_for_each_training(tmp_path, capsys, joint):
    folder = tmp_path / "joints"
    folder.mkdir()
    for seed in range(3):
        one = joint(seed=seed)
        Image.fromarray(np.rint(255 * one.image).astype(np.uint8)).save(folder / f"{seed}.png")
        Image.fromarray(one.masks.labels).save(folder / f"{seed}_mask.png")
    words = ["--difficulty", "1", "--images", "4", "--steps", "1", "--side", "32", "--seeds", "2"]
    main(["--data", str(folder), *words, "--cache", str(tmp_path)])
    settings, _, *table = capsys.readouterr().out.splitlines()
    assert settings.startswith("Simulated images: difficulty version 1, SHA-256")
    rows = [row.strip("| ").split(" | ") for row in table[2:]]
    assert [row[:3] for row in rows] == [["1", "1", "3"], ["1", "2", "3"]]
    assert all(float(row[3]) >= float(row[5]) for row in rows)
