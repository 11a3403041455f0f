import { readFileSync } from 'node:fs';
import { ProxyError } from '../../error.ts';
import { asCount, parseObject } from '../json.ts';

/** Reads tokens of Microsoft Entra ID from files that somebody else renews. */
export interface TokenFiles {
  /** The token of a file, or why there is none. It is at most a second older than the file. */
  read(file: string): string | ProxyError;
}

interface KnownToken {
  readonly token: string | ProxyError;
  /** From `exp`. Infinity where the token does not say. */
  readonly expiresAtMs: number;
  readonly readAtMs: number;
}

const rereadMs = 1_000;
/** No token is larger. */
const maxTokenBytes = 16_384;

/** Makes a reader that reads each file at most once in a second, and only while calls need it. */
export function makeTokenFiles(nowMs: () => number = Date.now): TokenFiles {
  const known = new Map<string, KnownToken>();
  return {
    read(file) {
      const now = nowMs();
      let found = known.get(file);
      if (!found || now - found.readAtMs >= rereadMs || now < found.readAtMs) {
        found = { ...readToken(file), readAtMs: now };
        known.set(file, found);
      }
      return found.expiresAtMs > now ? found.token : problemOf(file, 'its token has expired');
    },
  };
}

function readToken(file: string): Omit<KnownToken, 'readAtMs'> {
  const never = Number.POSITIVE_INFINITY;
  try {
    const token = readFileSync(file, 'utf8').trim();
    // What a header cannot hold. The message must not quote it.
    if (!/^[!-~]+$/.test(token) || token.length > maxTokenBytes)
      return { token: problemOf(file, 'it has no token'), expiresAtMs: never };
    return { token, expiresAtMs: expiryOf(token) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    return { token: problemOf(file, `it cannot be read${code}`), expiresAtMs: never };
  }
}

/** When a token ends, by its own word. Azure checks the token; this only saves a request that it would refuse. */
function expiryOf(token: string): number {
  const [, claims = ''] = token.split('.');
  const seconds = asCount(parseObject(Buffer.from(claims, 'base64url').toString('utf8'))?.exp);
  return seconds === null ? Number.POSITIVE_INFINITY : seconds * 1_000;
}

function problemOf(file: string, why: string): ProxyError {
  const message = `there is no Entra token for the provider: entra.tokenFile is ${file}, and ${why}`;
  return new ProxyError('upstream_no_credential', { message });
}
