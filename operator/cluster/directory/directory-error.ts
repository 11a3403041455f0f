/** Why a directory cannot serve as a cluster. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
  readonly code: 'directory_not_found' | 'directory_without_yaml';
  readonly directory: string;

  constructor(code: DirectoryError['code'], directory: string, options?: ErrorOptions) {
    const reason = code === 'directory_not_found' ? 'is not a readable directory' : 'has no .yaml or .yml file';
    super(`${directory} ${reason}`, options);
    this.code = code;
    this.directory = directory;
  }
}

/** What is wrong with a file, or with an object in it. The object's last valid state stays in force. */
export interface FileProblem {
  /** Relative to the directory. */
  readonly file: string;
  /** Number of the document in the file, from 1. */
  readonly document?: number;
  /** From 1. */
  readonly line?: number;
  /** `Persona default/support-agent`. Absent where the object cannot be determined. */
  readonly object?: string;
  /** `spec.providers[0].baseUrl`. Absent where the problem concerns the whole object. */
  readonly field?: string;
  readonly reason: string;
}
