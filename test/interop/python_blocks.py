"""Python that the pages show, page by page in one piece: it compiles, and uses no name that the page does not define. Argument: the root. Exit code 0: none does."""
import ast
import pathlib
import re
import sys

from pyflakes import checker, messages

BY_RUN = {"./00_connect": {"hubs", "checkpoints"}}
NOTEBOOK = {"spark", "dbutils", "display", "displayHTML", "sc"}  # what Databricks brings along
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)

root = pathlib.Path(sys.argv[1]).resolve()
pages = blocks = 0
wrong = []
for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
    found = FENCE.findall(page.read_text())
    if not found:
        continue
    pages, blocks = pages + 1, blocks + len(found)
    source = "\n".join(line for block in found for line in block.split("\n") if not line.startswith("%")).replace("…", "...")  # what the reader fills in
    run = [BY_RUN[name] for name in re.findall(r"^%run (\S+)", "\n".join(found), re.MULTILINE)]
    seen = checker.Checker(ast.parse(source, page.name), page.name, builtins=NOTEBOOK.union(*run))
    wrong += [str(message) for message in seen.messages if isinstance(message, (messages.UndefinedName, messages.UndefinedLocal))]
print(f"{blocks} blocks of {pages} pages", *wrong, sep="\n")
sys.exit(1 if wrong or not blocks else 0)
