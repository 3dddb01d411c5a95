# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is promised of the token: for each plugin, way in and way out, whether it stays inside.

`test_token_matrix.py` tries every cell.
"""

from __future__ import annotations

from typing import NamedTuple

PLUGINS = {
    "lookup": "the lookup `tag_stats`",
    "info": "the module `tag_stats_info`",
    "outcomes": "the module `tag_outcomes_info`",
    "gate": "the action `campaign_gate`",
    "outcome-gate": "the action `campaign_gate` with `judge_by: outcomes`",
}
GATES = ("gate", "outcome-gate")

WAYS_IN = {
    "option": "`api_token`",
    "alias": "`access_token`",
    "environment": "`SMTPETER_API_TOKEN` where the plugin runs",
    "variable": "`smtpeter_api_token`",
    "ini": "`[smtpeter] api_token`",
    "vault": "Vault",
    "module_defaults": "`module_defaults`",
    "keyword": "`environment:`",
}

WAYS_OUT = {
    "output": "what `ansible-playbook -vvvv` prints, `debug` of every result included",
    "log": "the file of `ANSIBLE_LOG_PATH`",
    "one line": "`ansible -o`, and its callback `oneline` for every task",
    "JSON": "results as JSON: `ansible -t DIRECTORY`, and a callback that dumps all it gets, as `ansible.posix.json`",
    "junit": "the files of the callback `ansible.builtin.junit`",
    "register": "registered results, written to a file",
    "no_log": "registered results of tasks with `no_log`",
    "exceptions": "tracebacks, with `ANSIBLE_DISPLAY_TRACEBACK=always` where there is that",
    "warnings": "warnings in results and on stderr, and the gate's progress",
    "cache": "the files of the lookup's cache, and their names",
    "reports": "`gate_report` in all its formats",
    "sandbox": "state, log and data of a sandbox that is asked with the token",
    "processes": "command lines in `/proc` during the run",
    "kept files": "what `ANSIBLE_KEEP_REMOTE_FILES` leaves on the host",
    "other files": "every other file that the run wrote, the controller's temporary files included",
}

# What Ansible does not have: by plugin and way in, or by plugin and way out.
NO_WAY_IN = {
    ("lookup", "module_defaults"): "`module_defaults` are for modules and actions.",
    ("lookup", "keyword"): "The keyword `environment` is for the task's host, and a lookup runs on the controller.",
    ("info", "variable"): "Modules do not read variables; give `api_token: '{{ smtpeter_api_token }}'`.",
    ("info", "ini"): "Modules do not read `ansible.cfg`.",
    ("outcomes", "variable"): "Modules do not read variables; give `api_token: '{{ smtpeter_api_token }}'`.",
    ("outcomes", "ini"): "Modules do not read `ansible.cfg`.",
    **{(gate, "variable"): "The gate has a module's options, and modules do not read variables." for gate in GATES},
    **{(gate, "ini"): "The gate has a module's options, and modules do not read `ansible.cfg`." for gate in GATES},
}
NO_WAY_OUT = {
    ("lookup", "reports"): "`gate_report` writes reports of gates alone.",
    ("info", "reports"): "`gate_report` writes reports of gates alone.",
    ("info", "cache"): "The module has no cache.",
    ("outcomes", "reports"): "`gate_report` writes reports of gates alone.",
    ("outcomes", "cache"): "The module has no cache.",
    **{(gate, "cache"): "The gate has no cache." for gate in GATES},
    ("lookup", "kept files"): "A lookup sends nothing to a host.",
}

_ARGUMENTS = (
    "Ansible writes a module's arguments into the file that it sends, and the token is one of them. Without "
    "`ANSIBLE_KEEP_REMOTE_FILES` that file is gone when the task ends, and only its user may read its directory."
)
_KEYWORD = (
    "Ansible writes the keyword `environment` into the command line that starts the module, which `-vvv` shows and "
    "which everybody on the host can see. Do not give the token this way."
)

# Where Ansible itself lets the token out: by plugin, way in and way out.
UNAVOIDABLE = {
    **{
        (plugin, way, "kept files"): _ARGUMENTS
        for plugin in ("info", "outcomes", *GATES)
        for way in ("option", "alias", "vault", "module_defaults")
    },
    **{
        (plugin, "keyword", out): _KEYWORD
        for plugin in ("info", "outcomes", *GATES)
        for out in ("output", "log", "processes")
    },
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


def outcome(plugin: str, way: str, out: str) -> str:
    """What is promised of a cell: `held`, `no such way` or `unavoidable`."""
    if (plugin, way) in NO_WAY_IN or (plugin, out) in NO_WAY_OUT:
        return "no such way"
    return "unavoidable" if (plugin, way, out) in UNAVOIDABLE else "held"


def ways_in(plugin: str) -> list[str]:
    """The ways in that a plugin has."""
    return [way for way in WAYS_IN if (plugin, way) not in NO_WAY_IN]


def ways_out(plugin: str) -> list[str]:
    """The ways out that a plugin has."""
    return [out for out in WAYS_OUT if (plugin, out) not in NO_WAY_OUT]
