"""Every example in a docstring, and in the README, prints what it says it prints."""

import doctest
import importlib
import re
from pathlib import Path

import pytest
from matplotlib import pyplot

ROOT = Path(__file__).parents[1]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def modules_with_examples():
    for folder, package in (("fastperc", "fastperc"), ("kernels", "fastperc.kernels")):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if ">>> " in path.read_text(encoding="utf-8"):
                inner = path.relative_to(ROOT / folder).with_suffix("").parts
                yield ".".join(part for part in (package, *inner) if part != "__init__")


@pytest.mark.parametrize("name", [*modules_with_examples()])
def test_examples_in_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example that saves a file leaves it here
    if name == "fastperc.river":
        pytest.importorskip("river")
    outcome = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    pyplot.close("all")
    assert outcome.attempted > 0, "has >>> but no docstring that doctest finds"
    assert outcome.failed == 0


def test_examples_in_the_readme(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert blocks, "the README shows no ```python example"
    for block in blocks:
        if ">>> " in block:
            examples = doctest.DocTestParser().get_doctest(block, {}, "README", "README.md", 0)
            outcome = doctest.DocTestRunner(optionflags=FLAGS).run(examples)
            assert outcome.failed == 0
        else:
            exec(compile(block, "README.md", "exec"), {})
