"""Commands that end at random moments: outputs are all old or all new, and no texts stay."""

from benchmarks.kills import kills


def test_outputs_are_all_old_or_all_new():
    found = list(kills(6, pairs=2_000))
    assert [kill for kill in found if not kill.fine] == []
