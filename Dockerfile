# The server as an image: without compilers, without the embedded PostgreSQL (give it DATABASE_URL), not as root.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node scripts/build.ts
RUN npm prune --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production HOOKWRIGHT_HOST=0.0.0.0 HOOKWRIGHT_DATA=/data
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/bin ./bin
COPY --from=build /build/dist ./dist
# The pages that the server serves under /docs.
COPY --from=build /build/docs ./docs
COPY --from=build /build/examples ./examples
COPY --from=build /build/CHANGELOG.md /build/SECURITY.md ./
RUN ln -s /app/bin/hookwright.js /usr/local/bin/hookwright && mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/livez').then(({ok}) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["hookwright"]
CMD ["serve"]
