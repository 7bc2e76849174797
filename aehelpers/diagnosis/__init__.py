"""What is wrong with an autoencoder, by which number one knows, what to change, and where it is explained."""

from dataclasses import fields

import keras
import numpy as np
from aehelpers.diagnosis import faults  # noqa: F401  the rules add themselves
from aehelpers.diagnosis.facts import NEEDS_INSIDE, STEPS
from aehelpers.diagnosis.facts.examination import FEW, RECURRENT_ROWS, ROWS, Examination, said
from aehelpers.diagnosis.probes import examinable, probe_of
from aehelpers.diagnosis.probes.base import CannotMeasure
from aehelpers.diagnosis.report import Diagnosis, columns_of, ladder_of
from aehelpers.diagnosis.rows import KINDS, Rows, kind_of, names_of, number_of, parts, some
from aehelpers.diagnosis.rules import find
from aehelpers.validation import SHOWN, Function, OneOf, Optional, Text, takes
from tqdm.auto import tqdm

MOST_INPUTS = 8  # arrays of a list
_NO_INSIDE = (
    "gradients, dead units and the training mode, for a function shows nothing of its inside; hand over the keras.Model or the "
    "torch.nn.Module itself, if there is one"
)


def _named_rows(value, name):
    rows = Rows(several=True)(value, name)
    return rows, names_of(value)


def _target(value, name):
    if isinstance(value, tuple):
        if len(value) != 2:
            raise ValueError(f"{name} must be one array or a pair of two, but it has {len(value)} parts")
        return tuple(Rows()(part, f"part {number} of {name}") for number, part in enumerate(value))
    return Rows()(value, name)


def _before(value, name):
    if isinstance(value, dict) and all(hasattr(part, "shape") for part in value.values()):  # a state_dict
        return {
            key: part.detach().cpu().numpy() if hasattr(part, "detach") else np.asarray(part) for key, part in value.items()
        }
    # Not `model.weights`: those are the weights of now, and have never moved.
    if not isinstance(value, (list, tuple)) or not all(isinstance(b, np.ndarray) and b.dtype.kind == "f" for b in value):
        raise TypeError(
            f"{name} must be an earlier model.get_weights(), a list of arrays, or for PyTorch a copy of "
            "model.state_dict(), but it is "
            f"{value!r:.{SHOWN}}"
        )
    return list(value)


def _loss(value, name):
    if not isinstance(value, str) and not callable(value):
        raise TypeError(f"{name} must be the name of a loss or a function, but it is {value!r:.{SHOWN}}")
    return value


