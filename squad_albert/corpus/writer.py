"""Composes paragraphs: sentences about a topic, rivals and asides, joined into prose, with their questions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from .names import Names
from .values import Value, draw_value
from .wordings import Domain, Fact, Wordings, choose_alternatives

LEADS = ["According to local records,", "By most accounts,", "As the archives show,", "In fact,"]
THAT_LEADS = [
    "It is recorded that", "Surviving letters confirm that", "Historians agree that", "Few visitors know that",
    "Most guidebooks repeat that", "A later survey established that",
]  # fmt: skip
"""Leads for sentences that open with their subject; before an adverbial they would not read well."""
RIVAL_LEADS = ["By comparison,", "In contrast,", "", ""]
JOINTS = [", and", ", while", ", and"]
WITH_UNIT = ("quantity", "money")
"""The kinds whose last word is a unit, which a sentence with two of them shares."""
LONGEST_JOINED = 38
"""Words of the longest sentence that is made of two."""

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass
class Topic:
    """A named thing with its facts' values."""

    domain: Domain
    name: str
    pronouns: dict[str, str]
    values: dict[str, Value]

    @property
    def title(self) -> str:
        """The article's title: the name without its lower-case article."""
        return self.name.removeprefix("the ")


@dataclass(frozen=True)
class Told:
    """A fact of a topic, as a sentence tells it."""

    topic: Topic
    fact: Fact
    unseen: bool

    @property
    def value(self) -> Value:
        """The answer to a question about it."""
        return self.topic.values[self.fact.name]


@dataclass
class Statement:
    """A sentence, and what it tells.

    Attributes:
        text: the sentence, ending with a full stop.
        told: the fact it states, or None for an aside.
        value_start: the character offset of the fact's value in ``text``; -1 for an aside.
        starts_with_name: whether its first word keeps its capital within a longer sentence.
        has_lead: whether it opens with a lead, such as ``In contrast,``.
    """

    text: str
    told: Told | None = None
    value_start: int = -1
    starts_with_name: bool = False
    has_lead: bool = False

    def within(self) -> str:
        """The text as it continues a sentence: the first letter small unless it begins a name."""
        return self.text if self.starts_with_name else self.text[0].lower() + self.text[1:]


@dataclass
class Ask:
    """A question about a paragraph; ``start`` is None when the paragraph does not answer it."""

    question: str
    subject: str
    fact: str
    value: Value | None
    start: int | None
    unseen: bool


@dataclass
class Paragraph:
    """A context and what can be asked about it."""

    context: str
    asks: list[Ask]


def draw_topic(domain: Domain, names: Names) -> Topic:
    """A topic with a value for every fact, the values of one kind all different."""
    pronouns = {"S": "it", "O": "it", "P": "its", "H": "itself"}
    if domain.is_person:
        pronouns = names.random.choice(
            [
                {"S": "he", "O": "him", "P": "his", "H": "himself"},
                {"S": "she", "O": "her", "P": "her", "H": "herself"},
            ]
        )
    values: dict[str, Value] = {}
    for fact in domain.facts:
        values[fact.name] = _other_value(names, fact, {value.text for value in values.values()})
    return Topic(domain, names.topic(domain.kind), pronouns, values)


def _other_value(names: Names, fact: Fact, taken: set[str]) -> Value:
    while True:
        value = draw_value(names, fact.value)
        if not any(value.text in text or text in value.text for text in taken):
            return value


