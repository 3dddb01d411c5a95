# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The local SMTPeter service behind the sandbox module. Private: names and behaviour may change.

settings, scenario, faults, mail    what was asked for, checked (pure)
store                               messages and the moments at which something happens to them
routes                              a request in, an answer out
server                              sockets, TLS, connections; C(Service) is all of it in this process
lock, home, process, control        one detached process for each name, found again and ended
"""
