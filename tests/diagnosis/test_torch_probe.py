"""Modules of PyTorch: what is seen of them, and that they are afterwards as they were."""

import functools
import warnings

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.diagnosis.probes import probe_of
from aehelpers.layers import ACTIVATIONS

torch = pytest.importorskip("torch")

from aehelpers.diagnosis.probes.torch import _ACTIVATIONS, _FUNCTIONS  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

X = np.random.default_rng(0).random((80, 12)).astype(np.float32)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def dense(*between):
    return nn.Sequential(nn.Linear(12, 3), *between, nn.Linear(3, 12))


class Module(nn.Module):
    """A module whose forward is a function of itself and its rows, with two linear layers."""

    def __init__(self, through, width=3):
        super().__init__()
        self.narrow, self.wide, self.through = nn.Linear(12, width), nn.Linear(3, 12), through

    def forward(self, x):
        return self.through(self, x)


def as_sampled(self, x):
    mean, log_variance = self.narrow(x).chunk(2, dim=1)
    code = mean + torch.exp(log_variance / 2) * torch.randn_like(mean) if self.training else mean
    return self.wide(code), x, mean, log_variance


class Round(nn.Module):
    def forward(self, x):
        return torch.round(x)


class Fixed(nn.Module):
    """Nothing can be trained in it."""

    def forward(self, x):
        return 0.5 * x


class Detach(nn.Module):
    def forward(self, x):
        return x.detach()


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.read, self.write, self.last = nn.LSTM(2, 5, batch_first=True), nn.LSTM(5, 5, batch_first=True), nn.Linear(5, 2)

    def forward(self, x):
        code = self.read(x)[1][0][-1]
        return self.last(self.write(code[:, None].repeat(1, x.shape[1], 1))[0])


