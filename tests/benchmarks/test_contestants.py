"""Asking our own methods: one pair that cannot be measured must not hide the others."""

import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from benchmarks.contestants import PIPOC, ask_ours, contestants
from napari_jsn.common.errors import InputError
from napari_jsn.joint.similarity import Similarity
from napari_jsn.registration.methods import PreparedPair


@pytest.fixture
def pair(simulated):
    images, masks = (simulated.fixed, simulated.moving), (simulated.fixed_masks, simulated.moving_masks)
    return PreparedPair.from_masks(*images, *masks, simulated.spacing_mm)


def test_pipoc_answers_near_the_truth(pair, simulated):
    pipoc = next(one for one in contestants(with_peers=False)[0] if one.name == PIPOC)
    (answer,) = pipoc.ask([pair])
    assert pipoc.judges and answer.seconds > 0
    assert answer.jsn_px * pair.spacing_mm == pytest.approx(simulated.jsn_projected_mm, abs=0.2)
    assert answer.low_px < answer.jsn_px < answer.high_px
    assert answer.holds(answer.jsn_px) and not answer.holds(answer.high_px + 1)


def test_a_pair_that_cannot_be_measured_is_a_failure_of_its_own(pair, monkeypatch):
    def register_many(fixeds, movings, fixed_masks, moving_masks, spacing_mm):
        if any(np.ptp(fixed) == 0 for fixed in fixeds):
            raise InputError("The fixed image has no contrast.", "fixed")
        still = Similarity()
        result = SimpleNamespace(
            jsn_px=1.0, ci95_px=(0.5, 1.5), point=pair.point, axis=pair.axis, upper=still, lower=still, reliable=True
        )
        return [result for _ in fixeds]

    api = ModuleType("napari_jsn.registration.register")
    api.register_many = register_many
    monkeypatch.setitem(sys.modules, "napari_jsn.registration.register", api)
    flat = replace(pair, fixed=np.zeros_like(pair.fixed))
    answers = ask_ours([pair, flat, pair])
    assert [answer.reliable for answer in answers] == [True, False, True]
    assert np.isnan(answers[1].jsn_px) and answers[2].jsn_px == 1.0
