# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lookup `tag_stats` does unless its cache has every tag. Private: names and behaviour may change."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Iterable, Mapping

from ..module_utils import _options as options
from ..module_utils._connection import check_token
from ..module_utils._errors import OptionError, SmtpeterError
from ..module_utils._missing import LibraryMissing
from ..module_utils._reader import ServiceReader, TagResults, failures, read_recent_tags, read_tags
from ..module_utils._record import Record
from ..module_utils._values import tag as tag_of
from ..module_utils._values import tags
from ._cache.reader import CacheReader, usable_cache

if TYPE_CHECKING:
    from ..module_utils._client import Client
    from ._cache.plugin import RecordCache


def check_names(names: Iterable[str], definitions: Mapping[str, Any]) -> None:
    """Raise OptionError if the lookup has no option of one of these names."""
    known = {name for name in definitions if not name.startswith("_")}
    accepted = known.union(*(definition.get("aliases", ()) for definition in definitions.values()))
    for name in names:
        if name not in accepted:
            raise OptionError(name, f"there is no such option; give one of {', '.join(sorted(known))}")


def read_terms(
    terms: list[Any], given: Mapping[str, Any], cache: RecordCache | None, found: Mapping[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the record of each tag in the terms, or of each of the most recently active tags.

    `given` are the lookup's options. `cache` is the cache that they name, if it is already open, and `found` are the
    records that were found in it, by tag. Raises SmtpeterError.
    """
    check_token(given["api_token"] or "")
    if given["recent"]:
        options.check_recent(True, terms or None)
    wanted = [tag for term in terms for tag in _tags_of(term)]
    if given["cache"] and not given["recent"]:
        cache = usable_cache(cache, given)
    if options.missing_requests():
        raise LibraryMissing("requests")
    with closing(options.client_from(given)) as client:
        results = read_recent_tags(client) if given["recent"] else _read(wanted, given, client, cache, found)
    if results.errors:
        raise SmtpeterError(failures(results.errors))
    return [results.found[tag].as_dict() for tag in wanted or results.found]


def _tags_of(term: Any) -> list[str]:
    """Return the tags of a term. Text may name several, as in the module's `tags`."""
    return tags("tags", term) if isinstance(term, str) else [tag_of("tags", term)]


def _read(
    wanted: list[str],
    given: Mapping[str, Any],
    client: Client,
    cache: RecordCache | None,
    found: Mapping[str, dict[str, Any]],
) -> TagResults[Record]:
    parallel, missing, token = given["parallel"], given["missing"], client.connection.api_token
    service = ServiceReader(client)
    if cache is None:
        return read_tags(service, wanted, parallel, missing, token)
    with CacheReader(cache, found, service, given) as reader:
        return read_tags(reader, wanted, parallel, missing, token)
