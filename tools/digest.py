"""What says whether a notebook's outputs are those of its cells: stored by regenerate.py, and compared by build.py.

It stands alone, so that the website is built without what executes notebooks.
"""

import hashlib


def digest_of(notebook):
    """Return a fingerprint of what the outputs come from: the sources of all code cells."""
    sources = "\0".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(sources.encode()).hexdigest()
