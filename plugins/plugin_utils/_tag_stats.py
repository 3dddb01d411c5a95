# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lookup C(tag_stats) does unless its cache has everything. Private: names and behaviour may change."""

from __future__ import annotations

from contextlib import closing
from typing import Any, Mapping

from ..module_utils import _options as options
from ..module_utils._client import check_token
from ..module_utils._errors import OptionError, SmtpeterError
from ..module_utils._fetch import Fill, failures, read_recent_tags, read_tags
from ..module_utils._missing import LibraryMissing
from ..module_utils._secret import register_secret
from ..module_utils._values import tag as tag_of
from ..module_utils._values import tags
from ._cache_fill import CacheFiller, checked_cache


def look_up(
    terms: list[Any], direct: Mapping[str, Any], known: Mapping[str, Any], given: Mapping[str, Any] | str
) -> list[dict[str, Any]]:
    """Return one record for each tag of the terms; raises SmtpeterError.

    `direct` are the options as they stand in the lookup, `known` the definitions of all, `given` their values from
    everywhere, or what Ansible said against them.
    """
    register_secret(direct.get("api_token", direct.get("access_token")))
    _check_names(direct, known)
    if isinstance(given, str):
        if "api_token" not in given:
            raise SmtpeterError(given)
        given = {}
    if not given.get("api_token"):
        check_token("")
    register_secret(given["api_token"])
    if given["recent"]:
        options.check_recent(True, terms or None)
        return list(_read(None, given, None).values())
    wanted = [tag for term in terms for tag in _tags_of(term)]
    records = _cached(wanted, given) if given["cache"] else _read(wanted, given, None)
    return [dict(records[tag]) for tag in wanted]


def _tags_of(term: Any) -> list[str]:
    """Return the tags of a term: text is read as that of the module's `tags`."""
    return tags("tags", term) if isinstance(term, str) else [tag_of("tags", term)]


def _check_names(direct: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    names = {name for name in known if not name.startswith("_")}
    accepted = names.union(*(definition.get("aliases", ()) for definition in known.values()))
    for name in direct:
        if name not in accepted:
            raise OptionError(name, f"there is no such option; give one of {', '.join(sorted(names))}")


def _cached(wanted: list[str], given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    cache = checked_cache(given)
    records = cache.find(wanted)
    # The reading knows what to say of an unknown tag, and finds it in the cache, too.
    rest = [tag for tag in wanted if tag not in records or not records[tag]["known"]]
    if not rest and wanted:
        return records
    with CacheFiller(cache, given) as fill:
        return {**records, **_read(rest, given, fill)}


def _read(wanted: list[str] | None, given: Mapping[str, Any], fill: Fill | None) -> dict[str, dict[str, Any]]:
    """Return the records by tag: of the tags, or of the most recently active ones where these are null."""
    if options.missing_requests():
        raise LibraryMissing("requests")
    with closing(options.client_from(given)) as client:
        if wanted is None:
            readings = read_recent_tags(client)
        else:
            readings = read_tags(client, wanted, given["parallel"], given["missing"], fill)
    if readings.errors:
        raise SmtpeterError(failures(readings.errors))
    return {tag: record.as_dict() for tag, record in readings.records.items()}
