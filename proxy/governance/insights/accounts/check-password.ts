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
    const next = waiting.shift();
    // It takes over the place, so that nobody can come between.
    if (next) next();
    else running -= 1;
  };
  return async (hash, password) => {
    if (waiting.length >= mostWaiting) throw new ProxyError('overloaded');
    if (running < mostAtOnce) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await isPasswordOf(hash, password);
    } finally {
      leave();
    }
  };
}
