# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/token.md from the data that tests/integration/test_token_matrix.py tries; --check only compares."""

from __future__ import annotations

import pathlib
import runpy
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "token.md"
MATRIX = runpy.run_path(str(ROOT / "tests" / "integration" / "token_matrix.py"))

TEXT = """<!--
Copyright: (c) 2026, the mailops.smtpeter contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->

# Where the token goes

The token authorises sending mail in your name. This page says for each way to give it, and for each place where Ansible
shows or leaves something, whether the token can be seen there.

## In short

- Give it in the environment of the host where the task runs, or as a variable in Ansible Vault.
- Do not give it by the keyword `environment` of a task or play: Ansible shows that on command lines.
- Do not write it on a command line yourself (`-e smtpeter_api_token=...`): give `-e @FILE`, or the environment.
- Do not write it into a playbook. What stands there is shown by whatever shows the playbook, such as the callback
  `ansible.builtin.junit`.
- A variable that holds it is yours: `debug` of that variable shows it before ansible-core 2.22.
- Keep `ANSIBLE_DEBUG` and `ANSIBLE_KEEP_REMOTE_FILES` for the sandbox.

## The matrix

{held} cells are held, {none} do not exist, and in {seen} Ansible itself lets the token out.

- **held**: the token is not there in any of these spellings: as it is, percent-encoded once or twice, escaped as JSON,
  Python or HTML, in Base64 at each alignment, and any of these cut by line ends.
- **seen**: Ansible writes it there. The note says why.
- **–**: there is no such way.

Each cell is tried with real runs of `ansible-playbook` on every supported ansible-core and on the newest pre-release,
with a service that says the token back in every one of these spellings, on success and on failure:
`tests/integration/test_token_matrix.py`. What is **seen** is tried as well: the test fails when it is no longer so.
`tests/integration/test_token.py` tries more that a service may do: redirects, TLS, broken HTTP, endless answers.

| way out | what is looked at |
|---|---|
{ways_out}

{tables}

## Which token goes to which address

The module and the gate take both from the task's options and from the environment of the task's host, to which the
keyword `environment` adds. The environment of the controller is not read unless the task runs there. Each row is tried
with both, on another host: `tests/integration/test_token_places.py`.

{places}

## Secrets that Ansible knows

Since 2.22, ansible-core masks the secrets that it was told of in all that it shows. The lookup, the module and the gate
tell it the token, wherever that came from, and the lookup also when the cache has everything. It is masked then also
where you show a variable that holds it: `test_ansible_knows_the_secret` in `tests/integration/test_token.py`.

## Proxies

For `https`, a proxy that the environment names (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) is used as `requests` does. It
is asked to connect through, and sees the name of the service, not the token. For loopback addresses no proxy is ever
used. `test_a_proxy_for_other_hosts` and `test_no_proxy_for_loopback` in
`tests/unit/plugins/module_utils/test_client.py` try that.

## The cache

The lookup's cache keeps records, never the token. The keys are digests, keyed by the token: who has the cache alone can
only guess tokens, at the cost of a digest each.
"""


def page() -> str:
    """The whole page."""
    counts = MATRIX["counts"]()
    return TEXT.format(
        held=counts["held"],
        none=counts["no such way"],
        seen=counts["unavoidable"],
        ways_out="\n".join(f"| {name} | {text} |" for name, text in MATRIX["WAYS_OUT"].items()),
        tables=MATRIX["tables"](),
        places=MATRIX["places"](),
    )


def main() -> None:
    """Write the page, or compare it."""
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/token.md is not what tests/tools/token_page.py writes: run it")


if __name__ == "__main__":
    main()
