"""Stub, replaced before the first commit that counts."""
import typer

app = typer.Typer()
