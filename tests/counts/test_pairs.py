"""The table of counts: marginal sums, merging, groups, and a hash that only the data moves."""

from collections import Counter
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskshift.counts.case import Case
from riskshift.counts.clusters import Clusters, distinct_rows
from riskshift.counts.pairs import Counts, Grouped, Layout, Table
from riskshift.taxonomy import Taxonomy

TAXONOMY = Taxonomy(["a"], ["Safe", "Low", "High"])
LAYOUT = Layout(TAXONOMY, relevance=False, benign=True)


def array(*values):
    return np.array(values, dtype=np.int64)


@st.composite
def weighted_rows(draw):
    width = draw(st.integers(1, 4))
    top = draw(st.sampled_from([1, 3, 50, 2**40]))
    row = st.lists(st.integers(-1, top), min_size=width, max_size=width)
    rows = draw(st.lists(row, min_size=1, max_size=30))
    weight = draw(st.lists(st.integers(1, 1000), min_size=len(rows), max_size=len(rows)))
    return np.array(rows, dtype=np.int64), np.array(weight, dtype=np.int64)


@st.composite
def clustered(draw):
    """Patterns of prompt, response, benign and group; and clusters of them."""
    row = st.tuples(st.integers(-1, 2), st.integers(-1, 2), st.integers(-1, 1), st.integers(0, 2))
    values = draw(st.lists(row, min_size=1, max_size=8, unique=True))
    one = st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=4).map(sorted).map(tuple)
    kinds = draw(st.dictionaries(one, st.integers(1, 5), min_size=1, max_size=6))
    n = Counter()
    for kind, weight in kinds.items():
        for at in kind:
            n[at] += weight
    used = sorted(n)
    number = {at: i for i, at in enumerate(used)}
    table = Table(
        np.array([values[at] for at in used], dtype=np.int64),
        array(*(n[at] for at in used)),
        Clusters(
            array(0, *np.cumsum([len(kind) for kind in kinds])),
            array(*(number[at] for kind in kinds for at in kind)),
            array(*kinds.values()),
        ),
    )
    records = [
        (sum(list(kinds.values())[:k]) + copy, values[at])
        for k, (kind, weight) in enumerate(kinds.items())
        for copy in range(weight)
        for at in kind
    ]
    return table, records


def members(counts):
    """Each cluster as the multiset of its patterns, and how many clusters are like it."""
    columns = [counts.prompt[:, 0], counts.response[:, 0], counts.benign]
    patterns = list(zip(*(column.tolist() for column in columns), strict=True))
    if counts.clusters is None:
        return Counter({(p,): n for p, n in zip(patterns, counts.n.tolist(), strict=True)})
    bounds, found = counts.clusters.indptr, Counter()
    for k, weight in enumerate(counts.clusters.weight.tolist()):
        inside = counts.clusters.indices[bounds[k] : bounds[k + 1]]
        found[tuple(sorted(patterns[at] for at in inside))] += weight
    return found


def expected(records, *, group=None):
    clusters = {}
    for cluster, values in records:
        if group is None or values[3] == group:
            clusters.setdefault(cluster, []).append(values[:3])
    return Counter(tuple(sorted(inside)) for inside in clusters.values())


@given(weighted_rows())
def test_equal_rows_become_one_and_their_weights_add_up(table):
    rows, weight = table
    merged, total = distinct_rows(rows, weight)
    count = Counter()
    for row, w in zip(rows.tolist(), weight.tolist(), strict=True):
        count[tuple(row)] += w
    assert [tuple(row) for row in merged.tolist()] == sorted(count)
    assert dict(zip(map(tuple, merged.tolist()), total.tolist(), strict=True)) == count
    assert merged.dtype == total.dtype == np.int64


@settings(max_examples=60)
@given(clustered())
def test_pooling_keeps_every_cluster(made):
    table, records = made
    counts = Grouped(LAYOUT, table, ("x", "y", "z")).pooled()
    assert members(counts) == expected(records)
    assert counts.total == len(records)
    assert counts.units == len({cluster for cluster, _ in records})
    patterns = np.column_stack([counts.prompt, counts.response, counts.benign])
    assert patterns.tolist() == sorted(patterns.tolist())


