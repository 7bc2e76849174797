"""Examine nine patients for the panel of notebook 09, and store what is measured beside this file.

    python -m notebooks.evidence.examinations

Takes two minutes on two cores and needs PyTorch, in which patient 8 is trained. Patients 1 to 7 are those of ``patients.npz``;
patient 9 reconstructs the 13 columns of scikit-learn's wine table as they come, each in its own unit.
"""

import json
from pathlib import Path

import aehelpers as ae
import keras
import numpy as np
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA

from notebooks.evidence.patients import BCE_OF_LOGITS

MEASURES = ("error", "code", "gradient", "outputs", "details")
LOSSES = {1: "mse", 2: "bce", 3: "bce", 4: BCE_OF_LOGITS, 5: "bce", 6: "mse", 7: "mse"}
BLUE, ORANGE = "#0072b2", "#d55e00"


def wine():
    """Return the rows of the table, shuffled: 120 to train on, and the 58 others."""
    rows = load_wine().data[np.random.default_rng(0).permutation(178)].astype(np.float32)
    return rows[:120], rows[120:]


def table_patient(x):
    """Columns in their own units: the loss of the largest, proline in mg/l, hides that of all others."""
    keras.utils.set_random_seed(0)
    model = ae.autoencoder(input_size=13, hidden=(), code_size=2, code_activation=None, output_activation=None)
    ae.fit(model, x, steps=5_000, batch_size=40, optimizer=keras.optimizers.Adam(0.01), loss="mse", progress=False)
    return model


