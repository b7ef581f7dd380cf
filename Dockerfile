# Two images for one grading: `sandbox` runs the student's program under the warden and holds none of the checks,
# `driver` plays the checks from its own file system.  Neither ever has a network; only building needs one.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS python
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*
ENV PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8

FROM python AS packages
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv
COPY requirements-driver.txt /
RUN python3 -m venv --without-pip /opt/driver \
    && python3 -m venv /opt/installer \
    && /opt/installer/bin/pip --python /opt/driver/bin/python install --no-cache-dir -q -r /requirements-driver.txt

FROM python AS driver
COPY --from=packages /opt/driver /opt/driver
COPY grader /opt/grader/grader
ENV PYTHONPATH=/opt/grader
RUN /opt/driver/bin/python -m compileall -q /opt/grader
ENTRYPOINT ["/opt/driver/bin/python", "-P", "-m", "grader.driver", "unix:/run/grader/warden.sock"]

FROM python AS sandbox
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends gcc libc6-dev make \
    && rm -rf /var/lib/apt/lists/*
COPY grader/link /opt/grader/grader/link/
COPY grader/sandbox/__init__.py \
    grader/sandbox/executables.py \
    grader/sandbox/leftovers.py \
    grader/sandbox/memory.py \
    grader/sandbox/proc.py \
    grader/sandbox/seccomp.py \
    grader/sandbox/users.py \
    grader/sandbox/warden.py \
    grader/sandbox/workfolder.py \
    /opt/grader/grader/sandbox/
ENV PYTHONPATH=/opt/grader
RUN python3 -m compileall -q /opt/grader
ENTRYPOINT ["/usr/bin/python3", "-P", "-m", "grader.sandbox.warden"]
