import { expect, onTestFinished, test, vi } from 'vitest'
import type { ErrorNotifier } from '../../src/instrumentation/error-notifier.ts'
import { ReportQueue } from '../../src/instrumentation/report-queue.ts'
import { createReport } from './create-report.ts'

const ready = { ready: true }

test('reports are handed over after the one who adds them has gone on, in order', async () => {
  const heard: string[] = []
  const queue = createQueue({ notify: ({ message }) => void heard.push(message) })
  queue.add(createReport({ message: 'first' }))
  queue.add(createReport({ message: 'second' }))
  expect(heard).toEqual([])
  await queue.close()
  expect(heard).toEqual(['first', 'second'])
})

test('they do not wait for a close', async () => {
  const heard = Promise.withResolvers<void>()
  createQueue({ notify: () => heard.resolve() }).add(createReport())
  await heard.promise
})

test('breadcrumbs come before the report that follows them, the latest 25', async () => {
  const heard: string[] = []
  const queue = new ReportQueue(
    () =>
      Promise.resolve<ErrorNotifier>({
        notify: () => void heard.push('report'),
        leaveBreadcrumb: ({ event }) => void heard.push(event),
      }),
    { ready: false },
  )
  for (let count = 1; count <= 30; count++) queue.leaveBreadcrumb({ event: String(count), metadata: {} })
  queue.add(createReport())
  await queue.close()
  expect(heard).toEqual([...Array.from({ length: 25 }, (_, index) => String(index + 6)), 'report'])
})

test('a notifier that is started first is not started for breadcrumbs alone', async () => {
  const open = vi.fn<() => Promise<ErrorNotifier>>()
  const queue = new ReportQueue(open, { ready: false })
  queue.leaveBreadcrumb({ event: 'producer.built', metadata: {} })
  await queue.close()
  expect(open).not.toHaveBeenCalled()
})

test.each<[string, ErrorNotifier]>([
  ['throws', { notify: () => fail(), leaveBreadcrumb: () => fail(), close: () => fail() }],
  ['rejects', { notify: async () => fail(), close: async () => fail() }],
])('a notifier that %s is a warning, once', async (_, notifier) => {
  const warned = silenceWarnings()
  const queue = createQueue(notifier)
  queue.leaveBreadcrumb({ event: 'producer.built', metadata: {} })
  queue.add(createReport())
  queue.add(createReport())
  await queue.close()
  expect(warned).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('broken notifier'), 'PostriderWarning')
})

test('one that cannot be started is a warning, once', async () => {
  const warned = silenceWarnings()
  const queue = new ReportQueue(() => Promise.reject(new Error('not installed')), { ready: false })
  queue.add(createReport())
  queue.add(createReport())
  await queue.close()
  expect(warned).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('not installed'), 'PostriderWarning')
})

test('one that never answers holds at most 100 reports, and a close for 2 s', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const queue = createQueue({ notify: () => new Promise<void>(() => {}) })
  const taken = Array.from({ length: 150 }, () => queue.add(createReport()))
  expect(taken.filter(Boolean)).toHaveLength(100)
  const closed = queue.close()
  await vi.advanceTimersByTimeAsync(2_000)
  await closed
  expect(queue.add(createReport()), 'nothing is taken after the close').toBe(false)
  await queue.close()
})

function createQueue(notifier: ErrorNotifier): ReportQueue {
  return new ReportQueue(() => Promise.resolve(notifier), ready)
}

function silenceWarnings() {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  onTestFinished(() => warned.mockRestore())
  return warned
}

function fail(): never {
  throw new Error('broken notifier')
}