class Halves(nn.Module):
    """An encoder and a decoder, and no forward."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(12, 3), nn.Linear(3, 12)


def error_by_hand(model, x):
    model.eval()
    with torch.no_grad():
        made = model(torch.tensor(x))
    return ae.mse(x, (made[0] if isinstance(made, tuple) else made).numpy())


class TestForms:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: dense(nn.Tanh()),
            lambda: Module(lambda self, x: self.wide(torch.tanh(self.narrow(x)))),
            lambda: Module(lambda self, x: self.wide(self.narrow(x).tanh())),
            lambda: Module(lambda self, x: F.linear(torch.tanh(F.linear(x, self.narrow.weight)), self.wide.weight)),
        ],
    )
    def test_layers_and_functions(self, make):
        model = make()
        facts = ae.diagnose(model, X).facts
        assert (facts["code_size"], facts["code_activation"], facts["framework"]) == (3, "tanh", "torch")
        assert facts["error"] == pytest.approx(error_by_hand(model, X), rel=1e-4)
        assert [name.split(".")[-1] for name in facts["with_gradient"]] == ["weight", "weight"]

    def test_convolutions_with_channels_first(self, digits_8x8):
        encoder = [nn.Conv2d(1, 6, 3, 2, 1), nn.ReLU(), nn.Conv2d(6, 2, 3, 2, 1)]
        model = nn.Sequential(*encoder, nn.ConvTranspose2d(2, 6, 4, 4), nn.ReLU(), nn.Conv2d(6, 1, 1), nn.Sigmoid())
        x = digits_8x8[:100, None]
        facts = ae.diagnose(model, x).facts
        assert (facts["kind"], facts["code_size"], facts["code_units"], facts["code_layer"]) == ("images", 8, 2, "2")
        assert {name: units for name, (_, units) in facts["dead_by_layer"].items()} == {"1": 6, "4": 6}
        assert facts["error"] == pytest.approx(error_by_hand(model, x), rel=1e-4)
        assert (facts["reachable_low"], facts["reachable_high"]) == (0, 1)
        (finding,) = ae.diagnose(model, digits_8x8).findings
        assert finding.code == "cannot_run" and "x[:, None]" in finding.remedy

    def test_a_recurrent_code(self):
        x = np.random.default_rng(1).normal(size=(40, 6, 2)).astype(np.float32)
        model = Recurrent()
        facts = ae.diagnose(model, x).facts
        assert (facts["code_size"], facts["kind"], facts["code_is_recurrent"]) == (5, "series", True)
        assert facts["error"] == pytest.approx(error_by_hand(model, x), rel=1e-4)

    def test_a_variational_one_with_several_outputs(self):
        model = Module(as_sampled, width=6)
        diagnosis = ae.diagnose(model, X)
        facts = diagnosis.facts
        assert facts["variational"] and facts["random_in_training"] and len(facts["kl_of_units"]) == 3
        assert facts["error"] == pytest.approx(error_by_hand(model, X), rel=1e-4)
        assert facts["without_gradient"] == [] and diagnosis.unmeasured == []

    def test_a_loss_of_what_the_module_gives_beside(self):
        seen = []

        def loss(made, x, mean, log_variance):
            seen.append((made.shape, x.shape, mean.shape, log_variance.shape))
            return F.mse_loss(made, x) + (mean**2 + log_variance.exp() - log_variance).mean()

        class Outputs(Module):
            def forward(self, x):
                made, _, mean, log_variance = as_sampled(self, x)
                return made, mean, log_variance

        facts = ae.diagnose(Outputs(None, width=6), X, loss=loss).facts
        assert seen[0] == ((80, 12), (80, 12), (80, 3), (80, 3)) and len(facts["with_gradient"]) == 2

    def test_a_loss_with_the_usual_arguments_of_a_variational_one(self):
        def vloss(recon_x, x, mu, logvar):
            return F.mse_loss(recon_x, x, reduction="sum") - 0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp())

        diagnosis = ae.diagnose(Module(as_sampled, width=6), X, loss=vloss)
        facts = diagnosis.facts
        assert diagnosis.unmeasured == [] and facts["loss_raises"] == "" and len(facts["with_gradient"]) == 2
        # By hand: the distance of the target and of the reconstruction is all that differs.
        assert facts["loss_of_zeros"] - facts["loss_of_target"] == pytest.approx(np.square(X).sum(), rel=1e-3)
        assert not {"wrong_loss", "loss_floor"} & {finding.code for finding in diagnosis.findings}

    def test_a_loss_whose_first_argument_is_the_target(self):
        def loss(x, x_hat, mean, log_var):
            return F.binary_cross_entropy_with_logits(x_hat, x) - 0.5 * (1 + log_var - mean**2 - log_var.exp()).mean()

        facts = ae.diagnose(Module(as_sampled, width=6), X, loss=loss).facts
        assert facts["loss_of_zeros"] - facts["loss_of_half"] == pytest.approx(
            float(np.log(2) - F.binary_cross_entropy_with_logits(torch.tensor(X / 2), torch.tensor(X))), abs=1e-4
        )

    def test_a_loss_that_needs_more_than_there_is(self):
        def loss(made, x, mu, logvar):
            return F.mse_loss(made, x) + mu + logvar

        diagnosis = ae.diagnose(dense(), X, loss=loss)
        assert diagnosis.unmeasured == [
            "the loss, because it takes made, x, mu, logvar, and the module gives nothing beside its reconstruction that could "
            "be passed to it"
        ]
        assert len(diagnosis.facts["with_gradient"]) == 2
        assert not any("loss" in finding.code for finding in diagnosis.findings)

    def test_a_loss_of_no_module(self):
        def loss(made, x):
            return F.mse_loss(made, x)

        loss.__module__ = None
        diagnosis = ae.diagnose(dense(), X, loss=loss)
        assert diagnosis.unmeasured == [] and diagnosis.facts["loss_raises"] == ""

    @pytest.mark.parametrize("form", [tuple, list, lambda parts: dict(zip(("loss", "made"), parts, strict=True))])
    def test_a_loss_that_comes_first(self, form):
        def through(self, x):
            made = self.wide(self.narrow(x))
            return form((F.mse_loss(made, x), made))

        model = Module(through)
        diagnosis = ae.diagnose(model, X)
        assert diagnosis.unmeasured == [] and diagnosis.facts["code_size"] == 3
        assert len(diagnosis.facts["with_gradient"]) == 2
        with torch.no_grad():
            assert diagnosis.facts["error"] == pytest.approx(
                float(F.mse_loss(model.wide(model.narrow(torch.tensor(X))), torch.tensor(X)))
            )

    def test_parametrized_weights(self):
        model = nn.Sequential(nn.Linear(12, 3), nn.Tanh(), nn.Linear(3, 12))
        plain = ae.diagnose(model, X).facts
        torch.nn.utils.parametrizations.weight_norm(model[0])
        torch.nn.utils.parametrizations.spectral_norm(model[2])
        diagnosis = ae.diagnose(model, X)
        assert diagnosis.unmeasured == []
        for name in ("code_size", "code_layer", "code_activation", "code_units"):
            assert diagnosis.facts[name] == plain[name]
        assert diagnosis.facts["decoder_weights"] == pytest.approx(
            float(model[2].weight.detach().norm(dim=0).median()), rel=1e-3
        )

    def test_a_codebook_that_gets_other_rows(self):
        class Quantized(nn.Module):
            def __init__(self):
                super().__init__()
                self.narrow, self.book, self.wide = nn.Linear(12, 16), nn.Embedding(9, 2), nn.Linear(16, 12)

            def forward(self, x):
                z = self.narrow(x).reshape(-1, 2)  # 8 rows for each
                nearest = self.book(torch.cdist(z, self.book.weight).argmin(dim=1))
                return self.wide((z + (nearest - z).detach()).reshape(-1, 16)), F.mse_loss(nearest, z.detach())

        diagnosis = ae.diagnose(Quantized(), X)
        assert diagnosis.unmeasured == [] and diagnosis.facts["code_size"] == 16
        assert diagnosis.facts["without_gradient"] == []

    def test_torchscript_is_a_function(self):
        model = nn.Sequential(nn.Linear(12, 3), nn.Dropout(0.5), nn.Linear(3, 12))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's, that TorchScript is deprecated
            scripted = torch.jit.script(model)
        diagnosis = ae.diagnose(scripted, X)
        assert diagnosis.facts["framework"] == "function" and diagnosis.facts["raises"] == ""
        assert all(part.training for part in scripted.modules())
        assert diagnosis.facts["error"] == pytest.approx(error_by_hand(model, X), rel=1e-4)

    def test_neither_forward_nor_halves(self):
        class Nothing(nn.Module):
            def __init__(self):
                super().__init__()
                self.down, self.up = nn.Linear(12, 3), nn.Linear(3, 12)

        (finding,) = ae.diagnose(Nothing(), X).findings
        assert "the class Nothing has no method `forward`, and no `encoder` and `decoder`" in finding.sentence

    def test_the_axis_of_the_time(self):
        class Transposing(nn.Sequential):
            def forward(self, x):
                return super().forward(x.transpose(1, 2)).transpose(1, 2)

        def convolutions():
            return nn.Conv1d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv1d(4, 2, 3, padding=1)

        axes = [
            probe_of(nn.Sequential(*convolutions()), (2, 20)).time_axis,
            probe_of(Transposing(*convolutions()), (20, 2)).time_axis,
            probe_of(Recurrent(), (20, 2)).time_axis,
            probe_of(dense(), (12,)).time_axis,
            probe_of(np.abs, (20, 2)).time_axis,
        ]
        assert axes == [2, 1, 1, 1, 1]

    def test_without_forward(self):
        model = Halves()
        facts = ae.diagnose(model, X).facts
        assert facts["error"] == pytest.approx(error_by_hand(nn.Sequential(model.encoder, model.decoder), X), rel=1e-4)
        assert (facts["code_size"], facts["code_layer"]) == (3, "encoder")


class TestGradients:
    def test_rounding_has_a_gradient_of_zero(self):
        found = {f.code: f for f in ae.diagnose(dense(nn.Sigmoid(), Round()), X).findings}["zero_gradient"]
        assert "1 kernel is exactly 0, the first is 0.weight" in found.sentence and "straight through" in found.remedy

    def test_a_cut_graph_has_none(self):
        found = {f.code: f for f in ae.diagnose(dense(Detach()), X).findings}["no_gradient"]
        assert "1 kernel, the first is 0.weight" in found.sentence and "detach()" in found.remedy

    def test_a_weight_that_no_step_moves(self, monkeypatch):
        """As on Apple's processors, where steps of weights that are not contiguous went nowhere."""
        step = torch.optim.Adam.step

        def stuck(self, *arguments):
            first = self.param_groups[0]["params"][0]
            before = first.detach().clone()
            step(self, *arguments)
            first.data.copy_(before)

        assert ae.diagnose(dense(), X).facts["stuck"] == []
        monkeypatch.setattr(torch.optim.Adam, "step", stuck)
        found = {f.code: f for f in ae.diagnose(dense(), X).findings}["step_fails"]
        assert "1 weight gets a gradient and does not move" in found.sentence and "0.weight" in found.sentence
        assert "contiguous" in found.remedy

    def test_weights_that_have_not_moved(self):
        model = dense()
        before = {name: weight.clone() for name, weight in model.state_dict().items()}
        with torch.no_grad():
            model[1].weight += 1
        found = {f.code: f for f in ae.diagnose(model, X, before=before).findings}["never_moved"]
        assert "1 of 2 kernels have not moved since the beginning, the first is 0.weight" in found.sentence

    def test_what_is_frozen_and_buffers_need_not_move(self):
        model = nn.Sequential(nn.Linear(12, 5), nn.Linear(5, 3), nn.Linear(3, 12))
        model.register_buffer("pe", torch.ones(4, 3))
        model[0].weight.requires_grad_(False)
        before = {name: weight.clone() for name, weight in model.state_dict().items()}
        with torch.no_grad():
            model[1].weight += 1
        facts = ae.diagnose(model, X, before=before).facts
        assert (facts["never_moved"], facts["moved"]) == (["2.weight"], ["1.weight"])

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
    def test_a_step_that_the_weights_dtype_cannot_show_is_not_expected(self, dtype):
        model = dense().to(dtype)
        with torch.no_grad():
            model[1].weight *= 10
        diagnosis = ae.diagnose(model, X)
        assert diagnosis.facts["stuck"] == [] and diagnosis.unmeasured == []

    @pytest.mark.parametrize("make", [lambda: dense().requires_grad_(False), lambda: nn.Sequential(Fixed())])
    def test_a_module_without_anything_to_train(self, make):
        diagnosis = ae.diagnose(make(), X)
        assert diagnosis.unmeasured == [] and diagnosis.facts["with_gradient"] == [] and diagnosis.facts["stuck"] == []

    def test_a_module_that_keeps_a_tensor_with_a_graph(self):
        model = dense()
        with pytest.warns(FutureWarning):  # of PyTorch, whose users have such modules all the same
            torch.nn.utils.weight_norm(model[0])
        model(torch.tensor(X))
        diagnosis = ae.diagnose(model, X)
        assert diagnosis.unmeasured == [] and diagnosis.facts["with_gradient"] == ["0.weight_g", "0.weight_v", "1.weight"]


