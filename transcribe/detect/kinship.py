"""Patterns of speech that introduce or address a person: "my husband Dave", "her name's ...", "Thank you, ..."."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from transcribe.detect import Tagger, defaults, name_runs, relations
from transcribe.detect.name_runs import Candidate
from transcribe.detect.ordinary import has_capitals
from transcribe.detect.relations import Role
from transcribe.schema import Finding, Kind, Quiet, Reason, Speaker, Utterance, record
from transcribe.wordforms import folded

RULE = "kinship"
_ANSWER = "answer to what somebody is called"
_SHORT_TURN = 3  # words of a turn that breaks nobody's sentence
_SENTENCE_END = re.compile(r"[.?!…]")
_REPORTED = re.compile(  # who says "I'm Karen" where somebody else is quoted
    r"\b(?!(?:i|we|ve|d|have|had|just|then|always)\b)[^\W\d_]+\s+(?:(?:just|then|always)\s+)?"
    r"(?:said|says|saying|goes|was like|were like|introduced)\b|"
    r"\b(?:(?:she|he|they)\s+went|(?:she|he)['’]s\s+(?:going|like)|they['’]re\s+(?:going|like))\b",
    re.IGNORECASE,
)
_GREETING = re.compile(r"\b(?:hi|hiya|hello|hey|good (?:morning|afternoon|evening))[.!]", re.IGNORECASE)
_REPORTED_AFTER = re.compile(
    r"\s*[,.]?[\"”’]?\s*(?:she|he|they|(?:the|my)\s+\w+)\s+(?:said|says|goes|went|was like)\b", re.IGNORECASE
)
_OWNER = (
    r"(?P<own>my|our|his|her|their|your|the|this|that|an?|"
    r"(?:i|we)(?:['’]ve| have| had|['’]d)?(?: also)?(?: got)? an?|{THROUGH}|[^\W\d_]+['’]s)"
)


@record
class _Pattern(Quiet):
    name: str
    lead: re.Pattern[str] | None
    tail: re.Pattern[str] | None
    who: str
    needs: str
    score: float
    lower: float


@record
class _Tables(Quiet):
    patterns: tuple[_Pattern, ...]
    kin: re.Pattern[str]
    before: int
    gift: float
    things: re.Pattern[str]
    families_not: frozenset[str]


@cache
def _load() -> _Tables:
    raw = tomllib.loads((files("transcribe.detect") / "kinship.toml").read_text(encoding="utf-8"))
    bare = relations.phrase(named=False)
    owner = _OWNER.replace("{THROUGH}", rf"(?:my|our)\s+{bare}['’]s")
    fragments = {
        "KIN": rf"{owner}\s+{relations.phrase()}",
        "OWNED": rf"(?P<own>my|our|his|her|their|your|the)\s+{relations.phrase()}",
        "REL": bare,
        **raw["fragments"],
    }
    patterns = tuple(
        _Pattern(
            name=entry["name"],
            lead=_compiled(entry.get("lead"), fragments),
            tail=_compiled(entry.get("tail"), fragments),
            who=entry["who"],
            needs=entry["needs"],
            score=entry["score"],
            lower=entry["lower"],
        )
        for entry in raw["pattern"]
    )
    kin = re.compile(rf"\b{fragments['KIN']}\b", re.IGNORECASE)
    things = re.compile(raw["things"]["regex"], re.IGNORECASE)
    return _Tables(
        patterns=patterns,
        kin=kin,
        before=raw["limits"]["before"],
        gift=raw["limits"]["gift"],
        things=things,
        families_not=frozenset(raw["words"]["families_not"].split()),
    )


def _compiled(text: str | None, fragments: dict[str, str]) -> re.Pattern[str] | None:
    if text is None:
        return None
    for name, fragment in fragments.items():
        text = text.replace("{" + name + "}", fragment)
    return re.compile(text, re.IGNORECASE)


def find(
    utterances: tuple[Utterance, ...], speakers: tuple[Speaker, ...] = (), tagger: Tagger | None = None
) -> tuple[Finding, ...]:
    """People that somebody introduces or addresses, each with what is said of her role and relation."""
    cased = has_capitals(tuple(u.text for u in utterances))
    roles = {speaker.label: speaker.role for speaker in speakers}
    return tuple(
        finding
        for number, utterance in enumerate(utterances)
        for finding in _of_utterance(
            utterance, _said_before(utterances, number), roles.get(utterance.speaker, ""), cased, tagger
        )
    )


def _said_before(utterances: tuple[Utterance, ...], number: int) -> str:
    """What a turn answers or goes on with: a question of another, or one's own sentence that a "Mm" cut."""
    own = utterances[number].speaker
    for other in reversed(utterances[max(0, number - 2) : number]):
        text = other.text.strip()
        if text.endswith("?"):
            return f"{text} "
        if other.speaker == own:
            return f"{text} " if text and not _SENTENCE_END.match(text[-1]) else ""
        if len(text.split()) > _SHORT_TURN:
            break
    return ""


