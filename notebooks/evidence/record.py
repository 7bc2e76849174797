"""How each script of this folder stores its table."""

import csv
import platform
from pathlib import Path

import keras
import tensorflow as tf


def write_table(script, columns, rows):
    """Write rows to the CSV file beside a script, each as soon as it is there, under the command and the versions that made it.

    Parameters
    ----------
    script : str
        The script's ``__file__``.
    columns : sequence of str
    rows : iterable of dict
        A value for each column.
    """
    path = Path(script).with_suffix(".csv")
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# python notebooks/evidence/{Path(script).name}\n")
        file.write(f"# Python {platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}\n")
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow(row)
            file.flush()
