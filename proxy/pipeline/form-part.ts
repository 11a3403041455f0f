import { ProxyError } from '../error.ts';

/** What the headers of a form's part say. */
export interface PartHeaders {
  readonly name: string;
  /** Undefined where the part is no file. */
  readonly fileName: string | undefined;
  readonly type: string | null;
}

/** Of its value only what is no control character: tabs, and from the space to the tilde and beyond it. */
const headerLine = /^([\w-]+):[ \t]*([\t -~\x80-\xff]*)$/;
const parameter = /;[ \t]*([\w*-]+)=(?:"([^"]*)"|([^\s";]+))/y;
const plainText = /^text\/plain(?:;[ \t]*charset="?(?:utf-8|us-ascii)"?)?$/i;
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
  if (!governed.has(name)) {
    const [base = ''] = name.split('[', 1);
    if (governed.has(base)) throw misplaced(base);
  } else if (fileName !== undefined || (type !== null && !plainText.test(type))) throw misplaced(name);
  return { name, fileName, type };
}

function parseDisposition(header: string): { name: string; fileName: string | undefined } {
  const kind = /^form-data(?=;)/i.exec(header);
  if (!kind) throw unclear();
  const parameters = new Map<string, string>();
  parameter.lastIndex = kind[0].length;
  while (parameter.lastIndex < header.length) {
    const [, key, quoted, token] = parameter.exec(header) ?? [];
    const value = quoted ?? token;
    // A backslash before the quote may or may not escape it.
    if (key === undefined || value === undefined || value.endsWith('\\') || parameters.has(key.toLowerCase()))
      throw unclear();
    parameters.set(key.toLowerCase(), Buffer.from(value, 'latin1').toString('utf8'));
  }
  const { name, filename, 'filename*': extended, ...others } = Object.fromEntries(parameters);
  if (name === undefined || name.includes('\\') || Object.keys(others).length > 0) throw unclear();
  return { name, fileName: filename ?? extended };
}

function unclear(): ProxyError {
  return new ProxyError('invalid_request', {
    message: 'The form cannot be read for certain: a part has unusual headers',
  });
}

function misplaced(name: string): ProxyError {
  return new ProxyError('invalid_request', {
    param: name,
    message: `${name} must be one plain text field of the form`,
  });
}
