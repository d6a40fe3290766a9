import { describe, expect, test } from 'vitest'
import { runCli } from './run-cli.ts'

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
    [[`${file}#Nope`], 'the file has no export Nope; its manifests are Grouped, ReadNotes, Stopping'],
    [[`${file}#notes`], 'notes is not a consumer manifest'],
    [['test/cli/manifests.ts'], 'the file exports no consumer manifest'],
    [['--nonsense'], 'nonsense'],
  ])('%j is wrong usage', async (args, message) => {
    const { status, stderr } = await runCli(['consume', ...args])
    expect(status).toBe(2)
    expect(stderr).toContain(message)
  })
})
