/** Why a directory cannot be a cluster at all. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
  readonly code: 'directory_not_found' | 'directory_without_yaml';
  readonly directory: string;

  constructor(code: DirectoryError['code'], directory: string, options?: ErrorOptions) {
    const reason = code === 'directory_not_found' ? 'is no directory that can be read' : 'has no .yaml or .yml file';
    super(`${directory} ${reason}`, options);
    this.code = code;
    this.directory = directory;
  }
}

/** What is wrong with a file, or with an object in it. What the object said before stays in force. */
export interface FileProblem {
  /** Relative to the directory. */
  readonly file: string;
  /** Which of the file's documents, from 1. */
  readonly document?: number;
  /** From 1. */
  readonly line?: number;
  /** `Persona default/support-agent`; absent where the object cannot be told. */
  readonly object?: string;
  /** `spec.providers[0].baseUrl`; absent where the whole object is meant. */
  readonly field?: string;
  readonly reason: string;
}
