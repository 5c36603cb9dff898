"""What a person does with keyboard and mouse, drawn from dice, for hands.py and cloud.py.

Each generator yields (seconds to wait, event) for ever. Events: ("key", name, down),
("button", number, down), ("move", x, y) to a place, ("turn", dx, dy) from where the pointer is.
"""

_TURNS_HZ = 40  # of a mouse in motion
_LETTERS = "etaoinshrdlucmfwypvbgk"


def tap(kind, name, seconds):
    yield 0, (kind, name, True)
    yield seconds, (kind, name, False)


def play(dice, keys, others=()):
    """Someone in a game: walks by `keys`, looks around, shoots, uses `others` now and then, stands still."""
    while True:
        what = dice.random()
        if what < 0.55:
            yield from _walk(dice, keys)
        elif what < 0.8:
            yield from _look(dice, dice.uniform(0.2, 1.2))
            for _ in range(dice.randint(1, 4)):
                yield from tap("button", 1, dice.uniform(0.05, 0.5))
                yield dice.uniform(0.05, 0.3), ("turn", dice.randint(-30, 30), 0)
        elif what < 0.93 and others:
            yield from tap("key", dice.choice(others), dice.uniform(0.05, 0.25))
        else:
            yield dice.lognormvariate(0.2, 0.7), ("turn", 1, 0)


def _walk(dice, keys):
    held = dice.sample(keys, dice.choice((1, 1, 2)))
    for key in held:
        yield dice.uniform(0, 0.1), ("key", key, True)
    if dice.random() < 0.6:
        yield from _look(dice, dice.uniform(0.2, 2))
    yield dice.uniform(0.1, 1), ("turn", 0, 0)
    for key in held:
        yield dice.uniform(0, 0.05), ("key", key, False)


def _look(dice, seconds):
    dx, dy = dice.uniform(-18, 18), dice.uniform(-4, 4)
    for _ in range(int(seconds * _TURNS_HZ)):
        dx += dice.uniform(-4, 4)
        yield 1 / _TURNS_HZ, ("turn", int(dx), int(dy))


def work(dice, windows, size):
    """Someone at a desktop of `size`: types, scrolls, moves windows, opens menus, reads.

    `windows`: [x, y, width, height] of each without its title bar, kept up to date here.
    """
    habits = [(_type, dice.uniform(1, 5)), (_scroll, dice.uniform(1, 5)), (_drag, dice.uniform(0.3, 3)),
              (_menu, dice.uniform(0.2, 1.5)), (_read, dice.uniform(0.5, 2))]
    at = [size[0] // 2, size[1] // 2]
    while True:
        habit, = dice.choices([one for one, _ in habits], [weight for _, weight in habits])
        yield from habit(dice, dice.choice(windows), at, size)


def _point(dice, at, x, y):
    """The pointer goes to a place, fast at first, then slower."""
    steps = dice.randint(6, 24)
    start = tuple(at)
    for step in range(1, steps + 1):
        share = 1 - (1 - step / steps) ** 2
        at[0], at[1] = (round(s + share * (t - s)) for s, t in zip(start, (x, y)))
        yield dice.uniform(0.012, 0.03), ("move", *at)


def _type(dice, window, at, _size):
    yield from _point(dice, at, window[0] + window[2] // 3, window[1] + window[3] // 2)
    yield from tap("button", 1, 0.06)
    for _ in range(dice.randint(3, 25)):
        for letter in (*dice.choices(_LETTERS, k=dice.randint(1, 9)), "Return" if dice.random() < 0.12 else "space"):
            yield dice.lognormvariate(-1.9, 0.5), ("key", letter, True)
            yield 0.03, ("key", letter, False)
        if dice.random() < 0.08:
            yield dice.lognormvariate(0.6, 0.6), ("turn", 0, 0)


def _scroll(dice, window, at, _size):
    yield from _point(dice, at, window[0] + window[2] // 2, window[1] + window[3] // 3)
    for _ in range(dice.randint(1, 6)):
        wheel = dice.choice((4, 4, 5))
        for _ in range(dice.randint(2, 12)):
            yield dice.uniform(0.02, 0.12), ("button", wheel, True)
            yield 0.005, ("button", wheel, False)
        yield dice.lognormvariate(0.2, 0.7), ("turn", 0, 0)


def _drag(dice, window, at, size):
    yield from _point(dice, at, window[0] + window[2] // 2, window[1] - 10)
    yield 0.1, ("button", 1, True)
    x, y = (dice.randint(0, max(0, size[k] - window[2 + k] - 40)) + (24 if k else 0) for k in (0, 1))
    yield from _point(dice, at, x + window[2] // 2, y - 10)
    yield 0.1, ("button", 1, False)
    window[0], window[1] = x, y


def _menu(dice, _window, at, size):
    yield from _point(dice, at, size[0] - 200, size[1] - 220)
    yield from tap("button", 3, 0.08)
    for _ in range(dice.randint(1, 4)):
        yield from _point(dice, at, size[0] - 180 + dice.randint(0, 60), size[1] - 200 + dice.randint(0, 120))
        yield dice.uniform(0.2, 1), ("turn", 0, 0)
    yield from tap("key", "Escape", 0.05)


def _read(dice, _window, _at, _size):
    yield dice.lognormvariate(0.9, 0.7), ("turn", 0, 0)
