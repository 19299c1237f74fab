"""Firefox as a second browser: what a reader does most, once more. See browser.py, and the modules that are named here."""
import test_explorers as explorers
import test_maps as maps
import test_marks as marks


def some(tests: dict, *names: str) -> dict:
    "Those whose names begin so, in the order of the names; each must mean one."
    found = {name: [key for key in tests if key.startswith(name)] for name in names}
    wrong = {name: keys for name, keys in found.items() if len(keys) != 1}
    assert not wrong, f'no single test begins so: {wrong}'
    return {key: tests[key] for keys in found.values() for key in keys}


SAME = (some(maps.TESTS, 'collections: a list', 'collections: a click', 'collections: a blind', 'collections: no request') |
        some(marks.TESTS, 'switch: equally loud', 'switch: a blind test', 'marks: a stretch by keys', 'marks: a stretch by mouse',
             'marks: ticks', 'marks: no request', 'marks: a killed kernel') |
        some(explorers.TESTS, 'explorers: a click', 'explorers: a filter', 'explorers: a hostile', 'explorers: what a model',
             'explorers: two sounds', 'explorers: a token', 'explorers: two lassos', 'explorers: a cell', 'explorers: no request',
             'explorers: a dead kernel'))  # of the others some ask for what Chromium alone has: its heap, its offline graph
TESTS = {f'Firefox, {name}': test for name, test in SAME.items()}
