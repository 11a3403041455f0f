import { appendFileSync, chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Erasure } from '../../database/erasures.ts';
import { userDigest, userIdOf } from '../../database/ids.ts';
import { jsonOf } from '../../database/request-lines.ts';
import type { Entry } from './frame.ts';
import type { SpoolTable } from './tables.ts';

/** Records that Postgres will never accept. They are kept in a file beside the spool, for a person to inspect. */
export interface SetAside {
  append(table: SpoolTable, row: Pick<Entry, 'row' | 'sealed'>, reason: string): void;
  /** Notes that a record is lost of which nothing can be read. @returns false where that was noted before */
  appendOnce(reason: string): boolean;
  /** Whether any record was set aside. */
  exists(): boolean;
  /** Removes erased users from the records. @returns how many records it changed */
  eraseUsers(organizationId: string, erasures: readonly Erasure[]): number;
}

interface Line {
  readonly table: SpoolTable;
  readonly reason: string;
  /** JSON text of what the table holds. */
  readonly record: string;
  /** The sealed contents of a call in base64. Absent where it has none; earlier versions had them in the record. */
  readonly sealed?: string;
}

/** The file has sealed contents and users' ids. */
const mode = 0o600;

export function openSetAside(directory: string): SetAside {
  const file = join(directory, 'set-aside.jsonl');
  // Older versions made the file readable for everybody.
  if (existsSync(file)) chmodSync(file, mode);
  return {
    append(table, { row, sealed }, reason) {
      const line: Line = {
        table,
        reason,
        record: jsonOf(row),
        ...(sealed.length > 0 && { sealed: sealed.toString('base64') }),
      };
      appendFileSync(file, `${JSON.stringify(line)}\n`, { mode });
    },
    appendOnce(reason) {
      const line = `${JSON.stringify({ table: 'unknown', reason, record: '' })}\n`;
      if (existsSync(file) && readFileSync(file, 'utf8').includes(line)) return false;
      appendFileSync(file, line, { mode });
      return true;
    },
    exists: () => existsSync(file),
    eraseUsers(organizationId, erasures) {
      if (erasures.length === 0 || !existsSync(file)) return 0;
      const byDigest = new Map(erasures.map((erasure) => [erasure.userDigest, erasure]));
      const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
      const kept = lines.map((line) => eraseFromLine(line, organizationId, byDigest));
      const changed = kept.filter((line, index) => line !== lines[index]).length;
      if (changed === 0) return 0;
      writeFileSync(`${file}.new`, kept.map((line) => (line === undefined ? '' : `${line}\n`)).join(''), { mode });
      renameSync(`${file}.new`, file);
      return changed;
    },
  };
}

/** @returns the line without the erased user; undefined for an unreadable line, since its user is unknown */
function eraseFromLine(
  text: string,
  organizationId: string,
  erasures: ReadonlyMap<string, Erasure>,
): string | undefined {
  const parsed = parseLine(text);
  if (!parsed) return undefined;
  const { line, record } = parsed;
  const strangerFor = (userId: unknown): string | undefined => {
    const erasure = typeof userId === 'string' ? erasures.get(userDigest(organizationId, userId)) : undefined;
    // A record without a time counts as older than the erasure.
    return erasure && !(beganAtMs(record) >= erasure.erasedAtMs) ? erasure.stranger : undefined;
  };
  const { user_id, user_external_id: name, rated_by } = record;
  const user =
    strangerFor(user_id) ?? (typeof name === 'string' ? strangerFor(userIdOf(organizationId, name)) : undefined);
  const rater = strangerFor(rated_by);
  if (user === undefined && rater === undefined) return text;
  const gone = {
    ...(user !== undefined && ofUser(user)),
    ...(rater !== undefined && { rated_by: rater, feedback: null }),
  };
  const known = Object.fromEntries(Object.entries(gone).filter(([field]) => field in record));
  const { sealed, ...others } = line;
  return JSON.stringify({
    ...others,
    ...(sealed !== undefined && user === undefined && { sealed }),
    // The reason may quote the refused value, so it is replaced.
    reason: 'its user was erased',
    record: JSON.stringify({ ...record, ...known }),
  });
}

/** Undefined where the line, or the record in it, is not a JSON object. */
function parseLine(text: string): { line: Line; record: Readonly<Record<string, unknown>> } | undefined {
  try {
    const line = JSON.parse(text);
    const record = JSON.parse(line.record);
    return typeof record === 'object' && record !== null && !Array.isArray(record) ? { line, record } : undefined;
  } catch {
    return undefined;
  }
}

function beganAtMs({ started_at, created_at, rated_at }: Readonly<Record<string, unknown>>): number {
  return Date.parse(String(started_at ?? created_at ?? rated_at));
}

/** The fields that replace the user and the contents in a record. */
function ofUser(stranger: string): Readonly<Record<string, string | null>> {
  return {
    user_id: stranger,
    user_external_id: null,
    session_id: `erased-${stranger}`,
    turn_id: null,
    input_sealed: null,
    output_sealed: null,
    client_name: null,
    client_version: null,
    safety_identifier: null,
    end_user: null,
  };
}
