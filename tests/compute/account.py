"""The double in a process of its own: ``python -m tests.compute.account`` prints the variables by which boto3 finds
it, as JSON, and lives until its standard input closes. For benchmarks, which must not count its memory as theirs."""

import json
import os
import sys

from tests.compute.cloud import account


def main() -> None:
    with account():
        told = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        print(json.dumps(told), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
