"""The routing of live tickets, piece by piece; ``inference.actions.routing`` puts them together.

``standing``: what is in force now. ``asking``: the model's answer within the deadline, or why there is none.
``breaker``: leaves a broken endpoint alone. ``dispatching``: route or escalate. ``rules``: keyword rules. ``writing``:
the rows. ``inbox``: who still waits. ``shared``: Redis.
"""
