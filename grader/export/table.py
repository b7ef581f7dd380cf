"""The platforms that an assignment can be exported to, one row each."""

from __future__ import annotations

from typing import Final, NamedTuple

#: What a container that runs as root is set up and graded with.
CONTAINER: Final = ("install.sh", "grade")


class Platform(NamedTuple):
    """What a platform wants.

    `title`: its name.  `payload`: the folder of the export that the grader and the assignment are put in.  `then`: what
    to do next, a line for each step.  `runs`: the files of `common/` that its own files call.  `at`: what `--at` names;
    empty if nothing is to be named.  `example`: what the files name until somebody gives the real one.  `archive`: the
    name of the zip that holds everything, if it wants one.  `public`: whether students can read what is exported, so
    that hidden checks are left out.
    """

    title: str
    payload: str
    then: tuple[str, ...]
    runs: tuple[str, ...] = ()
    at: str = ""
    example: str = ""
    archive: str = ""
    public: bool = False


PLATFORMS: Final[dict[str, Platform]] = {
    "gradescope": Platform(
        "Gradescope",
        payload="",
        runs=CONTAINER,
        archive="autograder.zip",
        then=(
            "upload autograder.zip under Configure Autograder (base image: Ubuntu 22.04 or newer)",
            "set the assignment's points to those that `grader list` shows",
        ),
    ),
    "github": Platform(
        "GitHub Actions",
        payload="",
        at="the repository with these files, as OWNER/NAME@REF",
        example="OWNER/grading@v1",
        public=True,
        then=(
            "put everything but student/ in a repository of the course's, and tag it",
            "put what is in student/ in the repository that students start from",
        ),
    ),
    "gitlab": Platform(
        "GitLab CI",
        payload="",
        runs=CONTAINER,
        at="the project with these files, as GROUP/NAME@REF",
        example="GROUP/grading@main",
        public=True,
        then=(
            "put everything but student/ in a project of the course's: its pipeline builds the image",
            "let students' projects use grade.yml: as their CI/CD configuration file, or by what is in student/",
        ),
    ),
    "classroom50": Platform(
        "Classroom 50",
        payload="",
        public=True,
        then=(
            "put these files in CLASSROOM/autograders/ASSIGNMENT/ of the classroom50 repository",
            "leave the assignment's runtime as it is, or name a container whose user is root",
        ),
    ),
    "prairielearn": Platform(
        "PrairieLearn",
        payload="image",
        runs=CONTAINER,
        at="the image that is built from image/, as the engine names it",
        example="ORGANIZATION/socket-grader:1",
        then=(
            "build and push the image: docker build -t NAME image/",
            "put what is in question/ in a folder of the course's questions",
        ),
    ),
    "vpl": Platform(
        "Moodle's Virtual Programming Lab",
        payload="assignment",
        runs=("install.sh",),
        public=True,
        then=(
            "put assignment/ in /opt on each jail server, and run install.sh there as root",
            "let the jail server allow user namespaces: without them nothing is graded",
            "upload the files of execution/ as the activity's execution files",
        ),
    ),
}