class InAList(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers, self.wide = [nn.Linear(12, 3), nn.Tanh()], nn.Linear(3, 12)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.wide(x)


class WithTensor(Module):
    def __init__(self):
        super().__init__(None)
        self.scale = torch.ones(3, requires_grad=True)

    def forward(self, x):
        return self.wide(self.narrow(x) * self.scale)


class MadeInForward(Module):
    def forward(self, x):
        return self.wide(nn.Linear(12, 3)(x))


class HiddenTeacher(Module):
    """What is hidden on purpose, takes no part in the training."""

    def __init__(self):
        super().__init__(None)
        self.teacher = [nn.Linear(12, 3), nn.Linear(3, 12).requires_grad_(False)]

    def forward(self, x):
        with torch.no_grad():
            seen = self.teacher[0](x)
        noise = torch.zeros(3, requires_grad=True)
        return self.wide(self.narrow(x) + noise + 0 * seen), self.teacher[1](seen)


class TestUnregistered:
    @pytest.mark.parametrize(
        ("make", "names"),
        [
            (InAList, ["layers.0.weight", "layers.0.bias"]),
            (WithTensor, ["scale"]),
            (lambda: MadeInForward(None), ["a tensor of shape (3, 12)", "a tensor of shape (3,)"]),
            (HiddenTeacher, []),
            (dense, []),
            (lambda: MovingCodebook(), ["hidden.0.weight", "hidden.0.bias"]),
            (lambda: Module(as_sampled, width=6), []),
        ],
    )
    def test_weights_that_no_optimizer_gets(self, make, names):
        diagnosis = ae.diagnose(make(), X)
        assert sorted(diagnosis.facts["unregistered"]) == sorted(names) and diagnosis.unmeasured == []
        found = {finding.code: finding for finding in diagnosis.findings}
        assert ("unregistered_weights" in found) == bool(names)
        if names:
            assert (
                found["unregistered_weights"].severity == "broken" and "nn.ModuleList" in found["unregistered_weights"].remedy
            )


class Adversarial(Module):
    """With layers that forward never calls, and some that the rows never reach."""

    def __init__(self):
        super().__init__(None)
        self.discriminator, self.head = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 1)), nn.Linear(3, 7)
        self.prior, self.pseudo = nn.Parameter(torch.ones(4, 3)), nn.Linear(4, 3)

    def forward(self, x):
        code = self.narrow(x)
        self.distance = torch.square(self.head(code)).mean()
        return self.wide(code + 0 * self.pseudo(torch.eye(4)).detach().mean())


