import type { Agent, IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { ProxyError } from '../error.ts';
import type { EntraTokens } from '../providers/azure/entra-tokens.ts';
import type { ProviderTable } from '../providers/table.ts';
import type { RoutedKey } from '../snapshot/snapshot.ts';

export interface Dial {
  readonly key: RoutedKey;
  /** Below the provider's base URL, as OpenAI has it, with the query. */
  readonly path: string;
  /** The provider's name for the model. Undefined: the session is about none. */
  readonly model: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxMessageBytes: number;
}

export interface DialOptions {
  readonly providers: ProviderTable;
  /** Credentials that no ApiKeyBinding has. */
  readonly entraTokens: EntraTokens;
  /** How an address is reached. Undefined: directly. */
  readonly agentFor: (url: URL) => Promise<Agent | undefined>;
}

/** The provider has answered, and does not open a session. */
export class UpgradeRefused extends Error {
  override readonly name = 'UpgradeRefused';
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Without the provider key, should the provider quote it. */
  readonly body: string;

  constructor(status: number, headers: IncomingMessage['headers'], body: string) {
    super(`The provider answers the upgrade with ${status}`);
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** A session with a provider. */
export interface Dialled {
  readonly socket: WebSocket;
  /** Removes the provider key from a message, should the provider quote it. */
  readonly redact: (text: string) => string;
}

const connectMs = 10_000;
/** A larger answer to an upgrade is cut. */
const maxRefusalBytes = 64 * 1024;

/**
 * Opens a WebSocket to a provider. Nothing is read of it until it is resumed.
 *
 * @throws {UpgradeRefused} where it answers in HTTP; {ProxyError} `upstream_…` where it does not answer
 */
export async function dial({ providers, entraTokens, agentFor }: DialOptions, asked: Dial): Promise<Dialled> {
  const { provider } = asked.key;
  const { authorize, headers: defaults, place } = providers[provider.type];
  const { azure } = provider;
  const secret = (azure?.usesTokens && (await entraTokens(azure))) || asked.key.secret;
  if (secret instanceof ProxyError) throw secret;
  const redact = (text: string) => (text.includes(secret) ? text.replaceAll(secret, '[redacted]') : text);
  const path = provider.basePath + (place ? place(provider, asked.path, asked.model) : asked.path);
  const url = new URL(provider.origin + path);
  const agent = await agentFor(url);
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.href.replace(/^http/, 'ws'), {
      headers: { ...defaults, ...asked.headers, ...authorize(secret, provider) },
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: provider.connectTimeoutMs ?? connectMs,
      maxPayload: asked.maxMessageBytes,
      ...(agent && { agent }),
    });
    socket.once('open', () => {
      // The first message may be here already, and its reader is not.
      socket.pause();
      socket.removeAllListeners('error');
      resolve({ socket, redact });
    });
    socket.once('unexpected-response', (_request, answer) => {
      readBeginning(answer).then((body) => {
        socket.terminate();
        reject(new UpgradeRefused(answer.statusCode ?? 502, answer.headers, redact(body)));
      }, reject);
    });
    socket.on('error', (cause: Error) => {
      const isLate = /timed out/i.test(cause.message);
      reject(new ProxyError(isLate ? 'upstream_timeout' : 'upstream_unreachable', { cause }));
    });
  });
}

async function readBeginning(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer) {
    text += String(chunk);
    if (text.length > maxRefusalBytes) break;
  }
  return text;
}
