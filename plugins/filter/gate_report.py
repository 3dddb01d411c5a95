# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter `gate_report`."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gate_report
short_description: Report what a campaign gate saw and decided
version_added: 1.0.0
description:
  - Turns what P(mailops.smtpeter.campaign_gate#module) returned into a report for those who read it outside of Ansible.
  - The result is text. It is made from the gate's result alone, so the same result gives the same report. Tags,
    messages and the words of receivers are escaped.
  - With O(mailops.smtpeter.campaign_gate#module:judge_by=outcomes), all formats say why mail failed and at which
    domains. No mail address is in them.
author:
  - mailops.smtpeter contributors (@mailops)
requirements:
  - pygal 3 or later, on the controller, for the formats V(svg) and V(html)
positional: format
options:
  _input:
    description:
      - The whole result of P(mailops.smtpeter.campaign_gate#module), as it was registered or as a rescue finds it in
        C(ansible_failed_result), whatever the verdict.
    type: dict
    version_added: 1.0.0
    required: true
  format:
    description:
      - V(markdown) is a summary for a CI job, with a table of the tags, the reasons and the policy. It is never above
        the 1 MiB that CI services take; of very many tags it shows the worst, and says how many it leaves out.
      - V(junit) is an XML document that CI servers show as tests, with one test case for each tag. The verdicts V(fail)
        and V(inconclusive) are failures, told apart by their type; V(error) is an error; a tag that was not decided
        when another ended the gate is skipped. If no tag has the verdict of the gate, a test case named C(gate) has it.
        It is valid for Jenkins, its xUnit plugin and GitLab.
      - V(svg) is a picture of the delivery ratio over the wait, with its bounds, the required ratio and the verdict; of
        a single look it shows bars. With outcomes it shows delivered, failed and under way as areas that fill up to
        100%, at each look and by when the messages were taken in. At most ten tags are drawn, the worst ones.
      - V(html) is a page of its own, with the verdict, the reason, that picture, the tables and the policy. It has no
        scripts and needs no other files. Of very many tags it shows the worst, too.
    type: str
    version_added: 1.0.0
    required: true
    choices: [markdown, junit, svg, html]
seealso:
  - module: mailops.smtpeter.campaign_gate
"""

EXAMPLES = r"""
- name: Hold the deployment, and report whatever the verdict is
  block:
    - name: Hold until the wave is shown to be healthy
      mailops.smtpeter.campaign_gate:
        tags: [wave-1]
      register: gate
  always:
    - name: Write the reports
      ansible.builtin.copy:
        content: "{{ gate | mailops.smtpeter.gate_report(item.format) }}"
        dest: "{{ playbook_dir }}/{{ item.file }}"
        mode: "0644"
      loop:
        - {format: junit, file: gate.xml}
        - {format: html, file: gate.html}
      delegate_to: localhost

- name: Add to the summary of the GitHub Actions job
  ansible.builtin.lineinfile:
    path: "{{ lookup('ansible.builtin.env', 'GITHUB_STEP_SUMMARY') }}"
    line: "{{ gate | mailops.smtpeter.gate_report('markdown') }}"
    insertafter: EOF
    create: true
    mode: "0644"
  when: lookup('ansible.builtin.env', 'GITHUB_STEP_SUMMARY') != ''
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The report.
  type: str
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._forms import check_call
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report


def gate_report_filter(gate: Any, format: Any = None, *more: Any, **unknown: Any) -> str:  # noqa: A002  users type it
    """Return the report of a gate's result."""
    try:
        check_call("gate_report('markdown')", more, unknown)
        return gate_report(gate, format)
    except SmtpeterError as error:
        raise AnsibleFilterError(f"mailops.smtpeter.gate_report: {error}") from None


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by name."""
        return {"gate_report": gate_report_filter}
