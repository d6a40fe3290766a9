import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runConsumers } from '../../src/cli/consumers.ts'
import type { ConsumersHealth } from '../../src/index.ts'
import { catchRejection } from '../catch-error.ts'
import { runCli, startCli, type CliRun, type RunningCli } from './run-cli.ts'

const file = 'test/cli/consumers.ts'
let scratch: string
beforeAll(() => void (scratch = mkdtempSync(join(tmpdir(), 'postrider-'))))
afterAll(() => rmSync(scratch, { recursive: true }))

describe('postrider consumers', () => {
  let socket: string
  let consuming: RunningCli
  beforeAll(async () => {
    socket = join(scratch, 'control', 'a.sock')
    consuming = startCli(['consume', `${file}#ReadNotes`, '--control', socket])
    await consuming.printed(/read two/)
  })
  afterAll(async () => {
    consuming.kill('SIGTERM')
    expect((await consuming.end).status).toBe(0)
    expect(existsSync(socket), 'the socket is gone').toBe(false)
  })

  const run = (...args: string[]): Promise<CliRun> => runCli(['consumers', ...args, '--control', socket])
  async function health(): Promise<ConsumersHealth> {
    const { status, stdout } = await run('health')
    expect(status).toBe(0)
    return JSON.parse(stdout) as ConsumersHealth
  }

  test('finds the process by a socket that is closed to other users', async () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    const { status, stdout, stderr } = await run('status')
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain(
      'running: alive, ready\nReadNotes (group readers): 2 handled, 0 put off, 0 rejected, 0 dead letters\n',
    )
    expect(stdout).toMatch(/^ {2}notes\/0: position 2, /m)
  })

  test('pauses a consumer for a time, which status shows with its reason, and resumes it', async () => {
    const { status, stdout } = await run('pause', 'ReadNotes', '--reason', 'the API is down', '--for', '1h')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^ {2}held back by operator since \d+ s, for another \d+ min: the API is down$/m)
    const [pause] = (await health()).consumers[0]!.pauses
    expect(pause).toMatchObject({ owner: 'operator', reason: 'the API is down', until: expect.any(Number) })
    expect((await run('resume', 'ReadNotes')).stdout).not.toContain('held back')
  })

  test('pauses one partition, and resumes it', async () => {
    const partition = ['--topic', 'notes', '--partition', '0']
    await run('pause', 'ReadNotes', ...partition, '--reason', 'look at it')
    const [consumer] = (await health()).consumers
    expect(consumer!.pauses).toEqual([])
    expect(consumer!.partitions[0]!.pauses).toMatchObject([{ owner: 'operator', reason: 'look at it' }])
    await run('resume', 'ReadNotes', ...partition)
    expect((await health()).consumers[0]!.partitions[0]!.pauses).toEqual([])
  })

  test.each(['0', '2020-01-01T00:00:00Z', 'earliest'])('moves a partition to %s', async (to) => {
    const before = (await health()).consumers[0]!.handled
    const moved = await run('seek', 'ReadNotes', '--topic', 'notes', '--partition', '0', '--to', to)
    expect([moved.status, moved.stderr]).toEqual([0, ''])
    await consuming.printed(new RegExp(`(read two[^]*){${before / 2 + 1}}`))
  })

  test('says what is refused', async () => {
    const unknown = await run('resume', 'Bills')
    expect([unknown.status, unknown.stderr]).toEqual([1, 'No consumer Bills runs here; there runs ReadNotes.\n'])
    const elsewhere = await run('pause', 'ReadNotes', '--reason', 'a', '--topic', 'notes', '--partition', '9')
    expect([elsewhere.status, elsewhere.stderr]).toEqual([1, expect.stringContaining('partition 9 of notes is not')])
    const bad = await run('pause', 'ReadNotes', '--reason', 'a\nb')
    expect([bad.status, bad.stderr]).toEqual([2, expect.stringContaining('in one line')])
  })

  test('a second process does not take its socket', async () => {
    const { status, stderr } = await runCli(['consume', `${file}#ReadNotes`, '--control', socket])
    expect([status, stderr]).toEqual([1, `Cannot listen on ${socket}: another process listens there.\n`])
    expect((await run('status')).status).toBe(0)
  })
})

test('the path may come from the environment, for both sides', async () => {
  const environment = { POSTRIDER_CONTROL_SOCKET: join(scratch, 'b', 'a.sock') }
  const consuming = startCli(['consume', `${file}#ReadNotes`], { environment })
  await consuming.printed(/^control: .*a\.sock$/m)
  expect((await runCli(['consumers', 'status'], { environment })).stdout).toContain('ReadNotes')
  consuming.kill('SIGTERM')
  await consuming.end
})

test('a socket that a killed process left is told, and taken over by the next one', async () => {
  const socket = join(scratch, 'c', 'a.sock')
  const args = ['consume', `${file}#ReadNotes`, '--control', socket]
  const killed = startCli(args)
  await killed.printed(/^control: /m)
  killed.kill('SIGKILL')
  await killed.end
  const { status, stderr } = await runCli(['consumers', 'status', '--control', socket])
  expect([status, stderr]).toEqual([1, `No consumers answer at ${socket}: the process that made the socket is gone.\n`])
  const next = startCli(args)
  await next.printed(/^control: /m)
  expect((await runCli(['consumers', 'status', '--control', socket])).status).toBe(0)
  next.kill('SIGTERM')
  await next.end
})

describe('wrong usage is', () => {
  test.each([
    [[], 'say one of status, health, pause, resume, seek'],
    [['stop'], 'say one of'],
    [['status', 'A'], 'status takes no consumer'],
    [['pause', '--reason', 'a'], 'pause needs the name of one consumer'],
    [['pause', 'A', 'B', '--reason', 'a'], 'pause needs the name of one consumer'],
    [['pause', 'A'], '--reason is missing'],
    [['pause', 'A', '--reason', 'a', '--for', 'long'], '--for must be a number with one of ms, s, m, h, d'],
    [['pause', 'A', '--reason', 'a', '--for', '0s'], '--for must be a number'],
    [['resume', 'A', '--reason', 'a'], '--reason is nothing for resume'],
    [['resume', 'A', '--topic', 't'], '--topic and --partition go together'],
    [['resume', 'A', '--topic', 't', '--partition', 'x'], '--partition must be a number from 0'],
    [['seek', 'A', '--to', '1'], '--topic and --partition are missing'],
    [['seek', 'A', '--topic', 't', '--partition', '0'], '--to is missing'],
    [['seek', 'A', '--topic', 't', '--partition', '0', '--to', 'yesterday'], '--to must be an offset'],
    [['status'], '--control is missing'],
  ])('%j', async (args, message) => {
    const { stdin, stdout, stderr } = process
    const error = await catchRejection(runConsumers(args, { stdin, stdout, stderr, environment: {} }))
    expect(error).toMatchObject({ code: 'INPUT_INVALID' })
    expect(error.message).toContain(message)
  })

  test('told with the options, and ends with 2', async () => {
    const { status, stdout, stderr } = await runCli(['consumers', 'status', '--nonsense'])
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain("Unknown option '--nonsense'")
    expect(stderr).toContain('--control PATH')
  })
})
