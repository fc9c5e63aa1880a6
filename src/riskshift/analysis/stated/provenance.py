"""Where numbers come from."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from riskshift.analysis.plain import Limits, Plain, Positive
from riskshift.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Provenance(Plain):
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
    groups : int or None
        In how many random groups these values were put to estimate how sure the numbers are; None
        where they are of few enough kinds to be kept.
    """

    source: str
    engine: str
    data_hash: Annotated[str, Limits(pattern="^[0-9a-f]{64}$")]
    read: int
    left_out: dict[str, int]
    missing: dict[str, int]
    cluster: str | None
    units: int
    repeated: bool
    timing: dict[str, Positive] = field(default_factory=dict)
    groups: int | None = None

    shape: ClassVar[str] = (
        "engine source data_hash timing records(read analyzed left_out missing) "
        "clusters(column=cluster count=units repeated groups)"
    )

    @property
    def analyzed(self) -> int:
        """Records read and not left out."""
        return self.read - sum(self.left_out.values())


@dataclass(frozen=True, slots=True)
class Release(Plain):
    """Where one side of a comparison of releases comes from.

    Parameters
    ----------
    provenance : Provenance
        Where its numbers come from.
    taxonomy : Taxonomy
        Categories and levels.
    """

    provenance: Provenance
    taxonomy: Taxonomy

    shape: ClassVar[str] = "*provenance taxonomy"


@dataclass(frozen=True, slots=True)
class Releases(Plain):
    """Where everything comes from that a gate judges.

    Parameters
    ----------
    candidate : Release
        Where the judged numbers come from.
    baseline : Release or None
        Where those of the baseline come from; None without one.
    people : str or None
        Where people's labels come from; None without any.
    """

    candidate: Release
    baseline: Release | None
    people: str | None

    shape: ClassVar[str] = "*candidate baseline people"
