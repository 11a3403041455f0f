import { isAscii } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import { ProxyError } from '../../error.ts';
import { parsePartHeaders } from './form-part.ts';

/** The content of a form so far. */
export interface FormContent {
  /** The values of its text fields by name. An array where a field is repeated. */
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
  readonly files: readonly FormFile[];
  /** Whether all text fields are kept. Very long ones are passed on, but not kept. */
  isComplete(): boolean;
  /** Where the value of each governed field stands among the bytes of the form. */
  readonly places: ReadonlyMap<string, Place>;
}

/** A range of bytes. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

export interface FormFile {
  readonly field: string;
  readonly name: string;
  readonly type: string | null;
  readonly bytes: number;
  /** SHA-256 in hexadecimal digits, where the scanner was asked for it. */
  readonly sha256?: string | undefined;
}

/** Reads a form (RFC 7578) piece by piece, and keeps only its text fields. */
export interface FormScanner {
  readonly content: FormContent;
  /** @throws {ProxyError} `invalid_request` where another reader could read the form differently */
  push(chunk: Buffer): void;
  /** @throws {ProxyError} `invalid_request` where the form is incomplete */
  end(): void;
}

const maxHeaderBytes = 8 * 1024;
const maxParts = 1_000;
/** Limit of blank bytes around the parts. */
const maxBlanks = 1024;
/** Limit of all fields together. More is passed on, but not kept. */
const maxFieldBytes = 1024 * 1024;
/** Limit of a governed field. */
const maxGovernedBytes = 1024;

const crlf = Buffer.from('\r\n');
const headersEnd = Buffer.from('\r\n\r\n');
const blankBytes = new Set(Buffer.from('\r\n\t '));

interface Part {
  readonly name: string;
  readonly isGoverned: boolean;
  /** Undefined for a file. */
  readonly value: Buffer[] | undefined;
  readonly fileName: string;
  /** Of a file's content. */
  readonly hash: Hash | undefined;
  readonly type: string | null;
  readonly charset: string | undefined;
  /** Where its content begins in the form. */
  readonly start: number;
  bytes: number;
}

/**
 * Makes a scanner for one form. It is stricter than RFC 2046 where readers are known to differ, so that the provider
 * reads the same: lines end in CRLF, the boundary appears only in delimiters, only blank lines come before the first
 * and after the last delimiter, and a governed field appears once, as plain text.
 *
 * @param governed names of the governed fields
 * @param digestsFiles whether the files' digests are needed
 */
