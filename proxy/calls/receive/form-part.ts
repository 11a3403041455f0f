import { findLookalike } from '../../../crds/read-call-fields.ts';
import { ProxyError } from '../../error.ts';

/** What the headers of a form's part say. */
export interface PartHeaders {
  readonly name: string;
  /** Undefined where the part is no file. */
  readonly fileName: string | undefined;
  readonly type: string | null;
  /** The charset that its value is in, where that is another one than UTF-8, and ASCII reads the same in it. */
  readonly charset: string | undefined;
}

/** Of its value only what is no control character: tabs, and from the space to the tilde and beyond it. */
const headerLine = /^([\w-]+):[ \t]*([\t -~\x80-\xff]*)$/;
const parameter = /;[ \t]*([\w*-]+)=(?:"([^"]*)"|([^\s";]+))/y;
/**
 * A file's name with escaped quotes, as RFC 822 has them: other readers end it at the first quote. As the last parameter,
 * and without a semicolon, there is nothing in the rest that any reader takes for another one.
 */
const escapedFileName = /;[ \t]*(filename)="((?:[^"\\;]|\\[^\\;])*\\"(?:[^"\\;]|\\[^\\;])*)"$/iy;
const plainText = /^text\/plain(?:;[ \t]*charset=(?:"([\w:.+-]+)"|([\w:.+-]+)))?$/i;
const utf8 = /^utf-?8$/i;
/**
 * Charsets in which each byte of ASCII, alone, is that character. Not UTF-16 and UTF-32; not UTF-7, HZ and ISO-2022,
 * which write other characters in bytes of ASCII; not Shift_JIS, which has a yen sign for the backslash.
 */
const likeAscii =
  /^(?:us-ascii|ascii|latin[1-9]|(?:iso-?8859-?|windows-?125|cp-?125)\d{1,2}|cp-?(?:437|850|852|866)|koi8-[ru]|macintosh|gbk|gb2312|gb18030|big5|euc-(?:jp|kr))$/i;
const identityEncoding = /^(?:7bit|8bit|binary)$/i;

/**
 * Reads the headers of a part, each line but the last with its CRLF, in Latin-1.
 *
 * @param governed names of the fields that calls are judged by: they stand by these very names, as plain text
 * @throws {ProxyError} `invalid_request` where another reader could take them for something else
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

/** @throws {ProxyError} where the field is no plain text, or in a charset in which ASCII could mean something else */
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

/** The parameter that begins at `start`; `parameter.lastIndex` is then where the next one does. */
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
