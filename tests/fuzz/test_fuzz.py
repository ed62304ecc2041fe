import pytest

from tests.fuzz.run import run_case


@pytest.mark.parametrize("first", range(0, 40, 8))
def test_planted_faults_are_named_or_change_nothing(first):
    cases = [run_case(number, patients=2) for number in range(first, first + 8)]
    assert not [str(case) for case in cases if case.problems]
