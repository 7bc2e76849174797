"""Print a notebook as text, for `git diff`: metadata, sources and printed outputs of its cells, no pictures.

git config diff.notebook.textconv "python3 tools/textconv.py"
"""

import json
import sys
from pathlib import Path


def as_text(notebook):
    """Return what a reviewer reads of a notebook, a dict as the file has it."""
    lines = []
    for cell in notebook["cells"]:
        lines += ["", f"[{cell['cell_type']}] {cell.get('id', '')} {json.dumps(cell['metadata'], sort_keys=True)}"]
        lines += "".join(cell["source"]).splitlines()
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            lines.append(f"[output] {' '.join([output['output_type'], *sorted(data)])}")
            lines += "".join(output.get("text", data.get("text/plain", []))).splitlines()
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    print(as_text(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
