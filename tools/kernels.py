"""Assemble the WebAssembly that trains in the page, after a change of it: kernels.wat becomes kernels.js.

python -m tools.kernels
"""

import base64
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "aehelpers" / "displays"
STORED = FOLDER / "kernels.js"

_TEXT = """// kernels.wat, assembled. Written by: python -m tools.kernels
export const KERNELS = [
{lines}
].join("");
"""
_LETTERS = 120  # of base64 in a line


def assembled():
    """Return the bytes of kernels.wat."""
    import wasmtime

    return bytes(wasmtime.wat2wasm((FOLDER / "kernels.wat").read_text(encoding="utf-8")))


def as_javascript(code):
    """Return the text of kernels.js."""
    text = base64.b64encode(code).decode()
    lines = [f'  "{text[start : start + _LETTERS]}",' for start in range(0, len(text), _LETTERS)]
    return _TEXT.format(lines="\n".join(lines))


if __name__ == "__main__":
    STORED.write_text(as_javascript(assembled()), encoding="utf-8")
