# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options, in one place. Private: names and behaviour may change."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_token:
    description:
      - The REST API token of the SMTPeter environment.
      - The token authorises sending mail in your name, so keep it in Ansible Vault or in the environment, never inline
        in a playbook.
      - A token with fewer than 8 characters, or one that a tag asked for contains, is refused, since masking it would
        damage the results.
      - When not set, the environment variable E(SMTPETER_API_TOKEN) is used, on the host where the task runs.
    type: str
    version_added: 1.0.0
    required: true
    aliases: [access_token]
  api_url:
    description:
      - The address of the service, up to the version.
      - It must begin with C(https), or with C(http) on a loopback address written as such (C(localhost), C(127.0.0.0/8)
        or C(::1)); anything else would send the token in the clear. User information, a query and a fragment are
        refused.
      - When not set, the environment variable E(SMTPETER_API_URL) is used, if there is one on the host where the task
        runs.
    type: str
    version_added: 1.0.0
    default: https://www.smtpeter.com/v1
  endpoint:
    description:
      - The name of the method that is asked; C(tag) is the vendor's later name for the same data.
    type: str
    version_added: 1.0.0
    choices: [stats, tag]
    default: stats
  validate_certs:
    description:
      - Whether the certificate of the service is checked. Switch it off for a test service at most.
    type: bool
    version_added: 1.0.0
    default: true
  ca_path:
    description:
      - The certificates that the service's certificate is checked against, as a file, or a directory prepared by
        OpenSSL's C(rehash).
      - When not set, the file named by the environment variable E(REQUESTS_CA_BUNDLE) or E(CURL_CA_BUNDLE) is used,
        else the certificates that come with Python's C(requests).
      - The file, C(~) and variables in its path, and the environment are those of the machine that asks.
    type: path
    version_added: 1.0.0
  timeout:
    description:
      - Seconds that one request may take, from start to last byte; above 0 and at most 3600. Resolving the name is the
        system's, with a limit of its own.
    type: float
    version_added: 1.0.0
    default: 10
  retries:
    description:
      - Further attempts after the first, 0 to 100, for connection errors, time-outs and the statuses 408, 425, 429 and
        5xx, with growing random pauses of up to 10 seconds between them. C(Retry-After) is honoured up to 30 seconds.
      - A service that asks for a longer pause is not asked again by this task, for any tag. The error says how long it
        wants, and tags that were not asked for yet are reported as not tried.
      - After 429 or C(Retry-After), nothing more is asked for until the pause is over, for any tag.
    type: int
    version_added: 1.0.0
    default: 3
  parallel:
    description: How many tags are read at the same time, 1 to 64.
    type: int
    version_added: 1.0.0
    default: 8
requirements:
  - requests >= 2.25 (Python library, on the machine that asks)
  - PySocks >= 1.7 (Python library, on the machine that asks, only for a SOCKS proxy)
notes:
  - Redirects and C(.netrc) are never used. Proxies named by the environment (E(HTTPS_PROXY), E(ALL_PROXY),
    E(NO_PROXY)) are used for C(https), never for loopback addresses. They can be HTTP, HTTPS and SOCKS proxies, such
    as C(socks5h://HOST:PORT).
  - "Requests carry C(Cache-Control: no-cache), so that no cache answers for the service."
"""

    PLUGIN = r"""
options:
  api_token:
    env:
      - name: SMTPETER_API_TOKEN
    vars:
      - name: smtpeter_api_token
    ini:
      - section: smtpeter
        key: api_token
  api_url:
    env:
      - name: SMTPETER_API_URL
    vars:
      - name: smtpeter_api_url
    ini:
      - section: smtpeter
        key: api_url
"""

    READING = r"""
options:
  missing:
    description:
      - What an unknown tag is, one that the service has nothing under.
      - With V(zero) it is a record of zeros with C(known=false). With V(error) it is an error.
    type: str
    version_added: 1.0.0
    choices: [error, zero]
    default: zero
"""
