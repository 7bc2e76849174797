"""What do other tools say of the sealed PyTorch models that judge `ae.diagnose`? torch-audit 0.3 and WeightWatcher 0.7.

    pip install torch torch-audit weightwatcher
    python -m benchmarks.other_tools

Both are of another kind: torch-audit watches a training, here one step of Adam on 128 rows, and WeightWatcher looks at the
spectrum of each weight matrix. So it is no contest; it shows which faults of autoencoders a general tool sees. Whoever reads
their lists generously may count a warning as naming a fault where `NAMES` says so. What torch-audit says of speed is left out.
"""

import logging
import multiprocessing

import aehelpers as ae
import numpy as np
import pandas as pd

from benchmarks import zoo
from benchmarks.zoo import ZOO

SPEED = ("TA200", "TA201", "TA202", "TA203")  # alignment, layout, device, precision
# The faults that a warning can be said to name.
NAMES = {
    "TA100": ("not_finite",),  # NaN or infinite
    "TA102": ("not_finite", "input_scale"),  # exploding gradient
    "TA103": ("zero_gradient", "dead_code", "dead_units", "saturated_code"),  # units without gradient
    "TA104": ("no_gradient",),
    "TA105": ("dead_code", "dead_units", "saturated_code", "constant_output"),  # collapsed activations
    "TA301": ("input_scale", "sets_differ"),  # range of the data
    "TA302": ("one_row", "tiny_spread"),  # flat data
    "TA303": ("cannot_run",),  # channels at the end
    "TA305": ("input_scale", "not_finite"),  # invalid input
    "TA405": ("dead_code", "dead_units"),  # dead filters
    "TA500": ("no_gradient", "ignored_code"),  # unused layer
    "over-trained": ("overfitted",),
    "under-trained": ("undertrained", "constant_output", "never_moved"),
}


def audited(model, x, target):
    """Return the warnings of torch-audit for one step of training."""
    import torch
    from torch_audit import Auditor

    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    auditor = Auditor(model, optimizer=optimizer, every_n_steps=1)
    try:
        with auditor:
            auditor.audit_static()
            auditor.audit_init()
            made = auditor.forward(x)
            outputs = [made] if torch.is_tensor(made) else made.values() if isinstance(made, dict) else made
            made = next(part for part in outputs if part.shape == target.shape)
            auditor.backward(torch.nn.functional.mse_loss(made, target))
            auditor.optimizer_step()
    except Exception as error:
        return {f"raised {type(error).__name__}"}
    found = auditor.finish(report=False).findings
    return {f.rule_id for f in found if f.rule_id not in SPEED and f.severity.name in ("WARN", "ERROR")}


def watched(model):
    """Return the warnings of WeightWatcher."""
    import weightwatcher

    logging.disable(logging.CRITICAL)
    try:
        return set(weightwatcher.WeightWatcher(model=model).analyze()["warning"]) - {""}
    except Exception as error:
        return {f"raised {type(error).__name__}"}


def row_of(name):
    import torch

    torch.set_num_threads(1)
    design = ZOO[name]
    model, arguments = design.train(0)
    x = arguments["x_train"]
    # Of a model with several inputs or targets, the first: what it makes of that is its own affair.
    x, target = (
        torch.from_numpy(np.asarray((part[0] if isinstance(part, tuple) else part)[:128], np.float32))
        for part in (x, arguments.get("target", x))
    )
    spectra = watched(model)
    return name, design.fault, sorted(audited(model, x, target)), sorted(spectra)


def main():
    # As it was on the day on which these models were opened: rules have changed since.
    runs = ae.stored_runs("diagnoses").fillna({"found": ""})
    said = {row.patient: [code for code in row.found.split() if not code.endswith(":note")] for row in runs.itertuples()}
    names = zoo.names("judged", old=False, framework="torch")
    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=10) as pool:
        rows = []
        for name, fault, audit, spectra in pool.imap(row_of, names):
            rows.append((name, fault, [code.partition(":")[0] for code in said[name]], audit, spectra))
            print(*rows[-1], sep=" | ", flush=True)
    totals = {}
    for tool, place in (("ae.diagnose", 2), ("torch-audit", 3), ("WeightWatcher", 4)):
        named = [any(row[1] in (code, *NAMES.get(code, ())) for code in row[place]) for row in rows if row[1] != "healthy"]
        # A tool that cannot run says nothing.
        said_so = [(row[1], any(not code.startswith("raised") for code in row[place])) for row in rows]
        warned = [said for fault, said in said_so if fault == "healthy"]
        sick = [said for fault, said in said_so if fault != "healthy"]
        totals[tool] = {
            "sick: named": f"{sum(named)} of {len(named)}",
            "sick: anything said": f"{sum(sick)} of {len(sick)}",
            "healthy: anything said": f"{sum(warned)} of {len(warned)}",
            "could not run": sum(any(code.startswith("raised") for code in row[place]) for row in rows),
        }
    print(pd.DataFrame.from_dict(totals, orient="index").to_string())


if __name__ == "__main__":
    main()
