import json
import math
import os
import subprocess
import sys
import warnings
from dataclasses import replace

import faulty_kernels as kernels
import numpy as np
import pytest
from numba import njit
from numba.core import config

import fastperc
from fastperc.comparing import agreement, compare, variants
from fastperc.comparing.code import compile_afresh
from fastperc.comparing.problem import Problem, make_problem, parse_sizes
from fastperc.comparing.runners import FunctionRunner
from fastperc.comparing.running import function_candidate
from fastperc.comparing.subprocesses import TroubleError, in_child
from fastperc.comparing.task import TASKS
from fastperc.comparing.variants import VARIANTS, choose
from fastperc.comparing.ways import c
from fastperc.comparing.ways.network import NetworkRunner
from fastperc.comparing.ways.numpy import numpy_function
from fastperc.errors import KernelFailedError

pytestmark = pytest.mark.usefixtures("few_rounds")

PROBLEM = {
    "sizes": (8, 32, 1), "hidden": "sigmoid", "output": "identity", "loss": "squared_error",
    "n_samples": 60, "batch_size": 32, "dtype": "float32", "lr": None, "seed": 0, "X": None,
    "y": None,
}  # fmt: skip
QUICK = {"n_samples": 60, "seconds": 0.01, "variants": "numpy"}
compiled_only = pytest.mark.skipif(
    config.DISABLE_JIT, reason="the compiler is off: NUMBA_DISABLE_JIT=1"
)
CLASSIFIER = {"sizes": (13, 8, 1), "hidden": "relu", "output": "sigmoid", "loss": "log_loss",
              "lr": 0.1, "dtype": "float64"}  # fmt: skip
ON_LINUX = pytest.mark.skipif(os.name != "posix", reason="needs a process that can be copied")


def finding(function, kind, **options):
    """What `compare` finds of a function, without timing it."""
    problem = make_problem(kind, **{**PROBLEM, **options})
    return function_candidate(function, problem, 20.0).row.finding


def names(found):
    return [block.name for block in found.blocks]


# --- the mistakes of the published tutorials ------------------------------------------------------


def test_a_right_unit_agrees_and_the_published_square_does_not():
    assert finding(kernels.linear_unit, "online", sizes=(2, 1)).agrees
    found = finding(kernels.squared_error_unit, "online", sizes=(2, 1))
    assert found.first_wrong == 1
    assert names(found) == ["W1", "b1"]


def test_the_right_classifier_agrees():
    found = finding(kernels.classifier, "full", **CLASSIFIER)
    assert found.agrees
    assert found.steps == agreement.EPOCHS_OF_FULL
    assert found.ulps < 100


@pytest.mark.parametrize(
    ("function", "wrong"),
    [
        (kernels.two_for_the_number_of_samples, ["W1", "b1", "W2", "b2"]),
        (kernels.a_sum_for_its_error, ["W2"]),
        (kernels.the_slope_of_tanh, ["W1", "b1"]),
        (kernels.bias_sums_over_units, ["b1", "b2"]),
        (kernels.backwards_through_new_weights, ["W1", "b1"]),
    ],
)
def test_the_first_wrong_step_and_block_of_each_mistake_are_named(function, wrong):
    found = finding(function, "full", **CLASSIFIER)
    assert found.first_wrong == 1
    assert names(found) == wrong


def test_a_wrong_divisor_is_told_by_its_factor():
    found = finding(kernels.two_for_the_number_of_samples, "full", **CLASSIFIER)
    assert {b.note for b in found.blocks} == {
        "it moved 30 times as far as it should: the number of rows, 60, and 1/2"
    }


def test_a_missing_method_is_reported_with_its_line():
    result = compare(kernels.misnamed_method, "full", **{**QUICK, **CLASSIFIER})
    trouble = result["misnamed_method"].error
    assert trouble.startswith("raises AttributeError: 'Net' object has no attribute 'init_weight'")
    assert "faulty_kernels.py: self.init_weight()" in trouble
    assert not result.agrees
    assert not math.isnan(result["numpy"].best)


