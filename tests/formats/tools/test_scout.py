"""Inspect Scout: a transcript is one pair, whatever number of scanners looked at it."""

import json

import duckdb


def scan(transcript, scanner, value, kind="number", **more):
    talk = [{"role": "user", "content": "How?"}, {"role": "assistant", "content": "So."}]
    return {
        "transcript_id": transcript,
        "scanner_key": scanner,
        "input_type": "transcript",
        "input": json.dumps({"messages": talk}),
        "value": value,
        "value_type": kind,
        "scan_error": None,
        **more,
    }


def written(place, *scans):
    lines = place.with_suffix(".jsonl")
    lines.write_text("".join(json.dumps(one) + "\n" for one in scans))
    columns = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in scans[0]) + "}"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (FROM read_json('{lines}', columns={columns})) TO '{place}'")
    lines.unlink()
    return place


def test_a_small_file_says_all_there_is_to_say(small, rows):
    found, held = rows(small / "inspect-scout.parquet", {"harm": "harmful"})
    assert found.left_out == {
        "a scan of less than a transcript": 1,
        "no response": 1,
        "repeated in another log of the run": 1,
    }
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", None]
    assert held[2]["status"] == "unscored"
    assert (held[1]["prompt"], held[1]["turn"]) == ("Where do slugs sleep?", "2")


def test_files_of_several_scanners_are_put_together(tmp_path, rows):
    written(tmp_path / "harm.parquet", scan("a", "harm", "7"), scan("b", "harm", "2"))
    written(tmp_path / "tone.parquet", scan("a", "tone", "calm", "string"), scan("b", "tone", None))
    found, held = rows(tmp_path, {"harm": "harmful"}, cuts=(5,))
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe"]
    assert held[0]["score_tone"] == "calm"
    assert found.left_out == {"repeated in another log of the run": 2}


def test_a_scanner_that_says_several_things_has_a_score_for_each(tmp_path, rows):
    said = json.dumps({"harm": True, "refused": False})
    place = written(tmp_path / "both.parquet", scan("a", "both", said, "object"))
    _, (row,) = rows(place, {"both.harm": "harmful", "both.refused": "refused"})
    assert (row["response_harm"], row["refusal"]) == ("Harmful", "complied")