@settings(max_examples=60)
@given(clustered())
def test_groups_keep_their_part_of_every_cluster(made):
    table, records = made
    names = ("x", "y", "z")
    grouped = Grouped(LAYOUT, table, names)
    for at, name in enumerate(names):
        wanted = expected(records, group=at)
        if wanted:
            assert members(grouped.each()[name]) == wanted


@settings(max_examples=60)
@given(clustered())
def test_sums_are_those_of_the_records_of_each_cluster(made):
    table, records = made
    counts = Grouped(LAYOUT, table, ("x", "y", "z")).pooled()
    event, given_ = counts.response[:, 0] > counts.prompt[:, 0], counts.prompt[:, 0] >= 0
    cells, weight = counts.sums(event & given_, given_)
    wanted = Counter()
    for inside, many in expected(records).items():
        pairs = [(r > p, True) for p, r, _ in inside if p >= 0]
        wanted[sum(e for e, _ in pairs), len(pairs)] += many
    assert dict(zip(map(tuple, cells.tolist()), weight.tolist(), strict=True)) == wanted
    assert cells.tolist() == sorted(cells.tolist())


def test_clusters_of_one_are_none():
    table = Table(
        array([0, 1, 0], [1, 1, 0]), array(2, 1), Clusters(array(0, 1, 2), array(0, 1), array(2, 1))
    )
    assert table.keep(slice(0, 3)).clusters is None


def test_columns_beyond_the_layout_merge():
    table = Table(array([0, 1, -1, 0], [0, 1, -1, 1], [2, 0, 1, 0]), array(3, 4, 5), None)
    counts = LAYOUT.counts(table)
    assert (counts.prompt.tolist(), counts.response.tolist()) == ([[0], [2]], [[1], [0]])
    assert (counts.benign.tolist(), counts.relevance) == ([-1, 1], None)
    assert (counts.n.tolist(), counts.total, counts.units) == ([7, 5], 12, 12)


@pytest.fixture
def counts():
    clusters = Clusters(array(0, 1, 3), array(0, 0, 1), array(2, 1))
    return Counts(
        TAXONOMY, array([0], [1]), array([1], [1]), None, array(1, 0), array(3, 1), clusters
    )


def test_hash_is_of_the_data_alone(counts):
    assert counts.digest() == replace(counts, n=counts.n.astype(np.int32)).digest()
    assert counts.digest() == replace(counts, prompt=np.asfortranarray(counts.prompt)).digest()


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": array([0], [2])},
        {"response": array([1], [0])},
        {"relevance": array(3, 3)},
        {"benign": None},
        {"benign": array(1, -1)},
        {"n": array(3, 2)},
        {"clusters": None},
        {"clusters": Clusters(array(0, 1, 3), array(0, 0, 1), array(1, 1))},
        {"taxonomy": Taxonomy(["b"], ["Safe", "Low", "High"])},
        {"taxonomy": Taxonomy(["a"], ["Safe", "Low", "High"], 2)},
    ],
)
def test_hash_tells_other_data_apart(counts, changed):
    assert replace(counts, **changed).digest() != counts.digest()


def test_which_side_is_unknown_changes_the_hash(counts):
    one = replace(counts, relevance=array(1, 2), benign=None)
    other = replace(counts, relevance=None, benign=array(1, 2))
    assert one.digest() != other.digest()


def test_counts_cannot_be_exchanged(counts):
    with pytest.raises(FrozenInstanceError):
        counts.n = array(1, 1)


def test_case_as_plain_data_has_no_texts():
    case = Case("p", "m", None, {"a": 0}, {"a": None}, 3, "unsolicited_elaboration", "how", "so")
    assert case.to_dict() == {
        "prompt_id": "p",
        "model": "m",
        "sample": None,
        "prompt": {"a": 0},
        "response": {"a": None},
        "relevance": 3,
        "refusal": None,
        "origin": "unsolicited_elaboration",
        "people": None,
    }
