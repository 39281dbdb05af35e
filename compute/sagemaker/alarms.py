"""The alarms that undo an update: without one, SageMaker rolls nothing back."""

from __future__ import annotations

from compute.sagemaker.clients import Clients, told_plainly
from compute.sagemaker.options import Options

PERIOD_SECONDS = 60


class Alarms:
    """The installation's own alarms where it names some; otherwise two for each endpoint: errors and latency."""

    def __init__(self, clients: Clients, options: Options) -> None:
        self.clients = clients
        self.options = options

    def ensure(self, endpoint: str, variant: str) -> list[str]:
        """Names of the alarms that watch an update of this endpoint; made or brought up to date."""
        if self.options.rollback_alarms:
            return list(self.options.rollback_alarms)
        errors, latency = self._names(endpoint)
        microseconds = self.options.rollback_latency_seconds * 1e6
        self._put(errors, endpoint, variant, "Invocation5XXErrors", "Sum", 5.0)
        self._put(latency, endpoint, variant, "ModelLatency", "Average", microseconds)
        return [errors, latency]

    def forget(self, endpoint: str) -> None:
        """Delete an endpoint's own alarms."""
        if not self.options.rollback_alarms:
            with told_plainly():
                self.clients.cloudwatch.delete_alarms(AlarmNames=self._names(endpoint))

    def _names(self, endpoint: str) -> list[str]:
        return [f"{endpoint}-errors", f"{endpoint}-latency"]

    def _put(self, name: str, endpoint: str, variant: str, metric: str, how: str, above: float) -> None:
        with told_plainly():
            self.clients.cloudwatch.put_metric_alarm(
                AlarmName=name,
                AlarmDescription=f"Undoes an update of {endpoint}",
                Namespace="AWS/SageMaker",
                MetricName=metric,
                Dimensions=[
                    {"Name": "EndpointName", "Value": endpoint},
                    {"Name": "VariantName", "Value": variant},
                ],
                Statistic=how,
                Period=PERIOD_SECONDS,
                EvaluationPeriods=1,
                Threshold=above,
                ComparisonOperator="GreaterThanThreshold",
                TreatMissingData="notBreaching",
            )
