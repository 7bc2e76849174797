"""Arrays, lines and code in the form in which the page gets them."""

import base64
import json

import numpy as np

# As in notebook.mplstyle.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "ink")
_DASHES = ("", "7 3", "7 3 2 3", "2 3", "7 2 2 2 2 2", "2 2", "10 3")


def packed(array, dtype="float16"):
    """Return an array in the form in which core.js unpacks it.

    Parameters
    ----------
    array : array-like
    dtype : {"float16", "float32", "uint8"}
        "uint8" is for pixels: values in [0, 1] in steps of 1/255.
    """
    array = np.asarray(array)
    if dtype == "uint8":
        array = np.rint(np.clip(array, 0, 1) * 255)
    return {
        "dtype": dtype,
        "shape": list(array.shape),
        "bytes": np.ascontiguousarray(array, f"<{np.dtype(dtype).str[1:]}").tobytes(),
    }


def hidden(thing):
    """Return a list or a dict as text from which the page reads it; it is hidden from a glance, not from an attacker."""
    return base64.b64encode(json.dumps(thing, ensure_ascii=False).encode()).decode()


def styles(names):
    """Return colour and dash of each name's line: those of the style file, in its order, so that figures agree."""
    return {
        name: {"colour": _COLOURS[number % len(_COLOURS)], "dash": _DASHES[number % len(_DASHES)]}
        for number, name in enumerate(names)
    }


def code_of(line, before="", after="", **words):
    """Return the line of code that the controls of a display stand for, and the cell that a reader can copy.

    Parameters
    ----------
    line : str
        ``{name}`` stands for the value of the control ``name``.
    before, after : str
        What makes a cell of it that runs by itself; with names in braces, too.
    **words : dict
        By the name of a control: what is written for each of its values, where that is not the value itself.
    """
    return {"line": line, "cell": "\n".join(part for part in (before, line, after) if part), "words": words}