class TestWhoGetsNoGradient:
    @pytest.mark.parametrize("make", [Adversarial, lambda: MovingCodebook()])
    def test_not_what_forward_does_not_train(self, make):
        diagnosis = ae.diagnose(make(), X)
        assert diagnosis.facts["without_gradient"] == [] and diagnosis.unmeasured == []

    @pytest.mark.parametrize(
        "cut",
        [
            lambda self, x: self.wide(self.narrow(x).detach()),
            lambda self, x: self.wide(self.narrow(x).data),
            lambda self, x: self.wide((self.narrow(x) > 0).float()),
            lambda self, x: self.wide(torch.from_numpy(self.narrow(x).detach().numpy())),
        ],
    )
    def test_what_is_cut_off(self, cut):
        assert ae.diagnose(Module(cut), X).facts["without_gradient"] == ["narrow.weight"]

    def test_a_normed_weight_that_is_cut_off(self):
        model = Module(lambda self, x: self.wide(self.narrow(x).detach()))
        torch.nn.utils.parametrizations.weight_norm(model.narrow)
        assert len(ae.diagnose(model, X).facts["without_gradient"]) == 2

    def test_an_encoder_without_gradients(self):
        def through(self, x):
            with torch.no_grad():
                code = self.narrow(x)
            return self.wide(code)

        assert ae.diagnose(Module(through), X).facts["without_gradient"] == ["narrow.weight"]


