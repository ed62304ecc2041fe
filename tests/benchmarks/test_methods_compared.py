"""Running our own methods: one pair that cannot be registered must not fail the others."""

import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from benchmarks.methods_compared import PIPOC, methods_compared, run_refined
from napari_jsn.common.errors import InputError
from napari_jsn.joint.similarity import Similarity
from napari_jsn.registration.methods import PreparedPair


@pytest.fixture
def pair(simulated):
    images, masks = (simulated.fixed, simulated.moving), (simulated.fixed_masks, simulated.moving_masks)
    return PreparedPair.from_masks(*images, *masks, simulated.spacing_mm)


def test_pipoc_is_near_the_truth(pair, simulated):
    pipoc = next(one for one in methods_compared(with_peers=False)[0] if one.name == PIPOC)
    (result,) = pipoc.run([pair])
    assert pipoc.states_uncertainty and result.seconds > 0
    assert result.jsn_px * pair.spacing_mm == pytest.approx(simulated.jsn_projected_mm, abs=0.2)
    assert result.low_px < result.jsn_px < result.high_px
    assert result.covers(result.jsn_px) and not result.covers(result.high_px + 1)


def test_a_pair_that_cannot_be_registered_is_a_failure_of_its_own(pair, monkeypatch):
    def register_many(fixeds, movings, fixed_masks, moving_masks, spacing_mm):
        if any(np.ptp(fixed) == 0 for fixed in fixeds):
            raise InputError("The fixed image has no contrast.", "fixed")
        identity = Similarity()
        registration = SimpleNamespace(
            jsn_px=1.0,
            ci95_px=(0.5, 1.5),
            point=pair.point,
            axis=pair.axis,
            upper=identity,
            lower=identity,
            reliable=True,
        )
        return [registration for _ in fixeds]

    api = ModuleType("napari_jsn.registration.register")
    api.register_many = register_many
    monkeypatch.setitem(sys.modules, "napari_jsn.registration.register", api)
    flat = replace(pair, fixed=np.zeros_like(pair.fixed))
    results = run_refined([pair, flat, pair])
    assert [result.reliable for result in results] == [True, False, True]
    assert np.isnan(results[1].jsn_px) and results[2].jsn_px == 1.0
