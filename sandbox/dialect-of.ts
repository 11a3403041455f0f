import type { IncomingMessage } from 'node:http';
import { azureDialect, isAzure } from './azure.ts';
import { anthropicDialect, type Dialect, openAiDialect } from './dialect.ts';

/** The dialect of a request: Azure's below `/openai`, Anthropic's where it has Anthropic's header, or is for Anthropic's own endpoint. */
export function dialectOf({ headers, url = '' }: IncomingMessage): Dialect {
  if (isAzure(url)) return azureDialect;
  return headers['anthropic-version'] !== undefined || /^\/v1\/messages\b/.test(url) ? anthropicDialect : openAiDialect;
}
