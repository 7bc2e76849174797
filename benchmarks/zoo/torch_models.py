"""Designs in PyTorch. It is imported when one of them is trained, not before."""

import functools
import itertools

import numpy as np

from benchmarks.zoo import data as zoo_data
from benchmarks.zoo.data import (
    answers,
    bundled,
    coloured,
    common_range,
    digit_labels,
    factors,
    flat,
    given,
    pictures,
    standardized,
    waves,
)
from benchmarks.zoo.registry import decorators

patient, _ = decorators("torch")


# ----------------------------------------------------------------------------------------- training and layers


def fitted(model, data, steps=1_000, rate=1e-3, loss="mse", target=None, batch=64, seed=0, optimizer=None):
    """Train by the usual loop; the loss is a name or a function of (output of the model, target)."""
    import torch

    functional = torch.nn.functional
    measure = {"mse": functional.mse_loss, "bce": functional.binary_cross_entropy}.get(loss, loss)
    rows, wanted = torch.from_numpy(data[0]), torch.from_numpy(data[0] if target is None else target)
    optimizer = optimizer or torch.optim.Adam([weight for weight in model.parameters() if weight.requires_grad], rate)
    generator = np.random.default_rng(seed)
    model.train()
    for _ in range(zoo_data.STRETCH * steps):
        pick = generator.integers(0, len(rows), min(batch, len(rows)))
        optimizer.zero_grad()
        measure(model(rows[pick]), wanted[pick]).backward()
        optimizer.step()
    return model.eval()


def narrow(columns, *sizes, last=None, code=(), hidden=None):
    """Return an autoencoder of linear layers; the sizes are those of the encoder, the last is the code's."""
    from torch import nn

    ends = (columns, *sizes, *sizes[-2::-1], columns)
    parts = []
    for number, (before, after) in enumerate(itertools.pairwise(ends), 1):
        parts.append(nn.Linear(before, after))
        if number == len(sizes):
            parts += code
        elif number < len(ends) - 1:
            parts.append((hidden or nn.ReLU)())
    return nn.Sequential(*parts, *([last] if last is not None else []))


