import type { Logger } from 'pino';

/** The level of a log while the process runs. */
export interface LevelSwitch {
  /** What the configuration says now. Undefined: as the process was started. */
  state(level: string | undefined): void;
  /** Logs everything from `debug` on, or no longer. It wins over the configuration. */
  toggleDebug(): void;
  /** The switch of a child, which follows this one's `toggleDebug` until it is closed. */
  child(log: Logger): LevelSwitch & { close(): void };
}

/** @param usual the level where nothing else is stated */
export function makeLevelSwitch(log: Logger, usual = log.level): LevelSwitch {
  const children = new Set<LevelSwitch>();
  let stated: string | undefined;
  let isDebugging = false;
  const apply = () => {
    const level = isDebugging ? 'debug' : (stated ?? usual);
    if (log.level === level) return;
    log.level = level;
    log.info({ logLevel: level }, 'the log level has changed');
  };
  return {
    state(level) {
      stated = level;
      apply();
    },
    toggleDebug() {
      isDebugging = !isDebugging;
      apply();
      for (const child of children) child.toggleDebug();
    },
    child(of) {
      const made = makeLevelSwitch(of, usual);
      if (isDebugging) made.toggleDebug();
      children.add(made);
      return { ...made, close: () => void children.delete(made) };
    },
  };
}
