"""Runs, models and arrays that were computed beforehand are found, and come back as they were stored."""

import json
import re
from pathlib import Path

import aehelpers as ae
import keras
import numpy as np
import pytest
from aehelpers.evidence import store_models

ROOT = Path(ae.__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder evidence beside a notebook that runs somewhere else."""
    (tmp_path / "evidence").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "evidence"


# Tables.


def test_column_names_are_kept_and_numbers_are_numbers(folder):
    (folder / "runs.csv").write_text("# how\n# versions\ncode,zeroed_below_0.1,a b\nstep,0.5,1\nsigmoid,0.25,2\n")
    runs = ae.stored_runs("runs")
    assert list(runs.columns) == ["code", "zeroed_below_0.1", "a b"]
    assert runs["zeroed_below_0.1"].tolist() == [0.5, 0.25] and runs["code"].tolist() == ["step", "sigmoid"]


@pytest.mark.parametrize("place", [".", "notebooks"])
def test_in_the_folder_of_the_notebooks_or_above_it_and_else_in_the_project(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    assert len(ae.stored_runs("step_code")) == 145
    (tmp_path / place / "evidence").mkdir(parents=True)
    (tmp_path / place / "evidence" / "step_code.csv").write_text("seed,loss\n1,0.5\n2,0.25\n")
    assert ae.stored_runs("step_code")["loss"].tolist() == [0.5, 0.25]


@pytest.mark.parametrize(("read", "file"), [(ae.stored_runs, r"nothing\.csv"), (ae.stored_models, r"nothing\.npz")])
def test_a_missing_file_says_where_it_was_looked_for(folder, read, file):
    with pytest.raises(FileNotFoundError, match=rf"no evidence/{file} in .*Run the notebook in the folder") as raised:
        read("nothing")
    assert str(folder.parent) in str(raised.value) and str(ROOT / "notebooks") in str(raised.value)


# Models and arrays.


def test_an_older_keras_can_read_models(folder, small):
    """GlorotUniform of a later Keras has two arguments, None by default, that Keras 3.13 refuses."""
    store_models(folder / "new.npz", {1: small(kernel_initializer=keras.initializers.RandomNormal(stddev=0.25))})
    for path in [folder / "new.npz", *(ROOT / "notebooks" / "evidence").glob("*.npz")]:
        with np.load(path) as file:
            described = str(file["models"]) if "models" in file else ""
        configs = re.findall(r'"module": "keras.initializers", "class_name": "\w+", "config": ({[^{}]*})', described)
        assert "null" not in "".join(configs), path
        assert path.parent != folder or '{"mean": 0.0, "stddev": 0.25}' in configs


def test_models_come_back_with_the_precision_of_float16(folder, small, tiny):
    parts = [keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3, padding="same"), keras.layers.BatchNormalization()]
    models = {
        2: small(hidden=(8,), code_activation="straight_through_step"),
        1: small(hidden=(8,), tied=True),
        "variational": ae.variational_autoencoder(input_size=16, hidden=(8,), code_size=2),
        "convolutional": keras.Sequential(parts),
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
    assert ae.fit(loaded["variational"], tiny, steps=2, batch_size=32, progress=False).steps == [1, 2]


def test_a_file_of_models_holds_no_code(folder, small):
    store_models(folder / "mine.npz", {1: small()})
    with np.load(folder / "mine.npz", allow_pickle=False) as file:
        (value, description), *rest = json.loads(str(file["models"]))
        kinds = {file[key].dtype for key in file.files if key != "models"}
    assert value == 1 and not rest and description["registered_name"] == "aehelpers>Autoencoder"
    assert kinds == {np.dtype(np.float16)}


def test_arrays_come_back_as_they_were_stored(folder):
    np.savez_compressed(folder / "run.npz", steps=np.arange(3), losses=np.float16([0.5, 0.25]))
    arrays = ae.stored_arrays("run")
    assert {name: (array.dtype, array.tolist()) for name, array in arrays.items()} == {
        "steps": (np.dtype(np.int64), [0, 1, 2]),
        "losses": (np.dtype(np.float16), [0.5, 0.25]),
    }
