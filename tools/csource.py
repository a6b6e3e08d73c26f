# SPDX-License-Identifier: Apache-2.0
"""Reads C source as far as the checks need it: no preprocessor, no types, only shape."""
import dataclasses
import pathlib
import re

C_SUFFIXES = (".c", ".h")

_TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
_ATTRIBUTE = re.compile(r"\b(?:__attribute__|alignas|_Alignas)\s*"
                        r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")


def _spaces(text):
    return re.sub(r"[^\n]", " ", text)


def strip_comments(text):
    """`text` with every comment as spaces: lines and columns stay."""
    return _TOKEN.sub(lambda m: _spaces(m[0]) if m[0][0] == "/" else m[0], text)


def strip(text):
    """`text` with comments and what stands between quotes as spaces."""
    def blank(match):
        token = match[0]
        return _spaces(token) if token[0] == "/" else token[0] + _spaces(token[1:-1]) + token[-1]
    return _TOKEN.sub(blank, text)


def strip_directives(text):
    """`text` with preprocessor lines, continued ones included, as spaces."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: _spaces(m[0]), text, flags=re.M)


@dataclasses.dataclass
class Piece:
    """A declaration, statement or function: the text before its body or `;`, braces emptied."""
    head: str
    line: int       # of its first word
    body: str       # what a function has between its braces, else ""
    body_line: int  # of the opening brace
    is_function: bool


def pieces(text):
    """What stands at file scope in `text`, which strip and strip_directives went over."""
    found, head, start, at = [], "", None, 0
    while at < len(text):
        char = text[at]
        if char == "{":
            end = _closing(text, at)
            if _is_function(head):
                found.append(Piece(head.strip(), _line(text, start), text[at + 1:end],
                                   _line(text, at), True))
                head, start = "", None
            else:
                head += "{}"
            at = end + 1
            continue
        if char == ";":
            if start is not None:
                found.append(Piece(head.strip(), _line(text, start), "", 0, False))
            head, start = "", None
        else:
            if start is None and not char.isspace():
                start = at
            head += char
        at += 1
    return found


def statements(body):
    """(offset, text) of what `;` and braces part in a function's body."""
    return [(m.start() + len(m[0]) - len(m[0].lstrip()), m[0].strip())
            for m in re.finditer(r"[^;{}]+", body) if m[0].strip()]


def is_mutable_variable(head):
    """True when `head`, of a declaration with storage for the whole run, can be written to."""
    head = _ATTRIBUTE.sub(" ", head).strip()
    if not head or re.match(r"(typedef|_Static_assert|static_assert)\b", head):
        return False
    declared = head.split("=")[0].strip()
    if "=" not in head:
        if re.fullmatch(r"(?:static\s+)?(?:const\s+)?(?:enum|struct|union)\s*\w*\s*(?:\{\})?",
                        declared):
            return False  # a type, no variable
        parenthesis = declared.find("(")
        if parenthesis >= 0 and not declared[parenthesis + 1:].lstrip().startswith("*"):
            return False  # a prototype
    declared = re.sub(r"\[[^\]]*\]", " ", declared)
    star = declared.rfind("*")
    return not re.search(r"\bconst\b", declared[star + 1:] if star >= 0 else declared)


def _closing(text, at):
    depth = 0
    for end in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return end
    return len(text)


def _is_function(head):
    head = _ATTRIBUTE.sub(" ", head)
    return "=" not in head and head.rstrip().endswith(")")


def _line(text, at):
    return text.count("\n", 0, at) + 1


def files(root, folders, suffixes):
    """Every file under the `folders` of `root` with one of the suffixes, in order."""
    root = pathlib.Path(root)
    return sorted(path for folder in folders for path in (root / folder).rglob("*")
                  if path.suffix in suffixes and path.is_file() and "__pycache__" not in path.parts)
