"""Everything that `diagnose` measures, as plain numbers; what they mean is decided in _findings.py."""

import re

import keras
import numpy as np
import tensorflow as tf
from aehelpers import _trace
from aehelpers.baselines import fit_pca, mean_image, mse
from aehelpers.diagnostics import component_gain, gradient_report, weight_drift
from aehelpers.layers import ACTIVATIONS, activation_of
from aehelpers.models import outputs
from aehelpers.pictures import as_grids
from aehelpers.validation import suits
from scipy.special import expit
from sklearn.decomposition import PCA

IMAGES = 2_000  # of each set, on which the model runs
FOR_PCA = 10_000
FULL_PCA = 2_000  # pixels; of larger images only the first components are taken
COMPONENTS = 300
PIECE = 250
IMAGES_A_COMPONENT = 4
BATCHES = 4  # in training mode, of 128 images each


def some(x, count):
    """Return at most so many rows, spread evenly over all."""
    return x if len(x) <= count else x[np.linspace(0, len(x) - 1, count).astype(int)]


def flat(x):
    return x.reshape(len(x), -1)


class Examination:
    """One model and its images while they are measured; `facts` grows from step to step."""

    def __init__(self, model, train, test, loss, before, code):
        self.model, self.told_loss, self.before, self.code_name = model, loss, before, code
        self.loss = loss or keras.losses.get("mse")
        (self.all_train, self.all_targets), (self.x_test, self.target_test) = train, test
        self.separate = self.x_test is not self.all_train
        self.x_train, self.target_train = (some(part, IMAGES) for part in train)
        if self.all_targets is self.all_train:
            self.target_train = self.x_train
        self.facts = {}

    def steps(self):
        """Return the measurements by name, in order; the later ones need a model that gives finite images."""
        return {
            "images": self.images,
            "reconstructions": self.reconstructions,
            "baselines": self.baselines,
            "code": self.code,
            "gradients": self.gradients,
            "training mode": self.training_mode,
            "strange images": self.strange_images,
        }

    def images(self):
        x = self.all_targets
        self.facts |= {"pixels": int(np.prod(x.shape[1:])), "image_low": float(x.min()), "image_high": float(x.max())}
        self.facts["separate_test"] = self.separate

    def reconstructions(self):
        """Run the model; note what it raises, what is not finite, and which values its output can have."""
        facts = self.facts
        try:
            self._fits()
            raw = outputs(self.model, self.x_test, "model")
            if raw.shape[1:] != self.target_test.shape[1:]:
                raise ValueError(
                    f"it gives arrays of shape {raw.shape[1:]} for an image, where images of shape "
                    f"{self.target_test.shape[1:]} should come back"
                )
        except Exception as error:  # whatever a model says: it is a finding
            facts["raises"] = _said(error)
            return
        facts["raises"] = ""
        facts["not_finite_weights"] = [
            weight.path for weight in self.model.weights if weight.dtype.startswith("float") and not np.isfinite(weight).all()
        ]
        facts["not_finite_images"] = float((~np.isfinite(flat(raw))).any(axis=1).mean())
        if facts["not_finite_images"] or facts["not_finite_weights"]:
            return
        facts |= {"output_low": float(raw.min()), "output_high": float(raw.max())}
        _, calls = _trace.trace(self.model, self.x_test[:2])
        low, high = _reachable(calls, facts["output_low"], facts["output_high"])
        facts |= {"reachable_low": low, "reachable_high": high}
        sums = flat(raw).sum(axis=1, dtype=float)
        facts["outputs_add_up_to_one"] = bool(np.abs(sums - 1).max() < 1e-3 and raw.min() >= 0 and raw[0].size > 1)
        error = mse(self.target_test, raw)
        with_sigmoid = mse(self.target_test, expit(raw))
        facts["share_outside"] = float(((raw < -0.25) | (raw > 1.25)).mean())
        facts |= {"raw_error": error, "error_after_sigmoid": with_sigmoid}
        unit = facts["image_low"] >= 0 and facts["image_high"] <= 1
        facts["takes_logits"] = _takes_logits(self.told_loss)
        facts["logits"] = bool(unit and facts["share_outside"] > 0.05 and with_sigmoid < 0.5 * error)
        self.as_pixels = expit if facts["logits"] else lambda values: values
        self.made = self.as_pixels(raw)

    def _fits(self):
        """Raise an error with a plain sentence where the model takes other images, or gives more than one array."""
        wanted, shape = getattr(self.model, "input_shape", None), self.x_test.shape
        if isinstance(wanted, tuple) and (
            len(wanted) != len(shape) or any(a not in (None, b) for a, b in zip(wanted[1:], shape[1:], strict=True))
        ):
            raise ValueError(f"it takes images of shape {wanted[1:]}, and these have the shape {shape[1:]}")
        made = self.model(self.x_test[:1])
        if isinstance(made, (list, tuple, dict)):
            raise ValueError(f"it gives {len(made)} arrays, where one array of images should come back")

    def reconstruct(self, x):
        return self.as_pixels(outputs(self.model, x, "model"))

    def baselines(self):
        """Put the model on the ladder: mean image, PCA, the model on other images and on those of its training."""
        facts, test = self.facts, flat(self.target_test)
        for_pca = flat(some(self.all_targets, FOR_PCA))
        mean = mean_image(some(self.all_targets, FOR_PCA))
        facts["mean_image_error"] = mse(self.target_test, np.broadcast_to(mean, self.target_test.shape))
        facts["error"] = mse(self.target_test, self.made)
        facts["training_error"] = mse(self.target_train, self.reconstruct(self.x_train)) if self.separate else facts["error"]
        made, spread = flat(self.made).astype(float), test.var(axis=0, dtype=float).sum()
        facts["variation"] = float(made.var(axis=0).sum() / spread) if spread else 0.0
        reach = np.clip(test, facts["reachable_low"], facts["reachable_high"])
        facts["unreachable"] = float(np.square(test - reach).mean(dtype=float) / max(facts["mean_image_error"], 1e-12))
        facts["mean_sum"] = float(test.sum(axis=1, dtype=float).mean())
        count = min(for_pca.shape)
        if for_pca.shape[1] <= FULL_PCA:
            self.pca = fit_pca(for_pca, count)
        else:
            self.pca = PCA(min(COMPONENTS, count), svd_solver="randomized", random_state=0).fit(for_pca)
        # The error of the first k components is what the others would have added; inputs and targets can be two things.
        inputs = flat(self.x_test)
        scores = (inputs - self.pca.mean_) @ self.pca.components_.T
        wanted = (test - self.pca.mean_) @ self.pca.components_.T
        total = np.square(test - self.pca.mean_).sum(dtype=float)
        gained = (np.square(wanted) - np.square(wanted - scores)).sum(axis=0, dtype=float)
        self.pca_errors = np.maximum(total - np.concatenate([[0], np.cumsum(gained)]), 0) / test.size
        facts["components"] = len(self.pca_errors) - 1
        facts["components_matched"] = int(np.searchsorted(-self.pca_errors, -facts["error"]))
        gains = component_gain(self.reconstruct, self.pca, self.x_test) if self.target_test is self.x_test else None
        facts["gains"] = None if gains is None else gains[:COMPONENTS]
        self._other_rows()

    def _other_rows(self):
        """Compare reconstructions with other images than their own: other rows, and the own one turned."""
        facts = self.facts
        made, wanted = (flat(some(part, 500)).astype(float) for part in (self.made, self.target_test))
        own = np.square(made - wanted).mean(axis=1)
        apart = (np.square(made).sum(axis=1)[:, None] + np.square(wanted).sum(axis=1) - 2 * made @ wanted.T) / made.shape[1]
        np.fill_diagonal(apart, np.inf)
        facts |= {"own_row_error": float(np.median(own)), "other_row_error": float(np.median(apart.min(axis=1)))}
        low, high = facts["image_low"], facts["image_high"]
        turned = {"inverted": low + high - self.target_test}
        pictures = as_grids(self.target_test)
        if pictures is not None:
            turned |= {"mirrored": pictures[:, :, ::-1], "upside down": pictures[:, ::-1], "rotated": pictures[:, ::-1, ::-1]}
            if pictures.shape[1] == pictures.shape[2]:
                turned["transposed"] = np.swapaxes(pictures, 1, 2)
        errors = {name: mse(np.ascontiguousarray(x.reshape(self.made.shape)), self.made) for name, x in turned.items()}
        facts["turned"] = min(errors, key=errors.get)
        facts["turned_error"] = errors[facts["turned"]]

    def code(self):
        """Find the code; measure which units of it and of the hidden layers never change, and how loud it is."""
        facts, model, x = self.facts, self.model, self.x_test
        distribution = _trace.find_distribution(model, tf.constant(self.x_train[:64]))
        place = _trace.find_code(model, tf.constant(x[:64]), self.code_name)
        facts |= {"code_size": None, "code_is_map": False, "code_is_binary": False, "variational": distribution is not None}
        lowest, highest, codes, means, log_variances = {}, {}, [], [], []
        for start in range(0, min(len(x), 1_000), PIECE):
            _, calls = _trace.trace(model, tf.constant(x[start : start + PIECE]))
            if distribution is not None:
                mean, log_variance = distribution.read(calls)
                means.append(mean)
                log_variances.append(log_variance)
            if place is not None:
                codes.append(np.asarray(place.read(calls), np.float64))
            for call in calls:
                if call.is_leaf and call.size:
                    key, values = (id(call.layer), call.occurrence), np.asarray(call.outputs[0])
                    lowest[key] = np.minimum(lowest.get(key, np.inf), values.min(axis=0))
                    highest[key] = np.maximum(highest.get(key, -np.inf), values.max(axis=0))
        self._hidden_units(calls, lowest, highest)
        if distribution is not None:
            self._distribution(np.concatenate(means), np.concatenate(log_variances))
        if place is None:
            return
        code = np.concatenate(means) if distribution is not None else np.concatenate(codes)
        facts["code_size"] = int(np.prod(code.shape[1:]))
        (found,) = [call for call in calls if (id(call.layer), call.occurrence) == (place.layer, place.occurrence)]
        leaf = next((call for call in calls if call.is_leaf and call.outputs and call.outputs[0] is found.outputs[0]), found)
        facts |= {"code_layer": leaf.layer.name, "code_activation": activation_of(leaf.layer)}
        spread, width = code.std(axis=0), np.abs(code).max(axis=0)
        # A convolution's unit is a channel: in the corners of images that are black there, its value never changes.
        constant = spread <= 1e-6 * np.maximum(width, 1e-6)
        facts["code_is_map"] = code.ndim == 4
        facts["code_is_binary"] = bool(np.isin(code, (0, 1)).all())
        if facts["code_is_map"]:
            constant, spread = constant.all(axis=(0, 1)), spread.mean(axis=(0, 1))
        facts |= {"code_units": int(constant.size), "constant_units": int(constant.sum()), "unit_spread": spread.ravel()}
        facts["never_above_zero"] = bool((code <= 0).all())
        slope = ACTIVATIONS[facts["code_activation"]].slope if facts["code_activation"] else None
        facts["saturated"] = facts["at_upper_end"] = 0.0
        if slope is not None and distribution is None:
            at_end = slope(code) < 0.05
            facts |= {"saturated": float(at_end.mean()), "at_upper_end": float((at_end & (code > 0.5)).mean())}
        self._loudness(calls, found, spread, constant)
        # Of a few images PCA knows nearly all by heart, which says nothing of a code of that size.
        enough = len(self.all_train) >= IMAGES_A_COMPONENT * min(facts["code_size"], facts["components"])
        # Of large images only the first components are known; where all are, a larger code has nothing more to keep.
        known = facts["code_size"] <= facts["components"] or facts["pixels"] <= FULL_PCA
        facts["pca_error"] = float(self.pca_errors[min(facts["code_size"], facts["components"])]) if known and enough else None

    def _hidden_units(self, calls, lowest, highest):
        """Count the rectified units that never rise above 0, in each layer."""
        dead = {}
        for call in calls:
            key = (id(call.layer), call.occurrence)
            if key in lowest and activation_of(call.layer) in ("relu", "relu6"):
                off = highest[key] <= 0
                off = off.all(axis=tuple(range(off.ndim - 1)))
                dead[call.layer.name] = (int(off.sum()), int(off.size))
        self.facts["dead_by_layer"] = dead
        self.facts["zero_kernels"] = [
            weight.path for weight in self.model.trainable_weights if len(weight.shape) >= 2 and not np.any(weight)
        ]

    def _distribution(self, mean, log_variance):
        facts = self.facts
        kl = ((np.exp(log_variance) + mean**2 - 1 - log_variance) / 2).mean(axis=0)
        facts |= {"kl_of_units": kl, "kl": float(kl.sum()), "silent_units": int((mean.var(axis=0) < 0.01).sum())}
        penalty = self._penalty(tf.constant(self.x_test[:1_000]))
        facts["kl_weight"] = penalty / facts["kl"] if penalty and facts["kl"] > 1e-5 else None

    def _penalty(self, x):
        """Return what layers add to the loss of these images."""
        self.model(x, training=True)
        return float(sum(float(tf.reduce_sum(part)) for part in self.model.losses))

    def _loudness(self, calls, found, spread, constant):
        """Compare how far the units of the code move with the weights that the decoder multiplies them by."""
        facts, after = self.facts, calls[calls.index(found) + 1 :]
        reader = next((call for call in after if call.is_leaf and call.mixes and hasattr(call.layer, "kernel")), None)
        facts["loudness"] = None
        if reader is None or spread.ndim != 1 or constant.all():
            return
        kernel = np.asarray(reader.layer.kernel)
        if kernel.ndim == 2 and kernel.shape[0] == len(spread):
            weights = np.linalg.norm(kernel, axis=1)
            facts["loudness"] = float(np.median(spread[~constant] / np.maximum(weights[~constant], 1e-12)))
            facts |= {"unit_spread_median": float(np.median(spread[~constant])), "decoder_weights": float(np.median(weights))}

    def gradients(self):
        x, target = some(self.x_train, 128), some(self.target_train, 128)
        same = self.x_train is self.target_train
        loss = self.loss
        try:
            suits(loss, target, "target")
        except ValueError:  # a cross entropy of such images has no least value; where a gradient arrives, any loss tells
            loss = keras.losses.get("mse")
        table = gradient_report(self.model, x, loss, None if same else target)
        kernels = table[table["shape"].str.contains(" x ")]
        trainable = {weight.path for weight in self.model.trainable_weights}
        of_kernels = {word: list(kernels.index[kernels["gradient"] == word]) for word in ("none", "zero", "flows")}
        self.facts |= {
            "without_gradient": [path for path in of_kernels["none"] if path in trainable],
            "zero_gradient": of_kernels["zero"],
            "with_gradient": of_kernels["flows"],
        }
        if self.before is not None:
            drift = weight_drift(self.model, self.before)
            drift = drift[drift["shape"].str.contains(" x ")]
            still = drift["change"] <= 1e-4 * (drift["change"] / drift["relative change"]).fillna(0)
            self.facts |= {"never_moved": list(drift.index[still]), "moved": list(drift.index[~still])}

    def training_mode(self):
        """Compare the errors of the same images in and outside training mode."""
        x, target = some(self.x_train, BATCHES * 128), some(self.target_train, BATCHES * 128)
        pieces = [(tf.constant(x[start : start + 128]), target[start : start + 128]) for start in range(0, len(x), 128)]

        def error(training):
            return float(
                np.mean([mse(wanted, self.as_pixels(np.asarray(self.model(p, training=training)))) for p, wanted in pieces])
            )

        outside, inside = error(False), error(True)  # in this order: the second moves the means that the first one uses
        penalties = [self._penalty(piece) for piece, _ in pieces[:2]]
        twice = [np.asarray(self.model(pieces[0][0], training=True)) for _ in range(2)]
        names = [type(layer).__name__ for layer in self.model._flatten_layers(include_self=False)]
        self.facts |= {
            "error_in_training_mode": inside,
            "error_outside_training_mode": outside,
            "random_in_training": bool(np.abs(twice[0] - twice[1]).max() > 1e-4),
            # A penalty on weights is the same for every batch, one on activations is not.
            "penalty_on_activations": bool(np.ptp(penalties) > 1e-6 * max(abs(penalties[0]), 1e-12)),
            "penalty_on_weights": bool(penalties[0] and np.ptp(penalties) <= 1e-6 * abs(penalties[0])),
            "dropout": any("Dropout" in name for name in names),
            "batch_normalization": "BatchNormalization" in names,
        }

    def strange_images(self):
        """Let the model rebuild images whose pixels have changed places: as many of each grey, and no shape."""
        x = self.x_test[:500]
        rng = np.random.default_rng(0)
        mixed = rng.permuted(flat(x), axis=1).reshape(x.shape)
        made = self.as_pixels(outputs(self.model, mixed, "model"))
        if made.shape == mixed.shape and np.isfinite(made).all():
            self.facts["noise_error"] = mse(mixed, made)
            self.facts["noise_variance"] = float(mixed.var(dtype=float))


