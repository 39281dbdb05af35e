"""Draws by a hash: the same ticket is drawn the same way however often it is asked, and nobody can guess how."""

import hashlib

MIRROR, SLICE, ORDER, CANARY = "mirror", "slice", "order", "canary"
"""What is drawn: whether a ticket is mirrored, whether an agreement is judged, which answer is shown first, whether a
canary routes it."""

SQL = """(('x' || substr(encode(sha256(convert_to(%(salt)s || ':{purpose}:' || {name}, 'UTF8')), 'hex'), 1, 8))
    ::bit(32)::bigint / 4294967296.0)"""


def drawn(salt: str, purpose: str, name: str) -> float:
    """Uniform in [0, 1) over names; independent between salts and purposes. ``in_sql`` says the same in SQL."""
    return int(hashlib.sha256(f"{salt}:{purpose}:{name}".encode()).hexdigest()[:8], 16) / 2**32


def in_sql(purpose: str, name: str) -> str:
    """The same as an expression over the column ``name``; the statement passes ``salt``."""
    return SQL.format(purpose=purpose, name=name)
