/** What a simulation leaves out, with the calls that this concerns. Null: it is not known how many. */
export interface LeftOut {
  readonly what: string;
  readonly calls: number | null;
}
