"""Does each design have the fault that it is said to have? Measured without `ae.diagnose`, and without its facts.

Each measure is a sentence about what the fault does, written before anything was known of how the diagnosis finds it. What the
measures return is printed; the first number is true or false.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.decomposition import PCA

from benchmarks.zoo import data as zoo_data
from benchmarks.zoo.registry import ZOO

ROWS = 1_500


def is_torch(model):
    return type(model).__module__.startswith("torch") or any("torch" in base.__module__ for base in type(model).__mro__)


def rows_of(x, start=0, stop=ROWS):
    if isinstance(x, dict):
        return {key: part[start:stop] for key, part in x.items()}
    if isinstance(x, (tuple, list)):
        return type(x)(part[start:stop] for part in x)
    return np.asarray(x)[start:stop]


def first_of(x):
    """Return the array of the rows themselves where there are several inputs."""
    if isinstance(x, dict):
        return next(iter(x.values()))
    return x[0] if isinstance(x, (tuple, list)) else x


def as_tensors(x):
    import torch

    return torch.from_numpy(np.ascontiguousarray(x))


def outputs(model, x, training=False):
    """Return all that a model of any framework gives, as a list of arrays."""
    if is_torch(model):
        import torch

        model.train(training)
        with torch.no_grad():
            made = model(*map(as_tensors, x)) if isinstance(x, tuple) else model(as_tensors(x))
        model.eval()
    elif isinstance(model, keras.Model):
        if type(model).call is keras.Model.call:  # the encoder and the decoder are all there is
            parts = model.encoder(x)
            made = model.decoder(parts[0] if isinstance(parts, (list, tuple)) else parts)
        else:
            made = model([*x] if isinstance(x, tuple) else x, training=training)
    else:
        made = model(x)
    if isinstance(made, dict):
        made = list(made.values())
    return [np.asarray(part).astype(np.float64) for part in (made if isinstance(made, (list, tuple)) else [made])]


class Seen:
    """One trained design: rows, targets, and what comes out."""

    def __init__(self, name, seed=0):
        design = ZOO[name]
        model, arguments = design.train(seed)
        self.name, self.design, self.model, self.arguments = name, design, model, arguments
        self.x_train = rows_of(arguments["x_train"])
        self.separate = arguments.get("x_test") is not None
        self.x_test = rows_of(arguments["x_test"]) if self.separate else self.x_train
        target = arguments.get("target")
        pair = target if isinstance(target, tuple) else (target, target)
        self.y_train, self.y_test = (
            np.asarray(first_of(x) if y is None else rows_of(y), np.float64)
            for x, y in zip((self.x_train, self.x_test), pair, strict=True)
        )

    def run(self, x, y, training=False):
        """Return the output that has the target's shape, and the target."""
        made = outputs(self.model, x, training)
        if self.design.kind == "tokens" and y.ndim == 2:
            y = np.eye(made[0].shape[-1])[y.astype(int)]
        fitting = [part for part in made if part.shape == y.shape]
        if not fitting:
            raise ValueError(f"no output of the shape {y.shape}: {[part.shape for part in made]}")
        return fitting[0], y

    def relative(self, x, y, training=False):
        """Return the squared error as a share of that of the training rows' mean."""
        made, y = self.run(x, y, training)
        mean = (np.eye(y.shape[-1])[self.y_train.astype(int)] if y.ndim != self.y_train.ndim else self.y_train).mean(axis=0)
        return float(np.square(made - y).mean() / np.square(y - mean).mean())

    def numbers(self):
        made, y = self.run(self.x_test, self.y_test)
        spread = y.reshape(len(y), -1).var(axis=0).sum()
        return {
            "error": self.relative(self.x_test, self.y_test),
            "training": self.relative(self.x_train, self.y_train),
            "variation": float(made.reshape(len(made), -1).var(axis=0).sum() / max(spread, 1e-12)),
        }

    def components(self, error):
        """Return how many principal components of the training rows reach that share of the error."""
        flat = self.y_train.reshape(len(self.y_train), -1)
        kept = np.cumsum(PCA(random_state=0).fit(flat).explained_variance_ratio_)
        return int(np.searchsorted(kept, 1 - error) + 1)

    def per_column(self):
        """Return the squared error of each column or channel as a share of its variance."""
        made, y = self.run(self.x_test, self.y_test)
        axes = tuple(range(y.ndim - 1))
        return np.square(made - y).mean(axis=axes) / np.maximum(y.var(axis=axes), 1e-12)


