"""The connection to a host that is this machine with another environment, and with troubles of its own."""

DOCUMENTATION = """
name: another_host
short_description: This machine as another host, for tests
version_added: 1.0.0
description:
  - Runs commands here, without what the controller's environment has for SMTPeter, and with what the host's has.
author: [mailops.smtpeter contributors (@mailops)]
options:
  host_environment:
    description: Variables of the host's environment, as text for env(1).
    type: str
    default: ''
    vars: [{name: host_environment}]
  trouble:
    description: What goes wrong with the second look; C(gone) also with all that follows.
    type: str
    default: ''
    vars: [{name: host_trouble}]
  pipelining:
    description: As of any connection.
    type: bool
    default: false
"""

import os
import shutil

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local

RAISED = {
    "gone": AnsibleConnectionFailure("no route to host"),
    "unreachable": AnsibleConnectionFailure("no route to host"),
    "plugin": RuntimeError("Socket is closed"),
}


class Connection(Local):
    """Each look transfers one file, so files count looks."""

    transport = "another_host"
    looks = 0

    def put_file(self, in_path, out_path):
        """Transfer the module, unless that is the trouble."""
        self.looks += 1
        trouble = self.get_option("trouble") if self.looks == 2 else ""
        if trouble == "directory":
            shutil.rmtree(os.path.dirname(out_path))
        elif trouble:
            raise RAISED[trouble]
        return super().put_file(in_path, out_path)

    def exec_command(self, cmd, in_data=None, sudoable=True):
        """Run a command in the host's environment."""
        if self.looks > 1 and self.get_option("trouble") == "gone":
            raise RAISED["gone"]
        own = f"env -u SMTPETER_API_TOKEN -u SMTPETER_API_URL {self.get_option('host_environment')} "
        return super().exec_command(own + cmd, in_data=in_data, sudoable=sudoable)
