"""Models meet tickets: embeddings, predictions, transforms, deployments."""

from inference.models.advice import Panel, RoundMark
from inference.models.deployments import Deployment, DeploymentRole
from inference.models.heads import LearnerHead
from inference.models.predictions import Prediction
from inference.models.transforms import TransformPurpose, TransformRun
from inference.models.triage import LoneTicket
from inference.models.vectors import Embedding, Encoder

__all__ = [
    "Deployment",
    "DeploymentRole",
    "Embedding",
    "Encoder",
    "LearnerHead",
    "LoneTicket",
    "Panel",
    "Prediction",
    "RoundMark",
    "TransformPurpose",
    "TransformRun",
]
