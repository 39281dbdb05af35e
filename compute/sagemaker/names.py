"""Names and tags in the account: always the same for the same thing, so that whoever asks twice meets what is there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

NAME_AT_MOST = 63
SPEC_TAG = "aiguilleur:spec"
WISH_TAG = "aiguilleur:wished"
_NOT_IN_A_TAG = re.compile(r"[^\w\s.:/=+\-@]", re.UNICODE)


def name_in_account(prefix: str, name: str) -> str:
    """`<prefix>-<name>`; a name too long for that is cut and told apart by a hash of it."""
    full = f"{prefix}-{name}"
    if len(full) <= NAME_AT_MOST:
        return full
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    return f"{full[: NAME_AT_MOST - 11].rstrip('-')}-{digest}"


def digest_of(content: Any) -> str:
    """12 hex naming a JSON value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def tags_of(tags: Mapping[str, str], **more: str) -> list[dict[str, str]]:
    """As AWS takes them: what a tag cannot hold becomes a space, and `aws:` is not ours to use."""
    named = {f"aiguilleur:{key}": value for key, value in tags.items()} | more
    return [
        {"Key": _NOT_IN_A_TAG.sub(" ", key)[:128], "Value": _NOT_IN_A_TAG.sub(" ", value)[:256]}
        for key, value in sorted(named.items())
    ][:50]


def spec_tags(tags: Mapping[str, str], spec_hash: str) -> list[dict[str, str]]:
    """A job's tags, its spec's hash among them: by it a job met under its name is known to be the same."""
    return tags_of(tags, **{SPEC_TAG: spec_hash})
