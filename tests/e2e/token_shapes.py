"""What the tests of both kinds of tokens ask."""
from __future__ import annotations


def rows(connection, text, parameters=None, **options):
    return connection.execute(text, parameters, **options).fetchall()


def shape(text: str) -> str:
    return "".join("9" if character.isdigit() else character for character in text)
