/** Replaces a provider key that the provider quotes, mostly in an error. */
const redacted = '[redacted]';

/** A provider key to search for. */
export interface Secret {
  readonly text: string;
  readonly bytes: Buffer;
  /** Each byte as one Latin-1 character, which is the fastest to search. */
  readonly latin1: string;
}

export function makeSecret(text: string): Secret {
  const bytes = Buffer.from(text);
  return { text, bytes, latin1: bytes.toString('latin1') };
}

/** Removes the secret from a header's value. */
export function withoutSecretInHeader(value: string | string[], { text }: Secret): string | string[] {
  if (Array.isArray(value)) return value.map((one) => replaceIn(one, text));
  return replaceIn(value, text);
}

function replaceIn(value: string, text: string): string {
  return text !== '' && value.includes(text) ? value.replaceAll(text, redacted) : value;
}

const nothing: Buffer = Buffer.alloc(0);

/** Removes a secret from passing chunks. The secret may be split between two chunks. */
export class Redactor {
  readonly #secret: Secret;
  #held = nothing;

  constructor(secret: Secret) {
    this.#secret = secret;
  }

  /** @returns the chunk itself where nothing has to change; else the bytes that can already pass, perhaps none */
  push(chunk: Buffer): Buffer {
    const secret = this.#secret;
    if (secret.text === '') return chunk;
    const bytes = withoutSecret(this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]), secret);
    const kept = countBegun(bytes, secret.bytes);
    if (kept === 0) {
      this.#held = nothing;
      return bytes;
    }
    this.#held = bytes.subarray(bytes.length - kept);
    return bytes.subarray(0, bytes.length - kept);
  }

  /** The bytes that were held back because they could have been the beginning of the secret. */
  end(): Buffer {
    const rest = this.#held;
    this.#held = nothing;
    return rest;
  }
}

function withoutSecret(bytes: Buffer, { latin1 }: Secret): Buffer {
  if (!bytes.includes(latin1, 0, 'latin1')) return bytes;
  return Buffer.from(bytes.toString('latin1').replaceAll(latin1, redacted), 'latin1');
}

/** How many bytes at the end are the beginning of the key. Events end with a line break, which no key contains. */
function countBegun(bytes: Buffer, key: Buffer): number {
  if (bytes[bytes.length - 1] === 0x0a) return 0;
  const [first = 0] = key;
  const from = Math.max(0, bytes.length - key.length + 1);
  for (let at = bytes.indexOf(first, from); at !== -1; at = bytes.indexOf(first, at + 1)) {
    const count = bytes.length - at;
    if (key.subarray(0, count).equals(bytes.subarray(at))) return count;
  }
  return 0;
}
