"""Plays labelled history through the real services, to show a team what the queue would have saved it.

Loaded by ``manage.py replay`` alone: it imports the learner, and with it modAL.
"""
