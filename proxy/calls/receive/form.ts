import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { ProxyError } from '../../error.ts';
import type { Share } from '../../in-flight.ts';
import { clientGone } from '../client-gone.ts';
import { type FormContent, makeFormScanner, type Place } from './form-scanner.ts';
import { isPacked, unpackBody } from './receive-body.ts';
import type { StallWatch } from './stall-watch.ts';

/** A form that has been read far enough to forward it. */
export interface Form {
  /** Grows while the form is read. */
  readonly content: FormContent;
  /** All of the client's bytes, read no faster than they are taken. They can be read once. */
  bytes(): Readable;
  /** The headers about the body: the client's own. */
  headers(): Readonly<Record<string, string>>;
  /** Whether none of the bytes have been read, so that another attempt can still read them. */
  isUntouched(): boolean;
  /** Replaces the value of the model, before the bytes are read. Does nothing where the form names none. */
  renameModel(model: string): void;
  /** Reads the rest into memory, before the bytes are read. @returns false where it does not fit, and goes on as it comes */
  hold(): Promise<boolean>;
  /** Drops the unread rest, so that the client reads its answer. */
  close(): void;
}

/** Fields that checks or records need. */
const governedFields = new Set([
  'model',
  'stream',
  'temperature',
  'response_format',
  'n',
  'size',
  'quality',
  'svg',
  'svg[model]',
  'persona_id',
  'previous_response_id',
]);

/** Limit of files before the model, which wait in memory. Audio, which SDKs often send first, has at most 25 MB. */
const maxHeldBytes = 32 * 1024 * 1024;

/**
 * Reads a form up to its model, or to its end where it names none.
 *
 * @param check is called with the fields whenever there are more, also while the form is being forwarded
 * @param digestsFiles whether the files' digests are needed
 * @throws {ProxyError} `invalid_request`, `request_too_large`, or what `check` throws
 */
export async function openForm(
  request: IncomingMessage,
  share: Share,
  stalls: StallWatch,
  check: (content: FormContent) => void | Promise<void>,
  digestsFiles = false,
): Promise<Form> {
  const contentType = request.headers['content-type'] ?? '';
  const scanner = makeFormScanner(boundaryOf(contentType), governedFields, digestsFiles);
  const { content } = scanner;
  const unpacked = unpackBody(request);
  const source = unpacked.iterator({ destroyOnReturn: false });
  const held: Buffer[] = [];
  let heldBytes = 0;

  /** Reads and checks the client's next bytes. Undefined at the end. */
  const next = async (): Promise<Buffer | undefined> => {
    const { done, value } = await nextOf(source, stalls);
    if (done) scanner.end();
    else scanner.push(value);
    if ('persona_id' in content.fields) throw new ProxyError('persona_not_supported', { param: 'persona_id' });
    await check(content);
    return done ? undefined : value;
  };

  /** Holds back the last byte until the next bytes are checked, since they may still cause a refusal. */
  async function* bytes(): AsyncGenerator<Buffer, void> {
    let last: Buffer = Buffer.alloc(0);
    const keepLast = (chunk: Buffer): Buffer => {
      const sent = Buffer.concat([last, chunk.subarray(0, -1)]);
      last = chunk.subarray(-1);
      return sent;
    };
    isUntouched = false;
    for (let chunk = held.shift(); chunk; chunk = held.shift()) {
      share.add(-chunk.length);
      yield keepLast(chunk);
    }
    while (!hasEnded) {
      const chunk = await next();
      if (chunk) yield keepLast(chunk);
      else hasEnded = true;
    }
    yield last;
  }

  const close = () => {
    const drop = () => {
      if (unpacked !== request) unpacked.destroy();
      request.resume();
    };
    source.return?.().then(drop, drop);
  };

  let hasEnded = false;
  const holdNext = async () => {
    const chunk = await next();
    hasEnded = chunk === undefined;
    if (!chunk) return;
    share.add(chunk.length);
    held.push(chunk);
    heldBytes += chunk.length;
  };
  try {
    while (!hasEnded && content.fields.model === undefined) {
      if (heldBytes > maxHeldBytes) {
        const message = `the form must name its model before its files where these have more than ${maxHeldBytes} bytes`;
        throw new ProxyError('request_too_large', { param: 'model', message });
      }
      await holdNext();
    }
  } catch (error) {
    close();
    throw error === clientGone ? new ProxyError('invalid_request', { cause: error }) : error;
  }
  const length = isPacked(request.headers) ? undefined : request.headers['content-length'];
  let addedBytes = 0;
  let isUntouched = true;
  let place: Place | undefined;
  return {
    content,
    bytes: () => Readable.from(bytes(), { objectMode: false }),
    headers: () => ({
      'content-type': contentType,
      ...(length !== undefined && { 'content-length': String(Number(length) + addedBytes) }),
    }),
    isUntouched: () => isUntouched,
    renameModel(model) {
      place ??= content.places.get('model');
      if (!place) return;
      // The value is among the bytes that were held, since the form was read up to its end.
      const all = Buffer.concat(held);
      const name = Buffer.from(model);
      held.splice(0, held.length, Buffer.concat([all.subarray(0, place.start), name, all.subarray(place.end)]));
      const more = name.length - (place.end - place.start);
      place = { start: place.start, end: place.start + name.length };
      addedBytes += more;
      share.add(more);
    },
    async hold() {
      while (!hasEnded && heldBytes <= maxHeldBytes) await holdNext();
      return hasEnded;
    },
    close,
  };
}

/** Reads the next piece of a body. @throws {ProxyError} `request_timeout`; `clientGone` where the client has left */
async function nextOf(source: AsyncIterator<Buffer>, stalls: StallWatch): Promise<IteratorResult<Buffer>> {
  const stalled = Promise.withResolvers<never>();
  const watched = stalls.watch(() => stalled.reject(new ProxyError('request_timeout')));
  try {
    return await Promise.race([source.next(), stalled.promise]);
  } catch (error) {
    throw error instanceof ProxyError ? error : clientGone;
  } finally {
    watched.end();
  }
}

/** Whether the request's body is a form with files. */
export function isForm(request: IncomingMessage): boolean {
  return /^multipart\/form-data\b/i.test(request.headers['content-type'] ?? '');
}

const formType =
  /^multipart\/form-data(?:;[ \t]*charset=utf-8)?;[ \t]*boundary=(?:"([\w'()+,./:=? -]{1,70})"|([\w'+.-]{1,70}))(?:;[ \t]*charset=utf-8)?$/i;

/** RFC 2046, section 5.1.1. A second parameter may be a second boundary to another reader. */
function boundaryOf(contentType: string): string {
  const [, quoted, token] = formType.exec(contentType) ?? [];
  const boundary = quoted ?? token;
  if (boundary !== undefined && !boundary.endsWith(' ')) return boundary;
  const message = 'the form cannot be read for certain: Content-Type must name its boundary, and nothing else';
  throw new ProxyError('invalid_request', { param: 'content-type', message });
}
