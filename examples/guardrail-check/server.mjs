// An external check for guardrails (docs/guardrails.md). It objects to texts with one of the given words.
//
//   PORT=8080 node server.mjs confidential "project falcon"
import { createServer } from 'node:http';

const words = process.argv.slice(2).map((word) => word.toLowerCase());

const server = createServer(async (request, response) => {
  const chunks = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
    const { version, texts } = JSON.parse(Buffer.concat(chunks).toString());
    if (version !== 1) throw new TypeError(`Version ${version} is not known`);
    const isFound = texts.some((text) => words.some((word) => text.toLowerCase().includes(word)));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ verdict: isFound ? 'block' : 'pass' }));
  } catch (error) {
    // The proxy takes any other status for an error, and the rule's onError says what happens then.
    response.writeHead(400).end(String(error));
  }
});

server.listen(Number(process.env.PORT ?? 8080), () => {
  process.stdout.write(`${JSON.stringify(server.address())}\n`);
});