def longer(name, factor, seed=0):
    """Train a design anew, so many times as long."""
    zoo_data.STRETCH = factor
    try:
        return Seen(name, seed).numbers()["training"]
    finally:
        zoo_data.STRETCH = 1


def activities(model, x):
    """Return the outputs of the layers of a model by name: of a functional one in Keras, or of PyTorch's innermost modules."""
    if is_torch(model):
        found, hooks = {}, []
        for name, module in model.named_modules():
            if not list(module.children()):
                hooks.append(module.register_forward_hook(lambda _, __, made, name=name: found.setdefault(name, made)))
        outputs(model, x)
        for hook in hooks:
            hook.remove()
        return {name: np.asarray(made.detach()) for name, made in found.items() if hasattr(made, "detach")}
    names = [layer for layer in model.layers if layer.name and not isinstance(layer, keras.layers.InputLayer)]
    several = keras.Model(model.inputs, [layer.output for layer in names])(x)
    several = several if isinstance(several, (list, tuple)) else [several]
    return {layer.name: np.asarray(made) for layer, made in zip(names, several, strict=True)}


def constant_share(values):
    """Return the share of the units (channels, of a map) that are the same for all rows."""
    axes = tuple(range(values.ndim - 1))
    return float((np.ptp(values, axis=axes) <= 1e-5 * max(np.abs(values).max(), 1e-3)).mean())


def healthy(seen):
    """The error is small, on other rows nearly as small. The worst percent of the rows is left out: there may be outliers."""
    numbers = seen.numbers()
    made, y = seen.run(seen.x_test, seen.y_test)
    each = np.square(made - y).reshape(len(y), -1).mean(axis=1)
    usual = each <= np.quantile(each, 0.99)
    error = float(each[usual].mean() / y[usual].reshape(usual.sum(), -1).var(axis=0).mean())
    numbers |= {"usual rows": error, "components": seen.components(min(error, 0.999)), "of": y[0].size}
    sound = error < 0.45 and error < 1.6 * numbers["training"] + 0.02
    if seen.design.kind == "table":
        numbers["median column"] = float(np.median(seen.per_column()))
        sound &= numbers["median column"] < 0.5
    return {"shown": sound and all(np.isfinite(list(numbers.values()))), **numbers}


def constant(seen):
    numbers = seen.numbers()
    return {"shown": numbers["variation"] < 0.05 and numbers["error"] > 0.9, **numbers}


def undertrained(seen):
    numbers = seen.numbers()
    more = longer(seen.name, 6)
    return {"shown": numbers["variation"] > 0.03 and more < 0.75 * numbers["training"], **numbers, "six times as long": more}


def unreachable(seen):
    """Where the data and the output's range lie, and how much of the targets is outside of it."""
    numbers = seen.numbers()
    made, y = seen.run(seen.x_test, seen.y_test)
    outside = float(np.square(y - y.clip(made.min(), made.max())).mean() / y.var())
    ends = {"targets": [float(y.min()), float(y.max())], "outputs": [float(made.min()), float(made.max())]}
    small = np.ptp(y) < 0.02 * 1 or np.ptp(made) > 20 * np.ptp(y)
    far = abs(made.mean() - y.mean()) > 3 * y.std()
    return {"shown": bool(outside > 0.1 or small or far), **numbers, "outside": outside, **ends}


def squeezed(seen):
    numbers = seen.numbers()
    made, y = seen.run(seen.x_test, seen.y_test)
    ends = [float(made.min()), float(made.max())]
    return {"shown": np.ptp(made) < 0.6 * np.ptp(y) and numbers["error"] > 0.5, **numbers, "outputs": ends}


def logits(seen):
    made, y = seen.run(seen.x_test, seen.y_test)
    errors = [float(np.square(part - y).mean()) for part in (made, 1 / (1 + np.exp(-made)))]
    return {"shown": errors[1] < 0.3 * errors[0], "error": errors[0], "after a sigmoid": errors[1]}


