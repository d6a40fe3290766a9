import { withinTime } from '../timing/within-time.ts'
import type { Breadcrumb, ErrorNotifier, ErrorReport } from './error-notifier.ts'
import { createWarning, reasonOf } from './warn-once.ts'

/** Reports that wait or are on their way; a notifier that never answers must not fill the memory. */
const maxReports = 100
/** As many as Bugsnag keeps by default. */
const maxBreadcrumbs = 25
const closeTimeoutMs = 2_000

/** Stands between sends and a notifier: nothing the notifier does, or fails to do, is felt by who adds a report. */
export class ReportQueue {
  readonly #open: () => Promise<ErrorNotifier>
  #notifier: Promise<ErrorNotifier | undefined> | undefined
  readonly #reports: ErrorReport[] = []
  readonly #breadcrumbs: Breadcrumb[] = []
  readonly #underWay = new Set<Promise<void>>()
  #scheduled = false
  readonly #warn = createWarning(
    (error) => `The error notifier failed, further failures are not shown: ${reasonOf(error)}`,
  )
  #closing: Promise<unknown> | undefined

  /** @param open called once, with the first report; with the first breadcrumb already where the notifier is `ready` */
  constructor(open: () => Promise<ErrorNotifier>, { ready }: { readonly ready: boolean }) {
    this.#open = open
    if (ready) this.#notifier = this.#opened()
  }

  /** False when it is not taken, because too many wait already. */
  add(report: ErrorReport): boolean {
    if (this.#closing || this.#reports.length + this.#underWay.size >= maxReports) return false
    this.#reports.push(report)
    this.#schedule()
    return true
  }

  leaveBreadcrumb(breadcrumb: Breadcrumb): void {
    if (this.#closing) return
    this.#breadcrumbs.push(breadcrumb)
    if (this.#breadcrumbs.length > maxBreadcrumbs) this.#breadcrumbs.shift()
    if (this.#notifier) this.#schedule()
  }

  /** Hands over what waits and gives it 2 s to arrive. Never rejects. */
  async close(): Promise<void> {
    this.#closing ??= withinTime(this.#finish(), closeTimeoutMs)
    await this.#closing
  }

  /** Outside of the driver's callback that most failures are reported from, one in each turn of the event loop. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      void this.#handOver(1).then(() => {
        this.#scheduled = false
        if (this.#reports.length > 0) this.#schedule()
      })
    })
  }

  async #handOver(count: number): Promise<void> {
    const notifier = await (this.#notifier ??= this.#opened())
    for (const breadcrumb of this.#breadcrumbs.splice(0)) {
      try {
        notifier?.leaveBreadcrumb?.(breadcrumb)
      } catch (error) {
        this.#warn(error)
      }
    }
    for (const report of this.#reports.splice(0, count)) {
      // Inside of a promise, so that what notify() throws is a rejection as well.
      const sent = new Promise<void>((resolve) => resolve(notifier?.notify(report))).catch((error) => this.#warn(error))
      this.#underWay.add(sent)
      void sent.finally(() => this.#underWay.delete(sent))
    }
  }

  async #finish(): Promise<void> {
    if (this.#notifier === undefined && this.#reports.length === 0) return
    await this.#handOver(Infinity)
    await Promise.all(this.#underWay)
    try {
      await (await this.#notifier)?.close?.()
    } catch (error) {
      this.#warn(error)
    }
  }

  async #opened(): Promise<ErrorNotifier | undefined> {
    try {
      return await this.#open()
    } catch (error) {
      this.#warn(error)
      return undefined
    }
  }
}
