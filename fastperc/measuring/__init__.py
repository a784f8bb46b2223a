"""Clocks, still moments, processors and the figures that come of them."""
