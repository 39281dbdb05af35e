"""The double as boto3 sees it: HTTP on one address, the control plane and InvokeEndpoint."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.compute.sagemaker_double.operations import ACCOUNT, REGISTRY
from tests.compute.sagemaker_double.wire import ApiError

if TYPE_CHECKING:
    from tests.compute.sagemaker_double.server import Double


def handler_for(double: Double) -> type[BaseHTTPRequestHandler]:
    """The handler of one double."""
    return type("HandlerOfDouble", (Handler,), {"double": double})


class Handler(BaseHTTPRequestHandler):
    """One connection of boto3."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement
    double: Double

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            self._iam(body, headers)
            return
        operation = headers.get("x-amz-target", "").rpartition(".")[2] or "InvokeEndpoint"
        try:
            self._before(operation)
            answer = self._answer(operation, body, headers)
        except ApiError as error:
            self._error(error)
        except ConnectionAbortedError:
            self.close_connection = True
        else:
            if self.double.take("lost", operation):
                self.close_connection = True  # it took effect; nobody hears of it
            else:
                self._send(200, answer)

    def _iam(self, body: bytes, headers: dict[str, str]) -> None:
        """IAM speaks another protocol; all but its simulator is moto's."""
        if b"Action=SimulatePrincipalPolicy" in body:
            status, answer = self.double.identity.simulated(body)
        else:
            status, answer = self.double.forwarded(body, headers)
        self._send(status, answer, kind="text/xml")

    def _answer(self, operation: str, body: bytes, headers: dict[str, str]) -> bytes:
        if operation in REGISTRY:
            return self.double.ask_moto(operation, body, headers)
        if operation == "ListServiceQuotas":
            return json.dumps(self.double.identity.told_quotas()).encode()
        if operation != "InvokeEndpoint":
            return json.dumps(self.double.answer(operation, json.loads(body))).encode()
        name = unquote(self.path.split("/")[2])
        endpoint = self.double.endpoints.get(name)
        if endpoint is None:
            raise ApiError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
        return endpoint.invoke(body, headers)

    def _before(self, operation: str) -> None:
        if self.double.take("throttle", operation):
            raise ApiError("ThrottlingException", "Rate exceeded")
        if self.double.take("error", operation):
            raise ApiError("InternalFailure", "the double was told to fail", 500)
        if self.double.take("limit", operation):
            raise ApiError("ResourceLimitExceeded", "The account-level service limit is 0 Instances")
        if self.double.take("deny", operation):
            raise ApiError(
                "AccessDeniedException", f"User is not authorized to perform: sagemaker:{operation}"
            )
        if self.double.take("unsent", operation):
            raise ConnectionAbortedError

    def _error(self, error: ApiError) -> None:
        told: dict[str, Any] = {"__type": error.code, "message": error.message, "Message": error.message}
        if original := getattr(error, "original", None):
            told |= {"OriginalStatusCode": original[0], "OriginalMessage": original[1]}
        self._send(error.status, json.dumps(told).encode(), error.code)

    def _send(
        self, status: int, body: bytes, error: str = "", kind: str = "application/x-amz-json-1.1"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if error:
            self.send_header("x-amzn-ErrorType", error)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *parts: object) -> None:
        pass
