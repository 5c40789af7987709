"""What kind of answer it is: by the words of the answer first, and by the question where these leave it open."""

from __future__ import annotations

import re
from typing import NamedTuple

from .question_types import question_type
from .words import word_set

TYPES = ("year", "date", "number", "money", "percent", "name", "quoted title", "yes/no", "clause", "none")
"""Every answer type; ``tests/utils/answer_types.yaml`` defines each, with examples."""

_OPENING_QUOTES, _CLOSING_QUOTES = "\"'“\u2018«„`", "\"'”\u2019»“`"
_LONGEST_VALUE = 16  # tokens: what is longer says more than a number or a date

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|\S")
_NAME_WORD = re.compile(r"[^\W_][\w'\u2019.&-]*|,")
_POLAR = re.compile(
    r"\W*(?:(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must)(?:n['\u2019]t)?)\s",
    re.I,
)
_ABOUT_TIME = re.compile(
    r"\b(?:what|which) (?:year|date|day|month|decade|century|centurie|season)s?\b|\bthe (?:year|date)\b"
)
_ABOUT_COUNT = re.compile(
    r"\bhow\s+(?:many|much|long|old|far|fast|large|big|small|high|tall|deep|wide|often|hot|cold|heavy|early|late)\b"
    r"|\b(?:number|population|count|total|length|height|depth|width|size|area|distance|speed|temperature|age|weight|mass"
    r"|rank|ranking|score|fraction|proportion|amount|capacity|ratio|rate)\b"
)
_ABOUT_MONEY = re.compile(
    r"\b(?:cost|price|pay|pays|paid|salary|salaries|wage|budget|fine|debt|sum|revenue|income|money|fee|worth|valued"
    r"|spend|spent|charge|charged|earn|earned|loan|profit|fund|funding|funded|donate|donated|donation|ransom|rent|prize"
    r"|reward|tax|expensive|sold|bought|dollar|pound|euro)s?\b"
)
_ABOUT_PERCENT = re.compile(r"\b(?:percent|percentage|per cent)\b|%")
_ABOUT_SHARE = re.compile(r"\b(?:share|portion|proportion)\b")
_ABOUT_MEASURE = re.compile(r"\b(?:weighs?|weighed|weight|heavy|mass|time|long)\b")  # pounds that are no money

_NUMBER_WORDS = word_set(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands"
    " million millions billion billions trillion dozen dozens half once twice thrice quarter quarters"
    " first second third thirds fourth fourths fifth fifths sixth sixths seventh eighth eighths ninth tenth tenths"
    " eleventh twelfth hundredth thousandth"
)
_FRACTIONS = word_set(
    "half third thirds quarter quarters fourth fourths fifth fifths sixth eighth eighths tenth tenths"
)
_HEDGES = word_set(
    "about around approximately approx roughly nearly almost over under above below more less fewer than at least most"
    " up to only just some exactly between from for in by the a an total of several few no not as many"
)
_JOINTS = word_set("- \u2013 — and or to , . / \u00d7 x a by point th st nd rd")
_UNITS = word_set(
    "m km cm mm nm mi ft in yd kg g mg lb lbs oz t l ml ha s min h hr hrs hz khz mhz ghz kb mb gb tb w kw mw gw v j k c"
    " f ° º ' \" square cubic nautical light degrees degree metre metres meter meters kilometre kilometres kilometer"
    " kilometers centimetre centimetres centimeter centimeters millimetres millimeters mile miles foot feet inch inches"
    " yard yards fathoms paces acre acres hectare hectares kilogram kilograms gram grams tonne tonnes ton tons pound"
    " pounds ounce ounces stone litre litres liter liters gallon gallons pints barrels knots mph second seconds"
    " minute minutes hour hours day days night nights week weeks month months year years decades centuries times a per"
    " volts watts kilowatts megawatts people persons inhabitants"
)
_CURRENCY_SIGNS = word_set("$ £ € ¥ ₹ ₩ ₽ ¢")
_CURRENCIES = word_set(
    "dollar dollars cent cents pound pounds shilling shillings pence penny pennies guinea guineas euro euros yen yuan"
    " franc francs mark marks crown crowns florin florins krone kroner kronor ruble rubles rouble roubles rupee rupees"
    " peso pesos lira lire ducat ducats thaler thalers won usd gbp eur"
)
_COINS = word_set("sixpence halfpenny threepence twopence fourpence tuppence farthing guinea halfpence")
_WEIGHTS_OR_COINS = word_set("pound pounds crown crowns mark marks")
_ERAS = word_set("ad bc bce ce")
_YEAR_FILL = word_set("in since by around about circa c ca from to and or until till between the year years during of"
    " before after - \u2013 — , . / ( )")  # fmt: skip