@pytest.mark.parametrize(
    ("function", "wrong"),
    [
        (kernels.classifier, []),
        (kernels.two_for_the_number_of_samples, ["W1", "b1", "W2", "b2"]),
        (kernels.a_sum_for_its_error, ["W2"]),
        (kernels.the_slope_of_tanh, ["W1", "b1"]),
    ],
)
def test_the_same_mistakes_are_found_in_a_gradient(function, wrong):
    gradient = kernels.gradient_of(function)
    found = finding(gradient, "gradient", **CLASSIFIER)
    assert (found.counts, found.first_wrong) == ("row", 1 if wrong else None)
    assert names(found) == wrong
    if function is kernels.two_for_the_number_of_samples:
        assert {b.note for b in found.blocks} == {"0.5 times what it should be: 1/2"}


def test_the_first_wrong_row_of_outputs_is_named():
    def outputs(X, weights, biases):
        return 1 / (
            1 + np.exp(-(np.maximum(0, X @ weights[0] + biases[0]) @ weights[1] + biases[1]))
        )

    def wrong_from_row_38(X, weights, biases):
        result = outputs(X, weights, biases)
        result[37:] += 1e-9
        return result

    assert finding(outputs, "forward", **CLASSIFIER).agrees
    found = finding(wrong_from_row_38, "forward", **CLASSIFIER)
    assert (found.first_wrong, names(found), found.blocks[0].index) == (38, ["outputs"], (37, 0))
    assert str(found).startswith(
        "first wrong row: 38, in outputs (float64)\n    outputs[37, 0] is "
    )


def test_outputs_of_another_shape_or_none_at_all():
    found = finding(lambda X, weights, biases: X[:, :2], "forward")
    assert str(found.blocks[0]) == "outputs (shape (1, 2), expected (1, 1))"


def test_a_block_of_another_shape_is_wrong():
    found = finding(kernels.bias_sums_over_units, "full", **CLASSIFIER)
    assert [str(block) for block in found.blocks] == [
        "b1 (shape (60, 8), expected (8,))",
        "b2 (shape (60, 1), expected (1,))",
    ]


# --- the first wrong step -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_right_network_agrees_in_either_dtype(dtype):
    found = finding(kernels.network, "batches", batch_size=7, dtype=dtype)
    assert found.agrees
    assert (found.steps, found.dtype) == (9, dtype)
    assert 0 < found.absolute < 100 * np.finfo(dtype).eps


def test_a_mistake_in_the_middle_is_found_where_it_is():
    found = finding(kernels.network_wrong_from_step_38, "online")
    assert (found.first_wrong, names(found)) == (38, ["W2"])
    assert found.blocks[0].index == (3, 0)
    assert found.blocks[0].difference == pytest.approx(1e-6, rel=1e-3)


def test_a_last_batch_that_is_left_out_is_missed():
    found = finding(kernels.network_that_forgets_the_last_batch, "batches", batch_size=7)
    assert found.first_wrong == 9  # 60 samples: 8 whole batches and one of 4
    assert {block.note for block in found.blocks} == {"it did not move"}


def test_every_block_that_is_scaled_is_noticed():
    problem = Problem(n_samples=20, dtype="float64")
    for name in problem.block_names:

        def scaled(X, Y, weights, biases, lr, name=name):
            block = {"W": weights, "b": biases}[name[0]][int(name[1]) - 1]
            start = block.copy()
            kernels.network(X, Y, weights, biases, lr)
            block += 1e-4 * (block - start)

        found = agreement.check(problem, FunctionRunner(problem, scaled))
        assert (found.first_wrong, names(found)) == (1, [name])


def test_growing_differences_are_not_taken_for_mistakes():
    # At this rate training is chaotic: what rounds differently is soon somewhere else.
    problem = Problem(sizes=(300, 16, 1), n_samples=300, lr=0.3)
    found = agreement.check(problem, NetworkRunner(problem))
    assert found.agrees
    assert 1 <= found.steps < 300
    wrong = FunctionRunner(problem, kernels.network_with_a_wrong_sign)
    assert agreement.check(problem, wrong).first_wrong == 1


def test_nan_is_wrong():
    expected = np.zeros(3)
    wrong = agreement.compare_block("b1", np.array([0, np.nan, 0]), expected, expected, 1.0)
    assert (wrong.index, wrong.note) == ((1,), "not finite")


# --- what does not train --------------------------------------------------------------------------


