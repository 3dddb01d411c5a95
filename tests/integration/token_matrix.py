"""What is promised of the token: for each plugin, way in and way out, whether it stays inside.

`test_token_matrix.py` tries every cell.
"""

from __future__ import annotations

from typing import NamedTuple

GATES = ("gate", "outcome-gate")
MODULES = ("info", "outcomes", *GATES)
PLUGINS = ("lookup", *MODULES)

WAYS_IN = ("option", "alias", "environment", "variable", "ini", "vault", "module_defaults", "keyword")
# What `ansible-playbook -vvvv`, `ansible -o`, callbacks, registered results, caches, reports, a sandbox, `/proc`, the
# host's kept files and every other file show.
WAYS_OUT = (
    "output", "log", "one line", "JSON", "junit", "register", "no_log", "exceptions", "warnings", "cache", "reports",
    "sandbox", "processes", "kept files", "other files",
)  # fmt: skip

# What Ansible does not have: modules read neither variables nor ansible.cfg, and a lookup has no task on a host.
NO_WAY_IN = {
    ("lookup", "module_defaults"),
    ("lookup", "keyword"),
    *((module, way) for module in MODULES for way in ("variable", "ini")),
}
NO_WAY_OUT = {
    ("lookup", "kept files"),
    *((plugin, "reports") for plugin in ("lookup", "info", "outcomes")),
    *((module, "cache") for module in MODULES),
}

# Where Ansible itself lets the token out, by plugin, way in and way out: a module's arguments are in the file that is
# sent, and the keyword `environment` is on the command line that starts the module.
UNAVOIDABLE = {
    *((module, way, "kept files") for module in MODULES for way in ("option", "alias", "vault", "module_defaults")),
    *((module, "keyword", out) for module in MODULES for out in ("output", "log", "processes")),
}

# Where a token and an address can be for a module or the gate on another host. The first is never read.
PLACES = {
    "shell": "the controller's environment",
    "host": "the host's environment",
    "keyword": "the task's `environment:`",
    "option": "the task's options",
}


class Mix(NamedTuple):
    """What is in each place, `url`, `token` or `both`, and from which place each of the two is used.

    Without a place for the url, the default address is asked; without one for the token, nothing is.
    """

    given: dict[str, str]
    url: str
    token: str


MIXES = (
    Mix({"shell": "both"}, "", ""),
    Mix({"shell": "both", "keyword": "both"}, "keyword", "keyword"),
    Mix({"shell": "token", "keyword": "both"}, "keyword", "keyword"),
    Mix({"shell": "token", "keyword": "url"}, "", ""),
    Mix({"shell": "url", "keyword": "token"}, "", "keyword"),
    Mix({"shell": "both", "host": "both"}, "host", "host"),
    Mix({"shell": "token", "host": "url"}, "", ""),
    Mix({"shell": "url", "host": "token"}, "", "host"),
    Mix({"shell": "both", "host": "token", "keyword": "url"}, "keyword", "host"),
    Mix({"host": "both", "keyword": "both"}, "keyword", "keyword"),
    Mix({"shell": "both", "option": "both"}, "option", "option"),
    Mix({"shell": "token", "option": "url"}, "", ""),
    Mix({"shell": "url", "option": "token"}, "", "option"),
    Mix({"shell": "both", "host": "url", "option": "token"}, "host", "option"),
    Mix({"host": "both", "keyword": "both", "option": "both"}, "option", "option"),
)


def ways_in(plugin):
    """The ways in that a plugin has."""
    return [way for way in WAYS_IN if (plugin, way) not in NO_WAY_IN]


def ways_out(plugin):
    """The ways out that a plugin has."""
    return [out for out in WAYS_OUT if (plugin, out) not in NO_WAY_OUT]
