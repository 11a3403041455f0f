import type { Body } from '../providers/json.ts';
import type { OperationName } from '../providers/operation-name.ts';
import type { StreamReader } from '../providers/reading.ts';
import type { Persona, Surface } from '../snapshot/snapshot.ts';

/** One governed operation: what a client may ask. How a provider is asked for it is the provider's. */
export interface Operation {
  readonly name: OperationName;
  /** What the organization must serve for it. */
  readonly surface: Surface;
  /** Below the surface's prefix. */
  readonly path: string;
  /** Fields that must be there, beside `model`. */
  readonly required: readonly string[];
  /** Whether the provider chooses a model where the body names none. */
  readonly modelIsOptional?: true;
  /** Whether its body may be a form with files in it. Such a body has a form's fields, all of them text. */
  readonly takesForm?: true;
  /** Whether the provider works on after its answer, so that the end must be asked for. Absent: it never does. */
  runsInBackground?(body: Body): boolean;
  /**
   * The body with the persona's text as its instructions and the persona's defaults where the body says nothing.
   *
   * @throws {ProxyError} `persona_not_supported`
   */
  applyPersona(body: Body, persona: Persona): Body;
  /** What the client gets of a whole answer, where that is not the provider's bytes. */
  present?(answer: Body): Body;
  /** What the client gets of a stream, where that is not the provider's events. */
  presentStream?(reader: StreamReader): StreamReader;
}
