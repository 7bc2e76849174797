"""What an alarm finds that is false for 5 % of the normal images, and what ink has to do with the 1.

    python -m notebooks.evidence.alarms

The autoencoders ("code 16") are those of `anomalies.py` with a code of 16: nine digits, 2,500 batches of 128. "none" needs no
model: it is the mean distance of the pixels from the five nearest of 10,000 training images, and that distance over the length
of the image. A score's limit is the 95 % quantile of the validation images of the nine digits. "found" is the share of the
left-out test images above it, "false alarms" that of the others.

Ink is the mean of an image's squared pixels. Where the 1 was left out, "equal ink" are learned test digits: for each 1 the one
whose ink comes next. Measures: "error", "relative error" (error over ink) and "ink", means over the images; "pairs at equal
ink", the share of pairs in which the 1 has the larger score; "correlation of ink and error"; "accepted", the share whose error
is not above the limit. "squares 12, 9": nine squares that do not touch in a field of 12 by 12 pixels, 36 white pixels in all;
"squares 12, 9, off": the same, moved by four pixels toward a corner. On average these are as far from the middle of the image
as those in a field of 18 by 18, and no farther apart than before.
"""

import numpy as np

from notebooks.evidence.anomalies import detection, dimmed, errors, images, moved, nearest, relative, train
from notebooks.evidence.record import write_table

COLUMNS = ("model", "left_out", "seed", "measure", "level", "value")
MEASURED = ("value",)
SEEDS, SEEDS_OF_ONES = range(2), range(5)  # of the models without another digit, and without the 1
FIELDS, SIDES = (12, 18), (6, 3, 2, 1)


def ink(x):
    return np.square(x).mean(axis=1)


def of_equal_ink(known, strange):
    """Return for each strange image the known one whose ink comes next."""
    order = np.argsort(ink(known))
    place = np.searchsorted(ink(known)[order], ink(strange)).clip(max=len(order) - 1)
    return known[order[place]]


def squares(field, side, count=500):
    """Return pictures of 36 white pixels in squares of that side, which do not touch, at random in the middle field."""
    generator, cell = np.random.default_rng(0), side + 1
    across = field // cell
    start = 14 - across * cell // 2
    drawn = np.zeros((count, 28, 28), np.float32)
    for picture in drawn:
        for place in generator.choice(across**2, 36 // side**2, replace=False):
            row, column = start + cell * (place // across), start + cell * (place % across)
            picture[row : row + side, column : column + side] = 1
    return drawn.reshape(count, 784)


def toward_corners(x, pixels=4):
    """Return the images, each moved by that many pixels in both directions, toward the four corners in turn."""
    pictures = x.reshape(-1, 28, 28).copy()
    for corner in range(4):
        away = [pixels * (2 * part - 1) for part in divmod(corner, 2)]
        pictures[corner::4] = np.roll(pictures[corner::4], away, axis=(1, 2))
    return pictures.reshape(x.shape)


def row(model, left_out, seed, measure, level, value):
    return dict(zip(COLUMNS, (model, left_out, seed, measure, level, round(float(value), 6)), strict=True))


def parts(left_out):
    """Return the validation images of the nine digits, their test images, and the left-out ones."""
    data, _ = images()
    known = data.y_test != left_out
    return data.x_valid[data.y_valid != left_out], data.x_test[known], data.x_test[~known]


def alarm_rows(model, left_out, seed, scores):
    """Yield for each score, given as values of the three parts, what its alarm finds."""
    for name, (valid, known, strange) in scores.items():
        limit = np.quantile(valid, 0.95)
        yield row(model, left_out, seed, "found", name, (strange > limit).mean())
        yield row(model, left_out, seed, "false alarms", name, (known > limit).mean())


def rows_without_training(left_out):
    data, _ = images()
    reference = data.x_train[np.flatnonzero(data.y_train != left_out)[:10_000]]
    away = [nearest(x, reference) for x in parts(left_out)]
    divided = [far / np.linalg.norm(x, axis=1) for far, x in zip(away, parts(left_out), strict=True)]
    yield from alarm_rows("none", left_out, 0, {"neighbours": away, "relative neighbours": divided})


def rows_of_ones(model, seed, valid, known, ones):
    """Yield the errors of a model that did not learn the 1, on ones, digits with the same ink and changed images."""
    limit = np.quantile(errors(model, valid), 0.95)
    same = of_equal_ink(known, ones)
    kinds = {
        "learned": known,
        "ones": ones,
        "equal ink": same,
        "half as bright": dimmed(known, 0.5),
        "moved by 4": moved(known, 4),
    }
    kinds |= {f"squares {field}, {36 // side**2}": squares(field, side) for field in FIELDS for side in SIDES}
    kinds |= {f"{name}, off": toward_corners(x) for name, x in kinds.items() if name.startswith("squares 12")}
    found = {name: errors(model, x) for name, x in kinds.items()}
    for name, error in found.items():
        share = relative(error, kinds[name])
        values = {"error": error, "relative error": share, "ink": ink(kinds[name]), "accepted": error <= limit}
        for measure, value in values.items():
            yield row("code 16", 1, seed, measure, name, value.mean())
    which = np.repeat([0, 1], len(ones))
    for name, divide in {"error": lambda error, _: error, "relative error": relative}.items():
        score = np.concatenate([divide(found[kind], kinds[kind]) for kind in ("equal ink", "ones")])
        yield row("code 16", 1, seed, "pairs at equal ink", name, detection(score, which))
    for name in ("learned", "ones"):
        value = np.corrcoef(ink(kinds[name]), found[name])[0, 1]
        yield row("code 16", 1, seed, "correlation of ink and error", name, value)


def rows_of(left_out, seed):
    model, _ = train("code 16", left_out, seed)
    error = [errors(model, x) for x in parts(left_out)]
    shares = [relative(one, x) for one, x in zip(error, parts(left_out), strict=True)]
    yield from alarm_rows("code 16", left_out, seed, {"error": error, "relative error": shares})
    if left_out == 1:
        yield from rows_of_ones(model, seed, *parts(left_out))


def sample():
    """Return a row that needs no training, to be compared with the stored one."""
    return next(one for one in rows_without_training(0) if one["measure"] == "found")


def rows():
    for seed in SEEDS_OF_ONES:
        yield from rows_of(1, seed)
    for left_out in range(10):
        yield from rows_without_training(left_out)
    for seed in SEEDS:
        for left_out in (0, *range(2, 10)):
            yield from rows_of(left_out, seed)


if __name__ == "__main__":
    write_table(__file__, COLUMNS, rows())
