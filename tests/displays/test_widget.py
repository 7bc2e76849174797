"""A display as a widget, and as a file."""

import base64
import json
import re
import sys
import types

import numpy as np
import pytest
from aehelpers import displays
from aehelpers.displays.packing import packed
from aehelpers.displays.page import as_json, page


class TestDisplay:
    def display(self, **state):
        return displays.Display("noise", "A <name>", "level", {"level": 0.5, "kind": "a", **state}, numbers=packed([1.0, 2.0]))

    def test_value_and_state_agree(self):
        display, seen = self.display(), []
        assert display.value == 0.5
        display.observe(lambda change: seen.append(change.new), "state")
        display.value = 0.25
        assert display.state == {"level": 0.25, "kind": "a"} and seen == [display.state]
        display.state = {"level": 0.75, "kind": "b"}
        assert display.value == 0.75 and repr(display) == "A <name>: run this cell to use it"

    def test_on_colab_it_asks_for_its_widgets(self, monkeypatch):
        """Colab shows no widget but its own until it is asked to, and has to be told where they come from with each of them."""
        asked = []
        output = types.SimpleNamespace(
            enable_custom_widget_manager=lambda: asked.append(True), _widgets=types.SimpleNamespace(_installed_url="address")
        )
        monkeypatch.setitem(sys.modules, "google.colab.output", output)
        _, metadata = self.display()._repr_mimebundle_()
        told = metadata["application/vnd.jupyter.widget-view+json"]["colab"]
        assert asked and told == {"custom_widget_manager": {"url": "address"}}

    def test_a_page_stands_alone(self, tmp_path):
        display = self.display()
        display.value = 0.125
        display.save_html(tmp_path / "ä page.html")
        page = (tmp_path / "ä page.html").read_text(encoding="utf-8")
        assert "<title>A &lt;name&gt;</title>" in page
        data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])
        assert data["saved"] == {"level": 0.125, "kind": "a"} and data["state"]["level"] == 0.5 and data["name"] == "A <name>"
        assert np.frombuffer(base64.b64decode(data["numbers"]["bytes"]), "<f2").tolist() == [1, 2]
        assert not re.search(r"""(src|href)=["'](?!data:)|https?://(?!www\.w3\.org)|@import|url\(""", page)

    def test_data_cannot_leave_their_element(self):
        text = page(as_json({"kind": "noise", "name": "</script><script>alert(1)</script>", "state": {}}))
        assert "</script><script>alert" not in text and text.count("<script") == 2

    def test_what_is_not_finite_is_refused(self):
        with pytest.raises(ValueError, match="NaN and infinity reach the page in packed arrays only"):
            as_json({"losses": [0.5, float("nan")]})
