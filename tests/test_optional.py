"""A missing optional package is answered with the line that installs it."""

import ast
import tomllib

import pytest

from fastperc.optional import require


def test_an_installed_package_is_returned():
    import xml.etree.ElementTree as expected

    assert require("xml.etree.ElementTree", extra="plot") is expected


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.inner"])
def test_a_missing_package_names_the_line_to_run(module):
    with pytest.raises(ImportError, match=r"pip install 'fastperc\[plot\]'$") as caught:
        require(module, extra="plot")
    assert "no_such_package, which is not installed" in str(caught.value)
    assert caught.value.name == "no_such_package"


def test_a_package_that_is_there_but_broken_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import something_it_needs")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="something_it_needs"):
        require("broken_package", extra="plot")


def test_every_hint_in_the_code_installs_what_is_missing(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for path in (repository / "fastperc").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "require":
                package = node.args[0].value.partition(".")[0]
                extra = node.keywords[0].value.value
                assert any(line.startswith(package) for line in extras[extra]), (path, package)
