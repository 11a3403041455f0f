# Name it by its digest where you build what others run: --build-arg NODE_IMAGE=node:26.10.0-slim@sha256:...
ARG NODE_IMAGE=node:26.10.0-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No package needs its install script for the bundle.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# Not `npm run build`: what is compiled ahead is of use only to the very Node that did it, which is this image's.
RUN node scripts/build.ts

FROM ${NODE_IMAGE}
# One heap of malloc's for all threads, of which one alone does most of it.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
# Large bodies go back to the system as soon as they are free: by itself malloc comes to keep them.
ENV MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072
COPY --from=build /build/dist /app
# By number, so that Kubernetes can tell that it is not root; the sidecar's own, which no application has. Nothing below / is written to; --data names a volume.
USER 60812:60812
EXPOSE 8000 8001
# These keep a sidecar small; cli/local/proxies.ts says how.
ENTRYPOINT ["node", "--max-semi-space-size=8", "--heap-growing-percent=30", "--managed-zone-memory", "--memory-pool-timeout=1", "/app/chaperone.js"]
CMD ["--help"]
