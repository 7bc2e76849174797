"""Active units of a code: the spectrum, the prediction for a linear model, sums, pictures."""

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.recorded import _display


def made_run():
    draw = np.random.default_rng(0)
    spectrum = np.array([[10, 4, 1, 0.5, 0], [3, 2.5, 2, 1, 1]])  # some as large as the noise, and one without variance
    pictures = draw.integers(0, 256, (2, 2, 3, 8, 784))
    return {
        "data": np.array(["mnist", "fashion_mnist"]),
        "models": np.array(["linear", "256"]),
        "variances": np.array([392, 4, 0.5]),
        "spectrum": spectrum,
        "kl": draw.random((2, 2, 3, 5)),
        "alive": draw.integers(0, 6, (2, 2, 3)),
        "images": pictures[0, 0, :2],
        "rebuilt": pictures,
        "samples": pictures[::-1],
    }


@pytest.mark.parametrize("run", [made_run(), ae.stored_arrays("mean_or_sum")], ids=["made", "stored"])
def test_collapse(show, run):
    shown = show(_display("mean_or_sum", run))
    units = run["spectrum"].shape[1]
    for first, second, third in np.ndindex(run["alive"].shape):
        variance, place = run["variances"][third], (first, second, third)
        seen = shown.at(
            variance=float(variance),
            data=("MNIST", "Fashion-MNIST")[first],
            model=("no hidden layer", "256 hidden units")[second],
        )
        components, kl = np.float32(run["spectrum"][first]), np.float32(run["kl"][place])
        predicted = np.log(np.maximum(components, variance, dtype=float) / variance) / 2
        above, alive = (components > variance).sum(), run["alive"][place]
        loosely = (run["kl"][place] > 0.005025168).sum()  # -log(0.99) / 2
        images, rebuilt, samples = (
            np.float32(run[name][at].ravel() / 255) for name, at in [("images", first), ("rebuilt", place), ("samples", place)]
        )
        assert seen.sentence == (
            f"Noise of variance {variance:g}: {alive} of {units} units {'is' if alive == 1 else 'are'} active (variance "
            f"of the mean above 0.1; above 0.01: {loosely}). "
            f"{above} component{' is' if above == 1 else 's are'} above the line. "
            f"KL {kl.sum(dtype=float):.2f} nats per image, {predicted.sum():.2f} predicted. "
            f"Squared error of these images {((images - rebuilt) ** 2).mean(dtype=float):.4f} per pixel."
        )
        spectrum, divergences = seen.charts
        numbers = list(range(1, units + 1))
        drawn = [(line["x"], line["y"]) for chart in (spectrum, divergences) for line in chart["series"][:1]]
        assert drawn == [(numbers, components.tolist()), (numbers, pytest.approx(predicted))]
        measured = [
            ("active", "diamond", numbers[:alive], kl[:alive].tolist()),
            ("not active", "cross", numbers[alive:], kl[alive:].tolist()),
        ]
        found = [tuple(line[part] for part in ("name", "marker", "x", "y")) for line in divergences["series"][1:]]
        assert found == [line for line in measured if line[2]]
        assert spectrum["levels"][0]["value"] == variance
        assert divergences["y"]["high"] == pytest.approx(1.05 * run["kl"].max())
        assert [row["values"] for row in seen.pictures[0]["rows"]] == [images.tolist(), rebuilt.tolist(), samples.tolist()]


def test_the_axes_hold_what_is_stored():
    run = ae.stored_arrays("mean_or_sum")
    assert min(run["spectrum"].min(), run["variances"].min()) >= 0.1 and run["variances"].max() <= 1000
    assert np.log(run["spectrum"].max() / run["variances"].min()) / 2 <= 1.05 * run["kl"].max()
