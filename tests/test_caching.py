"""Machine code on disk: never stale, never fatal, healed when damaged."""

import os
import pickle
import py_compile
import runpy
import shutil
import warnings

import pytest
from numba.core import config

from fastperc.kernels import cache_folders, caching, fingerprint
from fastperc.kernels.caching import KernelCacheWarning, canonical
from fastperc.kernels.fingerprint import source_tag
from fastperc.kernels.jit import kernel

pytestmark = pytest.mark.skipif(
    bool(config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set: nothing is compiled"
)


def twice(x):
    return x + x


def element(values, i):
    return values[i]


def hits_and_misses(dispatcher):
    stats = dispatcher.stats
    return sum(stats.cache_hits.values()), sum(stats.cache_misses.values())


def call_afresh(function=twice, argument=2.0, **overrides):
    """What a new process would see: a dispatcher that knows nothing, asked for one result."""
    compiled = kernel(**overrides)(function)
    return compiled(argument), hits_and_misses(compiled)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache folder, in use for kernels decorated during the test."""
    monkeypatch.delenv("FASTPERC_NUMBA_CACHE", raising=False)
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(caching, "_warned_about", set())
    # No other folder: what lies beside this file, or in the home, is not these tests' affair.
    all_folders = caching.cache_folders
    monkeypatch.setattr(caching, "cache_folders", lambda *where: all_folders(*where)[:1])
    return tmp_path / "cache"


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


# --- what is fresh ------------------------------------------------------------------------------


def test_the_second_process_loads_what_the_first_compiled(folder):
    assert call_afresh() == (4.0, (0, 1))
    assert call_afresh() == (4.0, (1, 0))
    assert len(files(folder)) == 1


def test_each_dtype_has_its_own_file(folder):
    call_afresh(argument=2.0)
    assert call_afresh(argument=2) == (4, (0, 1))
    assert len(files(folder)) == 2
    assert call_afresh(argument=2.0) == (4.0, (1, 0))
    assert call_afresh(argument=2) == (4, (1, 0))


def test_other_flags_are_other_code(folder):
    call_afresh()
    assert call_afresh(fastmath=False) == (4.0, (0, 1))
    assert call_afresh(fastmath=False) == (4.0, (1, 0))


def test_a_bounds_check_is_not_answered_by_unchecked_code(folder, monkeypatch):
    values = (1.0, 2.0)
    monkeypatch.setattr(config, "BOUNDSCHECK", 0)
    kernel(element)(values, 0)
    monkeypatch.setattr(config, "BOUNDSCHECK", 1)
    checked = kernel(element)
    checked(values, 0)
    assert hits_and_misses(checked) == (0, 1)


def test_two_kernels_of_one_name_and_shape_in_one_file_are_told_apart(folder):
    def plus_one():
        def plus(x):
            return x + 1.0

        return plus

    def plus_two():
        def plus(x):
            return x + 2.0

        return plus

    assert plus_one().__code__.co_code == plus_two().__code__.co_code
    assert call_afresh(plus_one()) == (3.0, (0, 1))
    assert call_afresh(plus_two()) == (4.0, (0, 1))


@pytest.mark.parametrize("setting", ["LOOP_VECTORIZE", "SLP_VECTORIZE", "LLVM_REFPRUNE_FLAGS"])
def test_settings_that_shape_code_are_part_of_the_key(folder, monkeypatch, setting):
    cache = kernel(twice)._cache
    codegen = kernel(twice).targetctx.codegen()
    before = cache._index_key((), codegen)
    assert cache._index_key((), codegen) == before
    monkeypatch.setattr(config, setting, "something else")
    assert cache._index_key((), codegen) != before


def test_the_tag_covers_content_and_names_of_all_sources(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    tags = [source_tag(tmp_path)]
    (tmp_path / "a.py").write_text("x = 2\n")
    tags.append(source_tag(tmp_path))
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "b.py").write_text("")
    tags.append(source_tag(tmp_path))
    (tmp_path / "deeper" / "b.py").rename(tmp_path / "b.py")
    tags.append(source_tag(tmp_path))
    assert len(set(tags)) == 4
    assert source_tag(tmp_path) == tags[-1]


@pytest.mark.parametrize("compiler", ["numba", "llvmlite"])
def test_the_tag_covers_the_versions_of_the_compilers(tmp_path, monkeypatch, compiler):
    (tmp_path / "a.py").write_text("x = 1\n")
    before = source_tag(tmp_path)
    monkeypatch.setattr(getattr(fingerprint, compiler), "__version__", "0.0.1")
    assert source_tag(tmp_path) != before


def test_numpy_is_part_of_the_key(folder, monkeypatch):
    cache = kernel(twice)._cache
    codegen = kernel(twice).targetctx.codegen()
    before = cache._index_key((), codegen)
    monkeypatch.setattr(caching.np, "__version__", "0.0.1")
    assert cache._index_key((), codegen) != before


def test_without_sources_there_is_no_tag(tmp_path):
    with pytest.raises(RuntimeError, match="found no Python sources"):
        source_tag(tmp_path)


def test_files_without_their_sources_are_told_apart_by_content_not_by_age(tmp_path):
    def compiled(text, age):
        folder = tmp_path / f"{age}{len(text)}{text[-2]}"
        folder.mkdir()
        (folder / "a.py").write_text(text)
        os.utime(folder / "a.py", (age, age))
        py_compile.compile(folder / "a.py", folder / "a.pyc", dfile="a.py")
        (folder / "a.py").unlink()
        return source_tag(folder)

    assert compiled("x = 1\n", age=10**9) == compiled("x = 1\n", age=10**9 + 1000)
    assert compiled("x = 1\n", age=10**9 + 2000) != compiled("x = 2\n", age=10**9 + 2000)


def test_the_stored_time_of_a_file_does_not_matter(folder):
    """Numba before 0.68 has it in its key; a new container or checkout changes it."""
    source = folder.parent / "outside.py"
    source.write_text("def thrice(x):\n    return 3 * x\n")

    def ask(age):
        os.utime(source, (age, age))
        namespace = runpy.run_path(str(source))
        return call_afresh(namespace["thrice"])

    assert ask(10**9) == (6.0, (0, 1))
    assert ask(10**9 + 5000) == (6.0, (1, 0))
    source.write_text("def thrice(x):\n    return x * 4\n")
    assert ask(10**9 + 5000) == (8.0, (0, 1))


def test_code_objects_are_described_alike_in_every_process(run_python):
    code = """
from fastperc.kernels.fingerprint import described
text = "f = lambda x: [g for g in x if g in {'a', 'b', 'c', 'd'}] + [%d]"
print(described(compile(text, "f.py", "exec")))
"""
    first, second, other = (
        run_python(code % number, PYTHONHASHSEED=seed) for number, seed in ((1, 1), (1, 2), (2, 1))
    )
    assert first == second != other


def test_sets_print_alike_in_every_process():
    assert canonical({"b", "a", "c"}) == ["a", "b", "c"]
    assert canonical(False) is False


# --- damage -------------------------------------------------------------------------------------


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def empty(path):
    path.write_bytes(b"")


def flip_one_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def write_garbage(path):
    path.write_bytes(b"\x00garbage" * 1000)


def write_another_pickle(path):
    path.write_bytes(pickle.dumps({"not": "machine code"}))


DAMAGES = [truncate, empty, flip_one_bit, write_garbage, write_another_pickle]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_compiled_again_with_a_warning(folder, damage):
    call_afresh()
    (path,) = files(folder)
    damage(path)
    with pytest.warns(KernelCacheWarning, match=r"twice .* cannot be used .* checksum"):
        assert call_afresh() == (4.0, (0, 1))
    assert files(folder) == [path]
    assert call_afresh() == (4.0, (1, 0))


def test_a_file_copied_over_another_is_not_taken_for_it(folder):
    call_afresh(argument=2)
    (of_integers,) = files(folder)
    call_afresh(argument=2.0)
    (of_floats,) = set(files(folder)) - {of_integers}
    shutil.copy(of_integers, of_floats)
    with pytest.warns(KernelCacheWarning, match="checksum"):
        assert call_afresh(argument=2.5) == (5.0, (0, 1))
    assert call_afresh(argument=2.5) == (5.0, (1, 0))


def test_sound_content_that_is_no_compiled_function_is_replaced(folder):
    compiled = kernel(twice)
    compiled(2.0)
    key = compiled._cache._index_key(compiled.signatures[0], compiled.targetctx.codegen())
    assert compiled._cache._cache_file.load(key) is not None
    compiled._cache._cache_file.save(key, {"not": "machine code"})
    with pytest.warns(KernelCacheWarning, match="cannot be used"):
        assert call_afresh() == (4.0, (0, 1))
    assert call_afresh() == (4.0, (1, 0))


def test_a_removed_folder_is_made_again(folder):
    call_afresh(argument=2)
    compiled = kernel(twice)
    shutil.rmtree(folder)
    assert compiled(2.0) == 4.0
    assert call_afresh() == (4.0, (1, 0))


def test_when_all_folders_stop_taking_files_it_costs_a_warning_only(folder):
    call_afresh(argument=2)
    compiled, other = kernel(twice), kernel(element)
    shutil.rmtree(folder)
    folder.write_text("in the way")
    with pytest.warns(KernelCacheWarning, match="not kept on disk"):
        assert compiled(2.0) == 4.0
    assert other((1.0, 2.0), 1) == 2.0  # and no second warning, which would be an error


def test_a_write_that_breaks_off_leaves_no_file(folder, monkeypatch):
    def disk_is_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.os, "replace", disk_is_full)
    with pytest.warns(KernelCacheWarning, match="No space left"):
        assert call_afresh() == (4.0, (0, 1))
    assert files(folder) == []


# --- housekeeping -------------------------------------------------------------------------------


def test_only_stale_files_of_the_same_kernel_are_removed(folder):
    call_afresh()
    (fresh,) = files(folder)
    tag = fresh.stem.split("-")[-2]
    stale = fresh.with_name(fresh.name.replace(tag, "0" * len(tag)))
    of_another_kernel = stale.with_name(stale.name.replace("twice", "thrice"))
    of_another_python = stale.with_name(stale.name.replace("cpython-", "cpython-9"))
    for path in (stale, of_another_kernel, of_another_python):
        path.write_text("")
    call_afresh(argument=2)
    assert not stale.exists()
    assert fresh.exists()
    assert of_another_kernel.exists()
    assert of_another_python.exists()


def test_recompile_forgets_the_stored_code(folder):
    compiled = kernel(twice)
    compiled(2.0)
    compiled.recompile()
    assert hits_and_misses(compiled) == (0, 2)


def test_a_function_without_a_file_is_not_cached_and_not_complained_about(folder):
    namespace = {}
    exec("def thrice(x): return 3 * x", namespace)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled = kernel(namespace["thrice"])
    assert compiled(2.0) == 6.0
    assert compiled.stats.cache_path is None


# --- folders ------------------------------------------------------------------------------------


@pytest.fixture
def two_folders(tmp_path, monkeypatch):
    """Two cache folders for kernels decorated during the test, in the order of trying."""
    found = [tmp_path / "first", tmp_path / "second"]
    monkeypatch.delenv("FASTPERC_NUMBA_CACHE", raising=False)
    monkeypatch.setattr(caching, "cache_folders", lambda *_: found)
    monkeypatch.setattr(caching, "_warned_about", set())
    return found


def block(folder):
    """Let a folder take no files. Permissions would not stop root."""
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way")


def test_code_goes_to_the_first_folder_that_takes_it(two_folders):
    first, second = two_folders
    block(first)
    assert call_afresh() == (4.0, (0, 1))
    assert len(files(second)) == 1
    assert call_afresh() == (4.0, (1, 0))


def test_code_is_found_in_a_folder_that_is_not_the_first_writable_one(two_folders):
    first, second = two_folders
    block(first)
    call_afresh()
    first.unlink()
    assert call_afresh() == (4.0, (1, 0))
    assert not first.exists()
    assert len(files(second)) == 1


def test_a_damaged_file_is_no_matter_where_another_folder_has_a_sound_one(two_folders):
    first, second = two_folders
    call_afresh()
    shutil.copytree(first, second)
    truncate(files(first)[0])
    assert call_afresh() == (4.0, (1, 0))


@pytest.mark.posix
@pytest.mark.parametrize("unreadable", ["a folder of its name", "a link to nowhere"])
def test_what_cannot_be_read_counts_as_not_there(two_folders, unreadable):
    first, _ = two_folders
    call_afresh()
    (path,) = files(first)
    path.unlink()
    if unreadable == "a folder of its name":
        path.mkdir()
    else:
        path.symlink_to(first / "nowhere" / "at all")
    assert call_afresh() == (4.0, (0, 1))
    assert call_afresh() == (4.0, (1, 0))


def test_the_warning_names_every_folder_that_was_tried(two_folders):
    for folder in two_folders:
        block(folder)
    with pytest.warns(KernelCacheWarning) as caught:
        assert call_afresh() == (4.0, (0, 1))
    (warning,) = caught
    for folder in two_folders:
        assert f"{folder}: File exists" in str(warning.message)


def test_nothing_is_written_or_made_before_something_is_compiled(two_folders):
    compiled = kernel(twice)
    assert compiled.stats.cache_path == str(two_folders[0])
    assert not any(folder.exists() for folder in two_folders)


@pytest.mark.parametrize("home", ["", "not/absolute", None])
def test_without_a_home_there_is_no_folder_below_the_current_one(tmp_path, monkeypatch, home):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # a user without an entry
    if home is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", home)
    monkeypatch.setattr(config, "CACHE_DIR", "")
    folders = cache_folders.cache_folders(tmp_path / "a.py", "a")
    assert folders == [tmp_path / "__pycache__"]


def test_a_relative_cache_folder_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(config, "CACHE_DIR", "cache")
    assert cache_folders.cache_folders(tmp_path / "a.py", "a")[0].parent == tmp_path / "cache"


def test_code_of_an_installed_package_lies_outside_of_its_folder(tmp_path, monkeypatch):
    """pip leaves it there, and a folder of the package's name would then hide an editable one."""
    monkeypatch.setattr(config, "CACHE_DIR", "")
    source = tmp_path / "pack" / "inner" / "a.py"
    source.parent.mkdir(parents=True)
    cache_folders._has_installed.cache_clear()
    assert cache_folders.cache_folders(source, "pack.inner.a")[0] == source.parent / "__pycache__"
    (tmp_path / "pack-1.0.dist-info").mkdir()
    cache_folders._has_installed.cache_clear()
    expected = tmp_path / "__pycache__" / "pack.inner"
    assert cache_folders.cache_folders(source, "pack.inner.a")[0] == expected
    # A checkout whose folders are mapped to other names is none.
    assert cache_folders.cache_folders(source, "pack.other.a")[0] == source.parent / "__pycache__"


def test_where_nothing_can_be_kept_the_reason_is_said_once_something_is_compiled(
    two_folders, monkeypatch
):
    monkeypatch.setattr(caching, "cache_folders", lambda *_: [])
    compiled, other = kernel(twice), kernel(element)
    with pytest.warns(KernelCacheWarning, match="neither a folder beside the package nor a home"):
        assert compiled(2.0) == 4.0
    assert other((1.0, 2.0), 1) == 2.0  # and no second warning, which would be an error
