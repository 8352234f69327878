# The program alone, on a small base, as nobody. `docker build -t drawbridge .`
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Without scripts: nothing that is installed may run. (The npm package `node`, which has one, is for checkouts.)
RUN npm ci --ignore-scripts
COPY scripts ./scripts
COPY src ./src
# Then without development tools, and without what only they read: types and source maps are a third of it.
RUN PATH="$PWD/node_modules/.bin:$PATH" node scripts/build.ts \
  && npm prune --omit=dev --ignore-scripts \
  && find node_modules -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' \) -delete

FROM gcr.io/distroless/nodejs24-debian12:nonroot
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY policies ./policies
EXPOSE 8443 8080
ENTRYPOINT ["/nodejs/bin/node", "dist/cli.js"]
CMD ["serve", "--host", "0.0.0.0"]