def other_targets(seen):
    """Return other targets that a reader may have meant: input, turned, exchanged, moved, other rows."""
    x, y = np.asarray(first_of(seen.x_test), float), seen.y_test
    found = {"input": x} if x.shape == y.shape else {}
    if seen.design.kind == "tokens":
        made = outputs(seen.model, seen.x_test)[0]
        y = np.eye(made.shape[-1])[y.astype(int)]
        found = {}
    for axis in range(1, y.ndim):
        for step in (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5):
            places = np.arange(y.shape[axis]) - step
            moved = np.take(y, places.clip(0, y.shape[axis] - 1), axis).astype(float)
            there = (places >= 0) & (places < y.shape[axis])
            there = there.reshape([-1 if place == axis else 1 for place in range(y.ndim)])
            if there.any():
                found[f"moved by {step} on axis {axis}"] = np.where(there, moved, np.nan)
        found[f"reversed on axis {axis}"] = np.flip(y, axis)
    if y.ndim == 4:
        for axis in (1, 3):
            for order in ((2, 0, 1), (1, 2, 0), (2, 1, 0)):
                if y.shape[axis] == 3:
                    found[f"channels {order} on axis {axis}"] = np.take(y, order, axis)
    if y.ndim == 2 and y.shape[1] == 784:
        for axis in (1, 2):
            found[f"picture reversed on axis {axis}"] = np.flip(y.reshape(-1, 28, 28), axis).reshape(-1, 784)
    return found, y


def wrong_target(seen):
    made = seen.run(seen.x_test, seen.y_test)[0]
    found, y = other_targets(seen)
    spread = np.square(y - y.mean(axis=0)).mean()
    errors = {name: float(np.nanmean(np.square(made - other)) / spread) for name, other in found.items()}
    own = float(np.square(made - y).mean() / spread)
    if y.ndim == 2:  # the best column for each column
        a, b = ((part - part.mean(axis=0)) / np.maximum(part.std(axis=0), 1e-9) for part in (made, y))
        best = np.abs(a.T @ b / len(a))
        errors["columns exchanged"] = float(1 - np.square(best.max(axis=1)).mean())
        own_column = float(1 - np.square(np.diag(best)).mean())
    else:
        own_column = None
    if y[0].size < 100:
        few = min(len(y), 400)
        apart = np.square(made[:few].reshape(few, 1, -1) - y[:few].reshape(1, few, -1)).mean(axis=2)
        errors["the best row"] = float(apart.min(axis=1).mean() / spread)
    best = min(errors, key=errors.get)
    return {
        "shown": own > 0.75 and errors[best] < 0.6 * own,
        "error": own,
        "best": best,
        "its error": errors[best],
        "own columns": own_column,
    }


def never_moved(seen):
    before = seen.arguments["before"]
    now = [w.detach().numpy() for w in seen.model.parameters()] if is_torch(seen.model) else seen.model.get_weights()
    same = [bool(np.abs(a - b).max() < 1e-6) for a, b in zip(before, now, strict=True) if np.ndim(a) > 1]
    return {"shown": any(same), "kernels that stayed": sum(same), "of": len(same)}


def gradients(seen):
    """Return, for each kernel, the norm of its gradient of the squared error, or None."""
    x, y = rows_of(seen.x_train, 0, 128), seen.y_train[:128]
    if is_torch(seen.model):
        import torch

        seen.model.train().zero_grad()
        made = seen.model(as_tensors(x))
        made = next(iter(made.values())) if isinstance(made, dict) else made[0] if isinstance(made, tuple) else made
        torch.nn.functional.mse_loss(made, as_tensors(y.astype(np.float32))).backward()
        seen.model.eval()
        return [None if w.grad is None else float(w.grad.norm()) for w in seen.model.parameters() if w.ndim > 1]
    with tf.GradientTape() as tape:
        value = tf.reduce_mean((tf.cast(seen.model(x, training=True), tf.float32) - y) ** 2)
    kernels = [w for w in seen.model.trainable_weights if len(w.shape) > 1]
    return [None if g is None else float(np.linalg.norm(np.float64(g))) for g in tape.gradient(value, kernels)]


def no_gradient(seen):
    norms = gradients(seen)
    return {"shown": None in norms, "norms": norms, **seen.numbers()}


def zero_gradient(seen):
    norms = gradients(seen)
    return {"shown": 0.0 in norms, "norms": norms, **seen.numbers()}


