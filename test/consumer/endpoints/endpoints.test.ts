import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { catchRejection } from '../../catch-error.ts'
import { handling, setUp } from '../consume.ts'

let scratch: string
beforeEach(() => void (scratch = mkdtempSync(join(tmpdir(), 'postrider-'))))
afterEach(() => rmSync(scratch, { recursive: true }))

const Items = handling(() => undefined)

describe('what configuration names', () => {
  test('is opened by the first start, once, and told where', async () => {
    const controlSocket = join(scratch, 'control', 'a.sock')
    await using setup = setUp({ health: { port: 0 }, controlSocket })
    const opened = setup.heard('endpoint.opened')
    const { consumers } = setup.messaging
    await consumers.run([Items])
    await consumers.run([class Others extends handling(() => undefined, { group: 'h' }) {}])
    const [health, control] = opened.values.toSorted((a, b) => b.purpose.localeCompare(a.purpose))
    expect(opened.values).toHaveLength(2)
    expect(control).toMatchObject({ purpose: 'control', address: controlSocket })
    expect((await fetch(`${health!.address}/health/live`)).status).toBe(200)
    expect((await fetch(`${health!.address}/consumers/pause`, { method: 'POST' })).status, 'not over TCP').toBe(404)
    await setup.messaging.close()
    expect(readdirSync(join(scratch, 'control'))).toEqual([])
  })

  test('answers while brokers are not reached yet', async () => {
    await using setup = setUp({ health: { port: 0 } })
    const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const createConsumer = setup.driver.createConsumer.bind(setup.driver)
    setup.driver.createConsumer = async (options) => {
      asked.resolve()
      await gate.promise
      return createConsumer(options)
    }
    const opened = setup.heard('endpoint.opened')
    const running = setup.messaging.consumers.run([Items])
    await asked.promise
    const response = await fetch(`${opened.values[0]!.address}/health`)
    expect([response.status, await response.json()]).toMatchObject([503, { state: 'starting', isAlive: true }])
    gate.resolve()
    await running
  })

  test('and cannot be opened fails the start, which can be made again', async () => {
    await using first = setUp({ health: { port: 0 } })
    const opened = first.heard('endpoint.opened')
    await first.messaging.consumers.run([Items])
    const port = Number(new URL(opened.values[0]!.address).port)
    await using second = setUp({ health: { port } })
    for (let attempt = 1; attempt <= 2; attempt++) {
      expect(await catchRejection(second.messaging.consumers.run([Items]))).toMatchObject({ code: 'LISTEN_FAILED' })
    }
    await first.messaging.close()
    await second.messaging.consumers.run([Items])
  })
})

test('closed nothing is opened any more, and what was being opened is closed', async () => {
  const setup = setUp()
  const { consumers } = setup.messaging
  const opening = consumers.serveHealth({ port: 0 })
  await setup.messaging.close()
  const { address } = await opening
  await expect(fetch(address)).rejects.toThrow('fetch failed')
  expect(await catchRejection(consumers.serveControl(join(scratch, 'a.sock')))).toMatchObject({
    code: 'CONSUMER_STOPPED',
    message: 'The messaging instance is closed; its control endpoint was not started.',
  })
})
