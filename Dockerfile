# Linecard's image: the binary, ffmpeg and an init on slim Debian.
# The final stage is proven without Docker by scripts/check-image, which reads this file;
# it understands the plain forms used here and stops at any other.

# The builder runs on this machine's own processor, and compiles for the one that the image is for:
# docker buildx build --platform linux/amd64,linux/arm64 .
FROM --platform=$BUILDPLATFORM rust:1.95-bookworm AS builder
ARG TARGETARCH
WORKDIR /build
# For another processor: its C compiler, and Rust's standard library for it.
RUN case "$TARGETARCH" in \
        amd64) cpu=x86_64 ;; \
        arm64) cpu=aarch64 ;; \
        *) echo "no build for $TARGETARCH" >&2; exit 1 ;; \
    esac; \
    echo "$cpu-unknown-linux-gnu" >/target; \
    [ "$cpu" = "$(uname -m)" ] || { \
        apt-get update && rustup target add "$cpu-unknown-linux-gnu" \
        && apt-get install -y --no-install-recommends "gcc-$(echo "$cpu" | tr _ -)-linux-gnu" "libc6-dev-$TARGETARCH-cross"; \
    }
ENV CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc
# .dockerignore lists what the build needs, so "everything" is a short list here.
COPY . .
# The cache mounts keep crates and compiled dependencies between builds, without a second, fake
# source tree that must be kept in step with the true one. A cache mount is not part of the layer,
# hence the copy at the end.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --profile dist --locked --bin linecard --target "$(cat /target)" \
    && cp "target/$(cat /target)/dist/linecard" /usr/local/bin/linecard

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title=Linecard
LABEL org.opencontainers.image.description="The panel server of a small television operator"
LABEL org.opencontainers.image.licenses="MIT OR Apache-2.0"
# tini: as process 1 the server would have to reap ffmpeg's orphans itself.
# ca-certificates: sources of streams are fetched over https.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates ffmpeg tini \
    && rm -rf /var/lib/apt/lists/*
# A fixed uid, so that the owner of a bind-mounted /data can be set before the first start.
# /data is made before VOLUME: a new volume takes its owner and mode from the image.
RUN groupadd --gid 10001 linecard \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin linecard \
    && install -d -o linecard -g linecard -m 0750 /data
COPY --from=builder /usr/local/bin/linecard /usr/local/bin/linecard
ENV LINECARD_DATA=/data
VOLUME /data
EXPOSE 8080
# By number: orchestrators that refuse root can only judge a number.
USER 10001:10001
# An old, large database may need an upgrade at start: failures do not count in the first 30 s.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["linecard", "healthcheck"]
ENTRYPOINT ["tini", "--", "linecard"]
CMD ["serve"]
