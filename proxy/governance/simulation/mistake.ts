/** What is wrong with what a simulation was asked for. */
export class SimulationMistake extends Error {
  override readonly name = 'SimulationMistake';
  /** The option or field that has it. */
  readonly param: string;

  constructor(param: string, message: string) {
    super(message);
    this.param = param;
  }
}
