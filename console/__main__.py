"""The way in: `yuanmeng`, or `python -m console`.

Belongs here: from arguments to an exit code. Does not: any command (commands/).
"""

import os
import sys
from collections.abc import Sequence

INTERRUPTED = 130


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code: 0 done, 1 something held back, 2 wrong use, 3 an outside system failed."""
    from console.app import app
    from console.errors import explain

    try:
        from typer.main import get_command

        code = get_command(app).main(args=list(arguments), prog_name="yuanmeng", standalone_mode=False)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # Typer ends the process when a pipe breaks: both mean the same here
        return _nobody_reads()
    except Exception as error:  # noqa: BLE001  (the last door: whatever it was becomes one sentence)
        sentence, code = explain(error)
        print(sentence, file=sys.stderr)
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        print("stopped", file=sys.stderr)
    return code if isinstance(code, int) else 0


def _nobody_reads() -> int:
    """The reader of our output (`| head`) has gone: nothing is left to say to it."""
    sys.stdout = sys.__stdout__
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
