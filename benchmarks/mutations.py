"""Plant mistakes in the JavaScript of the displays, one at a time, and see whether their tests catch them.

    python -m benchmarks.mutations                       # 12 in each display, 60 in core.js; prints a table and the survivors
    python -m benchmarks.mutations noise core --count 30 --seed 1

A mistake is another token: an operator, a number, a comparison, an index, a sentence, a name in place of its neighbour. The
tests of the module's own file run first, then those of the states and the contract. A mistake is caught when a test fails,
or when the page hangs. Nothing of the project is changed: the tests read a copy.
"""

import argparse
import contextlib
import io
import multiprocessing
import os
import queue
import random
import re
import shutil
import signal
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "aehelpers" / "displays"
SECONDS = 600  # after which a page counts as hanging

# What stands in the place of a token; of several, one is drawn.
OTHERS = {
    "+": "-", "-": "+", "*": "/", "/": "*", "**": "*", "<": ["<=", ">"], ">": [">=", "<"], "<=": ["<", ">="], ">=": [">", "<="],
    "===": "!==", "!==": "===", "&&": "||", "||": "&&", "+=": "-=", "++": "--", "!": "", "%": "*",
    "min": "max", "max": "min", "floor": "ceil", "round": "floor", "abs": "sign", "log": "log1p", "sqrt": "cbrt", "cos": "sin",
    "exp": "expm1", "width": "height", "height": "width", "x": "y", "y": "x", "low": "high", "high": "low", "top": "bottom",
    "bottom": "top", "left": "right", "right": "left", "true": "false", "false": "true", "first": "last", "black": "white",
    "white": "black", "rows": "columns", "columns": "rows", "some": "every", "every": "some", "known": "strange",
    "strange": "known", "missing": "added", "added": "missing", "row": "mean", "images": "rebuilt",
}  # fmt: skip
# Comments are passed over; what a template computes between its braces is code.
TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|^import[^\n]*)|(?P<text>"(?:\\.|[^"\\])*")|(?P<number>(?<![\w.$])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.]))"""
    r"""|(?P<word>[A-Za-z_$][\w$]*)|(?P<operator>===|!==|=>|\*\*|\+\+|--|&&|\|\||\+=|<=|>=|[-+*/%<>!=?:])""",
    re.MULTILINE,
)


def places(text):
    """Return where a token can be another one: (start, end, the other)."""
    found, template = [], [match.span() for match in re.finditer(r"`(?:\\.|[^`\\])*`", text)]
    code = {place for match in re.finditer(r"\$\{[^}]*\}", text) for place in range(*match.span())}
    prose = {place for start, end in template for place in range(start, end)} - code
    for match in TOKEN.finditer(text):
        start, end, token = match.start(), match.end(), match[0]
        if match["skip"] or start in prose:
            continue
        if match["text"]:
            others = '"another"' if " " in token else None
        elif match["number"]:
            others = [f"{float(token) + 1:g}", f"{float(token) * 2:g}" if float(token) else "2"]
        else:
            others = OTHERS.get(token)
            if text[:start].endswith("data."):  # another field of what Python hands over
                others = sorted({*re.findall(r"\bdata\.(\w+)", text)} - {token})
            key = re.match(r"\s*:(?!:)", text[end:]) and not re.search(r"\?[^:;]*$", text[:start].rsplit("\n", 1)[-1])
            if token in ("+", "-") and re.match(r"\s*[`\"]", text[end:]):
                continue  # it joins strings
            if match["word"] and (key or others is None):
                continue  # the name of a property of an object that is made here
        for other in [others] if isinstance(others, str) else others or []:
            found.append((start, end, other))
    return found


def mutants(module, count, seed):
    """Return so many mistakes of a module, at different tokens: [(line number, line before, line after, whole text)]."""
    text = (FOLDER / f"{module}.js").read_text(encoding="utf-8")
    by_place = {}
    for start, end, other in places(text):
        by_place.setdefault((start, end), []).append(other)
    draw = random.Random(f"{module} {seed}")
    chosen = [(*place, draw.choice(by_place[place])) for place in draw.sample(sorted(by_place), min(count, len(by_place)))]
    if len(chosen) < count:  # a short module: several at one token
        left = [(*place, other) for place, others in sorted(by_place.items()) for other in others]
        chosen += draw.sample(sorted(set(left) - set(chosen)), min(count, len(left)) - len(chosen))
    made = []
    for start, end, other in sorted(chosen):
        changed = text[:start] + other + text[end:]
        number = text.count("\n", 0, start)
        made.append((number + 1, text.splitlines()[number].strip(), changed.splitlines()[number].strip(), changed))
    return made


