import type { IncomingHttpHeaders } from 'node:http';
import { LRUCache } from 'lru-cache';

/** The client program, by its own statement. It decides nothing. */
export interface Client {
  /** `OpenAI/Python`, `codex_cli_rs`, `ai-sdk/openai`, …: at most 64 letters, digits and `@ / . _ + -`. */
  readonly name: string;
  /** At most 32 such characters. Undefined where it is not stated. */
  readonly version: string | undefined;
}

/** The limit of names in the table `requests` and in filters of analytics. */
export const maxClientNameLength = 64;
const maxVersionLength = 32;
/** No known client's name is longer. */
const maxReadLength = 256;
/** How many distinct values are remembered. An organization has few. */
const remembered = 500;

/**
 * Makes the function that reads the client from the headers: the first product of `User-Agent` (RFC 9110, section
 * 10.1.5). OpenAI's SDKs, which Stainless generates, cannot set that header in a browser, and some frameworks replace
 * it by that of their HTTP library. Then the SDK's own `X-Stainless-*` headers say more. Each distinct value is parsed
 * once.
 */
export function makeReadClient(): (headers: IncomingHttpHeaders) => Client | undefined {
  const agents = makeMemory(parseUserAgent);
  const sdks = makeMemory(parseSdk);
  return (headers) => {
    const agent = headers['user-agent'];
    const known = agent === undefined ? undefined : agents(agent);
    const language = headers['x-stainless-lang'];
    if (language === undefined || (known !== undefined && !isLibrary(known))) return known;
    return sdks(`${String(language)} ${String(headers['x-stainless-package-version'] ?? '')}`) ?? known;
  };
}

/** Not `max`: a cache would allocate all of its memory at once. */
function makeMemory(parse: (text: string) => Client | undefined): (text: string) => Client | undefined {
  const clients = new LRUCache<string, { readonly client: Client | undefined }>({
    maxSize: remembered,
    sizeCalculation: () => 1,
  });
  return (text) => {
    const known = clients.get(text);
    if (known) return known.client;
    const client = parse(text.slice(0, maxReadLength));
    if (text.length <= maxReadLength) clients.set(text, { client });
    return client;
  };
}

/** The version begins with a digit after a slash or a space. Earlier slashes are part of the name. */
const product = /^\s*(@?[A-Za-z][\w.+-]*(?:\/(?!v?\d)@?[A-Za-z][\w.+-]*)*)(?:[/ ]v?(\d[\w.+-]*))?/;

/** @returns undefined where the text does not begin with a product name */
export function parseUserAgent(text: string): Client | undefined {
  const [, name, version] = product.exec(text) ?? [];
  if (name === undefined) return undefined;
  return {
    name: copyOf(name.slice(0, maxClientNameLength)),
    version: version && copyOf(version.slice(0, maxVersionLength)),
  };
}

/**
 * A copy of an ASCII text. A part of a text refers to the whole of it, and each record has these: for an object with such a
 * part, JSON.stringify takes three times as long.
 */
function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** Names of HTTP libraries and browsers, which do not identify the program that uses them. */
const library =
  /^(?:mozilla|node|node-fetch|undici|axios|got|ky|bun|deno|python|python-httpx|python-requests|python-urllib|aiohttp|okhttp|java|java-http-client|apache-httpclient|reactornetty|go-http-client|faraday|ruby|reqwest|dart)$/i;

function isLibrary({ name }: Client): boolean {
  return library.test(name);
}

const languages: Readonly<Record<string, string>> = {
  python: 'Python',
  js: 'JS',
  go: 'Go',
  java: 'Java',
  kotlin: 'Kotlin',
  ruby: 'Ruby',
  csharp: 'CSharp',
  php: 'PHP',
};

/** @param text the values of `X-Stainless-Lang` and `X-Stainless-Package-Version`, with a space between them */
function parseSdk(text: string): Client | undefined {
  const [lang = '', version = ''] = text.split(' ');
  const language = Object.hasOwn(languages, lang) ? languages[lang] : undefined;
  return language === undefined ? undefined : parseUserAgent(`OpenAI/${language} ${version}`);
}
