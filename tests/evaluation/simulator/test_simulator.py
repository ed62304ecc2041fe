"""Registration of simulated joints: the conditions, the figures, the page."""

import numpy as np
import pytest

from napari_jsn.evaluation.settings import Settings
from napari_jsn.evaluation.simulator import accuracy as simulated
from napari_jsn.evaluation.simulator.__main__ import main
from napari_jsn.evaluation.simulator.accuracy import CONDITIONS, KINDS, Job, MeasuredPair
from napari_jsn.evaluation.simulator.report import draw_simulator_plots, simulator_lines


def test_every_condition_has_the_same_number_of_every_kind_of_joint():
    jobs = simulated.condition_jobs(2, Settings())
    assert len(jobs) == 2 * len(KINDS) * (len(CONDITIONS) - 1 + 3)
    assert {job.joint for job in jobs} <= {joint for joints in KINDS.values() for joint in joints}
    assert max(abs(job.jsn_mm) for job in jobs) <= simulated.JSN_MM
    assert jobs == simulated.condition_jobs(2, Settings())
    steps = sorted({job.jsn_mm for job in simulated.curve_jobs(1, Settings())})
    np.testing.assert_allclose(np.diff(steps), 0.01, atol=1e-9)


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda one: one.name)
def test_a_condition_changes_one_thing(condition):
    motion = condition.motion(np.random.default_rng(0))
    if condition.what == "visits":
        assert motion is None
        return
    names = {"rotation": ["rotation_deg"], "flexion": ["flexion_deg"], "roll": ["roll_upper_deg", "roll_lower_deg"]}
    changed = names.get(condition.what, [])
    identity = CONDITIONS[0].motion(np.random.default_rng(0))
    for name in ("rotation_deg", "flexion_deg", "roll_upper_deg", "roll_lower_deg", "slide_mm", "crop_rotation_deg"):
        assert abs(getattr(motion, name)) == (condition.amount if name in changed else getattr(identity, name))
    assert abs(motion.magnification - 1) == pytest.approx(condition.amount / 100 if condition.what == "scale" else 0)


def test_a_joint_without_motion_is_measured_near_its_truth():
    jobs = [Job("MCP2", jsn_mm, 11, CONDITIONS[0]) for jsn_mm in (-0.3, 0.3)]
    found = simulated.run(jobs, 1)
    assert [one.kind for one in found] == ["MCP", "MCP"]
    for one, job in zip(found, jobs, strict=True):
        assert one.jsn_mm == pytest.approx(job.jsn_mm) and one.projected_mm == pytest.approx(job.jsn_mm, abs=0.02)
        assert abs(one.error_mm) < 0.1 and one.half_width_mm > 0


def measured_pair(condition, kind, error_mm, reliable=True, overlap_mm=0.0):
    return MeasuredPair(kind, condition, 0.2, 0.19, 0.19 + error_mm, 0.03, 0.19, overlap_mm, reliable)


def measured_pairs():
    return [
        measured_pair(condition.name, kind, error_mm, reliable=error_mm < 0.2, overlap_mm=10 * abs(error_mm))
        for condition in CONDITIONS
        for kind in KINDS
        for error_mm in (-0.01, 0.02, 0.04, 0.5)
    ]


def test_the_tables_and_plots(tmp_path):
    curve = [
        MeasuredPair(kind, condition.name, true, true, true + 0.01, 0.05, true, 0.0, True)
        for condition in simulated.CURVE_CONDITIONS
        for kind in simulated.CURVE_KINDS
        for true in np.linspace(-1, 1, 21)
    ]
    text = "\n".join(simulator_lines(measured_pairs(), curve))
    identity = next(line for line in text.splitlines() if line.startswith("| identity | 20 |"))
    # A quarter are mismatches; the other errors are -0.01, 0.02 and 0.04, and the interval covers two of them.
    assert [cell.strip() for cell in identity.split("|")[3:6]] == ["25.0%", "+0.0167", "0.0265"]
    assert "| 75.0% | 0.0265 | 50.0% | 0.0100 |" in identity
    assert "| MCP, identity | 21 | 100% | 1.0000 | +0.0100 | 0.0100 |" in text
    drawn = draw_simulator_plots(measured_pairs(), curve, tmp_path)
    assert [path.name for _, path in drawn] == [
        f"simulator-error-{name}.png" for name in ("by-condition", "by-jsn", "distribution")
    ]
    assert all(path.stat().st_size > 10_000 for _, path in drawn)


def test_a_size_of_nothing_is_refused(capsys):
    assert main(["--n", "0"]) == 2
    assert "at least 1" in capsys.readouterr().err
