import {
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  randomFillSync,
} from 'node:crypto';

/**
 * An organization's data keys. They encrypt its provider keys, persona texts and message contents. The organization's
 * Secret has a file of this shape; the database never has the keys.
 */
export interface DataKeySet {
  /** Id of the key that new values are encrypted with. */
  readonly current: string;
  /**
   * By key id (1 to 32 characters of `a-z0-9-`), 32 bytes each in base64. Older keys stay as long as values use them.
   */
  readonly keys: Readonly<Record<string, string>>;
  /** When each key was issued, and from when it was used, in seconds since 1970. Rotation needs them. */
  readonly issuedAtS?: Readonly<Record<string, number>>;
  readonly usedFromS?: Readonly<Record<string, number>>;
  /** Keys that were issued before this have leaked, in seconds since 1970. Absent: none has. */
  readonly leakedBeforeS?: number;
}

/**
 * A namespace's keys. They encrypt the provider keys, persona texts and analysis configs that serve only its pods. A
 * file in the namespace's Secret lists them; it has the keys of that namespace only.
 */
export interface NamespaceKeySet extends Pick<DataKeySet, 'current' | 'keys'> {
  readonly namespace: string;
}

/** The column and row that a value belongs to. They are authenticated, so the value opens nowhere else. */
export interface EnvelopePlace {
  readonly organizationId: string;
  /** `table.column` */
  readonly column: string;
  readonly rowId: string;
}

/** Encrypts and decrypts one organization's values. */
export interface Envelope {
  seal(place: EnvelopePlace, plaintext: string | Uint8Array): Buffer;
  /** Begins to seal a value whose end is not known yet. */
  begin(place: EnvelopePlace): OpenSeal;
  /**
   * @throws {EnvelopeError} where the key is unknown, or the value was changed, was cut, or belongs to another place
   */
  open(place: EnvelopePlace, sealed: Uint8Array): Buffer;
  /** Whether the current key sealed the value, rather than a replaced one. */
  isCurrent(sealed: Uint8Array): boolean;
  /**
   * A keyed digest of a text, for look-ups. Nobody without the current data key can make or check the digest.
   *
   * @param purpose separates digests: those of two purposes never match
   */
  digest(organizationId: string, purpose: string, text: string): Buffer;
  /**
   * A key for digests that are compared for longer than a data key is current. It derives from the oldest data key, which
   * stays when data keys are replaced.
   *
   * @returns 32 bytes
   */
  lastingKey(organizationId: string, purpose: string): Buffer;
  /** Keys for signatures that end with the data key: one derives from each, that of the current one first. */
  derivedKeys(organizationId: string, purpose: string): readonly DerivedKey[];
}

export interface DerivedKey {
  /** 32 bytes. */
  readonly key: Buffer;
  /** From when another data key was used in its place; 0 where that is not known. Undefined: none is used yet. */
  readonly replacedAtS: number | undefined;
  /** Whether it was replaced since it had leaked: others may have made any signature of it. */
  readonly hasLeaked: boolean;
}

/** A value that is being sealed. */
export interface OpenSeal {
  /** @param plaintext must stay as it is until the end */
  add(plaintext: string | Uint8Array): void;
  /** @returns the sealed value. Add nothing afterwards. */
  end(): Buffer;
}

export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';
  readonly code: 'unknown_key' | 'malformed' | 'not_authentic';

  constructor(code: EnvelopeError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const version = 1;
const nonceLength = 12;
const tagLength = 16;

/**
 * AES-256-GCM envelopes (NIST SP 800-38D: 96-bit random nonce, 128-bit tag).
 * Layout: version (1 byte), length of the key id (1), key id, nonce (12), ciphertext, tag (16).
 * The additional authenticated data is version, key id, organization, column and row.
 */
export function makeEnvelope(dataKeys: DataKeySet): Envelope {
  const keys = new Map(Object.entries(dataKeys.keys).map(([id, base64]) => [id, importKey(id, base64)]));
  const currentKey = keys.get(dataKeys.current);
  if (!currentKey)
    throw new EnvelopeError('unknown_key', `The current data key "${dataKeys.current}" is not in the set`);
  const header = Buffer.concat([Buffer.from([version, dataKeys.current.length]), Buffer.from(dataKeys.current)]);
  const oldestKey = keys.get(inOrder(dataKeys)[0] ?? '') ?? currentKey;
  const nextNonce = makeNonceSource();
  const begin = (place: EnvelopePlace): OpenSeal => {
    const nonce = nextNonce();
    const cipher = createCipheriv('aes-256-gcm', currentKey, nonce);
    cipher.setAAD(authenticated(dataKeys.current, place));
    return new Sealing(cipher, header, nonce);
  };

  return {
    begin,
    seal(place, plaintext) {
      const sealing = begin(place);
      sealing.add(plaintext);
      return sealing.end();
    },
    open(place, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const idLength = bytes[1] ?? 0;
      const nonceStart = 2 + idLength;
      const bodyStart = nonceStart + nonceLength;
      if (bytes[0] !== version || bytes.length < bodyStart + tagLength) {
        throw new EnvelopeError('malformed', `${place.column} of ${place.rowId} is not an envelope`);
      }
      const keyId = bytes.toString('utf8', 2, nonceStart);
      const key = keys.get(keyId);
      if (!key) throw new EnvelopeError('unknown_key', `${place.column} of ${place.rowId} needs data key "${keyId}"`);
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(nonceStart, bodyStart), {
        authTagLength: tagLength,
      });
      decipher.setAAD(authenticated(keyId, place));
      decipher.setAuthTag(bytes.subarray(bytes.length - tagLength));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(bodyStart, bytes.length - tagLength)), decipher.final()]);
      } catch (cause) {
        throw new EnvelopeError('not_authentic', `${place.column} of ${place.rowId} does not open here`, { cause });
      }
    },
    isCurrent: (sealed) => header.equals(sealed.subarray(0, header.length)),
    digest(organizationId, purpose, text) {
      const key = hkdfSync('sha256', currentKey, '', `chaperone\ndigest\n${organizationId}\n${purpose}`, 32);
      return createHmac('sha256', Buffer.from(key)).update(text).digest();
    },
    lastingKey: (organizationId, purpose) =>
      Buffer.from(hkdfSync('sha256', oldestKey, '', `chaperone\nlasting\n${organizationId}\n${purpose}`, 32)),
    derivedKeys(organizationId, purpose) {
      const ordered = inOrder(dataKeys);
      const currentAt = ordered.indexOf(dataKeys.current);
      const derived = ordered.map((id, index) => {
        const from = keys.get(id) ?? currentKey;
        const key = Buffer.from(hkdfSync('sha256', from, '', `chaperone\nderived\n${organizationId}\n${purpose}`, 32));
        if (index >= currentAt) return { key, replacedAtS: undefined, hasLeaked: false };
        const used = ordered.slice(index + 1).map((later) => dataKeys.usedFromS?.[later] ?? Number.POSITIVE_INFINITY);
        const replacedAtS = Math.min(...used);
        const hasLeaked = (dataKeys.issuedAtS?.[id] ?? 0) < (dataKeys.leakedBeforeS ?? 0);
        return { key, replacedAtS: Number.isFinite(replacedAtS) ? replacedAtS : 0, hasLeaked };
      });
      return [...derived.slice(currentAt), ...derived.slice(0, currentAt)];
    },
  };
}

