import { findLookalike } from '../../../crds/read-call-fields.ts';
import { ProxyError } from '../../error.ts';

/** The headers of a form's part. */
export interface PartHeaders {
  readonly name: string;
  /** Undefined where the part is not a file. */
  readonly fileName: string | undefined;
  readonly type: string | null;
  /** The charset of the value, if it is not UTF-8. ASCII is the same in it. */
  readonly charset: string | undefined;
}

/** The value may have tabs and printable characters, but no control characters. */
const headerLine = /^([\w-]+):[ \t]*([\t -~\x80-\xff]*)$/;
const parameter = /;[ \t]*([\w*-]+)=(?:"([^"]*)"|([^\s";]+))/y;
/**
 * A file name with escaped quotes, as in RFC 822; other readers end it at the first quote. It must be the last
 * parameter and have no semicolon, so that no reader finds another parameter in the rest.
 */
const escapedFileName = /;[ \t]*(filename)="((?:[^"\\;]|\\[^\\;])*\\"(?:[^"\\;]|\\[^\\;])*)"$/iy;
const plainText = /^text\/plain(?:;[ \t]*charset=(?:"([\w:.+-]+)"|([\w:.+-]+)))?$/i;
const utf8 = /^utf-?8$/i;
/**
 * Charsets in which each ASCII byte is that character. Not UTF-16 and UTF-32; not UTF-7, HZ and ISO-2022, which write
 * other characters in ASCII bytes; not Shift_JIS, which has a yen sign for the backslash.
 */
const likeAscii =
  /^(?:us-ascii|ascii|latin[1-9]|(?:iso-?8859-?|windows-?125|cp-?125)\d{1,2}|cp-?(?:437|850|852|866)|koi8-[ru]|macintosh|gbk|gb2312|gb18030|big5|euc-(?:jp|kr))$/i;
const identityEncoding = /^(?:7bit|8bit|binary)$/i;

/**
 * Reads the headers of a part, in Latin-1. Each line except the last has its CRLF.
 *
 * @param governed names of the governed fields, which must have exactly these names and be plain text
 * @throws {ProxyError} `invalid_request` where another reader could read them differently
 */
export function parsePartHeaders(text: string, governed: ReadonlySet<string>): PartHeaders {
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const [, name, value] = headerLine.exec(line) ?? [];
    if (name === undefined || value === undefined || headers.has(name.toLowerCase())) throw unclear();
    headers.set(name.toLowerCase(), value.trimEnd());
  }
  const { name, fileName } = parseDisposition(headers.get('content-disposition') ?? '');
  const type = headers.get('content-type') ?? null;
  if (!identityEncoding.test(headers.get('content-transfer-encoding') ?? 'binary')) throw unclear();
  // RFC 7578, section 4.6: it would change how every other field is read.
  if (name === '_charset_') throw unclear();
  if (governed.has(name)) {
    if (fileName !== undefined) throw misplaced(name);
    return { name, fileName, type, charset: type === null ? undefined : readCharset(name, type) };
  }
  const [base = ''] = name.split('[', 1);
  if (governed.has(base)) throw misplaced(base);
  const lookalike = findLookalike({ [base]: true }, [...governed]);
  if (lookalike) {
    throw new ProxyError('invalid_request', { param: name, message: `${name} must be written ${lookalike.meant}` });
  }
  return { name, fileName, type, charset: undefined };
}

/** @throws {ProxyError} where the field is not plain text, or its charset changes ASCII */
function readCharset(name: string, type: string): string | undefined {
  const [isText, quoted, token] = plainText.exec(type) ?? [];
  if (isText === undefined) throw misplaced(name);
  const charset = quoted ?? token ?? 'utf-8';
  if (utf8.test(charset)) return undefined;
  if (likeAscii.test(charset)) return charset;
  const message = `${name} must be in UTF-8, or in a charset in which ASCII reads the same, not in ${charset}`;
  throw new ProxyError('invalid_request', { param: name, message });
}

function parseDisposition(header: string): { name: string; fileName: string | undefined } {
  const kind = /^form-data(?=;)/i.exec(header);
  if (!kind) throw unclear();
  const parameters = new Map<string, string>();
  parameter.lastIndex = kind[0].length;
  while (parameter.lastIndex < header.length) {
    const [key, value] = readParameter(header, parameter.lastIndex);
    if (key === undefined || value === undefined || parameters.has(key.toLowerCase())) throw unclear();
    parameters.set(key.toLowerCase(), Buffer.from(value, 'latin1').toString('utf8'));
  }
  const { name, filename, 'filename*': extended, ...others } = Object.fromEntries(parameters);
  if (name === undefined || name.includes('\\') || Object.keys(others).length > 0) throw unclear();
  return { name, fileName: filename ?? extended };
}

/** Reads the parameter that begins at `start`. `parameter.lastIndex` is then the start of the next one. */
function readParameter(header: string, start: number): readonly [name: string | undefined, value: string | undefined] {
  const [, name, quoted, token] = parameter.exec(header) ?? [];
  const value = quoted ?? token;
  // A backslash before the quote may or may not escape it.
  if (value !== undefined && !value.endsWith('\\')) return [name, value];
  escapedFileName.lastIndex = start;
  const [, fileName, escaped] = escapedFileName.exec(header) ?? [];
  parameter.lastIndex = header.length;
  return [fileName, escaped?.replace(/\\"/g, '"')];
}

function unclear(): ProxyError {
  return new ProxyError('invalid_request', {
    message: 'the form cannot be read for certain: a part has unusual headers',
  });
}

function misplaced(name: string): ProxyError {
  return new ProxyError('invalid_request', {
    param: name,
    message: `${name} must be one plain text field of the form`,
  });
}
