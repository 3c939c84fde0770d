"""A YAML file read as plain values, or refused in one line."""

import re
from pathlib import Path
from typing import Any

import yaml

from study.errors import UserError

_LARGEST_BYTES = 1_000_000
_DEEPEST = 50


def read_yaml(path: Path) -> Any:
    """The values in a YAML file; raises UserError on what is no file, too large, no YAML, or repeats itself."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise UserError(f"SPEC: must be a study file of at most 1 MB; got {path} of {path.stat().st_size:,} bytes")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"SPEC: must be a YAML file in UTF-8; got {path}, which is not text") from None
    except OSError as error:
        raise UserError(f"SPEC: must be a study file; got {path} ({error.strerror})") from None
    return parse_yaml(text)


def parse_yaml(text: str) -> Any:
    """The values in a YAML text; raises UserError."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UserError(f"SPEC: must be YAML{where}: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"SPEC: must be YAML: {' '.join(str(error).split())}") from None


class _Loader(yaml.SafeLoader):
    """Safe YAML, without what a study file has no use for: aliases, keys said twice, nesting without end."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(
                None, None, "aliases are not read; write the values out", event.start_mark
            )
        self.depth += 1
        if self.depth > _DEEPEST:
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, f"nested more than {_DEEPEST} levels deep", mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a word or a number", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


# YAML 1.1 reads 1e-4 as a word, since it has no dot; everybody else reads a number.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)