def _reachable(calls, low, high):
    """Return smallest and largest value that the last layers can give; where they are unknown, all numbers."""
    leaves = [call for call in calls if call.is_leaf]
    last = next((number for number in range(len(leaves) - 1, -1, -1) if leaves[number].mixes), None)
    if low >= 0.4999 and low + 1e-3 < high <= 0.7312:
        return 0.5, 0.7311  # a sigmoid of a sigmoid, as layers or as functions
    if last is not None:
        ends = np.array([-np.inf, np.inf])
        for call in leaves[last:]:
            ends = _through(call.layer, ends)
        if ends[0] - 1e-3 <= low and high <= ends[1] + 1e-3:  # else something without a layer comes last
            return float(ends[0]), float(ends[1])
    return -np.inf, np.inf


def _through(layer, ends):
    if isinstance(layer, keras.layers.BatchNormalization):
        return np.array([-np.inf, np.inf])
    if isinstance(layer, keras.layers.Rescaling):
        return np.sort(ends * float(np.max(layer.scale)) + float(np.max(layer.offset)))
    activation = ACTIVATIONS.get(activation_of(layer))
    if activation is None:
        return ends
    limits = np.array([activation.low, activation.high], float)
    finite = np.isfinite(ends)
    if finite.any() and activation is not ACTIVATIONS["softmax"]:
        limits[finite] = np.asarray(activation.function(tf.constant(ends[finite], tf.float32)))
    return limits


def _said(error):
    """Return the sentence of an error: Keras puts it below a line that only names the layer, in colour."""
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line).strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and "Exception encountered when calling" not in line]
    return (lines[0] if lines else type(error).__name__)[:300]


def _takes_logits(loss):
    return bool(getattr(loss, "from_logits", False) or getattr(loss, "_fn_kwargs", {}).get("from_logits", False))
