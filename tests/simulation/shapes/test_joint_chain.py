"""Poses of a hand's bones: every gap has the stated width."""

import numpy as np
import pytest

from napari_jsn import anatomy
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.shapes.bone import distance_to_base
from napari_jsn.simulation.shapes.pose import BoneAngles
from napari_jsn.simulation.visit import Disease, Positioning, pose_hand


def _gap_mm(patient, hand, joint):
    """The gap between the two analytic surfaces along the joint's axis, computed again from both bones."""
    upper, lower = anatomy.bones_of(joint)
    axis = hand.joints[joint].axis
    top = hand.poses[lower](np.zeros(3))  # the middle of the head lies on its surface
    assert patient.shapes[lower].head.height(np.zeros(1), np.zeros(1)) == pytest.approx(0)
    pose = hand.poses[upper]
    return distance_to_base(patient.shapes[upper], pose.inverse(top), -axis @ pose.matrix)


@pytest.mark.parametrize("seed", range(6))
def test_the_gap_between_the_surfaces_is_the_stated_width(seed):
    rng = np.random.default_rng(seed)
    patient = SimulatedPatient.draw(rng)
    narrowing = {joint: float(rng.uniform(-0.5, 0.9) * patient.jsw_mm[joint]) for joint in anatomy.JOINTS}

    hand = pose_hand(patient, Positioning.draw(rng, 1.5), Disease(narrowing))
    for joint in anatomy.JOINTS:
        stated = patient.jsw_mm[joint] - narrowing[joint]
        assert _gap_mm(patient, hand, joint) == pytest.approx(stated, abs=0.02)
        assert hand.joints[joint].jsw_mm == pytest.approx(stated, abs=1e-6)


def test_bones_of_a_ray_follow_one_another():
    patient = SimulatedPatient.draw(np.random.default_rng(8))
    hand = pose_hand(patient, Positioning(), Disease())

    for joint in anatomy.JOINTS:
        upper, lower = anatomy.bones_of(joint)
        base = hand.poses[upper](np.array([0, patient.shapes[upper].length, 0]))
        assert np.linalg.norm(base - hand.joints[joint].on_lower) < patient.jsw_mm[joint] + 0.5
        # distal is up
        assert hand.poses[upper].translation[1] < hand.poses[lower].translation[1]


def test_a_rotation_slides_the_bone_as_measured_on_real_joints():
    patient = SimulatedPatient.draw(np.random.default_rng(9))
    at_rest = pose_hand(patient, Positioning(), Disease()).joints["MCP3"]
    rotated = {bone: BoneAngles(rotation_deg=4.0) for bone in ("PP3", "MP3", "DP3")}
    moved = pose_hand(patient, Positioning(rotated), Disease())

    base = moved.poses["PP3"](np.array([0, patient.shapes["PP3"].length, 0]))
    # the joint's axis leans by half the rotation, which moves the base a little more
    leant = at_rest.jsw_mm * np.sin(np.deg2rad(2.0))
    assert base[0] - at_rest.on_upper[0] == pytest.approx(4 * 0.57 * 22.2 / 256 + leant, abs=0.02)
