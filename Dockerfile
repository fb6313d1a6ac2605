# syntax=docker/dockerfile:1
# `base` is NVIDIA's image of the CUDA runtime and no more: torch's wheels bring the libraries built on it, so `runtime`
# would hold these twice.
ARG CUDA_IMAGE=nvidia/cuda:13.0.2-base-ubuntu24.04

FROM ${CUDA_IMAGE} AS python
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3

FROM python AS builder
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3-venv
RUN python3 -m venv /opt/ssd-det
ENV PATH=/opt/ssd-det/bin:$PATH
WORKDIR /build
# The dependencies first: this layer, by far the largest, is built again only when their versions change. pip installs
# nothing whose hash is another than that of constraints.txt.
COPY constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip pip install --require-hashes -r constraints.txt
COPY pyproject.toml ./
COPY README.md LICENSE ./
COPY configs configs
COPY ssd_det ssd_det
RUN --mount=type=cache,target=/root/.cache/pip pip install --no-deps .

FROM python
LABEL org.opencontainers.image.title="ssd-det" \
      org.opencontainers.image.description="Better bounding boxes for detection data sets, learnt from the inaccurate boxes alone" \
      org.opencontainers.image.licenses="MIT"
# Any --user may write to this home, where torch, matplotlib and wandb keep what they cache; torch asks for a name too.
ENV PATH=/opt/ssd-det/bin:$PATH \
    HOME=/home/ssd-det \
    USER=ssd-det \
    PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --create-home --home-dir /home/ssd-det ssd-det && chmod 1777 /home/ssd-det
COPY --from=builder /opt/ssd-det /opt/ssd-det
USER ssd-det
WORKDIR /work
ENTRYPOINT ["ssd-det"]
CMD ["--help"]
