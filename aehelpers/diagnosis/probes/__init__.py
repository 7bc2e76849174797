"""Three ways to look into something that reconstructs, behind one interface: Keras models, PyTorch modules, any function."""

import sys

from aehelpers.validation import SHOWN
from keras import Model
from keras.layers import Layer


def examinable(value, name):
    """Return a model of one of the three kinds, or raise a `TypeError` that says what to do."""
    torch = sys.modules.get("torch")  # nobody can hand over a module of PyTorch without having imported it
    is_module = torch is not None and isinstance(value, torch.nn.Module)
    if isinstance(value, Model) or is_module or (callable(value) and not isinstance(value, (type, Layer))):
        return value
    hint = ""
    if isinstance(value, str):
        hint = f"; load the file first, keras.models.load_model({value[:SHOWN]!r})"
    elif isinstance(value, type):
        hint = f"; make one of it first, {value.__name__}(...)"
    elif hasattr(value, "inverse_transform") and hasattr(value, "transform"):
        hint = "; hand over a function, lambda x: p.inverse_transform(p.transform(x)), and encode=p.transform"
    elif hasattr(value, "predict"):
        hint = "; hand over its method predict"
    wanted = "a keras.Model, a torch.nn.Module or a function from arrays to arrays"
    raise TypeError(f"{name} must be {wanted}, but it is {value!r:.{SHOWN}}{hint}")


def probe_of(model, shape, encode=None):
    """Return the probe for a model.

    Parameters
    ----------
    model : keras.Model, torch.nn.Module or callable
    shape : tuple of int
        Of one row of what should come back.
    encode : callable, optional
    """
    from aehelpers.diagnosis.probes.function import FunctionProbe

    if isinstance(model, Model):
        from aehelpers.diagnosis.probes.keras import KerasProbe

        return KerasProbe(model, shape, encode)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        from aehelpers.diagnosis.probes.torch import TorchProbe, as_function

        if isinstance(model, torch.jit.ScriptModule):  # compiled: hooks and attributes of Python do not exist there
            return FunctionProbe(as_function(model), shape, encode)
        return TorchProbe(model, shape, encode)
    return FunctionProbe(model, shape, encode)
