#!/bin/bash
# "Evaluate".  VPL runs what this leaves as vpl_execution, as an unprivileged user of the jail server.  Only namespaces of
# its own keep the program away from this script then, so without them nothing is graded.  Which assignment it is, and
# which program, is said here; the grader and the assignment are on the jail server.
cat > vpl_execution <<'END'
#!/bin/bash
. ./vpl_environment.sh
# All that the grader needs of them: where only some are allowed, the program would be this script's own user.
if ! /opt/socket-grader/bin/python -I -m grader.sandbox.nest --probe > /dev/null 2>&1; then
    echo "Comment :=>>-Not graded: this jail server allows no user namespaces. Show this to your instructor."
    exit
fi
private=$(mktemp -d)
mkdir "$private/submission"
number=0 name=VPL_SUBFILE0
while [ -n "${!name-}" ]; do
    mkdir -p "$(dirname "$private/submission/${!name}")" && cp -- "${!name}" "$private/submission/${!name}"
    number=$((number + 1)) name=VPL_SUBFILE$number
done
/opt/socket-grader/bin/grader check "$private/submission" --assignment /opt/assignment/assignments/@NAME@ @ROLE@ \
    --sandbox local --quiet --format "json=$private/report.json" --format "vpl=$private/comments" \
    > /dev/null 2> "$private/log"
if [ -s "$private/comments" ]; then
    cat "$private/comments"
    # -I: the submission lies in this folder, and its json.py must not be imported.
    /opt/socket-grader/bin/python -I - "$private/report.json" "${VPL_GRADEMIN:-0}" "${VPL_GRADEMAX:-10}" <<'PYTHON'
import json, pathlib, sys
report, least, most = json.loads(pathlib.Path(sys.argv[1]).read_text()), float(sys.argv[2]), float(sys.argv[3])
if report["grader"]["sandbox"] != "local, in namespaces of its own":
    print("Comment :=>>-No grade: the program had no namespaces of its own. Show this to your instructor.")
elif report["unjudged"]:
    print("Comment :=>>-No grade yet: not everything could be judged. Evaluate again, or show this to your instructor.")
elif report["max_score"]:
    print(f"Grade :=>> {least + (most - least) * report['score'] / report['max_score']:.2f}")
PYTHON
else
    sed 's/^/Comment :=>>/' "$private/log"
fi
rm -rf "$private"
END
chmod +x vpl_execution
