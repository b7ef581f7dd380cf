"""The places that a program can write in are as they were after building, whenever a program is started.

The folders in it are restored by `workfolder.py`, and what outlives processes elsewhere (shared memory, queues, files
in public folders) is removed by `leftovers.py`.  What can't be put right keeps the next program from being started: a
program that could leave a note to the next one would know which check is played.

Standard library only.
"""

from __future__ import annotations

import os
from contextlib import suppress

from grader.link.settings import Settings
from grader.sandbox import leftovers, workfolder
from grader.sandbox.children import done_as
from grader.sandbox.users import Rights


class Places:
    """Of one sandbox.  `rights`: those that it takes to look at them.

    `alone`: whether its user alone tells what is the program's, since there are no namespaces.
    """

    def __init__(self, settings: Settings, rights: Rights, *, alone: bool) -> None:
        self._settings = settings
        self._user = settings["uid"], settings["gid"]
        self._rights = rights
        self._alone = alone
        self._kept: list[workfolder.Folder] = []
        self._built_files: frozenset[str] = frozenset()

    def remember(self) -> None:
        """Building is done: every program will find them as they are now, but for the caches, which are emptied.

        Raises:
            workfolder.TooMuchError: too much was left there.
        """
        settings = self._settings
        done_as(*self._user, self._empty_caches)
        with self._rights.looking():
            self._kept = workfolder.take_down(
                settings["places"], settings["uid"], settings["disk_bytes"], settings["disk_files"]
            )
        self._built_files = self._public_files()

    def tidy(self) -> str:
        """Put back and remove what programs have left behind; why that can't be done, or "".

        If nothing is left, no child is needed: that takes a tenth of a millisecond.
        """
        with self._rights.looking():
            if not (any(map(workfolder.changes, self._kept)) or self._leftovers()):
                return ""
        done_as(*self._user, self._tidy_as_user)
        if self._leftovers():
            return "shared memory, a semaphore, a message queue or a file that it made earlier can't be removed"
        with self._rights.looking():
            wrong = [os.path.join(folder.path, name) for folder in self._kept for name in workfolder.settle(folder)]
        return f"its earlier changes to {wrong[0]!r} can't be undone" if wrong else ""

    def _leftovers(self) -> bool:
        """Whether programs have left anything outside the folders that are restored."""
        if self._settings["private_pids"]:
            return leftovers.present()
        return self._alone and (leftovers.present(self._settings["uid"]) or bool(self._public_files()))

    def _public_files(self) -> frozenset[str]:
        """What programs have put where everybody may write since the build."""
        return leftovers.public_files(self._settings["uid"]) - self._built_files if self._alone else frozenset()

    def _empty_caches(self) -> None:
        caches = self._settings["caches"]
        with suppress(OSError):  # a build may have removed it
            leftovers.remove_files([os.path.join(caches, name) for name in os.listdir(caches)])

    def _tidy_as_user(self) -> None:
        if self._settings["private_pids"]:
            leftovers.remove()
        elif self._alone:
            leftovers.remove(self._settings["uid"])
            leftovers.remove_files(self._public_files())
        for folder in self._kept:
            workfolder.put_back(folder)