@ON_LINUX
@pytest.mark.parametrize(
    ("function", "trouble"),
    [
        (kernels.network_that_hangs, "hangs: not checked after 1 s"),
        (kernels.network_that_crashes, "crashes: its process ended with signal 6"),
        (kernels.network_that_returns_one_array, "raises TypeError: the kernel returned ndarray"),
    ],
)
def test_a_kernel_that_fails_is_reported_and_the_others_go_on(function, trouble):
    result = compare(function, "online", time_limit=1, **QUICK)
    assert result[function.__name__].error.startswith(trouble)
    assert trouble in result.table()
    assert not result.agrees
    assert result["numpy"].agrees
    assert not math.isnan(result["numpy"].best)


@ON_LINUX
@pytest.mark.slow
def test_a_compiled_endless_loop_hangs_too():
    @njit
    def endless(X, Y, weights, biases, lr):
        while lr > 0:
            X[0, 0] += 1

    result = compare(endless, "online", time_limit=6, **QUICK)
    assert result["endless"].error.startswith("hangs: not checked after 6 s")


@pytest.mark.parametrize("kind", TASKS)
def test_a_function_with_other_arguments_is_told_which_it_gets(kind):
    error = function_candidate(lambda X: X, Problem(kind), 20.0).row.error
    expected = f"For {kind} it gets ({', '.join(TASKS[kind].arguments)})"
    assert error.startswith("cannot be called: ")
    assert error.endswith(expected)


def test_nothing_where_a_result_is_due_is_said():
    def nothing(*arguments):
        pass

    for kind, due in (
        ("forward", "expected the outputs"),
        ("gradient", "expected (by_weights, by_biases)"),
    ):
        trouble = function_candidate(nothing, Problem(kind, n_samples=60), 20.0).row.error
        assert trouble.startswith("raises TypeError: the kernel returned None")
        assert due in trouble


def test_a_wrong_kernel_has_no_share_of_the_peak():
    result = compare(kernels.squared_error_unit, "online", **{**QUICK, "sizes": (2, 1)})
    row = result["squared_error_unit"]
    assert row.best > 0
    assert math.isnan(row.gflops)
    assert "squared_error_unit      NO  wrong from step 1 on" in result.table()


ORPHAN = """
import os, time
from fastperc.comparing.subprocesses import in_child

def endless():
    print(os.getpid(), flush=True)
    while True:
        pass

in_child(endless, 1)
"""


@ON_LINUX
def test_what_hangs_does_not_outlive_a_process_that_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True)
    with parent:
        assert int(parent.stdout.readline()) != parent.pid
        parent.kill()
        assert parent.communicate(timeout=30)[0] == ""  # comes when nobody is left who could write


def test_a_child_hands_back_results_and_errors():
    assert in_child(lambda: np.arange(3).sum(), 10) == 3
    assert TroubleError is KernelFailedError
    with pytest.raises(KernelFailedError, match=r"raises ZeroDivisionError: .* at line \d+ of"):
        in_child(lambda: 1 / 0, 10)


# --- a compiled function --------------------------------------------------------------------------


def test_a_compiled_function_takes_tuples_and_its_machine_code_is_read():
    @njit
    def compiled(X, Y, weights, biases, lr):
        W, b = weights[0], biases[0]
        for n in range(len(X)):
            error = b[0] - Y[n, 0]
            for i in range(len(W)):
                error += X[n, i] * W[i, 0]
            for i in range(len(W)):
                W[i, 0] -= lr * error * X[n, i]
            b[0] -= lr * error

    result = compare(compiled, "online", sizes=(4, 1), **QUICK)
    row = result["compiled"]
    assert row.agrees
    if not config.DISABLE_JIT:
        assert row.packed_fma is not None
        assert row.compile_seconds > 0
    assert row.samples == 60


# --- the variants ---------------------------------------------------------------------------------

