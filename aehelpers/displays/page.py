"""The JavaScript and the style of the displays, and a page with one of them; nothing here computes."""

import base64
import json
import re
from pathlib import Path

from jinja2 import Template

_FOLDER = Path(__file__).parent
STYLE = (_FOLDER / "display.css").read_text(encoding="utf-8")
_PAGE = Template((_FOLDER / "page.html").read_text(encoding="utf-8"))


SHARED = ("core", "pad", "kernels", "train", "facts")  # what displays import; each may import those before it


def source():
    """Return all JavaScript of the displays as one module: `render` is for anywidget, `mountOnPage` for a page."""
    parts = [_without_imports(_FOLDER / f"{name}.js") for name in SHARED]
    for path in sorted(_FOLDER.glob("*.js")):
        if path.stem not in SHARED:
            text = _without_imports(path).replace("export default ", f'displays["{path.stem}"] = ', 1)
            parts.append("{\n" + text + "}\n")  # a block of its own, so that two displays may use one name
    return re.sub(r"^export (?=function|const|class)", "", "".join(parts), flags=re.MULTILINE)


def _without_imports(path):
    names = "|".join(SHARED)
    return re.sub(rf'^import [^;]*? from "./({names}).js";\n', "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def page(data):
    """Return the text of a page with one display, from what `as_json` returned."""
    return _PAGE.render(name=json.loads(data)["name"], style=STYLE, data=data, source=source())


def as_json(data):
    """Return what a display hands to the page as JSON that may stand in a script element; bytes are in base64."""

    def text(thing):
        if isinstance(thing, (bytes, memoryview)):
            return base64.b64encode(thing).decode()
        raise TypeError(f"{type(thing).__name__} cannot be sent to the page")

    try:
        return json.dumps(data, default=text, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    except ValueError as error:
        raise ValueError("NaN and infinity reach the page in packed arrays only, but another value is not finite") from error
