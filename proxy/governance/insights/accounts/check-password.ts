import { isPasswordOf, type PasswordHash } from '../../../../database/password-hash.ts';
import { ProxyError } from '../../../error.ts';

/** Each check takes some 20 MB and 30 ms of a core, beside calls. */
const mostAtOnce = 2;
const mostWaiting = 20;

/** Checks a password. @throws {ProxyError} `overloaded` where too many others wait */
export type CheckPassword = (hash: PasswordHash, password: string) => Promise<boolean>;

/** Makes the check of passwords that all requests of a process share, so that logins cannot take its memory. */
export function makeCheckPassword(): CheckPassword {
  let running = 0;
  const waiting: (() => void)[] = [];
  const leave = () => {
    running -= 1;
    waiting.shift()?.();
  };
  return async (hash, password) => {
    if (waiting.length >= mostWaiting) throw new ProxyError('overloaded');
    if (running >= mostAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await isPasswordOf(hash, password);
    } finally {
      leave();
    }
  };
}
