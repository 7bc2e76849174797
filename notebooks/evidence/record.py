"""How each script of this folder stores its table."""

import csv
import platform
from pathlib import Path

import keras
import tensorflow as tf


def write_table(script, columns, rows, name=None):
    """Write rows to a CSV file of this folder, each as soon as it is there, under the command and the versions that made it.

    Parameters
    ----------
    script : str
        The script's ``__file__``.
    columns : sequence of str
    rows : iterable of dict
        A value for each column.
    name : str, optional
        Of the file; that of the script unless told.
    """
    script = Path(script).resolve()
    folder = Path(__file__).resolve().parent
    path = folder / f"{name or script.stem}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# python -m {'.'.join(script.relative_to(folder.parents[1]).with_suffix('').parts)}\n")
        file.write(f"# Python {platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}\n")
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow(row)
            file.flush()
