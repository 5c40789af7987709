"""Words and sentences of English text, by rule: nothing to download, the same on every machine."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

INSIDE_WORDS = "'\u2019.,"
"""The marks that may stand inside a word."""

WORD = re.compile(rf"[^\W_]+(?:[{INSIDE_WORDS}][^\W_]+)*")
"""A run of letters and digits, with the apostrophes, points and commas inside it: ``don't``, ``U.S``, ``1,200``."""

_SENTENCE_END = re.compile(r"(?:[.!?]+[\"'”\u2019)\]]*|\n)\s*(?=\S)")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"“])(?:[A-Z]|[A-Za-z](?:\.[A-Za-z])+|Mrs?|Ms|Dr|Prof|Sr|Jr|St|Mt|Ft|Gen|Col|Capt|Lt|Sgt|Rev|Hon|Gov"
    r"|Sen|Rep|Inc|Ltd|Co|Corp|Bros|vs?|No|Nos|Vol|pp?|ca?|fl|approx|etc|e\.g|i\.e|Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec)$"
)
_IN_NUMBER = re.compile(r"\d[.,]\d")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, kana, Han and Hangul."""
_LOOK_BACK = 12  # characters before a point that are enough to see an abbreviation


def words(text: str) -> list[str]:
    """The words of a text; punctuation and symbols are none.

    Example:
        >>> words("She didn't pay $1,200 (then)!")
        ['She', "didn't", 'pay', '1,200', 'then']
    """
    return WORD.findall(text)


def content_words(text: str) -> set[str]:
    """The words of a text that say what it is about: in small letters, without function words and possessive endings.

    Example:
        >>> sorted(content_words("Who was the Rhine's first pilot?"))
        ['first', 'pilot', 'rhine']
    """
    found = {word.removesuffix("'s").removesuffix("\u2019s") for word in words(text.lower())}
    return found - _FUNCTION_WORDS


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The span, grown to the ends of the words that it cuts; a number's points and commas are inside it.

    Scripts that write no spaces between words are left alone, and so is Korean, which joins particles to its words.

    Example:
        >>> text = "An administrative cost of 1,200 a head, 三十年 ago"
        >>> [text[slice(*whole_words(text, *span))] for span in ((3, 9), (26, 27), (40, 41))]
        ['administrative', '1,200', '三']
    """
    while 0 < start < end and _joined(text, start):
        start -= 1
    while start < end < len(text) and _joined(text, end):
        end += 1
    return start, end


def _joined(text: str, place: int) -> bool:
    """Whether the characters before and behind a place are of one word, or of one number."""
    before, behind = text[place - 1], text[place]
    if _of_word(before) and _of_word(behind):
        return not (_UNSPACED.match(before) or _UNSPACED.match(behind))
    return bool(_IN_NUMBER.match(text, max(0, place - 2), place + 1) or _IN_NUMBER.match(text, place - 1, place + 2))


def _of_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def word_set(text: str) -> frozenset[str]:
    """The strings between white space, for tables of words."""
    return frozenset(text.split())


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Where the sentences begin and end in a text, white space after them included.

    A sentence ends at ``.``, ``!`` or ``?`` before white space and anything but a small letter, unless an
    abbreviation or an initial stands there, and at every line break. The spans cover the whole text.

    Example:
        >>> text = "Mr. J. Cole paid 2.5 florins. Who knows?"
        >>> [text[start:end] for start, end in sentence_spans(text)]
        ['Mr. J. Cole paid 2.5 florins. ', 'Who knows?']
    """
    cuts = [0, *(match.end() for match in _SENTENCE_END.finditer(text) if _ends_sentence(text, match)), len(text)]
    return list(pairwise(cuts)) if text else []


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    if "\n" in match.group():
        return True
    if not match.group()[-1].isspace() or text[match.end()].islower():
        return False
    point = match.start()
    return not (match.group().startswith(".") and _ABBREVIATION.search(text[max(0, point - _LOOK_BACK) : point]))


_FUNCTION_WORDS = word_set(
    "a an the and or but if of in on at to from for by with as into than then is are was were be been being do does did"
    " has have had can could will would should may might must it its he his him she her they their them this that these"
    " those there what who whom whose when where which why how many much long no not"
)
