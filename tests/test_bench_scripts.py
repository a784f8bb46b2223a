"""The scripts of bench/ that figures in docs/ come from."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

compiled_only = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="the compiler is off: NUMBA_DISABLE_JIT=1"
)


@pytest.fixture
def arguments(monkeypatch):
    """A function that sets the command line which a script's ``main`` reads."""
    return lambda *given: monkeypatch.setattr(sys, "argv", ["script", *given])


@compiled_only
def test_pole(script):
    figures = script("pole").measure(n_steps=2000, repeats=1)
    assert all(line["falls"] == 0 and line["ns"] > 0 for line in figures.values())


def test_a_planned_round_takes_what_the_formula_says(script):
    pytest.importorskip("distributed")
    bench = script("cluster_plan")
    assert (bench.depth(1), bench.depth(16), bench.depth(1000)) == (1, 1, 3)
    assert bench.n_sums(1000) == 63 + 4 + 1
    rng = np.random.default_rng(0)
    parts = bench.Parts(rng.uniform(2e-7, 4e-7, 100), 1e-4, 26_632)
    for plan in (bench.Plan(), bench.Plan(slow=0.0), bench.Plan(workers=20)):
        seconds = [bench.simulate(plan, parts, rng) for _ in range(50)]
        assert np.mean(seconds) == pytest.approx(bench.expected(plan, parts)[1], rel=0.25)


@pytest.mark.timing
@compiled_only
def test_compiled_code_around_a_network_saves_more_than_half(script):
    figures = script("pole").measure(n_steps=2000, repeats=1)
    ways = "compiled: network", "Python: net.predict_one"
    inside, outside = (figures[f"{way} and pole"]["ns"] for way in ways)
    assert inside < outside / 2


@compiled_only
def test_marks(script, arguments, capsys, tmp_path):
    arguments("--quick", "--json", str(tmp_path / "marks.json"))
    script("marks").main()
    rows = re.findall(r"^\| (.*?) \| [\d.]+ \| \d+ \| (yes|no) \|$", capsys.readouterr().out, re.M)
    assert [name for name, _ in rows][:4] == [
        "gradient, from compiled code",
        "gradient, `batch.gradient_rows` from Python",
        "gradient, `net.backward`",
        "Adam, 1 thread",
    ]
    figures = json.loads((tmp_path / "marks.json").read_text())["figures"]
    passed = ["yes" if figure["ns"] <= figure["mark"] else "no" for figure in figures]
    assert [shown for _, shown in rows] == passed


@compiled_only
def test_exported(script, arguments, capsys):
    arguments("--quick", "--markdown")
    script("exported").main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| a prediction of 8-32-1 | relu, ns | sigmoid, ns |"
    assert any(line.startswith("| `net.predict_one` | ") for line in lines)


@compiled_only
def test_one_call(script, arguments, capsys, tmp_path):
    arguments("--quick", "--json", str(tmp_path / "calls.json"))
    script("one_call").main()
    shown = capsys.readouterr().out
    figures = json.loads((tmp_path / "calls.json").read_text())["figures"]
    assert all(f"| {call} | us |" in shown for call in figures)
    assert all(ns > 0 for forms in figures.values() for ns in forms.values())


def test_a_form_that_gives_another_result_is_noticed(script):
    calls, expected = script("one_call"), {}
    calls.checked("predict_one", "squared_error", "list", (calls.ROW,), expected)
    with pytest.raises(ArithmeticError, match="predict_one: as other, a sample gives another"):
        calls.checked("predict_one", "squared_error", "other", (calls.ROW[::-1],), expected)


@pytest.mark.slow
def test_the_upper_rungs_agree(script):
    rungs = script("rungs")
    chosen = [rungs.RUNGS[k] for k in (0, 2, 3, 9, 10)]
    figures, differences = rungs.measure(chosen, n_samples=50, rounds=1)
    assert all(ns > 0 for ns in figures.values())
    assert len(set(differences.values())) > 1  # they are different loops, and compared


def test_a_rung_that_differs_is_noticed(script):
    rungs = script("rungs")

    def forgets_a_bias(X, Y, W1, b1, W2, b2, lr):
        rungs.textbook(X, Y, W1, b1, W2, b2.copy(), lr)

    wrong = rungs.layers_rung("wrong", "", forgets_a_bias)
    with pytest.raises(ArithmeticError, match="rung 'wrong'"):
        rungs.measure([rungs.RUNGS[0], wrong], n_samples=50, rounds=1)


