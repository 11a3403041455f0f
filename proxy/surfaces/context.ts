import type { GovernanceContext } from '../governance/context.ts';
import type { Surface } from '../http/surface.ts';
import type { OpenAiContext } from './openai/context.ts';

/** What all surfaces together work with. */
export type SurfaceContext = OpenAiContext &
  GovernanceContext & {
    /** The table, for the OpenAPI document. */
    readonly surfaces: SurfaceTable;
  };

/** The first surface's envelope is used where no path is near. */
export type SurfaceTable = readonly [Surface<SurfaceContext>, ...Surface<SurfaceContext>[]];
