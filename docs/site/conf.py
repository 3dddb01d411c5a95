# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes the site of what `make docs` lays out; nothing is fetched, here or by the reader."""

from __future__ import annotations

import pathlib
from typing import Any

import yaml
from docutils import nodes
from pygments.lexers.templates import YamlJinjaLexer

GALAXY = yaml.safe_load(pathlib.Path(__file__).with_name("galaxy.yml").read_text(encoding="utf-8"))

project = "mailops.smtpeter"
version = release = GALAXY["version"]
author = "the mailops.smtpeter contributors"
copyright = f"2026, {author}"  # noqa: A001  Sphinx's name for it

extensions = ["sphinx_antsibull_ext", "myst_parser", "sphinx_copybutton"]
# antsibull's own repeat what index.rst and CHANGELOG.md have.
exclude_patterns = ["reference/index.rst", "reference/changelog.rst"]
nitpicky = True
default_role = "any"
highlight_language = "yaml+jinja"
pygments_style = "ansible"
pygments_dark_style = "github-dark"
smartquotes = False

myst_heading_anchors = 3
myst_enable_extensions = []

html_theme = "furo"
html_title = f"mailops.smtpeter {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_use_index = False
# antsibull's colours are for white paper: by day and by night they have to suit Furo's.
TABLES = {
    "antsibull-table-background-header": "var(--color-background-secondary)",
    "antsibull-table-background-even": "var(--color-background-secondary)",
    "antsibull-table-background-odd": "var(--color-background-primary)",
    "antsibull-narrowtable-background": "var(--color-background-secondary)",
    "antsibull-table-border": "var(--color-background-border)",
    "antsibull-option-required": "var(--color-problematic)",
    "antsibull-attribute-support-none": "var(--color-problematic)",
    "antsibull-option-sample-header": "var(--color-foreground-primary)",
    "antsibull-deprecation-border": "var(--color-background-border)",
    "antsibull-deprecation-background": "var(--color-background-secondary)",
    "antsibull-deprecation-color": "var(--color-foreground-primary)",
}
ACCENTS = {
    "antsibull-option-type": ("#8250df", "#d2a8ff"),
    "antsibull-option-elements": ("#8250df", "#d2a8ff"),
    "antsibull-option-version-added": ("#116329", "#56d364"),
    "antsibull-option-aliases": ("#116329", "#56d364"),
    "antsibull-option-default": ("#0550ae", "#79c0ff"),
    "antsibull-option-sample": ("#0550ae", "#79c0ff"),
    "antsibull-attribute-support-partial": ("#9a6700", "#e3b341"),
    "antsibull-attribute-support-full": ("#116329", "#56d364"),
}
html_theme_options = {
    "light_css_variables": TABLES | {name: day for name, (day, _night) in ACCENTS.items()},
    "dark_css_variables": TABLES | {name: night for name, (_day, night) in ACCENTS.items()},
    "source_repository": f"{GALAXY['repository']}/",
    "source_branch": "main",
    "top_of_page_buttons": [],
    "footer_icons": [],
}
# What a reader copies are commands, not what they print.
copybutton_exclude = ".linenos, .gp, .go"

# Labels of Ansible's own documentation that the plugins' pages refer to; no inventory is fetched for them.
ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
LABELS = {
    "action_plugins": f"{ANSIBLE}/plugins/action.html",
    "ansible_configuration_settings": f"{ANSIBLE}/reference_appendices/config.html",
    "common_return_values": f"{ANSIBLE}/reference_appendices/common_return_values.html",
}


def elsewhere(_app: Any, _env: Any, node: Any, content: Any) -> Any:
    """Link a reference to Ansible's own documentation; null for others, which are then mistakes."""
    address = LABELS.get(node["reftarget"])
    if node["reftype"] == "envvar" and node["reftarget"].startswith("ANSIBLE_"):
        address = f"{LABELS['ansible_configuration_settings']}#envvar-{node['reftarget']}"
    return nodes.reference("", "", content, internal=False, refuri=address) if address else None


def stay_here(app: Any, doctree: Any, docname: str) -> None:
    """Lead links to what GitHub shows of the repository to the page of the site, where there is one."""
    start = f"{GALAXY['repository']}/blob/main/"
    for link in doctree.findall(nodes.reference):
        path, _hash, anchor = link.get("refuri", "").partition("#")
        page = path[len(start) :].rpartition(".")[0].replace("docs/docsite/rst/", "reference/docsite/")
        if path.startswith(start) and page in app.env.found_docs:
            link["refuri"] = app.builder.get_relative_uri(docname, page) + (f"#{anchor}" if anchor else "")


def setup(app: Any) -> None:
    """Be asked for what the site does not have, and see to what it has."""
    # Ansible's YAML holds templates; the guides call it yaml, as GitHub wants it.
    app.add_lexer("yaml", YamlJinjaLexer)
    app.connect("missing-reference", elsewhere)
    app.connect("doctree-resolved", stay_here)
