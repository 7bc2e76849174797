"""The stored tables, models and arrays are what the scripts beside them make."""

import csv
import importlib
import re
from pathlib import Path
from types import SimpleNamespace

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.diagnosis.rules import RULES

from benchmarks import zoo
from notebooks.evidence import (
    anomalies,
    bits,
    blurry_identity,
    code_sizes,
    dead_code_run,
    denoising,
    garment_epochs,
    mean_or_sum,
    patients,
)

EVIDENCE = Path(__file__).resolve().parents[2] / "notebooks" / "evidence"
TABLES = sorted(EVIDENCE.glob("*.csv"))


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_evidence_can_be_recomputed(path):
    """Each table names its command and versions, and the script beside it makes the row again that it calls its sample."""
    first, second = path.read_text(encoding="utf-8").splitlines()[:2]
    module = first.removeprefix("# python -m ")
    assert first.startswith("# python -m ")
    assert module in (f"notebooks.evidence.{path.stem}", "benchmarks.diagnose", "benchmarks.public_reports")
    assert re.match(r"# Python [\d.]+, TensorFlow [\d.]+, Keras [\d.]+", second)
    script = importlib.import_module(module)
    made = script.sample()
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    assert tuple(rows[0]) == script.COLUMNS
    key = {name: str(made[name]) for name in script.COLUMNS if name not in script.MEASURED}
    stored = [row for row in rows if all(row[name] == value for name, value in key.items())]
    assert len(stored) == 1
    for name in script.MEASURED:
        assert made[name] == pytest.approx(float(stored[0][name]), rel=0.03), name


def test_the_designs_that_judge_the_diagnosis_are_those_that_were_sealed():
    assert len(zoo.seals()) > 100 and zoo.broken_seals() == []


NOTES = {"above_threshold", "loss_floor", "noise_left", "one_row", "outliers"}  # rules that never say more than a note


def test_each_fault_has_a_design():
    faults = {design.fault for design in zoo.ZOO.values()} - {"healthy"}
    assert faults == set(RULES) - NOTES, f"the zoo and the rules differ in {faults ^ (set(RULES) - NOTES)}"


def test_the_stored_diagnoses_are_of_the_half_that_judges():
    table = ae.stored_runs("diagnoses")
    halves = dict(zip(table["patient"], table["half"], strict=True))
    assert halves == {name: half for name, half in zoo.halves().items() if half == "judged"}


def test_stored_arrays_are_small():
    assert sum(path.stat().st_size for path in EVIDENCE.glob("*.npz")) <= 8 * 2**20


def test_stored_models_are_better_the_larger_their_code(mnist):
    x = mnist.x_test[:1000]
    models = ae.stored_models("code_sizes")
    assert tuple(models) == code_sizes.SIZES and tuple(ae.stored_models("patients")) == (1, 2, 3, 4, 5, 6, 7)
    assert [ae.predict(model.encoder, x[:2]).shape[1] for model in models.values()] == list(models)
    errors = [ae.mse(x, ae.predict(model, x)) for model in models.values()]
    assert errors == sorted(errors, reverse=True) and errors[0] < ae.mse(x, np.tile(ae.mean_image(x), (1000, 1)))


def test_the_stored_models_are_those_of_the_table(mnist):
    """Their training is too long to be made again, but its beginning is, as the table's sample."""
    errors = ae.stored_runs("code_sizes").query(f"steps == {code_sizes.STEPS} and seed == 0").set_index("size")["test_mse"]
    for size, model in ae.stored_models("code_sizes").items():
        assert ae.mse(mnist.x_test, ae.predict(model, mnist.x_test)) == pytest.approx(errors[size], rel=0.01)


def test_the_script_makes_a_stored_model_again(mnist):
    """Not to the last digit: where sums are taken in another order, pixels are 0.0006 apart; with another seed, 0.024."""
    again, stored = patients.train(6), ae.stored_models("patients")
    x = mnist.x_test[:2000]
    made, kept = ae.predict(again, x), ae.predict(stored[6], x)
    assert ae.mse(x, made) == pytest.approx(ae.mse(x, kept), rel=0.01)
    assert np.abs(made - kept).mean() < 0.008


def test_the_script_records_the_stored_training_again():
    """The first 60 steps: later ones grow apart where sums are taken in another order."""
    again, stored = dead_code_run.record(60), ae.stored_arrays("dead_code_run")
    assert stored["steps"].tolist() == list(range(0, 401, 10)) and again["steps"].tolist() == [0, 10, 20, 30, 40, 50, 60]
    assert again["losses"] == pytest.approx(stored["losses"][:7], rel=1e-3)
    assert again["band"] == pytest.approx(stored["band"][:7], abs=0.05)
    assert stored["rebuilt"].shape == (41, 8, 784) and stored["alive"].shape == (41, 20)


