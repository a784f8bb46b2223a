"""The documentation of `fastperc.kernels.simd`: every function's, and the page docs/simd.md."""

import doctest
import importlib
import inspect
import pkgutil
import pydoc
import re

import pytest
from numba.core import config

from fastperc.kernels import simd, simd_numpy

MODULES = [module.name for module in pkgutil.iter_modules(simd_numpy.__path__)]
OWN = {name for name in simd.__all__ if name != "BYTES"}


def test_the_table_of_names_is_whole():
    named = {name for name in re.findall(r"`(\w+)`", simd.__doc__)}
    assert named - {"packing", "elementary"} == OWN


@pytest.mark.parametrize("name", sorted({*simd_numpy.__all__} - {"BYTES"}))
def test_every_function_is_documented_with_an_example(name):
    function = getattr(simd, name)
    assert inspect.isfunction(function)
    assert ">>> " in function.__doc__
    assert function.__doc__.splitlines()[0] in pydoc.render_doc(function, renderer=pydoc.plaintext)


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name):
    module = importlib.import_module(f"{simd_numpy.__name__}.{name}")
    outcome = doctest.testmod(module)
    assert outcome.failed == 0
    assert outcome.attempted > 0 or name == "values"


def test_the_package_has_the_decorator_at_hand():
    from fastperc import kernels
    from fastperc.kernels.jit import kernel

    assert kernels.kernel is kernel
    with pytest.raises(AttributeError, match="no attribute 'colonel'"):
        kernels.colonel  # noqa: B018


def test_without_compiled_code_there_is_no_numba(run_python):
    code = (
        "import sys\n"
        "import fastperc\n"
        "from fastperc.kernels import simd_numpy\n"
        "print('numba' in sys.modules)"
    )
    assert run_python(code).split() == ["False"]


STEPS = 4 + 4


@pytest.mark.parametrize(
    "repeat",
    # Compiling takes its time.
    [pytest.param(1, marks=[] if config.DISABLE_JIT else pytest.mark.slow)],
)
def test_every_step_of_the_page_computes_the_same(repeat, repository, capsys):
    """Each step compares its results; figures are not looked at."""
    text = (repository / "docs" / "simd.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
    assert "repeat=100)" in code
    exec(compile(code.replace("repeat=100)", f"repeat={repeat})"), "simd.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == STEPS
    published = re.findall(r"^(.{20}) *[\d,]+ ns a row$", text, flags=re.MULTILINE)
    assert [line[:20] for line in printed] == published
