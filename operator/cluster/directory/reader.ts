import { isDeepStrictEqual } from 'node:util';
import { describeKey, idOf } from '../cluster.ts';
import type { FileProblem } from './directory-error.ts';
import { parseFile } from './documents.ts';
import type { Objects } from './objects.ts';
import type { Records } from './records.ts';
import { problemOf, readStatements, type Statement, type Statements } from './statements.ts';
import { readYamlFiles, type YamlFile } from './yaml-files.ts';

/**
 * For so long an object must be missing before it counts as deleted: an editor may write a file in parts, or take it
 * away and put another in its place.
 */
export const settleMs = 100;

/** Reads the directory, and has the objects be what its files state. */
export interface Reader {
  /**
   * @returns whether something is missing, so that the directory must be read again after `settleMs`
   * @throws DirectoryError where the directory has never been read and there is nothing to read
   */
  read(): Promise<boolean>;
  /** Has the next reading act on files that did not change, too. */
  invalidate(): void;
  problems(): readonly FileProblem[];
}

interface ReaderContext {
  readonly directory: string;
  readonly objects: Objects;
  readonly records: Records;
  readonly onProblem: (problem: FileProblem) => void;
  readonly onFixed: (problem: FileProblem) => void;
}

export function makeReader({ directory, objects, records, onProblem, onFixed }: ReaderContext): Reader {
  let wasRead = false;
  let lastFiles: readonly YamlFile[] | undefined;
  let problems: readonly FileProblem[] = [];
  const missingSince = new Map<string, number>();

  const report = (found: readonly FileProblem[]) => {
    const isIn = (list: readonly FileProblem[]) => (problem: FileProblem) =>
      list.some((other) => isDeepStrictEqual(problem, other));
    const known = problems;
    problems = found;
    for (const problem of known.filter((one) => !isIn(found)(one))) onFixed(problem);
    for (const problem of found.filter((one) => !isIn(known)(one))) onProblem(problem);
  };

  const act = async (files: readonly YamlFile[]) => {
    const statements = readStatements(files.map(parseFile));
    const found = [...statements.problems];
    for (const statement of statements.byId.values()) found.push(...(await applyStatement(objects, statement)));
    await deleteMissing(statements);
    report(found);
  };

  const deleteMissing = async ({ byId, unreadable }: Statements) => {
    const missing = records
      .all()
      .filter(({ key, owner }) => owner === 'files' && !byId.has(idOf(key)))
      // It may stand in what could not be read of its file.
      .filter(({ file }) => file === undefined || !unreadable.has(file))
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const ids = new Set(missing.map(({ key }) => idOf(key)));
    for (const id of missingSince.keys()) if (!ids.has(id)) missingSince.delete(id);
    for (const { key } of missing) {
      const since = missingSince.get(idOf(key)) ?? performance.now();
      missingSince.set(idOf(key), since);
      if (performance.now() - since < settleMs) continue;
      await objects.delete(key);
      missingSince.delete(idOf(key));
    }
  };

  return {
    read: async () => {
      try {
        const files = await readYamlFiles(directory);
        if (missingSince.size > 0 || !isDeepStrictEqual(files, lastFiles)) await act(files);
        lastFiles = files;
        wasRead = true;
      } catch (error) {
        if (!wasRead) throw error;
        lastFiles = undefined;
        const reason = `${error instanceof Error ? error.message : error}; what was read last stays in force`;
        report([{ file: '.', reason }]);
      }
      return missingSince.size > 0;
    },
    invalidate: () => {
      lastFiles = undefined;
    },
    problems: () => problems,
  };
}

async function applyStatement(objects: Objects, { key, value, source }: Statement): Promise<readonly FileProblem[]> {
  const problems = await objects.apply(key, value, source?.file);
  if (!source) return [];
  return problems.map(({ field, message }) => problemOf(source, { object: describeKey(key), field, reason: message }));
}
