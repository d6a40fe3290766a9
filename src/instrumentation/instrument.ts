/**
 * A listener that holds something: a socket, a timer, counts that are not flushed yet.
 * It is started synchronously by the first build of its messaging instance, before any message is sent, and loads what it needs
 * in the background; it must never throw into, slow down or fail a send.
 */
export interface Instrument {
  /** Flushes and releases; bounded in time by itself. Safe to call again. */
  close(): Promise<void>
}
