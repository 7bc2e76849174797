"""A JupyterLab of its own, and notebooks opened in it by a browser."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request

# No questions to a new user, and no cells that leave the page while they are outside the window.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
THEMES = ("light", "dark")

_IN_KERNEL = """async code => {
  const future = jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code });
  let printed = "";
  future.onIOPub = message => {
    if (message.header.msg_type === "stream") printed += message.content.text;
    if (message.header.msg_type === "error") printed += message.content.traceback.join("\\n");
  };
  await future.done;
  return printed;
}"""

_CODE_CELLS = "jupyterapp.shell.currentWidget.content.widgets.filter(cell => cell.model.type === 'code')"


@contextlib.contextmanager
def jupyterlab(folder, home):
    """Start a JupyterLab that shows one folder and keeps all it writes in another; yield its address and its token."""
    for name, values in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values), encoding="ascii")
    token = secrets.token_hex(16)
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
    # JUPYTER_PATH could name another Python's kernel. PYTEST_CURRENT_TEST makes ipykernel leave out what C code writes.
    variables = {name: value for name, value in os.environ.items() if name not in ("JUPYTER_PATH", "PYTEST_CURRENT_TEST")}
    variables |= {name: str(home / name) for name in places}
    variables |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTER_TOKEN": token}
    options = ["--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root", "--expose-app-in-browser"]
    command = [sys.executable, "-m", "jupyterlab", *options, f"--ServerApp.root_dir={folder}"]
    with (home / "lab.log").open("wb") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    try:
        yield _address(process, home, token), token
    finally:
        process.terminate()  # it ends its kernels first
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process, home, token):
    """Return the address as soon as the server answers there."""
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        for path in (home / "JUPYTER_RUNTIME_DIR").glob("jpserver-*.json"):
            with contextlib.suppress(ValueError, OSError):  # half written, or not listening yet
                address = json.loads(path.read_text())["url"]
                urllib.request.urlopen(f"{address}api/status?token={token}", timeout=5).close()
                return address
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start. It said:\n{(home / 'lab.log').read_text(errors='replace')[-2000:]}")


class OpenNotebook:
    """A notebook that is open in a page of a browser.

    ``problems`` holds the errors in the page's console, and ``requests`` the addresses that it asked for.
    """

    def __init__(self, context, lab, name):
        address, token = lab
        self.problems, self.requests = [], []
        self.page = context.new_page()
        self.page.on("console", lambda one: one.type == "error" and self.problems.append(f"{one.text} ({one.location['url']})"))
        self.page.on("pageerror", lambda error: self.problems.append(error.stack or error.message))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.goto(f"{address}lab/tree/{name}?reset&token={token}")
        self.page.wait_for_function(
            "window.jupyterapp?.shell.currentWidget?.context?.isReady"
            " && jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.connectionStatus === 'connected'",
            timeout=120_000,
        )

    def run_all(self, seconds):
        """Run all cells, and wait until the last is done or one has failed."""
        run_all = "jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.allRun = true; })"
        self.page.evaluate(f"() => {{ {run_all}; }}")
        self.page.wait_for_function("window.allRun", timeout=1000 * seconds)

    def outputs(self):
        """Return the outputs of each code cell, as they would be stored."""
        return self.page.evaluate(f"{_CODE_CELLS}.map(cell => cell.model.outputs.toJSON())")

    def evaluate_in_kernel(self, code):
        """Execute code in the notebook's kernel, and return what it prints."""
        return self.page.evaluate(_IN_KERNEL, code)

    def set_theme(self, theme):
        """Set JupyterLab's theme, "light" or "dark", and wait until it is there."""
        change = "theme => jupyterapp.commands.execute('apputils:change-theme', { theme }).then(() => null)"
        self.page.evaluate(change, f"JupyterLab {theme.title()}")
        light = "true" if theme == "light" else "false"
        self.page.locator(f"body[data-jp-theme-light='{light}']").wait_for(state="attached", timeout=60_000)
        self.page.locator("#jupyterlab-splash").wait_for(state="detached", timeout=60_000)

    def close(self):
        """End the kernel and close the page."""
        try:
            self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        finally:
            self.page.close()
