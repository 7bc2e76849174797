"""What a display is in Python: data that are measured once, and a state that the reader moves in the page.

The arithmetic and the drawing are JavaScript: core.js, and one module a display. They run in JupyterLab and in a file without a
kernel alike.
"""

from pathlib import Path

import anywidget
import traitlets
from aehelpers.displays.page import STYLE, as_json, page, source


class Display(anywidget.AnyWidget):
    """A display; as the last line of a cell it appears below it.

    It is a widget like those of ipywidgets: it can stand in a box, be observed, and be linked.

    Attributes
    ----------
    state : dict
        What the controls say, by their names; to read and to set. What makes no sense is replaced by the default.
    value : object
        What the main control says. ``ipywidgets.jslink((slider, "value"), (display, "value"))`` links it to another widget.
    data : dict
        What the page gets: the kind and the name of the display, and arrays that `packed` made.
    """

    _esm = source() + "export default { render };\n"
    _css = STYLE
    state = traitlets.Dict().tag(sync=True)
    value = traitlets.Any().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)

    def __init__(self, kind, name, main, state, **data):
        super().__init__(
            data={"kind": kind, "name": name, "main": main, "state": state, **data}, state=state, value=state.get(main)
        )

    @traitlets.observe("state")
    def _state_to_value(self, change):
        self.value = change.new.get(self.data["main"])

    @traitlets.observe("value")
    def _value_to_state(self, change):
        if self.data["main"] is not None:
            self.state = {**self.state, self.data["main"]: change.new}

    def _repr_mimebundle_(self, **kwargs):
        _shown[self.model_id] = self
        return super()._repr_mimebundle_(**kwargs)

    def save_html(self, path):
        """Write one file that shows the display in any browser, from the disk too, without a kernel and without a network.

        Parameters
        ----------
        path : str or Path
        """
        Path(path).write_text(page(as_json({**self.data, "saved": self.state})), encoding="utf-8")

    def __repr__(self):
        return f"{self.data['name']}: run this cell to use it"


_shown = {}  # by the id under which a notebook's output names it


def save_shown(folder):
    """Write what each display of this kernel hands to the page as ``<id of the widget>.json``; run.py stores it."""
    for model_id, display in _shown.items():
        (Path(folder) / f"{model_id}.json").write_text(as_json(display.data), encoding="utf-8")
