import type { BrokerConnection } from '../../../src/driver/platformatic/broker-connection.ts'
import type { SessionCoordinator } from '../../../src/driver/platformatic/classic-session.ts'
import { normalizeProtocolError } from '../../../src/driver/platformatic/classify.ts'
import { FailedRequest } from '../../../src/driver/platformatic/failed-request.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'

const library = await loadPlatformaticModule()

type Handler = (...args: readonly unknown[]) => unknown

/** A coordinator that answers what the test says; a request without a handler waits until its connection is aborted. */
export class FakeCoordinator implements SessionCoordinator {
  readonly asked: { readonly name: string; readonly args: readonly unknown[] }[] = []
  readonly handlers = new Map<string, Handler>()
  forgotten = 0
  #arrived = Promise.withResolvers<void>()

  on(name: string, handler: Handler): this {
    this.handlers.set(name, handler)
    return this
  }

  /** Resolves with the arguments of the n-th request of that name. */
  async nth(name: string, number: number): Promise<readonly unknown[]> {
    for (;;) {
      const found = this.asked.filter((each) => each.name === name)[number - 1]
      if (found) return found.args
      await this.#arrived.promise
    }
  }

  count(name: string): number {
    return this.asked.filter((each) => each.name === name).length
  }

  async answer(name: string, ...args: readonly unknown[]): Promise<unknown> {
    this.asked.push({ name, args })
    this.#arrived.resolve()
    this.#arrived = Promise.withResolvers()
    return this.handlers.get(name)?.(...args)
  }

  async open(): Promise<BrokerConnection> {
    const closed = Promise.withResolvers<never>()
    closed.promise.catch(() => undefined)
    const connection = {
      isOpen: true,
      becomesOpen: () => Promise.resolve(connection.isOpen),
      abort() {
        connection.isOpen = false
        closed.reject(new FailedRequest({ code: 'BROKERS_UNREACHABLE', reason: 'Connection closed' }))
      },
      answer: (name: string, ...args: readonly unknown[]) => {
        const answer = this.answer(name, ...args)
        return Promise.race([this.handlers.has(name) ? answer : closed.promise, closed.promise])
      },
    }
    return connection as unknown as BrokerConnection
  }

  check(errorCode: number, detail?: string): void {
    if (errorCode !== 0) throw new FailedRequest(normalizeProtocolError(library, errorCode, detail))
  }

  forget(): void {
    this.forgotten++
  }
}

/** Topics that are named in a question; nothing for all there are. */
export function namesOf(topics: readonly string[] | 'all'): readonly string[] {
  return topics === 'all' ? [] : topics
}

export function failureOf(thrown: unknown) {
  return thrown instanceof FailedRequest ? thrown.failure : { code: 'DRIVER_FAILED' as const, reason: String(thrown) }
}