def context(text: str, start: int, end: int, speaker: str = "") -> Role | None:
    """What the words around a name at text[start:end] say of its bearer; `speaker` is the role of who says it."""
    for pattern, lead, tail in _matches(text, start, end):
        if _by_herself(pattern, lead) and _reported(text, start, end):
            continue
        role = _role(pattern, lead, tail, text[:start], speaker)
        if role is not None and not _of_another(text, start, end, lead, role):
            return role
    return None


def _of_another(text: str, start: int, end: int, lead: re.Match[str] | None, role: Role) -> bool:
    """Whether a new clause begins with a name that nobody of that relation has: "I rang my husband, Karen was out"."""
    said = relations.gender(role.relation)
    if lead is None or not said or not lead.group().rstrip().endswith(","):
        return False
    women, men = name_runs.by_gender()
    name = name_runs.WORD.match(text, start)
    of_others = name is not None and folded(name.group()) in (men if said == "f" else women)
    return of_others and not re.match(r"\s*(?:[,.?!;…]|$)", text[end:])


def _by_herself(pattern: _Pattern, lead: re.Match[str] | None) -> bool:
    """ "I'm Karen", "my name's Karen"."""
    mine = pattern.who == "pronoun" and lead is not None and lead["pronoun"].lower() == "my"
    return mine or pattern.who == "self"


def _reported(text: str, start: int, end: int) -> bool:
    """Whether somebody else's words are told: "and she said, hi, I'm Karen"."""
    sentence = _SENTENCE_END.split(_GREETING.sub(" ", text[:start]))[-1]
    return bool(_REPORTED.search(sentence) or _REPORTED_AFTER.match(text, end))


def _of_utterance(
    utterance: Utterance, said_before: str, speaker: str, cased: bool, tagger: Tagger | None
) -> Iterator[Finding]:
    text, ahead = utterance.text, len(said_before)
    whole = said_before + text
    for candidate in name_runs.cased(text) if cased else name_runs.lower(text, tagger):
        start, end = candidate.start, candidate.end
        if _load().things.search(text[max(0, start - _load().before) : end]):
            continue
        best = 0.0
        name = ""
        before = _matches(whole, start + ahead, end + ahead) if ahead else iter(())
        for pattern, lead, _ in (
            *_matches(text, start, end),
            *(m for m in before if candidate.given or m[0].name == _ANSWER),
        ):
            score = pattern.score if cased else pattern.lower
            if _is_gift(lead, candidate):
                score = min(score, _load().gift)
            if score > best and _enough(pattern, text, candidate, cased):
                best, name = score, pattern.name
        if not best:
            continue
        role = context(text, start, end, speaker)
        if role is None and ahead and candidate.given:
            role = context(whole, start + ahead, end + ahead, speaker)
        role = role or Role(role="")
        yield Finding(
            id="",
            utterance_id=utterance.id,
            start=start,
            end=end,
            kind=Kind.PERSON,
            person_id=None,
            score=best,
            reason=Reason(rule=RULE, detail=name, score=best),
            role=role.role,
            relation=role.relation,
        )


