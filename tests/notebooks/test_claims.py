"""benchmarks/claims.py finds the claims that hold for one draw only."""

import nbformat

from benchmarks import claims

CELLS = """
import aehelpers as ae
import keras
import numpy as np
drawn_before = lambda: np.random.Generator(np.random.PCG64(0))
---
draw = np.random.default_rng(0).integers(10**9)
ae.check({"a draw": draw == drawn_before().integers(10**9), "a number": draw >= 0})
---
keras.utils.set_random_seed(0)
first = np.asarray(ae.autoencoder(input_size=4, code_size=2).get_weights()[0])
keras.utils.set_random_seed(0)
second = np.asarray(ae.autoencoder(input_size=4, code_size=2).get_weights()[0])
ae.check("equal seeds, equal weights", (first == second).all())
noise, before = (ae.masking_noise(np.ones((9, 99)), 0.5, seed=seed) for seed in (0, drawn_before()))
ae.check("noise", (noise == before).all())
"""


def test_what_holds_for_one_draw_is_named(tmp_path):
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS.split("---")]
    path = tmp_path / "01_small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    stored = path.read_bytes()
    assert claims.run(path, 0) == (4, [])
    assert claims.run(path, 1000) == (4, ["a draw", "noise"])
    assert path.read_bytes() == stored
