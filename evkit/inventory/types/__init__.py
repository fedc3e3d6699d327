"""File types by libmagic, and leaving out the rules of its database that cannot match.

`filetype` answers; `compiled` reads and writes the compiled database, `literals` says what bytes a
rule needs, `index` finds the rules that a stream can match, `narrow` asks libmagic with those;
`typer` and `typechild` are a child of its own for streams that are digested in the parent.
"""

from __future__ import annotations
