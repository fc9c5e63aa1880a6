"""Counts as a file: a zip file of arrays, and a head in JSON."""

import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from riskshift.counts.clusters import Clusters, IntArray
from riskshift.counts.head import BESIDE, KEPT, MOST_RECORDS, Head
from riskshift.counts.saved import Links, Saved
from riskshift.errors import FileError, UsageError
from riskshift.taxonomy import Taxonomy
from riskshift.version import __version__
from riskshift.written import MISSING

FORMAT: Final = 1
HEAD: Final = "riskshift"
# More than any counts come to, as 64-bit numbers.
MOST_BYTES: Final = 8 << 30
# What tells which records belong together, beside the ids.
_PARTS: Final = ("sizes", "indices", "weight", "kind")
_BROKEN: Final = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError),
    *(TypeError, ValueError, UsageError, zipfile.BadZipFile, zlib.error),
)


def to_bytes(saved: Saved) -> bytes:
    """Write counts as bytes: the same for the same counts."""
    head = asdict(saved.head) | {"taxonomy": _taxonomy_told(saved.head.taxonomy)}
    told = {"format": FORMAT, "riskshift": __version__, **head}
    arrays: dict[str, NDArray[Any]] = {
        HEAD: np.frombuffer(json.dumps(told).encode(), dtype=np.uint8),
        "values": _narrow(saved.values),
        "n": _narrow(saved.n),
        "pairs": saved.pairs,
    }
    for name, links in saved.links.items():
        kinds = links.kinds
        arrays |= {
            f"{name}.sizes": _narrow(np.diff(kinds.indptr)),
            f"{name}.indices": _narrow(kinds.indices),
            f"{name}.weight": _narrow(kinds.weight),
            f"{name}.kind": _narrow(links.kind),
            f"{name}.ids": links.ids,
        }
    held = io.BytesIO()
    np.savez_compressed(held, **arrays)  # type: ignore[arg-type]
    return held.getvalue()


def _taxonomy_told(taxonomy: Taxonomy) -> dict[str, Any]:
    """Say all of a taxonomy that numbers and words follow from; codes have been read."""
    told = dict(taxonomy.descriptions or ())
    descriptions = {
        key: text if isinstance(text, str) else dict(text) for key, text in told.items()
    }
    partial = {"partial_counts_as": taxonomy.refusal.partial_counts_as}
    return {
        **taxonomy.to_dict(),
        **({"descriptions": descriptions} if descriptions else {}),
        "refusal": partial,
    }


def _narrow(values: IntArray) -> NDArray[Any]:
    """Take the narrowest type that holds them."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    types = (np.int8, np.int16, np.int32, np.int64)
    fits = next(t for t in types if np.iinfo(t).min <= low and high <= np.iinfo(t).max)
    return values.astype(fits)


def of_bytes(held: bytes, name: str) -> Saved:
    """Read counts that `to_bytes` wrote.

    Parameters
    ----------
    held : bytes
        The file.
    name : str
        What to call it in a message.

    Raises
    ------
    FileError
        If they are no counts, of another version of the format, or do not add up.
    """
    try:
        _check_sizes(held, name)
        with np.load(io.BytesIO(held), allow_pickle=False) as arrays:
            told = json.loads(arrays[HEAD].tobytes())
            if told["format"] != FORMAT or isinstance(told["format"], bool):
                raise FileError(
                    f"{name} was written by riskshift {told['riskshift']} in format {told['format']!r} of counts, and "
                    f"this version reads format {FORMAT}. Collapse the pairs again."
                )
            saved = _assembled(told, arrays)
        whole = _adds_up(saved)
    except FileError:
        raise
    except _BROKEN as error:
        raise FileError(f"{name} holds no counts, or was cut off or changed.") from error
    if not whole:
        raise FileError(f"{name} is damaged: its counts do not add up. Collapse the pairs again.")
    return saved


def _check_sizes(held: bytes, name: str) -> None:
    """Refuse arrays that would take more memory than counts do, before any is read."""
    size = 0
    with zipfile.ZipFile(io.BytesIO(held)) as inside:
        for member in inside.infolist():
            with inside.open(member) as opened:
                version = npy.read_magic(opened)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                shape, _, dtype = read(opened)
            if dtype.kind not in "iu" or len(shape) > 2:
                raise ValueError("an array holds no whole numbers")
            size += math.prod(shape) * 8
    if size > MOST_BYTES:
        raise FileError(f"{name} would unpack to {size:,} bytes, which no counts come to.")


def _assembled(told: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Saved:
    head, links = Head.of(told), {}
    linked = {f"{name}.{part}" for name in head.linked for part in (*_PARTS, "ids")}
    if {*arrays} != {HEAD, "values", "n", "pairs", *linked}:
        raise ValueError("there are other arrays than the head tells of")
    for name in head.linked:
        sizes, indices, weight, kind = (
            _flat(arrays[f"{name}.{part}"]).astype(np.int64) for part in _PARTS
        )
        kinds = Clusters(np.append(0, np.cumsum(sizes)), indices, weight)
        links[name] = Links(kinds, _flat(arrays[f"{name}.ids"]).astype(np.uint64), kind)
    values, n = arrays["values"].astype(np.int64), _flat(arrays["n"]).astype(np.int64)
    return Saved(head, values, n, links, _flat(arrays["pairs"]).astype(np.uint64))


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim != 1:
        raise ValueError("an array has rows that has none")
    return array


def _adds_up(saved: Saved) -> bool:
    """Tell whether every position is one of something, and all records are told of alike."""
    head, values, n = saved.head, saved.values, saved.n
    if values.ndim != 2 or values.shape != (len(n), head.width + len(head.groups)) or not len(n):
        return False
    if (n < 1).any() or n.astype(np.float64).sum() > MOST_RECORDS:
        return False
    tops = [head.taxonomy.top] * (2 * len(head.taxonomy.categories))
    tops += [top for role, top in BESIDE.items() if role in head.columns]
    tops += [len(names) - 1 for names in head.groups.values()]
    lows = np.array([MISSING] * head.width + [0] * len(head.groups))
    inside = (values >= lows).all() and (values <= np.array(tops)).all()
    told = len(saved.pairs) in (0, int(n.sum())) and bool(
        (saved.pairs[1:] >= saved.pairs[:-1]).all()
    )
    kept = head.ids == KEPT
    return bool(inside and told) and all(
        _linked(links, n, kept=kept) for links in saved.links.values()
    )


def _linked(links: Links, n: IntArray, *, kept: bool) -> bool:
    kinds, many = links.kinds, len(links.kinds.weight)
    sizes = np.diff(kinds.indptr)
    if len(sizes) != many or (sizes < 1).any() or kinds.indptr[-1] != len(kinds.indices):
        return False
    if (kinds.weight < 0).any() or len(links.ids) != len(links.kind):
        return False
    for places, most in ((kinds.indices, len(n)), (links.kind, many)):
        if ((places < 0) | (places >= most)).any():
            return False
    told = np.bincount(
        kinds.indices, weights=np.repeat(kinds.weight, sizes), minlength=len(n)
    ).astype(np.int64)
    if kept:
        ascending = bool((links.ids[1:] > links.ids[:-1]).all())
        if not ascending or not np.array_equal(
            np.bincount(links.kind, minlength=many), kinds.weight
        ):
            return False
    return np.array_equal(told, n) and (kept or not len(links.ids))
