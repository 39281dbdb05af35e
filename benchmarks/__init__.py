"""Every figure of the README comes from a command here: ``python -m benchmarks.NAME [--json OUT]``.

Each starts the servers it needs in a folder of its own and takes them away again; an installation is never touched.
"""
