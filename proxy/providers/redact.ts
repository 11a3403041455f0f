import { Transform } from 'node:stream';

/** What stands in the place of a provider key that the provider itself quotes, in an error most often. */
const redacted = '[redacted]';

/** The bytes without the secret. */
export function withoutSecret(bytes: Buffer, secret: string): Buffer {
  return secret === '' ? bytes : replaceBytes(bytes, toBytes(secret));
}

/** @param bytesOfSecret each as one Latin-1 character, which is found fastest */
function replaceBytes(bytes: Buffer, bytesOfSecret: string): Buffer {
  if (!bytes.includes(bytesOfSecret, 0, 'latin1')) return bytes;
  return Buffer.from(bytes.toString('latin1').replaceAll(bytesOfSecret, redacted), 'latin1');
}

function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** The value of a header without the secret. */
export function withoutSecretInHeader(value: string | string[], secret: string): string | string[] {
  if (Array.isArray(value)) return value.map((one) => replaceIn(one, secret));
  return replaceIn(value, secret);
}

function replaceIn(text: string, secret: string): string {
  return secret !== '' && text.includes(secret) ? text.replaceAll(secret, redacted) : text;
}

/** Takes a secret out of bytes that pass in chunks, of which the secret may be in two. */
export interface Redactor {
  /** Returns the chunk itself where there is nothing to do; else what can be said already, which may be nothing. */
  push(chunk: Buffer): Buffer;
  /** What was held back as it could have become the secret. */
  end(): Buffer;
}

const nothing: Buffer = Buffer.alloc(0);

export function makeRedactor(secret: string): Redactor {
  if (secret === '') return { push: (chunk) => chunk, end: () => nothing };
  const key = Buffer.from(secret);
  const bytesOfSecret = toBytes(secret);
  let held = nothing;
  return {
    push(chunk) {
      const bytes = replaceBytes(held.length === 0 ? chunk : Buffer.concat([held, chunk]), bytesOfSecret);
      const kept = countBegun(bytes, key);
      if (kept === 0) {
        held = nothing;
        return bytes;
      }
      held = bytes.subarray(bytes.length - kept);
      return bytes.subarray(0, bytes.length - kept);
    },
    end() {
      const rest = held;
      held = nothing;
      return rest;
    },
  };
}

/** How many bytes at the end are the beginning of the key. Events end in a line end, which is in no key. */
function countBegun(bytes: Buffer, key: Buffer): number {
  const [first = 0] = key;
  const from = Math.max(0, bytes.length - key.length + 1);
  if (bytes[bytes.length - 1] === 0x0a) return 0;
  for (let at = bytes.indexOf(first, from); at !== -1; at = bytes.indexOf(first, at + 1)) {
    const count = bytes.length - at;
    if (key.subarray(0, count).equals(bytes.subarray(at))) return count;
  }
  return 0;
}

/** The same as a stream. */
export function makeRedactingStream(secret: string): Transform {
  const redactor = makeRedactor(secret);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, redactor.push(chunk));
    },
    flush(done) {
      done(null, redactor.end());
    },
  });
}