class Writer:
    """Writes paragraphs with the names of one split.

    Args:
        random: the only source of chance.
        split: whose names may be used.
        unseen_share: the share of statements, and of questions, in wordings that training never sees.

    Attributes:
        rivals_left_out: the share of what is told of rivals about which nothing is asked.
    """

    def __init__(self, random: Random, split: str, unseen_share: float = 0.0) -> None:
        self.random = random
        self.names = Names(random, split)
        self.unseen_share = unseen_share
        self.rivals_left_out = 0.5

    def paragraph(
        self, topic: Topic, facts: list[Fact], *, rivals: int = 0, asides: int = 0, unanswerable: float = 0.15
    ) -> Paragraph:
        """A paragraph that states ``facts`` of ``topic`` in shuffled order and asks about them.

        Args:
            topic: what the paragraph is about.
            facts: those it states.
            rivals: how many other topics of the domain appear, each with one or two of the same facts.
            asides: how many sentences answer nothing.
            unanswerable: the share of questions that the paragraph does not answer.
        """
        others: list[Topic] = []
        for _ in range(rivals):
            others.append(self._stranger([topic, *others]))
        plan: list[tuple[Topic, Fact] | None] = [(topic, fact) for fact in facts]
        self.random.shuffle(plan)
        for other in others:
            for fact in self.random.sample(facts, min(len(facts), self.random.choice((1, 1, 2)))):
                plan.insert(self.random.randint(1, len(plan)), (other, fact))
        for _ in range(asides):
            plan.insert(self.random.randint(1, len(plan)), None)
        context, told = self._join(self._statements(topic, plan))
        return Paragraph(context, self._ask([topic, *others], told, unanswerable))

    def _stranger(self, known: list[Topic]) -> Topic:
        """Another topic of the domain, whose name none of ``known`` has."""
        while True:
            topic = draw_topic(known[0].domain, self.names)
            if all(topic.name != other.name for other in known):
                return topic

    def _statements(self, topic: Topic, plan: list[tuple[Topic, Fact] | None]) -> list[Statement]:
        """A sentence for each fact of the plan, an aside for each None."""
        statements: list[Statement] = []
        leads: set[str] = set()
        last: Topic | None = None
        asides = self.random.sample(topic.domain.asides, min(len(plan), len(topic.domain.asides)))
        for step in plan:
            subject = step[0] if step else topic
            mention = self._mention() if subject is last else "name"
            if step:
                statement = self._state(subject, step[1], mention, subject is not topic, leads)
            else:
                statement = self._fill(topic, asides.pop(), mention)
            statements.append(statement)
            last = subject
        return statements

    def _mention(self) -> str:
        return self.random.choices(["pronoun", "reference", "name"], [0.45, 0.35, 0.2])[0]

    def _state(self, topic: Topic, fact: Fact, mention: str, is_rival: bool, used: set[str]) -> Statement:
        """A sentence that states the fact, perhaps after a lead that the paragraph has not ``used`` yet."""
        wording, unseen = self._choose(fact.statements)
        statement = self._fill(topic, wording, mention, Told(topic, fact, unseen))
        leads = [""]
        if is_rival and mention == "name":
            leads = [*RIVAL_LEADS, *topic.domain.rival_leads]
        elif not is_rival and self.random.random() < 0.15:
            leads = [*LEADS, *THAT_LEADS] if wording.startswith(("{S}", "{P}")) else LEADS
        lead = self.random.choice(leads)
        if not lead or lead in used or lead.split()[0] == statement.text.split()[0]:
            return statement
        used.add(lead)
        start = statement.value_start + len(lead) + 1
        return Statement(f"{lead} {statement.within()}", statement.told, start, has_lead=True)

    def _choose(self, wordings: Wordings) -> tuple[str, bool]:
        """A wording, and whether it is one that training never sees."""
        unseen = bool(wordings.unseen) and self.random.random() < self.unseen_share
        return self.random.choice(wordings.unseen if unseen else wordings.seen), unseen

    def _fill(self, topic: Topic, wording: str, mention: str, told: Told | None = None) -> Statement:
        """The wording with every slot filled; the first mention of the topic as asked, later ones pronouns."""
        wording = choose_alternatives(wording, self.random)
        statement = Statement("", told)
        text, at, mentioned = "", 0, False
        for match in _SLOT.finditer(wording):
            text += wording[at : match.start()]
            at, slot = match.end(), match[1]
            if slot == "V" and told:
                filled, statement.value_start = told.value.text, len(text)
            elif slot in topic.pronouns:
                filled = self._name_topic(topic, slot, "pronoun" if mentioned or slot == "H" else mention)
                mentioned = True
            else:
                filled = self._other(topic, told, slot)
            if not text:
                statement.starts_with_name = filled[0].isupper() or not filled[0].isalpha()
            text += filled
        text += wording[at:]
        statement.text = text[0].upper() + text[1:]
        return statement

    def _name_topic(self, topic: Topic, slot: str, mention: str) -> str:
        if mention == "pronoun":
            return topic.pronouns[slot]
        name = topic.name if mention == "name" else self.random.choice(topic.domain.references)
        if slot != "P":
            return name
        return f"{name}'" if name.endswith("es") else f"{name}'s"

    def _other(self, topic: Topic, told: Told | None, slot: str) -> str:
        """What fills a slot that is no answer: another value of the fact, or one of the kind that the slot names."""
        taken = {value.text for value in topic.values.values()}
        while True:
            if slot == "D" and told:
                filler = _other_value(self.names, told.fact, taken).text
                fits = told.fact.value["kind"] not in WITH_UNIT or filler.split()[-1] == told.value.text.split()[-1]
            else:
                filler = draw_value(self.names, {"kind": slot}).text
                fits = filler not in taken
            if fits:
                return filler

    def _join(self, statements: list[Statement]) -> tuple[str, list[tuple[Told, int]]]:
        """The context, some sentences joined in pairs, and what it tells with the offset of each value."""
        told: list[tuple[Told, int]] = []
        context, previous = "", ""
        for statement in statements:
            text = statement.text
            if previous and self._fit(previous, statement) and self.random.random() < 0.35:
                text = statement.within()
                joint = self.random.choice(JOINTS if "while" not in f"{previous} {text}".lower() else [", and"])
                context = f"{context.removesuffix('.')}{joint} "
                previous = f"{previous}{joint} {text}"
            else:
                context += " " if context else ""
                previous = text
            if statement.told:
                told.append((statement.told, len(context) + statement.value_start))
            context += text
        return context, told

    @staticmethod
    def _fit(previous: str, statement: Statement) -> bool:
        """Whether the statement may continue the sentence before it."""
        if (
            statement.has_lead
            or statement.text.startswith(("While ", "Whereas ", "Although "))
            or ", while" in previous
        ):
            return False
        return len(previous.split()) + len(statement.text.split()) < LONGEST_JOINED

    def _ask(self, topics: list[Topic], told: list[tuple[Told, int]], unanswerable: float) -> list[Ask]:
        """A question for each fact told of the first topic and for a share of the others', no fact asked twice."""
        topic, asks = topics[0], []
        own = {one.fact.name for one, _ in told if one.topic is topic}
        absent = [fact for fact in topic.domain.facts if fact.name not in own]
        self.random.shuffle(absent)
        for one, start in told:
            if one.topic is not topic and self.random.random() < self.rivals_left_out:
                continue
            if self.random.random() >= unanswerable:
                question, unseen = self._question(one.fact, one.topic)
                asks.append(
                    Ask(question, one.topic.name, _name_fact(topic, one.fact), one.value, start, unseen or one.unseen)
                )
            elif absent and self.random.random() < 0.7:
                asks.append(self._ask_in_vain(topic, absent.pop()))
            else:
                asks.append(self._ask_in_vain(self._stranger(topics), one.fact))
        return asks

    def _ask_in_vain(self, topic: Topic, fact: Fact) -> Ask:
        """A question about a fact that was left out, or about a topic that was."""
        question, unseen = self._question(fact, topic)
        return Ask(question, topic.name, _name_fact(topic, fact), None, None, unseen)

    def _question(self, fact: Fact, topic: Topic) -> tuple[str, bool]:
        wording, unseen = self._choose(fact.questions)
        question = choose_alternatives(wording, self.random).replace("{T}", topic.name)
        return question[0].upper() + question[1:], unseen


def _name_fact(topic: Topic, fact: Fact) -> str:
    return f"{topic.domain.name}.{fact.name}"
