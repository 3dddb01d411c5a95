# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents the options of the connection. Private: names and behaviour may change."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_token:
    description:
      - The REST API token of the SMTPeter environment.
      - The token authorises sending mail in your name, so keep it in Ansible Vault or in the environment, never inline
        in a playbook.
      - A token with fewer than 8 characters is refused, and so is one that is part of a tag, since masking it would
        damage the results.
      - When not set, the environment variable E(SMTPETER_API_TOKEN) is used, on the host where the task runs.
    type: str
    version_added: 1.0.0
    required: true
    aliases: [access_token]
  api_url:
    description:
      - The address of the service, up to the version.
      - It must begin with C(https), so that the token is encrypted. C(http) is for the loopback addresses C(localhost),
        C(127.0.0.0/8) and C(::1) only. User information, a query and a fragment are refused.
      - When not set, the environment variable E(SMTPETER_API_URL) is used if it is set on the host where the task runs.
    type: str
    version_added: 1.0.0
    default: https://www.smtpeter.com/v1
  endpoint:
    description:
      - The name of the API method. V(tag) is the vendor's later name for the same data.
    type: str
    version_added: 1.0.0
    choices: [stats, tag]
    default: stats
  validate_certs:
    description:
      - Whether to check the certificate of the service. Switch it off only for a test service.
    type: bool
    version_added: 1.0.0
    default: true
  ca_path:
    description:
      - The certificate authorities to trust, a file or a directory prepared with OpenSSL's C(rehash).
      - When not set, the file in the environment variable E(REQUESTS_CA_BUNDLE) or E(CURL_CA_BUNDLE) is used, or else
        the certificates that come with Python's C(requests).
      - The file, C(~), variables in the path and the environment are those of the host where the task runs. For a
        lookup, that is the controller.
    type: path
    version_added: 1.0.0
  timeout:
    description:
      - Seconds that one request may take, from its start to the last byte. Above 0 and at most 3600. The system limits
        the time to resolve the host name.
    type: float
    version_added: 1.0.0
    default: 10
  retries:
    description:
      - Further attempts after the first, 0 to 100, for connection errors, time-outs and the statuses 408, 425, 429 and
        5xx. The pauses between them are random, grow, and are at most 10 seconds. C(Retry-After) is honoured up to 30
        seconds.
      - If the service asks for a longer pause, the task sends no more requests, for any tag. The error says how long
        the pause is, and tags that were not read yet are reported as not tried.
      - After 429 or C(Retry-After), no request is sent until the pause is over, for any tag.
    type: int
    version_added: 1.0.0
    default: 3
  parallel:
    description: How many tags are read at the same time, 1 to 64.
    type: int
    version_added: 1.0.0
    default: 8
requirements:
  - requests >= 2.25 (Python library, on the host where the task runs)
  - PySocks >= 1.7 (Python library, on the host where the task runs, only for a SOCKS proxy)
notes:
  - Redirects and C(.netrc) are never used. The proxies in E(HTTPS_PROXY), E(ALL_PROXY) and E(NO_PROXY) are used for
    C(https), never for loopback addresses. They can be HTTP, HTTPS and SOCKS proxies, such as C(socks5h://HOST:PORT).
  - "Requests carry C(Cache-Control: no-cache), so that no cache answers instead of the service."
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
      - What to do with an unknown tag, one without mail.
      - With V(zero), it is a record of zeros with C(known=false). With V(error), it is an error.
    type: str
    version_added: 1.0.0
    choices: [error, zero]
    default: zero
"""