class TestModuleStaysAsItWas:
    def test_bit_by_bit(self):
        model = nn.Sequential(nn.Linear(12, 5), nn.BatchNorm1d(5), nn.Dropout(0.2), nn.Linear(5, 3), nn.Linear(3, 12))
        F.mse_loss(model(torch.tensor(X)), torch.tensor(X)).backward()
        model.eval()
        model[2].train()  # a mixture, which is to come back
        parameters = list(model.parameters())
        state = {name: value.clone() for name, value in model.state_dict().items()}
        gradients, modes = [p.grad.clone() for p in parameters], [part.training for part in model.modules()]
        random = torch.get_rng_state()
        diagnosis = ae.diagnose(model, X[:50], X[50:])
        assert diagnosis.unmeasured == [] and diagnosis.facts["batch_normalization"] and diagnosis.facts["dropout"]
        assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
        assert all(a is b and torch.equal(a.grad, g) for a, b, g in zip(model.parameters(), parameters, gradients, strict=True))
        assert [part.training for part in model.modules()] == modes and torch.equal(torch.get_rng_state(), random)
        assert all(p.requires_grad for p in parameters) and torch.is_grad_enabled()
        for part in model.modules():
            assert not (part._forward_hooks or part._forward_pre_hooks or part._forward_hooks_with_kwargs)

    def test_also_when_it_raises_in_training_mode(self):
        def through(self, x):
            if self.training:
                raise RuntimeError("only for use")
            return self.wide(self.narrow(x))

        model = Module(through).eval()
        diagnosis = ae.diagnose(model, X)
        assert "the model" in diagnosis.ladder.index and any("only for use" in text for text in diagnosis.unmeasured)
        assert not model.training and not any(part._forward_hooks for part in model.modules())
        assert torch.is_grad_enabled()


class MovingCodebook(nn.Module):
    """Sets itself in training mode, as quantizers with moving averages do: new objects, new values, lists, layers in lists."""

    def __init__(self):
        super().__init__()
        self.narrow, self.wide = nn.Linear(12, 3), nn.Linear(3, 12)
        self.w, self.cs, self.passes, self.seen = nn.Parameter(torch.randn(8, 3)), torch.ones(8), 0, []
        self.register_buffer("used", torch.zeros(8))
        self.hidden, self.counts = [nn.BatchNorm1d(3)], {"all": torch.zeros(1), "numpy": np.zeros(2)}
        self.draws, self.numpy_draws = torch.Generator().manual_seed(1), np.random.default_rng(1)

    def forward(self, x):
        z = self.hidden[0](self.narrow(x))
        nearest = torch.cdist(z, self.w).argmin(dim=1)
        quantized = self.w[nearest]
        if self.training:
            hits = F.one_hot(nearest, 8).float()
            self.cs = self.cs * 0.9 + hits.sum(0) * 0.1
            self.w = nn.Parameter(self.w.detach() * 0.9 + 0.1 * (hits.T @ z.detach()) / self.cs[:, None])
            self.used = self.used + hits.sum(0)
            self.narrow.weight.data.mul_(0.99)
            self.passes += 1
            self.seen.append(len(x))
            self.counts["all"] += len(x)
            self.counts["numpy"] += 1
            self.counts["last"] = len(x)
            z = z + 0.01 * torch.randn(z.shape, generator=self.draws) + float(self.numpy_draws.normal())
        return self.wide(z + (quantized - z).detach())


