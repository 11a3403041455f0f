/** A configuration that a detector cannot work with. The message tells what to do, for a condition of the resource. */
export class DetectorConfigError extends Error {
  /** The path of the field below the detector's configuration, such as `patterns[2].pattern`. */
  readonly field: string;

  constructor(field: string, expectation: string, options?: ErrorOptions) {
    super(`${field} ${expectation}`, options);
    this.name = 'DetectorConfigError';
    this.field = field;
  }
}
