# wukong-pipe in an image, for NVIDIA GPUs or, with PyTorch's index of CPU builds, for CPUs. Linted with hadolint; it
# has not been built yet.
#
#   docker build --tag wukong-pipe:cuda .
#   docker build --tag wukong-pipe:cpu --build-arg PIP_EXTRA_INDEX_URL=ADDRESS .   # that pytorch.org names for CPU
#   docker run --rm --volume "$PWD:/work" --user "$(id -u):$(id -g)" wukong-pipe:cpu build docs/ --teacher offline
#   docker run --rm --volume "$PWD:/work" --user "$(id -u):$(id -g)" --gpus all wukong-pipe:cuda train
#
# A teacher's key comes in with `--env OPENAI_API_KEY`. `review` and `serve` listen on 127.0.0.1 of the container, so
# that they need `--network host`.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

# Nothing is compiled: a slim image without a compiler is enough, and pip's PyTorch brings the CUDA libraries.
FROM python:${PYTHON}-slim
ARG EXTRAS=train,report,review,convert
# Read by pip itself; without it, packages come from where pip is used to take them.
ARG PIP_EXTRA_INDEX_URL
ENV HOME=/home/wukong PYTHONUNBUFFERED=1
# Whoever runs it with --user needs a home for the caches, too.
RUN useradd --uid 1000 --create-home --home-dir "$HOME" wukong && chmod 1777 "$HOME"
# A layer of its own for PyTorch, which changes least and weighs most. Of one version pip prefers the "+cpu" build.
RUN --mount=type=bind,source=constraints.txt,target=/constraints.txt \
    pip install --no-cache-dir --constraint /constraints.txt torch
RUN --mount=type=bind,source=constraints.txt,target=/constraints.txt \
    --mount=type=bind,from=wheel,source=/dist,target=/dist \
    pip install --no-cache-dir --constraint /constraints.txt "$(echo /dist/*.whl)[${EXTRAS}]"
USER 1000
WORKDIR /work
ENTRYPOINT ["wukong-pipe"]
CMD ["--help"]
