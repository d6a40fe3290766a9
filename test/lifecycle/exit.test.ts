import { describe, expect, test } from 'vitest'
import { withMockCluster } from '../with-mock-cluster.ts'
import { startProgram } from './run-program.ts'

describe('closeOnExit', () => {
  const cluster = withMockCluster()

  test('a process with nothing left to do ends by itself, after what it sent is acknowledged', async () => {
    const { code, stdout, stderr } = await startProgram('exit', 'end', cluster.address).end
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe('closed 0\n')
  })

  test('SIGTERM closes, lets everything settle, and then ends the process as it would have', async () => {
    const program = startProgram('exit', 'stream', cluster.address)
    await program.printed('ready')
    program.child.kill('SIGTERM')
    const { signal, stdout } = await program.end
    expect(signal).toBe('SIGTERM')
    expect(stdout).toContain('settled 100001 0\n')
    expect(stdout).toContain('closed 0\n')
  })

  test('SIGTERM lets handlers end, which may still send, and commits what they did, before producers close', async () => {
    const program = startProgram('consume')
    await program.printed('begun')
    program.child.kill('SIGTERM')
    const { signal, stdout } = await program.end
    expect([signal, stdout]).toEqual(['SIGTERM', 'begun\nclosed [ 1 ] 1\n'])
  })

  test('an application with its own SIGTERM listener decides itself how to end, and may send until then', async () => {
    const program = startProgram('exit', 'ownListener', cluster.address)
    await program.printed('ready')
    program.child.kill('SIGTERM')
    const { code, stdout } = await program.end
    expect(code).toBe(7)
    expect(stdout).toContain('own listener 100001 0\nclosed 0\n')
  })

  test('a listener that ends the process only where nobody else listens finds nobody else', async () => {
    const program = startProgram('exit', 'countingListener', cluster.address)
    await program.printed('ready')
    program.child.kill('SIGTERM')
    const { signal, stdout } = await program.end
    expect(signal).toBe('SIGTERM')
    expect(stdout).toContain('listeners 1\n')
  })

  test('several instances close all, and the signal ends the process once', async () => {
    const program = startProgram('exit', 'twoInstances', cluster.address)
    await program.printed('ready')
    program.child.kill('SIGTERM')
    const { signal, stdout } = await program.end
    expect(signal).toBe('SIGTERM')
    expect(stdout.match(/closed 0/g)).toHaveLength(2)
  })

  test('a signal that the application takes and goes on after leaves the registry open, and the next one closes it', async () => {
    const program = startProgram('exit', 'ignoredSignal', cluster.address)
    await program.printed('ready')
    program.child.kill('SIGINT')
    await program.printed('went on 2 0')
    program.child.kill('SIGINT')
    const { signal, stdout } = await program.end
    expect(signal).toBe('SIGINT')
    expect(stdout).toContain('closed 0\n')
  })

  test('a second signal a second later does not wait for the broker any more; one at once is the same signal', async () => {
    const program = startProgram('exit', 'stuck', cluster.address)
    await program.printed('ready')
    // It sends itself the second one, at once.
    program.child.kill('SIGTERM')
    await program.printed('later')
    program.child.kill('SIGTERM')
    const { signal, stdout } = await program.end
    expect({ signal, stdout }).toEqual({ signal: 'SIGTERM', stdout: 'ready\nclosing\nlater\n' })
  })

  test('a process whose producer could not be built ends by itself, too', async () => {
    const { code, stdout } = await startProgram('exit', 'failedBuild', cluster.address).end
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'MANIFEST_INVALID\nclosed 0\n' })
  })

  test('without it a connected client keeps the process going', async () => {
    const program = startProgram('exit', 'off', cluster.address)
    await program.printed('ready')
    program.child.kill('SIGTERM')
    expect(await program.end).toMatchObject({ signal: 'SIGTERM', stdout: 'ready\n' })
  })
})
