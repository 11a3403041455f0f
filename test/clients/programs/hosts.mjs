// Loaded before a program: says on standard error whom it asks, one line a request.
const { fetch } = globalThis;
globalThis.fetch = (resource, options) => {
  process.stderr.write(`${new URL(resource.url ?? resource).host}\n`);
  return fetch(resource, options);
};
