"""Tools that write JSON, CSV and databases are not taken for one another."""

from riskshift.formats.catalogue import recognise
from riskshift.formats.format import Format, Refused
from riskshift.formats.log import Log

# By folder of real logs the formats that its files have.
OF = {
    "deepteam": {"deepteam"},
    "harmbench": {"harmbench"},
    "jailbreakbench": {"jailbreakbench"},
    "pyrit": {"pyrit"},
}
THEIRS = {"deepteam", "deepeval", "harmbench", "jailbreakbench", "pyrit", "wildguard"} | {
    "any-guardrail"
}


def test_every_real_log_is_known_or_left_to_another_format(real):
    for path in sorted(path for path in real.rglob("*") if path.is_file()):
        found = recognise(Log(path, path.name))
        mine = OF.get(path.parent.name, set())
        if mine:
            assert isinstance(found, Refused) or (found is not None and found.name in mine), path
        else:
            assert not isinstance(found, Format) or found.name not in THEIRS, path
