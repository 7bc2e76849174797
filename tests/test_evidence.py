"""Runs and models that were computed beforehand: they are found, whole, and what the scripts beside them make."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import aehelpers as ae
import keras
import numpy as np
import pandas as pd
import pytest
from aehelpers.evidence import store_models
from sklearn.decomposition import PCA

ROOT = Path(ae.__file__).resolve().parents[1]
EVIDENCE = ROOT / "notebooks" / "evidence"
TABLES = sorted(path.stem for path in EVIDENCE.glob("*.csv"))
MODELS = sorted(path.stem for path in EVIDENCE.glob("*code_sizes.npz"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder evidence beside a notebook that runs somewhere else."""
    (tmp_path / "evidence").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "evidence"


def script(name):
    specification = importlib.util.spec_from_file_location(name, EVIDENCE / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def code_sizes():
    """The script that makes the stored models."""
    return script("code_sizes")


# Tables.


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_rows_and_the_column_names_of_its_file(name):
    text = (EVIDENCE / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    lines = [line for line in text if line[0] != "#"]
    runs = ae.stored_runs(name)
    assert isinstance(runs, pd.DataFrame) and len(runs) == len(lines) - 1 > 0
    assert list(runs.columns) == lines[0].split(",")
    assert str(runs[runs.columns[0]][0]) == lines[1].split(",")[0]
    assert (ROOT / text[0].removeprefix("# python ")).is_file()


def test_column_names_are_kept_and_numbers_are_numbers(folder):
    (folder / "runs.csv").write_text("# how\n# versions\ncode,zeroed_below_0.1,a b\nstep,0.5,1\nsigmoid,0.25,2\n")
    runs = ae.stored_runs("runs")
    assert runs["zeroed_below_0.1"].tolist() == [0.5, 0.25] and runs["code"].tolist() == ["step", "sigmoid"]
    assert runs.query("code == 'step'")["a b"].item() == 1


def test_from_the_folders_in_which_a_notebook_may_run(tmp_path, monkeypatch):
    tables = []
    for place in (ROOT / "notebooks", ROOT, tmp_path):
        monkeypatch.chdir(place)
        tables.append(ae.stored_runs("step_code"))
    assert tables[0].equals(tables[1]) and tables[0].equals(tables[2])


def test_the_file_beside_the_notebook_comes_first(folder):
    (folder / "step_code.csv").write_text("seed,loss\n1,0.5\n2,0.25\n")
    assert ae.stored_runs("step_code")["loss"].tolist() == [0.5, 0.25]


@pytest.mark.parametrize(("read", "file"), [(ae.stored_runs, r"nothing\.csv"), (ae.stored_models, r"nothing\.npz")])
def test_a_missing_file_says_where_it_was_looked_for(folder, read, file):
    with pytest.raises(FileNotFoundError, match=rf"no evidence/{file} in .*Run the notebook in the folder") as raised:
        read("nothing")
    assert str(folder.parent) in str(raised.value) and str(ROOT / "notebooks") in str(raised.value)


# Models.


def test_models_come_back_with_the_precision_of_float16(folder, small, tiny):
    convolutional = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3, padding="same"), keras.layers.BatchNormalization()]
    )
    models = {
        2: small(hidden=(8,), code_activation="straight_through_step"),
        1: small(hidden=(8,), tied=True),
        "variational": ae.variational_autoencoder(input_size=16, hidden=(8,), code_size=2),
        "convolutional": convolutional,
    }
    ae.fit(models[2], tiny, steps=3, batch_size=32, progress=False)
    store_models(folder / "mine.npz", models)
    loaded = ae.stored_models("mine")
    assert list(loaded) == list(models)
    for name, model in models.items():
        assert type(loaded[name]) is type(model) and len(loaded[name].weights) == len(model.weights)
        for made, weight in zip(loaded[name].get_weights(), model.get_weights(), strict=True):
            assert np.array_equal(made, weight.astype(np.float16).astype(weight.dtype))
        x = tiny.reshape(-1, 4, 4, 1) if name == "convolutional" else tiny
        assert ae.predict(loaded[name], x) == pytest.approx(ae.predict(model, x), abs=5e-3)
    assert ae.predict(loaded[1].encoder, tiny).shape == (96, 4)
    assert ae.fit(loaded["variational"], tiny, steps=2, batch_size=32, progress=False).steps == [1, 2]


