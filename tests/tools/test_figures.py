"""Pictures of the website: figures for the dark and the pictures of the cards."""

import io
from pathlib import Path

import aehelpers as ae
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from tools import figures

STORED = sorted((Path(__file__).resolve().parents[2] / "notebooks" / "pictures").glob("[0-9]*.png"))


@pytest.fixture(scope="module")
def drawn():
    """A figure with twelve pictures of noise, of whites and of greys, a title for each row, a curve, and bars."""
    random = np.random.default_rng(0)
    rows = [random.random((4, 28, 28)), np.full((4, 28, 28), 0.9), np.linspace(0, 1, 4 * 784).reshape(4, 28, 28)]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    ae.show_images(rows, titles=["noise", "pale", "grey"], ax=left)
    right.plot([0, 1, 2], [0, 1, 0], color="#0072b2")
    right.bar([3], [1], color="#d55e00")
    file = io.BytesIO()
    figure.savefig(file)
    plt.close(figure)
    return Image.open(file).convert("RGB")


def test_pictures_stay_as_they_are_in_the_dark(drawn):
    """All else changes: paper is dark, ink is light, and a colour keeps its hue."""
    before, after = np.asarray(drawn), np.asarray(figures.darkened(drawn))
    places = figures.pictures_in(before)
    assert len(places) == 12
    outside = np.ones(before.shape[:2], bool)
    for place in places:
        assert (before[place] == after[place]).all()
        outside[place] = False
    for colour, new in (((255, 255, 255), figures.PAPER), ((0, 0, 0), figures.INK)):
        there = outside & (before == colour).all(axis=2)
        assert there.any() and np.abs(after[there].astype(int) - new).max() <= 4
    for colour in ((0, 114, 178), (213, 94, 0)):
        there = outside & (before == colour).all(axis=2)
        changed = after[there][0].astype(int)
        assert np.argsort(changed).tolist() == np.argsort(colour).tolist()
        assert changed.sum() > sum(colour) and changed.max() - changed.min() > 90


def test_coloured_strokes_on_black_are_a_picture_too():
    pixels = np.full((80, 160, 3), 255, np.uint8)
    pixels[10:70, 10:70] = 0
    pixels[30:50, 20:60] = (230, 159, 0)  # a quarter of the picture
    pixels[10:70, 90:150] = (0, 114, 178)  # a bar
    assert [(place[0].start, place[1].start) for place in figures.pictures_in(pixels)] == [(10, 10)]
    after = np.asarray(figures.darkened(Image.fromarray(pixels)))
    assert (after[10:70, 10:70] == pixels[10:70, 10:70]).all()


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem[:2])
def test_every_stored_picture_has_a_card(path):
    card = figures.card(Image.open(path), 4)
    assert card.size == (300, 148) and np.asarray(card.convert("L")).std() > 20


def test_a_card_shows_the_first_and_the_last_row(drawn):
    card = np.asarray(figures.card(drawn, 4), dtype=int)
    assert card[:72].std() > 40  # the noise
    assert np.diff(card[76:, ::76, 0], axis=1).min() > 0  # the greys, from dark to light


def test_a_card_of_fewer_pictures_has_them_in_the_middle(drawn):
    few, asked = figures.card(drawn, 4), np.asarray(figures.card(drawn, 8))
    shown = len(figures.rows_of(figures.pictures_in(np.asarray(drawn.convert("RGB"))))[0])
    left = (asked.shape[1] - shown * 76 + 4) // 2
    assert asked.shape == (148, 604, 3) and shown < 8
    assert asked[:, :left].std(axis=(0, 1)).max() == asked[:, 604 - left :].std(axis=(0, 1)).max() == 0
    assert (asked[:, left : left + 72] == np.asarray(few)[:, :72]).all()
