# A server in a container: built from source in one stage, run in another that has the production dependencies and
# nothing else, by a user who owns nothing. It listens on every interface, so it wants a password:
#
#   docker build -t nearkey .
#   docker run -d -p 7379:7379 -p 6379:6379 -e NEARKEY_PASSWORD=… nearkey
#   docker exec -it … node dist/cli.js cli
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && rm dist/engine.debug.wasm

FROM node:24-slim AS dependencies
WORKDIR /dependencies
COPY package.json package-lock.json ./
# Without the last two, a library's optional peer brings the compiler that the lock file holds for development.
RUN npm ci --omit=dev --omit=optional --omit=peer

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /dependencies/node_modules node_modules
COPY --from=build /build/package.json /build/LICENSE ./
COPY --from=build /build/dist dist
USER node
EXPOSE 7379 6379
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["node", "dist/cli.js", "health"]
ENTRYPOINT ["node", "dist/cli.js"]
CMD ["serve", "--host", "0.0.0.0"]
