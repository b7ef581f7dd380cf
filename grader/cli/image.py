"""`grader image`: the images of the docker sandbox."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli import asked
from grader.cli.say import say, show
from grader.errors import UsageError
from grader.families import FAMILIES
from grader.sandbox import engine
from grader.sandbox.choose import contents_of
from grader.sandbox.images import Contents, Images
from grader.sandbox.standalone import build as built_standalone


@click.group("image")
def command() -> None:
    """The images of the docker sandbox."""


_EXAMPLES = """\b
Examples:
  grader image build --family jvm --family go
  grader image build --all
  grader image build --grader --tag registry.example.org/course/grader:2026
"""


@command.command("build", epilog=_EXAMPLES)
@click.option(
    "--family", "names", type=click.Choice([*FAMILIES]), multiple=True, help="One image for all of these languages."
)
@click.option("--all", "everything", is_flag=True, help="One image for each family of languages.")
@click.option("--assignment", "name", metavar="NAME", help="With the libraries that this assignment allows.")
@asked.ASSIGNMENTS
@asked.IMAGE
@click.option(
    "--grader", "standalone", is_flag=True, help="The image with everything: the command, and what programs need."
)
@click.option("--tag", default="", metavar="NAME", help="Its name, with --grader: NAME[:TAG], with a registry or not.")
@click.option("--base", metavar="IMAGE", help="Base images on this one (a Debian) from now on.")
@click.option("--network", default="host", show_default=True, help="The network to fetch packages over.")
def build(
    *,
    names: tuple[str, ...],
    everything: bool,
    name: str | None,
    folder: Path | None,
    image: str,
    standalone: bool,
    tag: str,
    base: str | None,
    network: str,
) -> None:
    """Build the image for Python and C, and those you ask for, before a submission needs them."""
    if standalone and (everything or image):
        raise UsageError("--grader builds one image, with the languages of --family: leave out --all and --image")
    if folder is not None and not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    if tag and not standalone:
        raise UsageError("--tag names the image of --grader; the others have names of their own")
    assignment = asked.assignment_of(name, folder) if name else None
    hear = lambda words: click.echo(words, nl=False, err=True)  # noqa: E731
    images = Images(engine.connect(), say, network=network, hear=hear)
    if base is not None:
        images.choose_base(base)
    if standalone:
        _build_standalone(images, contents_of(assignment, names), tag, folder)
        return
    each = [frozenset({family.name}) for family in FAMILIES.values() if family.packages] if everything else []
    for wanted in (*each, frozenset(names)):
        contents = contents_of(assignment, wanted, image)
        supplied = images.supply(contents)
        show(f"built {supplied['sandbox'].names[0]} for {contents.words}: {supplied['sandbox'].size_bytes >> 20} MiB")


def _build_standalone(images: Images, contents: Contents, tag: str, folder: Path | None) -> None:
    made = built_standalone(images, contents, tag, folder)
    name = tag or made.names[0]
    show(f"built {name} for {contents.words}: {made.size_bytes >> 20} MiB.  In a folder with a submission:\n")
    show(f'  docker run --rm --network none -v "${{PWD}}:/submission" {name} check --assignment NAME')
