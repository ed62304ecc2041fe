import pytest

from tests.fuzz.run import run_case

#: Enough joints for the notes that concern a whole hand.
JOINTS = ("MCP2", "MCP3", "MCP4", "PIP2", "PIP3", "PIP4")


@pytest.mark.parametrize("first", range(0, 40, 8))
def test_planted_faults_are_named_or_change_nothing(first):
    cases = [run_case(number, patients=2, joints=JOINTS) for number in range(first, first + 8)]
    assert not [str(case) for case in cases if case.problems]
