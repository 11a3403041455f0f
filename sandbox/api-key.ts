import type { IncomingMessage } from 'node:http';
import { ProviderError } from './provider-error.ts';

/** The bearer key of a request; null without one. */
export function apiKey(request: IncomingMessage): string | null {
  return /^Bearer +(\S+)\s*$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
}

/** Requires a bearer key; any will do. @throws ProviderError 401 */
export function requireApiKey(request: IncomingMessage): void {
  if (apiKey(request) !== null) return;
  throw new ProviderError(
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. " +
      'Authorization: Bearer YOUR_KEY).',
    { status: 401 },
  );
}
