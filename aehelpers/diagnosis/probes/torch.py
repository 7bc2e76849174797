"""PyTorch modules; imported only when one is handed over."""

import collections
import contextlib
import functools
import importlib.util
import inspect
import sys

import keras
import numpy as np
import torch
from aehelpers.diagnosis.probes.base import Call, Gradient, Step, more_arguments, reconstruction_among
from aehelpers.diagnosis.probes.function import FunctionProbe
from aehelpers.diagnosis.probes.states import random_states_kept
from aehelpers.diagnosis.rows import number_of
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import ParametrizationList
from torch.overrides import TorchFunctionMode

_RECURRENT = (torch.nn.RNNBase, torch.nn.RNNCellBase)
_WHOLE = (torch.nn.MultiheadAttention,)
_SEQUENTIAL = (*_RECURRENT, torch.nn.Conv1d, torch.nn.MultiheadAttention)
_CONVOLUTIONS = torch.nn.modules.conv._ConvNd
_OVER_STEPS = (torch.nn.Conv1d, torch.nn.ConvTranspose1d)
_FIRST = (*_RECURRENT, *_WHOLE, _CONVOLUTIONS, torch.nn.Linear, torch.nn.Embedding)  # what may be the first to mix a row
_STEP = 1e-3  # of the optimizer that is tried
# Of modules, and of functions by their names: only those of PyTorch itself are ever asked for.
_ACTIVATIONS = {
    torch.nn.ReLU: "relu",
    torch.nn.ReLU6: "relu6",
    torch.nn.LeakyReLU: "leaky_relu",
    torch.nn.ELU: "elu",
    torch.nn.Softplus: "softplus",
    torch.nn.Sigmoid: "sigmoid",
    torch.nn.Hardsigmoid: "hard_sigmoid",
    torch.nn.Tanh: "tanh",
    torch.nn.Softsign: "softsign",
    torch.nn.Softmax: "softmax",
    torch.nn.Softmax2d: "softmax",
}
_FUNCTIONS = {
    "relu": "relu",
    "relu_": "relu",
    "relu6": "relu6",
    "leaky_relu": "leaky_relu",
    "elu": "elu",
    "softplus": "softplus",
    "sigmoid": "sigmoid",
    "sigmoid_": "sigmoid",
    "hardsigmoid": "hard_sigmoid",
    "tanh": "tanh",
    "tanh_": "tanh",
    "softsign": "softsign",
    "softmax": "softmax",
    "exp": "exponential",
}
# After these the numbers are the same, in another order or shape; after any other, nothing is known of their ends.
_REARRANGING = {
    "view",
    "reshape",
    "squeeze",
    "unsqueeze",
    "permute",
    "transpose",
    "flatten",
    "contiguous",
    "__getitem__",
    "unflatten",
}
_MIXING = {
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "matmul",
    "mm",
    "__matmul__",
    "bilinear",
}


