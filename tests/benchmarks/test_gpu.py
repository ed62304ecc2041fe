import pytest
import torch

from benchmarks import gpu
from benchmarks.__main__ import main


def test_without_a_gpu_one_sentence_is_printed(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["gpu"]) == 0
    assert capsys.readouterr().out == "There is no CUDA GPU here, so the registration on a GPU was not measured.\n"


@pytest.mark.parametrize(("limit", "code"), [(1e-3, 0), (-1.0, 1)])
def test_agreement_and_speed_are_printed(capsys, monkeypatch, limit, code):
    monkeypatch.setattr(gpu, "PAIRS", 2)
    monkeypatch.setattr(gpu, "AGREEMENT_PX", limit)
    assert gpu.run(["refined"], batches=(3,), device="cpu") == code
    printed = capsys.readouterr().out
    assert "differ by at most 0.00e+00 px (2 pairs)" in printed and "pairs per second in a batch of 3" in printed
