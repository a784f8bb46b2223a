"""The examples of docs/search.md work."""

import re

from test_docs import compiled_only, page, python_of


@compiled_only
def test_the_examples_of_searching_print_what_they_say(repository, capsys):
    code = python_of(page(repository, "search.md"))
    said = re.findall(r"^print\(.*\)  # (.*)$", code, flags=re.MULTILINE)
    assert len(said) == 5
    exec(compile(code, "search.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == said
