"""`python -m degen` is the `degen` command."""

from degen.cli.app import main

if __name__ == "__main__":
    main()
