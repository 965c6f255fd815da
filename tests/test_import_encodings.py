"""Text files of other code pages: read as they were written or refused, never with a name spelt otherwise."""

import pytest

from transcribe.errors import StudyError
from transcribe.imports import encodings

WESTERN = (
    "I: Hello“ “yes” it’s, don’t, ma’am O’Brien, L’Oréal… Zoë: café – and — Chloë, Renée, François, Siân, Seán, Núñez",
    "Agnès, Hélène, Jürgen, Müller, Björn, Größe, naïve, wait—no, th–the, b–b–but, Karen–Moira, mother–infant, well…no",
    "£20 20°C ½ cup 3 m² 5 m³ 5 µg ¿Qué? «oui» ‘yes’ don´t Ní hÉalaí rock’n’roll Ja’Quan RENÉE. Word©",
    "Søren og Åse: blåbær, træ",
    "João e Conceição: não é à",
    "‚so‘ sagte er. „Weißt du“",
    "l’ami, aujourd’hui, qu’il était déjà où ça, cœur, Œuvre, été créée",
    "Dell’Orso, un’idea, perché, città",
)
OTHER = {
    "mac_roman": "it’s Zoë|Zoë: hi|José|Müller|Jürgen|María|García|Muñoz|Ramón|Begoña|Björn|Sören|Noëlle|Seán|João",
    "cp1250": "Małgorzata|Wałęsa|Łukasz|Zosią|Kovačević|Jiří Dvořák|Petrović|Čapek",
    "iso8859_2": "Małgorzata|Łukasz|Świątek|Petrović|Šimon",
    "cp1251": "Иван: да|Анна Петрова|да, она",
    "koi8_r": "Иван: да",
    "cp1253": "Γιώργος: ναι",
    "cp1254": "Ayşe: evet|Erdoğan|Işıl",
    "cp1255": "שרה: כן",
    "gb18030": "王小明: 你好|李娜",
    "shift_jis": "田中さん: はい",
    "cp437": "Renée: so|Zoë: so",
}


@pytest.mark.parametrize("text", WESTERN)
def test_western_text_is_read(text: str) -> None:
    assert encodings.decode(text.encode("cp1252")) == text


@pytest.mark.parametrize(
    ("encoding", "text"), [(encoding, text) for encoding, texts in OTHER.items() for text in texts.split("|")]
)
def test_other_code_pages_are_refused(encoding: str, text: str) -> None:
    with pytest.raises(StudyError, match="encoding cannot be told") as refused:
        encodings.decode(f"I: So, that is me.\n{text}\n".encode(encoding))
    assert text[:4] not in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["Иван: да, она\nYes", "“Zoë”: hi", "王: 你好\n", f"{'Иван' * 60}: да"])
def test_utf_16_without_its_mark_is_read_whatever_it_begins_with(text: str, encoding: str) -> None:
    assert encodings.decode(text.encode(encoding)) == text


@pytest.mark.parametrize("text", ["ZoÃ«: hi", "Diane: itâ€™s", "MaÅ‚gorzata: hi", "Zo\ufffd: hi"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_was_mangled_before_is_refused(text: str, encoding: str) -> None:
    with pytest.raises(StudyError, match="mangled when it was saved"):
        encodings.decode(text.encode(encoding))


@pytest.mark.parametrize("text", ["São: Ärger, «Ä», AMANHÃ…, Å”", "naïve Zoë", "«Ã»"])
def test_accented_capitals_alone_are_no_mangled_letters(text: str) -> None:
    assert encodings.decode(text.encode()) == text
