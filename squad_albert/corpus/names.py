"""Invents the names of the fictional world, each belonging to one split for ever.

A name is drawn from syllables or plain words and hashed to a split, so that the people and
places of the validation split can never have been met in training, whatever the seed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from random import Random

ONSETS = "b br c d dr f fr g gr h j k kl l m n p pr r s st t th tr v w y z".split()
VOWELS = "a a e e i o o u".split()
CODAS = ["", "", "", "", "l", "n", "r", "m"]
LAST_VOWELS = "a a e e i o o u ai ea".split()
LAST_CODAS = ["l", "n", "r", "m", "nd", "rn", "th", "ck", "lt", "ll", "d", "t"]

PLACE_ENDINGS = "haven wick dale mere stow mouth ford holm ton by burgh field fell gate moor".split()
PLACE_FORMS = ["{0}{1}", "{0}{1}", "{0}{1}", "Port {0}", "Upper {0}{1}", "East {0}{1}", "{0}"]
ADJECTIVES = (
    "amber ashen bitter blue brass broken burning cedar clever cold copper crimson crooked crystal dancing "
    "distant drifting early electric emerald empty fading frozen gentle gilded glass golden granite green grey "
    "hidden hollow hungry iron ivory jade last late lonely lost marble midnight mirror muddy narrow northern "
    "painted pale paper patient plain polar proud quiet restless rising royal ruby rusty sacred sailing salt "
    "scarlet second secret seven shallow silent silver singing sleeping slow southern stolen stone sunken sweet "
    "tall tender thirsty tin turning twin velvet violet wandering western white wicked wild winter wooden yellow"
).split()
NOUNS = (
    "acorn anchor arrow autumn barrel basket beacon bell bottle bridge cabin candle canyon carnival castle "
    "cathedral chariot chimney circle cliff cloud comet compass corridor cradle crane crown dagger dawn desert "
    "door dragon drum eagle ember engine evening falcon feather fiddle field fire flame forest fountain fox "
    "garden gate glacier hammer harbour harvest hawk heron hill horizon horse hour house island kettle key "
    "kingdom kite ladder lake lantern leopard letter lighthouse lion machine map maple market meadow mill moon "
    "morning mountain needle night oak ocean orchard otter palace pearl pilot planet pony prairie queen rain "
    "raven ribbon river road robin saddle sail shadow shepherd shore sky snow spark sparrow spring staircase "
    "star storm stranger summer swallow swan table tide tiger tower traveller valley village violin voice wagon "
    "wall water wave whistle willow wind window wolf wren"
).split()
ANIMALS = (
    "marten otter finch heron newt lizard hare shrew falcon toad beetle moth crane vole gull warbler badger "
    "antelope tortoise lynx plover salamander squirrel bat ibex owl"
).split()
COLOURS = "grey golden spotted striped crested banded pale ringed dusky tufted horned masked".split()
ORGANISATIONS = [
    "the {0} Society", "the {0} Institute", "the {0} Guild", "the {0} Trust", "the {0} Foundation",
    "{0} and Daughters", "the Bank of {0}", "the {0} Company", "the {0} Academy", "the {0} League",
]  # fmt: skip
COMPANIES = ["{0} Shipyard", "{0} and Company", "{0} Mill", "{0} Glass", "{0} Foundry", "{0} Press", "{0} Brewery"]
FESTIVALS = ["the {0} {1} Festival", "the {0} {1} Fair", "the {0} Festival of the {1}"]
UNIVERSITIES = ["the University of {0}", "{0} University", "{0} College"]

SPLITS = ("train", "validation", "test", "unlabeled")
SHARES = (0.70, 0.16, 0.07, 0.07)
"""The share of all names that belongs to each of ``SPLITS``."""


def split_of(name: str) -> str:
    """The split to which a name belongs, by its hash.

    >>> split_of("Tarvel") == split_of("Tarvel")
    True
    """
    point, bound = zlib.crc32(name.lower().encode()) / 2**32, 0.0
    for split, share in zip(SPLITS, SHARES, strict=True):
        bound += share
        if point < bound:
            return split
    return SPLITS[-1]


class Names:
    """Draws names that belong to one split.

    >>> names = Names(Random(1), "train")
    >>> split_of(names.stem())
    'train'
    """

    def __init__(self, random: Random, split: str) -> None:
        self.random = random
        self.split = split

    def stem(self) -> str:
        """One invented proper noun of two or three syllables, such as ``Tarvel``."""
        draw = self.random
        while True:
            syllables = [
                draw.choice(ONSETS) + draw.choice(VOWELS) + draw.choice(CODAS) for _ in range(draw.choice((1, 1, 1, 2)))
            ]
            syllables.append(draw.choice(ONSETS) + draw.choice(LAST_VOWELS) + draw.choice(LAST_CODAS))
            stem = "".join(syllables).capitalize()
            if len(stem) <= 10 and split_of(stem) == self.split:
                return stem

    def words(self) -> str:
        """A name of two plain words, such as ``Silver Heron``."""
        while True:
            name = f"{self.random.choice(ADJECTIVES).capitalize()} {self.random.choice(NOUNS).capitalize()}"
            if split_of(name) == self.split:
                return name

    def person(self) -> str:
        """Given name and surname."""
        return f"{self.stem()} {self.stem()}"

    def place(self) -> str:
        """A town or a region."""
        stem = self.stem()
        while len(stem) > 7:
            stem = self.stem()
        return self.random.choice(PLACE_FORMS).format(stem, self.random.choice(PLACE_ENDINGS))

    def organisation(self) -> str:
        """A society, a bank, a firm; the article is part of the name."""
        return self.random.choice(ORGANISATIONS).format(self.stem())

    def work(self) -> str:
        """A song, a play or a picture, with its quotation marks."""
        return f'"{self.random.choice(["", "", "The "])}{self.words()}"'

    def topic(self, kind: str) -> str:
        """The name of an article's topic; it may begin with a lower-case article.

        Raises:
            KeyError: if no name maker of that kind exists.
        """
        makers: dict[str, Callable[[], str]] = {
            "person": self.person,
            "town": self.place,
            "river": lambda: f"the {self.stem()} River",
            "battle": lambda: f"the Battle of {self.place()}",
            "band": lambda: f"The {self.words()}",
            "company": lambda: self.random.choice(COMPANIES).format(self.stem()),
            "species": lambda: (
                f"the {self.stem()} {self.random.choice(['', self.random.choice(COLOURS) + ' '])}"
                f"{self.random.choice(ANIMALS)}"
            ),
            "university": lambda: self.random.choice(UNIVERSITIES).format(self.place()),
            "festival": lambda: self.random.choice(FESTIVALS).format(
                self.stem(), self.random.choice(NOUNS).capitalize()
            ),
            "ship": lambda: f"the {self.words()}",
            "novel": lambda: f"The {self.words()}",
            "bridge": lambda: f"the {self.stem()} Bridge",
        }
        return makers[kind]()
