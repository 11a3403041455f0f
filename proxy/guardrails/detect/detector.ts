/** A part of a text that a detector recognized. Positions are UTF-16 units from the beginning of the whole text. */
export interface Match {
  readonly start: number;
  /** The position after the last unit. */
  readonly end: number;
  /** What it is, one of the detector's `kinds`. */
  readonly kind: string;
}

/** What is known about a stream of text after another piece of it. */
export interface Progress {
  /**
   * Text before this position may be released: no text to come can make it part of a match. Never falls, and never
   * lies within a match. At the end of a stream, the length of the text.
   */
  readonly settledUpTo: number;
  /** The matches that are new, in order and without overlaps. They all end at or before `settledUpTo`. */
  readonly matches: readonly Match[];
}

/** One text that arrives in pieces: any pieces of a text give the matches that `scan` of the whole text gives. */
export interface TextStream {
  push(text: string): Progress;
  /** The text is complete. */
  end(): Progress;
}

/** Recognizes something in texts. It keeps no state between texts, so one detector serves all calls. */
export interface Detector {
  /** The detector's type, as in an Organization's YAML. */
  readonly name: string;
  /** All kinds that its matches may have. */
  readonly kinds: readonly string[];
  /** The most UTF-16 units that a stream holds back, whatever the text. */
  readonly maxHeldBack: number;
  /** Finds all matches, in order and without overlaps. */
  scan(text: string): readonly Match[];
  openStream(): TextStream;
}