OWN = {"verdict": "vote"}  # whose tests are in another module's file


def tests_of(module):
    """Return what pytest is started with, one after the other, until something fails."""
    folder = "tests/displays"
    own, states = f"{folder}/test_{OWN.get(module, module)}.py", f"{folder}/test_states.py"
    if module == "core":
        others = [[f"{folder}/test_{name}.py"] for name in ("noise", "latent_plane", "contract", "vote")]
        return [[own], *others, [states]]
    stored = " or ".join(f"{number:02d}-{module}" for number in range(10))
    return [[own], [states, "-k", stored], [f"{folder}/test_contract.py", "-k", f"[{module}]"]]


def work(tasks, results):
    """Run the tests of one mistake after the other; in a process of its own, as a page may hang."""
    os.setsid()  # so that its browser can be ended with it
    os.chdir(ROOT)
    import pytest
    from aehelpers.displays import page

    with tempfile.TemporaryDirectory() as folder:
        page._FOLDER = Path(folder)
        for module, text in iter(tasks.get, None):
            for path in FOLDER.glob("*.js"):
                shutil.copyfile(path, Path(folder, path.name))
            Path(folder, f"{module}.js").write_text(text, encoding="utf-8")
            caught = ""
            for arguments in tests_of(module):
                said = io.StringIO()
                with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                    code = pytest.main([*arguments, "-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no"])
                if code == 1:
                    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said.getvalue(), re.MULTILINE)
                    caught = failed[1].rpartition("/")[2] if failed else "a test"
                    break
                if code not in (0, 5):
                    caught = RuntimeError(f"pytest ended with {code}: {said.getvalue()[-300:]}")
                    break
            results.put(caught)


class Worker:
    """A process that runs tests, and is made anew after one that hangs."""

    def __init__(self):
        self.context = multiprocessing.get_context("spawn")
        self.start()

    def start(self):
        self.tasks, self.results = self.context.Queue(), self.context.Queue()
        self.process = self.context.Process(target=work, args=(self.tasks, self.results), daemon=True)
        self.process.start()

    def run(self, module, text):
        """Return the name of the test that failed, or "" if the mistake was not noticed; raise what is no result of a test."""
        self.tasks.put((module, text))
        try:
            caught = self.results.get(timeout=SECONDS)
        except queue.Empty:
            self.end()
            self.start()
            return "it hangs"
        if isinstance(caught, RuntimeError):
            self.end()
            raise caught
        return caught

    def end(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join()


def main():
    """Print the table and the survivors."""
    modules = sorted({path.stem for path in FOLDER.glob("*.js")} - {"kernels"})  # it has no token, only bytes
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="module", help=", ".join(modules))
    parser.add_argument("--count", type=int, help="mistakes in each module (12, and 60 in core)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not set(options.modules) <= set(modules):
        parser.error(f"the modules are {', '.join(modules)}")
    worker, survivors, total = Worker(), [], [0, 0]
    print(f"{'module':16}{'planted':>8}{'caught':>8}   by", flush=True)
    for module in options.modules or modules:
        planted = mutants(module, options.count or (60 if module == "core" else 12), options.seed)
        by = {}
        for number, before, after, text in planted:
            caught = worker.run(module, text)
            if caught:
                by[caught.split("::")[0]] = by.get(caught.split("::")[0], 0) + 1
            else:
                survivors.append(f"{module}.js:{number}\n  - {before}\n  + {after}")
                print(survivors[-1], file=sys.stderr, flush=True)
        found = sum(by.values())
        total = [total[0] + len(planted), total[1] + found]
        ways = ", ".join(f"{test} {times}" for test, times in sorted(by.items(), key=lambda entry: -entry[1]))
        print(f"{module:16}{len(planted):8}{found:8}   {ways}", flush=True)
    worker.end()
    print(f"{'all':16}{total[0]:8}{total[1]:8}   {total[1] / total[0]:.1%}")
    print("\nSurvivors:\n" + "\n".join(survivors))


if __name__ == "__main__":
    main()
