"""The start of the command. It imports little, so that Ctrl-C is answered from the first moment."""

import os

from regress.cli import process


def command() -> None:
    """Run the command line; report errors while it is imported."""
    try:
        from regress.cli import main

        main.command()
    except KeyboardInterrupt:
        process.say("Interrupted.")
        os._exit(130)
    except BaseException as error:  # a library that cannot be loaded
        process.say(f"Error: {process.unexpected(error)}")
        os._exit(2)