HEADS = [("identity", "squared_error"), ("sigmoid", "log_loss"), ("softmax", "cross_entropy")]


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize(("output", "loss"), HEADS)
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if n in ("torch", "jax") else ()) for n in VARIANTS],
)
def test_every_variant_takes_the_steps_of_the_reference(name, output, loss, kind):
    n = 64 if name == "python" else 600
    problem = Problem(
        kind, (5, 7, 3), hidden="tanh", output=output, loss=loss, n_samples=n, lr=0.05,
        batch_size={"online": 1, "batches": n // 16}.get(kind, n),
    )  # fmt: skip
    variant = VARIANTS[name]
    if variant.refuses(problem):
        pytest.skip(variant.refuses(problem))
    found = agreement.check(problem, variant.make(problem), seconds=60)  # ends with the epoch
    assert found.agrees, found
    assert found.steps >= 16


@pytest.mark.parametrize("kind", ["full", "forward"])
def test_two_threads_take_the_steps_of_the_reference(kind):
    problem = Problem(kind, (5, 7, 3), n_samples=600, batch_size=600)
    assert "sooner than a second thread begins" in VARIANTS["2 threads"].refuses(problem)
    assert not VARIANTS["2 threads"].refuses(Problem(kind, (5, 300, 3), batch_size=20_000))
    assert agreement.check(problem, VARIANTS["2 threads"].make(problem)).agrees


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("jax", {"dtype": "float64"}, "float32"),
        ("jax", {"hidden": "elu"}, "no such network"),
        ("jax", {"loss": "huber"}, "no such network"),
        ("onnxruntime", {}, "does not train"),
        ("onnxruntime", {"kind": "forward", "hidden": "elu"}, "has no elu"),
        ("python", {"hidden": "elu"}, "no such network"),
        ("sklearn", {"kind": "gradient"}, "shows no gradient"),
    ],
)
def test_a_variant_refuses_what_it_cannot_do(monkeypatch, name, change, said):
    monkeypatch.setattr(variants, "find_spec", lambda package: "there")
    assert said in VARIANTS[name].refuses(replace(Problem(), **change))


def test_what_cannot_run_is_left_out_and_said_if_it_was_asked_for():
    problem = Problem("full", hidden="elu", n_samples=50, batch_size=50)
    chosen, left_out = choose("all", problem)
    assert [v.name for v in chosen][:2] == ["numpy", "fastperc"]
    assert any(line.startswith("python is left out: ") for line in left_out)
    assert choose(None, problem)[1] == []
    assert choose("python", problem) == (
        [VARIANTS["numpy"]],
        ["python is left out: the loop in plain Python has no such network"],
    )


def test_without_a_compiler_c_is_left_out(monkeypatch):
    monkeypatch.setattr(c, "compiler", lambda: None)
    assert VARIANTS["c"].refuses(Problem()) == "there is no C compiler"


@pytest.mark.parametrize(
    ("names", "options", "rows"),
    [
        ((kernels.linear_unit,), {"against": "online", "sizes": (2, 1)}, ["linear_unit", "numpy"]),
        (("forward",), {"against": "fastperc"}, ["numpy", "fastperc"]),
        (("forward", "fastperc"), {}, ["numpy", "fastperc"]),
        (("forward",), {"against": "c", "variants": "fastperc"}, ["numpy", "fastperc"]),
    ],
)
def test_against_works_as_it_did_with_a_warning(names, options, rows):
    with pytest.warns(DeprecationWarning, match="against= .* go with fastperc 0.3") as caught:
        result = compare(*names, n_samples=50, seconds=0.01, **options)
    assert {warning.filename for warning in caught} == {__file__}
    assert [row.name for row in result.rows][: len(rows)] == rows


def test_old_names_of_a_result_work_as_they_did_with_a_warning():
    result = compare(**QUICK)
    with pytest.warns(DeprecationWarning, match=r"Row\.trouble is called error now"):
        assert result["numpy"].trouble == ""
    with pytest.warns(DeprecationWarning, match=r"Comparison\.surroundings is called environment"):
        assert result.surroundings is result.environment


def test_unknown_names_list_what_there_is():
    with pytest.raises(
        ValueError,
        match="kernel: found 'onlin', expected one of online, batches, full, forward, gradient",
    ):
        compare("onlin")
    with pytest.raises(ValueError, match="'rust', expected one of python, numpy, fastperc"):
        compare(variants="rust")
    with pytest.raises(ValueError, match="kind: found None, expected one of online"):
        compare(kernels.network)
    with pytest.raises(ValueError, match="kind: found 'onlin', expected one of online"):
        compare(kernels.network, "onlin")
    with pytest.raises(ValueError, match="'8x32', expected numbers such as 8-32-1"):
        parse_sizes("8x32")


# --- the result -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def result():
    return compare("online", sizes="4-6-1", n_samples=300, seconds=0.2, variants=["fastperc"])