def step_fails(seen):
    """Take ten steps of Adam, and look which kernels have a gradient and stay."""
    x, y = rows_of(seen.x_train, 0, 256), seen.y_train[:256].astype(np.float32)
    norms = gradients(seen)
    if is_torch(seen.model):
        import torch

        before = [w.detach().clone() for w in seen.model.parameters()]
        optimizer = torch.optim.Adam(seen.model.parameters(), 1e-3)
        for _ in range(10):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(seen.model(as_tensors(x)), as_tensors(y)).backward()
            optimizer.step()
        stay = [bool((a == b).all()) for a, b in zip(before, seen.model.parameters(), strict=True) if a.ndim > 1]
    else:
        before = [np.asarray(w) for w in seen.model.trainable_weights]
        optimizer = keras.optimizers.Adam(1e-3)
        for _ in range(10):
            with tf.GradientTape() as tape:
                value = tf.reduce_mean((tf.cast(seen.model(x), tf.float32) - y) ** 2)
            optimizer.apply(tape.gradient(value, seen.model.trainable_variables), seen.model.trainable_variables)
        stay = [
            bool((np.asarray(b) == a).all())
            for a, b in zip(before, seen.model.trainable_weights, strict=True)
            if np.ndim(a) > 1
        ]
    return {"shown": any(s and n for s, n in zip(stay, norms, strict=True)), "stayed": stay, "norms": norms}


def dead(seen):
    found = activities(seen.model, seen.x_test)
    shares = {name: constant_share(values) for name, values in found.items() if constant_share(values) > 0.02}
    return {"shown": bool(shares) and max(shares.values()) >= 0.5, "constant": shares, **seen.numbers()}


def dead_code(seen):
    return dead(seen) | {"shown": seen.numbers()["variation"] < 1e-3 and dead(seen)["shown"]}


def dead_outputs(seen):
    made, y = seen.run(seen.x_test, seen.y_test)
    dead = (made.std(axis=0) < 1e-6) & (y.std(axis=0) > 0.02)
    return {"shown": dead.mean() > 0.05, "dead outputs": int(dead.sum()), "of": int(dead.size), **seen.numbers()}


def saturated(seen):
    values = activities(seen.model, seen.x_test)[seen.model.layers[0].name]
    ends = float(((values < 0.05) | (values > 0.95)).mean())
    return {"shown": ends > 0.6, "at the ends": ends, **seen.numbers()}


def modes(seen):
    first, second = (seen.relative(seen.x_train, seen.y_train, training) for training in (True, False))
    return {"shown": second > 1.3 * first, "in training": first, "outside": second}


def overfitted(seen):
    numbers = seen.numbers()
    return {"shown": numbers["training"] < 0.5 * numbers["error"], **numbers}


def copies(seen):
    """Give it noise with the mean and the spread of each column, and count what is left of it."""
    x = np.asarray(first_of(seen.x_test), np.float64)
    noise = x.mean(axis=0) + x.std(axis=0).clip(1e-6) * np.random.default_rng(0).normal(size=x.shape)
    noise = noise.clip(x.min(), x.max()).astype(np.float32)
    made = outputs(seen.model, noise)[0]
    share = float(np.square(made - noise).mean() / noise.var(axis=0).mean())
    return {"shown": share < 0.25, "error of noise": share, **seen.numbers()}


def below_pca(seen):
    numbers = seen.numbers()
    size = seen.model.layers[0].units
    flat = [part.reshape(len(part), -1) for part in (seen.y_train, seen.y_test)]
    pca = PCA(size, random_state=0).fit(flat[0])
    back = pca.inverse_transform(pca.transform(flat[1]))
    of_pca = float(np.square(back - flat[1]).mean() / flat[1].var(axis=0).mean())
    more = longer(seen.name, 3)
    stays = more > 0.85 * numbers["training"]
    return {"shown": numbers["error"] > 1.3 * of_pca and stays, **numbers, "PCA": of_pca, "three times as long": more}


def whispering(seen):
    code = activities(seen.model, seen.x_test)[seen.model.layers[0].name]
    weights = np.linalg.norm(np.asarray(seen.model.layers[1].kernel), axis=1)
    live = code.std(axis=0) > 1e-6
    ratio = float(np.median(code.std(axis=0)[live] / weights[live]))
    return {"shown": ratio < 0.1, "spread of a unit": float(np.median(code.std(axis=0))), "by weight": ratio, **seen.numbers()}


def collapse(seen):
    numbers = seen.numbers()
    made = np.mean([seen.run(seen.x_test, seen.y_test)[0] for _ in range(8)], axis=0)
    varies = float(made.reshape(len(made), -1).var(axis=0).sum() / seen.y_test.reshape(len(made), -1).var(axis=0).sum())
    return {"shown": varies < 0.08 and numbers["error"] > 0.85, **numbers, "variation of the mean of eight": varies}


