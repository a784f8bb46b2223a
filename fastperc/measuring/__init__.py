"""Measure on a machine that others use too: clocks, still moments, processors, figures in words.

`clock` times all candidates in turn, `stillness` tells when nothing else disturbs; all that is
timed here, in `benchmarks`, in the demo and in ``bench/`` goes through these two. pyperf does not
do that: it times one candidate after the other, each in processes of its own, and cannot tell a
disturbed core from a still one, so on a shared machine its ratios drift.
"""
