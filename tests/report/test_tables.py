"""Tables from items and columns."""

from riskshift.report.render.tabular import narrowed
from riskshift.report.tables import Column, table

COLUMNS = (
    Column[int]("Number", str, text=True),
    Column("Square", lambda n: f"{n * n}", essential=False, legend="Square: by itself."),
    Column("Half", lambda n: f"{n / 2:g}", legend="Half: by two."),
)


def test_rows_are_items_and_columns_their_cells() -> None:
    made = table("Numbers", [2, 3], COLUMNS, notes=["Whole ones."])
    assert made.columns == ("Number", "Square", "Half")
    assert made.rows == (("2", "4", "1"), ("3", "9", "1.5"))
    assert made.footnotes == ("Whole ones.", "Square: by itself. Half: by two.")


def test_leading_columns_of_text_are_counted() -> None:
    assert table("Numbers", [2], COLUMNS).text_columns == 1
    assert table("Numbers", [2], COLUMNS[1:]).text_columns == 0


def test_narrow_places_keep_essential_columns_and_what_they_mean() -> None:
    kept = narrowed(table("Numbers", [2], COLUMNS))
    assert kept.columns == ("Number", "Half")
    assert kept.footnotes == ("Half: by two.",)


def test_without_lesser_columns_narrow_places_keep_all() -> None:
    assert narrowed(table("Numbers", [2], COLUMNS[::2])).columns == ("Number", "Half")


def test_no_items_leave_headings() -> None:
    assert table("Numbers", (), COLUMNS).rows == ()
