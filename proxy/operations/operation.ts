import type { Body } from '../providers/json.ts';
import type { OperationName } from '../providers/operation-name.ts';
import type { StreamReader } from '../providers/reading.ts';
import type { Persona, Surface } from '../snapshot/snapshot.ts';

/** One governed operation: what a client may ask. How a provider is asked for it is the provider's. */
export interface Operation {
  readonly name: OperationName;
  /** The surface that the organization must serve. */
  readonly surface: Surface;
  /** Below the surface's prefix. */
  readonly path: string;
  /** Required fields, besides `model`. */
  readonly required: readonly string[];
  /** Whether the provider chooses a model where the body names none. */
  readonly modelIsOptional?: true;
  /** Whether its body may be a form with files. Such a body has the form's fields, all as text. */
  readonly takesForm?: true;
  /** Whether the provider works on after its answer, so that the call is pending. Absent: never. */
  runsInBackground?(body: Body): boolean;
  /**
   * Applies a persona: its text becomes the instructions, and its defaults fill missing fields.
   *
   * @throws {ProxyError} `persona_not_supported`
   */
  applyPersona(body: Body, persona: Persona): Body;
  /** Makes the client's answer from a whole answer. Absent: the client gets the provider's bytes. */
  present?(answer: Body): Body;
  /** What the client gets of a stream, where that is not the provider's events. */
  presentStream?(reader: StreamReader): StreamReader;
}
