import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startMockCluster, type MockCluster } from '../../src/testing.ts'
import { startProgram } from './run-program.ts'

describe('closeOnExit', () => {
  let cluster: MockCluster
  let brokers: string

  beforeAll(async () => {
    cluster = await startMockCluster()
    brokers = cluster.brokers.join(',')
  })
  afterAll(() => cluster.close())

  test('a process with nothing left to do ends by itself, after what it sent is acknowledged', async () => {
    const { code, stdout, stderr } = await startProgram('exit', 'end', brokers).end
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe('closed 0\n')
  })

  test('SIGTERM closes, lets everything settle, and then ends the process as it would have', async () => {
    const program = startProgram('exit', 'stream', brokers)
    await program.printed('ready')
    program.child.kill('SIGTERM')
    const { signal, stdout } = await program.end
    expect(signal).toBe('SIGTERM')
    expect(stdout).toContain('settled 100001 0\n')
    expect(stdout).toContain('closed 0\n')
  })

  test('an application with its own SIGTERM listener decides itself how to end', async () => {
    const program = startProgram('exit', 'own-listener', brokers)
    await program.printed('ready')
    program.child.kill('SIGTERM')
    const { code, stdout } = await program.end
    expect(code).toBe(7)
    expect(stdout).toContain('own listener 100001 0\n')
  })
})
