"""Displays of stored runs: they hand over what was stored."""

import aehelpers as ae
import numpy as np

from tests.displays.reading import unpacked


def test_what_a_vote_asks_for_is_not_shown_before_it():
    assert list(ae.recorded_display("bits_random").data["codes"]) == ["random"]
    assert ae.recorded_display("garment_epochs_asker").data["starts"] == ["the asker's"]


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
