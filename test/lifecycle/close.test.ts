import { describe, expect, onTestFinished, test } from 'vitest'
import type { MessagingOptions } from '../../src/index.ts'
import { startMockCluster } from '../../src/testing.ts'
import { withMockCluster } from '../with-mock-cluster.ts'
import { startProgram, type RunningProgram } from './run-program.ts'

/** The process has ended by itself, which it did not before everything was settled. */
async function expectSettled(program: RunningProgram, counts: Readonly<Record<string, number>>): Promise<void> {
  const { code, stdout, stderr } = await program.end
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(/^settled (.*)$/m.exec(stdout)![1]!)).toEqual(counts)
}

describe.each(['confluent', 'platformatic'])('%s', (driver) => {
  const cluster = withMockCluster()

  function start(what: string, at = cluster.address, settings: MessagingOptions = {}): RunningProgram {
    const program = startProgram('close', what, driver, at, JSON.stringify(settings))
    onTestFinished(() => void program.child.kill('SIGKILL'))
    return program
  }

  /** It has sent one message, and now the brokers are gone. */
  async function startWithoutBrokers(what: string): Promise<RunningProgram> {
    const mortal = await startMockCluster({ brokers: 1 })
    const program = start(what, mortal.brokers.join(','), { closeTimeoutMs: 300 })
    await program.printed('ready')
    await mortal.close()
    program.child.kill('SIGUSR2')
    return program
  }

  test('a thousand first sends at once make one client', async () => {
    await expectSettled(start('firstSends'), { connected: 1, acknowledged: 1000, closed: 1 })
  })

  test('close while connecting, and again, sends what was accepted', async () => {
    await expectSettled(start('whileConnecting'), { connected: 1, acknowledged: 1000, closed: 1 })
  })

  test('close with 100,000 in flight waits for them', async () => {
    await expectSettled(start('inFlight'), { connected: 1, acknowledged: 100_001, closed: 1 })
  })

  test('close with 100,000 in flight and no brokers gives every one of them up, and the process ends', async () => {
    const program = await startWithoutBrokers('withoutBrokers')
    await expectSettled(program, { connected: 1, acknowledged: 1, 'CLOSE_TIMED_OUT, unknown': 100_000, closed: 1 })
  })

  test('SIGTERM with 100,000 in flight and no brokers settles every one of them before it ends the process', async () => {
    const program = await startWithoutBrokers('withoutBrokersUntilSignal')
    await program.printed('in flight')
    program.child.kill('SIGTERM')
    const { signal, stdout } = await program.end
    expect(signal).toBe('SIGTERM')
    expect(stdout).toContain('"CLOSE_TIMED_OUT, unknown":100000')
  })

  test('close while connecting to nobody gives up what waits, and the process ends', async () => {
    const program = start('whileConnecting', '127.0.0.1:1', { closeTimeoutMs: 300, connectTimeoutMs: 2000 })
    await expectSettled(program, { 'CLOSE_TIMED_OUT, not_sent': 1000, closed: 1 })
  })

  test('SIGTERM while connecting, twice, sends what was accepted, and then ends the process as it would have', async () => {
    const program = start('untilSignal')
    await program.printed('ready')
    program.child.kill('SIGTERM')
    program.child.kill('SIGTERM')
    const { signal, stdout } = await program.end
    expect(signal).toBe('SIGTERM')
    expect(stdout).toContain('settled {"connected":1,"acknowledged":1000}\n')
  })
})
