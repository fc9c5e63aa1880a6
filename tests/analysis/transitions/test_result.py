"""The result of an analysis as rows, as plain data and as text; more in tests/test_api.py."""

import pytest

import riskshift


def test_rows_hold_all_records_first_then_each_group(public_pairs):
    rows = list(public_pairs.rows())
    each = len(list(public_pairs.population.rates()))
    assert [(row["by"], row["group"]) for row in rows[::each]] == [
        ("", ""),
        ("model", "deepseek-v3.1"),
        ("model", "gpt-oss-120b"),
        ("model", "llama-3.3-70b"),
        ("source", "Do-Not-Answer"),
        ("source", "XSTest"),
    ]
    assert len(rows) == 6 * each


def test_row_is_its_rate(any_result):
    rates = list(any_result.population.rates())
    for (category, rate), row in zip(rates, any_result.rows(), strict=False):
        said = rate.to_dict()
        assert (row["category"], row["metric"]) == (category, rate.name)
        for name in (
            "events",
            "trials",
            "estimate",
            "low",
            "high",
            "method",
            "deff",
            "effective_n",
        ):
            assert row[name] == said[name]
        assert row["missing"] == rate.missing
        assert row["confidence"] == pytest.approx(0.95)


def test_rate_is_found_by_name(corpus):
    assert corpus.rate("escalation") is corpus.population.overall["escalation"]
    kept = corpus.rate("persistence", "sexual")
    assert kept is corpus.population.categories["sexual"].rates["persistence"]
    assert str(kept) == "persistence: 47 of 189, 24.9% [19.2%, 31.5%] (wilson, 95%)"


def test_plain_data_say_what_was_read_and_what_was_left_out(any_result):
    found, made = any_result.to_dict(), any_result.provenance
    assert found["riskshift_version"] == riskshift.__version__
    assert (
        found["records"]["read"] - sum(found["records"]["left_out"].values())
        == (found["records"]["analyzed"])
    )
    assert found["records"]["missing"] == made.missing
    assert found["clusters"]["count"] == made.units <= found["records"]["read"]
    assert set(found["timing"]) == {"read", "collapse", "estimate", "leave out", "cases"}


def test_missing_labels_are_counted_by_side(small_results):
    found = small_results["prompts of two sizes"].to_dict()["records"]
    assert found["missing"] == {"missing prompt label": 1, "missing response label": 1}
    found = small_results["nothing labelled"].to_dict()["records"]
    assert found["missing"] == {
        "missing prompt label": 2,
        "missing response label": 2,
        "missing relevance": 2,
    }


def test_plain_data_do_not_share_their_parts_with_the_result(corpus):
    found = corpus.to_dict()
    found["taxonomy"]["categories"].append("spam")
    found["overall"]["transition_matrix"][0][0] = -1
    found["cases"][0]["prompt"]["hate"] = 9
    found["timing"].clear()
    again = corpus.to_dict()
    assert again["taxonomy"]["categories"] == ["hate", "self_harm", "sexual", "violence"]
    assert again["overall"]["transition_matrix"][0][0] == 364
    assert again["cases"][0]["prompt"]["hate"] != 9
    assert again["timing"]


@pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
def test_frame_has_one_type_a_column_whatever_is_undefined(small_results, library):
    import narwhals.stable.v2 as nw

    kinds = {
        tuple(nw.from_native(small_results[name].to_frame(library)).schema.items())
        for name in ("one escalation", "nothing labelled", "prompts of two sizes")
    }
    assert len(kinds) == 1
