"""Counts as a file: a zip file of arrays, and a head in JSON."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riskshift.counts.clusters import Clusters, IntArray
from riskshift.counts.saved import BESIDE, Head, Links, Saved
from riskshift.errors import FileError, UsageError
from riskshift.taxonomy import Taxonomy
from riskshift.version import __version__
from riskshift.written import MISSING

FORMAT: Final = 1
HEAD: Final = "riskshift"
# More than any counts come to, and less than would fill a machine.
MOST_BYTES: Final = 8 << 30


def to_bytes(saved: Saved) -> bytes:
    """Write counts as bytes: the same for the same counts."""
    head = asdict(saved.head) | {"taxonomy": _taxonomy_told(saved.head.taxonomy)}
    told = {"format": FORMAT, "riskshift": __version__, "links": list(saved.links), **head}
    arrays: dict[str, NDArray[Any]] = {
        HEAD: np.frombuffer(json.dumps(told, sort_keys=False).encode(), dtype=np.uint8),
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
        with zipfile.ZipFile(io.BytesIO(held)) as inside:
            size = sum(member.file_size for member in inside.infolist())
        if size > MOST_BYTES:
            raise FileError(f"{name} would unpack to {size:,} bytes, which no counts come to.")
        with np.load(io.BytesIO(held), allow_pickle=False) as arrays:
            told = json.loads(arrays[HEAD].tobytes())
            if told["format"] != FORMAT:
                raise FileError(
                    f"{name} was written by riskshift {told['riskshift']} in format {told['format']} of counts, and "
                    f"this version reads format {FORMAT}. Collapse the pairs again."
                )
            saved = _assembled(told, arrays)
        whole = _adds_up(saved)
    except FileError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise _no_counts(name) from error
    except (EOFError, OSError, UsageError, zipfile.BadZipFile, zlib.error) as error:
        raise _no_counts(name) from error
    if not whole:
        raise FileError(f"{name} is damaged: its counts do not add up. Collapse the pairs again.")
    return saved


def _no_counts(name: str) -> FileError:
    return FileError(f"{name} holds no counts, or was cut off or changed.")


def _assembled(told: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Saved:
    head = Head(
        taxonomy=Taxonomy.of(told["taxonomy"]),
        columns=told["columns"],
        cluster=told["cluster"],
        prompt_labels=told["prompt_labels"],
        numbered=told["numbered"],
        ids=told["ids"],
        groups=_tuples(told["groups"]),
        asked=tuple(told["asked"]),
        named=_tuples(told["named"]),
        skipped=told["skipped"],
        placeholders=told["placeholders"],
        sources=tuple(told["sources"]),
        notes=tuple(told["notes"]),
        facts=_tuples(told["facts"]),
    )
    links = {}
    for name in told["links"]:
        sizes, indices, weight, kind = (
            arrays[f"{name}.{part}"].astype(np.int64)
            for part in ("sizes", "indices", "weight", "kind")
        )
        kinds = Clusters(np.append(0, np.cumsum(sizes)), indices, weight)
        links[name] = Links(kinds, arrays[f"{name}.ids"].astype(np.uint64), kind)
    values, n = (arrays[name].astype(np.int64) for name in ("values", "n"))
    return Saved(head, values, n, links, arrays["pairs"].astype(np.uint64))


def _tuples(told: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in told.items()}


def _adds_up(saved: Saved) -> bool:
    """Tell whether every position is one of something, and all records are told of alike."""
    head, values, n = saved.head, saved.values, saved.n
    if values.ndim != 2 or values.shape != (len(n), head.width + len(head.groups)) or not len(n):
        return False
    tops = [head.taxonomy.top] * (2 * len(head.taxonomy.categories))
    tops += [top for role, top in BESIDE.items() if role in head.columns]
    tops += [len(names) - 1 for names in head.groups.values()]
    lows = np.array([MISSING] * head.width + [0] * len(head.groups))
    inside = (values >= lows).all() and (values <= np.array(tops)).all() and (n > 0).all()
    return bool(inside) and all(_linked(links, n) for links in saved.links.values())


def _linked(links: Links, n: IntArray) -> bool:
    kinds, many = links.kinds, len(links.kinds.weight)
    sizes = np.diff(kinds.indptr)
    if len(sizes) != many or (sizes < 1).any() or kinds.indptr[-1] != len(kinds.indices):
        return False
    for places, most in ((kinds.indices, len(n)), (links.kind, many)):
        if ((places < 0) | (places >= most)).any():
            return False
    told = np.bincount(
        kinds.indices, weights=np.repeat(kinds.weight, sizes), minlength=len(n)
    ).astype(np.int64)
    if len(links.ids):
        ascending = bool((links.ids[1:] > links.ids[:-1]).all())
        same = np.array_equal(np.bincount(links.kind, minlength=many), kinds.weight)
        if not (ascending and same and len(links.ids) == len(links.kind)):
            return False
    return np.array_equal(told, n)