def test_a_file_of_models_holds_no_code(folder, small):
    store_models(folder / "mine.npz", {1: small()})
    with np.load(folder / "mine.npz", allow_pickle=False) as file:
        (value, description), *rest = json.loads(str(file["models"]))
        kinds = {file[key].dtype for key in file.files if key != "models"}
    assert value == 1 and not rest and description["registered_name"] == "aehelpers>Autoencoder"
    assert kinds == {np.dtype(np.float16)}


def test_stored_arrays_are_small():
    assert sum(path.stat().st_size for path in EVIDENCE.glob("*.npz")) <= 8 * 2**20


def test_stored_models_are_better_the_larger_their_code(code_sizes, mnist):
    x = mnist.x_test[:1000]
    models = ae.stored_models("code_sizes")
    assert tuple(models) == code_sizes.SIZES
    assert [ae.predict(model.encoder, x[:2]).shape[1] for model in models.values()] == list(models)
    errors = [ae.mse(x, ae.predict(model, x)) for model in models.values()]
    assert errors == sorted(errors, reverse=True) and errors[0] < ae.mse(x, np.tile(ae.mean_image(x), (1000, 1)))


def test_the_script_makes_a_stored_model_again(code_sizes, mnist):
    """Not to the last digit: where sums are taken in another order, pixels are 0.0006 apart; with another seed, 0.024."""
    again, stored = code_sizes.train(32), ae.stored_models("code_sizes")[32]
    x = mnist.x_test[:2000]
    made, kept = ae.predict(again, x), ae.predict(stored, x)
    assert ae.mse(x, made) == pytest.approx(ae.mse(x, kept), rel=0.01)
    assert np.abs(made - kept).mean() < 0.008


# Arrays.


def test_the_script_makes_a_stored_patient_again(mnist, monkeypatch):
    """The one whose training is short: its errors are those of the stored one, and the diagnosis names its fault."""
    monkeypatch.syspath_prepend(EVIDENCE)
    again, stored = script("patients").train(6), ae.stored_models("patients")
    assert tuple(stored) == (1, 2, 3, 4, 5, 6, 7)
    errors = [ae.mse(mnist.x_test, ae.predict(model, mnist.x_test)) for model in (again, stored[6])]
    assert errors[0] == pytest.approx(errors[1], rel=0.02)
    assert ae.diagnose(again, mnist.x_train[:2_000], mnist.x_test[:1_000]).findings[0].code == "undertrained"


def test_arrays_come_back_as_they_were_stored(folder):
    np.savez_compressed(folder / "run.npz", steps=np.arange(3), losses=np.float16([0.5, 0.25]))
    arrays = ae.stored_arrays("run")
    assert {name: (array.dtype, array.tolist()) for name, array in arrays.items()} == {
        "steps": (np.dtype(np.int64), [0, 1, 2]),
        "losses": (np.dtype(np.float16), [0.5, 0.25]),
    }


def test_the_script_records_the_stored_training_again(monkeypatch):
    """The first 60 steps: later ones grow apart where sums are taken in another order."""
    monkeypatch.syspath_prepend(str(EVIDENCE))
    again, stored = script("dead_code_run").record(60), ae.stored_arrays("dead_code_run")
    assert stored["steps"].tolist() == list(range(10, 401, 10)) and again["steps"].tolist() == [10, 20, 30, 40, 50, 60]
    assert again["losses"] == pytest.approx(stored["losses"][:6], rel=1e-3)
    assert again["band"] == pytest.approx(stored["band"][:6], abs=0.05)
    assert stored["rebuilt"].shape == (40, 8, 784) and stored["alive"].shape == (40, 20)


def test_the_script_makes_stored_bits_again(monkeypatch, mnist):
    """Learned bits may differ where sums are taken in another order; random ones are all there from the start."""
    monkeypatch.syspath_prepend(str(EVIDENCE))
    bits, stored = script("bits"), ae.stored_arrays("bits")
    images = stored["images"] / np.float32(255)
    assert np.array_equal(images, mnist.x_test[np.ravel(list(bits.PAIRS.values()))])
    made, rebuilt, error = bits.train(mnist, images, "random", 16)
    assert np.array_equal(made, stored["random_bits"][:, :16])
    assert np.abs(rebuilt.astype(int) - stored["random_rebuilt"][0]).mean() < 3
    assert error == pytest.approx(stored["random_errors"][0], rel=0.02)
    assert [len(stored[f"{code}_bits"][0]) for code in bits.CODES] == [sum(bits.SIZES)] * 3


