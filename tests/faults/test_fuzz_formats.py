"""The first inputs of `make fuzz`: a file of any format is judged, or refused in words."""

import pytest
from benchmarks.fuzz import VALID, fuzz, table

INPUTS = 500 // len(VALID) + 1


@pytest.mark.parametrize("kind", VALID)
def test_mutated_files_are_judged_or_refused(kind):
    tally = fuzz(kind, INPUTS)
    assert tally.faults == []
    assert tally.inputs == tally.judged + tally.refused == INPUTS
    # Some of them still are what they were, or the mutations would show nothing.
    assert tally.refused
    assert tally.judged
    assert "Traceback" not in "".join(table([tally]))
