"""Training gives the bits that it always gave."""

import json

import pytest
import training_bits
from llvmlite.binding import get_host_cpu_features


@pytest.mark.slow
def test_training_gives_the_bits_that_are_stored(tmp_path):
    stored = json.loads(training_bits.STORED.read_text(encoding="utf-8"))
    if stored["versions"] != training_bits.versions():
        pytest.skip(f"stored with {stored['versions']}, found {training_bits.versions()}")
    if not get_host_cpu_features().get("avx2"):
        pytest.skip("this processor cannot run code for AVX2")
    found = training_bits.hashes(tmp_path)["hashes"]
    assert len(found) == len(stored["hashes"]) >= 25
    changed = [
        k for k, pair in enumerate(zip(found, stored["hashes"], strict=True)) if len(set(pair)) > 1
    ]
    assert not changed, [training_bits.TRAININGS[k] for k in changed]
