"""What gets installed: every package of the tree, under the version that it says it has."""

import re
import tomllib
from importlib.metadata import version

import pytest

import fastperc


@pytest.fixture(scope="module")
def pyproject(repository):
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_package_of_the_tree_is_listed(repository, pyproject):
    def packages(folder, name):
        for init in (repository / folder).rglob("__init__.py"):
            inner = init.parent.relative_to(repository / folder).parts
            yield ".".join([name, *inner])

    expected = {*packages("fastperc", "fastperc"), *packages("kernels", "fastperc.kernels")}
    assert set(pyproject["tool"]["setuptools"]["packages"]) == expected


def test_the_version_is_that_of_pyproject(pyproject):
    assert fastperc.__version__ == pyproject["project"]["version"] == version("fastperc")


def test_the_changelog_tells_of_this_version(repository):
    assert f"## [{fastperc.__version__}]" in (repository / "CHANGELOG.md").read_text()


def test_all_brings_every_extra(pyproject):
    """But River and PyTorch: one has no wheel for every Python, the other is very large."""
    extras = pyproject["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    named = set(everything.removeprefix("fastperc[").removesuffix("]").split(","))
    assert named == set(extras) - {"all", "river", "torch"}


def test_the_text_for_the_package_index_stands_alone(repository, pyproject, capsys):
    """No link or picture in it leads into a checkout, and its examples print what they say."""
    text = (repository / pyproject["project"]["readme"]).read_text(encoding="utf-8")
    assert re.findall(r"\]\((?!https?://)", text) == []
    for block in re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        exec(compile(block, "package.md", "exec"), {})
        said = re.search(r"print\(.*\)  # ([\d.\[\] ]+)", block)
        assert capsys.readouterr().out.startswith(said[1].strip())
