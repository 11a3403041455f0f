import { type Connection, Query } from 'pg';
import { statementName } from './client.ts';
import type { Queryable } from './queryable.ts';

/** A statement whose parameters are bytes, and whose rows nobody needs. */
export interface ByteStatement {
  /** Each connection prepares the statement under this name once; behind a pooler, each time without a name. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly ByteParameter[];
}

/** Text is sent as text, and bytes in PostgreSQL's binary format, unless they are the bytes of a text. */
export type ByteParameter = string | Buffer | { readonly text: Buffer };

/**
 * Runs a statement, and sends its bytes as they are: pg would copy megabytes twice, into buffers that are garbage at
 * once. The bytes must stay unchanged until the promise resolves; where it rejects, they may still be read later.
 */
export function runWithBytes(db: Queryable, statement: ByteStatement): Promise<void> {
  return new Promise((resolve, reject) => {
    const name = statementName(db, statement.name) ?? '';
    db.query(new BytesQuery({ ...statement, name }, (error) => (error ? reject(error) : resolve())));
  });
}

class BytesQuery extends Query {
  readonly #statement: ByteStatement;

  constructor(statement: ByteStatement, onDone: (error: Error | undefined) => void) {
    super({ name: statement.name, text: statement.text, values: [] }, onDone);
    this.#statement = statement;
  }

  /** pg would send a statement without a name as text. */
  requiresPreparation(): boolean {
    return true;
  }

  /** pg calls this to send the messages of a statement; it differs from pg's own only in the message `Bind`. */
  prepare(connection: Connection & ParsedStatements): void {
    const { name, text, values } = this.#statement;
    const { parsedStatements: parsed, submittedNamedStatements: submitted } = connection;
    if (name === '' || (parsed[name] === undefined && submitted[name] === undefined)) {
      connection.parse({ name, text, types: [] }, true);
      if (name !== '') submitted[name] = text;
    }
    for (const part of makeBind(name, values)) connection.stream.write(part);
    connection.execute(null, true);
    connection.sync();
  }

  /** Drops the rows: nobody needs them, and pg cannot read rows that were not described. */
  handleDataRow(): void {}
}

/** What pg notes about a connection. */
interface ParsedStatements {
  readonly parsedStatements: Readonly<Record<string, string>>;
  readonly submittedNamedStatements: Record<string, string>;
}

/**
 * The message `Bind` in parts.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-BIND
 */
export function makeBind(name: string, values: readonly ByteParameter[]): Buffer[] {
  const parameters = values.map(bytesOf);
  // The portal without a name, and the statement.
  const names = Buffer.from(`\0${name}\0`);
  const formats = Buffer.alloc(2 + values.length * 2 + 2);
  formats.writeInt16BE(values.length);
  for (const [index, value] of values.entries()) formats.writeInt16BE(Buffer.isBuffer(value) ? 1 : 0, 2 + index * 2);
  formats.writeInt16BE(values.length, formats.length - 2);
  const lengthOf = (value: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value.length);
    return length;
  };
  // No format for the results: all are text.
  const rest = [names, formats, ...parameters.flatMap((value) => [lengthOf(value), value]), Buffer.alloc(2)];
  const head = Buffer.alloc(5);
  head.write('B');
  head.writeInt32BE(4 + rest.reduce((sum, { length }) => sum + length, 0), 1);
  return [head, ...rest];
}

function bytesOf(value: ByteParameter): Buffer {
  if (typeof value === 'string') return Buffer.from(value);
  return Buffer.isBuffer(value) ? value : value.text;
}
