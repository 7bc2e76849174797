"""How often is `ae.diagnose` wrong? It examines the autoencoders of benchmarks/zoo: each has one known main fault, or none.

    python -m benchmarks.diagnose                  train the half that judges, write the table, print the summary
    python -m benchmarks.diagnose --print          print the summary of the stored table
    python -m benchmarks.diagnose --half setting   train those with which thresholds may be set, print, store nothing
    python -m benchmarks.diagnose round adadelta   train some with three seeds, print what is found, store nothing

A half takes half an hour on two cores. Each design is a function of a seed that trains a model and returns it with what a user
would hand over; designs are counted, so that one seed each is enough. All designs of the first table, which are images in
Keras, were in sight when the first rules were written; of those added since, only the half "setting". The table is
notebooks/evidence/diagnoses.csv, of the day on which the other half was opened; the test suite makes a sample of it again.

Columns: ``fault`` is the code of the main fault, or "healthy"; ``old`` is 1 for the designs of the first table; ``found`` lists
codes and severities, worst first; ``named`` is 1 if the main fault is among them as more than a note, ``first`` if it is the
first of them; ``false`` is the number of findings of a healthy model that are more than a note.
"""

import argparse
import itertools
import multiprocessing
import time
from pathlib import Path

import aehelpers as ae
import pandas as pd
from scipy.stats import binomtest

from benchmarks import zoo
from benchmarks.zoo import ZOO
from notebooks.evidence.record import write_table

EVIDENCE = Path(__file__).resolve().parent.parent / "notebooks" / "evidence"

COLUMNS = ("patient", "half", "fault", "framework", "kind", "old", "seed", "found", "named", "first", "false")
MEASURED = ("named", "first", "false")
SEEDS = range(3)  # of designs that are named; a whole half is trained with the first
TABLE = EVIDENCE / "diagnoses.csv"
QUICK = "still_standardized"  # the test makes it again


def examine(name, seed):
    """Train one design; return the row of the table and the diagnosis.

    An error that the diagnosis raises is a mistake of its own: ``found`` is "raised:" with the error's name, and the diagnosis
    returned is the error.
    """
    design = ZOO[name]
    model, arguments = design.train(seed)
    try:
        diagnosis = ae.diagnose(model, arguments.pop("x_train"), arguments.pop("x_test", None), **arguments)
        found = [(finding.code, finding.severity) for finding in diagnosis.findings]
    except Exception as error:
        diagnosis, found = error, [("raised", type(error).__name__)]
    serious = [code for code, severity in found if severity != "note"]
    row = {
        "patient": name,
        "half": zoo.halves()[name],
        "fault": design.fault,
        "framework": design.framework,
        "kind": design.kind,
        "old": int(design.old),
        "seed": seed,
        "found": " ".join(f"{code}:{severity}" for code, severity in found),
        "named": int(design.fault in serious),
        "first": int(serious[:1] == [design.fault]),
        "false": len(serious) if design.fault == "healthy" else 0,
    }
    return row, diagnosis


def sample():
    """Return a small row, to be compared with the stored one."""
    return examine(QUICK, 0)[0]


def row_of(arguments):
    start = time.perf_counter()
    row, _ = examine(*arguments)
    print(
        f"{row['patient']:34} {row['seed']} {row['fault']:18} {row['found']} ({time.perf_counter() - start:.0f} s)", flush=True
    )
    return row


def designs(table):
    """Return a row for each design, with whether its fault was found, named first, or a healthy model accused."""
    return table.assign(found=table["named"] > 0, first=table["first"] > 0, accused=table["false"] > 0)


def rates(of_designs):
    """Return found, first and accused with 95 % intervals (Wilson), for each framework and kind of rows, and for all."""
    rows = {}
    for (framework, kind), group in [*of_designs.groupby(["framework", "kind"]), (("all", ""), of_designs)]:
        ill, well = group[group["fault"] != "healthy"], group[group["fault"] == "healthy"]
        cells = [share(ill["found"]), share(ill["first"]), share(well["accused"])]
        rows[f"{framework} {kind}".strip()] = cells
    return pd.DataFrame.from_dict(rows, orient="index", columns=["sick: found", "named first", "healthy: accused"])


def share(column):
    """Return "7 of 9 (45 to 94 %)"."""
    number, of = int(column.sum()), len(column)
    if not of:
        return "-"
    interval = binomtest(number, of).proportion_ci(method="wilson")
    return f"{number} of {of} ({interval.low:.0%} to {interval.high:.0%})".replace("% to", " to")


def report(table, half=None):
    """Print the rates of the sealed designs, those of the others, faults that were missed, and each mistake."""
    rows = designs(table)
    parts = {
        "sealed until the end": rows[(rows["half"] == "judged") & (rows["old"] == 0)],
        "with which thresholds were set": rows[(rows["half"] == "setting") & (rows["old"] == 0)],
        "of the first table, images in Keras, all in sight": rows[rows["old"] == 1],
    }
    for name, part in parts.items():
        if len(part) and half in (None, part["half"].iloc[0]):
            print(f"Designs {name}: {len(part)}\n{rates(part).to_string()}\n")
    sealed = parts["sealed until the end"]
    faults = sealed[sealed["fault"] != "healthy"].groupby("fault", sort=False)
    if len(sealed):
        print(faults.agg(designs=("first", "size"), found=("found", "sum"), first=("first", "sum")).to_string(), "\n")
    for _, row in table[(table["named"] == 0) & (table["fault"] != "healthy") | (table["false"] > 0)].iterrows():
        print(f"    {row['half']}: {row['patient']} ({row['fault']}), seed {row['seed']}: {row['found']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patients", nargs="*", help="names; without any, all")
    parser.add_argument("--half", choices=("setting", "judged"), help="print this half; nothing is stored")
    parser.add_argument("--print", action="store_true", help="print the summary of the stored table")
    parser.add_argument("--text", action="store_true", help="print the whole diagnosis of the patients named")
    arguments = parser.parse_args()
    if arguments.print:
        return report(pd.read_csv(TABLE, comment="#", keep_default_na=False))
    if arguments.patients:
        for name, seed in itertools.product(arguments.patients, SEEDS):
            row, diagnosis = examine(name, seed)
            print(diagnosis if arguments.text else row)
        return None
    names = zoo.names(arguments.half or "judged")
    # Fresh processes now and then: XLA never gives back the memory of what it has compiled.
    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=15) as pool:
        rows = pool.imap(row_of, [(name, SEEDS[0]) for name in names])
        if arguments.half:
            return report(pd.DataFrame(rows), arguments.half)
        write_table(__file__, COLUMNS, rows, TABLE.stem)
    return report(pd.read_csv(TABLE, comment="#", keep_default_na=False))


if __name__ == "__main__":
    main()
