"""Starts the whole installation in one terminal and stops it again: `python -m config.run`.

Why a manager of our own: docs/decisions/process-manager.md.
"""
