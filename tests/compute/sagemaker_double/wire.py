"""AWS JSON 1.1: requests checked against botocore's service model, errors as AWS spells them."""

from __future__ import annotations

import re
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

SERVICE = botocore.session.get_session().get_service_model("sagemaker")


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


OWN_DISK = ("g4dn", "g5", "g6", "p3dn", "p4d", "p5", "c5d", "m5d", "r5d", "trn1")


def check_volume(resources: dict[str, Any]) -> None:
    """The service model on VolumeKmsKeyId: no key for machines with a disk of their own."""
    if "VolumeKmsKeyId" in resources and resources["InstanceType"].split(".")[1] in OWN_DISK:
        raise invalid(f"VolumeKmsKeyId cannot be specified with {resources['InstanceType']}.")


def check(operation: str, params: dict[str, Any], understood: set[str]) -> None:
    """Refuse what AWS would refuse by its model alone, and whatever the double would silently ignore."""
    if operation not in SERVICE.operation_names:
        raise ApiError("UnknownOperationException", f"no operation {operation}")
    shape = SERVICE.operation_model(operation).input_shape
    report = ParamValidator().validate(params, shape)
    if report.has_errors():
        raise invalid(report.generate_report())
    for name in sorted(set(params) - understood):
        raise invalid(f"the double does not know what to do with {operation}.{name}")
    for fault in _faults(params, shape, operation):
        raise invalid(fault)


def _faults(value: Any, shape: Any, path: str) -> list[str]:
    """What botocore's validator leaves to the service: upper bounds, patterns, enumerations, unknown members."""
    found: list[str] = []
    limits = shape.metadata
    if shape.type_name == "structure":
        for name, inner in value.items():
            if name not in shape.members:
                found.append(f"{path} has no member {name}")
            else:
                found += _faults(inner, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        found += [
            fault for n, one in enumerate(value) for fault in _faults(one, shape.member, f"{path}[{n}]")
        ]
        found += [f"{path}: more than {limits['max']}"] if len(value) > limits.get("max", 10**9) else []
    elif shape.type_name == "map":
        for key, one in value.items():
            found += _faults(key, shape.key, f"{path} key") + _faults(one, shape.value, f"{path}.{key}")
        found += [f"{path}: more than {limits['max']}"] if len(value) > limits.get("max", 10**9) else []
    elif shape.type_name == "string":
        if len(value) > limits.get("max", 10**9):
            found.append(f"{path}: longer than {limits['max']}")
        if getattr(shape, "enum", None) and value not in shape.enum:
            found.append(f"{path}: {value!r} is none of its values")
        pattern = limits.get("pattern")
        if pattern and re.search(r"\\p\{", pattern) is None and re.fullmatch(pattern, value) is None:
            found.append(f"{path}: {value!r} does not match {pattern}")
    elif shape.type_name in {"integer", "long", "float", "double"} and value > limits.get("max", 10**18):
        found.append(f"{path}: more than {limits['max']}")
    return found
