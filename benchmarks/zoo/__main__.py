"""List, count, verify and seal the designs; see `python -m benchmarks.zoo --help`."""

import argparse
import time

import numpy as np
import pandas as pd

from benchmarks import zoo
from benchmarks.zoo.registry import FRAMEWORKS, KINDS, SEALED, ZOO


def shown(value):
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(part)}" for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return "[" + " ".join(map(shown, value)) + "]"
    return f"{value:.3g}" if isinstance(value, (float, np.floating)) else str(value)


def verified(names, seeds):
    from benchmarks.zoo.verify import verify

    for name in names:
        for seed in seeds:
            start = time.perf_counter()
            try:
                found = verify(name, seed)
            except Exception as error:  # one design that fails must not hide the others
                found = {"shown": f"ERROR {type(error).__name__}: {str(error)[:200]}"}
            word = {True: "yes", False: "NO"}.get(bool(found["shown"]) if not isinstance(found["shown"], str) else None, "")
            rest = shown({key: value for key, value in found.items() if key != "shown" or isinstance(value, str)})
            print(f"{word:3} {ZOO[name].fault:18} {name} {seed}: {rest} ({time.perf_counter() - start:.0f} s)", flush=True)


def counts(names):
    """Print how many designs there are by framework, kind, and whether they are healthy; and by fault."""
    rows = pd.DataFrame([(d.framework, d.kind, d.fault, d.fault == "healthy") for d in map(ZOO.get, names)])
    rows.columns = ["framework", "kind", "fault", "healthy"]
    table = rows.groupby(["framework", "kind", "healthy"]).size().unstack(fill_value=0)
    print(table.rename(columns={True: "healthy", False: "sick"}).to_string())
    print(f"\n{len(rows)} designs, {rows['healthy'].sum()} healthy")
    print(rows["fault"].value_counts().to_string())


def main():
    parser = argparse.ArgumentParser(description=zoo.__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="designs; all that the options leave, without any")
    parser.add_argument("--half", choices=("setting", "judged"))
    parser.add_argument("--age", choices=("old", "new"), help="of the first table, or added since")
    parser.add_argument("--fault")
    parser.add_argument("--framework", choices=FRAMEWORKS)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds are verified")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="print the names")
    what.add_argument("--count", action="store_true", help="print how many there are of each sort")
    what.add_argument("--verify", action="store_true", help="train them and measure the fault")
    what.add_argument("--seal", action="store_true", help=f"write {SEALED.name}")
    arguments = parser.parse_args()
    if arguments.seal:
        return zoo.seal()
    age = None if arguments.age is None else arguments.age == "old"
    names = arguments.names or zoo.names(arguments.half, age, arguments.fault, arguments.framework, arguments.kind)
    if arguments.verify:
        return verified(names, range(arguments.seeds))
    return counts(names) if arguments.count else print("\n".join(names))


if __name__ == "__main__":
    main()
