# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file in which a gate keeps what it has seen. Private: names and behaviour may change.

The first line has the format and a checksum of the second, which has the content; both are JSON. A file is replaced as
a whole, so it is never half-written, whenever the process is killed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Callable

from ..module_utils._errors import OptionError

FORMAT = 1
_SIZE_LIMIT = 2**28
# How deep the content has the entries of the tags that an event source watches: state, watches, tag.
_ENTRIES_DEPTH = 3


class OtherFile(OptionError):
    """The file cannot be used: it cannot be read or written, or is of another gate or a newer release."""


@dataclass(frozen=True)
class Clock:
    """The clocks of this machine: seconds that only go forward, and those of the calendar.

    `boot` names the boot since which `monotonic` counts, alike in all processes; null where no such name is known.
    """

    monotonic: Callable[[], float]
    wall: Callable[[], float]
    boot: str | None


@dataclass(frozen=True)
class Kept:
    """What a file had: the state, `seen` seconds after the start, and after how many seconds without a watch.

    Where this machine has run all the time since, the time away is among those that were `seen`: nothing can have set
    its clock. Else only the calendar tells of it, which somebody may have set, so it is `unseen`.
    """

    state: Mapping[str, Any]
    seen: float
    unseen: float


class StateFile:
    """Reads and writes the state of one gate; `of` says which gate it is, by the names of options.

    A file is only used for a gate that is the same in all of these. Every method raises OtherFile for a file that
    cannot be used.
    """

    def __init__(self, path: str, of: Mapping[str, Any], clock: Clock | None = None) -> None:
        self.path = path
        # What is written is a file, also where the path is a link to it.
        self._real = os.path.realpath(path)
        self._of = json.loads(json.dumps(of))
        self._clock = clock or Clock(time.monotonic, time.time, _boot())

    def load(self, warn: Callable[[str], None]) -> Kept | None:
        """Return what is kept; null without a file, and, with a warning, where it is damaged."""
        self._remove_leftovers()
        text = self._read()
        if text is None:
            return None
        content = self._checked(text)
        try:
            return self._kept(content)
        except (KeyError, TypeError, ValueError):
            self.warn_damaged(warn)
            return None

    def warn_damaged(self, warn: Callable[[str], None]) -> None:
        """Warn that nothing of the file is used."""
        warn(f"state: {self.path} is damaged, so what it kept is lost and the gate starts from the beginning")

    def save(self, state: Mapping[str, Any], seen: float) -> None:
        """Replace what is kept, `seen` seconds after the start."""
        clock = self._clock
        at = {"boot": clock.boot, "monotonic": clock.monotonic(), "wall": clock.wall(), "seen": seen}
        content = _encoded({"of": self._of, "at": at, "state": state}, _ENTRIES_DEPTH)
        header = json.dumps({"format": FORMAT, "sha256": _digest(content)})
        temporary = f"{self._temporary}{os.getpid()}.tmp"
        try:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            with os.fdopen(
                os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8"
            ) as file:
                file.write(f"{header}\n{content}\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._real)
            self._sync_directory()
        except OSError as error:
            problem = error.strerror or type(error).__name__
            with suppress(OSError):
                os.unlink(temporary)
        else:
            return
        raise OtherFile(
            "state", f"{self.path} cannot be written ({problem}); name a file in a directory that you can write to"
        )

    def remove(self) -> None:
        """Remove the file, if there is one."""
        try:
            os.unlink(self._real)
        except FileNotFoundError:
            return
        except OSError as error:
            problem = error.strerror or type(error).__name__
        else:
            return
        raise OtherFile("state", f"{self.path} cannot be removed ({problem}); remove it before the next run")

    @property
    def _temporary(self) -> str:
        directory, name = os.path.split(self._real)
        return os.path.join(directory, f".{name}.")

    def _read(self) -> str | None:
        """Return the text of the file, or of what is readable in it; null where there is none."""
        try:
            # A pipe would never open without this.
            with os.fdopen(os.open(self._real, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return file.read(_SIZE_LIMIT).decode("utf-8", "replace")
            problem = "it is no regular file"
        except FileNotFoundError:
            return None
        except OSError as error:
            problem = error.strerror or type(error).__name__
        raise OtherFile("state", f"{self.path} cannot be read ({problem}); name another file")

    def _checked(self, text: str) -> Any:
        """Return the content of a file, which may be damaged: then null."""
        first, _newline, rest = text.partition("\n")
        header = _parsed(first)
        found = header.get("format") if isinstance(header, Mapping) else None
        if isinstance(found, int) and not isinstance(found, bool) and found > FORMAT:
            raise OtherFile(
                "state",
                f"{self.path} is of a newer release of mailops.smtpeter (format {found}, and this one knows {FORMAT}); "
                "update the collection, or remove the file",
            )
        content = rest.rstrip("\n")
        if found != FORMAT or header.get("sha256") != _digest(content):
            return None
        return _parsed(content)

    def _kept(self, content: Any) -> Kept:
        of, at, state = content["of"], content["at"], content["state"]
        if not isinstance(of, Mapping) or not isinstance(state, Mapping):
            raise TypeError
        names = [name for name in dict.fromkeys([*self._of, *of]) if of.get(name) != self._of.get(name)]
        if names:
            differ = "differ" if len(names) > 1 or names[0].endswith("s") else "differs"
            raise OtherFile(
                "state", f"{self.path} is of another gate: {', '.join(names)} {differ}; remove it, or name another"
            )
        seen, monotonic, wall = float(at["seen"]), float(at["monotonic"]), float(at["wall"])
        away = self._clock.monotonic() - monotonic
        if at["boot"] is not None and at["boot"] == self._clock.boot and away >= 0:
            return Kept(state, seen + away, 0.0)
        return Kept(state, seen, max(0.0, self._clock.wall() - wall))

    def _remove_leftovers(self) -> None:
        """Remove the temporary files of processes that were killed while they wrote."""
        directory, prefix = os.path.split(self._temporary)
        leftover = re.compile(re.escape(prefix) + r"([0-9]+)\.tmp")
        with suppress(OSError):
            for name in os.listdir(directory):
                found = leftover.fullmatch(name)
                if found and not _is_running(int(found[1])):
                    os.unlink(os.path.join(directory, name))

    def _sync_directory(self) -> None:
        """Have the new name of the file outlive a power cut, where the file system can."""
        with suppress(OSError):
            directory = os.open(os.path.dirname(self._real), os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)


def _encoded(value: Any, depth: int) -> str:
    """Return a value as JSON. A call of the encoder keeps all other threads waiting, so each entry has its own."""
    if depth and isinstance(value, Mapping):
        entries = (f"{json.dumps(name)}: {_encoded(entry, depth - 1)}" for name, entry in value.items())
        return f"{{{', '.join(entries)}}}"
    return json.dumps(value, allow_nan=False)


def _parsed(text: str) -> Any:
    try:
        # Other threads may run whenever the decoder calls back.
        return json.loads(text, object_hook=_as_it_is)
    except (ValueError, RecursionError):
        return None


def _as_it_is(value: dict[str, Any]) -> dict[str, Any]:
    return value


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _boot() -> str | None:
    """Return the name of this boot; null on systems that have none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None
