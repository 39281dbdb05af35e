"""The demonstration corpus: support tickets of an invented online shop, written by a grammar.

Everything here is text we wrote. `corpus.generate` makes the tickets, `services.services` describes the
twelve services they belong to, `stats` measures what came out. No Django: the package needs only the
standard library (and numpy / scikit-learn for `stats`).
"""