def wrong_loss(seen):
    """The loss of the targets themselves, and of other answers, the least of which should not be less."""
    loss, y = seen.arguments["loss"], seen.y_test[:500].astype(np.float32)
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    made = seen.run(rows_of(seen.x_test, 0, 500), seen.y_test[:500])[0].astype(np.float32)
    answers = {"target": y, "made": made, "0": 0 * y, "1": 0 * y + 1, "half": y / 2, "double": 2 * y, "far": 0 * y + 100}
    values = {}
    for name, answer in answers.items():
        if is_torch(seen.model):
            value = loss(as_tensors(y), as_tensors(answer)).detach().numpy()
        else:
            value = loss(tf.constant(y), tf.constant(answer))
        values[name] = float(np.mean(value))
    least = min(values, key=values.get)
    gain = values["target"] - values[least]
    equal = [name for name in ("half", "double") if abs(values[name] - values["target"]) < 1e-4 * abs(values["target"])]
    shrunk = seen.numbers()["variation"]
    return {"shown": gain > 0.01 * abs(values["target"]) or bool(equal) or shrunk < 0.3, **values, **seen.numbers()}


def scales(seen):
    numbers, each = seen.numbers(), seen.per_column()
    y = seen.y_test
    spread = y.std(axis=tuple(range(y.ndim - 1)))
    lost = float((each > 0.7).mean())
    ratio = float(spread.max() / max(spread.min(), 1e-12))
    return {"shown": numbers["error"] < 0.3 and lost > 0.3 and ratio > 20, **numbers, "lost columns": lost, "ratio": ratio}


def tiny(seen):
    y = seen.y_train
    ratio = float(np.abs(y.mean(axis=0)).mean() / y.std(axis=0).mean())
    numbers = seen.numbers()
    return {"shown": ratio > 100 and numbers["error"] > 0.8, "mean by spread": ratio, **numbers}


def sets(seen):
    a, b = (np.asarray(first_of(x), float) for x in (seen.x_train, seen.x_test))
    a, b = (part.reshape(-1, part.shape[-1]) if part.ndim == 3 else part.reshape(len(part), -1) for part in (a, b))
    moved = np.abs(b.mean(axis=0) - a.mean(axis=0)) / a.std(axis=0).clip(1e-3)
    ratio = b.std(axis=0) / a.std(axis=0).clip(1e-3)
    strange = (moved > 0.5) | (ratio > 2) | ((ratio < 0.5) & (a.std(axis=0) > 0.02))
    return {
        "shown": strange.mean() > 0.2,
        "columns apart": float(strange.mean()),
        "moved": float(np.median(moved)),
        "ratio": float(np.median(ratio)),
        **seen.numbers(),
    }


def cannot_run(seen):
    try:
        seen.run(seen.x_test, seen.y_test)
    except Exception as error:
        return {"shown": True, "says": str(error).strip().splitlines()[0][:80]}
    return {"shown": False}


def not_finite(seen):
    made = outputs(seen.model, seen.x_test)
    share = float(np.mean([~np.isfinite(part.reshape(len(part), -1)).all(axis=1) for part in made]))
    return {"shown": share > 0, "rows that are not finite": share}


def own(seen):
    return seen.design.shows(seen.model, seen.arguments) | seen.numbers()


MEASURES = {
    "healthy": healthy,
    "constant_output": constant,
    "undertrained": undertrained,
    "input_scale": unreachable,
    "squeezed_output": squeezed,
    "output_is_logits": logits,
    "wrong_target": wrong_target,
    "never_moved": never_moved,
    "no_gradient": no_gradient,
    "zero_gradient": zero_gradient,
    "step_fails": step_fails,
    "dead_code": dead_code,
    "dead_units": dead,
    "dead_outputs": dead_outputs,
    "saturated_code": saturated,
    "train_mode_differs": modes,
    "overfitted": overfitted,
    "copies_anything": copies,
    "below_pca": below_pca,
    "whispering": whispering,
    "kl_collapse": collapse,
    "wrong_loss": wrong_loss,
    "column_scales": scales,
    "tiny_spread": tiny,
    "sets_differ": sets,
    "cannot_run": cannot_run,
    "not_finite": not_finite,
}


def verify(name, seed=0):
    """Train a design; return what its fault's measure tells, "shown" first."""
    design = ZOO[name]
    return (own if design.shows else MEASURES[design.fault])(Seen(name, seed))
