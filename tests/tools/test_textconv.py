"""`git diff` shows what a reviewer reads of a notebook, after the command that CONTRIBUTING.md names."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git on this machine")
def test_a_diff_has_sources_and_printed_outputs_and_no_pictures(tmp_path):
    def git(*arguments):
        done = subprocess.run(["git", *arguments], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
        return done.stdout

    def write(word):
        outputs = [
            nbformat.v4.new_output("stream", text=f"{word} is printed\n"),
            nbformat.v4.new_output("display_data", {"image/png": f"picture-{word}", "text/plain": f"<Figure {word}>"}),
        ]
        cells = [nbformat.v4.new_code_cell(f"print('{word}')", outputs=outputs, id="one", metadata={"alt": f"{word} drawn"})]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebook.ipynb")

    shutil.copy(ROOT / ".gitattributes", tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    git("init", "-q")
    command = re.search(r"`git (config diff\.notebook[^`]*)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))[1]
    git(*shlex.split(command))
    write("früher")
    git("add", ".")
    write("später")
    changed = [line for line in git("diff").splitlines() if line.startswith(("+", "-"))]
    for sign, word in {"-": "früher", "+": "später"}.items():
        for shown in (f"print('{word}')", f"{word} is printed", f"<Figure {word}>"):
            assert f"{sign}{shown}" in changed
    assert not re.search("picture-|[{]$", "\n".join(changed))
