import { ProxyError } from '../../error.ts';

/** The longest tag that software has to take (RFC 5646, section 4.4.1), and what is kept of what a provider reports. */
export const maxLanguageLength = 35;

/** A language tag as BCP 47 forms it; whether its parts are registered is not asked. */
const tag = /^[a-z]{1,8}(?:-[a-z0-9]{1,8})*$/i;

/** Reads the header X-Language-Code. @throws {ProxyError} `invalid_header` */
export function readLanguage(value: string | readonly string[] | undefined): string | undefined {
  if (value === undefined) return undefined;
  const stated = String(value).trim();
  if (stated === '') return undefined;
  if (stated.length <= maxLanguageLength && tag.test(stated)) return stated;
  const param = 'X-Language-Code';
  throw new ProxyError('invalid_header', { param, message: `${param} must be a language tag such as hi-IN` });
}