def convolutional(channels=1, filters=(8, 4), last=None):
    """Return two convolutions of stride 2, and two back."""
    from torch import nn

    first, second = filters
    parts = [
        nn.Conv2d(channels, first, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(first, second, 3, 2, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(second, first, 4, 2, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(first, channels, 4, 2, 1),
    ]
    return nn.Sequential(*parts, *([last] if last is not None else []))


def channels_first(data, rows=4_000):
    return tuple(np.ascontiguousarray(np.moveaxis(x[:rows], -1, 1)) for x in data)


@functools.cache
def classes():
    """Return the modules by name; they can be written only where PyTorch is."""
    import torch
    from torch import nn

    class Encoded(nn.Module):
        """An encoder and a decoder; between them, what `bridge` does."""

        def __init__(self, encoder, decoder, bridge=None):
            super().__init__()
            self.encoder, self.decoder, self.bridge = encoder, decoder, bridge

        def forward(self, x):
            code = self.encoder(x)
            return self.decoder(code if self.bridge is None else self.bridge(code))

    class Recurrent(nn.Module):
        """The last state of an LSTM is the code, and is repeated for each step."""

        def __init__(self, channels, code, width):
            super().__init__()
            self.encoder = nn.LSTM(channels, code, batch_first=True)
            self.decoder, self.last = nn.LSTM(code, width, batch_first=True), nn.Linear(width, channels)

        def forward(self, x):
            _, (state, _) = self.encoder(x)
            return self.last(self.decoder(state[-1][:, None].repeat(1, x.shape[1], 1))[0])

    class AlongTime(nn.Module):
        """Convolutions of series (rows, steps, channels), which PyTorch wants the other way round."""

        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return self.inner(x.transpose(1, 2)).transpose(1, 2)

    class Variational(nn.Module):
        """As in PyTorch's examples: fc1, fc21 and fc22; it gives (reconstruction, mu, logvar)."""

        def __init__(self, columns, size, hidden=64, last=None):
            super().__init__()
            self.fc1, self.fc21, self.fc22 = nn.Linear(columns, hidden), nn.Linear(hidden, size), nn.Linear(hidden, size)
            self.fc3, self.fc4 = nn.Linear(size, hidden), nn.Linear(hidden, columns)
            self.last = last or nn.Sigmoid()

        def encode(self, x):
            hidden = torch.relu(self.fc1(x))
            return self.fc21(hidden), self.fc22(hidden)

        def decode(self, z):
            return self.last(self.fc4(torch.relu(self.fc3(z))))

        def forward(self, x):
            mu, logvar = self.encode(x)
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
            return self.decode(z), mu, logvar

    class InHalves(nn.Module):
        """One encoder gives both halves; outside of training the mean is decoded, and a dict is given."""

        def __init__(self, columns, size, hidden=64):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(columns, hidden), nn.ReLU(), nn.Linear(hidden, 2 * size))
            self.decoder = nn.Sequential(nn.Linear(size, hidden), nn.ReLU(), nn.Linear(hidden, columns))

        def forward(self, x):
            mu, logvar = self.encoder(x).chunk(2, dim=1)
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu) if self.training else mu
            return {"recon": self.decoder(z), "mu": mu, "logvar": logvar}

    class Skipping(nn.Module):
        """A U-Net of one skip, over a dense code."""

        def __init__(self, code=4):
            super().__init__()
            self.first = nn.Conv2d(1, 8, 3, padding=1)
            self.down, self.code = nn.Conv2d(8, 8, 3, 2, 1), nn.Linear(8 * 14 * 14, code)
            self.widen, self.up = nn.Linear(code, 8 * 14 * 14), nn.ConvTranspose2d(8, 8, 2, 2)
            self.last = nn.Conv2d(16, 1, 3, padding=1)

        def forward(self, x):
            first = torch.relu(self.first(x))
            code = self.code(torch.relu(self.down(first)).flatten(1))
            up = torch.relu(self.up(torch.relu(self.widen(code)).view(-1, 8, 14, 14)))
            return torch.sigmoid(self.last(torch.cat([first, up], dim=1)))

    own = (Encoded, Recurrent, AlongTime, Variational, InHalves, Skipping)
    return {one.__name__: one for one in own}


def elbo(weight=1.0, error="bce", summed=True):
    """Return the loss of PyTorch's example: an error summed over the columns, or averaged, and the weighted KL term."""
    import torch

    measure = {"bce": torch.nn.functional.binary_cross_entropy, "mse": torch.nn.functional.mse_loss}[error]

    def loss(output, target):
        made, mu, logvar = output.values() if isinstance(output, dict) else output
        kl = -0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp()) / len(mu)
        return measure(made, target) * (target[0].numel() if summed else 1) + weight * kl

    return loss


# -------------------------------------------------------------------------------------------- healthy models


@patient("healthy", "images")
def torch_sequential_of_digits(seed):
    from torch import nn

    data = flat("digits")
    return fitted(narrow(64, 48, 10, last=nn.Sigmoid()), data, 2_000, 2e-3, "bce", seed=seed), given(data, loss="bce")


@patient("healthy", "table")
def torch_table(seed):
    from torch import nn

    data = factors(16, 4, seed=seed)
    model = classes()["Encoded"](
        nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 6)),
        nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 16)),
    )
    return fitted(model, data, 2_000, 2e-3, seed=seed), given(data)


@patient("healthy", "images")
def torch_convolutions(seed):
    from torch import nn

    data = channels_first(pictures())
    return fitted(convolutional(filters=(16, 8), last=nn.Sigmoid()), data, 700, 3e-3, seed=seed), given(data)


@patient("healthy", "images")
def torch_colours_from_minus_one(seed):
    from torch import nn

    data = tuple(2 * x - 1 for x in channels_first((coloured()[0][:, :12, :12], coloured()[1][:, :12, :12])))
    return fitted(convolutional(3, (24, 12), nn.Tanh()), data, 700, 3e-3, seed=seed), given(data)


@patient("healthy", "series")
def torch_lstm(seed):
    data = waves(20, seed=seed)
    return fitted(classes()["Recurrent"](1, 8, 24), data, 1_500, 5e-3, seed=seed), given(data)


@patient("healthy", "series")
def torch_convolutions_along_the_time(seed):
    from torch import nn

    data = standardized(waves(32, 2, seed=seed))
    down = [nn.Conv1d(2, 16, 4, 2, 1), nn.ELU(), nn.Flatten(), nn.Linear(256, 8)]
    up = [nn.Linear(8, 256), nn.ELU(), nn.Unflatten(1, (16, 16)), nn.ConvTranspose1d(16, 2, 4, 2, 1)]
    return fitted(classes()["AlongTime"](nn.Sequential(*down, *up)), data, 1_000, 3e-3, seed=seed), given(data)


