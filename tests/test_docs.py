"""The examples of docs/ work."""

import inspect
import re
import subprocess
import sys

import numba
import pytest

compiled_only = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="the compiler is off: NUMBA_DISABLE_JIT=1"
)


def page(repository, name):
    return (repository / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "CONTRIBUTING.md",
        "bench/README.md",
        "docs/checkpoints.md",
        "docs/distributed.md",
        "docs/exports.md",
        "docs/files.md",
        "docs/exchange.md",
        "docs/fleets.md",
        "docs/linear.md",
        "docs/kernels.md",
        "docs/performance.md",
        "docs/simd.md",
        "docs/tables.md",
    ],
)
def test_links_lead_to_files(name, repository):
    text = (repository / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\((?!http|#)([^)#]+)", text)]
    assert [link for link in links if not (repository / name).parent.joinpath(link).exists()] == []


def python_of(text):
    """All the Python of a page, in one piece."""
    return "\n".join(re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))


@pytest.mark.slow
@compiled_only
def test_the_examples_of_embedding_print_what_they_say(repository, capsys):
    code = python_of(page(repository, "embedding.md"))
    said = re.findall(r"^print\(.*\)  # (.*)$", code, flags=re.MULTILINE)
    assert len(said) == 2
    exec(compile(code, "embedding.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == said


@compiled_only
@pytest.mark.parametrize(("name", "n"), [("checkpoints.md", 3), ("files.md", 4), ("tables.md", 4)])
def test_the_examples_of_files_print_what_they_say(
    name, n, repository, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    code = python_of(page(repository, name))
    said = re.findall(r"^print\(.*\)  # (.*)$", code, flags=re.MULTILINE)
    assert len(said) == n
    exec(compile(code, name, "exec"), {})
    assert capsys.readouterr().out.splitlines() == said


@pytest.mark.slow
@compiled_only
def test_the_examples_of_fleets_print_what_they_say(repository, capsys):
    code = python_of(page(repository, "fleets.md"))
    said = re.findall(r"^print\(.*\)  # (.*)$", code, flags=re.MULTILINE)
    assert len(said) == 6
    exec(compile(code, "fleets.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if not line.endswith("per second")] == said
    assert sum(line.endswith("generations per second") for line in printed) == 1


def test_the_pole_of_fleets_is_the_one_that_is_measured(repository, script):
    code = python_of(page(repository, "fleets.md"))
    assert inspect.getsource(script("pole").push.py_func) in code


def test_the_loop_of_embedding_is_the_one_that_is_measured(repository, script):
    code, pole = python_of(page(repository, "embedding.md")), script("pole")
    for function in (pole.push, pole.balance):
        assert inspect.getsource(getattr(function, "py_func", function)) in code


def test_the_examples_of_exchange_print_what_they_say(repository, capsys):
    code = python_of(page(repository, "exchange.md"))
    said = re.findall(r"^print\(.*\)  # (.*)$", code, flags=re.MULTILINE)
    assert len(said) == 5
    exec(compile(code, "exchange.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == said


def test_the_examples_of_linear_print_what_they_say(repository, capsys):
    code = python_of(page(repository, "linear.md"))
    said = re.findall(r"^print\(.*\)  # (.*)$", code, flags=re.MULTILINE)
    assert len(said) == 8
    exec(compile(code, "linear.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == said


def test_the_example_of_exports_to_c_prints_what_it_says(repository, capsys):
    section = page(repository, "exports.md").partition("\n## C\n")[2].partition("\n## ")[0]
    code = python_of(section)
    (said,) = re.findall(r"^print\(.*\)  # (.*)$", code, flags=re.MULTILINE)
    exec(compile(code, "exports.md", "exec"), {})
    assert capsys.readouterr().out.strip() == said


def test_the_examples_of_exports_to_onnx_print_what_they_say(
    repository, capsys, tmp_path, monkeypatch
):
    pytest.importorskip("skl2onnx")
    pytest.importorskip("onnxruntime")
    section = page(repository, "exports.md").partition("\n## ONNX\n")[2].partition("\n## ")[0]
    code = python_of(section)
    said = re.findall(r"^print\(.*\)  # (.*)$", code, flags=re.MULTILINE)
    assert len(said) == 3
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "exports.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == said


@compiled_only
@pytest.mark.slow
@pytest.mark.posix
def test_the_examples_of_distributed_print_what_they_say(repository, tmp_path):
    """As programs of their own, since workers import them."""
    pytest.importorskip("distributed")
    text = page(repository, "distributed.md")
    examples = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    for example in examples:
        said = re.findall(r"^ *print\(.*\)  # (.*)$", example, flags=re.MULTILINE)
        (tmp_path / "program.py").write_text(example)
        command = [sys.executable, "-W", "ignore", str(tmp_path / "program.py")]
        run = subprocess.run(command, capture_output=True, text=True, timeout=90, cwd=tmp_path)
        assert run.stdout.splitlines() == said, run.stderr
