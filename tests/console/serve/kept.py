"""A program that supervises one child, for tests that kill the supervisor: `python -m tests.console.serve.kept SEAT`."""

import asyncio
import os
import sys

from console.serve.supervisor import Part, Supervisor


async def always() -> bool:
    """The server answers."""
    return True


def main(seat: str) -> None:
    """Keep a child that leaves something behind, and print what it says."""
    part = Part("child", ("tests.console.serve.child", "leave"), dict(os.environ))
    asyncio.run(Supervisor([part], seat, lambda _, line: print(line, flush=True), always).run())


if __name__ == "__main__":
    main(sys.argv[1])