def _matches(text: str, start: int, end: int) -> Iterator[tuple[_Pattern, re.Match[str] | None, re.Match[str] | None]]:
    text = text.replace("’", "'")  # as the patterns have it
    before, after = text[max(0, start - _load().before) : start], text[end : end + _load().before]
    for pattern in _load().patterns:
        lead = pattern.lead.search(before) if pattern.lead else None
        if pattern.lead and lead is None:
            continue
        tail = pattern.tail.search(after) if pattern.tail else None
        if pattern.tail is None or tail is not None:
            yield pattern, lead, tail


def _is_gift(lead: re.Match[str] | None, candidate: Candidate) -> bool:
    """Whether it may be what kin are given, not who they are: no comma parts it from them, and it is no given name."""
    if lead is None or candidate.given or not lead.groupdict().get("giving"):
        return False
    return not lead.group().rstrip().endswith(",")


def _enough(pattern: _Pattern, text: str, candidate: Candidate, cased: bool) -> bool:
    known = candidate.given or candidate.surname or candidate.rare
    if candidate.doubtful and pattern.needs not in ("capital", "title"):
        return False
    surface = text[candidate.start : candidate.end]
    if pattern.needs == "surname":
        plain = folded(surface)
        singular = plain[:-1] if plain.endswith("s") else ""
        ordinary = defaults.load().words.needs_context(singular) or plain in _load().families_not
        return singular in name_runs.names()[1] and not ordinary
    if pattern.needs == "given":
        return candidate.given
    if pattern.needs == "title":
        title = re.search(r"([^\W\d_]+)\.?\s+$", text[: candidate.start])
        weak = title is not None and folded(title[1]) not in defaults.load().words.titles
        return known or (cased and title is not None and (title[1][0].isupper() or not weak))
    return known or (cased and pattern.needs == "capital")


def _role(
    pattern: _Pattern, lead: re.Match[str] | None, tail: re.Match[str] | None, before: str, speaker: str
) -> Role | None:
    if pattern.who in ("rel", "plural"):
        told = lead if lead is not None and "rel" in lead.re.groupindex else tail
        plural = pattern.who == "plural"
        if told is None or (plural and not relations.is_plural(told["rel"])):
            return None
        return relations.resolve(told["own"], told["mods"], told["rel"], bool(told["law"]), speaker)
    if pattern.who == "title" and lead is not None:
        return relations.of_title(lead["title"])
    if _by_herself(pattern, lead):
        return Role(role=speaker) if speaker not in ("", "speaker") else None
    if pattern.who == "little" and lead is not None and lead["little"].lower() == "baby":
        return Role(role="infant") if speaker in ("participant", "partner") else None
    if pattern.who == "pronoun" and lead is not None:
        return _antecedent(lead["pronoun"], before, speaker)
    return None


def _antecedent(pronoun: str, before: str, speaker: str) -> Role | None:
    """The one person spoken of before "her name is"; None where several could be meant, or it is no third person."""
    if folded(pronoun).split("'")[0] not in ("her", "his", "him", "she", "he", "called", "named"):
        return None
    told = [
        relations.resolve(m["own"], m["mods"], m["rel"], bool(m["law"]), speaker)
        for m in _load().kin.finditer(before[-_load().before :])
    ]
    word = folded(pronoun).split("'")[0]
    wanted = "f" if word in ("her", "she") else "m" if word in ("his", "him", "he") else ""
    fitting = [role for role in told if role is None or not wanted or relations.gender(role.relation) in ("", wanted)]
    return fitting[0] if len(fitting) == 1 else None
