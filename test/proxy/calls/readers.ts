/** A JSON value as its text has it: an object is the list of its fields, so that one may stand twice. */
export type Written = string | number | boolean | null | readonly Written[] | { readonly fields: readonly Field[] };
export type Field = readonly [name: string, value: Written];

/** Writes a value; names of which `isEscaped` says so are written with escapes. */
export function write(value: Written, isEscaped: (name: string) => boolean): string {
  if (Array.isArray(value)) return `[${value.map((element: Written) => write(element, isEscaped)).join(', ')}]`;
  if (typeof value !== 'object' || value === null || !('fields' in value)) return JSON.stringify(value);
  const fields = value.fields.map(([name, field]) => {
    const written = isEscaped(name) && name !== '' ? escapeFirst(name) : JSON.stringify(name);
    return `${written} :${write(field, isEscaped)}`;
  });
  return `{${fields.join(',')}}`;
}

function escapeFirst(name: string): string {
  const code = name.charCodeAt(0).toString(16).padStart(4, '0');
  return `"\\u${code}${JSON.stringify(name.slice(1)).slice(1)}`;
}

/** A reader of JSON as some parsers are: which of two fields of one name it takes, and which names are one to it. */
export interface Reader {
  readonly takes: 'first' | 'last';
  readonly nameOf: (name: string) => string;
}

/** Reads text with the rules of one reader. */
export function readAs(text: string, reader: Reader): unknown {
  let at = 0;
  const skip = () => {
    while (/\s/.test(text[at] ?? '')) at += 1;
  };
  const scalar = (pattern: RegExp): unknown => {
    const [token = ''] = pattern.exec(text.slice(at)) ?? [];
    at += token.length;
    return JSON.parse(token);
  };
  const list = (close: string, element: () => void) => {
    at += 1;
    for (skip(); text[at] !== close; skip()) {
      element();
      skip();
      if (text[at] === ',') at += 1;
    }
    at += 1;
  };
  const value = (): unknown => {
    skip();
    if (text[at] === '[') {
      const elements: unknown[] = [];
      list(']', () => elements.push(value()));
      return elements;
    }
    if (text[at] !== '{') return scalar(/^(?:"(?:[^"\\]|\\.)*"|[-+.\w]+)/);
    const fields = new Map<string, unknown>();
    list('}', () => {
      const name = reader.nameOf(String(scalar(/^"(?:[^"\\]|\\.)*"/)));
      skip();
      at += 1;
      const read = value();
      if (reader.takes === 'last' || !fields.has(name)) fields.set(name, read);
    });
    return Object.fromEntries(fields);
  };
  return value();
}
