"""The class's vote as a service of JupyterHub: the hub says who votes and who teaches, and no name is kept.

JupyterHub's own classes do the login (``HubOAuth``); what they need is in the variables JUPYTERHUB_*, which the hub sets for a
service that it starts, and Kubernetes for one of its own (``classroom/kubernetes``).
"""

import hashlib
import os
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated, UserNotAllowed
from jupyterhub.utils import get_browser_protocol
from tornado.web import HTTPError

from classroom.votes import server
from classroom.votes.event import Refused
from classroom.votes.server import Handler, Stop, sealed

NEEDED = ("API_TOKEN", "API_URL", "CLIENT_ID", "SERVICE_NAME", "SERVICE_PREFIX", "SERVICE_URL")
PUBLIC = "JUPYTERHUB_PUBLIC_URL"  # of this service, where the hub's configuration has a public_url


def missing_variables(environment=os.environ):
    """Return the names of what the hub should have set and has not."""
    return [name for name in (f"JUPYTERHUB_{one}" for one in NEEDED) if not environment.get(name)]


def own_place(environment=os.environ):
    """Return the address and the port at which the hub expects this service."""
    place = urlsplit(environment["JUPYTERHUB_SERVICE_URL"])
    return place.hostname, place.port or 80


def public_address(base):
    """Return what is known of this service's address before anybody has asked."""
    return os.environ.get(PUBLIC) or base


class WithHub:
    """One connection to the hub for all handlers."""

    @property
    def hub_auth(self):
        return self.settings["hub_auth"]


class Visitor(WithHub, HubOAuthenticated):
    """Goes before a handler: who asks is a user of the hub, and a teacher is who belongs to the group."""

    async def identify(self):
        user = await self.hub_auth.get_user(self, sync=False)
        try:
            user = user and self.check_hub_user(user)
        except UserNotAllowed:
            user = {"kind": "stranger"}
        if not user:
            if self.is_page and self.request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate":
                self.redirect(self.get_login_url())
                return
            raise Stop(401, "login", "You are logged out of the hub. Load this page again.")
        if user["kind"] != "user":
            raise Stop(403, "hub", "This account of the hub may not take part in votes.")
        self.current_user = user
        if self.is_page:
            _ = self.xsrf_token  # gives the page its cookie
        if self.is_teacher() and not os.environ.get(PUBLIC):
            # Only a teacher's word is taken for it: anybody can write anything into a request's Host.
            here = f"{get_browser_protocol(self.request)}://{self.request.host}{self.settings['base']}"
            if self.room.address != here:
                self.room.address = here
                self.room.wanted.set()

    def check_xsrf_cookie(self):
        """Let a page that stands elsewhere on this hub, as learners' do, not act in the name of a teacher who looks at it.

        What the teacher's page asks for carries JupyterHub's own token, which only a page of this service can read. A vote
        needs none, for ``check_post`` has seen that a page of this host sent it.
        """
        if self.is_for_teacher():
            super().check_xsrf_cookie()
        elif self.request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            raise HTTPError(403)

    def student(self):
        """One user has one vote, whatever the browser; the name cannot be had from the token, and is not kept."""
        return sealed(self.store.secret, "hub", self.current_user["name"])

    def is_teacher(self):
        # A token is what notebooks' pages vote with. It does not teach.
        has_token = getattr(self, "_token_authenticated", False)
        return not has_token and self.settings["teachers"] in self.current_user["groups"]


class Callback(WithHub, HubOAuthCallbackHandler):
    """Where the hub sends those who have logged in."""


class NotebookVote(server.Vote):
    """A vote from a notebook, whose page does not follow the class: it counts if that question is open now."""

    async def post(self):
        key, choice = self.of_body(question=str, choice=str)
        place = self.store.event.open_round
        if not place or self.store.event.current["question"]["key"] != key:
            raise Refused("phase", "This vote is not open.")
        await self.count(*place, choice)


def handlers(base):
    """Return what is where on the hub: everything but the login with the printed link, behind the hub's."""

    def for_visitors(handler: type[Handler]):
        return type(handler.__name__, (Visitor, handler), {})

    found = [(f"{base}class/notebook", NotebookVote), *server.routes(base)]
    return [
        (f"{base}oauth_callback", Callback),
        *((pattern, for_visitors(handler)) for pattern, handler in found if handler is not server.Login),
    ]


def application(room, teachers):
    """Return the web application of a service; ``teachers`` is a group of the hub."""
    auth = HubOAuth(base_url=os.environ["JUPYTERHUB_SERVICE_PREFIX"])
    return server.application(
        room,
        auth.base_url,
        handlers(auth.base_url),
        on_hub=True,
        hub_auth=auth,
        teachers=teachers,
        to_strangers=f"Only members of the hub's group {teachers} may do that.",
        # The same after a new start, so that nobody has to log in again; the hub gives the service this token.
        cookie_secret=hashlib.sha256(f"cookie {auth.api_token}".encode()).digest(),
    )
