"""The rules of TeX, which is not here to check them."""

from __future__ import annotations

import re


def check(text: str) -> None:
    """Raise where TeX would stop: braces, environments, mathematics, or characters that are commands."""
    code = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    bare = code.replace("\\\\", "\n")
    plain = re.sub(r"\\[{}$%&#_]", "", bare)
    depth = 0
    for character in plain:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    begun: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", plain):
        if kind == "begin":
            begun.append(name)
        else:
            assert begun.pop() == name
    assert not begun
    assert plain.count("$") % 2 == 0
    without_math = re.sub(r"\$[^$]*\$", "", plain)
    assert not re.search(r"[%#~^]", without_math)
    assert "_" not in re.sub(r"\\(input|includegraphics|label|ref)(\[[^]]*\])?\{[^}]*\}", "", without_math)
    for body in re.findall(r"\\begin\{tabular\}\{(.*?)\}\n(.*?)\\end\{tabular\}", code, re.S):
        columns = re.sub(r"p\{[^}]*\}", "p", body[0])
        for row in re.findall(r"^(?!\\)(.*) \\\\$", body[1], re.M):
            assert len(re.findall(r"(?<!\\)&", row)) == len(columns) - 1, row