class TorchProbe(FunctionProbe):
    """Any `torch.nn.Module`, on its own device; `unchanged` keeps mode, buffers and random state, and no gradient is set."""

    framework = "torch"
    inside = True

    def __init__(self, module, shape, encode):
        super().__init__(module, shape, encode)
        self.names = {id(part): name or type(part).__name__ for name, part in module.named_modules()}
        kinds = [type(part) for part in module.modules()]
        self.sequential = any(issubclass(kind, _SEQUENTIAL) for kind in kinds)
        self.recurrent = any(issubclass(kind, _RECURRENT) for kind in kinds)
        self.tokens = any(issubclass(kind, torch.nn.Embedding) for kind in kinds)
        self.dropout = any("Dropout" in kind.__name__ for kind in kinds)
        self.batch_normalization = any(issubclass(kind, torch.nn.modules.batchnorm._BatchNorm) for kind in kinds)
        first = next((p for p in module.parameters() if p.is_floating_point()), None)
        self.device = torch.device("cpu") if first is None else first.device
        self.dtype = torch.float32 if first is None else first.dtype

    @property
    def time_axis(self):
        """The axis of the time in rows that are series: the last one where the module begins with a convolution over steps."""
        first = next((part for part in self.model.modules() if isinstance(part, _FIRST)), None)
        channels_first = isinstance(first, _OVER_STEPS) and len(self.shape) == 2 and first.in_channels == self.shape[0]
        return 2 if channels_first else 1

    def layer_names(self):
        return [name for name, _ in self.model.named_modules() if name]

    def _tensors(self, x):
        def convert(part):
            kind = torch.int64 if part.dtype.kind in "iub" and self.tokens else self.dtype
            return torch.as_tensor(np.array(part), dtype=kind, device=self.device)

        return keras.tree.map_structure(convert, x)

    def _forward(self, x, training):
        """Return all outputs as a list of tensors."""
        module = self.model
        module.train(training)
        has_forward = type(module).forward is not torch.nn.Module.forward or "forward" in vars(module)
        call = module if has_forward else _halves(module)
        made = call(*x) if isinstance(x, tuple) else call(**x) if isinstance(x, dict) else call(x)
        return _tensors_in(made)

    def outputs(self, x, training):
        with torch.no_grad():
            return [_array(part) for part in self._forward(self._tensors(x), training)]

    def trace(self, x, training=False, place=None, change=None):
        """Run the module and note the calls of its parts, and of PyTorch's functions between them; as that of `KerasProbe`."""
        calls, counts, inside = [], {}, []
        convolutions = {id(part) for part in self.model.modules() if isinstance(part, _CONVOLUTIONS)}
        rows = number_of(x)

        def note(key, name, inputs, result, **more):
            occurrence = counts.get(key, 0)
            counts[key] = occurrence + 1
            inside.append(None)  # what happens from here to the end of this function is not the module's
            if place is not None and (place.key, place.occurrence) == (key, occurrence):
                result = _replaced(result, place.part, change)
            given, made = ([_array(tensor) for tensor in part] for part in (inputs, _tensors_in(result)))
            axis = _unit_axis(key in convolutions, more, made, calls[-1] if calls else None)
            calls.append(Call(name, key, occurrence, given, made, unit_axis=axis, rows=rows, **more))
            inside.pop()
            return result

        def enter(part, _):
            if _is_leaf(part):
                inside.append(part)

        def leave(part, args, kwargs, result):
            leaf = _is_leaf(part)
            about = _facts_of(part, leaf)  # still inside: the weights of some modules are computed when they are looked at
            if leaf:
                inside.pop()
            if inside or isinstance(part, ParametrizationList):  # which gives a weight
                return result
            name = self.names.get(id(part), type(part).__name__)
            return note(id(part), name, _tensors_in((args, kwargs)), result, leaf=leaf, **about)

        class Functions(TorchFunctionMode):
            def __torch_function__(self, function, types, args=(), kwargs=None):
                result = function(*args, **(kwargs or {}))
                name = getattr(function, "__name__", "")
                plain = (
                    isinstance(result, torch.Tensor) and result.is_floating_point() and result.ndim >= 2 and len(result) == rows
                )
                if inside or not plain or name in ("__get__", "__set__"):
                    return result
                inputs = [part for part in _tensors_in((args, kwargs or {})) if part.ndim]
                activation = _FUNCTIONS.get(name)
                unbounded = activation is None and name not in _REARRANGING
                about = {"leaf": True, "mixes": name in _MIXING, "activation": activation, "unbounded": unbounded}
                return note(("function", name), name, inputs, result, **about)

        hooks = []
        with torch.no_grad():
            try:
                for part in self.model.modules():
                    hooks.append(part.register_forward_pre_hook(enter))
                    hooks.append(part.register_forward_hook(leave, with_kwargs=True))
                tensors = self._tensors(x)
                with Functions():
                    made = self._forward(tensors, training)
            finally:
                for hook in hooks:
                    hook.remove()
        return self.as_rows([_array(part) for part in made], rows), calls

    @contextlib.contextmanager
    def unchanged(self):
        """Put back everything that hangs on the module, objects and values, whatever its forward does to itself."""
        put_back = _remember(self.model)
        with random_states_kept():
            try:
                yield
            finally:
                put_back()

    def layers_in(self, part):
        """Return the keys of all modules of a part of the model."""
        return {id(module) for module in part.modules()} if isinstance(part, torch.nn.Module) else set()

    def weights(self):
        return {name: _array(weight) for name, weight in [*self.model.named_parameters(), *self.model.named_buffers()]}

    def trainable(self):
        return {name for name, weight in self.model.named_parameters() if weight.requires_grad}

    def penalty(self, x):
        """A module charges for nothing by itself: penalties stand in the training loop, which nobody sees from here."""
        return 0.0

    def default_loss(self):
        return torch.nn.functional.mse_loss

    def for_the_loss(self, loss, x):
        """Return what a loss takes beside reconstruction and target, as the module gives it in training mode."""
        with torch.enable_grad():
            others = self._made(x)[1]
        return [part.detach() for part in others[: more_arguments(loss, len(others), "the module")]]

    def loss_of(self, loss, target, made, beside):
        with torch.no_grad():
            return float(_value(loss, self._target(made), self._target(target), beside))

    def _target(self, array):
        return torch.as_tensor(np.array(array, np.float32), dtype=self.dtype, device=self.device)

    def _made(self, x, tensors=None):
        """Return the reconstruction in training mode, and what comes out beside it and depends on weights."""
        made = self._forward(self._tensors(x) if tensors is None else tensors, True)
        number = reconstruction_among([tuple(part.shape) for part in made], number_of(x), self.shape)
        others = [part for n, part in enumerate(made) if n != number and part.is_floating_point() and part.requires_grad]
        return made[number].reshape(-1, *self.shape), others

    def gradients(self, x, target, loss):
        """Return a `Gradient` for each trainable weight, and the names of tensors that take part and are no parameters."""
        weights = {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}
        before, hanging = {name: weight.detach().clone() for name, weight in weights.items()}, _hanging(self.model)
        tensors, called, hooks = self._tensors(x), set(), []
        flow = _Flow(_tensors_in(tensors), weights.values())

        def enter(part, args, kwargs):
            if any(flow.comes_from_rows(tensor) for tensor in _tensors_in((args, kwargs))):
                called.update(map(id, part._parameters.values()))
                called.update(map(id, getattr(part, "parametrizations", torch.nn.Module()).parameters()))

        with torch.enable_grad():
            try:
                for part in self.model.modules():
                    hooks.append(part.register_forward_pre_hook(enter, with_kwargs=True))
                with flow:
                    made, others = self._made(x, tensors)
            finally:
                for hook in hooks:
                    hook.remove()
            # Losses that the module keeps as attributes are charged for by whoever trains it.
            kept = [part for _, part in _hanging(self.model) if isinstance(part, torch.Tensor) and part.numel() == 1]
            others = [*others, *(part for part in kept if part.grad_fn is not None and flow.comes_from_rows(part))]
            beside = sum((part.float().square().sum() for part in others), torch.zeros((), device=self.device))
            value = _value(loss, made, self._target(target), others)
            found, other = (_gradients_of(part, list(weights.values())) for part in (value, beside))
        after = dict(self.model.named_parameters())
        gradients = []
        for (name, weight), g, o in zip(weights.items(), found, other, strict=True):
            sets_itself = after.get(name) is not weight or not torch.equal(weight, before[name])
            meets = id(weight) in called and id(weight) in flow.met and not sets_itself
            gradients.append(Gradient(name, weight.ndim >= 2, _word(g), _word(o) == "flows", meets))
        names = {id(part): name for name, part in hanging}
        registered = {id(part) for part in [*weights.values(), *after.values()]}
        unregistered = [
            names.get(id(part), f"a tensor of shape {tuple(part.shape)}")
            for part in flow.leaves
            if id(part) not in registered and (id(part) in names or isinstance(part, torch.nn.Parameter))
        ]
        return gradients, unregistered

    def one_step(self, x, target, loss):
        """Let an optimizer take one step with copies of the weights, and compare it with what its formula says."""
        if "triton" not in sys.modules and importlib.util.find_spec("triton") is not None:  # see _quiet.py
            return []
        with torch.enable_grad():
            made, others = self._made(x)
            value = _value(loss, made, self._target(target), others)
            weights = {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}
            # Not a copy of the module: one that keeps a tensor with a graph, as weight_norm does, cannot be copied.
            copies = {}
            for (name, weight), gradient in zip(weights.items(), _gradients_of(value, list(weights.values())), strict=True):
                if gradient is not None:
                    copies[name] = torch.nn.Parameter(weight.detach().clone())
                    copies[name].grad = gradient
            if not copies:
                return []
            torch.optim.Adam(list(copies.values()), lr=_STEP).step()
        return [_step_of(name, weights[name], after) for name, after in copies.items()]


