"""Overlapping candidates of one utterance become one span each, and no fragment of a name stays outside.

The roster knows best who it is, a pattern knows best where a number or date ends, a model often sees the surname that
the roster does not have. A word that the roster rule kept and a model marks all the same is found: withhold in doubt.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from transcribe.detect import defaults
from transcribe.detect.ordinary import CONTRACTION, PHRASE
from transcribe.schema import Finding, Kind, Person, Quiet, Reason, record
from transcribe.wordforms import folded

REPEAT = "repeat"  # a rule that guesses from elsewhere; it cannot overrule a kept word
_PATTERN_KINDS = (Kind.DATE, Kind.CONTACT, Kind.ID_NUMBER, Kind.AGE)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@record
class Merged(Quiet):
    """A span with its owner, and spans inside it that are further names of this owner, to be learnt as forms."""

    finding: Finding
    aliases: tuple[tuple[int, int], ...] = ()


def merge(
    text: str,
    known: list[Finding],
    kept: list[Finding],
    seen: list[Finding],
    people: Mapping[str, Person],
) -> tuple[list[Merged], list[Finding]]:
    """Merge what the roster rule found (`known`) and kept with what models have `seen`, all of one utterance.

    Returns the merged spans, disjoint and sorted, and what stays kept.
    """
    sure = {(k.start, k.end) for k in kept if k.reason.detail.removesuffix(", shared form") in (CONTRACTION, PHRASE)}
    seen = [s for s in seen if (s.start, s.end) not in sure]
    seen = [s for s in seen if s.reason.rule != REPEAT or not any(s.start < k.end and k.start < s.end for k in kept)]
    overruled = [k for k in kept if any(_marks(s, k) for s in seen)]
    candidates = [f for f in known + overruled + seen if 0 <= f.start < f.end <= len(text)]
    merged = [_settle(text, cluster, people) for cluster in _clusters(candidates)]
    spans = [(m.finding.start, m.finding.end) for m in merged]
    left = [k for k in kept if not any(start < k.end and k.start < end for start, end in spans)]
    return merged, left


def _marks(seen: Finding, kept: Finding) -> bool:
    """Whether a model calls a kept word a name; a date or number around it says nothing of that, one cut off does."""
    overlap = seen.start < kept.end and kept.start < seen.end
    inside = seen.start <= kept.start and kept.end <= seen.end
    return overlap and (seen.kind not in _PATTERN_KINDS or not inside)


def _clusters(candidates: list[Finding]) -> list[list[Finding]]:
    clusters: list[list[Finding]] = []
    end = -1
    for finding in sorted(candidates, key=_order):
        if clusters and finding.start < end:
            clusters[-1].append(finding)
            end = max(end, finding.end)
        else:
            clusters.append([finding])
            end = finding.end
    return clusters


def _order(finding: Finding) -> tuple[int, int, str, str, str, float]:
    return (
        finding.start,
        -finding.end,
        finding.kind.value,
        finding.person_id or "",
        finding.reason.detail,
        -finding.score,
    )


def _length(finding: Finding) -> int:
    return finding.end - finding.start


def _settle(text: str, cluster: list[Finding], people: Mapping[str, Person]) -> Merged:
    start, end = min(f.start for f in cluster), max(f.end for f in cluster)
    known = [f for f in cluster if f.person_id is not None]
    # somebody of the roster before somebody found: the latter may be no more than a further name of the former
    known.sort(key=lambda f: (people[f.person_id or ""].found, -_length(f), -f.score, f.start))
    seen = sorted((f for f in cluster if f.person_id is None), key=lambda f: (-_length(f), -f.score, _order(f)))
    if not known:
        return Merged(finding=replace(seen[0], start=start, end=end))
    owner = known[0]
    if not seen or _length(owner) == end - start or _length(seen[0]) <= _length(owner):
        return Merged(finding=replace(owner, start=start, end=end))
    model = seen[0]
    if model.kind is not Kind.PERSON or people[owner.person_id or ""].kind is not Kind.PERSON:
        # an e-mail address, a street, an institution, with a known name inside: another thing than that name
        return Merged(finding=replace(model, start=start, end=end))
    return _extended(text, replace(owner, start=start, end=end), known, model, people)


def _extended(text: str, whole: Finding, known: list[Finding], model: Finding, people: Mapping[str, Person]) -> Merged:
    """A model reads more names beside a known one: "Rose Bell" where the roster has a Rose."""
    owner = people[whole.person_id or ""]
    rest = [
        (m.start(), m.end())
        for m in _WORD.finditer(text, whole.start, whole.end)
        if not any(f.start < m.end() and m.start() < f.end for f in known)
    ]
    words = defaults.load().words
    names = [span for span in rest if folded(text[slice(*span)]) not in words.trim | words.never]
    full = [form for form in owner.forms if len(form.split()) > 1]
    if names and full and not owner.position_only and _length(known[0]) < min(len(form) for form in full):
        # The roster knows her full name and it is not this one: somebody else with that first name or surname.
        return Merged(finding=replace(model, start=whole.start, end=whole.end))
    reason = Reason(rule=whole.reason.rule, detail=f"{whole.reason.detail}, with more of the name")
    return Merged(finding=replace(whole, reason=reason), aliases=tuple(names))
