"""The learner worker: the one process that keeps the vectors in memory, refits the head and ranks the queue.

Nothing outside ``inference.tasks.learner_*`` and replay imports ``inference.learner.worker``: it loads modAL,
and with it torch where that is installed.
"""
