"""A zoo of autoencoders, each with one known main fault, or with none, by which `ae.diagnose` is judged.

    python -m benchmarks.zoo --list --half setting     names of the designs with which thresholds may be set
    python -m benchmarks.zoo --count                   how many there are
    python -m benchmarks.zoo --verify NAME ...         measure the fault of each, without `ae.diagnose`
    python -m benchmarks.zoo --seal                    write sealed.json, after a judged design was added or changed

The half "judged" stays unseen by whoever writes the rules until they are done. sealed.json holds a hash of the source of each
new design of that half, so that a change is noticed.
"""

from benchmarks.zoo import functions, images, more_images, registry, series, tables, torch_models, variational
from benchmarks.zoo.registry import FRAMEWORKS, KINDS, SEALED, ZOO, Design, broken_seals, halves, names, seal, seals

__all__ = [
    "FRAMEWORKS",
    "KINDS",
    "SEALED",
    "ZOO",
    "Design",
    "broken_seals",
    "functions",
    "halves",
    "images",
    "more_images",
    "names",
    "registry",
    "seal",
    "seals",
    "series",
    "tables",
    "torch_models",
    "variational",
]
