import type { Body } from '../providers/json.ts';
import type { OperationName } from '../providers/operation-name.ts';
import type { StreamReader } from '../providers/reading.ts';
import type { Persona, Surface } from '../snapshot/snapshot.ts';

/** A kind of governed call that a client may make. The provider's adapter knows how to ask a provider for it. */
export interface Operation {
  readonly name: OperationName;
  /** The surface that the organization must serve. */
  readonly surface: Surface;
  /** Path below the surface's prefix. */
  readonly path: string;
  /** Required fields, besides `model`. */
  readonly required: readonly string[];
  /** Whether the provider chooses a model where the body names none. */
  readonly modelIsOptional?: true;
  /** Whether it only counts the tokens of an input, so that nothing about an answer is set. */
  readonly onlyCounts?: true;
  /** Whether its body may be a form with files. Such a body has the form's fields, all as text. */
  readonly takesForm?: true;
  /** Whether the cache may keep the answer to a form: the form says all that the answer follows from. */
  readonly mayReplayForm?: true;
  /** What a call does beside its answer, if it is sent twice. Absent: nothing, but it is billed twice. */
  effects?(body: Body): 'none' | 'stores' | 'acts';
  /** Whether the provider works on after its answer, so that the call is pending. Absent: never. */
  runsInBackground?(body: Body): boolean;
  /** Whether the provider keeps the answer under its id, so that one that broke off can be read there. Absent: never. */
  keepsAnswer?(body: Body): boolean;
  /**
   * Applies a persona: its text becomes the instructions, and its defaults fill missing fields.
   *
   * @throws {ProxyError} `persona_not_supported`
   */
  applyPersona(body: Body, persona: Persona): Body;
  /** Makes the client's answer from a whole answer. Absent: the client gets the provider's bytes. */
  present?(answer: Body): Body;
  /** Makes the client's stream from the provider's. Absent: the client gets the provider's events. */
  presentStream?(reader: StreamReader): StreamReader;
}
