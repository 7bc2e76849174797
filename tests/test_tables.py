"""Tables as text and as HTML."""

import html.parser

import aehelpers as ae
import numpy as np
import pytest


def test_text_is_aligned():
    table = ae.Table(("name", "count", "share"), [("a", 7, 0.5), ("longer", 12_345, None), ("b", None, 0.000012)])
    assert repr(table) == (
        "name     count    share\n------  ------  -------\na            7   0.5000\nlonger  12,345\nb               1.2e-05"
    )


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (3, "3"),
        (np.int64(1234567), "1,234,567"),
        (-3, "-3"),
        (3.0, "3.0000"),
        (np.float32(2.0), "2.0000"),
        (np.float64(0.25), "0.2500"),
        (0.0, "0.0000"),
        (-0.00123, "-0.0012"),
        (9.99e-5, "1.0e-04"),
        (-2e-9, "-2.0e-09"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("0.5", "0.5"),
        ("", ""),
        (None, ""),
    ],
)
def test_how_an_entry_is_written(entry, text):
    assert repr(ae.Table(("a column",), [(entry,)])).split("\n")[2].strip() == text
    assert f">{text}</td>" in ae.Table(("a column",), [(entry,)])._repr_html_()


def test_a_column_with_a_word_in_it_stands_left():
    lines = repr(ae.Table(("c", "n"), [("x", 1), (22222, 10)])).splitlines()
    assert lines[2:] == ["x        1", "22,222  10"]


def test_html():
    table = ae.Table(("a<b", "n"), [("<script>&\"'", 1), ("plain", 2.5)])
    made = table._repr_html_()
    seen = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            seen.append((tag, dict(attributes).get("style")))

        def handle_data(self, data):
            if data.strip():
                seen.append(data)

    Reader(convert_charrefs=True).feed(made)
    left, right = "text-align: left", "text-align: right"
    assert seen == [
        ("table", None),
        *[("thead", None), ("tr", None), ("th", left), "a<b", ("th", right), "n"],
        ("tbody", None),
        *[("tr", None), ("td", left), "<script>&\"'", ("td", right), "1"],
        *[("tr", None), ("td", left), "plain", ("td", right), "2.5000"],
    ]
    assert "<script>" not in made


def test_column_and_rows():
    table = ae.Table(["a", "b"], ([i, i * i] for i in range(3)))
    assert table.columns == ("a", "b") and table.rows == [(0, 0), (1, 1), (2, 4)] and len(table) == 3
    assert table.column("b") == [0, 1, 4]
    for name in ("c", "", None, 0):
        with pytest.raises(ValueError, match="name must be one of 'a', 'b'"):
            table.column(name)


@pytest.mark.parametrize("row", [(1,), (1, 2, 3), ()])
def test_row_of_the_wrong_length(row):
    with pytest.raises(ValueError, match=f"each row must have 2 entries, but one has {len(row)}"):
        ae.Table(("a", "b"), [(1, 2), row])


def test_empty_table():
    table = ae.Table(("a", "bb"), [])
    assert repr(table) == "a  bb\n-  --" and len(table) == 0 and table.column("bb") == []
    assert "<tbody>" in table._repr_html_()
