"""GitHub's workflows: what they may do, whose code they run, and on which Pythons."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def jobs_of(text):
    """Return the text of each job by its name: what is indented below it."""
    jobs = text.split("\njobs:\n")[1]
    names = re.findall(r"^  (\w+):$", jobs, flags=re.MULTILINE)
    return dict(zip(names, re.split(r"^  \w+:$", jobs, flags=re.MULTILINE)[1:], strict=True))


def test_there_are_workflows():
    assert {path.stem for path in WORKFLOWS} == {"test", "wheels"}


@each_workflow
def test_actions_are_pinned_to_commits(path):
    """A tag can be moved to other code; the comment says which version the commit is."""
    uses = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert uses
    for action in uses:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_an_action_has_one_commit_everywhere():
    text = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    pinned = set(re.findall(r"uses: ([\w./-]+)@(.*)", text))
    assert len(pinned) == len({action for action, _ in pinned})


@each_workflow
def test_nothing_may_write_but_the_job_that_publishes(path):
    text = path.read_text(encoding="utf-8")
    assert "\npermissions:\n  contents: read\n\n" in text
    writing = {name for name, job in jobs_of(text).items() if ": write" in job}
    assert writing == ({"publish"} if path.stem == "wheels" else set())
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


@each_workflow
def test_every_job_ends(path):
    for name, job in jobs_of(path.read_text(encoding="utf-8")).items():
        assert "\n    timeout-minutes: " in job, name


@each_workflow
def test_pythons_are_those_of_the_classifiers(path):
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    classifiers = "\n".join(pyproject["project"]["classifiers"])
    expected = re.findall(r"^Programming Language :: Python :: (3\.\d+)$", classifiers, re.M)
    text = path.read_text(encoding="utf-8")
    assert sorted(set(re.findall(r'"(3\.\d+)"', text))) == sorted(expected)