@takes(
    model=examinable,
    x_train=_named_rows,
    x_test=Optional(Rows(several=True)),
    target=Optional(_target),
    loss=Optional(_loss),
    before=Optional(_before),
    code=Optional(Text()),
    encode=Optional(Function("an array of rows")),
    kind=Optional(OneOf(*KINDS)),
)
def diagnose(model, x_train, x_test=None, *, target=None, loss=None, before=None, code=None, encode=None, kind=None):
    """Measure what can be wrong with an autoencoder, and say what is.

    The model is run on rows, in and outside training mode, and the gradient of its loss is taken once. Afterwards it is as it
    was, bit by bit: not trained, not compiled. One that was never called is built.

    Parameters
    ----------
    model : keras.Model, torch.nn.Module or callable
        From rows to reconstructions. A Keras model may be written in any way, also with ``encoder`` and ``decoder`` and no
        ``call``; of several outputs, the first with the shape of the target is the reconstruction. Of a function from arrays to
        arrays only what it gives can be judged.
    x_train : array, or a tuple, list or dict of arrays
        Rows that it was trained with, in the form in which it gets them: a table (rows, columns), images (rows, height, width),
        with channels last or, for PyTorch, first, flat images, series (rows, steps, channels), tokens (rows, steps); any range.
        Several arrays for a model of several inputs.
    x_test : the same, optional
        Others of the kind. Without them, or with fewer than 30, everything is measured on ``x_train``, and overfitting cannot
        be seen.
    target : array, or pair of arrays, optional
        What should come back for the rows of ``x_train``, if not they themselves; any shape. With ``x_test`` a pair, for both.
    loss : str or callable, optional
        What it was trained with. For Keras ``loss(target, made)``, and what the model was compiled with unless told; for
        PyTorch ``loss(made, target)``, or one that also takes what else the module gives. The squared error where nothing is
        known.
    before : list of ndarray, or dict, optional
        What ``model.get_weights()`` returned before the training, or a copy of PyTorch's ``model.state_dict()``.
    code : str, optional
        The name of the layer whose output is the code. Without it, the code is what ``model.encoder`` gives, or the narrowest
        output through which everything passes.
    encode : callable, optional
        From rows to codes, (rows, units), where the code cannot be seen otherwise.
    kind : {"images", "table", "series", "tokens"}, optional
        What the rows are, if it is not found rightly.

    Returns
    -------
    Diagnosis

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be examined; whatever the model itself says is a finding.

    References
    ----------
    Notebook 09, with how often it is wrong; benchmarks/diagnose.py measures that. Similar tools for networks of any kind:
    E. Schoop, F. Huang and B. Hartmann (2021), UMLAUT: debugging deep learning programs using program structure and model
    behavior, CHI; M. Wardat, B. D. Cruz, W. Le and H. Rajan (2022), DeepDiagnosis: automatically diagnosing faults and
    recommending actionable fixes in deep learning programs, ICSE.
    """
    x_train, column_names = x_train
    e = _examination(model, x_train, x_test, target, loss, before, code, encode, kind)
    e.column_names = column_names
    sections, unmeasured = {"e": e}, []
    if x_test is not None and not e.separate:
        unmeasured += [
            f"anything on x_test: {number_of(x_test)} {e.words.rows} are too few to judge by, so x_train was taken, of which "
            f"{FEW} or more are there"
        ]
    with tqdm(total=len(STEPS), desc="diagnosis", leave=False) as bar:
        for step in STEPS:
            bar.set_postfix_str(step.__name__)
            sections[step.__name__], missing = _measured(step, sections)
            unmeasured += [missing] if missing else []
            bar.update()
    if not e.probe.inside:
        unmeasured += [_NO_INSIDE]
        if e.probe.encode is None:
            unmeasured += ["the code; hand over encode=, a function from rows to codes"]
    flat_facts = {
        field.name: getattr(section, field.name)
        for name, section in sections.items()
        if name != "e" and section is not None
        for field in fields(section)
    }
    findings = find(sections, flat_facts)
    return Diagnosis(findings, ladder_of(flat_facts, e.words), columns_of(e, flat_facts), flat_facts, unmeasured, e)


def _measured(step, sections):
    """Return the facts of one step, and what to say where it failed: then the other steps go on."""
    e, output = sections["e"], sections.get("output")
    arguments = step.__code__.co_varnames[: step.__code__.co_argcount]
    if any(sections.get(name) is None for name in arguments):
        return None, ""
    if output is not None and output.unusable:
        return None, ""
    if step.__name__ in NEEDS_INSIDE and not e.probe.inside:
        return None, ""
    try:
        with e.probe.unchanged():
            return step(**{name: sections[name] for name in arguments}), ""
    except CannotMeasure as error:
        return None, f"{_STEP_NAMES[step.__name__]}, {error}"
    except Exception as error:  # whatever a model says in training mode, or a loss: the other steps go on
        return None, f"{_STEP_NAMES[step.__name__]}, because the model or its loss failed there: {said(error)}"


_STEP_NAMES = {
    "data": "the rows",
    "output": "the output",
    "ladder": "the errors",
    "loss": "the loss",
    "code": "the code",
    "gradients": "the gradients",
    "modes": "the training mode",
    "strange": "rows without a pattern",
}


def _examination(model, x_train, x_test, target, loss, before, code, encode, kind):
    """Check what belongs together, and bring everything to the form in which it is"""
    if isinstance(target, tuple) != (x_test is not None) and target is not None:
        wanted = "a pair of arrays, for x_train and for x_test" if x_test is not None else "one array, for x_train"
        raise ValueError(f"target must be {wanted}, but it is {'a pair' if isinstance(target, tuple) else 'one array'}")
    _same_form(x_train, x_test)
    targets = (target if isinstance(target, tuple) else (target, None)) if target is not None else (None, None)
    probe = probe_of(model, (), encode)
    _one_input(probe, x_train)
    sparse = False
    sets = []
    for x, name, own, place in ((x_train, "x_train", targets[0], 0), (x_test, "x_test", targets[1], 1)):
        if x is None:
            continue
        if own is not None and len(own) != number_of(x):
            label = f"part {place} of target" if isinstance(target, tuple) else "target"
            raise ValueError(f"{label} must have a row for each of the {number_of(x)} rows of {name}, but it has {len(own)}")
        sets.append((x, own))
    first = parts(x_train)[0]
    kind = kind or kind_of(
        first if targets[0] is None else targets[0], probe.sequential, probe.tokens and first.dtype.kind in "iub"
    )
    if not probe.tokens:
        sets = [(_floats(x), None if own is None else _floats(own)) for x, own in sets]
    size = RECURRENT_ROWS if probe.inside and probe.recurrent else ROWS
    made = []
    for x, own in sets:
        x_some = some(x, size)
        own_all, sparse = _what_should_come(probe, x, own)
        own_some = x_some if own_all is x else some(own_all, size)
        made.append((x_some, own_some, own_all))
    enough = len(made[-1][1]) >= FEW or len(made[0][1]) < FEW
    (train, train_target, all_targets), (test, test_target, _) = made[0], made[-1 if enough else 0]
    probe.shape = tuple(train_target.shape[1:])
    _check(model, probe, before, code)
    told = loss if loss is not None else probe.loss
    if isinstance(told, str):
        told = _loss_by_name(probe, told)
    return Examination(
        probe=probe,
        x_train=train,
        x_test=test,
        target_train=train_target,
        target_test=test_target,
        all_targets=all_targets,
        kind=kind,
        told_loss=told,
        before=before,
        code_name=code,
        sparse=sparse,
        test_rows=some(np.arange(number_of(sets[-1 if enough else 0][0])), size),
    )


