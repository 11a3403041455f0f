import type { IncomingMessage } from 'node:http';
import { isJsonObject, type JsonObject, type JsonValue, nestsWithin } from './json.ts';
import { ProviderError } from './provider-error.ts';

const maxBodyBytes = 256 * 1024 * 1024;
const maxLevels = 100;

/**
 * Reads a request's body to its end.
 *
 * @throws ProviderError 413 beyond 256 MiB; a connection error where the connection breaks
 */
export async function readBody(request: IncomingMessage): Promise<string> {
  return (await readBytes(request)).toString('utf8');
}

/** @throws ProviderError 400 where the body is not a form */
export async function readForm(request: IncomingMessage): Promise<FormData> {
  const bytes = await readBytes(request);
  try {
    const headers = { 'content-type': request.headers['content-type'] ?? '' };
    return await new Response(bytes, { headers }).formData();
  } catch {
    throw new ProviderError('Could not parse multipart form.');
  }
}

async function readBytes(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    // The excess is still read, so that the client gets an answer instead of a broken connection.
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  }
  if (bytes <= maxBodyBytes) return Buffer.concat(chunks);
  throw new ProviderError(`Request body too large: at most ${maxBodyBytes} bytes are read.`, { status: 413 });
}

/** @throws ProviderError 400 unless the text is a JSON object that is not nested too deeply */
export function parseBody(text: string): JsonObject {
  const body = parseJson(text);
  if (!isJsonObject(body)) throw new ProviderError('Invalid body: expected a JSON object.');
  if (!nestsWithin(body, maxLevels)) {
    throw new ProviderError(`Invalid body: objects and arrays may nest ${maxLevels} levels deep.`);
  }
  return body;
}

function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProviderError(
      "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library " +
        'correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)',
    );
  }
}
