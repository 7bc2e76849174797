"""Denoisers, by the noise of their training: errors and pictures."""

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.recorded import _display


def made_run():
    draw = np.random.default_rng(0)
    return {
        "trained": np.array(["none", "0.25", "0 to 1"]),
        "levels": np.array([0, 0.1 + 0.2, 0.5, 1]),  # the first of them is not quite 0.3
        "errors": draw.random((3, 4)) / 10,
        "nothing": draw.random(4) / 10,
        "mean_image": 0.07,
        "shown_levels": np.array([0, 0.3, 1]),
        "noisy": draw.integers(0, 256, (3, 8, 784)),
        "rebuilt": draw.integers(0, 256, (3, 3, 8, 784)),
    }


@pytest.mark.parametrize("run", [made_run(), ae.stored_arrays("denoising")], ids=["made", "stored"])
def test_training_noise(show, run):
    shown = show(_display("denoising", run))
    trained, levels, shares = (run[name].tolist() for name in ("trained", "levels", "shown_levels"))
    errors = run["errors"].astype(np.float32)
    words = {level: f"Trained {'from' if ' to ' in level else 'at'} {level}" for level in trained}
    words["none"] = "Trained without noise"
    for which, level in enumerate(trained):
        seen = shown.at(trained=level)
        shown_errors = [np.interp(share, levels, errors[which]) for share in shares]
        losses = ", ".join(
            f"{error:.3f} with {f'{100 * share:.0f} %' if share else 'nothing'} lost"
            for error, share in zip(shown_errors, shares, strict=True)
        )
        assert seen.sentence == (
            f"{words[level]}: the squared error is {losses}; that of the mean image is {run['mean_image']:.3f}."
        )
        (chart,) = seen.charts
        assert chart["y"]["label"] == "squared error per pixel, all test images"
        assert [line["y"] for line in chart["series"]] == [run["nothing"].tolist(), *errors.tolist()]
        assert all(line["x"] == levels for line in chart["series"])
        assert [line.get("marker", False) for line in chart["series"]] == [False, *(one == level for one in trained)]
        assert chart["levels"][0]["value"] == run["mean_image"]
        assert max(run["nothing"].max(), errors.max(), run["mean_image"]) <= 0.12
        pairs = np.stack([run["noisy"], run["rebuilt"][which]], axis=1).reshape(2 * len(shares), -1)
        grey = np.float32(pairs / 255).tolist()
        rows = [row for pictures in seen.pictures for row in pictures["rows"]]
        assert rows == [{"values": values} for values in grey]
        titles = [f"{100 * share:.0f} % lost" if share else "nothing lost" for share in shares]
        assert [title for pictures in seen.pictures for title in pictures["titles"]][::2] == titles
