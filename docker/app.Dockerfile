# The image of the pages, the API, the workers and the clock: no torch in it (docs/containers.md).
#
#   docker build -f docker/app.Dockerfile --build-arg NODE_IMAGE=node:22-slim@sha256:… \
#     --build-arg BASE_IMAGE=python:3.11-slim@sha256:… .
#
# NODE_IMAGE   required, by digest: Node.js 20.19 or newer; nothing of it is in the image
# BASE_IMAGE   required, by digest: any image with Python 3.11 and pip
ARG NODE_IMAGE
ARG BASE_IMAGE

FROM ${NODE_IMAGE} AS pages
ARG NODE_IMAGE
RUN case "${NODE_IMAGE}" in *@sha256:*) ;; \
      *) echo "NODE_IMAGE=${NODE_IMAGE}: name it by digest (name@sha256:...)" >&2; exit 1 ;; esac
WORKDIR /build
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY frontend ./
RUN npm run build

FROM ${BASE_IMAGE} AS packages
ARG BASE_IMAGE
RUN case "${BASE_IMAGE}" in *@sha256:*) ;; \
      *) echo "BASE_IMAGE=${BASE_IMAGE}: name it by digest (name@sha256:...)" >&2; exit 1 ;; esac \
 && python3 -c 'import sys; sys.exit(None if sys.version_info[:2] == (3, 11) else "BASE_IMAGE must bring Python 3.11")' \
 && python3 -m venv --without-pip /opt/venv
COPY requirements/app-hashes.txt /build/
RUN python3 -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --no-deps --only-binary :all: \
      --require-hashes -r /build/app-hashes.txt \
 && python3 -m pip --python /opt/venv/bin/python check
COPY manage.py /opt/app/
COPY config /opt/app/config
COPY ml /opt/app/ml
COPY compute /opt/app/compute
COPY accounts /opt/app/accounts
COPY annotation /opt/app/annotation
COPY training /opt/app/training
COPY inference /opt/app/inference
# Byte code that does not hold the time of the build.
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib /opt/app

FROM ${BASE_IMAGE} AS app
ARG BASE_IMAGE
ARG REVISION=""
# The same user as in the model's image: the two share the folder of jobs and models.
RUN groupadd --gid 10001 aiguilleur \
 && useradd --uid 10001 --gid aiguilleur --no-log-init --create-home --shell /usr/sbin/nologin aiguilleur \
 && install -d -o aiguilleur -g aiguilleur -m 0700 /var/lib/aiguilleur /run/aiguilleur
COPY --from=packages /opt/venv /opt/venv
COPY --from=packages /opt/app /opt/app
COPY --from=pages /build/dist /opt/app/frontend/dist
COPY docker/healthy.py /opt/app/docker/healthy.py
WORKDIR /opt/app
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AIGUILLEUR_HOME=/var/lib/aiguilleur \
    TMPDIR=/run/aiguilleur \
    HOST=0.0.0.0 \
    PORT=8000 \
    MPLCONFIGDIR=/tmp/matplotlib
LABEL org.opencontainers.image.title="aiguilleur-app" \
      org.opencontainers.image.description="The pages, the API and the workers of Aiguilleur" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE_IMAGE}" \
      org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["python3", "docker/healthy.py"]
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "config.door.DoorWorker", "--workers", "2", \
     "--threads", "16", "--preload", "--timeout", "60", "--graceful-timeout", "10"]
