"""``python -m regress`` is the command ``regress``."""

from regress.cli.startup import command

if __name__ == "__main__":
    command()