def test_the_script_makes_stored_bits_again(mnist):
    """Learned bits may differ where sums are taken in another order; random ones are all there from the start."""
    stored = ae.stored_arrays("bits")
    images = stored["images"] / np.float32(255)
    assert np.array_equal(images, mnist.x_test[np.ravel(list(bits.PAIRS.values()))])
    made, rebuilt, error = bits.train(mnist, images, "random", 16)
    assert np.array_equal(made, stored["random_bits"][:, :16])
    assert np.abs(rebuilt.astype(int) - stored["random_rebuilt"][0]).mean() < 3
    assert error == pytest.approx(stored["random_errors"][0], rel=0.02)
    assert [len(stored[f"{code}_bits"][0]) for code in bits.CODES] == [sum(bits.SIZES)] * 3


def test_the_script_records_the_stored_epochs_again():
    """Its beginning; what is missing and what is added make up the whole error."""
    stored = ae.stored_arrays("garment_epochs")
    made, errors = garment_epochs.record("the asker's", garment_epochs.STEPS[:2])
    x_test = ae.load("fashion_mnist").x_test
    assert np.array_equal(stored["images"], np.rint(255 * x_test[list(garment_epochs.GARMENTS.values())]))
    assert np.abs(made.astype(int) - stored["made"][0, :2]).mean() < 3
    assert errors == pytest.approx(stored["errors"][0, :2], rel=0.05, abs=1e-5)


def test_the_stored_activations_are_those_of_the_table():
    """Seed 0; the counts give the mean activation, up to the width of a bin."""
    run = ae.stored_arrays("sparse_course")
    table = ae.stored_runs("sparse_course").query("batch_size == 64 and seed == 0").set_index(["model", "steps"])
    middles = (run["edges"][1:] + run["edges"][:-1]) / 2
    for model, counts, shares, means in zip(
        run["models"], run["counts"], run["active_share"], run["mean_activation"], strict=True
    ):
        rows = table.loc[model].loc[run["steps"]]
        assert shares == pytest.approx(rows["active_share"]) and means == pytest.approx(rows["mean_activation"])
        assert counts @ middles / counts.sum(axis=1) == pytest.approx(means, rel=0.05)


def test_the_stored_denoisers_are_those_of_the_table():
    """Means over the five seeds after 2,000 steps; the stored noise is that of the package."""
    run = ae.stored_arrays("denoising")
    table = ae.stored_runs("denoising").set_index(["steps", "measure", "model", "level"])["value"].sort_index()
    names = ["plain", *(f"masking {level}" for level in run["trained"][1:])]
    for name, errors in zip(names, run["errors"], strict=True):
        assert errors == pytest.approx([table[2_000, "masking", name, level].mean() for level in run["levels"]])
    assert run["nothing"] == pytest.approx(table.loc[0, "masking", "do nothing"].loc[run["levels"]], abs=1e-5)
    assert run["mean_image"] == pytest.approx(table[0, "masking", "mean image", 0].item(), abs=1e-5)
    clean = ae.load("mnist").x_test
    for level, noisy in zip(run["shown_levels"], run["noisy"], strict=True):
        assert noisy == pytest.approx(255 * ae.masking_noise(clean, float(level), seed=0)[:8], abs=0.51)


def test_the_stored_units_are_those_of_the_table():
    """Seed 0; the spectrum is that of the training images, from their singular values."""
    run = ae.stored_arrays("mean_or_sum")
    runs = ae.stored_runs("mean_or_sum").query("run == 'sigma' and seed == 0")
    table = runs.set_index(["data", "model", "sigma2"])["kl"]
    variances = run["variances"].tolist()
    places = [variances.index(sigma2) for sigma2 in mean_or_sum.VARIANCES]
    assert sorted((*mean_or_sum.VARIANCES, *mean_or_sum.BETWEEN), reverse=True) == variances
    assert run["alive"][:, :, places].ravel().tolist() == runs["alive"].tolist()
    for place, data in enumerate(run["data"]):
        for model, kl in zip(run["models"], run["kl"][place], strict=True):
            of_table = [table[data, model, sigma2] for sigma2 in mean_or_sum.VARIANCES]
            assert kl[places].sum(axis=1) == pytest.approx(of_table, abs=1e-4)
            assert np.all(np.diff(kl, axis=1) <= 0)
        x = ae.load(str(data)).x_train
        singular = np.linalg.svd(x[:5000] - x[:5000].mean(axis=0), compute_uv=False)
        assert run["spectrum"][place][:10] == pytest.approx(singular[:10] ** 2 / 4999, rel=0.1)
    # Where the mean of a unit has the variance v and its codes together have the prior's, its KL is -log(1 - v) / 2: those with
    # a variance above 0.1 are the units of the largest KL, and are drawn so.
    assert np.array_equal((run["kl"] > -np.log(0.9) / 2).sum(axis=-1), run["alive"])
    # The display counts those above 0.01 by that formula: as the table does.
    loosely = np.array(ae.recorded_display("mean_or_sum").data["loosely"])
    assert loosely[:, :, places].ravel().tolist() == runs["alive_loosely"].tolist()