def _floats(x):
    return keras.tree.map_structure(lambda part: part.astype(np.float32, copy=False), x)


def _one_input(probe, x_train):
    """Raise an error where a model of one input, which says its shape, gets several arrays, side by side or in a list."""
    wanted = probe.wanted_shape()
    if wanted is None:
        return
    arrays = parts(x_train)
    several = len(arrays)
    if several == 1 and len(arrays[0]) <= MOST_INPUTS and arrays[0].shape[2:] == wanted:  # a list of arrays of one shape
        several = len(arrays[0])
    if several > 1:
        raise ValueError(
            f"x_train must be one array of rows of shape {wanted}, for the model takes one input, but it is {several} arrays; "
            "hand over other rows as x_test=, what should come back as target=, and parts of one set as np.concatenate(x_train)"
        )


def _same_form(x_train, x_test):
    if x_test is None:
        return
    shapes = [[part.shape[1:] for part in parts(x)] for x in (x_train, x_test)]
    if type(x_train) is not type(x_test) or len(shapes[0]) != len(shapes[1]):
        raise ValueError("x_test must have the form of x_train, one array or as many")
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"x_test must hold rows of shape {shapes[0][0]}, as x_train does, but its shape is {parts(x_test)[0].shape}"
        )


def _what_should_come(probe, x, own):
    """Return the target of some rows: what was told, the rows themselves, or of tokens the form in which they come back."""
    arrays = parts(x)
    target = arrays[0] if own is None else own
    if len(arrays) > 1 and own is None:
        shapes = _shapes_of_outputs(probe, x)
        target = next((part for part in arrays if part.shape[1:] in shapes), target)
    if target.dtype.kind in "iub" and probe.tokens:
        wide = next((shape for shape in _shapes_of_outputs(probe, x) if shape[:-1] == target.shape[1:]), None)
        if wide is not None:
            return np.eye(max(wide[-1], int(target.max()) + 1), dtype=np.float32)[target][..., : wide[-1]], True
    if target.dtype.kind in "iub":
        target = target.astype(np.float32)
    return target, False


def _shapes_of_outputs(probe, x):
    try:
        with probe.unchanged():
            return [tuple(part.shape[1:]) for part in probe.outputs(some(x, 2), False)]
    except Exception:  # the step that runs the model says what is wrong with it
        return []


def _check(model, probe, before, code):
    if code is not None and code not in probe.layer_names():
        names = ", ".join(probe.layer_names()) or "none, for this is a function: hand over encode="
        raise ValueError(f"code must be the name of a layer, one of {names}, but it is {code!r}")
    if isinstance(before, list) and probe.inside and getattr(model, "built", False):
        now = [weight.shape for weight in probe.weights().values()]
        if [b.shape for b in before] != now:
            raise ValueError(
                f"before must be an earlier model.get_weights(), with shapes {now}, but its shapes are "
                f"{[b.shape for b in before]}"
            )


def _loss_by_name(probe, name):
    if probe.framework != "torch":
        try:
            return keras.losses.get(name)
        except ValueError as error:
            raise ValueError(f"loss must be the name of a Keras loss or a function, but it is {name!r}") from error
    import torch

    known = {
        "mse": torch.nn.functional.mse_loss,
        "mae": torch.nn.functional.l1_loss,
        "bce": torch.nn.functional.binary_cross_entropy,
    }
    if name not in known:
        raise ValueError(f"loss must be one of {', '.join(known)} or a function for a PyTorch module, but it is {name!r}")
    return known[name]
