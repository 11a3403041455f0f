/** By sysexits: the operator ends a job whose pod ends so, since another try would end the same. */
const exitCodes = { configuration: 78, data: 65, input: 66, other: 1 } as const;

/** Why training or serving cannot go on, in a sentence that the user of the API may see. */
export class TrainerError extends Error {
  override readonly name = 'TrainerError';
  readonly kind: keyof typeof exitCodes;

  constructor(kind: keyof typeof exitCodes, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }

  get exitCode(): number {
    return exitCodes[this.kind];
  }
}