def test_the_divergence_of_a_linear_model_by_hand():
    """A component of variance e squared against noise of 1 costs one nat; one below the noise costs nothing."""
    assert mean_or_sum.predicted_kl(np.array([np.e**2, 1, 0.5]), 1) == pytest.approx([1, 0, 0])


def test_the_stored_histograms_are_those_of_the_table():
    """Counts in bins give the table's area under the curve, up to the pairs that share a bin."""
    run, table = ae.stored_arrays("anomalies"), ae.stored_runs("anomalies")
    table = table.query("model == 'code 16' and seed == 0 and measure == 'detection'").set_index(["left_out", "level"])["value"]
    for digit, scores in enumerate(run["counts"].astype(float)):
        for name, (known, strange) in zip(run["scores"], scores, strict=True):
            won = strange @ (np.cumsum(known) - known / 2) / known.sum() / strange.sum()
            assert won == pytest.approx(table[digit, name], abs=0.01)


def test_the_two_parts_of_an_error_by_hand():
    """One component: s is 2 and -2, r is 3 and 1. The line through 0 has the slope 1/2 and leaves 2 and 2. Two pixels share."""
    pixels = SimpleNamespace(transform=np.array)
    parts = blurry_identity.split_error(np.array([[2, 0], [-2, 0]]), np.array([[3, 0], [1, 0]]), pixels)
    assert np.array(parts) == pytest.approx(np.array([[(1 - 0.5) ** 2 * 4 / 2, 0], [2**2 / 2, 0]]))


def test_scores_for_strange_images_by_hand(monkeypatch):
    # The pairs (3, 1), (3, 2) and (0, -) : of six, the strange ones win two.
    assert anomalies.detection(np.array([1, 2, 4, 3, 0]), np.array([0, 0, 0, 1, 1])) == pytest.approx(2 / 6)
    # Eleven places on a line: the five nearest of 0 are 0 to 4 away, the mean 2.
    line = np.arange(11, dtype=np.float32)[:, None]
    monkeypatch.setattr(anomalies.np, "array_split", lambda x, _: [x])
    assert anomalies.nearest(line[:1], line) == pytest.approx([2])
    # Two independent directions with variances 4 and 1: (2, 0) is one spread away, (0, 2) two.
    cross = np.array([[2, 0], [-2, 0], [0, 1], [0, -1]], np.float64)
    spread = np.sqrt(np.diag(np.cov(cross.T)))
    assert anomalies.mahalanobis(np.diag(2.0 * spread), cross) == pytest.approx([2, 2], rel=1e-4)
    moved = anomalies.moved(np.eye(784, dtype=np.float32)[:1], 3)
    assert np.flatnonzero(moved).tolist() == [3] and anomalies.relative(np.array([0.5]), np.ones((1, 4))) == [0.5]


def test_the_linear_denoiser_by_hand(monkeypatch):
    """Two pixels that are always alike, 0 or 1, half and half; half of the pixels lost: the normal equations solved by hand."""
    pairs = np.float32([[0, 0], [1, 1]])
    monkeypatch.setattr(denoising, "images", lambda: SimpleNamespace(x_train=pairs))
    # With a bias b and the weight w for each pixel seen: 0 seen means that the clean pixel is 1 with probability 1/5.
    seen = np.float32([[0, 0], [0, 1], [1, 0], [1, 1]])
    share = np.array([5, 1, 1, 1]) / 8
    design, target = np.c_[seen, np.ones(4)] * np.sqrt(share)[:, None], np.array([0.2, 1, 1, 1]) * np.sqrt(share)
    solution = np.linalg.lstsq(design, target, rcond=None)[0]
    denoising.linear_denoiser.cache_clear()
    assert denoising.linear_denoiser(0.5) == pytest.approx(np.c_[solution, solution], abs=1e-4)
    assert denoising.linear(seen, 0.5)[0] == pytest.approx([solution[2]] * 2, abs=1e-4)
    denoising.linear_denoiser.cache_clear()
