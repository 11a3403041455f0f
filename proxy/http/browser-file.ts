import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Where a file for browsers comes from. */
export interface BrowserFileSource {
  /** The file in the built program. */
  readonly built: string;
  /** The script that writes it to its standard output, and its arguments. In the source tree nothing is built. */
  readonly builder: readonly string[];
}

/** A file as it is sent. */
export interface BrowserFile {
  readonly etag: string;
  readonly plain: Buffer;
  readonly zipped: Buffer;
}

/** Reads the file once, when it is asked for, and compresses it. */
export function makeBrowserFile(source: BrowserFileSource): () => Promise<BrowserFile> {
  let file: Promise<BrowserFile> | undefined;
  return () => {
    file ??= readOnce(source).catch((error: unknown) => {
      file = undefined;
      throw error;
    });
    return file;
  };
}

/** Sends the file, or that the browser has it. The headers are the caller's to choose, but for those of the encoding. */
export function sendBrowserFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { etag, plain, zipped }: BrowserFile,
  type: string,
): FastifyReply {
  reply.headers({ vary: 'accept-encoding', 'x-content-type-options': 'nosniff', etag });
  if (hasIt(request.headers['if-none-match'], etag)) return reply.code(304).send();
  reply.type(type);
  if (!takesGzip(request.headers['accept-encoding'])) return reply.send(plain);
  return reply.header('content-encoding', 'gzip').send(zipped);
}

async function readOnce({ built, builder }: BrowserFileSource): Promise<BrowserFile> {
  const plain = existsSync(built) ? await readFile(built) : await build(builder);
  const zipped = await promisify(gzip)(plain, { level: 9 });
  // A weak one, since what is sent differs by its encoding.
  return { etag: `W/"${createHash('sha256').update(plain).digest('base64url')}"`, plain, zipped };
}

async function build(builder: readonly string[]): Promise<Buffer> {
  const options = { encoding: 'buffer', maxBuffer: 4 * 2 ** 20 } as const;
  const { stdout } = await promisify(execFile)(process.execPath, [...builder], options);
  return stdout;
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2 */
function hasIt(known: string | undefined, etag: string): boolean {
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '');
  return known?.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag)) ?? false;
}

function takesGzip(accepted: unknown): boolean {
  return typeof accepted === 'string' && /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(accepted);
}