def _halves(module):
    """Return the way through a module that has an encoder and a decoder, and no ``forward``."""
    encoder, decoder = getattr(module, "encoder", None), getattr(module, "decoder", None)
    if not (callable(encoder) and callable(decoder)):
        raise NotImplementedError(
            f"the class {type(module).__name__} has no method `forward`, and no `encoder` and `decoder` to call one after the "
            "other"
        )

    def through(x):
        described = _tensors_in(encoder(x))
        return decoder(described[0])

    return through


def _unit_axis(convolves, about, made, before):
    """Return where the channels stand: first in the outputs of convolutions, and in what follows them without mixing."""
    dimensions = made[0].ndim if made else 0
    if dimensions == 4:
        return 1
    if dimensions != 3 or about["mixes"]:
        return 1 if convolves and about["mixes"] and dimensions == 3 else -1
    return before.unit_axis if before is not None and before.outputs and before.outputs[0].ndim == 3 else -1


def as_function(module):
    """Return a function from arrays to arrays for a module of TorchScript, outside training mode and on its device."""
    first = next((p for p in module.parameters() if p.is_floating_point()), torch.zeros(()))

    def function(x):
        modes = [(part, part.training) for part in module.modules()]
        tensors = keras.tree.map_structure(
            lambda part: torch.as_tensor(np.array(part), dtype=first.dtype, device=first.device), x
        )
        try:
            module.eval()
            with torch.no_grad():
                made = (
                    module(*tensors) if isinstance(x, tuple) else module(**tensors) if isinstance(x, dict) else module(tensors)
                )
        finally:
            for part, mode in modes:
                part.training = mode
        return [_array(part) for part in _tensors_in(made)]

    return function


