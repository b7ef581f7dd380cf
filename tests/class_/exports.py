"""Exports as the platforms make them, after their documentation: names and contents, to be written or zipped."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

Files = dict[str, bytes]

SERVER: Final = b"import socket\n"

CANVAS: Final[Files] = {
    "doejane_12345_67890_server.py": SERVER,
    "doejane_12345_67891_client.py": b"client",
    "nguyenan_LATE_12346_67901_server-1.py": b"second",
    "obrienpat_12347_67911_part-1.py": b"one",
    "obrienpat_12347_67912_part-2.py": b"two",
    "smithbob_12348_67921_hw1.tar-2.gz": b"archive",
    "typist_12349_text.html": b"<p>my code</p>",
    "anon_LATE_aB3xZ_67931_server.py": b"anonymous",
}
MOODLE: Final[Files] = {
    "Jane Doe_4455_assignsubmission_file_/server.py": SERVER,
    "Jane Doe_4455_assignsubmission_file_/lib/util.py": b"",
    "Jane Doe_4455_assignsubmission_onlinetext_/onlinetext.html": b"<p>please be kind</p>",
    "An Nguyen_4456_assignsubmission_file/hw.zip": b"PK",
    "Eva Typist_4457_assignsubmission_onlinetext_/onlinetext.html": b"<p>code</p>",
}
MOODLE_FLAT: Final[Files] = {
    "Group A-Jane Doe_4455_assignsubmission_file_server.py": SERVER,
    "Group A-Jane Doe_4455_assignsubmission_file_client.py": b"client",
    "Group A-An Nguyen_4456_assignsubmission_file_server.py": b"an",
    "Group A-An Nguyen_4456_assignsubmission_onlinetext_onlinetext.html": b"",
}
GRADESCOPE: Final[Files] = {
    "assignment_99_export/submission_metadata.yml": b"""---
submission_123456:
  :submitters:
  - :name: Jane Doe
    :sid: '0012345'
    :email: jdoe@example.edu
  - :name: "An Nguy\\u1EC5n"
    :sid: ''
    :email: an@example.edu
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: 2026-11-30 09:00:00.000000000 Z
  :score: 10.0
  :results:
    tests:
    - name: a trap
      output: |-
        :submitters:
        - :name: Mallory
          :email: mallory@example.edu
submission_123457:
  :submitters:
  - :name: Pat O'Brien
    :sid:
    :email: pat@example.edu
  :created_at: 2026-11-30 10:00:00 Z
""",
    "assignment_99_export/submission_123456/server.py": SERVER,
    "assignment_99_export/submission_123457/src/server.c": b"int main;",
    "assignment_99_export/submission_123458/server.py": b"whose?",
}
_TEXT: Final = b"""Name: Jane Doe (j_doe)
Assignment: TCP Upper_case
Date Submitted: Monday, November 30, 2026 10:00:00 AM EST
Current Grade: Needs Grading

Submission Field:
There is no student submission text data for this assignment.

Files:
\tOriginal filename: server.py
\tFilename: TCP Upper_case_j_doe_attempt_2026-11-30-10-00-00_server.py
"""
BLACKBOARD: Final[Files] = {
    "TCP Upper_case_j_doe_attempt_2026-11-30-10-00-00.txt": _TEXT,
    "TCP Upper_case_j_doe_attempt_2026-11-30-10-00-00_server.py": SERVER,
    "TCP Upper_case_j_doe_attempt_2026-11-29-23-59-59.txt": _TEXT,
    "TCP Upper_case_j_doe_attempt_2026-11-29-23-59-59_server.py": b"first try",
    "TCP Upper_case_anguyen_attempt_2026-11-28-08-00-00_hw.zip": b"PK",
    "TCP Upper_case_typist_attempt_2026-11-28-08-00-00.txt": b"Name: Eva Typist (typist)\n",
}
BRIGHTSPACE: Final[Files] = {
    "index.html": b"<html></html>",
    "12345-67890 - Jane Doe - Nov 30, 2026 1000 AM/server.py": SERVER,
    "12345-67888 - Jane Doe - Nov 30, 2026 900 AM/server.py": b"first try",
    "12346-67891 - An Nguyen - Nov 29, 2026 1201 PM/server.py": b"an",
    "12347-67892 - Pat O'Brien - Nov 30, 2026 1230 AM - server.py": b"pat",
    "12347-67892 - Pat O'Brien - Nov 30, 2026 1230 AM - client.py": b"pat",
}
GITHUB: Final[Files] = {
    "uppercase-submissions/uppercase-jdoe/server.py": SERVER,
    "uppercase-submissions/uppercase-jdoe/.git/HEAD": b"",
    "uppercase-submissions/uppercase-an-nguyen/server.py": b"an",
    "uppercase-submissions/uppercase-an-nguyen/.git/HEAD": b"",
}
CLASSROOM50: Final[Files] = {
    "cs101-uppercase-jdoe/server.py": SERVER,
    "cs101-uppercase-jdoe/.git/HEAD": b"",
    "cs101-uppercase-an-nguyen/server.py": b"an",
    "cs101-uppercase-an-nguyen/.git/HEAD": b"",
}
FOLDERS: Final[Files] = {
    "jdoe/server.py": SERVER,
    "anguyen.zip": b"PK",
    "pat.tar.gz": b"tar",
    "eva.c": b"int main;",
    "README.txt": b"",
    ".DS_Store": b"",
    "__MACOSX/._jdoe": b"",
}


def write(folder: Path, files: Files) -> Path:
    """Unpacked."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def zipped(path: Path, files: Files) -> Path:
    """As it was downloaded."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path
