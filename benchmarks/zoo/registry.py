"""Which designs there are: each a function of a seed, with its fault, its framework and the kind of its data."""

import hashlib
import inspect
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import keras

FRAMEWORKS = ("keras", "torch", "function")
KINDS = ("images", "table", "series", "tokens")
SEALED = Path(__file__).with_name("sealed.json")
ZOO = {}  # name: Design


@dataclass(frozen=True)
class Design:
    """One sick or healthy autoencoder.

    Attributes
    ----------
    make : callable
        From a seed to a model, and the arguments of `ae.diagnose` beside it.
    fault : str
        The code of its main fault, or "healthy".
    framework : str
        "keras", "torch", or "function" for whatever is handed over as a function of arrays.
    kind : str
        Of the data: "images", "table", "series" or "tokens".
    old : bool
        Whether it was in the first table, in sight of those who wrote the first rules.
    shows : callable, optional
        From model and arguments to the numbers by which the fault is seen where no general measure would see it, by name, the
        first of them true or false.
    """

    make: object
    fault: str
    framework: str
    kind: str
    old: bool = False
    shows: object = None

    def train(self, seed):
        """Return what `make` gives, always the same for one seed."""
        keras.utils.set_random_seed(seed)
        if self.framework == "torch":
            # Where PyTorch was installed with Triton, importing that after TensorFlow ends the process. Nothing here needs it.
            sys.modules.setdefault("triton", None)
            import torch

            torch.manual_seed(seed)
            torch.set_num_threads(1)  # these models are so small that threads only wait for each other
        return self.make(seed)

    @property
    def source(self):
        """The text of the function, with its decorator."""
        return inspect.getsource(self.make)


def patient(fault, framework, kind, old=False, shows=None):
    """Add a function of a seed to the zoo; it returns a model, and the arguments of `ae.diagnose` beside it."""

    def add(function):
        if function.__name__ in ZOO:
            raise ValueError(f"there are two designs of the name {function.__name__}")
        if framework not in FRAMEWORKS or kind not in KINDS:
            raise ValueError(f"{function.__name__}: framework {framework!r} or kind {kind!r} is unknown")
        ZOO[function.__name__] = Design(function, fault, framework, kind, old, shows)
        return function

    return add


def decorators(framework, kind=None):
    """Return the decorators `patient` and, for one kind, `healthy` of one framework; `patient` can be told another kind."""

    def of_framework(fault, kind=kind, shows=None):
        return patient(fault, framework, kind, shows=shows)

    return of_framework, (of_framework("healthy") if kind else None)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def halves():
    """Return for each design the half to which it belongs: "setting" sets the thresholds, "judged" judges them.

    Of the old ones, every other one of each fault sets; of the others, those whose name has an even SHA-256.
    """
    counts = {}
    found = {}
    for name, design in ZOO.items():
        counts[design.fault] = counts.get(design.fault, 0) + design.old
        even = int(digest(name), 16) % 2 == 0
        found[name] = "setting" if (counts[design.fault] % 2 if design.old else even) else "judged"
    return found


def names(half=None, old=None, fault=None, framework=None, kind=None):
    """Return the names of the designs for which all that is told holds."""
    half_of = halves()
    wanted = {"old": old, "fault": fault, "framework": framework, "kind": kind}
    return [
        name
        for name, design in ZOO.items()
        if half in (None, half_of[name]) and all(value in (None, getattr(design, key)) for key, value in wanted.items())
    ]


def seals():
    """Return the SHA-256 of the source of each new design of the half that is judged."""
    return {name: digest(ZOO[name].source) for name in names("judged", old=False)}


def seal():
    """Store the seals."""
    SEALED.write_text(json.dumps(seals(), indent=2, sort_keys=True) + "\n", encoding="utf-8")


def broken_seals():
    """Return the names of judged designs that are new, changed or gone since they were sealed."""
    stored, now = json.loads(SEALED.read_text(encoding="utf-8")), seals()
    return sorted(name for name in stored.keys() | now.keys() if stored.get(name) != now.get(name))
