import { longestTimerMs } from '../../timing/within-time.ts'
import { createDriverError } from '../driver-error.ts'
import type { NativeError } from './native-module.ts'
import { toDriverError } from './to-driver-error.ts'

export type NativeAnswer<Value> = (error: NativeError | null | undefined, value: Value) => void

/** How many threads of libuv wait for brokers at a time, of the four that a process has for everything. */
const threads = { free: 2, wanted: [] as (() => void)[] }

/**
 * What one client of librdkafka asks the brokers. Each question holds a thread of libuv until it is answered: so a client asks one
 * at a time, and all clients together leave threads for what else there is to do.
 */
export class NativeQuestions {
  #last: Promise<unknown> = Promise.resolve()
  #isClosed = false

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** @throws what `toError` makes of the answer; CLOSE_TIMED_OUT where it was not asked any more */
  ask<Value>(
    question: (done: NativeAnswer<Value>) => void,
    toError: (error: NativeError) => Error = toDriverError,
  ): Promise<Value> {
    const answer = this.#last.then(() => onThread(() => this.#ask(question, toError)))
    this.#last = answer.catch(() => undefined)
    return answer
  }

  /** Resolves when no question is under way: one that is would use the client after it is gone. Later ones are refused. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#last
  }

  #ask<Value>(question: (done: NativeAnswer<Value>) => void, toError: (error: NativeError) => Error): Promise<Value> {
    if (this.#isClosed) throw createDriverError({ code: 'CLOSE_TIMED_OUT', reason: 'the client is closed' })
    const answer = new Promise<Value>((resolve, reject) => {
      try {
        question((error, value) => (error ? reject(toError(error)) : resolve(value)))
      } catch (error) {
        // The binding checks its arguments by throwing.
        reject(toError(error as NativeError))
      }
    })
    // Node does not list work of native addons: without this a process that waits for the answer would look as if it were done.
    const sign = setInterval(() => undefined, longestTimerMs)
    return answer.finally(() => clearInterval(sign))
  }
}

async function onThread<Value>(work: () => Promise<Value>): Promise<Value> {
  if (threads.free > 0) threads.free--
  else await new Promise<void>((resolve) => threads.wanted.push(resolve))
  try {
    return await work()
  } finally {
    // Handed over, so that nobody comes in between.
    const next = threads.wanted.shift()
    if (next) next()
    else threads.free++
  }
}
