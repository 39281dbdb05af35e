"""The SageMaker backend: the only place of the house that talks to AWS, and the only import of boto3."""

from compute.sagemaker.backend import SageMakerBackend
from compute.sagemaker.options import Options

__all__ = ["Options", "SageMakerBackend"]
