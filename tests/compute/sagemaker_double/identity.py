"""Who may do what: policy documents evaluated as IAM does for the parts that ours use, and IAM's simulator over them.

Left out: explicit denials, NotAction, NotResource, boundaries, resource policies, sessions.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

Context = dict[str, str]


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text) is not None


def allows(document: dict[str, Any], action: str, resource: str, context: Context | None = None) -> bool:
    """Whether a statement of the document allows this."""
    return any(
        any(matches(one.lower(), action.lower()) for one in statement["Action"])
        and any(matches(one, resource) for one in statement["Resource"])
        and _holds(statement.get("Condition", {}), context or {})
        for statement in document["Statement"]
    )


def _holds(conditions: dict[str, dict[str, str]], context: Context) -> bool:
    return all(
        key in context and matches(wanted, context[key])
        for asked in conditions.values()
        for key, wanted in asked.items()
    )


class Identity:
    """`policies`: a principal's document by its ARN; one that has none may not be simulated. `quotas`: by name."""

    def __init__(self) -> None:
        self.policies: dict[str, dict[str, Any]] = {}
        self.quotas: dict[str, float] = {}

    def simulated(self, body: bytes) -> tuple[int, bytes]:
        """Status and answer of SimulatePrincipalPolicy, in IAM's XML."""
        asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        arn = asked["PolicySourceArn"]
        document = self.policies.get(arn)
        if document is None:
            told = f"<Code>AccessDenied</Code><Message>not authorized to simulate {escape(arn)}</Message>"
            return 403, f"<ErrorResponse><Error><Type>Sender</Type>{told}</Error></ErrorResponse>".encode()
        context = {
            asked[name]: asked[name.replace("ContextKeyName", "ContextKeyValues.member.1")]
            for name in asked
            if name.endswith("ContextKeyName")
        }
        resource, members = asked["ResourceArns.member.1"], ""
        for name, action in sorted(asked.items()):
            if name.startswith("ActionNames.member."):
                decision = "allowed" if allows(document, action, resource, context) else "implicitDeny"
                members += (
                    f"<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision>"
                    f"<EvalResourceName>{escape(resource)}</EvalResourceName></member>"
                )
        result = f"<EvaluationResults>{members}</EvaluationResults><IsTruncated>false</IsTruncated>"
        space = "https://iam.amazonaws.com/doc/2010-05-08/"
        whole = f"<SimulatePrincipalPolicyResult>{result}</SimulatePrincipalPolicyResult>"
        return (
            200,
            f'<SimulatePrincipalPolicyResponse xmlns="{space}">{whole}</SimulatePrincipalPolicyResponse>'.encode(),
        )

    def told_quotas(self) -> dict[str, Any]:
        return {"Quotas": [{"QuotaName": name, "Value": value} for name, value in self.quotas.items()]}
