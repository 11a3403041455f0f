import type { JWTPayload } from 'jose';
import type { KeyHint } from './key-set.ts';

/** A token with a valid signature and valid claims. */
export interface VerifiedToken {
  readonly payload: JWTPayload;
  /** Id of the key that signed it. */
  readonly keyId: string | undefined;
  /** Whether the token is still valid. Absent: it is, for as long as the configuration and the token last. */
  readonly isCurrent?: () => boolean;
}

/** Verifies a token. @throws where it is not valid, with a reason that quotes nothing from it */
export type VerifyToken = (token: string, hint: KeyHint) => Promise<VerifiedToken>;
