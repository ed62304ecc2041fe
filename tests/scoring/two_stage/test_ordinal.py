import numpy as np
import pytest
import torch

from napari_jsn.scoring.two_stage.ordinal import grade_probabilities, ordinal_loss


def one_hot(grade, highest):
    return torch.nn.functional.one_hot(torch.tensor(grade), highest + 1).float()


@pytest.mark.parametrize("grade", range(5))
def test_the_loss_of_a_grade_is_its_negative_log_probability(grade):
    logits = torch.tensor([0.3, -1.2, 2.0, 0.1])
    probability = grade_probabilities(logits)[grade]
    assert ordinal_loss(logits, one_hot(grade, 4)) == pytest.approx(-np.log(float(probability)), abs=1e-5)


def test_the_loss_of_a_soft_label_is_least_at_its_probabilities():
    target = torch.tensor([0.1, 0.6, 0.2, 0.1])
    over = target.flip(0).cumsum(0).flip(0)
    best = torch.logit(over[1:] / over[:-1])
    least = ordinal_loss(best, target)
    assert torch.allclose(grade_probabilities(best), target, atol=1e-5)
    for k in range(3):
        for step in (-0.3, 0.3):
            moved = best.clone()
            moved[k] += step
            assert ordinal_loss(moved, target) > least


def test_an_unknown_grade_gives_no_loss():
    assert ordinal_loss(torch.randn(5), torch.zeros(6)) == 0


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_probabilities_add_up_to_one(temperature):
    found = grade_probabilities(4 * torch.randn(50, 5), temperature)
    assert found.shape == (50, 6)
    assert (found >= -1e-6).all()
    assert torch.allclose(found.sum(-1), torch.ones(50), atol=1e-5)
