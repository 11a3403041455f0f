import type { JWTPayload } from 'jose';
import type { KeyHint } from './key-set.ts';

/** A token whose signature and claims are as they should be. */
export interface VerifiedToken {
  readonly payload: JWTPayload;
  /** Of the key that signed it. */
  readonly keyId: string | undefined;
  /** Whether it still would be; absent: as long as the configuration and the token last. */
  readonly isCurrent?: () => boolean;
}

/** @throws where the token is not to be believed, with a reason that names nothing of it */
export type VerifyToken = (token: string, hint: KeyHint) => Promise<VerifiedToken>;
