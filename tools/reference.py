"""The reference: one page of the website for each public name of the package, made from its docstring."""

import html
import importlib
import inspect
import re

import aehelpers as ae
import griffe
from markupsafe import Markup

QUOTED = re.compile(r"``(?P<code>.+?)``|`(?P<name>[\w.]+)`|(?P<link>https?://[^\s,;)]+[^\s,;).])")
MODULES = {  # of the package, in the order of the list
    "datasets": "Data",
    "models": "Models",
    "layers": "Layers",
    "noise": "Noise",
    "training": "Training",
    "baselines": "Baselines",
    "diagnostics": "Measurements",
    "diagnosis": "The diagnosis",
    "plots": "Figures",
    "checks": "Checks",
    "evidence": "Stored runs",
    "displays": "Displays",
}
KINDS = ("parameters", "attributes", "returns", "yields", "raises")


def page_of(name):
    """Return the page of a public name."""
    return f"reference-{name}.html"


def marked(text):
    """Return a docstring's text as HTML: code in its face, public names and addresses as links."""

    def replace(match):
        if match["link"]:
            return f'<a href="{match["link"]}">{match["link"]}</a>'
        code = match["code"] or match["name"]
        name = code.removeprefix("aehelpers.").partition(".")[0]
        inside = f"<code>{code}</code>"
        return f'<a href="{page_of(name)}">{inside}</a>' if match["name"] and name in ae.__all__ else inside

    return Markup(QUOTED.sub(replace, html.escape(text, quote=False)))


def paragraphs(text):
    return [marked(" ".join(part.split())) for part in text.split("\n\n") if part.strip()]


def sections_of(thing):
    """Return the parts of a docstring: {kind, title, text or rows}; a row is {name, type, text}."""
    made = []
    for part in griffe.Docstring(inspect.getdoc(thing), parser="numpy").parse(warn_unknown_params=False):
        kind = part.kind.value
        if kind == "text":
            made.append({"kind": "text", "title": "", "text": paragraphs(part.value)})
        elif kind in KINDS:
            rows = [
                {"name": getattr(one, "name", "") or "", "type": str(one.annotation or ""), "text": paragraphs(one.description)}
                for one in part.value
            ]
            made.append({"kind": "rows", "title": kind.title(), "rows": rows})
        else:
            title = part.title or kind.title()
            text = part.value.description if kind == "admonition" else str(part.value)
            made.append({"kind": "text", "title": title.title(), "text": paragraphs(text)})
    return made


def call_of(name, thing):
    """Return how a thing is called, one argument a line if it is long."""
    try:
        signature = inspect.signature(thing)
    except ValueError:
        return name
    parts = [str(parameter) for parameter in signature.parameters.values()]
    keyword_only = [one.kind is one.KEYWORD_ONLY for one in signature.parameters.values()]
    if True in keyword_only:
        parts.insert(keyword_only.index(True), "*")
    line = f"ae.{name}({', '.join(parts)})"
    return line if len(line) <= 80 else f"ae.{name}(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def methods_of(thing):
    """Return the public methods that a class of the package adds and documents."""
    if not inspect.isclass(thing):
        return []
    own = [(name, value) for name, value in vars(thing).items() if inspect.isfunction(value) and not name.startswith("_")]
    return [
        {"name": name, "call": call_of(name, value).removeprefix("ae."), "sections": sections_of(value)}
        for name, value in own
        if value.__doc__ and name not in ("call", "build", "get_config", "compute_output_shape")
    ]


def entries():
    """Return an entry for each public name, by the parts of the package."""
    made = {title: [] for title in MODULES.values()}
    for name in sorted(ae.__all__, key=str.lower):
        thing = vars(ae)[name]
        module = thing.__module__.split(".")[1]
        sections = sections_of(thing)
        made[MODULES[module]].append(
            {
                "name": name,
                "page": page_of(name),
                "first": sections[0]["text"][0],
                "call": call_of(name, thing),
                "sections": sections,
                "methods": methods_of(thing),
                "module": importlib.import_module(thing.__module__).__name__,
            }
        )
    return made
