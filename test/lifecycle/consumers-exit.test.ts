import { setTimeout as delay } from 'node:timers/promises'
import { onTestFinished, describe, expect, test } from 'vitest'
import { ConsumerManifest, createMessaging, ProducerManifest, type ReceivedMessage } from '../../src/index.ts'
import { Collected } from '../consumer/consume.ts'
import { withMockCluster } from '../with-mock-cluster.ts'
import { startProgram, type RunningProgram } from './run-program.ts'

describe('a process with consumers', () => {
  const cluster = withMockCluster()

  /** The program, and who sends to the topic that it reads, in order. The topic is there before it starts. */
  async function start(what: string): Promise<{ program: RunningProgram; ask: (text: string) => Promise<unknown> }> {
    class Asked extends ProducerManifest<string> {
      override readonly topic = `questions-${what}`
      override readonly codec = 'string'
    }
    const messaging = createMessaging({ brokers: cluster.brokers, closeOnExit: false }, {})
    const ask = (text: string): Promise<unknown> => messaging.registry.send(Asked, text, { partition: 0 })
    await ask('first')
    const program = startProgram('run-consumers', what, cluster.address)
    onTestFinished(async () => {
      program.child.kill('SIGKILL')
      await Promise.all([program.end, messaging.close()])
    })
    return { program, ask }
  }

  /** The messages that the group of the program gets now, up to one that is sent now. */
  async function nextOf(what: string, ask: (text: string) => Promise<unknown>): Promise<readonly string[]> {
    const seen = new Collected<string>()
    const last = Promise.withResolvers<void>()
    class Next extends ConsumerManifest<string> {
      override readonly topic = `questions-${what}`
      override readonly group = `group-${what}`
      override readonly codec = 'string'
      override readonly protocol = 'consumer'
      override handle({ payload }: ReceivedMessage<string>): void {
        seen.add(payload!)
        if (payload === 'last') last.resolve()
      }
    }
    await using messaging = createMessaging({ brokers: cluster.brokers, closeOnExit: false }, {})
    await messaging.consumers.run([Next])
    await ask('last')
    await last.promise
    return seen.values
  }

  test('goes on though nothing is there to handle, until it is told to end', async () => {
    const { program, ask } = await start('idle')
    await program.printed('handles first')
    // Many times what a process that only sends would wait before it ends.
    await delay(1500)
    await ask('second')
    await program.printed('handles second')
    program.child.kill('SIGTERM')
    const { signal, stdout } = await program.end
    expect(signal).toBe('SIGTERM')
    expect(stdout).toContain('stopped 0\nclosed\n')
    expect(await nextOf('idle', ask)).toEqual(['last'])
  })

  test('lets handlers end on a signal, which may send, and commits what they did before producers close', async () => {
    const { program, ask } = await start('drain')
    await program.printed('handles first')
    program.child.kill('SIGTERM')
    const { signal, stdout } = await program.end
    expect([signal, stdout]).toEqual(['SIGTERM', expect.stringMatching(/stopped 0\nclosed\n$/)])
    expect(await nextOf('drain', ask)).toEqual(['last'])
  })

  test('does not wait for handlers after a second signal a second later', async () => {
    const { program } = await start('stuck')
    await program.printed('handles first')
    program.child.kill('SIGINT')
    await program.printed('later')
    program.child.kill('SIGINT')
    const { signal, stdout } = await program.end
    expect(signal).toBe('SIGINT')
    expect(stdout).not.toContain('closed')
  })

  test('aborts handlers that take longer than stopTimeoutMs, and commits nothing of them', async () => {
    const { program, ask } = await start('late')
    await program.printed('handles first')
    program.child.kill('SIGTERM')
    const { signal, stdout } = await program.end
    expect([signal, stdout]).toEqual(['SIGTERM', expect.stringMatching(/aborted\nstopped 1\nclosed\n$/)])
    expect(await nextOf('late', ask)).toEqual(['first', 'last'])
  })

  test('ends by itself once they are stopped', async () => {
    const { program } = await start('stopped')
    expect(await program.end).toMatchObject({ code: 0, signal: null, stderr: '' })
  })

  test('ends by itself after a message that stopped them, with the status that the application gives it', async () => {
    const { program, ask } = await start('failed')
    const { code, stdout } = await program.end
    expect([code, stdout]).toEqual([5, expect.stringContaining('HANDLER_FAILED\n')])
    expect(await nextOf('failed', ask)).toEqual(['first', 'last'])
  })

  test('ends at once where closeOnExit is off', async () => {
    const { program } = await start('off')
    await program.printed('handles first')
    program.child.kill('SIGTERM')
    const { signal, stdout } = await program.end
    expect(signal).toBe('SIGTERM')
    expect(stdout).not.toContain('stopped')
  })
})