_DATE_WORDS = word_set(
    "january february march april may june july august september october november december jan feb mar apr jun jul aug"
    " sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday spring summer autumn winter fall"
    " century centuries decade ago noon midnight dawn dusk morning afternoon evening night sunrise sunset today"
    " yesterday tomorrow christmas easter eve am pm"
)
_DATE_FILL = _YEAR_FILL | _HEDGES | _NUMBER_WORDS | _ERAS | word_set(
    "on st nd rd th s early late mid next last same every each shortly soon end beginning start middle part day days"
    " week weeks month months season : ' \u2019 p m that this"
)  # fmt: skip
_CLOCK_OR_DAY_OR_DECADE = re.compile(
    r"\d{1,4}[-/]\d{1,2}[-/]\d{2,4}|\d:\d{2}|\d\s?[ap]\.?m\b|\d0['\u2019]?s\b|\bo['\u2019]clock"
)
_YEAR = re.compile(r"\b(?:1\d{3}|20\d{2})\b")
_SHORT_SPAN = re.compile(r"\d{4}\s?[-\u2013/]\s?\d{2}$")  # 1914-18
_NAME_LINKS = word_set("of in on at to from for and or by with under near , ")
_NAME_FILL = _NAME_LINKS | word_set("the a an his her its their de la le du von van der den di da del al el y et & as")


class _Answer(NamedTuple):
    text: str  # without white space and punctuation at its ends
    tokens: list[str]  # in lower case
    question: str  # in lower case
    asks: str  # the question's type
    quoted: bool  # whether quotation marks stand in the context around it


def answer_type(text: str, question: str = "", *, quoted: bool = False) -> str:
    """One of ``TYPES``.

    Args:
        text: the answer; empty for no answer.
        question: what was asked, which tells the year 1650 from 1650 stars.
        quoted: whether quotation marks stand around the answer in its context (see ``is_quoted``).

    Example:
        >>> answer_type("1650", "When was it built?"), answer_type("1650", "How many stars did he count?")
        ('year', 'number')
        >>> answer_type("Fog Signal"), answer_type("Fog Signal", quoted=True), answer_type("a thick fog")
        ('name', 'quoted title', 'clause')
    """
    bare = text.strip().strip(".,;: ")
    if not bare:
        return "none"
    lower = question.lower()
    answer = _Answer(bare, _TOKEN.findall(bare.lower()), lower, question_type(lower), quoted)
    return next((name for name, holds in _RULES if holds(answer)), "clause")


def is_quoted(context: str, start: int, text: str) -> bool:
    """Whether quotation marks stand right around an answer in its context.

    Example:
        >>> is_quoted('They sang "Fog Signal," twice.', 11, "Fog Signal")
        True
    """
    after = context[start + len(text) :][:2].lstrip(".,")
    return context[max(0, start - 1) : start] in set(_OPENING_QUOTES) and after[:1] in set(_CLOSING_QUOTES)


def _is_yes_no(answer: _Answer) -> bool:
    if answer.tokens[0] in ("yes", "no") and (len(answer.tokens) == 1 or answer.tokens[1] == ","):
        return True
    return answer.asks == "other" and bool(_POLAR.match(answer.question)) and " or " not in answer.question


def _is_quoted_title(answer: _Answer) -> bool:
    text = answer.text.strip("()[]")
    if not (answer.quoted or (len(text) > 1 and text[0] in _OPENING_QUOTES and text[-1] in _CLOSING_QUOTES)):
        return False
    inner = text.strip(_OPENING_QUOTES + _CLOSING_QUOTES)
    words = [word for word in _NAME_WORD.findall(inner) if word not in _NAME_FILL]
    if not words or not (inner[0].isupper() or inner[0].isdigit()):
        return False
    return len(words) <= 3 or _share_of_capitals(words) > 0.5