class _Flow(TorchFunctionMode):
    """Follows what is computed from the rows, also where no gradient could follow, and notes which weights it meets.

    Whole numbers and comparisons end it: which vector of a codebook is the nearest says nothing that could be differentiated.
    """

    def __init__(self, rows, weights):
        super().__init__()
        self.kept = [*rows, *weights]  # so that no other object gets the number of one of them
        self.from_rows = {id(part) for part in rows}
        self.made_of = {id(part): {id(part)} for part in weights}
        self.met, self.leaves = set(), []

    def comes_from_rows(self, tensor):
        return id(tensor) in self.from_rows

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        made, given = _tensors_in(result), _tensors_in((args, kwargs or {}))
        if getattr(function, "__name__", "") == "__setitem__":
            made = given[:1]
        if not made:
            return result
        weights = set().union(*(self.made_of.get(id(part), ()) for part in given))
        of_rows = any(id(part) in self.from_rows for part in given)
        if of_rows:
            self.met |= weights
        for part in made:
            if part.is_floating_point() and (of_rows or weights):
                self.kept.append(part)
                if of_rows:
                    self.from_rows.add(id(part))
                else:
                    self.made_of[id(part)] = weights
        for part in given if any(part.requires_grad for part in made) else ():
            is_new = part.is_leaf and part.requires_grad and not any(part is one for one in self.leaves)
            if is_new and id(part) not in self.from_rows:
                self.leaves.append(part)
        return result


def _hanging(module):
    """Return all that hangs on a module, with its name: parts, parameters, attributes, and what is in lists and dicts of them.

    So also parts that plain lists hide from `modules()`. Of a lazy module, which its first call builds, only its parts.
    """
    found, waiting = {}, [("", module)]
    while waiting:
        name, value = waiting.pop()
        if id(value) in found:
            continue
        found[id(value)] = name, value
        inside = {}
        if isinstance(value, torch.nn.Module):
            inside = value._modules if _is_unbuilt(value) else vars(value)
        elif isinstance(value, dict):
            inside = value
        elif isinstance(value, (list, tuple, collections.deque)):
            inside = dict(enumerate(value))
        for key, part in inside.items():
            own = key in ("_modules", "_parameters", "_buffers") and isinstance(value, torch.nn.Module)
            waiting.append((name if own else f"{name}.{key}" if name else str(key), part))
    return list(found.values())


def _is_unbuilt(module):
    return any(is_lazy(part) for part in [*module._parameters.values(), *module._buffers.values()])


