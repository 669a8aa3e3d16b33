"""What the contract says of an answer, and whether it is so."""

import re

CASES = []


class Differs(Exception):
    """What came is not what the contract says; the words say what was wanted."""


class Skipped(Exception):
    """A case that this server, as it is set, cannot be asked; the words say why."""


def case(name, says):
    """Puts a function into the table of cases: its name, and what the contract says in short."""

    def keep(function):
        CASES.append((name, says, function))
        return function

    return keep


class Kind:
    """A value that is only known by its kind."""

    def __init__(self, words, test):
        self.words, self.test = words, test

    def __repr__(self):
        return self.words


def whole(value):
    return type(value) is int


ID = Kind("an id", lambda value: whole(value) and value > 0)
COUNT = Kind("a number from 0", lambda value: whole(value) and value >= 0)
NUMBER = Kind("a whole number", whole)
FLAG = Kind("1 or 0", lambda value: whole(value) and value in (0, 1))
TIME = Kind("unix seconds", lambda value: whole(value) and 10**9 < value < 253402300800)
TIME_OR_NONE = Kind("unix seconds or null", lambda value: value is None or TIME.test(value))
ID_OR_NONE = Kind("an id or null", lambda value: value is None or ID.test(value))
TEXT = Kind("a text", lambda value: isinstance(value, str))
TEXT_OR_NONE = Kind("a text or null", lambda value: value is None or isinstance(value, str))
LIST = Kind("an array", lambda value: isinstance(value, list))
OBJECT = Kind("an object", lambda value: isinstance(value, dict))
TEN = Kind("10 of A-Z a-z 0-9", lambda value: isinstance(value, str) and re.fullmatch("[A-Za-z0-9]{10}", value))


def one_of(*values):
    return Kind(f"one of {values}", lambda value: value in values)


def same(value, wanted):
    """Equal, with the kinds of JSON kept apart: 1 is neither true nor "1"."""
    if isinstance(wanted, Kind):
        return bool(wanted.test(value))
    if isinstance(wanted, dict):
        return isinstance(value, dict) and list(value) == list(wanted) and all(same(value[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(same, value, wanted))
    return type(value) is type(wanted) and value == wanted


def need(holds, words):
    """The plain form: a sentence that must be true."""
    if not holds:
        raise Differs(words)


def success(answer, members, more=False):
    """200 and exactly these members behind `result`, in this order; with `more`, others may follow them."""
    wanted = {"result": True, **members}
    came = answer.members or {}
    if more:
        came = dict(list(came.items())[: len(wanted)])
    need(answer.status == 200 and same(came, wanted), f"200 {wanted}{' and more' if more else ''}")
    return answer


def refused(answer, error, status=200):
    """A refusal: `result` false and `error`, nothing else. `error` is the sentence to the letter, or a pattern that it contains."""
    came = answer.members or {}
    words = came.get("error")
    if isinstance(error, re.Pattern):
        good = isinstance(words, str) and error.search(words)
    else:
        good = words == error
    wanted = f"a sentence with {error.pattern}" if isinstance(error, re.Pattern) else f'"{error}"'
    need(
        answer.status == status and list(came) == ["result", "error"] and came["result"] is False and good,
        f"{status}, result false and error {wanted}",
    )
    return answer


ANY = re.compile(r"\S")


def naming(*words):
    """A sentence that has all of these words."""
    return re.compile("".join(f"(?=.*{re.escape(word)})" for word in words), re.S)


def row(value, wanted, ordered=True):
    """An object that has at least these members, of these kinds, in this order."""
    need(isinstance(value, dict), f"an object with {', '.join(wanted)}")
    for name, kind in wanted.items():
        need(name in value, f"the member {name}")
        need(same(value[name], kind), f"{name}: {kind!r}")
    if ordered:
        there = [name for name in value if name in wanted]
        need(there == list(wanted), f"members in this order: {', '.join(wanted)}")
    return value