def torch_patient(x):
    """A sigmoid at the output, and images that were standardized as PyTorch's examples do it."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)  # TensorFlow has threads of its own
    layers = torch.nn.Linear(784, 64), torch.nn.ReLU(), torch.nn.Linear(64, 16)
    encoder = torch.nn.Sequential(*layers)
    decoder = torch.nn.Sequential(torch.nn.Linear(16, 64), torch.nn.ReLU(), torch.nn.Linear(64, 784), torch.nn.Sigmoid())
    model = torch.nn.Sequential(encoder, decoder)
    optimizer, draw = torch.optim.Adam(model.parameters()), np.random.default_rng(0)
    for _ in range(1_500):
        batch = torch.tensor(x[draw.integers(len(x), size=64)])
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(batch), batch).backward()
        optimizer.step()
    optimizer.zero_grad()
    batch = torch.tensor(x[:500])
    torch.nn.functional.mse_loss(model(batch), batch).backward()
    return model, encoder, [float(weight.grad.norm()) for weight in model.parameters()]


def standardized(images):
    return (images - np.float32(0.1307)) / np.float32(0.3081)


def stairs(values, edges):
    """Return x and y of a curve that is flat between the edges."""
    x, y = np.repeat(edges, 2)[1:-1], np.repeat(values, 2)
    return {"x": np.round(x, 5).tolist(), "y": np.round(y, 5).tolist()}


def shown(error):
    """Return an error as text: those of images are below 1, those of the table are not."""
    return f"{error:.0f}" if error >= 100 else f"{error:.3g}" if error >= 1 else f"{error:.4f}"


def axis(label, values, low=None):
    values = np.append(np.asarray(values, float), [] if low is None else low)
    return {"label": label, "low": float(values.min()), "high": float(values.max() + 0.05 * (np.ptp(values) or 1))}


def chart(x, y, across, up, series, marks, sentence):
    up = axis(y, up, 0)
    up["high"] *= 1.15 if marks else 1  # room for the names of the marks
    return {"x": axis(x, across, 0), "y": up, "series": series, "marks": marks, "sentence": sentence}


def examine(x_train, x, made, code, gradient, rows="images"):
    """Return a chart and a sentence for each measure."""
    size, mean = code.shape[1], x_train.mean(axis=0)
    pca = PCA(min(size, x.shape[1])).fit(x_train)
    best = pca.inverse_transform(pca.transform(x))
    of_rows = ((made - x) ** 2).mean(axis=1)
    marks = {"mean": ((mean - x) ** 2).mean(), f"PCA-{size}": ((best - x) ** 2).mean(), "model": of_rows.mean()}
    high = max(1.6 * max(marks["mean"], marks[f"PCA-{size}"]), min(1.2 * marks["model"], 3 * marks["mean"]))
    counts, edges = np.histogram(of_rows.clip(0, high), 40, (0, high))
    yield chart(
        f"squared error of one {rows[:-1]} (last step: this or more)",
        f"% of the {rows}",
        edges,
        100 * counts / len(x),
        [{"name": "model", "colour": ORANGE, **stairs(100 * counts / len(x), edges)}],
        [{"x": float(value), "name": name} for name, value in marks.items() if name != "model"],
        "Squared error: "
        + ", ".join(f"{name.replace('mean', f'mean {rows[:-1]}')} {shown(value)}" for name, value in marks.items())
        + ("." if marks["model"] < high else ", beyond the chart."),
    )
    spread = np.sort(code.std(axis=0))[::-1]
    yield chart(
        "unit of the code, sorted",
        "standard deviation",
        np.arange(size + 1),
        spread,
        [{"name": "units", "colour": BLUE, **stairs(spread, np.arange(size + 1))}],
        [],
        f"{size} units. Their standard deviations over the {rows} go from {spread[-1]:.3g} to {spread[0]:.3g}. Units that "
        f"are above 0 for at least one {rows[:-1]}: {int((code.max(axis=0) > 0).sum())}.",
    )
    norms = np.array(gradient)
    yield chart(
        "array of weights, from the input to the output",
        "norm of its gradient",
        np.arange(len(norms) + 1),
        norms,
        [{"name": "norm", "colour": BLUE, **stairs(norms, np.arange(len(norms) + 1))}],
        [],
        f"A gradient reaches {int((norms > 0).sum())} of {len(norms)} arrays of weights; the largest norm is "
        f"{norms.max():.2g}.",
    )
    low, high = min(x.min(), made.min()), max(x.max(), made.max())
    series, shares = [], []
    for name, values, colour in ((rows, x, BLUE), ("outputs", made, ORANGE)):
        counts, edges = np.histogram(values, 40, (low, high))
        shares.append(100 * counts / values.size)
        series.append({"name": name, "colour": colour, **stairs(shares[-1], edges)})
    behind = ((1 / (1 + np.exp(-made.clip(-80, 80))) - x) ** 2).mean()
    yield chart(
        "value",
        "% of all values",
        edges,
        np.ravel(shares),
        series,
        [],
        f"The {rows} go from {x.min():.2f} to {x.max():.2f}, the outputs from {made.min():.2f} to {made.max():.2f}."
        + (f" After a sigmoid the outputs would have a squared error of {shown(behind)}." if rows == "images" else ""),
    )
    if rows == "images":
        full = PCA(64).fit(x_train)
        there, here = full.transform(made), full.transform(x)
        kept = (there * here).sum(axis=0) / (here**2).sum(axis=0)
        names, word = ("components 1 to 3", "components 4 to 16", "components 17 to 64"), "principal component"
        parts = (kept[:3], kept[3:16], kept[16:])
    else:
        kept = 1 - ((made - x) ** 2).mean(axis=0) / ((mean - x) ** 2).mean(axis=0)
        order = np.argsort(-x.var(axis=0))
        of_pca = 1 - ((best - x) ** 2).mean(axis=0) / ((mean - x) ** 2).mean(axis=0)
        kept, word = kept[order].clip(-1), "column, from the largest variance to the smallest"
        names = "largest column", "second", "median of the others", f"with PCA-{size}"
        parts = kept[:1], kept[1:2], *(np.median(each, keepdims=True) for each in (kept[2:], of_pca[order][2:]))
    shares = "; ".join(f"{name}: {round(part.mean(), 2) + 0:.2f}" for name, part in zip(names, parts, strict=True))
    beyond = ", above 1 is too much" if rows == "images" else "; less than -1 is drawn as -1"
    yield chart(
        word,
        "share that is kept",
        np.arange(len(kept) + 1),
        [*kept, 1],
        [{"name": "kept", "colour": BLUE, **stairs(kept, np.arange(len(kept) + 1))}],
        [],
        f"1 is all, 0 is nothing{beyond}. {shares[0].upper()}{shares[1:]}.",
    )


def keras_patient(model, x_train, x, loss, rows="images"):
    made, code = ae.predict(model, x), ae.predict(getattr(model, "encoder", None) or model.layers[0].encoder, x)
    return list(examine(x_train, x, made, code, ae.gradient_report(model, x_train[:500], loss)["norm"].fillna(0), rows)), made


def main():
    data = ae.load("mnist")
    x_train, x = data.x_train[:5_000], data.x_test[:2_000]
    examined, pictures = [], []
    for number, model in ae.stored_models("patients").items():
        found, made = keras_patient(model, x_train, x, LOSSES[number])
        print(f"patient {number} is examined", flush=True)
        examined.append(found)
        pictures.append([x[:8], made[:8].clip(0, 1)])
    import torch

    z_train, z = standardized(data.x_train), standardized(x)
    model, encoder, gradient = torch_patient(z_train)
    with torch.no_grad():
        made, code = model(torch.tensor(z)).numpy(), encoder(torch.tensor(z)).numpy()
    examined.append(list(examine(z_train[:5_000], z, made, code, gradient)))
    pictures.append([z[:8].clip(0, 1), made[:8].clip(0, 1)])
    train, test = wine()
    model = table_patient(train)
    found, made = keras_patient(model, train, test, "mse", "rows")
    examined.append(found)
    for name, report in (("wine", ae.diagnose(model, train, test)),):
        print(name, report)
    for number, found in enumerate(examined, start=1):
        print(number, *(f"\n   {one['sentence']}" for one in found))
    np.savez_compressed(
        Path(__file__).with_suffix(".npz"),
        measures=np.array(MEASURES),
        examined=np.array(json.dumps(examined)),
        pictures=np.rint(255 * np.array(pictures)).astype(np.uint8),
    )


if __name__ == "__main__":
    main()
