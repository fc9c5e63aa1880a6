"""Compact letter displays: which of many models can be told apart, in one short label each."""

from collections.abc import Iterable
from itertools import combinations
from string import ascii_lowercase

from riskshift.errors import UsageError


def compact_letters(k: int, different: Iterable[tuple[int, int]]) -> tuple[str, ...]:
    """Label k items so that two share a letter exactly where they were not told apart.

    Parameters
    ----------
    k : int
        Number of items, numbered 0 to k - 1 in the order in which they are shown.
    different : iterable of pairs of int
        The pairs that were told apart; order inside a pair does not matter.

    Returns
    -------
    tuple of str
        One label per item, letters in order of the first item that carries them. Up to 26
        letters are written together (``"ab"``); beyond, they go on with ``aa``, ``ab``, ... and
        are separated by commas in every label (``"b,aa"``).

    Raises
    ------
    UsageError
        If a pair names an item that is not there, or one item twice.

    Notes
    -----
    A letter is a set of items none of which were told apart, so the letters are a cover of the
    edges of the graph of undistinguished pairs by cliques [2]_. The insert-and-absorb algorithm
    of [1]_ lists every maximal clique and can need 2 ** (k / 2) of them; here each pair not yet
    covered is grown to one maximal clique and letters that the others make superfluous are then
    swept away. Where the items can be ordered so that what is tied is always a run of
    neighbours, both give the same letters.

    References
    ----------
    .. [1] H.-P. Piepho, "An algorithm for a letter-based representation of all-pairwise
       comparisons", Journal of Computational and Graphical Statistics 13 (2004), p. 456-466.
    .. [2] J. Gramm, J. Guo, F. Hüffner, R. Niedermeier, H.-P. Piepho, R. Schmid, "Algorithms for
       compact letter displays: comparison and evaluation", Computational Statistics & Data
       Analysis 52 (2007), p. 725-736.

    Examples
    --------
    Being tied is not transitive: the middle one is tied with both of the others.

    >>> compact_letters(3, {(0, 2)})
    ('a', 'ab', 'b')
    """
    columns = _sweep(_cover(_tied(k, different)))
    names = [_name(index) for index in range(len(columns))]
    separator = "" if len(columns) <= len(ascii_lowercase) else ","
    return tuple(
        separator.join(name for name, column in zip(names, columns, strict=True) if item in column)
        for item in range(k)
    )


def _tied(k: int, different: Iterable[tuple[int, int]]) -> list[set[int]]:
    tied = [set(range(k)) - {item} for item in range(k)]
    for one, other in different:
        if one == other or not (0 <= one < k and 0 <= other < k):
            raise UsageError(f"({one}, {other}) is not a pair of two items out of 0 to {k - 1}.")
        tied[one].discard(other)
        tied[other].discard(one)
    return tied


def _cover(tied: list[set[int]]) -> list[list[int]]:
    """Cover every tied pair, and every item tied with none, by maximal sets of tied items."""
    columns = [[item] for item, others in enumerate(tied) if not others]
    left = [others.copy() for others in tied]
    for one, others in enumerate(tied):
        for other in sorted(others):
            if other not in left[one]:
                continue
            column = [one, other]
            candidates = tied[one] & tied[other]
            while candidates:
                # The one with most pairs still to cover needs fewest letters in the end.
                chosen = max(candidates, key=lambda item: (len(left[item] & set(column)), -item))
                column.append(chosen)
                candidates &= tied[chosen]
            for item in column:
                left[item].difference_update(column)
            columns.append(sorted(column))
    return sorted(columns)


def _sweep(columns: list[list[int]]) -> list[list[int]]:
    """Leave out each set whose every pair stands in another set too."""
    covered: dict[tuple[int, int], int] = {}
    for column in columns:
        for pair in combinations(column, 2):
            covered[pair] = covered.get(pair, 0) + 1
    kept = []
    for column in columns:
        pairs = list(combinations(column, 2))
        if pairs and all(covered[pair] > 1 for pair in pairs):
            for pair in pairs:
                covered[pair] -= 1
        else:
            kept.append(column)
    return kept


def _name(index: int) -> str:
    """Count in letters as a spreadsheet counts its columns: a to z, then aa."""
    name = ""
    index += 1
    while index:
        index, last = divmod(index - 1, len(ascii_lowercase))
        name = ascii_lowercase[last] + name
    return name
