import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type Envelope, EnvelopeError } from '../../../../database/envelope.ts';
import { randomHex } from '../../../../database/ids.ts';
import { ProxyError } from '../../../error.ts';
import type { GovernanceContext } from '../../context.ts';
import type { Explanation } from './explain.ts';

/** What the picture of an explanation shows. */
export interface Picture extends Pick<Explanation, 'prediction' | 'explains' | 'base' | 'output'> {
  /** Those that matter most. */
  readonly features: readonly { readonly feature: string; readonly importance: number }[];
  /** What is not shown: how many features, and what they add together. */
  readonly others: { readonly count: number; readonly importance: number };
}

/** Where a picture is: all of it is in the address, sealed, so that nothing is stored. */
export interface PictureAddress {
  readonly id: string;
  readonly sealed: string;
  readonly expiresAtMs: number;
}

type Context = Pick<GovernanceContext, 'inForce'>;

export const pictureLifetimeMs = 3_600_000;
const mostShown = 20;
const mostCharacters = 60;
/** Of an opened picture. An address that is longer is none of ours. */
const mostBytes = 65_536;

export function sealPicture({ inForce }: Context, explanation: Explanation, nowMs = Date.now()): PictureAddress {
  const { snapshot, envelope } = inForce();
  const id = `exp-${randomHex(12)}`;
  const expiresAtMs = nowMs + pictureLifetimeMs;
  const contents = deflateRawSync(JSON.stringify({ picture: pictureOf(explanation), expiresAtMs }));
  return {
    id,
    expiresAtMs,
    sealed: envelope.seal(placeOf(snapshot.organizationId, id), contents).toString('base64url'),
  };
}

/**
 * Opens the picture of an address. Whoever has the address may see it, until it expires.
 *
 * @throws {ProxyError} `resource_not_found`, the same for an address that was changed and one that has expired
 */
export function openPicture(
  { inForce }: Context,
  { id, sealed }: Pick<PictureAddress, 'id' | 'sealed'>,
  nowMs = Date.now(),
): { readonly picture: Picture; readonly expiresAtMs: number } {
  const { snapshot, envelope } = inForce();
  const opened = open(envelope, snapshot.organizationId, id, sealed);
  if (opened && opened.expiresAtMs > nowMs) return opened;
  const message = 'There is no picture at this address, or it has expired; ask for the explanation again';
  throw new ProxyError('resource_not_found', { message });
}

function open(envelope: Envelope, organizationId: string, id: string, sealed: string) {
  try {
    const contents = envelope.open(placeOf(organizationId, id), Buffer.from(sealed, 'base64url'));
    const text = inflateRawSync(contents, { maxOutputLength: mostBytes }).toString();
    return JSON.parse(text) as { readonly picture: Picture; readonly expiresAtMs: number };
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
}

function placeOf(organizationId: string, rowId: string) {
  return { organizationId, column: 'explanations.picture', rowId };
}

function pictureOf({ prediction, explains, base, output, features }: Explanation): Picture {
  const others = features.slice(mostShown);
  return {
    ...{ prediction, explains, base, output },
    features: features
      .slice(0, mostShown)
      .map(({ feature, importance }) => ({ feature: shorten(feature), importance })),
    others: { count: others.length, importance: others.reduce((sum, { importance }) => sum + importance, 0) },
  };
}

function shorten(text: string): string {
  const characters = [...text];
  return characters.length <= mostCharacters ? text : `${characters.slice(0, mostCharacters - 1).join('')}…`;
}