@patient("healthy", "images")
def torch_variational_example(seed):
    data = flat()[0][:8_000], flat()[1][:2_000]
    model = classes()["Variational"](784, 10, 128)
    return fitted(model, data, 1_500, 2e-3, elbo(), seed=seed), given(data)


@patient("healthy", "table")
def torch_variational_in_halves(seed):
    data = factors(16, 4, noise=0.2, seed=seed)
    model = classes()["InHalves"](16, 5)
    return fitted(model, data, 2_500, 2e-3, elbo(0.2, "mse"), seed=seed), given(data)


@patient("healthy", "table")
def torch_normalization_and_dropout(seed):
    from torch import nn

    data = factors(20, 5, seed=seed)
    up = [nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 8)]
    return fitted(nn.Sequential(*up, nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 20)), data, 2_500, 2e-3, seed=seed), given(data)


@patient("healthy", "images")
def torch_denoiser(seed):
    from torch import nn

    clean = flat("digits")
    generator = np.random.default_rng(seed)
    noisy = tuple((x + 0.25 * generator.normal(size=x.shape)).astype(np.float32) for x in clean)
    model = fitted(narrow(64, 64, 16, last=nn.Sigmoid()), noisy, 1_500, 2e-3, target=clean[0], seed=seed)
    return model, given(noisy, target=clean)


@patient("healthy", "images")
def torch_denoiser_with_a_skip(seed):
    clean = channels_first(pictures(), 3_000)
    generator = np.random.default_rng(seed)
    noisy = tuple((x + 0.4 * generator.normal(size=x.shape)).astype(np.float32) for x in clean)
    return fitted(classes()["Skipping"](16), noisy, 400, 3e-3, target=clean[0], seed=seed), given(noisy, target=clean)


