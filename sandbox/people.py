"""The invented people: their names, numbers and circumstances, drawn once from the seed.

Belongs here: who a person is. Does not: what happens to him (cohorts/).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from sandbox import numbers

# Names for those to whom nothing special happens; the seed deals them out.
SMOOTH_NAMES = (
    ("白一凡", "男"), ("陈建业", "男"), ("崔明亮", "男"), ("戴春生", "男"), ("范晓燕", "女"), ("葛长风", "男"),
    ("韩雨桐", "女"), ("侯振东", "男"), ("贾文博", "男"), ("孔令珍", "女"), ("黎昌盛", "男"), ("梁秋菊", "女"),
    ("司马〇一", "男"), ("倪海波", "男"), ("秦晓梅", "女"), ("邵永康", "男"), ("汤立群", "男"), ("万里鹏", "男"),
    ("徐春燕", "女"), ("叶知秋", "女"), ("袁大勇", "男"), ("詹士杰", "男"), ("祝福来", "男"), ("左卫国", "男"),
)  # fmt: skip
_COMPOUND_SURNAMES = ("欧阳", "司马", "上官", "诸葛")


@dataclass(frozen=True, slots=True)
class Person:
    """A person: name, sex (男/女), birth, numbers, household (农村/城镇), education, when hired."""

    name: str
    sex: str
    born: date
    resident_id: str
    mobile: str
    bank_card: str
    spare_card: str
    household: str
    education: str
    hired_on: date
    union_member: bool

    @property
    def surname(self) -> str:
        """The family name; compound ones and names with a middle dot included."""
        if "·" in self.name:
            return self.name.split("·", 1)[1]
        return self.name[:2] if self.name[:2] in _COMPOUND_SURNAMES else self.name[:1]

    @property
    def given_name(self) -> str:
        """The given name."""
        if "·" in self.name:
            return self.name.split("·", 1)[0]
        return self.name[len(self.surname) :]


class People:
    """Everyone in the world by name; asking for a name again gives the same person."""

    def __init__(self, rng: Random) -> None:
        """Start with nobody; `rng` decides the numbers."""
        self._rng = rng
        self._known: dict[str, Person] = {}
        self._taken: set[int] = set()
        self._smooth = rng.sample(SMOOTH_NAMES, len(SMOOTH_NAMES))

    def named(self, name: str, sex: str, born: date | None = None) -> Person:
        """Return the person of that name, made on first sight."""
        if name not in self._known:
            self._known[name] = self._invent(name, sex, born)
        return self._known[name]

    def someone(self) -> Person:
        """Return the next person to whom nothing special happens."""
        return self.named(*self._smooth.pop())

    def everyone(self) -> list[Person]:
        """Return all people met so far."""
        return list(self._known.values())

    def _fresh(self, top: int) -> int:
        """Return a number below `top` that nobody has yet."""
        while (value := self._rng.randrange(top)) in self._taken:
            continue
        self._taken.add(value)
        return value

    def _invent(self, name: str, sex: str, born: date | None) -> Person:
        """Draw a person's circumstances and numbers."""
        rng = self._rng
        birth = born or date(1980, 1, 1) + timedelta(days=rng.randrange(365 * 21))
        sequence = rng.randrange(100, 499) * 2 + (sex == "男")
        hired_from = max(date(2012, 3, 1), date(birth.year + 18, 7, 1)) if born is None else date(2023, 7, 3)
        span = max(1, (date(2022, 6, 30) - hired_from).days)
        return Person(
            name=name,
            sex=sex,
            born=birth,
            resident_id=numbers.resident_id(birth, sequence),
            mobile=numbers.mobile(self._fresh(100_000)),
            bank_card=numbers.bank_card(self._fresh(10**9)),
            spare_card=numbers.bank_card(self._fresh(10**9)),
            household="农村" if rng.random() < 0.75 else "城镇",
            education=rng.choice(("高中", "中专", "职高", "技校")),
            hired_on=hired_from + timedelta(days=rng.randrange(span)) if born is None else hired_from,
            union_member=rng.random() < 0.9,
        )
