"""JupyterHub for a class on one Linux server: a Unix user for each learner, who gets a copy of the notebooks.

    jupyterhub -f classroom/jupyterhub_config.py     as root, in a folder that is root's alone

README.md beside this file has all steps; `python classroom/check_hub.py` tests this file with two learners.

What keeps learners apart is the operating system. Each server and each kernel runs as the Unix user of its learner, and nobody
else may enter that user's home folder. JupyterHub's SimpleLocalProcessSpawner would run all as one user: then a cell of one
learner could read and change everything that belongs to another.
"""

import grp
import os
import pwd
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SITE = PROJECT / "site"  # what the class's vote serves; it is built beforehand
PROGRAMS = Path(sys.prefix, "bin")  # of the environment that runs JupyterHub; learners must be able to read it
MEMORY_OF_A_PROCESS = 4 * 2**30  # bytes; the notebooks of this project need about 1 GB each

if not (SITE / "index.html").is_file():
    sys.exit(f"There is no website in {SITE}, where the class votes. Build it: {sys.executable} -m tools.build {SITE}")

c = get_config()  # noqa: F821 - JupyterHub provides it

# Whatever the hub, the servers and the learners write can be read by its owner only. That holds also for the hub's database.
os.umask(0o077)

# Only this machine can reach the hub as it stands, for passwords must not go over a network in the clear. For a class, either
# give it a certificate and the address below, or put a web server with a certificate in front of it and leave this line.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
# c.JupyterHub.bind_url = "https://:443"
# c.JupyterHub.ssl_cert = "/etc/ssl/class/fullchain.pem"
# c.JupyterHub.ssl_key = "/etc/ssl/class/privkey.pem"

# Learners log in with the name and password of their Unix user, and only members of these groups may.
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {"learners", "teachers"}

# A user's groups on the hub are those of the Unix user, at each login: members of `teachers` lead the class's votes.
c.PAMAuthenticator.manage_groups = True


def take_over_groups(authenticator, handler, authentication):
    learner = pwd.getpwnam(authentication["name"])
    authentication["groups"] = [grp.getgrgid(one).gr_name for one in os.getgrouplist(learner.pw_name, learner.pw_gid)]
    return authentication


c.Authenticator.post_auth_hook = take_over_groups

c.ConfigurableHTTPProxy.command = [str(PROGRAMS / "configurable-http-proxy")]
c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
c.Spawner.default_url = "/lab/tree/notebooks/00_start_here.ipynb"
c.Spawner.http_timeout = c.Spawner.start_timeout = 120  # seconds; when a whole class starts at once, each start takes longer

# JupyterHub's own Spawner.mem_limit does nothing with this spawner, so the operating system keeps the limit. It holds for each
# process by itself and counts what a process has written, not what it has merely reserved, as TensorFlow does with gigabytes.
# A cell that wants more gets an error, and its kernel and the class go on.
c.Spawner.cmd = ["prlimit", f"--data={MEMORY_OF_A_PROCESS}", str(PROGRAMS / "jupyterhub-singleuser")]

# TensorFlow writes code into the folder for temporary files, and /tmp belongs to all.
c.Spawner.environment = {"TMPDIR": lambda spawner: str(Path(pwd.getpwnam(spawner.user.name).pw_dir, ".tmp"))}

c.Spawner.args = [
    # A kernel publishes its outputs on a port of this machine, where by default every Unix user can listen.
    "--KernelManager.transport_encryption=required",
    # The kernel of a notebook that was closed would keep its memory. After half an hour it goes.
    "--MappingKernelManager.cull_idle_timeout=1800",
]


def prepare_home(spawner):
    """Close a learner's home folder to others, and put a copy of the project's notebooks there if it has no `notebooks`."""
    # As the learner, not as root: a link that a learner has put there must not lead root anywhere.
    learner = pwd.getpwnam(spawner.user.name)
    script = """
        chmod 700 . && mkdir -p .tmp && test -e notebooks && exit
        rm -rf .notebooks-new && cp -R "$0" .notebooks-new && mv .notebooks-new notebooks
    """
    subprocess.run(
        ["sh", "-c", script, PROJECT / "notebooks"],
        cwd=learner.pw_dir,
        user=learner.pw_uid,
        group=learner.pw_gid,
        extra_groups=[],
        check=True,
    )


c.Spawner.pre_spawn_hook = prepare_home

c.JupyterHub.services = [
    # The server of a learner who has been away for two hours is stopped; the files stay.
    {"name": "idle-culler", "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=7200"]},
    # The class's vote and the website, at /services/vote/. It needs no rights, neither on the hub nor on this machine.
    {
        "name": "vote",
        "url": "http://127.0.0.1:10101",
        "command": [sys.executable, "-m", "classroom.votes", "--hub", "--teachers=teachers", f"--site={SITE}"],
        "cwd": str(PROJECT),
        "user": "nobody",
        "oauth_no_confirm": True,  # it is part of this hub, so nobody is asked whether it may know the user's name
    },
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    },
    {"name": "user", "scopes": ["self", "access:services!service=vote"]},  # all users may vote
]
# A vote in a notebook counts in the class: its page holds a token that may also do this.
c.Spawner.oauth_client_allowed_scopes = ["access:services!service=vote"]
