import { constants, inflateRawSync, zstdDecompressSync } from 'node:zlib';

/** Something that was left behind, and where. */
export type Leftover = readonly [place: string, content: Buffer | string];

/** Where something secret was found. */
export interface Finding {
  readonly place: string;
  readonly secret: string;
}

/** A shorter text is found by chance. */
const shortestSecret = 8;

/**
 * Looks for secrets in whatever was left behind: as they are, in JSON, in URLs, in hexadecimal and in base 64, also in what
 * is packed there.
 *
 * @param secrets by names that may be shown
 */
export async function findSecrets(
  secrets: ReadonlyMap<string, string>,
  leftovers: Iterable<Leftover> | AsyncIterable<Leftover>,
): Promise<Finding[]> {
  const needles = makeNeedles(secrets);
  const found = new Map<string, Finding>();
  for await (const [place, content] of leftovers) {
    const bytes = Buffer.from(content);
    for (const part of [bytes, ...unpack(bytes)]) {
      for (const secret of needles.findIn(part)) found.set(`${place} ${secret}`, { place, secret });
    }
  }
  return [...found.values()];
}

/** The forms in which a text may be written. */
export function formsOf(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const inUrls = [encodeURIComponent(text), String(new URLSearchParams({ '': text })).slice(1)].flatMap((form) => [
    form,
    form.replaceAll('%20', '+'),
  ]);
  const forms = [
    ...[text, JSON.stringify(text).slice(1, -1)],
    ...[...inUrls, ...inUrls.map((form) => form.replaceAll(/%../g, (code) => code.toLowerCase()))],
    ...[bytes.toString('hex'), bytes.toString('hex').toUpperCase()],
    ...inBase64(bytes, 'base64'),
    ...inBase64(bytes, 'base64url'),
  ];
  return [...new Set(forms)].map((form) => Buffer.from(form));
}

/** Within base 64, a text looks different by where it begins; its first and last characters depend on its neighbours. */
function inBase64(bytes: Buffer, encoding: 'base64' | 'base64url'): string[] {
  return [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString(encoding)
      .replace(/=+$/, '')
      .slice(offset === 0 ? 0 : 4, -4),
  );
}

interface Needle {
  readonly secret: string;
  readonly form: Buffer;
}

/** Finds many texts in one walk over the bytes: by their first three, and then by the rest. */
function makeNeedles(secrets: ReadonlyMap<string, string>) {
  const starts = new Uint8Array(1 << 24);
  const byStart = new Map<number, Needle[]>();
  for (const [secret, text] of secrets) {
    if (text.length < shortestSecret) throw new Error(`${secret} is too short to look for`);
    for (const form of formsOf(text)) {
      const start = form.readUIntBE(0, 3);
      starts[start] = 1;
      byStart.set(start, [...(byStart.get(start) ?? []), { secret, form }]);
    }
  }
  return {
    findIn(bytes: Buffer): Set<string> {
      const found = new Set<string>();
      let start = 0;
      for (let at = 0; at < bytes.length; at += 1) {
        start = ((start << 8) | (bytes[at] ?? 0)) & 0xffffff;
        if (starts[start] !== 1) continue;
        for (const { secret, form } of byStart.get(start) ?? []) {
          if (bytes.compare(form, 0, form.length, at - 2, Math.min(bytes.length, at - 2 + form.length)) === 0)
            found.add(secret);
        }
      }
      return found;
    },
  };
}

const largestUnpacked = 256 * 1024 * 1024;
const bounds = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: largestUnpacked };

interface Packing {
  /** How what is packed begins, in whatever form it is written. */
  readonly magic: Buffer;
  /** The bytes that are packed, from where the magic is. */
  readonly read: (bytes: Buffer) => Buffer;
  readonly unpack: (packed: Buffer) => Buffer;
}

/** Only what follows the header is read as such: gunzip itself refuses whatever stands behind the end. */
function gunzip(packed: Buffer): Buffer {
  const flags = packed[3] ?? 0;
  let at = 10;
  if (flags & 4) at += 2 + packed.readUInt16LE(at);
  for (const flag of [8, 16]) if (flags & flag) at = packed.indexOf(0, at) + 1;
  return inflateRawSync(packed.subarray(flags & 2 ? at + 2 : at), bounds);
}

/** Written as text, it ends where another character follows. */
const written = (characters: RegExp, encoding: 'hex' | 'base64') => (bytes: Buffer) =>
  Buffer.from(characters.exec(bytes.toString('latin1'))?.[0] ?? '', encoding);

const packings: readonly Packing[] = [
  { magic: Buffer.from([0x1f, 0x8b, 0x08]), read: (bytes) => bytes, unpack: gunzip },
  { magic: Buffer.from('1f8b08'), read: written(/^[0-9a-f]+/, 'hex'), unpack: gunzip },
  { magic: Buffer.from('H4sI'), read: written(/^[\w+/-]+/, 'base64'), unpack: gunzip },
  {
    magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    read: (bytes) => bytes,
    unpack: (packed) => zstdDecompressSync(packed, { maxOutputLength: largestUnpacked }),
  },
];

/** What is packed somewhere in the bytes. */
function* unpack(bytes: Buffer): Iterable<Buffer> {
  for (const { magic, read, unpack } of packings) {
    for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
      try {
        yield unpack(read(bytes.subarray(at)));
      } catch {
        // Some bytes only look as if something began there.
      }
    }
  }
}
