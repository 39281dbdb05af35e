"""A stand-in for AWS: SageMaker's control plane over real programs, everything else by moto. See README.md."""

from tests.compute.sagemaker_double.server import Double, Programs

__all__ = ["Double", "Programs"]