export function makeFormScanner(boundary: string, governed: ReadonlySet<string>, digestsFiles = false): FormScanner {
  const dashBoundary = Buffer.from(`--${boundary}`, 'latin1');
  const fields: Record<string, string | string[]> = Object.create(null);
  const files: FormFile[] = [];
  const places = new Map<string, Place>();
  let receivedBytes = 0;
  let pending: Buffer = Buffer.alloc(0);
  let state: 'start' | 'headers' | 'content' | 'end' = 'start';
  let part: Part | undefined;
  let parts = 0;
  let fieldBytes = 0;
  let blanks = 0;

  /** Skips a delimiter that begins at `at`. False where its last two bytes have not arrived yet. */
  const passDelimiter = (at: number): boolean => {
    const after = at + dashBoundary.length;
    if (pending.length < after + 2) return false;
    const isLast = pending[after] === 0x2d && pending[after + 1] === 0x2d;
    if (!isLast && !pending.subarray(after, after + 2).equals(crlf))
      throw malformed('a delimiter ends in CRLF or in --');
    pending = pending.subarray(after + 2);
    state = isLast ? 'end' : 'headers';
    return true;
  };

  const start = (): boolean => {
    if (pending.subarray(0, crlf.length).equals(crlf)) {
      passBlanks(crlf.length);
      return true;
    }
    if (pending.length < dashBoundary.length + 2) return false;
    if (!pending.subarray(0, dashBoundary.length).equals(dashBoundary))
      throw malformed('it must begin with its boundary');
    return passDelimiter(0);
  };

  /** RFC 2046 allows text before and after the parts. Only blanks are accepted, which every reader ignores. */
  const passBlanks = (length: number) => {
    blanks += length;
    if (blanks > maxBlanks) throw malformed('it has many blank lines around its parts');
    pending = pending.subarray(length);
  };

  const beginPart = (): boolean => {
    const end = pending.indexOf(headersEnd);
    if (end > maxHeaderBytes || (end === -1 && pending.length > maxHeaderBytes))
      throw malformed('a part has long headers');
    if (end === -1) return false;
    parts += 1;
    if (parts > maxParts) throw malformed(`it has more than ${maxParts} parts`);
    const { name, fileName, type, charset } = parsePartHeaders(pending.toString('latin1', 0, end), governed);
    const isGoverned = governed.has(name);
    if (isGoverned && name in fields) throw repeated(name);
    const value = fileName === undefined ? [] : undefined;
    pending = pending.subarray(end + headersEnd.length);
    const start = receivedBytes - pending.length;
    const hash = digestsFiles && !value ? createHash('sha256') : undefined;
    part = { name, isGoverned, value, fileName: fileName ?? '', hash, type, charset, start, bytes: 0 };
    state = 'content';
    return true;
  };

  const take = (content: Buffer, { name, isGoverned, value, hash, charset }: Part) => {
    if (!part || content.length === 0) return;
    part.bytes += content.length;
    hash?.update(content);
    if (!value) return;
    fieldBytes += content.length;
    if (isGoverned && part.bytes > maxGovernedBytes) {
      throw new ProxyError('invalid_request', {
        param: name,
        message: `${name} has more than ${maxGovernedBytes} bytes`,
      });
    }
    if (charset !== undefined && !isAscii(content)) {
      const message = `${name} must be in UTF-8, or say nothing that is not in ASCII: it is in ${charset}`;
      throw new ProxyError('invalid_request', { param: name, message });
    }
    // A copy, since a slice would keep the whole chunk in memory.
    if (isGoverned || fieldBytes <= maxFieldBytes) value.push(Buffer.from(content));
  };

  const endPart = ({ name, isGoverned, value, fileName, hash, type, start, bytes }: Part) => {
    part = undefined;
    if (isGoverned) places.set(name, { start, end: start + bytes });
    if (!value) {
      files.push({ field: name, name: fileName, type, bytes, ...(hash && { sha256: hash.digest('hex') }) });
      return;
    }
    const text = Buffer.concat(value).toString('utf8');
    const before = fields[name];
    fields[name] = before === undefined ? text : [before, text].flat();
  };

  const passContent = (current: Part): boolean => {
    const at = pending.indexOf(dashBoundary);
    if (at === -1) {
      // Keep bytes that may be the beginning of a delimiter.
      const known = Math.max(0, pending.length - dashBoundary.length - 1);
      take(pending.subarray(0, known), current);
      pending = pending.subarray(known);
      return false;
    }
    if (at < 2 || !pending.subarray(at - 2, at).equals(crlf)) throw malformed('its boundary stands within a part');
    take(pending.subarray(0, at - 2), current);
    pending = pending.subarray(at - 2);
    if (!passDelimiter(2)) return false;
    endPart(current);
    return true;
  };

  const step = (): boolean => {
    if (state === 'start') return start();
    if (state === 'headers') return beginPart();
    if (state === 'content' && part) return passContent(part);
    if (pending.some((byte) => !blankBytes.has(byte))) throw malformed('something follows its end');
    passBlanks(pending.length);
    return false;
  };

  return {
    content: { fields, files, places, isComplete: () => fieldBytes <= maxFieldBytes },
    push(chunk) {
      receivedBytes += chunk.length;
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      let runsInBackground = true;
      while (runsInBackground) runsInBackground = step();
    },
    end() {
      if (state !== 'end') throw malformed('it breaks off');
    },
  };
}

function malformed(why: string): ProxyError {
  return new ProxyError('invalid_request', { message: `the form cannot be read for certain: ${why}` });
}

function repeated(name: string): ProxyError {
  return new ProxyError('invalid_request', { param: name, message: `${name} must stand only once in a form` });
}
