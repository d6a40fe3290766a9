const shown = '[redacted]'
// By its registered name, since importing node:util opens the process's stderr.
const inspectCustom = Symbol.for('nodejs.util.inspect.custom')

/** A value that appears nowhere: printing, JSON, inspection and string conversion all give `[redacted]`. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself, for the one place that needs it. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return shown
  }

  toJSON(): string {
    return shown
  }

  [inspectCustom](): string {
    return shown
  }
}
