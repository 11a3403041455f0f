import type { Envelope, OpenSeal } from './envelope.ts';

/** What was said in a call. */
export interface Contents {
  readonly input: Buffer;
  /** Undefined where there was no answer, or it was too large to be kept. */
  readonly output: Buffer | undefined;
}

/** The call that contents belong to. They open nowhere else. */
export interface ContentsPlace {
  readonly organizationId: string;
  readonly requestId: string;
}

/** The first byte of contents with two envelopes. An envelope begins with its version, which is never 0. */
const twoEnvelopes = 0;
/** Whether there is an output (1 byte), then the length of the input (4). */
const headBytes = 5;

/** Seals input and output together, in one envelope. */
export function sealContents(
  envelope: Envelope,
  place: ContentsPlace,
  input: string | Buffer,
  output: string | Buffer | undefined,
): Buffer {
  return beginContents(envelope, place, input).end(output);
}

/**
 * Begins while the output is not known yet, which may take long. Until then it holds nothing but the input: five bytes
 * from Node's pool of buffers would keep 64 KB of it.
 */
export function beginContents(envelope: Envelope, place: ContentsPlace, input: string | Buffer): OpenContents {
  const sealing = envelope.begin(partOf(place, 'contents'));
  return {
    end(output) {
      addInput(sealing, input, output !== undefined);
      if (output !== undefined) sealing.add(output);
      return sealing.end();
    },
  };
}

/** Contents whose output is not known yet. */
export interface OpenContents {
  /** @returns the same as `sealContents`. Call it once. */
  end(output: string | Buffer | undefined): Buffer;
}

function addInput(sealing: OpenSeal, input: string | Buffer, hasOutput: boolean): void {
  const head = Buffer.allocUnsafe(headBytes);
  head[0] = hasOutput ? 1 : 0;
  head.writeUInt32BE(Buffer.byteLength(input), 1);
  sealing.add(head);
  sealing.add(input);
}

/** Seals one of the two, where the other is sealed at another time. */
export function sealPart(
  envelope: Envelope,
  place: ContentsPlace,
  part: 'input' | 'output',
  content: string | Buffer,
): Buffer {
  return envelope.seal(partOf(place, part), content);
}

/** @throws {EnvelopeError} as `openContents` */
export function openPart(
  envelope: Envelope,
  place: ContentsPlace,
  part: 'input' | 'output',
  sealed: Uint8Array,
): Buffer {
  return envelope.open(partOf(place, part), sealed);
}

/** Joins an input and an output that were sealed separately. */
export function joinSealed(input: Uint8Array, output: Uint8Array | undefined): Buffer {
  const head = Buffer.alloc(headBytes);
  head[0] = twoEnvelopes;
  head.writeUInt32BE(input.length, 1);
  return Buffer.concat(output ? [head, input, output] : [head, input]);
}

/** @throws {EnvelopeError} where the key is unknown, or the contents were changed, cut, or belong to another call */
export function openContents(envelope: Envelope, place: ContentsPlace, sealed: Uint8Array): Contents {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (bytes[0] === twoEnvelopes && bytes.length >= headBytes) {
    const inputEnd = headBytes + bytes.readUInt32BE(1);
    return {
      input: envelope.open(partOf(place, 'input'), bytes.subarray(headBytes, inputEnd)),
      output: inputEnd < bytes.length ? envelope.open(partOf(place, 'output'), bytes.subarray(inputEnd)) : undefined,
    };
  }
  const plaintext = envelope.open(partOf(place, 'contents'), bytes);
  const inputEnd = headBytes + plaintext.readUInt32BE(1);
  return {
    input: plaintext.subarray(headBytes, inputEnd),
    output: plaintext[0] === 1 ? plaintext.subarray(inputEnd) : undefined,
  };
}

function partOf({ organizationId, requestId }: ContentsPlace, part: 'contents' | 'input' | 'output') {
  return { organizationId, column: `request_contents.${part}`, rowId: requestId };
}
