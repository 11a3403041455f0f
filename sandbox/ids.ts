import { randomBytes } from 'node:crypto';

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `resp_`, `msg_`, `rs_` and their like: the prefix and 48 hexadecimal digits. */
export function itemId(prefix: string): string {
  return `${prefix}_${randomBytes(24).toString('hex')}`;
}

/** `chatcmpl-` and 29 base-62 digits. */
export function chatCompletionId(): string {
  let id = 'chatcmpl-';
  for (const byte of randomBytes(29)) id += base62.charAt(byte % base62.length);
  return id;
}

/** `req_` and 32 hexadecimal digits, as in OpenAI's `x-request-id`. */
export function requestId(): string {
  return `req_${randomBytes(16).toString('hex')}`;
}