def test_the_script_records_the_stored_epochs_again(monkeypatch):
    """Its beginning; what is missing and what is added make up the whole error."""
    monkeypatch.syspath_prepend(str(EVIDENCE))
    epochs, stored = script("garment_epochs"), ae.stored_arrays("garment_epochs")
    made, errors = epochs.record("as asked", epochs.STEPS[:2])
    x_test = ae.load("fashion_mnist").x_test
    assert np.array_equal(stored["images"], np.rint(255 * x_test[list(epochs.GARMENTS.values())]))
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
    for name, errors, wrong in zip(names, run["errors"], run["label_error"], strict=True):
        assert errors == pytest.approx([table[2_000, "masking", name, level].mean() for level in run["levels"]])
        assert wrong == pytest.approx(table[2_000, "label error", name, 0].mean())
    assert run["nothing"] == pytest.approx(table.loc[0, "masking", "do nothing"].loc[run["levels"]], abs=1e-5)
    assert run["mean_image"] == pytest.approx(table[0, "masking", "mean image", 0].item(), abs=1e-5)
    clean = ae.load("mnist").x_test
    for level, noisy in zip(run["shown_levels"], run["noisy"], strict=True):
        assert noisy == pytest.approx(255 * ae.masking_noise(clean, float(level), seed=0)[:8], abs=0.51)


def test_the_stored_units_are_those_of_the_table():
    """Seed 0; the spectrum is that of the training images, from their singular values."""
    run = ae.stored_arrays("mean_or_sum")
    table = ae.stored_runs("mean_or_sum").query("run == 'sigma' and seed == 0").set_index(["data", "model", "sigma2"])["kl"]
    for place, data in enumerate(run["data"]):
        for model, kl in zip(run["models"], run["kl"][place], strict=True):
            assert kl.sum(axis=1) == pytest.approx([table[data, model, sigma2] for sigma2 in run["variances"]], abs=1e-4)
            assert np.all(np.diff(kl, axis=1) <= 0)
        x = ae.load(str(data)).x_train
        singular = np.linalg.svd(x[:5000] - x[:5000].mean(axis=0), compute_uv=False)
        assert run["spectrum"][place][:10] == pytest.approx(singular[:10] ** 2 / 4999, rel=0.1)


def test_the_divergence_of_a_linear_model_by_hand(monkeypatch):
    """A component of variance e squared against noise of 1 costs one nat; one below the noise costs nothing."""
    monkeypatch.syspath_prepend(str(EVIDENCE))
    assert script("mean_or_sum").predicted_kl(np.array([np.e**2, 1, 0.5]), 1) == pytest.approx([1, 0, 0])


def test_the_stored_histograms_are_those_of_the_table():
    """Counts in bins give the table's area under the curve, up to the pairs that share a bin."""
    run, table = ae.stored_arrays("anomalies"), ae.stored_runs("anomalies")
    table = table.query("model == 'code 16' and seed == 0 and measure == 'detection'").set_index(["left_out", "level"])["value"]
    for digit, scores in enumerate(run["counts"].astype(float)):
        for name, (known, strange) in zip(run["scores"], scores, strict=True):
            won = strange @ (np.cumsum(known) - known / 2) / known.sum() / strange.sum()
            assert won == pytest.approx(table[digit, name], abs=0.01)


def test_scores_for_strange_images_by_hand(monkeypatch):
    monkeypatch.syspath_prepend(str(EVIDENCE))
    anomalies = script("anomalies")
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
    monkeypatch.syspath_prepend(str(EVIDENCE))
    denoising = script("denoising")
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


def test_missing_and_added_by_hand(monkeypatch):
    """Two pixels, a reconstruction that halves the first direction and puts something of its own into the second."""
    monkeypatch.syspath_prepend(str(EVIDENCE))
    x = np.float32([[3, 0], [-3, 0], [1, 1], [-1, -1], [1, -1], [-1, 1]])
    pca = PCA(2, svd_solver="covariance_eigh").fit(x)
    made = np.stack([x[:, 0] / 2, [1, 1, 0, 0, 0, 0]], axis=1)
    missing, added = script("blurry_identity").split_error(x, made, pca)
    assert missing == pytest.approx([(9 + 9 + 4) / 6 / 4 / 2, 4 / 6 / 2], rel=1e-5)
    assert added == pytest.approx([0, 2 / 6 / 2], abs=1e-6)
    assert missing.sum() + added.sum() == pytest.approx(ae.mse(x, np.float32(made)), rel=1e-5)
