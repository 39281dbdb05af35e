"""A candidate compared with the baseline, piece by piece; ``inference.actions`` writes, these read.

``current``: what is under way. ``drawing``: which tickets, by a hash. ``pairs``: rows as ``ml.paired`` wants them, and
the verdict. ``figures``: what the live page shows.
"""
