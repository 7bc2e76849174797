"""A small table: HTML in JupyterLab, aligned text elsewhere."""

import html
import numbers
from collections.abc import Iterable


class Table:
    """Rows under named columns.

    Parameters
    ----------
    columns : sequence of str
        The headings.
    rows : sequence of sequences
        One sequence a row, as long as ``columns``. Strings and whole numbers are shown as they are, other numbers with
        four digits, None as an empty place.

    Attributes
    ----------
    columns : tuple of str
    rows : list of tuple

    Raises
    ------
    TypeError
        If ``columns`` does not hold strings, a row is no sequence, or an entry cannot be shown.
    ValueError
        If a row is not as long as ``columns``.
    """

    def __init__(self, columns, rows):
        self.columns = _sequence(columns, "columns")
        for heading in self.columns:
            if not isinstance(heading, str):
                raise TypeError(f"columns must hold strings, but one is {heading!r}")
        self.rows = [_sequence(row, "each row in rows") for row in _sequence(rows, "rows")]
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"each row must have {len(self.columns)} entries, but one has {len(row)}: {row!r}")
            for entry in row:
                try:
                    _text(entry)
                except (TypeError, ValueError) as error:
                    raise TypeError(
                        f"rows must hold strings, real numbers and None, but one entry is {entry!r:.200}"
                    ) from error

    def column(self, name):
        """Return the entries of one column, from top to bottom.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        if name not in self.columns:
            raise ValueError(f"name must be one of {', '.join(map(repr, self.columns))}, but it is {name!r}")
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def __len__(self):
        return len(self.rows)

    def __repr__(self):
        shown = [self.columns, *([_text(entry) for entry in row] for row in self.rows)]
        widths = [max(len(row[i]) for row in shown) for i in range(len(self.columns))]
        right = [self._is_number(i) for i in range(len(self.columns))]
        lines = [
            "  ".join(entry.rjust(w) if r else entry.ljust(w) for entry, w, r in zip(row, widths, right, strict=True)).rstrip()
            for row in shown
        ]
        lines.insert(1, "  ".join("-" * w for w in widths))
        return "\n".join(lines)

    def _repr_html_(self):
        align = ["right" if self._is_number(i) else "left" for i in range(len(self.columns))]

        def line(tag, entries):
            cells = "".join(
                f'<{tag} style="text-align: {a}">{html.escape(e)}</{tag}>' for a, e in zip(align, entries, strict=True)
            )
            return f"<tr>{cells}</tr>"

        body = "\n".join(line("td", [_text(entry) for entry in row]) for row in self.rows)
        return f"<table>\n<thead>{line('th', self.columns)}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"

    def _is_number(self, place):
        entries = [row[place] for row in self.rows if row[place] is not None]
        return bool(entries) and not any(isinstance(entry, str) for entry in entries)


def _sequence(entries, name):
    if isinstance(entries, str) or not isinstance(entries, Iterable):
        raise TypeError(f"{name} must be a sequence, but it is {entries!r:.200}")
    return tuple(entries)


def _text(entry):
    if entry is None:
        return ""
    if isinstance(entry, str):
        return entry
    if isinstance(entry, numbers.Integral):
        return f"{int(entry):,}"
    return f"{float(entry):.4f}" if abs(entry) >= 1e-4 or entry == 0 else f"{float(entry):.1e}"