class Sealing implements OpenSeal {
  readonly #cipher: CipherGCM;
  readonly #header: Buffer;
  readonly #nonce: Buffer;
  readonly #parts: (string | Uint8Array)[] = [];

  constructor(cipher: CipherGCM, header: Buffer, nonce: Buffer) {
    this.#cipher = cipher;
    this.#header = header;
    this.#nonce = nonce;
  }

  add(plaintext: string | Uint8Array): void {
    this.#parts.push(plaintext);
  }

  end(): Buffer {
    const cipher = this.#cipher;
    const ciphertext = cipher.update(gather(this.#parts));
    // In this mode, the cipher holds nothing back.
    cipher.final();
    return Buffer.concat([this.#header, this.#nonce, ciphertext, cipher.getAuthTag()]);
  }
}

/** Larger values get memory of their own. */
const usualBytes = 64 * 1024;
let usual: Buffer | undefined;

/**
 * Copies the parts of a plaintext together, since each step of a cipher costs more than copying some kilobytes.
 *
 * @returns bytes that are valid until the next use
 */
function gather(parts: readonly (string | Uint8Array)[]): Buffer {
  // A character of text has at most three bytes.
  const most = parts.reduce((sum, part) => sum + part.length * (typeof part === 'string' ? 3 : 1), 0);
  usual ??= Buffer.allocUnsafeSlow(usualBytes);
  const bytes = most <= usualBytes ? usual : Buffer.allocUnsafe(most);
  let length = 0;
  for (const part of parts) {
    if (typeof part === 'string') {
      length += bytes.write(part, length);
    } else {
      bytes.set(part, length);
      length += part.length;
    }
  }
  return bytes.subarray(0, length);
}

/** Generates a key set with one key. */
export function generateDataKeys(): DataKeySet {
  const current = `k${randomBytes(4).toString('hex')}`;
  return { current, keys: { [current]: randomBytes(32).toString('base64') } };
}

/** The id of the key that was issued first. */
/** The ids of the keys, the oldest first. */
function inOrder({ keys, issuedAtS = {} }: Pick<DataKeySet, 'keys' | 'issuedAtS'>): string[] {
  const age = (id: string) => issuedAtS[id] ?? 0;
  return Object.keys(keys).sort((one, other) => age(one) - age(other) || (one < other ? -1 : 1));
}

function importKey(id: string, base64: string): KeyObject {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== 32) throw new EnvelopeError('malformed', `Data key "${id}" is not 32 bytes of base64`);
  if (!/^[a-z0-9-]{1,32}$/.test(id)) throw new EnvelopeError('malformed', 'A data key id is 1 to 32 of a-z, 0-9 and -');
  return createSecretKey(bytes);
}

function authenticated(keyId: string, { organizationId, column, rowId }: EnvelopePlace): Buffer {
  return Buffer.from(`chaperone\n${version}\n${keyId}\n${organizationId}\n${column}\n${rowId}`);
}

/** Asks the system's random source once for 128 nonces, since every call seals values. */
function makeNonceSource(): () => Buffer {
  let pool = Buffer.alloc(0);
  let offset = 0;
  return () => {
    if (offset === pool.length) {
      // Not from Node's pool of buffers: the nonce of a value that is being sealed would keep 64 KB of it.
      pool = randomFillSync(Buffer.allocUnsafeSlow(nonceLength * 128));
      offset = 0;
    }
    offset += nonceLength;
    return pool.subarray(offset - nonceLength, offset);
  };
}
