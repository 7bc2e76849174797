"""Displays of stored runs: they hand over what was stored."""

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.recorded import RECORDED

from tests.displays.reading import unpacked


def test_epochs_hand_over_what_was_stored():
    run, data = ae.stored_arrays("garment_epochs"), ae.recorded_display("garment_epochs").data
    assert data["starts"] == ["as asked", "identity start"] and data["epochs"][0] == 0.05 and data["epochs"][-1] == 50
    assert unpacked(data["made"]).shape == (2, len(data["epochs"]), len(data["garments"]), 784)
    assert unpacked(data["errors"]) == pytest.approx(run["errors"])
    only = ae.recorded_display("garment_epochs_asker").data
    assert only["starts"] == ["as asked"] and np.array_equal(unpacked(only["made"]), unpacked(data["made"])[:1])


def test_bits_by_hand():
    images = np.uint8([[255, 0, 0, 0], [255, 255, 0, 0]])
    runs = {"images": images, "pairs": np.array(["a pair"]), "sizes": np.array([1, 2])}
    for code in ("random", "learned", "centred"):
        runs[f"{code}_bits"] = np.array([[True, False, True], [False, False, False]])
        runs[f"{code}_rebuilt"] = np.stack([images, images[::-1]])
        runs[f"{code}_errors"] = np.array([0.5, 0.25])
    _, data = RECORDED["bits"].data(runs)
    assert unpacked(data["angles"]) == pytest.approx([45])
    assert list(data["codes"]) == ["random", "learned", "learned, centred"]
    code = data["codes"]["learned"]
    assert [unpacked(bits).tolist() for bits in code["bits"]] == [[[1], [0]], [[0, 1], [0, 0]]]
    assert unpacked(code["rebuilt"]).tolist() == (np.stack([images, images[::-1]]) / 255).tolist()
    assert list(RECORDED["bits_random"].data(runs)[1]["codes"]) == ["random"]


def test_activations_hand_over_what_was_stored():
    run, data = ae.stored_arrays("sparse_course"), ae.recorded_display("sparse_course").data
    assert data["models"] == ["plain", "KL"] and data["steps"][0] == 250 and data["steps"][-1] == 20_000
    assert unpacked(data["counts"]).sum(axis=2) == pytest.approx(128 * 10_000)
    assert unpacked(data["activeShare"]) == pytest.approx(run["active_share"])


def test_training_noise_hands_over_what_was_stored():
    run, data = ae.stored_arrays("denoising"), ae.recorded_display("denoising").data
    assert data["trained"] == ["none", "0.1", "0.3", "0.5", "0.7", "0 to 0.9"]
    assert unpacked(data["errors"]) == pytest.approx(run["errors"], rel=1e-6)
    assert np.rint(unpacked(data["rebuilt"]) * 255).tolist() == run["rebuilt"].tolist()
    assert unpacked(data["noisy"]).shape == (3, 8, 784) and unpacked(data["filters"]) == pytest.approx(run["filters"], abs=0.02)
    # What is lost and how much: the mean of the squares of what was set to 0 grows with the level.
    assert np.array(data["nothing"]) == pytest.approx(np.array(data["levels"]) * data["nothing"][-1] / 0.9, rel=0.02)


def test_collapse_hands_over_what_was_stored():
    run, data = ae.stored_arrays("mean_or_sum"), ae.recorded_display("mean_or_sum").data
    runs = ae.stored_runs("mean_or_sum").query("run == 'sigma' and seed == 0")
    assert np.ravel(data["alive"]).tolist() == runs["alive"].tolist() and np.shape(data["alive"]) == (2, 2, 6)
    assert unpacked(data["kl"]) == pytest.approx(run["kl"], rel=1e-6, abs=1e-6) and unpacked(data["kl"]).shape == (2, 2, 6, 32)
    assert np.rint(unpacked(data["samples"]) * 255).tolist() == run["samples"].tolist()
    assert unpacked(data["images"])[1] == pytest.approx(ae.load("fashion_mnist").x_test[:8], abs=1e-6)
    # Of the largest components, half the variance of the training images is in a few.
    assert unpacked(data["spectrum"])[0][:2] == pytest.approx([5.12, 3.73], abs=0.01)


def grey_levels(picture):
    return np.rint(picture * 255).astype(np.uint8).tobytes()


def test_anomaly_hands_over_what_was_stored(mnist):
    data = ae.recorded_display("anomalies").data
    counts, pictures = unpacked(data["counts"]), unpacked(data["pictures"])
    assert counts.shape == (10, 3, 2, 60) and unpacked(data["edges"]).shape == (10, 3, 61)
    # Each image is counted once: the left-out digits apart from the others.
    digits = np.bincount(mnist.y_test)
    assert np.array_equal(counts.sum(axis=-1), np.stack([10_000 - digits, digits], axis=-1)[:, None].repeat(3, axis=1))
    where = {grey_levels(picture): label for picture, label in zip(mnist.x_test, mnist.y_test, strict=True)}
    for digit in range(10):
        shown = [[where[grey_levels(one)] for one in group] for group in pictures[digit, 0]]
        assert set(shown[0]) == {digit} and digit not in shown[1]
