# The image of a training and of an endpoint: `docker run IMAGE train`, `docker run IMAGE serve` (docs/containers.md).
#
#   docker build -f docker/model.Dockerfile --build-arg BASE_IMAGE=python:3.11-slim@sha256:… .
#
# BASE_IMAGE   required, by digest: any image with Python 3.11 and pip
# TORCH_INDEX  a package index of torch's builds: which one decides between CPU and GPU. Empty: pip's own index
# REVISION     what the image is made from, for its label
#
# No weights are in here: they come in the artifact, or in the channel `base`.
ARG BASE_IMAGE

FROM ${BASE_IMAGE} AS packages
ARG BASE_IMAGE
ARG TORCH_INDEX=""
RUN case "${BASE_IMAGE}" in *@sha256:*) ;; \
      *) echo "BASE_IMAGE=${BASE_IMAGE}: name it by digest (name@sha256:...)" >&2; exit 1 ;; esac \
 && python3 -c 'import sys; sys.exit(None if sys.version_info[:2] == (3, 11) else "BASE_IMAGE must bring Python 3.11")' \
 && python3 -m venv --without-pip /opt/venv
COPY requirements/container.txt requirements/container-hashes.txt /build/
RUN python3 -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --no-deps --only-binary :all: \
      --require-hashes -r /build/container-hashes.txt
# torch and the CUDA libraries that a GPU build asks for: each index has builds, and so hashes, of its own.
RUN python3 -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --only-binary :all: \
      ${TORCH_INDEX:+--index-url "${TORCH_INDEX}"} "$(grep '^torch==' /build/container.txt)" \
 && python3 -m pip --python /opt/venv/bin/python check
COPY ml /opt/program/ml
# Byte code that does not hold the time of the build; torch's own tests need a newer Python.
RUN /opt/venv/bin/python -m compileall -q -x /torch/testing/ --invalidation-mode unchecked-hash \
      /opt/venv/lib /opt/program

FROM ${BASE_IMAGE} AS programs
RUN groupadd --gid 10001 ml \
 && useradd --uid 10001 --gid ml --no-log-init --create-home --shell /usr/sbin/nologin ml \
 && install -d -o ml -g ml /opt/ml/model /opt/ml/output /opt/ml/checkpoints \
 && install -d -o ml -g ml -m 0700 /var/lib/aiguilleur /run/aiguilleur
COPY --from=packages /opt/venv /opt/venv
COPY --from=packages /opt/program /opt/program
WORKDIR /opt/program
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/program \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1 \
    TRANSFORMERS_OFFLINE=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

# With the local compute backend, one container runs the same two programs for everybody: docker/compose.yml.
FROM programs AS supervisor
COPY compute /opt/program/compute
ENV AIGUILLEUR_HOME=/var/lib/aiguilleur TMPDIR=/run/aiguilleur
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["python3", "-c", \
  "import sys; from compute.spool import Spool; from compute.supervisor.__main__ import default_spool; \
sys.exit(not Spool(default_spool()).supervisor_alive())"]
ENTRYPOINT ["python3", "-m", "compute.supervisor"]

FROM programs AS model
ARG BASE_IMAGE
ARG REVISION=""
LABEL org.opencontainers.image.title="aiguilleur-model" \
      org.opencontainers.image.description="Trains and serves the models of Aiguilleur: train | serve" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE_IMAGE}" \
      org.opencontainers.image.revision="${REVISION}" \
      com.amazonaws.sagemaker.capabilities.accept-bind-to-port="true"
# SageMaker starts containers as root and owns /opt/ml: the program hands its folders to this user and becomes it.
ENV ML_RUN_AS=ml
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["python3", "-m", "ml"]