def everything(module):
    """Return all that hangs on such a module, by name: objects, and copies of the values."""
    parts = {"": module, "hidden.": module.hidden[0], "narrow.": module.narrow}
    objects = {name + key: value for name, part in parts.items() for key, value in vars(part).items()}
    objects |= {
        name + key: value for name, part in parts.items() for key, value in [*part._parameters.items(), *part._buffers.items()]
    }
    objects |= {f"counts.{key}": value for key, value in module.counts.items()}
    values = {
        key: value.detach().clone() if isinstance(value, torch.Tensor) else np.array(value)
        for key, value in objects.items()
        if isinstance(value, (torch.Tensor, np.ndarray))
    }
    states = module.draws.get_state().clone(), str(module.numpy_draws.bit_generator.state), list(module.seen)
    return objects, values, states


class TestAModuleThatSetsItself:
    def test_is_afterwards_as_it_was(self):
        model = MovingCodebook()
        for part in (model, model.hidden[0]):
            part.eval()
        objects, values, states = everything(model)
        diagnosis = ae.diagnose(model, X)
        assert diagnosis.unmeasured == [] and diagnosis.facts["random_in_training"]
        again, now, states_now = everything(model)
        assert again.keys() == objects.keys() and all(again[key] is objects[key] for key in objects)
        assert all(np.array_equal(now[key], values[key]) for key in values)
        assert torch.equal(states_now[0], states[0]) and states_now[1:] == states[1:]

    def test_a_lazy_module_is_built(self):
        model = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d(), nn.LazyLinear(12))
        diagnosis = ae.diagnose(model, X)
        assert diagnosis.unmeasured == [] and diagnosis.facts["code_size"] == 3
        assert model(torch.tensor(X)).shape == X.shape and type(model[0]) is nn.Linear and model[0].training


def test_aehelpers_imports_torch_only_with_a_module(python):
    code = "import sys, numpy as np, aehelpers as ae; ae.diagnose(lambda x: x, np.eye(9)); print('torch' in sys.modules)"
    assert python(code).stdout.strip() == "False"


class TestActivations:
    OF_THE_PACKAGE = frozenset(("linear", "step", "straight_through_step"))  # PyTorch has no name for them

    def test_each_one_is_known_in_pytorch_too(self):
        known = {*_ACTIVATIONS.values(), *_FUNCTIONS.values()}
        assert known == set(ACTIVATIONS) - self.OF_THE_PACKAGE

    @pytest.mark.parametrize("module", _ACTIVATIONS, ids=lambda module: module.__name__)
    def test_modules_compute_what_their_name_says(self, module):
        self.compare(module(dim=1) if module is nn.Softmax else module(), _ACTIVATIONS[module])

    @pytest.mark.parametrize("name", _FUNCTIONS)
    def test_functions_compute_what_their_name_says(self, name):
        function = getattr(torch, name, None) or getattr(F, name)
        self.compare(functools.partial(function, dim=1) if name == "softmax" else function, _FUNCTIONS[name])

    def compare(self, function, name):
        x = np.linspace(-8, 8, 60, dtype=np.float32).reshape(1, 3, 4, 5)
        wanted = ACTIVATIONS[name].function(np.moveaxis(x, 1, -1))
        if name == "leaky_relu":  # whose slope differs between the two
            wanted = np.where(np.moveaxis(x, 1, -1) < 0, 0.01 / 0.2, 1) * np.asarray(wanted)
        np.testing.assert_allclose(np.moveaxis(np.asarray(function(torch.tensor(x))), 1, -1), wanted, rtol=1e-5, atol=1e-6)
