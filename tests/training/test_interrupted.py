import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

#: Exit codes after each signal: the training was already finished, was stopped, or had not begun.
ENDS = {signal.SIGKILL: {0, -9}, signal.SIGTERM: {0, 143, -15}, signal.SIGINT: {0, 130}}


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_trainings_interrupted_at_random_moments_give_the_same_weights(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rng = np.random.default_rng(0)
    for k in range(10):
        labels = np.zeros((64, 64), np.uint8)
        labels[: 28 + k % 3, 20:44], labels[34:, 20:44] = 1, 2
        noise = rng.integers(20, 60, labels.shape)
        Image.fromarray((90 * (labels > 0) + noise).astype(np.uint8)).save(data / f"p{k}.png")
        Image.fromarray(labels).save(data / f"p{k}_mask.png")
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.interrupted", data, tmp_path, "20", "1"],
        capture_output=True, text=True, timeout=1500, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    assert len(results) == 20
    for result in results:
        assert result["weights"] and result["card"] and not result["left"], result
        for code, printed in result["ends"]:
            assert code in ENDS[result["signal"]] | {0} and "Traceback" not in printed, result
            assert code != 143 or "Stopped" in printed, result
    codes = [code for result in results for code, _ in result["ends"]]
    assert {-9, 143, 130} <= set(codes), codes  # signals did arrive in the middle