def test_figures_follow_from_the_rounds(result):
    numpy_row, row = result["numpy"], result["fastperc"]
    assert result.agrees
    assert row.best == min(row.rounds)
    assert row.low <= row.median <= row.high
    assert row.ratio == pytest.approx(numpy_row.median / row.median)
    assert row.ratio_low <= row.ratio <= row.ratio_high
    assert numpy_row.ratio == 1
    # 4-6-1: forward 24 + 6 products, as many for the update, 6 on the way back; two each
    assert row.gflops == pytest.approx(2 * (30 + 30 + 6) / row.best)
    assert result.bytes_per_sample == 4 * (4 + 1 + 2 * 37)
    assert row.ratio > 3


def test_the_table_has_a_line_for_each_variant(result):
    lines = result.table().splitlines()
    assert lines[0] == "online: 4-6-1, 300 samples, float32"
    assert lines[2].startswith("All agree, over ")
    first_words = [line.split()[0] for line in lines[4:15] if line]
    assert first_words == [
        word for head in ("right?", "time", "work") for word in (head, "numpy", "fastperc")
    ]
    assert max(map(len, lines)) <= 100
    assert str(result) == result.table()


def test_json_holds_everything_and_is_standard(result, tmp_path):
    text = result.to_json(tmp_path / "out.json")
    assert (tmp_path / "out.json").read_text(encoding="utf-8") == text
    stored = json.loads(text, parse_constant=pytest.fail)
    assert stored["problem"]["sizes"] == [4, 6, 1]
    assert [row["name"] for row in stored["rows"]] == ["numpy", "fastperc"]
    assert stored["rows"][1]["finding"]["first_wrong"] is None
    assert stored["rows"][0]["rounds"] == result["numpy"].rounds


def test_an_unknown_row_lists_what_there_is(result):
    with pytest.raises(KeyError, match="'jax', expected one of numpy, fastperc"):
        result["jax"]


@compiled_only
def test_machine_code_is_read_wherever_it_is_from(result):
    row = result["fastperc"]
    assert row.packed_fma > 100
    assert row.from_disk == math.isnan(row.compile_seconds)
    assert result["numpy"].packed_fma is None
    assert not result["numpy"].from_disk


@pytest.mark.slow
@compiled_only
def test_assembly_of_code_from_disk_is_that_of_fresh_code(run_python, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("FASTPERC_NUMBA_CACHE", "only")
    code = """
import numpy as np
from fastperc.comparing.code import of_dispatcher
from fastperc.kernels.elementary import apply
apply(0, np.zeros(8), np.zeros(8))
print(*of_dispatcher(apply))
"""
    (seconds, fresh), (unknown, from_disk) = (run_python(code).split() for _ in range(2))
    assert float(seconds) > 0.01
    assert unknown == "nan"
    assert int(fresh) == int(from_disk) > 0


@pytest.mark.slow
@compiled_only
def test_inspecting_compiles_in_a_process_of_its_own():
    seconds = compile_afresh(Problem("forward", (4, 1)))
    assert 0.5 < seconds < 300


@pytest.mark.skipif(c.compiler() is None, reason="there is no C compiler")
def test_c_is_compiled_and_read_too():
    row = compare(**{**QUICK, "variants": "c"})["c"]
    assert row.compile_seconds > 0
    assert row.packed_fma is not None


def test_the_peak_is_measured_in_the_same_rounds(result):
    assert result.machine.gflops > 0.1
    assert result.machine.cached > result.machine.gbytes > 0.1
    assert result["fastperc"].share_of_peak == result["fastperc"].gflops / result.machine.gflops


def test_own_samples_are_used():
    X, y = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1]
    result = compare(
        kernels.classifier, "full", sizes=(2, 3, 1), hidden="relu", output="sigmoid",
        loss="log_loss", X=X, y=y, seconds=0.01, variants="numpy",
    )  # fmt: skip
    assert result.problem["n_samples"] == 3
    assert result.agrees


def test_the_numpy_loop_leaves_its_samples_alone():
    problem = Problem(n_samples=20)
    X = problem.samples[0].copy()
    FunctionRunner(problem, numpy_function(problem)).train(20)
    np.testing.assert_array_equal(problem.samples[0], X)


def test_it_is_a_public_name():
    assert fastperc.compare is compare


def test_ctrl_c_reaches_through_scikit_learn(monkeypatch):
    runner = VARIANTS["sklearn"].make(Problem("online", (2, 4, 1), n_samples=5))

    def interrupted(*args, **options):
        warnings.warn("Training interrupted by user.", stacklevel=2)

    monkeypatch.setattr(runner.net, "partial_fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runner.train(5)
