import { describe, expect, test } from 'vitest'
import { runCli, startCli } from './run-cli.ts'

const file = 'test/cli/consumers.ts'

describe.concurrent('postrider consume', () => {
  test('handles what comes until a signal, says what it does, and ends with 0', async () => {
    const { status, stdout, stderr } = await runCli(['consume', `${file}#ReadNotes`], {
      environment: { END_AT: 'two' },
    })
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout.split('\n').toSorted((a, b) => a.localeCompare(b))).toEqual([
      '',
      'read one',
      'read two',
      'ReadNotes: group readers reads notes; 2 attempts, 1 to 60000 ms apart, then to {topic}.dead-letter; offsets committed: interval',
    ])
  })

  test('ends with 1 when a message stops it, which it names without its payload', async () => {
    const { status, stderr } = await runCli(['consume', `${file}#Stopping`], { environment: { FAIL_AT: 'two' } })
    expect(status).toBe(1)
    expect(stderr).toContain('Stopping: HANDLER_FAILED: The handler of Stopping failed: it threw Error.\n')
    expect(stderr).toContain('Stopping: offset 1 of partition 0 of notes: stop\n')
    expect(stderr).not.toContain('secret')
  })

  test('ends with 3 when a handler outlives stopTimeoutMs, though it keeps the process alive', async () => {
    const cli = startCli(['consume', `${file}#Hanging`], { environment: { POSTRIDER_STOP_TIMEOUT_MS: '50' } })
    await cli.printed(/hangs at one/)
    cli.kill('SIGTERM')
    const { status, stderr } = await cli.end
    expect([status, stderr]).toEqual([3, ''])
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('a second %s does not wait for handlers, and ends with %d', async (signal, expected) => {
    const cli = startCli(['consume', `${file}#Hanging`], { environment: { POSTRIDER_STOP_TIMEOUT_MS: '3600000' } })
    await cli.printed(/hangs at one/)
    // The second one counts from a second after the first.
    const again = setInterval(() => cli.kill(signal), 100)
    const { status } = await cli.end
    clearInterval(again)
    expect(status).toBe(expected)
  })

  test('ends with 0 though the file leaves something open', async () => {
    const { status } = await runCli(['consume', `${file}#Leaving`], { environment: { END_AT: 'two' } })
    expect(status).toBe(0)
  })

  test('--health-port answers probes, and prints where', async () => {
    const cli = startCli(['consume', `${file}#ReadNotes`, '--health-port', '0'])
    const [, address] = await cli.printed(/^health: (http:\S+)$/m)
    await cli.printed(/read two/)
    const response = await fetch(`${address}/health`)
    expect([response.status, await response.json()]).toMatchObject([200, { consumers: [{ manifest: 'ReadNotes' }] }])
    cli.kill('SIGTERM')
    expect((await cli.end).status).toBe(0)
  })

  test('a port that is taken is told, and ends with 1', async () => {
    const cli = startCli(['consume', `${file}#ReadNotes`, '--health-port', '0'])
    const [, port] = await cli.printed(/^health: http:.*:(\d+)$/m)
    const { status, stderr } = await runCli(['consume', `${file}#ReadNotes`, '--health-port', port!])
    expect([status, stderr]).toEqual([1, `Cannot listen on 127.0.0.1:${port}: the port is in use.\n`])
    cli.kill('SIGTERM')
    await cli.end
  })

  test('--group is for manifests that have none', async () => {
    const { status, stdout } = await runCli(['consume', `${file}#Grouped`, '--group', 'night'])
    expect(status).toBe(0)
    expect(stdout).toContain('Grouped: group night reads notes')
    const without = await runCli(['consume', `${file}#Grouped`])
    expect(without.status).toBe(1)
    expect(without.stderr).toContain('consumers.Grouped.group is not set')
  })

  test.each([
    [[], 'name one file'],
    [[`${file}#Nope`], 'the file has no export Nope; its manifests are Grouped, Hanging, Leaving, ReadNotes, Stopping'],
    [[`${file}#notes`], 'notes is not a consumer manifest'],
    [['test/cli/manifests.ts'], 'the file exports no consumer manifest'],
    [['--nonsense'], 'nonsense'],
    [[`${file}#ReadNotes`, '--health-port', 'http'], 'cannot be "http": expected an integer'],
  ])('%j is wrong usage', async (args, message) => {
    const { status, stderr } = await runCli(['consume', ...args])
    expect(status).toBe(2)
    expect(stderr).toContain(message)
  })
})
