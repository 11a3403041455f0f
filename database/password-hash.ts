import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** A password's hash, as its text states it. */
export interface PasswordHash {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

/** What a hash may cost to check: a proxy is a small container beside an application. */
export const hashBounds = { memory: 65_536, passes: 10, parallelism: 4 } as const;

/** As OWASP's Password Storage Cheat Sheet recommends for argon2id. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const longestPassword = 1_024;

const derive = promisify(argon2);
/** The PHC string format: https://github.com/P-H-C/phc-string-format */
const form = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,4}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/** Reads the text of a hash. Undefined: it is none, or would cost too much to check. */
export function readPasswordHash(text: string): PasswordHash | undefined {
  const [, memory, passes, parallelism, salt, tag] = form.exec(text) ?? [];
  if (salt === undefined || tag === undefined) return undefined;
  const hash = {
    ...{ memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    ...{ salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') },
  };
  const isCheap = (['memory', 'passes', 'parallelism'] as const).every((part) => hash[part] <= hashBounds[part]);
  const isPossible = hash.passes >= 1 && hash.parallelism >= 1 && hash.memory >= 8 * hash.parallelism;
  return isCheap && isPossible ? hash : undefined;
}

/** Makes the hash of a password, with a new salt. @returns its text */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const tag = await deriveTag(password, { ...cost, salt, tag: Buffer.alloc(32) });
  const { memory, passes, parallelism } = cost;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

/** Whether it is the password of the hash. It takes the same time whether it is or not. */
export async function isPasswordOf(hash: PasswordHash, password: string): Promise<boolean> {
  return timingSafeEqual(await deriveTag(password, hash), hash.tag);
}

/** Whether people can log in with it: nobody can send a longer one. */
export function isPassword(text: string): boolean {
  return text !== '' && text.length <= longestPassword;
}

/** Equal characters may be typed as different code points, so both sides are normalised (NIST SP 800-63B, 3.1.1.2). */
function deriveTag(password: string, { memory, passes, parallelism, salt, tag }: PasswordHash): Promise<Buffer> {
  return derive('argon2id', {
    message: Buffer.from(password.normalize('NFKC')),
    nonce: salt,
    ...{ memory, passes, parallelism, tagLength: tag.length },
  });
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
