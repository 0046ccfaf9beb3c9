"""Where to look while the demo runs, and what to try."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ...vendors.registry import VENDORS


def print_page(console: Console, url: str) -> None:
    """Print the address of the page."""
    _print_address(console, "The page", f"{url}/")


def print_next_steps(console: Console, port: int, shop_port: int) -> None:
    """Print the addresses again, and commands for another terminal."""
    console.print()
    print_page(console, f"http://127.0.0.1:{port}")
    _print_address(console, "The shop", f"http://127.0.0.1:{shop_port}/items")
    console.print("\nThe shop still gets a few requests a second. In another terminal:")
    for line in commands(port):
        console.print(Text(f"  {line}", "cyan"), soft_wrap=True)
    console.print("Ctrl-C ends the demo.", style="dim")


def commands(port: int) -> list[str]:
    """Return commands to try at a local server on *port*: query, volume, tail and fault."""
    query = "source logs | filter $m.severity >= WARNING | countby $l.vendor"
    return [
        f"{_program()} {rest} --port {port}"
        for rest in (
            f"query '{query}'",
            "volume --top 5",
            "tail --level warning",
            f"fault 503 --vendor {[*VENDORS][-1]} --times 3",
        )
    ]


def _program() -> str:
    """Return how a shell calls this program: by its name, or else by its path."""
    path = Path(sys.argv[0])
    if path.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m cxlogging"
    found = shutil.which("cxlogging")
    if not path.exists() or (found and path.samefile(found)):
        return "cxlogging"
    return shlex.quote(str(path.absolute()))


def _print_address(console: Console, label: str, address: str) -> None:
    console.print(Text.assemble(f"{label}  ", (address, "bold cyan")), soft_wrap=True)