def _remember(module):
    """Return a function that puts back all that hangs on a module: which objects they are, and their numbers."""
    holders, values, setters = [], [], []
    for _, value in _hanging(module):
        if isinstance(value, torch.nn.Module):
            if _is_unbuilt(value):
                setters.append((functools.partial(setattr, value, "training"), value.training))
            else:
                holders.append((vars(value), dict(vars(value))))
        elif isinstance(value, dict):
            holders.append((value, dict(value)))
        elif isinstance(value, (list, collections.deque)):
            holders.append((value, list(value)))
        elif isinstance(value, torch.Tensor) and not is_lazy(value):
            values.append((value, value.detach().clone(), value.grad if value.is_leaf else None))
        elif isinstance(value, np.ndarray):
            values.append((value, value.copy(), None))
        elif isinstance(value, torch.Generator):
            setters.append((value.set_state, value.get_state()))
        elif isinstance(value, np.random.Generator):
            setters.append((functools.partial(setattr, value.bit_generator, "state"), value.bit_generator.state))

    def put_back():
        for holder, before in holders:
            _fill(holder, before)
        for value, before, gradient in values:
            if isinstance(value, np.ndarray):
                np.copyto(value, before)
                continue
            if value.is_leaf and value.grad is not gradient:
                value.grad = gradient
            if not torch.equal(value, before):  # what was not moved is not touched: a graph of the user's may need it
                with torch.no_grad():
                    value.copy_(before)
        for set_to, before in setters:
            set_to(before)

    return put_back


def _fill(holder, before):
    if isinstance(holder, dict):
        if holder.keys() != before.keys() or any(holder[key] is not value for key, value in before.items()):
            holder.clear()
            holder.update(before)
    elif len(holder) != len(before) or any(a is not b for a, b in zip(holder, before, strict=True)):
        holder.clear()
        holder.extend(before)


def _is_leaf(part):
    """Whether nothing inside of a module is a layer of its own; how its weights are computed is none."""
    return isinstance(part, (*_WHOLE, ParametrizationList)) or all(
        name == "parametrizations" for name, _ in part.named_children()
    )


def _tensors_in(value):
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [tensor for part in value for tensor in _tensors_in(part)] if isinstance(value, (tuple, list)) else []


def _array(tensor):
    return tensor.detach().to("cpu", torch.float32 if tensor.is_floating_point() else tensor.dtype).numpy().copy()


def _replaced(result, number, change):
    if isinstance(result, torch.Tensor):
        return torch.as_tensor(change(_array(result)), dtype=result.dtype, device=result.device)
    if isinstance(result, tuple) and number < len(result) and isinstance(result[number], torch.Tensor):
        return tuple(_replaced(part, 0, change) if n == number else part for n, part in enumerate(result))
    return result


def _facts_of(part, leaf):
    own = list(part.parameters(recurse=leaf))
    mixes = leaf and any(weight.ndim >= 2 for weight in own)
    kernel = _array(part.weight).T if isinstance(part, torch.nn.Linear) else None
    normalization = isinstance(part, (torch.nn.modules.batchnorm._NormBase, torch.nn.LayerNorm, torch.nn.GroupNorm))
    return {
        "mixes": mixes,
        "activation": _ACTIVATIONS.get(type(part)),
        "kernel": kernel,
        "unbounded": normalization,
        "recurrent": isinstance(part, _RECURRENT),
    }


def _value(loss, made, target, others):
    """Return a loss as a scalar; one that also takes what the module gives beside its reconstruction gets it, in that order.

    PyTorch's losses take the reconstruction first. A function of which only the first argument is called a target gets that.
    """
    others = others[: more_arguments(loss, len(others), "the module")]
    value = loss(target, made, *others) if _first_is_target(loss) else loss(made, target, *others)
    value = value[0] if isinstance(value, (tuple, list)) else next(iter(value.values())) if isinstance(value, dict) else value
    return value.mean()


_TARGETS = {"target", "targets", "y_true", "true", "label", "labels", "y", "x", "original", "truth"}


def _first_is_target(loss):
    if isinstance(loss, torch.nn.Module) or (getattr(loss, "__module__", None) or "").startswith("torch"):
        return False
    try:
        first, second = [*inspect.signature(loss).parameters][:2]
    except (TypeError, ValueError):
        return False
    return first in _TARGETS and second not in _TARGETS


def _gradients_of(value, weights):
    if not value.requires_grad:
        return [None] * len(weights)
    return torch.autograd.grad(value, weights, allow_unused=True, retain_graph=True)


def _word(gradient):
    return "none" if gradient is None else "flows" if float(gradient.float().norm()) else "zero"


def _step_of(name, before, after):
    """Compare a first step of Adam, which moves each entry by the learning rate, with the movement that came."""
    size = np.abs(_array(after.grad)).astype(float)
    before, after, eps = _array(before), _array(after), torch.finfo(after.dtype).eps
    expected = _STEP * size / (size + 1e-8)
    should = (expected > 8 * eps * np.abs(before)) & (size > 1e-5)  # the others are too large for the step to be seen in them
    stuck = float((after == before)[should].mean()) if should.any() else 0.0
    return Step(name, int(should.sum()), stuck)
