import { decodeState, encodeState } from './model/encode.ts';
import type { TrainingState } from './model/optimizer.ts';
import type { Report } from './report.ts';
import { readWhole, type Store } from './stores/store.ts';

/** What a job has learnt so far, where it outlives its pods. */
export interface Checkpoints {
  /** @returns undefined: there is none */
  load(): Promise<TrainingState | undefined>;
  /** Writes the state, unless the last checkpoint has it. */
  save(state: TrainingState): Promise<void>;
  /** Since the last one, or since the start. */
  ageMs(): number;
}

export function openCheckpoints(store: Store, folder: string, report: Report): Checkpoints {
  const uri = `${folder}checkpoint.bin`;
  let savedAt = performance.now();
  let saved = '';
  const nameOf = ({ step, evaluatedAt }: TrainingState) => `${step} ${evaluatedAt}`;
  return {
    async load() {
      const bytes = await readWhole(store, uri);
      if (!bytes) return undefined;
      const state = decodeState(bytes);
      saved = nameOf(state);
      report.say(`Going on from the checkpoint after step ${state.step}`);
      return state;
    },
    async save(state) {
      if (nameOf(state) === saved) return;
      await store.write(uri, encodeState(state));
      saved = nameOf(state);
      savedAt = performance.now();
      report.say(`A checkpoint is written after step ${state.step}`);
    },
    ageMs: () => performance.now() - savedAt,
  };
}
