import { randomBytes } from 'node:crypto';

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `resp_`, `msg_`, `rs_` and their like: the prefix and 48 hexadecimal digits. */
export function itemId(prefix: string): string {
  return `${prefix}_${randomBytes(24).toString('hex')}`;
}

/** `vs_`, `vsfb_` and `batch_`: the prefix and 32 hexadecimal digits. */
export function shortItemId(prefix: string): string {
  return `${prefix}_${randomBytes(16).toString('hex')}`;
}

/** `chatcmpl-` and 29 base-62 digits. */
export function chatCompletionId(): string {
  return `chatcmpl-${randomBase62(29)}`;
}

/** `call_` and 24 base-62 digits: the id that links a tool call and its output. */
export function toolCallId(): string {
  return `call_${randomBase62(24)}`;
}

/** Anthropic's `msg_01` and `toolu_01`, with 22 base-62 digits. */
export function anthropicId(prefix: 'msg' | 'toolu'): string {
  return `${prefix}_01${randomBase62(22)}`;
}

/** `file-` and 22 base-62 digits. */
export function fileId(): string {
  return `file-${randomBase62(22)}`;
}

/** `cmpl-` and 29 base-62 digits. */
export function completionId(): string {
  return `cmpl-${randomBase62(29)}`;
}

/** `modr-` and 29 base-62 digits. */
export function moderationId(): string {
  return `modr-${randomBase62(29)}`;
}

function randomBase62(digits: number): string {
  let text = '';
  for (const byte of randomBytes(digits)) text += base62.charAt(byte % base62.length);
  return text;
}

/** `req_` and 32 hexadecimal digits, as in OpenAI's `x-request-id`. */
export function requestId(): string {
  return `req_${randomBytes(16).toString('hex')}`;
}
