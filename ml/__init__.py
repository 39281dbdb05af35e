"""Everything that learns: text rules, the wire contract, the learner, the container's programs.

Pure Python over arrays and files: no Django, Celery or boto3, so that the package is shipped unchanged
into the model container. Only ``ml.encoder`` imports torch and transformers.
"""

__version__ = "1"
