/** How well each class fits a text, by the class's name. Probabilities, where the model has them. */
export type ClassScores = Readonly<Record<string, number>>;

/** A model that can be explained: it says of texts which class they belong to. */
export interface TextModel {
  /**
   * @param texts at most 256. They may be empty, and have words missing: an explanation takes words away
   * @returns the scores of each text, in the order of the texts, each with the same classes
   * @throws {ProxyError} as a call
   */
  predict(texts: readonly string[]): Promise<readonly ClassScores[]>;
}