def _is_percent(answer: _Answer) -> bool:
    if not _has_number(answer):
        return False
    if _ABOUT_PERCENT.search(answer.text.lower()) or _ABOUT_PERCENT.search(answer.question):
        return True
    return answer.text.isdecimal() and int(answer.text) <= 100 and bool(_ABOUT_SHARE.search(answer.question))


def _is_money(answer: _Answer) -> bool:
    tokens = set(answer.tokens)
    if tokens & _COINS:
        return True
    if not _has_number(answer):
        return False
    measure = _ABOUT_MEASURE.search(answer.question)
    if tokens & _CURRENCY_SIGNS or tokens & (_CURRENCIES - _WEIGHTS_OR_COINS if measure else _CURRENCIES):
        return True
    asked = re.search(r"how many (?:\w+ )?(?:dollars|pounds|euros)", answer.question) or (
        answer.asks != "how many" and _ABOUT_MONEY.search(answer.question)
    )
    return bool(asked) and not measure and not _is_year(answer) and all(_is_numeric(t) or t in _HEDGES for t in tokens)


def _is_year(answer: _Answer) -> bool:
    rest = [token for token in answer.tokens if token not in _YEAR_FILL and token not in _ERAS]
    if not rest or not all(token.isdecimal() and len(token) <= 4 for token in rest):
        return False
    if _CLOCK_OR_DAY_OR_DECADE.search(answer.text):
        return False
    if _asks_time(answer) or _ERAS & set(answer.tokens):
        return True
    whole = rest[:-1] if _SHORT_SPAN.search(answer.text) else rest
    return not _ABOUT_COUNT.search(answer.question) and all(1000 <= int(token) <= 2100 for token in whole)


def _is_date(answer: _Answer) -> bool:
    if answer.asks == "who" or len(answer.tokens) > _LONGEST_VALUE:
        return False
    time, count = _asks_time(answer), bool(_ABOUT_COUNT.search(answer.question))
    if (time or not count) and _CLOCK_OR_DAY_OR_DECADE.search(answer.text.lower()):
        return True
    named = any(token in _DATE_WORDS for token in answer.tokens)
    if time:
        return named or bool(_YEAR.search(answer.text))
    return named and all(token in _DATE_WORDS or token in _DATE_FILL or token.isdecimal() for token in answer.tokens)


def _is_number(answer: _Answer) -> bool:
    if len(answer.tokens) > _LONGEST_VALUE:
        return False
    tokens = iter(enumerate(answer.tokens))
    start = next((i for i, token in tokens if token not in _HEDGES or token == "no"), None)
    if start is None or not _is_numeric(answer.tokens[start]):
        return False
    end = next((i for i, token in tokens if not _is_numeric(token) and token not in _JOINTS), None)
    if end is None:
        return True
    if re.search(r"\s[A-Z][a-z]{2}", answer.text):  # "Thirty Years' War", "14 Fennel Street"
        return False
    if answer.tokens[end] in _UNITS:
        return True
    if answer.tokens[end] == "of" and _FRACTIONS & set(answer.tokens[start:end]):
        return True
    return bool(_ABOUT_COUNT.search(answer.question))


def _is_name(answer: _Answer) -> bool:
    words = _NAME_WORD.findall(answer.text)
    while words and words[0] in _NAME_FILL:
        words = words[1:]
    head = next((words[i - 1] for i, word in enumerate(words) if word in _NAME_LINKS), words[-1] if words else "")
    content = [word for word in words if word not in _NAME_FILL]
    return bool(content) and _is_capital(head) and _share_of_capitals(content) > 0.5


def _asks_time(answer: _Answer) -> bool:
    return answer.asks == "when" or bool(_ABOUT_TIME.search(answer.question))


def _has_number(answer: _Answer) -> bool:
    return len(answer.tokens) <= _LONGEST_VALUE and any(_is_numeric(token) for token in answer.tokens)


def _is_numeric(token: str) -> bool:
    return token[0].isdecimal() or token.isnumeric() or token in _NUMBER_WORDS


def _is_capital(word: str) -> bool:
    return word != word.lower() or word[0].isdecimal()


def _share_of_capitals(words: list[str]) -> float:
    return sum(map(_is_capital, words)) / len(words)


_RULES = (
    ("yes/no", _is_yes_no),
    ("quoted title", _is_quoted_title),
    ("percent", _is_percent),
    ("money", _is_money),
    ("year", _is_year),
    ("date", _is_date),
    ("number", _is_number),
    ("name", _is_name),
)
