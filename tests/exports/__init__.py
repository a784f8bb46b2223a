"""Random models, exported, compiled and compared: ``python -m tests.exports --count 40``."""
