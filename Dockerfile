# The images of a grading: `sandbox` runs the student's program under the warden and holds none of the checks, `driver`
# plays the checks from its own file system.  Neither ever has a network; only building needs one.  And `grader`, the
# image with everything, for where there is no engine to start those two.
#
# `grader image build` builds them and lays out what is copied here: `warden/`, `driver/` and `host/`, each the project's
# files that run in that image (grader/sandbox/images.py).  There is one `sandbox` for each set of languages: the packages
# come before our own files, so that an update of the grader installs none of them again.
ARG BASE=debian:bookworm-slim
# What the warden is laid into: what is installed here, or an instructor's own image.
ARG SANDBOX=toolchains

FROM ${BASE} AS python
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin

FROM python AS packages
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv
COPY requirements-driver.txt /
RUN python3 -m venv --without-pip /opt/driver \
    && python3 -m venv /opt/installer \
    && /opt/installer/bin/pip --python /opt/driver/bin/python install --no-cache-dir -q -r /requirements-driver.txt

# What reads a program's stack, with all that it needs: it runs in any image, whatever C library that has.
FROM packages AS tools
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends elfutils \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
RUN /opt/installer/bin/pip install --no-cache-dir -q 'py-spy>=0.4,<0.5' \
    && mkdir -p /opt/tools/lib \
    && cp /opt/installer/bin/py-spy /usr/bin/eu-stack /opt/tools/lib/ \
    && cp -L $(ldd /opt/tools/lib/py-spy /opt/tools/lib/eu-stack | grep -o '/[^ ]*\.so[^ ]*' | sort -u) /opt/tools/lib/ \
    && for name in py-spy eu-stack; do \
        printf '#!/bin/sh\nexec %s --library-path %s %s/%s "$@"\n' \
            /opt/tools/lib/ld-linux-*.so.* /opt/tools/lib /opt/tools/lib $name > /opt/tools/$name; \
    done \
    && chmod 0755 /opt/tools/py-spy /opt/tools/eu-stack \
    && /opt/tools/py-spy --version > /dev/null \
    && /opt/tools/eu-stack --version > /dev/null

FROM python AS driver
COPY --from=packages /opt/driver /opt/driver
COPY driver /opt/grader
ENV PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8 PYTHONPATH=/opt/grader
RUN /opt/driver/bin/python -m compileall -q /opt/grader
# Loading makes no garbage, and looking for it takes time (as in the local sandbox, nest.py).
ENTRYPOINT ["/opt/driver/bin/python", "-P", "-c", "import gc; gc.disable(); from grader.driver.__main__ import main; gc.freeze(); gc.enable(); raise SystemExit(main('unix:/run/grader/warden.sock'))"]

FROM python AS toolchains
ARG BASE_PACKAGES="gcc g++ libc6-dev make"
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ${BASE_PACKAGES} \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
ARG PACKAGES=""
RUN [ -z "${PACKAGES}" ] || { apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ${PACKAGES} \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin; }
# What installs is removed again in the same layer.  A package of npm lies where every program looks for it (/work is
# where programs are), whichever way it imports it; npm itself can't install there.
ARG PIP=""
RUN [ -z "${PIP}" ] || { apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends python3-pip \
    && python3 -m pip install --no-cache-dir -q --root-user-action=ignore --break-system-packages ${PIP} \
    && apt-get purge -y -qq --auto-remove python3-pip \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin; }
ARG NPM=""
RUN [ -z "${NPM}" ] || { apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends npm \
    && npm install --prefix /opt/npm --no-save --no-audit --no-fund --loglevel=error --logs-max=0 \
        --cafile=/etc/ssl/certs/ca-certificates.crt ${NPM} \
    && mv /opt/npm/node_modules / \
    && apt-get purge -y -qq --auto-remove npm \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /root/.npm; }

FROM ${SANDBOX} AS sandbox
USER 0:0
WORKDIR /
HEALTHCHECK NONE
RUN python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
    || { echo 'it must have python3, of version 3.11 or newer'; exit 1; }
COPY --from=tools /opt/tools /opt/tools
COPY warden /opt/grader
RUN python3 -m compileall -q /opt/grader
# The image's environment is the program's: ours is kept out of it, and what it says to Python says nothing to the warden.
ENTRYPOINT ["python3", "-I", "-X", "utf8", "-c", "import sys; sys.path.insert(0, '/opt/grader'); from grader.sandbox.warden import main; main()"]

# The image with everything, for CI jobs and machines that have no container engine inside: the command, and what
# programs need, in one container.  The program runs beside the grader, as a user of its own if the container's is root.
FROM packages AS command
COPY requirements-grader.txt /
RUN python3 -m venv --without-pip /opt/grader \
    && /opt/installer/bin/pip --python /opt/grader/bin/python install --no-cache-dir -q -r /requirements-grader.txt
COPY host /opt/grader/host
RUN echo /opt/grader/host >"$(/opt/grader/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/grader.pth" \
    && printf '#!/opt/grader/bin/python -I\nfrom grader.__main__ import main\n\nmain()\n' >/opt/grader/bin/grader \
    && chmod 755 /opt/grader/bin/grader \
    && /opt/grader/bin/python -m compileall -q /opt/grader

FROM toolchains AS grader
COPY --from=tools /opt/tools /opt/tools
COPY --from=command /opt/grader /opt/grader
RUN ln -s /opt/grader/bin/grader /usr/local/bin/grader
ENV LANG=C.UTF-8 GRADER_SANDBOX=local
WORKDIR /submission
HEALTHCHECK NONE
# As the first process of a container, the command would not hear SIGTERM.
STOPSIGNAL SIGINT
ENTRYPOINT ["grader"]
