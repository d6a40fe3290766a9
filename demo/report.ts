import type { Tally } from './publish.ts'

/** Prints the one table and says whether everything is as it should be. */
export function reportTally(tally: Tally): boolean {
  const { acknowledged, failed, invalid, stopped, verifier, latencies } = tally
  // A record that was stored twice, or that nobody sent, shows in the length of the log even when it was never read.
  const extra = Math.max(verifier.duplicated, tally.stored - acknowledged)
  const milliseconds = (percentile: number): string => (latencies.percentile(percentile) / 1000).toFixed(2)
  printTable([
    ['topic', tally.topic || '(nothing was sent)'],
    ['records acknowledged', acknowledged.toLocaleString('en')],
    ['bytes of values', tally.bytes.toLocaleString('en')],
    [
      'throughput',
      `${Math.round(acknowledged / tally.seconds).toLocaleString('en')} records/s, with reading back alongside`,
    ],
    ['acknowledged after', `p50 ${milliseconds(50)} ms, p99 ${milliseconds(99)} ms`],
    ['read back and equal', verifier.verified.toLocaleString('en')],
    ['missing', String(verifier.outstanding)],
    ['duplicated', String(extra)],
    ['reordered in a key', String(verifier.reordered)],
    ['different', String(verifier.different)],
    ['failed sends', String(failed)],
    [
      'invalid records',
      `${invalid}${invalid === 0 ? '' : stopped ? ', stopped at the first (--skip-invalid goes on)' : ', skipped'}`,
    ],
    ['peak memory', `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`],
  ])
  const wrong = verifier.outstanding + extra + verifier.reordered + verifier.different + failed
  const succeeded = wrong === 0 && !stopped && acknowledged > 0 && verifier.verified === acknowledged
  let verdict = 'NOT as it should be: see the table.'
  if (succeeded) verdict = 'Every record arrived once, in order and unchanged.'
  else if (wrong + invalid === 0) verdict = 'The input held no records: nothing was published.'
  process.stdout.write(`${verdict}\n`)
  return succeeded
}

function printTable(rows: readonly (readonly [label: string, value: string])[]): void {
  const width = Math.max(...rows.map(([label]) => label.length))
  const line = '-'.repeat(width + 2 + Math.max(...rows.map(([, value]) => value.length)))
  const lines = rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`)
  process.stdout.write([line, ...lines, line, ''].join('\n'))
}
