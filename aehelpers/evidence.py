"""What was computed beforehand and lies in the folder ``evidence`` beside the notebooks: tables of runs, and trained models."""

import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from aehelpers.validation import Dict, Model, takes

BUNDLE = Path(__file__).resolve().parent / "bundle"  # in a wheel: the notebooks with their evidence, and the website


def _name_of_file(value, name):
    if not isinstance(value, str):
        raise TypeError(f"{name} must be the name of a file without its ending, such as 'step_code', but it is {value!r:.200}")
    if not value.isidentifier():
        raise ValueError(
            f"{name} must be the name of a file without folder and ending, such as 'step_code', but it is {value!r:.200}"
        )
    return value


@takes(name=_name_of_file)
def stored_runs(name):
    """Read the results of runs that are too long for a notebook, from ``evidence/<name>.csv`` beside the notebooks.

    A file in the folder from which the notebook runs comes first, then one in its folder ``notebooks``. Elsewhere it is that of
    the project, if the package is used from the project's own folder, as ``run.py`` installs it, or that of the wheel.

    Parameters
    ----------
    name : str
        For example "step_code".

    Returns
    -------
    pandas.DataFrame
        A row a run, under the file's own column names. What they mean stands in the script beside the file, which made it.

    Raises
    ------
    FileNotFoundError
        If there is no such file: the message says where it was looked for.
    """
    return pd.read_csv(_find(f"{name}.csv"), comment="#")


@takes(name=_name_of_file)
def stored_models(name):
    """Read models that were trained beforehand, from ``evidence/<name>.npz`` beside the notebooks (see `stored_runs`).

    Parameters
    ----------
    name : str
        For example "code_sizes".

    Returns
    -------
    dict
        ``{value: keras.Model}``, in the order in which they were stored. Their weights were stored as float16 and are
        float32 again, so that they differ from the trained ones in the fourth digit.

    Raises
    ------
    FileNotFoundError
        If there is no such file: the message says where it was looked for.
    """
    with np.load(_find(f"{name}.npz"), allow_pickle=False) as file:
        models = {}
        for number, (value, description) in enumerate(json.loads(str(file["models"]))):
            models[value] = keras.saving.deserialize_keras_object(description)
            count = len(models[value].weights)
            models[value].set_weights([file[f"{number}_{place}"].astype(np.float32) for place in range(count)])
    return models


@takes(name=_name_of_file)
def stored_arrays(name):
    """Read arrays that were computed beforehand, such as a recorded training, from ``evidence/<name>.npz`` (see `stored_runs`).

    Parameters
    ----------
    name : str
        For example "dead_code_run".

    Returns
    -------
    dict
        ``{name: ndarray}``, as they were stored.

    Raises
    ------
    FileNotFoundError
        If there is no such file: the message says where it was looked for.
    """
    with np.load(_find(f"{name}.npz"), allow_pickle=False) as file:
        return dict(file)


@takes(models=Dict(Model()))
def store_models(path, models):
    """Write models to a file for `stored_models`, their weights as float16; called by the scripts in ``notebooks/evidence``.

    Parameters
    ----------
    path : str or Path
    models : dict
        ``{value: keras.Model}``; each value is a number or a string.
    """
    described = [(value, _for_older_keras(keras.saving.serialize_keras_object(model))) for value, model in models.items()]
    weights = {
        f"{number}_{place}": weight.astype(np.float16)
        for number, model in enumerate(models.values())
        for place, weight in enumerate(model.get_weights())
    }
    np.savez_compressed(path, models=json.dumps(described), **weights)


def _for_older_keras(description):
    """Leave out which arguments of initializers are None: that is their default, and an older Keras may not have them all."""
    if isinstance(description, list):
        return [_for_older_keras(part) for part in description]
    if not isinstance(description, dict):
        return description
    parts = {name: _for_older_keras(part) for name, part in description.items()}
    if parts.get("module") == "keras.initializers":
        parts["config"] = {name: value for name, value in parts["config"].items() if value is not None}
    return parts


def _find(file):
    project = Path(__file__).resolve().parents[1]
    folders = [Path.cwd(), Path.cwd() / "notebooks", project / "notebooks", BUNDLE / "notebooks"]
    for folder in folders:
        path = folder / "evidence" / file
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"there is no evidence/{file} in {', '.join(map(str, folders))}. Run the notebook in the folder of the notebooks: "
        "its evidence folder belongs beside it"
    )