@pytest.mark.slow
@compiled_only
def test_all_rungs_agree_and_make_the_table_of_the_page(script, arguments, capsys, repository):
    arguments("--quick", "--markdown")
    script("rungs").main()
    shown = capsys.readouterr().out
    told = (repository / "docs" / "kernels.md").read_text(encoding="utf-8")
    rows = [row.split("|")[1:3] for row in shown.splitlines() if re.match(r"\| \d", row)]
    assert len(rows) == 11
    assert all(f"|{name}|{change}|" in told for name, change in rows)


@pytest.mark.slow
@compiled_only
def test_linear(script, tmp_path):
    linear = script("linear")
    sparse = linear.measure_sparse(share=0.002, epochs=1)
    assert sparse["rows"] == 1562
    assert sparse["accuracy"] > 0.6
    if Path("/proc/self/status").exists():
        found = linear.measure_memmap(0.02, tmp_path, n_features=20)
        assert found["megabytes held at most"] >= found["megabytes held before"]
        assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_vowpal_wabbit_learns_the_same(script):
    pytest.importorskip("vowpalwabbit")
    theirs, *ours = script("linear").measure_vw(n_rows=2000).values()
    for found in ours:
        assert found["log loss"] == pytest.approx(theirs["log loss"], abs=1e-5)
        assert found["largest difference of a coefficient"] < 1e-4


ASSEMBLY = """
_ZN8fastperc4sumsE:
\tldr\ts0, [x0]
.LBB0_1:                                // =>This Loop Header: Depth=1
                                        //     Child Loop BB0_3 Depth 2
\tfadd\ts0, s0, s1
// %bb.2:                               //   in Loop: Header=BB0_3 Depth=2
\tbl\texpf
.LBB0_3:                                //   Parent Loop BB0_1 Depth=1
                                        // =>  This Inner Loop Header: Depth=2
\tldp\tq1, q2, [x1, #32]
\tstr\tq26, [sp, #1776]                // 16-byte Spill
\tfmla\tv21.4s, v26.4s, v28.s[0]
\tfmul\ts3, s1, s2
\tb.eq\t.LBB0_3
// %bb.4:                               //   in Loop: Header=BB0_1 Depth=1
\tfmul\ts3, s1, s2
// %bb.5:
\tret
"""


def test_assembly_is_read_loop_by_loop(script):
    (loop,) = script("assembly").innermost_loops(ASSEMBLY)
    assert loop.depth == 2
    assert loop.counts() == {
        "instructions": 6, "SIMD": 1, "scalar": 1, "memory": 2, "spills": 1, "calls": 1,
    }  # fmt: skip
    assert script("assembly").plain_name(loop.function) == "sums"


@pytest.mark.slow
@compiled_only
@pytest.mark.parametrize("cpu", ["neoverse-v1", "apple-m1"])
def test_a_product_stays_in_the_registers_of_arm(script, repository, cpu):
    """Its sums do, and it calculates in SIMD lanes, also where a last block is loaded in parts."""
    words = ["product", "--triple", script("assembly").ARM, "--cpu", cpu]
    out = subprocess.run(
        [sys.executable, repository / "bench" / "assembly.py", *words],
        env={name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    header, *lines = [line.split() for line in out.splitlines()]
    loops = [dict(zip(header, line, strict=True)) for line in lines]
    products = [loop for loop in loops if loop["SIMD"] != "0"]  # the others copy
    assert [loop["SIMD"] for loop in products] == ["24", "16"]  # 6 and 4 rows by 4 registers
    assert {loop["spills"] for loop in products} == {"0"}
    assert {(loop["scalar"], loop["calls"]) for loop in loops} == {("0", "0")}


@compiled_only
@pytest.mark.slow
def test_tables(script, arguments, capsys, data_folder, monkeypatch, tmp_path):
    tables = script("tables")
    monkeypatch.setattr(tables, "DOCS", tmp_path)
    (tmp_path / "tables.md").write_text("before\n<!-- scores -->\nold\n<!-- end -->\nafter\n")
    arguments("--only", "heart, Cleveland", "--write")
    tables.main()
    shown = capsys.readouterr().out.rstrip("\n")
    page = (tmp_path / "tables.md").read_text()
    assert page == f"before\n<!-- scores -->\n{shown}\n<!-- end -->\nafter\n"
    (figures,) = json.loads((tmp_path / "tables.json").read_text())["figures"]
    assert figures["table"] == "heart, Cleveland"
    assert all(0.4 < figure["score"] < 0.8 for figure in figures["ways"].values())
