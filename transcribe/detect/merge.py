"""Overlapping candidates of one utterance become one span each, and no fragment of a name stays outside.

The roster knows best who it is, a pattern knows best where a number or date ends, a model often sees the surname that
the roster does not have. What is likely (a score of at least `balance`) is united first; what is only possible keeps
what remains of it beside that, as a question of its own, so that a doubt never widens what is withheld for sure.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import prod

from transcribe.detect import defaults
from transcribe.detect.ordinary import CONTRACTION, PHRASE
from transcribe.schema import Finding, Kind, Person, Quiet, Reason, record
from transcribe.wordforms import folded, search_forms

REPEAT = "repeat"  # a rule that guesses from elsewhere; it cannot overrule a kept word
_PATTERN_KINDS = (Kind.DATE, Kind.CONTACT, Kind.ID_NUMBER, Kind.AGE, Kind.OTHER)
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
    """Merge what the roster rule found (`known`) and kept with what the other rules have `seen`, all of one utterance.

    Returns the merged spans, disjoint and sorted, and what stays kept.
    """
    sure = {(k.start, k.end) for k in kept if k.reason.detail.removesuffix(", shared form") in (CONTRACTION, PHRASE)}
    seen = [s for s in seen if (s.start, s.end) not in sure]
    seen = [s for s in seen if s.reason.rule != REPEAT or not any(s.start < k.end and k.start < s.end for k in kept)]
    overruled = [_overruled(k, seen) for k in kept if any(_marks(s, k) for s in seen)]
    inside = [f for f in known + overruled + seen if 0 <= f.start < f.end <= len(text)]
    likely, possible = _by_strength(inside, len(known) + len(overruled))
    merged = [_settle(text, cluster, people) for cluster in _clusters(likely)]
    taken = [(m.finding.start, m.finding.end) for m in merged]
    rest = [part for finding in possible for part in _outside(text, finding, taken)]
    merged += [_settle(text, cluster, people) for cluster in _clusters(rest)]
    merged.sort(key=lambda m: m.finding.start)
    spans = [(m.finding.start, m.finding.end) for m in merged]
    left = [k for k in kept if not any(start < k.end and k.start < end for start, end in spans)]
    return merged, left


def _marks(seen: Finding, kept: Finding) -> bool:
    """Whether a model calls a kept word a name; a date or number around it says nothing of that, one cut off does."""
    overlap = seen.start < kept.end and kept.start < seen.end
    inside = seen.start <= kept.start and kept.end <= seen.end
    return overlap and (seen.kind not in _PATTERN_KINDS or not inside)


def _overruled(kept: Finding, seen: list[Finding]) -> Finding:
    """A word that the roster rule holds for an ordinary one and others do not: their word, weighed against ours."""
    likeliest = max(s.score for s in seen if _marks(s, kept))
    return replace(kept, score=round(likeliest * defaults.load().scores["against_roster"], 4))


def _by_strength(candidates: list[Finding], ours: int) -> tuple[list[Finding], list[Finding]]:
    """(likely, possible). One of the first `ours` (the roster's own forms) that touches a likely one counts as likely:
    the gate looks for these forms, and they must not be taken apart."""
    balance = defaults.load().scores["balance"]
    likely = [f for f in candidates if f.score >= balance]
    possible = [f for f in candidates if f.score < balance]
    forms = [f for f in candidates[:ours] if f.score < balance]
    grown = True
    while grown:
        touching = [f for f in forms if any(f.start < g.end and g.start < f.end for g in likely)]
        likely += touching
        forms = [f for f in forms if f not in touching]
        possible = [f for f in possible if f not in touching]
        grown = bool(touching)
    return likely, possible


def _outside(text: str, finding: Finding, taken: list[tuple[int, int]]) -> list[Finding]:
    """What of a finding lies outside spans that are taken; nothing where that is only little words."""
    if not any(start < finding.end and finding.start < end for start, end in taken):
        return [finding]
    spans = words_outside(text, finding.start, finding.end, taken)
    return [replace(finding, start=start, end=end) for start, end in spans]


def words_outside(text: str, start: int, end: int, taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The runs of whole words in text[start:end] that touch nothing taken, but for those of little words alone."""
    runs: list[tuple[int, int]] = []
    for match in _WORD.finditer(text, start, end):
        if any(first < match.end() and match.start() < last for first, last in taken):
            continue
        if runs and not any(runs[-1][1] <= first < match.start() for first, _ in taken):
            runs[-1] = (runs[-1][0], match.end())
        else:
            runs.append(match.span())
    idle = defaults.load().words.trim | defaults.load().words.never
    return [run for run in runs if not all(folded(word) in idle for word in _WORD.findall(text[slice(*run)]))]


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
        return Merged(finding=_joint(replace(seen[0], start=start, end=end), cluster))
    owner = known[0]
    if not seen or _length(owner) == end - start or _length(seen[0]) <= _length(owner):
        return Merged(finding=_joint(replace(owner, start=start, end=end), cluster))
    model = seen[0]
    if model.kind is not Kind.PERSON or people[owner.person_id or ""].kind is not Kind.PERSON:
        # an e-mail address, a street, an institution, with a known name inside: another thing than that name
        return Merged(finding=_joint(replace(model, start=start, end=end), cluster))
    return _extended(text, _joint(replace(owner, start=start, end=end), cluster), known, model, people)


def _joint(finding: Finding, cluster: Iterable[Finding]) -> Finding:
    """With all that speaks for it: rules that err independently are all wrong with the product of their doubts."""
    best: dict[str, Finding] = {}
    cluster = list(cluster)
    # that it is a name elsewhere is no second opinion: those who gave it elsewhere have looked here, too
    independent = [one for one in cluster if one.reason.rule != REPEAT] or cluster
    for one in independent:
        rule = one.reason.rule
        if rule not in best or best[rule].score < one.score:
            best[rule] = one
    told = next((f for f in cluster if f.relation or f.role), finding)
    return replace(
        finding,
        score=round(1 - prod(1 - f.score for f in best.values()), 4),
        role=finding.role or told.role,
        relation=finding.relation or told.relation,
        evidence=tuple(reason for f in best.values() for reason in (f.evidence or (replace(f.reason, score=f.score),))),
    )


def _extended(text: str, whole: Finding, known: list[Finding], model: Finding, people: Mapping[str, Person]) -> Merged:
    """A model reads more names beside a known one: "Rose Bell" where the roster has a Rose."""
    reason = Reason(rule=whole.reason.rule, detail=f"{whole.reason.detail}, with more of the name")
    for hit in known:
        if _has_both_ends(text, whole, people[hit.person_id or ""]):
            return Merged(finding=replace(whole, person_id=hit.person_id, kind=hit.kind, reason=reason))
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
        return Merged(finding=replace(whole, person_id=None, kind=model.kind, reason=model.reason))
    return Merged(finding=replace(whole, reason=reason), aliases=tuple(names))


def _has_both_ends(text: str, whole: Finding, person: Person) -> bool:
    """Whether a span begins with one name of hers and ends with another: "Rose Ann Bell" is Rose Bell."""
    idle = defaults.load().words.trim
    names = [folded(m.group()) for m in _WORD.finditer(text, whole.start, whole.end)]
    while names and names[0] in idle:
        names = names[1:]
    forms = {folded(form) for form in search_forms(person)}
    apart = idle.intersection(names)  # "Rose and Ann Bell"
    return len(names) > 2 and not apart and names[0] != names[-1] and {names[0], names[-1]} <= forms
