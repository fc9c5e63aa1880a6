"""Where numbers come from."""

from dataclasses import dataclass, field
from typing import Any, Final

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the numbers come from.

    Parameters
    ----------
    source : str
        What was read.
    engine : str
        What held the rows.
    data_hash : str
        SHA-256 of the sorted counts: equal for equal data, whatever its order, files or engine.
    read : int
        Records read.
    left_out : dict of str to int
        Records left out of everything, by reason.
    missing : dict of str to int
        Analyzed records that lack a label, by what is missing.
    cluster : str or None
        Column whose equal values are not independent.
    units : int
        How many values it has.
    repeated : bool
        Whether some value has several records.
    timing : dict of str to float
        Seconds by step.
    """

    source: str
    engine: str
    data_hash: str
    read: int
    left_out: dict[str, int]
    missing: dict[str, int]
    cluster: str | None
    units: int
    repeated: bool
    timing: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the provenance as plain data."""
        return {
            "engine": self.engine,
            "source": self.source,
            "data_hash": self.data_hash,
            "timing": dict(self.timing),
            "records": {
                "read": self.read,
                "analyzed": self.read - sum(self.left_out.values()),
                "left_out": dict(self.left_out),
                "missing": dict(self.missing),
            },
            "clusters": {"column": self.cluster, "count": self.units, "repeated": self.repeated},
        }