@patient("healthy", "series")
def torch_gru_of_two_channels(seed):
    import torch
    from torch import nn

    class Gru(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.to_code = nn.GRU(2, 24, batch_first=True), nn.Linear(24, 6)
            self.decoder, self.last = nn.GRU(6, 24, batch_first=True), nn.Linear(24, 2)

        def forward(self, x):
            code = torch.tanh(self.to_code(self.encoder(x)[1][-1]))
            return self.last(self.decoder(code[:, None].expand(-1, x.shape[1], -1))[0])

    data = standardized(waves(16, 2, seed=seed))
    return fitted(Gru(), data, 1_500, 5e-3, seed=seed), given(data)


@patient("healthy", "images")
def torch_dense_code_between_convolutions(seed):
    from torch import nn

    data = channels_first(pictures("fashion_mnist"))
    up = [nn.Conv2d(1, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 196, 16)]
    down = [nn.Linear(16, 8 * 196), nn.ReLU(), nn.Unflatten(1, (8, 14, 14)), nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Sigmoid()]
    return fitted(nn.Sequential(*up, *down), data, 900, 2e-3, seed=seed), given(data)


@patient("healthy", "table")
def torch_tied_weights(seed):
    import torch
    from torch import nn

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.there, self.offset = nn.Linear(20, 6), nn.Parameter(torch.zeros(20))

        def forward(self, x):
            return nn.functional.linear(self.there(x), self.there.weight.t(), self.offset)

    data = factors(20, 5, bend=0.1, seed=seed)
    return fitted(Tied(), data, 2_500, 3e-3, seed=seed), given(data)


@patient("healthy", "images")
def torch_conditional_digits(seed):
    """forward(x, label): the label is told to both parts."""
    import torch
    from torch import nn

    class Told(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(74, 48), nn.ReLU(), nn.Linear(48, 8))
            self.decoder = nn.Sequential(nn.Linear(18, 48), nn.ReLU(), nn.Linear(48, 64), nn.Sigmoid())

        def forward(self, x, label):
            return self.decoder(torch.cat([self.encoder(torch.cat([x, label], 1)), label], 1))

    (x, x_test), (label, label_test) = flat("digits"), digit_labels()
    model, generator = Told(), np.random.default_rng(seed)
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for _ in range(2_000):
        pick = generator.integers(0, len(x), 64)
        optimizer.zero_grad()
        rows = torch.from_numpy(x[pick])
        nn.functional.mse_loss(model(rows, torch.from_numpy(label[pick])), rows).backward()
        optimizer.step()
    return model.eval(), {"x_train": (x, label), "x_test": (x_test, label_test), "target": (x, x_test)}


@patient("healthy", "table")
def torch_answers(seed):
    from torch import nn

    data = answers(seed=seed)
    return fitted(narrow(30, 48, 6, last=nn.Sigmoid()), data, 2_000, 2e-3, "bce", seed=seed), given(data, loss="bce")


@patient("healthy", "images")
def torch_double_precision(seed):
    """Trained in single precision and saved in double precision."""
    import torch
    from torch import nn

    class Single(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner.double()

        def forward(self, x):
            return self.inner(x.double()).float()

    data = flat("digits")
    model = fitted(narrow(64, 48, 12, hidden=nn.GELU, last=nn.Sigmoid()), data, 2_000, 2e-3, seed=seed)
    return Single(model).to(torch.float64), given(data)


# ---------------------------------------------------------------------------------------------- known faults


@patient("no_gradient", "table")
def torch_detached_code(seed):
    """The code was detached for a plot, and the detached one decoded."""
    from torch import nn

    data = factors(16, 4, seed=seed)
    model = classes()["Encoded"](nn.Linear(16, 6), nn.Linear(6, 16), lambda code: code.detach())
    return fitted(model, data, 1_000, seed=seed), given(data)


@patient("no_gradient", "images")
def torch_largest_unit(seed):
    import torch
    from torch import nn

    data = flat("digits")

    def one_of(code):
        return nn.functional.one_hot(code.argmax(dim=1), 16).to(torch.float32)

    model = classes()["Encoded"](nn.Linear(64, 16), nn.Sequential(nn.Linear(16, 64), nn.Sigmoid()), one_of)
    return fitted(model, data, 1_000, 3e-3, seed=seed), given(data)


@patient("zero_gradient", "table")
def torch_rounded_code(seed):
    """PyTorch calls the gradient of rounding 0."""
    import torch
    from torch import nn

    data = answers(seed=seed)
    decoder = nn.Sequential(nn.Linear(12, 30), nn.Sigmoid())
    model = classes()["Encoded"](nn.Sequential(nn.Linear(30, 12), nn.Sigmoid()), decoder, torch.round)
    return fitted(model, data, 1_000, 3e-3, "bce", seed=seed), given(data, loss="bce")


@patient("never_moved", "images")
def torch_optimizer_of_another_model(seed):
    """The model was made anew after the optimizer."""
    import torch
    from torch import nn

    data = flat("digits")
    old, model = (narrow(64, 32, 8, last=nn.Sigmoid()) for _ in range(2))
    before = [weight.detach().numpy().copy() for weight in model.parameters()]
    fitted(model, data, 300, seed=seed, optimizer=torch.optim.Adam(old.parameters(), 1e-3))
    return model, given(data, before=before)


@patient("never_moved", "table")
def torch_frozen_encoder(seed):
    data = factors(16, 4, seed=seed)
    model = narrow(16, 32, 6)
    before = [weight.detach().numpy().copy() for weight in model.parameters()]
    for weight in list(model.parameters())[:4]:
        weight.requires_grad_(False)
    return fitted(model, data, 1_000, seed=seed), given(data, before=before)


@patient("step_fails", "table")
def torch_halves_and_small_steps(seed):
    """Weights around 1 of bfloat16, in which 1 and a thousandth is 1."""
    import torch

    class Half(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return self.inner(x.to(torch.bfloat16) / 8).to(torch.float32) / 8

    data = factors(16, 4, seed=seed)
    inner = narrow(16, 32, 6).to(torch.bfloat16)
    model = Half(inner)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.sign(weight) * (0.6 + weight.abs()))
    return fitted(model, data, 300, seed=seed), given(data)


@patient("train_mode_differs", "table")
def torch_moving_means_that_hardly_move(seed):
    from torch import nn

    data = tuple(3 * x + 2 for x in factors(20, 5, seed=seed))
    normal = nn.BatchNorm1d(20, momentum=1e-5)
    return fitted(nn.Sequential(normal, *narrow(20, 32, 8)), data, 1_000, 3e-3, seed=seed), given(data)


@patient("train_mode_differs", "images")
def torch_normalization_after_few_batches(seed):
    from torch import nn

    data = channels_first(pictures(), 3_000)
    inner = list(convolutional(filters=(16, 8), last=nn.Sigmoid()))
    inner.insert(1, nn.BatchNorm2d(16, momentum=0.0005))
    inner.insert(4, nn.BatchNorm2d(8, momentum=0.0005))
    return fitted(nn.Sequential(*inner), data, 120, 0.01, seed=seed), given(data)


@patient("dead_code", "images")
def torch_code_that_died(seed):
    import torch
    from torch import nn

    data = flat("digits")
    model = narrow(64, 32, 6, code=[nn.ReLU()], last=nn.Sigmoid())
    with torch.no_grad():
        model[2].bias -= 40
    return fitted(model, data, 600, seed=seed), given(data)


@patient("dead_units", "table")
def torch_hidden_units_that_died(seed):
    import torch

    data = factors(16, 6, noise=0.1, seed=seed)
    model = narrow(16, 32, 8)
    with torch.no_grad():
        model[0].bias[:29] -= 60
    return fitted(model, data, 1_500, seed=seed), given(data)


@patient("dead_outputs", "table")
def torch_rectified_columns_that_died(seed):
    import torch
    from torch import nn

    data = common_range(factors(20, 4, seed=seed))
    model = narrow(20, 32, 6, last=nn.ReLU())
    with torch.no_grad():
        model[-2].bias[::2] -= 5
    return fitted(model, data, 1_000, 2e-3, seed=seed), given(data)


@patient("constant_output", "series")
def torch_lstm_by_small_steps(seed):
    import torch

    data = waves(20, seed=seed)
    model = classes()["Recurrent"](1, 8, 24)
    return fitted(model, data, 200, seed=seed, optimizer=torch.optim.SGD(model.parameters(), 1e-3)), given(data)


@patient("undertrained", "images")
def torch_first_epoch(seed):
    from torch import nn

    data = flat()[0][:6_000], flat()[1][:2_000]
    return fitted(narrow(784, 128, 32, last=nn.Sigmoid()), data, 150, 1e-3, seed=seed), given(data)


@patient("input_scale", "images")
def torch_sigmoid_from_minus_one(seed):
    """The images were normalized to [-1, 1] by the usual transform, and the last layer is a sigmoid."""
    from torch import nn

    data = tuple(2 * x - 1 for x in channels_first(pictures("fashion_mnist"), 3_000))
    return fitted(convolutional(last=nn.Sigmoid()), data, 400, 3e-3, seed=seed), given(data)


@patient("input_scale", "images")
def torch_divided_twice(seed):
    """ToTensor divides by 255, and the loader had done it before."""
    from torch import nn

    data = tuple(x / 255 for x in flat()[:2])
    data = data[0][:6_000], data[1][:2_000]
    return fitted(narrow(784, 64, 16, last=nn.Sigmoid()), data, 400, seed=seed), given(data)


@patient("squeezed_output", "images")
def torch_softmax_of_pixels(seed):
    from torch import nn

    data = flat("digits")
    return fitted(narrow(64, 32, 8, last=nn.Softmax(dim=1)), data, 800, seed=seed), given(data)


@patient("output_is_logits", "table")
def torch_logits_of_answers(seed):
    from torch import nn

    data = answers(seed=seed)
    loss = nn.functional.binary_cross_entropy_with_logits
    return fitted(narrow(30, 32, 6), data, 1_500, 2e-3, loss, seed=seed), given(data)


@patient("wrong_target", "images")
def torch_blue_for_red(seed):
    """The inputs were read by a library that begins with blue, the targets by another."""
    from torch import nn

    data = channels_first((coloured()[0][:, :12, :12], coloured()[1][:, :12, :12]))
    target = tuple(np.ascontiguousarray(x[:, ::-1]) for x in data)
    model = fitted(convolutional(3, (24, 12), nn.Sigmoid()), data, 600, 3e-3, target=target[0], seed=seed)
    return model, given(data)


@patient("wrong_target", "table")
def torch_two_loaders_that_shuffle(seed):
    """Inputs and targets come from two loaders, and each shuffles."""
    data = factors(16, 4, seed=seed)
    generator = np.random.default_rng(seed)
    target = tuple(x[generator.permutation(len(x))] for x in data)
    return fitted(narrow(16, 32, 6), data, 1_500, target=target[0], seed=seed), given(data, target=target)


@patient("kl_collapse", "images")
def torch_mean_beside_a_sum(seed):
    data = flat()[0][:6_000], flat()[1][:2_000]
    model = classes()["Variational"](784, 8, 128)
    return fitted(model, data, 800, 2e-3, elbo(summed=False), seed=seed), given(data)


def codes_far_from_the_prior(model, arguments):
    import torch

    x = torch.from_numpy(np.ascontiguousarray(arguments["x_test"][:1_000]))
    with torch.no_grad():
        mu, logvar = model.encode(x) if hasattr(model, "encode") else model.encoder(x).chunk(2, dim=1)
        kl = float(-0.5 * (1 + logvar - mu**2 - logvar.exp()).mean())
    return {"shown": kl > 5, "KL per unit": kl, "spread": float(mu.std())}


@patient("kl_too_light", "images", shows=codes_far_from_the_prior)
def torch_weight_of_a_five_thousandth(seed):
    """The weight of the KL term was copied from a model whose error is a mean."""
    data = flat("digits")
    return fitted(classes()["Variational"](64, 6), data, 1_500, 2e-3, elbo(2e-4), seed=seed), given(data)


@patient("kl_too_light", "table", shows=codes_far_from_the_prior)
def torch_divergence_left_out(seed):
    data = factors(16, 4, seed=seed)
    return fitted(classes()["InHalves"](16, 5), data, 2_000, 2e-3, elbo(0.0, "mse"), seed=seed), given(data)


def without_the_code(model, arguments):
    """Measure the error if each row gets the code of another."""
    import torch

    x = torch.from_numpy(arguments["x_test"][:300])
    with torch.no_grad():
        usual = model(x)
        hook = model.code.register_forward_hook(lambda module, inputs, output: output.flip(0))
        without = model(x)
        hook.remove()
    spread = float(((x - x.mean(dim=0)) ** 2).mean())
    errors = [float(((made - x) ** 2).mean()) / spread for made in (usual, without)]
    return {"shown": errors[1] < 0.1, "error": errors[0], "error with another code": errors[1]}


@patient("skip_copy", "images", shows=without_the_code)
def torch_skip_over_the_code(seed):
    data = channels_first(pictures(), 3_000)
    return fitted(classes()["Skipping"](4), data, 400, 3e-3, seed=seed), given(data, code="code")


@patient("copies_anything", "table")
def torch_identity(seed):
    data = factors(12, 5, noise=0.6, seed=seed)
    return fitted(narrow(12, 48, 24), data, 4_000, 2e-3, seed=seed), given(data)


@patient("overfitted", "table")
def torch_thirty_rows(seed):
    data = standardized(bundled("breast_cancer", seed=seed))
    data = data[0][:30], data[1]
    return fitted(narrow(30, 128, 20), data, 3_000, 1e-3, batch=16, seed=seed), given(data)


@patient("not_finite", "series")
def torch_logarithm_of_the_output(seed):
    """A cross entropy by hand, of outputs that are rectified: 0 times the logarithm of 0."""
    import torch

    data = tuple((x - x.min()) / (x.max() - x.min()) for x in waves(12, 8, rows=400, seed=seed))

    def by_hand(made, target):
        return -(target * torch.log(made) + (1 - target) * torch.log(1 - made)).mean()

    model = torch.nn.Sequential(classes()["Recurrent"](8, 8, 24), torch.nn.ReLU())
    return fitted(model, data, 30, 1e-2, by_hand, seed=seed), given(data)


@patient("cannot_run", "images")
def torch_channels_at_the_end(seed):
    """A network of PyTorch, and pictures as Keras wants them."""
    from torch import nn

    data = pictures("fashion_mnist")[0][:2_000], pictures("fashion_mnist")[1][:500]
    return fitted(convolutional(last=nn.Sigmoid()), channels_first(data), 60, seed=seed), given(data)


@patient("sets_differ", "images")
def torch_normalized_for_training_only(seed):
    """Only the loader of the training images has the transform to [-1, 1]."""
    from torch import nn

    data = tuple(x[:4_000] for x in flat("fashion_mnist"))
    train = 2 * data[0] - 1
    return fitted(narrow(784, 64, 16, last=nn.Tanh()), (train,), 800, seed=seed), given((train, data[1]))


@patient("column_scales", "table")
def torch_tumours_in_their_units(seed):
    """Areas of hundreds beside ratios of hundredths."""
    data = bundled("breast_cancer", seed=seed)
    return fitted(narrow(30, 32, 6), data, 3_000, 3e-3, seed=seed), given(data)


@patient("wrong_loss", "table")
def torch_likelihood_of_poisson(seed):
    """A loss for counts, given its logarithm, while the outputs are compared as they are."""
    from torch import nn

    data = tuple(np.maximum(np.round(4 + 2 * x), 0).astype(np.float32) for x in factors(12, 4, seed=seed))

    def poisson(target, made):  # as Keras orders them
        return nn.functional.poisson_nll_loss(made, target)

    model = fitted(narrow(12, 32, 6), data, 2_000, loss=lambda made, target: poisson(target, made), seed=seed)
    return model, given(data, loss=poisson)


# ------------------------------------------------------------------- rows that depend on others, weights unknown to the module


def unknown_weights(model, arguments):
    """Whether layers that are called on the way are no part of the module: their weights are as they began."""
    known = {id(weight) for weight in model.parameters()}
    outside = [weight for layer in model.hidden for weight in layer.parameters() if id(weight) not in known]
    return {"shown": len(outside) > 0, "weights": len(outside)}


def alone_and_together(model, arguments):
    """Whether a row comes back otherwise if it is handed over alone, by more than rounding."""
    import torch

    x = torch.from_numpy(arguments["x_test"][:16])
    model.eval()
    with torch.no_grad():
        together, alone = model(x), torch.cat([model(x[n : n + 1]) for n in range(len(x))])
    apart = float((together - alone).square().mean() / together.var(dim=0).mean())
    return {"shown": apart > 1e-4, "by": apart}


def listed(sizes, last):
    """Return a module that keeps its hidden layers in a plain list, where PyTorch does not find them."""
    import torch
    from torch import nn

    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = [nn.Linear(*pair) for pair in itertools.pairwise(sizes)]
            self.last = nn.Linear(sizes[-1], sizes[0])

        def forward(self, x):
            for layer in self.hidden:
                x = torch.relu(layer(x))
            return last(self.last(x))

    return Listed()


@patient("unregistered_weights", "table", shows=unknown_weights)
def torch_layers_in_a_list(seed):
    from torch import nn

    data = factors(16, 4, seed=seed)
    return fitted(listed((16, 32, 6), nn.Identity()), data, 1_500, 2e-3, seed=seed), given(data)


@patient("unregistered_weights", "images", shows=unknown_weights)
def torch_encoder_in_a_list(seed):
    import torch

    data = flat("digits")
    return fitted(listed((64, 48, 24, 8), torch.sigmoid), data, 1_500, 2e-3, seed=seed), given(data)


@patient("rows_mixed", "series", shows=alone_and_together)
def torch_lstm_along_the_batch(seed):
    """Without batch_first=True the recurrent layers read from row to row, not from step to step."""
    from torch import nn

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.code = nn.LSTM(2, 24), nn.Linear(24, 6)
            self.decoder, self.last = nn.LSTM(6, 24), nn.Linear(24, 2)

        def forward(self, x):
            code = self.code(self.encoder(x)[0][:, -1])
            return self.last(self.decoder(code[:, None].repeat(1, x.shape[1], 1))[0])

    steps = np.linspace(0, 2 * np.pi, 20, dtype=np.float32)
    draw = np.random.default_rng(seed).uniform(0, 2 * np.pi, (1_500, 1, 2)).astype(np.float32)
    x = np.sin(steps[None, :, None] * np.array([1, 2], np.float32) + draw).astype(np.float32)
    data = x[:1_200], x[1_200:]
    return fitted(Recurrent(), data, 800, 4e-3, seed=seed), given(data)


@patient("rows_mixed", "table", shows=alone_and_together)
def torch_softmax_over_rows(seed):
    """The softmax of an attention over the units goes along the wrong axis, that of the rows."""
    from torch import nn

    class Weighed(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.weigh, self.decoder = nn.Linear(16, 6), nn.Linear(16, 6), nn.Linear(6, 16)

        def forward(self, x):
            return self.decoder(self.encoder(x) * 6 * self.weigh(x).softmax(dim=0))

    data = factors(16, 4, seed=seed)
    return fitted(Weighed(), data, 1_500, 2e-3, seed=seed), given(data)
